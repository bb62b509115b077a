"""What a row alone could not say: whose batch an entry is of, who decides, what fixes months, what a review is about."""

import django.db.models.deletion
from django.db import migrations, models

ENTRIES = """
CREATE FUNCTION hurdle_check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE batch_id::text <> current_setting('hurdle.ledger_batch', true)) THEN
        RAISE EXCEPTION 'an entry is of the batch that is being written' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- A batch is written as a whole, by the transaction that opens it (or a savepoint of that: never older than it).
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT batch_id FROM added) a JOIN portfolio_batch b ON b.id = a.batch_id
         WHERE age(b.xmin) > age(pg_current_xact_id()::xid)
    ) THEN
        RAISE EXCEPTION 'a batch that was written stays as it is' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT FROM added a JOIN portfolio_planapproval p
            ON p.investment_id = a.investment_id AND p.version = a.book_version
         WHERE a.book = 'plan'
    ) THEN
        RAISE EXCEPTION 'a plan that was approved stays as it is; write a new version'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_of_its_batch AFTER INSERT ON portfolio_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION hurdle_check_entries();
"""

REVIEWS = """
CREATE OR REPLACE FUNCTION hurdle_guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'reviews are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'review % is closed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (OLD.public_id, OLD.investment_id, OLD.kind, OLD.origin, OLD.origin_ref, OLD.rule, OLD.question, OLD.follows_id,
        OLD.opened_by_id, OLD.opened_at)
       IS DISTINCT FROM
       (NEW.public_id, NEW.investment_id, NEW.kind, NEW.origin, NEW.origin_ref, NEW.rule, NEW.question, NEW.follows_id,
        NEW.opened_by_id, NEW.opened_at) THEN
        RAISE EXCEPTION 'what review % asks cannot be changed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""

# Whoever owned the investment while the review was open, or when it opened, has a side in it, whatever he owns now.
DECISIONS = """
CREATE FUNCTION hurdle_owned_since(investment bigint, person bigint, since timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM portfolio_investment WHERE id = investment AND owner_id = person)
        OR EXISTS (
            SELECT FROM portfolio_investmentevent e
             WHERE e.pgh_obj_id = investment AND e.owner_id = person
               AND (e.pgh_created_at >= since OR e.pgh_id = (
                    SELECT max(b.pgh_id) FROM portfolio_investmentevent b
                     WHERE b.pgh_obj_id = investment AND b.pgh_created_at < since)));
END $$;

CREATE OR REPLACE FUNCTION hurdle_check_decider() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held portfolio_review%ROWTYPE;
BEGIN
    SELECT * INTO held FROM portfolio_review WHERE id = NEW.review_id;
    IF NOT FOUND OR held.investment_id <> NEW.investment_id OR held.portfolio_id <> NEW.portfolio_id
       OR held.state <> 'open' THEN
        RAISE EXCEPTION 'a decision answers an open review of its investment' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF hurdle_owned_since(NEW.investment_id, NEW.decided_by_id, held.opened_at) THEN
        RAISE EXCEPTION 'the owner of an investment does not decide on it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (
        SELECT FROM portfolio_user u
         WHERE u.id = NEW.decided_by_id AND u.is_active AND (
            u.is_superuser
            OR EXISTS (SELECT FROM portfolio_membership m WHERE m.user_id = u.id AND m.portfolio_id = NEW.portfolio_id
                         AND m.role IN ('board', 'admin'))
            OR EXISTS (SELECT FROM portfolio_investment i WHERE i.id = NEW.investment_id AND i.sponsor_id = u.id))
    ) THEN
        RAISE EXCEPTION 'the board, an administrator or the sponsor decides' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION hurdle_check_review_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM portfolio_review WHERE id = NEW.review_id AND state = 'decided') THEN
        RAISE EXCEPTION 'a decision ends its review' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER decision_ends_review AFTER INSERT ON portfolio_decision
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hurdle_check_review_ended();
"""

# Months and horizon say which figures count and from when a threshold is looked at: approval fixes them.
TERMS = """
CREATE FUNCTION hurdle_guard_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before portfolio_investmentversion%ROWTYPE;
    held portfolio_investment%ROWTYPE;
    said jsonb;
    is_like boolean;
BEGIN
    SELECT * INTO held FROM portfolio_investment WHERE id = NEW.investment_id;
    SELECT * INTO before FROM portfolio_investmentversion
     WHERE investment_id = NEW.investment_id ORDER BY batch_id DESC, id DESC LIMIT 1;
    IF NOT FOUND OR held.stage = 'proposed'
       OR (before.portfolio_id, before.start_month, before.live_month, before.end_month, before.horizon_months)
          IS NOT DISTINCT FROM
          (NEW.portfolio_id, NEW.start_month, NEW.live_month, NEW.end_month, NEW.horizon_months) THEN
        RETURN NEW;
    END IF;
    said := hurdle_allowed(NEW.approval_id, 'terms', before.portfolio_id, held.public_id);
    SELECT (portfolio_id, start_month, live_month, end_month, horizon_months)
           IS NOT DISTINCT FROM
           (NEW.portfolio_id, NEW.start_month, NEW.live_month, NEW.end_month, NEW.horizon_months)
      INTO is_like
      FROM jsonb_to_record(said) AS allowed(
        portfolio_id bigint, start_month date, live_month date, end_month date, horizon_months smallint);
    IF is_like IS NOT TRUE THEN
        PERFORM hurdle_refuse_unlike('terms');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER investmentversion_four_eyes BEFORE INSERT ON portfolio_investmentversion
    FOR EACH ROW EXECUTE FUNCTION hurdle_guard_terms();
CREATE UNIQUE INDEX investmentversion_approval_once ON portfolio_investmentversion (approval_id);

CREATE FUNCTION hurdle_check_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM portfolio_investment i JOIN LATERAL (
            SELECT * FROM portfolio_investmentversion WHERE investment_id = i.id ORDER BY batch_id DESC, id DESC LIMIT 1
        ) v ON (v.portfolio_id, v.start_month, v.live_month, v.end_month, v.horizon_months)
               IS NOT DISTINCT FROM (i.portfolio_id, i.start_month, i.live_month, i.end_month, i.horizon_months)
         WHERE i.id = NEW.id
    ) THEN
        RAISE EXCEPTION 'the terms of an investment are those of its newest version'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
-- At commit: the investment and the version of its terms are written in one transaction.
CREATE CONSTRAINT TRIGGER investment_terms_versioned
    AFTER UPDATE OF portfolio_id, start_month, live_month, end_month, horizon_months ON portfolio_investment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.portfolio_id, OLD.start_month, OLD.live_month, OLD.end_month, OLD.horizon_months)
          IS DISTINCT FROM (NEW.portfolio_id, NEW.start_month, NEW.live_month, NEW.end_month, NEW.horizon_months))
    EXECUTE FUNCTION hurdle_check_terms();
"""

REVERSE_ENTRIES = "DROP TRIGGER entry_of_its_batch ON portfolio_entry; DROP FUNCTION hurdle_check_entries();"
REVERSE_REVIEWS = """
CREATE OR REPLACE FUNCTION hurdle_guard_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'reviews are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'review % is closed', OLD.id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
"""
REVERSE_DECISIONS = """
DROP TRIGGER decision_ends_review ON portfolio_decision;
DROP FUNCTION hurdle_check_review_ended();
CREATE OR REPLACE FUNCTION hurdle_check_decider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM portfolio_investment WHERE id = NEW.investment_id AND owner_id = NEW.decided_by_id) THEN
        RAISE EXCEPTION 'the owner of an investment does not decide on it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
DROP FUNCTION hurdle_owned_since(bigint, bigint, timestamptz);
"""
REVERSE_TERMS = """
DROP TRIGGER investment_terms_versioned ON portfolio_investment;
DROP FUNCTION hurdle_check_terms();
DROP INDEX investmentversion_approval_once;
DROP TRIGGER investmentversion_four_eyes ON portfolio_investmentversion;
DROP FUNCTION hurdle_guard_terms();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0008_stage_guards")]
    operations = [
        migrations.AddField(
            model_name="investmentversion",
            name="approval",
            field=models.ForeignKey(
                blank=True,
                help_text="What allowed new terms of an approved investment.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portfolio.approval",
            ),
        ),
        migrations.RunSQL(ENTRIES, REVERSE_ENTRIES),
        migrations.RunSQL(REVIEWS, REVERSE_REVIEWS),
        migrations.RunSQL(DECISIONS, REVERSE_DECISIONS),
        migrations.RunSQL(TERMS, REVERSE_TERMS),
    ]
