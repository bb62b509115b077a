"""The page of one alert: what it is about, who has answered, what is due of it, what happened; and answering it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alerts import acknowledgments, overlays
from alerts.acknowledgments import OverlayError
from alerts.models import Acknowledgment, AlertState, Episode, Event, Snooze, Timer
from alerts.overlays import Overlay
from alerts.rules import RULES
from alerts.rules.attention import LEVEL_OF, LONGEST_SNOOZE
from portfolio import access
from portfolio.access import Action
from portfolio.models import Review, User
from reports.console import investment_alerts, investment_door, pages, reviews_list, silences, status
from reports.console.past import Past, asked_past, then_of

Context = dict[str, Any]
_ONE_WEEK = timedelta(days=7)
NOTE = "The alert as known at the end of {}: what had happened and who had answered by then. Nothing is changed here."


class SnoozeForm(forms.Form):
    """Until which day an alert is quiet, and why."""

    until = forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=f"It is told again from this day on, at most {LONGEST_SNOOZE.days} days ahead.",
    )
    reason = forms.CharField(max_length=500, help_text="Stands with every notice that is kept back.")


def found(request: HttpRequest, public_id: UUID) -> Episode:
    """Return an alert; Http404 where it does not exist or is not open to the user."""
    rows = Episode.objects.filter(access.scope(request.user, Action.VIEW, via="investment__portfolio"))
    related = ("investment__portfolio", "investment__owner", "investment__sponsor", "investment__data_owner")
    episode = rows.select_related(*related).filter(public_id=public_id).first()
    if episode is None:
        raise Http404
    return episode


def title_of(episode: Episode) -> str:
    """Return what an alert is called: its rule, and the investment it is about."""
    rule = RULES.get(episode.rule)
    return f"{rule.title if rule else episode.rule}: {episode.investment.code}"


@require_GET
def page(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show one alert."""
    return _shown(request, found(request, public_id), SnoozeForm(initial=_proposed()))


def _proposed() -> dict[str, object]:
    return {"until": timezone.now().date() + _ONE_WEEK}


def _shown(
    request: HttpRequest, episode: Episode, form: SnoozeForm, *, http_status: int = 200
) -> HttpResponseBase:
    user, portfolio = pages.user_of(request), episode.investment.portfolio
    past = asked_past(request.GET.get("as_of", ""), [portfolio.time_zone], now=timezone.now())
    now = past.end(portfolio) if past else timezone.now()
    if episode.opened_at > now:
        raise Http404
    episode, is_now = investment_alerts.as_then(episode, past), past is None
    then = then_of(request.GET, past, note=NOTE)
    over = _overlay(episode, past)
    in_force = overlays.silences_in_force([portfolio.pk], now=now) if is_now else []
    is_open = episode.closed_at is None
    return pages.render(
        request,
        "reports/alerts_episode.html",
        title_of(episode),
        status=http_status,
        then=then,
        episode=episode,
        investment=episode.investment,
        back=investment_door.tab(episode.investment, "alerts"),
        policies=investment_door.tab(episode.investment, "policies"),
        pill=status.rule_pill(episode.rule, severity=episode.severity),
        end=investment_alerts.end_of(episode),
        opened=_reviews(episode, past, now=now),
        is_flapping=is_now and _is_flapping(episode),
        stale_since=_stale_since(episode) if is_open and is_now else None,
        leads=User.objects.filter(pk=over.seen.user_id).first() if over.seen else None,
        snooze=over.snooze,
        silence=overlays.silence_for(in_force, episode.investment, episode.rule) if is_open else None,
        is_open=is_open,
        may_act=is_open and is_now and acknowledgments.may_act(user, episode),
        silence_it=_silence_it(request, episode) if is_open and is_now else "",
        form=form,
        events=_events(episode, now),
        answers=_answers(episode, now=now),
        timers=[_timer(t) for t in Timer.objects.filter(episode=episode).order_by("due_at", "id") if is_now],
    )


def _reviews(episode: Episode, past: Past | None, *, now: datetime) -> list[Review]:
    """Return the reviews that an alert opened, as they stood."""
    opened = Review.objects.filter(origin="alert", origin_ref=episode.public_id, opened_at__lte=now)
    return [reviews_list.as_then(one, past) for one in opened.select_related("portfolio").order_by("id")]


def _overlay(episode: Episode, past: Past | None) -> Overlay:
    """Return who answered and whether it is quiet; a look back lists the answers instead."""
    if past is not None:
        return overlays.NOTHING
    return overlays.overlays_of([episode.pk], now=timezone.now()).get(episode.pk, overlays.NOTHING)


def _is_flapping(episode: Episode) -> bool:
    """Return whether this rule of the investment fired and resolved too often in the year it was last judged for."""
    state = AlertState.objects.filter(investment=episode.investment, rule=episode.rule).first()
    if state is None or state.month is None:
        return False
    return bool(investment_alerts.flapping(episode.investment, {episode.rule: state.month}))


def _silence_it(request: HttpRequest, episode: Episode) -> str:
    """Return the address of a new silence about this rule of the investment; empty for who makes none."""
    investment = episode.investment
    if not access.may(request.user, Action.RECORD, investment.portfolio_id):
        return ""
    return silences.prefilled(investment.portfolio, investment=investment.code, rule=episode.rule)


def _stale_since(episode: Episode) -> Any:
    """Return the judged month where the rule's last verdict had no figures; the state stands since before it."""
    state = AlertState.objects.filter(
        investment=episode.investment, rule=episode.rule, verdict__in=("nodata", "error")
    ).first()
    return state.month if state else None


def _events(episode: Episode, now: datetime) -> list[Context]:
    events = Event.objects.filter(episode=episode, recorded_at__lte=now).order_by(
        "recorded_at", "point_id", "ordinal"
    )
    return [investment_alerts.event_of(episode.rule, event) for event in events]


def _answers(episode: Episode, *, now: datetime) -> list[Context]:
    """Return acknowledgments and snoozes in the order they were given."""
    given = [
        {
            "at": a.created_at,
            "who": a.user,
            "what": "Acknowledged",
            "until": a.until,
            "words": a.note,
            "via": a.via,
            "is_over": a.until <= now or not a.user.is_active,
        }
        for a in Acknowledgment.objects.filter(episode=episode, created_at__lte=now).select_related("user")
    ] + [
        {
            "at": s.created_at,
            "who": s.user,
            "what": "Snoozed",
            "until": s.ended_at or s.until,
            "words": s.reason,
            "via": "",
            "is_over": (s.ended_at or s.until) <= now,
        }
        for s in Snooze.objects.filter(episode=episode, created_at__lte=now).select_related("user")
    ]
    return sorted(given, key=lambda one: one["at"])


def _timer(timer: Timer) -> Context:
    level = LEVEL_OF.get(timer.ordinal) if timer.kind == "escalation" else None
    words = {"reminder": f"Reminder {timer.ordinal}", "snooze_end": "End of the snooze"}
    return {
        "timer": timer,
        "what": f"Escalation to the {level.rung.value}" if level else words.get(timer.kind, timer.kind),
    }


@require_POST
def answer(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Acknowledge, snooze, or end a snooze; a refusal is shown where it was asked."""
    episode, user, now = found(request, public_id), pages.user_of(request), timezone.now()
    act, form = request.POST.get("act"), SnoozeForm(request.POST)
    try:
        if act == "snooze":
            if not form.is_valid():
                return _shown(request, episode, form, http_status=400)
            until = _start_of(form.cleaned_data["until"])
            acknowledgments.snooze(
                episode, user=user, until=until, reason=form.cleaned_data["reason"], now=now
            )
            messages.success(request, f"Quiet until {until:%Y-%m-%d}. Its end is told all the same.")
        elif act == "end_snooze":
            acknowledgments.check(episode, user=user)
            acknowledgments.end_snooze(episode, now=now, reason=f"Ended by {user}.")
            messages.success(request, "The snooze is over.")
        else:
            done = acknowledgments.acknowledge(
                episode, user=user, via="console", now=now, note=request.POST.get("note", "")
            )
            told = "" if done.leads else " Somebody else answered first and leads."
            messages.success(request, f"Acknowledged until {done.acknowledgment.until:%Y-%m-%d}.{told}")
    except OverlayError as error:
        messages.error(request, str(error))
    return redirect(reverse("admin:reports_alert", args=[public_id]))


def _start_of(day: Any) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=timezone.get_current_timezone())


pages.add("alerts/<uuid:public_id>/", page, "reports_alert")
pages.add("alerts/<uuid:public_id>/answer/", answer, "reports_alert_answer")
