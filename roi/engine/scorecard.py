"""The scorecard: six criteria as computed tests, and what they propose. People decide.

A criterion that cannot be judged is neither passed nor failed: it is named, with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from statistics import fmean, pstdev

from portfolio.terms import DecisionKind
from roi.engine.result import Reason
from roi.engine.unit_cost import Elasticity
from roi.engine.wording import percent, signed


class Criterion(StrEnum):
    """What is tested, in the order shown."""

    SCALE = "scale"
    VALUE_GROWTH = "value_growth"
    USER_VALUE = "user_value"
    QUALITY = "quality"
    STRATEGY = "strategy"
    DIFFERENTIATION = "differentiation"


class Verdict(StrEnum):
    """How a test came out."""

    PASSED = "passed"
    FAILED = "failed"
    UNDEFINED = "undefined"


class ThresholdError(ValueError):
    """A threshold that means nothing; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a portfolio asks of an investment. Shares are fractions."""

    value_growth_margin: float = 0.0  # how far value may grow slower than cost
    way_to_target: float = 0.8  # of what is due on the way from baseline to target
    adoption_fall: float = 0.0  # how far adoption may fall from one window to the next
    quality_tolerance: float = 0.05  # of the target
    quality_variation: float = 0.2  # coefficient of variation
    importance: int = 4  # of 5
    differentiation: int = 3  # of 5
    rating_age_months: int = 12


_LARGEST: Mapping[str, float] = {"importance": 5, "differentiation": 5, "rating_age_months": 120}
_SMALLEST: Mapping[str, float] = {"importance": 1, "differentiation": 1, "rating_age_months": 1}


def thresholds_of(stated: Mapping[str, object]) -> Thresholds:
    """Return the thresholds with what was stated in place of the defaults. Raises ThresholdError."""
    types = {field.name: field.type for field in fields(Thresholds)}
    for name, value in stated.items():
        if name not in types:
            raise ThresholdError(f"There is no threshold named {name[:40]}.")
        low, high = _SMALLEST.get(name, 0.0), _LARGEST.get(name, 10.0)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= float(str(value)) <= high:
            raise ThresholdError(f"The threshold {name} must be a number from {low:g} to {high:g}.")
        if name in _LARGEST and not isinstance(value, int):
            raise ThresholdError(f"The threshold {name} must be a whole number.")
    return Thresholds(**stated)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Growth:
    """Window benefit and run cost in micro-units: the last window, and the one before it."""

    benefit: int
    benefit_before: int
    run: int
    run_before: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The metric of the hypothesis: where it began, should end and stands, and how much of the time has passed."""

    metric: str
    unit: str
    baseline: Decimal
    target: Decimal
    reading: Decimal
    elapsed: float  # 0 at the baseline, 1 from the target date on


@dataclass(frozen=True, slots=True)
class Adoption:
    """What counts use, over the last window and the one before it."""

    unit: str
    now: float
    before: float


@dataclass(frozen=True, slots=True)
class Readings:
    """A quality account by month: what was read, and what was planned (None where no plan says)."""

    account: str
    values: Sequence[float]
    targets: Sequence[float | None]
    is_higher_better: bool


@dataclass(frozen=True, slots=True)
class Rating:
    """Something people rate from 1 to 5, since when and until when it counts."""

    value: int
    rated_on: date
    expires_on: date
    narrative: str
    is_superseded: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the criteria are judged on; where a Reason stands, the evidence is missing and the reason says why."""

    unit: str
    elasticity: Elasticity | Reason
    growth: Growth | Reason
    claim: Claim | Reason
    adoption: Adoption | Reason
    quality: Sequence[Readings] | Reason
    importance: Rating | Reason
    differentiation: Rating | Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """One criterion: its verdict, why in one sentence, and what it was judged on and against."""

    criterion: Criterion
    verdict: Verdict
    sentence: str
    inputs: Mapping[str, str]
    thresholds: tuple[str, ...]
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Six findings and what they propose; no proposal where nothing could be judged."""

    findings: tuple[Finding, ...]
    proposal: DecisionKind | None
    reasons: tuple[str, ...]

    @property
    def undefined(self) -> tuple[Criterion, ...]:
        """Return what could not be judged."""
        return tuple(one.criterion for one in self.findings if one.verdict is Verdict.UNDEFINED)


TITLES: Mapping[Criterion, str] = {
    Criterion.SCALE: "Unit cost falls with volume",
    Criterion.VALUE_GROWTH: "Value grows as fast as cost",
    Criterion.USER_VALUE: "User value is clear",
    Criterion.QUALITY: "Quality is steady",
    Criterion.STRATEGY: "Strategic importance is high",
    Criterion.DIFFERENTIATION: "Differentiated",
}
# Source A: double down when all of these hold, pull back when one of those does not.
DOUBLE_DOWN = (Criterion.SCALE, Criterion.USER_VALUE, Criterion.STRATEGY)
PULL_BACK = (Criterion.VALUE_GROWTH, Criterion.QUALITY, Criterion.DIFFERENTIATION)


def score(evidence: Evidence, *, thresholds: Thresholds, today: date) -> Scorecard:
    """Return the six findings and the proposal with its reasons."""
    findings = (
        _scale(evidence),
        _growth(evidence.growth, thresholds),
        _user_value(evidence, thresholds),
        _quality(evidence.quality, thresholds),
        _strategy(evidence.importance, thresholds, today),
        _differentiation(evidence.differentiation, thresholds, today),
    )
    return propose(findings)


def propose(findings: Sequence[Finding]) -> Scorecard:
    """Return what the findings propose; what is undefined counts neither way."""
    verdict = {one.criterion: one.verdict for one in findings}
    failed = [one for one in findings if one.verdict is Verdict.FAILED]
    against = [one for one in failed if one.criterion in PULL_BACK]
    is_strong = all(verdict[criterion] is Verdict.PASSED for criterion in DOUBLE_DOWN)
    proposal: DecisionKind | None
    if all(one is Verdict.UNDEFINED for one in verdict.values()):
        return Scorecard(tuple(findings), None, ("No criterion could be judged.",))
    if is_strong and against:
        proposal, grounds = DecisionKind.OPTIMIZE, [one for one in findings if one.criterion in DOUBLE_DOWN]
        grounds += against
    elif is_strong:
        proposal, grounds = (
            DecisionKind.DOUBLE_DOWN,
            [one for one in findings if one.criterion in DOUBLE_DOWN],
        )
    elif against:
        proposal, grounds = DecisionKind.PULL_BACK, against
    elif failed:
        proposal, grounds = DecisionKind.OPTIMIZE, failed
    else:
        proposal, grounds = (
            DecisionKind.CONTINUE,
            [one for one in findings if one.verdict is Verdict.PASSED],
        )
    return Scorecard(tuple(findings), proposal, tuple(one.sentence for one in grounds))


def _missing(criterion: Criterion, reason: Reason, *thresholds: str) -> Finding:
    return Finding(criterion, Verdict.UNDEFINED, _WHY[criterion], {}, thresholds, reason)


def _judged(
    criterion: Criterion, is_passed: bool, sentence: str, inputs: Mapping[str, str], *thresholds: str
) -> Finding:
    verdict = Verdict.PASSED if is_passed else Verdict.FAILED
    return Finding(criterion, verdict, sentence, inputs, thresholds)


_WHY: Mapping[Criterion, str] = {
    Criterion.SCALE: "Unit cost and volume are not known for six complete months with differing volume.",
    Criterion.VALUE_GROWTH: "Two whole windows with positive benefit and run cost are needed.",
    Criterion.USER_VALUE: "The hypothesis needs a metric that the ledger records, a baseline, a target and its date, "
    "and two windows with a count of use.",
    Criterion.QUALITY: "No quality is recorded in the window's months together with a target of the plan.",
    Criterion.STRATEGY: "Nobody rated the strategic importance, or the rating has expired.",
    Criterion.DIFFERENTIATION: "Nobody rated the differentiation, or the rating is too old.",
}


def _scale(evidence: Evidence) -> Finding:
    found, limit = evidence.elasticity, "the interval lies below 0"
    if isinstance(found, Reason):
        return _missing(Criterion.SCALE, found, limit)
    inputs = {
        "unit": evidence.unit.replace("_", " "),
        "elasticity": signed(found.slope, ".2f"),
        "interval": f"{signed(found.low, '.2f')} to {signed(found.high, '.2f')} ({found.confidence:.0%})",
        "months": str(found.months),
    }
    verb = "falls" if found.is_falling else "does not provably fall"
    sentence = (
        f"The cost per {inputs['unit']} {verb} with volume: elasticity {inputs['elasticity']}, "
        f"{inputs['interval']}."
    )
    return _judged(Criterion.SCALE, found.is_falling, sentence, inputs, limit)


def _growth(found: Growth | Reason, thresholds: Thresholds) -> Finding:
    limit = f"at most {thresholds.value_growth_margin:.0%} slower"
    if isinstance(found, Reason):
        return _missing(Criterion.VALUE_GROWTH, found, limit)
    if found.benefit_before <= 0 or found.run_before <= 0:
        return _missing(Criterion.VALUE_GROWTH, Reason.NON_POSITIVE_BASE, limit)
    # B1/B0 - R1/R0 >= -margin, without a quotient: equality passes, exactly.
    margin = Decimal(str(thresholds.value_growth_margin))
    base = found.benefit_before * found.run_before
    lead = found.benefit * found.run_before - found.run * found.benefit_before
    is_passed = lead >= -margin * base
    value, cost = found.benefit / found.benefit_before - 1, found.run / found.run_before - 1
    sentence = f"Value {_moved(value)} and run cost {_moved(cost)} from the window before to the last."
    inputs = {"value growth": percent(value), "run cost growth": percent(cost)}
    return _judged(Criterion.VALUE_GROWTH, is_passed, sentence, inputs, limit)


def _moved(change: float) -> str:
    text = percent(abs(change))
    return f"{'rose' if change > 0 else 'fell'} by {text}" if text != "0.0%" else "did not change"


def _user_value(evidence: Evidence, thresholds: Thresholds) -> Finding:
    claim, adoption = evidence.claim, evidence.adoption
    limits = (
        f"{thresholds.way_to_target:.0%} of the way that is due",
        f"adoption falls by at most {thresholds.adoption_fall:.0%}",
    )
    if isinstance(claim, Reason):
        return _missing(Criterion.USER_VALUE, claim, *limits)
    if isinstance(adoption, Reason):
        return _missing(Criterion.USER_VALUE, adoption, *limits)
    if claim.target == claim.baseline:
        return _missing(Criterion.USER_VALUE, Reason.NOT_STATED, *limits)
    way = (claim.reading - claim.baseline) / (claim.target - claim.baseline)
    due = Decimal(str(thresholds.way_to_target)) * Decimal(str(claim.elapsed))
    is_adopted = adoption.now >= adoption.before * (1 - thresholds.adoption_fall)
    verb = "did not fall" if is_adopted else "fell"
    sentence = (
        f"{claim.metric} stands at {claim.reading.normalize():f}, {way:.0%} of the way from "
        f"{claim.baseline.normalize():f} to {claim.target.normalize():f}, where {due:.0%} is due; adoption {verb}."
    )
    inputs = {
        claim.metric: f"{claim.reading.normalize():f} {claim.unit}".strip(),
        "way to target": f"{way:.0%}",
        "due by now": f"{due:.0%}",
        f"{adoption.unit.replace('_', ' ')} count": f"{adoption.before:,.0f}, then {adoption.now:,.0f}",
    }
    return _judged(Criterion.USER_VALUE, way >= due and is_adopted, sentence, inputs, *limits)


def _quality(found: Sequence[Readings] | Reason, thresholds: Thresholds) -> Finding:
    limits = (
        f"no month worse than target by more than {thresholds.quality_tolerance:.0%}",
        f"coefficient of variation at most {thresholds.quality_variation:g}",
    )
    if isinstance(found, Reason):
        return _missing(Criterion.QUALITY, found, *limits)
    judged = [one for one in found if any(target is not None for target in one.targets)]
    if not judged:
        return _missing(Criterion.QUALITY, Reason.NO_PLAN, *limits)
    faults, inputs = [], {}
    for one in judged:
        below, variation = _below(one, thresholds.quality_tolerance), _variation(one.values)
        inputs[one.account] = ", ".join(f"{value:g}" for value in one.values)
        inputs[f"{one.account}, variation"] = "undefined" if variation is None else f"{variation:.2f}"
        if below:
            faults.append(f"{one.account} missed its target in {below} of {len(one.values)} months")
        if variation is not None and variation > thresholds.quality_variation:
            faults.append(f"{one.account} varies by {variation:.2f}")
    names = ", ".join(one.account for one in judged)
    sentence = f"{'; '.join(faults)}." if faults else f"{names}: on target and steady."
    return _judged(Criterion.QUALITY, not faults, sentence, inputs, *limits)


def _below(found: Readings, tolerance: float) -> int:
    """Return in how many months a reading is worse than its target by more than the tolerance."""
    count = 0
    for value, target in zip(found.values, found.targets, strict=True):
        if target is None:
            continue
        worse = target - value if found.is_higher_better else value - target
        count += worse > abs(target) * tolerance
    return count


def _variation(values: Sequence[float]) -> float | None:
    """Return the population standard deviation over the mean; None where the mean is 0 or one value stands alone."""
    mean = fmean(values) if values else 0.0
    return pstdev(values) / abs(mean) if mean and len(values) > 1 else None


def _strategy(found: Rating | Reason, thresholds: Thresholds, today: date) -> Finding:
    limit = f"at least {thresholds.importance} of 5"
    if isinstance(found, Reason) or found.expires_on <= today:
        return _missing(Criterion.STRATEGY, found if isinstance(found, Reason) else Reason.NOT_STATED, limit)
    sentence = f"Strategic importance is rated {found.value} of 5, until {found.expires_on.isoformat()}."
    return _judged(Criterion.STRATEGY, found.value >= thresholds.importance, sentence, _inputs(found), limit)


def _differentiation(found: Rating | Reason, thresholds: Thresholds, today: date) -> Finding:
    limit = f"at least {thresholds.differentiation} of 5, not superseded"
    if not isinstance(found, Reason) and found.is_superseded:
        # What others sell by now does not become special again because nobody looked lately.
        return _judged(
            Criterion.DIFFERENTIATION,
            False,
            f"It is superseded since {found.rated_on.isoformat()}.",
            _inputs(found),
            limit,
        )
    if isinstance(found, Reason) or found.expires_on <= today:
        reason = found if isinstance(found, Reason) else Reason.NOT_STATED
        return _missing(Criterion.DIFFERENTIATION, reason, limit)
    sentence = f"Differentiation is rated {found.value} of 5 on {found.rated_on.isoformat()}."
    is_passed = found.value >= thresholds.differentiation
    return _judged(Criterion.DIFFERENTIATION, is_passed, sentence, _inputs(found), limit)


def _inputs(found: Rating) -> Mapping[str, str]:
    stated = {"rating": f"{found.value} of 5", "rated on": found.rated_on.isoformat()}
    return stated | {"until": found.expires_on.isoformat(), "narrative": found.narrative}
