"""The policies tab of an investment: every version of every rule's policy, and the months it judges."""

from collections.abc import Mapping, Sequence
from typing import Any

from alerts import policies
from alerts.models import Policy
from alerts.rules import RULES
from portfolio.terms import add_months, format_month
from reports.console import policies_wording
from reports.console.standing import Standing

Context = dict[str, Any]


def context(stands: Standing, query: Mapping[str, str]) -> Context:
    """Return the versions by rule, newest first; without any, the templates that will be copied."""
    investment = stands.investment
    rows = Policy.objects.filter(investment=investment).select_related("author", "batch").order_by("version")
    by_rule: dict[str, list[Policy]] = {rule: [] for rule in RULES}
    for policy in rows:
        by_rule.setdefault(policy.rule, []).append(policy)
    if not any(by_rule.values()):
        templates = policies.templates_of([investment.portfolio])[investment.portfolio_id]
        return {"rules": [], "templates": [policies_wording.of(template) for template in templates]}
    return {"rules": [_rule(rule, versions) for rule, versions in by_rule.items()]}


def _rule(rule: str, versions: Sequence[Policy]) -> Context:
    shown = [_version(policy, following) for policy, following in _pairs(versions)]
    title = RULES[rule].title if rule in RULES else rule
    return {"rule": rule, "title": title, "versions": shown[::-1], "may_change": rule in RULES}


def _pairs(versions: Sequence[Policy]) -> list[tuple[Policy, Policy | None]]:
    return list(zip(versions, [*versions[1:], None], strict=True))


def _version(policy: Policy, following: Policy | None) -> Context:
    return {
        "policy": policy,
        "words": policies_wording.of(policy),
        "judges": _judges(policy, following),
        "is_newest": following is None,
    }


def _judges(policy: Policy, following: Policy | None) -> str:
    """Return the months a version judges: until the next one takes effect."""
    first = format_month(policy.effective_month)
    if following is None:
        return f"from {first}"
    if following.effective_month <= policy.effective_month:
        return "none, replaced"
    last = format_month(add_months(following.effective_month, -1))
    return first if first == last else f"{first} to {last}"
