"""Django's registration of this room."""

from django.apps import AppConfig


class PortfolioConfig(AppConfig):
    """Registers the app."""

    name = "portfolio"
    verbose_name = "Portfolio"
    default_auto_field = "django.db.models.BigAutoField"
