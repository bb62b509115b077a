"""Benefit pools: what several investments may claim together in a month, and how it is shared. Whole micro-units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import factorial

LARGEST_SHAPLEY = 12  # every subset of the members is looked at


class SharingRule(StrEnum):
    """How a pool's cap is shared when its members claim more. The values are stored; never rename one."""

    PRO_RATA = "pro_rata"
    APPROVAL_ORDER = "approval_order"
    SHAPLEY = "shapley"


class PoolError(ValueError):
    """A pool that cannot be shared; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What members claimed in a month and what each may keep, in micro-units."""

    claimed: Mapping[str, int]
    kept: Mapping[str, int]

    @property
    def overlap(self) -> Mapping[str, int]:
        """Return what each member's claim is lowered by; never negative."""
        return {member: claim - self.kept[member] for member, claim in self.claimed.items()}


def share(claims: Mapping[str, int], *, cap: int, rule: SharingRule) -> Shared:
    """Return what each may keep; the positive claims kept add up to min(cap, positive claims), exactly.

    `claims` are in the order of approval. A claim that is not positive stands as it is: there is nothing to cap.
    Raises PoolError for a negative cap, and for Shapley among more than twelve who claim.
    """
    if cap < 0:
        raise PoolError("The cap of a pool cannot be negative.")
    positive = {member: claim for member, claim in claims.items() if claim > 0}
    if sum(positive.values()) <= cap:
        return Shared(dict(claims), dict(claims))
    if rule is SharingRule.APPROVAL_ORDER:
        kept = _in_order(positive, cap)
    elif rule is SharingRule.SHAPLEY:
        kept = _shapley(positive, cap)
    else:
        kept = share_out(cap, positive)
    return Shared(dict(claims), {member: kept.get(member, claim) for member, claim in claims.items()})


def share_out(total: int, weights: Mapping[str, int] | Mapping[str, Fraction]) -> dict[str, int]:
    """Return whole parts of a total in proportion to weights that are not negative, adding up to it exactly.

    Each part is rounded down (towards 0); what is left goes one by one to the largest remainders, the first of equals
    first. Without any positive weight the first takes it all.
    """
    size, whole = abs(total), sum(weights.values())
    if not whole:
        return {key: total if position == 0 else 0 for position, key in enumerate(weights)}
    exact = {key: Fraction(weight) * size / Fraction(whole) for key, weight in weights.items()}
    parts = {key: int(amount) for key, amount in exact.items()}
    by_remainder = sorted(exact, key=lambda key: parts[key] - exact[key])
    for key in by_remainder[: size - sum(parts.values())]:
        parts[key] += 1
    return {key: part if total >= 0 else -part for key, part in parts.items()}


def _in_order(claims: Mapping[str, int], cap: int) -> dict[str, int]:
    kept, left = {}, cap
    for member, claim in claims.items():
        kept[member] = min(claim, left)
        left -= kept[member]
    return kept


def _shapley(claims: Mapping[str, int], cap: int) -> dict[str, int]:
    """Return each one's mean gain min(cap, claims) over all orders in which the members could have come.

    Shapley (1953); for a cap this is the random arrival rule of O'Neill (1982). Exact by enumeration.
    """
    if len(claims) > LARGEST_SHAPLEY:
        raise PoolError(f"Shapley shares are computed for at most {LARGEST_SHAPLEY} members that claim.")
    members = list(claims)
    worth = _worths(list(claims.values()), cap)
    count = len(members)
    weight = [factorial(size) * factorial(count - size - 1) for size in range(count)]
    exact: dict[str, Fraction] = {}
    for position, member in enumerate(members):
        bit = 1 << position
        gains = [0] * count
        for subset in range(1 << count):
            if not subset & bit:
                gains[subset.bit_count()] += worth[subset | bit] - worth[subset]
        total = sum(weight[size] * gain for size, gain in enumerate(gains))
        exact[member] = Fraction(total, factorial(count))
    return share_out(cap, exact)


def _worths(claims: Sequence[int], cap: int) -> list[int]:
    """Return min(cap, sum of claims) of every subset, by its bits."""
    sums = [0] * (1 << len(claims))
    for subset in range(1, len(sums)):
        lowest = subset & -subset
        sums[subset] = sums[subset ^ lowest] + claims[lowest.bit_length() - 1]
    return [min(cap, total) for total in sums]
