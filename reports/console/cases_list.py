"""The business cases of a portfolio, each with what it amounts to now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from portfolio import access, assumptions
from portfolio.access import Action
from reports.console import cases_results, figures, pages
from roi import cases, questions
from roi.models import BusinessCase, CaseSubmission
from roi.questions import QuestionRejected
from roi.usecases import TEMPLATES, as_json
from roi.usecases.base import CaseError
from roi.usecases.figures import figures_of

PER_PAGE = 25
_SHOWN = ("net_benefit", "roi_percent", "npv_at_hurdle", "breakeven_month")
HEADS = ("Net benefit", "ROI", "NPV at the hurdle", "Breakeven month")


@dataclass(frozen=True, slots=True)
class Row:
    """One case as a list shows it."""

    case: BusinessCase
    template: str
    cells: list[SafeString]
    plan_version: int | None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the cases of a portfolio, the last changed first."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/case_list.html", "Business cases", portfolio=None)
    listed = Paginator(of(BusinessCase.objects.filter(portfolio=portfolio)), PER_PAGE)
    shown = listed.get_page(request.GET.get("page"))
    return pages.render(
        request,
        "reports/case_list.html",
        "Business cases",
        portfolio=portfolio,
        portfolios=open_to_user,
        cases=shown,
        rows=rows(list(shown.object_list)),
        heads=HEADS,
        currency=portfolio.reporting_currency,
        may_record=access.may(request.user, Action.RECORD, portfolio.pk),
    )


def of(chosen: QuerySet[BusinessCase]) -> QuerySet[BusinessCase]:
    """Return cases with what a list shows of them, the last changed first."""
    newest = CaseSubmission.objects.filter(case=OuterRef("pk")).order_by("-id").values("version")[:1]
    rows = chosen.select_related("portfolio", "investment__portfolio", "updated_by")
    return rows.annotate(plan_version=Subquery(newest)).order_by("-updated_at", "-id")


def rows(chosen: Sequence[Any]) -> list[Row]:
    """Return a page of cases of one portfolio with their figures; rates are read together, however many there are."""
    if not chosen:
        return []
    investments = {case.investment.pk: case.investment for case in chosen if case.investment}
    own = assumptions.rates_of(list(investments.values()))
    base = assumptions.rates_of_portfolio(chosen[0].portfolio)
    return [
        Row(
            case,
            TEMPLATES[case.template].title if case.template in TEMPLATES else case.template,
            _cells(case, cases.terms_of(own.get(case.investment_id, base), case.portfolio)),
            case.plan_version,
        )
        for case in chosen
    ]


def _cells(case: BusinessCase, terms: questions.Terms) -> list[SafeString]:
    try:
        stated = questions.read_case(cases.question(case, scenarios=[]), terms=terms)
        told = as_json.figures(stated, figures_of(stated))
    except (QuestionRejected, CaseError) as error:
        return [figures.missing(str(error)) for _ in _SHOWN]
    return [cases_results.cell(told, name) for name in _SHOWN]


pages.add("cases/", page, "reports_cases")
