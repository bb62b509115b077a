"""The portfolios as a resource, with the states of their months and the verbs that change them."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import facts, knowledge, months
from portfolio.access import Action
from portfolio.api_base import (
    CODE_PATTERN,
    MonthField,
    ScopedViewSet,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_portfolio,
    person,
)
from portfolio.models import Portfolio
from portfolio.terms import months_from

_MAX_MONTHS = 120


_VERBS: dict[str, Callable[..., list[date]]] = {
    "close": months.close,
    "lock": months.lock,
    "reopen": months.reopen,
}


class PortfolioSerializer(serializers.ModelSerializer[Portfolio]):
    """A portfolio's settings."""

    class Meta:
        model = Portfolio
        fields = (
            "code",
            "name",
            "reporting_currency",
            "time_zone",
            "fiscal_year_start_month",
            "close_day",
            "norm_band_start_months",
            "norm_band_end_months",
            "exploration_share",
            "materiality_threshold",
        )


class MonthSerializer(serializers.Serializer[Any]):
    """A month and its state."""

    month = MonthField()
    status = serializers.ChoiceField(choices=["open", "closed", "locked"])


class MonthsSerializer(serializers.Serializer[Any]):
    """The months of a portfolio, from its first investment's start to the running one."""

    results = MonthSerializer(many=True)


class MonthsChange(serializers.Serializer[Any]):
    """Which months to close, lock or open again, and why."""

    months = serializers.ListField(child=MonthField(), min_length=1, max_length=_MAX_MONTHS)
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class MonthsChanged(serializers.Serializer[Any]):
    """The months whose state changed."""

    changed = serializers.ListField(child=MonthField())


_describe_change = extend_schema(
    request=MonthsChange,
    responses=MonthsChanged,
    parameters=[code_parameter, idempotency_parameter],
    filters=False,
)


class PortfolioViewSet(ScopedViewSet):
    """Portfolios you are a member of."""

    queryset = Portfolio.objects.all()
    serializer_class = PortfolioSerializer
    via = "pk"
    orderings = ("code", "-code")
    lookup_field = "code"
    lookup_value_regex = CODE_PATTERN

    @extend_schema(responses=MonthsSerializer, parameters=[code_parameter], filters=False)
    @action(detail=True, pagination_class=None)
    def months(self, request: Request, code: str) -> Response:
        """Return the state of each month, from the first investment's start to the running month."""
        portfolio = open_portfolio(request.user, code)
        states = facts.month_states(portfolio)
        first = portfolio.investments.order_by("start_month").values_list("start_month", flat=True).first()
        running = months.current_month(portfolio, timezone.now())
        listed = months_from(first or running, running)
        rows = [{"month": month, "status": states.get(month, "open")} for month in listed]
        return Response(MonthsSerializer({"results": rows}).data)

    @_describe_change
    @action(detail=True, methods=["post"], url_path="months/close")
    def close(self, request: Request, code: str) -> Response:
        """Close months that have ended."""
        return self._change(request, code, "close")

    @_describe_change
    @action(detail=True, methods=["post"], url_path="months/lock")
    def lock(self, request: Request, code: str) -> Response:
        """Lock closed months; changing one then needs a second person."""
        return self._change(request, code, "lock")

    @_describe_change
    @action(detail=True, methods=["post"], url_path="months/reopen")
    def reopen(self, request: Request, code: str) -> Response:
        """Open closed months again; needs a reason. A locked month needs a second person: see the site."""
        return self._change(request, code, "reopen")

    def _change(self, request: Request, code: str, verb: str) -> Response:
        portfolio = open_portfolio(request.user, code, action=Action.CLOSE)
        wanted = MonthsChange(data=request.data)
        wanted.is_valid(raise_exception=True)

        def act(now: datetime) -> tuple[int, Any]:
            knowledge.lock_portfolio(portfolio.pk)
            changed = _VERBS[verb](
                portfolio,
                wanted.validated_data["months"],
                now=timezone.now(),
                actor=person(request),
                reason=wanted.validated_data["reason"],
            )
            return 200, MonthsChanged({"changed": changed}).data

        return answer_once(request, act)
