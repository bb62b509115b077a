"""The overlays' guard in the database: who has seen what is written once."""

from django.db import migrations

_TABLE = "alerts_acknowledgment"


class Migration(migrations.Migration):
    dependencies = [("alerts", "0004_overlays_routes_and_audit"), ("portfolio", "0002_guards")]
    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {_TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {_TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
            f"DROP TRIGGER {_TABLE}_append_only ON {_TABLE};",
        )
    ]
