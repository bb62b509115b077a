"""How the total cost of a case builds up: every line of cost over the horizon, hidden costs and their answers last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.safestring import SafeString

from portfolio.chart import BY_CODE
from portfolio.terms import AccountKind, Nature, from_micros
from reports.console import cases_forms, figures
from roi.usecases import base
from roi.usecases.base import Case, HiddenCosts, PlannedLine
from roi.usecases.drivers import drivers_of

ONE_TIME, RUN, HIDDEN = "One-time cost", "Run cost", "Hidden costs"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of cost: its sum over the horizon and its share of the total; a note instead where there is none."""

    label: str
    total: SafeString | str
    share: SafeString | str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of cost with its lines and its sum."""

    title: str
    rows: list[Row]
    total: SafeString
    share: SafeString | str


def of(case: Case, answers: Mapping[str, Any]) -> tuple[list[Part], SafeString]:
    """Return the parts and the total cost of ownership over the horizon; `answers` are those to the hidden costs."""
    lines = [line for line in base.project(case) if BY_CODE[line.account].kind == AccountKind.COST]
    sums = {id(line): from_micros(int(line.amounts.sum())) for line in lines}
    total = sum(sums.values(), Decimal(0))
    hidden = {one.name for one in drivers_of(HiddenCosts)}
    parts = []
    for title in (ONE_TIME, RUN, HIDDEN):
        chosen = [line for line in lines if _part(line, hidden) == title]
        rows = [_row(line.label, sums[id(line)], total) for line in chosen if sums[id(line)] or title != RUN]
        if title == HIDDEN:
            rows += _answered(answers)
        subtotal = sum((sums[id(line)] for line in chosen), Decimal(0))
        parts.append(Part(title, rows, figures.money(subtotal), _share(subtotal, total)))
    return parts, figures.money(total)


def _part(line: PlannedLine, hidden: set[str]) -> str:
    if line.ref in hidden:
        return HIDDEN
    return ONE_TIME if BY_CODE[line.account].nature == Nature.ONE_TIME else RUN


def _answered(answers: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the hidden costs without an amount: what was answered, or that nothing was."""
    for one in drivers_of(HiddenCosts):
        amount, why = cases_forms.answer_of(answers.get(one.name))
        if not amount:
            known = one.name in answers
            yield Row(
                one.label,
                "–" if known else "",
                "",
                (why and f"none: {why}") or ("0 stated" if known else "not answered yet"),
            )


def _row(label: str, amount: Decimal, total: Decimal) -> Row:
    return Row(label, figures.money(amount), _share(amount, total))


def _share(amount: Decimal, total: Decimal) -> SafeString | str:
    return figures.percent(float(amount / total)) if total else ""
