"""When simulated investments cross the thresholds that rules watch: probabilities by month, and the projected month."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from roi.engine.result import Bools, Codes, Floats, Ints, Reason, first_reason

RULES = ("breakeven_reached", "breakeven_lost", "breakeven_overdue", "hurdle_rate", "negative_roi")
QUANTILES = (0.1, 0.5, 0.9)
_CUMULATIVE = frozenset(RULES[:3])


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where each of n investments stands at its last observed month; money in currency units.

    `tail_*` are the last w observed months, zeros in front where there are fewer (`tail_count`).
    """

    month: Ints  # (n,) number of the last observed month
    benefit: Floats  # (n,) cumulative
    cost: Floats  # (n,) cumulative
    worth: Floats  # (n,) NPV at the hurdle rate
    was_reached: Bools  # (n,) cumulative benefit covered cost in this month or an earlier one
    reason: Codes  # (n,) why nothing can be said of cumulative figures
    tail_benefit: Floats  # (n, w)
    tail_run: Floats  # (n, w) avoidable run cost
    tail_count: Ints  # (n,)
    avoidable_share: Floats  # (n,) of the run cost to come
    one_time: Floats  # (n, H) still planned
    hurdle_rate: Floats  # (n,)
    live: Ints  # (n,) number of the month it is in use from, 0 where nothing says so
    due: Ints  # (n,) number of the month breakeven is owed in
    ahead: Ints  # (n,) months to the end of the forecast, 1..H


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Shares of the paths, and the months in which rules are crossed; H = months ahead."""

    roi: Floats  # (n,) P(ROI >= 0) at the end of the forecast
    npv_hurdle: Floats  # (n,) P(NPV at the hurdle rate >= 0) of all months to the end of the forecast
    hurdle: Floats  # (n, H) P(incremental ROI >= hurdle)
    hurdle_reason: Codes  # (n, H)
    breakeven: Floats  # (n, H) P(breakeven was reached by then)
    crossed: Mapping[str, Floats]  # rule -> (n, H) P(its condition was met by then)
    month: Mapping[str, Ints]  # rule -> (n, 3) number of the month by QUANTILES, 0 where there is a reason
    month_reason: Mapping[str, Codes]  # rule -> (n, 3)


@dataclass(frozen=True, slots=True, eq=False)
class _Conditions:
    now: Mapping[str, Bools]  # rule -> (n,) its condition is met at the last observed month
    met: Mapping[str, Bools]  # rule -> (n, H, P)


def outcomes(benefit: Floats, run: Floats, standing: Standing) -> Outcomes:
    """Return what n investments come to on their paths, each (n, H, P), in currency units.

    Months after an investment's end of forecast repeat what was reached by then.
    """
    horizon = benefit.shape[1]
    within = np.arange(1, horizon + 1)[None, :] <= standing.ahead[:, None]
    cost = run + standing.one_time[:, :horizon, None]
    total_benefit = standing.benefit[:, None, None] + np.cumsum(benefit, axis=1)
    total_cost = standing.cost[:, None, None] + np.cumsum(cost, axis=1)
    reached = (total_benefit >= total_cost) & (total_cost > 0)
    ever = np.logical_or.accumulate(reached, axis=1) | standing.was_reached[:, None, None]
    earned, spent = _windows(benefit, run, standing)
    hurdle, hurdle_reason = _hurdle(earned, spent, standing)
    conditions = _conditions(reached, ever, earned, spent, standing)
    first = {rule: _first(conditions.met[rule] & within[:, :, None]) for rule in RULES}
    months = {rule: _month(first[rule], conditions.now[rule], standing, rule=rule) for rule in RULES}
    end = (np.arange(len(run)), standing.ahead - 1)
    return Outcomes(
        roi=_share(reached[end]),
        npv_hurdle=_share(_worth(benefit, run, standing) >= 0),
        hurdle=hurdle,
        hurdle_reason=hurdle_reason,
        breakeven=_share(ever),
        crossed={rule: _by_month(first[rule], horizon) for rule in RULES},
        month={rule: month for rule, (month, _) in months.items()},
        month_reason={rule: reason for rule, (_, reason) in months.items()},
    )


def _windows(benefit: Floats, run: Floats, standing: Standing) -> tuple[Floats, Floats]:
    """Return window sums of benefit and avoidable run cost, (n, H + 1, P); the first is that of the last month."""
    avoidable = run * standing.avoidable_share[:, None, None]
    return _rolling(standing.tail_benefit, benefit), _rolling(standing.tail_run, avoidable)


def _rolling(tail: Floats, paths: Floats) -> Floats:
    size = tail.shape[1]
    rows, horizon, count = paths.shape
    months = np.concatenate([np.broadcast_to(tail[:, :, None], (rows, size, count)), paths], axis=1)
    return np.asarray(sum(months[:, shift : shift + horizon + 1] for shift in range(size)), dtype=np.float64)


def _hurdle(earned: Floats, spent: Floats, standing: Standing) -> tuple[Floats, Codes]:
    has_base = spent[:, 1:] > 0
    holds = has_base & (earned[:, 1:] >= (1 + standing.hurdle_rate[:, None, None]) * spent[:, 1:])
    share = _share(has_base)
    ahead = np.arange(1, share.shape[1] + 1)[None, :]
    is_short = standing.tail_count[:, None] + ahead < standing.tail_run.shape[1]
    none = np.zeros(share.shape, dtype=np.uint8)
    reason = first_reason(none, (is_short, Reason.WINDOW_INCOMPLETE), (share < 0.5, Reason.NON_POSITIVE_BASE))
    return np.where(reason == 0, _share(holds) / np.where(share > 0, share, 1), np.nan), reason


def _conditions(
    reached: Bools, ever: Bools, earned: Floats, spent: Floats, standing: Standing
) -> _Conditions:
    size = standing.tail_run.shape[1]
    ahead = np.arange(reached.shape[1] + 1)[None, :]
    month = standing.month[:, None] + ahead
    is_live = (standing.live[:, None] > 0) & (month >= standing.live[:, None] + size - 1)
    armed = is_live & (standing.tail_count[:, None] + ahead >= size)
    below = (spent > 0) & (earned < (1 + standing.hurdle_rate[:, None, None]) * spent) & armed[:, :, None]
    negative = (earned < spent) & armed[:, :, None]
    is_reached = (standing.benefit >= standing.cost) & (standing.cost > 0)
    is_due = month >= standing.due[:, None]
    now = {
        "breakeven_reached": standing.was_reached,
        "breakeven_lost": standing.was_reached & ~is_reached,
        "breakeven_overdue": ~standing.was_reached & is_due[:, 0],
        "hurdle_rate": below[:, 0, 0],
        "negative_roi": negative[:, 0, 0],
    }
    met = {
        "breakeven_reached": reached,
        "breakeven_lost": ever & ~reached,
        "breakeven_overdue": ~ever & is_due[:, 1:, None],
        "hurdle_rate": below[:, 1:],
        "negative_roi": negative[:, 1:],
    }
    return _Conditions(now, met)


def _first(condition: Bools) -> Ints:
    """Return the first month ahead in which each path meets a condition, (n, P); H + 1 where none does."""
    rows, horizon, count = condition.shape
    first = np.full((rows, count), horizon + 1, dtype=np.int64)
    for month in range(horizon, 0, -1):
        first[condition[:, month - 1]] = month
    return first


def _by_month(first: Ints, horizon: int) -> Floats:
    """Return the share of the paths whose first month is not later than each of the months ahead, (n, H)."""
    rows, count = first.shape
    place = first + np.arange(rows)[:, None] * (horizon + 2)
    counts = np.bincount(place.ravel(), minlength=rows * (horizon + 2)).reshape(rows, horizon + 2)
    return np.asarray(counts.cumsum(axis=1)[:, 1:-1] / count, dtype=np.float64)


def _share(condition: Bools) -> Floats:
    """Return the share of the paths that meet a condition, over the last axis."""
    return np.asarray(np.count_nonzero(condition, axis=-1) / condition.shape[-1], dtype=np.float64)


def _month(first: Ints, now: Bools, standing: Standing, *, rule: str) -> tuple[Ints, Codes]:
    """Return the month by which the quantiles of paths have crossed, a path that never does counting as later."""
    ordered = np.sort(first, axis=1)
    at = [int(np.ceil(quantile * first.shape[1])) - 1 for quantile in QUANTILES]
    ahead = ordered[:, at]
    base = standing.reason if rule in _CUMULATIVE else np.zeros(len(first), dtype=np.uint8)
    unused = (standing.live == 0) & (rule not in _CUMULATIVE)
    known = first_reason(base, (now, Reason.ALREADY_CROSSED), (unused, Reason.NOT_LIVE))
    spread = np.repeat(known[:, None], len(QUANTILES), axis=1)
    reason = first_reason(spread, (ahead > standing.ahead[:, None], Reason.NOT_REACHED))
    return np.where(reason == 0, standing.month[:, None] + ahead, 0), reason


def _worth(benefit: Floats, run: Floats, standing: Standing) -> Floats:
    """Return the NPV at the hurdle rate over all months to the end of the forecast, (n, P)."""
    ahead = np.arange(benefit.shape[1] + 1)[None, :]
    months = standing.month[:, None] + ahead
    factor = np.exp(-np.log1p(standing.hurdle_rate)[:, None] * months / 12)
    counts = ahead[:, 1:] <= standing.ahead[:, None]
    once = (standing.one_time[:, : benefit.shape[1]] * factor[:, :-1] * counts).sum(axis=1)
    flows = np.einsum("nhp,nh->np", benefit - run, factor[:, 1:] * counts)
    return np.asarray((standing.worth - once)[:, None] + flows, dtype=np.float64)
