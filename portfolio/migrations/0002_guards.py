"""The ledger's guards in the database: knowledge sequence, append-only triggers, single writer, no future actuals."""

from django.db import migrations

APPEND_ONLY = (
    "portfolio_entry",
    "portfolio_batch",
    "portfolio_assumptions",
    "portfolio_monthstate",
    "portfolio_accountversion",
    "portfolio_fxrate",
    "portfolio_planapproval",
    "portfolio_investmentversion",
)

FUNCTIONS = """
CREATE SEQUENCE portfolio_knowledge_seq;

CREATE FUNCTION hurdle_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION hurdle_refuse_other_writers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF COALESCE(current_setting('hurdle.ledger_batch', true), '') = '' THEN
        RAISE EXCEPTION '% is written by portfolio.ledger only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

-- Half-even to micro-units, as the engine rounds: numeric round() alone rounds halves away from zero.
CREATE FUNCTION hurdle_half_even(value numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN abs(value * 1000000 - trunc(value * 1000000)) = 0.5
                THEN round(value * 0.5, 6) * 2
                ELSE round(value, 6) END
$$;

ALTER TABLE portfolio_entry ADD CONSTRAINT entry_no_future_actuals CHECK (
    book <> 'actual' OR month <= (recorded_at AT TIME ZONE 'UTC' + interval '14 hours')::date
);
CREATE TRIGGER entry_single_writer BEFORE INSERT ON portfolio_entry
    FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_other_writers();
CREATE TRIGGER cell_single_writer BEFORE INSERT OR UPDATE OR DELETE ON portfolio_cell
    FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_other_writers();
CREATE TRIGGER cell_not_emptied BEFORE TRUNCATE ON portfolio_cell
    FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();
"""

REVERSE = """
DROP TRIGGER cell_not_emptied ON portfolio_cell;
DROP TRIGGER cell_single_writer ON portfolio_cell;
DROP TRIGGER entry_single_writer ON portfolio_entry;
ALTER TABLE portfolio_entry DROP CONSTRAINT entry_no_future_actuals;
DROP FUNCTION hurdle_half_even(numeric);
DROP FUNCTION hurdle_refuse_other_writers();
DROP FUNCTION hurdle_refuse_change();
DROP SEQUENCE portfolio_knowledge_seq;
"""


def _guard(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION hurdle_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTIONS, REVERSE), *(_guard(table) for table in APPEND_ONLY)]
