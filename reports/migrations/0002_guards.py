"""The archive's guard in the database: what was reported is written once."""

from django.db import migrations

APPEND_ONLY = ("reports_archivedreport", "reports_reportfile")


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial"), ("portfolio", "0002_guards")]
    operations = [_guard(table) for table in APPEND_ONLY]
