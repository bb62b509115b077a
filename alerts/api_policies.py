"""Policies over the API: what other terms would have done, before they are put in force."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alerts import policy_backtest
from alerts.models.policy import MEASURES, RULE_CHOICES, SEVERITIES
from alerts.policies import PolicyError
from alerts.policy_backtest import Backtest
from alerts.rules import policy_backtest as core
from alerts.rules.base import RuleError
from alerts.rules.policy_backtest import PastFiring, Replay
from portfolio.api_base import Body, ExactDecimalField, MonthField, code_parameter, open_investment, refuse
from portfolio.models.base import choices_of
from portfolio.terms import Basis


class PolicyTermsSerializer(Body):
    """Terms to change; what is left out stays as in force."""

    is_enabled = serializers.BooleanField(required=False)
    basis = serializers.ChoiceField(choices=choices_of(Basis), required=False)
    measure = serializers.ChoiceField(choices=MEASURES, required=False)
    hurdle = ExactDecimalField(
        max_digits=12,
        decimal_places=8,
        required=False,
        allow_null=True,
        help_text="A fraction; null: the investment's hurdle rate. Of `early_warning`: the probability it fires at.",
    )
    window = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=24,
        help_text="Months added up. Of `early_warning`: months looked ahead.",
    )
    for_months = serializers.IntegerField(required=False, min_value=1, max_value=12)
    keep_months = serializers.IntegerField(required=False, min_value=1, max_value=12)
    margin = ExactDecimalField(max_digits=20, decimal_places=8, required=False)
    armed_from_month = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1200, help_text="1 is the start month."
    )
    severity = serializers.ChoiceField(choices=SEVERITIES, required=False)


class BacktestQuestion(Body):
    """Which rule, and the terms to lay over the past."""

    rule = serializers.ChoiceField(choices=RULE_CHOICES)
    terms = PolicyTermsSerializer(required=False)


class PastFiringSerializer(serializers.Serializer[Any]):
    """One episode that would have been."""

    first_breach_month = MonthField()
    fired_month = MonthField()
    resolved_month = MonthField(allow_null=True)
    closed_reason = serializers.CharField(
        allow_null=True, help_text="Null: open still. `retracted`: taken back by a restatement."
    )
    months = serializers.IntegerField(help_text="How many closed months it fired in.")
    is_retracted = serializers.BooleanField()
    is_announced = serializers.BooleanField(
        help_text="False where it was over before it was first judged: nobody would have been told."
    )
    value = serializers.CharField(allow_null=True, help_text="The unrounded figure at firing.")
    threshold = serializers.CharField(allow_null=True)
    unit = serializers.ChoiceField(choices=[("money", "money"), ("rate", "rate"), ("months", "months")])
    fired_at = serializers.DateTimeField(
        allow_null=True, help_text="When the facts that fired it were recorded."
    )
    ended_at = serializers.DateTimeField(allow_null=True)


class ReplaySerializer(serializers.Serializer[Any]):
    """What one set of terms would have done."""

    fired = serializers.IntegerField()
    retracted = serializers.IntegerField()
    sentence = serializers.CharField()
    firings = PastFiringSerializer(many=True)


class OverlapSerializer(serializers.Serializer[Any]):
    """In how many months both would have fired, and only one of them."""

    both = serializers.IntegerField()
    only_candidate = serializers.IntegerField()
    only_present = serializers.IntegerField()


class BacktestAnswer(serializers.Serializer[Any]):
    """The terms asked for beside the present ones, over the same past."""

    investment = serializers.CharField()
    rule = serializers.CharField()
    sentence = serializers.CharField()
    months = serializers.ListField(child=MonthField(), help_text="The closed months, as known last.")
    views = serializers.IntegerField(help_text="At how many times the facts were looked at as known then.")
    views_left_out = serializers.IntegerField(help_text="Older times beyond the most that are looked at.")
    candidate = ReplaySerializer()
    present = ReplaySerializer()
    overlap = OverlapSerializer()


class PolicyBacktest(APIView):
    """A change of a policy, tried on the past."""

    @extend_schema(
        operation_id="investments_policies_backtest",
        request=BacktestQuestion,
        responses=BacktestAnswer,
        parameters=[code_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """Say how often a rule would have fired under other terms, and how often in error. Nothing is stored."""
        investment = open_investment(request.user, code)
        asked = BacktestQuestion(data=request.data)
        asked.is_valid(raise_exception=True)
        rule, terms = asked.validated_data["rule"], asked.validated_data.get("terms", {})
        try:
            found = policy_backtest.run(investment, rule, terms=terms)
        except (PolicyError, RuleError) as error:
            refuse(str(error), "#/terms")
        return Response(BacktestAnswer(_body(found)).data)


def _body(found: Backtest) -> dict[str, Any]:
    return {
        "investment": found.investment.code,
        "rule": found.candidate.rule,
        "sentence": found.sentence,
        "months": found.replay.judged,
        "views": found.replay.views,
        "views_left_out": found.left_out,
        "candidate": _replay(found.replay, found.known_at),
        "present": _replay(found.present, found.known_at),
        "overlap": found.overlap,
    }


def _replay(replay: Replay, known_at: Mapping[int, Any]) -> dict[str, Any]:
    return {
        "fired": len(replay.firings),
        "retracted": replay.retracted,
        "sentence": core.sentence(replay),
        "firings": [_firing(firing, known_at) for firing in replay.firings],
    }


def _firing(firing: PastFiring, known_at: Mapping[int, Any]) -> dict[str, Any]:
    verdict = firing.verdict
    return {
        "first_breach_month": firing.first_breach_month,
        "fired_month": firing.fired_month,
        "resolved_month": firing.resolved_month,
        "closed_reason": firing.closed_reason.value if firing.closed_reason else None,
        "months": len(firing.months),
        "is_retracted": firing.is_retracted,
        "is_announced": firing.is_announced,
        "value": None if verdict.value is None else f"{verdict.value:f}",
        "threshold": None if verdict.threshold is None else f"{verdict.threshold:f}",
        "unit": verdict.unit.value,
        "fired_at": known_at.get(firing.known_at),
        "ended_at": known_at.get(firing.ended_at) if firing.ended_at else None,
    }
