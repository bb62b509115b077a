"""PostgreSQL's binary formats: what is written by COPY reads back the same, NULLs and extremes included."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from roi.binary_copy import Column, decode_array, encode

TYPES = {
    "int2": ("int2", np.int64, st.integers(-(2**15), 2**15 - 1)),
    "int4": ("int4", np.int64, st.integers(-(2**31), 2**31 - 1)),
    "int8": ("int8", np.int64, st.integers(-(2**63), 2**63 - 1)),
    "float8": ("float8", np.float64, st.floats(allow_nan=False)),
    "bool": ("bool", np.bool_, st.booleans()),
    "date": ("date", np.int64, st.integers(date(1990, 1, 1).toordinal(), date(2200, 12, 1).toordinal())),
    "micros": ("numeric(20,6)", np.int64, st.integers(-(2**63) + 1, 2**63 - 1)),
}


@st.composite
def tables(draw: st.DrawFn) -> list[Column]:
    rows = draw(st.integers(1, 12))
    columns = []
    for kind, (_, dtype, values) in TYPES.items():
        drawn = draw(st.lists(values, min_size=rows, max_size=rows))
        null = draw(st.none() | arrays.arrays(np.bool_, rows))
        columns.append(Column(f"a_{kind}", kind, np.array(drawn, dtype=dtype), null))
    prints = draw(arrays.arrays(np.uint8, (rows, 16)))
    columns.append(Column("a_uuid", "bytes", prints))
    return [*columns, Column("number", "int8", np.arange(rows))]


def _expected(column: Column, row: int) -> Any:
    if column.null is not None and column.null[row]:
        return None
    value = column.values[row]
    match column.type:
        case "micros":
            return Decimal(int(value)).scaleb(-6)
        case "date":
            return date.fromordinal(int(value))
        case "bytes":
            return value.tobytes()
    return value.item()


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=tables(), rows_at_once=st.integers(1, 12))
def test_what_is_copied_in_reads_back_the_same(columns: list[Column], rows_at_once: int) -> None:
    kinds = {f"a_{kind}": sql for kind, (sql, _, _) in TYPES.items()} | {"a_uuid": "uuid", "number": "int8"}
    names = ", ".join(c.name for c in columns)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.copied")
        cursor.execute(f"CREATE TEMP TABLE copied ({', '.join(f'{n} {k}' for n, k in kinds.items())})")
        with cursor.copy(f"COPY copied ({names}) FROM STDIN (FORMAT binary)") as copy:
            for part in encode(columns, rows_at_once=rows_at_once):
                copy.write(part)
        cursor.execute(f"SELECT {names} FROM copied ORDER BY number")
        found = cursor.fetchall()
    assert len(found) == len(columns[0].values)
    for row, values in enumerate(found):
        for column, value in zip(columns, values, strict=True):
            shown = value.bytes if column.name == "a_uuid" else value
            assert shown == _expected(column, row), column.name


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30))
def test_an_array_reads_back_the_same(values: list[int]) -> None:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT %s::bigint[]", [values], binary=True)
        result = cursor.pgresult
        assert result is not None
        data = result.get_value(0, 0) or b""
    assert decode_array(data, "int8").tolist() == values


@pytest.mark.django_db
@pytest.mark.parametrize("array", ["{{1,2}}", "{1,NULL}"])
def test_other_arrays_are_refused(array: str) -> None:
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("SELECT %s::bigint[]", [array], binary=True)
        result = cursor.pgresult
        assert result is not None
        data = result.get_value(0, 0) or b""
    with pytest.raises(ValueError, match="one dimension without NULLs"):
        decode_array(data, "int8")
