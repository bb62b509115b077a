"""Changes of a hurdle or an approved plan carry the approval of a second person, whoever writes the row."""

from django.db import migrations

SECOND_PERSON = """
-- What was allowed, for a row that carries an approval; raises where nobody else has allowed such a row.
CREATE FUNCTION hurdle_allowed(approval bigint, wanted text, portfolio bigint, about uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE held portfolio_approval%ROWTYPE;
BEGIN
    SELECT * INTO held FROM portfolio_approval WHERE id = approval;
    IF NOT FOUND OR held.kind <> wanted OR held.portfolio_id <> portfolio OR held.subject <> about
       OR held.decision <> 'approved' OR held.approver_id IS NULL OR held.approver_id = held.author_id THEN
        RAISE EXCEPTION 'a change of kind % needs the approval of a second person', wanted
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN held.content;
END $$;

CREATE FUNCTION hurdle_refuse_unlike(wanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was allowed for % is something else', wanted USING ERRCODE = 'insufficient_privilege';
END $$;
"""

ASSUMPTIONS = """
CREATE FUNCTION hurdle_guard_hurdle_rate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before numeric;
    is_first boolean;
    about uuid;
    is_proposed boolean := false;
    said jsonb;
BEGIN
    SELECT hurdle_rate INTO before FROM portfolio_assumptions
     WHERE (NEW.investment_id IS NULL AND investment_id IS NULL AND portfolio_id = NEW.portfolio_id)
        OR (NEW.investment_id IS NOT NULL AND investment_id = NEW.investment_id)
     ORDER BY batch_id DESC, id DESC LIMIT 1;
    is_first := NOT FOUND;
    IF NEW.investment_id IS NULL THEN
        SELECT public_id INTO about FROM portfolio_portfolio WHERE id = NEW.portfolio_id;
        is_first := is_first OR before IS NULL;
    ELSE
        SELECT public_id, stage = 'proposed' INTO about, is_proposed
          FROM portfolio_investment WHERE id = NEW.investment_id;
        -- What is proposed has no hurdle that somebody has agreed to, unless it was set for it.
        is_first := before IS NULL AND is_proposed;
    END IF;
    IF is_first OR NEW.hurdle_rate IS NOT DISTINCT FROM before THEN
        RETURN NEW;
    END IF;
    said := hurdle_allowed(NEW.approval_id, 'hurdle_rate', NEW.portfolio_id, about);
    IF (said ->> 'hurdle_rate')::numeric(12, 8) IS DISTINCT FROM NEW.hurdle_rate THEN
        PERFORM hurdle_refuse_unlike('hurdle_rate');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER assumptions_four_eyes BEFORE INSERT ON portfolio_assumptions
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_hurdle_rate();
CREATE UNIQUE INDEX assumptions_approval_once ON portfolio_assumptions (approval_id);
"""

PLANS = """
CREATE FUNCTION hurdle_guard_plan_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said jsonb;
    decider bigint;
    place bigint;
    about uuid;
BEGIN
    SELECT portfolio_id, public_id INTO place, about FROM portfolio_investment WHERE id = NEW.investment_id;
    IF EXISTS (SELECT FROM portfolio_planapproval WHERE investment_id = NEW.investment_id) THEN
        said := hurdle_allowed(NEW.approval_id, 'plan', place, about);
        IF (said ->> 'version')::integer IS DISTINCT FROM NEW.version THEN
            PERFORM hurdle_refuse_unlike('plan');
        END IF;
        SELECT approver_id INTO decider FROM portfolio_approval WHERE id = NEW.approval_id;
    ELSE
        SELECT actor_id INTO decider FROM portfolio_batch WHERE id = NEW.batch_id;
    END IF;
    IF decider IS NULL OR EXISTS (
        SELECT FROM portfolio_entry e JOIN portfolio_batch b ON b.id = e.batch_id
         WHERE e.investment_id = NEW.investment_id AND e.book = 'plan' AND e.book_version = NEW.version
           AND b.actor_id = decider
    ) THEN
        RAISE EXCEPTION 'a plan is approved by somebody else than its author' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER planapproval_four_eyes BEFORE INSERT ON portfolio_planapproval
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_plan_approval();
CREATE UNIQUE INDEX planapproval_approval_once ON portfolio_planapproval (approval_id);

CREATE FUNCTION hurdle_guard_approved_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approved_plan_version IS DISTINCT FROM (
        SELECT version FROM portfolio_planapproval WHERE investment_id = NEW.id ORDER BY batch_id DESC, id DESC LIMIT 1
    ) THEN
        RAISE EXCEPTION 'which plan is approved is said by its approval' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER investment_approved_version BEFORE UPDATE OF approved_plan_version ON portfolio_investment
    FOR EACH ROW WHEN (OLD.approved_plan_version IS DISTINCT FROM NEW.approved_plan_version)
    EXECUTE FUNCTION hurdle_guard_approved_version();
CREATE TRIGGER investment_no_approved_version BEFORE INSERT ON portfolio_investment
    FOR EACH ROW WHEN (NEW.approved_plan_version IS NOT NULL)
    EXECUTE FUNCTION hurdle_guard_approved_version();
"""

REVERSE = """
DROP TRIGGER investment_no_approved_version ON portfolio_investment;
DROP TRIGGER investment_approved_version ON portfolio_investment;
DROP FUNCTION hurdle_guard_approved_version();
DROP INDEX planapproval_approval_once;
DROP TRIGGER planapproval_four_eyes ON portfolio_planapproval;
DROP FUNCTION hurdle_guard_plan_approval();
DROP INDEX assumptions_approval_once;
DROP TRIGGER assumptions_four_eyes ON portfolio_assumptions;
DROP FUNCTION hurdle_guard_hurdle_rate();
DROP FUNCTION hurdle_refuse_unlike(text);
DROP FUNCTION hurdle_allowed(bigint, text, bigint, uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0006_decision_guards")]
    operations = [migrations.RunSQL(SECOND_PERSON + ASSUMPTIONS + PLANS, REVERSE)]
