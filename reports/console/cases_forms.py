"""The inputs of a case on a page: its drivers by group, its hidden costs with an answer each, its terms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from reports.console import cases_numbers as numbers
from roi.usecases.base import LONGEST_CASE, HiddenCosts, Template
from roi.usecases.drivers import Driver, Group, drivers_of

Values = Mapping[str, Any]
HORIZON = "horizon_months"
_TITLES = {
    Group.NAME: "Case",
    Group.VOLUME: "Volume",
    Group.VALUE: "Value",
    Group.ONE_TIME: "One-time cost",
    Group.RUN: "Run cost",
    Group.ROLLOUT: "Rollout over time",
}


class DriverField(forms.CharField):
    """One driver, typed as people write it; cleans to the value the template takes."""

    def __init__(self, one: Driver, **kwargs: Any) -> None:
        super().__init__(label=one.label, max_length=300, **kwargs)
        self.one = one
        self.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.widget.attrs |= {} if one.is_text else {"inputmode": "decimal"}
        self.error_messages["required"] = f"{one.label} needs a value."

    def clean(self, value: Any) -> Any:
        """Return the driver's value; raises ValidationError with its sentence."""
        written: str = super().clean(value)
        if self.one.is_text or not written:
            return written
        try:
            return numbers.number(self.one, written)
        except ValueError as error:
            raise ValidationError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Row:
    """One driver as the page shows it: its input, its unit, its slider, and what it was before the page was opened."""

    one: Driver
    field: BoundField
    unit: str
    base: str
    slider: numbers.Slider | None
    pointer: str

    @property
    def is_changed(self) -> bool:
        """Whether the input differs from what the page started from."""
        return str(self.field.value() or "").strip() != self.base


@dataclass(frozen=True, slots=True)
class Section:
    """The drivers of one group."""

    name: str
    title: str
    rows: list[Row]

    @property
    def is_open(self) -> bool:
        """Whether the group is unfolded: all are but a rollout nobody touched."""
        if self.name != Group.ROLLOUT.value:
            return True
        return any(row.is_changed or row.field.errors or row.base not in ("0", "") for row in self.rows)


class DriversForm(forms.Form):
    """The drivers of a template; `base` are the values the page starts from, which lack nothing but what has none."""

    def __init__(
        self, data: Values | None = None, *, template: Template, base: Values, currency: str, **kwargs: Any
    ) -> None:
        kwargs.pop("initial", None)
        super().__init__(data, **kwargs)
        self.base, self.currency = base, currency
        for one in shown_drivers(template):
            # Text is hung to inputs, so that they keep their names whatever the browser's language.
            self.fields[one.name] = DriverField(one, initial=numbers.text(one, base.get(one.name)))

    def sections(self) -> Iterator[Section]:
        """Yield the groups in the order of the page."""
        rows = [self._row(name) for name in self.fields]
        for group in Group:
            of_group = [row for row in rows if row.one.group is group]
            if of_group:
                yield Section(group.value, _TITLES[group], of_group)

    def _row(self, name: str) -> Row:
        field = self.fields[name]
        assert isinstance(field, DriverField)
        one = field.one
        base = self.base.get(name)
        return Row(
            one,
            self[name],
            numbers.unit_words(one, self.currency),
            numbers.text(one, base),
            numbers.slider(one, around=base),
            f"#/drivers/{name}",
        )


def shown_drivers(template: Template) -> list[Driver]:
    """Return the drivers a page asks for: all but the horizon, which every case has in its terms."""
    known = drivers_of(template.drivers)  # type: ignore[arg-type]  # a class hashes
    return [one for one in known if one.name != HORIZON]


def defaults(template: Template) -> dict[str, Any]:
    """Return the template's own values; a driver that must be stated is absent."""
    return {
        one.name: one.default for one in shown_drivers(template) if isinstance(one.default, float | int | str)
    }


class HiddenCostsForm(forms.Form):
    """Every hidden cost with its answer: an amount, or why there is none. An empty answer is refused.

    `answers` are stored ones: an amount, or {"none": reason}. Not strict, a missing answer counts as 0 for a look.
    """

    def __init__(
        self,
        data: Values | None = None,
        *,
        answers: Values,
        currency: str,
        is_strict: bool = True,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("initial", None)
        super().__init__(data, **kwargs)
        self.answers, self.currency, self.is_strict = answers, currency, is_strict
        for one in drivers_of(HiddenCosts):
            amount, why = answer_of(answers.get(one.name))
            self.fields[one.name] = DriverField(one, required=False, initial=numbers.text(one, amount))
            self.fields[why_name(one)] = forms.CharField(
                label=f"Why there is none: {one.label}", required=False, max_length=300, initial=why
            )

    def clean(self) -> dict[str, Any]:
        """Refuse a cost that has neither an amount nor a reason."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for one in drivers_of(HiddenCosts):
            if self.is_strict and one.name in cleaned and self._answer(one) is None:
                self.add_error(
                    one.name,
                    f"{one.label}: state an amount, or say why there is no such cost. Empty is no answer.",
                )
        return cleaned

    def rows(self) -> list[tuple[Row, BoundField]]:
        """Return each cost with its two inputs."""
        return [(self._row(one), self[why_name(one)]) for one in drivers_of(HiddenCosts)]

    def stored(self) -> dict[str, Any]:
        """Return the answers as a case stores them; an unanswered one is absent."""
        answers = {one.name: self._answer(one) for one in drivers_of(HiddenCosts)}
        return {name: answer for name, answer in answers.items() if answer is not None}

    def _answer(self, one: Driver) -> Any:
        amount, why = self.cleaned_data.get(one.name), self.cleaned_data.get(why_name(one), "")
        return amount if amount not in (None, "") else {"none": why} if why else None

    def _row(self, one: Driver) -> Row:
        amount, _ = answer_of(self.answers.get(one.name))
        words = numbers.unit_words(one, self.currency)
        written = numbers.text(one, amount)
        return Row(
            one,
            self[one.name],
            words,
            written,
            numbers.slider(one, around=amount),
            f"#/hidden_costs/{one.name}",
        )


def why_name(one: Driver) -> str:
    """Return the name of the input that says why a hidden cost is none."""
    return f"{one.name}_none"


def answer_of(stored: Any) -> tuple[float | None, str]:
    """Return a stored answer as amount and reason."""
    if isinstance(stored, Mapping):
        return None, str(stored.get("none", ""))
    return (None if stored is None else float(stored)), ""


class TermsForm(forms.Form):
    """What every case has: its title, its horizon, and the rates it is judged by."""

    title = forms.CharField(max_length=300)
    months = forms.IntegerField(
        label="Months", min_value=1, max_value=LONGEST_CASE, help_text=f"1 to {LONGEST_CASE}."
    )
    discount_rate = forms.DecimalField(
        label="Discount, %", required=False, min_value=-99, max_value=1000, decimal_places=4
    )
    hurdle_rate = forms.DecimalField(
        label="Hurdle, %", required=False, min_value=-99, max_value=1000, decimal_places=4
    )
