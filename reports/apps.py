"""Django's registration of this room."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Registers the app."""

    name = "reports"
    verbose_name = "Reports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say who puts reports into words when they are sent."""
        from alerts import envelopes
        from reports import deliver, review_notices

        envelopes.written_by(deliver.KIND, deliver.message_of)
        envelopes.written_by(review_notices.KIND, review_notices.message_of)
