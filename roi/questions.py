"""What-ifs as they are asked: plain values of a request, a form or a stored case, read into a case and its variants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from roi.engine import changes, distribution_values
from roi.engine import correlations as copula
from roi.engine.changes import ChangeError, Points, Relative
from roi.engine.correlations import CorrelationError, Correlations
from roi.engine.distributions import Distribution, DistributionError
from roi.engine.monte_carlo import DEFAULT_LOG2_DRAWS
from roi.usecases import TEMPLATES, base
from roi.usecases import drivers as template_drivers
from roi.usecases.base import Case, CaseError, HiddenCosts
from roi.usecases.drivers import Driver, DriversRejected, Unit, drivers_of

Plain = Mapping[str, Any]
Errors = dict[str, Any]

SCENARIO_KINDS = ("pessimistic", "base", "optimistic", "own")
MOST_SCENARIOS = 8
DEFAULT_CHANGE = {"relative": 0.1}


class QuestionRejected(ValueError):
    """A question that cannot be answered; `errors` has one sentence each, nested like the question itself."""

    def __init__(self, errors: Errors) -> None:
        self.errors = errors
        super().__init__(" ".join(_sentences(errors)))


class _Sentence(ValueError):
    """One thing that is wrong with one value."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question leaves open: annual rates as fractions, and the currency."""

    discount_rate: float = 0.10
    hurdle_rate: float = 0.10
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario: the case with some drivers at other values, which are `changed`."""

    name: str
    kind: str
    changed: Plain
    case: Case


@dataclass(frozen=True, slots=True)
class Draws:
    """How a case is drawn."""

    seed: int
    log2_draws: int
    distributions: Mapping[str, Distribution]
    correlations: Correlations | None


@dataclass(frozen=True, slots=True)
class Question:
    """A case, by how much its drivers are moved one at a time, its scenarios, and how it is drawn, if it is."""

    case: Case
    change: Plain | None = None
    variants: Sequence[Variant] = field(default_factory=tuple)
    draws: Draws | None = None


def read(asked: Plain, *, terms: Terms = Terms()) -> Question:
    """Return the question asked by plain values; raises QuestionRejected with a sentence for each that is wrong."""
    case = read_case(asked, terms=terms)
    errors: Errors = {}
    variants = _collect(errors, "scenarios", lambda: _variants(asked, case, terms))
    draws = None
    if asked.get("monte_carlo") is not None:
        draws = _collect(errors, "monte_carlo", lambda: read_draws(asked["monte_carlo"], case))
    if errors:
        raise QuestionRejected(errors)
    return Question(case, asked.get("tornado", DEFAULT_CHANGE), variants or (), draws)


def read_case(asked: Plain, *, terms: Terms = Terms()) -> Case:
    """Return the case of a question; raises QuestionRejected."""
    template = TEMPLATES.get(str(asked.get("template")))
    if template is None:
        raise QuestionRejected({"template": [f"There is no template of this name: {', '.join(TEMPLATES)}."]})
    errors: Errors = {}
    hidden = _collect(errors, "hidden_costs", lambda: _amounts(asked.get("hidden_costs") or {}))
    stated = asked.get("drivers") or {}
    _collect(errors, "drivers", lambda: template_drivers.read(template.drivers, stated))
    if errors:
        raise QuestionRejected(errors)
    try:
        return base.read_case(
            template,
            stated,
            hidden_costs=hidden,
            months=asked.get("months"),
            discount_rate=_rate(asked, "discount_rate", terms.discount_rate),
            hurdle_rate=_rate(asked, "hurdle_rate", terms.hurdle_rate),
            currency=terms.currency,
        )
    except DriversRejected as rejected:
        raise QuestionRejected({"drivers": _of_drivers(rejected)}) from rejected
    except CaseError as error:
        raise QuestionRejected({"months": [str(error)]}) from error


def _rate(asked: Plain, name: str, otherwise: float) -> float:
    stated = asked.get(name)
    return otherwise if stated is None else float(stated)


def _amounts(answers: Plain) -> Plain:
    """Return the amount of each hidden cost: as stated, or 0 where it is answered by why there is none."""
    amounts: dict[str, Any] = {}
    errors: Errors = {}
    for name, answer in answers.items():
        if not isinstance(answer, Mapping):
            amounts[name] = answer
        elif set(answer) == {"none"} and str(answer["none"] or "").strip():
            amounts[name] = 0
        else:
            errors[name] = ['Answer with an amount, or with {"none": "why there is no such cost"}.']
    if errors:
        raise QuestionRejected(errors)
    template_drivers.read(HiddenCosts, amounts)
    return amounts


def _variants(asked: Plain, case: Case, terms: Terms) -> tuple[Variant, ...]:
    found: list[Variant] = []
    errors: Errors = {}
    for position, stated in enumerate(asked.get("scenarios") or ()):
        variant = _collect(errors, str(position), partial(_variant, asked, stated, case, terms))
        if variant:
            found.append(variant)
    if errors:
        raise QuestionRejected(errors)
    return tuple(found)


def _variant(asked: Plain, stated: Plain, case: Case, terms: Terms) -> Variant:
    known = {one.name: one for one in drivers_of(type(case.drivers))}  # type: ignore[arg-type]  # a class hashes
    values = {
        name: _changed(known.get(name), case, change)
        for name, change in (stated.get("drivers") or {}).items()
    }
    drivers = {name: getattr(case.drivers, name) for name in known} | values
    varied = read_case({**asked, "drivers": drivers, "months": case.months}, terms=terms)
    return Variant(str(stated["name"]), str(stated.get("kind") or "own"), values, varied)


def _changed(one: Driver | None, case: Case, change: Any) -> Any:
    """Return a driver's value in a scenario: a value, or the base changed by {"relative": x} or {"points": x}."""
    if not isinstance(change, Mapping) or one is None or one.is_text:
        return change
    before = float(getattr(case.drivers, one.name))
    try:
        step = changes.parse(change)
    except ChangeError as error:
        raise QuestionRejected({"drivers": {one.name: [str(error)]}}) from error
    if isinstance(step, Points) and one.unit is not Unit.FRACTION:
        raise QuestionRejected(
            {"drivers": {one.name: [f'{one.label} is no share; state {{"relative": 0.1}}.']}}
        )
    return step.applied_to(before) if isinstance(step, Relative | Points) else change


def read_draws(stated: Plain, case: Case) -> Draws:
    """Return how a case is to be drawn, each driver within its bounds. Raises QuestionRejected."""
    errors: Errors = {}
    distributions = _collect(errors, "distributions", lambda: _distributions(stated, case))
    correlations = _collect(
        errors, "correlations", lambda: _correlations(stated.get("correlations") or (), distributions or {})
    )
    if errors:
        raise QuestionRejected(errors)
    seed, log2_draws = int(stated.get("seed") or 0), int(stated.get("log2_draws") or DEFAULT_LOG2_DRAWS)
    return Draws(seed, log2_draws, distributions, correlations)


def _distributions(stated: Plain, case: Case) -> dict[str, Distribution]:
    own: tuple[Driver, ...] = drivers_of(type(case.drivers))  # type: ignore[arg-type]  # a class hashes
    known = {one.name: one for one in (*own, *drivers_of(HiddenCosts))}
    errors: Errors = {}
    found: dict[str, Distribution] = {}
    for name, plain in (stated.get("distributions") or {}).items():
        one = _collect(errors, name, partial(_distribution, known.get(name), name, plain))
        if one is not None:
            found[name] = one
    if errors:
        raise QuestionRejected(errors)
    if not found:
        raise _Sentence("State the distribution of at least one driver.")
    return found


def _distribution(one: Driver | None, name: str, plain: Plain) -> Distribution:
    if one is None:
        raise _Sentence(f"There is no driver {name}.")
    if not one.may_vary:
        raise _Sentence(f"{one.label} is a choice and cannot be drawn.")
    return distribution_values.truncate(distribution_values.parse(plain), low=one.low, high=one.high)


def _correlations(stated: Sequence[Plain], known: Mapping[str, Distribution]) -> Correlations | None:
    if not stated:
        return None
    found = copula.parse(stated)
    absent = [name for name in found.names if name not in known]
    if absent:
        raise _Sentence(
            f"There is no distribution for {', '.join(absent)}, so nothing can be correlated with it."
        )
    return found


def _collect(errors: Errors, key: str, work: Callable[[], Any]) -> Any:
    """Return what the work returns; where it refuses, keep its sentences under the key and return None."""
    try:
        return work()
    except DriversRejected as rejected:
        errors[key] = _of_drivers(rejected)
    except QuestionRejected as rejected:
        errors[key] = rejected.errors
    except (_Sentence, DistributionError, CorrelationError) as error:
        errors[key] = [str(error)]
    return None


def _of_drivers(rejected: DriversRejected) -> Errors:
    return {error.name: [error.message] for error in rejected.errors}


def _sentences(errors: Any) -> list[str]:
    if isinstance(errors, Mapping):
        return [sentence for part in errors.values() for sentence in _sentences(part)]
    return [str(error) for error in errors]
