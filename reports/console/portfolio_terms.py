"""Pages on which an administrator sets a portfolio's scorecard thresholds and benefit pools."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from portfolio.access import Action
from portfolio.models import Account, Investment, Portfolio
from portfolio.terms import AccountKind, format_month, parse_month
from reports.console import pages
from roi import benefit_pools, scorecards
from roi.benefit_pools import Membership
from roi.engine.pools import PoolError, SharingRule
from roi.engine.scorecard import ThresholdError, Thresholds
from roi.models import PoolTerms

_RULES = [
    (SharingRule.PRO_RATA.value, "Pro rata: in proportion to the claims"),
    (SharingRule.APPROVAL_ORDER.value, "In order of approval: who was approved first keeps its claim"),
    (SharingRule.SHAPLEY.value, "Shapley: the mean over all orders, up to 12 members"),
]
_PERCENTS: Mapping[str, tuple[str, str]] = {
    "value_growth_margin": ("Value may grow slower than cost by, %", "From one window to the next."),
    "way_to_target": ("User value: of the way that is due, %", "From baseline to target, by its date."),
    "adoption_fall": ("Adoption may fall by, %", "From one window to the next."),
    "quality_tolerance": ("Quality may miss its target by, %", "In any month of the window."),
}


class ThresholdsForm(forms.Form):
    """What the scorecards ask for; shares in percent, as people say them."""

    quality_variation = forms.FloatField(
        label="Coefficient of variation of quality, at most", min_value=0, max_value=10
    )
    importance = forms.IntegerField(label="Strategic importance, at least", min_value=1, max_value=5)
    differentiation = forms.IntegerField(label="Differentiation, at least", min_value=1, max_value=5)
    rating_age_months = forms.IntegerField(
        label="A rating of differentiation counts for, months", min_value=1, max_value=120
    )
    reason = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (label, help_text) in _PERCENTS.items():
            self.fields[name] = forms.DecimalField(
                label=label, help_text=help_text, min_value=0, max_value=1000, decimal_places=2
            )
        self.order_fields([*_PERCENTS, "quality_variation", "importance", "differentiation"])

    def stated(self) -> dict[str, Any]:
        """Return the thresholds by name, shares as fractions."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "reason"}
        return values | {name: float(values[name] / 100) for name in _PERCENTS}


class PoolForm(forms.Form):
    """A pool's terms and members."""

    name = forms.CharField(label="Name", max_length=120)
    monthly_cap = forms.DecimalField(
        label="Cap a month",
        min_value=0,
        max_value=Decimal(10) ** 11,
        decimal_places=6,
        help_text="What all members may claim together, in the reporting currency.",
    )
    rule = forms.ChoiceField(label="Sharing rule", choices=_RULES)
    account = forms.ModelChoiceField(
        label="Benefit",
        queryset=Account.objects.filter(kind=AccountKind.BENEFIT.value),
        required=False,
        empty_label="All benefits",
    )
    members = forms.ModelMultipleChoiceField(
        label="Members", queryset=Investment.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    since = forms.CharField(
        label="Members claim together since",
        max_length=7,
        help_text="YYYY-MM, for members that are new to the pool; the others keep their month.",
    )
    is_active = forms.BooleanField(label="This pool is in force", required=False, initial=True)
    reason = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)

    def __init__(self, *args: Any, portfolio: Portfolio, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = Investment.objects.filter(portfolio=portfolio)  # type: ignore[attr-defined]

    def clean_since(self) -> Any:
        """Return the month."""
        try:
            return parse_month(self.cleaned_data["since"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


def _managed(request: HttpRequest, code: str) -> Portfolio:
    found = pages.portfolios(request, Action.MANAGE).filter(code=code).first()
    if found is None:
        raise Http404
    return found


def _view_of(portfolio: Portfolio) -> str:
    return f"{reverse('admin:reports_portfolio_view')}?portfolio={portfolio.code}"


def thresholds(request: HttpRequest, code: str) -> HttpResponseBase:
    """Show the thresholds in force, or put those sent in force."""
    portfolio = _managed(request, code)
    if request.method == "POST":
        form = ThresholdsForm(request.POST)
        if form.is_valid() and _set_thresholds(request, portfolio, form):
            return HttpResponseRedirect(_view_of(portfolio))
    else:
        form = ThresholdsForm(initial=_percents(scorecards.thresholds_of([portfolio.pk])[portfolio.pk]))
    return pages.render(
        request,
        "reports/portfolio_terms.html",
        "Scorecard thresholds",
        form=form,
        portfolio=portfolio,
        note="They hold for every scorecard of the portfolio from now on. Earlier scorecards keep theirs.",
        back=_view_of(portfolio),
    )


def _percents(found: Thresholds) -> dict[str, Any]:
    stated = asdict(found)
    return stated | {name: Decimal(str(stated[name])) * 100 for name in _PERCENTS}


def _set_thresholds(request: HttpRequest, portfolio: Portfolio, form: ThresholdsForm) -> bool:
    try:
        scorecards.set_thresholds(
            portfolio,
            form.stated(),
            now=timezone.now(),
            actor=pages.user_of(request),
            reason=form.cleaned_data["reason"],
        )
    except ThresholdError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"The scorecards of {portfolio.code} use these thresholds from now on.")
    return True


def pool(request: HttpRequest, code: str, name: str = "") -> HttpResponseBase:
    """Show a pool's terms in force (or an empty form for a new one), or put those sent in force."""
    portfolio = _managed(request, code)
    terms = {one.pool.name: one for one in benefit_pools.in_force(portfolio, knowledge=None)}
    if name and name not in terms:
        raise Http404
    held = terms.get(name)
    if request.method == "POST":
        form = PoolForm(request.POST, portfolio=portfolio)
        if form.is_valid() and _set_pool(request, portfolio, held, form):
            return HttpResponseRedirect(_view_of(portfolio))
    else:
        form = PoolForm(initial=_pool_terms(held) if held else None, portfolio=portfolio)
    if held:
        form.fields["name"].widget.attrs["readonly"] = True
    return pages.render(
        request,
        "reports/portfolio_terms.html",
        f"Benefit pool {name}" if name else "New benefit pool",
        form=form,
        portfolio=portfolio,
        note=f"What members claim above the cap is left out of the portfolio’s net and ROI, in "
        f"{portfolio.reporting_currency}. The figures of the investments stay as they are.",
        back=_view_of(portfolio),
    )


def _pool_terms(held: PoolTerms) -> dict[str, Any]:
    members = list(held.members.all())
    return {
        "name": held.pool.name,
        "monthly_cap": f"{held.monthly_cap.normalize():f}",
        "rule": held.rule,
        "account": held.account,
        "members": [one.investment_id for one in members],
        "since": format_month(max(one.since for one in members)) if members else "",
        "is_active": held.is_active,
    }


def _set_pool(request: HttpRequest, portfolio: Portfolio, held: PoolTerms | None, form: PoolForm) -> bool:
    asked = form.cleaned_data
    known = {one.investment_id: one.since for one in held.members.all()} if held else {}
    try:
        benefit_pools.set_terms(
            portfolio,
            held.pool.name if held else asked["name"],
            monthly_cap=asked["monthly_cap"],
            rule=SharingRule(asked["rule"]),
            account=asked["account"],
            members=[Membership(one, known.get(one.pk, asked["since"])) for one in asked["members"]],
            is_active=asked["is_active"],
            reason=asked["reason"],
            now=timezone.now(),
            actor=pages.user_of(request),
        )
    except PoolError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, "The pool is in force from now on.")
    return True


pages.add("portfolio-view/<str:code>/thresholds/", thresholds, "reports_thresholds")
pages.add("portfolio-view/<str:code>/pools/new/", pool, "reports_pool_new")
pages.add("portfolio-view/<str:code>/pools/<path:name>/", pool, "reports_pool")
