"""Why net benefit and ROI moved from one month to the next: sequential substitution in a published order, residual 0.

Amounts are whole micro-units; each line is rounded half-even after every step, exactly as the ledger rounds it, so the
steps of a bridge add up to its change without anything left over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from roi.engine.result import Reason

_LIMIT = 2**62
_ONE = Fraction(1)


class Cause(StrEnum):
    """What moves net benefit, in the order in which it is substituted. The values are shown; never rename one."""

    ANOTHER_MONTH = "another_month"
    VOLUME = "volume"
    PRICE = "price"
    MIX = "mix"
    QUALITY = "quality"
    OTHER = "other"
    ATTRIBUTION = "attribution"
    ONE_TIME = "one_time"
    FX = "fx"
    RESTATEMENT = "restatement"
    ALLOCATION = "allocation"


CAUSES: tuple[Cause, ...] = tuple(cause for cause in Cause if cause is not Cause.ANOTHER_MONTH)


class Role(StrEnum):
    """Which step a line's own change belongs to."""

    RUNNING = "running"
    ONE_TIME = "one_time"
    ALLOCATED = "allocated"


@dataclass(frozen=True, slots=True)
class Reading:
    """A line in one month, as known at one time."""

    amount: int  # micro-units of the line's own currency, sign as recorded
    fx: Fraction = _ONE  # reporting currency per unit
    share: Fraction = _ONE  # part of a benefit that counts on the basis; 1 for cost
    quantity: Fraction | None = None  # stated beside the amount

    @property
    def money(self) -> int:
        """Return what counts in the reporting currency, in micro-units."""
        return round(self.amount * self.fx * self.share)


@dataclass(frozen=True, slots=True)
class Driver:
    """The count a line follows where it has no quantity of its own, and the share of it that succeeds (or fails)."""

    before: Fraction
    after: Fraction
    quality_before: Fraction | None = None
    quality_after: Fraction | None = None

    @property
    def is_usable(self) -> bool:
        """Whether a change can be split by it."""
        return self.before > 0 and self.after > 0

    @property
    def quality_back(self) -> Fraction:
        """Return the factor that takes the quality of the month back to that of the month before."""
        old, new = self.quality_before, self.quality_after
        return old / new if old is not None and new is not None and old > 0 and new > 0 else _ONE


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger in two months: the earlier month as first shown and as known now, and the later month."""

    account: str
    is_benefit: bool
    shown: Reading
    before: Reading
    after: Reading
    role: Role = Role.RUNNING
    driver: Driver | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one cause did, in micro-units; a rise of cost lowers net benefit. `accounts` add up to `net`."""

    cause: Cause
    benefit: int
    cost: int
    accounts: Mapping[str, int]
    roi: Fraction | None  # change of ROI as a fraction; 0.01 is one point

    @property
    def net(self) -> int:
        """Return the effect on net benefit."""
        return self.benefit - self.cost


@dataclass(frozen=True, slots=True)
class State:
    """Benefit and cost in micro-units, before or after a bridge."""

    benefit: int
    cost: int

    @property
    def net(self) -> int:
        """Return benefit - cost."""
        return self.benefit - self.cost

    @property
    def roi(self) -> Fraction | None:
        """Return (benefit - cost) / cost, None where cost is not positive."""
        return Fraction(self.net, self.cost) if self.cost > 0 else None


@dataclass(frozen=True, slots=True)
class Bridge:
    """A change of net benefit by cause; `roi_reason` says why no step has a change of ROI."""

    start: State
    steps: tuple[Step, ...]
    end: State
    roi_reason: Reason | None

    @property
    def main_cause(self) -> Cause | None:
        """Return the largest step in the direction of the change; None where nothing moved that way."""
        sign = -1 if self.end.net < self.start.net else 1
        largest = max(self.steps, key=lambda step: sign * step.net)
        return largest.cause if sign * largest.net > 0 else None


def points(found: Bridge, *, places: int) -> tuple[Decimal, ...] | None:
    """Return each step's change of ROI in percentage points; None where undefined.

    What is rounded is the running total, so that the rounded points still add up to the rounded change.
    """
    if found.roi_reason is not None or found.start.roi is None:
        return None
    total = found.start.roi
    running = [_percent(total, places)]
    for step in found.steps:
        total += step.roi or 0
        running.append(_percent(total, places))
    return tuple(later - earlier for earlier, later in pairwise(running))


def _percent(ratio: Fraction, places: int) -> Decimal:
    return Decimal(round(ratio * 100 * 10**places)).scaleb(-places)


def of_month(lines: Sequence[Line]) -> Bridge | Reason:
    """Return what moved a month's net benefit against the month before, or `overflow`."""
    paths = _paths(lines)
    return _bridge(CAUSES, paths, start=_state(paths, 0))


def to_date(lines: Sequence[Line], *, carried: Sequence[Line]) -> Bridge | Reason:
    """Return what moved cumulative net benefit and ROI to date, or `overflow`.

    `carried` are all months up to the earlier one, each in itself (as first shown, as known now). The first step adds
    another month like the earlier one; the others are those of the month, with what changed in the months before.
    """
    added, old = _paths(lines), _paths(carried)
    start = _state(old, 0)
    # Before its step, the other month is not there yet.
    with_nothing = [_Path(path.line, [0, *path.money]) for path in added]
    with_pause = [_Path(path.line, [path.money[0], *path.money]) for path in old]
    return _bridge((Cause.ANOTHER_MONTH, *CAUSES), with_nothing + with_pause, start=start)


@dataclass(frozen=True, slots=True)
class _Path:
    """A line's money after each step, the start first."""

    line: Line
    money: list[int]


def _paths(lines: Sequence[Line]) -> list[_Path]:
    moves = _moves(lines)
    return [_Path(line, _substituted(line, move)) for line, move in zip(lines, moves, strict=True)]


def _substituted(line: Line, move: Mapping[Cause, Fraction]) -> list[int]:
    amount, fx, share = Fraction(line.shown.amount), line.shown.fx, line.shown.share
    money = [line.shown.money]
    for cause in CAUSES:
        amount += move.get(cause, 0)
        if cause is Cause.ATTRIBUTION:
            share = line.after.share
        elif cause is Cause.FX:
            fx = line.after.fx
        elif cause is Cause.RESTATEMENT:
            amount += line.before.amount - line.shown.amount
        money.append(round(amount * fx * share))
    return money


def _moves(lines: Sequence[Line]) -> list[Mapping[Cause, Fraction]]:
    """Return by cause how each line's own amount went from the earlier month (as known now) to the later one."""
    scales = _scales(lines)
    found: list[Mapping[Cause, Fraction]] = []
    for line in lines:
        before, after = Fraction(line.before.amount), Fraction(line.after.amount)
        if line.role is Role.ONE_TIME:
            found.append({Cause.ONE_TIME: after - before})
        elif line.role is Role.ALLOCATED:
            found.append({Cause.ALLOCATION: after - before})
        elif line.account in scales:
            found.append(_by_quantity(line, scales[line.account]))
        elif line.driver is not None and line.driver.is_usable and before and after:
            found.append(_by_driver(line, line.driver))
        else:
            found.append({Cause.OTHER: after - before})
    return found


def _scales(lines: Sequence[Line]) -> Mapping[str, Fraction | None]:
    """Return how far the quantity grew of accounts that state one beside every amount; None: it began or ended."""
    by_account: dict[str, list[Line]] = {}
    for line in lines:
        if line.role is Role.RUNNING:
            by_account.setdefault(line.account, []).append(line)
    scales: dict[str, Fraction | None] = {}
    for account, members in by_account.items():
        before = _quantity(line.before for line in members)
        after = _quantity(line.after for line in members)
        if before is not None and after is not None and (before or after):
            scales[account] = after / before if before and after else None
    return scales


def _quantity(readings: Iterable[Reading]) -> Fraction | None:
    """Return the sum of quantities; None where an amount has none that is positive."""
    total = Fraction(0)
    for reading in readings:
        if reading.quantity is None or reading.quantity <= 0:
            if reading.amount or reading.quantity:
                return None
            continue
        total += reading.quantity
    return total


def _by_quantity(line: Line, scale: Fraction | None) -> Mapping[Cause, Fraction]:
    before, after = Fraction(line.before.amount), Fraction(line.after.amount)
    if scale is None:
        return {Cause.VOLUME: after - before}
    old, new = line.before.quantity or 0, line.after.quantity or 0
    scaled = before * scale
    priced = after * old * scale / new if old and new else scaled
    return {Cause.VOLUME: scaled - before, Cause.PRICE: priced - scaled, Cause.MIX: after - priced}


def _by_driver(line: Line, driver: Driver) -> Mapping[Cause, Fraction]:
    before, after = Fraction(line.before.amount), Fraction(line.after.amount)
    scaled = before * driver.after / driver.before
    priced = after * driver.quality_back
    return {Cause.VOLUME: scaled - before, Cause.PRICE: priced - scaled, Cause.QUALITY: after - priced}


def _state(paths: Sequence[_Path], position: int) -> State:
    benefit = sum(path.money[position] for path in paths if path.line.is_benefit)
    return State(benefit, sum(path.money[position] for path in paths if not path.line.is_benefit))


def _bridge(causes: Sequence[Cause], paths: Sequence[_Path], *, start: State) -> Bridge | Reason:
    """Return the differences of the running totals, one for each cause."""
    if sum(max(map(abs, path.money)) for path in paths) >= _LIMIT:
        return Reason.OVERFLOW
    states = [start, *(_state(paths, position) for position in range(1, len(causes) + 1))]
    reason = _roi_reason(states)
    steps = tuple(
        _step(cause, paths, position, states=(states[position], states[position + 1]), has_roi=reason is None)
        for position, cause in enumerate(causes)
    )
    return Bridge(start, steps, states[-1], reason)


def _roi_reason(states: Sequence[State]) -> Reason | None:
    if all(state.cost > 0 for state in states):
        return None
    return Reason.NO_COST_YET if states[0].cost == 0 else Reason.NON_POSITIVE_BASE


def _step(
    cause: Cause, paths: Sequence[_Path], position: int, *, states: tuple[State, State], has_roi: bool
) -> Step:
    old, new = states
    accounts: dict[str, int] = {}
    for path in paths:
        change = path.money[position + 1] - path.money[position]
        if change:
            effect = change if path.line.is_benefit else -change
            accounts[path.line.account] = accounts.get(path.line.account, 0) + effect
    roi = new.roi - old.roi if has_roi and new.roi is not None and old.roi is not None else None
    return Step(cause, new.benefit - old.benefit, new.cost - old.cost, accounts, roi)
