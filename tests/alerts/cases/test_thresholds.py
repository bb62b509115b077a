"""Thresholds as they are saved and shown: cases 3 and 5."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from alerts import evaluate, messages, policies
from alerts.models import Episode, Notification, Policy, PolicyTemplate
from alerts.rules.base import RuleError
from portfolio.models import Investment
from tests import factories
from tests.factories import START, close, now, record, running


@pytest.fixture
def support(db: None) -> Investment:
    return factories.make_investment(factories.make_portfolio(rate="0.10"), "SUP-1")


def test_case_03_the_message_tells_the_figure_and_the_threshold_apart(support: Investment) -> None:
    lines = {"model_api": Decimal(1_000_000), "labor_savings": Decimal("1099999.99")}
    record(support.portfolio, *running(support, lines, last=4))
    close(support.portfolio, last=4)
    evaluate.advance(now=now())
    Episode.objects.get(rule="hurdle_rate", closed_at=None)
    told = Notification.objects.get(channel="email", event__episode__rule="hurdle_rate")
    assert Decimal(told.message["value"]) == Decimal("0.09999999")
    words = messages.render(told.message, id=told.pk, thread_id="1", is_repeat=False, reply_to="").text
    assert "9.999999%" in words
    assert "10.000000%" in words


def test_case_05_clearing_below_firing_is_refused_when_it_is_saved(support: Investment) -> None:
    below = {"margin": Decimal("-0.00000001")}
    with pytest.raises(RuleError, match="cannot clear below the level it fires at"):
        factories.change_policy(
            support, "hurdle_rate", effective_month=START, now=now(), actor=None, reason="x", terms=below
        )
    with pytest.raises(RuleError, match="cannot clear below the level it fires at"):
        policies.set_template(support.portfolio, "hurdle_rate", terms=below, actor=None)
    assert not PolicyTemplate.objects.exists()
    assert not Policy.objects.exclude(version=1).exists()


def test_case_05_the_database_refuses_it_as_well(support: Investment) -> None:
    policies.adopt([support], now=now())
    row = Policy.objects.get(rule="hurdle_rate")
    row.investment = factories.make_investment(support.portfolio)
    row.pk, row.margin = None, Decimal("-0.00000001")
    with pytest.raises(IntegrityError, match="policy_margin"), transaction.atomic():
        row.save(force_insert=True)
