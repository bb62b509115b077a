"""The form of a decision: its words, its money, its next review and what is expected of it."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from portfolio.decisions import OUTCOMES, BudgetMove, Expected, Terms
from portfolio.models import Investment, Review
from portfolio.review_questions import QUESTIONS
from portfolio.terms import DecisionKind, ReviewKind, parse_month

_OUTCOME_NAMES = {
    "cumulative_net": "Cumulative net, money",
    "operating_margin": "Operating margin of the window, money",
    "roi": "ROI to date, %",
    "incremental_roi": "Incremental ROI, %",
    "run_cost": "Run cost of a month, money",
}
_RATIOS = frozenset({"roi", "incremental_roi"})
_RESERVE = "The reserve"


def spoken(kind: str) -> str:
    """Return a kind of decision in words."""
    return kind.replace("_", " ").capitalize()


class DecisionForm(forms.Form):
    """What was decided. Money and outcome may stay empty where the kind does not ask for them."""

    kind = forms.ChoiceField(label="Decision")
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    conditions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=4000,
        required=False,
        help_text="Under which this holds, or what ends it.",
    )
    next_review_on = forms.DateField(
        label="Next review",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Within a year. Empty only when the investment is killed.",
    )
    amount = forms.DecimalField(
        label="Money that moves", required=False, max_digits=17, decimal_places=6, min_value=0
    )
    source = forms.ModelChoiceField(
        Investment.objects.none(), label="From", required=False, empty_label=_RESERVE
    )
    target = forms.ModelChoiceField(
        Investment.objects.none(), label="To", required=False, empty_label=_RESERVE
    )
    metric = forms.ChoiceField(label="Expected outcome", required=False)
    value = forms.DecimalField(label="Value", required=False, max_digits=20, decimal_places=6)
    low = forms.DecimalField(label="At least", required=False, max_digits=20, decimal_places=6)
    high = forms.DecimalField(label="At most", required=False, max_digits=20, decimal_places=6)
    month = forms.CharField(
        label="By month",
        required=False,
        max_length=7,
        widget=forms.TextInput(attrs={"placeholder": "YYYY-MM"}),
        help_text="A follow-up review opens once this month is closed.",
    )

    def __init__(self, review: Review, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        answers = QUESTIONS[ReviewKind(review.kind)].answers
        kinds = [(kind.value, spoken(kind.value)) for kind in DecisionKind if kind in answers]
        self.fields["kind"].choices = [("", "Choose"), *kinds]  # type: ignore[attr-defined]
        self.fields["metric"].choices = [("", "None"), *((n, _OUTCOME_NAMES[n]) for n in OUTCOMES)]  # type: ignore[attr-defined]
        self.fields["amount"].label = f"Money that moves, {review.portfolio.reporting_currency}"
        for name in ("source", "target"):
            self.fields[name].queryset = Investment.objects.filter(  # type: ignore[attr-defined]
                portfolio=review.portfolio_id
            ).order_by("code")

    def clean_month(self) -> date | None:
        """Return the month, None where none was asked for; refuses what is not one."""
        text = self.cleaned_data["month"].strip()
        try:
            return parse_month(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Refuse halves: money without an amount, an outcome without its value or month."""
        given = super().clean() or {}
        if not given.get("amount") and (given.get("source") or given.get("target")):
            self.add_error("amount", "Say how much moves.")
        wanted = [name for name in ("metric", "value", "month") if given.get(name) in (None, "")]
        if 0 < len(wanted) < 3 and not self.errors:
            self.add_error(wanted[0], "An outcome has its figure, its value and its month.")
        return given

    def terms(self) -> Terms:
        """Return the decision as the domain takes it; percentages become fractions."""
        given = self.cleaned_data
        move = None
        if given["amount"]:
            move = BudgetMove(amount=given["amount"], source=given["source"], target=given["target"])
        return Terms(
            kind=DecisionKind(given["kind"]),
            reason=given["reason"],
            conditions=given["conditions"],
            budget=move,
            next_review_on=given["next_review_on"],
            expected=self._expected(),
        )

    def _expected(self) -> Expected | None:
        given = self.cleaned_data
        if not given["metric"]:
            return None
        scale = Decimal(100) if given["metric"] in _RATIOS else Decimal(1)

        def scaled(value: Decimal | None) -> Decimal | None:
            return None if value is None else value / scale

        return Expected(
            metric=given["metric"],
            value=given["value"] / scale,
            month=given["month"],
            low=scaled(given["low"]),
            high=scaled(given["high"]),
        )
