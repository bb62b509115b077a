"""What all portfolios share: the chart of accounts, and the FX rates in force and how they are set."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from portfolio import access, assumptions, knowledge
from portfolio.access import Action
from portfolio.api_base import (
    ExactDecimalField,
    Filters,
    MonthField,
    MonthFilter,
    StrictView,
    answer_once,
    idempotency_parameter,
    person,
)
from portfolio.models import Account, FxRate, Portfolio
from portfolio.terms import AccountKind


class AccountSerializer(serializers.ModelSerializer[Account]):
    """An account of the chart."""

    class Meta:
        model = Account
        fields = (
            "code",
            "name",
            "help_text",
            "kind",
            "nature",
            "treatment",
            "is_avoidable",
            "is_usage_driven",
            "unit",
            "aggregation",
            "is_higher_better",
            "regulatory_tag",
            "is_active",
        )


class AccountFilters(Filters):
    """Which accounts."""

    kind = filters.ChoiceFilter(choices=[(kind.value, kind.value) for kind in AccountKind])
    is_active = filters.BooleanFilter()

    class Meta:
        model = Account
        fields: Sequence[str] = ()


class AccountViewSet(StrictView, mixins.ListModelMixin, GenericViewSet[Account]):
    """The chart of accounts, the same for all portfolios."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filterset_class = AccountFilters
    orderings = ("position",)


class FxRateSerializer(serializers.Serializer[Any]):
    """Units of reporting currency per unit of currency: the average of a month, with its source."""

    currency = serializers.RegexField(r"^[A-Z]{3}\Z")
    reporting_currency = serializers.RegexField(r"^[A-Z]{3}\Z")
    month = MonthField()
    rate = ExactDecimalField(max_digits=20, decimal_places=10)
    source = serializers.CharField(max_length=120)  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a currency's rate to itself."""
        if attrs["currency"] == attrs["reporting_currency"]:
            raise serializers.ValidationError("A currency has no rate to itself.")
        return attrs


class FxRatesBody(serializers.Serializer[Any]):
    """Rates to put in force, and why."""

    rates = serializers.ListField(child=FxRateSerializer(), min_length=1, max_length=5000)
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class FxRatesChanged(serializers.Serializer[Any]):
    """How many rates differ from before."""

    changed = serializers.IntegerField()


class FxRateFilters(Filters):
    """Which rates."""

    currency = filters.CharFilter()
    reporting_currency = filters.CharFilter()
    month = MonthFilter()
    month__gte = MonthFilter(field_name="month", lookup_expr="gte")
    month__lte = MonthFilter(field_name="month", lookup_expr="lte")

    class Meta:
        model = FxRate
        fields: Sequence[str] = ()


class FxRateViewSet(StrictView, mixins.ListModelMixin, GenericViewSet[FxRate]):
    """The FX rates in force, the same for all portfolios."""

    queryset = FxRate.objects.filter(
        pk__in=FxRate.objects.order_by("currency", "reporting_currency", "month", "-batch_id")
        .distinct("currency", "reporting_currency", "month")
        .values("pk")
    )
    serializer_class = FxRateSerializer
    filterset_class = FxRateFilters
    orderings = ("id", "-id")

    @extend_schema(
        operation_id="fx_rates_put",
        request=FxRatesBody,
        responses=FxRatesChanged,
        parameters=[idempotency_parameter],
    )
    def put(self, request: Request) -> Response:
        """Put rates in force, for those who administer every portfolio that reports in their currency."""
        wanted = FxRatesBody(data=request.data)
        wanted.is_valid(raise_exception=True)
        rates = [assumptions.Rate(**rate) for rate in wanted.validated_data["rates"]]
        _require_rates(request.user, {rate.reporting_currency for rate in rates})

        def act(now: datetime) -> tuple[int, Any]:
            knowledge.lock_installation()
            changed = assumptions.set_fx_rates(
                rates, now=timezone.now(), actor=person(request), reason=wanted.validated_data["reason"]
            )
            return 200, {"changed": changed}

        return answer_once(request, act)


def _require_rates(user: Any, currencies: set[str]) -> None:
    """Refuse a user who does not administer every portfolio whose figures the rates would change."""
    touched = Portfolio.objects.filter(reporting_currency__in=currencies)
    managed = Portfolio.objects.filter(access.scope(user, Action.MANAGE, via="pk"))
    is_admin = user.is_superuser or managed.exists()
    if not is_admin or touched.exclude(pk__in=managed.values("pk")).exists():
        raise PermissionDenied(
            "Rates are set by those who administer every portfolio that reports in the currency."
        )
