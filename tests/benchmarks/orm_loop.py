"""The comparison: one investment at a time, rows as objects, sums in Python, one save a month."""

import time
from collections import defaultdict
from decimal import Decimal

from django.db import transaction

from portfolio.assumptions import rates_of
from portfolio.models import Cell, Investment, MonthState
from portfolio.terms import Basis, add_months, month_index
from roi.engine import time_value
from roi.models import Snapshot, SnapshotHead


def run(sample: int) -> dict[str, float]:
    """Compute and store the headline figures of `sample` investments; returns the seconds it took."""
    started = time.perf_counter()
    for investment in Investment.objects.order_by("pk")[:sample]:
        _one(investment)
    return {"seconds": time.perf_counter() - started, "investments": sample}


@transaction.atomic
def _one(investment: Investment) -> None:
    rates = rates_of([investment])[investment.pk]
    closed = set(MonthState.objects.filter(portfolio=investment.portfolio).values_list("month", flat=True))
    benefit: dict[int, Decimal] = defaultdict(Decimal)
    run_cost: dict[int, Decimal] = defaultdict(Decimal)
    once: dict[int, Decimal] = defaultdict(Decimal)
    volume: dict[int, Decimal] = defaultdict(Decimal)
    cells = Cell.objects.filter(investment=investment, book="actual").select_related("account")
    for cell in cells:
        number = month_index(cell.month) - month_index(investment.start_month)
        if cell.account.kind == "benefit":
            benefit[number] += cell.amount or 0
        elif cell.account.kind == "volume":
            volume[number] += cell.quantity or 0
        elif cell.account.nature == "one_time":
            once[number] += cell.amount or 0
        else:
            run_cost[number] += cell.amount or 0
    flows = [0.0] * (max(run_cost) + 2)
    tco = gained = Decimal(0)
    Snapshot.objects.filter(investment=investment).delete()
    for number in range(max(run_cost) + 1):
        tco += run_cost[number] + once[number]
        gained += benefit[number]
        flows[number] -= float(once[number])
        flows[number + 1] += float(benefit[number] - run_cost[number])
        window = range(max(0, number - 2), number + 1)
        earned, spent = sum(benefit[i] for i in window), sum(run_cost[i] for i in window)
        npv = (
            time_value.npv(time_value.monthly_rate(float(rates.discount_rate)), flows[: number + 2]).value
            or 0.0
        )
        month = add_months(investment.start_month, number)
        snapshot = Snapshot(
            investment=investment,
            month=month,
            month_number=number + 1,
            knowledge=1,
            engine_version=1,
            fingerprint=investment.public_id,
            is_closed=month in closed,
            is_complete=True,
            is_missing_fx=False,
            run_cost=run_cost[number],
            avoidable_run_cost=run_cost[number],
            one_time_cost=once[number],
            tco=tco,
            window_avoidable_run_cost=spent,
            reasons=b"\0" * 37,
        )
        for basis in Basis:
            setattr(snapshot, f"benefit_{basis.value}", benefit[number])
            setattr(snapshot, f"cumulative_benefit_{basis.value}", gained)
            setattr(snapshot, f"window_benefit_{basis.value}", earned)
            setattr(snapshot, f"roi_{basis.value}", float((gained - tco) / tco))
            setattr(snapshot, f"npv_{basis.value}", round(Decimal(npv), 6))
        snapshot.save()
    SnapshotHead.objects.update_or_create(investment=investment, defaults={"engine_version": 1})
