"""Asking for another policy of one rule of one investment, from an open month on; a second person allows it."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alerts import policies, policy_backtest, policy_changes
from alerts.models import Policy, PolicyTemplate
from alerts.policies import PolicyError
from alerts.rules import RULES
from alerts.rules.base import RuleError
from portfolio import facts
from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment
from portfolio.terms import MonthStatus, add_months
from reports.console import governance_asking, investment_door, pages, policies_trial, policies_wording
from reports.console.policies_forms import ChangeForm, initial_of


def earliest(investment: Investment, latest: Policy | None) -> date:
    """Return the first month a change may take effect in: after every closed one, not before the last change."""
    states = facts.month_states(investment.portfolio)
    closed = [month for month, status in states.items() if status != MonthStatus.OPEN.value]
    first = max(add_months(max(closed), 1), investment.start_month) if closed else investment.start_month
    return max(first, latest.effective_month) if latest else first


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, code: str, rule: str) -> HttpResponseBase:
    """Show the terms in force and ask for new ones; for the portfolio's administrators."""
    investment = investment_door.found(request, code, Action.MANAGE)
    if rule not in RULES:
        raise Http404
    latest = Policy.objects.filter(investment=investment, rule=rule).order_by("-version").first()
    base = latest or _template(investment, rule)
    first = earliest(investment, latest)
    form = ChangeForm(rule, request.POST or None, initial=initial_of(base, effective_month=first))
    is_trial, trial = request.POST.get("act") == "try", None
    if is_trial:
        form.only_try()
    if request.method == "POST" and form.is_valid():
        if is_trial:
            trial = _trial(investment, form)
        elif _ask(request, investment, form):
            return redirect(investment_door.tab(investment, "policies"))
    return pages.render(
        request,
        "reports/policies_change.html",
        f"{RULES[rule].title}: {investment.name}",
        status=400 if form.is_bound and trial is None else 200,
        investment=investment,
        back=investment_door.tab(investment, "policies"),
        form=form,
        words=policies_wording.of(base),
        latest=latest,
        earliest=first,
        trial=trial,
    )


def _trial(investment: Investment, form: ChangeForm) -> dict[str, object] | None:
    """Return what the terms would have done; None, with the refusal on the form, where they cannot be."""
    try:
        return policies_trial.of(policy_backtest.run(investment, form.rule, terms=form.terms()))
    except (PolicyError, RuleError) as error:
        form.refuse(str(error))
        return None


def _template(investment: Investment, rule: str) -> PolicyTemplate:
    templates = policies.templates_of([investment.portfolio])[investment.portfolio_id]
    return next(template for template in templates if template.rule == rule)


def _ask(request: HttpRequest, investment: Investment, form: ChangeForm) -> bool:
    try:
        asked = policy_changes.propose(
            investment,
            form.rule,
            effective_month=form.cleaned_data["effective_month"],
            now=timezone.now(),
            author=pages.user_of(request),
            reason=form.cleaned_data["reason"],
            terms=form.terms(),
        )
    except (PolicyError, RuleError, KnowledgeError) as error:
        form.refuse(str(error))
        return False
    governance_asking.told(request, asked)
    return True


pages.add("investments/<str:code>/policies/<str:rule>/", page, "reports_investment_policy")
