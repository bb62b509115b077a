"""Console tests ask for pages, not for files: static addresses are used as they are, nothing is collected."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def static_files_as_they_are(settings: Settings) -> None:
    """Use plain static addresses: the hashed ones need a collected directory."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_AUTOREFRESH = True
