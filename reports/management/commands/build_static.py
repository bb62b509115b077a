"""Builds the static files that are made, not written: the chart library for browsers, the typeface for paper."""

from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from reports import fonts
from reports.console.assets import VEGA_BUNDLE

# The interpreter that `ast: true` needs is part of vega-embed; without it the page would have to allow eval.
SNIPPET = "window.vegaEmbed = vegaEmbed;"


def _bundle() -> str:
    # Loaded here only: it starts an engine with threads, needed only when something is built.
    import vl_convert

    return str(vl_convert.javascript_bundle(SNIPPET))


class Command(BaseCommand):
    """Write the chart library and the typeface into the directory that `collectstatic` gathers from."""

    help = "Build the chart library for browsers and the typeface for paper; does nothing when they are up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take another directory than the usual one."""
        parser.add_argument("--into", type=Path, default=Path(settings.BASE_DIR) / "static" / "build")

    def handle(self, *args: Any, into: Path, **options: Any) -> None:
        """Build what is missing or was built by another version."""
        if fonts.build(into / "fonts"):
            self.stdout.write("The typeface for paper is ready.")
        bundle, stamp = into / VEGA_BUNDLE, into / ".vega-version"
        version = f"vl-convert {metadata.version('vl-convert-python')}\n{SNIPPET}\n"
        if bundle.exists() and stamp.exists() and stamp.read_text() == version:
            self.stdout.write("The chart library is up to date.")
            return
        bundle.parent.mkdir(parents=True, exist_ok=True)
        partial = bundle.with_suffix(".partial")
        partial.write_text(_bundle())
        partial.replace(bundle)
        stamp.write_text(version)
        self.stdout.write(f"The chart library is built ({bundle.stat().st_size // 1024} kB).")
