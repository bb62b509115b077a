"""Acting on one alert over the API: acknowledge it, snooze it."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import acknowledgments
from alerts.acknowledgments import OverlayError
from alerts.models import Episode, Snooze
from portfolio.api_base import Body, answer_once, idempotency_parameter, person
from portfolio.models import User


class Acknowledging(Body):
    """A remark for those who look later."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class AcknowledgedSerializer(serializers.Serializer[Any]):
    """Who has seen an alert, and until when nobody is reminded of it."""

    user = serializers.CharField(source="acknowledgment.user.username")
    created_at = serializers.DateTimeField(source="acknowledgment.created_at")
    until = serializers.DateTimeField(source="acknowledgment.until")
    note = serializers.CharField(source="acknowledgment.note")
    is_new = serializers.BooleanField(help_text="False: you had acknowledged it already.")
    leads = serializers.BooleanField(help_text="False: somebody else was first.")


class Snoozing(Body):
    """Until when an alert is to be quiet, and why."""

    until = serializers.DateTimeField(help_text="At most ninety days from now.")
    reason = serializers.CharField(max_length=500)


class SnoozeSerializer(serializers.ModelSerializer[Snooze]):
    """One alert, quiet until a time."""

    user = serializers.CharField(source="user.username")

    class Meta:
        model = Snooze
        fields = ("user", "reason", "created_at", "until", "ended_at")


class EpisodeActs:
    """What somebody can do about one episode; mixed into the episodes' own view set."""

    def _act(self, request: Request, act: Any, status: int = 200) -> Response:
        """Do it once for each key, as who asks, on the episode of the address."""
        episode: Episode = self.get_object()  # type: ignore[attr-defined]
        user = person(request)
        return answer_once(request, lambda now: (status, act(episode, user, now)))

    @extend_schema(
        request=Acknowledging, responses=AcknowledgedSerializer, parameters=[idempotency_parameter]
    )
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Say that you have seen it: reminders and escalation stop for up to thirty days."""
        asked = Acknowledging(data=request.data)
        asked.is_valid(raise_exception=True)
        note = asked.validated_data["note"]

        def act(episode: Episode, user: User, now: datetime) -> Any:
            done = acknowledgments.acknowledge(episode, user=user, via="api", now=now, note=note)
            return AcknowledgedSerializer(done).data

        return self._act(request, act)

    @extend_schema(request=Snoozing, responses={201: SnoozeSerializer}, parameters=[idempotency_parameter])
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Keep it quiet until a time, for a reason; a running snooze ends by it."""
        asked = Snoozing(data=request.data)
        asked.is_valid(raise_exception=True)
        until, reason = asked.validated_data["until"], asked.validated_data["reason"]

        def act(episode: Episode, user: User, now: datetime) -> Any:
            made = acknowledgments.snooze(episode, user=user, until=until, reason=reason, now=now)
            return SnoozeSerializer(made).data

        return self._act(request, act, 201)

    @extend_schema(request=None, responses={204: None})
    @snooze.mapping.delete
    def end_snooze(self, request: Request, *args: object, **kwargs: object) -> Response:
        """End a running snooze; an alert that is still open is told of as others are."""

        def act(episode: Episode, user: User, now: datetime) -> None:
            acknowledgments.check(episode, user=user)
            if not acknowledgments.end_snooze(episode, now=now, reason=f"Ended by {user}."):
                raise OverlayError("This alert is not snoozed.", code="closed")

        return self._act(request, act, 204)
