"""A business case as a workbook with live formulas, for clients of the API."""

import re
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.api_base import public_id_parameter
from reports import case_workbook
from roi import cases, what_ifs
from roi.api_case_parts import OfCase
from roi.models import BusinessCase
from roi.questions import QuestionRejected
from roi.usecases.base import CaseError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class WorkbookRenderer(BaseRenderer):
    """Passes a workbook on as it is; a refusal stays JSON."""

    media_type = XLSX
    format = "xlsx"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Return the bytes of the answer."""
        return data if isinstance(data, bytes) else JSONRenderer().render(data)


class CaseWorkbook(OfCase):
    """The workbook of a case."""

    queryset = BusinessCase.objects.all()
    renderer_classes = (WorkbookRenderer,)
    pagination_class = None

    @extend_schema(
        operation_id="cases_workbook",
        responses={(200, XLSX): OpenApiTypes.BINARY},
        parameters=[public_id_parameter],
        filters=False,
    )
    def workbook(self, request: Request, public_id: str) -> Response:
        """Return the case with its scenarios as .xlsx: change an input, and plan, figures and chart follow."""
        case = self.case()
        asked = cases.question(case) | {"monte_carlo": None}
        question, _ = what_ifs.fitting(asked, terms=cases.terms(case))
        try:
            content = case_workbook.render(
                question.case,
                title=case.title,
                now=timezone.now(),
                scenarios=[(one.name, one.case) for one in question.variants],
            )
        except CaseError as error:
            raise QuestionRejected({"drivers": [str(error)]}) from error
        name = _NOT_IN_NAMES.sub("-", case.title).strip("-")[:80] or "business-case"
        return Response(
            content,
            headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
            content_type=XLSX,
        )
