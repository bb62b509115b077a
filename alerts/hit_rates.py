"""How good early warnings were: how many came true in the months they spoke of, and how many alerts had one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Min

from alerts.models import Episode, Event
from alerts.rules.early_warning import EARLY_WARNING, WARNED_OF
from portfolio.terms import add_months
from roi.models import Forecast, SnapshotHead


@dataclass(frozen=True, slots=True)
class Warned:
    """One early warning: which rule it was about, at the end of which month, for how many months ahead."""

    investment_id: int
    about: str
    month: date
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRate:
    """`followed` of `decided` warnings came true in time; `open` ones still may. `warned` of `firings` had one."""

    followed: int
    decided: int
    open: int
    warned: int
    firings: int

    @property
    def share(self) -> float | None:
        """The share of decided warnings that came true, None where none is decided."""
        return self.followed / self.decided if self.decided else None


Fired = Mapping[tuple[int, str], Collection[date]]  # months fired in, by investment and rule


def count(warnings: Iterable[Warned], fired: Fired, *, known_to: Mapping[int, date]) -> HitRate:
    """Return how warnings and firings went together. `known_to` is each investment's last complete month.

    A warning is followed when the rule it was about fires in one of the months it spoke of; without that it is
    decided once these have passed.
    """
    followed = missed = still_open = 0
    hits: set[tuple[int, str, date]] = set()
    for warning in warnings:
        last = add_months(warning.month, warning.ahead)
        months = fired.get((warning.investment_id, warning.about), ())
        due = {month for month in months if warning.month < month <= last}
        hits |= {(warning.investment_id, warning.about, month) for month in due}
        if due:
            followed += 1
        elif known_to.get(warning.investment_id, date.min) >= last:
            missed += 1
        else:
            still_open += 1
    return HitRate(
        followed=followed,
        decided=followed + missed,
        open=still_open,
        warned=len(hits),
        firings=sum(len(months) for months in fired.values()),
    )


def of(portfolio_ids: Sequence[int]) -> HitRate:
    """Return the hit rate of some portfolios: four queries. What was retracted counts neither way.

    Firings count from the month after an investment's first forecast on: before, nothing could warn of them.
    """
    events = Event.objects.filter(
        kind="fired",
        episode__rule=EARLY_WARNING.name,
        episode__investment__portfolio__in=portfolio_ids,
    ).exclude(episode__closed_reason="retracted")
    warnings = [
        Warned(investment_id, evidence["about"], month, int(evidence["window"]))
        for investment_id, month, evidence in events.values_list(
            "episode__investment_id", "episode__fired_month", "evidence"
        )
    ]
    heads = SnapshotHead.objects.filter(investment__portfolio__in=portfolio_ids)
    known = {pk: month for pk, month in heads.values_list("pk", "last_complete_month") if month}
    return count(warnings, _fired(portfolio_ids), known_to=known)


def _fired(portfolio_ids: Sequence[int]) -> Fired:
    forecasts = Forecast.objects.filter(investment__portfolio__in=portfolio_ids)
    since = dict(forecasts.order_by().values_list("investment_id").annotate(Min("last_month")))
    episodes = Episode.objects.filter(rule__in=WARNED_OF, investment__in=list(since))
    fired: dict[tuple[int, str], set[date]] = defaultdict(set)
    for investment_id, rule, month in episodes.exclude(closed_reason="retracted").values_list(
        "investment_id", "rule", "fired_month"
    ):
        if month > since[investment_id]:
            fired[investment_id, rule].add(month)
    return fired


def sentence(rate: HitRate) -> str:
    """Return the hit rate in words."""
    if not rate.decided and not rate.open:
        return f"No early warning was given yet; {rate.firings} alerts since the first forecasts."
    came_true = (
        f"{rate.followed} of {rate.decided} whose months have passed came true"
        if rate.decided
        else "the months of none have passed"
    )
    return (
        f"Early warnings so far: {came_true}, {rate.open} still may; "
        f"{rate.warned} of {rate.firings} alerts were warned of."
    )
