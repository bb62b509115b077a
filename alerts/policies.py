"""Threshold policies: a portfolio's templates, their copy onto an investment, and the versions a fold needs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import pghistory
from django.core.exceptions import ValidationError
from django.db import transaction

from alerts.models import Policy, PolicyTemplate
from alerts.rules import DEFAULTS
from alerts.rules import base as rules
from alerts.rules.base import RuleError
from alerts.rules.hurdle_rate import HURDLE_RATE
from alerts.rules.negative_roi import NEGATIVE_ROI
from portfolio import assumptions, facts, knowledge, nudge
from portfolio.models import Approval, Investment, Portfolio, User
from portfolio.terms import Basis, MonthStatus, format_month

TERMS = [f.name for f in PolicyTemplate._meta.concrete_fields if f.name not in ("id", "portfolio")]


class PolicyError(ValueError):
    """A policy that cannot be put in force; the message is for the user."""


def templates_of(portfolios: Sequence[Portfolio]) -> dict[int, list[PolicyTemplate]]:
    """Return each portfolio's templates, one per rule; where a portfolio set none, the rule's defaults."""
    found: dict[int, dict[str, PolicyTemplate]] = defaultdict(dict)
    for template in PolicyTemplate.objects.filter(portfolio__in=portfolios):
        found[template.portfolio_id][template.rule] = template
    return {
        p.pk: [found[p.pk].get(rule) or default_template(p, rule) for rule in DEFAULTS] for p in portfolios
    }


def default_template(portfolio: Portfolio, rule: str) -> PolicyTemplate:
    """Return an unsaved template with the shipped defaults of a rule."""
    defaults = DEFAULTS[rule]
    return PolicyTemplate(
        portfolio=portfolio,
        rule=rule,
        window=defaults.window,
        for_months=defaults.for_months,
        keep_months=defaults.keep_months,
        margin=defaults.margin,
        hurdle=defaults.hurdle,
        severity=defaults.severity.value,
    )


@transaction.atomic
def set_template(
    portfolio: Portfolio, rule: str, *, terms: Mapping[str, object], actor: User | None
) -> PolicyTemplate:
    """Set what a portfolio's new investments start from for a rule. Raises PolicyError or RuleError with a sentence.

    Investments that have their policy keep it. Terms left out stay; a hurdle of None is each investment's own.
    """
    _check_terms(rule, terms)
    knowledge.lock_portfolio(portfolio.pk)
    found = PolicyTemplate.objects.filter(portfolio=portfolio, rule=rule).first()
    template = found or default_template(portfolio, rule)
    for name, value in terms.items():
        setattr(template, name, value)
    if template.hurdle is None:
        template.hurdle = DEFAULTS[rule].hurdle
    said = {name: getattr(template, name) for name in TERMS}
    _check(Policy(**said, version=1, effective_month=date(2000, 1, 1)))
    with pghistory.context(user=actor.pk if actor else None):
        template.save()
    return template


@transaction.atomic
def adopt(investments: Sequence[Investment], *, now: datetime, actor: User | None = None) -> int:
    """Copy the templates of its portfolio onto every investment that has no policy yet; returns how many had none.

    The hurdle is fixed here: the template's, else the investment's hurdle rate of the moment.
    """
    adopted = 0
    for portfolio_id in sorted({i.portfolio_id for i in _lacking(investments)}):
        knowledge.lock_portfolio(portfolio_id)
        # Asked again under the lock: another worker may have been here first.
        members = _lacking([i for i in investments if i.portfolio_id == portfolio_id])
        if not members:
            continue
        templates = templates_of([members[0].portfolio])[portfolio_id]
        rates = assumptions.rates_of(members)
        batch = knowledge.open_batch(
            portfolio=members[0].portfolio,
            kind="policies",
            now=_not_before_last(members[0].portfolio, now),
            actor=actor,
            reason="Policies copied from the portfolio's templates.",
            content=[f"{i.pk}|{rates[i.pk].hurdle_rate}" for i in members],
        )
        Policy.objects.bulk_create(
            Policy(
                **{name: getattr(template, name) for name in TERMS if name != "hurdle"},
                hurdle=template.hurdle
                if template.hurdle is not None
                else DEFAULTS[template.rule].hurdle or rates[i.pk].hurdle_rate,
                investment=i,
                version=1,
                effective_month=i.start_month,
                batch=batch,
                author=actor,
            )
            for i in members
            for template in templates
        )
        adopted += len(members)
    return adopted


def _lacking(investments: Sequence[Investment]) -> list[Investment]:
    have = set(Policy.objects.filter(investment__in=investments).values_list("investment_id", flat=True))
    return [i for i in investments if i.pk not in have]


def _not_before_last(portfolio: Portfolio, now: datetime) -> datetime:
    newest = portfolio.batches.order_by("-id").values_list("recorded_at", flat=True).first()
    return now if newest is None else max(now, newest)


@transaction.atomic
def change(
    investment: Investment,
    rule: str,
    *,
    effective_month: date,
    now: datetime,
    actor: User | None,
    reason: str,
    terms: Mapping[str, object],
    approval: Approval | None = None,
) -> Policy:
    """Put a new version of an investment's policy in force, as a second person has allowed: see `policy_changes`.

    The effective month may not precede the first open month: what was judged stays judged by the policy of its time.
    Raises PolicyError or RuleError with a sentence.
    """
    policy = next_version(
        investment, rule, effective_month=effective_month, now=now, reason=reason, terms=terms
    )
    if approval is None and policy.version > 1:
        raise PolicyError("A policy is changed by two people: one asks for it, another allows it.")
    policy.author, policy.approval = actor, approval
    policy.batch = knowledge.open_batch(
        portfolio=investment.portfolio,
        kind="policies",
        now=now,
        actor=actor,
        approver=approval.approver if approval else None,
        reason=reason,
        content=[
            f"{investment.pk}|{rule}|{policy.version}|{sorted((n, str(getattr(policy, n))) for n in TERMS)}"
        ],
    )
    policy.save()
    nudge.ring([investment.pk])
    return policy


def next_version(
    investment: Investment,
    rule: str,
    *,
    effective_month: date,
    now: datetime,
    reason: str,
    terms: Mapping[str, object],
) -> Policy:
    """Return the version after the newest one, checked and unsaved; the portfolio stays locked to commit.

    Raises PolicyError or RuleError with a sentence.
    """
    _check_request(rule, terms, reason=reason)
    knowledge.lock_portfolio(investment.portfolio_id)
    # The other rules' policies are copied first; a policy of one rule would pass for all of them.
    adopt([investment], now=now)
    latest = latest_of(investment, rule)
    _check_effect(investment, effective_month, latest=latest)
    policy = proposed(investment, rule, effective_month=effective_month, terms=terms)
    policy.version = latest.version + 1 if latest else 1
    policy.reason = reason
    return policy


def latest_of(investment: Investment, rule: str) -> Policy | None:
    """Return the newest version of an investment's policy for a rule."""
    return Policy.objects.filter(investment=investment, rule=rule).order_by("-version").first()


def proposed(
    investment: Investment, rule: str, *, effective_month: date, terms: Mapping[str, object]
) -> Policy:
    """Return the newest terms with some of them changed, checked and unsaved. Raises PolicyError or RuleError.

    Without a policy of its own, the portfolio's template is what changes. An empty hurdle is that of the moment.
    """
    _check_terms(rule, terms)
    base: Policy | PolicyTemplate | None = latest_of(investment, rule)
    if base is None:
        templates = templates_of([investment.portfolio])[investment.portfolio_id]
        base = next(template for template in templates if template.rule == rule)
    said = {name: terms.get(name, getattr(base, name)) for name in TERMS}
    policy = Policy(**said, investment=investment, version=1, effective_month=effective_month)
    if policy.hurdle is None:
        own = assumptions.rates_of([investment])[investment.pk].hurdle_rate
        policy.hurdle = DEFAULTS[rule].hurdle or own
    _check(policy)
    return policy


def _check_request(rule: str, terms: Mapping[str, object], *, reason: str) -> None:
    if not reason.strip():
        raise PolicyError("Changing a policy needs a reason.")
    _check_terms(rule, terms)


def _check_terms(rule: str, terms: Mapping[str, object]) -> None:
    if rule not in DEFAULTS:
        raise PolicyError(f"There is no rule named '{rule}'. The rules are {', '.join(DEFAULTS)}.")
    unknown = sorted(set(terms) - set(TERMS) | set(terms) & {"rule"})
    if unknown:
        raise PolicyError(f"A policy has no term named {', '.join(unknown)}.")


def _check_effect(investment: Investment, effective_month: date, *, latest: Policy | None) -> None:
    states = facts.month_states(investment.portfolio)
    closed = [month for month, status in states.items() if status != MonthStatus.OPEN.value]
    if closed and effective_month <= max(closed):
        raise PolicyError(
            f"The change can take effect after {format_month(max(closed))} at the earliest: closed months stay judged "
            "by the policy of their time."
        )
    if latest and effective_month < latest.effective_month:
        raise PolicyError(
            f"Version {latest.version} takes effect in {format_month(latest.effective_month)}; the next one cannot "
            "take effect before it."
        )


def _check(policy: Policy) -> None:
    try:
        policy.clean_fields(exclude=["batch", "investment", "author"])
    except ValidationError as refused:
        name, sentences = next(iter(refused.message_dict.items()))
        raise PolicyError(f"{name.replace('_', ' ').capitalize()}: {sentences[0]}") from refused
    as_rule(policy)


def as_rule(policy: Policy) -> rules.Policy:
    """Return a stored policy as the pure rules take it. Raises RuleError for terms that contradict themselves."""
    if policy.rule not in DEFAULTS:
        raise RuleError(f"There is no rule named '{policy.rule}'.")
    return rules.Policy(
        rule=policy.rule,
        version=policy.version,
        effective_month=policy.effective_month,
        for_months=policy.for_months,
        keep_months=policy.keep_months,
        basis=Basis(policy.basis),
        measure=rules.Measure(policy.measure),
        hurdle=policy.hurdle if policy.hurdle is not None else Decimal(0),
        margin=policy.margin,
        window=policy.window,
        armed_from_month=policy.armed_from_month,
        severity=rules.Severity(policy.severity),
        enabled=policy.is_enabled,
    )


def judging(investment: Investment) -> tuple[str, ...]:
    """Return the rules that are on for an investment and judge what it brings against what running it costs.

    Without policies of its own, those of the portfolio's templates it would be given.
    """
    own = versions_of([investment])[investment.pk]
    newest: Mapping[str, Policy | PolicyTemplate] = {rule: rows[-1] for rule, rows in own.items()}
    if not newest:
        templates = templates_of([investment.portfolio])[investment.portfolio_id]
        newest = {template.rule: template for template in templates}
    return tuple(
        rule for rule in (HURDLE_RATE.name, NEGATIVE_ROI.name) if rule in newest and newest[rule].is_enabled
    )


def hurdle_of(versions: Mapping[str, Sequence[Policy]]) -> Decimal:
    """Return the hurdle of an investment's newest policy for the hurdle rule, 0 where it has none."""
    stored = versions.get("hurdle_rate") or ()
    return as_rule(stored[-1]).hurdle if stored else Decimal(0)


def hurdles_of(investments: Sequence[Investment]) -> dict[int, Decimal]:
    """Return the hurdle of each investment: one query for all of them."""
    return {pk: hurdle_of(versions) for pk, versions in versions_of(investments).items()}


def versions_of(investments: Sequence[Investment]) -> dict[int, dict[str, list[Policy]]]:
    """Return the policy versions of each investment by rule, in the order in which they take effect."""
    versions: dict[int, dict[str, list[Policy]]] = {i.pk: defaultdict(list) for i in investments}
    rows = Policy.objects.filter(investment__in=investments).order_by("investment_id", "rule", "version")
    for policy in rows:
        versions[policy.investment_id][policy.rule].append(policy)
    return versions
