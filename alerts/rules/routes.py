"""Which of a portfolio's routes an alert takes: an ordered list, matched from the top. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

# The sooner comes first: whoever is reached by several routes hears by the soonest.
IMMEDIATE, DAILY, WEEKLY = MODES = ("immediate", "daily", "weekly")
ROLES = ("owner", "sponsor", "data_owner", "board", "finance", "admin")


@dataclass(frozen=True, slots=True)
class Subject:
    """What routes are matched against: an alert's rule and severity, its investment's code and use case."""

    rule: str
    severity: str
    investment: str
    use_case: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """One recipient a route names: a role, the key of a person or the key of a shared target."""

    kind: str  # role, user, target
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTerms:
    """One route's terms; an empty matcher matches everything."""

    name: str
    rules: Collection[str] = ()
    severities: Collection[str] = ()
    use_cases: Collection[str] = ()
    investments: Collection[str] = ()
    recipients: Sequence[Named] = ()
    mode: str = IMMEDIATE
    goes_on: bool = True
    is_active: bool = True

    def why_not(self, subject: Subject) -> str:
        """Return why an alert does not take this route, as a sentence; empty where it does."""
        if not self.is_active:
            return "It is switched off."
        asked = (
            ("rule", self.rules, subject.rule),
            ("severity", self.severities, subject.severity),
            ("use case", self.use_cases, subject.use_case),
            ("investment", self.investments, subject.investment),
        )
        for label, wanted, given in asked:
            if wanted and given not in wanted:
                return f"Its {label} is {given or 'empty'}, and this route wants {', '.join(sorted(wanted))}."
        return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One route as an alert met it; `why_not` is empty where it was taken."""

    route: RouteTerms
    why_not: str = field(default="")

    @property
    def is_taken(self) -> bool:
        """Whether the alert took this route."""
        return not self.why_not


def walk(routes: Sequence[RouteTerms], subject: Subject) -> list[Step]:
    """Return every route in its order, taken or with the reason it was not; a route may end the list."""
    steps, ended_by = [], ""
    for route in routes:
        why = f"The route “{ended_by}” ended the list." if ended_by else route.why_not(subject)
        steps.append(Step(route, why))
        if not why and not route.goes_on:
            ended_by = route.name
    return steps


def soonest(modes: Sequence[str]) -> str:
    """Return the soonest of some modes."""
    return min(modes, key=MODES.index)
