"""Over the API: why somebody did, or did not, get a message about an alert."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import explain
from portfolio.api_base import MonthField

_OUTCOMES = [(name, name) for name in explain.OUTCOMES]


class ToldSerializer(serializers.Serializer[Any]):
    """One notice: to whom, why to them, how it ended and why. Addresses of people are not shown."""

    notice = serializers.UUIDField()
    name = serializers.CharField()
    channel = serializers.CharField()
    why = serializers.CharField(help_text="Why it is addressed to them.")
    outcome = serializers.ChoiceField(choices=_OUTCOMES)
    stage = serializers.CharField(help_text="What kept it back: inhibited, silenced, snoozed, …; else empty.")
    sentence = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    silence = serializers.UUIDField(allow_null=True)
    instead_of = serializers.UUIDField(allow_null=True, help_text="The dead notice it stands in for.")


class HappenedSerializer(serializers.Serializer[Any]):
    """One event with everybody it was addressed to."""

    kind = serializers.CharField(source="event.kind")
    month = MonthField(source="event.month")
    recorded_at = serializers.DateTimeField(source="event.recorded_at")
    told = ToldSerializer(many=True)
    untold = serializers.CharField(help_text="Why it is addressed to nobody; else empty.")


class UnaddressedSerializer(serializers.Serializer[Any]):
    """A person or a shared address of the portfolio that is in none of the notices, and why."""

    name = serializers.CharField()
    reason = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Everything there is to say about the messages of one alert."""

    episode = serializers.UUIDField(source="episode.public_id")
    happened = HappenedSerializer(many=True)
    unaddressed = UnaddressedSerializer(many=True)


class EpisodeExplanation:
    """Adds the explanation to the episodes' own view set."""

    @extend_schema(responses=ExplanationSerializer)
    @action(detail=True, methods=["get"])
    def explanation(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Say what became of every message of this alert, and why its other people got none."""
        found = explain.of(self.get_object(), now=timezone.now())  # type: ignore[attr-defined]
        return Response(ExplanationSerializer(found).data)
