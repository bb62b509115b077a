"""Investments as known at an earlier time: figures and status of then, in as many queries as for one."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.models import Episode
from portfolio import months
from roi import snapshots
from tests.api.conftest import START, World, make_investment, now
from tests.api.test_governed_figures import february

INVESTMENTS = "/api/v1/investments"


def moment() -> str:
    return now().isoformat().replace("+00:00", "Z")


def ask(world: World, address: str = "", **query: str) -> Any:
    return world.client("vera").get(INVESTMENTS + address, query)


def test_figures_and_status_are_those_of_then(world: World) -> None:
    before = moment()
    then = ask(world, "/CX-1").json()
    february(world)
    snapshots.recompute(now=now())
    Episode.objects.filter(investment=world.chatbot).update(closed_at=now(), closed_reason="recovered")
    today = ask(world, "/CX-1").json()
    assert (today["status"], today["figures"]["month"]) == ("past_breakeven", "2026-02")
    back = ask(world, "/CX-1", as_of=before).json()
    assert (back["status"], back["figures"]["month"]) == ("negative_roi", "2026-01")
    assert back["figures"] == then["figures"] | {"knowledge": back["figures"]["knowledge"]}
    assert ask(world, as_of=before).json()["results"] == [back]
    assert ask(world, "/CX-1", as_of=moment()).json()["figures"]["roi"] == today["figures"]["roi"]
    # Opened later, so not open then.
    Episode.objects.filter(investment=world.chatbot).update(opened_at=now())
    assert ask(world, "/CX-1", as_of=before).json()["status"] == "past_breakeven"


def test_what_was_registered_later_is_not_there(world: World) -> None:
    before = moment()
    make_investment(world.cx, "CX-NEW", owner=world.users["olivia"])
    assert [one["code"] for one in ask(world).json()["results"]] == ["CX-1", "CX-NEW"]
    assert [one["code"] for one in ask(world, as_of=before).json()["results"]] == ["CX-1"]
    gone = ask(world, "/CX-NEW", as_of=before)
    assert (gone.status_code, gone.json()["detail"]) == (
        422,
        "The investment was not registered at that time.",
    )
    assert ask(world, "/OPS-SECRET", as_of=before).status_code == 404
    assert ask(world, as_of="2020-01-01T00:00:00Z").json()["results"] == []


def test_before_a_month_was_closed_there_are_no_figures(world: World) -> None:
    Episode.objects.update(opened_at=now() + timedelta(hours=1))
    months.reopen(world.cx, [START], now=now(), actor=world.users["finn"], reason="Late bill.")
    before = moment()
    months.close(world.cx, [START], now=now())
    snapshots.recompute(now=now())
    assert ask(world, "/CX-1", as_of=moment()).json()["status"] == "past_breakeven"
    back = ask(world, "/CX-1", as_of=before).json()
    assert (back["status"], back["figures"]) == ("no_figures", None)


def test_what_selects_by_todays_figures_is_refused(world: World) -> None:
    for name, value in (("status", "on_track"), ("roi__gte", "0.1"), ("roi__lt", "0.1")):
        answer = ask(world, as_of=moment(), **{name: value})
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, name)
    later = (now() + timedelta(days=1)).isoformat()
    for wrong in (later, "7", "2026-01-31", "x"):
        assert ask(world, as_of=wrong).status_code == 400, wrong


def test_queries_do_not_grow_with_rows(world: World) -> None:
    counts = []
    for first in (0, 1, 12):
        for number in range(first, 2 * first):
            make_investment(world.cx, f"CX-{number:02d}", owner=world.users["olivia"])
        asked = moment()
        with CaptureQueriesContext(connection) as queries:
            assert ask(world, as_of=asked).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2], counts
