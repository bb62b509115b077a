"""Only a decision closes a review for good, and whoever owns an investment does not decide on it."""

from django.db import migrations

GUARDS = """
CREATE FUNCTION hurdle_guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'reviews are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'review % is closed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER review_guard BEFORE UPDATE OR DELETE ON portfolio_review
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_review();
CREATE TRIGGER review_not_emptied BEFORE TRUNCATE ON portfolio_review
    FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();

CREATE FUNCTION hurdle_check_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'decided' AND NOT EXISTS (SELECT FROM portfolio_decision WHERE review_id = NEW.id) THEN
        RAISE EXCEPTION 'review % cannot be decided without a decision', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
-- At commit: the decision and the end of its review are written in one transaction, in either order.
CREATE CONSTRAINT TRIGGER review_decided_by_decision AFTER INSERT OR UPDATE ON portfolio_review
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hurdle_check_decided();

CREATE FUNCTION hurdle_check_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM portfolio_investment WHERE id = NEW.investment_id AND owner_id = NEW.decided_by_id) THEN
        RAISE EXCEPTION 'the owner of an investment does not decide on it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_decider BEFORE INSERT ON portfolio_decision
    FOR EACH ROW EXECUTE FUNCTION hurdle_check_decider();
"""

REVERSE = """
DROP TRIGGER decision_decider ON portfolio_decision;
DROP FUNCTION hurdle_check_decider();
DROP TRIGGER review_decided_by_decision ON portfolio_review;
DROP FUNCTION hurdle_check_decided();
DROP TRIGGER review_not_emptied ON portfolio_review;
DROP TRIGGER review_guard ON portfolio_review;
DROP FUNCTION hurdle_guard_review();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0005_governance_guards")]
    operations = [migrations.RunSQL(GUARDS, REVERSE)]
