"""What can be done on the page of a case: save, keep as a scenario, submit, export. Everything is one verb of `roi`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from reports import case_workbook
from reports.console import cases_answers, cases_brackets, cases_door, cases_page, cases_studies, pages
from reports.console.cases_door import Opened
from reports.console.cases_sheet import Sheet
from roi import cases
from roi.cases import CaseRefused
from roi.engine.sensitivity import SensitivityError
from roi.models import BusinessCase
from roi.questions import QuestionRejected
from roi.usecases.base import CaseError

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REFUSALS = (CaseRefused, CaseError, SensitivityError, QuestionRejected)
_STALE_INPUTS = "Some inputs cannot be used as they are; each says why. Nothing was saved."


@dataclass(frozen=True, slots=True)
class Posted:
    """A posted page: who posted what on which case."""

    request: HttpRequest
    opened: Opened
    sheet: Sheet
    revision: int
    shown: cases_answers.Shown = field(default_factory=lambda: cases_answers.Shown(None))

    @property
    def case(self) -> BusinessCase:
        """The case."""
        return self.opened.case


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show a case, or do what was asked on its page; looking is for every member, changing for those who record."""
    opened = cases_door.found(request, public_id)
    if request.method == "GET":
        return cases_page.stored(request, opened)
    sheet = cases_page.sheet_of(opened, request.POST)
    posted = Posted(request, opened, sheet, _revision(request, opened))
    if "forget" in request.POST:
        return _act(posted, _forget)
    wanted = request.POST.get("act", "show")
    if wanted not in _ACTS:
        return _show(posted)
    posted = Posted(request, opened, sheet, posted.revision, cases_page.answer(opened, sheet))
    if posted.shown.results is None:
        return _show(posted, _STALE_INPUTS)
    return _act(posted, _ACTS[wanted])


def _act(posted: Posted, act: Callable[[Posted], HttpResponseBase]) -> HttpResponseBase:
    if act is not _workbook and not posted.opened.may_record:
        return _show(posted, cases_page.submit_refusal(posted.opened))
    try:
        return act(posted)
    except QuestionRejected as rejected:
        return _show(posted, *cases_answers.sentences(rejected.errors))
    except _REFUSALS as error:
        return _show(posted, str(error))


def _show(posted: Posted, *refusals: str) -> HttpResponse:
    typed = {"scenario_name": posted.request.POST.get("scenario_name", "")[:80]}
    typed["scenario_kind"] = posted.request.POST.get("scenario_kind", "own")
    sheet = cases_page.sheet_of(posted.opened, posted.request.POST)
    return cases_page.show(
        posted.request, posted.opened, sheet, refusals=list(refusals), revision=posted.revision, **typed
    )


def _save(posted: Posted) -> HttpResponseBase:
    saved = _saved(posted)
    messages.success(posted.request, f"Saved as revision {saved.revision}.")
    return redirect("admin:reports_case", saved.public_id)


def _submit(posted: Posted) -> HttpResponseBase:
    return redirect("admin:reports_case_submit", _saved(posted).public_id)


def _saved(posted: Posted) -> BusinessCase:
    content = posted.shown.content or {}
    return cases.save(
        posted.case,
        content,
        revision=posted.revision,
        now=timezone.now(),
        actor=pages.user_of(posted.request),
    )


def _scenario(posted: Posted) -> HttpResponseBase:
    changed = posted.sheet.changed()
    name = posted.request.POST.get("scenario_name", "").strip()
    if not changed:
        raise CaseRefused("Change at least one driver first: a scenario is what differs from the saved case.")
    if not name:
        raise CaseRefused("Name the scenario.")
    _put(posted, name, posted.request.POST.get("scenario_kind", "own"), changed)
    messages.success(
        posted.request, f"Scenario “{name}” is kept beside the case; the case itself is as it was."
    )
    return redirect(f"{reverse('admin:reports_case', args=[posted.case.public_id])}?scenario={quote(name)}")


def _bracket(posted: Posted) -> HttpResponseBase:
    content = posted.shown.content or {}
    asked = cases_answers.asked_of(posted.sheet, content)
    question = cases_answers.read(asked, terms=posted.opened.terms)
    for kind, drivers in cases_brackets.of(question.case, content["distributions"]).items():
        _put(posted, kind.capitalize(), kind, drivers)
    words = "the ends of the drivers' ranges" if content["distributions"] else "10% both ways"
    messages.success(posted.request, f"Pessimistic and optimistic are kept: every driver at once at {words}.")
    return redirect("admin:reports_case", posted.case.public_id)


def _put(posted: Posted, name: str, kind: str, drivers: dict[str, float]) -> None:
    actor = pages.user_of(posted.request)
    cases.put_scenario(posted.case, name, kind=kind, drivers=drivers, now=timezone.now(), actor=actor)


def _forget(posted: Posted) -> HttpResponseBase:
    name = posted.request.POST["forget"]
    if cases.delete_scenario(posted.case, name):
        messages.success(posted.request, f"Scenario “{name}” is deleted.")
    return redirect("admin:reports_case", posted.case.public_id)


def _workbook(posted: Posted) -> HttpResponseBase:
    content = posted.shown.content or {}
    scenarios = list(posted.case.scenarios.all())
    asked = cases_answers.asked_of(posted.sheet, content, scenarios=scenarios)
    question = cases_answers.read(asked, terms=posted.opened.terms)
    others = [(variant.name, variant.case) for variant in question.variants]
    book = case_workbook.render(question.case, title=content["title"], now=timezone.now(), scenarios=others)
    name = (
        "".join(letter if letter.isalnum() else "-" for letter in content["title"])[:60].strip("-") or "case"
    )
    answer = HttpResponse(book, content_type=XLSX)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}.xlsx"
    return answer


def _study(posted: Posted) -> HttpResponseBase:
    cases_studies.ask(posted.case, now=timezone.now(), actor=pages.user_of(posted.request))
    return redirect(f"{reverse('admin:reports_case', args=[posted.case.public_id])}#study-title")


def _revision(request: HttpRequest, opened: Opened) -> int:
    written = request.POST.get("revision", "")
    return int(written) if written.isdigit() and len(written) < 10 else opened.case.revision


_ACTS: dict[str, Callable[[Posted], HttpResponseBase]] = {
    "save": _save,
    "submit": _submit,
    "scenario": _scenario,
    "bracket": _bracket,
    "workbook": _workbook,
    "study": _study,
}

pages.add("cases/<uuid:public_id>/", page, "reports_case")
