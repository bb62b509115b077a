"""Slack by an incoming webhook of the portfolio's own: one channel, no threads, nothing edited later."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from alerts.channels import block_kit, posting
from alerts.channels.base import Accepted, Kind, Message, Outcome, Permanent, Uncertain, option
from alerts.channels.guard import Answer

_HOSTS = re.compile(r"hooks\.slack(-gov)?\.com\Z")
# Slack says in one word what is wrong; anything else may hold whatever a stranger wrote.
_WORD = re.compile(r"[a-z_]{3,60}\Z")
_GONE = frozenset({"channel_is_archived", "no_service", "no_team", "team_disabled", "action_prohibited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of a target."""

    url: str = option(
        "Webhook address",
        help="https://hooks.slack.com/services/… as Slack shows it under “Incoming webhooks”.",
        is_secret=True,
    )

    def problems(self) -> dict[str, str]:
        """Return why the address cannot be used."""
        problem = posting.problem_with(self.url)
        return {"url": problem} if problem else {}


@dataclass(frozen=True, slots=True)
class SlackWebhookChannel:
    """Posts to the one Slack channel its webhook is bound to."""

    options: Options
    name: str = "slack_webhook"

    @property
    def host(self) -> str:
        """Slack's host for webhooks."""
        return f"slack_webhook:{posting.host_of(self.options.url)}"

    def describe(self, message: Message, address: str) -> dict[str, Any]:
        """Return what is posted; the webhook's address is a secret and stays out."""
        return {"to": address, "text": block_kit.fallback(message), "blocks": block_kit.blocks(message)}

    def send(self, message: Message, address: str, *, deadline: float) -> Outcome:
        """Post the message; Slack says ok in so many letters."""
        said = {
            "text": block_kit.fallback(message),
            "blocks": block_kit.blocks(message),
            "unfurl_links": False,
            "mrkdwn": False,
        }
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = posting.post(
            self.options.url, json.dumps(said).encode(), headers=headers, deadline=deadline, refused=_refused
        )
        if not isinstance(answer, Answer):
            return answer
        if answer.body.strip() == b"ok" or not _HOSTS.match(posting.host_of(self.options.url)):
            return Accepted()
        return Uncertain("The webhook answered something other than ok.")


def _refused(answer: Answer) -> Outcome:
    """Sort a refusal by its code, and by Slack's one word for it."""
    outcome, word = posting.refused(answer), answer.body.decode("ascii", "replace").strip()
    if not isinstance(outcome, Permanent) or not _WORD.match(word):
        return outcome
    return Permanent(f"Slack answered {answer.status}: {word}.", is_gone=outcome.is_gone or word in _GONE)


def make(options: Options) -> SlackWebhookChannel | None:
    """Return the channel of a target."""
    return SlackWebhookChannel(options) if options.url else None


KIND = Kind("Slack webhook", Options, make, is_shared=False)
