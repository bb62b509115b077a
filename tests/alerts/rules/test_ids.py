"""Ids are functions of what they name; the written-out ones must never change."""

from uuid import UUID

from alerts.rules import ids

INVESTMENT = UUID("00000000-0000-4000-8000-000000000001")


def test_the_key_names_investment_rule_and_number() -> None:
    key = ids.episode_key(INVESTMENT, rule="negative_roi", number=3)
    assert key == "hurdle:00000000-0000-4000-8000-000000000001:negative_roi:3"


def test_case_33_the_same_event_has_the_same_id_and_no_other_has() -> None:
    key = ids.episode_key(INVESTMENT, rule="negative_roi", number=3)
    fired = ids.event_id(key, kind="fired", ordinal=1)
    assert fired == ids.event_id(key, kind="fired", ordinal=1)
    others = {
        ids.event_id(key, kind="fired", ordinal=2),
        ids.event_id(key, kind="resolved", ordinal=1),
        ids.event_id(ids.episode_key(INVESTMENT, rule="negative_roi", number=4), kind="fired", ordinal=1),
    }
    assert len({fired, *others}) == 4
    assert ids.delivery_id(fired, target="email:1") != ids.delivery_id(fired, target="email:2")


def test_ids_stay_what_they_were() -> None:
    event = ids.event_id("hurdle:x:negative_roi:1", kind="fired", ordinal=1)
    assert str(event) == "5ea59f96-44a6-5bc4-b688-7d6a6e32c5a7"
    assert str(ids.delivery_id(event, target="email:1")) == "f9fd0fd9-2b1e-5641-a197-3548b4a95277"
