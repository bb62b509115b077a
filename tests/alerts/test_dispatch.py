"""Which notices leave: inhibition looks at the lifecycle, keeps notices back with a reason, and lets them go once."""

from __future__ import annotations

import pytest

from alerts import evaluate
from alerts.models import Episode, Notification
from portfolio.models import Investment, Portfolio
from tests import factories
from tests.factories import START, close, now, record, running

LOSING = {"model_api": 9000, "labor_savings": 2000}
THIN = {"model_api": 9000, "labor_savings": 9100}  # above zero, below a hurdle of ten percent
EARNING = {"model_api": 2000, "labor_savings": 9000}
PAIR = ("hurdle_rate", "negative_roi")


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio(rate="0.10")


@pytest.fixture
def support(portfolio: Portfolio) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))


def _live(investment: Investment, lines: dict[str, int], *, first: int, last: int) -> None:
    record(investment.portfolio, *running(investment, lines, first=first, last=last))
    close(investment.portfolio, first=first, last=last)
    evaluate.advance(now=now())


def _mails() -> list[tuple[str, str, str]]:
    rows = Notification.objects.filter(channel="email", event__episode__rule__in=PAIR).order_by("seq")
    return [(n.event.episode.rule, n.event.kind, n.state) for n in rows if n.event]


def _open_rules() -> set[str]:
    return set(Episode.objects.filter(closed_at=None, rule__in=PAIR).values_list("rule", flat=True))


def test_case_35_negative_and_hurdle_in_one_evaluation_are_one_notice(support: Investment) -> None:
    _live(support, LOSING, first=1, last=4)
    assert _open_rules() == set(PAIR)
    assert sorted(_mails()) == [("hurdle_rate", "fired", "suppressed"), ("negative_roi", "fired", "pending")]
    kept = Notification.objects.filter(state="suppressed")
    assert {n.suppressed_by for n in kept} == {"inhibited"}
    assert all("is open and says more" in n.state_reason for n in kept)


def test_case_36_a_hurdle_that_was_told_is_not_told_again(support: Investment) -> None:
    _live(support, THIN, first=1, last=4)
    assert _mails() == [("hurdle_rate", "fired", "pending")]
    _live(support, LOSING, first=5, last=7)
    assert _mails()[1:] == [("negative_roi", "fired", "pending")]
    assert _open_rules() == set(PAIR)


def test_case_37_a_hurdle_still_firing_is_told_once_the_negative_is_over(support: Investment) -> None:
    _live(support, LOSING, first=1, last=4)
    _live(support, THIN, first=5, last=9)
    assert _open_rules() == {"hurdle_rate"}
    assert [mail for mail in _mails() if mail[0] == "hurdle_rate"] == [("hurdle_rate", "fired", "pending")]
    told = Notification.objects.get(channel="email", event__episode__rule="hurdle_rate")
    assert (told.suppressed_by, told.state_reason) == ("", "")
    assert told.message["since"] == f"{START:%Y}-03"
    assert evaluate.advance(now=now()).notifications == 0
    _live(support, THIN, first=10, last=10)
    assert len([mail for mail in _mails() if mail[0] == "hurdle_rate"]) == 1


def test_case_38_both_over_together_tell_only_of_what_was_told(support: Investment) -> None:
    _live(support, LOSING, first=1, last=4)
    _live(support, EARNING, first=5, last=9)
    assert _open_rules() == set()
    assert sorted(_mails()) == [
        ("hurdle_rate", "fired", "suppressed"),
        ("negative_roi", "fired", "pending"),
        ("negative_roi", "resolved", "pending"),
    ]


def test_case_39_under_a_hurdle_below_zero_both_are_told(support: Investment) -> None:
    factories.change_policy(
        support, "hurdle_rate", effective_month=START, now=now(), actor=None, reason="Loss allowed.",
        terms={"hurdle": "-0.05"},
    )  # fmt: skip
    _live(support, LOSING, first=1, last=4)
    assert sorted(_mails()) == [("hurdle_rate", "fired", "pending"), ("negative_roi", "fired", "pending")]


def test_what_was_inhibited_is_no_obligation(support: Investment) -> None:
    _live(support, LOSING, first=1, last=4)
    kept = Notification.objects.filter(suppressed_by="inhibited")
    assert kept.exists()
    assert not kept.filter(state__in=Notification.OPEN).exists()
