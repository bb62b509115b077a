"""What is edited together with an investment: where it runs."""

from unfold.admin import TabularInline

from portfolio.models import Deployment
from reports.console.scoped import ScopedPermissions


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
