"""The first and the last step of the wizard: what kind of case, and what becomes of it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from portfolio.models import Investment, Portfolio
from portfolio.models.portfolio import CODE
from portfolio.terms import format_month, parse_month
from roi.usecases import TEMPLATES
from roi.usecases.base import LONGEST_CASE

_WORDS = re.compile(r"[a-z]{4,}")
_NOTHING_ELSE_FITS = "generic_llm"


class StartForm(forms.Form):
    """Portfolio, template, title and horizon."""

    template = forms.ChoiceField(
        widget=forms.RadioSelect, error_messages={"required": "Choose the template that comes closest."}
    )
    portfolio = forms.ModelChoiceField(
        queryset=Portfolio.objects.none(), to_field_name="code", empty_label=None
    )
    title = forms.CharField(max_length=300, help_text="What the case is called in lists and on paper.")
    months = forms.IntegerField(
        label="Horizon, months",
        required=False,
        min_value=1,
        max_value=LONGEST_CASE,
        help_text=f"1 to {LONGEST_CASE}. Empty: the template's own.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, portfolios: QuerySet[Portfolio], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        choice, portfolio = self.fields["template"], self.fields["portfolio"]
        assert isinstance(choice, forms.ChoiceField)
        assert isinstance(portfolio, forms.ModelChoiceField)
        choice.choices = [(one.name, one.title) for one in TEMPLATES.values()]
        portfolio.queryset = portfolios

    def cards(self) -> list[tuple[Any, str]]:
        """Return each template's radio button with its description."""
        described = {one.name: one.description for one in TEMPLATES.values()}
        return [(button, described[button.data["value"]]) for button in self["template"]]

    def clean(self) -> dict[str, Any]:
        """Fill in the template's horizon where none is stated."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("months") is None and "template" in cleaned and "months" not in self.errors:
            cleaned["months"] = TEMPLATES[cleaned["template"]].months
        return cleaned


class ReviewForm(forms.Form):
    """Whether the case waits alone, or its investment is registered as proposed at once."""

    register = forms.BooleanField(label="Register it as a proposed investment", required=False)
    code = forms.CharField(max_length=32, required=False, validators=[CODE], help_text="For example AI-042.")
    name = forms.CharField(max_length=300, required=False, help_text="Empty: the case's title.")
    start_month = forms.CharField(
        label="Start month",
        max_length=7,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "YYYY-MM"}),
        help_text="Month 1 of the case: the first that may carry cost.",
    )

    def clean_start_month(self) -> date | None:
        """Return the month; refuses what is not one."""
        written = self.cleaned_data["start_month"].strip()
        if not written:
            return None
        try:
            return parse_month(written)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Ask for code and month where an investment is to be registered; a code that is taken is refused."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("register"):
            return cleaned
        code = cleaned.get("code", "")
        if "code" not in self.errors and not code:
            self.add_error("code", "An investment needs a code.")
        elif code and Investment.objects.filter(code=code).exists():
            self.add_error("code", f"The code {code} is taken; choose another.")
        if "start_month" not in self.errors and not cleaned.get("start_month"):
            self.add_error("start_month", "An investment needs its start month.")
        return cleaned


def start_of(investment: Investment) -> dict[str, Any]:
    """Return the first step as an investment fills it in: its portfolio, name and horizon, and the closest template."""
    return {
        "portfolio": investment.portfolio.code,
        "title": investment.name,
        "months": investment.horizon_months,
        "template": closest_template(f"{investment.use_case} {investment.name}"),
    }


def closest_template(use_case: str) -> str:
    """Return the template that shares most words with a use case; the generic one where none shares any."""
    words = set(_WORDS.findall(use_case.lower()))
    shared = {
        one.name: len(words & set(_WORDS.findall(f"{one.name} {one.title}".lower().replace("_", " "))))
        for one in TEMPLATES.values()
    }
    best = max(shared, key=lambda name: shared[name])
    return best if shared[best] else _NOTHING_ELSE_FITS


def month_after(today: date) -> str:
    """Return the next month as the last step writes it."""
    return format_month(date(today.year + today.month // 12, today.month % 12 + 1, 1))
