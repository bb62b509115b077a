"""Approving a version of an investment's plan, as somebody else than its author; a second person replaces one."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portfolio import knowledge, plan_approvals
from portfolio.access import Action
from portfolio.assumptions import AssumptionError
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment
from reports.console import governance_asking, investment_door, pages, plans


class ApprovalForm(forms.Form):
    """Why the version is approved."""

    reason = forms.CharField(
        max_length=500, help_text="For example the meeting that decided. Stands in the record."
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, code: str, version: int) -> HttpResponseBase:
    """Show a version and approve it; for the portfolio's administrators."""
    investment = investment_door.found(request, code, Action.MANAGE)
    # Asked before the amounts are read: a change in between makes the approval void, not unseen.
    seen = plan_approvals.newest_change(investment, version)
    row = plans.version_of(investment, version)
    if row is None:
        raise Http404
    back = investment_door.tab(investment, "plan")
    if investment.approved_plan_version == version:
        messages.info(request, f"Version {version} is the approved plan already.")
        return redirect(back)
    form = ApprovalForm(request.POST or None, initial={"seen": seen})
    if request.method == "POST" and form.is_valid():
        if not _approve(request, investment, version, form):
            return redirect(request.path)
        return redirect(back)
    return pages.render(
        request,
        "reports/plans_approval.html",
        f"Approve version {version} of the plan",
        status=400 if form.is_bound else 200,
        investment=investment,
        version=row,
        back=back,
        form=form,
        needs_request=plan_approvals.needs_request(investment),
    )


def _approve(request: HttpRequest, investment: Investment, version: int, form: ApprovalForm) -> bool:
    """Approve what was shown: a version changed since then is refused, and shown again."""
    try:
        with transaction.atomic():
            knowledge.lock_portfolio(investment.portfolio_id)
            if plan_approvals.newest_change(investment, version) != form.cleaned_data["seen"]:
                raise AssumptionError(
                    f"Version {version} was changed after you opened it. Nothing was approved; look at it again."
                )
            _approve_or_ask(request, investment, version, reason=form.cleaned_data["reason"])
    except (AssumptionError, KnowledgeError) as error:
        messages.error(request, str(error))
        return False
    return True


def _approve_or_ask(request: HttpRequest, investment: Investment, version: int, *, reason: str) -> None:
    user, now = pages.user_of(request), timezone.now()
    if plan_approvals.needs_request(investment):
        asked = plan_approvals.propose(investment, version, now=now, author=user, reason=reason)
        governance_asking.told(request, asked)
        return
    plan_approvals.approve(investment, version, now=now, actor=user, reason=reason)
    messages.success(request, f"Version {version} is the approved plan; the figures are being recomputed.")


pages.add("investments/<str:code>/plan/<int:version>/approve/", page, "reports_plan_approval")
