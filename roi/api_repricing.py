"""An investment's real token usage at other prices: what was deployed, as recorded, and up to five options."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio.api_base import MonthField, code_parameter, open_investment, refuse
from roi import prices, repricing
from roi.api_prices import TokenPriceSerializer, share_field, shown
from roi.engine.repricing import MOST_OPTIONS, Option, Repriced, RepricingError, Table
from roi.engine.token_cost import Serving, TokenPrice


class OptionSerializer(serializers.Serializer[Any]):
    """A what-if. Without provider and model, the deployed model is kept."""

    provider = serializers.CharField(max_length=prices.LONGEST_PROVIDER, default="", allow_blank=True)
    model = serializers.CharField(max_length=prices.LONGEST_MODEL, default="", allow_blank=True)
    cache_rate = share_field(
        decimal_places=6,
        allow_null=True,
        default=None,
        help_text="Share of input tokens read from a cache. Null: as counted.",
    )
    batch_share = share_field(
        decimal_places=6, default=Decimal(0), help_text="Share of tokens sent through the batch tier."
    )


class RepricingQuestion(serializers.Serializer[Any]):
    """What to compare, over which months."""

    options = OptionSerializer(many=True, default=list)
    first_month = MonthField(
        default=None, allow_null=True, help_text="Default: the first that states anything."
    )
    last_month = MonthField(
        default=None, allow_null=True, help_text="Default: the last that states anything."
    )


class AmountSerializer(serializers.Serializer[Any]):
    """Money in the reporting currency, or null with the reason and a sentence."""

    value = serializers.DecimalField(max_digits=26, decimal_places=6, allow_null=True)
    reason = serializers.CharField(allow_null=True)
    detail = serializers.CharField(source="sentence")


def _count() -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=32, decimal_places=6)


class TokensSerializer(serializers.Serializer[Any]):
    """Tokens of a month; cached ones are among the input."""

    input = _count()
    output = _count()
    cached = _count()


class RepricedMonth(serializers.Serializer[Any]):
    """One month; `options` are in the order they were asked for."""

    month = MonthField()
    tokens = TokensSerializer(allow_null=True)
    recorded = AmountSerializer()
    list_cost = AmountSerializer()
    options = AmountSerializer(many=True)


class RepricedOption(serializers.Serializer[Any]):
    """An option over all months; a saving is positive where the option is cheaper."""

    option = OptionSerializer()
    cost = AmountSerializer()
    saving_on_list = AmountSerializer(help_text="List cost of what was deployed, less the option's cost.")
    saving_on_recorded = AmountSerializer(help_text="The ledger's model API cost, less the option's cost.")
    prices = TokenPriceSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class RepricingTable(serializers.Serializer[Any]):
    """The whole table; a total of which a month is undefined is undefined."""

    investment = serializers.CharField()
    currency = serializers.CharField()
    recorded = AmountSerializer(help_text="Model API cost in the ledger.")
    list_cost = AmountSerializer(help_text="The same tokens at the deployed model's price in force.")
    recorded_over_list = AmountSerializer(
        help_text="Recorded less list cost: other use, fees or retries where above 0, a discount below."
    )
    prices = TokenPriceSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    options = RepricedOption(many=True)
    months = RepricedMonth(many=True)


class InvestmentRepricing(APIView):
    """What-ifs on an investment's token usage."""

    @extend_schema(
        operation_id="investments_reprice",
        request=RepricingQuestion,
        responses=RepricingTable,
        parameters=[code_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """Price the tokens in the ledger: another model, a cache, the batch tier. Nothing is stored."""
        investment = open_investment(request.user, code)
        wanted = RepricingQuestion(data=request.data)
        wanted.is_valid(raise_exception=True)
        asked = wanted.validated_data
        try:
            options = [_option(each) for each in asked["options"][: MOST_OPTIONS + 1]]
            table = repricing.reprice(
                [investment], options, first=asked["first_month"], last=asked["last_month"]
            )[investment.pk]
        except RepricingError as error:
            refuse(str(error))
        return Response(
            RepricingTable(_body(investment.code, investment.portfolio.reporting_currency, table)).data
        )


def _option(asked: dict[str, Any]) -> Option:
    serving = Serving(cache_rate=asked["cache_rate"], batch_share=asked["batch_share"])
    return Option(asked["provider"].strip(), asked["model"].strip(), serving)


def _body(code: str, currency: str, table: Table) -> dict[str, Any]:
    return {
        "investment": code,
        "currency": currency,
        "recorded": table.recorded,
        "list_cost": table.list_cost,
        "recorded_over_list": table.recorded_over_list,
        "prices": _shown(table.prices),
        "notes": table.notes,
        "options": [_shown_option(each) for each in table.options],
        "months": table.months,
    }


def _shown_option(each: Repriced) -> dict[str, Any]:
    serving = each.option.serving
    return {
        "option": {
            "provider": each.option.provider,
            "model": each.option.model,
            "cache_rate": serving.cache_rate,
            "batch_share": serving.batch_share,
        },
        "cost": each.cost,
        "saving_on_list": each.saving_on_list,
        "saving_on_recorded": each.saving_on_recorded,
        "prices": _shown(each.prices),
        "notes": each.notes,
    }


def _shown(used: tuple[TokenPrice, ...]) -> list[dict[str, Any]]:
    return [shown(price.provider, price.model, price) for price in used]
