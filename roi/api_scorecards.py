"""Scorecards over the API: six criteria with their inputs and thresholds, and the thresholds of a portfolio."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.access import Action
from portfolio.api_base import (
    Body,
    MonthField,
    StrictView,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_investment,
    open_portfolio,
    person,
    refuse,
)
from portfolio.api_ledger import as_of_parameter
from portfolio.terms import format_month
from roi import scorecards
from roi.api_bridges import known_at
from roi.engine import scorecard
from roi.engine.scorecard import ThresholdError
from roi.scorecards import Scored

Plain = dict[str, Any]


class FindingAnswer(serializers.Serializer[Any]):
    """One criterion: passed, failed or undefined, why, and what it was judged on and against."""

    criterion = serializers.CharField()
    title = serializers.CharField()
    verdict = serializers.CharField()
    reason = serializers.CharField(allow_null=True)
    sentence = serializers.CharField()
    inputs = serializers.DictField(child=serializers.CharField())
    thresholds = serializers.ListField(child=serializers.CharField())


class ScorecardAnswer(serializers.Serializer[Any]):
    """The findings, and what they propose with its reasons; people decide."""

    investment = serializers.CharField()
    month = MonthField(allow_null=True)
    proposal = serializers.CharField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    undefined = serializers.ListField(child=serializers.CharField())
    findings = FindingAnswer(many=True)


class ThresholdsAnswer(serializers.Serializer[Any]):
    """The thresholds in force; shares are fractions."""

    value_growth_margin = serializers.FloatField()
    way_to_target = serializers.FloatField()
    adoption_fall = serializers.FloatField()
    quality_tolerance = serializers.FloatField()
    quality_variation = serializers.FloatField()
    importance = serializers.IntegerField()
    differentiation = serializers.IntegerField()
    rating_age_months = serializers.IntegerField()


class ThresholdsBody(Body):
    """New thresholds; what is left out is the default."""

    value_growth_margin = serializers.FloatField(required=False, min_value=0, max_value=10)
    way_to_target = serializers.FloatField(required=False, min_value=0, max_value=10)
    adoption_fall = serializers.FloatField(required=False, min_value=0, max_value=10)
    quality_tolerance = serializers.FloatField(required=False, min_value=0, max_value=10)
    quality_variation = serializers.FloatField(required=False, min_value=0, max_value=10)
    importance = serializers.IntegerField(required=False, min_value=1, max_value=5)
    differentiation = serializers.IntegerField(required=False, min_value=1, max_value=5)
    rating_age_months = serializers.IntegerField(required=False, min_value=1, max_value=120)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class InvestmentScorecard(StrictView):
    """The scorecard of an investment."""

    takes = {"get": ("as_of",)}

    refuses_questions = True

    @extend_schema(
        operation_id="investments_scorecard",
        responses=ScorecardAnswer,
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return six criteria as computed tests with inputs and thresholds, and the proposal with its reasons."""
        investment = open_investment(request.user, code)
        today = timezone.now().astimezone(ZoneInfo(investment.portfolio.time_zone)).date()
        with transaction.atomic():
            known = known_at(request, investment.portfolio)
            found = scorecards.of([investment], today=today, knowledge=known).get(investment.pk)
        if found is None:
            refuse("The investment was not registered at that time.", "#/as_of", "not_registered")
        return Response(_plain(found))


class PortfolioThresholds(StrictView):
    """What the scorecards of a portfolio ask for."""

    @extend_schema(
        operation_id="scorecard_thresholds", responses=ThresholdsAnswer, parameters=[code_parameter]
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the thresholds in force."""
        portfolio = open_portfolio(request.user, code)
        return Response(asdict(scorecards.thresholds_of([portfolio.pk])[portfolio.pk]))

    @extend_schema(
        operation_id="scorecard_thresholds_set",
        request=ThresholdsBody,
        responses=ThresholdsAnswer,
        parameters=[code_parameter, idempotency_parameter],
    )
    def put(self, request: Request, code: str) -> Response:
        """Put thresholds in force from now on."""
        portfolio = open_portfolio(request.user, code, action=Action.MANAGE)
        body = ThresholdsBody(data=request.data)
        body.is_valid(raise_exception=True)
        stated = dict(body.validated_data)
        reason = stated.pop("reason", "")

        def act(now: datetime) -> tuple[int, Any]:
            try:
                found = scorecards.set_thresholds(
                    portfolio, stated, now=now, actor=person(request), reason=reason
                )
            except ThresholdError as error:
                refuse(str(error))
            return 200, asdict(found)

        return answer_once(request, act)


def _plain(found: Scored) -> Plain:
    card = found.scorecard
    return {
        "investment": found.investment.code,
        "month": format_month(found.month) if found.month else None,
        "proposal": card.proposal.value if card.proposal else None,
        "reasons": list(card.reasons),
        "undefined": [one.value for one in card.undefined],
        "findings": [
            {
                "criterion": one.criterion.value,
                "title": scorecard.TITLES[one.criterion],
                "verdict": one.verdict.value,
                "reason": one.reason.value if one.reason else None,
                "sentence": one.sentence,
                "inputs": dict(one.inputs),
                "thresholds": list(one.thresholds),
            }
            for one in card.findings
        ],
    }
