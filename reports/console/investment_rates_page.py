"""Setting an investment's own rates; what is left empty is inherited from its portfolio."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from portfolio.access import Action
from portfolio.assumptions import Rates
from portfolio.models import Assumptions, Investment
from reports.console import investment_door, investment_rates, pages, reference_rates
from reports.console.reference_rates import NAMES, RatesForm, in_force, percent

_PERCENT = Decimal(100)


class OwnRatesForm(RatesForm):
    """Rates of one investment; each may be left empty."""

    def __init__(
        self, data: Mapping[str, Any] | None, *, own: Assumptions | None, base: Rates, **kwargs: Any
    ) -> None:
        super().__init__(data, initial=_initial(own), **kwargs)
        for name, rate in NAMES.items():
            self.fields[name].required = False
            inherited = percent(getattr(base, rate))
            self.fields[name].help_text = f"Empty: the portfolio's {inherited}%."
            self.fields[name].widget.attrs["placeholder"] = inherited
        said = [f"{code} = {percent(Decimal(rate))}" for code, rate in sorted(base.realization_rates.items())]
        self.fields["realization"].help_text = (
            "What share becomes cash: account = percent, one per line. Others as in the portfolio"
            f" ({', '.join(said) if said else 'all count in full'})."
        )


def _initial(own: Assumptions | None) -> dict[str, Any]:
    if own is None:
        return {}
    lines = [f"{code} = {percent(Decimal(rate))}" for code, rate in sorted(own.realization_rates.items())]
    rates = {name: getattr(own, rate) for name, rate in NAMES.items()}
    shown = {name: "" if rate is None else percent(rate) for name, rate in rates.items()}
    return shown | {"realization": "\n".join(lines)}


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show the investment's own rates and put new ones in force; for the portfolio's administrators."""
    investment = investment_door.found(request, code, Action.MANAGE)
    own, base = investment_rates.own_of(investment), in_force(investment.portfolio)
    form = OwnRatesForm(request.POST or None, own=own, base=base)
    if request.method == "POST" and form.is_valid() and _set(request, investment, form):
        return redirect(investment_door.tab(investment, "rates"))
    return pages.render(
        request,
        "reports/investment_rates_page.html",
        f"Rates of {investment.name}",
        status=400 if form.is_bound else 200,
        investment=investment,
        back=investment_door.tab(investment, "rates"),
        form=form,
    )


def _set(request: HttpRequest, investment: Investment, form: OwnRatesForm) -> bool:
    answers = form.cleaned_data
    rates = {
        rate: None if answers[name] is None else answers[name] / _PERCENT for name, rate in NAMES.items()
    }
    return reference_rates.put(request, form, investment.portfolio, investment, rates=rates)


pages.add("investments/<str:code>/rates/", page, "reports_investment_rates")
