"""The charts of a pack, from the specification that pages use, as SVG for paper and PNG for mail."""

import base64
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from portfolio.terms import parse_month
from reports import fonts
from roi import charts
from roi.charts import Point
from roi.vega import Spec

WIDE, TALL = 640, 190
# A phone shrinks the picture of a mail to its own width: drawn narrower, its words can still be read.
_PICTURE_WIDE = 480
PORTFOLIO = "portfolio"
_PICTURE_SCALE = 3
# Well within the hard limit of a task, so that a chart that hangs is known by its name.
_LONGEST_SECONDS = 300
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drawings:
    """The charts of a pack as SVG by id, and that of the portfolio as PNG, empty where it has none."""

    svgs: Mapping[str, str]
    picture: bytes


def points_of(section: Json) -> list[Point]:
    """Return the cumulative months of one investment."""
    return [
        Point(parse_month(m["month"]), Decimal(m["cost"]), Decimal(m["benefit"]), bool(m["is_closed"]))
        for m in section["months"]
    ]


def points_of_all(content: Json) -> list[Point]:
    """Return the cumulative months of the whole portfolio: the sum of all investments, less what pools leave out."""
    cost: dict[str, Decimal] = defaultdict(Decimal)
    benefit: dict[str, Decimal] = defaultdict(Decimal)
    is_open: dict[str, bool] = defaultdict(bool)
    for one in content["investments"]:
        for m in one["months"]:
            cost[m["month"]] += Decimal(m["month_cost"])
            benefit[m["month"]] += Decimal(m["month_benefit"])
            is_open[m["month"]] |= not m["is_closed"]
    # Layout 1 knew no pools.
    for month, amount in content.get("overlaps", {}).items():
        benefit[month] -= Decimal(amount)
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


def draw(specs: Mapping[str, Spec]) -> Drawings:
    """Return the charts of one pack, drawn in a child that ends; a chart that hangs or breaks the child raises."""
    if not specs:
        return Drawings({}, b"")
    sized = {key: spec | {"width": WIDE, "height": TALL} for key, spec in specs.items()}
    fonts_at = fonts.directory()
    asked = {
        "charts": sized,
        "picture": sized[PORTFOLIO] | {"width": _PICTURE_WIDE} if PORTFOLIO in sized else None,
        "scale": _PICTURE_SCALE,
        "theme": charts.theme("light"),
        "fonts": str(fonts_at) if fonts_at.is_dir() else "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reports.pack_drawing"],
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        cwd=settings.BASE_DIR,
        timeout=_LONGEST_SECONDS,
        check=True,
    )
    found = json.loads(done.stdout)
    return Drawings(found["charts"], base64.b64decode(found["picture"]))


def for_page(spec: Spec) -> Json:
    """Return a chart as a page loads it, in both themes; no engine runs here."""
    return {
        "payload": {"spec": spec, "themes": {name: charts.theme(name) for name in ("light", "dark")}},
        "text": spec["description"],
    }
