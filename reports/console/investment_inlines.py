"""What is edited together with an investment: its hypothesis and where it runs."""

from unfold.admin import StackedInline, TabularInline

from portfolio.models import Deployment, Hypothesis
from reports.console.scoped import ScopedPermissions


class HypothesisInline(ScopedPermissions, StackedInline):  # type: ignore[misc]
    """The claim in versions, the newest first."""

    model = Hypothesis
    extra = 0
    fields = (
        "claim",
        ("metric", "unit"),
        ("direction", "target_date"),
        ("baseline", "target"),
        "measurement_method",
        "kill_line",
    )


class DeploymentInline(ScopedPermissions, TabularInline):  # type: ignore[misc]
    """Where it runs, from a month on."""

    model = Deployment
    extra = 0
    fields = (
        "effective_month",
        "target",
        "vendor",
        "model",
        "model_version",
        "is_latency_sensitive",
        "has_rollback",
    )
