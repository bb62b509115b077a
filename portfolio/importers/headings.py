"""Which column of a file fills which field: the known headings, the user's mapping, and the month columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from portfolio.importers.base import Cell, CellError, Mapping, shown
from portfolio.importers.cells import plain_cell
from portfolio.importers.notation import Unreadable, is_blank, parse_month_cell
from portfolio.terms import format_month

ALIASES = {
    "investment": ("investment code", "investment_code", "code", "use case", "use_case", "project"),
    "month": ("period", "accounting month", "fiscal month"),
    "account": ("account code", "account_code", "line", "cost line"),
    "amount": ("value", "actual", "actuals", "cost"),
    "currency": ("currency code", "currency_code", "ccy"),
    "quantity": ("qty", "volume", "units"),
    "book": ("ledger book", "version"),
    "source_ref": ("source ref", "source reference", "reference", "ref", "document", "invoice"),
    "note": ("notes", "comment", "comments", "remark", "description"),
    "measure": ("kind of value",),
}
_FIELD_OF = {
    name: field for field, aliases in ALIASES.items() for name in (field, field.replace("_", " "), *aliases)
}


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns of one file: where each field stands, and in the wide layout each month."""

    names: tuple[str, ...]
    fields: dict[str, int]
    months: dict[int, date]
    layout: str
    mapping: Mapping
    errors: tuple[CellError, ...]
    warnings: tuple[str, ...]


def guess_mapping(header: Sequence[Cell], *, base: Mapping | None = None) -> Mapping:
    """Return a mapping for the headings that are known by name; `base` keeps its notation and defaults."""
    base = base or Mapping()
    names = [_name(cell) for cell in header]
    # A field's own name wins over its aliases; an alias fills a field only where nothing else does.
    columns = {name: _key(name).replace(" ", "_") for name in names if _is_exact(name)}
    for name in names:
        field = _FIELD_OF.get(_key(name))
        if field is not None and field not in columns.values():
            columns[name] = field
    unique = {field: name for name, field in reversed(columns.items())}
    columns = {name: field for field, name in unique.items()}
    return _with_layout(replace(base, columns=columns), header)


def read_headings(header: Sequence[Cell], *, row: int, mapping: Mapping | None) -> Headings:
    """Match a header row with the mapping; what is wrong with it becomes an error of that row."""
    given = mapping or Mapping()
    resolved = _with_layout(given, header) if given.columns else guess_mapping(header, base=given)
    names = tuple(_name(cell) for cell in header)
    months = _month_columns(header, resolved) if resolved.layout == "wide" else {}
    wanted = {_key(name): field for name, field in resolved.columns.items()}
    fields = {
        wanted[_key(name)]: at
        for at, name in reversed(list(enumerate(names)))
        if _key(name) in wanted and at not in months
    }
    errors = [
        *_doubled(names, months, row),
        *_absent(resolved, names, row),
        *_missing(resolved, fields, months, row),
    ]
    return Headings(
        names=names,
        fields=fields,
        months=months,
        layout=resolved.layout or "long",
        mapping=resolved,
        errors=tuple(errors),
        warnings=tuple(_unknown(names, fields, months)),
    )


def _name(cell: Cell) -> str:
    if isinstance(cell, date):
        return format_month(cell)
    return "" if is_blank(cell) else plain_cell(str(cell).strip())


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _is_exact(name: str) -> bool:
    return _key(name).replace(" ", "_") in ALIASES


def _month_columns(header: Sequence[Cell], mapping: Mapping) -> dict[int, date]:
    months = {}
    for at, cell in enumerate(header):
        # Headings are written YYYY-MM by our own template whatever the format of the file's other months.
        for month_format in dict.fromkeys((mapping.month_format, "YYYY-MM")):
            try:
                months[at] = parse_month_cell(cell, month_format=month_format)
            except Unreadable:
                continue
            break
    return months


def _with_layout(mapping: Mapping, header: Sequence[Cell]) -> Mapping:
    if mapping.layout is not None:
        return mapping
    has_values = bool({"month", "amount", "quantity"} & set(mapping.columns.values()))
    is_wide = not has_values and bool(_month_columns(header, mapping))
    return replace(mapping, layout="wide" if is_wide else "long")


def _doubled(names: tuple[str, ...], months: dict[int, date], row: int) -> list[CellError]:
    errors = []
    seen: set[str] = set()
    for at, name in enumerate(names):
        key = format_month(months[at]) if at in months else _key(name)
        if key and key in seen:
            errors.append(
                _header_error(
                    row, name, "duplicate_heading", "Two columns have this heading; rename or remove one."
                )
            )
        seen.add(key)
    return errors


def _absent(mapping: Mapping, names: tuple[str, ...], row: int) -> list[CellError]:
    present = {_key(name) for name in names}
    absent = [name for name in mapping.columns if _key(name) not in present]
    if not absent:
        return []
    listed = ", ".join(f"'{shown(name)}'" for name in absent)
    return [
        _header_error(
            row, "", "absent_columns", f"The import's mapping names columns that are absent: {listed}."
        )
    ]


def _missing(mapping: Mapping, fields: dict[str, int], months: dict[int, date], row: int) -> list[CellError]:
    missing = [name for name in ("investment",) if name not in fields]
    if "account" not in fields and not mapping.default_account:
        missing.append("account")
    if mapping.layout == "wide":
        missing += [] if months else ["one column per month (headed YYYY-MM)"]
    else:
        missing += [] if "month" in fields else ["month"]
        missing += [] if fields.keys() & {"amount", "quantity"} else ["amount (or quantity)"]
    if not missing:
        return []
    message = f"The file lacks the required columns: {', '.join(missing)}."
    return [_header_error(row, "", "missing_columns", message)]


def _unknown(names: tuple[str, ...], fields: dict[str, int], months: dict[int, date]) -> list[str]:
    used = {*fields.values(), *months}
    unknown = [shown(name) for at, name in enumerate(names) if name and at not in used]
    if not unknown:
        return []
    listed = ", ".join(f"'{name}'" for name in unknown[:20])
    more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
    return [f"These columns are not known and were ignored: {listed}{more}."]


def _header_error(row: int, name: str, code: str, message: str) -> CellError:
    return CellError(row=row, column=shown(name), value=shown(name), message=message, code=code)
