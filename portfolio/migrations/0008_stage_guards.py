"""A stage changes by a recorded change that is allowed from where it stands: approved by two people, ended by decision."""

from django.db import migrations

# From each stage, where it may go: as `portfolio.gates.MOVES`, which a test compares.
MOVES = (
    ("proposed", ("approved", "decommissioning", "pivoted", "killed")),
    ("approved", ("pilot", "scaled", "decommissioning", "pivoted", "killed")),
    ("pilot", ("scaled", "decommissioning", "pivoted", "killed")),
    ("scaled", ("maintained", "decommissioning", "pivoted", "killed")),
    ("maintained", ("scaled", "decommissioning", "pivoted", "killed")),
    ("decommissioning", ("retired", "pivoted", "killed")),
    ("pivoted", ("proposed", "decommissioning", "killed")),
)
DECISIONS = (
    ("decommissioning", ("sunset", "replace", "pull_back", "kill")),
    ("retired", ("sunset", "replace", "pull_back", "kill")),
    ("killed", ("sunset", "kill")),
    ("pivoted", ("pivot",)),
)


def _pairs(table):
    return ", ".join(f"('{first}', '{second}')" for first, seconds in table for second in seconds)


GUARDS = f"""
CREATE FUNCTION hurdle_guard_stage_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held portfolio_investment%ROWTYPE;
    said jsonb;
BEGIN
    SELECT * INTO held FROM portfolio_investment WHERE id = NEW.investment_id;
    IF NEW.from_stage <> held.stage THEN
        RAISE EXCEPTION 'the investment is %, not %', held.stage, NEW.from_stage USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.from_stage, NEW.to_stage) NOT IN (VALUES {_pairs(MOVES)}) THEN
        RAISE EXCEPTION 'what is % does not become %', NEW.from_stage, NEW.to_stage
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.to_stage = 'approved' THEN
        said := hurdle_allowed(NEW.approval_id, 'stage', held.portfolio_id, held.public_id);
        IF said ->> 'to_stage' IS DISTINCT FROM NEW.to_stage OR said ->> 'from_stage' IS DISTINCT FROM NEW.from_stage THEN
            PERFORM hurdle_refuse_unlike('stage');
        END IF;
    END IF;
    IF NEW.to_stage IN ('decommissioning', 'retired', 'killed', 'pivoted')
       AND (NEW.from_stage, NEW.to_stage) <> ('proposed', 'killed')
       AND NOT EXISTS (
            SELECT FROM portfolio_decision d
             WHERE d.id = NEW.decision_id AND d.investment_id = NEW.investment_id
               AND (NEW.to_stage, d.kind) IN (VALUES {_pairs(DECISIONS)})
       ) THEN
        RAISE EXCEPTION 'an investment becomes % by a decision', NEW.to_stage USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stagechange_allowed BEFORE INSERT ON portfolio_stagechange
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_stage_change();
CREATE UNIQUE INDEX stagechange_approval_once ON portfolio_stagechange (approval_id);

CREATE FUNCTION hurdle_guard_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (OLD.stage, NEW.stage) IS DISTINCT FROM (
        SELECT (from_stage, to_stage) FROM portfolio_stagechange
         WHERE investment_id = NEW.id ORDER BY batch_id DESC, id DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'a stage is entered by a recorded change' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER investment_stage BEFORE UPDATE OF stage ON portfolio_investment
    FOR EACH ROW WHEN (OLD.stage IS DISTINCT FROM NEW.stage) EXECUTE FUNCTION hurdle_guard_stage();
CREATE TRIGGER investment_first_stage BEFORE INSERT ON portfolio_investment
    FOR EACH ROW WHEN (NEW.stage <> 'proposed') EXECUTE FUNCTION hurdle_guard_stage();
"""

REVERSE = """
DROP TRIGGER investment_first_stage ON portfolio_investment;
DROP TRIGGER investment_stage ON portfolio_investment;
DROP FUNCTION hurdle_guard_stage();
DROP INDEX stagechange_approval_once;
DROP TRIGGER stagechange_allowed ON portfolio_stagechange;
DROP FUNCTION hurdle_guard_stage_change();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0007_four_eyes")]
    operations = [migrations.RunSQL(GUARDS, REVERSE)]
