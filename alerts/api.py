"""The watchman's resources: episodes with their events, and the notifications sent about them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api_explanations import EpisodeExplanation
from alerts.api_overlays import EpisodeActs
from alerts.models import Episode, Event, Notification
from alerts.rules import RULES
from portfolio.api_base import UUID_PATTERN, Filters, MonthField, ScopedViewSet, code_parameter
from portfolio.api_ledger import OfInvestment, as_of_time_parameter, asked_moment

_RULES = [(name, name) for name in RULES]


class EventSerializer(serializers.ModelSerializer[Event]):
    """Something that happened to an episode, with a copy of the figures that made it happen."""

    month = MonthField()

    class Meta:
        model = Event
        fields = ("id", "kind", "month", "evidence", "recorded_at")


class EpisodeSerializer(serializers.ModelSerializer[Episode]):
    """One continuous firing of one rule on one investment."""

    id = serializers.UUIDField(source="public_id")
    investment = serializers.CharField(source="investment.code")
    first_breach_month = MonthField()
    fired_month = MonthField()
    resolved_month = MonthField(allow_null=True)
    events = EventSerializer(many=True)

    class Meta:
        model = Episode
        fields = (
            "id",
            "investment",
            "rule",
            "number",
            "severity",
            "first_breach_month",
            "fired_month",
            "resolved_month",
            "closed_reason",
            "opened_at",
            "closed_at",
            "events",
        )

    def to_representation(self, instance: Episode) -> dict[str, Any]:
        """Return an episode, as it stood at the time of the serializer's context where there is one."""
        told = super().to_representation(instance)
        moment = self.context.get("moment")
        if moment is None:
            return told
        events = [one for one in instance.events.all() if one.recorded_at <= moment]
        told["events"] = EventSerializer(events, many=True).data
        if instance.closed_at and instance.closed_at > moment:
            told |= {"closed_at": None, "closed_reason": "", "resolved_month": None}
        return told


class EpisodeFilters(Filters):
    """Which episodes."""

    rule = filters.ChoiceFilter(choices=_RULES)
    is_open = filters.BooleanFilter(method="where_open", label="At the time of as_of, else now.")
    investment = filters.CharFilter(field_name="investment__code")
    portfolio = filters.CharFilter(field_name="investment__portfolio__code")

    class Meta:
        model = Episode
        fields: Sequence[str] = ()

    def where_open(self, rows: QuerySet[Episode], name: str, value: bool) -> QuerySet[Episode]:
        """Keep what is open, or what is not, at the time asked for."""
        moment = asked_moment(self.request)
        is_open = Q(closed_at__isnull=True)
        if moment is not None:
            is_open |= Q(closed_at__gt=moment)
        return rows.filter(is_open) if value else rows.exclude(is_open)


class EpisodeViewSet(EpisodeActs, EpisodeExplanation, ScopedViewSet):
    """The episodes of your portfolios."""

    takes = {"list": ("as_of",)}
    queryset = Episode.objects.select_related("investment").prefetch_related("events")
    serializer_class = EpisodeSerializer
    filterset_class = EpisodeFilters
    via = "investment__portfolio"
    orderings = ("-opened_at", "opened_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    @extend_schema(parameters=[as_of_time_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the episodes, as they stand or as they stood at `as_of`."""
        return _listed(self, request)


class InvestmentEpisodeViewSet(OfInvestment):
    """The episodes of one investment."""

    takes = {"list": ("as_of",)}
    queryset = EpisodeViewSet.queryset
    serializer_class = EpisodeSerializer
    filterset_class = EpisodeFilters
    orderings = EpisodeViewSet.orderings

    @extend_schema(operation_id="investment_episodes_list", parameters=[code_parameter, as_of_time_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the episodes of an investment, as they stand or as they stood at `as_of`."""
        return _listed(self, request)


def _listed(view: ScopedViewSet, request: Request) -> Response:
    moment = asked_moment(request)
    rows = view.filter_queryset(view.get_queryset())
    if moment is not None:
        rows = rows.filter(opened_at__lte=moment)
    page = view.paginate_queryset(rows)
    context = {**view.get_serializer_context(), "moment": moment}
    return view.get_paginated_response(EpisodeSerializer(page, many=True, context=context).data)


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    """One message to one target, and what became of it. Addresses of people are not shown."""

    portfolio = serializers.CharField(source="portfolio.code")
    episode = serializers.UUIDField(source="event.episode.public_id", default=None, allow_null=True)
    message = serializers.DictField(
        help_text="The figures and words of the message, copied when it was decided."
    )

    class Meta:
        model = Notification
        fields = (
            "id",
            "portfolio",
            "episode",
            "channel",
            "state",
            "state_reason",
            "attempts",
            "message",
            "created_at",
            "sent_at",
        )


class NotificationFilters(Filters):
    """Which notifications."""

    state = filters.ChoiceFilter(choices=Notification.STATES)
    channel = filters.CharFilter()
    portfolio = filters.CharFilter(field_name="portfolio__code")

    class Meta:
        model = Notification
        fields: Sequence[str] = ()


class NotificationViewSet(ScopedViewSet):
    """What was sent about your portfolios, newest first."""

    queryset = Notification.objects.select_related("portfolio", "event__episode")
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilters
    orderings = ("-seq", "seq")
    lookup_value_regex = UUID_PATTERN
