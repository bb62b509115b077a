"""The forms of negotiated prices: money per million tokens, and the days it holds on."""

from decimal import Decimal
from typing import Any

from django import forms

from roi.models import PriceOverride
from roi.prices import LONGEST_MODEL, LONGEST_PROVIDER, LONGEST_SOURCE, Terms

_DAY = {"type": "date"}
_PERCENT = Decimal(100)
# Which field a refusal is about, by the words of its sentence; the first that fits.
_ABOUT = (("currency", "currency"), ("its end", "effective_until"), ("batch discount", "batch_discount"))


def _rate(label: str, *, required: bool = True, help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, max_digits=20, decimal_places=10, required=required, help_text=help_text
    )


class PriceForm(forms.Form):
    """A price as the contract states it."""

    provider = forms.CharField(max_length=LONGEST_PROVIDER, help_text="For example openai.")
    model = forms.CharField(max_length=LONGEST_MODEL, help_text="As the provider names it in its usage.")
    input_per_million = _rate("Input, per million tokens")
    output_per_million = _rate("Output, per million tokens")
    cached_input_per_million = _rate(
        "Cached input, per million tokens", required=False, help_text="Empty: as input."
    )
    batch_discount = forms.DecimalField(
        label="Batch discount, %",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text="Empty: the usual one.",
    )
    effective_from = forms.DateField(label="Holds from", widget=forms.DateInput(attrs=_DAY))
    effective_until = forms.DateField(
        label="Until, not including",
        required=False,
        widget=forms.DateInput(attrs=_DAY),
        help_text="The first day it no longer holds. Empty: until another one is stated.",
    )
    currency = forms.CharField(max_length=3, min_length=3, initial="USD", help_text="Three capital letters.")
    source = forms.CharField(max_length=LONGEST_SOURCE, help_text="The contract or quote it comes from.")

    def terms(self) -> Terms:
        """Return the answers as prices are stated: the discount as a fraction."""
        said: dict[str, Any] = dict(self.cleaned_data)
        if said["batch_discount"] is not None:
            said["batch_discount"] /= _PERCENT
        return Terms(**said)

    def refuse(self, sentence: str) -> None:
        """Show a refusal at the field it speaks of."""
        field = next((name for words, name in _ABOUT if words in sentence.lower()), None)
        self.add_error(field, sentence)


class EndForm(forms.Form):
    """From which day a price no longer holds, and why."""

    ends = forms.DateField(
        label="First day it no longer holds",
        required=False,
        widget=forms.DateInput(attrs=_DAY),
        help_text="Empty: it is withdrawn for all of its days, as if it had never been stated.",
    )
    reason = forms.CharField(max_length=LONGEST_SOURCE, label="Why")

    def __init__(self, answers: Any, *, price: PriceOverride) -> None:
        super().__init__(answers)
        self.price = price

    def clean_ends(self) -> Any:
        """Return the day; refuses one that is not between its first day and the end it has."""
        ends = self.cleaned_data["ends"]
        if ends is None:
            return None
        if ends <= self.price.effective_from:
            raise forms.ValidationError(
                f"It holds from {self.price.effective_from} on; leave the day empty to withdraw it altogether."
            )
        if self.price.effective_until and ends >= self.price.effective_until:
            raise forms.ValidationError(f"It ends on {self.price.effective_until} as it is.")
        return ends
