"""Approving a version of an investment's plan: what it says is shown, the reason is recorded."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portfolio import assumptions
from portfolio.access import Action
from portfolio.assumptions import AssumptionError
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment
from reports.console import investment_door, pages, plans


class ApprovalForm(forms.Form):
    """Why the version is approved."""

    reason = forms.CharField(
        max_length=500, help_text="For example the meeting that decided. Stands in the record."
    )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, code: str, version: int) -> HttpResponseBase:
    """Show a version and approve it; for the portfolio's administrators."""
    investment = investment_door.found(request, code, Action.MANAGE)
    row = plans.version_of(investment, version)
    if row is None:
        raise Http404
    back = investment_door.tab(investment, "plan")
    if investment.approved_plan_version == version:
        messages.info(request, f"Version {version} is the approved plan already.")
        return redirect(back)
    form = ApprovalForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _approve(request, investment, version, form):
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
    )


def _approve(request: HttpRequest, investment: Investment, version: int, form: ApprovalForm) -> bool:
    try:
        assumptions.approve_plan(
            investment,
            version,
            now=timezone.now(),
            actor=pages.user_of(request),
            reason=form.cleaned_data["reason"],
        )
    except (AssumptionError, KnowledgeError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"Version {version} is the approved plan; the figures are being recomputed.")
    return True


pages.add("investments/<str:code>/plan/<int:version>/approve/", page, "reports_plan_approval")
