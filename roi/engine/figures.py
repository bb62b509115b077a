"""What `metrics.compute` returns: per investment and month, every figure with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from portfolio.terms import Basis
from roi.engine.result import Codes, Column, Ints


@dataclass(frozen=True, slots=True, eq=False)
class UnitCosts:
    """Cost per unit of one volume over the window, in micro-units: three columns (n, T) of floats."""

    run: Column  # window run cost / volume
    loaded: Column  # run cost and the straight-line share of one-time cost / volume
    marginal: Column  # usage-driven cost / volume


@dataclass(frozen=True, slots=True, eq=False)
class BasisFigures:
    """The figures of one benefit basis. Arrays (n, T); amounts in micro-units; row i ends at `length[i]`."""

    benefit: Ints  # of the month, as recorded
    net: Ints  # benefit - cost of the month
    cumulative_benefit: Ints
    cumulative_net: Ints
    window_benefit: Ints  # sum over the window; means nothing where `Figures.window_reason` is set
    roi: Column  # ratio
    incremental_roi: Column  # ratio, over avoidable run cost
    operating_margin: Column  # int64 micro-units, window benefit - window avoidable run cost
    breakeven_index: Column  # int64 month m*, 0 where not reached or undefined
    breakeven_last: Column  # int64 month of the last crossing, same convention
    payback: Column  # months
    npv: Column  # int64 micro-units at the discount rate
    npv_hurdle: Column  # int64 micro-units at the hurdle rate
    discounted_payback: Column  # months, at the discount rate
    irr: Column  # annual rate; last closed month, others `not_computed` unless asked
    mirr: Column  # annual rate, both its rates = discount rate


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Everything computed from one Series; sums stay as recorded even where figures on them are undefined."""

    run: Ints
    one_time: Ints
    cost: Ints  # run + one-time of the month
    tco: Ints  # cumulative cost
    cumulative_run: Ints
    cumulative_one_time: Ints
    window_run: Ints
    window_avoidable_run: Ints
    window_usage: Ints
    cumulative_reason: (
        Codes  # (n, T) why figures over months 1..m are undefined: 0, missing_actuals, overflow ...
    )
    window_reason: Codes  # (n, T) why figures over the window are undefined
    last_closed: Ints  # (n,) 1-based month, 0 = none
    by_basis: Mapping[Basis, BasisFigures]
    unit_costs: Mapping[str, UnitCosts]  # one per volume key given
