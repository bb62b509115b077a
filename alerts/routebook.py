"""A portfolio's routes as people keep them: put in their place, changed, removed; refused where nobody is named."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

from django.db import transaction
from django.db.models import Q, QuerySet

from alerts.models import Route, Target
from alerts.models.policy import SEVERITIES
from alerts.rules import RULES
from alerts.rules.routes import MODES, ROLES, Named
from portfolio.models import Investment, Portfolio, User

# Beyond every place in use: rows pass through here while their order changes, as no two may share a place.
_ASIDE = 1_000_000
MOST_ROUTES = 100
_SEVERITIES = tuple(name for name, _ in SEVERITIES)


class RouteError(ValueError):
    """A route that cannot be kept; `field` is what the sentence is about."""

    def __init__(self, sentence: str, *, field: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a route says; an empty matcher matches everything. `place` counts from 1, None leaves it where it is."""

    name: str
    recipients: Sequence[Named]
    rules: Collection[str] = ()
    severities: Collection[str] = ()
    use_cases: Collection[str] = ()
    investments: Collection[str] = ()
    mode: str = MODES[0]
    goes_on: bool = True
    is_active: bool = True
    place: int | None = None


_STORED = tuple(f.name for f in fields(Terms) if f.name not in ("recipients", "place"))


def people_of(portfolio: Portfolio) -> QuerySet[User]:
    """Return who can be named: active members, and the investments' own people."""
    own = ("owned_investments__portfolio", "sponsored_investments__portfolio", "memberships__portfolio")
    chosen = Q()
    for path in own:
        chosen |= Q(**{path: portfolio})
    return User.objects.filter(chosen, is_active=True).distinct().order_by("username")


@transaction.atomic
def put(portfolio: Portfolio, terms: Terms, *, route: Route | None = None) -> Route:
    """Store a route: a new one, or new terms of one that is there. Raises RouteError with a sentence."""
    Portfolio.objects.select_for_update().get(pk=portfolio.pk)
    others = [r for r in Route.objects.filter(portfolio=portfolio) if route is None or r.pk != route.pk]
    _check(portfolio, terms, others)
    held = route or Route(portfolio=portfolio, position=_ASIDE)
    for name in _STORED:
        value = getattr(terms, name)
        setattr(held, name, value if isinstance(value, bool | str) else sorted(set(value)))
    held.name = terms.name.strip()
    held.recipients = [
        {n.kind: n.value if n.kind == "role" else int(n.value)} for n in dict.fromkeys(terms.recipients)
    ]
    held.save()
    _order(_placed(others, held, terms.place))
    held.refresh_from_db(fields=["position"])
    return held


@transaction.atomic
def remove(route: Route) -> None:
    """Delete a route; those behind it move up. What was sent by it stays."""
    Portfolio.objects.select_for_update().get(pk=route.portfolio_id)
    Route.objects.filter(pk=route.pk).delete()
    _order(list(Route.objects.filter(portfolio=route.portfolio_id)))


def _placed(others: Sequence[Route], held: Route, place: int | None) -> list[Route]:
    if place is None:
        return sorted([*others, held], key=lambda r: r.position)
    return [*others[: place - 1], held, *others[place - 1 :]]


def _order(routes: Sequence[Route]) -> None:
    """Give routes the places 1, 2, … in the order given."""
    moved = [(route, place) for place, route in enumerate(routes, 1) if route.position != place]
    for distance in (_ASIDE, 0):
        for route, place in moved:
            route.position = place + distance
        Route.objects.bulk_update([route for route, _ in moved], ["position"])


def _check(portfolio: Portfolio, terms: Terms, others: Sequence[Route]) -> None:
    if not 1 <= len(terms.name.strip()) <= 100:
        raise RouteError("A route needs a name of at most 100 characters.", field="name")
    if any(terms.name.strip() == other.name for other in others):
        raise RouteError("Another route has this name; explanations tell routes by it.", field="name")
    if terms.mode not in MODES:
        raise RouteError(f"A route tells {', '.join(MODES)}; {terms.mode!r} is none of them.", field="mode")
    if terms.place is not None and not 1 <= terms.place <= len(others) + 1:
        raise RouteError(f"The places are 1 to {len(others) + 1}.", field="place")
    if len(others) >= MOST_ROUTES:
        raise RouteError(f"A portfolio has at most {MOST_ROUTES} routes.", field="name")
    codes = Investment.objects.filter(portfolio=portfolio, code__in=terms.investments)
    for field, wanted, known, where in (
        ("rules", terms.rules, set(RULES), f"the rules are {', '.join(RULES)}"),
        ("severities", terms.severities, set(_SEVERITIES), f"severities are {', '.join(_SEVERITIES)}"),
        (
            "investments",
            terms.investments,
            set(codes.values_list("code", flat=True)),
            "not in this portfolio",
        ),
    ):
        unknown = sorted(set(wanted) - known)
        if unknown:
            raise RouteError(f"There is no {', '.join(unknown)[:100]}: {where}.", field=field)
    _check_recipients(portfolio, terms.recipients)


def _check_recipients(portfolio: Portfolio, recipients: Sequence[Named]) -> None:
    if not recipients:
        raise RouteError("Name somebody: a role, a person or a shared target.", field="recipients")
    asked = {kind: {n.value for n in recipients if n.kind == kind} for kind in ("role", "user", "target")}
    people = {
        str(pk) for pk in people_of(portfolio).filter(pk__in=asked["user"]).values_list("pk", flat=True)
    }
    shared = Target.objects.filter(portfolio=portfolio, pk__in=asked["target"])
    for kind, known, sentence in (
        ("role", set(ROLES), f"The roles are {', '.join(ROLES)}."),
        ("user", people, "A person who is named has a role in the portfolio or an investment in it."),
        (
            "target",
            {str(pk) for pk in shared.values_list("pk", flat=True)},
            "Name a target of this portfolio.",
        ),
    ):
        if asked[kind] - known:
            raise RouteError(sentence, field="recipients")
