"""What governance writes once, and approvals: asked undecided, decided once, never rewritten."""

from django.db import migrations

APPEND_ONLY = (
    "portfolio_baseline",
    "portfolio_strategicterms",
    "portfolio_differentiation",
    "portfolio_decision",
    "portfolio_stagechange",
    "portfolio_scorecardthresholds",
    "portfolio_hypothesis",
)

APPROVALS = """
CREATE FUNCTION hurdle_guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'requests for approval are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.decision <> '' THEN
            RAISE EXCEPTION 'a request is asked before it is decided' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.decision <> '' THEN
        RAISE EXCEPTION 'a decided request stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (OLD.public_id, OLD.portfolio_id, OLD.kind, OLD.subject, OLD.content_hash, OLD.content, OLD.summary,
        OLD.author_id, OLD.asked_at)
       IS DISTINCT FROM
       (NEW.public_id, NEW.portfolio_id, NEW.kind, NEW.subject, NEW.content_hash, NEW.content, NEW.summary,
        NEW.author_id, NEW.asked_at) THEN
        RAISE EXCEPTION 'what was asked for cannot be changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_guard BEFORE INSERT OR UPDATE OR DELETE ON portfolio_approval
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_approval();
CREATE TRIGGER approval_not_emptied BEFORE TRUNCATE ON portfolio_approval
    FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();
"""

REVERSE = """
DROP TRIGGER approval_not_emptied ON portfolio_approval;
DROP TRIGGER approval_guard ON portfolio_approval;
DROP FUNCTION hurdle_guard_approval();
"""


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0004_governance")]
    operations = [migrations.RunSQL(APPROVALS, REVERSE), *(_guard(table) for table in APPEND_ONLY)]
