"""The watchman's guards in the database: what was judged, announced and attempted is written once."""

from django.db import migrations

APPEND_ONLY = ("alerts_evaluationpoint", "alerts_event", "alerts_attempt", "alerts_policy")


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("alerts", "0002_initial"), ("portfolio", "0002_guards")]
    operations = [*(_guard(table) for table in APPEND_ONLY)]
