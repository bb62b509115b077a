"""A business case in plain text: figures, several years, what matters, and what to mind; and lists of templates."""

from collections.abc import Callable, Iterable, Sequence

from portfolio.chart import BY_CODE
from roi.engine.result import Figure
from roi.usecases import wording
from roi.usecases.base import Case, HiddenCosts, Template
from roi.usecases.drivers import Driver, drivers_of
from roi.usecases.figures import CaseFigures, View
from roi.usecases.warnings import warnings

Table = Sequence[Sequence[str]]


def text(case: Case, computed: CaseFigures, *, more: Sequence[str] = ()) -> str:
    """Return the summary; `more` are finished sections that stand before the warnings."""
    sections = [
        "\n".join([title(case), *rows(_figures(case, computed))]),
        _years(computed) if len(computed.multi_year) > 1 else "",
        section("Planned over the horizon", rows(_lines(computed))),
        section("More of this template", rows(_report(case, computed))),
        *more,
        bullets("Mind", warnings(case, computed)),
    ]
    return "\n\n".join(one for one in sections if one)


def title(case: Case) -> str:
    """Return the headline: name, horizon, currency."""
    name = getattr(case.drivers, "name", case.template.title)
    return f"{name}: {case.months} months, in {case.currency}"


def section(heading: str, body: Sequence[str]) -> str:
    """Return a section, or nothing where it has no lines."""
    return "\n".join([heading, *body]) if body else ""


def bullets(heading: str, sentences: Sequence[str]) -> str:
    """Return a list of sentences under a heading."""
    return section(heading, [f"  - {sentence}" for sentence in sentences])


def rows(table: Table) -> list[str]:
    """Return lines of cells: the first column flush left, all others flush right."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))] if table else []
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in table
    ]


def shown(figure: Figure, form: Callable[[float], str]) -> str:
    """Return a figure in its form, or n/a with the reason."""
    return wording.missing(figure) if figure.value is None else form(figure.value)


def _figures(case: Case, computed: CaseFigures) -> Table:
    view, discount = computed.view, wording.rate(case.discount_rate)
    table = [
        ("Total cost", wording.money(view.total_cost)),
        ("  of it one-time", wording.money(computed.one_time_cost)),
        ("Total value", wording.money(view.total_value)),
        ("Net benefit", wording.money(view.net_benefit)),
        ("ROI", shown(view.roi, wording.percent)),
        ("Payback", shown(computed.payback_months, wording.months)),
        (f"Payback discounted at {discount}", shown(computed.discounted_payback_months, wording.months)),
        ("Breakeven in month", shown(computed.breakeven_month, wording.number)),
        (f"NPV at {discount} a year", shown(view.npv, wording.money)),
        ("IRR a year", shown(computed.irr, wording.percent)),
        ("MIRR a year", shown(computed.mirr, wording.percent)),
    ]
    if case.hurdle_rate != case.discount_rate:
        hurdle = f"NPV at the hurdle of {wording.rate(case.hurdle_rate)}"
        table.insert(9, (hurdle, shown(view.npv_at_hurdle, wording.money)))
    if case.template.unit_of_use:
        unit = BY_CODE[case.template.unit_of_use].volume_key.replace("_", " ")
        table.append((f"Cost per {unit}, loaded", shown(computed.unit_cost, wording.unit_cost)))
        table.append((f"Cost per {unit}, run only", shown(computed.run_unit_cost, wording.unit_cost)))
    return table


def _years(computed: CaseFigures) -> str:
    head = ("Months", "Total cost", "Total value", "Net benefit", "ROI", "NPV")
    return section("Over several years", rows([head, *map(_year, computed.multi_year)]))


def _year(view: View) -> Sequence[str]:
    return (
        str(view.months),
        wording.money(view.total_cost),
        wording.money(view.total_value),
        wording.money(view.net_benefit),
        shown(view.roi, wording.percent),
        shown(view.npv, wording.money),
    )


def _lines(computed: CaseFigures) -> Table:
    money = [(line.label, int(line.amounts.sum()) / 1e6) for line in computed.plan if line.is_money]
    return [(label, wording.money(total)) for label, total in money if total]


def _report(case: Case, computed: CaseFigures) -> Table:
    figures = case.template.report(case, computed)
    return [
        (name.replace("_", " ").capitalize(), shown(figure, wording.number))
        for name, figure in figures.items()
    ]


def templates(known: Iterable[Template]) -> str:
    """Return the list of templates."""
    return "\n\n".join(f"{one.name}: {one.title}\n  {one.description}" for one in known)


def drivers(template: Template) -> str:
    """Return a template's drivers by group, with value, unit, bounds, help and source; hidden costs last."""
    own: tuple[Driver, ...] = drivers_of(template.drivers)  # type: ignore[arg-type]  # a class hashes
    parts = (("Drivers", own), ("Hidden costs, stated with --hidden", drivers_of(HiddenCosts)))
    sections = [
        section(heading, [line for one in known for line in _driver(one)]) for heading, known in parts
    ]
    return "\n\n".join([f"{template.name}: {template.title}\n  {template.description}", *sections])


def _driver(one: Driver) -> list[str]:
    value = "required" if one.default is None else f"{one.default:g}" if not one.is_text else f"{one.default}"
    source = f" [{one.source}]" if one.source else ""
    return [
        f"  {one.name} = {value} ({one.unit.value}{_bounds(one)})",
        f"      {one.label}. {one.help}{source}",
    ]


def _bounds(one: Driver) -> str:
    if one.is_text:
        return ""
    return f", {one.low:g} or more" if one.high == float("inf") else f", {one.low:g} to {one.high:g}"
