"""Pages on which something is stated about an investment, and on which it enters a stage; for who records."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portfolio import gate_facts, hypotheses, stages, statements
from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment, User
from portfolio.stages import StageError
from portfolio.statements import StatementError
from portfolio.terms import Stage
from reports.console import governance_asking, governance_tab, investment_door, pages
from reports.console.governance_forms import (
    BaselineForm,
    DifferentiationForm,
    HypothesisForm,
    StageForm,
    StrategicForm,
)

State = Callable[[Investment, Any, User, datetime], object]


@dataclass(frozen=True, slots=True)
class Statement:
    """One kind of statement: its form, how it is written, and what the page says."""

    title: str
    form: type[forms.Form]
    state: State
    done: str
    note: str


def _hypothesis(investment: Investment, form: HypothesisForm, user: User, now: datetime) -> object:
    reason = form.cleaned_data["reason"]
    return hypotheses.state(investment, form.terms(), now=now, author=user, reason=reason)


def _baseline(investment: Investment, form: BaselineForm, user: User, now: datetime) -> object:
    return statements.state_baseline(investment, form.said(), now=now, author=user)


def _strategic(investment: Investment, form: StrategicForm, user: User, now: datetime) -> object:
    return statements.state_strategic_terms(investment, form.said(), now=now, author=user)


def _differentiation(investment: Investment, form: DifferentiationForm, user: User, now: datetime) -> object:
    return statements.rate_differentiation(investment, form.said(), now=now, author=user)


STATEMENTS: dict[str, Statement] = {
    "hypothesis": Statement(
        "State the hypothesis",
        HypothesisForm,
        _hypothesis,
        "The hypothesis is stated.",
        "A version is written once; the next one says why it replaces it. A baseline is measured before it is in use.",
    ),
    "baseline": Statement(
        "State a baseline",
        BaselineForm,
        _baseline,
        "The baseline is stated.",
        "What was measured before deployment: later months are compared with it. It is written once.",
    ),
    "strategic": Statement(
        "State strategic terms",
        StrategicForm,
        _strategic,
        "The strategic terms are stated.",
        "The claim counts until it expires; then it is reviewed and stated anew, or dropped.",
    ),
    "differentiation": Statement(
        "Rate the differentiation",
        DifferentiationForm,
        _differentiation,
        "The differentiation is rated.",
        "The newest rating holds; earlier ones stay on record.",
    ),
}


@require_http_methods(["GET", "POST"])
def state(request: HttpRequest, code: str, kind: str) -> HttpResponseBase:
    """Show a form and write what it says."""
    investment = investment_door.found(request, code, Action.RECORD)
    if kind not in STATEMENTS:
        raise Http404
    statement = STATEMENTS[kind]
    form = statement.form(request.POST or None, initial=_initial(investment, kind))
    back = investment_door.tab(investment, "governance")
    if request.method == "POST" and form.is_valid():
        try:
            statement.state(investment, form, pages.user_of(request), timezone.now())
        except (StatementError, KnowledgeError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, statement.done)
            return redirect(back)
    return pages.render(
        request,
        "reports/governance_statement.html",
        f"{statement.title}: {investment.name}",
        status=400 if form.is_bound else 200,
        investment=investment,
        back=back,
        form=form,
        note=statement.note,
        rows=_rows(form),
    )


def _initial(investment: Investment, kind: str) -> dict[str, Any]:
    """Return what the next version of a hypothesis starts from: the one in force."""
    newest = hypotheses.newest(investment) if kind == "hypothesis" else None
    if newest is None:
        return {}
    said = {name: getattr(newest, name) for name in hypotheses.SAID}
    numbers = ("baseline", "target", "target_low", "target_high")
    return said | {name: governance_tab.text(said[name]) for name in numbers if said[name] is not None}


def _rows(form: forms.Form) -> list[list[forms.BoundField]]:
    """Return the fields in the rows they are shown in: those of a pair side by side."""
    pairs = (
        *(("metric", "unit", "direction"), ("baseline", "baseline_from", "baseline_to")),
        *(
            ("target", "target_low", "target_high", "target_date"),
            ("value", "unit", "period_from", "period_to"),
        ),
        *(("horizon_months", "importance", "expires_on"), ("rating", "rated_on"), ("measure", "label")),
    )
    rows: list[list[forms.BoundField]] = []
    for field in form:
        pair = next((p for p in pairs if field.name in p and all(name in form.fields for name in p)), None)
        if pair and field.name != pair[0]:
            rows[-1].append(field)
        else:
            rows.append([field])
    return rows


@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, code: str, stage: str) -> HttpResponseBase:
    """Show what the gate of a stage asks, and enter it, or ask the second person it needs."""
    investment = investment_door.found(request, code, Action.RECORD)
    door = next((door for door in governance_tab.doors(investment) if door.stage == stage), None)
    if door is None:
        raise Http404
    form = StageForm(request.POST or None)
    back = investment_door.tab(investment, "governance")
    if request.method == "POST" and form.is_valid() and _enter(request, investment, Stage(stage), form):
        return redirect(back)
    return pages.render(
        request,
        "reports/governance_stage.html",
        f"{door.title}: {investment.name}",
        status=400 if form.is_bound else 200,
        investment=investment,
        door=door,
        back=back,
        form=form,
    )


def _enter(request: HttpRequest, investment: Investment, stage: Stage, form: StageForm) -> bool:
    user, now, reason = pages.user_of(request), timezone.now(), form.cleaned_data["reason"]
    try:
        if stages.needs_request(stage):
            asked = stages.propose(investment, stage, now=now, author=user, reason=reason)
            governance_asking.told(request, asked)
        else:
            decision = gate_facts.latest_decision(investment)
            stages.move(investment, stage, now=now, actor=user, reason=reason, decision=decision)
            messages.success(request, f"{investment.code} is {stage.value.replace('_', ' ')} now.")
    except (StageError, KnowledgeError) as error:
        form.add_error(None, str(error))
        return False
    return True


pages.add("investments/<str:code>/state/<str:kind>/", state, "reports_governance_state")
pages.add("investments/<str:code>/stage/<str:stage>/", enter, "reports_governance_stage")
