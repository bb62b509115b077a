"""Silences of a portfolio: what is kept quiet, will be and was; making one after seeing what it mutes; ending one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import silences
from alerts.acknowledgments import OverlayError
from alerts.models import Silence
from alerts.rules import RULES
from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio
from reports.console import pages, status
from reports.console.silences_forms import SilenceForm

ENDED_SHOWN = 50
IN_FORCE, COMING, ENDED = "In force", "Coming or waiting", "Ended or refused"
_REFUSED = {"refused": "Refused by", "void": "Void"}


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List a portfolio's silences: those that hold, those to come, the last that ended."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/silences.html", "Silences", portfolio=None)
    now = timezone.now()
    rows = Silence.objects.filter(portfolio=portfolio).select_related(
        "investment", "author", "approval__approver"
    )
    ended = list(rows.filter(ends_at__lte=now).order_by("-ends_at", "-pk")[:ENDED_SHOWN])
    return pages.render(
        request,
        "reports/silences.html",
        "Silences",
        portfolio=portfolio,
        portfolios=open_to_user,
        groups=_groups(list(rows.filter(ends_at__gt=now).order_by("ends_at", "pk")), ended, now=now),
        may_change=access.may(request.user, Action.RECORD, portfolio.pk),
    )


def _groups(
    running: Sequence[Silence], ended: Sequence[Silence], *, now: datetime
) -> list[tuple[str, list[dict[str, Any]]]]:
    by_state: dict[str, list[dict[str, Any]]] = {IN_FORCE: [], COMING: [], ENDED: []}
    for silence in running:
        asked = silence.approval if silence.needs_approval else None
        if asked is not None and asked.decision in _REFUSED:
            name = ENDED
        else:
            name = IN_FORCE if silence.starts_at <= now and _holds(silence) else COMING
        by_state[name].append(_row(silence, may_end=name != ENDED))
    by_state[ENDED] += [_row(silence, may_end=False) for silence in ended]
    return [(name, rows) for name, rows in by_state.items() if rows]


def _holds(silence: Silence) -> bool:
    return not silence.needs_approval or (
        silence.approval is not None and silence.approval.decision == "approved"
    )


def _row(silence: Silence, *, may_end: bool) -> dict[str, Any]:
    asked = silence.approval if silence.needs_approval else None
    decision = asked.decision if asked else ""
    return {
        "silence": silence,
        "what": RULES[silence.rule].title if silence.rule in RULES else "Every rule",
        "request": asked,
        "waits": asked is not None and not decision,
        "second": _second(decision, asked.approver) if asked else "",
        "may_end": may_end,
    }


def _second(decision: str, approver: Any) -> str:
    if decision == "approved":
        return f"Allowed by {approver}"
    return f"{_REFUSED[decision]} {approver or ''}".strip() if decision else ""


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show what a silence would mute, and make it."""
    portfolio = pages.portfolio(request, code, Action.RECORD)
    given = request.POST or None
    form = SilenceForm(given, portfolio=portfolio, now=timezone.now(), asked=request.GET)
    is_preview = request.POST.get("act") == "preview"
    if is_preview:
        form.only_preview()
    is_valid = given is not None and form.is_valid()
    if is_valid and not is_preview and _made(request, form):
        return redirect(address(portfolio))
    shown = form.matcher() if form.is_bound and is_valid else form.asked_for()
    found = silences.preview(shown) if shown else None
    return pages.render(
        request,
        "reports/silence_new.html",
        "New silence",
        status=400 if form.is_bound and not (is_preview and is_valid) else 200,
        portfolio=portfolio,
        form=form,
        back=address(portfolio),
        preview=found,
        muted=[(e, status.rule_pill(e.rule, severity=e.severity)) for e in found.episodes] if found else [],
    )


def _made(request: HttpRequest, form: SilenceForm) -> bool:
    starts_at, ends_at = form.times()
    try:
        made = silences.create(
            form.matcher(),
            starts_at=starts_at,
            ends_at=ends_at,
            comment=form.cleaned_data["comment"],
            author=pages.user_of(request),
            now=form.now,
        )
    except OverlayError as error:
        form.add_error(None, str(error))
        return False
    if made.needs_approval:
        messages.warning(
            request, "It does not hold yet: somebody else of finance or the administrators decides."
        )
    else:
        messages.success(request, f"Such alerts are quiet until {ends_at:%Y-%m-%d}.")
    return True


@require_POST
def end(request: HttpRequest, silence_id: UUID) -> HttpResponseBase:
    """End a silence now; what it kept back of open alerts is told once."""
    rows = Silence.objects.filter(access.scope(request.user, Action.VIEW)).select_related("portfolio")
    silence = rows.filter(public_id=silence_id).first()
    if silence is None:
        raise Http404
    try:
        silences.end(silence, user=pages.user_of(request), now=timezone.now())
        messages.success(request, "The silence is over. What it kept back of open alerts is told once.")
    except OverlayError as error:
        messages.error(request, str(error))
    return redirect(address(silence.portfolio))


def address(portfolio: Portfolio) -> str:
    """Return the address of a portfolio's silences."""
    return f"{reverse('admin:reports_silences')}?{urlencode({'portfolio': portfolio.code})}"


def prefilled(portfolio: Portfolio, *, investment: str, rule: str) -> str:
    """Return the address of a new silence about one rule of an investment."""
    path = reverse("admin:reports_silence_new", args=[portfolio.code])
    return f"{path}?{urlencode({'investment': investment, 'rule': rule})}"


pages.add("silences/", page, "reports_silences")
pages.add("silences/new/<str:code>/", new, "reports_silence_new")
pages.add("silences/<uuid:silence_id>/end/", end, "reports_silence_end")
