"""What detecting rare cases is worth: fraud caught against false alarms, and defects kept from escaping."""

from dataclasses import dataclass
from math import inf

from roi.engine.result import Figure, Reason, undefined

WORKING_DAYS = 250


@dataclass(frozen=True, slots=True)
class Detector:
    """How often it is right about a case and wrong about everything else; fractions between 0 and 1."""

    recall: float  # true positive rate: share of the cases it catches
    false_positive_rate: float  # share of the others it flags

    def __post_init__(self) -> None:
        _require_share(self.recall, "Recall")
        _require_share(self.false_positive_rate, "The false positive rate")


@dataclass(frozen=True, slots=True)
class Stakes:
    """What one case missed loses, and what one false alarm costs to put right; currency units."""

    loss: float
    false_alarm_cost: float

    def __post_init__(self) -> None:
        if not (0 <= self.loss < inf and 0 <= self.false_alarm_cost < inf):
            raise ValueError(
                "The loss of a case and the cost of a false alarm are finite numbers, not negative."
            )


@dataclass(frozen=True, slots=True)
class Screening:
    """What screening a volume does; counts are expected values, money in currency units."""

    caught: float
    missed: float
    false_alarms: float
    prevented_loss: float
    false_alarm_cost: float

    @property
    def net(self) -> float:
        """Return prevented loss less the cost of false alarms; the detector's own cost is not in it."""
        return self.prevented_loss - self.false_alarm_cost

    @property
    def precision(self) -> Figure:
        """Return the share of alarms that are cases; `no_volume` without alarms."""
        alarms = self.caught + self.false_alarms
        return Figure(self.caught / alarms) if alarms > 0 else undefined(Reason.NO_VOLUME)


@dataclass(frozen=True, slots=True)
class Escapes:
    """Defects that get past inspection, before and after, in a period."""

    before: float
    after: float

    @property
    def avoided(self) -> float:
        """Return how many fewer escape; negative when there are more."""
        return self.before - self.after

    @property
    def change(self) -> Figure:
        """Return after / before - 1; undefined where none escaped before."""
        return (
            Figure(self.after / self.before - 1) if self.before > 0 else undefined(Reason.NON_POSITIVE_BASE)
        )

    def value(self, cost_per_escape: float) -> float:
        """Return the downstream cost avoided."""
        return self.avoided * cost_per_escape


def screen(volume: float, *, prevalence: float | None, detector: Detector, stakes: Stakes) -> Screening:
    """Return what screening a volume is worth: N p TPR L - N (1 - p) FPR c.

    Raises ValueError where the prevalence p is not stated: rates alone say nothing about money.
    """
    _require_count(volume, "The volume screened")
    share = _stated_prevalence(prevalence)
    cases, others = volume * share, volume * (1 - share)
    caught, false_alarms = cases * detector.recall, others * detector.false_positive_rate
    return Screening(
        caught=caught,
        missed=cases - caught,
        false_alarms=false_alarms,
        prevented_loss=caught * stakes.loss,
        false_alarm_cost=false_alarms * stakes.false_alarm_cost,
    )


def breakeven_prevalence(detector: Detector, *, stakes: Stakes) -> Figure:
    """Return the prevalence above which the net is positive: FPR c / (TPR L + FPR c).

    `never_pays_back` where catching a case is worth nothing.
    """
    gained = detector.recall * stakes.loss
    spent = detector.false_positive_rate * stakes.false_alarm_cost
    return Figure(spent / (gained + spent)) if gained > 0 else undefined(Reason.NEVER_PAYS_BACK)


def breakeven_loss(detector: Detector, *, prevalence: float | None, false_alarm_cost: float = 1.0) -> Figure:
    """Return what a case must be worth for the net to be 0: (1 - p) FPR c / (p TPR), in units of `false_alarm_cost`.

    `never_pays_back` where nothing is caught. Raises ValueError where the prevalence is not stated.
    """
    share = _stated_prevalence(prevalence)
    caught = share * detector.recall
    if caught <= 0:
        return undefined(Reason.NEVER_PAYS_BACK)
    return Figure((1 - share) * detector.false_positive_rate * false_alarm_cost / caught)


def escapes(units: float, *, rate_before: float, rate_after: float, days: float = 1) -> Escapes:
    """Return the defects that escape among `units` a day over a number of days (250 working days make a year)."""
    _require_count(units, "The units inspected a day")
    _require_count(days, "The days")
    _require_share(rate_before, "The escape rate before")
    _require_share(rate_after, "The escape rate after")
    return Escapes(before=units * days * rate_before, after=units * days * rate_after)


def _stated_prevalence(prevalence: float | None) -> float:
    if prevalence is None:
        raise ValueError(
            "State the prevalence, the share of the volume that really are cases: "
            "recall and a false positive rate alone say nothing about money."
        )
    _require_share(prevalence, "The prevalence")
    return prevalence


def _require_share(share: float, what: str) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{what} is a fraction between 0 and 1; {share:g} is not.")


def _require_count(count: float, what: str) -> None:
    if not 0 <= count < inf:
        raise ValueError(f"{what} must be a finite number, not negative; {count:g} is not.")
