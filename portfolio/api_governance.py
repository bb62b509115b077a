"""What is stated about an investment over the API: hypotheses, baselines, strategic terms, ratings."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import hypotheses, knowledge, statements
from portfolio.access import Action
from portfolio.api_base import (
    Body,
    ExactDecimalField,
    StrictView,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_investment,
    open_portfolio,
    person,
    refuse,
)
from portfolio.api_ledger import as_of_parameter, asked_knowledge
from portfolio.models import Baseline, Differentiation, Hypothesis, Investment, StrategicTerms
from portfolio.models.base import choices_of
from portfolio.statements import Measured, Rated, StatementError, Strategic
from portfolio.terms import BaselineMeasure, StrategicKind

# As the models spell them: the schema names its enums by these.
BASELINE_MEASURES = choices_of(BaselineMeasure)
STRATEGIC_KINDS = choices_of(StrategicKind)

_T = TypeVar("_T")


def _amount(**changes: Any) -> ExactDecimalField:
    return ExactDecimalField(max_digits=20, decimal_places=6, **changes)


def _maybe(**changes: Any) -> dict[str, Any]:
    return {"required": False, "allow_null": True, "default": None, **changes}


def _words(**changes: Any) -> serializers.CharField:
    return serializers.CharField(max_length=4000, **changes)


class Known(serializers.Serializer[Any]):
    """Who stated it, and since when it is known."""

    author = serializers.CharField(source="author.username", default=None, allow_null=True)
    known_since = serializers.DateTimeField(source="batch.recorded_at", default=None, allow_null=True)


class HypothesisBody(Body):
    """The next version; from the second on with the reason why it replaces the one before."""

    claim = _words()
    metric = serializers.CharField(max_length=200)
    unit = serializers.CharField(max_length=50, required=False, allow_blank=True, default="")
    direction = serializers.ChoiceField(choices=Hypothesis.DIRECTIONS, required=False, default="increase")
    baseline = _amount(**_maybe())
    baseline_from = serializers.DateField(**_maybe())
    baseline_to = serializers.DateField(**_maybe(help_text="Before the first month of use."))
    target = _amount(**_maybe())
    target_low = _amount(**_maybe())
    target_high = _amount(**_maybe())
    target_date = serializers.DateField(**_maybe())
    measurement_method = _words(required=False, allow_blank=True, default="")
    kill_line = _words(required=False, allow_blank=True, default="")
    confounders = _words(required=False, allow_blank=True, default="")
    reason = _words(required=False, allow_blank=True, default="")


class HypothesisSerializer(Known, serializers.ModelSerializer[Hypothesis]):
    """One version of the claim."""

    class Meta:
        model = Hypothesis
        fields = ("version", *hypotheses.SAID, "reason", "author", "known_since")


class BaselineBody(Body):
    """What was measured before deployment."""

    measure = serializers.ChoiceField(choices=BASELINE_MEASURES)
    label = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")  # type: ignore[assignment]
    value = _amount()
    unit = serializers.CharField(max_length=50)
    period_from = serializers.DateField()
    period_to = serializers.DateField()
    method = _words()


class BaselineSerializer(Known, serializers.ModelSerializer[Baseline]):
    """A baseline."""

    class Meta:
        model = Baseline
        fields = (
            *("measure", "label", "value", "unit", "period_from", "period_to", "method"),
            *("author", "known_since"),
        )


class StrategicBody(Body):
    """Why an investment is kept for more than its return, and until when that claim holds."""

    kind = serializers.ChoiceField(choices=STRATEGIC_KINDS)
    narrative = _words()
    review_criteria = _words()
    horizon_months = serializers.IntegerField(min_value=1, max_value=120)
    importance = serializers.IntegerField(min_value=1, max_value=5)
    expires_on = serializers.DateField()


class StrategicSerializer(Known, serializers.ModelSerializer[StrategicTerms]):
    """Strategic terms; the newest are in force until they expire."""

    class Meta:
        model = StrategicTerms
        fields = (
            *("kind", "narrative", "review_criteria", "horizon_months", "importance", "expires_on"),
            *("author", "known_since"),
        )


class DifferentiationBody(Body):
    """How far an investment sets the company apart."""

    rating = serializers.IntegerField(min_value=1, max_value=5, help_text="1 is a commodity, 5 is unique.")
    narrative = _words()
    rated_on = serializers.DateField()
    is_superseded = serializers.BooleanField(required=False, default=False)


class DifferentiationSerializer(Known, serializers.ModelSerializer[Differentiation]):
    """A rating; the newest is in force."""

    class Meta:
        model = Differentiation
        fields = ("rating", "narrative", "rated_on", "is_superseded", "author", "known_since")


def to_record(request: Request, code: str) -> Investment:
    """Return an investment by code: 404 where the user does not see it, 403 where the role does not record."""
    investment = open_investment(request.user, code)
    open_portfolio(request.user, investment.portfolio.code, action=Action.RECORD)
    return investment


def _stated(request: Request, state: Callable[[datetime], _T], serializer: type[Any]) -> Response:
    def act(now: datetime) -> tuple[int, Any]:
        try:
            return 201, serializer(state(now)).data
        except StatementError as error:
            refuse(str(error))

    return answer_once(request, act)


def _listed(request: Request, code: str, read: Callable[[Investment, int | None], Any]) -> Response:
    investment, asked = open_investment(request.user, code), request.query_params.get("as_of")
    with transaction.atomic():
        if asked is None:
            return Response(read(investment, None))
        # Shared: while somebody writes, a batch below the asked time could still appear.
        knowledge.lock_portfolio(investment.portfolio_id, shared=True)
        return Response(read(investment, asked_knowledge(asked, investment.portfolio)))


class Hypotheses(StrictView):
    """The hypothesis of an investment, in versions."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_hypotheses",
        responses=HypothesisSerializer(many=True),
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return all versions, the newest first, now or as known at `as_of`."""

        def read(investment: Investment, known: int | None) -> Any:
            rows = hypotheses.versions(investment, knowledge_time=known)
            return HypothesisSerializer(rows, many=True).data

        return _listed(request, code, read)

    @extend_schema(
        operation_id="investments_hypotheses_state",
        request=HypothesisBody,
        responses={201: HypothesisSerializer},
        parameters=[code_parameter, idempotency_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """State the next version; it is written once."""
        investment, user = to_record(request, code), person(request)
        said = HypothesisBody(data=request.data)
        said.is_valid(raise_exception=True)
        terms = dict(said.validated_data)
        reason = terms.pop("reason")

        def state(now: datetime) -> Hypothesis:
            return hypotheses.state(
                investment, hypotheses.Terms(**terms), now=now, author=user, reason=reason
            )

        return _stated(request, state, HypothesisSerializer)


class Baselines(StrictView):
    """What was measured before an investment was in use."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_baselines",
        responses=BaselineSerializer(many=True),
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the baselines, the newest first, now or as known at `as_of`."""
        return _listed(
            request,
            code,
            lambda i, k: BaselineSerializer(statements.newest(Baseline, i, knowledge_time=k), many=True).data,
        )

    @extend_schema(
        operation_id="investments_baselines_state",
        request=BaselineBody,
        responses={201: BaselineSerializer},
        parameters=[code_parameter, idempotency_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """State a baseline; its period ends before the first month of use."""
        investment, user = to_record(request, code), person(request)
        said = BaselineBody(data=request.data)
        said.is_valid(raise_exception=True)
        measured = Measured(
            **(said.validated_data | {"measure": BaselineMeasure(said.validated_data["measure"])})
        )
        return _stated(
            request,
            lambda now: statements.state_baseline(investment, measured, now=now, author=user),
            BaselineSerializer,
        )


class Strategies(StrictView):
    """Why an investment is strategic."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_strategic_terms",
        responses=StrategicSerializer(many=True),
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the terms, the newest first, now or as known at `as_of`."""
        return _listed(
            request,
            code,
            lambda i, k: (
                StrategicSerializer(statements.newest(StrategicTerms, i, knowledge_time=k), many=True).data
            ),
        )

    @extend_schema(
        operation_id="investments_strategic_terms_state",
        request=StrategicBody,
        responses={201: StrategicSerializer},
        parameters=[code_parameter, idempotency_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """State kind, narrative, horizon, criteria, and the day on which the claim expires."""
        investment, user = to_record(request, code), person(request)
        said = StrategicBody(data=request.data)
        said.is_valid(raise_exception=True)
        terms = Strategic(**(said.validated_data | {"kind": StrategicKind(said.validated_data["kind"])}))
        return _stated(
            request,
            lambda now: statements.state_strategic_terms(investment, terms, now=now, author=user),
            StrategicSerializer,
        )


class Differentiations(StrictView):
    """How far an investment sets the company apart."""

    takes = {"get": ("as_of",)}

    @extend_schema(
        operation_id="investments_differentiations",
        responses=DifferentiationSerializer(many=True),
        parameters=[code_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the ratings, the newest first, now or as known at `as_of`."""
        return _listed(
            request,
            code,
            lambda i, k: (
                DifferentiationSerializer(
                    statements.newest(Differentiation, i, knowledge_time=k), many=True
                ).data
            ),
        )

    @extend_schema(
        operation_id="investments_differentiations_rate",
        request=DifferentiationBody,
        responses={201: DifferentiationSerializer},
        parameters=[code_parameter, idempotency_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """Rate it anew; earlier ratings stay on record."""
        investment, user = to_record(request, code), person(request)
        said = DifferentiationBody(data=request.data)
        said.is_valid(raise_exception=True)
        rated = Rated(**said.validated_data)
        return _stated(
            request,
            lambda now: statements.rate_differentiation(investment, rated, now=now, author=user),
            DifferentiationSerializer,
        )
