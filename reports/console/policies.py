"""The policies of a portfolio: the templates its new investments start from, and setting them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from alerts import hit_rates, policies
from alerts.models import PolicyTemplate
from alerts.policies import PolicyError
from alerts.rules import RULES
from alerts.rules.base import RuleError
from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio
from reports.console import pages, policies_wording
from reports.console.policies_forms import TermsForm, initial_of


def address(portfolio: Portfolio, **query: str) -> str:
    """Return the address of a portfolio's policies."""
    return f"{reverse('admin:reports_policies')}?{urlencode({'portfolio': portfolio.code} | query)}"


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the template of every rule; the portfolio's administrators set the one in the address."""
    portfolio = pages.chosen_portfolio(request, pages.portfolios(request, Action.VIEW))
    if portfolio is None:
        raise Http404
    templates = {t.rule: t for t in policies.templates_of([portfolio])[portfolio.pk]}
    chosen = templates.get(request.GET.get("rule", ""))
    may_change = access.may(request.user, Action.MANAGE, portfolio.pk)
    if (request.method == "POST" or "rule" in request.GET) and (chosen is None or not may_change):
        raise Http404
    form = TermsForm(chosen.rule, request.POST or None, initial=initial_of(chosen)) if chosen else None
    if form and request.method == "POST" and form.is_valid() and _set(request, portfolio, form):
        return redirect(address(portfolio))
    return pages.render(
        request,
        "reports/policies.html",
        f"Policies of {portfolio.name}",
        status=400 if form and form.is_bound else 200,
        portfolio=portfolio,
        form=form,
        chosen=RULES[chosen.rule].title if chosen else "",
        may_change=may_change,
        hit_rate=hit_rates.sentence(hit_rates.of([portfolio.pk])),
        rows=[_row(template) for template in templates.values()],
    )


def _row(template: PolicyTemplate) -> dict[str, Any]:
    return {
        "rule": template.rule,
        "words": policies_wording.of(template),
        "is_shipped": template.pk is None,
    }


def _set(request: HttpRequest, portfolio: Portfolio, form: TermsForm) -> bool:
    try:
        policies.set_template(portfolio, form.rule, terms=form.terms(), actor=pages.user_of(request))
    except (PolicyError, RuleError) as error:
        form.refuse(str(error))
        return False
    messages.success(
        request,
        f"“{RULES[form.rule].title}” is set. Investments that have their policies keep them.",
    )
    return True


pages.add("policies/", page, "reports_policies")
