"""Four eyes: what one person asks for, another allows. Bound to the hash of what was asked for."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from portfolio import access
from portfolio.access import Action
from portfolio.models import Approval, Portfolio, User


class ApprovalError(ValueError):
    """A request that cannot be made or decided; the message is for the user."""


def hash_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what is asked for, in canonical JSON; any change makes another hash."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def ask(
    portfolio: Portfolio,
    kind: str,
    *,
    subject: UUID,
    content: Mapping[str, Any],
    summary: str,
    author: User,
    now: datetime,
) -> Approval:
    """Record a request; an open one for the same subject is void from now on."""
    with transaction.atomic():
        Approval.objects.filter(kind=kind, subject=subject, decision="").update(
            decision="void", reason="A newer request took its place.", decided_at=now
        )
        return Approval.objects.create(
            portfolio=portfolio,
            kind=kind,
            subject=subject,
            content_hash=hash_of(content),
            summary=summary[:500],
            author=author,
            asked_at=now,
        )


def decide(
    approval: Approval,
    *,
    content: Mapping[str, Any],
    approver: User,
    is_allowed: bool,
    now: datetime,
    reason: str = "",
) -> Approval:
    """Allow or refuse a request. `content` is what stands there now; a request for something else is void.

    Raises ApprovalError with a sentence: decided already, changed meanwhile, the author's own, or no right to decide.
    """
    with transaction.atomic():
        held = Approval.objects.select_for_update().get(pk=approval.pk)
        if held.decision:
            raise ApprovalError(f"This request is {held.decision} already.")
        if held.author_id == approver.pk:
            raise ApprovalError("Somebody else than the author must decide.")
        if not access.may(approver, Action.CLOSE, held.portfolio_id):
            raise ApprovalError("Only finance and administrators of the portfolio decide requests.")
        is_same = held.content_hash == hash_of(content)
        held.decision = ("approved" if is_allowed else "refused") if is_same else "void"
        held.reason = reason if is_same else "What was asked for was changed after the request."
        held.approver, held.decided_at = approver, now
        held.save(update_fields=["decision", "reason", "approver", "decided_at"])
    if not is_same:
        raise ApprovalError("What was asked for was changed after the request; it needs a new one.")
    return held
