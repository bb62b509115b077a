"""The ledger of one investment: entries as they were stated, values now or as known at an earlier time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import knowledge
from portfolio.api_base import (
    Filters,
    MonthField,
    MonthFilter,
    ScopedViewSet,
    code_parameter,
    open_investment,
)
from portfolio.models import Cell, Entry, Investment, Portfolio
from portfolio.terms import Book, EntryKind

_MAX_KNOWLEDGE = 2**63 - 1


class CellSerializer(serializers.ModelSerializer[Any]):
    """The value of one key, and the knowledge time it was stated at."""

    month = MonthField()
    account = serializers.CharField(source="account.code")
    knowledge = serializers.IntegerField(source="batch_id")

    class Meta:
        model = Cell
        fields = (
            "month",
            "account",
            "book",
            "book_version",
            "currency",
            "kind",
            "amount",
            "quantity",
            "source",
            "source_ref",
            "knowledge",
        )


class EntrySerializer(CellSerializer):
    """One ledger line with who stated it, when and why."""

    actor = serializers.CharField(source="batch.actor.username", default=None, allow_null=True)
    reason = serializers.CharField(source="batch.reason")

    class Meta:
        model = Entry
        fields = ("id", *CellSerializer.Meta.fields, "note", "recorded_at", "actor", "reason")


class LedgerFilters(Filters):
    """Which lines."""

    month = MonthFilter()
    month__gte = MonthFilter(field_name="month", lookup_expr="gte")
    month__lte = MonthFilter(field_name="month", lookup_expr="lte")
    account = filters.CharFilter(field_name="account__code")
    book = filters.ChoiceFilter(choices=[(book.value, book.value) for book in Book])
    source = filters.CharFilter()
    knowledge__gt = filters.NumberFilter(
        field_name="batch_id", lookup_expr="gt", min_value=0, max_value=_MAX_KNOWLEDGE, decimal_places=0
    )

    class Meta:
        # For lines of both tables, so of neither.
        fields: Sequence[str] = ()


class OfInvestment(ScopedViewSet):
    """Rows of one investment, named in the address; an investment that is not open is missing."""

    via = "investment__portfolio"

    def get_queryset(self) -> QuerySet[Any]:
        """Return the investment's open rows."""
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        return rows.filter(investment=self.investment)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find the investment once the user is known."""
        super().initial(request, *args, **kwargs)
        self.investment: Investment = open_investment(request.user, kwargs["code"])


class EntryViewSet(OfInvestment):
    """The ledger lines of an investment in the order they were stated."""

    queryset = Entry.objects.select_related("account", "batch__actor")
    serializer_class = EntrySerializer
    filterset_class = LedgerFilters
    orderings = ("id", "-id")

    @extend_schema(parameters=[code_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the ledger's history: every line ever stated, withdrawn ones included."""
        return super().list(request)


as_of_parameter = OpenApiParameter(
    "as_of", str, description="A time with its zone, or a knowledge number: values as known then."
)


class CellViewSet(OfInvestment):
    """The values of an investment."""

    takes = {"list": ("as_of",)}
    queryset = Cell.objects.select_related("account")
    serializer_class = CellSerializer
    filterset_class = LedgerFilters
    orderings = ("id",)

    @extend_schema(
        parameters=[
            code_parameter,
            as_of_parameter,
        ]
    )
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the current value of each key, or its value as known at `as_of`."""
        asked = request.query_params.get("as_of")
        if asked is None:
            return super().list(request)
        with transaction.atomic():
            # Shared: while somebody writes, a batch below the asked time could still appear.
            knowledge.lock_portfolio(self.investment.portfolio_id, shared=True)
            known = asked_knowledge(asked, self.investment.portfolio)
            rows = self.filter_queryset(
                knowledge.values_known(self.investment, known).select_related("account")
            )
            page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_queryset(self) -> QuerySet[Any]:
        """Return the keys that have a value or a nil."""
        return super().get_queryset().exclude(kind=EntryKind.WITHDRAWN.value)


def asked_knowledge(text: str, portfolio: Portfolio) -> int:
    """Return the knowledge time that `as_of` means. Raises ValidationError for one that has not come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM portfolio_knowledge_seq")
        newest: int = cursor.fetchone()[0]
    if text.isascii() and text.isdigit():
        if len(text) > 19 or int(text) > newest:
            raise ValidationError(
                {"as_of": [f"Nothing is known at {text[:20]} yet; the newest is {newest}."]}
            )
        return int(text)
    moment = _moment(text)
    if moment is None:
        raise ValidationError(
            {"as_of": ["Give a knowledge number, or a time with its zone: 2026-10-31T12:00:00Z."]}
        )
    if moment > timezone.now():
        raise ValidationError({"as_of": ["That time has not come."]})
    return knowledge.knowledge_at(portfolio, moment)


def known_at(request: Request, portfolio: Portfolio) -> int | None:
    """Return the knowledge time a request asks for, None for now. Raises ValidationError for one that has not come."""
    asked = request.query_params.get("as_of")
    return None if asked is None else asked_knowledge(asked, portfolio)


as_of_time_parameter = OpenApiParameter(
    "as_of", str, description="A time with its zone that has come: rows as they stood then."
)


def asked_moment(request: Request) -> datetime | None:
    """Return the time that `as_of` means, None for now. Raises ValidationError for what is none, or has not come."""
    asked = request.query_params.get("as_of")
    if asked is None:
        return None
    moment = _moment(asked)
    if moment is None:
        raise ValidationError({"as_of": ["Give a time with its zone: 2026-10-31T12:00:00Z."]})
    if moment > timezone.now():
        raise ValidationError({"as_of": ["That time has not come."]})
    return moment


def _moment(text: str) -> datetime | None:
    try:
        # In an address a plus sign reads as a space.
        moment = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    except ValueError:
        return None
    return moment if moment is not None and timezone.is_aware(moment) else None
