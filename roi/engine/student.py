"""Student's t distribution by the incomplete beta function; kept here so that the engine needs no SciPy."""

from math import exp, lgamma, log, log1p

_TINY = 1e-300
_ACCURACY = 1e-15


def quantile(probability: float, *, freedom: int) -> float:
    """Return the t value below which `probability` of the distribution lies; exact to about 12 digits."""
    if not 0 < probability < 1 or freedom < 1:
        raise ValueError(
            "A t quantile needs a probability between 0 and 1 and at least one degree of freedom."
        )
    if probability < 0.5:
        return -quantile(1 - probability, freedom=freedom)
    tail = 1 - probability
    low, high = 0.0, 1.0
    while upper_tail(high, freedom=freedom) > tail:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if upper_tail(middle, freedom=freedom) > tail else (low, middle)
    return (low + high) / 2


def upper_tail(value: float, *, freedom: int) -> float:
    """Return P(T > value) for value >= 0."""
    square = value * value
    return 0.5 * _regularized_beta(
        freedom / (freedom + square), square / (freedom + square), freedom / 2, 0.5
    )


def _regularized_beta(x: float, rest: float, a: float, b: float) -> float:
    """Return I_x(a, b), rest = 1 - x given apart to keep its digits (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _regularized_beta(rest, x, b, a)
    log_x = log(x) if x < 0.5 else log1p(-rest)
    log_rest = log(rest) if rest < 0.5 else log1p(-x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log_x + b * log_rest)
    return front * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function by the modified Lentz method."""
    c, d = 1.0, 1.0 / _away_from_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            change = c * d
            result *= change
        if abs(change - 1) < _ACCURACY:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
