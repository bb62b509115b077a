"""A policy that takes the place of another carries the approval of a second person, whoever writes the row."""

from django.db import migrations

GUARD = """
CREATE FUNCTION hurdle_guard_policy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb;
    place bigint;
    about uuid;
    is_like boolean;
BEGIN
    IF NEW.version = 1 THEN
        RETURN NEW;
    END IF;
    SELECT portfolio_id, public_id INTO place, about FROM portfolio_investment WHERE id = NEW.investment_id;
    said := hurdle_allowed(NEW.approval_id, 'policy', place, about);
    SELECT (rule, version, effective_month, is_enabled, basis, measure, hurdle, "window", for_months, keep_months,
            margin, armed_from_month, severity)
           IS NOT DISTINCT FROM
           (NEW.rule, NEW.version, NEW.effective_month, NEW.is_enabled, NEW.basis, NEW.measure, NEW.hurdle, NEW."window",
            NEW.for_months, NEW.keep_months, NEW.margin, NEW.armed_from_month, NEW.severity)
      INTO is_like
      FROM jsonb_to_record(said) AS allowed(
        rule text, version integer, effective_month date, is_enabled boolean, basis text, measure text,
        hurdle numeric(12, 8), "window" integer, for_months integer, keep_months integer, margin numeric(20, 8),
        armed_from_month integer, severity text);
    IF is_like IS NOT TRUE THEN
        PERFORM hurdle_refuse_unlike('policy');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_four_eyes BEFORE INSERT ON alerts_policy
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_policy();
CREATE UNIQUE INDEX policy_approval_once ON alerts_policy (approval_id);
"""

REVERSE = """
DROP INDEX policy_approval_once;
DROP TRIGGER policy_four_eyes ON alerts_policy;
DROP FUNCTION hurdle_guard_policy();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0007_policy_approval"), ("portfolio", "0007_four_eyes")]
    operations = [migrations.RunSQL(GUARD, REVERSE)]
