"""Submitting a case as a plan: the version that will be written is shown first, then written once."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portfolio import access
from portfolio.access import Action
from portfolio.facts import FactsRejected
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment
from portfolio.terms import add_months, format_month, from_micros
from reports.console import cases_answers, cases_door, cases_results, figures, investment_door, pages
from reports.console.cases_door import Opened
from roi import cases, questions, submissions
from roi.cases import CaseRefused
from roi.models import CaseSubmission
from roi.questions import QuestionRejected
from roi.usecases import as_json
from roi.usecases.base import CaseError
from roi.usecases.figures import CaseFigures, figures_of

_SHOWN = (
    ("total_cost", "Total cost"),
    ("total_value", "Total value"),
    ("net_benefit", "Net benefit"),
    ("roi_percent", "ROI"),
    ("npv_at_hurdle", "NPV at the hurdle"),
    ("breakeven_month", "Breakeven month"),
)


class SubmissionForm(forms.Form):
    """Why the case becomes a plan, and of which investment where the case has none yet."""

    investment = forms.ModelChoiceField(queryset=Investment.objects.none(), to_field_name="code")
    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For example the round it is proposed in. Stands in the record.",
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, opened: Opened, **kwargs: Any) -> None:
        super().__init__(request.POST or None, initial={"revision": opened.case.revision}, **kwargs)
        field = self.fields["investment"]
        assert isinstance(field, forms.ModelChoiceField)
        if opened.case.investment:
            del self.fields["investment"]
        else:
            open_to_user = Investment.objects.filter(
                access.scope(request.user, Action.RECORD, via="portfolio")
            )
            field.queryset = open_to_user.filter(portfolio=opened.case.portfolio).order_by("code")


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show the version that the saved case would become, and write it; for those who record."""
    opened = cases_door.found(request, public_id, Action.RECORD)
    form = SubmissionForm(request, opened)
    refusals: list[str] = []
    if request.method == "POST" and form.is_valid():
        written = _submit(request, opened, form, refusals)
        if written:
            return redirect(investment_door.tab(written.investment, "plan"))
    context = _planned(opened, refusals)
    return pages.render(
        request,
        "reports/case_submit.html",
        f"Submit {opened.case.title}",
        status=400 if form.is_bound else 200,
        case=opened.case,
        form=form,
        refusals=refusals,
        unanswered=submissions.unanswered(opened.case),
        **context,
    )


def _submit(
    request: HttpRequest, opened: Opened, form: SubmissionForm, refusals: list[str]
) -> CaseSubmission | None:
    answers = form.cleaned_data
    try:
        written = submissions.submit(
            opened.case,
            revision=answers["revision"],
            now=timezone.now(),
            actor=pages.user_of(request),
            investment=answers.get("investment"),
            reason=answers["reason"],
        )
    except QuestionRejected as rejected:
        refusals.extend(cases_answers.sentences(rejected.errors))
    except FactsRejected as rejected:
        refusals.extend(error.message for error in rejected.errors[:5])
    except (CaseRefused, KnowledgeError) as error:
        refusals.append(str(error))
    else:
        sentence = f"Version {written.version} of the plan holds this case. An administrator approves it."
        messages.success(request, sentence)
        return written
    return None


def _planned(opened: Opened, refusals: list[str]) -> dict[str, Any]:
    """Return what the next version would hold; without one where the case cannot be computed."""
    case, investment = opened.case, opened.case.investment
    context: dict[str, Any] = {"currency": opened.terms.currency}
    if investment:
        context["version"] = submissions.next_version(investment)
        context["months"] = _months(investment.start_month, case.months)
        context["approved"] = investment.approved_plan_version
    try:
        stated = questions.read_case(cases.question(case, scenarios=[]), terms=opened.terms)
        found = figures_of(stated)
    except (QuestionRejected, CaseError) as error:
        refusals.append(str(error))
        return context
    told = as_json.figures(stated, found)
    context["figures"] = [(title, cases_results.cell(told, name)) for name, title in _SHOWN]
    context["lines"] = _lines(found)
    return context


def _months(start: date, months: int) -> str:
    return f"{format_month(start)} to {format_month(add_months(start, months - 1))}"


def _lines(found: CaseFigures) -> list[dict[str, Any]]:
    """Return each planned line of money with its total, as the plan book will hold it."""
    return [
        {
            "label": line.label,
            "account": line.account,
            "total": figures.money(from_micros(int(line.amounts.sum()))),
        }
        for line in found.plan
        if line.is_money and line.amounts.any()
    ]


pages.add("cases/<uuid:public_id>/submit/", page, "reports_case_submit")
