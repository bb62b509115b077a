"""Own hardware as it is paid for: whole replicas, allocated ahead of demand, cost a month in steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf

from roi.engine.result import Figure, Reason, undefined

HOURS_PER_MONTH = 730.0  # 365 days / 12
MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Hardware:
    """A fleet of equal replicas, each paid by the hour whether it works or not.

    `throughput_per_hour` is what one replica serves when it never waits; `target_utilization` the share of it that is
    planned for, so that peaks still fit. `fixed_cost` a month does not depend on replicas (people, monitoring),
    `unit_cost` follows volume. Raises ValueError with a sentence.
    """

    gpu_hour_price: float
    throughput_per_hour: float
    target_utilization: float
    fixed_cost: float = 0.0
    unit_cost: float = 0.0
    gpus_per_replica: int = 1
    min_replicas: int = 1
    hours_per_month: float = HOURS_PER_MONTH

    def __post_init__(self) -> None:
        if not all(0 <= amount < inf for amount in (self.gpu_hour_price, self.fixed_cost, self.unit_cost)):
            raise ValueError("Prices and costs of own hardware must be finite numbers, not negative.")
        if not all(0 < amount < inf for amount in (self.throughput_per_hour, self.hours_per_month)):
            raise ValueError("Throughput and hours a month must be positive numbers.")
        if not 0 < self.target_utilization <= 1:
            raise ValueError("The target utilization is a fraction above 0, at most 1.")
        if self.gpus_per_replica < 1 or self.min_replicas < 1:
            raise ValueError("Own hardware is at least one replica of at least one GPU.")

    @property
    def replica_cost(self) -> Fraction:
        """Return what one replica costs a month, exactly."""
        return _exact(self.gpu_hour_price) * self.gpus_per_replica * _exact(self.hours_per_month)

    @property
    def capacity(self) -> Fraction:
        """Return the volume a month that one replica is planned for, exactly."""
        planned = _exact(self.throughput_per_hour) * _exact(self.target_utilization)
        return planned * _exact(self.hours_per_month)


@dataclass(frozen=True, slots=True)
class Point:
    """One volume of the utilization curve; costs a month in currency units."""

    volume: float
    replicas: int
    utilization: float  # share of what the replicas could do
    self_host_cost: float
    api_cost: float
    unit_cost: Figure  # of self-hosting, everything in it

    @property
    def is_cheaper(self) -> bool:
        """Whether own hardware costs at most as much as the API."""
        return self.self_host_cost <= self.api_cost


@dataclass(frozen=True, slots=True)
class Breakevens:
    """Where own hardware comes to cost no more than the API, as volume grows.

    Every added replica may put it behind again: `first` is the first such volume, from `last` on it stays ahead,
    `crossings` counts them. `last` alone is undefined where it only ever touches the API's cost, with
    every replica full.
    """

    first: Figure
    last: Figure
    crossings: int | None


@dataclass(frozen=True, slots=True)
class Quantization:
    """Weights in fewer bits: more throughput from the same hardware, at some accuracy."""

    throughput_factor: float
    accuracy_change: float = 0.0  # fraction points, negative for a loss

    def __post_init__(self) -> None:
        if not 0 < self.throughput_factor < inf:
            raise ValueError("A throughput factor is a positive number; 2 serves twice as much.")
        if not -1 <= self.accuracy_change <= 1:
            raise ValueError("A change of accuracy lies between -1 and 1; half a point lost is -0.005.")


@dataclass(frozen=True, slots=True)
class Lever:
    """What quantization does in a month, in currency units; `net` is what is left of the saving."""

    cost_before: float
    cost_after: float
    value_change: float

    @property
    def saving(self) -> float:
        """Return the serving cost saved."""
        return self.cost_before - self.cost_after

    @property
    def net(self) -> float:
        """Return saving and change of value together."""
        return self.saving + self.value_change


def replicas(hardware: Hardware, *, volume: float) -> int:
    """Return how many replicas a volume a month needs: ceil(volume / capacity), at least the minimum."""
    return max(hardware.min_replicas, ceil(_exact(volume) / hardware.capacity))


def monthly_cost(hardware: Hardware, *, volume: float) -> float:
    """Return the cost a month of serving a volume: fixed + replicas x hours x price + volume x unit cost."""
    return float(_cost(hardware, volume))


def at(hardware: Hardware, *, volume: float, api_unit_cost: float) -> Point:
    """Return own hardware beside the API at one volume."""
    count = replicas(hardware, volume=volume)
    cost = float(_cost(hardware, volume))
    full = hardware.capacity / _exact(hardware.target_utilization) * count
    return Point(
        volume=volume,
        replicas=count,
        utilization=float(_exact(volume) / full),
        self_host_cost=cost,
        api_cost=float(_exact(volume) * _exact(api_unit_cost)),
        unit_cost=Figure(cost / volume) if volume > 0 else undefined(Reason.NO_VOLUME),
    )


def curve(hardware: Hardware, *, volumes: Sequence[float], api_unit_cost: float) -> tuple[Point, ...]:
    """Return the points of the utilization curve at the given volumes."""
    return tuple(at(hardware, volume=volume, api_unit_cost=api_unit_cost) for volume in volumes)


def step_volumes(hardware: Hardware, *, up_to: float) -> tuple[float, ...]:
    """Return the whole volumes at which a step ends and the next begins, from 0 to `up_to`: the corners of a chart.

    Raises ValueError where that would be more than 500 steps.
    """
    first, last = hardware.min_replicas, replicas(hardware, volume=up_to)
    if last - first > MOST_STEPS:
        raise ValueError(f"Up to {up_to:,.0f} the curve has more than {MOST_STEPS} steps; show less of it.")
    ends = [floor(count * hardware.capacity) for count in range(first, last)]
    corners = {0.0, float(up_to)} | {float(volume) for end in ends for volume in (end, end + 1)}
    return tuple(sorted(volume for volume in corners if volume <= up_to))


def breakevens(hardware: Hardware, *, api_unit_cost: float) -> Breakevens:
    """Return the breakeven volumes of the stepped cost against an API's unit cost; equality counts.

    With n replicas the costs meet at (fixed + n x replica cost) / (k - v), which counts where n replicas serve it.
    """
    margin = _exact(api_unit_cost) - _exact(hardware.unit_cost)
    one, fixed, count = hardware.replica_cost, _exact(hardware.fixed_cost), hardware.min_replicas
    gain = margin * hardware.capacity - one  # of a replica, once it is planned in full
    never = undefined(Reason.NEVER_PAYS_BACK)
    if fixed + one == 0 and margin >= 0:
        return Breakevens(Figure(0.0), Figure(0.0), 1)
    if margin <= 0 or (gain <= 0 and count * gain < fixed):
        return Breakevens(never, never, 0)
    first = count if count * gain >= fixed else ceil(fixed / gain)
    start = Figure(float((fixed + first * one) / margin))
    if gain <= 0:
        return Breakevens(start, never, None)
    last = max(first, ceil((fixed + one) / gain))
    return Breakevens(start, Figure(float((fixed + last * one) / margin)), last - first + 1)


def quantized(hardware: Hardware, *, quantization: Quantization) -> Hardware:
    """Return the hardware with the throughput of the quantized model."""
    return replace(
        hardware, throughput_per_hour=hardware.throughput_per_hour * quantization.throughput_factor
    )


def quantization_lever(
    hardware: Hardware, *, quantization: Quantization, volume: float, value_per_point: float
) -> Lever:
    """Return what quantization saves at a volume a month, and what its accuracy does to value.

    `value_per_point` is the value a month of one whole unit of accuracy: for value that follows the success rate,
    value / accuracy. Saving comes in whole replicas: none where the same number is needed.
    """
    after = quantized(hardware, quantization=quantization)
    return Lever(
        cost_before=monthly_cost(hardware, volume=volume),
        cost_after=monthly_cost(after, volume=volume),
        value_change=quantization.accuracy_change * value_per_point,
    )


def _cost(hardware: Hardware, volume: float) -> Fraction:
    count = replicas(hardware, volume=volume)
    variable = _exact(volume) * _exact(hardware.unit_cost)
    return _exact(hardware.fixed_cost) + count * hardware.replica_cost + variable


def _exact(number: float) -> Fraction:
    """Return the decimal number somebody wrote: 0.1 is a tenth, so that 3 full replicas are not 3.0000000001."""
    if not 0 <= number < inf:
        raise ValueError(f"A volume or unit cost must be a finite number, not negative; {number:g} is not.")
    return Fraction(repr(float(number)))
