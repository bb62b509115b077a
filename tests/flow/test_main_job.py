"""The main job as people see it: actuals in, a threshold crossed, one mail, one Slack message, no more."""

from __future__ import annotations

import json
import urllib.request

import pytest
from django.test import Client

from portfolio.models import User
from tests.flow import cast
from tests.flow.conftest import OpenStory
from tests.processes import Installation, pointed_at

pytestmark = pytest.mark.processes


def tell_once_and_never_again(story: cast.Story) -> None:
    """Upload, commit, close; both messages arrive once. Do it all again: nothing is sent."""
    house = story.house
    assert story.upload_and_commit()["new_count"] == 1 + 2 * cast.MONTHS
    assert len(story.close_months()) == cast.MONTHS
    house.until(story.is_told, "both messages are sent")
    cast.check_books(story)
    check_messages(story)
    again = story.upload_and_commit()
    assert (again["new_count"], again["changed_count"], again["unchanged_count"]) == (
        0,
        0,
        1 + 2 * cast.MONTHS,
    )
    assert story.close_months() == []
    judge_again(story)
    cast.check_books(story)


def judge_again(story: cast.Story) -> None:
    """Make the installation fold the rules once more over the same facts, and wait until it has."""
    before = story.count("alerts_evaluationpoint")
    story.house.rows(
        "UPDATE alerts_evaluationhead SET revision = -1 WHERE investment_id IN "
        "(SELECT id FROM portfolio_investment WHERE code = ANY(%s)) RETURNING 1",
        list(story.codes),
    )
    story.house.until(
        lambda: story.count("alerts_evaluationpoint") >= before + len(story.codes),
        "the rules are folded again",
    )


def check_messages(story: cast.Story) -> None:
    """Compare what both messages say: the same crossing, figures and link; and the link leads to the page."""
    (mail,), (post,) = story.mails(), story.posts()
    (code,) = story.codes
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    public_id, pk = story.house.rows("SELECT public_id, id FROM portfolio_investment WHERE code = %s", code)[
        0
    ]
    link = f"{story.house.environment['HURDLE_PUBLIC_URL']}/go/investment/{public_id}"
    assert mail["Subject"] == f"[Hurdle] {code} crossed Under the hurdle"
    for body in (text, html, json.dumps(post, ensure_ascii=False)):
        assert link in body
        assert "5.0" in body, "the incremental ROI is five percent"
        assert "maintain-or-replace decision" in body
    with pointed_at(story.house.urls.database):
        browser = Client()
        browser.force_login(User.objects.get(email=story.owner))
        session = browser.cookies["session"].value
    request = urllib.request.Request(link, headers={"Cookie": f"session={session}"})
    opener = urllib.request.build_opener(_StayHere())
    with opener.open(request, timeout=20) as answer:
        assert answer.status == 302
        assert answer.headers["Location"] == f"/admin/portfolio/investment/{pk}/change/"


class _StayHere(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: object, response: object) -> object:
        return response


def test_both_messages_are_accepted_once_and_running_again_sends_nothing(
    house: Installation, begin: OpenStory
) -> None:
    story = begin()
    house.start("worker", "relay")
    tell_once_and_never_again(story)
