"""All inputs of one case together: filled from the stored case or from what was posted, and asked as one question."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms

from reports.console import cases_forms
from reports.console import cases_numbers as numbers
from reports.console.cases_forms import DriverField, DriversForm, HiddenCostsForm, Row, TermsForm
from reports.console.cases_spread import Spread, SpreadForm
from roi.models import BusinessCase
from roi.questions import Terms
from roi.usecases.base import Template

Values = Mapping[str, Any]
PERCENT = Decimal(100)
SEED = 1
LIVE_LOG2_DRAWS = 13
FIRST_CHANGE = "10"
CHANGES = {
    FIRST_CHANGE: ("±10% each", {"relative": 0.1}),
    "20": ("±20% each", {"relative": 0.2}),
    "points": ("±10 points, shares only", {"points": 0.1}),
}


class ViewForm(forms.Form):
    """How the page looks at the case: by how much drivers are moved one at a time."""

    change = forms.ChoiceField(
        label="Moved one at a time by",
        required=False,
        choices=[(name, words) for name, (words, _) in CHANGES.items()],
        initial=FIRST_CHANGE,
    )

    def clean_change(self) -> str:
        """Return the choice, the first where none was made."""
        chosen: str = self.cleaned_data["change"] or FIRST_CHANGE
        return chosen


@dataclass(frozen=True, slots=True)
class Stored:
    """What a case starts from on a page, saved or not yet."""

    template: Template
    title: str
    months: int
    terms: Terms
    drivers: Values
    hidden_costs: Values
    distributions: Values
    discount_rate: Decimal | None = None
    hurdle_rate: Decimal | None = None


class Sheet:
    """The forms of a case; `is_strict` refuses hidden costs without an answer, as saving does."""

    def __init__(self, stored: Stored, data: Values | None = None, *, is_strict: bool = False) -> None:
        self.stored = stored
        values = {**cases_forms.defaults(stored.template), **stored.drivers}
        self.values = values
        amounts = {
            name: amount
            for name, answer in stored.hidden_costs.items()
            if (amount := cases_forms.answer_of(answer)[0]) is not None
        }
        currency = stored.terms.currency
        self.terms = TermsForm(data, prefix="t", initial=_terms_shown(stored))
        self.drivers = DriversForm(data, template=stored.template, base=values, currency=currency, prefix="d")
        self.hidden = HiddenCostsForm(
            data, answers=stored.hidden_costs, currency=currency, is_strict=is_strict, prefix="h"
        )
        self.spread = SpreadForm(
            data,
            template=stored.template,
            stored=stored.distributions,
            values={**values, **amounts},
            prefix="s",
        )
        self.view = ViewForm(data, prefix="v")
        self.forms = (self.terms, self.drivers, self.hidden, self.spread, self.view)

    def is_valid(self) -> bool:
        """Whether every input can be used; all are asked, so that every error shows."""
        found = [form.errors for form in self.forms]
        return not any(found)

    def content(self) -> dict[str, Any]:
        """Return the case's values as posted: template, title, months, rates, drivers, hidden costs, distributions."""
        terms, drivers, hidden = (
            self.terms.cleaned_data,
            dict(self.drivers.cleaned_data),
            self.hidden.stored(),
        )
        amounts = {name: cases_forms.answer_of(answer)[0] or 0 for name, answer in hidden.items()}
        return {
            "template": self.stored.template.name,
            "title": terms["title"],
            "months": terms["months"],
            "discount_rate": _fraction(terms["discount_rate"]),
            "hurdle_rate": _fraction(terms["hurdle_rate"]),
            "drivers": drivers,
            "hidden_costs": hidden,
            "distributions": self.spread.distributions({**drivers, **amounts}),
        }

    def written(self) -> dict[str, str]:
        """Return every input by name as it is written now, ready to be posted."""
        shown = {field.html_name: field.value() for form in self.forms for field in form}
        return {name: "" if value is None else str(value) for name, value in shown.items()}

    def write(self, drivers: Values) -> dict[str, str]:
        """Return the inputs of some drivers with these values in them."""
        fields = {name: self.drivers.fields[name] for name in drivers if name in self.drivers.fields}
        return {
            self.drivers.add_prefix(name): numbers.text(field.one, drivers[name])
            for name, field in fields.items()
            if isinstance(field, DriverField)
        }

    def changed(self) -> dict[str, Any]:
        """Return the drivers whose value differs from what the case states; the sheet is valid."""
        cleaned = self.drivers.cleaned_data
        return {name: value for name, value in cleaned.items() if value != self.values.get(name)}

    def changed_count(self) -> int:
        """Return how many drivers and hidden costs are written otherwise than the case states them."""
        rows = [row for section in self.drivers.sections() for row in section.rows]
        return sum(row.is_changed for row in (*rows, *(row for row, _ in self.hidden.rows())))

    def sections(self) -> Iterator[tuple[cases_forms.Section, list[tuple[Row, Spread | None]]]]:
        """Yield the groups of drivers, each driver with the inputs of its distribution."""
        for section in self.drivers.sections():
            yield section, [(row, self.spread.of(row.one.name)) for row in section.rows]

    def hidden_rows(self) -> list[tuple[Row, forms.BoundField, Spread | None]]:
        """Return each hidden cost with the reason there may be none and its distribution."""
        return [(row, why, self.spread.of(row.one.name)) for row, why in self.hidden.rows()]


def question(
    content: Values, *, scenarios: list[dict[str, Any]], correlations: list[Any], change: str
) -> Values:
    """Return a case's values as the question that `roi.questions` reads."""
    distributions = content["distributions"]
    related = [
        pair for pair in correlations if all(name in distributions for name in pair.get("drivers", []))
    ]
    drawn = {
        "seed": SEED,
        "log2_draws": LIVE_LOG2_DRAWS,
        "distributions": distributions,
        "correlations": related,
    }
    return {
        **{name: content[name] for name in ("template", "months", "drivers", "hidden_costs")},
        "discount_rate": content["discount_rate"],
        "hurdle_rate": content["hurdle_rate"],
        "scenarios": scenarios,
        "tornado": CHANGES[change][1],
        "monte_carlo": drawn if distributions else None,
    }


def of_case(case: BusinessCase, template: Template, terms: Terms) -> Stored:
    """Return a stored case as its page starts from."""
    return Stored(
        template=template,
        title=case.title,
        months=case.months,
        terms=terms,
        drivers=case.drivers,
        hidden_costs=case.hidden_costs,
        distributions=case.distributions,
        discount_rate=case.discount_rate,
        hurdle_rate=case.hurdle_rate,
    )


def _terms_shown(stored: Stored) -> dict[str, Any]:
    rates = {name: getattr(stored, name) for name in ("discount_rate", "hurdle_rate")}
    shown = {
        name: "" if rate is None else f"{(rate * PERCENT).normalize():f}" for name, rate in rates.items()
    }
    return {"title": stored.title, "months": stored.months, **shown}


def _fraction(percent: Decimal | None) -> Decimal | None:
    return None if percent is None else percent / PERCENT
