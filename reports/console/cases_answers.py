"""What a sheet of inputs amounts to: its question asked of `roi.what_ifs`, refusals hung to their inputs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.forms import Form
from django.http import JsonResponse

from reports.console import cases_results, cases_sheet
from reports.console.cases_sheet import Sheet
from roi import questions, what_ifs
from roi.models import Scenario
from roi.questions import Question, QuestionRejected, Terms

Values = Mapping[str, Any]
# Where a refused part of a question is typed: the form, and the end of the input's name.
_INPUTS = {
    ("drivers",): ("drivers", ""),
    ("hidden_costs",): ("hidden", ""),
    ("monte_carlo", "distributions"): ("spread", "_kind"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The right side of the page, or the sentences why there is none; `content` is what was asked."""

    results: Mapping[str, Any] | None
    refusals: list[str] = field(default_factory=list)
    content: Values | None = None


def of_sheet(sheet: Sheet, *, scenarios: Sequence[Scenario], correlations: Sequence[Any]) -> Shown:
    """Return what a bound sheet amounts to; what cannot be used is left at its input."""
    if not sheet.is_valid():
        return Shown(None)
    content = {**sheet.content(), "correlations": list(correlations)}
    asked = asked_of(sheet, content, scenarios=scenarios)
    try:
        answer = ask(asked, terms=sheet.stored.terms)
    except QuestionRejected as rejected:
        return Shown(None, list(_refused(sheet, rejected.errors)), content)
    return Shown(cases_results.context(answer), content=content)


def asked_of(sheet: Sheet, content: Values, *, scenarios: Sequence[Scenario] = ()) -> Values:
    """Return the question a valid sheet asks."""
    return cases_sheet.question(
        content,
        scenarios=[stated(one) for one in scenarios],
        correlations=content["correlations"],
        change=sheet.view.cleaned_data["change"],
    )


def read(asked: Values, *, terms: Terms) -> Question:
    """Return a question as cases; a scenario that does not fit the drivers as they stand is left out."""
    try:
        return questions.read(asked, terms=terms)
    except QuestionRejected as rejected:
        return questions.read(_without_broken(asked, rejected)[0], terms=terms)


def problem(forms: Iterable[Form], refusals: Sequence[str]) -> JsonResponse:
    """Return the refusal of a look: a pointer to each input by its name, and what speaks of none of them."""
    errors = [
        {"pointer": f"#/{form.add_prefix(name) if name in form.fields else ''}", "detail": str(sentence)}
        for form in forms
        for name, said in form.errors.items()
        for sentence in said
    ]
    errors += [{"pointer": "#/", "detail": sentence} for sentence in refusals]
    answer = {"title": "Some inputs cannot be used as they are.", "status": 400, "errors": errors}
    return JsonResponse(answer, status=400, content_type="application/problem+json")


def ask(asked: Values, *, terms: Terms) -> dict[str, Any]:
    """Return the answer; a scenario that does not fit the drivers as they stand now is left out and named.

    Raises QuestionRejected for anything else that cannot be used.
    """
    try:
        return what_ifs.evaluate(questions.read(asked, terms=terms))
    except QuestionRejected as rejected:
        fitting, said = _without_broken(asked, rejected)
        answer = what_ifs.evaluate(questions.read(fitting, terms=terms))
        return {**answer, "problems": [*answer["problems"], *said]}


def _without_broken(asked: Values, rejected: QuestionRejected) -> tuple[Values, list[str]]:
    """Return the question without the scenarios that were refused, and why; raises what was refused beside them."""
    if set(rejected.errors) != {"scenarios"}:
        raise rejected
    broken = rejected.errors["scenarios"]
    kept = [one for number, one in enumerate(asked["scenarios"]) if str(number) not in broken]
    said = [
        f"Scenario {asked['scenarios'][int(number)]['name']} is left out: {' '.join(sentences(errors))}"
        for number, errors in broken.items()
    ]
    return {**asked, "scenarios": kept}, said


def stated(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as a question states it."""
    return {"name": scenario.name, "kind": scenario.kind, "drivers": scenario.drivers}


def values_of(scenario: Scenario, sheet: Sheet) -> dict[str, Any]:
    """Return the drivers that a scenario sets, as values; none where it does not fit the sheet."""
    if not sheet.is_valid():
        return {}
    asked = asked_of(sheet, {**sheet.content(), "correlations": []}, scenarios=[scenario])
    try:
        variants = questions.read({**asked, "monte_carlo": None}, terms=sheet.stored.terms).variants
    except QuestionRejected:
        return {}
    return dict(variants[0].changed)


def _refused(sheet: Sheet, errors: Values) -> Iterator[str]:
    """Hang every sentence to the input it speaks of; yield those that speak of none."""
    for path, sentence in _flat(errors):
        form_name, ending = _INPUTS.get(path[:-1], ("", ""))
        form = getattr(sheet, form_name) if form_name else None
        if form is not None and f"{path[-1]}{ending}" in form.fields:
            form.add_error(f"{path[-1]}{ending}", sentence)
        elif path == ("months",):
            sheet.terms.add_error("months", sentence)
        else:
            yield sentence


def _flat(errors: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(errors, Mapping):
        for name, part in errors.items():
            yield from _flat(part, (*path, str(name)))
    else:
        yield from ((path, str(sentence)) for sentence in errors)


def sentences(errors: Any) -> list[str]:
    """Return every sentence of a refusal, wherever it is nested."""
    return [sentence for _, sentence in _flat(errors)]
