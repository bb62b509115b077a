"""The charts of a pack, from the specification that pages use, as SVG for paper and PNG for mail.

Drawing loads an engine with threads: only the report worker's own processes and commands call `draw`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from portfolio.terms import parse_month
from reports import fonts
from roi import charts
from roi.charts import Point, Spec

WIDE, TALL = 640, 190
PORTFOLIO = "portfolio"
_PICTURE_SCALE = 2
Json = Mapping[str, Any]


def points_of(section: Json) -> list[Point]:
    """Return the cumulative months of one investment."""
    return [
        Point(parse_month(m["month"]), Decimal(m["cost"]), Decimal(m["benefit"]), bool(m["is_closed"]))
        for m in section["months"]
    ]


def points_of_all(content: Json) -> list[Point]:
    """Return the cumulative months of the whole portfolio: the sum of what each investment had in each month."""
    cost: dict[str, Decimal] = defaultdict(Decimal)
    benefit: dict[str, Decimal] = defaultdict(Decimal)
    is_open: dict[str, bool] = defaultdict(bool)
    for one in content["investments"]:
        for m in one["months"]:
            cost[m["month"]] += Decimal(m["month_cost"])
            benefit[m["month"]] += Decimal(m["month_benefit"])
            is_open[m["month"]] |= not m["is_closed"]
    points, spent, earned = [], Decimal(0), Decimal(0)
    for month in sorted(cost):
        spent, earned = spent + cost[month], earned + benefit[month]
        points.append(Point(parse_month(month), spent, earned, not is_open[month]))
    return points


def specs_of(content: Json) -> dict[str, Spec]:
    """Return the chart of the portfolio, and of each investment that has two months or more, by id."""
    currency = content["currency"]
    found = {PORTFOLIO: _spec(points_of_all(content), currency, None)}
    for one in content["investments"]:
        reached = one["figures"].get("supported", {}).get("breakeven")
        found[one["id"]] = _spec(points_of(one), currency, reached)
    return {key: spec for key, spec in found.items() if spec}


def _spec(points: list[Point], currency: str, breakeven: str | None) -> Spec:
    if len(points) < 2 or not any(p.cost or p.benefit for p in points):
        return {}
    reached = parse_month(breakeven) if breakeven else None
    return charts.cumulative(points, currency=currency, breakeven=reached)


def draw(specs: Mapping[str, Spec], *, only: Iterable[str] | None = None) -> dict[str, str]:
    """Return charts as SVG."""
    engine = _engine()
    wanted = specs if only is None else {key: specs[key] for key in only if key in specs}
    return {
        key: str(engine.vegalite_to_svg(_sized(spec), config=charts.theme("light"), allowed_base_urls=[]))
        for key, spec in wanted.items()
    }


def picture(spec: Spec) -> bytes:
    """Return a chart as PNG on white, for mail."""
    theme = charts.theme("light") | {"background": "#ffffff"}
    drawn = _engine().vegalite_to_png(_sized(spec), scale=_PICTURE_SCALE, config=theme, allowed_base_urls=[])
    return bytes(drawn)


def _sized(spec: Spec) -> Spec:
    return spec | {"width": WIDE, "height": TALL}


def _engine() -> Any:
    import vl_convert

    directory: Path = fonts.directory()
    if directory.is_dir():
        vl_convert.register_font_directory(str(directory))
    return vl_convert


def for_page(spec: Spec) -> Json:
    """Return a chart as a page loads it, in both themes; no engine runs here."""
    return {
        "payload": {"spec": spec, "themes": {name: charts.theme(name) for name in ("light", "dark")}},
        "text": spec["description"],
    }
