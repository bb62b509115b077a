"""A case that is not stored yet, as the wizard has it: what its answers amount to, and how it is created from them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from portfolio import investments
from portfolio.models import Investment, Portfolio, User
from reports.console import cases_answers, cases_brackets, cases_build_up, cases_results, cases_sheet
from reports.console.cases_forms import HiddenCostsForm
from reports.console.cases_spread import SpreadForm
from roi import cases
from roi.models import BusinessCase
from roi.questions import Terms
from roi.usecases import TEMPLATES

Content = dict[str, Any]


def content(start: Mapping[str, Any], ready: Mapping[str, forms.Form]) -> Content:
    """Return the case as answered so far: the first step's answers, and the valid forms of other steps by name."""
    drivers, costs, ranges = (ready.get(step) for step in ("drivers", "costs", "ranges"))
    return {
        **{name: start[name] for name in ("template", "title", "months")},
        "discount_rate": None,
        "hurdle_rate": None,
        "drivers": dict(drivers.cleaned_data) if drivers else {},
        "hidden_costs": costs.stored() if isinstance(costs, HiddenCostsForm) else {},
        "distributions": ranges.distributions(ranges.values) if isinstance(ranges, SpreadForm) else {},
        "correlations": [],
    }


def shown(draft: Content, *, terms: Terms, step: str) -> dict[str, Any]:
    """Return what a draft amounts to beside a step; raises QuestionRejected where it cannot be computed."""
    asked = {**_asked(draft), "scenarios": []}
    case = cases_answers.read(asked, terms=terms).case
    asked["scenarios"] = [
        {"name": kind.capitalize(), "kind": kind, "drivers": drivers}
        for kind, drivers in _brackets(draft, terms).items()
    ]
    parts, total = cases_build_up.of(case, draft["hidden_costs"])
    return {
        "results": cases_results.context(cases_answers.ask(asked, terms=terms)),
        "parts": parts,
        "total": total,
        "step": step,
        "case_template": TEMPLATES[draft["template"]],
    }


def create(
    draft: Content, *, portfolio: Portfolio, investment: Investment | None, now: datetime, actor: User
) -> BusinessCase:
    """Create the case, with a scenario at each end of its ranges where it has some."""
    made = cases.create(portfolio, draft, now=now, actor=actor, investment=investment)
    for kind, drivers in _brackets(draft, cases.terms(made)).items():
        cases.put_scenario(made, kind.capitalize(), kind=kind, drivers=drivers, now=now, actor=actor)
    return made


def register(draft: Content, review: Mapping[str, Any], *, portfolio: Portfolio, actor: User) -> Investment:
    """Register the proposed investment of a draft; raises ValidationError."""
    proposed = Investment(
        portfolio=portfolio,
        code=review["code"],
        name=review["name"] or draft["title"],
        owner=actor,
        use_case=TEMPLATES[draft["template"]].title.lower(),
        start_month=review["start_month"],
        horizon_months=draft["months"],
    )
    return investments.put(proposed, now=timezone.now(), actor=actor, reason="Proposed with a business case.")


def _asked(draft: Content) -> dict[str, Any]:
    return dict(cases_sheet.question(draft, scenarios=[], correlations=[], change=cases_sheet.FIRST_CHANGE))


def _brackets(draft: Content, terms: Terms) -> dict[str, dict[str, float]]:
    if not draft["distributions"]:
        return {}
    case = cases_answers.read(_asked(draft), terms=terms).case
    return cases_brackets.of(case, draft["distributions"])
