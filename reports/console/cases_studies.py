"""Studies of a case that a worker computes: the newest one as the page shows it, asked for until it is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from portfolio.models import User
from reports.console import cases_door, figures, pages
from reports.console.cases_forms import shown_drivers
from roi import studies
from roi.models import BusinessCase, CaseStudy
from roi.usecases.base import HiddenCosts, Template
from roi.usecases.drivers import drivers_of

KIND = "sobol"
SEED = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One driver's part in the uncertainty."""

    label: str
    first: SafeString
    total: SafeString
    share: float


@dataclass(frozen=True, slots=True)
class Study:
    """A study as the page shows it."""

    public_id: UUID
    asked_at: datetime
    is_open: bool
    problem: str
    rows: list[Row]
    note: str


def newest(case: BusinessCase, template: Template) -> Study | None:
    """Return the newest study of the drivers' shares; None where nobody asked for one."""
    found = CaseStudy.objects.filter(case=case, kind=KIND).order_by("-id").first()
    return shown(found, template) if found else None


def shown(study: CaseStudy, template: Template) -> Study:
    """Return a study with its drivers under their labels, the largest share first."""
    result: Mapping[str, Any] = study.result or {}
    known = (*shown_drivers(template), *drivers_of(HiddenCosts))
    labels = {one.name: one.label for one in known}
    rows = [_row(row, labels) for row in result.get("indices", ())]
    return Study(
        study.public_id,
        study.asked_at,
        study.state == "asked",
        study.problem if study.state == "failed" else "",
        sorted(rows, key=lambda row: -row.share),
        str(result.get("note", "")),
    )


def _row(row: Mapping[str, Any], labels: Mapping[str, str]) -> Row:
    first, total = row["first"], row["total"]
    share = min(max(float(total or 0), 0.0), 1.0)
    return Row(
        labels.get(row["driver"], row["driver"]), figures.percent(first), figures.percent(total), share
    )


def ask(case: BusinessCase, *, now: datetime, actor: User) -> CaseStudy:
    """Ask a worker for the drivers' shares of the saved case; raises what `roi.studies.ask` raises."""
    return studies.ask(case, KIND, stated={"seed": SEED, "correlations": []}, now=now, actor=actor)


@require_GET
def state(request: HttpRequest, public_id: UUID, study_id: UUID) -> HttpResponseBase:
    """Answer with a study as it stands."""
    opened = cases_door.found(request, public_id)
    study = CaseStudy.objects.filter(case=opened.case, public_id=study_id).first()
    if study is None:
        raise Http404
    found = shown(study, opened.template)
    answer = HttpResponse(
        render_to_string("reports/case_study_state.html", {"study": found}, request=request)
    )
    answer["X-Is-Open"] = "yes" if found.is_open else "no"
    return answer


pages.add("cases/<uuid:public_id>/studies/<uuid:study_id>/", state, "reports_case_study")
