"""Business cases as they are kept: written, changed by who read the newest revision, deleted, with their scenarios."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from portfolio import assumptions
from portfolio.assumptions import Rates
from portfolio.models import Investment, Portfolio, User
from roi import questions
from roi.models import BusinessCase, CaseSubmission, Scenario
from roi.questions import MOST_SCENARIOS, SCENARIO_KINDS, QuestionRejected, Terms

Plain = dict[str, Any]
Content = Mapping[str, Any]

# What a case states; everything else is kept by the verbs.
CONTENT = (
    *("title", "months", "discount_rate", "hurdle_rate"),
    *("drivers", "hidden_costs", "distributions", "correlations"),
)
_RATE = Decimal("1E-8")
_LONGEST_TITLE, _LONGEST_NAME = 300, 80


class CaseRefused(ValueError):
    """Something that cannot be done with a case; the message is for the user."""


class StaleCase(CaseRefused):
    """A change to a case that somebody else changed meanwhile."""


@transaction.atomic
def create(
    portfolio: Portfolio,
    content: Content,
    *,
    now: datetime,
    actor: User,
    investment: Investment | None = None,
) -> BusinessCase:
    """Write a new case of a template, for an investment of the portfolio or for one that is only proposed.

    Raises QuestionRejected with a sentence for every value that cannot be used, CaseRefused for the rest.
    """
    case = BusinessCase(
        portfolio=portfolio,
        template=str(content.get("template")),
        created_by=actor,
        created_at=now,
    )
    _attach(case, investment)
    return _write(case, content, now=now, actor=actor)


@transaction.atomic
def save(case: BusinessCase, content: Content, *, revision: int, now: datetime, actor: User) -> BusinessCase:
    """Change what a case states and count its revision up; content that is not named stays, and equal content too.

    Raises StaleCase when `revision` is not the newest, QuestionRejected for values that cannot be used.
    """
    locked = lock(case, revision=revision)
    before = {name: getattr(locked, name) for name in CONTENT}
    wanted = before | {name: content[name] for name in CONTENT if name in content}
    if _normal(wanted) == before:
        return locked
    locked.revision += 1
    return _write(locked, wanted, now=now, actor=actor)


@transaction.atomic
def delete(case: BusinessCase, *, revision: int) -> None:
    """Delete a case that was never submitted, with its scenarios. Raises CaseRefused, StaleCase."""
    locked = lock(case, revision=revision)
    if CaseSubmission.objects.filter(case=locked).exists():
        raise CaseRefused(f"{locked.title} was submitted as a plan; it stays as the plan's origin.")
    locked.delete()


@transaction.atomic
def put_scenario(
    case: BusinessCase, name: str, *, kind: str, drivers: Content, now: datetime, actor: User, note: str = ""
) -> Scenario:
    """Keep driver values beside the base under a name, new or again. Raises CaseRefused and QuestionRejected."""
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise CaseRefused(f"A scenario's name has 1 to {_LONGEST_NAME} characters.")
    if kind not in SCENARIO_KINDS:
        raise CaseRefused(f"A scenario is one of {', '.join(SCENARIO_KINDS)}.")
    locked = BusinessCase.objects.select_for_update().get(pk=case.pk)
    others = locked.scenarios.exclude(name=name).count()
    if others >= MOST_SCENARIOS:
        raise CaseRefused(f"A case has at most {MOST_SCENARIOS} scenarios; delete one first.")
    asked = question(locked, scenarios=[{"name": name, "kind": kind, "drivers": drivers}])
    try:
        questions.read(asked, terms=terms(locked))
    except QuestionRejected as rejected:
        raise QuestionRejected(rejected.errors.get("scenarios", {}).get("0", rejected.errors)) from rejected
    scenario, _ = Scenario.objects.update_or_create(
        case=locked,
        name=name,
        defaults={"kind": kind, "drivers": dict(drivers), "note": note},
        create_defaults={
            "kind": kind,
            "drivers": dict(drivers),
            "note": note,
            "created_by": actor,
            "created_at": now,
        },
    )
    return scenario


def delete_scenario(case: BusinessCase, name: str) -> bool:
    """Delete a scenario by name; False where there is none."""
    deleted, _ = Scenario.objects.filter(case=case, name=name).delete()
    return deleted > 0


def question(case: BusinessCase, *, scenarios: list[Plain] | None = None) -> Plain:
    """Return a case as the what-if that `questions.read` reads, with its own scenarios unless others are given."""
    if scenarios is None:
        scenarios = [
            {"name": one.name, "kind": one.kind, "drivers": one.drivers} for one in case.scenarios.all()
        ]
    drawn = {"distributions": case.distributions, "correlations": case.correlations}
    return {
        "template": case.template,
        **{name: getattr(case, name) for name in CONTENT[1:6]},
        "scenarios": scenarios,
        "monte_carlo": drawn if case.distributions else None,
    }


def terms(case: BusinessCase) -> Terms:
    """Return the rates and the currency a case is judged by where it states none: the investment's, the portfolio's."""
    if case.investment is None:
        return terms_of(assumptions.rates_of_portfolio(case.portfolio), case.portfolio)
    return terms_of(assumptions.rates_of([case.investment])[case.investment.pk], case.portfolio)


def terms_of(rates: Rates, portfolio: Portfolio) -> Terms:
    """Return rates in force as the terms of a question."""
    return Terms(float(rates.discount_rate), float(rates.hurdle_rate), portfolio.reporting_currency)


def lock(case: BusinessCase, *, revision: int) -> BusinessCase:
    """Return the case locked to the end of the transaction; raises StaleCase for a revision that is not the newest."""
    locked = BusinessCase.objects.select_for_update(of=("self",)).select_related("portfolio", "investment")
    found = locked.get(pk=case.pk)
    if found.revision != revision:
        raise StaleCase(
            f"{found.title} was changed meanwhile: it stands at revision {found.revision}, yours is {revision}. "
            "Load it again and repeat your change."
        )
    return found


def _write(case: BusinessCase, content: Content, *, now: datetime, actor: User) -> BusinessCase:
    for name, value in _normal(content).items():
        setattr(case, name, value)
    if not 1 <= len(case.title) <= _LONGEST_TITLE:
        raise QuestionRejected({"title": [f"A case needs a title of at most {_LONGEST_TITLE} characters."]})
    case.months = questions.read(question(case, scenarios=[]), terms=terms(case)).case.months
    case.updated_by, case.updated_at = actor, now
    case.save()
    return case


def _normal(content: Content) -> Plain:
    """Return content as it is stored."""
    rates = {name: content.get(name) for name in ("discount_rate", "hurdle_rate")}
    return {
        "title": str(content.get("title") or "").strip(),
        "months": content.get("months"),
        **{
            name: None if rate is None else Decimal(str(rate)).quantize(_RATE) for name, rate in rates.items()
        },
        **{name: content.get(name) or {} for name in ("drivers", "hidden_costs", "distributions")},
        "correlations": content.get("correlations") or [],
    }


def _attach(case: BusinessCase, investment: Investment | None) -> None:
    if investment is not None and investment.portfolio_id != case.portfolio_id:
        raise CaseRefused(f"{investment.code} is not in the portfolio {case.portfolio.code}.")
    case.investment = investment
