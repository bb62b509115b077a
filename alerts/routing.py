"""Who is told of an event, by which channel, and why: the owner by email, the portfolio's channel on Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.models import Target
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


def directory(investments: Sequence[Investment]) -> Directory:
    """Read the shared targets and administrators of the investments' portfolios: two queries for all of them."""
    portfolios = {i.portfolio_id for i in investments}
    targets: dict[int, list[Target]] = {key: [] for key in portfolios}
    for target in Target.objects.filter(portfolio__in=portfolios).order_by("pk"):
        targets[target.portfolio_id].append(target)
    admins: dict[int, list[User]] = {key: [] for key in portfolios}
    members = Membership.objects.filter(portfolio__in=portfolios, role=Role.ADMIN.value, user__is_active=True)
    for member in members.select_related("user").order_by("pk"):
        admins[member.portfolio_id].append(member.user)
    return Directory(targets, admins)


def recipients(investment: Investment, rule: str, known: Directory) -> list[Recipient]:
    """Return who is told about a rule of an investment.

    The owner by email; without an owner who can be written to, the sponsor, then the portfolio's administrators. The
    portfolio's shared targets that want the rule; where no Slack target was ever set, the installation's channel.
    """
    people = _people(investment, known)
    told = [Recipient("email", user.email, str(user), why, user) for user, why in people]
    targets = known.targets.get(investment.portfolio_id, [])
    told += [
        Recipient(t.channel, t.address, t.label, f"channel of portfolio {investment.portfolio.code}")
        for t in targets
        if t.is_active and (not t.rules or rule in t.rules)
    ]
    if not any(t.channel == "slack" for t in targets):
        told.append(Recipient("slack", "", "default channel", "the installation's channel"))
    return told


def _people(investment: Investment, known: Directory) -> list[tuple[User, str]]:
    for user, why in ((investment.owner, "owner of the investment"), (investment.sponsor, "sponsor")):
        if user is not None and user.is_active and user.email:
            return [(user, why)]
    return [
        (user, "administrator of the portfolio")
        for user in known.admins.get(investment.portfolio_id, [])
        if user.email
    ]
