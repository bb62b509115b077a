"""The watchman's resources: episodes with their events, and the notifications sent about them."""

from collections.abc import Sequence

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
from portfolio.api_ledger import OfInvestment

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


class EpisodeFilters(Filters):
    """Which episodes."""

    rule = filters.ChoiceFilter(choices=_RULES)
    is_open = filters.BooleanFilter(field_name="closed_at", lookup_expr="isnull")
    investment = filters.CharFilter(field_name="investment__code")
    portfolio = filters.CharFilter(field_name="investment__portfolio__code")

    class Meta:
        model = Episode
        fields: Sequence[str] = ()


class EpisodeViewSet(EpisodeActs, EpisodeExplanation, ScopedViewSet):
    """The episodes of your portfolios."""

    queryset = Episode.objects.select_related("investment").prefetch_related("events")
    serializer_class = EpisodeSerializer
    filterset_class = EpisodeFilters
    via = "investment__portfolio"
    orderings = ("-opened_at", "opened_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN


class InvestmentEpisodeViewSet(OfInvestment):
    """The episodes of one investment."""

    queryset = EpisodeViewSet.queryset
    serializer_class = EpisodeSerializer
    filterset_class = EpisodeFilters
    orderings = EpisodeViewSet.orderings

    @extend_schema(operation_id="investment_episodes_list", parameters=[code_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the episodes of an investment."""
        return super().list(request)


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
