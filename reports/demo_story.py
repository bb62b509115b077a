"""What a demo investment is made of, and the monthly values it comes to. Pure, and the same on every machine.

All arithmetic is in Decimals, with a generator seeded by the line's own name: no line's values depend on
another's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random

_TEN_THOUSAND = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Line:
    """One account of an investment over its months: money, a volume or a quality, as its account says.

    From month `first` on, over `ramp` months up to `base`; exactly that through month `steady`, then changed
    by `drift` ten-thousandths a month with a scatter of `scatter` ten-thousandths. `ending` replaces the last
    months.
    """

    account: str
    base: str
    drift: int = 0
    scatter: int = 150
    first: int = 1
    ramp: int = 1
    steady: int = 0
    ending: Sequence[str] = ()
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Once:
    """A cost that comes once, in one month of the investment."""

    account: str
    amount: str
    month: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """The hypothesis: what is to move, from where to where, and what would prove it wrong."""

    claim: str
    metric: str
    unit: str
    baseline: str
    target: str
    method: str
    kill_line: str
    direction: str = "increase"


@dataclass(frozen=True, slots=True)
class Slip:
    """A value entered wrongly, `age` months before the last, and restated a week after its month's close."""

    account: str
    wrong: str
    age: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One investment of the demo. Months are counted from its start; `live` is the first month of use."""

    code: str
    name: str
    summary: str
    use_case: str
    business_unit: str
    category: str
    stage: str
    claim: Claim
    once: Sequence[Once]
    lines: Sequence[Line]
    deployment: Mapping[str, object]
    months: int = 24
    live: int = 1
    horizon: int = 36
    review_in_days: int = 120
    plan: Sequence[Line] = ()
    unreported: int = 0
    slip: Slip | None = None
    person_months: int = 0
    is_exploration: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """The demo's stories of one portfolio."""

    code: str
    name: str
    owner: str
    sponsor: str
    yearly_budget: int
    person_months: int
    stories: Sequence[Story] = field(default_factory=tuple)


def values(line: Line, *, code: str, months: int, step: Decimal) -> list[Decimal | None]:
    """Return the line's value of each month, rounded to `step`; None before its first month."""
    random = Random(f"{code}/{line.account}")
    level, answer = Decimal(line.base), list[Decimal | None]()
    for month in range(1, months + 1):
        # Drawn for every month, so that a line that begins later does not shift the others of its months.
        scatter = 1 + Decimal(random.randint(-line.scatter, line.scatter)) / _TEN_THOUSAND
        if month < line.first:
            answer.append(None)
            continue
        value = level
        if month > line.steady:
            level *= 1 + line.drift / _TEN_THOUSAND
            value = level * scatter
        share = min(Decimal(1), Decimal(month - line.first + 1) / line.ramp)
        answer.append((value * share).quantize(step, rounding=ROUND_HALF_EVEN))
    if line.ending:
        answer[-len(line.ending) :] = [Decimal(value) for value in line.ending]
    return answer
