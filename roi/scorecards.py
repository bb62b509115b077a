"""Scorecards of investments: the evidence of the six criteria, read for all of them at once, and their thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from portfolio import knowledge as knowing
from portfolio.models import (
    Account,
    Differentiation,
    Hypothesis,
    Investment,
    Portfolio,
    ScorecardThresholds,
    StrategicTerms,
    User,
)
from portfolio.terms import MICRO, AccountKind, Basis, Book, add_months
from roi import inputs, lines
from roi.engine import metrics, scorecard, unit_cost
from roi.engine.figures import UnitCosts
from roi.engine.result import Reason
from roi.engine.scorecard import (
    Adoption,
    Claim,
    Evidence,
    Growth,
    Rating,
    Readings,
    Scorecard,
    Thresholds,
)
from roi.inputs import Inputs, month_of

_SCALE_UNITS = ("conversation", "outcome", "query", "successful_outcome", "user")
_ADOPTION_UNITS = ("user", "conversation", "query", "outcome")
_COST_PER = "cost per "

Quantities = Mapping[tuple[int, int, date], float]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scorecard of an investment, the thresholds it was judged by, and the month of its newest evidence."""

    investment: Investment
    scorecard: Scorecard
    thresholds: Thresholds
    month: date | None


def of(investments: Sequence[Investment], *, today: date, knowledge: int | None = None) -> dict[int, Scored]:
    """Return the scorecards of investments, with their portfolios loaded; a fixed number of queries for all of them.

    The caller holds one consistent view of the database.
    """
    if not investments:
        return {}
    return scored(
        investments, inputs.load(investments, knowledge=knowledge), today=today, knowledge=knowledge
    )


def proposals(
    investments: Sequence[Investment], loaded: Inputs, *, today: date, knowledge: int | None
) -> dict[int, str | None]:
    """Return what the scorecards propose, by investment."""
    found = scored(investments, loaded, today=today, knowledge=knowledge)
    return {pk: one.scorecard.proposal.value if one.scorecard.proposal else None for pk, one in found.items()}


def scored(
    investments: Sequence[Investment], loaded: Inputs, *, today: date, knowledge: int | None
) -> dict[int, Scored]:
    """Return the scorecards of investments whose inputs are loaded already."""
    by_id = {one.pk: one for one in investments}
    rows = [(row, by_id[one.pk]) for row, one in enumerate(loaded.investments)]
    sources = _Sources([one for _, one in rows], loaded, knowledge)
    found = {}
    for row, one in rows:
        own = sources.thresholds[one.portfolio_id]
        complete = sources.complete(row)
        card = scorecard.score(sources.evidence(row, one, own), thresholds=own, today=today)
        month = month_of(int(loaded.first_month[row]), complete[-1]) if complete else None
        found[one.pk] = Scored(one, card, own, month)
    return found


def thresholds_of(portfolios: Sequence[int], *, knowledge: int | None = None) -> dict[int, Thresholds]:
    """Return the thresholds in force of portfolios, the defaults where none were set."""
    rows = ScorecardThresholds.objects.filter(portfolio__in=portfolios)
    if knowledge is not None:
        rows = rows.filter(batch_id__lte=knowledge)
    newest = rows.order_by("portfolio_id", "-batch_id").distinct("portfolio_id")
    stated = dict(newest.values_list("portfolio_id", "thresholds"))
    return {pk: scorecard.thresholds_of(stated.get(pk, {})) for pk in portfolios}


@transaction.atomic
def set_thresholds(
    portfolio: Portfolio,
    stated: Mapping[str, Any],
    *,
    now: datetime,
    actor: User | None = None,
    reason: str = "",
) -> Thresholds:
    """Put thresholds in force from now on; what is not stated is the default. Raises ThresholdError."""
    found = scorecard.thresholds_of(stated)
    knowing.lock_portfolio(portfolio.pk)
    batch = knowing.open_batch(
        portfolio=portfolio,
        kind="governance",
        now=now,
        actor=actor,
        reason=reason,
        content=[f"thresholds|{name}|{value}" for name, value in sorted(asdict(found).items())],
    )
    ScorecardThresholds.objects.create(
        portfolio=portfolio, thresholds=dict(stated), author=actor, batch=batch
    )
    return found


class _Sources:
    """Everything the evidence of some investments is read from, loaded once."""

    def __init__(self, investments: Sequence[Investment], loaded: Inputs, knowledge: int | None) -> None:
        self.loaded, self.series = loaded, loaded.series
        self.benefit = self.series.benefit[Basis.SUPPORTED]
        # Of each month by itself: a window's average would make every trend look steadier than it is.
        self.by_month = metrics.compute(replace(self.series, window=1)).unit_costs
        self.by_window = metrics.compute(self.series).unit_costs
        self.thresholds = thresholds_of([one.portfolio_id for one in investments], knowledge=knowledge)
        self.accounts = list(Account.objects.order_by("position"))
        then = loaded.investments
        self.read = lines.quantities(then, knowledge=knowledge)
        self.planned = lines.quantities(then, knowledge=knowledge, book=Book.PLAN)
        self.hypotheses = _newest(Hypothesis, investments, knowledge, "-version")
        self.strategies = _newest(StrategicTerms, investments, knowledge, "-batch_id")
        self.ratings = _newest(Differentiation, investments, knowledge, "-batch_id")

    def complete(self, row: int) -> list[int]:
        """Return the columns of an investment's closed, complete months."""
        return [int(column) for column in np.nonzero(self.series.complete[row])[0]]

    def evidence(self, row: int, investment: Investment, thresholds: Thresholds) -> Evidence:
        """Return what an investment is judged on."""
        complete, size = self.complete(row), self.series.window
        last = complete[-size:] if len(complete) >= size else []
        before = complete[-2 * size : -size] if len(complete) >= 2 * size else []
        unit, elasticity = self._elasticity(row, complete)
        return Evidence(
            unit=unit,
            elasticity=elasticity,
            growth=self._growth(row, last, before),
            claim=self._claim(row, investment, complete),
            adoption=self._adoption(row, last, before),
            quality=self._quality(row, investment, last),
            importance=self._importance(investment),
            differentiation=self._differentiation(investment, thresholds),
        )

    def _elasticity(self, row: int, complete: Sequence[int]) -> tuple[str, unit_cost.Elasticity | Reason]:
        """Return the first unit with an elasticity; else the reason of the first that is counted."""
        first: tuple[str, Reason] | None = None
        for unit in _SCALE_UNITS:
            volumes = self.series.volume[unit][row, complete]
            if not np.isfinite(volumes).any():
                continue
            costs = self.by_month[unit].run.value[row, complete] / MICRO
            found = unit_cost.elasticity(volumes.tolist(), unit_costs=costs.tolist())
            if not isinstance(found, Reason):
                return unit, found
            first = first or (unit, found)
        return first or ("", Reason.NO_VOLUME)

    def _growth(self, row: int, last: Sequence[int], before: Sequence[int]) -> Growth | Reason:
        if not last or not before:
            return Reason.WINDOW_INCOMPLETE
        if self.series.missing_fx[row, [*before, *last]].any():
            return Reason.MISSING_FX_RATE
        run = self.series.run[row]
        return Growth(
            benefit=int(self.benefit[row, last].sum()),
            benefit_before=int(self.benefit[row, before].sum()),
            run=int(run[last].sum()),
            run_before=int(run[before].sum()),
        )

    def _claim(self, row: int, investment: Investment, complete: Sequence[int]) -> Claim | Reason:
        stated = self.hypotheses.get(investment.pk)
        if stated is None or stated.baseline is None or stated.target is None or stated.target_date is None:
            return Reason.NOT_STATED
        if not complete:
            return Reason.NO_HISTORY
        month = month_of(int(self.loaded.first_month[row]), complete[-1])
        reading = self._reading(row, investment, stated.metric, complete[-1], month)
        if isinstance(reading, Reason):
            return reading
        begin = stated.baseline_to or investment.start_month
        whole, passed = (stated.target_date - begin).days, (add_months(month, 1) - begin).days
        elapsed = min(max(passed / whole, 0.0), 1.0) if whole > 0 else 1.0
        return Claim(stated.metric, stated.unit, stated.baseline, stated.target, reading, elapsed)

    def _reading(
        self, row: int, investment: Investment, metric: str, column: int, month: date
    ) -> Decimal | Reason:
        """Return the metric's value: an account of its name or code, or the window's run cost of a unit."""
        name = metric.strip().casefold()
        unit = name.removeprefix(_COST_PER).replace(" ", "_")
        if name.startswith(_COST_PER) and unit in self.by_window:
            return _micro_cost(self.by_window[unit], row, column)
        for account in self.accounts:
            if name in (account.code, account.name.casefold()) and not account.nature:
                value = self.read.get((investment.pk, account.pk, month))
                return Reason.MISSING_ACTUALS if value is None else Decimal(str(value))
        return Reason.NOT_STATED

    def _adoption(self, row: int, last: Sequence[int], before: Sequence[int]) -> Adoption | Reason:
        if not last or not before:
            return Reason.WINDOW_INCOMPLETE
        for unit in _ADOPTION_UNITS:
            counts = self.series.volume[unit][row]
            now, then = float(counts[last].sum()), float(counts[before].sum())
            if np.isfinite(now) and np.isfinite(then):
                return Adoption(unit, now, then)
        return Reason.NO_VOLUME

    def _quality(self, row: int, investment: Investment, last: Sequence[int]) -> Sequence[Readings] | Reason:
        if not last:
            return Reason.WINDOW_INCOMPLETE
        months = [month_of(int(self.loaded.first_month[row]), column) for column in last]
        found = []
        for account in self.accounts:
            if account.kind != AccountKind.QUALITY.value:
                continue
            keys = [(investment.pk, account.pk, month) for month in months]
            values = [self.read[key] for key in keys if key in self.read]
            targets = [self.planned.get(key) for key in keys if key in self.read]
            if values:
                found.append(Readings(account.name, values, targets, account.is_higher_better is not False))
        return found or Reason.NO_HISTORY

    def _importance(self, investment: Investment) -> Rating | Reason:
        stated = self.strategies.get(investment.pk)
        if stated is None:
            return Reason.NOT_STATED
        zone = ZoneInfo(investment.portfolio.time_zone)
        rated_on = stated.batch.recorded_at.astimezone(zone).date()
        return Rating(stated.importance, rated_on, stated.expires_on, stated.narrative)

    def _differentiation(self, investment: Investment, thresholds: Thresholds) -> Rating | Reason:
        stated = self.ratings.get(investment.pk)
        if stated is None:
            return Reason.NOT_STATED
        until = add_months(stated.rated_on.replace(day=1), thresholds.rating_age_months + 1)
        return Rating(stated.rating, stated.rated_on, until, stated.narrative, stated.is_superseded)


def _micro_cost(costs: UnitCosts, row: int, column: int) -> Decimal | Reason:
    found = costs.run.at((row, column))
    if found.value is None:
        return found.reason or Reason.NO_VOLUME
    return Decimal(str(found.value / MICRO))


def _newest(
    model: Any, investments: Sequence[Investment], knowledge: int | None, order: str
) -> dict[int, Any]:
    """Return the newest statement of each investment, as known at a knowledge time (None: now)."""
    rows = model.objects.filter(investment__in=investments).select_related("batch")
    if knowledge is not None:
        # What was stated before statements were batched counts as always known.
        rows = rows.exclude(batch_id__gt=knowledge)
    newest = rows.order_by("investment_id", order).distinct("investment_id")
    return {one.investment_id: one for one in newest}
