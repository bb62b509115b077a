"""Where else a portfolio's alerts go: its shared targets, on channels of every kind, and one target's page."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import delivery, targets
from alerts.channels import CHANNELS, kind_of
from alerts.models import Target
from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio
from reports.console import pages
from reports.console.reference_targets_forms import TargetForm

_CHOICES = {name: kind.label for name, kind in CHANNELS.items() if name != "log"}


def in_words(portfolio: Portfolio) -> SafeString:
    """Return a portfolio's targets in a sentence each, with the way to their page."""
    rows = [
        (target.label, kind_of(target.channel).label, "" if target.is_active else " – switched off")
        for target in Target.objects.filter(portfolio=portfolio).order_by("pk")
    ]
    lines = format_html_join("", "<li>{} ({}){}</li>", rows)
    return format_html(
        '<ul>{}</ul><a class="text-primary-600" href="{}">see and change them</a>',
        lines or "None but the owners of investments.",
        reverse("admin:reports_targets", args=[portfolio.code]),
    )


@require_GET
def page(request: HttpRequest, code: str) -> HttpResponseBase:
    """List a portfolio's targets, and offer every channel for a new one to its administrators."""
    portfolio = pages.portfolio(request, code, Action.VIEW)
    rows = [
        (target, kind_of(target.channel).label, targets.why_switched_off(target))
        for target in Target.objects.filter(portfolio=portfolio).order_by("pk")
    ]
    return pages.render(
        request,
        "reports/targets.html",
        f"Alert targets of {portfolio.code}",
        portfolio=portfolio,
        rows=rows,
        choices=_CHOICES,
        may_change=access.may(request.user, Action.MANAGE, portfolio.pk),
    )


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, code: str, channel: str) -> HttpResponseBase:
    """Ask for what a channel needs, and add a target of it."""
    portfolio = pages.portfolio(request, code, Action.MANAGE)
    if channel not in _CHOICES:
        raise Http404
    return _asked(request, Target(portfolio=portfolio, channel=channel))


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, target_id: UUID) -> HttpResponseBase:
    """Change a target; secrets that are left empty stay as they are."""
    return _asked(request, _target(request, target_id))


def _asked(request: HttpRequest, target: Target) -> HttpResponseBase:
    form = TargetForm(request.POST or None, target=target)
    is_stored = request.method == "POST" and form.is_valid()
    if is_stored and not form.made:
        notices.success(request, f"“{target.label}” is stored.")
        return redirect("admin:reports_target", target.public_id)
    status = 400 if form.is_bound and not is_stored else 200
    return _shown(request, target, TargetForm(target=target) if is_stored else form, form.made, status=status)


def _shown(
    request: HttpRequest, target: Target, form: TargetForm, made: Mapping[str, str], *, status: int = 200
) -> HttpResponseBase:
    stored = targets.stored_secrets(target)
    answer = pages.render(
        request,
        "reports/target.html",
        target.label or f"New target: {kind_of(target.channel).label}",
        status=status,
        form=form,
        target=target,
        portfolio=target.portfolio,
        kind=kind_of(target.channel).label,
        why_off=targets.why_switched_off(target),
        has_secret="secret" in stored,
        has_previous="previous_secret" in stored,
        # Shown in this one answer: a redirect would have to keep it somewhere in the clear.
        made=list(made.values()),
    )
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
def renew(request: HttpRequest, target_id: UUID) -> HttpResponseBase:
    """Make a new signing secret and show it; messages are signed with both until the previous one is dropped."""
    target = _target(request, target_id)
    made = targets.renew(target)
    return _shown(request, target, TargetForm(target=target), made)


def _act(what: Callable[[HttpRequest, Target], str]) -> Callable[[HttpRequest, UUID], HttpResponseBase]:
    @require_POST
    def view(request: HttpRequest, target_id: UUID) -> HttpResponseBase:
        target = _target(request, target_id)
        notices.success(request, what(request, target))
        if target.pk is None:
            return redirect("admin:reports_targets", target.portfolio.code)
        return redirect("admin:reports_target", target.public_id)

    return view


def _switch(request: HttpRequest, target: Target) -> str:
    if not target.is_active:
        targets.switch_on(target)
        return "It is told again from now on; what was kept back meanwhile stays so."
    target.is_active = False
    target.save(update_fields=["is_active"])
    return "It is told nothing any more until it is switched on again."


def _forget(request: HttpRequest, target: Target) -> str:
    targets.forget(target, "previous_secret")
    return "Messages are signed with the one secret only."


def _try(request: HttpRequest, target: Target) -> str:
    delivery.send_test(
        portfolio=target.portfolio,
        channel=target.channel,
        address=target.address,
        user=pages.user_of(request),
        now=timezone.now(),
    )
    return "A test message is in the outbox; the log of notifications shows what becomes of it."


def _remove(request: HttpRequest, target: Target) -> str:
    target.delete()
    return "It was removed; what was sent to it stays in the log of notifications."


def _target(request: HttpRequest, target_id: UUID) -> Target:
    try:
        rows = Target.objects.filter(access.scope(request.user, Action.MANAGE)).select_related("portfolio")
        return rows.get(public_id=target_id)
    except Target.DoesNotExist as error:
        raise Http404 from error


pages.add("targets/<str:code>/", page, "reports_targets")
pages.add("targets/<str:code>/new/<str:channel>/", new, "reports_target_new")
pages.add("target/<uuid:target_id>/", change, "reports_target")
pages.add("target/<uuid:target_id>/switch/", _act(_switch), "reports_target_switch")
pages.add("target/<uuid:target_id>/forget/", _act(_forget), "reports_target_forget")
pages.add("target/<uuid:target_id>/test/", _act(_try), "reports_target_test")
pages.add("target/<uuid:target_id>/remove/", _act(_remove), "reports_target_remove")
pages.add("target/<uuid:target_id>/renew/", renew, "reports_target_renew")
