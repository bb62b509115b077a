"""Reallocations: proposals of what to go on with; written once."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TABLE = "roi_reallocation"


class Migration(migrations.Migration):
    dependencies = [
        ("portfolio", "0005_governance_guards"),
        ("roi", "0005_pools"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reallocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("knowledge", models.BigIntegerField(help_text="Knowledge time of the facts.")),
                ("engine_version", models.PositiveSmallIntegerField()),
                ("inputs", models.JSONField(help_text="Limits and candidates; money in micro-units.")),
                ("content_hash", models.CharField(help_text="SHA-256 of inputs and result.", max_length=64)),
                (
                    "result",
                    models.JSONField(
                        help_text="Selection, next amount, frontier, regret; money in micro-units."
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reallocations",
                        to="portfolio.portfolio",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["portfolio", "-id"], name="reallocation_latest")],
            },
        ),
        migrations.RunSQL(
            f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
            f"DROP TRIGGER {TABLE}_append_only ON {TABLE};",
        ),
    ]
