"""Four eyes: what one person asks for, another allows. Bound to the hash of what was asked for.

A kind of request is registered by the room that makes it: what stands there now, how it reads, and what happens
once it is allowed, in the transaction that allows it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from portfolio import access, knowledge
from portfolio.access import Action
from portfolio.models import Approval, Portfolio, User

Content = Mapping[str, Any]


class ApprovalError(ValueError):
    """A request that cannot be made or decided; the message is for the user."""


def about_investment(approval: Approval) -> str:
    """Return the code of the investment a request says it is about, else that of its portfolio."""
    code = approval.content.get("investment")
    return code if isinstance(code, str) and code else approval.portfolio.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How requests of one kind are shown, compared with what stands there now, and carried out.

    `about` names in a few words what a request is about. `refusals` are the errors of `apply` whose message is for
    the user: the request then stays undecided.
    """

    name: str
    title: str
    content: Callable[[Approval], Content]
    rows: Callable[[Approval], Sequence[tuple[str, str]]]
    about: Callable[[Approval], str] = about_investment
    apply: Callable[[Approval, datetime], object] | None = None
    author_needs: Action = Action.RECORD
    refusals: tuple[type[Exception], ...] = ()


_KINDS: dict[str, Kind] = {}


def stored(approval: Approval) -> Content:
    """Return what was asked for as the request itself holds it."""
    content: Content = approval.content
    return content


def rows_of_content(approval: Approval) -> list[tuple[str, str]]:
    """Return the request's content as label and text, in the order of the labels."""
    said = sorted(approval.content.items())
    return [(name.replace("_", " ").capitalize(), "–" if v in (None, "") else str(v)) for name, v in said]


def register(kind: Kind) -> Kind:
    """Make a kind of request known; its name is what `Approval.kind` says. Returns it."""
    _KINDS[kind.name] = kind
    return kind


def kind_of(approval: Approval) -> Kind:
    """Return the kind of a request. Raises ApprovalError where no room has registered it."""
    if approval.kind not in _KINDS:
        raise ApprovalError(f"Requests of the kind {approval.kind} cannot be decided here.")
    return _KINDS[approval.kind]


def hash_of(content: Content) -> str:
    """Return the SHA-256 of what is asked for, in canonical JSON; any change makes another hash."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def ask(
    portfolio: Portfolio,
    kind: str,
    *,
    subject: UUID,
    content: Content,
    summary: str,
    author: User,
    now: datetime,
    within: Content | None = None,
) -> Approval:
    """Record a request; an open one of the same kind for the same subject is void from now on.

    `content` is plain JSON: texts, whole numbers, truth values, lists and maps of them. `within` is the part of it
    that an open request must share to be replaced, where a subject has several.
    """
    with transaction.atomic():
        Approval.objects.filter(
            kind=kind, subject=subject, decision="", content__contains=dict(within or {})
        ).update(decision="void", reason="A newer request took its place.", decided_at=now)
        return Approval.objects.create(
            portfolio=portfolio,
            kind=kind,
            subject=subject,
            content_hash=hash_of(content),
            content=content,
            summary=summary[:500],
            author=author,
            asked_at=now,
        )


def settle(
    approval: Approval, *, approver: User, is_allowed: bool, now: datetime, reason: str = ""
) -> Approval:
    """Allow or refuse a request of a registered kind; what is allowed is carried out in the same transaction.

    Raises ApprovalError with a sentence; what cannot be carried out any more stays undecided.
    """
    kind = kind_of(approval)
    with transaction.atomic():
        held, is_same = _decide(
            approval, content=kind.content, approver=approver, is_allowed=is_allowed, now=now, reason=reason
        )
        if is_same and is_allowed:
            _carry_out(kind, held, now)
    _refuse_changed(is_same)
    return held


def _carry_out(kind: Kind, approval: Approval, now: datetime) -> None:
    if not access.may(approval.author, kind.author_needs, approval.portfolio_id):
        raise ApprovalError(f"{approval.author} may no longer ask for this; somebody who may has to ask.")
    if kind.apply is None:
        return
    try:
        kind.apply(approval, now)
    except kind.refusals as error:
        raise ApprovalError(str(error)) from error


def decide(
    approval: Approval,
    *,
    content: Content,
    approver: User,
    is_allowed: bool,
    now: datetime,
    reason: str = "",
) -> Approval:
    """Allow or refuse a request. `content` is what stands there now; a request for something else is void.

    Raises ApprovalError with a sentence: decided already, changed meanwhile, the author's own, or no right to decide.
    """
    with transaction.atomic():
        held, is_same = _decide(
            approval,
            content=lambda _: content,
            approver=approver,
            is_allowed=is_allowed,
            now=now,
            reason=reason,
        )
    _refuse_changed(is_same)
    return held


def _decide(
    approval: Approval,
    *,
    content: Callable[[Approval], Content],
    approver: User,
    is_allowed: bool,
    now: datetime,
    reason: str,
) -> tuple[Approval, bool]:
    """Write the decision; returns the request and whether it still asks for what stands there."""
    # In the order all writers take them: the portfolio's lock, then rows.
    knowledge.lock_portfolio(approval.portfolio_id)
    held = (
        Approval.objects.select_for_update(of=("self",))
        .select_related("portfolio", "author")
        .get(pk=approval.pk)
    )
    if held.decision:
        raise ApprovalError(f"This request is {held.decision} already.")
    if held.author_id == approver.pk:
        raise ApprovalError("Somebody else than the author must decide.")
    if not access.may(approver, Action.CLOSE, held.portfolio_id):
        raise ApprovalError("Only finance and administrators of the portfolio decide requests.")
    is_same = held.content_hash == hash_of(content(held))
    held.decision = ("approved" if is_allowed else "refused") if is_same else "void"
    held.reason = reason if is_same else "What was asked for was changed after the request."
    held.approver, held.decided_at = approver, now
    held.save(update_fields=["decision", "reason", "approver", "decided_at"])
    return held, is_same


def _refuse_changed(is_same: bool) -> None:
    if not is_same:
        raise ApprovalError("What was asked for was changed after the request; it needs a new one.")
