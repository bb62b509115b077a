"""Figures as known at an earlier knowledge time: the snapshots as they would have been computed then, unsaved.

They are computed by today's engine; what was *shown* then lives in copied evidence with its engine version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from portfolio.models import Investment
from portfolio.terms import Basis, from_micros, month_index
from roi import inputs, rows, snapshots
from roi.binary_copy import Column
from roi.engine import metrics
from roi.engine.result import ENGINE_VERSION
from roi.models import Snapshot, SnapshotHead


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of one investment: its terms then, its months in order, and the head they would have had."""

    investment: Investment
    snapshots: Sequence[Snapshot]
    head: SnapshotHead

    def at(self, month: date | None) -> Snapshot | None:
        """Return the snapshot of a month, None where there is none."""
        return next((one for one in self.snapshots if one.month == month), None)

    @property
    def newest_complete(self) -> Snapshot | None:
        """Return the snapshot of the newest closed and complete month."""
        return self.at(self.head.last_complete_month)


def figures(
    investments: Sequence[Investment],
    *,
    knowledge: int | None,
    all_months_irr: bool = False,
    newest_only: bool = False,
) -> dict[int, Known]:
    """Return what was known of each investment at a knowledge time (None: now); who was not registered is left out.

    IRR, MIRR and discounted payback are those of the newest complete month, of every month with `all_months_irr`.
    With `newest_only` the months before the newest complete one, and those after it, are left out.
    One load for all of them. The caller holds one consistent view of the database.
    """
    if not investments:
        return {}
    loaded = inputs.load(investments, knowledge=knowledge)
    if not loaded.investments:
        return {}
    prints = snapshots.fingerprints(loaded)
    known = np.full(len(loaded.investments), -1 if knowledge is None else knowledge, dtype=np.int64)
    everybody = np.arange(len(loaded.investments))
    computed = metrics.compute(loaded.series, all_months_irr=all_months_irr)
    columns = rows.columns(loaded, computed, prints, knowledge=known, members=everybody)
    if newest_only:
        columns = _newest(columns, loaded)
    by_name = {column.name: _values(column) for column in columns}
    found: dict[int, list[Snapshot]] = {i.pk: [] for i in loaded.investments}
    for values in zip(*by_name.values(), strict=True):
        snapshot = Snapshot(**dict(zip(by_name, values, strict=True)))
        found[snapshot.investment_id].append(snapshot)
    planned = rows.planned_months(loaded)
    result = {}
    for row, investment in enumerate(loaded.investments):
        for snapshot in found[investment.pk]:
            snapshot.investment = investment
        last_month, last_complete = rows.last_months(loaded, row)
        head = SnapshotHead(
            investment_id=investment.pk,
            engine_version=ENGINE_VERSION,
            fingerprint=UUID(bytes=prints[row, int(loaded.series.length[row]) - 1].tobytes()),
            last_month=last_month,
            last_complete_month=last_complete,
            planned_breakeven_month=planned[row].breakeven,
            planned_discounted_payback_month=planned[row].payback,
            planned_live_month=planned[row].live,
        )
        result[investment.pk] = Known(investment, found[investment.pk], head)
    return result


def planned(
    investments: Sequence[Investment], *, knowledge: int | None, month: date
) -> dict[int, tuple[Decimal, Decimal]]:
    """Return planned cost and supported benefit of months 1 to `month`, of each investment whose approved plan has it.

    Money is in the portfolio's reporting currency. The caller holds one consistent view of the database.
    """
    loaded = inputs.load(investments, knowledge=knowledge) if investments else None
    if loaded is None or loaded.plan is None:
        return {}
    computed = metrics.compute(loaded.plan)
    benefit = computed.by_basis[Basis.SUPPORTED].cumulative_benefit
    found = {}
    for row, investment in enumerate(loaded.investments):
        column = month_index(month) - int(loaded.first_month[row])
        is_planned = bool(loaded.has_plan[row]) and 0 <= column < int(loaded.plan.length[row])
        if is_planned and computed.cumulative_reason[row, column] == 0:
            cost = from_micros(int(computed.tco[row, column]))
            found[investment.pk] = (cost, from_micros(int(benefit[row, column])))
    return found


def _newest(columns: Sequence[Column], loaded: inputs.Inputs) -> list[Column]:
    """Return the rows of each investment's newest complete month."""
    complete = loaded.series.complete
    has_any = np.asarray(complete.any(axis=1))
    newest = complete.shape[1] - np.asarray(
        np.argmax(complete[:, ::-1], axis=1)
    )  # a month number, 1 is the first
    number_of = {
        one.pk: int(newest[row]) if has_any[row] else 0 for row, one in enumerate(loaded.investments)
    }
    by_name = {column.name: column.values for column in columns}
    ids, numbers = by_name["investment_id"].tolist(), by_name["month_number"].tolist()
    kept = np.array(
        [number_of[pk] == number for pk, number in zip(ids, numbers, strict=True)], dtype=np.bool_
    )
    return [
        Column(one.name, one.type, one.values[kept], None if one.null is None else one.null[kept])
        for one in columns
    ]


def plain(snapshot: Snapshot) -> Mapping[str, Any]:
    """Return every stored figure of a snapshot by its name, as JSON keeps it: money as text, undefined as None."""
    return {
        field.name: _plain(getattr(snapshot, field.name))
        for field in Snapshot._meta.concrete_fields
        if field.name not in ("id", "investment", "knowledge", "fingerprint", "reasons", "engine_version")
    } | {"fingerprint": str(snapshot.fingerprint), "reasons": bytes(snapshot.reasons).hex()}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _values(column: Column) -> list[Any]:
    if column.type == "bytes":
        raw: list[Any] = [one.tobytes() for one in column.values]
        values = [UUID(bytes=one) for one in raw] if column.name == "fingerprint" else raw
    elif column.type == "micros":
        values = [from_micros(one) for one in column.values.tolist()]
    elif column.type == "date":
        values = [date.fromordinal(one) for one in column.values.tolist()]
    else:
        values = column.values.tolist()
    if column.null is None:
        return values
    return [None if absent else value for value, absent in zip(values, column.null.tolist(), strict=True)]
