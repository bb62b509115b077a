"""Negotiated token prices of a portfolio: what holds, what will and what did; stating, ending and withdrawing one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods

from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio, User
from reports.console import pages
from reports.console.prices_forms import EndForm, PriceForm
from roi import prices
from roi.engine import price_list
from roi.models import PriceOverride
from roi.prices import PriceError, Terms

OVER_SHOWN = 50


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List the prices that count for a portfolio, those of all portfolios included."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/prices.html", "Token prices", portfolio=None)
    rows = PriceOverride.objects.filter(
        Q(portfolio__isnull=True) | Q(portfolio=portfolio), withdraws__isnull=True
    )
    related = rows.select_related("portfolio", "created_by", "withdrawn_by__created_by")
    may_change = access.may(request.user, Action.CLOSE, portfolio.pk)
    return pages.render(
        request,
        "reports/prices.html",
        "Token prices",
        portfolio=portfolio,
        portfolios=open_to_user,
        groups=_groups(
            list(related.order_by("provider", "model", "-effective_from", "-pk")),
            today=timezone.localtime(timezone.now()).date(),
            may_change=may_change,
        ),
        may_change=may_change,
    )


def _groups(
    rows: Sequence[PriceOverride], *, today: date, may_change: bool
) -> list[tuple[str, list[dict[str, Any]]]]:
    by_state: dict[str, list[dict[str, Any]]] = {"In force": [], "Coming": [], "Over": []}
    for row in rows:
        is_over = _is_withdrawn(row) or (row.effective_until is not None and row.effective_until <= today)
        name = "Over" if is_over else "In force" if row.effective_from <= today else "Coming"
        by_state[name].append(_row(row, may_end=may_change and not is_over and row.portfolio_id is not None))
    by_state["Over"] = by_state["Over"][:OVER_SHOWN]
    return [(name, shown) for name, shown in by_state.items() if shown]


def _is_withdrawn(row: PriceOverride) -> bool:
    return hasattr(row, "withdrawn_by")


def _row(row: PriceOverride, *, may_end: bool) -> dict[str, Any]:
    cached, discount = row.cached_input_per_million, row.batch_discount
    return {
        "price": row,
        "is_listed": price_list.name_of(row.provider, row.model).is_listed,
        "input": _amount(row.input_per_million),
        "output": _amount(row.output_per_million),
        "cached": "as input" if cached is None else _amount(cached),
        "batch": "usual" if discount is None else f"{(discount * 100).normalize():f}% off",
        "withdrawn": row.withdrawn_by if _is_withdrawn(row) else None,
        "may_end": may_end,
    }


def _amount(value: Decimal) -> str:
    """Return a price with two decimals at least, and as many more as it has; nothing is free by rounding."""
    if value == 0:
        return "–"
    exact = value.normalize()
    decimals = max(2, -int(exact.as_tuple().exponent))
    return f"{exact:,.{decimals}f}"


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, code: str) -> HttpResponseBase:
    """State a negotiated price."""
    portfolio = pages.portfolio(request, code, Action.CLOSE)
    form = PriceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = prices.state(
                form.terms(), portfolio=portfolio, actor=pages.user_of(request), now=timezone.now()
            )
        except PriceError as error:
            form.refuse(str(error))
        else:
            _tell_stated(request, made)
            return redirect(address(portfolio))
    return pages.render(
        request,
        "reports/price_new.html",
        "New negotiated price",
        status=400 if form.is_bound else 200,
        portfolio=portfolio,
        form=form,
        back=address(portfolio),
    )


def _tell_stated(request: HttpRequest, made: PriceOverride) -> None:
    if price_list.name_of(made.provider, made.model).is_listed:
        messages.success(request, f"The price of {made.model} holds from {made.effective_from} on.")
    else:
        messages.warning(
            request,
            f"The price is stored, but the published list knows no {made.provider}/{made.model}: "
            "check the spelling, as usage is looked up by it.",
        )


@require_http_methods(["GET", "POST"])
def end(request: HttpRequest, price_id: UUID) -> HttpResponseBase:
    """End a price on a day, or withdraw it for all of its days."""
    row = _found(request, price_id)
    form = EndForm(request.POST or None, price=row)
    if request.method == "POST" and form.is_valid():
        try:
            _over(row, form.cleaned_data, actor=pages.user_of(request), now=timezone.now())
        except PriceError as error:
            form.add_error(None, str(error))
        else:
            ends = form.cleaned_data["ends"]
            said = f"ends on {ends}" if ends else "is withdrawn for all of its days"
            messages.success(request, f"The price of {row.model} {said}.")
            return redirect(address(_owner(row)))
    return pages.render(
        request,
        "reports/price_end.html",
        f"End the price of {row.model}",
        status=400 if form.is_bound else 200,
        row=_row(row, may_end=False),
        form=form,
        back=address(_owner(row)),
    )


@transaction.atomic
def _over(row: PriceOverride, said: dict[str, Any], *, actor: User, now: datetime) -> None:
    """Withdraw a price; where it ends on a day, state it once more until that day. What is written stays."""
    prices.withdraw(row, reason=said["reason"], actor=actor, now=now)
    if said["ends"]:
        names = Terms.__dataclass_fields__
        terms = Terms(**{name: getattr(row, name) for name in names})
        prices.state(
            replace(terms, effective_until=said["ends"]), portfolio=row.portfolio, actor=actor, now=now
        )


def _found(request: HttpRequest, price_id: UUID) -> PriceOverride:
    rows = prices.in_force().filter(access.scope(request.user, Action.CLOSE), portfolio__isnull=False)
    row = rows.select_related("portfolio").filter(public_id=price_id).first()
    if row is None:
        raise Http404
    return row


def _owner(row: PriceOverride) -> Portfolio:
    if row.portfolio is None:
        raise Http404
    return row.portfolio


def address(portfolio: Portfolio) -> str:
    """Return the address of a portfolio's token prices."""
    return f"{reverse('admin:reports_prices')}?{urlencode({'portfolio': portfolio.code})}"


pages.add("prices/", page, "reports_prices")
pages.add("prices/new/<str:code>/", new, "reports_price_new")
pages.add("prices/<uuid:price_id>/end/", end, "reports_price_end")
