"""A review that an alert opened ends by a decision, or by the retraction of that alert: whoever writes the row."""

from django.db import migrations

GUARD = """
CREATE FUNCTION hurdle_check_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM alerts_episode p
         WHERE p.public_id = NEW.origin_ref
           AND NOT EXISTS (SELECT FROM alerts_event e WHERE e.episode_id = p.id AND e.kind = 'retracted')
    ) AND NOT EXISTS (
        SELECT FROM portfolio_decision d WHERE d.investment_id = NEW.investment_id AND d.kind = 'kill'
    ) THEN
        RAISE EXCEPTION 'review % ends by a decision, or with the retraction of its alert', NEW.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
-- At commit: the event, the decision and the end of the review are written in one transaction, in any order.
CREATE CONSTRAINT TRIGGER review_withdrawn_with_its_alert AFTER INSERT OR UPDATE ON portfolio_review
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.origin = 'alert' AND NEW.state = 'withdrawn')
    EXECUTE FUNCTION hurdle_check_withdrawn();
"""
REVERSE = """
DROP TRIGGER review_withdrawn_with_its_alert ON portfolio_review;
DROP FUNCTION hurdle_check_withdrawn();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0008_policy_four_eyes"), ("portfolio", "0009_tighter_guards")]
    operations = [migrations.RunSQL(GUARD, REVERSE)]
