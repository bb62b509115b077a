"""Checks at start, each with a sentence that says what to do."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections

_OWNS_LEDGER = "SELECT 1 FROM pg_tables WHERE tablename = 'portfolio_entry' AND tableowner = current_user"


@register(Tags.database)
def database_roles(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Say what is lost when the role that serves requests also owns the tables."""
    if settings.IS_OWNER_PROCESS or "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(_OWNS_LEDGER)
        if cursor.fetchone() is None:
            return []
    return [
        Warning(
            "The application connects with the role that owns its tables.",
            hint="Facts and audit rows are then guarded by triggers only. Create the two roles of "
            "config/sql/roles.sql and set DATABASE_OWNER_URL for migrate.",
            id="hurdle.W001",
        )
    ]


@register(Tags.security, deploy=True)
def public_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say that links in messages would leave encryption behind."""
    if settings.IS_HTTPS:
        return []
    return [
        Warning(
            "HURDLE_PUBLIC_URL does not start with https://.",
            hint="Cookies and links in messages are only safe over https.",
            id="hurdle.W002",
        )
    ]
