"""How numbers are written in the grid: shown and read back without losing a digit."""

from decimal import Decimal

import pytest

from portfolio.importers.notation import Unreadable, parse_number
from reports.console.grid_notation import NOTATIONS, of_locale


@pytest.mark.parametrize("key", sorted(NOTATIONS))
@pytest.mark.parametrize("text", ["0", "5", "-2000", "1234567.5", "-0.000001", "99999999999.999999", "1000"])
def test_what_is_shown_reads_back_as_the_same_figure(key: str, text: str) -> None:
    """Writing a figure and reading it under the same notation is the identity."""
    notation = NOTATIONS[key]
    assert parse_number(notation.write(Decimal(text)), mapping=notation.mapping()) == Decimal(text)


@pytest.mark.parametrize(
    ("key", "figure", "shown"),
    [
        ("point-comma", "-2000", "(2,000)"),
        ("point-comma", "1234.5", "1,234.50"),
        ("comma-point", "1234.5", "1.234,50"),
        ("comma-space", "1234567", "1 234 567"),
        ("point", "1234.123456", "1234.123456"),
    ],
)
def test_figures_are_shown_as_people_of_the_notation_write_them(key: str, figure: str, shown: str) -> None:
    """Grouped, negatives in parentheses, at least two decimals where there are any."""
    assert NOTATIONS[key].write(Decimal(figure)) == shown


def test_a_thousand_is_refused_where_the_comma_is_no_separator() -> None:
    """ "1,000" is a thousand in one notation, one in another, and refused in a third."""
    assert parse_number("1,000", mapping=NOTATIONS["point-comma"].mapping()) == 1000
    assert parse_number("1,000", mapping=NOTATIONS["comma"].mapping()) == 1
    with pytest.raises(Unreadable):
        parse_number("1,000", mapping=NOTATIONS["point"].mapping())


@pytest.mark.parametrize(
    ("locale", "key"),
    [
        ("en-us", "point-comma"),
        ("de", "comma-point"),
        ("de-CH", "point-apostrophe"),
        ("fr-fr", "comma-space"),
        ("", "point"),
    ],
)
def test_the_locale_gives_the_first_notation(locale: str, key: str) -> None:
    """A user who never chose gets what is usual where they are."""
    assert of_locale(locale).key == key
