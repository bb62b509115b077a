"""Django's registration of this room."""

from django.apps import AppConfig


class RoiConfig(AppConfig):
    """Registers the app."""

    name = "roi"
    verbose_name = "ROI"
    default_auto_field = "django.db.models.BigAutoField"
