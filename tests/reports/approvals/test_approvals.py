"""The pages of requests: whose turn it is, what is asked for, who decides, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from alerts import silences
from alerts.models import Silence
from alerts.silences import Matcher
from portfolio import approvals
from portfolio.models import Approval
from tests.reports.cast import Cast, assemble
from tests.reports.investments.test_page import words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return assemble()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Register a kind of request whose carrying out is noted, for this test alone."""
    noted: list[str] = []
    monkeypatch.setattr(approvals, "_KINDS", dict(approvals._KINDS))

    def apply(approval: Approval, now: datetime) -> None:
        if approval.content["rate"] == "99":
            raise ValueError("Nobody earns 99 percent.")
        noted.append(approval.content["rate"])

    approvals.register(
        approvals.Kind(
            name="test_rate",
            title="Hurdle rate",
            content=approvals.stored,
            rows=approvals.rows_of_content,
            apply=apply,
            refusals=(ValueError,),
        )
    )
    return noted


def ask(cast: Cast, author: str = "finn", kind: str = "test_rate", rate: str = "12") -> Approval:
    return approvals.ask(
        cast.portfolio,
        kind,
        subject=uuid4(),
        content={"rate": rate},
        summary=f"Set the hurdle to {rate} %",
        author=cast.people[author],
        now=datetime.now(UTC),
    )


def address(approval: Approval) -> str:
    return reverse("admin:reports_approval", args=[approval.public_id])


def decide(cast: Cast, who: str, approval: Approval, act: str = "approve", reason: str = "Agreed.") -> Any:
    return cast.client(who).post(address(approval), {"act": act, "reason": reason}, follow=True)


def groups(cast: Cast, who: str) -> dict[str, list[str]]:
    page = cast.client(who).get(reverse("admin:reports_approvals"))
    return {name: [row["approval"].summary for row in rows] for name, rows, _ in page.context["groups"]}


def words(response: Any) -> str:
    return words_of(response.content.decode())


def test_a_request_stands_where_it_is_somebody_s_turn(cast: Cast, done: list[str]) -> None:
    asked = [ask(cast).summary]
    assert groups(cast, "fiona") == {"Waits for you": asked, "You asked": [], "Decided": []}
    assert groups(cast, "finn") == {"Waits for you": [], "You asked": asked, "Decided": []}
    assert groups(cast, "olivia")["Waits for others"] == asked
    assert all(not rows for rows in groups(cast, "mallory").values())
    decide(cast, "fiona", Approval.objects.get())
    assert groups(cast, "olivia") == {"Waits for you": [], "You asked": [], "Decided": asked}


def test_what_is_approved_is_carried_out_and_recorded_with_the_reason(cast: Cast, done: list[str]) -> None:
    approval = ask(cast)
    page = words(cast.client("fiona").get(address(approval)))
    assert "Rate 12" in page
    decide(cast, "fiona", approval, reason="Board of May.")
    approval.refresh_from_db()
    assert (approval.decision, approval.approver, approval.reason) == (
        "approved",
        cast.people["fiona"],
        "Board of May.",
    )
    assert done == ["12"]


def test_what_is_refused_is_not_carried_out(cast: Cast, done: list[str]) -> None:
    approval = ask(cast)
    decide(cast, "adam", approval, "refuse", "Too low.")
    approval.refresh_from_db()
    assert (approval.decision, approval.reason, done) == ("refused", "Too low.", [])


def test_the_author_reads_why_not_and_cannot(cast: Cast, done: list[str]) -> None:
    approval = ask(cast)
    page = cast.client("finn").get(address(approval))
    assert "You asked for this; somebody else of finance" in words(page)
    assert 'value="approve"' not in page.content.decode()
    assert "Somebody else than the author must decide." in words(decide(cast, "finn", approval))
    for who in ("olivia", "vera"):
        assert "Finance and the administrators of the portfolio decide" in words(
            cast.client(who).get(address(approval))
        )
        decide(cast, who, approval)
    assert decide(cast, "mallory", approval).status_code == 404
    approval.refresh_from_db()
    assert (approval.decision, done) == ("", [])


def test_a_request_of_a_policy_or_plan_is_named_by_what_it_changes(cast: Cast) -> None:
    """The investment with its rule or version, not the portfolio that all of them share."""
    said = {"policy": {"rule": "negative_roi"}, "plan": {"version": 2}}
    asked = [
        approvals.ask(
            cast.portfolio,
            kind,
            subject=cast.support.public_id,
            content={"investment": cast.support.code, **content},
            summary="It changes.",
            author=cast.people["olivia"],
            now=datetime.now(UTC),
        )
        for kind, content in said.items()
    ]
    named = [approvals.kind_of(one).about(one) for one in asked]
    assert named == [f"{cast.support.code}, Negative ROI", f"{cast.support.code}, version 2"]


def test_a_decision_needs_a_reason_and_one_of_two_answers(cast: Cast, done: list[str]) -> None:
    approval = ask(cast)
    assert decide(cast, "fiona", approval, reason=" ").status_code == 400
    assert decide(cast, "fiona", approval, act="").status_code == 404
    approval.refresh_from_db()
    assert approval.decision == ""


def test_what_cannot_be_carried_out_stays_undecided_and_says_why(cast: Cast, done: list[str]) -> None:
    approval = ask(cast, rate="99")
    assert "Nobody earns 99 percent." in words(decide(cast, "fiona", approval))
    approval.refresh_from_db()
    assert approval.decision == ""


def test_a_kind_that_nobody_registered_is_shown_and_not_decided(cast: Cast) -> None:
    approval = ask(cast, kind="nobody_knows")
    assert "Nobody knows" in words(cast.client("fiona").get(reverse("admin:reports_approvals")))
    page = words(cast.client("fiona").get(address(approval)))
    assert "Requests of the kind nobody_knows cannot be decided here." in page
    assert "cannot be decided here" in words(decide(cast, "fiona", approval))


def test_a_long_silence_holds_once_it_is_approved_and_a_changed_one_is_void(cast: Cast) -> None:
    now = datetime.now(UTC)
    made = [
        silences.create(
            Matcher(portfolio=cast.portfolio, rule="negative_roi"),
            starts_at=now,
            ends_at=now + timedelta(days=60),
            comment="Contract ends.",
            author=cast.people["olivia"],
            now=now,
        )
        for _ in range(2)
    ]
    kept, changed = (one.approval for one in made)
    assert kept is not None
    assert changed is not None
    Silence.objects.filter(pk=made[1].pk).update(ends_at=now + timedelta(days=90))
    page = words(cast.client("finn").get(address(kept)))
    assert "Long silence: CX |" in page
    assert "Negative ROI" in page
    assert "Contract ends." in page
    assert "no longer what was asked for" in words(cast.client("finn").get(address(changed)))
    decide(cast, "finn", kept)
    assert "it needs a new one" in words(decide(cast, "finn", changed))
    for approval, decision in ((kept, "approved"), (changed, "void")):
        approval.refresh_from_db()
        assert approval.decision == decision


def test_a_silence_taken_back_before_it_began_takes_its_request_along(cast: Cast) -> None:
    now = datetime.now(UTC)
    made = silences.create(
        Matcher(portfolio=cast.portfolio, rule="negative_roi"),
        starts_at=now + timedelta(days=2),
        ends_at=now + timedelta(days=60),
        comment="Contract ends.",
        author=cast.people["olivia"],
        now=now,
    )
    silences.end(made, user=cast.people["olivia"], now=now + timedelta(days=1))
    approval = Approval.objects.get()
    assert (approval.decision, groups(cast, "finn")["Waits for you"]) == ("void", [])
    page = words(cast.client("finn").get(address(approval)))
    assert "The silence was taken back before it began." in page
