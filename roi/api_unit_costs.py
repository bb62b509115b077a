"""The unit economics of an investment: what a unit costs by month, where that goes, and what moved it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.api_base import MonthField, StrictView, code_parameter, open_investment
from portfolio.api_ledger import as_of_parameter, known_at
from portfolio.knowledge import with_one_view
from roi import unit_costs


class TrendAnswer(serializers.Serializer[Any]):
    """The change of a unit cost per month, with its interval."""

    slope = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    confidence = serializers.FloatField()
    months = serializers.IntegerField()
    mean = serializers.FloatField(help_text="Unit cost, averaged over the months used.")
    direction = serializers.CharField(help_text="improving, worsening, or flat where the interval holds 0.")


class ElasticityAnswer(serializers.Serializer[Any]):
    """The slope of log unit cost on log volume: below 0, volume makes a unit cheaper."""

    slope = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    confidence = serializers.FloatField()
    months = serializers.IntegerField()


def _numbers(help_text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=help_text)


class UnitAnswer(serializers.Serializer[Any]):
    """One kind of unit: cost / volume of each complete month, null where `month_reasons` says why."""

    unit = serializers.CharField()
    volumes = serializers.ListField(child=serializers.FloatField(allow_null=True))
    unit_costs = _numbers(help_text="Run cost of a unit.")
    loaded_unit_costs = _numbers(help_text="Run cost and the straight-line share of one-time cost.")
    marginal_unit_costs = _numbers(help_text="Cost that follows usage.")
    month_reasons = serializers.ListField(child=serializers.CharField(allow_null=True))
    trend = TrendAnswer(allow_null=True)
    elasticity = ElasticityAnswer(allow_null=True)
    reasons = serializers.DictField(child=serializers.CharField())


class DecompositionAnswer(serializers.Serializer[Any]):
    """What moved the cost of an outcome, in decimal strings that add up exactly; or the reason why nobody can say."""

    reason = serializers.CharField(allow_null=True)
    before_months = serializers.ListField(child=MonthField(), required=False)
    after_months = serializers.ListField(child=MonthField(), required=False)
    before = serializers.CharField(required=False)
    after = serializers.CharField(required=False)
    change = serializers.CharField(required=False)
    parts = serializers.DictField(child=serializers.CharField(), required=False)
    main_cause = serializers.CharField(required=False, allow_null=True)
    sentence = serializers.CharField(required=False)


class UnitEconomicsAnswer(serializers.Serializer[Any]):
    """Unit economics over the closed and complete months."""

    investment = serializers.CharField()
    currency = serializers.CharField()
    months = serializers.ListField(child=MonthField())
    units = UnitAnswer(many=True)
    decomposition = DecompositionAnswer()


class UnitEconomics(StrictView):
    """What a unit costs an investment."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_unit_economics",
        responses=UnitEconomicsAnswer,
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return unit costs by month with trend and scale elasticity, and what moved the cost of an outcome.

        As known at `as_of` nobody can say what moved it: the reason is `not_as_known`.
        """
        investment = open_investment(request.user, code)
        known = known_at(request, investment.portfolio)
        return Response(with_one_view(lambda: unit_costs.of(investment, knowledge=known)))
