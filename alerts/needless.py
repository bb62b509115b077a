"""Which held notices need not be told any more when their time has come, and why."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts import channels, inhibitions, notices, overlays, record, unsubscriptions
from alerts.holding import NO_DATA
from alerts.models import EvaluationHead, Notification, Silence
from alerts.overlays import Overlay
from alerts.rules import inhibit
from portfolio.models import Membership, User

# A code for machines, a sentence for people, the silence where it is one.
Why = tuple[str, str, Silence | None]
# It stays as it is, and is looked at the next time.
NOT_NOW: Why = ("", "", None)
_UNSUBSCRIBED: Why = ("unsubscribed", "They unsubscribed from mail about this portfolio.", None)
_NO_ACCESS: Why = ("no_access", "The recipient has no access to the portfolio any more.", None)
_HEARD_OF = ("held", "pending", "sending", "uncertain", "sent", "merged")
_TELLING = ("pending", "sending", "uncertain", "sent", "logged", "merged")


def of(held: Sequence[Notification], *, now: datetime) -> dict[UUID, Why]:
    """Return the notices that need not be told any more, each with its reason."""
    over = _Over(
        overlays.silences_in_force([held[0].portfolio_id], now=now, hold=True),
        overlays.overlays_of({row.event.episode_id for row in held if row.event}, now=now),
        _inhibited(held),
        _told(held),
        _needless(held),
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
    needless: Collection[UUID] | None  # events that a recipient who left need not hear of


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


def _why_not(row: Notification, over: _Over) -> Why | None:
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
            return NOT_NOW
        if episode.rule in kept:
            return record.INHIBITED, inhibitions.reason_for(episode.rule), None
    if over.needless is not None and (is_end or row.event_id in over.needless):
        return _UNSUBSCRIBED
    if row.suppressed_by != NO_DATA:
        return None
    if not is_end and episode.closed_at is not None:
        return "in_time", "The data came in before anybody was asked for it.", None
    if is_end and episode.pk not in over.told:
        return "untold", "Nobody there was asked for this data, so nothing is said of its arrival.", None
    return None


def _needless(held: Sequence[Notification]) -> set[UUID] | None:
    """Return the events that others hear of, where the recipient wants no mail any more; None where they do."""
    lead = held[0]
    if lead.channel != "email" or (lead.user_id, lead.portfolio_id) not in unsubscriptions.of(
        [lead.portfolio_id]
    ):
        return None
    others = Notification.objects.filter(event__in=[row.event_id for row in held], state__in=_HEARD_OF)
    others = others.exclude(user=lead.user_id).exclude(channel__in=channels.unread())
    return set(others.values_list("event_id", flat=True))


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
