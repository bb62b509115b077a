"""The page of one review: cost, use and outcomes on one page, the checklist, and the decision that ends it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alerts.models import Episode
from portfolio import access, decisions, reviews
from portfolio.access import Action
from portfolio.decisions import DecisionError
from portfolio.knowledge import KnowledgeError
from portfolio.models import Decision, Investment, Review, User
from portfolio.reviews import ReviewError
from portfolio.terms import ReviewState
from reports import receipts
from reports.console import figures, investment_door, pages, reviews_list, standing, status, time_travel
from reports.console.past import Past, asked_past, then_of
from reports.console.reviews_forms import DecisionForm, spoken
from reports.console.standing import Standing

Context = dict[str, Any]
NOTE = (
    "The review with the figures, alerts and hypothesis known at the end of {}. Due date, owner, sponsor and the "
    "checklist are those of today. Nothing is changed here."
)


def found(request: HttpRequest, public_id: UUID) -> Review:
    """Return a review; Http404 where it does not exist or is not open to the user."""
    rows = Review.objects.filter(access.scope(request.user, Action.VIEW))
    related = ("investment__portfolio", "investment__owner", "investment__sponsor", "portfolio", "follows")
    review = rows.select_related(*related).filter(public_id=public_id).first()
    if review is None:
        raise Http404
    return review


@require_GET
def page(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show one review."""
    review = found(request, public_id)
    return _shown(request, review, DecisionForm(review))


def _shown(
    request: HttpRequest, review: Review, form: DecisionForm, *, http_status: int = 200
) -> HttpResponseBase:
    user, investment = pages.user_of(request), review.investment
    past = asked_past(request.GET.get("as_of", ""), [review.portfolio.time_zone], now=timezone.now())
    if past is not None and review.opened_at > past.end(review.portfolio):
        raise Http404
    review, today = reviews_list.as_then(review, past), past.day if past else timezone.now().date()
    stands = _stands(investment, past)
    margin, no_margin = reviews_list.margin_of(stands)
    decided = Decision.objects.filter(review=review).select_related("decided_by")
    is_open = review.state == ReviewState.OPEN.value
    may_decide = is_open and past is None and reviews.may_decide(user, review)
    return pages.render(
        request,
        "reports/reviews_page.html",
        f"{review.get_kind_display()}: {investment.code}",
        status=http_status,
        then=then_of(request.GET, past, note=NOTE),
        review=review,
        investment=investment,
        back=investment_door.tab(investment, "figures"),
        due=reviews_list.due_text(review, today=today),
        is_late=is_open and review.due_on < today,
        waits_for=reviews_list.decider_of(investment),
        waiting=reviews_list.waiting_sentence(
            margin, reason=no_margin, currency=investment.portfolio.reporting_currency
        ),
        agenda=agenda(stands),
        claim=_claim(stands),
        alerts=open_alerts(review, past),
        steps=review.checklist,
        missing=reviews.unanswered(review) if is_open and past is None else [],
        decision=None if is_open else decided.first(),
        is_open=is_open,
        may_answer=is_open
        and past is None
        and (may_decide or access.may(user, Action.RECORD, review.portfolio_id)),
        may_decide=may_decide,
        why_not="" if may_decide or not is_open or past else why_not(user, review),
        form=form,
    )


def _stands(investment: Investment, past: Past | None) -> Standing:
    if past is None:
        return standing.of([investment])[investment.pk]
    found = time_travel.standings_on([investment], past).get(investment.pk)
    return found or Standing(investment, None, None, 0, past=past)


def _claim(stands: Standing) -> Context | None:
    """Return the newest hypothesis with its numbers as people write them."""
    newest = stands.hypothesis()
    if newest is None:
        return None
    numbers = {
        name: figures.missing("Not stated.") if value is None else figures.measured_text(value, newest.unit)
        for name, value in (("baseline", newest.baseline), ("target", newest.target))
    }
    return {"hypothesis": newest, **numbers}


def why_not(user: User, review: Review) -> str:
    """Return why somebody does not decide here."""
    if review.investment.owner_id == user.pk:
        return "You own this investment; the sponsor or the board decides on it."
    if reviews.has_owned(user, review):
        return "You owned this investment while the review was open; the sponsor or the board decides on it."
    waits_for = reviews_list.decider_of(review.investment)
    return f"The sponsor, the board or an administrator decides: it waits for {waits_for}."


def agenda(stands: Standing) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return cost, use and outcomes of the newest closed month, as a business meeting reads them."""

    def shown(name: str, form: Any) -> Any:
        return form(stands.figure(name), reason=stands.reason(name) or figures.NO_CLOSED_MONTH)

    snapshot = stands.snapshot
    why = figures.NO_CLOSED_MONTH
    net = snapshot.cumulative_benefit_supported - snapshot.tco if snapshot else None
    use = [
        (title, shown(f"loaded_cost_per_{key}", figures.unit_cost))
        for key, title in (
            ("query", "Cost per query"),
            ("user", "Cost per user"),
            ("outcome", "Cost per outcome"),
        )
    ]
    return [
        (
            "Cost",
            [
                ("TCO to date", figures.money(stands.figure("tco"), reason=why)),
                ("Run cost of the month", figures.money(stands.figure("run_cost"), reason=why)),
                ("One-time cost of the month", figures.money(stands.figure("one_time_cost"), reason=why)),
            ],
        ),
        ("Use", use),
        (
            "Outcomes",
            [
                (
                    "Supported benefit of the month",
                    figures.money(stands.figure("benefit_supported"), reason=why),
                ),
                ("Cumulative net", figures.money(net, reason=why)),
                ("ROI to date", shown("roi_supported", figures.percent)),
                ("Incremental ROI", shown("incremental_roi_supported", figures.percent)),
                ("Breakeven", figures.month(stands.breakeven(), reason="Not reached so far.")),
            ],
        ),
    ]


def open_alerts(review: Review, past: Past | None) -> list[Context]:
    """Return the alerts that are open (or were, at the end of a day) on the review's investment, its own first."""
    is_open = Q(closed_at__isnull=True)
    if past is not None:
        is_open = past.open_then("opened_at", "closed_at", portfolio="investment__portfolio")
    rows = Episode.objects.filter(is_open, investment=review.investment)
    own = sorted(rows, key=lambda e: (e.public_id != review.origin_ref, e.pk))
    return [
        {
            "pill": status.rule_pill(episode.rule, severity=episode.severity),
            "since": episode.fired_month,
            "id": episode.public_id,
            "is_own": episode.public_id == review.origin_ref,
        }
        for episode in own
    ]


@require_POST
def answer(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Write the answers to the checklist that changed."""
    review, user, now = found(request, public_id), pages.user_of(request), timezone.now()
    try:
        for step in review.checklist:
            text = request.POST.get(f"step-{step['code']}", "").strip()
            if text != step["answer"]:
                reviews.answer(review, step["code"], text, user=user, now=now)
        messages.success(request, "The answers are kept.")
    except ReviewError as error:
        messages.error(request, str(error))
    return redirect(reverse("admin:reports_review", args=[public_id]))


@require_POST
def decide(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Record the decision with the evidence of the moment; a refusal is shown where it was asked."""
    review, user = found(request, public_id), pages.user_of(request)
    form = DecisionForm(review, request.POST)
    if not form.is_valid():
        return _shown(request, review, form, http_status=400)
    try:
        decision = decisions.decide(
            review,
            form.terms(),
            user=user,
            evidence=receipts.evidence(review.investment),
            now=timezone.now(),
        )
    except (DecisionError, KnowledgeError, ValidationError) as error:
        form.add_error(None, "; ".join(error.messages) if isinstance(error, ValidationError) else str(error))
        return _shown(request, review, form, http_status=400)
    messages.success(request, f"{spoken(decision.kind)} is recorded, with the figures it is based on.")
    return redirect(reverse("admin:reports_decision", args=[decision.public_id]))


pages.add("reviews/<uuid:public_id>/", page, "reports_review")
pages.add("reviews/<uuid:public_id>/answer/", answer, "reports_review_answer")
pages.add("reviews/<uuid:public_id>/decide/", decide, "reports_review_decide")
