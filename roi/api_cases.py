"""Business cases as a resource: written, read, changed by revision, answered, and submitted as a plan."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import access
from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Filters,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    open_investment,
    open_portfolio,
    person,
    public_id_parameter,
)
from roi import cases, submissions, what_ifs
from roi.api_case_answers import WhatIfAnswer
from roi.api_case_rows import CaseSerializer, ChangedCase, NewCase, SubmissionSerializer, SubmitBody
from roi.models import BusinessCase
from roi.questions import QuestionRejected
from roi.usecases import TEMPLATES

_revision_parameter = OpenApiParameter(
    "revision", {"type": "integer", "minimum": 1}, required=True, description="The revision that was read."
)
_OF_CASE = [public_id_parameter]


def recordable(view: ScopedViewSet) -> BusinessCase:
    """Return the case of a request; 404 where the user does not see it, 403 where the role is not enough."""
    case = view.get_queryset().filter(public_id=view.kwargs["public_id"]).first()
    if case is None:
        raise NotFound("There is no such case.")
    if not access.may(view.request.user, Action.RECORD, case.portfolio_id):
        raise PermissionDenied(f"Your role in {case.portfolio.code} does not allow you to record.")
    found: BusinessCase = case
    return found


class CaseFilters(Filters):
    """Which cases."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    investment = filters.CharFilter(field_name="investment__code")
    template = filters.ChoiceFilter(choices=[(name, name) for name in TEMPLATES])

    class Meta:
        model = BusinessCase
        fields: Sequence[str] = ()


class CaseViewSet(ScopedViewSet):
    """The business cases of your portfolios."""

    takes = {"destroy": ("revision",)}
    body_names_rows = True
    queryset = BusinessCase.objects.select_related("portfolio", "investment", "created_by", "updated_by")
    serializer_class = CaseSerializer
    filterset_class = CaseFilters
    orderings = ("-updated_at", "updated_at", "title", "-title")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    @extend_schema(request=NewCase, responses={201: CaseSerializer}, parameters=[idempotency_parameter])
    def create(self, request: Request) -> Response:
        """Write a case, of an investment or only proposed. Every value is checked as a what-if would."""
        body = NewCase(data=request.data)
        body.is_valid(raise_exception=True)
        stated = dict(body.validated_data)
        portfolio = open_portfolio(request.user, stated.pop("portfolio"), action=Action.RECORD)
        code = stated.pop("investment", None)
        investment = open_investment(request.user, code) if code else None

        def act(now: datetime) -> tuple[int, Any]:
            made = _checked(
                cases.create, portfolio, stated, now=now, actor=person(request), investment=investment
            )
            return 201, CaseSerializer(made).data

        return answer_once(request, act)

    @extend_schema(
        request=ChangedCase, responses=CaseSerializer, parameters=[*_OF_CASE, idempotency_parameter]
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change what a case states; needs the revision that was read."""
        case = recordable(self)
        body = ChangedCase(data=request.data)
        body.is_valid(raise_exception=True)
        stated = dict(body.validated_data)
        revision = stated.pop("revision")

        def act(now: datetime) -> tuple[int, Any]:
            saved = _checked(cases.save, case, stated, revision=revision, now=now, actor=person(request))
            return 200, CaseSerializer(saved).data

        return answer_once(request, act)

    @extend_schema(responses={204: None}, parameters=[*_OF_CASE, _revision_parameter])
    def destroy(self, request: Request, public_id: str) -> Response:
        """Delete a case that was never submitted; needs the revision that was read."""
        text = request.query_params.get("revision", "")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ValidationError({"revision": ["State the revision that you read, as a whole number."]})
        cases.delete(recordable(self), revision=int(text))
        return Response(status=204)

    @extend_schema(responses=WhatIfAnswer, parameters=_OF_CASE, filters=False)
    @action(detail=True, pagination_class=None)
    def figures(self, request: Request, public_id: str) -> Response:
        """Answer a case as it stands, with its scenarios and without draws: ask a what-if or a study for those."""
        case: BusinessCase = self.get_object()
        asked = cases.question(case) | {"monte_carlo": None}
        return Response(what_ifs.answer(asked, terms=cases.terms(case)))

    @extend_schema(
        request=SubmitBody, responses=SubmissionSerializer, parameters=[*_OF_CASE, idempotency_parameter]
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, public_id: str) -> Response:
        """Write the case to its investment's plan book, as the next version; approving it is an act of its own.

        Submitting the same revision again answers with the same version and writes nothing.
        """
        case = recordable(self)
        body = SubmitBody(data=request.data)
        body.is_valid(raise_exception=True)
        stated = dict(body.validated_data)
        code = stated.pop("investment", None)
        investment = open_investment(request.user, code) if code else None

        def act(now: datetime) -> tuple[int, Any]:
            made = submissions.submit(case, now=now, actor=person(request), investment=investment, **stated)
            return 200, SubmissionSerializer(made).data

        return answer_once(request, act)


def _checked(verb: Any, *args: Any, **kwargs: Any) -> BusinessCase:
    """Return what the verb returns; what it refuses of the distributions stands at the top of a case's body."""
    try:
        done: BusinessCase = verb(*args, **kwargs)
    except QuestionRejected as rejected:
        errors = dict(rejected.errors)
        raise QuestionRejected(errors | dict(errors.pop("monte_carlo", {}))) from rejected
    return done
