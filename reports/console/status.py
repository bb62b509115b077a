"""The status of an investment, in words and shape: what is open against it, else how far it has come.

One SQL expression decides it, so that the list, its filter and the overview never disagree.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Case, CharField, Exists, OuterRef, QuerySet, Subquery, Value, When
from django.utils.html import format_html
from django.utils.safestring import SafeString

from alerts.models import Episode
from alerts.rules import RULES
from portfolio.models import Investment
from roi.models import Snapshot, SnapshotHead


@dataclass(frozen=True, slots=True)
class Status:
    """A status: its name, its words, its shape (an icon) and its tone."""

    name: str
    text: str
    icon: str
    tone: str


def _rule(name: str, icon: str, tone: str) -> Status:
    """Return the status of an open episode, in the rule's own words."""
    return Status(name, RULES[name].title, icon, tone)


# By urgency: the first that holds is shown.
_OPEN = (
    _rule("negative_roi", "trending_down", "critical"),
    _rule("hurdle_rate", "vertical_align_bottom", "warning"),
    _rule("breakeven_lost", "undo", "warning"),
    _rule("breakeven_overdue", "hourglass_bottom", "warning"),
    _rule("missing_actuals", "event_busy", "info"),
)
_PAST_BREAKEVEN = Status("past_breakeven", "Breakeven reached", "flag", "good")
_ON_TRACK = Status("on_track", "On track", "trending_flat", "plain")
_NO_FIGURES = Status("no_figures", "No figures yet", "pending", "muted")
STATUSES: dict[str, Status] = {s.name: s for s in (*_OPEN, _PAST_BREAKEVEN, _ON_TRACK, _NO_FIGURES)}
_TONES = {"critical": "critical", "warning": "warning", "info": "info", "good_news": "good"}


def annotate(investments: QuerySet[Investment]) -> QuerySet[Investment]:
    """Add `as_of` (newest closed and complete month) and `status` to investments."""
    head = SnapshotHead.objects.filter(pk=OuterRef("pk"))
    past_breakeven = Snapshot.objects.filter(
        investment=OuterRef("pk"), month=OuterRef("as_of"), breakeven_month_supported__isnull=False
    )
    is_open = {
        s.name: Exists(Episode.objects.filter(investment=OuterRef("pk"), rule=s.name, closed_at__isnull=True))
        for s in _OPEN
    }
    return investments.annotate(as_of=Subquery(head.values("last_complete_month")[:1])).annotate(
        status=Case(
            *(When(condition, then=Value(name)) for name, condition in is_open.items()),
            When(Exists(past_breakeven), then=Value(_PAST_BREAKEVEN.name)),
            When(as_of__isnull=False, then=Value(_ON_TRACK.name)),
            default=Value(_NO_FIGURES.name),
            output_field=CharField(),
        )
    )


def name_of(rules: Collection[str], snapshot: Snapshot | None) -> str:
    """Return the status of an investment with these rules open against it, as `annotate` decides it.

    The snapshot is that of its newest complete month; None where it has none.
    """
    for name in STATUSES:
        if name in rules:
            return name
    if snapshot is None:
        return _NO_FIGURES.name
    return _ON_TRACK.name if snapshot.breakeven_month_supported is None else _PAST_BREAKEVEN.name


def pill(name: str) -> SafeString:
    """Return a status as a pill: icon, words and tone, so that color never speaks alone."""
    status = STATUSES[name]
    return _pill(status.text, status.icon, status.tone)


def rule_pill(rule: str, *, severity: str) -> SafeString:
    """Return an episode's rule as a pill in the tone of its severity."""
    status = STATUSES.get(rule)
    title = RULES[rule].title if rule in RULES else rule.replace("_", " ").capitalize()
    return _pill(title, status.icon if status else "flag", _TONES.get(severity, "plain"))


def _pill(text: str, icon: str, tone: str) -> SafeString:
    return format_html(
        '<span class="h-pill h-{}">'
        '<span class="material-symbols-outlined" aria-hidden="true">{}</span>{}</span>',
        tone,
        icon,
        text,
    )
