"""Routes over the API: a portfolio's list in its order, kept by its administrators; and who would hear of an alert."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from alerts import routebook, routing
from alerts.models import Route, Target
from alerts.models.policy import RULE_CHOICES, SEVERITIES
from alerts.routebook import RouteError
from alerts.rules.routes import MODES, ROLES, Named
from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Body,
    Filters,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    open_investment,
    open_portfolio,
    public_id_parameter,
    refuse,
)
from portfolio.models import Portfolio, User

_RULES = RULE_CHOICES
_ROLES = [(name, name.replace("_", " ").capitalize()) for name in ROLES]
_MODES = [(name, name.capitalize()) for name in MODES]


class RouteRecipient(Body):
    """Who a route names: a role, a person by user name, or a shared target by its id; exactly one of them."""

    role = serializers.ChoiceField(choices=_ROLES, required=False)
    user = serializers.CharField(max_length=150, required=False)
    target = serializers.UUIDField(required=False)

    def validate(self, attrs: Any) -> Any:
        """Refuse none, and two at once."""
        if len(attrs) != 1:
            raise serializers.ValidationError("Name one of role, user and target.")
        return attrs


class NewRouteTerms(Body):
    """What a route says. An empty matcher matches everything."""

    name = serializers.CharField(max_length=100)
    recipients = RouteRecipient(many=True)
    rules = serializers.ListField(
        child=serializers.CharField(max_length=32), default=list, max_length=20, help_text="Names of rules."
    )
    severities = serializers.ListField(
        child=serializers.CharField(max_length=16), default=list, max_length=4, help_text="Of the alert."
    )
    use_cases = serializers.ListField(
        child=serializers.CharField(max_length=100), default=list, max_length=100
    )
    investments = serializers.ListField(
        child=serializers.CharField(max_length=48), default=list, max_length=500, help_text="Codes."
    )
    mode = serializers.ChoiceField(choices=_MODES, default="immediate")
    goes_on = serializers.BooleanField(default=True, help_text="Later routes are looked at as well.")
    is_active = serializers.BooleanField(default=True)
    place = serializers.IntegerField(
        min_value=1, default=None, allow_null=True, help_text="From 1. Null: last, or where it is."
    )


class NewRoute(NewRouteTerms):
    """A route of a portfolio."""

    portfolio = serializers.CharField(max_length=48)


class RouteSerializer(serializers.ModelSerializer[Route]):
    """One route. Routes are matched in the order of their places."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    place = serializers.IntegerField(source="position")
    recipients = serializers.SerializerMethodField()
    mode = serializers.ChoiceField(choices=_MODES)

    class Meta:
        model = Route
        fields: Sequence[str] = (
            *("id", "portfolio", "place", "name", "rules", "severities", "use_cases", "investments"),
            *("recipients", "mode", "goes_on", "is_active"),
        )

    @extend_schema_field(RouteRecipient(many=True))
    def get_recipients(self, route: Route) -> list[dict[str, str]]:
        """Return whom it names, as they are named when it is set; who is gone is left out."""
        names = self.context["names"]
        shown = [
            (kind, names.get((kind, str(value)))) for one in route.recipients for kind, value in one.items()
        ]
        return [{kind: name} for kind, name in shown if name]


class RouteQuestion(Body):
    """The alert that is asked about."""

    investment = serializers.CharField(max_length=48)
    rule = serializers.ChoiceField(choices=_RULES)
    severity = serializers.ChoiceField(
        choices=SEVERITIES, required=False, help_text="Left out: the rule's own."
    )


class RouteStepSerializer(serializers.Serializer[Any]):
    """A route as the alert meets it."""

    name = serializers.CharField(source="route.name")
    is_taken = serializers.BooleanField()
    why_not = serializers.CharField(help_text="Empty where it is taken.")


class HearerSerializer(serializers.Serializer[Any]):
    """Who would hear of it. Addresses of people are not shown."""

    name = serializers.CharField()
    user = serializers.CharField(source="user.username", default=None, allow_null=True)
    channel = serializers.CharField()
    why = serializers.CharField()
    mode = serializers.ChoiceField(choices=_MODES)


class WaySerializer(serializers.Serializer[Any]):
    """The way an alert would take now."""

    is_default = serializers.BooleanField(help_text="No route was taken, or those taken reach nobody.")
    steps = RouteStepSerializer(many=True)
    recipients = HearerSerializer(many=True)


class RouteFilters(Filters):
    """Which routes."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    is_active = filters.BooleanFilter()

    class Meta:
        model = Route
        fields: Sequence[str] = ()


class RouteViewSet(ScopedViewSet):
    """The routes of your portfolios. Where a portfolio has none, the defaults hold."""

    queryset = Route.objects.select_related("portfolio")
    serializer_class = RouteSerializer
    filterset_class = RouteFilters
    orderings = ("position", "-position")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN
    body_names_rows = True

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer, with the names of whom its routes name read together."""
        rows = args[0] if kwargs.get("many") else args[:1]
        kwargs["context"] = {**self.get_serializer_context(), "names": _names(rows)}
        return RouteSerializer(*args, **kwargs)

    @extend_schema(request=NewRoute, responses={201: RouteSerializer}, parameters=[idempotency_parameter])
    def create(self, request: Request) -> Response:
        """Add a route, for the portfolio's administrators."""
        asked = NewRoute(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        portfolio = open_portfolio(request.user, given.pop("portfolio"), action=Action.MANAGE)
        return answer_once(request, lambda now: (201, self._put(portfolio, given)))

    @extend_schema(
        request=NewRouteTerms,
        responses=RouteSerializer,
        parameters=[public_id_parameter, idempotency_parameter],
    )
    def update(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Set all terms of a route anew."""
        route = self._managed(request)
        asked = NewRouteTerms(data=request.data)
        asked.is_valid(raise_exception=True)
        return answer_once(
            request, lambda now: (200, self._put(route.portfolio, dict(asked.validated_data), route))
        )

    @extend_schema(request=None, responses={204: None}, parameters=[public_id_parameter])
    def destroy(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Delete a route; those behind it move up."""
        route = self._managed(request)

        def act(now: datetime) -> tuple[int, None]:
            routebook.remove(route)
            return 204, None

        return answer_once(request, act)

    @extend_schema(request=RouteQuestion, responses=WaySerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """Say who would hear of an alert if it fired now, by which routes; nothing is stored."""
        asked = RouteQuestion(data=request.data)
        asked.is_valid(raise_exception=True)
        terms = asked.validated_data
        investment = open_investment(request.user, terms["investment"])
        known = routing.directory([investment], on=timezone.now().date())
        way = routing.route(investment, terms["rule"], known, severity=terms.get("severity", ""))
        return Response(WaySerializer(way).data)

    def _managed(self, request: Request) -> Route:
        route: Route = self.get_object()
        open_portfolio(request.user, route.portfolio.code, action=Action.MANAGE)
        return route

    def _put(self, portfolio: Portfolio, given: dict[str, Any], route: Route | None = None) -> Any:
        named = _named(portfolio, given.pop("recipients"))
        try:
            kept = routebook.put(portfolio, routebook.Terms(recipients=named, **given), route=route)
        except RouteError as error:
            refuse(str(error), f"#/{error.field}")
        return self.get_serializer(kept).data


def _named(portfolio: Portfolio, given: Sequence[dict[str, Any]]) -> list[Named]:
    """Return recipients by their keys; raises ValidationError for who or what is not in the portfolio."""
    asked = [(kind, str(value)) for one in given for kind, value in one.items()]
    users = routebook.people_of(portfolio).filter(username__in=[v for kind, v in asked if kind == "user"])
    targets = Target.objects.filter(portfolio=portfolio, public_id__in=[v for k, v in asked if k == "target"])
    keys = {("user", user.username): str(user.pk) for user in users}
    keys |= {("target", str(target.public_id)): str(target.pk) for target in targets}
    unknown = [value for kind, value in asked if kind != "role" and (kind, value) not in keys]
    if unknown:
        raise ValidationError({"recipients": [f"There is no {unknown[0]} in this portfolio."]})
    return [Named(kind, keys.get((kind, value), value)) for kind, value in asked]


def _names(routes: Sequence[Route]) -> dict[tuple[str, str], str]:
    """Return how recipients are named over the API: users by user name, targets by id. Two queries for all."""
    asked = [(kind, value) for route in routes for one in route.recipients for kind, value in one.items()]
    users = User.objects.filter(pk__in=[v for kind, v in asked if kind == "user"])
    targets = Target.objects.filter(pk__in=[v for kind, v in asked if kind == "target"])
    names = {("role", name): name for name in ROLES}
    names |= {("user", str(user.pk)): user.username for user in users}
    return names | {("target", str(target.pk)): str(target.public_id) for target in targets}
