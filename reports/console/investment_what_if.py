"""The what-if tab of an investment: its business cases, to open or to start."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from reports.console import cases_list
from reports.console.standing import Standing
from roi.models import BusinessCase

MOST_SHOWN = 50


def context(stands: Standing, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the investment's cases with their figures, the last changed first."""
    investment = stands.investment
    chosen = cases_list.of(BusinessCase.objects.filter(investment=investment))[:MOST_SHOWN]
    return {
        "case_rows": cases_list.rows(list(chosen)),
        "case_heads": cases_list.HEADS,
        "new_case": f"{reverse('admin:reports_case_new')}?{urlencode({'investment': investment.code})}",
    }
