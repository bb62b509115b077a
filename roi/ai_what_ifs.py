"""What-ifs of their own on one AI use, as plain values: degrading accuracy, own hardware, the batch tier, options.

Every function takes validated plain values and raises ValueError with a sentence for what makes no sense together.
"""

from collections.abc import Mapping
from typing import Any

from portfolio.terms import MICRO, Basis
from roi import what_if_charts
from roi.engine import batch, capacity, degradation, options, projection, retraining, serving, unit_cost
from roi.engine.batch import Batch, BatchTerms
from roi.engine.capacity import Hardware
from roi.engine.degradation import Path, Retraining, Shape, Streams
from roi.engine.figures import Figures
from roi.engine.options import Option
from roi.engine.result import Figure, Reason, undefined
from roi.engine.retraining import IntervalCost
from roi.engine.serving import TokenRates, TokenUse

Plain = dict[str, Any]
Asked = Mapping[str, Any]

HORIZONS = (12, 24, 36, 60)
_STREAMS = ("value", "run", "one_time", "error_cost", "worthless")


def degrade(asked: Asked) -> Plain:
    """Return money and figures on a path of accuracy, with the retraining interval that costs least."""
    path, streams = _path(asked), Streams(**{name: asked[name] for name in _STREAMS if name in asked})
    months, again = asked["months"], asked.get("retraining")
    retrained = Retraining(again["cost"], again.get("accuracy")) if again else None
    schedule = _schedule(again, months)
    accuracy = degradation.accuracies(
        path, months=months, schedule=schedule, restored=retrained.accuracy if retrained else None
    )
    flows = degradation.flows(path, streams=streams, months=months, retraining=retrained, schedule=schedule)
    computed = projection.figures(flows, discount_rate=asked["discount_rate"])
    monthly = _monthly(computed, accuracy.tolist())
    views = [_view(computed, month) for month in sorted({*HORIZONS, months}) if month <= months]
    return {
        **_figures(
            ("first_losing_month", projection.first_loss(_windowed(flows, asked, 1)), 1),
            ("first_losing_window", projection.first_loss(_windowed(flows, asked, 3)), 1),
        ),
        "views": views,
        "monthly": monthly,
        "retraining_months": list(schedule),
        "optimal_interval": _optimum(path, streams, retrained, asked) if retrained else None,
        "chart": what_if_charts.degradation(monthly, retraining_months=schedule),
    }


def _path(asked: Asked) -> Path:
    shape = Shape(asked.get("shape", Shape.LINEAR))
    dated = [(one["month"], one["accuracy"]) for one in asked["points"] if one.get("month")]
    counted = [(one["after"], one["accuracy"]) for one in asked["points"] if one.get("after") is not None]
    if len(dated) + len(counted) != len(asked["points"]) or (dated and counted):
        raise ValueError("Give every point its calendar month, or every point the months after the first.")
    return degradation.dated_path(dated, shape=shape) if dated else Path(tuple(counted), shape)


def _schedule(again: Asked | None, months: int) -> tuple[int, ...]:
    if not again:
        return ()
    if again.get("every"):
        return degradation.every(again["every"], months=months)
    return tuple(sorted(set(again.get("months") or ())))


def _windowed(flows: Any, asked: Asked, window: int) -> Figures:
    return projection.figures(flows, discount_rate=asked["discount_rate"], window=window)


def _optimum(path: Path, streams: Streams, retrained: Retraining, asked: Asked) -> Plain:
    found = retraining.optimal_interval(
        path, streams=streams, retraining=retrained, max_months=asked["longest_interval"]
    )
    return {
        "months": found.best.months,
        "saving_per_month": found.saving,
        "never": _interval(found.never),
        "curve": [_interval(one) for one in found.curve],
    }


def _interval(one: IntervalCost) -> Plain:
    return {
        "months": one.months,
        "value_lost": one.value_lost,
        "error_cost": one.error_cost,
        "retraining": one.retraining,
        "total": one.total,
    }


def _monthly(computed: Figures, accuracy: list[float]) -> list[Plain]:
    supported = computed.by_basis[Basis.SUPPORTED]
    columns = (supported.benefit, computed.run, computed.one_time, supported.cumulative_net)
    money = zip(*((column[0] / MICRO).tolist() for column in columns), strict=True)
    return [
        {
            "month": month,
            "accuracy": share,
            "benefit": benefit,
            "run_cost": run,
            "one_time_cost": once,
            "cumulative_net": net,
        }
        for month, (share, (benefit, run, once, net)) in enumerate(zip(accuracy, money, strict=True), start=1)
    ]


def _view(computed: Figures, month: int) -> Plain:
    supported, at = computed.by_basis[Basis.SUPPORTED], (0, month - 1)
    reached = int(supported.breakeven_index.value[at])
    breakeven = Figure(reached) if reached else undefined(Reason.NOT_REACHED)
    npv = supported.npv.at(at)
    return {
        "months": month,
        "total_cost": int(computed.tco[at]) / MICRO,
        "total_value": int(supported.cumulative_benefit[at]) / MICRO,
        **_figures(
            ("roi_percent", supported.roi.at(at), 100),
            ("npv", npv, 1 / MICRO),
            ("payback_months", supported.payback.at(at), 1),
            ("breakeven_month", breakeven, 1),
        ),
    }


def serve(asked: Asked) -> Plain:
    """Return API against own hardware: breakeven volume, payback of the migration, and the curve of replicas."""
    unit = _unit_cost(asked)
    told: Plain = {"hardware": None, "chart": None}
    if unit.value is None:
        return told | _figures(("api_unit_cost", unit, 1))
    terms = serving.Terms(asked["fixed_cost"], unit.value, asked["self_host_unit_cost"])
    volume, migration = asked["volume"], asked.get("migration_cost")
    figures = [
        ("api_unit_cost", unit, 1),
        ("breakeven_volume", serving.breakeven_volume(terms), 1),
        ("breakeven_fixed_cost", serving.breakeven_fixed_cost(volume, terms=terms), 1),
        ("monthly_saving", Figure(serving.monthly_saving(volume, terms=terms)), 1),
    ]
    if migration is not None:
        payback = serving.migration_payback(migration, volume=volume, terms=terms)
        figures.append(("migration_payback_months", payback, 1))
    told |= _figures(*figures)
    return told | (_fleet(asked, unit.value) if asked.get("hardware") else {})


def _unit_cost(asked: Asked) -> Figure:
    tokens = asked.get("tokens")
    if (tokens is None) == (asked.get("api_unit_cost") is None):
        raise ValueError("State the API's cost of a unit, or the tokens of a unit and their prices.")
    if tokens is None:
        return Figure(asked["api_unit_cost"])
    use = TokenUse(tokens["input_tokens"], tokens["output_tokens"], tokens["turns"])
    return serving.api_unit_cost(use, rates=TokenRates(tokens.get("input_price"), tokens.get("output_price")))


def _fleet(asked: Asked, api_unit_cost: float) -> Plain:
    hardware = Hardware(**asked["hardware"])
    found = capacity.breakevens(hardware, api_unit_cost=api_unit_cost)
    furthest = max(
        one for one in (asked["volume"] * 2, found.first.value, found.last.value) if one is not None
    )
    corners = capacity.step_volumes(hardware, up_to=furthest or 1.0)
    points = capacity.curve(hardware, volumes=corners, api_unit_cost=api_unit_cost)
    rows = [
        {
            "volume": point.volume,
            "replicas": point.replicas,
            "utilization": point.utilization,
            "api": point.api_cost,
            "self_hosted": point.self_host_cost,
        }
        for point in points
    ]
    prediction = unit_cost.cost_per_prediction(
        hardware.gpu_hour_price * hardware.gpus_per_replica,
        throughput_per_hour=hardware.throughput_per_hour,
        utilization=hardware.target_utilization,
    )
    return {
        "hardware": {
            **_figures(
                ("first_breakeven_volume", found.first, 1),
                ("last_breakeven_volume", found.last, 1),
                ("cost_per_prediction", prediction, 1),
            ),
            "crossings": found.crossings,
            "curve": rows,
        },
        "chart": what_if_charts.serving_costs(rows, currency=asked["currency"], breakeven=found.first.value),
    }


def defer(asked: Asked) -> Plain:
    """Return real time against the batch tier; what cannot wait has no figures, and the reason says so."""
    terms = BatchTerms(asked["deferral_share"], asked["discount"], asked["batch_share"])
    found = batch.compare(
        asked["real_time_cost"],
        value=asked["value"],
        terms=terms,
        is_latency_sensitive=asked["is_latency_sensitive"],
    )
    names = ("batch_cost", "saving", "value_deferred", "net")
    if not isinstance(found, Batch):
        refused = undefined(found)
        return _figures(*((name, refused, 1) for name in (*names, "breakeven_deferral_share")))
    money = [(name, Figure(getattr(found, name)), 1) for name in names]
    return _figures(*money, ("breakeven_deferral_share", found.breakeven_deferral_share, 1))


def compare(asked: Asked) -> Plain:
    """Return up to five options side by side, with the best of each column."""
    terms = options.Terms(**{name: value for name, value in asked["terms"].items() if value is not None})
    table = options.compare([_option(one) for one in asked["options"]], terms=terms)
    return {
        "rows": [
            {
                "name": row.option.name,
                "vendor": row.option.vendor,
                "architecture": row.option.architecture,
                "model": row.option.model,
                "is_fast_enough": row.is_fast_enough,
                **_figures(*((measure.value, figure, 1) for measure, figure in row.figures.items())),
            }
            for row in table.rows
        ],
        "best": {measure.value: sorted(names) for measure, names in table.best.items()},
    }


def _option(stated: Asked) -> Option:
    price = stated.get("unit_price")
    known = {name: value for name, value in stated.items() if name != "unit_price"}
    return Option(**known, unit_price=undefined(Reason.UNPRICED_USAGE) if price is None else Figure(price))


def _figures(*named: tuple[str, Figure, float]) -> Plain:
    """Return figures by name, scaled; what is undefined is None, and `reasons` has its code."""
    values = {name: None if one.value is None else one.value * scale for name, one, scale in named}
    return values | {"reasons": {name: one.reason.value for name, one, _ in named if one.reason is not None}}
