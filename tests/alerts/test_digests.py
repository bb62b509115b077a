"""Digests: nothing is lost, nothing is told twice, and a flood becomes one message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from alerts import digest_words, digests, due, evaluate, holding, messages
from alerts.channels import block_kit, teams
from alerts.models import Episode, Event, Notification, Route, Silence
from portfolio import ledger
from portfolio.models import Investment, Membership, Portfolio, User
from tests import factories
from tests.alerts.histories import EARNING, LOSING, live
from tests.factories import close, month, now, record, running
from tests.nightly import IS_NIGHTLY

RULE = "negative_roi"


@pytest.fixture
def portfolio(db: None) -> Portfolio:
    return factories.make_portfolio()


@pytest.fixture
def olivia(portfolio: Portfolio) -> User:
    return factories.join(factories.make_user("olivia"), portfolio, "owner")


@pytest.fixture
def support(portfolio: Portfolio, olivia: User) -> Investment:
    return factories.make_investment(portfolio, "SUP-1", owner=olivia)


def _later(**how: float) -> datetime:
    return now() + timedelta(**how)


def _digests(user: User | None = None) -> list[Notification]:
    found = Notification.objects.filter(message__kind="digest").order_by("seq")
    return list(found.filter(user=user) if user else found)


def _rows(user: User, **wanted: object) -> list[Notification]:
    return list(Notification.objects.filter(user=user, event__isnull=False, **wanted).order_by("seq"))


def _many(portfolio: Portfolio, owner: User, count: int, *, first: int = 1) -> list[Investment]:
    terms = {"owner": owner, "start_month": month(first), "live_month": month(first)}
    return [factories.make_investment(portfolio, f"I-{n:03}", **terms) for n in range(count)]


def _lose(investments: Sequence[Investment], *, first: int = 1, last: int = 4) -> None:
    for one in investments:
        record(one.portfolio, *running(one, LOSING, first=first, last=last))
    close(investments[0].portfolio, first=first, last=last)
    evaluate.advance(now=now())


def _route(portfolio: Portfolio, mode: str) -> None:
    Route.objects.create(
        portfolio=portfolio, position=1, name=mode, recipients=[{"role": "owner"}], mode=mode
    )


# Modes


@pytest.mark.parametrize("mode", ["daily", "weekly"])
def test_a_route_in_digests_holds_and_then_tells_all_in_one(
    portfolio: Portfolio, olivia: User, mode: str
) -> None:
    _route(portfolio, mode)
    _lose(_many(portfolio, olivia, 3))
    held = _rows(olivia, event__episode__rule=RULE, event__kind="fired")
    assert {(n.state, n.suppressed_by) for n in held} == {("held", mode)}
    assert all(n.digest_at and n.digest_at > now() for n in held)
    due.run_due(now=now())
    assert not _digests()
    due.run_due(now=_later(days=8))
    (digest,) = _digests(olivia)
    assert {n.told_in_id for n in _rows(olivia, event__episode__rule=RULE, event__kind="fired")} == {
        digest.pk
    }
    assert {n.state for n in _rows(olivia, event__episode__rule=RULE, event__kind="fired")} == {"merged"}
    assert digest.state == "pending"
    assert due.run_due(now=_later(days=8)) == 0
    assert len(_digests()) == 1


def test_a_notice_that_is_alone_leaves_as_itself(
    portfolio: Portfolio, olivia: User, support: Investment
) -> None:
    _route(portfolio, "daily")
    live(support, LOSING, first=1, last=4)
    due.run_due(now=_later(days=2))
    (told,) = _rows(olivia, event__episode__rule=RULE)
    assert (told.state, told.suppressed_by, told.state_reason) == ("pending", "", "")
    assert not _digests()


def test_a_silence_made_while_a_notice_is_held_keeps_it_back(
    portfolio: Portfolio, olivia: User, support: Investment
) -> None:
    _route(portfolio, "daily")
    live(support, LOSING, first=1, last=4)
    Silence.objects.create(
        portfolio=portfolio, rule=RULE, author=olivia, comment="Known.", created_at=now(),
        starts_at=_later(hours=-1), ends_at=_later(days=5),
    )  # fmt: skip
    due.run_due(now=_later(days=2))
    (kept,) = _rows(olivia, event__episode__rule=RULE)
    assert (kept.state, kept.suppressed_by) == ("suppressed", "silenced")
    assert kept.silence is not None


def test_whoever_lost_access_gets_no_digest(portfolio: Portfolio, olivia: User) -> None:
    _route(portfolio, "daily")
    investments = _many(portfolio, olivia, 2)
    _lose(investments)
    Membership.objects.filter(user=olivia).delete()
    Investment.objects.filter(pk=investments[0].pk).update(owner=None)
    due.run_due(now=_later(days=2))
    rows = {n.event.episode.investment.code: n for n in _rows(olivia, event__episode__rule=RULE) if n.event}
    assert rows["I-000"].suppressed_by == "no_access"
    assert rows["I-001"].state == "pending"


# Grouping


def test_case_67_a_backfill_is_one_digest_a_recipient(portfolio: Portfolio, olivia: User) -> None:
    count, first = (500, -11) if IS_NIGHTLY else (12, 13)
    investments = _many(portfolio, olivia, count, first=first)
    _lose(investments, first=first, last=24)
    rows = _rows(olivia)
    rules = {n.event.episode.rule for n in rows if n.event}
    assert len(rows) <= len(investments) * len(rules)
    due.run_due(now=_later(seconds=30))
    (digest,) = _digests(olivia)
    members = [n for n in _rows(olivia) if n.state == "merged"]
    assert {n.told_in_id for n in members} == {digest.pk}
    assert digest.message["count"] == len(members) >= count
    assert len(digest.message["items"]) == min(len(members), digest_words.KEPT)
    assert not [n for n in _rows(olivia) if n.state == "pending"]


def test_a_digest_of_very_many_keeps_the_loudest_and_counts_all(
    portfolio: Portfolio, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("KEPT", 3), ("READ", 4)):
        monkeypatch.setattr(digests, name, value)
    investments = _many(portfolio, olivia, 11)
    _lose(investments)
    rows = _rows(olivia, state="held")
    # The last ones are the loudest.
    for row in rows[:-4]:
        row.message["severity"] = "info"
        row.save(update_fields=["message"])
    due.run_due(now=_later(seconds=30))
    (digest,) = _digests(olivia)
    assert digest.message["count"] == len(rows) == sum(digest.message["kinds"].values())
    assert digest.message["investments"] == 11
    loudest = [row.message["investment"]["code"] for row in rows[-4:-1]]
    assert [item["investment"]["code"] for item in digest.message["items"]] == loudest
    said = messages.render(digest.message, id=digest.pk, thread_id="t")
    assert f"{len(rows)} alerts" in said.headline
    assert said.lead.startswith("11 investments: 11 new") or len(rows) != 11
    assert said.facts[-1] == ("And", f"{len(rows) - 3} more in Hurdle")
    for words in (said.text, said.html):
        assert f"And {len(rows) - 3} more in Hurdle." in words
    assert not any("more in Hurdle" in note for note in said.notes)


def test_a_second_range_of_an_import_joins_the_digest(
    portfolio: Portfolio, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "RANGE", 7)
    _lose(_many(portfolio, olivia, 9))
    assert {n.suppressed_by for n in _rows(olivia, event__episode__rule=RULE, state="held")} == {"grouped"}
    assert not _rows(olivia, event__episode__rule=RULE, state="pending")


def test_a_digest_waits_while_more_comes_in_but_not_for_ever(portfolio: Portfolio, olivia: User) -> None:
    _lose(_many(portfolio, olivia, 6))
    grouped = Notification.objects.filter(suppressed_by="grouped", user=olivia)
    first = grouped.order_by("seq").first()
    assert first is not None
    grouped.filter(pk=first.pk).update(digest_at=_later(seconds=-30))
    digests.run_due(now=now())
    assert not _digests(olivia)
    grouped.filter(pk=first.pk).update(digest_at=now() - holding.longest())
    digests.run_due(now=now())
    assert len(_digests(olivia)) == 1


def test_few_notices_are_told_one_by_one(portfolio: Portfolio, olivia: User) -> None:
    _lose(_many(portfolio, olivia, 2))
    assert {n.state for n in _rows(olivia, event__episode__rule=RULE)} == {"pending"}


# Restatements


def test_case_21_a_breach_added_to_the_past_is_told_in_the_digest_of_its_import_only(
    portfolio: Portfolio, olivia: User
) -> None:
    investments = _many(portfolio, olivia, 2)
    for one in investments:
        live(one, EARNING, first=1, last=12)
    Notification.objects.update(state="sent", sent_at=now())
    facts = [f for one in investments for f in running(one, {"model_api": 40_000}, first=1, last=4)]
    record(portfolio, *facts, reason="The invoices were wrong.")
    evaluate.advance(now=now())
    changed = _rows(olivia, event__kind="restated", event__episode__rule=RULE)
    assert {(n.state, n.suppressed_by) for n in changed} == {("held", "restated")}
    assert len(changed) == 2
    assert not _rows(olivia, event__episode__rule=RULE, state="pending")
    due.run_due(now=_later(seconds=30))
    (digest,) = [d for d in _digests(olivia) if d.message["lane"] == "restated"]
    codes = {item["investment"]["code"] for item in digest.message["items"]}
    assert codes == {"I-000", "I-001"}
    assert not Episode.objects.filter(rule=RULE, closed_at=None).exists()


# Quiet hours


def test_a_warning_waits_for_the_end_of_quiet_hours_and_a_critical_one_does_not(
    portfolio: Portfolio, olivia: User, support: Investment
) -> None:
    local = now()
    olivia.quiet_from = (local - timedelta(hours=1)).time().replace(microsecond=0)
    olivia.quiet_until = (local + timedelta(hours=1)).time().replace(microsecond=0)
    olivia.save()
    live(support, {"model_api": 9000, "labor_savings": 9100}, first=1, last=4)
    (warning,) = _rows(olivia, event__episode__rule="hurdle_rate")
    assert (warning.state, warning.state_reason) == ("pending", holding.QUIET)
    assert _later(minutes=58) < warning.next_at <= _later(minutes=61)
    live(support, LOSING, first=5, last=7)
    (critical,) = _rows(olivia, event__episode__rule=RULE)
    assert critical.next_at <= now()


# Missing data


@pytest.fixture
def dora(portfolio: Portfolio) -> User:
    return factories.make_user("dora")


def _gaps(portfolio: Portfolio, dora: User, count: int) -> list[Investment]:
    """Return investments whose third month is closed without one account."""
    found = [factories.make_investment(portfolio, f"G-{n}", data_owner=dora) for n in range(count)]
    for one in found:
        record(portfolio, *running(one, EARNING, first=1, last=2))
    close(portfolio, first=1, last=3)
    evaluate.advance(now=now())
    return found


def _asked(dora: User, **wanted: object) -> list[Notification]:
    return _rows(dora, event__episode__rule="missing_actuals", **wanted)


def test_case_57_all_data_missing_is_one_notice_a_data_owner(portfolio: Portfolio, dora: User) -> None:
    _gaps(portfolio, dora, 4)
    assert {(n.state, n.suppressed_by) for n in _asked(dora)} == {("held", "no_data")}
    assert len(_asked(dora)) == 4
    due.run_due(now=_later(days=1, hours=1))
    (digest,) = _digests(dora)
    assert len(digest.message["items"]) == 4
    assert digest.message["lane"] == "no_data"


def test_data_that_comes_in_time_is_never_asked_for(portfolio: Portfolio, dora: User) -> None:
    (one,) = _gaps(portfolio, dora, 1)
    record(portfolio, *running(one, EARNING, first=3, last=3), reason="Late invoice.")
    evaluate.advance(now=now())
    due.run_due(now=_later(days=2))
    assert {(n.state, n.suppressed_by) for n in _asked(dora)} == {
        ("suppressed", "in_time"),
        ("suppressed", "untold"),
    }


def test_case_58_data_in_the_minute_it_is_asked_for_makes_one_pair_in_order(
    portfolio: Portfolio, dora: User
) -> None:
    (one,) = _gaps(portfolio, dora, 1)
    due.run_due(now=_later(days=1))
    record(portfolio, *running(one, EARNING, first=3, last=3), reason="Late invoice.")
    evaluate.advance(now=now())
    due.run_due(now=_later(days=3))
    told = _asked(dora, state="pending")
    assert [n.event.kind for n in told if n.event] == ["fired", "resolved"]
    due.run_due(now=_later(days=4))
    assert len(_asked(dora)) == 2


def test_case_59_a_retired_investment_is_not_asked_for_data(portfolio: Portfolio, dora: User) -> None:
    one = factories.make_investment(portfolio, "OLD", data_owner=dora, end_month=month(2))
    record(portfolio, *running(one, EARNING, first=1, last=2))
    close(portfolio, first=1, last=4)
    evaluate.advance(now=now())
    assert not _asked(dora)


def test_case_60_a_month_that_is_not_closed_is_never_judged(portfolio: Portfolio, dora: User) -> None:
    one = factories.make_investment(portfolio, "NEW", data_owner=dora)
    record(portfolio, *running(one, LOSING, first=1, last=3))
    evaluate.advance(now=now())
    assert not Event.objects.exists()
    assert not Notification.objects.exists()


def test_case_61_actuals_of_a_month_to_come_are_refused(portfolio: Portfolio, support: Investment) -> None:
    at = now().date().replace(day=1) + timedelta(days=63)
    with pytest.raises(ledger.FactsRejected) as rejected:
        record(portfolio, factories.fact(support, at.replace(day=1), "model_api", 10))
    assert factories.refusals(rejected)
    assert not Notification.objects.exists()


def test_missing_data_is_reminded_of_a_week_after_it_was_asked_for(portfolio: Portfolio, dora: User) -> None:
    _gaps(portfolio, dora, 1)
    (asked,) = _asked(dora)
    assert asked.digest_at is not None
    due.run_due(now=asked.digest_at + timedelta(days=6, hours=23))
    assert len(_asked(dora)) == 1
    due.run_due(now=asked.digest_at + timedelta(days=7, minutes=1))
    assert [n.event.kind for n in _asked(dora) if n.event] == ["fired", "reminder"]


# Words


def test_a_digest_of_five_hundred_is_readable(portfolio: Portfolio, olivia: User) -> None:
    item = {
        "kind": "fired", "rule": RULE, "title": "Negative ROI", "severity": "critical", "month": "2026-03",
        "investment": {"code": "A&B", "name": "<b>Bot</b>"}, "value": "-0.05", "threshold": "0",
        "unit": "rate", "currency": "USD", "path": "/go/investment/1",
    }  # fmt: skip
    given = {
        "kind": "digest",
        "lane": "grouped",
        "portfolio": {"code": "P", "name": "P"},
        "items": [item] * 500,
    }
    message = messages.render(given, id=portfolio.public_id, thread_id="t")
    assert message.headline == "Portfolio P: 500 alerts at once"
    assert message.lead == "1 investment: 500 new."
    assert message.html.count("/go/investment/1") == message.text.count("/go/investment/1") == 500
    assert "<b>Bot" not in message.html
    assert "(5.0%) against 0.0%" in message.text
    assert len(message.facts) == 21
    assert message.facts[-1] == ("And", "480 more in Hurdle")
    # Chat shows all of these, in as many parts as it takes, and never how many more there are than mail has.
    sections = [block["fields"] for block in block_kit.blocks(message) if "fields" in block]
    assert [len(fields) for fields in sections] == [10, 10, 1]
    assert "480 more in Hurdle" in json.dumps(teams.card(message))
