"""Token prices in force on a day: negotiated ones before published ones."""

from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio.api_base import ExactDecimalField, open_portfolio
from roi import prices
from roi.engine import price_list
from roi.engine.token_cost import TokenPrice, Unpriced


def rate_field(**options: Any) -> ExactDecimalField:
    """Return a field for money per million tokens."""
    return ExactDecimalField(max_digits=20, decimal_places=10, min_value=Decimal(0), **options)


def share_field(*, decimal_places: int, **options: Any) -> ExactDecimalField:
    """Return a field for a fraction of 0 to 1."""
    return ExactDecimalField(
        max_digits=decimal_places + 1,
        decimal_places=decimal_places,
        min_value=Decimal(0),
        max_value=Decimal(1),
        **options,
    )


class RatesSerializer(serializers.Serializer[Any]):
    """Money per million tokens. Without a price of cached input, it costs what input costs."""

    input = rate_field(allow_null=True)
    output = rate_field(allow_null=True)
    cached_input = rate_field(allow_null=True)


class TokenPriceSerializer(serializers.Serializer[Any]):
    """A price, or the reason why there is none."""

    provider = serializers.CharField()
    model = serializers.CharField()
    currency = serializers.CharField(allow_null=True)
    standard = RatesSerializer(allow_null=True)
    batch = RatesSerializer(allow_null=True, help_text="Null: the source states none.")
    batch_discount = share_field(
        decimal_places=4, allow_null=True, help_text="What the batch tier takes off, a fraction."
    )
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    is_negotiated = serializers.BooleanField()
    effective_from = serializers.DateField(allow_null=True, help_text="Null: the source does not say.")
    largest_request = serializers.IntegerField(
        allow_null=True, help_text="Input tokens of one request up to which the price holds."
    )
    is_daily_mean = serializers.BooleanField(help_text="Differs within the day; the mean over its hours.")
    reason = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)


class TokenPrices(serializers.Serializer[Any]):
    """The prices in force on a day."""

    on = serializers.DateField()
    results = TokenPriceSerializer(many=True)


class PriceQuestion(serializers.Serializer[Any]):
    """Which prices are asked for."""

    provider = serializers.CharField(max_length=prices.LONGEST_PROVIDER)
    model = serializers.CharField(max_length=prices.LONGEST_MODEL, required=False)
    on = serializers.DateField(required=False)
    portfolio = serializers.CharField(max_length=48, required=False)


class TokenPriceList(APIView):
    """Token prices: negotiated ones before published ones."""

    @extend_schema(
        operation_id="token_prices_list",
        responses=TokenPrices,
        parameters=[
            OpenApiParameter("provider", str, required=True),
            OpenApiParameter("model", str, description="One model or an alias of it; without it, all."),
            OpenApiParameter(
                "on", {"type": "string", "format": "date"}, description="The day. Default: today."
            ),
            OpenApiParameter(
                "portfolio", str, description="Whose negotiated prices count beside the common ones."
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the prices in force on a day, each a price or the reason why there is none."""
        question = PriceQuestion(data=request.query_params)
        unknown = sorted(set(request.query_params) - set(question.fields) - {"format"})
        if unknown:
            raise ValidationError(dict.fromkeys(unknown[:20], "There is no such filter here."))
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        on = asked.get("on") or timezone.now().date()
        portfolio_id = _asked_portfolio(request, asked.get("portfolio"))
        counted = prices.overrides_of([] if portfolio_id is None else [portfolio_id])[portfolio_id]
        provider, model = asked["provider"], asked.get("model")
        if model is None:
            found = prices.listed(provider, on, overrides=counted)
        else:
            name = price_list.name_of(provider, model)
            found = {(name.provider, name.model): prices.price(provider, model, on, overrides=counted)}
        results = [shown(*name, price) for name, price in found.items()]
        return Response(TokenPrices({"on": on, "results": results}).data)


def _asked_portfolio(request: Request, code: str | None) -> int | None:
    if code is None:
        return None
    try:
        return open_portfolio(request.user, code).pk
    except NotFound as error:
        raise ValidationError({"portfolio": [str(error.detail)]}) from error


def shown(provider: str, model: str, price: TokenPrice | Unpriced) -> dict[str, Any]:
    """Return a price, or why there is none, as `TokenPriceSerializer` shows it."""
    if isinstance(price, TokenPrice):
        stated = {name: getattr(price, name) for name in _OF_PRICE}
        return stated | {"reason": None, "detail": None}
    nothing: dict[str, Any] = dict.fromkeys(_OF_PRICE)
    named = {"provider": provider, "model": model, "is_negotiated": False, "is_daily_mean": False}
    return nothing | named | {"reason": price.reason.value, "detail": price.sentence}


_OF_PRICE = tuple(
    name for name in map(str, TokenPriceSerializer().fields) if name not in ("reason", "detail")
)
