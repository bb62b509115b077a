"""Forms of what is stated about an investment: hypothesis, baseline, strategic terms, differentiation, stage."""

from typing import Any

from django import forms

from portfolio import hypotheses
from portfolio.models import Hypothesis
from portfolio.models.base import choices_of
from portfolio.statements import Measured, Rated, Strategic
from portfolio.terms import BaselineMeasure, StrategicKind


def _words(rows: int, **changes: Any) -> forms.CharField:
    return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), max_length=4000, **changes)


def _day(**changes: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **changes)


def _number(**changes: Any) -> forms.DecimalField:
    return forms.DecimalField(max_digits=20, decimal_places=6, **changes)


class HypothesisForm(forms.Form):
    """The next version of the claim; from the second on with the reason."""

    claim = _words(2, help_text="What the money is to bring, in one sentence.")
    metric = forms.CharField(max_length=200, help_text="The figure that moves if the claim is right.")
    unit = forms.CharField(max_length=50, required=False)
    direction = forms.ChoiceField(choices=Hypothesis.DIRECTIONS)
    baseline = _number(required=False, help_text="Measured before it is in use.")
    baseline_from = _day(required=False, label="Measured from")
    baseline_to = _day(required=False, label="Measured until")
    target = _number(required=False)
    target_low = _number(required=False, label="Target, at least")
    target_high = _number(required=False, label="Target, at most")
    target_date = _day(required=False)
    measurement_method = _words(2, required=False, label="Measured by", help_text="How, how often, by whom.")
    kill_line = _words(2, required=False, help_text="What would prove the claim wrong and stop the money.")
    confounders = _words(
        2, required=False, label="Confounders watched", help_text="What else could move the metric."
    )
    reason = _words(
        2, required=False, label="Why this version", help_text="Needed from the second version on."
    )

    def terms(self) -> hypotheses.Terms:
        """Return what is claimed."""
        return hypotheses.Terms(**{name: self.cleaned_data[name] for name in hypotheses.SAID})


class BaselineForm(forms.Form):
    """What was measured before deployment, over a period."""

    measure = forms.ChoiceField(choices=choices_of(BaselineMeasure))
    label = forms.CharField(max_length=120, required=False, help_text="Needed for other measures.")
    value = _number()
    unit = forms.CharField(max_length=50)
    period_from = _day(label="Measured from")
    period_to = _day(label="Measured until")
    method = _words(2, label="How it was measured", help_text="And by whom.")

    def said(self) -> Measured:
        """Return the baseline."""
        answers = self.cleaned_data
        return Measured(**(answers | {"measure": BaselineMeasure(answers["measure"])}))


class StrategicForm(forms.Form):
    """Why an investment is kept for more than its return, and until when that holds."""

    kind = forms.ChoiceField(choices=choices_of(StrategicKind))
    narrative = _words(4, help_text="What is to be gained that its return does not show.")
    review_criteria = _words(3, help_text="By what one will see that it is gained.")
    horizon_months = forms.IntegerField(min_value=1, max_value=120, label="Horizon, months")
    importance = forms.IntegerField(min_value=1, max_value=5, help_text="1 is low, 5 is high.")
    expires_on = _day(help_text="From this day on the claim no longer counts. Within 36 months.")

    def said(self) -> Strategic:
        """Return the terms."""
        answers = self.cleaned_data
        return Strategic(**(answers | {"kind": StrategicKind(answers["kind"])}))


class DifferentiationForm(forms.Form):
    """How far it sets the company apart."""

    rating = forms.IntegerField(min_value=1, max_value=5, help_text="1 is a commodity, 5 is unique.")
    narrative = _words(3, help_text="What sets it apart, or what took its place.")
    rated_on = _day(label="Rated on")
    is_superseded = forms.BooleanField(required=False, label="Superseded: others sell the same")

    def said(self) -> Rated:
        """Return the rating."""
        return Rated(**self.cleaned_data)


class StageForm(forms.Form):
    """Why an investment enters a stage."""

    reason = _words(2, help_text="Stands in the record beside what the gate answered.")
