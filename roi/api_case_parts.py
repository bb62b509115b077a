"""What belongs to one business case: its submissions, its scenarios by name, the studies that were asked for."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import access
from portfolio.access import Action
from portfolio.api_base import (
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    person,
    public_id_parameter,
)
from roi import cases, studies
from roi.api_case_rows import (
    ScenarioSerializer,
    ScenarioStated,
    StudyAsked,
    StudySerializer,
    SubmissionSerializer,
)
from roi.models import BusinessCase, CaseStudy, CaseSubmission, Scenario

NAME_PATTERN = r"[^/]{1,80}"

name_parameter = OpenApiParameter(
    "name", {"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^/]+$"}, OpenApiParameter.PATH
)
study_parameter = OpenApiParameter("study_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class OfCase(ScopedViewSet):
    """Rows of one case: the case is found first, so that a foreign case is a missing case."""

    via = "case__portfolio"

    def case(self, action: Action = Action.VIEW) -> BusinessCase:
        """Return the case of the address: 404 where the user does not see it, 403 where the role is not enough."""
        seen = BusinessCase.objects.filter(access.scope(self.request.user, Action.VIEW))
        rows = seen.select_related("portfolio", "investment__portfolio")
        case = rows.filter(public_id=self.kwargs["public_id"]).first()
        if case is None:
            raise NotFound("There is no such case.")
        if action is not Action.VIEW and not access.may(self.request.user, action, case.portfolio_id):
            raise PermissionDenied(
                f"Your role in {case.portfolio.code} does not allow you to {action.value}."
            )
        return case

    def get_queryset(self) -> QuerySet[Any]:
        """Return the rows of the case."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().filter(case=self.case())


class SubmissionViewSet(OfCase):
    """The versions of plan books that a case became."""

    queryset = CaseSubmission.objects.select_related("investment", "submitted_by")
    serializer_class = SubmissionSerializer
    orderings = ("-id", "id")

    @extend_schema(operation_id="cases_submissions_list", parameters=[public_id_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the submissions, the newest first."""
        return super().list(request)


class ScenarioViewSet(OfCase):
    """The scenarios of a case."""

    queryset = Scenario.objects.select_related("created_by")
    serializer_class = ScenarioSerializer

    @extend_schema(operation_id="cases_scenarios_list", parameters=[public_id_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the scenarios in the order they were written."""
        return super().list(request)

    @extend_schema(
        operation_id="cases_scenarios_put",
        request=ScenarioStated,
        responses=ScenarioSerializer,
        parameters=[public_id_parameter, name_parameter, idempotency_parameter],
    )
    def put(self, request: Request, public_id: str, name: str) -> Response:
        """Keep driver values under a name, new or again. They are checked as a what-if would."""
        case = self.case(Action.RECORD)
        body = ScenarioStated(data=request.data)
        body.is_valid(raise_exception=True)

        def act(now: datetime) -> tuple[int, Any]:
            made = cases.put_scenario(case, name, now=now, actor=person(request), **body.validated_data)
            return 200, ScenarioSerializer(made).data

        return answer_once(request, act)

    @extend_schema(
        operation_id="cases_scenarios_delete",
        responses={204: None},
        parameters=[public_id_parameter, name_parameter],
    )
    def delete(self, request: Request, public_id: str, name: str) -> Response:
        """Delete a scenario."""
        if not cases.delete_scenario(self.case(Action.RECORD), name):
            raise NotFound("There is no such scenario.")
        return Response(status=204)


class StudyViewSet(OfCase):
    """The studies of a case."""

    queryset = CaseStudy.objects.select_related("asked_by")
    serializer_class = StudySerializer
    orderings = ("-id", "id")
    lookup_field = "public_id"
    lookup_url_kwarg = "study_id"

    @extend_schema(operation_id="cases_studies_list", parameters=[public_id_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the studies, the newest first."""
        return super().list(request)

    @extend_schema(
        operation_id="cases_studies_retrieve",
        parameters=[public_id_parameter, study_parameter],
        filters=False,
    )
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return a study as it stands; ask again while its state is `asked`."""
        return super().retrieve(request)

    @extend_schema(
        operation_id="cases_studies_ask",
        request=StudyAsked,
        responses={202: StudySerializer},
        parameters=[public_id_parameter, idempotency_parameter],
    )
    def ask(self, request: Request, public_id: str) -> Response:
        """Ask for a study of the case as it stands; a worker computes it. Equal inputs are computed once."""
        case = self.case()
        body = StudyAsked(data=request.data)
        body.is_valid(raise_exception=True)
        stated = dict(body.validated_data)
        kind = stated.pop("kind")

        def act(now: datetime) -> tuple[int, Any]:
            made = studies.ask(case, kind, stated=stated, now=now, actor=person(request))
            return 202, StudySerializer(made).data

        return answer_once(request, act)
