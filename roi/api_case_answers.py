"""What the API tells of a what-if, described for the schema. The answers are plain values and are not checked again."""

from typing import Any

from rest_framework import serializers

from roi.api_case_fields import KINDS_OF_SCENARIO
from roi.usecases.drivers import Group, Unit


def _number(**options: Any) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, **options)


class DriverAnswer(serializers.Serializer[Any]):
    """A driver of a template."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.ChoiceField(choices=[(unit.value, unit.value) for unit in Unit])
    group = serializers.ChoiceField(choices=[(group.value, group.value) for group in Group])
    default = serializers.JSONField(help_text="A number, a text for a name, or null: it must be stated.")
    is_required = serializers.BooleanField()
    low = _number(help_text="Null: no lower bound.")
    high = _number(help_text="Null: no upper bound.")
    is_whole = serializers.BooleanField()
    is_text = serializers.BooleanField()
    may_vary = serializers.BooleanField(help_text="Whether sensitivity and draws may move it.")
    source = serializers.CharField(help_text="The field of a published case, or what the number rests on.")  # type: ignore[assignment]
    help = serializers.CharField()


class UseCaseAnswer(serializers.Serializer[Any]):
    """A template for business cases."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    months = serializers.IntegerField(help_text="The horizon where none is stated.")
    unit_of_use = serializers.CharField(
        help_text="The volume account whose unit cost is shown; may be empty."
    )
    drivers = DriverAnswer(many=True)


class UseCasesAnswer(serializers.Serializer[Any]):
    """Every template, and the hidden costs that each case is asked for."""

    results = UseCaseAnswer(many=True)
    hidden_costs = DriverAnswer(many=True)


class ViewAnswer(serializers.Serializer[Any]):
    """Totals at the end of a month."""

    months = serializers.IntegerField()
    total_cost = serializers.FloatField()
    total_value = serializers.FloatField()
    net_benefit = serializers.FloatField()
    roi_percent = _number()
    npv = _number()
    npv_at_hurdle = _number()
    reasons = serializers.DictField(child=serializers.CharField())


class ComparedFigures(serializers.Serializer[Any]):
    """Figures of a case over its horizon. What is undefined is null, and `reasons` says why."""

    total_cost = serializers.FloatField()
    total_value = serializers.FloatField()
    net_benefit = serializers.FloatField()
    one_time_cost = serializers.FloatField()
    roi_percent = _number()
    npv = _number(help_text="At the discount rate.")
    npv_at_hurdle = _number()
    irr_percent = _number(help_text="Annual.")
    payback_months = _number()
    discounted_payback_months = _number()
    breakeven_month = serializers.IntegerField(allow_null=True)
    reasons = serializers.DictField(child=serializers.CharField())


class CaseFiguresAnswer(ComparedFigures):
    """Figures of a case, and those of its template under their published names beside these."""

    mirr_percent = _number(help_text="Annual.")
    unit_cost = _number(help_text="Per unit of use, one-time cost included.")
    run_unit_cost = _number(help_text="Per unit of use.")
    is_one_time_significant = serializers.BooleanField()


class MonthAnswer(serializers.Serializer[Any]):
    """The money of one month."""

    month = serializers.IntegerField(help_text="1 is the first.")
    benefit = serializers.FloatField()
    run_cost = serializers.FloatField()
    one_time_cost = serializers.FloatField()
    net = serializers.FloatField()
    cumulative_net = serializers.FloatField()


class TornadoRow(serializers.Serializer[Any]):
    """What one driver moves, alone."""

    driver = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    low_value = serializers.FloatField()
    high_value = serializers.FloatField()
    low_net = serializers.FloatField(help_text="Net benefit at the low value.")
    high_net = serializers.FloatField()
    swing = serializers.FloatField(help_text="Distance of the two; the rows are ranked by it.")
    roi_points = _number(help_text="The same in percentage points of ROI.")
    is_bounded = serializers.BooleanField(help_text="An end was moved back to the driver's bound.")


class ScenarioAnswer(ComparedFigures):
    """A scenario beside the base, which comes first."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS_OF_SCENARIO)
    drivers = serializers.DictField(child=serializers.JSONField(), help_text="What differs from the base.")


class SpreadAnswer(serializers.Serializer[Any]):
    """Mean and percentiles over the draws."""

    mean = serializers.FloatField()
    p5 = serializers.FloatField()
    p10 = serializers.FloatField()
    p25 = serializers.FloatField()
    p50 = serializers.FloatField()
    p75 = serializers.FloatField()
    p90 = serializers.FloatField()
    p95 = serializers.FloatField()


class BandMonth(serializers.Serializer[Any]):
    """Net benefit to date at the end of a month, over the draws."""

    month = serializers.IntegerField()
    p10 = serializers.FloatField()
    p50 = serializers.FloatField()
    p90 = serializers.FloatField()
    p_breakeven = serializers.FloatField(help_text="Probability of having broken even by then.")


class SimulationAnswer(serializers.Serializer[Any]):
    """A case over its draws. Probabilities are shares of all draws."""

    draws = serializers.IntegerField()
    seed = serializers.IntegerField()
    p_roi_positive = serializers.FloatField()
    p_npv_covered = serializers.FloatField(help_text="NPV at the discount rate at or above 0.")
    p_npv_at_hurdle_covered = serializers.FloatField()
    p_breakeven = serializers.FloatField(help_text="Within the horizon.")
    undefined_roi_share = serializers.FloatField()
    roi_percent = SpreadAnswer(allow_null=True)
    net_benefit = SpreadAnswer()
    npv = SpreadAnswer()
    npv_at_hurdle = SpreadAnswer()
    risk_adjusted_npv = serializers.FloatField()
    cumulative_net = BandMonth(many=True)
    reasons = serializers.DictField(child=serializers.CharField())


class ChartsAnswer(serializers.Serializer[Any]):
    """Charts as Vega-Lite specifications."""

    cash = serializers.DictField()
    tornado = serializers.DictField()
    scenarios = serializers.DictField()


class WhatIfAnswer(serializers.Serializer[Any]):
    """A case answered. All amounts are JSON numbers in `currency`: nothing here is a recorded fact."""

    template = serializers.CharField()
    months = serializers.IntegerField()
    currency = serializers.CharField()
    discount_rate = serializers.FloatField()
    hurdle_rate = serializers.FloatField()
    figures = CaseFiguresAnswer()
    multi_year = ViewAnswer(many=True)
    monthly = MonthAnswer(many=True)
    tornado = TornadoRow(many=True)
    sentence = serializers.CharField(help_text="Which drivers matter, and how much.")
    scenarios = ScenarioAnswer(many=True)
    bands = SimulationAnswer(allow_null=True, help_text="Null where nothing was drawn.")
    problems = serializers.ListField(child=serializers.CharField())
    charts = ChartsAnswer()
