"""What-ifs: the templates with their drivers, and a case answered without anything being stored."""

from collections.abc import Mapping
from functools import cache
from math import isfinite
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio import assumptions
from portfolio.api_base import StrictView, open_investment, open_portfolio
from roi import cases, questions, what_ifs
from roi.api_case_answers import UseCasesAnswer, WhatIfAnswer
from roi.api_case_fields import WhatIfBody
from roi.questions import Terms
from roi.usecases import TEMPLATES
from roi.usecases.base import HiddenCosts
from roi.usecases.drivers import drivers_of

Plain = dict[str, Any]


class UseCases(StrictView):
    """The templates for business cases."""

    @extend_schema(operation_id="use_cases_list", responses=UseCasesAnswer)
    def get(self, request: Request) -> Response:
        """Return every template with its drivers, and the hidden costs that each case is asked for."""
        return Response(described())


class WhatIfs(APIView):
    """A case, answered at once."""

    body_names_rows = True

    @extend_schema(operation_id="what_if", request=WhatIfBody, responses=WhatIfAnswer)
    def post(self, request: Request) -> Response:
        """Compute a case: figures, months, tornado, scenarios, charts, and bands where draws are asked for.

        Nothing is stored. Amounts in the answer are JSON numbers, as they are no recorded facts.
        """
        body = WhatIfBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        return Response(what_ifs.evaluate(questions.read(asked, terms=_terms(request.user, asked))))


def _terms(user: Any, asked: Mapping[str, Any]) -> Terms:
    """Return rates and currency of the investment or portfolio that is named, one that the user sees."""
    if asked.get("investment"):
        investment = open_investment(user, asked["investment"])
        return cases.terms_of(assumptions.rates_of([investment])[investment.pk], investment.portfolio)
    if asked.get("portfolio"):
        portfolio = open_portfolio(user, asked["portfolio"])
        return cases.terms_of(assumptions.rates_of_portfolio(portfolio), portfolio)
    return Terms()


@cache
def described() -> Plain:
    """Return the templates and hidden costs as plain values."""
    return {
        "results": [
            {
                "name": template.name,
                "title": template.title,
                "description": template.description,
                "months": template.months,
                "unit_of_use": template.unit_of_use,
                "drivers": _drivers(template.drivers),
            }
            for template in TEMPLATES.values()
        ],
        "hidden_costs": _drivers(HiddenCosts),
    }


def _drivers(kind: type[Any]) -> list[Plain]:
    return [
        {
            "name": one.name,
            "label": one.label,
            "unit": one.unit.value,
            "group": one.group.value,
            "default": one.default,
            "is_required": one.is_required,
            "low": one.low if isfinite(one.low) else None,
            "high": one.high if isfinite(one.high) else None,
            "is_whole": one.is_whole,
            "is_text": one.is_text,
            "may_vary": one.may_vary,
            "source": one.source,
            "help": one.help,
        }
        for one in drivers_of(kind)  # type: ignore[arg-type]  # a class hashes
    ]
