"""How uncertain each driver is: the inputs of its distribution, two numbers each, around the value the case states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from reports.console import cases_numbers as numbers
from reports.console.cases_forms import shown_drivers
from roi.engine.distributions import Z95
from roi.usecases.base import HiddenCosts, Template
from roi.usecases.drivers import Driver, drivers_of

Values = Mapping[str, Any]
FIXED = "fixed"
# What the two numbers of each kind are called where it is stored.
ENDS = {
    "uniform": ("low", "high"),
    "triangular": ("low", "high"),
    "pert": ("low", "high"),
    "normal": ("p5", "p95"),
    "lognormal": ("p5", "p95"),
}
_PEAKED = ("triangular", "pert")
KINDS = (
    (FIXED, "Known: as stated"),
    ("uniform", "Uniform: anything from low to high"),
    ("triangular", "Triangular: the stated value most likely"),
    ("pert", "PERT: the same, more weight on the stated value"),
    ("normal", "Normal: 90% between low and high"),
    ("lognormal", "Lognormal: 90% between, long tail up"),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """The three inputs of one driver's distribution."""

    kind: BoundField
    low: BoundField
    high: BoundField

    @property
    def is_set(self) -> bool:
        """Whether the driver is uncertain."""
        return str(self.kind.value() or FIXED) != FIXED

    @property
    def errors(self) -> list[str]:
        """Return the sentences of all three."""
        return [*self.kind.errors, *self.low.errors, *self.high.errors]


class SpreadForm(forms.Form):
    """A distribution for every driver that may vary, hidden costs among them; `stored` are those of the case."""

    def __init__(
        self, data: Values | None = None, *, template: Template, stored: Values, values: Values, **kwargs: Any
    ) -> None:
        kwargs.pop("initial", None)
        super().__init__(data, **kwargs)
        self.stored, self.values = stored, values
        self.drivers = {one.name: one for one in varying(template)}
        for one in self.drivers.values():
            self._add(one, stored.get(one.name) or {})

    def _add(self, one: Driver, stored: Values) -> None:
        low, high = _ends(stored)
        kind = str(stored.get("kind", FIXED))
        attributes = {"inputmode": "decimal", "autocomplete": "off", "size": "9"}
        self.fields[f"{one.name}_kind"] = forms.ChoiceField(
            label=f"Distribution of {one.label}", choices=KINDS, required=False, initial=kind
        )
        for end, value in (("low", low), ("high", high)):
            self.fields[f"{one.name}_{end}"] = forms.CharField(
                label=f"{end.capitalize()} end of {one.label}",
                required=False,
                max_length=40,
                initial=numbers.text(one, value),
                widget=forms.TextInput(attrs=attributes),
            )

    def clean(self) -> dict[str, Any]:
        """Refuse a distribution without two numbers in order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, one in self.drivers.items():
            if (cleaned.get(f"{name}_kind") or FIXED) == FIXED:
                continue
            try:
                low, high = (
                    numbers.number_of(one, cleaned.get(f"{name}_{end}", "")) for end in ("low", "high")
                )
            except ValueError as error:
                self.add_error(f"{name}_kind", str(error))
                continue
            if low > high:
                self.add_error(f"{name}_kind", f"{one.label}: the low end lies above the high end.")
            cleaned[name] = (low, high)
        return cleaned

    def of(self, name: str) -> Spread | None:
        """Return the inputs of a driver; None for one that cannot vary."""
        if name not in self.drivers:
            return None
        return Spread(self[f"{name}_kind"], self[f"{name}_low"], self[f"{name}_high"])

    def rows(self, currency: str) -> list[tuple[Driver, str, str, Spread]]:
        """Return each driver with its value, its unit and its inputs; a value of 0 has no range to speak of."""
        known = {name: self.of(name) for name, one in self.drivers.items() if self.values.get(name)}
        return [
            (
                self.drivers[name],
                numbers.text(self.drivers[name], self.values[name]),
                numbers.unit_words(self.drivers[name], currency),
                spread,
            )
            for name, spread in known.items()
            if spread
        ]

    def distributions(self, values: Values) -> dict[str, dict[str, Any]]:
        """Return what is uncertain, as a case stores it; `values` are the drivers' values, which are most likely."""
        return {name: self._stated(name, values) for name in self.drivers if name in self.cleaned_data}

    def _stated(self, name: str, values: Values) -> dict[str, Any]:
        kind: str = self.cleaned_data[f"{name}_kind"]
        ends = dict(zip(ENDS[kind], self.cleaned_data[name], strict=True))
        if kind not in _PEAKED:
            return {"kind": kind, **ends}
        kept = (self.stored.get(name) or {}).get("mode")
        # A peak stated apart from the value, by a client, is not the page's to move.
        is_own = kept is not None and kept != self.values.get(name)
        return {
            "kind": kind,
            "low": ends["low"],
            "mode": kept if is_own else values.get(name),
            "high": ends["high"],
        }


def varying(template: Template) -> Iterator[Driver]:
    """Yield the drivers and hidden costs that may vary."""
    for one in (*shown_drivers(template), *drivers_of(HiddenCosts)):
        if one.may_vary:
            yield one


def _ends(stored: Values) -> tuple[float | None, float | None]:
    if {"mean", "sd"} <= set(stored):
        return stored["mean"] - Z95 * stored["sd"], stored["mean"] + Z95 * stored["sd"]
    names = ENDS.get(str(stored.get("kind")), ("low", "high"))
    return stored.get(names[0]), stored.get(names[1])
