"""The first month with a benefit in the approved plan: what arms the rules where nobody stated a live month."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("roi", "0007_remembered_reallocations")]
    operations = [
        migrations.AddField("snapshothead", "planned_live_month", models.DateField(null=True)),
    ]
