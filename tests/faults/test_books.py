"""The counting itself: what is lost, made up, doubled or repeated is found, and what faults explain is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.books import Books, Row, Tries, balance, tries_of

LEASE = 2.0
SENT = Row("a", "sent", "", "", "email", "e1", None, "1 hurdle_rate 1", "fired", 1, "email 7", False, False)


def counted(*rows: Row, accepted: str = "", decided: str = "", **tries: Tries) -> Books:
    return balance(rows, list(decided), list(accepted), tries, may_be_gone=False)


def entry(what: str, **more: Any) -> dict[str, Any]:
    return {"what": what, "id": "a", "try": "t1", **more}


def test_what_arrived_once_balances() -> None:
    books = counted(SENT, accepted="a", decided="a")
    assert books.balance
    assert (books.owed, books.accepted, books.repeats) == (1, 1, 0)


@pytest.mark.parametrize(
    ("row", "lost"),
    [
        (SENT, 1),
        (replace(SENT, state="pending"), 1),
        (replace(SENT, state="merged"), 1),
        (replace(SENT, state="merged", is_in_digest=True), 0),
        (replace(SENT, state="held"), 1),
        (replace(SENT, state="held", waits_for_later=True), 0),
        (replace(SENT, state="suppressed", suppressed_by="untold"), 0),
        (replace(SENT, state="suppressed", suppressed_by="silenced"), 1),
        (replace(SENT, state="suppressed", suppressed_by="switched_off"), 1),
        (replace(SENT, state="dead", reason="550"), 1),
    ],
)
def test_whatever_ended_untold_without_a_reason_is_lost(row: Row, lost: int) -> None:
    assert counted(row).lost == lost


def test_a_notice_that_was_decided_on_and_has_no_row_is_lost() -> None:
    assert counted(decided="b").lost == 1


def test_a_dead_message_is_explained_by_its_refusal_and_its_stand_in() -> None:
    dead, stand_in = replace(SENT, state="dead"), replace(SENT, id="b", instead_of="a", target="email 8")
    refused = Tries(permanent=1, total=1)
    assert counted(dead, stand_in, accepted="b", a=refused).balance
    assert counted(dead, a=refused).lost == 1
    assert counted(dead, stand_in, accepted="b").lost == 1
    assert balance([dead], [], [], {"a": refused}, may_be_gone=False, last_resort={"email 7"}).balance


def test_a_message_that_nobody_owed_is_phantom() -> None:
    assert counted(SENT, accepted="ax").phantom == 1
    silent = replace(SENT, state="suppressed", suppressed_by="untold")
    assert counted(silent, accepted="a").phantom == 1
    # It was handed over, the answer stayed out, and meanwhile it needed not be told any more.
    assert counted(silent, accepted="a", a=Tries(ambiguous=1)).phantom == 0


def test_the_same_news_under_two_ids_is_doubled() -> None:
    assert counted(SENT, replace(SENT, id="b"), accepted="ab").doubled == 1
    assert counted(SENT, replace(SENT, id="b", target="email 8"), accepted="ab").doubled == 0
    assert counted(SENT, replace(SENT, id="b", ordinal=2), accepted="ab").doubled == 0


def test_a_repeat_needs_a_fault_that_explains_it() -> None:
    assert counted(SENT, accepted="aa").excess == 1
    explained = counted(SENT, accepted="aa", a=Tries(interrupted=1))
    assert explained.balance
    assert (explained.repeats, explained.bound) == (1, 1)
    # What another message went through explains nothing.
    other = replace(SENT, id="b", target="email 8")
    assert counted(SENT, other, accepted="aab", b=Tries(interrupted=3)).excess == 1


@pytest.mark.parametrize(
    ("entries", "may_repeat"),
    [
        ([entry("outcome", outcome="Accepted"), entry("mark", held=True, again=False, age=0.1)], 0),
        ([], 1),
        ([entry("outcome", outcome="Accepted")], 1),
        ([entry("outcome", outcome="Uncertain"), entry("mark", held=True, again=False, age=0.1)], 1),
        ([entry("outcome", outcome="Accepted"), entry("mark", held=False, again=False, age=0.1)], 0),
        ([entry("outcome", outcome="Accepted"), entry("mark", held=False, again=False, age=3.0)], 1),
        ([entry("outcome", outcome="Accepted"), entry("mark", held=False, again=True, age=0.1)], 1),
    ],
)
def test_a_try_may_be_repeated_where_its_end_is_unknown(
    entries: list[dict[str, Any]], may_repeat: int
) -> None:
    assert tries_of([entry("begin"), *entries], lease=LEASE)["a"].may_repeat == may_repeat


def test_refusals_are_counted() -> None:
    tries = tries_of([entry("begin"), entry("outcome", outcome="Permanent")], lease=LEASE)["a"]
    assert (tries.permanent, tries.total) == (1, 1)
