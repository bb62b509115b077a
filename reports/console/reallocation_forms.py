"""The form of a reallocation: its limits as the portfolio states them, and costs stated by hand."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from portfolio.models import Portfolio
from roi.reallocation_answers import Question

_HUNDRED = Decimal(100)
_LARGEST = Decimal(10) ** 9


class ReallocationForm(forms.Form):
    """Under what to select. What is left empty is as the portfolio says; the reserve is in percent."""

    budget = forms.DecimalField(
        label="Budget",
        required=False,
        min_value=0,
        max_digits=15,
        decimal_places=6,
        help_text="Of the next twelve months.",
    )
    capacity = forms.DecimalField(
        label="Capacity",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        help_text="Person-months of a year.",
    )
    reserve = forms.DecimalField(
        label="Reserve, %",
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=6,
        help_text="Of budget and capacity, for exploration.",
    )
    risk_aversion = forms.DecimalField(
        label="Risk aversion",
        required=False,
        min_value=0,
        max_value=5,
        decimal_places=8,
        help_text="0 counts the mean; 1 counts the P10.",
    )
    next_amount = forms.DecimalField(
        label="Next amount",
        required=False,
        max_digits=15,
        decimal_places=6,
        help_text="More budget, or less if negative. Empty: a tenth of the budget.",
    )
    stated_costs = forms.CharField(
        label="Costs you state",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "AI-007 120000"}),
        help_text="Next year's cost of investments without a forecast that shall go on all the same; "
        "a line each: code, space, amount.",
    )
    as_of = forms.CharField(
        label="As known on", required=False, max_length=10, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean_stated_costs(self) -> dict[str, Decimal]:
        """Return the costs by code."""
        lines = [line for line in self.cleaned_data["stated_costs"].splitlines() if line.strip()]
        return dict(_stated(line) for line in lines)

    def question(self) -> Question:
        """Return what is asked."""
        asked = self.cleaned_data
        reserve = asked["reserve"]
        return Question(
            budget=asked["budget"],
            capacity=asked["capacity"],
            reserve_share=None if reserve is None else reserve / _HUNDRED,
            risk_aversion=asked["risk_aversion"],
            next_amount=asked["next_amount"],
            stated_costs=asked["stated_costs"],
        )


class KeepForm(forms.Form):
    """Why an answer is kept, and which answer was seen."""

    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Stands in the record.",
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)


def asked_form(portfolio: Portfolio, asked: Mapping[str, str]) -> ReallocationForm:
    """Return the form of an address: what it asks, or as the portfolio says where it asks nothing."""
    if any(name in asked for name in ReallocationForm.base_fields):
        return ReallocationForm(asked)
    stated: dict[str, Decimal | None] = {
        "budget": portfolio.yearly_budget,
        "capacity": portfolio.capacity_person_months,
        "reserve": portfolio.exploration_share * _HUNDRED,
        "risk_aversion": portfolio.risk_aversion,
    }
    return ReallocationForm(initial={name: _plain(value) for name, value in stated.items()})


def _plain(value: Any) -> str | None:
    return None if value is None else f"{Decimal(value).normalize():f}"


def _stated(line: str) -> tuple[str, Decimal]:
    code, _, text = line.strip().rpartition(" ")
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        amount = None
    if not code.strip() or amount is None or not 0 <= amount < _LARGEST:
        raise forms.ValidationError(
            f"“{line.strip()[:60]}” is not a code and an amount, such as AI-007 120000."
        )
    return code.strip(), amount.quantize(Decimal("0.000001"))
