"""Routes in words: what one matches, whom it names, and how soon they hear."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.models import Route, Target
from alerts.models.policy import SEVERITIES
from alerts.rules import RULES
from portfolio.models import User

ROLE_WORDS = {
    "owner": "the investment’s owner",
    "sponsor": "the investment’s sponsor",
    "data_owner": "the investment’s data owner, or finance",
    "board": "the governance board",
    "finance": "finance",
    "admin": "the administrators",
}
MODE_WORDS = dict(Route.MODES)
_SEVERITY_WORDS = dict(SEVERITIES)
_GONE = {"user": "somebody who is gone", "target": "a target that was removed"}


@dataclass(frozen=True, slots=True)
class Row:
    """One route as the list shows it; `matches` is empty where it matches everything."""

    route: Route
    matches: list[tuple[str, str]]
    told: list[str]
    mode: str


def rows(routes: Sequence[Route]) -> list[Row]:
    """Return routes in words; people and targets are read together, however many routes there are."""
    named = [(kind, value) for route in routes for one in route.recipients for kind, value in one.items()]
    people = User.objects.in_bulk([value for kind, value in named if kind == "user"])
    shared = Target.objects.in_bulk([value for kind, value in named if kind == "target"])
    names = {("role", key): words for key, words in ROLE_WORDS.items()}
    names |= {("user", str(pk)): _person(user) for pk, user in people.items()}
    names |= {("target", str(pk)): _shared(target) for pk, target in shared.items()}
    return [Row(route, _matches(route), _told(route, names), MODE_WORDS[route.mode]) for route in routes]


def _person(user: User) -> str:
    return str(user) if user.is_active else f"{user} (disabled)"


def _shared(target: Target) -> str:
    return target.label if target.is_active else f"{target.label} (switched off)"


def _told(route: Route, names: dict[tuple[str, str], str]) -> list[str]:
    named = [(kind, str(value)) for one in route.recipients for kind, value in one.items()]
    return [names.get(key) or _GONE.get(key[0], key[1]) for key in named]


def _matches(route: Route) -> list[tuple[str, str]]:
    asked = (
        ("Rule", [RULES[name].title if name in RULES else name for name in route.rules]),
        ("Severity", [_SEVERITY_WORDS.get(name, name) for name in route.severities]),
        ("Use case", route.use_cases),
        ("Investment", route.investments),
    )
    return [(label, ", ".join(words)) for label, words in asked if words]
