"""Silences over the API: made with a preview, ended, decided by a second person; and what waits for one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import silences
from alerts.models import Silence
from alerts.models.policy import RULE_CHOICES
from alerts.silences import Matcher
from portfolio import access, approvals
from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Body,
    Filters,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    open_portfolio,
    person,
    public_id_parameter,
)
from portfolio.models import Approval, Investment

# As the models spell them: the schema names their enum by these.
_RULES = RULE_CHOICES
_RELATED = ("portfolio", "investment", "author", "approval__author", "approval__approver")


class NewMatcher(Body):
    """What a silence is about: a portfolio, and in it a rule, an investment, or both."""

    portfolio = serializers.CharField(max_length=48)
    investment = serializers.CharField(max_length=48, required=False, allow_null=True, default=None)
    rule = serializers.ChoiceField(choices=_RULES, required=False, allow_blank=True, default="")


class NewSilence(NewMatcher):
    """A silence: what it is about, from when to when, and why."""

    starts_at = serializers.DateTimeField(required=False, help_text="Left out: now.")
    ends_at = serializers.DateTimeField(help_text="At most twelve months after its start.")
    comment = serializers.CharField(max_length=500)


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    """What one person asks for and another allows or refuses."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    author = serializers.CharField(source="author.username")
    approver = serializers.CharField(source="approver.username", default=None, allow_null=True)

    class Meta:
        model = Approval
        fields: Sequence[str] = (
            *("id", "portfolio", "kind", "subject", "summary", "author", "asked_at"),
            *("decision", "approver", "reason", "decided_at"),
        )


class SilenceSerializer(serializers.ModelSerializer[Silence]):
    """A silence. One that needs approval holds once it is approved."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    investment = serializers.CharField(source="investment.code", default=None, allow_null=True)
    author = serializers.CharField(source="author.username")
    decision = serializers.CharField(source="approval.decision", default="", help_text="Empty: not decided.")

    class Meta:
        model = Silence
        fields: Sequence[str] = (
            *("id", "portfolio", "investment", "rule", "starts_at", "ends_at", "comment"),
            *("author", "created_at", "needs_approval", "decision"),
        )


class PreviewSerializer(serializers.Serializer[Any]):
    """What a silence would keep back if it held now."""

    episodes = serializers.SerializerMethodField(help_text="The open alerts it matches.")
    unsent = serializers.IntegerField(help_text="Notices of theirs that wait to be sent.")

    def get_episodes(self, found: silences.Preview) -> list[str]:
        """Return the public ids."""
        return [str(episode.public_id) for episode in found.episodes]


class Verdict(Body):
    """Whether somebody else's request is allowed."""

    is_allowed = serializers.BooleanField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class SilenceFilters(Filters):
    """Which silences."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    rule = filters.ChoiceFilter(choices=_RULES)

    class Meta:
        model = Silence
        fields: Sequence[str] = ()


class SilenceViewSet(ScopedViewSet):
    """The silences of your portfolios, past ones included."""

    queryset = Silence.objects.select_related(*_RELATED)
    serializer_class = SilenceSerializer
    filterset_class = SilenceFilters
    orderings = ("-created_at", "created_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN
    body_names_rows = True

    @extend_schema(request=NewSilence, responses={201: SilenceSerializer}, parameters=[idempotency_parameter])
    def create(self, request: Request) -> Response:
        """Silence alerts for a time. More than thirty days of the negative rule hold once somebody else allows it."""
        asked = NewSilence(data=request.data)
        asked.is_valid(raise_exception=True)
        terms, user = asked.validated_data, person(request)

        def act(now: datetime) -> tuple[int, Any]:
            made = silences.create(
                _matcher(request, terms),
                starts_at=terms.get("starts_at", now),
                ends_at=terms["ends_at"],
                comment=terms["comment"],
                author=user,
                now=now,
            )
            return 201, SilenceSerializer(made).data

        return answer_once(request, act)

    @extend_schema(request=NewMatcher, responses=PreviewSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """Say what a silence would keep back; nothing is stored."""
        asked = NewMatcher(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(PreviewSerializer(silences.preview(_matcher(request, asked.validated_data))).data)

    @extend_schema(request=None, responses={204: None}, parameters=[public_id_parameter])
    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        """End a silence now; what it kept back of open alerts is told once."""
        silence, user = self.get_object(), person(request)

        def act(now: datetime) -> tuple[int, None]:
            silences.end(silence, user=user, now=now)
            return 204, None

        return answer_once(request, act)

    @extend_schema(request=Verdict, responses=ApprovalSerializer, parameters=[idempotency_parameter])
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Allow or refuse a long silence, as somebody else than its author who closes the portfolio's months."""
        asked = Verdict(data=request.data)
        asked.is_valid(raise_exception=True)
        silence, user = self.get_object(), person(request)
        if not access.may(user, Action.CLOSE, silence.portfolio_id):
            raise PermissionDenied("Only finance and administrators of the portfolio decide requests.")
        return answer_once(
            request,
            lambda now: (
                200,
                ApprovalSerializer(
                    silences.decide(silence, approver=user, now=now, **asked.validated_data)
                ).data,
            ),
        )


class ApprovalFilters(Filters):
    """Which requests."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    is_open = filters.BooleanFilter(field_name="decided_at", lookup_expr="isnull")

    class Meta:
        model = Approval
        fields: Sequence[str] = ()


class ApprovalViewSet(ScopedViewSet):
    """What waits, or waited, for a second person in your portfolios."""

    queryset = Approval.objects.select_related("portfolio", "author", "approver")
    serializer_class = ApprovalSerializer
    filterset_class = ApprovalFilters
    orderings = ("-asked_at", "asked_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    @extend_schema(
        request=Verdict,
        responses=ApprovalSerializer,
        parameters=[public_id_parameter, idempotency_parameter],
        filters=False,
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Allow or refuse a request, as somebody else than its author; what is allowed is carried out at once."""
        approval, user = self.get_object(), person(request)
        if not access.may(user, Action.CLOSE, approval.portfolio_id):
            raise PermissionDenied("Only finance and administrators of the portfolio decide requests.")
        asked = Verdict(data=request.data)
        asked.is_valid(raise_exception=True)
        return answer_once(
            request,
            lambda now: (
                200,
                ApprovalSerializer(
                    approvals.settle(approval, approver=user, now=now, **asked.validated_data)
                ).data,
            ),
        )


def _matcher(request: Request, terms: dict[str, Any]) -> Matcher:
    portfolio = open_portfolio(request.user, terms["portfolio"], action=Action.RECORD)
    code = terms["investment"]
    investment = Investment.objects.filter(portfolio=portfolio, code=code).first() if code else None
    if code and investment is None:
        raise ValidationError({"investment": ["There is no such investment in the portfolio."]})
    return Matcher(portfolio=portfolio, investment=investment, rule=terms["rule"])
