"""PostgreSQL's binary formats, to and from NumPy without a Python loop over rows: COPY in, arrays out.

Rows are grouped by which columns are NULL; within a group every row has one width, so a group is one memory copy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_TYPES = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "bool": "u1", "date": ">i4"}
# numeric(20,6) from int64 micro-units: four base-10000 digits before the point and two behind it.
_NUMERIC = np.dtype(
    [("ndigits", ">i2"), ("weight", ">i2"), ("sign", ">u2"), ("dscale", ">i2"), ("digits", ">i2", (6,))]
)
_NEGATIVE = 0x4000
_ARRAY_HEADER = 20


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column to write: its type, its n values, and where it is NULL (None: nowhere).

    Types: int2, int4, int8, float8, bool, date (values are proleptic ordinals), micros (int64 micro-units into
    numeric), bytes (an (n, width) uint8 matrix into bytea, or uuid for width 16).
    """

    name: str
    type: str
    values: NDArray[Any]
    null: NDArray[np.bool_] | None = None


def encode(columns: Sequence[Column], *, rows_at_once: int = 20_000) -> Iterator[bytes]:
    """Yield a binary COPY stream of the columns, a bounded number of rows at a time; row order is not kept."""
    yield HEADER
    count = len(columns[0].values)
    for start in range(0, count, rows_at_once):
        yield from _encode_rows(columns, slice(start, min(start + rows_at_once, count)))
    yield TRAILER


def _encode_rows(columns: Sequence[Column], rows: slice) -> Iterator[bytes]:
    nullable = [c for c in columns if c.null is not None]
    size = rows.stop - rows.start
    if not nullable:
        yield _encode_group(columns, np.arange(rows.start, rows.stop), frozenset())
        return
    flags = np.column_stack([c.null[rows] for c in nullable if c.null is not None])
    packed = np.ascontiguousarray(np.packbits(flags, axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).reshape(size)
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(first) + 1))
    for number, example in enumerate(first):
        members = order[bounds[number] : bounds[number + 1]] + rows.start
        absent = frozenset(c.name for c, flag in zip(nullable, flags[example], strict=True) if flag)
        yield _encode_group(columns, members, absent)


def _encode_group(columns: Sequence[Column], members: NDArray[np.int64], absent: frozenset[str]) -> bytes:
    fields: list[tuple[Any, ...]] = [("fields", ">i2")]
    for column in columns:
        fields.append((f"length {column.name}", ">i4"))
        if column.name not in absent:
            fields.append((f"value {column.name}", *_field(column)))
    rows = np.empty(len(members), dtype=fields)
    rows["fields"] = len(columns)
    for column in columns:
        if column.name in absent:
            rows[f"length {column.name}"] = -1
            continue
        target = rows[f"value {column.name}"]
        rows[f"length {column.name}"] = rows.dtype[f"value {column.name}"].itemsize
        values = column.values[members]
        if column.type == "micros":
            _fill_numeric(target, values)
        elif column.type == "date":
            target[:] = values - _POSTGRES_EPOCH
        else:
            target[:] = values
    return rows.tobytes()


def _field(column: Column) -> tuple[Any, ...]:
    if column.type == "micros":
        return (_NUMERIC,)
    if column.type == "bytes":
        return ("u1", (column.values.shape[1],))
    return (_TYPES[column.type],)


def _fill_numeric(target: NDArray[Any], micros: NDArray[np.int64]) -> None:
    size = np.abs(micros)
    whole, fraction = np.divmod(size, 1_000_000)
    target["ndigits"], target["weight"], target["dscale"] = 6, 3, 6
    target["sign"] = np.where(micros < 0, _NEGATIVE, 0)
    digits = target["digits"]
    digits[:, 5] = fraction % 100 * 100
    digits[:, 4] = fraction // 100
    for position in (3, 2, 1, 0):
        whole, digits[:, position] = np.divmod(whole, 10_000)


def decode_array(data: bytes, kind: str) -> NDArray[Any]:
    """Return a PostgreSQL array (one dimension, no NULLs, fixed-width elements) from its binary form.

    Reading a result as one array a column spares the client a message for every row: three times the speed of COPY
    out for the 90,000 rows of a chunk.
    """
    element = np.dtype(_TYPES[kind])
    if len(data) < _ARRAY_HEADER:
        return np.empty(0, dtype=element.newbyteorder("="))
    if data[:8] != b"\0\0\0\1\0\0\0\0":
        raise ValueError("The result is not an array of one dimension without NULLs.")
    parts = np.frombuffer(data, dtype=[("length", ">i4"), ("value", element)], offset=_ARRAY_HEADER)
    return parts["value"].astype(element.newbyteorder("="))
