"""The operators' page: what the auditor found, dead letters, quarantined investments, signs of life, what is late."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alerts import attempts, findings
from alerts.models import AuditFinding, AuditRun, EvaluationHead, Heartbeat, Notification, Timer
from alerts.rules import RULES
from portfolio.models import Investment, User
from reports.console import pages
from roi import snapshots
from roi.models import SnapshotHead

SHOWN = 50
ROUNDS = 12
NAME = "admin:reports_operations"
# Seconds after which a part's silence is a sign of its own.
_LATE = {"relay": 60.0, "beat": 300.0, "worker": 300.0, "audit": 600.0}
_USUAL_LATE = 600.0


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A running part and how long it has said nothing."""

    name: str
    beat_at: datetime
    seconds: int
    is_late: bool


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An investment that is left alone: which work on it fails, and how."""

    investment: Investment
    stage: str
    words: str
    failure: str
    tries: int


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show how the installation itself is doing."""
    _operator(request)
    now = timezone.now()
    dead = Notification.objects.filter(state="dead").select_related("user").order_by("-seq")
    late = Timer.objects.filter(state="waiting", due_at__lt=now)
    first = late.select_related("episode__investment").order_by("due_at")[:SHOWN]
    return pages.render(
        request,
        "reports/operations.html",
        "Operations",
        rounds=AuditRun.objects.all()[:ROUNDS],
        findings=AuditFinding.objects.filter(settled_at=None).select_related("investment")[:SHOWN],
        open_findings=AuditFinding.objects.filter(settled_at=None).count(),
        dead=dead[:SHOWN],
        dead_letters=dead.count(),
        quarantined=quarantined(),
        parts=signs_of_life(now),
        late=[(timer, RULES[timer.episode.rule].title) for timer in first],
        late_timers=late.count(),
    )


def signs_of_life(now: datetime) -> list[SignOfLife]:
    """Return every part that ever gave a sign of life."""
    return [
        SignOfLife(
            name=beat.name,
            beat_at=beat.beat_at,
            seconds=int((now - beat.beat_at).total_seconds()),
            is_late=(now - beat.beat_at).total_seconds()
            > _LATE.get(beat.name.partition("-")[0], _USUAL_LATE),
        )
        for beat in Heartbeat.objects.order_by("name")
    ]


def quarantined() -> list[Quarantined]:
    """Return the investments that are left alone, at either stage."""
    figures = SnapshotHead.objects.filter(attempts__gte=snapshots.MAX_ATTEMPTS)
    heads: list[tuple[str, str, SnapshotHead | EvaluationHead]] = [
        *(("figures", "Recompute", head) for head in figures.order_by("pk")[:SHOWN]),
        *(("thresholds", "Thresholds", head) for head in attempts.quarantined().order_by("pk")[:SHOWN]),
    ]
    known = Investment.objects.select_related("portfolio").in_bulk([head.pk for _, _, head in heads])
    return [
        Quarantined(known[head.pk], stage, words, head.failure, head.attempts) for stage, words, head in heads
    ]


@require_POST
def release(request: HttpRequest, stage: str, investment_id: int) -> HttpResponseBase:
    """Let a quarantined investment be tried again."""
    _operator(request)
    if stage == "thresholds":
        released = attempts.release([investment_id])
    else:
        held = SnapshotHead.objects.filter(pk=investment_id, attempts__gte=snapshots.MAX_ATTEMPTS)
        released = held.update(attempts=0)
    if released:
        notices.success(request, "It is tried again by the next sweep, within half a minute.")
    else:
        notices.error(request, "It is not in quarantine any more.")
    return redirect(NAME)


@require_POST
def settle(request: HttpRequest, finding_id: int) -> HttpResponseBase:
    """Close a finding that nothing can mend any more."""
    user = _operator(request)
    finding = AuditFinding.objects.filter(pk=finding_id, settled_at=None).first()
    if finding is None:
        notices.error(request, "This finding is settled already.")
        return redirect(NAME)
    try:
        findings.settle(finding, by=str(user), reason=request.POST.get("reason", ""), now=timezone.now())
    except ValueError as error:
        notices.error(request, str(error))
    else:
        notices.success(request, "The finding is closed; the reason stands beside it.")
    return redirect(f"{reverse(NAME)}#findings")


def _operator(request: HttpRequest) -> User:
    """Return who runs the installation; for anybody else the page is not there."""
    user = pages.user_of(request)
    if not user.is_superuser:
        raise Http404
    return user


pages.add("operations/", page, "reports_operations")
pages.add("operations/release/<str:stage>/<int:investment_id>/", release, "reports_operations_release")
pages.add("operations/findings/<int:finding_id>/settle/", settle, "reports_operations_settle")
