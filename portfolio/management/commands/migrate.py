"""`migrate` as the owner role, then the application role's rights and the shipped accounts."""

from typing import Any

from django.conf import settings
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.utils import timezone

from portfolio import accounts, grants


class Command(Migrate):
    """Django's migrate, followed by pinned guards, grants and accounts."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate everything, then grant (unless one role does both) and ship accounts; partial runs leave these."""
        super().handle(*args, **options)
        if options.get("plan") or options.get("check_unapplied"):
            return
        connection = connections[options["database"]]
        grants.pin(connection)
        if options.get("app_label"):
            return
        app_role = settings.DATABASE_APP_ROLE
        if app_role and connection.settings_dict["USER"] != app_role:
            grants.grant(connection, app_role)
        accounts.ship(now=timezone.now())
