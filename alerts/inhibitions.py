"""Which rules' notices other open alerts of the same investment keep back now, as recorded. Nothing here writes."""

from collections import defaultdict
from collections.abc import Collection

from alerts import policies
from alerts.models import Episode
from alerts.rules import RULES, inhibit
from portfolio.models import Investment

INHIBITORS = tuple(sorted(set(inhibit.INHIBITORS.values())))


def inhibited(investment_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the inhibited rules of each investment that has any: one query, two more where an inhibitor is open."""
    rows = Episode.objects.filter(investment__in=investment_ids, rule__in=INHIBITORS, closed_at=None)
    open_rules: dict[int, set[str]] = defaultdict(set)
    for investment, rule in rows.values_list("investment_id", "rule"):
        open_rules[investment].add(rule)
    if not open_rules:
        return {}
    hurdles = policies.hurdles_of(list(Investment.objects.filter(pk__in=open_rules)))
    return {
        pk: frozenset(
            rule
            for rule in inhibit.INHIBITORS
            if inhibit.inhibitor_of(rule, open_rules=rules, hurdle=hurdles[pk])
        )
        for pk, rules in open_rules.items()
    }


def reason_for(rule: str) -> str:
    """Return why the notices of an inhibited rule are kept back."""
    title = RULES[inhibit.INHIBITORS[rule]].title
    return f"The alert “{title}” of this investment is open and says more."
