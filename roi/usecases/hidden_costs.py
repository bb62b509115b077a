"""The six costs a business case tends to leave out, asked for beside every template, and the account of each."""

from dataclasses import dataclass

from roi.usecases.drivers import Group, Unit, driver
from roi.usecases.values import Value


@dataclass(frozen=True, slots=True)
class HiddenCosts:
    """The costs a case tends to leave out. Each is asked for; 0 is an answer only when somebody gives it."""

    integration_engineering: Value = driver(
        0.0, label="Engineering time to build integrations", unit=Unit.CURRENCY, group=Group.ONE_TIME,
        help="Connectors, identity, data contracts: people's time at loaded cost, once.",
    )  # fmt: skip
    integration_maintenance: Value = driver(
        0.0, label="Engineering time to maintain them", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Keeping integrations working as both sides change.",
    )  # fmt: skip
    evaluation_pipeline: Value = driver(
        0.0, label="Evaluation pipeline", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Test sets, labeling, regression runs at every model change.",
    )  # fmt: skip
    safety_pipeline: Value = driver(
        0.0, label="Safety pipeline", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Guardrails, red teaming, monitoring of misuse.",
    )  # fmt: skip
    compliance_review: Value = driver(
        0.0, label="Compliance review", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Risk assessments, documentation, audits.",
    )  # fmt: skip
    legal_review: Value = driver(
        0.0, label="Legal review", unit=Unit.CURRENCY_PER_MONTH, group=Group.RUN,
        help="Contracts, data protection, terms of model vendors.",
    )  # fmt: skip


# Hidden cost: the account it is planned on, and whether it is paid once.
ACCOUNTS: dict[str, tuple[str, bool]] = {
    "integration_engineering": ("integration", True),
    "integration_maintenance": ("maintenance", False),
    "evaluation_pipeline": ("evaluation_safety", False),
    "safety_pipeline": ("evaluation_safety", False),
    "compliance_review": ("risk_compliance", False),
    "legal_review": ("legal_review", False),
}
