"""The benchmark's ledger: 10,000 investments of 36 months and 8 lines, written server-side.

Loading is not measured, so it goes around `portfolio.ledger`, as a superuser without triggers; every other constraint
is checked.
"""

import psycopg

INVESTMENTS, MONTHS = 10_000, 36
FIRST_MONTH, LAST_MONTH = "2023-01-01", "2025-12-01"
LINES = {
    "infrastructure": 4_500,
    "model_api": 6_000,
    "maintenance": 3_000,
    "labor_savings": 19_250,
    "speed": 3_000,
    "quality": 2_500,
    "revenue": 1_500,
    "conversations": 25_000,
}
_KEY = "investment_id, book, book_version, month, account_id, currency, source, source_ref"

_PORTFOLIO = f"""
INSERT INTO portfolio_portfolio (public_id, code, name, reporting_currency, time_zone, fiscal_year_start_month,
    close_day, norm_band_start_months, norm_band_end_months, exploration_share, materiality_threshold,
    digest_hour, weekend, review_business_days, review_cadence_months, risk_aversion)
VALUES (gen_random_uuid(), 'BENCH', 'Benchmark', 'USD', 'UTC', 1, 10, 9, 24, 0, 100000, 8, '56', 10, 3, 0.5);
INSERT INTO portfolio_batch (id, portfolio_id, kind, source, reason, recorded_at, content_hash, chain_hash)
SELECT nextval('portfolio_knowledge_seq'), id, 'actuals', 'actuals', '', now(), '', '' FROM portfolio_portfolio;
INSERT INTO portfolio_monthstate (batch_id, portfolio_id, month, status, reason)
SELECT (SELECT max(id) FROM portfolio_batch), p.id, ('{FIRST_MONTH}'::date + make_interval(months => m))::date,
    'closed', '' FROM portfolio_portfolio p, generate_series(0, {MONTHS} - 1) m;
INSERT INTO portfolio_head (scope, scope_id, knowledge)
SELECT 'portfolio', id, (SELECT max(id) FROM portfolio_batch) FROM portfolio_portfolio;
"""
_INVESTMENTS = """
INSERT INTO portfolio_investment (public_id, portfolio_id, code, name, summary, business_unit, use_case,
    value_category, stage, start_month, horizon_months, created_at, capacity_person_months, exclusive_group,
    is_exploration, is_must_fund)
SELECT gen_random_uuid(), p.id, 'B-' || n, 'Investment ' || n, '', '', '', 'cost_savings', 'scaled',
    '{first}', 36, now(), 0, '', false, false FROM portfolio_portfolio p, generate_series(1, {investments}) n;
INSERT INTO portfolio_head (scope, scope_id, knowledge)
SELECT 'investment', id, (SELECT max(id) FROM portfolio_batch) FROM portfolio_investment;
"""
_OWNERS = """
INSERT INTO portfolio_user (public_id, username, password, email, first_name, last_name, is_active, is_staff,
    is_superuser, date_joined, time_zone, locale, slack_id)
SELECT gen_random_uuid(), 'owner-' || i.code, '', 'owner-' || i.code || '@example.com', '', '', true, false,
    false, now(), 'UTC', 'en-us', '' FROM portfolio_investment i;
UPDATE portfolio_investment i SET owner_id = u.id FROM portfolio_user u WHERE u.username = 'owner-' || i.code;
"""
_ENTRIES = """
INSERT INTO portfolio_entry ({key}, kind, amount, quantity, batch_id, note, recorded_at)
SELECT i.id, 'actual', 0, ('{first}'::date + make_interval(months => m))::date, a.id,
    CASE WHEN a.kind = 'volume' THEN '' ELSE 'USD' END, 'actuals', '', 'value',
    CASE WHEN a.kind <> 'volume' THEN round(((l.amount * (90 + (i.id * 7 + m * 13) % 21)) / 100.0)::numeric, 6) END,
    CASE WHEN a.kind = 'volume' THEN l.amount + (i.id * 11 + m) % 977 END,
    (SELECT max(id) FROM portfolio_batch), '', now()
FROM portfolio_investment i, generate_series(0, {months} - 1) m,
    (VALUES {lines}) l(code, amount) JOIN portfolio_account a ON a.code = l.code
ORDER BY i.id, m
"""
_CELLS = f"""
INSERT INTO portfolio_cell ({_KEY}, kind, amount, quantity, batch_id)
SELECT {_KEY}, kind, amount, quantity, batch_id FROM portfolio_entry ORDER BY id
"""
_UNIQUE = (
    ("portfolio_entry", "entry_key_once_a_batch", f"{_KEY}, batch_id"),
    ("portfolio_cell", "cell_key", _KEY),
)


def load(superuser: str, *, investments: int = INVESTMENTS) -> int:
    """Fill a migrated, empty database; returns the number of entries."""
    lines = ", ".join(f"('{code}', {amount})" for code, amount in LINES.items())
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(_PORTFOLIO.encode())
        connection.execute(_INVESTMENTS.format(first=FIRST_MONTH, investments=investments).encode())
        connection.execute(_OWNERS.encode())
        for table, name, _ in _UNIQUE:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
        entries = _ENTRIES.format(key=_KEY, first=FIRST_MONTH, months=MONTHS, lines=lines)
        count = connection.execute(entries.encode()).rowcount
        connection.execute(_CELLS.encode())
        for table, name, columns in _UNIQUE:
            connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({columns})".encode())
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return count
