"""Random lives against the database: whatever happens to an investment, the auditor has nothing to find."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import acknowledgments, auditor, due, evaluate
from alerts.models import AuditFinding, Episode, Event
from portfolio import months
from portfolio.models import Investment, User
from tests import factories
from tests.alerts.histories import EARNING, LOSING, THIN, foresee
from tests.factories import close, month, now, record, running

EXAMPLES = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 10
LINES = {"losing": LOSING, "thin": THIN, "earning": EARNING, "little": {"model_api": 100}}
STEPS = (
    "live",
    "live",
    "live",
    "restate",
    "restate",
    "reopen",
    "policy",
    "act",
    "clock",
    "withhold",
    "forecast",
)


class _Life:
    """One investment and what may happen to it; `last` is its last closed month."""

    def __init__(self) -> None:
        portfolio = factories.make_portfolio(rate="0.10")
        self.owner: User = factories.join(factories.make_user(), portfolio, "owner")
        self.investment: Investment = factories.make_investment(portfolio, owner=self.owner)
        self.last, self.days = 0, 0
        # Where each rule's newest policy begins: the next one takes effect no earlier.
        self.policies: dict[str, int] = {}

    def step(self, name: str, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        """Let one thing happen and have it judged."""
        portfolio, lines = self.investment.portfolio, list(LINES.values())[draw(st.integers(0, 3))]
        at = 1 + draw(st.integers(0, max(0, self.last - 1)))
        if name == "live" or not self.last:
            first, self.last = self.last + 1, self.last + draw(st.integers(1, 3))
            record(portfolio, *running(self.investment, lines, first=first, last=self.last))
            close(portfolio, first=first, last=self.last)
        elif name == "restate":
            facts = running(self.investment, lines, first=at, last=min(self.last, at + 2))
            record(portfolio, *facts, reason="The invoices were wrong.")
        elif name == "reopen":
            months.reopen(portfolio, [month(self.last)], now=now(), actor=self.owner, reason="Audit.")
            evaluate.advance(now=now())
            close(portfolio, first=self.last, last=self.last)
        elif name == "policy":
            rule = ("negative_roi", "hurdle_rate")[draw(st.integers(0, 1))]
            begins = max(self.last + 1 + draw(st.integers(0, 1)), self.policies.get(rule, 0))
            self.policies[rule] = begins
            factories.change_policy(
                self.investment,
                rule,
                effective_month=month(begins),
                now=now(),
                actor=None,
                reason="Another view.",
                terms={"for_months": draw(st.integers(1, 3)), "keep_months": draw(st.integers(1, 2))},
            )
        elif name == "act":
            for episode in Episode.objects.filter(investment=self.investment, closed_at=None)[:1]:
                acknowledgments.acknowledge(episode, user=self.owner, via="console", now=now())
        elif name == "clock":
            self.days += draw(st.integers(1, 40))
            due.run_due(now=now() + timedelta(days=self.days))
        elif name == "forecast":
            share = draw(st.integers(0, 10)) / 10
            foresee(self.investment, (at, self.last)[draw(st.integers(0, 1))], share)
        else:
            # A month that is closed and says nothing of most accounts.
            self.last += 1
            close(portfolio, first=self.last, last=self.last)
        evaluate.advance(now=now())


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=9), st.data())
def test_whatever_happens_the_replay_agrees(steps: list[str], data: st.DataObject) -> None:
    with transaction.atomic():
        life = _Life()
        for name in steps:
            life.step(name, data.draw)
        run = auditor.audit(now=now(), is_forced=True)
        assert run is not None
        kinds = {"lost", "phantom", "doubled", "missing_point"}
        wrong = AuditFinding.objects.filter(settled_at=None, kind__in=kinds)
        assert list(wrong.values_list("detail", flat=True)) == []
        judged = Event.objects.exclude(kind__in=["reminder", "escalated", "silence_ended"])
        assert run.events == judged.count()
        transaction.set_rollback(True)
