"""Addresses of the console's static files. What was not built is left out, never a broken link."""

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.http import HttpRequest
from django.templatetags.static import static

VEGA_BUNDLE = "reports/vega.js"
CHART_LOADER = "reports/charts.js"


def stylesheet(request: HttpRequest) -> str:
    """Return the address of the console's own styles."""
    return static("reports/console.css")


def icon(request: HttpRequest) -> str:
    """Return the address of the site's icon."""
    return static("reports/icon.svg")


def chart_scripts() -> list[str]:
    """Return the scripts a page with charts needs, in order; none where `build_static` has not run."""
    if isinstance(staticfiles_storage, ManifestFilesMixin):
        is_built = VEGA_BUNDLE in staticfiles_storage.hashed_files
    else:
        is_built = finders.find(VEGA_BUNDLE) is not None
    return [static(VEGA_BUNDLE), static(CHART_LOADER)] if is_built else []
