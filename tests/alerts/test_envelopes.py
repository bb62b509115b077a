"""A message made ready for its channel: its chart says what its words say, and nothing private is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts import envelopes, outbox
from alerts.envelopes import WITHHELD
from alerts.models import Notification
from tests import factories
from tests.alerts.histories import LOSING, live, restate
from tests.alerts.messages.cases import rendered


@pytest.fixture
def notice(db: None) -> Notification:
    portfolio = factories.make_portfolio("CX", rate="0.10")
    investment = factories.make_investment(portfolio, "SUP-1", owner=factories.make_user("olivia"))
    factories.join(factories.make_user("ada"), portfolio, "admin")
    live(investment, LOSING, first=1, last=6)
    return Notification.objects.get(channel="email", event__episode__rule="negative_roi")


def values(chart: dict[str, Any]) -> list[dict[str, Any]]:
    found = chart["spec"]["data"]["values"]
    assert isinstance(found, list)
    return found


def test_a_chart_ends_where_the_copied_figures_do(notice: Notification) -> None:
    chart = envelopes.chart_of(notice.message)
    assert chart is not None
    figures, last = notice.message["figures"], values(chart)[-2:]
    assert [row["month"][:7] for row in last] == [notice.message["data_through"]] * 2
    assert last[0]["value"] == float(figures["tco"])
    assert last[1]["value"] == float(figures["cumulative_benefit"])
    assert chart["words"].startswith(
        "Chart: cumulative cost and benefit from Jan 2024 to Jun 2024; USD 54,000 spent"
    )


def test_later_months_are_not_in_it(notice: Notification) -> None:
    before = envelopes.chart_of(notice.message)
    assert notice.event is not None
    live(notice.event.episode.investment, LOSING, first=7, last=8)
    assert envelopes.chart_of(notice.message) == before


def test_restated_figures_leave_the_chart_out(notice: Notification) -> None:
    assert notice.event is not None
    restate(notice.event.episode.investment, {"model_api": 9500}, first=2, last=2)
    assert envelopes.chart_of(notice.message) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "test"},
        {"kind": "retracted"},
        {"investment": {}},
        {"investment": {"code": "X", "public_id": "11111111-2222-5333-8444-555555555555"}},
        {"data_through": ""},
        {"figures": {}},
    ],
)
def test_what_has_nothing_to_draw_has_no_chart(changes: dict[str, Any], notice: Notification) -> None:
    assert envelopes.chart_of(notice.message | changes) is None


def test_only_mail_has_a_chart(notice: Notification) -> None:
    claimed = outbox.claim(lease=60, only=["email"])
    assert claimed is not None
    assert envelopes.message_of(claimed).chart is not None
    assert envelopes.message_of(replace(claimed, channel="teams")).chart is None


def test_what_is_private_is_kept_nowhere() -> None:
    message = replace(
        rendered(),
        answer="signed-answer",
        unsubscribe="https://h/alerts/unsubscribe/token",
        private=("https://h/alerts/ack/token",),
    )
    handed = {
        "text": "Acknowledge: https://h/alerts/ack/token",
        "headers": {"List-Unsubscribe": "<https://h/alerts/unsubscribe/token>"},
        "blocks": [{"elements": [{"value": "signed-answer", "style": "primary"}]}],
        "number": 3,
    }
    kept = envelopes.kept(handed, message)
    assert kept["text"] == f"Acknowledge: {WITHHELD}"
    assert kept["headers"]["List-Unsubscribe"] == f"<{WITHHELD}>"
    assert kept["blocks"][0]["elements"][0] == {"value": WITHHELD, "style": "primary"}
    assert kept["number"] == 3
