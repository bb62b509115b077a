"""Stored forecasts as the early warning judges them: what was expected at the end of each month."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from alerts.models import EvaluationPoint, Policy
from alerts.rules.base import Outlook
from alerts.rules.early_warning import EARLY_WARNING
from roi.engine.result import Reason
from roi.models import Forecast

ByMonth = Mapping[date, Outlook]  # by the last month whose actuals were known


@dataclass(frozen=True, slots=True)
class Expected:
    """One stored forecast: made after the actuals of `month`, from facts as of `knowledge`."""

    month: date
    knowledge: int
    outlook: Outlook


def of(investment_ids: Sequence[int]) -> dict[int, dict[date, Outlook]]:
    """Return the newest forecast of each month, for investments with a policy for it: one query for all of them."""
    warned = Policy.objects.filter(investment__in=investment_ids, rule=EARLY_WARNING.name)
    newest = (
        Forecast.objects.filter(investment__in=warned.values("investment"))
        .order_by("investment_id", "last_month", "-pk")
        .distinct("investment_id", "last_month")
    )
    found: dict[int, dict[date, Outlook]] = defaultdict(dict)
    for investment_id, month, key, crossings in newest.values_list(
        "investment_id", "last_month", "pk", "content__crossings"
    ):
        found[investment_id][month] = _outlook(key, crossings)
    return found


def of_forecasts(keys: Iterable[int]) -> dict[int, tuple[date, Outlook]]:
    """Return stored forecasts by their keys, each with the month it was made after: one query for all of them."""
    rows = Forecast.objects.filter(pk__in=set(keys))
    return {
        key: (month, _outlook(key, crossings))
        for key, month, crossings in rows.values_list("pk", "last_month", "content__crossings")
    }


def made_for(investment_id: int) -> list[Expected]:
    """Return every forecast of an investment, in the order in which they were made."""
    rows = Forecast.objects.filter(investment=investment_id).order_by("pk")
    return [
        Expected(month, known, _outlook(key, crossings))
        for month, known, key, crossings in rows.values_list(
            "last_month", "knowledge", "pk", "content__crossings"
        )
    ]


def as_known(made: Sequence[Expected], knowledge: int) -> dict[date, Outlook]:
    """Return the newest forecast of each month that was made from no later facts than these."""
    return {one.month: one.outlook for one in made if one.knowledge <= knowledge}


def judged_of(investment_ids: Sequence[int]) -> dict[int, int]:
    """Return the forecast each investment was judged on last; none is 0, and so is what says nothing about it."""
    points = EvaluationPoint.objects.filter(investment__in=investment_ids).order_by("investment_id", "-pk")
    rows = points.distinct("investment_id").values_list("investment_id", "context__forecast")
    return {investment_id: int(forecast or 0) for investment_id, forecast in rows}


def newest_of(outlooks: ByMonth, month: date | None) -> int:
    """Return the key of the forecast made after the last complete month, 0 where there is none."""
    outlook = outlooks.get(month) if month else None
    return outlook.forecast if outlook else 0


def _outlook(forecast: int, crossings: Mapping[str, Any] | None) -> Outlook:
    rules = crossings or {}
    return Outlook(
        forecast=forecast,
        shares=tuple(
            (rule, tuple(Decimal(str(share)) for share in said["by_month"]))
            for rule, said in sorted(rules.items())
            if said.get("by_month")
        ),
        crossed=frozenset(
            rule for rule, said in rules.items() if Reason.ALREADY_CROSSED in said["reasons"].values()
        ),
    )
