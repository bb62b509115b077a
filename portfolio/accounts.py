"""The accounts of an installation: shipping the chart, and the one way to define or change an account."""

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from portfolio import knowledge
from portfolio.chart import CHART, Definition
from portfolio.models import Account, AccountVersion, User


def ship(*, now: datetime) -> int:
    """Create the shipped accounts this installation does not have yet; changed ones are left as they are."""
    known = set(Account.objects.values_list("code", flat=True))
    missing = [definition for definition in CHART if definition.code not in known]
    return define(missing, now=now, reason="Shipped chart of accounts.") if missing else 0


@transaction.atomic
def define(
    definitions: list[Definition], *, now: datetime, actor: User | None = None, reason: str = ""
) -> int:
    """Create accounts or change their attributes; returns how many differ from before. Same again does nothing.

    The kind of an account never changes: its entries would change their meaning. Raises ValueError.
    """
    knowledge.lock_installation()
    known = {account.code: account for account in Account.objects.all()}
    position = max((a.position for a in known.values()), default=-1) + 1
    changed: list[Account] = []
    for definition in definitions:
        account = known.get(definition.code)
        if account is None:
            account = Account(position=position)
            position += 1
        elif account.kind != definition.kind:
            raise ValueError(f"The account {account.code} is of kind {account.kind}; that cannot change.")
        elif all(getattr(account, name) == value for name, value in asdict(definition).items()):
            continue
        for name, value in asdict(definition).items():
            setattr(account, name, value)
        account.full_clean(validate_unique=account.pk is None)
        changed.append(account)
    if changed:
        _write(changed, now=now, actor=actor, reason=reason)
    return len(changed)


def _write(changed: list[Account], *, now: datetime, actor: User | None, reason: str) -> None:
    batch = knowledge.open_batch(
        portfolio=None,
        kind="accounts",
        now=now,
        actor=actor,
        reason=reason,
        content=[f"{a.code}|{a.nature}|{a.treatment}|{a.is_avoidable}|{a.is_usage_driven}" for a in changed],
    )
    for account in changed:
        account.save()
        AccountVersion.objects.create(
            batch=batch,
            account=account,
            nature=account.nature,
            treatment=account.treatment,
            is_avoidable=account.is_avoidable,
            is_usage_driven=account.is_usage_driven,
            regulatory_tag=account.regulatory_tag,
        )
    knowledge.advance_heads("installation", [0], batch.pk)
