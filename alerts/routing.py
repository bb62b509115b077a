"""Who is told of an event, by which channel, and why: the owner by email, the portfolio's channel on Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from alerts.models import Target
from alerts.rules.attention import Rung
from portfolio import calendars
from portfolio.models import Investment, Membership, User
from portfolio.terms import Role


@dataclass(frozen=True, slots=True)
class Recipient:
    """One target of a notification: a person's address on a channel, or a shared one."""

    channel: str
    address: str
    name: str
    why: str
    user: User | None = None

    @property
    def key(self) -> str:
        """Return what names the target in a delivery id; a person stays the same when the address changes."""
        return f"{self.channel}:{self.user.public_id if self.user else self.address}"


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything routing needs to know about some investments, read at once."""

    targets: Mapping[int, Sequence[Target]]
    admins: Mapping[int, Sequence[User]]
    board: Mapping[int, Sequence[User]]
    delegates: Mapping[int, User]  # by the user who is away


def directory(investments: Sequence[Investment], *, on: date) -> Directory:
    """Read the shared targets, the people and who stands in for them on a day: three queries for all investments."""
    portfolios = {i.portfolio_id for i in investments}
    targets: dict[int, list[Target]] = {key: [] for key in portfolios}
    for target in Target.objects.filter(portfolio__in=portfolios).order_by("pk"):
        targets[target.portfolio_id].append(target)
    people: dict[str, dict[int, list[User]]] = {
        role: {key: [] for key in portfolios} for role in (Role.ADMIN.value, Role.BOARD.value)
    }
    members = Membership.objects.filter(portfolio__in=portfolios, role__in=people, user__is_active=True)
    for member in members.select_related("user").order_by("pk"):
        people[member.role][member.portfolio_id].append(member.user)
    named = {u.pk: u for i in investments for u in (i.owner, i.sponsor) if u is not None}
    return Directory(
        targets,
        people[Role.ADMIN.value],
        people[Role.BOARD.value],
        calendars.delegates_on(on, list(named.values())),
    )


def recipients(investment: Investment, rule: str, known: Directory) -> list[Recipient]:
    """Return who is told about a rule of an investment.

    The owner by email; without an owner who can be written to, the sponsor, then the portfolio's administrators. The
    portfolio's shared targets that want the rule; where no Slack target was ever set, the installation's channel.
    """
    told = _mails(_people(investment, known), known)
    targets = known.targets.get(investment.portfolio_id, [])
    told += [
        Recipient(t.channel, t.address, t.label, f"channel of portfolio {investment.portfolio.code}")
        for t in targets
        if t.is_active and (not t.rules or rule in t.rules)
    ]
    if not any(t.channel == "slack" for t in targets):
        told.append(Recipient("slack", "", "default channel", "the installation's channel"))
    return told


def escalation(investment: Investment, rung: Rung, known: Directory) -> tuple[list[Recipient], bool]:
    """Return who is told on a rung, and whether the rung is empty: then the portfolio's administrators are told."""
    reached: dict[Rung, list[tuple[User, str]]] = {
        Rung.OWNER: _told_as(investment.owner, "owner of the investment"),
        Rung.SPONSOR: _told_as(investment.sponsor, "sponsor of the investment"),
        Rung.BOARD: [
            (user, "governance board of the portfolio")
            for user in known.board.get(investment.portfolio_id, [])
            if user.email
        ],
    }
    people = reached[rung]
    return _mails(people or _admins(investment, known), known), not people


def without_delegates(investment: Investment, rule: str, known: Directory) -> list[Recipient]:
    """Return who would be told if nobody were away: whoever heard of a beginning may be back at its end."""
    return recipients(investment, rule, Directory(known.targets, known.admins, known.board, {}))


def _mails(people: Sequence[tuple[User, str]], known: Directory) -> list[Recipient]:
    mails: dict[int, Recipient] = {}
    for user, why in people:
        stand_in = known.delegates.get(user.pk)
        person, because = (
            (stand_in, f"stands in for {user}, {why}") if stand_in and stand_in.email else (user, why)
        )
        mails.setdefault(person.pk, Recipient("email", person.email, str(person), because, person))
    return list(mails.values())


def _told_as(user: User | None, why: str) -> list[tuple[User, str]]:
    return [(user, why)] if user is not None and user.is_active and user.email else []


def _people(investment: Investment, known: Directory) -> list[tuple[User, str]]:
    return (
        _told_as(investment.owner, "owner of the investment")
        or _told_as(investment.sponsor, "sponsor")
        or _admins(investment, known)
    )


def _admins(investment: Investment, known: Directory) -> list[tuple[User, str]]:
    admins = known.admins.get(investment.portfolio_id, [])
    return [(user, "administrator of the portfolio") for user in admins if user.email]
