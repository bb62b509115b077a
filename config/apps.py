"""The switchboard's own app: checks at start, the Celery app, the operator commands."""

from django.apps import AppConfig


class HurdleConfig(AppConfig):
    """Registers the start-up checks."""

    name = "config"
    label = "hurdle"

    def ready(self) -> None:
        """Load the checks and the Celery app, so that every process publishes to the same broker."""
        from config import celery, checks  # noqa: F401
