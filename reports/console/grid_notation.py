"""How people write numbers in the month grid and the import form: the notations offered, and their use."""

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest

from portfolio.importers.base import Mapping

NIL = "nil"
SESSION_KEY = "notation"


@dataclass(frozen=True, slots=True)
class Notation:
    """A way to write numbers, named by an example of it."""

    key: str
    example: str
    decimal: str
    grouping: str = ""

    def mapping(self) -> Mapping:
        """Return the notation as the importers take it."""
        return Mapping(decimal_separator=self.decimal, grouping_separator=self.grouping or None)

    def write(self, value: Decimal) -> str:
        """Return a figure as it is shown in a cell: grouped, negatives in parentheses, no digit lost."""
        text = f"{abs(value):.6f}"
        whole, fraction = text.split(".")
        fraction = fraction.rstrip("0")
        if fraction:
            fraction = self.decimal + fraction.ljust(2, "0")
        shown = f"{int(whole):,}".replace(",", self.grouping) + fraction
        return f"({shown})" if value < 0 else shown


NOTATIONS: dict[str, Notation] = {
    each.key: each
    for each in (
        Notation("point-comma", "1,234.56", ".", ","),
        Notation("point", "1234.56", "."),
        Notation("comma-point", "1.234,56", ",", "."),
        Notation("comma", "1234,56", ","),
        Notation("comma-space", "1 234,56", ",", " "),
        Notation("point-apostrophe", "1'234.56", ".", "'"),
    )
}
_BY_LANGUAGE = {
    "en": "point-comma",
    "de": "comma-point",
    "es": "comma-point",
    "it": "comma-point",
    "nl": "comma-point",
    "pt": "comma-point",
    "fr": "comma-space",
    "pl": "comma-space",
    "sv": "comma-space",
}


def of_locale(locale: str) -> Notation:
    """Return the notation usual in a locale (`de-at`); plain digits with a point where it is unknown."""
    if locale.lower().startswith("de-ch"):
        return NOTATIONS["point-apostrophe"]
    return NOTATIONS[_BY_LANGUAGE.get(locale[:2].lower(), "point")]


def chosen(request: HttpRequest, asked: str | None) -> Notation:
    """Return the notation asked for and remember it; else the remembered one, else the one of the locale."""
    if asked in NOTATIONS:
        request.session[SESSION_KEY] = asked
        return NOTATIONS[asked]
    remembered = NOTATIONS.get(request.session.get(SESSION_KEY, ""))
    return remembered or of_locale(str(getattr(request.user, "locale", "")))
