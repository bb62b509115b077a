"""Rates of a portfolio: what is in force, what was, and setting new ones from now on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from portfolio import access, assumptions, hurdles, knowledge
from portfolio.access import Action
from portfolio.assumptions import DEFAULT_DISCOUNT_RATE, DEFAULT_HURDLE_RATE, AssumptionError, Rates
from portfolio.knowledge import KnowledgeError
from portfolio.models import Account, Assumptions, Investment, Portfolio
from portfolio.terms import AccountKind, parse_decimal
from reports.console import governance_asking, pages

_PERCENT = Decimal(100)
HISTORY_SHOWN = 50
NAMES = {"hurdle": "hurdle_rate", "discount": "discount_rate", "asserted": "asserted_share"}


@dataclass(frozen=True, slots=True)
class Past:
    """Rates that were put in force once, as the history shows them."""

    row: Assumptions
    hurdle: str
    discount: str
    asserted: str

    @classmethod
    def of(cls, row: Assumptions) -> "Past":
        """Return a row of the history; None inherits from the portfolio."""
        rates = (row.hurdle_rate, row.discount_rate, row.asserted_share)
        return cls(row, *("inherits" if rate is None else f"{percent(rate)}%" for rate in rates))


def in_force(portfolio: Portfolio) -> Rates:
    """Return a portfolio's own rates, the shipped defaults where none were set."""
    last = Assumptions.objects.filter(portfolio=portfolio, investment=None).order_by("-batch_id").first()
    if last is None:
        return Rates(DEFAULT_HURDLE_RATE, DEFAULT_DISCOUNT_RATE, Decimal(1), {})
    return Rates(
        last.hurdle_rate or Decimal(0),
        last.discount_rate or Decimal(0),
        last.asserted_share or Decimal(0),
        last.realization_rates,
    )


class RatesForm(forms.Form):
    """New rates of a portfolio, in percent as people say them."""

    hurdle = forms.DecimalField(
        label="Hurdle rate, % per year", max_digits=7, decimal_places=4, min_value=-99, max_value=1000
    )
    discount = forms.DecimalField(
        label="Discount rate, % per year", max_digits=7, decimal_places=4, min_value=-99, max_value=1000
    )
    asserted = forms.DecimalField(
        label="Asserted share, %",
        max_digits=7,
        decimal_places=4,
        min_value=0,
        max_value=100,
        help_text="How much of a claimed benefit counts without a study.",
    )
    realization = forms.CharField(
        label="Realization rates",
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "labor_savings = 60"}),
        help_text="What share becomes cash: account = percent, one per line; others count in full.",
    )
    reason = forms.CharField(max_length=500, help_text="Stands in the record beside the change.")

    def clean_realization(self) -> dict[str, str]:
        """Return rates by account code; refuses a line that names no benefit account or no percentage."""
        benefits = set(Account.objects.filter(kind=AccountKind.BENEFIT.value).values_list("code", flat=True))
        rates: dict[str, str] = {}
        for line in filter(None, (each.strip() for each in self.cleaned_data["realization"].splitlines())):
            code, _, percent = (part.strip() for part in line.partition("="))
            if code not in benefits:
                raise ValidationError(
                    f"'{code[:48]}' is not a benefit account; they are {', '.join(sorted(benefits))}."
                )
            try:
                rate = parse_decimal(percent) / _PERCENT
            except ValueError as error:
                raise ValidationError(str(error)) from None
            if not 0 <= rate <= 1:
                raise ValidationError(f"The rate of {code} must lie between 0 and 100.")
            rates[code] = f"{rate.normalize():f}"
        return rates


def _initial(rates: Rates) -> dict[str, Any]:
    lines = [f"{code} = {percent(Decimal(rate))}" for code, rate in sorted(rates.realization_rates.items())]
    return {
        "hurdle": percent(rates.hurdle_rate),
        "discount": percent(rates.discount_rate),
        "asserted": percent(rates.asserted_share),
        "realization": "\n".join(lines),
    }


def percent(rate: Decimal) -> str:
    """Return a fraction as an exact percentage, without its sign."""
    return f"{(rate * _PERCENT).normalize():f}"


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Show a portfolio's rates with their history; finance and administrators put new ones in force."""
    portfolio = pages.chosen_portfolio(request, pages.portfolios(request, Action.VIEW))
    if portfolio is None:
        raise Http404
    may_change = access.may(request.user, Action.CLOSE, portfolio.pk)
    form = RatesForm(request.POST or None, initial=_initial(in_force(portfolio)))
    if request.method == "POST":
        if not may_change:
            raise Http404
        if form.is_valid() and _set(request, portfolio, form):
            return redirect(f"{reverse('admin:reports_rates')}?{urlencode({'portfolio': portfolio.code})}")
    history = Assumptions.objects.filter(portfolio=portfolio).select_related("batch__actor", "investment")
    return pages.render(
        request,
        "reports/reference_rates.html",
        f"Rates of {portfolio.name}",
        status=400 if form.is_bound else 200,
        portfolio=portfolio,
        form=form,
        may_change=may_change,
        history=[Past.of(row) for row in history.order_by("-batch_id")[:HISTORY_SHOWN]],
    )


def _set(request: HttpRequest, portfolio: Portfolio, form: RatesForm) -> bool:
    answers = form.cleaned_data
    rates = {rate: answers[name] / _PERCENT for name, rate in NAMES.items()}
    return put(request, form, portfolio, None, rates=rates)


def put(
    request: HttpRequest,
    form: RatesForm,
    portfolio: Portfolio,
    investment: Investment | None,
    *,
    rates: Mapping[str, Decimal | None],
) -> bool:
    """Put rates in force, or ask a second person where they move a hurdle; a refusal stands on the form."""
    user, now, answers = pages.user_of(request), timezone.now(), form.cleaned_data
    terms = {**rates, "realization_rates": answers["realization"], "reason": answers["reason"], "now": now}
    try:
        with transaction.atomic():
            knowledge.lock_portfolio(portfolio.pk)
            if assumptions.moves_hurdle(portfolio, investment, rates["hurdle_rate"]):
                asked = hurdles.propose(portfolio, investment=investment, author=user, **terms)
                governance_asking.told(request, asked)
                return True
            assumptions.set_rates(portfolio, investment=investment, actor=user, **terms)
    except (AssumptionError, KnowledgeError, ValidationError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, "The new rates are in force; the figures are being recomputed.")
    return True


pages.add("rates/", page, "reports_rates")
