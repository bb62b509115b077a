"""What the application's database role may do, derived from the models: append-only tables cannot be changed by it."""

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

# Never thinned out, yet updated in place.
_NO_DELETE = {
    "alerts_alertstate",
    "alerts_episode",
    "alerts_notification",
    "alerts_snooze",
    "alerts_timer",
    "alerts_unsubscription",
    "portfolio_cell",
    "portfolio_head",
}
# Functions in plain SQL read no tables, and would be slower.
_GUARDS = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'public'::regnamespace AND l.lanname = 'plpgsql' AND pg_get_userbyid(p.proowner) = current_user
"""


def append_only_tables() -> list[str]:
    """Return the tables whose rows are written once."""
    return sorted(m._meta.db_table for m in _tables() if getattr(m, "append_only", False) or _is_history(m))


def _tables() -> list[type[Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]


def _is_history(model: type[Model]) -> bool:
    return hasattr(model, "pgh_tracked_model") and model.pgh_tracked_model is not None


def grant(connection: BaseDatabaseWrapper, app_role: str) -> None:
    """Give the application's role exactly its rights on every table; the connection is the owner's."""
    role = connection.ops.quote_name(app_role)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"REVOKE CREATE ON SCHEMA public FROM {role}")
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        for table in append_only_tables():
            cursor.execute(f"REVOKE UPDATE, DELETE ON {connection.ops.quote_name(table)} FROM {role}")
        for table in sorted(_NO_DELETE):
            cursor.execute(f"REVOKE DELETE ON {connection.ops.quote_name(table)} FROM {role}")
        cursor.execute(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}")
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM {role}, PUBLIC")


def pin(connection: BaseDatabaseWrapper) -> None:
    """Let the guards find their tables by name alone where they are; the connection is the owner's.

    Who may create temporary tables could otherwise put an empty one before each table that a guard looks at.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS)
        for (guard,) in cursor.fetchall():
            cursor.execute(f"ALTER FUNCTION {guard} SET search_path = pg_catalog, public, pg_temp")
