"""Reallocation of a portfolio: ask under limits, look, keep the answer as a proposal, ask somebody to approve it.

Nothing here moves a budget: people do, by decisions.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from portfolio import access, approvals
from portfolio.access import Action
from portfolio.models import Investment, Portfolio
from reports.console import assets, governance_asking, pages, reallocation_shown
from reports.console.investment_page import link
from reports.console.reallocation_forms import KeepForm, ReallocationForm, asked_form
from reports.console.time_travel import asked_day
from roi import reallocation_answers, reallocations
from roi.engine.selection import Status
from roi.models import Reallocation
from roi.prospects import ReallocationError

Context = dict[str, Any]

KEPT_PER_PAGE = 10
# State of a proposal: in words, and its tone.
_STATES: Mapping[str | None, tuple[str, str]] = {
    None: ("Nobody asked", ""),
    "": ("Waits for approval", "warn"),
    "approved": ("Approved", "good"),
    "refused": ("Refused", "bad"),
    "void": ("Void", ""),
}


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the form of the portfolio in the address, the answer where something is asked, and what was kept."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/reallocation.html", "Reallocation", portfolio=None)
    form = asked_form(portfolio, request.GET)
    shown: Context = {}
    if form.is_bound and form.is_valid():
        shown = _answer(request, portfolio, form)
    return pages.render(
        request,
        "reports/reallocation.html",
        "Reallocation",
        portfolio=portfolio,
        portfolios=open_to_user,
        has_investments=Investment.objects.filter(portfolio=portfolio).exists(),
        form=form,
        kept=_kept(portfolio, request.GET.get("kept")),
        **shown,
    )


def _answer(request: HttpRequest, portfolio: Portfolio, form: ReallocationForm) -> Context:
    text = form.cleaned_data["as_of"]
    day = asked_day(text, portfolio, now=timezone.now())
    if text and day is None:
        form.add_error("as_of", "This is no day that is over.")
        return {}
    known = day.knowledge if day else None
    try:
        found = reallocation_answers.answer(portfolio, form.question(), knowledge=known)
    except ReallocationError as error:
        form.add_error(None, str(error))
        return {}
    may_keep = day is None and access.may(request.user, Action.RECORD, portfolio.pk)
    return _shown(portfolio, found.inputs, found.result, request.GET) | {
        "knowledge": found.knowledge,
        "day": day.day if day else None,
        "keep": KeepForm(initial={"seen": approvals.hash_of(found.inputs)}) if may_keep else None,
        "asked": [(name, request.GET[name]) for name in form.fields if request.GET.get(name)],
    }


def _shown(portfolio: Portfolio, asked: Context, found: Context, query: Mapping[str, str]) -> Context:
    answer = reallocation_shown.context(asked, found, query)
    codes = [row["code"] for row in answer["rows"]]
    investments = Investment.objects.filter(portfolio=portfolio, code__in=codes)
    links = {one.code: link(one) for one in investments}
    for row in answer["rows"]:
        row["link"] = links.get(row["code"])
    return {"answer": answer, "chart_scripts": assets.chart_scripts() if answer["chart"] else []}


def _kept(portfolio: Portfolio, number: str | None) -> Context:
    rows = Reallocation.objects.filter(portfolio=portfolio).select_related("author")
    turner = Paginator(reallocations.with_approval(rows), KEPT_PER_PAGE).get_page(number)
    return {"turner": turner, "rows": [_proposal(one) for one in turner]}


def _proposal(one: Any) -> Context:
    words, tone = _STATES[one.decision]
    if one.result["status"] == Status.INFEASIBLE.value:
        words = "Infeasible"
    return {
        "proposal": one,
        "state": words,
        "tone": tone,
        **reallocation_shown.brief(one.inputs, one.result),
    }


@require_POST
def keep(request: HttpRequest, code: str) -> HttpResponseBase:
    """Keep the answer somebody looked at as a proposal; one that changed since is shown again."""
    portfolio, user = pages.portfolio(request, code, Action.RECORD), pages.user_of(request)
    form, kept = ReallocationForm(request.POST), KeepForm(request.POST)
    asked = {name: request.POST.get(name, "") for name in form.fields}
    again = f"{reverse('admin:reports_reallocation')}?{urlencode({'portfolio': code, **asked})}"
    if not (form.is_valid() and kept.is_valid()):
        messages.error(request, "Nothing was kept: say why you keep it.")
        return redirect(again)
    try:
        made = reallocations.propose(
            portfolio, form.question(), author=user, now=timezone.now(), **kept.cleaned_data
        )
    except ReallocationError as error:
        messages.error(request, str(error))
        return redirect(again)
    messages.success(request, "The proposal is kept as it was computed. It moves no budget.")
    return redirect("admin:reports_reallocation_kept", made.public_id)


@require_GET
def one(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show a proposal as it was kept."""
    proposal = _found(request, public_id)
    may_ask = reallocations.may_be_asked(proposal) and access.may(
        request.user, Action.RECORD, proposal.portfolio_id
    )
    return pages.render(
        request,
        "reports/reallocation_kept.html",
        f"Reallocation of {proposal.portfolio.code}",
        portfolio=proposal.portfolio,
        may_ask=may_ask,
        knowledge=proposal.knowledge,
        **_proposal(proposal),
        **_shown(proposal.portfolio, proposal.inputs, proposal.result, request.GET),
    )


@require_POST
def ask(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Ask somebody else to approve a proposal."""
    proposal, user = _found(request, public_id), pages.user_of(request)
    if not access.may(user, Action.RECORD, proposal.portfolio_id):
        raise Http404
    try:
        governance_asking.told(request, reallocations.ask(proposal, author=user, now=timezone.now()))
    except ReallocationError as error:
        messages.error(request, str(error))
    return redirect("admin:reports_reallocation_kept", public_id)


def _found(request: HttpRequest, public_id: UUID) -> Any:
    rows = Reallocation.objects.filter(access.scope(request.user, Action.VIEW))
    related = rows.select_related("portfolio", "author")
    proposal = reallocations.with_approval(related).filter(public_id=public_id).first()
    if proposal is None:
        raise Http404
    return proposal


pages.add("reallocation/", page, "reports_reallocation")
pages.add("reallocation/<str:code>/keep/", keep, "reports_reallocation_keep")
pages.add("reallocation/kept/<uuid:public_id>/", one, "reports_reallocation_kept")
pages.add("reallocation/kept/<uuid:public_id>/ask/", ask, "reports_reallocation_ask")
