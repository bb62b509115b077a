"""The agenda of the business meeting: cost, use and outcomes of every investment of a portfolio on one page.

Its figures are those of the monthly pack, gathered by the same functions.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from portfolio import access
from portfolio.access import Action
from portfolio.knowledge import knowledge_at, with_one_view
from portfolio.models import Account, Investment, Portfolio, Review
from portfolio.terms import AccountKind, parse_month
from reports import pack_content, pack_labels, pack_views, pack_words
from reports.console import agenda_items, pages, reviews_list
from reports.console.agenda_items import Gathered
from reports.console.past import Past, asked_past, then_of
from roi import as_known, lines

Context = dict[str, Any]
NOTE = (
    "Cost, use, outcomes, alerts and open reviews as known at the end of {}. Names, owners, sponsors, hypotheses and "
    "due dates are those of today."
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for: the months that may be looked at, one of them, and when it is looked at."""

    months: list[date]
    month: date
    moment: datetime
    past: Past | None


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the agenda of a portfolio and month, as known now or at the end of a past day."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    shown: Context = {"portfolio": portfolio, "portfolios": open_to_user}
    if portfolio is not None:
        now = timezone.now()
        past = asked_past(request.GET.get("as_of", ""), [portfolio.time_zone], now=now)
        shown["then"] = then_of(request.GET, past, note=NOTE)
        asked = _asked(request, portfolio, past, now)
        if asked is not None:
            mine = Review.objects.filter(access.scope(request.user, Action.VIEW), portfolio=portfolio)
            shown |= with_one_view(lambda: _shown(portfolio, asked, mine))
    return pages.render(request, "reports/agenda.html", "Business review agenda", **shown)


def _asked(request: HttpRequest, portfolio: Portfolio, past: Past | None, now: datetime) -> _Asked | None:
    """Return what is looked at, the newest closed month unless another is asked for; None where none was closed."""
    moment = past.end(portfolio) if past else now
    known = knowledge_at(portfolio, moment) if past else None
    months = pack_views.closed_months(portfolio, knowledge_time=known)
    if not months:
        return None
    try:
        month = parse_month(request.GET.get("month", ""))
    except ValueError:
        month = months[-1]
    return _Asked(months[::-1], month if month in months else months[-1], moment, past)


def _shown(portfolio: Portfolio, asked: _Asked, mine: Any) -> Context:
    view = pack_views.monthly(portfolio, month=asked.month, as_of=asked.moment)
    content = pack_content.content_of(portfolio, view)
    labels = pack_labels.labels_of(portfolio, content, now=asked.moment)
    words = pack_words.shown(content, labels, audience="monthly_pack", content_hash="")
    ids = [one["id"] for one in content["investments"]]
    related = Investment.objects.filter(public_id__in=ids).select_related("portfolio", "sponsor", "owner")
    investments = {str(one.public_id): one for one in related.order_by("pk")}
    held = list(investments.values())
    known, is_open = reviews_list.known_reviews(mine, asked.past)
    reviews = known.filter(is_open, investment__in=held).select_related("portfolio").order_by("due_on", "id")
    gathered = Gathered(
        currency=content["currency"],
        today=asked.moment.astimezone(ZoneInfo(portfolio.time_zone)).date(),
        month=asked.month,
        investments=investments,
        figures={one["id"]: one for one in content["investments"]},
        reviews=[reviews_list.as_then(one, asked.past) for one in reviews],
        counted=lines.quantities(held, knowledge=view.knowledge),
        accounts={one.pk: one for one in Account.objects.filter(kind=AccountKind.VOLUME.value)},
        planned=as_known.planned(held, knowledge=view.knowledge, month=asked.month),
    )
    return {
        "month": asked.month,
        "months": asked.months,
        "currency": content["currency"],
        "tiles": words["tiles"],
        "notes": words["notes"],
        "coverage": words["coverage"],
        "before": words["before"],
        "decisions": words["decisions"],
        "known_at": words["as_of"],
        "groups": agenda_items.groups(words["sections"], gathered),
    }


pages.add("agenda/", page, "reports_agenda")
