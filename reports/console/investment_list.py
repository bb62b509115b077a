"""The list of investments: a page's figures fetched together, now or as known at the end of a past day."""

from collections import defaultdict
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from alerts.models import Episode
from portfolio.access import Action
from portfolio.models import InvestmentVersion
from reports.console import pages, standing, status, time_travel
from reports.console.investment_filters import AttentionFilter, StatusFilter
from reports.console.past import Past, Then, asked_past, then_of
from reports.console.standing import Standing

NOTE = (
    "Figures and status of what was registered, as known at the end of {}. Names, stages, owners and reviews are those "
    "of today. Figures, status and alerts do not filter or order this list, as those at hand are of today."
)
# What is chosen and ordered by stored figures and open alerts, which are those of today.
_FILTERS_OF_TODAY = (StatusFilter, AttentionFilter)
_COLUMNS_OF_TODAY = frozenset({"status_pill", "roi", "incremental"})


class InvestmentList(ChangeList):
    """The list of investments; the figures of a page are fetched together, whatever its size."""

    past: Past | None
    then: Then

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        zones = pages.zones(pages.portfolios(request, Action.VIEW))
        self.past = asked_past(request.GET.get("as_of", ""), zones, now=timezone.now())
        self.then = then_of(request.GET, self.past, note=NOTE)
        super().__init__(request, *args, **kwargs)
        if self.past:
            names = (name for name in self.list_display if isinstance(name, str))
            self.sortable_by = [name for name in names if name not in _COLUMNS_OF_TODAY]

    def get_filters_params(self, params: Any = None) -> Any:
        """Return what filters rows: the day is no filter, nor is what would choose by figures of today."""
        asked = super().get_filters_params(params)
        asked.pop("as_of", None)
        for one in _FILTERS_OF_TODAY if self.past else ():
            asked.pop(one.parameter_name, None)
        return asked

    def get_filters(self, request: HttpRequest) -> Any:
        """Return the filters; those of today's figures and alerts say nothing about a past day."""
        if self.past:
            self.list_filter = [one for one in self.list_filter if one not in _FILTERS_OF_TODAY]
        return super().get_filters(request)

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what a column orders by, None where it is of another day."""
        if self.past and field_name in _COLUMNS_OF_TODAY:
            return None
        return super().get_ordering_field(field_name)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Return the rows; of a past day those that were registered by its end."""
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        if self.past is None:
            return rows
        versions = InvestmentVersion.objects.filter(
            self.past.until("batch__recorded_at", portfolio="investment__portfolio"),
            investment=OuterRef("pk"),
        )
        return rows.filter(Exists(versions))

    def get_results(self, request: HttpRequest) -> None:
        """Attach to each investment of the page where it stands, or stood."""
        super().get_results(request)
        page: list[Any] = list(self.result_list)
        stands = standing.of(page) if self.past is None else stood(page, self.past)
        for investment in page:
            investment.standing = stands[investment.pk]
        self.result_list = page


def stood(investments: list[Any], past: Past) -> dict[int, Standing]:
    """Return where each investment stood in the past, and give it the status of then."""
    known = time_travel.standings_on(investments, past)
    was_open = past.open_then("opened_at", "closed_at", portfolio="investment__portfolio")
    episodes = Episode.objects.filter(was_open, investment__in=investments)
    rules: dict[int, set[str]] = defaultdict(set)
    for pk, rule in episodes.values_list("investment", "rule"):
        rules[pk].add(rule)
    found = {}
    for one in investments:
        found[one.pk] = known.get(one.pk) or Standing(one, None, None, past=past)
        one.status = status.name_of(rules[one.pk], found[one.pk].snapshot)
    return found
