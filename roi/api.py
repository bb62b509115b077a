"""The calculator's resource: snapshots of an investment, each figure a value or a reason for none."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import knowledge
from portfolio.api_base import Filters, MonthField, MonthFilter, code_parameter
from portfolio.api_ledger import OfInvestment, as_of_parameter, asked_knowledge
from portfolio.terms import Basis, format_month
from roi import as_known
from roi.engine.result import REASON_OF_CODE
from roi.engine.series import VOLUME_KEYS
from roi.models import FIGURES, Snapshot

RATIOS = ("roi", "incremental_roi", "payback", "discounted_payback", "irr", "mirr")
AMOUNTS = ("npv", "npv_hurdle")
UNIT_COSTS = tuple(f"{share}_cost_per_{key}" for share in ("loaded", "marginal") for key in VOLUME_KEYS)
_POSITION = {name: position for position, name in enumerate(FIGURES)}

basis_parameter = OpenApiParameter(
    "basis",
    {"type": "string", "enum": [basis.value for basis in Basis], "default": Basis.SUPPORTED.value},
    description="Which benefit the figures are computed on.",
)


def basis_of(request: Request) -> Basis:
    """Return the basis a request asks for. Raises ValidationError."""
    text = request.query_params.get("basis", Basis.SUPPORTED.value)
    if text not in set(Basis):
        raise ValidationError({"basis": [f"The basis is one of {', '.join(Basis)}."]})
    return Basis(text)


def _money(**options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=6, **options)


class FiguresSerializer(serializers.Serializer[Any]):
    """The figures of one investment at the end of one month, on one basis.

    Money is a decimal string in `currency`; ratios are fractions (0.12 is twelve percent); paybacks are in
    months. A figure that is undefined is null, and `reasons` says why.
    """

    month = MonthField()
    month_number = serializers.IntegerField(help_text="1 is the investment's start month.")
    basis = serializers.ChoiceField(choices=[basis.value for basis in Basis])
    currency = serializers.CharField()
    is_closed = serializers.BooleanField()
    is_complete = serializers.BooleanField()
    run_cost = _money()
    one_time_cost = _money()
    benefit = _money()
    net = _money()
    tco = _money(help_text="All cost to date.")
    cumulative_benefit = _money()
    cumulative_net = _money()
    operating_margin = _money(allow_null=True, help_text="Benefit less avoidable run cost over the window.")
    npv = _money(allow_null=True, help_text="At the discount rate.")
    npv_hurdle = _money(allow_null=True, help_text="At the hurdle rate.")
    roi = serializers.FloatField(allow_null=True)
    incremental_roi = serializers.FloatField(allow_null=True)
    payback = serializers.FloatField(allow_null=True)
    discounted_payback = serializers.FloatField(allow_null=True)
    irr = serializers.FloatField(allow_null=True, help_text="Annual.")
    mirr = serializers.FloatField(allow_null=True, help_text="Annual.")
    breakeven_month = serializers.IntegerField(
        allow_null=True, help_text="Month number of the first crossing."
    )
    last_breakeven_month = serializers.IntegerField(allow_null=True)
    unit_costs = serializers.DictField(child=serializers.FloatField(allow_null=True))
    reasons = serializers.DictField(
        child=serializers.CharField(), help_text="Why a figure is null, by its name."
    )
    knowledge = serializers.IntegerField(
        help_text="Knowledge time of the facts the figures were computed from."
    )
    engine_version = serializers.IntegerField()

    def to_representation(self, instance: Snapshot) -> dict[str, Any]:
        """Return the figures of a snapshot on the basis of the serializer's context."""
        return super().to_representation(_columns(instance, self.context["basis"]))


def _columns(snapshot: Snapshot, basis: Basis) -> dict[str, Any]:
    """Return a snapshot's stored columns on one basis under the names the API gives them."""
    stored: dict[str, Any] = {
        name: getattr(snapshot, name)
        for name in (
            *("month", "month_number", "is_closed", "is_complete", "run_cost", "one_time_cost", "tco"),
            *("knowledge", "engine_version"),
        )
    }
    on_basis = (*RATIOS, *AMOUNTS, "benefit", "cumulative_benefit", "breakeven_month", "last_breakeven_month")
    stored |= {name: getattr(snapshot, f"{name}_{basis.value}") for name in on_basis}
    reasons = _reasons(snapshot, basis)
    margin = getattr(snapshot, f"window_benefit_{basis.value}") - snapshot.window_avoidable_run_cost
    return stored | {
        "basis": basis.value,
        "currency": snapshot.investment.portfolio.reporting_currency,
        "net": stored["benefit"] - snapshot.run_cost - snapshot.one_time_cost,
        "cumulative_net": stored["cumulative_benefit"] - snapshot.tco,
        "operating_margin": None if "operating_margin" in reasons else margin,
        "unit_costs": {name: getattr(snapshot, name) for name in UNIT_COSTS},
        "reasons": reasons,
    }


def _reasons(snapshot: Snapshot, basis: Basis) -> dict[str, str]:
    codes = bytes(snapshot.reasons)
    stored = {name: f"{name}_{basis.value}" for name in (*RATIOS, *AMOUNTS, "operating_margin")}
    stored |= {name: name for name in UNIT_COSTS}
    found = {
        name: codes[_POSITION[column]] for name, column in stored.items() if _POSITION[column] < len(codes)
    }
    return {name: REASON_OF_CODE[code].value for name, code in found.items() if code}


class SnapshotFilters(Filters):
    """Which months."""

    month = MonthFilter()
    month__gte = MonthFilter(field_name="month", lookup_expr="gte")
    month__lte = MonthFilter(field_name="month", lookup_expr="lte")
    is_complete = filters.BooleanFilter()

    class Meta:
        model = Snapshot
        fields: Sequence[str] = ()


class SnapshotViewSet(OfInvestment):
    """The figures of an investment, month by month."""

    takes = {"list": ("basis", "as_of")}
    queryset = Snapshot.objects.select_related("investment__portfolio")
    serializer_class = FiguresSerializer
    filterset_class = SnapshotFilters
    orderings = ("month", "-month")

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the basis asked for."""
        is_described = getattr(self, "swagger_fake_view", False)
        basis = Basis.SUPPORTED if is_described else basis_of(self.request)
        return {**super().get_serializer_context(), "basis": basis}

    @extend_schema(parameters=[code_parameter, basis_parameter, as_of_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the snapshots, or what they would have been as known at `as_of`: all of its months on one page.

        Months that are not closed and complete are provisional.
        """
        asked = request.query_params.get("as_of")
        if asked is None:
            return super().list(request)
        with transaction.atomic():
            # Shared: while somebody writes, a batch below the asked time could still appear.
            knowledge.lock_portfolio(self.investment.portfolio_id, shared=True)
            at = asked_knowledge(asked, self.investment.portfolio)
            known = as_known.figures([self.investment], knowledge=at).get(self.investment.pk)
        rows = [one for one in (known.snapshots if known else ()) if _is_asked(one, request)]
        if request.query_params.get("ordering") == "-month":
            rows.reverse()
        return Response(
            {"next": None, "previous": None, "results": self.get_serializer(rows, many=True).data}
        )


def _is_asked(snapshot: Snapshot, request: Request) -> bool:
    """Return whether a derived snapshot passes the filters of the address. Raises ValidationError."""
    asked = SnapshotFilters(request.query_params, queryset=Snapshot.objects.none())
    if not asked.is_valid():
        raise ValidationError(asked.errors)
    wanted, month = asked.form.cleaned_data, format_month(snapshot.month)
    # Months as text compare as months do.
    return (
        (not wanted["month"] or month == wanted["month"])
        and (not wanted["month__gte"] or month >= wanted["month__gte"])
        and (not wanted["month__lte"] or month <= wanted["month__lte"])
        and wanted["is_complete"] in (None, snapshot.is_complete)
    )
