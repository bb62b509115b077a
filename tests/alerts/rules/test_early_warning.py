"""The early warning: likely enough, of what is not crossed yet, and never louder than a forecast allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from alerts.rules import RULES, attention, lifecycle
from alerts.rules.base import NoData, Outlook, RuleError, Verdict, VerdictKind
from alerts.rules.trajectory import Trajectory
from tests.alerts.rules.cases import CONTEXT, facts, month, policy, states

BREACH, BAND, CLEAR, NODATA = VerdictKind.BREACH, VerdictKind.BAND, VerdictKind.CLEAR, VerdictKind.NODATA
TERMS: dict[str, Any] = {"hurdle": Decimal("0.5"), "margin": Decimal("0.1"), "window": 3}


def outlook(shares: Mapping[str, Sequence[str]], crossed: Sequence[str] = ()) -> Outlook:
    said = tuple((rule, tuple(Decimal(share) for share in row)) for rule, row in sorted(shares.items()))
    return Outlook(forecast=7, shares=said, crossed=frozenset(crossed))


def judged(*outlooks: Outlook | None, **terms: Any) -> Trajectory:
    changes: dict[int, dict[str, Any]] = {n: {"outlook": one} for n, one in enumerate(outlooks, 1)}
    months = facts([200] * len(outlooks), changes=changes)
    return lifecycle.fold([policy("early_warning", **(TERMS | terms))], months, CONTEXT)


def verdict(found: Outlook | None, **terms: Any) -> Verdict:
    (point,) = judged(found, **terms).months
    return point.verdict


@pytest.mark.parametrize(
    ("share", "kind"),
    [("0.500000", BREACH), ("0.499999", BAND), ("0.400001", BAND), ("0.400000", CLEAR), ("0", CLEAR)],
)
def test_the_level_itself_fires_and_the_margin_below_clears(share: str, kind: VerdictKind) -> None:
    found = verdict(outlook({"negative_roi": ["0", "0.1", share]}))
    assert (found.kind, found.value) == (kind, Decimal(share))
    assert (found.threshold, found.clear_at) == (Decimal("0.5"), Decimal("0.4"))
    assert (found.about, found.forecast, found.months) == ("negative_roi", 7, (month(4),))


def test_without_a_margin_there_is_no_band() -> None:
    assert verdict(outlook({"negative_roi": ["0.49"]}), margin=Decimal(0)).kind is CLEAR
    assert verdict(outlook({"negative_roi": ["0"]}), hurdle=Decimal("0.05")).kind is CLEAR


def test_the_likeliest_rule_is_named_and_good_news_is_not() -> None:
    shares = {"hurdle_rate": ["0.6"], "breakeven_overdue": ["0.7"], "breakeven_reached": ["1"]}
    found = verdict(outlook(shares))
    assert (found.about, found.value) == ("breakeven_overdue", Decimal("0.7"))
    assert verdict(outlook({"hurdle_rate": ["0.6"], "negative_roi": ["0.6"]})).about == "negative_roi"


def test_only_the_months_looked_ahead_count() -> None:
    late = outlook({"negative_roi": ["0", "0", "0.2", "0.9"]})
    assert verdict(late).kind is CLEAR
    assert verdict(late, window=4).kind is BREACH
    assert verdict(late, window=12).value == Decimal("0.9")


def test_what_is_crossed_already_has_its_own_alert() -> None:
    """It starts no warning; one that was given stays until the rule it came true in is over."""
    clear = outlook({"negative_roi": ["0"], "hurdle_rate": ["0"]})
    likely = outlook({"negative_roi": ["0.8"]})
    true = outlook({"negative_roi": ["1"], "hurdle_rate": ["0"]}, crossed=["negative_roi"])
    assert states(judged(clear, true, true)) == "nnn"
    assert states(judged(clear, likely, true, true, clear)) == "nFFFn"
    overdue = outlook({"negative_roi": ["0"]}, crossed=["breakeven_overdue"])
    assert states(judged(likely, overdue)) == "Fn"
    assert verdict(outlook({}, crossed=["breakeven_overdue"])).kind is CLEAR


def test_a_month_without_a_forecast_proves_nothing() -> None:
    likely = outlook({"negative_roi": ["0.8"]})
    found = judged(likely, None, outlook({}), likely)
    assert [p.verdict.reason for p in found.months] == [None, NoData.NO_FORECAST, NoData.UNDEFINED, None]
    assert (states(found), len(found.firings)) == ("FFFF", 1)


@pytest.mark.parametrize("level", ["0", "-0.1", "1.01"])
def test_a_level_that_is_no_probability_is_refused(level: str) -> None:
    with pytest.raises(RuleError, match="is a probability"):
        policy("early_warning", hurdle=Decimal(level))
    assert policy("hurdle_rate", hurdle=Decimal(level)).hurdle == Decimal(level)


def test_it_is_quieter_than_the_others() -> None:
    rule = RULES["early_warning"]
    assert [name for name, one in RULES.items() if one.is_quiet] == ["early_warning"]
    assert rule.defaults.severity == "info"
    assert not attention.escalates(rule.lifecycle, rule.defaults.severity)
