"""Pages as known on an earlier day: the day in the address, the knowledge time it means, and what was known then.

Figures are derived anew from the facts known then; they are not a copy of what was shown (a decision's receipt is).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from portfolio import knowledge
from portfolio.models import Batch, Investment, Portfolio
from reports.console.past import Past, asked_past
from reports.console.standing import Standing
from roi import as_known


@dataclass(frozen=True, slots=True)
class Day:
    """A day in a portfolio's time zone, and everything known at its end."""

    day: date
    knowledge: int
    past: Past


def asked_day(text: str, portfolio: Portfolio, *, now: datetime) -> Day | None:
    """Return the day in the address; None for none, for what is no day, and for today and later."""
    past = asked_past(text, [portfolio.time_zone], now=now)
    if past is None:
        return None
    return Day(past.day, knowledge.knowledge_at(portfolio, past.end(portfolio)), past)


def standing_on(investment: Investment, day: Day) -> Standing:
    """Return where an investment stood on a day; one that was not registered then has no figures."""
    with transaction.atomic():
        # Shared: while somebody writes, a batch below the asked time could still appear.
        knowledge.lock_portfolio(investment.portfolio_id, shared=True)
        known = as_known.figures([investment], knowledge=day.knowledge).get(investment.pk)
    if known is None:
        return Standing(investment, None, None, day.knowledge, (), day.past)
    return Standing(
        investment, known.head, known.newest_complete, day.knowledge, tuple(known.snapshots), day.past
    )


def standings_on(investments: Sequence[Investment], past: Past) -> dict[int, Standing]:
    """Return where each investment stood on a day, at its newest complete month; who was not registered is left out.

    One load for each knowledge time that the day means, which is one unless portfolios were filled with old facts.
    """
    by_time: dict[int, list[Investment]] = defaultdict(list)

    def work() -> dict[int, Standing]:
        by_time.clear()
        held = {one.pk: one for one in investments}
        times = knowledge_times({one.portfolio_id: one.portfolio for one in held.values()}.values(), past)
        for one in held.values():
            by_time[times[one.portfolio_id]].append(one)
        found: dict[int, Standing] = {}
        for known_at, members in by_time.items():
            known = as_known.figures(members, knowledge=known_at, newest_only=True)
            found |= {
                pk: Standing(held[pk], one.head, one.newest_complete, known_at, past=past)
                for pk, one in known.items()
            }
        return found

    return knowledge.with_one_view(work)


def knowledge_times(portfolios: Iterable[Portfolio], past: Past) -> dict[int, int]:
    """Return the knowledge time the day means for each portfolio: the same for all that learned nothing in between."""
    held = {one.pk: one for one in portfolios}
    own = _newest(Batch.objects.filter(past.until("recorded_at"), portfolio__in=held))
    ends = {f"zone_{at}": end for at, end in enumerate(past.ends.values())}
    shared = Batch.objects.filter(portfolio__isnull=True).aggregate(
        **{name: Max("id", filter=Q(recorded_at__lte=end)) for name, end in ends.items()}
    )
    of_zone = {zone: shared[f"zone_{at}"] or 0 for at, zone in enumerate(past.ends)}
    times = {pk: max(own.get(pk, 0), of_zone[one.time_zone]) for pk, one in held.items()}
    newest = max(times.values(), default=0)
    upto = _newest(Batch.objects.filter(Q(portfolio__in=held) | Q(portfolio__isnull=True), id__lte=newest))
    return {
        pk: newest if upto.get(pk) == own.get(pk) and upto.get(None, 0) == of_zone[held[pk].time_zone] else at
        for pk, at in times.items()
    }


def _newest(batches: Any) -> dict[int | None, int]:
    return dict(
        batches.order_by()
        .values("portfolio_id")
        .annotate(newest=Max("id"))
        .values_list("portfolio_id", "newest")
    )
