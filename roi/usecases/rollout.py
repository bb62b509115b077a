"""How a case unfolds over time: build, ramp-up, growth, churn, price change and retraining, shared by the templates."""

from dataclasses import dataclass

from roi.usecases.drivers import Group, Unit, driver
from roi.usecases.values import Value, is_zero, maximum, minimum, remainder, step, where


@dataclass(frozen=True, slots=True)
class Rollout:
    """Drivers of time. With all of them at 0 every month is like the first."""

    build_months: Value = driver(
        0, label="Months until live", unit=Unit.MONTHS, group=Group.ROLLOUT, whole=True, high=60,
        help="Months of building at the start: one-time cost is paid, nothing runs and nothing is earned yet.",
    )  # fmt: skip
    ramp_months: Value = driver(
        0, label="Ramp-up", unit=Unit.MONTHS, group=Group.ROLLOUT, whole=True, high=60,
        help="Months from going live to full use, in a straight line. Volume and benefit ramp, fixed cost does not.",
    )  # fmt: skip
    growth_rate: Value = driver(
        0.0, label="Volume growth", unit=Unit.FRACTION_PER_YEAR, group=Group.ROLLOUT, high=10,
        help="Growth of the volume per year, compounding by month.",
    )  # fmt: skip
    churn_rate: Value = driver(
        0.0, label="Churn", unit=Unit.FRACTION_PER_YEAR, group=Group.ROLLOUT, low=0, high=0.99,
        help="Share of users or use that falls away per year, compounding by month.",
    )  # fmt: skip
    price_change_rate: Value = driver(
        0.0, label="Price change", unit=Unit.FRACTION_PER_YEAR, group=Group.ROLLOUT, low=-0.99, high=10,
        help="Yearly change of model and token prices: -0.3 makes them 30% cheaper a year.",
    )  # fmt: skip
    accuracy_loss: Value = driver(
        0.0, label="Effect lost per month", unit=Unit.FRACTION_PER_MONTH, group=Group.ROLLOUT,
        help="Share of the full effect lost in each month since going live or the last retraining.",
    )  # fmt: skip
    retraining_every: Value = driver(
        0, label="Months between retrainings", unit=Unit.MONTHS, group=Group.ROLLOUT, whole=True, high=120,
        help="0: never. A retraining restores the full effect at the end of its month.",
    )  # fmt: skip
    retraining_cost: Value = driver(
        0.0, label="Cost of a retraining", unit=Unit.CURRENCY, group=Group.ROLLOUT,
        help="Paid in every month of retraining; run cost.",
    )  # fmt: skip


def live(d: Rollout, month: Value) -> Value:
    """Return 1 in the months the case is live, 0 while it is being built."""
    return 1.0 if is_zero(d.build_months) else step(month, "Live", where(month > d.build_months, 1, 0))


def size(d: Rollout, month: Value) -> Value:
    """Return how large a month is as a share of what was stated: growth and churn, nothing before it is live."""
    share = live(d, month)
    years = _age(d, month) / 12
    if not is_zero(d.growth_rate):
        share = share * (1 + d.growth_rate) ** years
    if not is_zero(d.churn_rate):
        share = share * (1 - d.churn_rate) ** years
    return step(month, "Size, share of the stated one", share)


def use(d: Rollout, month: Value) -> Value:
    """Return how much of the stated volume is served in a month: its size, as far as the ramp-up has come."""
    return step(month, "Use, share of the stated volume", size(d, month) * ramp(d, month))


def ramp(d: Rollout, month: Value) -> Value:
    """Return how far the ramp-up has come in a month, from 0 to 1."""
    if is_zero(d.ramp_months):
        return 1.0
    return minimum(maximum(month - d.build_months, 0) / maximum(d.ramp_months, 1), 1)


def effect(d: Rollout, month: Value) -> Value:
    """Return the effect of one use as a share of the full one, as accuracy is lost and restored.

    A month has the effect of its end, so the first one after going live or retraining has lost once already.
    """
    if is_zero(d.accuracy_loss):
        return 1.0
    age = _age(d, month)
    if not is_zero(d.retraining_every):
        age = where(d.retraining_every > 0, remainder(age, maximum(d.retraining_every, 1)), age)
    age = age + 1
    return step(month, "Effect, share of the full one", maximum(1 - d.accuracy_loss * age, 0))


def error_rate(d: Rollout, month: Value, rate: Value) -> Value:
    """Return the rate of errors in a month: 1 - (1 - rate) x effect, so that 96 % -> 88 % right triples the errors."""
    return 1 - (1 - rate) * effect(d, month)


def price(d: Rollout, month: Value) -> Value:
    """Return the price level of a month, 1 in the first."""
    if is_zero(d.price_change_rate):
        return 1.0
    return step(month, "Price level", (1 + d.price_change_rate) ** ((month - 1) / 12))


def retraining(d: Rollout, month: Value) -> Value:
    """Return the cost of the retraining that falls into a month."""
    if is_zero(d.retraining_every) or is_zero(d.retraining_cost):
        return 0.0
    age = month - d.build_months
    is_due = where(remainder(maximum(age, 0), maximum(d.retraining_every, 1)) <= 0, 1, 0) * where(
        age > 0, 1, 0
    )
    return where(d.retraining_every > 0, is_due, 0) * d.retraining_cost


def _age(d: Rollout, month: Value) -> Value:
    """Return how many months a case has been live before this one."""
    return step(month, "Months live before", maximum(month - d.build_months - 1, 0))
