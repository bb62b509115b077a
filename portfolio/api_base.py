"""What the API's rooms share: scoped querysets, months and refusals as values, answers given once per key."""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from portfolio import access, idempotency
from portfolio.access import Action
from portfolio.models import Investment, Portfolio, User
from portfolio.models.base import choices_of
from portfolio.terms import AccountKind, Book, EntryKind, format_month, parse_month

CODE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}"
UUID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# The choices as the models spell them: the schema names their enums by these.
BOOKS = choices_of(Book)
ACCOUNT_KINDS = choices_of(AccountKind)
ENTRY_KINDS = choices_of(EntryKind)
# Read by the paginator, and by the choice of a renderer.
_OF_LISTS = {"cursor", "page_size", "ordering"}
_OF_ALL = {"format"}
_NO_TRAVEL = "This does not look back: it is as it stands now. Leave as_of out."
_KEY_HEADER = "Idempotency-Key"

idempotency_parameter = OpenApiParameter(
    _KEY_HEADER,
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
    OpenApiParameter.HEADER,
    description="The same key with the same body is answered once and replayed for 24 hours.",
)
code_parameter = OpenApiParameter(
    "code", {"type": "string", "pattern": f"^{CODE_PATTERN}$"}, OpenApiParameter.PATH
)
public_id_parameter = OpenApiParameter("public_id", OpenApiTypes.UUID, OpenApiParameter.PATH)


class Refused(APIException):
    """Rows or values that were understood and cannot be accepted; `errors` names each with a JSON pointer."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "refused"

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors or []


_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,20})?\Z", re.ASCII)


def exact_decimal(value: object) -> Decimal:
    """Return a decimal written as text or as a whole number; raises ValueError with a sentence."""
    if isinstance(value, float):
        raise ValueError(
            f'Write {str(value)[:40]} as text, "{str(value)[:40]}": a JSON fraction may lose digits.'
        )
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("A number is written as text, with a point before its decimals.")
    # A whole number of thousands of digits is refused before it is turned into text.
    text = str(value) if isinstance(value, str) or abs(value) < 10**20 else "too large"
    if not _DECIMAL.match(text):
        raise ValueError(f"'{text[:40]}' is not a number; write it like 1234.50, without separators.")
    return Decimal(text)


@extend_schema_field({"type": "string", "pattern": r"^-?\d{1,20}(\.\d{1,20})?$", "examples": ["1234.50"]})
class ExactDecimalField(serializers.DecimalField):
    """A decimal as text; a JSON fraction is refused, as it may have lost digits already."""

    def to_internal_value(self, data: object) -> Decimal:
        """Return the exact value."""
        try:
            value = exact_decimal(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        return super().to_internal_value(str(value))


@extend_schema_field({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$", "examples": ["2026-10"]})
class MonthField(serializers.Field):  # type: ignore[type-arg]
    """A month as `YYYY-MM`."""

    def to_internal_value(self, data: object) -> date:
        """Return the month's first day."""
        if not isinstance(data, str):
            raise serializers.ValidationError("A month is written as text, YYYY-MM.")
        try:
            return parse_month(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: date) -> str:
        """Return the month as text."""
        return format_month(value)


class MonthFilter(filters.CharFilter):  # type: ignore[misc]
    """Compares a month column with a month written as `YYYY-MM`."""

    def filter(self, qs: Any, value: str) -> Any:
        """Narrow the rows; text that is no month is refused with a sentence."""
        if not value:
            return qs
        try:
            month = parse_month(value)
        except ValueError as error:
            raise ValidationError({self.field_name: [str(error)]}) from error
        return super().filter(qs, month)


class Filters(filters.FilterSet):  # type: ignore[misc]
    """A fixed list of filters; the view refuses a parameter that is none of them."""


class StrictView(APIView):
    """A view that refuses query parameters that mean nothing to a question, never ignores them.

    `takes` names what may be said, by action or else by method; a list takes its filters, pages and orders as well.
    """

    takes: Mapping[str, Collection[str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what means nothing here, once the user is known. Raises ValidationError."""
        super().initial(request, *args, **kwargs)
        method = str(request.method).lower()
        name = getattr(self, "action", None) or ("get" if method == "head" else method)
        known = {*self.takes.get(name, ()), *_OF_ALL}
        if name == "list":
            chosen = getattr(self, "filterset_class", None)
            known |= {*_OF_LISTS, *(chosen.base_filters if chosen else ())}
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise ValidationError({one: [_meaningless(one, name)] for one in unknown[:20]})


def _meaningless(parameter: str, name: str) -> str:
    if parameter == "as_of":
        return _NO_TRAVEL
    return "There is no such filter here." if name == "list" else "There is no such parameter here."


class Body(serializers.Serializer[Any]):
    """What a request states; a field that means nothing here is refused, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises ValidationError, with a sentence for each unknown field."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise ValidationError({name[:100]: ["There is no such field."] for name in unknown[:20]})
        return super().to_internal_value(data)


class ScopedViewSet(StrictView, GenericViewSet[Any]):
    """Rows that the user's memberships open, in lists and by id alike: a foreign row is a missing row."""

    via = "portfolio"
    orderings: tuple[str, ...] = ("id",)
    filterset_class: type[filters.FilterSet] | None = Filters

    def get_queryset(self) -> QuerySet[Any]:
        """Return the open rows."""
        return super().get_queryset().filter(access.scope(self.request.user, Action.VIEW, via=self.via))

    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return one page of the open rows."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return one open row."""
        return Response(self.get_serializer(self.get_object()).data)


def open_portfolio(user: Any, code: str, *, action: Action = Action.VIEW) -> Portfolio:
    """Return a portfolio by code: 404 where the user does not see it, 403 where the role is not enough."""
    portfolio = Portfolio.objects.filter(access.scope(user, Action.VIEW, via="pk"), code=code).first()
    if portfolio is None:
        raise NotFound("There is no such portfolio.")
    if action is not Action.VIEW and not access.may(user, action, portfolio.pk):
        raise PermissionDenied(f"Your role in {portfolio.code} does not allow you to {action.value}.")
    return portfolio


def open_investment(user: Any, code: str) -> Investment:
    """Return an investment by code, with its portfolio: 404 where the user does not see it."""
    found = (
        Investment.objects.filter(access.scope(user, Action.VIEW), code=code)
        .select_related("portfolio")
        .first()
    )
    if found is None:
        raise NotFound("There is no such investment.")
    return found


def person(request: Request) -> User:
    """Return who asks; every view of the API that calls this lets nobody in unknown."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


Act = Callable[[datetime], tuple[int, Any]]


def answer_once(request: Request, act: Act) -> Response:
    """Answer a request that changes money: in one transaction, and once for each `Idempotency-Key`.

    `act` receives the time and returns the status and the body; what it raises undoes everything.
    """
    key = request.headers.get(_KEY_HEADER)
    now = timezone.now()
    if key is None:
        with transaction.atomic():
            code, body = act(now)
        return Response(body, status=code)
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable() and " " not in key):
        raise ValidationError({_KEY_HEADER: "An idempotency key is 1 to 200 visible ASCII characters."})
    answer = idempotency.once(person(request), key=key, request_hash=_hash(request), now=now, act=act)
    headers = {"Idempotent-Replayed": "true"} if answer.is_replayed else None
    return Response(answer.body, status=answer.status_code, headers=headers)


def _hash(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(request._request.body)
    return digest.hexdigest()


def refuse(detail: str, pointer: str = "#", code: str = "refused") -> NoReturn:
    """Refuse a whole request with one sentence."""
    raise Refused(detail, [{"pointer": pointer, "detail": detail, "code": code}])
