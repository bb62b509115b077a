"""Contact-center automation: contacts resolved without an agent, fewer repeats, and the risk of wrong answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine.result import Figure
from roi.usecases import rollout, totals
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import DriverError, Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.totals import ratio
from roi.usecases.values import Value

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """Cost per contact, automation, first-contact resolution; redeployment, quality assurance, errors."""

    monthly_contacts: Value = driver(
        100_000.0, label="Contacts", unit=Unit.COUNT_PER_MONTH, group=Group.VOLUME,
        help="Contacts a month that could start with the automation.",
    )  # fmt: skip
    automation_rate: Value = driver(
        0.25, label="Automation", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of contacts resolved without an agent.",
    )  # fmt: skip
    cost_per_contact: Value = driver(
        6.50, label="Cost per contact", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Loaded cost of a contact handled by an agent, from this center's own baseline.",
    )  # fmt: skip
    redeployment_share: Value = driver(
        0.60, label="Freed time redeployed", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of the agents' freed time that is redeployed or not hired again. The rest is no money.",
    )  # fmt: skip
    fcr_before: Value = driver(
        0.70, label="First-contact resolution before", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of contacts resolved the first time, before.",
    )  # fmt: skip
    fcr_after: Value = driver(
        0.74, label="First-contact resolution after", unit=Unit.FRACTION, group=Group.VALUE,
        help="The same, with the automation's help for agents.",
    )  # fmt: skip
    repeat_rate: Value = driver(
        0.80, label="Repeats of the unresolved", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of unresolved contacts that come back as another one.",
    )  # fmt: skip
    dev_cost: Value = driver(
        350_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Dialogs, retrieval, integration with telephony and records.",
    )  # fmt: skip
    redeployment_cost: Value = driver(
        60_000.0, label="Redeployment", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Retraining and moving agents to other work.",
    )  # fmt: skip
    price_per_contact: Value = driver(
        0.25, label="Model cost per contact", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="Speech, tokens and telephony of a contact the automation takes, resolved or not.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        10_000.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Platform, monitoring, recordings.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        8_000.0, label="Maintenance", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Dialogs and knowledge base.",
    )  # fmt: skip
    qa_sample_rate: Value = driver(
        0.05, label="Automated answers checked", unit=Unit.FRACTION, group=Group.RUN,
        help="Share of automated contacts that a person reviews.",
    )  # fmt: skip
    qa_cost_per_review: Value = driver(
        2.0, label="Cost of a review", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="A person's time for one of them.",
    )  # fmt: skip
    wrong_answer_rate: Value = driver(
        0.04, label="Wrong answers", unit=Unit.FRACTION, group=Group.RUN,
        help="Share of automated contacts answered wrongly. Rises as accuracy is lost: 96% to 88% right triples it.",
    )  # fmt: skip
    cost_per_wrong_answer: Value = driver(
        12.0, label="Cost of a wrong answer", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="Another contact, goodwill, harm to reputation: the expected cost of one.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: what is resolved follows the success rate, what is answered wrongly the error rate."""
    live, use, effect = rollout.live(d, month), rollout.use(d, month), rollout.effect(d, month)
    taken = d.monthly_contacts * use
    automated = taken * d.automation_rate * effect
    freed = automated * d.cost_per_contact * d.redeployment_share
    repeats = (taken - automated) * (d.fcr_after - d.fcr_before) * effect * d.repeat_rate
    answered = taken * d.automation_rate
    wrong = answered * rollout.error_rate(d, month, d.wrong_answer_rate)
    reviewed = answered * d.qa_sample_rate
    return [
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("change_management", d.redeployment_cost, "Redeployment", is_once=True),
        Line("model_api", taken * d.price_per_contact * rollout.price(d, month), "Model cost of contacts"),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("maintenance", d.maintenance_monthly * live, "Maintenance"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("error_remediation", reviewed * d.qa_cost_per_review, "Reviews", ref="quality_assurance"),
        Line("error_remediation", wrong * d.cost_per_wrong_answer, "Wrong answers", ref="wrong_answers"),
        Line("labor_savings", freed, "Agents' time redeployed"),
        Line("cost_avoided", repeats * d.cost_per_contact, "Repeat contacts avoided"),
        Line("conversations", taken, "Contacts"),
        Line("successful_outcomes", automated, "Contacts automated"),
    ]


def problems(d: Drivers) -> list[DriverError]:
    """Return what is wrong between the drivers: resolution that gets worse is not a benefit."""
    if d.fcr_after >= d.fcr_before:
        return []
    sentence = f"First-contact resolution after ({d.fcr_after:g}) is below the one before ({d.fcr_before:g})."
    return [DriverError("fcr_after", sentence)]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return the cost of a contact on each basis over the first 12 months, and what is done to keep answers right."""
    year, human = totals.over(case, months=12), case.drivers.cost_per_contact
    contacts, automated = year.of("conversations"), year.of("successful_outcomes")
    run = year.cost() - year.one_time_cost()
    return {
        "cost_per_contact_before": Figure(human),
        "cost_per_automated_contact": ratio(run, automated),
        "cost_per_automated_contact_loaded": ratio(year.cost(), automated),
        "cost_per_contact_blended": ratio(run + (contacts - automated) * human, contacts),
        "annual_contacts_automated": Figure(automated),
        "annual_quality_assurance_cost": Figure(year.of("error_remediation", ref="quality_assurance")),
        "annual_wrong_answer_cost": Figure(year.of("error_remediation", ref="wrong_answers")),
    }


def notes(case: Case) -> Sequence[str]:
    """Return how labor savings are meant here."""
    return [
        f"Only {case.drivers.redeployment_share:.0%} of the freed time is planned as savings;"
        " a realization rate on labor would count that twice."
    ]


TEMPLATE = Template(
    name="contact_center",
    title="Contact-center automation",
    description="Contacts without an agent and fewer repeats, less redeployment, reviews and wrong answers.",
    drivers=Drivers,
    plan=plan,
    unit_of_use="conversations",
    is_labor_realized=True,
    problems=problems,
    report=report,
    notes=notes,
)
