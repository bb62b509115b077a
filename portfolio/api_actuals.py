"""`PUT /actuals/bulk`: values by natural keys, all or nothing, with an error pointer for each row refused."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio import api_rows, knowledge, ledger
from portfolio.api_base import (
    BOOKS,
    ExactDecimalField,
    MonthField,
    Refused,
    answer_once,
    idempotency_parameter,
    person,
)
from portfolio.api_rows import Error, Group
from portfolio.facts import FactsRejected, Writing
from portfolio.terms import Book

MAX_ROWS = 50_000
_KIND = {Book.ACTUAL: "actuals", Book.PLAN: "plan", Book.FORECAST: "forecast"}


class ActualRow(serializers.Serializer[Any]):
    """One value by its natural key. Described here; read by `portfolio.api_rows`, which is faster."""

    investment = serializers.CharField(max_length=48)
    month = MonthField()
    account = serializers.CharField(max_length=48)
    amount = ExactDecimalField(max_digits=20, decimal_places=6, required=False, allow_null=True)
    currency = serializers.CharField(max_length=3, required=False, allow_null=True, allow_blank=True)
    quantity = ExactDecimalField(max_digits=26, decimal_places=6, required=False, allow_null=True)
    book = serializers.ChoiceField(choices=BOOKS, required=False)
    source_ref = serializers.CharField(max_length=200, required=False, allow_null=True, allow_blank=True)
    note = serializers.CharField(max_length=500, required=False, allow_null=True, allow_blank=True)
    nil = serializers.BooleanField(required=False)


class BulkHead(serializers.Serializer[Any]):
    """Who states the values and why: everything beside the rows."""

    source = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]{0,63}\Z", default="api")  # type: ignore[assignment]
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class BulkBody(BulkHead):
    """The rows with their source and reason."""

    rows = ActualRow(many=True)


class RecordedBatch(serializers.Serializer[Any]):
    """One batch: the portfolio, the book and the knowledge time."""

    portfolio = serializers.CharField()
    book = serializers.CharField()
    knowledge = serializers.IntegerField()


class BulkAnswer(serializers.Serializer[Any]):
    """What the request changed."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    late = serializers.IntegerField()
    restated = serializers.IntegerField()
    batches = RecordedBatch(many=True)


_BODY = PolymorphicProxySerializer(
    component_name="Bulk",
    serializers=[ActualRow(many=True), BulkBody],
    resource_type_field_name=None,
    many=False,
)


class ActualsBulk(APIView):
    """Values by natural keys."""

    @extend_schema(
        operation_id="actuals_bulk", request=_BODY, responses=BulkAnswer, parameters=[idempotency_parameter]
    )
    def put(self, request: Request) -> Response:
        """State up to 50,000 values; all are recorded or none. Stating the same again changes nothing.

        A money row without a currency is in the portfolio's reporting currency. A changed value in a closed
        month is a restatement and needs `reason`. Rows of the plan book go to the draft plan.
        """
        head, rows, prefix = _split(request.data)
        return answer_once(request, lambda now: (200, put(rows, prefix=prefix, user=person(request), **head)))


def _split(body: object) -> tuple[dict[str, Any], list[object], str]:
    """Return source and reason, the rows, and the pointer to the rows. Raises ValidationError."""
    if isinstance(body, list):
        body, prefix = {"rows": body}, "#"
    else:
        prefix = "#/rows"
    if not isinstance(body, dict) or not isinstance(body.get("rows"), list):
        raise ValidationError({"rows": ["Send a list of rows, or an object with its list in `rows`."]})
    unknown = sorted(set(body) - {"source", "reason", "rows"})
    if unknown:
        raise ValidationError({name: ["There is no such field."] for name in unknown[:20]})
    head = BulkHead(data={key: value for key, value in body.items() if key != "rows"})
    head.is_valid(raise_exception=True)
    if len(body["rows"]) > MAX_ROWS:
        raise ValidationError({"rows": [f"One request takes at most {MAX_ROWS:,} rows."]})
    return dict(head.validated_data), body["rows"], prefix


@transaction.atomic
def put(rows: list[object], *, prefix: str, user: Any, source: str, reason: str) -> dict[str, Any]:
    """Record the rows in one transaction and return the counts. Raises Refused with each wrong row."""
    read, unreadable = api_rows.read(rows, prefix=prefix)
    groups, unknown = api_rows.resolve(read, user=user, prefix=prefix)
    for portfolio_id in sorted({group.portfolio.pk for group in groups}):
        knowledge.lock_portfolio(portfolio_id)
    # The time is read under the locks, so that it cannot lie before what a faster request recorded.
    now, errors = timezone.now(), unreadable + unknown
    answer: dict[str, Any] = dict.fromkeys(("new", "changed", "unchanged", "late", "restated"), 0) | {
        "batches": []
    }
    for group in groups:
        writing = Writing(source, now, user, None, reason, group.book, group.version)
        try:
            _record(group, writing, answer)
        except FactsRejected as rejected:
            errors += _pointed(rejected, group, prefix)
    if errors:
        raise Refused(f"Nothing was recorded: {len(errors)} things are wrong with the rows.", errors)
    return answer


def _record(group: Group, writing: Writing, answer: dict[str, Any]) -> None:
    done = ledger.record(group.portfolio, group.facts, writing=writing, kind=_KIND[group.book])
    for name in ("new", "changed", "unchanged", "late", "restated"):
        answer[name] += getattr(done, name)
    if done.batch is not None:
        answer["batches"].append(
            {"portfolio": group.portfolio.code, "book": group.book.value, "knowledge": done.batch.pk}
        )


def _pointed(rejected: FactsRejected, group: Group, prefix: str) -> list[Error]:
    return [
        api_rows.error_at(prefix, group.positions[e.position], e.field, e.message, e.code)
        for e in rejected.errors
    ]
