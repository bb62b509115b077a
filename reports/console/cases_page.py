"""The what-if page of a case: its inputs beside what they amount to, live where scripts run, else by posting."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from reports.console import (
    assets,
    cases_answers,
    cases_door,
    cases_sheet,
    cases_studies,
    figures,
    investment_door,
    pages,
)
from reports.console.cases_answers import Shown
from reports.console.cases_door import Opened
from reports.console.cases_sheet import Sheet
from roi.models import CaseSubmission, Scenario


def sheet_of(opened: Opened, data: Mapping[str, Any] | None, *, is_strict: bool = False) -> Sheet:
    """Return the inputs of a case, as posted or as stored."""
    stored = cases_sheet.of_case(opened.case, opened.template, opened.terms)
    return Sheet(stored, data, is_strict=is_strict)


def answer(opened: Opened, sheet: Sheet) -> Shown:
    """Return what a bound sheet amounts to, beside the case's scenarios."""
    scenarios = list(opened.case.scenarios.all())
    return cases_answers.of_sheet(sheet, scenarios=scenarios, correlations=opened.case.correlations)


def stored(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Show a case as it is stored, or with the values of the scenario named in the address in its inputs."""
    written = sheet_of(opened, None).written()
    sheet = sheet_of(opened, written)
    name = request.GET.get("scenario")
    if name:
        scenario = opened.case.scenarios.filter(name=name).first()
        if scenario is None:
            raise Http404
        values = cases_answers.values_of(scenario, sheet)
        sheet = sheet_of(opened, {**written, **sheet.write(values)})
    return show(request, opened, sheet)


def show(
    request: HttpRequest, opened: Opened, sheet: Sheet, *, refusals: list[str] | None = None, **extra: Any
) -> HttpResponse:
    """Return the page with a bound sheet, whatever it amounts to."""
    shown = answer(opened, sheet)
    said = [*(refusals or []), *shown.refusals]
    context: dict[str, Any] = {
        "sheet": sheet,
        "results": shown.results,
        "refusals": said,
        "changed_count": sheet.changed_count(),
        "revision": opened.case.revision,
        "chart_scripts": assets.chart_scripts(),
        **_head(opened),
        **_terms(opened),
        **extra,
    }
    is_refused = bool(said or shown.results is None) and request.method == "POST"
    status = 400 if is_refused else 200
    return pages.render(request, "reports/case_what_if.html", opened.case.title, status=status, **context)


def _head(opened: Opened) -> dict[str, Any]:
    """Return what is known of the case beside its values, and what the user may do with it."""
    case = opened.case
    submission = CaseSubmission.objects.filter(case=case).select_related("investment").first()
    return {
        "case": case,
        "case_template": opened.template,
        "investment_link": investment_door.tab(case.investment, "what-if") if case.investment else "",
        "submission": submission,
        "plan_link": investment_door.tab(submission.investment, "plan") if submission else "",
        "scenarios": list(case.scenarios.all()),
        "scenario_kinds": Scenario.KINDS,
        "study": cases_studies.newest(case, opened.template),
        "may_record": opened.may_record,
        "submit_refusal": submit_refusal(opened),
    }


def _terms(opened: Opened) -> dict[str, str]:
    """Return the rates a case has where it states none, in words."""
    return {
        "discount_words": figures.percent_text(opened.terms.discount_rate),
        "hurdle_words": figures.percent_text(opened.terms.hurdle_rate),
        "rates_of": "investment" if opened.case.investment else "portfolio",
    }


@require_POST
def live(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Answer changed inputs with the right side of the page, or with a problem that points to every input refused."""
    opened = cases_door.found(request, public_id)
    sheet = sheet_of(opened, request.POST)
    shown = answer(opened, sheet)
    if shown.results is None:
        return cases_answers.problem(sheet.forms, shown.refusals)
    context = {"results": shown.results, "sheet": sheet, "may_record": False, "study": None, "is_look": True}
    return HttpResponse(render_to_string("reports/case_shown.html", context, request=request))


def submit_refusal(opened: Opened) -> str:
    """Return why the user may not save or submit; empty where they may."""
    if opened.may_record:
        return ""
    return "Your role in this portfolio looks and plays; owners, finance and administrators save and submit."


pages.add("cases/<uuid:public_id>/figures/", live, "reports_case_figures")
