"""Policies: templates copied once onto an investment, and versions that judge only what comes after."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from alerts import evaluate, policies
from alerts.models import Policy, PolicyTemplate
from alerts.policies import PolicyError
from alerts.rules import DEFAULTS
from alerts.rules.base import RuleError
from portfolio.models import Batch, Investment
from tests import factories
from tests.factories import START, close, month, now
from tests.servers import TestDatabase


@pytest.fixture
def support(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio(rate="0.15"))


def _change(investment: Investment, rule: str = "hurdle_rate", **changes: Any) -> Policy:
    terms: dict[str, Any] = {"effective_month": month(13), "now": now(), "actor": None, "reason": "Board."}
    return factories.change_policy(investment, rule, **(terms | {"terms": {}} | changes))


def test_defaults_are_copied_with_the_hurdle_of_the_moment(support: Investment) -> None:
    assert policies.adopt([support], now=now()) == 1
    adopted = Policy.objects.filter(investment=support)
    assert {p.rule for p in adopted} == set(DEFAULTS)
    of_rates = adopted.exclude(rule="early_warning")
    assert {(p.version, p.effective_month, p.hurdle) for p in of_rates} == {(1, START, Decimal("0.15"))}
    hurdle = adopted.get(rule="hurdle_rate")
    assert (hurdle.for_months, hurdle.keep_months, hurdle.margin) == (2, 2, Decimal("0.01"))


def test_a_copy_is_made_once_and_stays_when_rates_move(support: Investment) -> None:
    policies.adopt([support], now=now())
    factories.set_rates(support.portfolio, now=now(), investment=support, hurdle_rate=Decimal("0.9"))
    batches = Batch.objects.count()
    assert policies.adopt([support], now=now()) == 0
    hurdles = Policy.objects.exclude(rule="early_warning").values_list("hurdle", flat=True)
    assert set(hurdles) == {Decimal("0.15")}
    assert Batch.objects.count() == batches


def test_the_templates_of_the_portfolio_win(support: Investment) -> None:
    PolicyTemplate.objects.create(
        portfolio=support.portfolio, rule="hurdle_rate", hurdle=Decimal("0.3"), for_months=4, margin=0
    )
    policies.adopt([support], now=now())
    own = Policy.objects.get(rule="hurdle_rate")
    assert (own.hurdle, own.for_months, own.margin) == (Decimal("0.3"), 4, 0)
    assert Policy.objects.get(rule="negative_roi").for_months == 1


def test_a_template_is_set_in_place_and_reaches_new_investments_only(support: Investment) -> None:
    policies.adopt([support], now=now())
    actor = factories.make_user()
    for terms in ({"hurdle": Decimal("0.3"), "window": 6}, {"for_months": 4}):
        policies.set_template(support.portfolio, "hurdle_rate", terms=terms, actor=actor)
    template = PolicyTemplate.objects.get()
    assert (template.hurdle, template.window, template.for_months, template.keep_months) == (
        Decimal("0.3"),
        6,
        4,
        2,
    )
    later = factories.make_investment(support.portfolio)
    policies.adopt([later, support], now=now())
    levels = dict(Policy.objects.filter(rule="hurdle_rate").values_list("investment", "hurdle"))
    assert levels == {support.pk: Decimal("0.15"), later.pk: Decimal("0.3")}


@pytest.mark.parametrize(
    ("rule", "terms", "sentence"),
    [
        ("no_such", {}, "no rule named 'no_such'"),
        ("hurdle_rate", {"portfolio": 1}, "no term named portfolio"),
        ("hurdle_rate", {"rule": "negative_roi"}, "no term named rule"),
        ("hurdle_rate", {"margin": Decimal("-0.1")}, "negative"),
        ("hurdle_rate", {"window": 25}, "Window"),
        ("hurdle_rate", {"measure": "irr", "hurdle": Decimal("-1")}, "not above -100"),
    ],
)
def test_a_template_that_contradicts_itself_is_refused(
    support: Investment, rule: str, terms: dict[str, Any], sentence: str
) -> None:
    with pytest.raises((PolicyError, RuleError), match=sentence):
        policies.set_template(support.portfolio, rule, terms=terms, actor=None)
    assert not PolicyTemplate.objects.exists()


def test_several_portfolios_adopt_each_their_own(support: Investment) -> None:
    other = factories.make_investment(factories.make_portfolio(rate="0.3"))
    assert policies.adopt([other, support], now=now()) == 2
    found = dict(Policy.objects.filter(rule="negative_roi").values_list("investment", "hurdle"))
    assert found == {support.pk: Decimal("0.15"), other.pk: Decimal("0.3")}
    assert set(Policy.objects.values_list("batch__portfolio", "investment__portfolio")) == {
        (i.portfolio_id, i.portfolio_id) for i in (support, other)
    }


def test_a_change_is_a_new_version_with_its_reason(support: Investment) -> None:
    policies.adopt([support], now=now())
    author = factories.make_user(is_superuser=True)
    changed = _change(support, terms={"hurdle": Decimal("0.2"), "for_months": 1}, actor=author)
    assert (changed.version, changed.hurdle, changed.for_months, changed.keep_months) == (
        2,
        Decimal("0.2"),
        1,
        2,
    )
    assert (changed.author, changed.reason, changed.batch.kind) == (author, "Board.", "policies")
    assert Policy.objects.get(rule="hurdle_rate", version=1).hurdle == Decimal("0.15")


def test_changing_one_rule_first_does_not_lose_the_others(support: Investment) -> None:
    changed = _change(support, terms={"for_months": 1})
    assert changed.version == 2
    assert set(Policy.objects.values_list("rule", flat=True)) == set(DEFAULTS)
    assert policies.adopt([support], now=now()) == 0


def test_an_emptied_hurdle_is_that_of_the_moment_and_never_zero(support: Investment) -> None:
    assert _change(support, terms={"hurdle": None}).hurdle == Decimal("0.15")


def test_closed_months_stay_judged_by_the_policy_of_their_time(support: Investment) -> None:
    close(support.portfolio, last=3)
    with pytest.raises(PolicyError, match="after 2024-03"):
        _change(support, effective_month=month(3))
    assert _change(support, effective_month=month(4)).effective_month == month(4)


def test_versions_take_effect_in_their_order(support: Investment) -> None:
    _change(support, effective_month=month(20))
    with pytest.raises(PolicyError, match="cannot take effect before"):
        _change(support, effective_month=month(15))
    assert _change(support, effective_month=month(20)).version == 3
    factories.record_support(support)
    close(support.portfolio, last=12)
    assert evaluate.advance(now=now()).investments == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": " "}, "needs a reason"),
        ({"rule": "no_such"}, "no rule named 'no_such'"),
        ({"effective_month": date(2025, 1, 2)}, "first day"),
        ({"terms": {"for": 2}}, "no term named for"),
        ({"terms": {"rule": "negative_roi"}}, "no term named rule"),
        ({"terms": {"for_months": 0}}, "For months"),
        ({"terms": {"window": 25}}, "Window"),
        ({"terms": {"margin": Decimal("-0.1")}}, "negative"),
        ({"terms": {"basis": "guessed"}}, "Basis"),
        ({"terms": {"measure": "npv", "hurdle": Decimal("-1")}}, "not above -100"),
        ({"terms": {"hurdle": Decimal("NaN")}}, "Hurdle"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(
    support: Investment, changes: dict[str, Any], sentence: str
) -> None:
    policies.adopt([support], now=now())
    with pytest.raises((PolicyError, RuleError), match=sentence):
        _change(support, **changes)
    assert not Policy.objects.filter(version=2).exists()


def test_workers_at_once_adopt_once(fresh_database: TestDatabase) -> None:
    """The second worker asks again under the lock, and finds what the first one wrote."""
    investment = factories.make_investment(factories.make_portfolio())
    adopted: list[object] = []

    def adopt() -> None:
        try:
            adopted.append(policies.adopt([investment], now=now()))
        except Exception as error:
            adopted.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        adopted.append(policies.adopt([investment], now=now()))
        racers = [threading.Thread(target=adopt) for _ in range(3)]
        for racer in racers:
            racer.start()
        factories.until_locked(3)
    for racer in racers:
        racer.join(30)
    assert adopted == [1, 0, 0, 0]
    assert Policy.objects.count() == len(DEFAULTS)
