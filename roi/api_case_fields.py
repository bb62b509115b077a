"""What requests about business cases state: drivers, hidden costs, distributions, changes. `questions` reads them."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portfolio.api_base import Body
from roi.engine.distributions import KINDS
from roi.engine.monte_carlo import DEFAULT_LOG2_DRAWS, LEAST_LOG2_DRAWS, MOST_LOG2_DRAWS
from roi.questions import MOST_SCENARIOS, SCENARIO_KINDS
from roi.usecases import TEMPLATES
from roi.usecases.base import LONGEST_CASE

TEMPLATE_NAMES = [(name, name) for name in TEMPLATES]
KINDS_OF_SCENARIO = [(kind, kind) for kind in SCENARIO_KINDS]
_LONGEST_NAME, _MOST_NAMES, _LONGEST_TEXT = 80, 100, 500

_NUMBER_OR_TEXT = [{"type": "number"}, {"type": "string", "maxLength": _LONGEST_TEXT}]
_CHANGE = {
    "type": "object",
    "properties": {"relative": {"type": "number"}, "points": {"type": "number"}},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}


@extend_schema_field({"oneOf": _NUMBER_OR_TEXT})
class ValueField(serializers.Field):  # type: ignore[type-arg]
    """A driver's value: a number, a number as text, or the text of a name."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value."""
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            raise serializers.ValidationError("State a number, or text.")
        if isinstance(data, str) and len(data) > _LONGEST_TEXT:
            raise serializers.ValidationError(f"A value has at most {_LONGEST_TEXT} characters.")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the value."""
        return value


@extend_schema_field({"oneOf": [*_NUMBER_OR_TEXT, _CHANGE]})
class ScenarioValueField(ValueField):
    """A driver's value in a scenario, or by how much it differs from the base."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value, or the change with its number."""
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        if set(data) not in ({"relative"}, {"points"}) or not all(_is_number(one) for one in data.values()):
            raise serializers.ValidationError('State a value, {"relative": 0.1}, or {"points": 0.1}.')
        return data


_NONE = {
    "type": "object",
    "properties": {"none": {"type": "string", "minLength": 1, "maxLength": _LONGEST_TEXT}},
    "required": ["none"],
    "additionalProperties": False,
}


@extend_schema_field({"oneOf": [*_NUMBER_OR_TEXT, _NONE]})
class HiddenCostField(ValueField):
    """An amount, or why there is no such cost: `{"none": "The vendor maintains it."}`."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the answer."""
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        if set(data) != {"none"} or not isinstance(data["none"], str) or len(data["none"]) > _LONGEST_TEXT:
            raise serializers.ValidationError('Answer an amount, or {"none": "why there is no such cost"}.')
        return data


_DISTRIBUTION = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": list(KINDS)}},
    "required": ["kind"],
    "additionalProperties": {"type": "number"},
    "examples": [{"kind": "uniform", "low": 0.4, "high": 0.7}],
}


@extend_schema_field(_DISTRIBUTION)
class DistributionField(serializers.Field):  # type: ignore[type-arg]
    """A distribution: its kind, and its numbers by name."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the plain values."""
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str) or len(data) > 8:
            raise serializers.ValidationError(
                'State a kind and its numbers: {"kind": "uniform", "low": 1, …}.'
            )
        if not all(_is_number(value) for name, value in data.items() if name != "kind"):
            raise serializers.ValidationError("Everything but the kind of a distribution is a number.")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the plain values."""
        return value


class ByDriver(serializers.DictField):
    """Values by the name of a driver."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises ValidationError for too many names, or one that is too long."""
        if isinstance(data, Mapping) and (
            len(data) > _MOST_NAMES or any(len(str(name)) > _LONGEST_NAME for name in data)
        ):
            raise serializers.ValidationError(
                f"State at most {_MOST_NAMES} drivers, with names of at most {_LONGEST_NAME} characters."
            )
        return super().to_internal_value(data)


class RateField(serializers.FloatField):
    """An effective annual rate as a fraction: 0.1 is ten percent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=-0.99, max_value=10, required=False, allow_null=True, **options)


@extend_schema_field(_CHANGE)
class ChangeField(serializers.Field):  # type: ignore[type-arg]
    """By how much drivers are moved: relatively, or shares by percentage points."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the change."""
        if not isinstance(data, dict) or set(data) not in ({"relative"}, {"points"}):
            raise serializers.ValidationError('State {"relative": 0.1} or {"points": 0.1}.')
        (size,) = data.values()
        if not _is_number(size) or not 0 < size <= 1:
            raise serializers.ValidationError("A change is a number above 0 and at most 1.")
        return data

    def to_representation(self, value: Any) -> Any:
        """Return the change."""
        return value


class ScenarioBody(Body):
    """A scenario: the drivers that differ from the case."""

    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=KINDS_OF_SCENARIO, default="own")
    drivers = ByDriver(child=ScenarioValueField(), default=dict)


class CorrelationBody(Body):
    """How two drivers move together: the correlation `r` of their normal scores."""

    drivers = serializers.ListField(child=serializers.CharField(max_length=80), min_length=2, max_length=2)
    r = serializers.FloatField(min_value=-1, max_value=1)


class DrawsBody(Body):
    """How a case is drawn; the same seed gives the same answer."""

    seed = serializers.IntegerField(min_value=0, max_value=2**32 - 1, default=0)
    log2_draws = serializers.IntegerField(
        min_value=LEAST_LOG2_DRAWS,
        max_value=MOST_LOG2_DRAWS,
        default=DEFAULT_LOG2_DRAWS,
        help_text="2 to this power is the number of draws.",
    )
    distributions = ByDriver(child=DistributionField())
    correlations = CorrelationBody(many=True, required=False)


class CaseBody(Body):
    """A template and what is stated of it; what is left out keeps the template's value."""

    template = serializers.ChoiceField(choices=TEMPLATE_NAMES)
    drivers = ByDriver(child=ValueField(), required=False)
    hidden_costs = ByDriver(child=HiddenCostField(), required=False)
    months = serializers.IntegerField(min_value=1, max_value=LONGEST_CASE, required=False, allow_null=True)
    discount_rate = RateField(help_text="Per year, as a fraction.")
    hurdle_rate = RateField(help_text="Per year, as a fraction.")


class WhatIfBody(CaseBody):
    """A case, and what is asked of it."""

    portfolio = serializers.CharField(
        max_length=48,
        required=False,
        allow_null=True,
        help_text="Its rates and currency hold where none is stated.",
    )
    investment = serializers.CharField(
        max_length=48, required=False, allow_null=True, help_text="Its rates hold before the portfolio's."
    )
    tornado = ChangeField(
        required=False, allow_null=True, help_text="How far each driver is moved; null for no tornado."
    )
    scenarios = serializers.ListField(child=ScenarioBody(), max_length=MOST_SCENARIOS, required=False)
    monte_carlo = DrawsBody(required=False, allow_null=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e15
