"""Figures as people read them in plain text: aligned by the caller, negative in parentheses, n/a with its reason."""

from decimal import Decimal

from roi.engine.result import Figure, Reason

_WORDS = {
    Reason.NO_COST_YET: "there is no cost",
    Reason.NON_POSITIVE_BASE: "there is no positive cost to divide by",
    Reason.NEVER_PAYS_BACK: "never pays back: running it costs as much as it returns, or more",
    Reason.NOT_REACHED: "not reached in 120 months",
    Reason.IRR_NO_SIGN_CHANGE: "no rate fits: the flows are all gains or all losses",
    Reason.IRR_NO_ROOT: "no rate fits",
    Reason.IRR_MULTIPLE: "several rates fit; see MIRR",
    Reason.NO_VOLUME: "nothing is counted",
    Reason.OVERFLOW: "the amounts leave the range of exact arithmetic",
    Reason.INVALID_RATE: "the rate is -100% or less",
}


def money(value: Decimal | float) -> str:
    """Return an amount: whole units from 100 on, else cents."""
    amount = float(value)
    digits = 0 if abs(amount) >= 100 or amount == int(amount) else 2
    return _signed(f"{abs(amount):,.{digits}f}", is_negative=amount < 0)


def percent(fraction: float) -> str:
    """Return a fraction in percent: two decimals below 10 %, else one."""
    digits = 2 if abs(fraction) < 0.0999 else 1
    return _signed(f"{abs(fraction) * 100:,.{digits}f}%", is_negative=fraction < 0)


def rate(fraction: float) -> str:
    """Return an annual rate as it was stated: 10%, 7.5%."""
    return f"{fraction * 100:.6g}%"


def number(value: float) -> str:
    """Return any number in a few digits: thousands whole, else four significant ones."""
    text = f"{abs(value):,.0f}" if abs(value) >= 1000 else f"{abs(value):.4g}"
    return _signed(text, is_negative=value < 0)


def unit_cost(value: float) -> str:
    """Return a cost per unit with three decimals."""
    return _signed(f"{abs(value):,.3f}", is_negative=value < 0)


def months(value: float) -> str:
    """Return a time in months."""
    return f"{value:,.1f} months"


def why(reason: Reason) -> str:
    """Return what a reason code means, as the end of "n/a: …"."""
    return _WORDS.get(reason, reason.value.replace("_", " "))


def missing(figure: Figure) -> str:
    """Return how an undefined figure is written."""
    assert figure.reason is not None
    return f"n/a ({why(figure.reason)})"


def _signed(text: str, *, is_negative: bool) -> str:
    is_nothing = not any(digit in text for digit in "123456789")
    return f"({text})" if is_negative and not is_nothing else text
