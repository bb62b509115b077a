"""Requests for a second person: what waits for me, what I asked for, what was decided; and deciding one.

A kind of request is shown and carried out as the room that makes it registered it (`portfolio.approvals`).
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from portfolio import access, approvals
from portfolio.access import Action
from portfolio.approvals import ApprovalError
from portfolio.models import Approval, Investment, User
from reports.console import investment_door, pages

OPEN_SHOWN = DECIDED_SHOWN = 50
# Decision: its words with a sign, and its tone.
_DECISIONS = {
    "": ("◌ Waits", "warn"),
    "approved": ("✓ Approved", "good"),
    "refused": ("✗ Refused", "bad"),
    "void": ("– Void", ""),
}
_RELATED = ("portfolio", "author", "approver")


class DecisionForm(forms.Form):
    """Why a request is allowed or refused."""

    reason = forms.CharField(max_length=500, help_text="Stands in the record beside your name.")


def _open_to(user: User) -> QuerySet[Approval]:
    return Approval.objects.filter(access.scope(user, Action.VIEW)).select_related(*_RELATED)


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List the requests of the user's portfolios."""
    user = pages.user_of(request)
    rows = _open_to(user)
    waiting = rows.filter(decision="").order_by("asked_at", "pk")
    theirs = waiting.exclude(author=user)
    mine = theirs.filter(access.scope(user, Action.CLOSE))
    groups: list[tuple[str, QuerySet[Approval], str]] = [
        ("Waits for you", mine, "Nothing waits for your decision."),
        ("You asked", waiting.filter(author=user), "You have asked for nothing that is undecided."),
        ("Waits for others", theirs.exclude(pk__in=mine.values("pk")), ""),
        ("Decided", rows.exclude(decision="").order_by("-decided_at", "-pk"), "Nothing was decided yet."),
    ]
    shown = [(name, [_row(each) for each in found[:OPEN_SHOWN]], none) for name, found, none in groups]
    return pages.render(
        request,
        "reports/approvals.html",
        "Approvals",
        groups=[group for group in shown if group[1] or group[2]],
    )


def _row(approval: Approval) -> dict[str, Any]:
    words, tone = _DECISIONS[approval.decision]
    return {"approval": approval, "title": _title(approval), "decision": words, "tone": tone}


def _title(approval: Approval) -> str:
    try:
        return approvals.kind_of(approval).title
    except ApprovalError:
        return approval.kind.replace("_", " ").capitalize()


def _about(approval: Approval) -> str:
    try:
        return approvals.kind_of(approval).about(approval)
    except (ApprovalError, ObjectDoesNotExist):
        return approval.portfolio.code


@require_http_methods(["GET", "POST"])
def one(request: HttpRequest, approval_id: UUID) -> HttpResponseBase:
    """Show a request with its content; somebody else than its author decides it, with a reason."""
    user = pages.user_of(request)
    approval = _open_to(user).filter(public_id=approval_id).first()
    if approval is None:
        raise Http404
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _decided(request, approval, form):
        return redirect("admin:reports_approvals")
    if form.is_bound:
        approval.refresh_from_db()
    words, tone = _DECISIONS[approval.decision]
    rows, is_changed, why_gone = _content(approval)
    why_not = _why_not(approval, user) or why_gone
    investment = Investment.objects.filter(public_id=approval.subject, portfolio=approval.portfolio).first()
    return pages.render(
        request,
        "reports/approval.html",
        f"{_title(approval)}: {_about(approval)}",
        status=400 if form.is_bound else 200,
        approval=approval,
        title_of_kind=_title(approval),
        investment=investment,
        back=investment_door.tab(investment, "governance") if investment else "",
        decision=words,
        tone=tone,
        rows=rows,
        is_changed=is_changed and not approval.decision,
        form=form,
        may_decide=not why_not,
        why_not=why_not,
    )


def _content(approval: Approval) -> tuple[list[tuple[str, str]], bool, str]:
    """Return the content in words, whether it changed since it was asked for, and why it cannot be shown."""
    try:
        kind = approvals.kind_of(approval)
        rows = list(kind.rows(approval))
        return rows, approvals.hash_of(kind.content(approval)) != approval.content_hash, ""
    except ApprovalError as error:
        return [], False, str(error)
    except ObjectDoesNotExist:
        return [], False, "What was asked for is not there any more; there is nothing to decide."


def _why_not(approval: Approval, user: User) -> str:
    """Return why somebody does not decide a request; empty where they may."""
    if approval.decision:
        return "This request is decided."
    if not access.may(user, Action.CLOSE, approval.portfolio_id):
        return "Finance and the administrators of the portfolio decide requests."
    if approval.author_id == user.pk:
        return "You asked for this; somebody else of finance or the administrators decides."
    return ""


def _decided(request: HttpRequest, approval: Approval, form: DecisionForm) -> bool:
    act = request.POST.get("act")
    if act not in ("approve", "refuse"):
        raise Http404
    try:
        settled = approvals.settle(
            approval,
            approver=pages.user_of(request),
            is_allowed=act == "approve",
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
    except ApprovalError as error:
        messages.error(request, str(error))
        return False
    except ObjectDoesNotExist:
        return False
    messages.success(request, f"{_title(settled)} {settled.decision}: {settled.summary}")
    return True


pages.add("approvals/", page, "reports_approvals")
pages.add("approvals/<uuid:approval_id>/", one, "reports_approval")
