"""Reallocations over the API: proposed under a budget, listed with all they rest on, and sent for approval."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Filters,
    ScopedViewSet,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_portfolio,
    person,
    public_id_parameter,
    refuse,
)
from portfolio.api_ledger import as_of_parameter
from roi import reallocation_answers, reallocations
from roi.api_bridges import known_at
from roi.api_reallocation_fields import (
    AskedReallocation,
    NewReallocation,
    ReallocationAnswer,
    SelectionAnswer,
    plain_answer,
    plain_proposal,
)
from roi.engine.result import ENGINE_VERSION
from roi.models import Reallocation
from roi.prospects import ReallocationError
from roi.reallocation_answers import Question

Plain = dict[str, Any]

_NUMBERS = ("budget", "capacity", "reserve_share", "risk_aversion", "next_amount")


class AskedAnswer(serializers.Serializer[Any]):
    """The request that waits for a second person."""

    approval = serializers.UUIDField()


class ReallocationFilters(Filters):
    """Which proposals."""

    portfolio = filters.CharFilter(field_name="portfolio__code")

    class Meta:
        model = Reallocation
        fields: Sequence[str] = ()


class ReallocationViewSet(ScopedViewSet):
    """The reallocations proposed for your portfolios."""

    queryset = reallocations.with_approval(Reallocation.objects.select_related("portfolio", "author"))
    serializer_class = ReallocationAnswer
    filterset_class = ReallocationFilters
    orderings = ("-created_at", "created_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN
    body_names_rows = True

    @extend_schema(
        request=NewReallocation, responses={201: ReallocationAnswer}, parameters=[idempotency_parameter]
    )
    def create(self, request: Request) -> Response:
        """Select under the limits and keep the proposal."""
        body = NewReallocation(data=request.data)
        body.is_valid(raise_exception=True)
        asked, user = dict(body.validated_data), person(request)
        reason = asked.pop("reason")
        portfolio = open_portfolio(user, asked.pop("portfolio"), action=Action.RECORD)

        def act(now: datetime) -> tuple[int, Any]:
            try:
                made = reallocations.propose(
                    portfolio, Question(**asked), author=user, now=now, reason=reason
                )
            except ReallocationError as error:
                refuse(str(error))
            return 201, plain_proposal(made)

        return answer_once(request, act)

    @extend_schema(
        request=None,
        responses={202: AskedAnswer},
        parameters=[public_id_parameter, idempotency_parameter],
    )
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Ask somebody else to approve the proposal."""
        proposal, user = self.get_object(), person(request)
        open_portfolio(user, proposal.portfolio.code, action=Action.RECORD)

        def act(now: datetime) -> tuple[int, Any]:
            try:
                asked = reallocations.ask(proposal, author=user, now=now)
            except ReallocationError as error:
                refuse(str(error))
            return 202, {"approval": str(asked.public_id)}

        return answer_once(request, act)


_stated_parameter = OpenApiParameter(
    "stated_costs",
    str,
    many=True,
    description="CODE:amount: next year's cost of an investment that has no forecast and shall go on.",
)


class PortfolioReallocation(APIView):
    """What to go on with in a portfolio."""

    refuses_questions = True

    @extend_schema(
        operation_id="portfolios_reallocation",
        responses=SelectionAnswer,
        parameters=[
            code_parameter,
            *(OpenApiParameter(name, str) for name in _NUMBERS),
            _stated_parameter,
            as_of_parameter,
        ],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return a selection as known now or at `as_of`, kept nowhere. What is not asked is as the portfolio says."""
        portfolio, question = open_portfolio(request.user, code), _question(request)
        try:
            with transaction.atomic():
                known, inputs = reallocation_answers.asked(
                    portfolio, question, knowledge=known_at(request, portfolio)
                )
            # It may take seconds, and holds no lock meanwhile.
            result = reallocation_answers.remembered(inputs)
        except ReallocationError as error:
            refuse(str(error))
        stamps = {
            "portfolio": portfolio.code,
            "knowledge": known,
            "engine_version": ENGINE_VERSION,
        }
        return Response(plain_answer(inputs, result) | stamps)


def _question(request: Request) -> Question:
    """Return the question of the address. Raises ValidationError."""
    asked: Plain = {name: text for name, text in request.query_params.items() if name != "as_of"}
    stated = {}
    for text in request.query_params.getlist("stated_costs"):
        code, colon, amount = text.rpartition(":")
        if not colon:
            raise ValidationError({"stated_costs": ["State them as CODE:amount."]})
        stated[code] = amount
    body = AskedReallocation(data=asked | ({"stated_costs": stated} if stated else {}))
    body.is_valid(raise_exception=True)
    return Question(**body.validated_data)
