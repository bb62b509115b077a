"""The registry of the console: importing a module here puts its pages on the admin site."""

from reports.console import (
    grid,
    imports,
    imports_preview,
    investment_rates_page,
    investments,
    months,
    months_reopening,
    outbox,
    outbox_test_message,
    plans_approval,
    policies,
    policies_change,
    reference,
    reference_fx,
    reference_people,
    reference_rates,
)

__all__ = [
    "grid",
    "imports",
    "imports_preview",
    "investment_rates_page",
    "investments",
    "months",
    "months_reopening",
    "outbox",
    "outbox_test_message",
    "plans_approval",
    "policies",
    "policies_change",
    "reference",
    "reference_fx",
    "reference_people",
    "reference_rates",
]
