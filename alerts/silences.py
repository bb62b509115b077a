"""Silences: made with a preview of what they keep back, ended early or by their time; a long one needs two people."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from alerts.acknowledgments import OverlayError
from alerts.models import Episode, Notification, Silence
from alerts.rules import RULES
from alerts.rules.attention import LONG_SILENCE, LONGEST_SILENCE
from alerts.rules.negative_roi import NEGATIVE_ROI
from portfolio import access, approvals
from portfolio.access import Action
from portfolio.models import Approval, Investment, Portfolio, User

APPROVAL_KIND = "long_silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """What a silence is about: a portfolio, narrowed to an investment or a rule where given."""

    portfolio: Portfolio
    investment: Investment | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a silence would keep back: the open alerts it matches, and its notices still to be sent."""

    episodes: tuple[Episode, ...]
    unsent: int


def preview(matcher: Matcher) -> Preview:
    """Return what a silence with this matcher would keep back if it held now."""
    open_now = Episode.objects.filter(closed_at=None, investment__portfolio=matcher.portfolio)
    if matcher.investment is not None:
        open_now = open_now.filter(investment=matcher.investment)
    if matcher.rule:
        open_now = open_now.filter(rule=matcher.rule)
    episodes = tuple(open_now.select_related("investment").order_by("investment__code", "rule"))
    unsent = Notification.objects.filter(event__episode__in=episodes, state__in=Notification.OPEN).count()
    return Preview(episodes, unsent)


@transaction.atomic
def create(
    matcher: Matcher,
    *,
    starts_at: datetime,
    ends_at: datetime,
    comment: str,
    author: User,
    now: datetime,
) -> Silence:
    """Record a silence. One that mutes the negative rule for more than thirty days holds once somebody else allows it.

    Raises OverlayError with a sentence.
    """
    _check(matcher, starts_at=starts_at, ends_at=ends_at, comment=comment, author=author, now=now)
    is_long = ends_at - starts_at > LONG_SILENCE and matcher.rule in ("", NEGATIVE_ROI.name)
    silence = Silence(
        portfolio=matcher.portfolio,
        investment=matcher.investment,
        rule=matcher.rule,
        starts_at=starts_at,
        ends_at=ends_at,
        comment=comment.strip()[:500],
        author=author,
        created_at=now,
        needs_approval=is_long,
    )
    if is_long:
        silence.approval = approvals.ask(
            matcher.portfolio,
            APPROVAL_KIND,
            subject=silence.public_id,
            content=content_of(silence),
            summary=f"{_named(matcher)}, quiet until {ends_at:%Y-%m-%d}: {silence.comment}",
            author=author,
            now=now,
        )
    silence.save()
    return silence


def _named(matcher: Matcher) -> str:
    rule = RULES[matcher.rule].title if matcher.rule else "Every rule"
    return (
        f"{rule} of {matcher.investment.code if matcher.investment else f'all of {matcher.portfolio.code}'}"
    )


def content_of(silence: Silence) -> dict[str, object]:
    """Return what a second person allows: the matcher and the time. A change of either needs a new request."""
    return {
        "portfolio": silence.portfolio_id,
        "investment": silence.investment_id,
        "rule": silence.rule,
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
    }


def _content(approval: Approval) -> dict[str, object]:
    return content_of(Silence.objects.get(public_id=approval.subject))


def _rows(approval: Approval) -> list[tuple[str, str]]:
    silence = Silence.objects.select_related("investment").get(public_id=approval.subject)
    return [
        ("Investment", str(silence.investment or "every one of the portfolio")),
        ("Rule", RULES[silence.rule].title if silence.rule else "every rule"),
        ("From", f"{silence.starts_at:%Y-%m-%d %H:%M} UTC"),
        ("Until", f"{silence.ends_at:%Y-%m-%d %H:%M} UTC"),
        ("Why", silence.comment),
    ]


def _about(approval: Approval) -> str:
    silence = Silence.objects.select_related("investment", "portfolio").get(public_id=approval.subject)
    return silence.investment.code if silence.investment else silence.portfolio.code


approvals.register(
    approvals.Kind(name=APPROVAL_KIND, title="Long silence", content=_content, rows=_rows, about=_about)
)


def decide(
    silence: Silence, *, approver: User, is_allowed: bool, now: datetime, reason: str = ""
) -> Approval:
    """Allow or refuse a long silence. Raises ApprovalError with a sentence."""
    if silence.approval is None:
        raise approvals.ApprovalError("This silence needs nobody's approval.")
    return approvals.decide(
        silence.approval,
        content=content_of(silence),
        approver=approver,
        is_allowed=is_allowed,
        now=now,
        reason=reason,
    )


@transaction.atomic
def end(silence: Silence, *, user: User, now: datetime) -> Silence:
    """End a silence now; what it kept back of alerts that are still open is told once. Raises OverlayError."""
    held = Silence.objects.select_for_update().get(pk=silence.pk)
    if not access.may(user, Action.RECORD, held.portfolio_id):
        raise OverlayError("Only who records in the portfolio ends its silences.", code="forbidden")
    if held.ends_at <= now:
        raise OverlayError("This silence is over already.", code="closed")
    if held.starts_at >= now:
        # It never held, so there is nothing to keep on record but its history.
        held.delete()
        if held.approval_id is not None:
            Approval.objects.filter(pk=held.approval_id, decision="").update(
                decision="void", reason="The silence was taken back before it began.", decided_at=now
            )
        return held
    held.ends_at = now
    held.save(update_fields=["ends_at"])
    return held


def _check(
    matcher: Matcher, *, starts_at: datetime, ends_at: datetime, comment: str, author: User, now: datetime
) -> None:
    if not access.may(author, Action.RECORD, matcher.portfolio.pk):
        raise OverlayError("Only who records in the portfolio silences its alerts.", code="forbidden")
    if matcher.investment is None and not matcher.rule:
        raise OverlayError("Name a rule or an investment: a silence of a whole portfolio hides everything.")
    if matcher.investment is not None and matcher.investment.portfolio_id != matcher.portfolio.pk:
        raise OverlayError("This investment is not in the portfolio.")
    if matcher.rule and matcher.rule not in RULES:
        raise OverlayError(f"There is no rule named {matcher.rule!r}. The rules are {', '.join(RULES)}.")
    if not comment.strip():
        raise OverlayError("Say why these alerts can be silent.")
    if ends_at <= starts_at or ends_at <= now:
        raise OverlayError("A silence ends after it starts, and not in the past.")
    if ends_at - starts_at > LONGEST_SILENCE:
        raise OverlayError("A silence lasts twelve months at most.")
