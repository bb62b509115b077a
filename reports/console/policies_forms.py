"""The forms of policies: percent as people say it in, exact terms out; only what the rule looks at is asked."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alerts.models import Policy, PolicyTemplate
from alerts.models.policy import MEASURES, SEVERITIES
from alerts.rules.base import Measure
from portfolio.models.base import choices_of
from portfolio.terms import Basis, format_month, parse_month
from reports.console.policies_wording import ALWAYS, EVERY, TERMS_OF
from reports.console.reference_rates import percent

_PERCENT = Decimal(100)
# Which field a refusal is about, by the words of its sentence; the first that fits.
_ABOUT = (
    ("take effect", "effective_month"),
    ("takes effect", "effective_month"),
    ("needs a reason", "reason"),
    ("margin", "margin"),
    ("hurdle", "hurdle"),
    ("window", "window"),
    ("for months", "for_months"),
    ("keep months", "keep_months"),
    ("armed from", "armed_from_month"),
)


class TermsForm(forms.Form):
    """The terms of one rule."""

    is_enabled = forms.BooleanField(label="This rule is on", required=False)
    measure = forms.ChoiceField(label="Measure", choices=MEASURES)
    hurdle = forms.DecimalField(
        label="Hurdle, %",
        required=False,
        max_digits=10,
        decimal_places=6,
        min_value=-1000,
        max_value=1000,
        help_text="Fires below it. Empty: the investment's hurdle rate at the time.",
    )
    basis = forms.ChoiceField(
        label="Benefit basis", choices=choices_of(Basis), help_text="Which benefit counts."
    )
    window = forms.IntegerField(
        label="Window, months", min_value=1, max_value=24, help_text="Closed, complete months added up."
    )
    for_months = forms.IntegerField(
        label="Fires after, months", min_value=1, max_value=12, help_text="Breached this many in a row."
    )
    keep_months = forms.IntegerField(
        label="Clears after, months", min_value=1, max_value=12, help_text="Clear this many in a row."
    )
    margin = forms.DecimalField(
        label="Margin", max_digits=18, decimal_places=6, help_text="It clears this far above the level."
    )
    armed_from_month = forms.IntegerField(
        label="Judged from month number",
        required=False,
        min_value=1,
        max_value=1200,
        help_text="1 is the start month. Empty: as the rule does by itself.",
    )
    severity = forms.ChoiceField(choices=SEVERITIES)

    def __init__(self, rule: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.rule = rule
        asked = {*TERMS_OF.get(rule, EVERY), *ALWAYS}
        for name in set(TermsForm.base_fields) - asked:
            del self.fields[name]
        if rule == "negative_roi":
            self.fields["margin"].label = "Margin, % of run cost"
        elif "margin" in self.fields:
            self.fields["margin"].label = "Margin, points (money for NPV)"
        if rule == "early_warning":
            self._ask_for_probability()

    def _ask_for_probability(self) -> None:
        """Name the terms as the early warning reads them: a level of probability, and how far it looks ahead."""
        hurdle, window, margin = (self.fields[name] for name in ("hurdle", "window", "margin"))
        hurdle.label, hurdle.required = "Level, %", True
        hurdle.help_text = "Fires when another rule is forecast to fire with this probability."
        window.label, window.help_text = "Looks ahead, months", "Within these months of the last closed one."
        margin.label, margin.help_text = "Margin, points", "It clears this far below the level."

    def terms(self) -> dict[str, object]:
        """Return the answers as the policy stores them: fractions, and money where the measure is NPV."""
        answers = {name: self.cleaned_data[name] for name in self.fields if name in TermsForm.base_fields}
        if answers.get("hurdle") is not None:
            answers["hurdle"] /= _PERCENT
        if "margin" in answers and answers.get("measure") != Measure.NPV:
            answers["margin"] /= _PERCENT
        return answers

    def refuse(self, sentence: str) -> None:
        """Show a refusal at the field it speaks of."""
        said = sentence.lower()
        field = next((name for words, name in _ABOUT if words in said and name in self.fields), None)
        self.add_error(field, sentence)


class ChangeForm(TermsForm):
    """New terms of an investment's rule, from a month on and for a reason."""

    effective_month = forms.CharField(
        label="Takes effect in",
        max_length=7,
        widget=forms.TextInput(attrs={"placeholder": "YYYY-MM"}),
        help_text="The first month that is judged by the new terms.",
    )
    reason = forms.CharField(max_length=500, help_text="Stands in the record beside the change.")

    def only_try(self) -> None:
        """Ask for the terms alone: what is tried on the past takes effect in no month and needs no reason."""
        for name in ("effective_month", "reason"):
            self.fields[name].required = False

    def clean_effective_month(self) -> date | None:
        """Return the month, None where none was asked for; refuses what is not one."""
        text = self.cleaned_data["effective_month"].strip()
        if not text and not self.fields["effective_month"].required:
            return None
        try:
            return parse_month(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def initial_of(terms: Policy | PolicyTemplate, *, effective_month: date | None = None) -> dict[str, Any]:
    """Return the terms in force as the form shows them."""
    answers: dict[str, Any] = {name: getattr(terms, name) for name in TermsForm.base_fields}
    answers["hurdle"] = None if terms.hurdle is None else percent(terms.hurdle)
    is_money = terms.rule == "hurdle_rate" and terms.measure == Measure.NPV
    margin = Decimal(terms.margin)
    answers["margin"] = f"{margin.normalize():f}" if is_money else percent(margin)
    if effective_month is not None:
        answers["effective_month"] = format_month(effective_month)
    return answers
