"""One import run: a file becomes staged rows with a preview, then ledger entries all or nothing, or nothing at all.

Row errors are values stored with the run. A committed run can be undone as long as nothing later stands on it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from portfolio import importers, ledger
from portfolio.access import Action, scope
from portfolio.facts import BUSINESS_CASE, Fact, FactsRejected, Writing
from portfolio.importers.base import FileRefused, Mapping, ParsedFile, ParsedRow, shown
from portfolio.models import Account, Cell, ImportRun, Investment, PlanApproval, Portfolio, StagedRow, User
from portfolio.terms import AccountKind, Book, EntryKind

DEFAULT_SOURCE = "actuals"
_INSERT_AT_ONCE = 2_000
_BATCH_KINDS = {Book.ACTUAL: "actuals", Book.PLAN: "plan", Book.FORECAST: "forecast"}


class IngestError(ValueError):
    """An import that cannot go on; the message is for the user and nothing was written."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The facts of a run that one call of the ledger takes: one portfolio, one book, one version of it."""

    portfolio: Portfolio
    book: Book
    version: int


def stage(
    data: bytes,
    *,
    file_name: str,
    user: User | None,
    now: datetime,
    mapping: Mapping | None = None,
    source: str = DEFAULT_SOURCE,
) -> ImportRun:
    """Read a file in the sandbox, compare it with the ledger, and keep every row with what committing it would do.

    Codes are looked up among the investments the user may record for (None: all, for operators' commands). A file
    that cannot be read at all gives a refused run with the sentence why.
    """
    run = ImportRun(
        file_name=shown(file_name)[:200] or "unnamed",
        file_hash=hashlib.sha256(data).hexdigest(),
        source=source,
        mapping=mapping.as_dict() if mapping else {},
        created_by=user,
        created_at=now,
    )
    try:
        parsed = importers.parse(data, mapping=mapping)
    except FileRefused as refused:
        run.status, run.refusal, run.finished_at = "refused", refused.message, now
        run.save()
        return run
    run.layout, run.rows_read, run.mapping = parsed.layout, parsed.rows_read, parsed.mapping.as_dict()
    run.warnings = [*parsed.warnings, *_seen_before(run)]
    with transaction.atomic():
        run.save()
        staged = _staged(run, parsed, user=user)
        _preview(run, staged)
        counts = _count(staged)
        run.new_count, run.changed_count, run.unchanged_count = (
            counts[status] for status in ("new", "changed", "unchanged")
        )
        run.rejected_count = counts["rejected"] + parsed.errors_left_off
        StagedRow.objects.bulk_create(staged, batch_size=_INSERT_AT_ONCE)
        run.save()
    return run


def _seen_before(run: ImportRun) -> list[str]:
    earlier = ImportRun.objects.filter(file_hash=run.file_hash, status="committed").order_by("-id").first()
    if earlier is None:
        return []
    return [f"This very file was committed before, as import {earlier.pk} on {earlier.created_at:%Y-%m-%d}."]


def _staged(run: ImportRun, parsed: ParsedFile, *, user: User | None) -> list[StagedRow]:
    """Return a staged row for every value of the file, the refused ones first as they were refused."""
    rejected = [
        StagedRow(
            run=run,
            row_number=error.row,
            column=error.column[:120],
            status="rejected",
            message=error.message,
            shown=error.value,
        )
        for error in parsed.errors
    ]
    investments = _investments(parsed.rows, user)
    accounts = {a.code: a for a in Account.objects.filter(is_active=True)}
    return rejected + [_staged_row(run, row, investments, accounts) for row in parsed.rows]


def _investments(rows: Sequence[ParsedRow], user: User | None) -> dict[str, Investment]:
    found = Investment.objects.filter(code__in={row.investment for row in rows}).select_related("portfolio")
    if user is not None:
        found = found.filter(scope(user, Action.RECORD))
    return {i.code: i for i in found}


def _staged_row(
    run: ImportRun, row: ParsedRow, investments: dict[str, Investment], accounts: dict[str, Account]
) -> StagedRow:
    investment, account = investments.get(row.investment), accounts.get(row.account)
    staged = StagedRow(
        run=run,
        row_number=row.row,
        column=row.column[:120],
        status="new",
        month=row.month,
        book=row.book.value,
        kind=row.kind.value,
        amount=row.amount,
        quantity=row.quantity,
        currency=row.currency,
        source_ref=row.source_ref[:200],
        note=row.note[:500],
        shown=_as_stood(row),
        investment=investment,
        account=account,
    )
    if investment is None:
        staged.status = "rejected"
        staged.message = f"There is no investment '{shown(row.investment)}' that you may record for."
    elif account is None:
        staged.status = "rejected"
        staged.message = f"There is no account '{shown(row.account)}'; the template lists them."
    elif not row.currency and account.kind in (AccountKind.COST.value, AccountKind.BENEFIT.value):
        staged.currency = investment.portfolio.reporting_currency
    return staged


def _as_stood(row: ParsedRow) -> str:
    value = row.amount if row.amount is not None else row.quantity
    return shown(f"{row.investment} {row.month:%Y-%m} {row.account} {'nil' if value is None else value}")


def _groups(staged: Sequence[StagedRow]) -> dict[_Group, list[StagedRow]]:
    """Return the rows that may be recorded, grouped for the ledger, portfolios in id order."""
    drafts = draft_versions(
        [s.investment_id for s in staged if s.book == Book.PLAN.value and s.investment_id]
    )
    groups: dict[_Group, list[StagedRow]] = defaultdict(list)
    for row in staged:
        if row.status == "rejected" or row.investment is None:
            continue
        version = drafts.get(row.investment_id or 0, 1) if row.book == Book.PLAN.value else 0
        groups[_Group(row.investment.portfolio, Book(row.book), version)].append(row)
    order = sorted(groups, key=lambda group: (group.portfolio.pk, group.book.value, group.version))
    return {group: groups[group] for group in order}


def draft_versions(investment_ids: Sequence[int]) -> dict[int, int]:
    """Return the plan version an import writes to: the first after the last approved one that no business case wrote.

    Investments whose draft is version 1 may be left out.
    """
    approved = (
        PlanApproval.objects.filter(investment__in=investment_ids)
        .values_list("investment_id")
        .annotate(newest=Max("version"))
        .order_by("investment_id")
    )
    drafts = {investment_id: newest + 1 for investment_id, newest in approved}
    cells = Cell.objects.filter(investment__in=investment_ids, book=Book.PLAN.value, source=BUSINESS_CASE)
    written = cells.order_by("investment_id", "book_version").distinct("investment_id", "book_version")
    for investment_id, version in written.values_list("investment_id", "book_version"):
        if drafts.get(investment_id, 1) == version:
            drafts[investment_id] = version + 1
    return drafts


def _fact(row: StagedRow) -> Fact:
    if row.investment_id is None or row.account_id is None or row.month is None:
        raise IngestError("A rejected row cannot be recorded.")
    return Fact(
        investment_id=row.investment_id,
        month=row.month,
        account_id=row.account_id,
        currency=row.currency,
        amount=row.amount,
        quantity=row.quantity,
        kind=EntryKind(row.kind),
        source_ref=row.source_ref,
        note=row.note,
    )


def _writing(run: ImportRun, group: _Group) -> Writing:
    return Writing(
        source=run.source,
        now=run.created_at,
        actor=run.created_by,
        reason=run.reason,
        book=group.book,
        book_version=group.version,
    )


def _preview(run: ImportRun, staged: Sequence[StagedRow]) -> None:
    """Set on each row what recording it would do, or why it cannot be."""
    for group, rows in _groups(staged).items():
        # A reason is asked for at commit, not while looking.
        writing = replace(_writing(run, group), reason="preview")
        judged, errors = ledger.preview(group.portfolio, [_fact(row) for row in rows], writing=writing)
        for j in judged:
            row = rows[j.position]
            row.status, row.old_amount, row.old_quantity = j.status, j.old_amount, j.old_quantity
            row.is_late, row.is_restatement = j.is_late, j.is_restatement
        for error in errors:
            # A locked month can still be committed with a second person's approval.
            if error.code == "locked":
                rows[error.position].message = error.message
            else:
                rows[error.position].status, rows[error.position].message = "rejected", error.message


def _count(staged: Sequence[StagedRow]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in staged:
        counts[row.status] += 1
    return counts


@transaction.atomic
def commit(
    run: ImportRun, *, user: User | None, now: datetime, reason: str = "", approver: User | None = None
) -> ImportRun:
    """Record every row of a staged run, one batch per portfolio and book in one transaction. Raises IngestError.

    What the ledger holds by now decides, not what the preview saw.
    """
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.status != "staged":
        raise IngestError(f"This import is {run.status}; only a staged one can be committed.")
    if run.rejected_count:
        raise IngestError(
            f"{run.rejected_count} of {run.rows_read} values were rejected. Correct them in the file and import it "
            "again: an import is recorded as a whole or not at all."
        )
    run.reason = reason
    staged = list(run.rows.select_related("investment__portfolio", "account"))
    totals = {"new": 0, "changed": 0, "unchanged": 0}
    for group, rows in _groups(staged).items():
        writing = replace(_writing(run, group), now=now, actor=user, approver=approver)
        try:
            done = ledger.record(
                group.portfolio,
                [_fact(row) for row in rows],
                writing=writing,
                kind=_BATCH_KINDS[group.book],
                import_run=run,
            )
        except FactsRejected as refused:
            raise IngestError(_sentence(refused, rows)) from refused
        for status in totals:
            totals[status] += getattr(done, status)
    run.new_count, run.changed_count, run.unchanged_count = (
        totals["new"],
        totals["changed"],
        totals["unchanged"],
    )
    run.status, run.finished_at = "committed", now
    run.save()
    return run


def _sentence(refused: FactsRejected, rows: Sequence[StagedRow]) -> str:
    first = refused.errors[0]
    where = f"Row {rows[first.position].row_number}: {first.message}"
    others = len(refused.errors) - 1
    return where + (f" {others} more rows are refused." if others else "") + " Nothing was recorded."


@transaction.atomic
def undo(run: ImportRun, *, user: User | None, now: datetime, approver: User | None = None) -> ImportRun:
    """State again what was known before a committed run. Raises IngestError where later facts stand on it."""
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.status != "committed":
        raise IngestError(f"This import is {run.status}; only a committed one can be undone.")
    try:
        for batch in run.batches.select_related("portfolio").order_by("portfolio_id", "-id"):
            ledger.undo(batch, actor=user, now=now, approver=approver)
    except FactsRejected as refused:
        raise IngestError(refused.errors[0].message) from refused
    run.status = "undone"
    run.save()
    return run


def discard(run: ImportRun) -> None:
    """Forget a staged or refused run and its rows; a committed one stays as evidence. Raises IngestError."""
    if run.status not in ("staged", "refused"):
        raise IngestError(f"This import is {run.status}; only a staged one can be discarded.")
    run.delete()
