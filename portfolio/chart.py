"""The shipped chart of accounts, as data: what is paid, earned, counted and measured. No Django here."""

from dataclasses import dataclass
from typing import Any

from portfolio.terms import AccountKind, Aggregation, Nature, Treatment


@dataclass(frozen=True, slots=True)
class Definition:
    """One account of the chart."""

    code: str
    name: str
    kind: str
    nature: str = ""
    treatment: str = ""
    is_avoidable: bool = False
    is_usage_driven: bool = False
    unit: str = ""
    aggregation: str = Aggregation.SUM.value
    volume_key: str = ""
    is_higher_better: bool | None = None
    regulatory_tag: str = ""
    help_text: str = ""


def _cost(
    code: str, name: str, nature: Nature, treatment: Treatment = Treatment.OPEX, **extra: Any
) -> Definition:
    avoidable = extra.pop("is_avoidable", nature is Nature.RUN)
    return Definition(code, name, AccountKind.COST.value, nature.value, treatment.value, avoidable, **extra)


def _benefit(code: str, name: str, help_text: str = "") -> Definition:
    return Definition(code, name, AccountKind.BENEFIT.value, help_text=help_text)


def _volume(code: str, name: str, unit: str, volume_key: str = "", aggregation: str = "sum") -> Definition:
    return Definition(
        code, name, AccountKind.VOLUME.value, unit=unit, volume_key=volume_key, aggregation=aggregation
    )


def _quality(code: str, name: str, unit: str, *, higher_is_better: bool) -> Definition:
    return Definition(
        code,
        name,
        AccountKind.QUALITY.value,
        unit=unit,
        aggregation=Aggregation.WEIGHTED_MEAN.value,
        is_higher_better=higher_is_better,
    )


_ONCE, _RUN, _CAPEX = Nature.ONE_TIME, Nature.RUN, Treatment.CAPEX

CHART: tuple[Definition, ...] = (
    _cost("development", "Development and platform build", _ONCE, _CAPEX),
    _cost("integration", "Integration", _ONCE, _CAPEX),
    _cost("sso_setup", "Single sign-on and policy set-up", _ONCE),
    _cost("hardware", "Hardware accelerators", _ONCE, _CAPEX),
    _cost("licenses", "Licenses and seats", _RUN),
    _cost("infrastructure", "Infrastructure and inference", _RUN, is_usage_driven=True),
    _cost("model_api", "Model API", _RUN, is_usage_driven=True),
    _cost("data_tooling", "Data and tooling", _RUN),
    _cost("vector_store_monitoring", "Vector store and monitoring", _RUN),
    _cost("maintenance", "Maintenance", _RUN),
    _cost("administration", "Administration time", _RUN),
    _cost("knowledge_base", "Knowledge-base updates", _RUN),
    _cost(
        "retraining",
        "Retraining and fine-tuning",
        _RUN,
        help_text="Recurring; the first training is development.",
    ),
    _cost("mlops", "MLOps", _RUN),
    _cost("evaluation_safety", "Evaluation and safety pipeline", _RUN),
    _cost("risk_compliance", "Risk and compliance", _RUN),
    _cost("legal_review", "Legal review", _RUN),
    _cost("change_management", "Change management and redeployment", _ONCE),
    _cost(
        "error_remediation",
        "Error remediation",
        _RUN,
        is_usage_driven=True,
        help_text="False positives, quality assurance of automated output, reputational cost.",
    ),
    _cost("shared_platform", "Shared platform (allocated)", _RUN, is_avoidable=False),
    _benefit("labor_savings", "Labor savings", "An hour saved is money only when redeployed or not hired."),
    _benefit("speed", "Speed"),
    _benefit("quality", "Quality"),
    _benefit("revenue", "Revenue (conversion, retention)"),
    _benefit("loss_avoided", "Loss avoided"),
    _benefit("cost_avoided", "Cost avoided"),
    _benefit("infrastructure_savings", "Infrastructure savings"),
    _volume("queries", "Queries", "queries", "query"),
    _volume("users", "Users", "users", "user", Aggregation.LAST.value),
    _volume("conversations", "Conversations", "conversations", "conversation"),
    _volume("outcomes", "Outcomes", "outcomes", "outcome"),
    _volume("successful_outcomes", "Successful outcomes", "outcomes", "successful_outcome"),
    _volume("input_tokens", "Input tokens", "tokens"),
    _volume("output_tokens", "Output tokens", "tokens"),
    _volume("cached_tokens", "Cached tokens", "tokens"),
    _volume("gpu_hours", "GPU hours", "hours"),
    _volume("headcount", "Headcount", "people", aggregation=Aggregation.LAST.value),
    _quality("accuracy", "Accuracy", "fraction", higher_is_better=True),
    _quality("error_rate", "Error rate", "fraction", higher_is_better=False),
    _quality("csat", "Customer satisfaction", "score", higher_is_better=True),
    _quality("latency", "Latency", "ms", higher_is_better=False),
    _quality("first_contact_resolution", "First-contact resolution", "fraction", higher_is_better=True),
)

BY_CODE: dict[str, Definition] = {definition.code: definition for definition in CHART}
