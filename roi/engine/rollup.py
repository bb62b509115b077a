"""Portfolio arithmetic: sums by group that add up to the total, untraced spend, the reserve, and who gets too much."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from roi.engine.result import Figure, Reason, undefined
from roi.engine.wording import percent

NONE = "(none)"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Sums in micro-units of one currency, of any size. `overlap` is benefit that a pool leaves out."""

    run: int = 0
    one_time: int = 0
    benefit: int = 0
    overlap: int = 0

    @property
    def cost(self) -> int:
        """Return run and one-time cost."""
        return self.run + self.one_time

    @property
    def net(self) -> int:
        """Return benefit without what is claimed twice, less cost."""
        return self.benefit - self.overlap - self.cost

    def __add__(self, other: "Amounts") -> "Amounts":
        """Return the sum, amount by amount."""
        return Amounts(
            self.run + other.run,
            self.one_time + other.one_time,
            self.benefit + other.benefit,
            self.overlap + other.overlap,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What one investment adds to one group; `reason` says why its own cumulative figures are undefined."""

    group: str
    investment: str
    amounts: Amounts
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of a group's parts. ROI has a reason where a member's figures have one, or there is no cost."""

    name: str
    investments: tuple[str, ...]
    amounts: Amounts
    roi: Figure


@dataclass(frozen=True, slots=True)
class RollUp:
    """Groups, the dearest first and those without a name last, and their total."""

    groups: tuple[Group, ...]
    total: Group


def roll_up(parts: Sequence[Part]) -> RollUp:
    """Return the sums by group and in total; a part without a group falls under "(none)"."""
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        by_name.setdefault(part.group or NONE, []).append(part)
    groups = [_group(name, members) for name, members in by_name.items()]
    groups.sort(key=lambda group: (group.name == NONE, -group.amounts.cost, group.name))
    return RollUp(tuple(groups), _group("", parts))


def _group(name: str, parts: Sequence[Part]) -> Group:
    total = Amounts()
    for part in parts:
        total += part.amounts
    return Group(name, tuple(sorted({part.investment for part in parts})), total, _roi(total, parts))


def _roi(total: Amounts, parts: Iterable[Part]) -> Figure:
    reason = next((part.reason for part in parts if part.reason is not None), None)
    if reason is not None:
        return undefined(reason)
    if total.cost <= 0:
        return undefined(Reason.NO_COST_YET if total.cost == 0 else Reason.NON_POSITIVE_BASE)
    return Figure(float(Fraction(total.net, total.cost)))


@dataclass(frozen=True, slots=True)
class Spend:
    """The run cost of an investment in micro-units, and whether anything says what it is for."""

    investment: str
    run: int
    has_benefit_line: bool
    has_metric: bool

    @property
    def is_untraced(self) -> bool:
        """Whether nothing measures what the money brings."""
        return not (self.has_benefit_line or self.has_metric)


@dataclass(frozen=True, slots=True)
class Untraced:
    """Run cost that nothing is measured against, in micro-units, its share of all run cost, and whose it is."""

    run: int
    total_run: int
    share: Figure
    investments: tuple[str, ...]


def untraced(spends: Sequence[Spend]) -> Untraced:
    """Return the run cost without a benefit line or hypothesis metric; a share needs positive run cost."""
    without = [spend for spend in spends if spend.is_untraced and spend.run]
    run, total = sum(spend.run for spend in without), sum(spend.run for spend in spends)
    if total <= 0:
        share = undefined(Reason.NO_COST_YET if total == 0 else Reason.NON_POSITIVE_BASE)
    else:
        share = Figure(float(Fraction(run, total)))
    return Untraced(run, total, share, tuple(spend.investment for spend in without))


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept for experiments against what should be: money or person-months, whichever was given."""

    available: Decimal | None
    target: Decimal | None
    used: Decimal
    share: Figure

    @property
    def shortfall(self) -> Decimal | None:
        """Return how much is missing to the target; 0 when it is met."""
        return None if self.target is None else max(self.target - self.used, Decimal(0))


def reserve(available: Decimal | None, *, target_share: Decimal, used: Decimal) -> Reserve:
    """Return what experiments use of what is available; `not_stated` where nobody said how much that is."""
    if available is None:
        return Reserve(None, None, used, undefined(Reason.NOT_STATED))
    if available <= 0:
        return Reserve(available, Decimal(0), used, undefined(Reason.NON_POSITIVE_BASE))
    return Reserve(available, available * target_share, used, Figure(float(used / available)))


@dataclass(frozen=True, slots=True)
class Funded:
    """What one investment gets and earns lately. Amounts are micro-units of the window; rates are fractions."""

    investment: str
    spend: int
    incremental_roi: Figure
    hurdle_rate: float
    proposal: str | None


@dataclass(frozen=True, slots=True)
class Misfunded:
    """An investment that gets too little or too much, with the reasons in words."""

    investment: str
    spend: int
    share: Fraction
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """Under-investment beside over-investment, each with its sum in micro-units."""

    under: tuple[Misfunded, ...]
    over: tuple[Misfunded, ...]
    total_spend: int

    @property
    def under_spend(self) -> int:
        """Return what goes to those that could use more."""
        return sum(one.spend for one in self.under)

    @property
    def over_spend(self) -> int:
        """Return what goes to those that do not earn it."""
        return sum(one.spend for one in self.over)


def balance(funded: Sequence[Funded], *, far_above: float = 1.0) -> Balance:
    """Return who gets too little and who too much.

    Too little: the scorecard proposes to double down; or, where it proposes nothing that speaks against it, incremental
    ROI is `far_above` above the hurdle at less than an equal share of spend. Too much: it proposes to pull back, or
    incremental ROI is below the hurdle. Nobody is both: the proposal goes first.
    """
    total = sum(one.spend for one in funded)
    under, over = [], []
    for one in funded:
        share = Fraction(one.spend, total) if total > 0 else Fraction(0)
        few, many = _reasons(one, is_small=share * len(funded) < 1, far_above=far_above)
        if few:
            under.append(Misfunded(one.investment, one.spend, share, few))
        elif many:
            over.append(Misfunded(one.investment, one.spend, share, many))
    under.sort(key=lambda one: (one.spend, one.investment))
    over.sort(key=lambda one: (-one.spend, one.investment))
    return Balance(tuple(under), tuple(over), total)


def _reasons(one: Funded, *, is_small: bool, far_above: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    roi = one.incremental_roi.value
    hurdle = percent(one.hurdle_rate)
    earns = "" if roi is None else f"incremental ROI {percent(roi)} against a hurdle of {hurdle}"
    if one.proposal == "double_down":
        return ("the scorecard proposes to double down", *((earns,) if earns else ())), ()
    is_below = roi is not None and roi < one.hurdle_rate
    if one.proposal == "pull_back" or is_below:
        said = ("the scorecard proposes to pull back",) if one.proposal == "pull_back" else ()
        return (), (*said, *((earns,) if is_below else ()))
    if roi is not None and roi >= one.hurdle_rate + far_above and is_small:
        return (f"{earns}, at less than an equal share of spend",), ()
    return (), ()
