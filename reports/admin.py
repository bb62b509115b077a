"""The registry of the console: importing a module here puts its pages on the admin site."""

from reports.console import investments

__all__ = ["investments"]
