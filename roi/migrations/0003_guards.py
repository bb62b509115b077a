"""The calculator's guards in the database: forecasts, submissions and negotiated prices are written once."""

from django.db import migrations

APPEND_ONLY = ("roi_forecast", "roi_casesubmission", "roi_priceoverride")


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("roi", "0002_cases_and_forecasts"), ("portfolio", "0002_guards")]
    operations = [*(_guard(table) for table in APPEND_ONLY)]
