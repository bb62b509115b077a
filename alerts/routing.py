"""Who is told of an event, by which channel, and why: by the portfolio's routes, by the defaults where it has none."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from alerts import channels, targets, unsubscriptions
from alerts.models import Route, Target
from alerts.rules import RULES, routes
from alerts.rules.attention import Rung
from alerts.rules.routes import Named, RouteTerms, Step, Subject
from portfolio import calendars
from portfolio.business_days import Calendar
from portfolio.models import Investment, Membership, User
from portfolio.terms import Role

MISSING_ACTUALS = "missing_actuals"
_ALL_THE_SAME = "nobody else can be told, so this is sent although they unsubscribed"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One target of a notification: a person's address on a channel, or a shared one; `mode` says how soon."""

    channel: str
    address: str
    name: str
    why: str
    user: User | None = None
    mode: str = routes.IMMEDIATE
    must_hear: bool = False  # told although they unsubscribed: nobody else can be

    @property
    def key(self) -> str:
        """Return what names the target in a delivery id; a person stays the same when the address changes."""
        return f"{self.channel}:{self.user.public_id if self.user else self.address}"


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything routing needs to know about some investments, read at once; people are active ones."""

    targets: Mapping[int, Sequence[Target]]
    members: Mapping[tuple[int, str], Sequence[User]]  # by portfolio and role
    delegates: Mapping[int, User]  # by the user who is away
    routes: Mapping[int, Sequence[RouteTerms]]  # by portfolio, in their order
    named: Mapping[int, User]  # whom routes name
    calendars: Mapping[int, Calendar]  # by portfolio
    unsubscribed: Collection[tuple[int, int]] = frozenset()  # by user and portfolio
    assumed: int | None = None  # the user taken for one who can be written to

    def with_role(self, investment: Investment, role: Role) -> Sequence[User]:
        """Return the members of an investment's portfolio in a role."""
        return self.members.get((investment.portfolio_id, role.value), ())

    def may_hear(self, user: User, investment: Investment) -> bool:
        """Whether a person has access: a member of the portfolio, or one of the investment's own people."""
        own = {investment.owner_id, investment.sponsor_id, investment.data_owner_id}
        return user.is_active and (
            user.pk in own
            or user.is_superuser
            or any(user in self.with_role(investment, role) for role in Role)
        )

    def is_unsubscribed(self, user: User, investment: Investment) -> bool:
        """Whether a person wants no mail about an investment's portfolio."""
        return (user.pk, investment.portfolio_id) in self.unsubscribed

    def is_mailed(self, user: User, investment: Investment) -> bool:
        """Whether mail about an investment reaches a person who wants it."""
        if not user.is_active:
            return False
        return user.pk == self.assumed or (bool(user.email) and not self.is_unsubscribed(user, investment))


@dataclass(frozen=True, slots=True)
class Way:
    """Who hears of an alert and how it came to that."""

    steps: Sequence[Step]
    recipients: Sequence[Recipient]
    is_default: bool


def terms_of(route: Route) -> RouteTerms:
    """Return a stored route as the pure rules match it."""
    return RouteTerms(
        name=route.name,
        rules=tuple(route.rules),
        severities=tuple(route.severities),
        use_cases=tuple(route.use_cases),
        investments=tuple(route.investments),
        recipients=tuple(Named(kind, str(value)) for one in route.recipients for kind, value in one.items()),
        mode=route.mode,
        goes_on=route.goes_on,
        is_active=route.is_active,
    )


def directory(investments: Sequence[Investment], *, on: date) -> Directory:
    """Read targets, routes, members and who stands in for whom on a day: a handful of queries for all of them."""
    portfolios = {i.portfolio_id for i in investments}
    targets: dict[int, list[Target]] = {key: [] for key in portfolios}
    for target in Target.objects.filter(portfolio__in=portfolios).order_by("pk"):
        targets[target.portfolio_id].append(target)
    members: dict[tuple[int, str], list[User]] = {}
    rows = Membership.objects.filter(portfolio__in=portfolios, user__is_active=True)
    for member in rows.select_related("user").order_by("pk"):
        members.setdefault((member.portfolio_id, member.role), []).append(member.user)
    ordered: dict[int, list[RouteTerms]] = {}
    for route in Route.objects.filter(portfolio__in=portfolios).order_by("portfolio", "position"):
        ordered.setdefault(route.portfolio_id, []).append(terms_of(route))
    keys = {n.value for group in ordered.values() for r in group for n in r.recipients if n.kind == "user"}
    named = {user.pk: user for user in User.objects.filter(pk__in=keys)} if keys else {}
    owned = {i.data_owner_id for i in investments} - {None}
    named |= User.objects.in_bulk(owned) if owned else {}
    people = {u.pk: u for group in members.values() for u in group} | named
    people |= {u.pk: u for i in investments for u in (i.owner, i.sponsor) if u is not None}
    days = calendars.calendars_of({i.portfolio_id: i.portfolio for i in investments}.values())
    away = calendars.delegates_on(on, list(people.values()))
    return Directory(targets, members, away, ordered, named, days, unsubscriptions.of(portfolios))


def recipients(investment: Investment, rule: str, known: Directory, *, severity: str = "") -> list[Recipient]:
    """Return who is told about a rule of an investment, the soonest way that a route or a default names."""
    return list(route(investment, rule, known, severity=severity).recipients)


def route(investment: Investment, rule: str, known: Directory, *, severity: str = "") -> Way:
    """Return who is told, with every route as the alert met it.

    Without routes the defaults hold; they hold as well where no route is taken or those taken reach nobody, as an
    alert that nobody hears of is a loss.
    """
    severity = severity or RULES[rule].defaults.severity.value
    subject = Subject(rule, severity, investment.code, investment.use_case)
    steps = routes.walk(known.routes.get(investment.portfolio_id, ()), subject)
    reached: dict[str, Recipient] = {}
    for step in steps:
        if step.is_taken:
            for one in _reached_by(step.route, investment, known):
                before = reached.get(one.key)
                mode = routes.soonest([before.mode, one.mode]) if before else one.mode
                reached[one.key] = replace(before or one, mode=mode)
    if reached:
        return Way(steps, list(reached.values()), is_default=False)
    return Way(steps, _defaults(investment, rule, known), is_default=True)


def explain(
    investment: Investment, rule: str, severity: str, known: Directory, user: User
) -> tuple[Way, str]:
    """Return the way an alert takes, and why a person does not hear of it by it; empty where they do."""
    way = route(investment, rule, known, severity=severity)
    if any(one.user is not None and one.user.pk == user.pk for one in way.recipients):
        return way, ""
    if not user.is_active:
        return way, "The account is disabled."
    if not known.may_hear(user, investment):
        return way, "They have no access to the portfolio."
    if _would_be_told(investment, rule, severity, known, user):
        if not user.email:
            return way, "They have no email address."
        if known.is_unsubscribed(user, investment):
            return way, "They unsubscribed from mail about this portfolio."
        if user.pk in known.delegates:
            return way, f"They are away; {known.delegates[user.pk]} stands in for them."
    return way, _named_others(way)


def _named_others(way: Way) -> str:
    if way.is_default:
        taken = "No route was taken, and the defaults name somebody else." if way.steps else ""
        return taken or "The portfolio has no routes, and the defaults name somebody else."
    names = ", ".join(f"“{step.route.name}”" for step in way.steps if step.is_taken)
    return f"The routes taken ({names}) name somebody else."


def explain_target(investment: Investment, rule: str, severity: str, known: Directory, target: Target) -> str:
    """Return why an alert does not go to a shared address; empty where it does."""
    way = route(investment, rule, known, severity=severity)
    if any((one.channel, one.address) == (target.channel, target.address) for one in way.recipients):
        return ""
    if not target.is_active:
        return targets.why_switched_off(target) or "It is switched off."
    if way.is_default and RULES[rule].is_quiet:
        return "Alerts of this rule go to people alone."
    if way.is_default and target.rules and rule not in target.rules:
        return "It is told of other rules alone."
    return _named_others(way)


def _would_be_told(investment: Investment, rule: str, severity: str, known: Directory, user: User) -> bool:
    """Whether an alert would go to a person who were there and could be written to."""
    here = {pk: delegate for pk, delegate in known.delegates.items() if pk != user.pk}
    way = route(investment, rule, replace(known, delegates=here, assumed=user.pk), severity=severity)
    return any(one.user is not None and one.user.pk == user.pk for one in way.recipients)


def escalation(investment: Investment, rung: Rung, known: Directory) -> tuple[list[Recipient], bool]:
    """Return who is told on a rung, and whether the rung is empty: then the portfolio's administrators are told.

    Where all of them unsubscribed, the first is told all the same.
    """
    role = {Rung.OWNER: "owner", Rung.SPONSOR: "sponsor", Rung.BOARD: "board"}[rung]
    people = _in_role(role, investment, known)
    told = _mails(people or _in_role("admin", investment, known), investment, known)
    if told:
        return told, not people
    is_empty = not _in_role(role, investment, replace(known, unsubscribed=frozenset()))
    return _all_the_same((role, "admin"), investment, known), is_empty


def without_delegates(
    investment: Investment, rule: str, known: Directory, *, severity: str = ""
) -> list[Recipient]:
    """Return who would be told if nobody were away or unsubscribed: they may have heard of a beginning.

    What they are not mailed since they unsubscribed is kept back when it would leave, and recorded so.
    """
    everybody = replace(known, delegates={}, unsubscribed=frozenset())
    return recipients(investment, rule, everybody, severity=severity)


def _reached_by(terms: RouteTerms, investment: Investment, known: Directory) -> Iterable[Recipient]:
    for named in terms.recipients:
        if named.kind == "target":
            found = _shared(investment, known, partial(_is_target, named.value))
        else:
            found = _mails(_people_named(named, terms, investment, known), investment, known)
        for one in found:
            yield replace(one, mode=terms.mode)


def _is_target(key: str, target: Target) -> bool:
    return str(target.pk) == key


def _people_named(
    named: Named, terms: RouteTerms, investment: Investment, known: Directory
) -> list[tuple[User, str]]:
    if named.kind == "role":
        return _in_role(named.value, investment, known)
    user = known.named.get(int(named.value)) if named.value.isdigit() else None
    if user is None or not known.is_mailed(user, investment) or not known.may_hear(user, investment):
        return []
    return [(user, f"named by the route “{terms.name}”")]


def _in_role(role: str, investment: Investment, known: Directory) -> list[tuple[User, str]]:
    """Return who can be written to in a role, and what they are told they are."""
    if role == "owner":
        return _told_as(investment.owner, "owner of the investment", investment, known)
    if role == "sponsor":
        return _told_as(investment.sponsor, "sponsor of the investment", investment, known)
    if role == "data_owner":
        asked = known.named.get(investment.data_owner_id) if investment.data_owner_id else None
        found = _told_as(asked, "data owner of the investment", investment, known)
        return found or _in_role("finance", investment, known)
    words = {"board": "governance board", "finance": "finance", "admin": "administrator"}[role]
    members = known.with_role(investment, Role(role))
    return [(user, f"{words} of the portfolio") for user in members if known.is_mailed(user, investment)]


def _told_as(user: User | None, why: str, investment: Investment, known: Directory) -> list[tuple[User, str]]:
    return [(user, why)] if user is not None and known.is_mailed(user, investment) else []


def _mails(people: Sequence[tuple[User, str]], investment: Investment, known: Directory) -> list[Recipient]:
    mails: dict[int, Recipient] = {}
    for user, why in people:
        stand_in = known.delegates.get(user.pk)
        # Standing in opens nothing: whoever may not see the portfolio is not told of it for somebody else either.
        is_told = stand_in and known.is_mailed(stand_in, investment) and known.may_hear(stand_in, investment)
        person, because = (stand_in, f"stands in for {user}, {why}") if stand_in and is_told else (user, why)
        mails.setdefault(person.pk, Recipient("email", person.email, str(person), because, person))
    return list(mails.values())


def _all_the_same(order: Sequence[str], investment: Investment, known: Directory) -> list[Recipient]:
    """Return the first of an order, told although they unsubscribed; nobody where nobody has an address either.

    A delegate of theirs who wants mail is told instead: nobody's wish is set aside for nothing.
    """
    everybody = replace(known, unsubscribed=frozenset())
    found = next((found for role in order if (found := _in_role(role, investment, everybody))), [])
    return [
        replace(one, why=f"{one.why}; {_ALL_THE_SAME}", must_hear=True)
        if one.user is not None and known.is_unsubscribed(one.user, investment)
        else one
        for one in _mails(found[:1], investment, known)
    ]


def _shared(investment: Investment, known: Directory, wanted: Callable[[Target], bool]) -> list[Recipient]:
    return [
        Recipient(t.channel, t.address, t.label, f"channel of portfolio {investment.portfolio.code}")
        for t in known.targets.get(investment.portfolio_id, ())
        if t.is_active and wanted(t)
    ]


def _defaults(investment: Investment, rule: str, known: Directory) -> list[Recipient]:
    """Return who is told where no route says otherwise.

    By email the first of these who can be written to: about missing actuals the data owner, or finance; the owner;
    the sponsor; the administrators. Of a quiet rule nobody else hears; of the others the shared targets that
    want the rule, and where no Slack target was ever set, the installation's channel. Where nobody would hear as all
    of these unsubscribed, the first of them is told all the same.
    """
    asked = ("data_owner",) if rule == MISSING_ACTUALS else ()
    order = (*asked, "owner", "sponsor", "admin")
    people = next((found for role in order if (found := _in_role(role, investment, known))), [])
    shared = [] if RULES[rule].is_quiet else _shared_by_default(investment, rule, known)
    told = _mails(people, investment, known)
    if not told and not any(_is_heard(one) for one in shared):
        told = _all_the_same(order, investment, known)
    return [*told, *shared]


def _shared_by_default(investment: Investment, rule: str, known: Directory) -> list[Recipient]:
    told = _shared(investment, known, lambda target: not target.rules or rule in target.rules)
    if not any(t.channel == "slack" for t in known.targets.get(investment.portfolio_id, ())):
        told.append(Recipient("slack", "", "default channel", "the installation's channel"))
    return told


def _is_heard(shared: Recipient) -> bool:
    """Whether anybody reads a shared address: what the installation can only write to its log is read by nobody."""
    return channels.is_read(shared.channel)
