"""Collects held notices into digests: one message a recipient and lane, worked off by whoever comes first.

A notice ends as told in a digest, or by itself where it is alone, or with the reason it needed not be told.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction
from django.db.models import Max, Min, Q

from alerts import holding, inhibitions, notices, outbox, overlays, record
from alerts.digest_words import KEPT
from alerts.holding import GROUPED, NO_DATA, RESTATED
from alerts.models import EvaluationHead, Notification, Silence
from alerts.overlays import Overlay
from alerts.rules import inhibit
from alerts.rules.base import Severity
from portfolio.models import Investment, Membership, User

_LANE = ("portfolio_id", "channel", "address", "user_id", "suppressed_by")
_LOCK = 0x44494745
_COPIED = ("kind", "rule", "title", "severity", "investment", "month", "since", "value", "threshold", "unit")
_ALSO = ("months", "closed_reason", "path", "reason", "currency", "opened")
_TELLING = ("pending", "sending", "uncertain", "sent", "logged", "merged")
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
    worst: str = ""
    keys: list[UUID] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    investments: set[object] = field(default_factory=set)
    items: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)

    def take(self, row: Notification) -> None:
        """Count a notice in; of the loudest as much is kept as is told."""
        severity = row.message.get("severity", "")
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
    settled: dict[_Why, list[UUID]] = {}
    told: dict[object, _Told] = {}
    held = rows.iterator(chunk_size=READ)
    while some := list(islice(held, READ)):
        needless = _not_needed(some, now=now)
        for row in some:
            if row.pk in needless:
                settled.setdefault(needless[row.pk], []).append(row.pk)
            elif lane["suppressed_by"] in (GROUPED, RESTATED) or (row.digest_at and row.digest_at <= now):
                # Corrections are told by the import they came with, everything else as it is.
                batch = row.message.get("knowledge") if row.suppressed_by == RESTATED else None
                told.setdefault(batch, _Told(row)).take(row)
    settled.pop(_NOT_NOW, None)
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
    if part.count == 1:
        lead.state, lead.state_reason, lead.suppressed_by, lead.next_at = "pending", "", "", now
        holding.keep_quiet(lead, lead.user, is_critical=is_critical)
        lead.save(update_fields=["state", "state_reason", "suppressed_by", "next_at"])
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


def _not_needed(held: Sequence[Notification], *, now: datetime) -> dict[UUID, "_Why"]:
    """Return the notices that need not be told any more, each with its reason."""
    over = _Over(
        overlays.silences_in_force([held[0].portfolio_id], now=now, hold=True),
        overlays.overlays_of({row.event.episode_id for row in held if row.event}, now=now),
        _inhibited(held),
        _told(held),
    )
    may_hear = _access(held[0])
    whys = {row.pk: _why_not(row, over) if may_hear(row) else _NO_ACCESS for row in held}
    return {key: why for key, why in whys.items() if why is not None}


@dataclass(frozen=True, slots=True)
class _Over:
    """What is laid over held notices now."""

    silences: Sequence[Silence]
    overlays: Mapping[int, Overlay]
    inhibited: Mapping[int, Collection[str] | None]  # by investment; None: it is being judged
    told: Collection[int]


def _inhibited(held: Sequence[Notification]) -> dict[int, Collection[str] | None]:
    """Return by investment what other alerts keep back of the held notices; None where somebody judges them now.

    Nobody judges the others until this transaction is over: what is kept back here is seen where it is released.
    """
    episodes = [row.event.episode for row in held if row.event]
    ids = {e.investment_id for e in episodes if e.rule in inhibit.INHIBITORS}
    if not ids or not (maybe := inhibitions.inhibited(ids)):
        return {}
    heads = EvaluationHead.objects.select_for_update(skip_locked=True).filter(pk__in=maybe)
    free = set(heads.values_list("pk", flat=True))
    return {**inhibitions.inhibited(free), **dict.fromkeys(maybe.keys() - free)}


_Why = tuple[str, str, Silence | None]
# It stays as it is, and is looked at the next time.
_NOT_NOW: _Why = ("", "", None)
_NO_ACCESS: _Why = ("no_access", "The recipient has no access to the portfolio any more.", None)


def _why_not(row: Notification, over: _Over) -> _Why | None:
    if row.event is None:
        return None
    episode, is_end = row.event.episode, row.event.kind in inhibit.ABOUT_AN_END
    silence = overlays.silence_for(over.silences, episode.investment, episode.rule)
    if silence is not None:
        return "silenced", overlays.reason_of(silence), silence
    snooze = over.overlays.get(episode.pk, overlays.NOTHING).snooze
    if snooze is not None and not is_end:
        return "snoozed", overlays.reason_of_snooze(snooze), None
    if episode.rule in inhibit.INHIBITORS and not is_end:
        kept = over.inhibited.get(episode.investment_id, ())
        if kept is None:
            return _NOT_NOW
        if episode.rule in kept:
            return record.INHIBITED, inhibitions.reason_for(episode.rule), None
    if row.suppressed_by != NO_DATA:
        return None
    if not is_end and episode.closed_at is not None:
        return "in_time", "The data came in before anybody was asked for it.", None
    if is_end and episode.pk not in over.told:
        return "untold", "Nobody there was asked for this data, so nothing is said of its arrival.", None
    return None


def _told(held: Sequence[Notification]) -> set[int]:
    """Return the episodes whose opening this recipient was told of already."""
    lead = held[0]
    rows = Notification.objects.filter(
        portfolio=lead.portfolio_id,
        channel=lead.channel,
        user=lead.user_id,
        event__episode__in=[row.event.episode_id for row in held if row.event],
        event__kind__in=notices.OPENING,
        state__in=_TELLING,
    )
    rows = rows if lead.user_id else rows.filter(address=lead.address)
    return set(rows.values_list("event__episode_id", flat=True))


def _access(lead: Notification) -> Callable[[Notification], bool]:
    """Return whether the recipient may still hear of a notice: a member, or one of the investment's own people."""
    user: User | None = lead.user
    if user is None:
        return lambda row: True
    is_member = (
        user.is_superuser or Membership.objects.filter(user=user, portfolio=lead.portfolio_id).exists()
    )

    def may_hear(row: Notification) -> bool:
        if row.event is None or is_member:
            return bool(user.is_active)
        one = row.event.episode.investment
        return bool(user.is_active) and user.pk in (one.owner_id, one.sponsor_id, one.data_owner_id)

    return may_hear
