"""Answers of reallocations that were solved lately."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("roi", "0006_reallocations")]

    operations = [
        migrations.CreateModel(
            name="RememberedReallocation",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="SHA-256 of inputs and engine version.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("result", models.JSONField(help_text="As of a reallocation.")),
                ("solved_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
