"""The formula-injection guard and its inverse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.importers.cells import plain_cell, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "'=1",
        '"=1',
        " =1",
        "\u00a0=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
    ]
    + ["\ufeff=1", "\u200b=1", " '\" =1", "\tx", "=cmd|' /C calc'!A0"],
)
def test_what_a_spreadsheet_might_run_is_prefixed(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "AI-1", "a=b", "it's", "'quoted'", " x", "5-3", "é=1"])
def test_plain_text_is_left_alone(text: str) -> None:
    assert safe_cell(text) == text


@given(st.text(max_size=8) | st.text("'\"=+-@ \tA", max_size=8))
def test_the_guard_can_be_undone(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
