"""Reallocations over the API: proposed under a budget, listed with all they rest on, and sent for approval."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Body,
    ExactDecimalField,
    Filters,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    open_portfolio,
    person,
    public_id_parameter,
    refuse,
)
from portfolio.models import Approval
from portfolio.terms import from_micros
from roi import reallocations
from roi.models import Reallocation
from roi.prospects import ReallocationError
from roi.reallocation_answers import Question
from roi.reallocations import KIND

Plain = dict[str, Any]

_MONEY_OF_CANDIDATE = ("sunk", "mean", "p10", "value", "cost")


class CandidateAnswer(serializers.Serializer[Any]):
    """An investment that could go on; money as exact decimal strings. `sunk` is shown and in no sum."""

    code = serializers.CharField()
    name = serializers.CharField()
    stage = serializers.CharField()
    month = serializers.CharField(allow_null=True, help_text="The last closed, complete month.")
    method = serializers.CharField(allow_null=True)
    sunk = serializers.CharField()
    mean = serializers.CharField(allow_null=True)
    p10 = serializers.CharField(allow_null=True)
    value = serializers.CharField(allow_null=True, help_text="Risk-adjusted NPV of what could be avoided.")
    cost = serializers.CharField(allow_null=True, help_text="Avoidable, of the next twelve months.")
    capacity = serializers.CharField(help_text="Person-months.")
    is_exploration = serializers.BooleanField()
    is_must_fund = serializers.BooleanField()
    needs = serializers.ListField(child=serializers.CharField())
    group = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_null=True)
    left_out = serializers.CharField(allow_blank=True)


class ConstraintAnswer(serializers.Serializer[Any]):
    """Something a selection keeps to."""

    kind = serializers.CharField()
    about = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()


class NextAnswer(serializers.Serializer[Any]):
    """What the next amount would change."""

    amount = serializers.CharField()
    added = serializers.ListField(child=serializers.CharField())
    dropped = serializers.ListField(child=serializers.CharField())
    gain = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_blank=True)


class RegretAnswer(serializers.Serializer[Any]):
    """What standing still forgoes, and the limits that it breaks."""

    standing_value = serializers.CharField()
    amount = serializers.CharField(allow_null=True)
    broken = ConstraintAnswer(many=True)


class PointAnswer(serializers.Serializer[Any]):
    """The best value at a budget; null where nothing keeps to everything."""

    budget = serializers.CharField()
    value = serializers.CharField(allow_null=True)


class ReallocationAnswer(serializers.Serializer[Any]):
    """A proposal as it was computed. It moves no budget."""

    id = serializers.UUIDField()
    portfolio = serializers.CharField()
    currency = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    knowledge = serializers.IntegerField()
    engine_version = serializers.IntegerField()
    content_hash = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    approval = serializers.CharField(
        allow_null=True, help_text="asked, approved, refused or void; null: nobody asked."
    )
    budget = serializers.CharField()
    capacity_limit = serializers.CharField(allow_null=True, help_text="Person-months.")
    reserve_share = serializers.CharField()
    risk_aversion = serializers.CharField()
    status = serializers.CharField(help_text="optimal, stopped or infeasible.")
    sentence = serializers.CharField(allow_blank=True, help_text="What cannot be kept to together.")
    conflict = ConstraintAnswer(many=True)
    chosen = serializers.ListField(child=serializers.CharField())
    standing = serializers.ListField(child=serializers.CharField())
    value = serializers.CharField(allow_null=True)
    cost = serializers.CharField(allow_null=True)
    capacity = serializers.CharField(allow_null=True, help_text="Person-months.")
    gap = serializers.CharField(allow_null=True)
    next = NextAnswer(allow_null=True)
    regret = RegretAnswer(allow_null=True)
    frontier = PointAnswer(many=True)
    candidates = CandidateAnswer(many=True)

    def to_representation(self, instance: Reallocation) -> Plain:
        """Return a proposal with its money as exact decimal strings."""
        return _plain(instance)


class NewReallocation(Body):
    """Under what to select; what is left out is as the portfolio says."""

    portfolio = serializers.CharField(max_length=48)
    budget = ExactDecimalField(max_digits=18, decimal_places=6, min_value=Decimal(0), required=False)
    capacity = ExactDecimalField(max_digits=10, decimal_places=2, min_value=Decimal(0), required=False)
    reserve_share = ExactDecimalField(
        max_digits=9, decimal_places=8, min_value=Decimal(0), max_value=Decimal(1), required=False
    )
    risk_aversion = ExactDecimalField(
        max_digits=9, decimal_places=8, min_value=Decimal(0), max_value=Decimal(5), required=False
    )
    next_amount = ExactDecimalField(max_digits=18, decimal_places=6, required=False)
    stated_costs = serializers.DictField(
        child=ExactDecimalField(max_digits=16, decimal_places=6, min_value=Decimal(0)), required=False
    )
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


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

    queryset = Reallocation.objects.select_related("portfolio", "author").annotate(
        decision=Subquery(
            Approval.objects.filter(kind=KIND, subject=OuterRef("public_id"))
            .order_by("-id")
            .values("decision")[:1]
        )
    )
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
            return 201, _plain(made)

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


def _money(micros: int | None) -> str | None:
    return None if micros is None else f"{from_micros(micros):f}"


def _months(hundredths: int | None) -> str | None:
    return None if hundredths is None else f"{Decimal(hundredths).scaleb(-2):f}"


def _plain(proposal: Reallocation) -> Plain:
    asked, found = proposal.inputs, proposal.result
    decision = getattr(proposal, "decision", None)
    return {
        "id": str(proposal.public_id),
        "portfolio": proposal.portfolio.code,
        "currency": asked["currency"],
        "author": proposal.author.username,
        "created_at": serializers.DateTimeField().to_representation(proposal.created_at),
        "knowledge": proposal.knowledge,
        "engine_version": proposal.engine_version,
        "content_hash": proposal.content_hash,
        "reason": proposal.reason,
        "approval": None if decision is None else decision or "asked",
        "budget": _money(asked["budget"]),
        "capacity_limit": _months(asked["capacity"]),
        "reserve_share": asked["reserve_share"],
        "risk_aversion": asked["risk_aversion"],
        **{name: found[name] for name in ("status", "sentence", "conflict", "chosen", "standing")},
        **{name: _money(found[name]) for name in ("value", "cost", "gap")},
        "capacity": _months(found["capacity"]),
        "next": _with_money(found["next"], "amount", "gain"),
        "regret": _with_money(found["regret"], "standing_value", "amount"),
        "frontier": [_with_money(point, "budget", "value") for point in found["frontier"]],
        "candidates": [
            {**one, **{name: _money(one[name]) for name in _MONEY_OF_CANDIDATE}}
            | {"capacity": _months(one["capacity"])}
            for one in asked["candidates"]
        ],
    }


def _with_money(row: Plain | None, *names: str) -> Plain | None:
    return None if row is None else {**row, **{name: _money(row[name]) for name in names}}
