"""What a page or a client shows of a case: figures, months, sensitivity, scenarios, bands and charts, as plain values.

Amounts are floats in currency units: what-ifs are not facts, and nothing here is stored or compared with a threshold.
"""

from collections.abc import Sequence
from typing import Any

from portfolio.terms import MICRO
from roi import case_charts, questions, sensitivities, simulations
from roi.engine.sensitivity import SensitivityError
from roi.questions import Plain, Question, QuestionRejected, Terms, Variant
from roi.usecases import as_json, figures
from roi.usecases.base import CaseError
from roi.usecases.figures import CaseFigures
from roi.vega import Spec

Answer = dict[str, Any]

_COMPARED = (
    *("total_cost", "total_value", "net_benefit", "one_time_cost", "roi_percent", "npv", "npv_at_hurdle"),
    *("irr_percent", "payback_months", "discounted_payback_months", "breakeven_month"),
)


def answer(asked: Plain, *, terms: Terms) -> Answer:
    """Return the answer to a stored case; a scenario that no longer fits its drivers is left out and named.

    Raises QuestionRejected for anything else that cannot be used.
    """
    question, left_out = fitting(asked, terms=terms)
    found = evaluate(question)
    return found | {"problems": [*left_out, *found["problems"]]}


def fitting(asked: Plain, *, terms: Terms) -> tuple[Question, list[str]]:
    """Return a stored case's question with the scenarios that fit it, and a sentence for each that does not."""
    try:
        return questions.read(asked, terms=terms), []
    except QuestionRejected as rejected:
        if set(rejected.errors) != {"scenarios"}:
            raise
        broken = rejected.errors["scenarios"]
    stated = list(asked["scenarios"])
    kept = [one for number, one in enumerate(stated) if str(number) not in broken]
    sentences = [
        f"{stated[int(number)]['name']} is left out: {QuestionRejected(errors)}"
        for number, errors in broken.items()
    ]
    return questions.read({**asked, "scenarios": kept}, terms=terms), sentences


def evaluate(question: Question) -> Answer:
    """Return everything that is shown of a case; raises QuestionRejected where its amounts leave the ledger's range."""
    case = question.case
    try:
        found = figures.figures_of(case)
    except CaseError as error:
        raise QuestionRejected({"drivers": [str(error)]}) from error
    told = as_json.figures(case, found)
    problems: list[str] = []
    scenarios = _scenarios(told, question.variants, problems)
    tornado, sentence = _tornado(question, problems)
    bands = simulations.bands(case, question.draws) if question.draws else None
    months = _months(found)
    return {
        "template": case.template.name,
        "months": case.months,
        "currency": case.currency,
        "discount_rate": case.discount_rate,
        "hurdle_rate": case.hurdle_rate,
        "figures": {name: value for name, value in told.items() if name != "multi_year"},
        "multi_year": told["multi_year"],
        "monthly": months,
        "tornado": tornado,
        "sentence": sentence,
        "scenarios": scenarios,
        "bands": bands,
        "problems": problems,
        "charts": {
            "cash": _cash(told, months, bands),
            "tornado": case_charts.tornado(tornado, currency=case.currency, base_net=told["net_benefit"]),
            "scenarios": case_charts.scenarios(scenarios, currency=case.currency),
        },
    }


def _months(found: CaseFigures) -> list[Answer]:
    """Return the money of each month of the horizon."""
    columns = {name: (amounts / MICRO).tolist() for name, amounts in found.monthly.items()}
    months = len(columns["benefit"])
    return [
        {"month": month + 1}
        | {name: column[month] for name, column in columns.items()}
        | {"net": columns["benefit"][month] - columns["run_cost"][month] - columns["one_time_cost"][month]}
        for month in range(months)
    ]


def _scenarios(told: Answer, variants: Sequence[Variant], problems: list[str]) -> list[Answer]:
    """Return the base and every scenario side by side; one that cannot be computed is named in the problems."""
    rows = [_row("Base", "base", {}, told)]
    for variant in variants:
        try:
            found = as_json.figures(variant.case, figures.figures_of(variant.case))
        except CaseError as error:
            problems.append(f"{variant.name}: {error}")
            continue
        rows.append(_row(variant.name, variant.kind, dict(variant.changed), found))
    return rows


def _row(name: str, kind: str, drivers: Answer, told: Answer) -> Answer:
    reasons = {name: code for name, code in told["reasons"].items() if name in _COMPARED}
    compared = {name: told[name] for name in _COMPARED}
    return {"name": name, "kind": kind, "drivers": drivers} | compared | {"reasons": reasons}


def _tornado(question: Question, problems: list[str]) -> tuple[list[Answer], str]:
    if question.change is None:
        return [], ""
    try:
        return sensitivities.tornado(question.case, question.change)
    except SensitivityError as error:
        problems.append(str(error))
        return [], ""


def _cash(told: Answer, months: list[Answer], bands: Answer | None) -> Spec:
    return case_charts.cash(
        months,
        currency=told["currency"],
        breakeven=told["breakeven_month"],
        bands=bands["cumulative_net"] if bands else (),
    )
