"""Negotiated token prices: listed, stated and withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from portfolio import access
from portfolio.access import Action
from portfolio.api_base import (
    UUID_PATTERN,
    Filters,
    StrictView,
    answer_once,
    idempotency_parameter,
    open_portfolio,
    person,
    public_id_parameter,
    refuse,
)
from portfolio.models import Portfolio
from roi import prices
from roi.api_prices import rate_field, share_field
from roi.engine import price_list
from roi.models import PriceOverride
from roi.prices import PriceError, Terms


class NewPrice(serializers.Serializer[Any]):
    """A negotiated price: money per million tokens, from a day on."""

    portfolio = serializers.CharField(
        max_length=48, allow_null=True, default=None, help_text="Null: it counts for every portfolio."
    )
    provider = serializers.CharField(max_length=prices.LONGEST_PROVIDER)
    model = serializers.CharField(max_length=prices.LONGEST_MODEL)
    effective_from = serializers.DateField()
    effective_until = serializers.DateField(
        allow_null=True, default=None, help_text="The first day it no longer holds."
    )
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", default="USD")
    input_per_million = rate_field()
    output_per_million = rate_field()
    cached_input_per_million = rate_field(allow_null=True, default=None)
    batch_discount = share_field(decimal_places=4, allow_null=True, default=None)
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=prices.LONGEST_SOURCE, help_text="The contract or quote it comes from."
    )


class Withdrawal(serializers.Serializer[Any]):
    """Who took a price back, when and why."""

    actor = serializers.CharField(source="created_by.username", read_only=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)
    reason = serializers.CharField(source="source", max_length=prices.LONGEST_SOURCE)


class PriceOverrideSerializer(serializers.ModelSerializer[PriceOverride]):
    """A negotiated price, and who stated it."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code", default=None, allow_null=True)
    applies_to = serializers.SerializerMethodField(help_text="The model as prices are looked up by.")
    is_listed = serializers.SerializerMethodField(help_text="Whether the published list knows that model.")
    created_by = serializers.CharField(source="created_by.username")
    withdrawn = Withdrawal(source="withdrawn_by", default=None, allow_null=True)

    class Meta:
        model = PriceOverride
        fields: tuple[str, ...] = (
            *("id", "portfolio", "provider", "model", "applies_to", "is_listed", "effective_from"),
            *("effective_until", "currency", "input_per_million", "output_per_million"),
            *("cached_input_per_million", "batch_discount", "source", "created_by", "created_at"),
            "withdrawn",
        )

    def get_applies_to(self, row: PriceOverride) -> str:
        """Return provider and model as the price list spells them."""
        name = price_list.name_of(row.provider, row.model)
        return f"{name.provider}/{name.model}"

    def get_is_listed(self, row: PriceOverride) -> bool:
        """Return whether the list knows the model: a misspelt one would never be looked up."""
        return price_list.name_of(row.provider, row.model).is_listed


class PriceOverrideFilters(Filters):
    """Which negotiated prices."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    provider = filters.CharFilter(lookup_expr="iexact")
    model = filters.CharFilter(lookup_expr="iexact")
    is_withdrawn = filters.BooleanFilter(field_name="withdrawn_by", lookup_expr="isnull", exclude=True)

    class Meta:
        model = PriceOverride
        fields: Sequence[str] = ()


class PriceOverrideViewSet(StrictView, GenericViewSet[PriceOverride]):
    """Negotiated prices: those of your portfolios, and those that count for all."""

    queryset = PriceOverride.objects.filter(withdraws__isnull=True).select_related(
        "portfolio", "created_by", "withdrawn_by__created_by"
    )
    serializer_class = PriceOverrideSerializer
    filterset_class = PriceOverrideFilters
    orderings = ("-created_at", "created_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    def get_queryset(self) -> QuerySet[PriceOverride]:
        """Return the prices that count for portfolios the user sees."""
        seen = Portfolio.objects.filter(access.scope(self.request.user, Action.VIEW, via="pk"))
        return super().get_queryset().filter(Q(portfolio__isnull=True) | Q(portfolio__in=seen))

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return one page, withdrawn prices included."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        request=NewPrice, responses={201: PriceOverrideSerializer}, parameters=[idempotency_parameter]
    )
    def create(self, request: Request) -> Response:
        """State a negotiated price, for those who close the portfolio's months (for all: who administer all)."""
        wanted = NewPrice(data=request.data)
        wanted.is_valid(raise_exception=True)
        terms = dict(wanted.validated_data)
        portfolio = _priced_portfolio(request, terms.pop("portfolio"))

        def act(now: datetime) -> tuple[int, Any]:
            try:
                row = prices.state(Terms(**terms), portfolio=portfolio, actor=person(request), now=now)
            except PriceError as error:
                refuse(str(error))
            return 201, self._body(row.pk)

        return answer_once(request, act)

    @extend_schema(
        request=Withdrawal,
        responses=PriceOverrideSerializer,
        parameters=[public_id_parameter, idempotency_parameter],
        filters=False,
    )
    @action(detail=True, methods=["post"], pagination_class=None)
    def withdraw(self, request: Request, public_id: str) -> Response:
        """Take a price back for all of its days; to end one, state it again with its end."""
        row = self.get_object()
        _require_role(request, row.portfolio)
        wanted = Withdrawal(data=request.data)
        wanted.is_valid(raise_exception=True)

        def act(now: datetime) -> tuple[int, Any]:
            try:
                prices.withdraw(row, reason=wanted.validated_data["source"], actor=person(request), now=now)
            except PriceError as error:
                refuse(str(error))
            return 200, self._body(row.pk)

        return answer_once(request, act)

    def _body(self, pk: int) -> Any:
        return PriceOverrideSerializer(self.get_queryset().get(pk=pk)).data


def _priced_portfolio(request: Request, code: str | None) -> Portfolio | None:
    """Return whose price is stated. Raises PermissionDenied, or Refused for a portfolio that is not open."""
    if code is None:
        _require_role(request, None)
        return None
    try:
        return open_portfolio(request.user, code, action=Action.CLOSE)
    except NotFound as error:
        refuse(str(error.detail), "#/portfolio", "unknown")


def _require_role(request: Request, portfolio: Portfolio | None) -> None:
    """Refuse who may not set a portfolio's prices, or (without one) those that count for every portfolio."""
    if portfolio is not None:
        open_portfolio(request.user, portfolio.code, action=Action.CLOSE)
        return
    managed = Portfolio.objects.filter(access.scope(request.user, Action.MANAGE, via="pk"))
    if not managed.exists() or Portfolio.objects.exclude(pk__in=managed.values("pk")).exists():
        raise PermissionDenied("A price that counts for all is set by those who administer every portfolio.")
