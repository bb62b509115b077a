"""Why a unit cost moved between two periods: tokens per query, price per token, queries per outcome, and the rest.

Every part is exact: the parts of a decomposition add up to its change to the last digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from roi.engine.result import Reason

_PLACES = 12  # a token costs millionths: money's six decimals would lose it
_STEPS: int = 10**_PLACES


class Cause(StrEnum):
    """What can move the cost of an outcome, in the order it is shown."""

    TOKENS_PER_QUERY = "tokens_per_query"
    PRICE_PER_TOKEN = "price_per_token"
    QUERIES_PER_OUTCOME = "queries_per_outcome"
    OTHER_COST = "other_cost"


_DEARER = {
    Cause.TOKENS_PER_QUERY: "prompt growth (more tokens per query)",
    Cause.PRICE_PER_TOKEN: "model choice or price (a dearer token)",
    Cause.QUERIES_PER_OUTCOME: "inefficient usage (more queries per outcome)",
    Cause.OTHER_COST: "run cost other than tokens (more of it per outcome)",
}
_CHEAPER = {
    Cause.TOKENS_PER_QUERY: "shorter prompts and answers (fewer tokens per query)",
    Cause.PRICE_PER_TOKEN: "model choice or price (a cheaper token)",
    Cause.QUERIES_PER_OUTCOME: "more efficient usage (fewer queries per outcome)",
    Cause.OTHER_COST: "run cost other than tokens (less of it per outcome)",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """A period's token cost and counts; None where there is no price, or nobody counted.

    `other_cost` is run cost besides tokens, as recorded; 0 decomposes the token cost of an outcome alone.
    """

    token_cost: Decimal | None
    tokens: int | None
    queries: int | None
    outcomes: int | None
    other_cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The cost of an outcome before and after, in currency units, and its change by cause; residual 0."""

    before: Decimal
    after: Decimal
    parts: Mapping[Cause, Decimal]

    @property
    def change(self) -> Decimal:
        """Return after - before."""
        return self.after - self.before

    @property
    def has_improved(self) -> bool:
        """Whether an outcome became cheaper."""
        return self.change < 0

    @property
    def main_cause(self) -> Cause | None:
        """Return the largest part in the direction of the change; of no change, what made it dearer; else None."""
        sign = -1 if self.has_improved else 1
        cause = max(Cause, key=lambda each: sign * self.parts[each])
        return cause if sign * self.parts[cause] > 0 else None


def decompose(before: Usage, *, after: Usage) -> Decomposition | Reason:
    """Return what each cause did to the cost of an outcome, or why it cannot be said.

    Token cost of an outcome = tokens/query x price/token x queries/outcome; the effect of a factor is its Shapley
    value, the mean over all orders in which the three could have changed (Dietzenbacher and Los 1998). What is rounded,
    to 12 decimals, is the running total, so that rounded parts still add up. `unpriced_usage` without a token cost,
    `no_volume` without counts, `non_positive_base` where credits outweigh the tokens.
    """
    for usage in (before, after):
        reason = _missing(usage)
        if reason is not None:
            return reason
    (a0, b0, c0), (a1, b1, c1) = _factors(before), _factors(after)
    exact = (
        (a1 - a0) * _mean_product((b0, b1), (c0, c1)),
        (b1 - b0) * _mean_product((a0, a1), (c0, c1)),
        (c1 - c0) * _mean_product((a0, a1), (b0, b1)),
        _other(after) - _other(before),
    )
    return _rounded(a0 * b0 * c0 + _other(before), exact)


def sentence(found: Decomposition) -> str:
    """Return what happened to the cost of an outcome and the main cause, with what worked against it."""
    verb = "fell" if found.has_improved else "rose"
    by = f"{verb} by {_money(abs(found.change))}, from {_money(found.before)} to {_money(found.after)}"
    if found.change == 0:
        by = f"stayed at {_money(found.after)}"
    main = found.main_cause
    if main is None:
        return f"The cost per outcome {by}: nothing in it moved."
    words, against = (_CHEAPER, _DEARER) if found.has_improved else (_DEARER, _CHEAPER)
    text = f"The cost per outcome {by}. Main cause: {words[main]}, {_signed(found.parts[main])}."
    other = (min if found.parts[main] > 0 else max)(Cause, key=lambda each: found.parts[each])
    if found.parts[other] * found.parts[main] < 0:
        text += f" Against it worked {against[other]}, {_signed(found.parts[other])}."
    return text


def _missing(usage: Usage) -> Reason | None:
    for count in (usage.tokens, usage.queries, usage.outcomes):
        if count is None or count <= 0:
            return Reason.NO_VOLUME
    if usage.token_cost is None:
        return Reason.UNPRICED_USAGE
    return Reason.NON_POSITIVE_BASE if usage.token_cost < 0 else None


def _factors(usage: Usage) -> tuple[Fraction, Fraction, Fraction]:
    tokens, queries, outcomes = (
        Fraction(count or 0) for count in (usage.tokens, usage.queries, usage.outcomes)
    )
    return tokens / queries, Fraction(usage.token_cost or 0) / tokens, queries / outcomes


def _other(usage: Usage) -> Fraction:
    return Fraction(usage.other_cost) / Fraction(usage.outcomes or 1)


def _mean_product(left: tuple[Fraction, Fraction], right: tuple[Fraction, Fraction]) -> Fraction:
    """Return the other two factors' product, averaged over the orders: both old or both new in two of six each."""
    same = left[0] * right[0] + left[1] * right[1]
    mixed = left[0] * right[1] + left[1] * right[0]
    return same / 3 + mixed / 6


def _rounded(before: Fraction, exact: tuple[Fraction, ...]) -> Decomposition:
    """Return the parts as differences of rounded running totals: they add up to the rounded change exactly."""
    total, running = before, [_steps(before)]
    for part in exact:
        total += part
        running.append(_steps(total))
    parts = {
        cause: _decimal(later - earlier)
        for cause, earlier, later in zip(Cause, running, running[1:], strict=False)
    }
    return Decomposition(_decimal(running[0]), _decimal(running[-1]), parts)


def _steps(value: Fraction) -> int:
    return round(value * _STEPS)


def _decimal(steps: int) -> Decimal:
    # Made of its digits: arithmetic would round parts that outweigh the change to 28 of them.
    return Decimal(f"{steps}e-{_PLACES}")


def _money(amount: Decimal) -> str:
    """Return an amount with four significant digits, and cents at least."""
    digits = 2 if amount == 0 else max(2, 3 - amount.adjusted())
    return f"{amount:,.{digits}f}"


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else '−'}{_money(abs(amount))}"
