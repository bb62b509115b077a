"""Why an investment's ROI moved from one month to the next, over the API."""

from datetime import date
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import knowledge
from portfolio.api_base import MonthField, StrictView, code_parameter, open_investment
from portfolio.api_ledger import as_of_parameter, asked_knowledge
from portfolio.models import Portfolio
from portfolio.terms import Basis, format_month, from_micros, parse_month
from roi import bridges
from roi.bridges import Explanation
from roi.engine import bridge
from roi.engine.bridge import Bridge, State
from roi.engine.result import Reason

Plain = dict[str, Any]

month_parameter = OpenApiParameter(
    "month", {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"}, description="Default: the newest."
)
basis_parameter = OpenApiParameter("basis", str, enum=[basis.value for basis in Basis])


class BridgeStateAnswer(serializers.Serializer[Any]):
    """Benefit, cost and net benefit as exact decimal strings, and ROI as a fraction."""

    benefit = serializers.CharField()
    cost = serializers.CharField()
    net = serializers.CharField()
    roi = serializers.FloatField(allow_null=True)


class BridgeStepAnswer(serializers.Serializer[Any]):
    """What one cause did: exact amounts that add up to the change, and ROI in percentage points that do as well."""

    cause = serializers.CharField()
    benefit = serializers.CharField()
    cost = serializers.CharField()
    net = serializers.CharField()
    roi_points = serializers.CharField(allow_null=True)
    accounts = serializers.DictField(child=serializers.CharField(), help_text="Effect on net, by account.")


class OneBridgeAnswer(serializers.Serializer[Any]):
    """A bridge, or the reason why there is none."""

    reason = serializers.CharField(allow_null=True)
    start = BridgeStateAnswer(allow_null=True)
    steps = BridgeStepAnswer(many=True)
    end = BridgeStateAnswer(allow_null=True)
    roi_reason = serializers.CharField(allow_null=True)
    main_cause = serializers.CharField(allow_null=True)


class BridgeAnswer(serializers.Serializer[Any]):
    """What moved net benefit and ROI of a month against the month before."""

    investment = serializers.CharField()
    currency = serializers.CharField()
    basis = serializers.CharField()
    month = MonthField(allow_null=True)
    before = MonthField(allow_null=True)
    shown_at = serializers.IntegerField(
        allow_null=True, help_text="Knowledge at which the earlier month was first closed, and so shown."
    )
    months = serializers.ListField(child=MonthField(), help_text="Months that have a bridge.")
    of_month = OneBridgeAnswer()
    to_date = OneBridgeAnswer()


class InvestmentBridge(StrictView):
    """Why an investment's ROI moved."""

    takes = {"get": ("month", "basis", "as_of")}

    @extend_schema(
        operation_id="investments_bridge",
        responses=BridgeAnswer,
        parameters=[code_parameter, month_parameter, basis_parameter, as_of_parameter],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return what moved a month's net benefit and ROI to date: steps in a published order, nothing left over."""
        investment = open_investment(request.user, code)
        month, basis = asked_month(request), asked_basis(request)
        with transaction.atomic():
            known = known_at(request, investment.portfolio)
            found = bridges.explain(investment, month=month, basis=basis, knowledge=known)
        return Response(_plain(found))


def asked_month(request: Request) -> date | None:
    """Return the month of the address, None where none is asked for. Raises ValidationError."""
    text = request.query_params.get("month")
    try:
        return parse_month(text) if text is not None else None
    except ValueError as error:
        raise ValidationError({"month": [str(error)]}) from error


def asked_basis(request: Request) -> Basis:
    """Return the basis of the address, else supported. Raises ValidationError."""
    text = request.query_params.get("basis", Basis.SUPPORTED.value)
    if text not in list(Basis):
        raise ValidationError({"basis": [f"A basis is one of {', '.join(Basis)}."]})
    return Basis(text)


def known_at(request: Request, portfolio: Portfolio) -> int | None:
    """Return the knowledge time of the address, None for now; holds the view until the transaction ends."""
    # Shared: while somebody writes, a batch below the asked time could still appear, and parts differ from totals.
    knowledge.lock_portfolio(portfolio.pk, shared=True)
    text = request.query_params.get("as_of")
    return asked_knowledge(text, portfolio) if text is not None else None


def _plain(found: Explanation) -> Plain:
    return {
        "investment": found.investment.code,
        "currency": found.investment.portfolio.reporting_currency,
        "basis": found.basis.value,
        "month": format_month(found.month) if found.month else None,
        "before": format_month(found.before) if found.before else None,
        "shown_at": found.shown_at,
        "months": [format_month(month) for month in found.months],
        "of_month": _one(found.of_month),
        "to_date": _one(found.to_date),
    }


def _one(found: Bridge | Reason) -> Plain:
    if isinstance(found, Reason):
        nothing: Plain = {"start": None, "steps": [], "end": None, "roi_reason": None, "main_cause": None}
        return {"reason": found.value, **nothing}
    shown = bridge.points(found, places=6) or [None] * len(found.steps)
    return {
        "reason": None,
        "start": _state(found.start),
        "steps": [
            {
                "cause": step.cause.value,
                "benefit": str(from_micros(step.benefit)),
                "cost": str(from_micros(step.cost)),
                "net": str(from_micros(step.net)),
                "roi_points": None if points is None else f"{points:f}",
                "accounts": {code: str(from_micros(net)) for code, net in step.accounts.items()},
            }
            for step, points in zip(found.steps, shown, strict=True)
        ],
        "end": _state(found.end),
        "roi_reason": found.roi_reason.value if found.roi_reason else None,
        "main_cause": found.main_cause.value if found.main_cause else None,
    }


def _state(state: State) -> Plain:
    return {
        "benefit": str(from_micros(state.benefit)),
        "cost": str(from_micros(state.cost)),
        "net": str(from_micros(state.net)),
        "roi": None if state.roi is None else float(state.roi),
    }
