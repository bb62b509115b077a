"""How figures are written on pages: rounding, parentheses, units, and the reason where there is no figure."""

from datetime import date
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolio.terms import format_month
from roi.engine import wording
from roi.engine.result import Reason

WHY: dict[Reason, str] = {
    Reason.NO_COST_YET: "No cost is recorded yet.",
    Reason.NO_VALUE_YET: "No benefit is recorded yet.",
    Reason.NON_POSITIVE_BASE: "The base of this ratio is zero or negative, for example because of credits.",
    Reason.NEVER_PAYS_BACK: "At this rate it never pays back.",
    Reason.NOT_REACHED: "Not reached so far.",
    Reason.IRR_NO_SIGN_CHANGE: "The cash flows never change sign, so there is no internal rate of return.",
    Reason.IRR_NO_ROOT: "No rate brings the net present value to zero.",
    Reason.IRR_MULTIPLE: "Several rates fit; read the modified rate (MIRR) instead.",
    Reason.MISSING_ACTUALS: "A closed month lacks actuals.",
    Reason.MISSING_FX_RATE: "A month lacks an exchange rate.",
    Reason.UNPRICED_USAGE: "Usage is recorded without a price.",
    Reason.WINDOW_INCOMPLETE: "The window does not have enough complete months.",
    Reason.NOT_LIVE: "Not in use yet.",
    Reason.OVERFLOW: "The amounts are too large to add up exactly.",
    Reason.NO_PLAN: "No plan is approved.",
    Reason.NO_HISTORY: "There is no history yet.",
    Reason.NOT_COMPUTED: "Computed for the last closed month only.",
    Reason.NO_VOLUME: "No volume is recorded.",
    Reason.NO_HORIZON: "No horizon is set.",
    Reason.TOO_FEW_MONTHS: "There are too few months to tell.",
    Reason.NO_SPREAD: "The values do not vary, so no slope can be fitted.",
    Reason.NON_POSITIVE_THROUGHPUT: "The throughput is zero or negative.",
    Reason.INVALID_RATE: "The rate is out of range.",
    Reason.NOT_STATED: "Nobody stated it.",
    Reason.LATENCY_SENSITIVE: "This use is latency-sensitive: it cannot wait for a batch.",
    Reason.ALREADY_CROSSED: "It was crossed already.",
    Reason.NO_BREAKEVEN_VALUE: "No value within its bounds makes benefit equal cost.",
}
NO_CLOSED_MONTH = "No month is closed with complete actuals yet."
_SCALES = ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 4, "k"))


def why(reason: Reason | str) -> str:
    """Return the sentence of a reason code; a sentence is returned as it is."""
    return WHY[reason] if isinstance(reason, Reason) else reason


def missing(reason: Reason | str) -> SafeString:
    """Return the mark of an undefined figure, with its reason on hover and for screen readers."""
    sentence = why(reason)
    return format_html(
        '<span class="h-na" title="{}">n/a<span class="h-sr-only"> ({})</span></span>', sentence, sentence
    )


def money_text(value: Decimal) -> str:
    """Return an amount in whole units, negatives in parentheses; nothing is a dash, less than half a unit is 0."""
    return wording.amount(value) if value else "–"


def exact_text(value: Decimal) -> str:
    """Return an amount as it was stated: with cents where it has any, negatives in parentheses."""
    return _stated(value, least=2 if value % 1 else 0)


def measured_text(value: Decimal, unit: str) -> str:
    """Return a measure with its unit; a fraction as percent."""
    if unit == "fraction":
        return _signed(f"{_plain(abs(value) * 100)}%", is_negative=value < 0)
    return f"{_plain(value)} {unit}".rstrip()


def compact_text(value: Decimal) -> str:
    """Return an amount in three or four digits with k, M or bn; for headlines, never for tables."""
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            divisor = Decimal(1000) if letter == "k" else scale
            number = value / divisor
            digits = 0 if abs(number) >= 100 else 1
            return _signed(f"{abs(number):,.{digits}f}{letter}", is_negative=number < 0)
    return money_text(value)


def percent_text(value: float | Decimal) -> str:
    """Return a fraction as percent with one decimal, negatives in parentheses."""
    return wording.percent(value)


def money(value: Decimal | None, *, reason: Reason | str = "") -> SafeString:
    """Return an amount for a table cell; None shows n/a and the reason."""
    return missing(reason) if value is None else _number(money_text(value))


def amount(value: Decimal) -> SafeString:
    """Return an amount within a sentence, where nothing is 0 and not a dash."""
    return _number(wording.amount(value))


def exact(value: Decimal) -> SafeString:
    """Return an amount for a table cell as it was stated, zero included and cents in every cell."""
    return _number(_stated(value, least=2))


def compact(value: Decimal | None, *, reason: Reason | str = "") -> SafeString:
    """Return an amount for a headline, the exact one on hover."""
    if value is None:
        return missing(reason)
    return format_html('<span class="h-num" title="{}">{}</span>', exact_text(value), compact_text(value))


def percent(value: float | None, *, reason: Reason | str = "") -> SafeString:
    """Return a fraction as percent; None shows n/a and the reason."""
    return missing(reason) if value is None else _number(percent_text(value))


def months(value: float | None, *, reason: Reason | str = "") -> SafeString:
    """Return a count of months with one decimal; None shows n/a and the reason."""
    return missing(reason) if value is None else _number(f"{value:,.1f}")


def unit_cost(value: float | None, *, reason: Reason | str = "") -> SafeString:
    """Return a cost per unit with three decimals; None shows n/a and the reason."""
    return missing(reason) if value is None else _number(_signed(f"{abs(value):,.3f}", is_negative=value < 0))


def quantity(value: Decimal) -> SafeString:
    """Return a count or measure without trailing zeros."""
    return _number(_plain(value))


def month(value: date | None, *, reason: Reason | str = "") -> SafeString:
    """Return a month as YYYY-MM; None shows n/a and the reason."""
    return missing(reason) if value is None else _number(format_month(value))


def _stated(value: Decimal, *, least: int) -> str:
    places = max(least, -int(value.normalize().as_tuple().exponent))
    return _signed(f"{abs(value):,.{places}f}", is_negative=value < 0)


def _plain(value: Decimal) -> str:
    text = f"{value.normalize():,f}"
    return _signed(text.lstrip("-"), is_negative=value < 0)


def _signed(text: str, *, is_negative: bool) -> str:
    return f"({text})" if is_negative else text


def _number(text: str) -> SafeString:
    name = "h-num h-neg" if text.startswith("(") else "h-num"
    return format_html('<span class="{}">{}</span>', name, text)
