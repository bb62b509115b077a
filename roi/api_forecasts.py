"""The forecast of an investment over the API: plan, actual and forecast on one axis, and what forecasts are worth."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.api_base import MonthField, StrictView, code_parameter, open_investment
from portfolio.api_ledger import as_of_parameter, known_at
from portfolio.knowledge import with_one_view
from roi.engine.crossings import RULES
from roi.engine.forecast import MEASURES, Method
from roi.forecasts import outlook


def _money(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=6, allow_null=True, **options)


def _number() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


def _numbers() -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(), allow_null=True)


class OutlookMonth(serializers.Serializer[Any]):
    """Cumulative net at the end of a month; null where it is not known, planned or forecast."""

    month = MonthField()
    actual = _money(help_text="Of closed, complete months.")
    plan = _money(help_text="Of the approved version.")
    p10 = _number()
    p50 = _number()
    p90 = _number()


class OutlookYear(OutlookMonth):
    """The same after one, two, three or five years."""

    months = serializers.IntegerField()


class VarianceRow(serializers.Serializer[Any]):
    """Cumulative plan and actual; `better` is positive when the actual is better, whatever is measured."""

    measure = serializers.ChoiceField(choices=["cost", "benefit", "net"])
    plan = _money()
    actual = _money()
    better = _money()
    reason = serializers.CharField(allow_null=True)


class VarianceToDate(serializers.Serializer[Any]):
    """Variance to plan at the end of the newest month with actuals."""

    month = MonthField()
    rows = VarianceRow(many=True)


class PercentilesAnswer(serializers.Serializer[Any]):
    """A number for each of the forecast's months, per percentile; null where `reasons` says why."""

    p10 = _numbers()
    p50 = _numbers()
    p90 = _numbers()
    reasons = serializers.DictField(child=serializers.CharField())


class ShareAnswer(serializers.Serializer[Any]):
    """A share of the simulated paths, or null with the reason."""

    value = _number()
    reason = serializers.CharField(allow_null=True)


class ProbabilitiesAnswer(serializers.Serializer[Any]):
    """How likely it is: at the end of the forecast, or by each of its months."""

    at = MonthField()
    roi = ShareAnswer(help_text="ROI is at least 0.")
    npv_hurdle = ShareAnswer(help_text="NPV at the hurdle rate is at least 0.")
    breakeven_by_month = ShareAnswer(many=True)
    hurdle_by_month = ShareAnswer(many=True, help_text="Incremental ROI is at least the hurdle rate.")


class CrossingAnswer(serializers.Serializer[Any]):
    """The months by which a tenth, half and nine tenths of the paths have crossed a threshold."""

    p10 = MonthField(allow_null=True)
    p50 = MonthField(allow_null=True)
    p90 = MonthField(allow_null=True)
    reasons = serializers.DictField(child=serializers.CharField())
    by_month = _numbers()


def _named(name: str, names: tuple[str, ...], each: type[serializers.Serializer[Any]]) -> Any:
    """Return an instance of a serializer with a field of one kind under each of the names."""
    return type(name, (serializers.Serializer,), {key: each() for key in names})()


class StoredForecast(serializers.Serializer[Any]):
    """The newest forecast, as it was made."""

    made_at = serializers.DateTimeField()
    knowledge = serializers.IntegerField(help_text="Version of the facts it was made from.")
    engine_version = serializers.IntegerField()
    last_month = MonthField(help_text="The last closed, complete month: the forecast begins after it.")
    basis = serializers.CharField()
    currency = serializers.CharField()
    method = serializers.ChoiceField(choices=[method.value for method in Method])
    sentence = serializers.CharField(help_text="The method in words.")
    extrapolated_months = serializers.IntegerField()
    window = serializers.IntegerField()
    hurdle_rate = serializers.FloatField()
    volume = serializers.CharField(allow_null=True)
    months = serializers.ListField(child=MonthField())
    measures = _named("MeasuresAnswer", MEASURES, PercentilesAnswer)
    probabilities = ProbabilitiesAnswer()
    crossings = _named("CrossingsAnswer", RULES, CrossingAnswer)


class CalibrationAnswer(serializers.Serializer[Any]):
    """How forecasts of the portfolio did, one measure and number of months ahead."""

    measure = serializers.CharField()
    step = serializers.IntegerField(help_text="Months ahead.")
    n = serializers.IntegerField()
    coverage = serializers.FloatField(help_text="Share of actuals from P10 to P90; meant to be 0.8.")
    bias = serializers.FloatField(allow_null=True, help_text="Above 0 forecasts were too high.")


class OutlookAnswer(serializers.Serializer[Any]):
    """Plan, actual and forecast; recorded and planned money as text, estimates as numbers, in `currency`."""

    investment = serializers.CharField()
    currency = serializers.CharField()
    months = OutlookMonth(many=True)
    variance = VarianceToDate(allow_null=True)
    forecast = StoredForecast(allow_null=True, help_text="Null until the worker has made one.")
    is_one_time_significant = serializers.BooleanField()
    multi_year = OutlookYear(many=True)
    calibration = CalibrationAnswer(many=True)


class InvestmentForecast(StrictView):
    """What is expected of an investment."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_forecast",
        responses=OutlookAnswer,
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return plan, actual and the newest stored forecast, with probabilities, crossing months and calibration.

        As known at `as_of` there is no calibration: scores follow the newest actuals.
        """
        investment = open_investment(request.user, code)
        known = known_at(request, investment.portfolio)
        return Response(_as_text(with_one_view(lambda: outlook.of(investment, knowledge=known))))


def _as_text(value: Any) -> Any:
    """Return recorded money as text, wherever it stands: a JSON number would lose digits."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return {name: _as_text(each) for name, each in value.items()} if isinstance(value, dict) else value
