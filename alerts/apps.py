"""Django's registration of this room."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Registers the app."""

    name = "alerts"
    verbose_name = "Alerts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the gates below which rules judge an investment."""
        from alerts import policies
        from portfolio import gate_facts

        gate_facts.judged_by(policies.judging)
