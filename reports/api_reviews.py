"""Reviews and decisions over the API: listed, asked for, answered, decided; and each decision's receipt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import decisions, reviews
from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Body,
    ExactDecimalField,
    Filters,
    MonthField,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    open_investment,
    open_portfolio,
    person,
    public_id_parameter,
)
from portfolio.api_ledger import as_of_time_parameter, asked_moment
from portfolio.decisions import OUTCOMES, BudgetMove, Expected, Terms
from portfolio.models import Decision, Investment, Review
from portfolio.models.base import choices_of
from portfolio.terms import DecisionKind, ReviewKind, ReviewState
from reports import receipts

# As the models spell them: the schema names their enums by these.
REVIEW_KINDS = choices_of(ReviewKind)
DECISION_KINDS = choices_of(DecisionKind)
REVIEW_STATES = choices_of(ReviewState)
_OUTCOMES = [(name, name.replace("_", " ").capitalize()) for name in OUTCOMES]


class StepSerializer(serializers.Serializer[Any]):
    """One step of a review's checklist."""

    code = serializers.CharField()
    text = serializers.CharField()
    is_needed = serializers.BooleanField(help_text="Answered before somebody decides.")
    answer = serializers.CharField(allow_blank=True)
    by = serializers.CharField(required=False)
    at = serializers.DateTimeField(required=False)


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A review: a question that stays open until somebody decides, or what opened it turned out wrong."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    investment = serializers.CharField(source="investment.code")
    checklist = StepSerializer(many=True)
    decision = serializers.SerializerMethodField(help_text="The id of the decision that ended it.")

    class Meta:
        model = Review
        fields: Sequence[str] = (
            *("id", "portfolio", "investment", "kind", "origin", "origin_ref", "rule", "question"),
            *("checklist", "opened_at", "due_on", "state", "escalation_level", "closed_at"),
            *("closed_reason", "decision"),
        )

    def get_decision(self, review: Review) -> str | None:
        """Return the public id."""
        found = getattr(review, "decision", None) if review.state == ReviewState.DECIDED.value else None
        return str(found.public_id) if found else None

    def to_representation(self, instance: Review) -> dict[str, Any]:
        """Return a review, as it stood at the time of the serializer's context where there is one."""
        told, moment = super().to_representation(instance), self.context.get("moment")
        if moment is not None and instance.closed_at and instance.closed_at > moment:
            told |= {
                "state": ReviewState.OPEN.value,
                "closed_at": None,
                "closed_reason": "",
                "decision": None,
            }
        return told


class NewReview(Body):
    """A review that somebody wants."""

    investment = serializers.CharField(max_length=48)
    kind = serializers.ChoiceField(choices=REVIEW_KINDS)
    due_on = serializers.DateField()
    why = serializers.CharField(max_length=1000)


class StepAnswer(Body):
    """The answer to one step."""

    step = serializers.CharField(max_length=64)
    answer = serializers.CharField(max_length=1000, allow_blank=True)


class NewBudgetMove(Body):
    """Money that moves, in the portfolio's currency; an end that is null is the reserve."""

    amount = ExactDecimalField(max_digits=20, decimal_places=6)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=48, allow_null=True, default=None
    )
    target = serializers.CharField(max_length=48, allow_null=True, default=None)


class NewExpected(Body):
    """What the decision is meant to bring; ratios as fractions."""

    metric = serializers.ChoiceField(choices=_OUTCOMES)
    value = ExactDecimalField(max_digits=20, decimal_places=6)
    low = ExactDecimalField(max_digits=20, decimal_places=6, allow_null=True, default=None)
    high = ExactDecimalField(max_digits=20, decimal_places=6, allow_null=True, default=None)
    month = MonthField()


class NewDecision(Body):
    """What was decided. Its evidence is copied by the service, of the moment it is recorded."""

    kind = serializers.ChoiceField(choices=DECISION_KINDS)
    reason = serializers.CharField(max_length=4000)
    conditions = serializers.CharField(max_length=4000, allow_blank=True, default="")
    next_review_on = serializers.DateField(allow_null=True, default=None)
    budget = NewBudgetMove(allow_null=True, default=None)
    expected = NewExpected(allow_null=True, default=None)


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    """A decision with its evidence as it was copied."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    investment = serializers.CharField(source="investment.code")
    review = serializers.UUIDField(source="review.public_id")
    decided_by = serializers.CharField(source="decided_by.username")
    budget_from = serializers.CharField(source="budget_from.code", default=None, allow_null=True)
    budget_to = serializers.CharField(source="budget_to.code", default=None, allow_null=True)
    expected_month = MonthField(allow_null=True)
    month = MonthField(allow_null=True, help_text="The newest closed and complete month of the evidence.")
    evidence = serializers.JSONField()

    class Meta:
        model = Decision
        fields: Sequence[str] = (
            *("id", "portfolio", "investment", "review", "kind", "reason", "conditions", "decided_on"),
            *("decided_by", "budget_amount", "budget_currency", "budget_from", "budget_to"),
            *("next_review_on", "expected_metric", "expected_value", "expected_low", "expected_high"),
            *("expected_month", "month", "knowledge", "engine_version", "evidence", "evidence_hash"),
            "recorded_at",
        )


class DifferenceSerializer(serializers.Serializer[Any]):
    """One figure that differs."""

    path = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class ReceiptSerializer(serializers.Serializer[Any]):
    """A decision's evidence derived again."""

    is_intact = serializers.BooleanField(help_text="The copy still has its hash.")
    is_reproduced = serializers.BooleanField(help_text="What was shown comes out again.")
    engine_version = serializers.CharField(help_text="Of the engine that derived it now.")
    engine = DifferenceSerializer(many=True, help_text="Shown against derived from what was known then.")
    restated = DifferenceSerializer(many=True, help_text="As known then against as known now.")
    then = serializers.JSONField()
    now = serializers.JSONField()


class ReviewFilters(Filters):
    """Which reviews."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    investment = filters.CharFilter(field_name="investment__code")
    kind = filters.ChoiceFilter(choices=REVIEW_KINDS)
    state = filters.ChoiceFilter(
        choices=REVIEW_STATES, method="where_state", label="At the time of as_of, else now."
    )
    due_on__lte = filters.DateFilter(field_name="due_on", lookup_expr="lte")

    class Meta:
        model = Review
        fields: Sequence[str] = ()

    def where_state(self, rows: QuerySet[Review], name: str, value: str) -> QuerySet[Review]:
        """Keep the reviews in a state at the time asked for; one that was closed later was open."""
        moment = asked_moment(self.request)
        if moment is None:
            return rows.filter(state=value)
        was_open = Q(closed_at__isnull=True) | Q(closed_at__gt=moment)
        return (
            rows.filter(was_open)
            if value == ReviewState.OPEN.value
            else rows.exclude(was_open).filter(state=value)
        )


class ReviewViewSet(ScopedViewSet):
    """The reviews of your portfolios."""

    takes = {"list": ("as_of",)}
    queryset = Review.objects.select_related("portfolio", "investment", "decision")
    serializer_class = ReviewSerializer
    filterset_class = ReviewFilters
    orderings = ("due_on", "-due_on", "-opened_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN
    body_names_rows = True

    @extend_schema(parameters=[as_of_time_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the reviews, as they stand or as they stood at `as_of`; due dates and answers are those of now."""
        moment = asked_moment(request)
        rows = self.filter_queryset(self.get_queryset())
        if moment is not None:
            rows = rows.filter(opened_at__lte=moment)
        context = {**self.get_serializer_context(), "moment": moment}
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ReviewSerializer(page, many=True, context=context).data)

    @extend_schema(request=NewReview, responses={201: ReviewSerializer}, parameters=[idempotency_parameter])
    def create(self, request: Request) -> Response:
        """Ask for a review of an investment."""
        asked = NewReview(data=request.data)
        asked.is_valid(raise_exception=True)
        terms, user = asked.validated_data, person(request)
        investment = open_investment(user, terms["investment"])
        open_portfolio(user, investment.portfolio.code, action=Action.RECORD)

        def act(now: datetime) -> tuple[int, Any]:
            made = reviews.ask_for(
                investment,
                ReviewKind(terms["kind"]),
                user=user,
                due_on=terms["due_on"],
                why=terms["why"],
                now=now,
            )
            return 201, ReviewSerializer(made).data

        return answer_once(request, act)

    @extend_schema(
        request=StepAnswer,
        responses=ReviewSerializer,
        parameters=[public_id_parameter, idempotency_parameter],
    )
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Answer one step of the checklist."""
        asked = StepAnswer(data=request.data)
        asked.is_valid(raise_exception=True)
        review, user, given = self.get_object(), person(request), asked.validated_data

        def act(now: datetime) -> tuple[int, Any]:
            done = reviews.answer(review, given["step"], given["answer"], user=user, now=now)
            return 200, ReviewSerializer(done).data

        return answer_once(request, act)

    @extend_schema(
        request=NewDecision,
        responses={201: DecisionSerializer},
        parameters=[public_id_parameter, idempotency_parameter],
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Record the decision that ends the review, with the evidence of the moment."""
        asked = NewDecision(data=request.data)
        asked.is_valid(raise_exception=True)
        review, user = self.get_object(), person(request)
        terms = _terms(review, asked.validated_data)

        def act(now: datetime) -> tuple[int, Any]:
            shown = receipts.evidence(review.investment)
            made = decisions.decide(review, terms, user=user, evidence=shown, now=now)
            return 201, DecisionSerializer(made).data

        return answer_once(request, act)


class DecisionFilters(Filters):
    """Which decisions."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    investment = filters.CharFilter(field_name="investment__code")
    kind = filters.ChoiceFilter(choices=DECISION_KINDS)

    class Meta:
        model = Decision
        fields: Sequence[str] = ()


class DecisionViewSet(ScopedViewSet):
    """The decisions of your portfolios."""

    takes = {"list": ("as_of",)}
    queryset = Decision.objects.select_related(
        "portfolio", "investment", "review", "decided_by", "budget_from", "budget_to"
    )
    serializer_class = DecisionSerializer
    filterset_class = DecisionFilters
    orderings = ("-recorded_at", "recorded_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    @extend_schema(parameters=[as_of_time_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the decisions, all or those recorded by `as_of`."""
        moment = asked_moment(request)
        rows = self.filter_queryset(self.get_queryset())
        if moment is not None:
            rows = rows.filter(recorded_at__lte=moment)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(responses=ReceiptSerializer, parameters=[public_id_parameter])
    @action(detail=True, methods=["get"])
    def receipt(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Derive the evidence again: as known then, as restated now, and where they differ."""
        return Response(ReceiptSerializer(receipts.receipt(self.get_object())).data)


def _terms(review: Review, given: dict[str, Any]) -> Terms:
    budget, expected = given["budget"], given["expected"]
    move = None
    if budget:
        move = BudgetMove(
            amount=budget["amount"],
            source=_end(review, budget["source"], "source"),
            target=_end(review, budget["target"], "target"),
        )
    return Terms(
        kind=DecisionKind(given["kind"]),
        reason=given["reason"],
        conditions=given["conditions"],
        budget=move,
        next_review_on=given["next_review_on"],
        expected=Expected(**expected) if expected else None,
    )


def _end(review: Review, code: str | None, name: str) -> Investment | None:
    if code is None:
        return None
    found = Investment.objects.filter(portfolio=review.portfolio_id, code=code).first()
    if found is None:
        raise ValidationError({"budget": {name: ["There is no such investment in the portfolio."]}})
    return found
