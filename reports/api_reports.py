"""Archived reports over the API: what was reported, its files, and whether it still derives from the ledger."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.api_base import (
    UUID_PATTERN,
    Filters,
    MonthField,
    MonthFilter,
    ScopedViewSet,
    public_id_parameter,
)
from reports import archive
from reports.models import AUDIENCES, FORMATS, ArchivedReport, ReportFile

_FORMAT = OpenApiParameter(
    "kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=[name for name, _ in FORMATS]
)


class FileRenderer(BaseRenderer):
    """Passes a file on as it is; a refusal stays JSON."""

    media_type = "*/*"
    format = "file"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Return the bytes of the answer."""
        return data if isinstance(data, bytes) else JSONRenderer().render(data)


class ReportSerializer(serializers.ModelSerializer[ArchivedReport]):
    """A report as it was archived, without its content."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    month = MonthField()
    formats = serializers.SerializerMethodField()

    class Meta:
        model = ArchivedReport
        fields: tuple[str, ...] = (
            "id",
            "portfolio",
            "audience",
            "month",
            "knowledge",
            "engine_version",
            "content_hash",
            "labels_hash",
            "formats",
            "created_at",
        )

    def get_formats(self, report: ArchivedReport) -> list[str]:
        """Return the formats that can be downloaded."""
        found = {each.format for each in report.files.all()}
        return [name for name, _ in FORMATS if name in found]


class ReportContentSerializer(ReportSerializer):
    """A report with what it says; the content's canonical JSON has the content hash."""

    content = serializers.JSONField()
    labels = serializers.JSONField()

    class Meta(ReportSerializer.Meta):
        fields = (*ReportSerializer.Meta.fields, "content", "labels")


class DerivedSerializer(serializers.Serializer[Any]):
    """What came of deriving a report again."""

    is_same = serializers.BooleanField()
    content_hash = serializers.CharField()
    differences = serializers.ListField(child=serializers.CharField())


class ReportFilters(Filters):
    """Which reports."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    audience = filters.ChoiceFilter(choices=AUDIENCES)
    month = MonthFilter()

    class Meta:
        model = ArchivedReport
        fields: Sequence[str] = ()


class ReportViewSet(ScopedViewSet):
    """The archived reports of your portfolios."""

    # Lists need neither what a report says nor the bytes of its files.
    queryset = (
        ArchivedReport.objects.select_related("portfolio")
        .prefetch_related(Prefetch("files", ReportFile.objects.defer("content")))
        .defer("content", "labels")
    )
    serializer_class = ReportSerializer
    filterset_class = ReportFilters
    orderings = ("-created_at", "created_at")
    lookup_field = "public_id"
    lookup_value_regex = UUID_PATTERN

    @extend_schema(responses=ReportContentSerializer)
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return a report with its content and labels."""
        return Response(ReportContentSerializer(self.get_object()).data)

    @extend_schema(parameters=[public_id_parameter], responses=DerivedSerializer, filters=False)
    @action(detail=True, methods=["get"])
    def derivation(self, request: Request, public_id: UUID) -> Response:
        """Derive the report again from the ledger, and say what differs from what was archived, if anything does."""
        derived = archive.derive(self.get_object())
        return Response(
            {
                "is_same": derived.is_same,
                "content_hash": derived.content_hash,
                "differences": list(derived.differences),
            }
        )

    @extend_schema(
        operation_id="reports_file",
        parameters=[public_id_parameter, _FORMAT],
        responses={(200, archive.MEDIA_TYPES[name]): OpenApiTypes.BINARY for name, _ in FORMATS},
        filters=False,
    )
    @action(
        detail=True,
        methods=["get"],
        url_path=r"files/(?P<kind>pdf|xlsx|csv)",
        url_name="file",
        renderer_classes=[FileRenderer],
    )
    def file(self, request: Request, public_id: UUID, kind: str) -> Response:
        """Return one file of the report as it was handed out."""
        found = ReportFile.objects.filter(report=self.get_object(), format=kind).first()
        if found is None:
            raise NotFound("The report has no such file.")
        headers = {"Content-Disposition": f'attachment; filename="{found.name}"'}
        return Response(bytes(found.content), headers=headers, content_type=found.media_type)
