"""Studies: computations on a case too long for a request, asked for with all their inputs and made by a worker."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from portfolio import nudge
from portfolio.models import User
from roi import cases, questions, simulations
from roi.cases import CaseRefused
from roi.engine import sobol
from roi.engine.result import Reason
from roi.engine.sensitivity import SensitivityError
from roi.engine.sobol import SobolIndices
from roi.models import BusinessCase, CaseStudy
from roi.questions import Draws, QuestionRejected, Terms
from roi.usecases import base
from roi.usecases.base import Case, HiddenCosts
from roi.usecases.drivers import drivers_of

logger = logging.getLogger(__name__)

Plain = dict[str, Any]

TASK, QUEUE = "roi.run_study", "report"
MOST_TRIES = 3
MOST_WAITING = 5  # of one case
_DEFAULT_LOG2 = {"sobol": 12, "monte_carlo": 14}
_SOBOL_LOG2 = (6, 14)
_FAILED = "The computation failed three times for no foreseen reason; it has been logged. Ask again, or tell support."


@transaction.atomic
def ask(case: BusinessCase, kind: str, *, stated: Mapping[str, Any], now: datetime, actor: User) -> CaseStudy:
    """Ask for a study of a case as it stands, and return it; one with equal inputs is not computed twice.

    `stated` has the seed and what differs from the case: log2_draws, distributions, correlations. Raises
    QuestionRejected for inputs that cannot be drawn, CaseRefused when too many studies wait.
    """
    inputs = _inputs(case, kind, stated)
    same = CaseStudy.objects.filter(case=case, kind=kind, inputs=inputs).exclude(state="failed")
    if found := same.first():
        return found
    if CaseStudy.objects.filter(case=case, state="asked").count() >= MOST_WAITING:
        raise CaseRefused(f"{MOST_WAITING} studies of this case are waiting; ask again when one is done.")
    study = CaseStudy.objects.create(case=case, kind=kind, inputs=inputs, asked_by=actor, asked_at=now)
    nudge.call(TASK, queue=QUEUE)
    return study


def run(*, clock: Callable[[], datetime]) -> int:
    """Compute what was asked for and return how many studies were finished; other workers' are passed over."""
    finished = 0
    for pk in CaseStudy.objects.filter(state="asked").order_by("pk").values_list("pk", flat=True)[:50]:
        if _claim(pk, clock):
            finished += _finish(pk, clock)
    return finished


def compute(kind: str, inputs: Mapping[str, Any]) -> Plain:
    """Return the result of a study. The same inputs give the same result in any process.

    Raises QuestionRejected and SensitivityError with the sentence that is shown.
    """
    case = questions.read_case(inputs["case"], terms=Terms(**inputs["terms"]))
    draws = questions.read_draws(inputs["draws"], case)
    return simulations.bands(case, draws) if kind == "monte_carlo" else _sobol(case, draws)


def _inputs(case: BusinessCase, kind: str, stated: Mapping[str, Any]) -> Plain:
    """Return everything a study depends on. Raises QuestionRejected for what cannot be computed."""
    terms = cases.terms(case)
    asked = cases.question(case, scenarios=[])
    rates = {name: float(value) for name, value in _rates(asked, terms).items()}
    draws = {
        "seed": int(stated.get("seed") or 0),
        "log2_draws": int(stated.get("log2_draws") or _DEFAULT_LOG2[kind]),
        "distributions": stated.get("distributions", case.distributions),
        "correlations": stated.get("correlations", case.correlations),
    }
    _refuse_beyond(kind, draws)
    inputs = {
        "case": {name: asked[name] for name in ("template", "months", "drivers", "hidden_costs")},
        "terms": {**rates, "currency": terms.currency},
        "draws": draws,
    }
    questions.read_draws(draws, questions.read_case(inputs["case"], terms=Terms(**inputs["terms"])))
    return inputs


def _rates(asked: Mapping[str, Any], terms: Terms) -> Plain:
    stated = {name: asked[name] for name in ("discount_rate", "hurdle_rate")}
    return {name: getattr(terms, name) if value is None else value for name, value in stated.items()}


def _refuse_beyond(kind: str, draws: Mapping[str, Any]) -> None:
    if kind != "sobol":
        return
    least, most = _SOBOL_LOG2
    if not least <= draws["log2_draws"] <= most:
        raise QuestionRejected({"log2_draws": [f"Sobol indices take 2^{least} to 2^{most} points."]})
    if draws["correlations"]:
        sentence = (
            "Sobol indices divide variance among independent drivers. State no correlations ([]), or ask for "
            "monte_carlo, which keeps them."
        )
        raise QuestionRejected({"correlations": [sentence]})


def _claim(pk: int, clock: Callable[[], datetime]) -> bool:
    """Count a try before it is made, so that a study that takes its worker down is not tried for ever."""
    with transaction.atomic():
        study = CaseStudy.objects.select_for_update(skip_locked=True).filter(pk=pk, state="asked").first()
        if study is None:
            return False
        if study.tries >= MOST_TRIES:
            _end(study, "failed", now=clock(), problem=study.problem or _FAILED)
            return False
        study.tries += 1
        study.save(update_fields=["tries"])
    return True


def _finish(pk: int, clock: Callable[[], datetime]) -> int:
    """Compute one study under its row's lock, which is released whatever becomes of this process."""
    with transaction.atomic():
        study = CaseStudy.objects.select_for_update(skip_locked=True).filter(pk=pk, state="asked").first()
        if study is None:
            return 0
        try:
            result = compute(study.kind, study.inputs)
        except (QuestionRejected, SensitivityError) as error:
            _end(study, "failed", now=clock(), problem=str(error))
        except Exception:
            logger.exception("Study %s of case %s failed, try %s.", study.kind, study.case_id, study.tries)
            if study.tries < MOST_TRIES:
                return 0
            _end(study, "failed", now=clock(), problem=_FAILED)
        else:
            _end(study, "done", now=clock(), result=result)
    return 1


def _end(
    study: CaseStudy, state: str, *, now: datetime, problem: str = "", result: Plain | None = None
) -> None:
    study.state, study.problem, study.result, study.finished_at = state, problem, result, now
    study.save(update_fields=["state", "problem", "result", "finished_at"])


def _sobol(case: Case, draws: Draws) -> Plain:
    found = sobol.sobol_indices(
        base.model(case), draws.distributions, seed=draws.seed, n=1 << draws.log2_draws
    )
    net, roi = found.net_benefit, found.roi
    shares = {"indices": _rows(net, case), "roi_indices": _rows(roi, case)}
    named = (("indices", net), ("roi_indices", roi))
    reasons = {name: figure.value for name, figure in named if isinstance(figure, Reason)}
    settled = net if isinstance(net, SobolIndices) else None
    return {
        **shares,
        "points": 1 << draws.log2_draws,
        "seed": draws.seed,
        "is_settled": settled.is_settled if settled else None,
        "joint_share": settled.joint_share if settled else None,
        "note": settled.note() if settled else "No driver that is drawn moves the net benefit.",
        "reasons": reasons,
    }


def _rows(found: SobolIndices | Reason, case: Case) -> Sequence[Plain]:
    """Return the shares of variance by driver, the greatest first; none where they are undefined."""
    if isinstance(found, Reason):
        return []
    known = (*drivers_of(case.template.drivers), *drivers_of(HiddenCosts))  # type: ignore[arg-type]  # a class hashes
    labels = {one.name: one.label for one in known}
    return [
        {
            "driver": one.driver,
            "label": labels[one.driver],
            "first": one.first_order,
            "total": one.total,
        }
        for one in found.drivers
    ]
