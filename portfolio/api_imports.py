"""Imports by file: stage, look at the rows, commit or undo. Each user sees their own imports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import ingest
from portfolio.access import Action, scope
from portfolio.api_base import (
    UUID_PATTERN,
    Filters,
    MonthField,
    ScopedViewSet,
    answer_once,
    idempotency_parameter,
    person,
    public_id_parameter,
)
from portfolio.api_parsers import Upload
from portfolio.importers.base import LAYOUTS, Mapping
from portfolio.models import ImportRun, Investment, Portfolio, StagedRow
from portfolio.terms import Book


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    """One file on its way into the ledger."""

    id = serializers.UUIDField(source="public_id")

    class Meta:
        model = ImportRun
        fields = (
            "id",
            "file_name",
            "source",
            "layout",
            "status",
            "refusal",
            "warnings",
            "rows_read",
            "new_count",
            "changed_count",
            "unchanged_count",
            "rejected_count",
            "reason",
            "created_at",
            "finished_at",
        )


class MappingSerializer(serializers.Serializer[Any]):
    """How the columns and numbers of a file are to be read."""

    columns = serializers.DictField(child=serializers.CharField(max_length=40), required=False)
    layout = serializers.ChoiceField(choices=LAYOUTS, required=False)
    decimal_separator = serializers.ChoiceField(choices=[".", ","], required=False)
    grouping_separator = serializers.CharField(max_length=1, trim_whitespace=False, required=False)
    month_format = serializers.CharField(max_length=12, required=False)
    default_account = serializers.CharField(max_length=48, required=False)
    default_currency = serializers.CharField(max_length=3, required=False)
    default_book = serializers.ChoiceField(choices=[book.value for book in Book], required=False)
    sheet = serializers.CharField(max_length=31, required=False)


class UploadSerializer(serializers.Serializer[Any]):
    """A file to stage, and how to read it."""

    file = serializers.FileField(max_length=200, allow_empty_file=True)
    mapping = serializers.JSONField(
        required=False, help_text="A mapping as JSON: columns, decimal_separator, …"
    )
    source = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]{0,63}\Z", default=ingest.DEFAULT_SOURCE)  # type: ignore[assignment]

    def validate_mapping(self, value: Any) -> Mapping:
        """Return the mapping. Raises ValidationError for one that cannot be applied."""
        fields = MappingSerializer(data=value)
        fields.is_valid(raise_exception=True)
        unknown = sorted(set(value) - set(fields.fields))
        if unknown:
            raise serializers.ValidationError(f"An import mapping has no setting '{unknown[0]}'.")
        try:
            return Mapping(**fields.validated_data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class ReasonSerializer(serializers.Serializer[Any]):
    """Why closed months change."""

    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class StagedRowSerializer(serializers.ModelSerializer[StagedRow]):
    """One value of the file with what committing it would do, or why it cannot be."""

    investment = serializers.CharField(source="investment.code", default=None, allow_null=True)
    account = serializers.CharField(source="account.code", default=None, allow_null=True)
    month = MonthField(allow_null=True)

    class Meta:
        model = StagedRow
        fields = (
            "row_number",
            "column",
            "status",
            "message",
            "shown",
            "investment",
            "account",
            "month",
            "book",
            "currency",
            "kind",
            "amount",
            "quantity",
            "source_ref",
            "note",
            "old_amount",
            "old_quantity",
            "is_late",
            "is_restatement",
        )


class ImportFilters(Filters):
    """Which imports."""

    status = filters.ChoiceFilter(choices=ImportRun.STATUSES)

    class Meta:
        model = ImportRun
        fields: Sequence[str] = ()


class StagedRowFilters(Filters):
    """Which rows."""

    status = filters.ChoiceFilter(choices=StagedRow.STATUSES)

    class Meta:
        model = StagedRow
        fields: Sequence[str] = ()


def _imports_of(user: Any) -> QuerySet[ImportRun]:
    runs = ImportRun.objects.all()
    return runs if user.is_superuser else runs.filter(created_by=user.pk)


class ImportViewSet(ScopedViewSet):
    """Your imports."""

    queryset = ImportRun.objects.all()
    serializer_class = ImportSerializer
    filterset_class = ImportFilters
    orderings = ("-id", "id")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    def get_queryset(self) -> QuerySet[ImportRun]:
        """Return the user's own imports; a file is its uploader's."""
        return _imports_of(self.request.user)

    def get_parsers(self) -> list[Any]:
        """Take a form where a file comes, JSON elsewhere."""
        is_upload = getattr(self, "action_map", {}).get("post") == "create"
        return [Upload()] if is_upload else super().get_parsers()

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: ImportSerializer})
    def create(self, request: Request) -> Response:
        """Stage a CSV or XLSX file: its rows are compared with the ledger, and nothing is recorded yet."""
        if not Portfolio.objects.filter(scope(request.user, Action.RECORD, via="pk")).exists():
            raise PermissionDenied("You may not record values in any portfolio.")
        upload = UploadSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        file = upload.validated_data["file"]
        run = ingest.stage(
            file.read(),
            file_name=file.name,
            user=person(request),
            now=timezone.now(),
            mapping=upload.validated_data.get("mapping"),
            source=upload.validated_data["source"],
        )
        return Response(self.get_serializer(run).data, status=201)

    @extend_schema(
        request=ReasonSerializer,
        responses=ImportSerializer,
        parameters=[public_id_parameter, idempotency_parameter],
    )
    @action(detail=True, methods=["post"])
    def commit(self, request: Request, public_id: str) -> Response:
        """Record every row of a staged import, or none. Changing closed months needs a reason."""
        run = self._recordable()
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def act(now: datetime) -> tuple[int, Any]:
            done = ingest.commit(
                run, user=person(request), now=timezone.now(), reason=body.validated_data["reason"]
            )
            return 200, ImportSerializer(done).data

        return answer_once(request, act)

    @extend_schema(
        request=None, responses=ImportSerializer, parameters=[public_id_parameter, idempotency_parameter]
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, public_id: str) -> Response:
        """State again what was known before a committed import."""
        run = self._recordable()

        def act(now: datetime) -> tuple[int, Any]:
            return 200, ImportSerializer(ingest.undo(run, user=person(request), now=timezone.now())).data

        return answer_once(request, act)

    def _recordable(self) -> ImportRun:
        """Return the import; 403 where a row's investment is no longer open for recording to the user."""
        run: ImportRun = self.get_object()
        touched = Investment.objects.filter(pk__in=run.rows.exclude(investment=None).values("investment_id"))
        open_ones = Investment.objects.filter(scope(self.request.user, Action.RECORD))
        if touched.exclude(pk__in=open_ones.values("pk")).exists():
            raise PermissionDenied("You may no longer record values for every investment of this import.")
        return run


class ImportRowViewSet(ScopedViewSet):
    """The rows of one of your imports."""

    queryset = StagedRow.objects.select_related("investment", "account")
    serializer_class = StagedRowSerializer
    filterset_class = StagedRowFilters
    orderings = ("id",)

    def get_queryset(self) -> QuerySet[StagedRow]:
        """Return the import's rows whose investments the user sees, and the rejected ones."""
        if getattr(self, "swagger_fake_view", False):
            return StagedRow.objects.none()
        run = _imports_of(self.request.user).filter(public_id=self.kwargs["public_id"]).first()
        if run is None:
            raise NotFound("There is nothing here that is open to you.")
        rows = self.queryset.filter(run=run)
        seen = scope(self.request.user, Action.VIEW, via="investment__portfolio")
        # An empty condition opens everything; joined by "or" it would open nothing more.
        return rows.filter(Q(investment__isnull=True) | seen) if seen else rows

    @extend_schema(parameters=[public_id_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return the rows of an import with what committing each would do."""
        return super().list(request)
