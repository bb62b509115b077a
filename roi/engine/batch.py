"""Real-time or batch: cheaper answers that come later, weighed against the value that does not wait."""

from dataclasses import dataclass
from math import isfinite

from roi.engine.result import Figure, Reason, undefined

DISCOUNT = 0.5  # providers' batch tiers charge about half; inference at 40 to 60 % less is what is reported


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """How much goes to the batch, and what waiting costs; fractions between 0 and 1.

    `deferral_share` is the share of an answer's value that is lost when it comes with the batch: 0 for a nightly
    report, 1 for an answer nobody waits for.
    """

    deferral_share: float
    discount: float = DISCOUNT
    batch_share: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 <= share <= 1 for share in (self.deferral_share, self.discount, self.batch_share)):
            raise ValueError(
                "Deferral share, discount and batch share are fractions: write them between 0 and 1."
            )


@dataclass(frozen=True, slots=True)
class Batch:
    """A month with a batch beside one without, in currency units."""

    real_time_cost: float
    batch_cost: float
    value_deferred: float
    breakeven_deferral_share: Figure  # above it the batch loses; may be above 1: then it always wins

    @property
    def saving(self) -> float:
        """Return the cost saved."""
        return self.real_time_cost - self.batch_cost

    @property
    def net(self) -> float:
        """Return saving less value deferred: positive where the batch is worth it."""
        return self.saving - self.value_deferred


def compare(
    real_time_cost: float, *, value: float, terms: BatchTerms, is_latency_sensitive: bool
) -> Batch | Reason:
    """Return what moving to the batch tier does to a month's usage cost and value; `latency_sensitive` refuses it.

    saving = cost x batch share x discount; value deferred = value x batch share x deferral share; the batch pays while
    the deferral share is below cost x discount / value, whatever share is batched.
    """
    if is_latency_sensitive:
        return Reason.LATENCY_SENSITIVE
    if not (isfinite(value) and isfinite(real_time_cost) and real_time_cost >= 0):
        raise ValueError("Cost and value a month must be finite numbers, and the cost not negative.")
    return Batch(
        real_time_cost=real_time_cost,
        batch_cost=real_time_cost * (1 - terms.batch_share * terms.discount),
        value_deferred=value * terms.batch_share * terms.deferral_share,
        breakeven_deferral_share=_breakeven(real_time_cost * terms.discount, value),
    )


def _breakeven(saving: float, value: float) -> Figure:
    if value == 0:
        return undefined(Reason.NO_VALUE_YET)
    if value < 0:
        return undefined(Reason.NON_POSITIVE_BASE)
    share = saving / value
    return Figure(share) if isfinite(share) else undefined(Reason.OVERFLOW)
