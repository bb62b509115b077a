"""Collects held notices into digests: one message a recipient and lane, worked off by whoever comes first.

A notice ends as told in a digest, or by itself where it is alone, or with the reason it needed not be told.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Max, Min, Q

from alerts import holding, needless, outbox, unsubscriptions
from alerts.digest_words import KEPT
from alerts.holding import GROUPED, RESTATED
from alerts.models import Notification
from alerts.needless import NOT_NOW, Why
from alerts.rules.base import Severity
from portfolio.models import Investment

_LANE = ("portfolio_id", "channel", "address", "user_id", "suppressed_by")
_LOCK = 0x44494745
_COPIED = ("kind", "rule", "title", "severity", "investment", "month", "since", "value", "threshold", "unit")
_ALSO = ("months", "closed_reason", "path", "reason", "currency", "opened")
_WORST = (Severity.CRITICAL.value, Severity.WARNING.value, Severity.INFO.value)
# So many notices are in memory at a time, beside those that are told.
READ = 100
# So many are named in one statement.
_NAMED = 1000
# What nobody looks at of the investment that a notice is about.
_READ = {"id", "portfolio", "owner", "sponsor", "data_owner"}
_UNREAD = [
    f"event__episode__investment__{field.name}"
    for field in Investment._meta.concrete_fields
    if field.name not in _READ
]


def run_due(*, now: datetime) -> int:
    """Work off every lane that is due; returns how many held notices were settled."""
    return sum(_work_off(lane, now=now) for lane in _due(now))


def _due(now: datetime) -> list[dict[str, Any]]:
    """Return the lanes that are due; one that still gathers an import waits for quiet, but not for ever."""
    lanes = Notification.objects.filter(state="held").values(*_LANE)
    dated = lanes.annotate(first=Min("digest_at"), last=Max("digest_at")).filter(first__lte=now)
    gathers = Q(suppressed_by__in=[GROUPED, RESTATED], last__gt=now, first__gt=now - holding.longest())
    return [{name: lane[name] for name in _LANE} for lane in dated.exclude(gathers).order_by(*_LANE)]


@dataclass(slots=True)
class _Told:
    """What is told together: the first notice, which all others follow, and of all of them what a digest needs."""

    lead: Notification
    count: int = 0
    must_hear: bool = False
    worst: str = ""
    keys: list[UUID] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    investments: set[object] = field(default_factory=set)
    items: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)

    def take(self, row: Notification) -> None:
        """Count a notice in; of the loudest as much is kept as is told."""
        severity = row.message.get("severity", "")
        self.must_hear |= bool((row.message.get("recipient") or {}).get("must_hear"))
        self.worst = min(self.worst or severity, severity, key=_rank) if self.count else severity
        self.count += 1
        self.keys.append(row.pk)
        self.kinds[str(row.message.get("kind"))] += 1
        self.investments.add((row.message.get("investment") or {}).get("code"))
        item = {name: row.message[name] for name in (*_COPIED, *_ALSO) if name in row.message}
        self.items.append((_rank(severity), row.seq, item))
        if len(self.items) >= KEPT + READ:
            self.settle()

    def settle(self) -> None:
        """Put what is kept in order, the loudest first, and drop the rest."""
        self.items = sorted(self.items, key=itemgetter(0, 1))[:KEPT]


@transaction.atomic
def _work_off(lane: Mapping[str, Any], *, now: datetime) -> int:
    """Settle a lane, notice by notice: an import can hold back ten thousand at once, and memory stays as it is."""
    with connection.cursor() as cursor:
        # Two at once would make two digests of one; whoever comes second finds nothing to do.
        name = "|".join(str(lane[key]) for key in _LANE)
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, name])
        if not cursor.fetchone()[0]:
            return 0
    rows = (
        Notification.objects.select_for_update(of=("self",))
        .filter(state="held", **lane)
        .select_related("event__episode__investment", "portfolio", "user")
        .defer("rendered", "event__evidence", *_UNREAD)
        .order_by("seq")
    )
    settled: dict[Why, list[UUID]] = {}
    told: dict[object, _Told] = {}
    held = rows.iterator(chunk_size=READ)
    while some := list(islice(held, READ)):
        found = needless.of(some, now=now)
        for row in some:
            if row.pk in found:
                settled.setdefault(found[row.pk], []).append(row.pk)
            elif lane["suppressed_by"] in (GROUPED, RESTATED) or (row.digest_at and row.digest_at <= now):
                # Corrections are told by the import they came with, everything else as it is.
                batch = row.message.get("knowledge") if row.suppressed_by == RESTATED else None
                told.setdefault(batch, _Told(row)).take(row)
    settled.pop(NOT_NOW, None)
    if told:
        # Who left and is told all the same: of these alerts nobody else hears.
        lane_user = (lane["user_id"], lane["portfolio_id"])
        must_hear = lane["channel"] == "email" and lane_user in unsubscriptions.of([lane["portfolio_id"]])
        for part in told.values():
            part.must_hear |= must_hear
    for (code, reason, silence), keys in settled.items():
        _update(keys, state="suppressed", suppressed_by=code, state_reason=reason, silence=silence)
    for part in told.values():
        _tell(part, now=now)
    if told:
        outbox.wake()
    return sum(len(keys) for keys in settled.values()) + sum(part.count for part in told.values())


def _tell(part: _Told, *, now: datetime) -> None:
    """Let one notice leave by itself, or merge many into a digest."""
    lead, is_critical = part.lead, part.worst == Severity.CRITICAL.value
    if part.must_hear:
        lead.message["recipient"] = {**(lead.message.get("recipient") or {}), "must_hear": True}
    if part.count == 1:
        lead.state, lead.state_reason, lead.suppressed_by, lead.next_at = "pending", "", "", now
        holding.keep_quiet(lead, lead.user, is_critical=is_critical)
        lead.save(update_fields=["state", "state_reason", "suppressed_by", "next_at", "message"])
        return
    key = uuid5(lead.id, "digest")
    digest = Notification(
        id=key,
        portfolio=lead.portfolio,
        user=lead.user,
        channel=lead.channel,
        address=lead.address,
        thread_key=f"digest:{key}",
        message=_message(part),
        next_at=now,
        created_at=now,
    )
    holding.keep_quiet(digest, lead.user, is_critical=is_critical)
    Notification.objects.bulk_create([digest])
    _update(part.keys, state="merged", told_in=digest, state_reason=f"Told in a digest of {part.count}.")


def _update(keys: Sequence[UUID], **changes: Any) -> None:
    """Write the same to many notices; a statement that names ten thousand of them would take megabytes."""
    for first in range(0, len(keys), _NAMED):
        Notification.objects.filter(pk__in=keys[first : first + _NAMED]).update(**changes)


def _rank(severity: str) -> int:
    return _WORST.index(severity) if severity in _WORST else len(_WORST)


def _message(part: _Told) -> dict[str, Any]:
    part.settle()
    said = part.lead.message
    return {
        "kind": "digest",
        "lane": part.lead.suppressed_by,
        "title": "Digest",
        "severity": part.worst,
        "portfolio": said.get("portfolio", {}),
        "count": part.count,
        "kinds": dict(part.kinds),
        "investments": len(part.investments),
        "items": [item for _, _, item in part.items],
        "path": "/",
        "recipient": said.get("recipient", {}),
    }
