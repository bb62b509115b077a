"""Fraud detection: loss prevented, less what false alarms cost. Says nothing without the prevalence of fraud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roi.engine import detection
from roi.engine.result import Figure
from roi.usecases import rollout
from roi.usecases.base import Case, Line, Template
from roi.usecases.drivers import DriverError, Group, Unit, driver
from roi.usecases.rollout import Rollout
from roi.usecases.values import Value, maximum

if TYPE_CHECKING:
    from roi.usecases.figures import CaseFigures


@dataclass(frozen=True, slots=True)
class Drivers(Rollout):
    """Volume x prevalence x recall x loss, against false alarms; what is in place today counts as the baseline."""

    monthly_transactions: Value = driver(
        1_000_000.0, label="Transactions", unit=Unit.COUNT_PER_MONTH, group=Group.VOLUME,
        help="Transactions scored in a month.",
    )  # fmt: skip
    prevalence: Value = driver(
        None, label="Prevalence of fraud", unit=Unit.FRACTION, group=Group.VOLUME,
        help="the share of transactions that are fraudulent, such as 0.001. Recall and false positives mean"
        " nothing without it, so there is no value to start from.",
    )  # fmt: skip
    recall: Value = driver(
        0.94, label="Recall", unit=Unit.FRACTION, group=Group.VALUE,
        source="text on inference systems: 94% recall", help="Share of the frauds that are caught.",
    )  # fmt: skip
    false_positive_rate: Value = driver(
        0.02, label="False-positive rate", unit=Unit.FRACTION, group=Group.VALUE,
        source="text on inference systems: 2% false-positive rate",
        help="Share of honest transactions that raise an alarm. Rises as accuracy is lost.",
    )  # fmt: skip
    baseline_recall: Value = driver(
        0.0, label="Recall today", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of the frauds caught without this investment; only the rest counts.",
    )  # fmt: skip
    baseline_false_positive_rate: Value = driver(
        0.0, label="False-positive rate today", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of honest transactions flagged without this investment.",
    )  # fmt: skip
    loss_per_fraud: Value = driver(
        200.0, label="Loss per fraud", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="What a fraud that is not caught loses, after recoveries, without the chargeback's fee.",
    )  # fmt: skip
    chargeback_share: Value = driver(
        0.0, label="Frauds charged back", unit=Unit.FRACTION, group=Group.VALUE,
        help="Share of the frauds that end in a chargeback.",
    )  # fmt: skip
    chargeback_fee: Value = driver(
        25.0, label="Fee of a chargeback", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Fee and handling of one chargeback, beside the loss itself.",
    )  # fmt: skip
    analyst_hours_saved: Value = driver(
        0.0, label="Analyst hours saved", unit=Unit.HOURS, group=Group.VALUE,
        help="Hours a month of manual review that are no longer needed.",
    )  # fmt: skip
    analyst_hourly_cost: Value = driver(
        60.0, label="Cost of an analyst's hour", unit=Unit.CURRENCY_PER_UNIT, group=Group.VALUE,
        help="Loaded.",
    )  # fmt: skip
    dev_cost: Value = driver(
        400_000.0, label="Development", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Features, training, integration with authorization.",
    )  # fmt: skip
    false_alarm_cost: Value = driver(
        5.0, label="Cost of a false alarm", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="Remediation: review, contact with the customer, the sale that is lost.",
    )  # fmt: skip
    hours_per_true_alarm: Value = driver(
        0.0, label="Analyst hours per fraud caught", unit=Unit.HOURS, group=Group.RUN,
        help="Working a true alarm to its end.",
    )  # fmt: skip
    cost_per_thousand_scored: Value = driver(
        5.0, label="Scoring a thousand transactions", unit=Unit.CURRENCY_PER_UNIT, group=Group.RUN,
        help="Inference; follows volume and price.",
    )  # fmt: skip
    infra_monthly: Value = driver(
        12_000.0, label="Infrastructure", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Feature store, serving, monitoring.",
    )  # fmt: skip
    maintenance_monthly: Value = driver(
        8_000.0, label="Model operations", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="People who watch drift, labels and rules.",
    )  # fmt: skip
    model_risk_monthly: Value = driver(
        4_000.0, label="Model risk and examination", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Validation, documentation and answers to examiners.",
    )  # fmt: skip


def plan(d: Drivers, month: Value) -> list[Line]:
    """Return the plan: frauds caught follow the success rate, false alarms the error rate."""
    live, use, effect = rollout.live(d, month), rollout.use(d, month), rollout.effect(d, month)
    scored = d.monthly_transactions * use
    frauds, honest = scored * d.prevalence, scored * (1 - d.prevalence)
    caught = frauds * (d.recall * effect - d.baseline_recall)
    flagged = rollout.error_rate(d, month, d.false_positive_rate)
    false_alarms = honest * (flagged - d.baseline_false_positive_rate)
    analysts = d.hours_per_true_alarm * d.analyst_hourly_cost
    return [
        Line("development", d.dev_cost, "Development", is_once=True),
        Line("model_api", scored / 1000 * d.cost_per_thousand_scored * rollout.price(d, month), "Scoring"),
        Line("infrastructure", d.infra_monthly * live, "Infrastructure"),
        Line("mlops", d.maintenance_monthly * live, "Model operations"),
        Line("risk_compliance", d.model_risk_monthly * live, "Model risk and examination"),
        Line("retraining", rollout.retraining(d, month), "Retraining"),
        Line("error_remediation", false_alarms * d.false_alarm_cost, "False alarms", ref="false_alarms"),
        Line("error_remediation", caught * analysts, "Work on frauds caught", ref="analysts"),
        Line("loss_avoided", caught * d.loss_per_fraud, "Loss prevented"),
        Line("cost_avoided", caught * d.chargeback_share * d.chargeback_fee, "Chargebacks avoided"),
        Line("labor_savings", d.analyst_hours_saved * d.analyst_hourly_cost * use, "Manual review saved"),
        Line("queries", scored, "Transactions scored"),
        Line("successful_outcomes", maximum(caught, 0), "Frauds caught beyond today's"),
    ]


def problems(d: Drivers) -> list[DriverError]:
    """Return what is wrong between the drivers: a detector worse than what is in place."""
    if d.baseline_recall <= d.recall:
        return []
    return [
        DriverError(
            "baseline_recall", f"Recall today ({d.baseline_recall:g}) is above the new one ({d.recall:g})."
        )
    ]


def report(case: Case, figures: "CaseFigures") -> Mapping[str, Figure]:
    """Return what the detector does in a full month, and the prevalence from which it is worth more than it costs.

    `breakeven_loss_in_reviews` is how many times the cost of a false alarm a fraud must be worth.
    """
    d: Drivers = case.drivers
    detector, stakes = _detector(d), _stakes(d)
    month = detection.screen(
        d.monthly_transactions, prevalence=d.prevalence, detector=detector, stakes=stakes
    )
    return {
        "frauds_caught_monthly": Figure(month.caught),
        "frauds_missed_monthly": Figure(month.missed),
        "false_alarms_monthly": Figure(month.false_alarms),
        "precision": month.precision,
        "prevented_loss_monthly": Figure(month.prevented_loss),
        "false_alarm_cost_monthly": Figure(month.false_alarm_cost),
        "breakeven_prevalence": detection.breakeven_prevalence(detector, stakes=stakes),
        "breakeven_loss_in_reviews": detection.breakeven_loss(detector, prevalence=d.prevalence),
    }


def notes(case: Case) -> Sequence[str]:
    """Return the remark on a prevalence at which false alarms eat what is prevented."""
    d: Drivers = case.drivers
    needed = detection.breakeven_prevalence(_detector(d), stakes=_stakes(d)).value
    if needed is None or d.prevalence > needed:
        return ()
    return [
        f"At a prevalence of {d.prevalence:g} false alarms cost at least what catching frauds prevents;"
        f" it takes more than {needed:.3g}."
    ]


def _detector(d: Drivers) -> detection.Detector:
    return detection.Detector(recall=d.recall, false_positive_rate=d.false_positive_rate)


def _stakes(d: Drivers) -> detection.Stakes:
    return detection.Stakes(loss=d.loss_per_fraud, false_alarm_cost=d.false_alarm_cost)


TEMPLATE = Template(
    name="fraud_detection",
    title="Fraud detection",
    description="Loss prevented against false alarms, analysts and chargebacks. Needs the prevalence of fraud.",
    drivers=Drivers,
    plan=plan,
    unit_of_use="queries",
    problems=problems,
    report=report,
    notes=notes,
)
