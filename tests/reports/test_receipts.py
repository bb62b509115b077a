"""Receipts: what was shown comes out again from what was known; a restatement and an engine change are told apart."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerts import evaluate
from portfolio import approvals, decisions, fixed_terms, reviews
from portfolio.decisions import Terms
from portfolio.models import Decision, Investment, Review
from portfolio.reviews import Request
from portfolio.terms import DecisionKind, ReviewKind
from reports import receipts
from tests import factories
from tests.factories import close, fact, month, now, record, record_support

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided() -> Decision:
    """Source B's support case after twelve months, decided by its sponsor."""
    portfolio = factories.make_portfolio()
    sam = factories.join(factories.make_user("sam"), portfolio, "board")
    support = factories.make_investment(portfolio, "SUPPORT", sponsor=sam, stage="scaled")
    record_support(support)
    close(portfolio, last=12)
    evaluate.advance(now=now())
    reviews.request(
        [Request(investment=support, kind=ReviewKind.SCHEDULED, origin="calendar", due_on=now().date())],
        now=now(),
    )
    review = Review.objects.get(investment=support, kind="scheduled")
    terms = Terms(
        kind=DecisionKind.CONTINUE,
        reason="On its way.",
        next_review_on=now().date() + timedelta(days=90),
    )
    return decisions.decide(review, terms, user=sam, evidence=receipts.evidence(support), now=now())


def test_the_evidence_holds_what_was_known(decided: Decision) -> None:
    """The check figures of the case, money as exact text, the months, the rates, the policies."""
    evidence = decided.evidence
    assert evidence["figures"]["tco"] == "312000.000000"
    assert evidence["figures"]["cumulative_benefit_supported"] == "315000.000000"
    assert len(evidence["months"]) == 12
    assert Decimal(evidence["rates"]["hurdle_rate"]) == Decimal("0.1")
    assert {policy["rule"] for policy in evidence["policies"]} >= {"hurdle_rate", "negative_roi"}
    assert decided.month == month(12)


def test_a_receipt_reproduces_what_was_shown(decided: Decision) -> None:
    """Read back from the database, nothing differs."""
    receipt = receipts.receipt(Decision.objects.get(pk=decided.pk))
    assert receipt.is_reproduced
    assert (receipt.engine, receipt.restated) == ([], [])


def test_a_restatement_is_named_and_the_past_stays(decided: Decision) -> None:
    """As known then it still comes out; as known now the restated figures differ, and only those."""
    support = Investment.objects.get(code="SUPPORT")
    record(support.portfolio, fact(support, month(6), "infrastructure", "9000"), reason="A bill came late.")
    receipt = receipts.receipt(Decision.objects.get(pk=decided.pk))
    assert receipt.is_reproduced
    paths = {difference.path for difference in receipt.restated}
    assert "figures.tco" in paths
    assert f"months.{month(6):%Y-%m}.run_cost" in paths
    assert not any(path.startswith(f"months.{month(7):%Y-%m}") for path in paths)


def test_a_move_to_a_portfolio_with_other_rates_is_a_restatement(decided: Decision) -> None:
    """As known then it was elsewhere, with the rates of there; as restated now it has those of where it is."""
    other = factories.make_portfolio("OPS")
    factories.set_rates(
        other,
        now=now(),
        hurdle_rate=Decimal("0.25"),
        discount_rate=Decimal("0.33"),
        asserted_share=Decimal("0.2"),
    )
    close(other, last=12)
    support = Investment.objects.get(code="SUPPORT")
    before = {one.path for one in receipts.receipt(Decision.objects.get(pk=decided.pk)).restated}
    olivia = factories.join(factories.make_user("olivia"), support.portfolio, "owner")
    finn = factories.join(factories.make_user("finn"), support.portfolio, "finance")
    support.portfolio = other
    asked = fixed_terms.propose(support, now=now(), author=olivia, reason="It serves operations.")
    approvals.settle(asked, approver=finn, is_allowed=True, now=now())
    receipt = receipts.receipt(Decision.objects.get(pk=decided.pk))
    assert receipt.is_reproduced, receipt.engine
    assert receipt.then["rates"] == decided.evidence["rates"]
    assert Decimal(receipt.now["rates"]["discount_rate"]) == Decimal("0.33")
    assert before == set()
    assert {"rates.discount_rate", "figures.npv_supported"} <= {one.path for one in receipt.restated}


def test_later_months_are_news_not_restatements(decided: Decision) -> None:
    """The month of the evidence is compared with itself."""
    support = Investment.objects.get(code="SUPPORT")
    record(support.portfolio, *factories.running(support, factories.SUPPORT, first=13, last=13))
    close(support.portfolio, first=13, last=13)
    receipt = receipts.receipt(Decision.objects.get(pk=decided.pk))
    assert receipt.restated == []
    assert receipt.newest_month == f"{month(13):%Y-%m}"


def test_an_engine_that_answers_otherwise_is_named(
    decided: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was shown by another engine differs from what comes out now, and the version says why."""
    real = receipts.as_known.plain

    def other(snapshot: Any) -> dict[str, Any]:
        return {**real(snapshot), "roi_supported": 0.5}

    monkeypatch.setattr(receipts.as_known, "plain", other)
    monkeypatch.setattr(receipts, "ENGINE_VERSION", 2)
    receipt = receipts.receipt(Decision.objects.get(pk=decided.pk))
    assert [difference.path for difference in receipt.engine] == ["figures.roi_supported"]
    assert receipt.is_engine_named
    assert not receipt.is_reproduced


def test_differences_name_paths() -> None:
    """Missing on one side is a difference from nothing."""
    found = receipts.differences({"a": {"b": 1, "c": 2}, "fingerprint": 1}, {"a": {"b": 1}, "fingerprint": 2})
    assert [(one.path, one.before, one.after) for one in found] == [("a.c", 2, None)]


def test_the_last_bits_of_a_rate_are_no_difference() -> None:
    """Money is compared to the last digit, a rate to nine."""
    assert receipts.differences({"irr": 1.1760454546082568}, {"irr": 1.1760454546082566}) == []
    assert receipts.differences({"irr": 1.17604545}, {"irr": 1.17604546})
    assert receipts.differences({"tco": "1.000001"}, {"tco": "1.000002"})
