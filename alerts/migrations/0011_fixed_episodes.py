"""What an alert is stays as it was when it opened: whoever writes the row."""

from django.db import migrations

GUARD = """
CREATE FUNCTION hurdle_check_episode() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'investment, rule, number and severity of alert % do not change', OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER episode_stays_itself BEFORE UPDATE ON alerts_episode FOR EACH ROW
    WHEN ((OLD.id, OLD.public_id, OLD.investment_id, OLD.rule, OLD.number, OLD.severity)
          IS DISTINCT FROM
          (NEW.id, NEW.public_id, NEW.investment_id, NEW.rule, NEW.number, NEW.severity))
    EXECUTE FUNCTION hurdle_check_episode();
"""
REVERSE = """
DROP TRIGGER episode_stays_itself ON alerts_episode;
DROP FUNCTION hurdle_check_episode();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0010_sound_notices")]
    operations = [migrations.RunSQL(GUARD, REVERSE)]
