"""One import run: the preview of what it would change, and committing, discarding or undoing it."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from portfolio import access, ingest
from portfolio.access import Action
from portfolio.ingest import IngestError
from portfolio.knowledge import KnowledgeError
from portfolio.models import ImportRun, StagedRow, User
from portfolio.terms import EntryKind
from reports.console import grid_notation, imports, pages
from reports.console.grid_notation import NIL, Notation

PER_PAGE = 100
STATUSES = ("rejected", "changed", "new", "unchanged")


@dataclass(frozen=True, slots=True)
class Shown:
    """A staged row as the page shows it: what stood there and what the file states."""

    row: StagedRow
    old: str
    new: str
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """How many values of a run are late, restate a closed month, or lie in a locked one."""

    late: int
    restated: int
    locked: int
    total: int


def _run(request: HttpRequest, public_id: UUID) -> ImportRun:
    try:
        return imports.open_runs(pages.user_of(request)).select_related("created_by").get(public_id=public_id)
    except ImportRun.DoesNotExist as error:
        raise Http404 from error


@require_GET
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show a run value by value, filtered by what would become of each."""
    run = _run(request, public_id)
    counts: dict[str, int] = dict(run.rows.values_list("status").annotate(n=Count("id")).order_by())
    tab = request.GET.get("status", "")
    if tab not in STATUSES:
        tab = next((each for each in STATUSES if counts.get(each)), "new")
    rows = run.rows.filter(status=tab).select_related("investment", "account")
    notation = grid_notation.chosen(request, None)
    listed = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    marks = _marks(run)
    return pages.render(
        request,
        "reports/imports_run.html",
        f"Import of {run.file_name}",
        run=run,
        tabs=[(each, counts.get(each, 0)) for each in STATUSES],
        tab=tab,
        listed=listed,
        shown=[_shown(row, notation) for row in listed],
        marks=marks,
        is_second=_is_second_person(pages.user_of(request), run, marks),
        changes=counts.get("new", 0) + counts.get("changed", 0),
    )


def _marks(run: ImportRun) -> Marks:
    sound = ~Q(status="rejected")
    return Marks(
        **run.rows.aggregate(
            late=Count("id", filter=sound & Q(is_late=True)),
            restated=Count("id", filter=sound & Q(is_restatement=True)),
            locked=Count("id", filter=sound & ~Q(message="")),
            total=Count("id"),
        )
    )


def _shown(row: StagedRow, notation: Notation) -> Shown:
    old = row.old_amount if row.old_amount is not None else row.old_quantity
    new = row.amount if row.amount is not None else row.quantity
    return Shown(
        row=row,
        old="" if old is None else notation.write(old),
        new=NIL if row.kind == EntryKind.NIL.value else "" if new is None else notation.write(new),
        is_locked=row.status != "rejected" and bool(row.message),
    )


def _is_second_person(user: User, run: ImportRun, marks: Marks) -> bool:
    """Return whether the user approves what another person staged for locked months."""
    if not marks.locked or run.created_by is None or run.created_by == user:
        return False
    touched = set(
        run.rows.filter(investment__isnull=False).values_list("investment__portfolio_id", flat=True)
    )
    return all(access.may(user, Action.CLOSE, portfolio_id) for portfolio_id in touched)


@require_POST
def commit(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Record a staged run as a whole; a second person's commit of locked months counts as their approval."""
    run, user = _run(request, public_id), pages.user_of(request)
    is_second = _is_second_person(user, run, _marks(run))
    try:
        done = ingest.commit(
            run,
            user=run.created_by if is_second else user,
            approver=user if is_second else None,
            now=timezone.now(),
            reason=request.POST.get("reason", "").strip()[:2_000],
        )
    except (IngestError, KnowledgeError) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            f"Committed: {done.new_count} new, {done.changed_count} changed, {done.unchanged_count} same.",
        )
    return redirect("admin:reports_import", public_id)


@require_POST
def discard(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Forget a staged or refused run."""
    run = _run(request, public_id)
    try:
        ingest.discard(run)
    except IngestError as error:
        messages.error(request, str(error))
        return redirect("admin:reports_import", public_id)
    messages.success(request, f"The import of {run.file_name} was discarded; nothing was recorded.")
    return redirect("admin:reports_imports")


@require_POST
def undo(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """State again what was known before a committed run."""
    run = _run(request, public_id)
    try:
        ingest.undo(run, user=pages.user_of(request), now=timezone.now())
    except (IngestError, KnowledgeError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Undone: the ledger states again what it stated before this import.")
    return redirect("admin:reports_import", public_id)


pages.add("imports/<uuid:public_id>/", page, "reports_import")
pages.add("imports/<uuid:public_id>/commit/", commit, "reports_import_commit")
pages.add("imports/<uuid:public_id>/discard/", discard, "reports_import_discard")
pages.add("imports/<uuid:public_id>/undo/", undo, "reports_import_undo")
