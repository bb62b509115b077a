"""Investments as a resource: terms from the ledger, figures from the calculator, status from the watchman.

At an earlier time figures and status are derived anew from what was known then; the rest is of today.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.api_base import CODE_PATTERN, Filters, MonthField, ScopedViewSet, code_parameter, refuse
from portfolio.api_ledger import as_of_time_parameter, asked_moment
from portfolio.models import Investment, InvestmentVersion
from portfolio.terms import Basis, Stage, ValueCategory
from reports.console import investment_list, standing, status
from reports.console.past import Past
from reports.console.standing import Standing
from roi.api import FiguresSerializer, basis_of, basis_parameter
from roi.models import Snapshot


class InvestmentSerializer(serializers.ModelSerializer[Investment]):
    """An investment with its status, and its figures of the newest closed and complete month."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    owner = serializers.CharField(source="owner.username", default=None, allow_null=True)
    sponsor = serializers.CharField(source="sponsor.username", default=None, allow_null=True)
    start_month = MonthField()
    live_month = MonthField(allow_null=True)
    end_month = MonthField(allow_null=True)
    status = serializers.ChoiceField(
        choices=list(status.STATUSES), help_text="The most urgent open episode, else how far."
    )
    figures = FiguresSerializer(allow_null=True, help_text="Null until a month is closed and complete.")

    class Meta:
        model = Investment
        fields = (
            "id",
            "code",
            "name",
            "summary",
            "portfolio",
            "owner",
            "sponsor",
            "business_unit",
            "use_case",
            "value_category",
            "stage",
            "start_month",
            "live_month",
            "end_month",
            "horizon_months",
            "review_date",
            "approved_plan_version",
            "status",
            "figures",
        )


class InvestmentFilters(Filters):
    """Which investments."""

    portfolio = filters.CharFilter(field_name="portfolio__code")
    stage = filters.ChoiceFilter(choices=[(stage.value, stage.value) for stage in Stage])
    value_category = filters.ChoiceFilter(
        choices=[(category.value, category.value) for category in ValueCategory]
    )
    owner = filters.CharFilter(field_name="owner__username")
    status = filters.ChoiceFilter(choices=[(name, name) for name in status.STATUSES])
    review_date__lte = filters.DateFilter(field_name="review_date", lookup_expr="lte")
    roi__gte = filters.NumberFilter(
        method="where_roi", min_value=-1000, max_value=10**6, max_digits=12, label="0.12"
    )
    roi__lt = filters.NumberFilter(
        method="where_roi", min_value=-1000, max_value=10**6, max_digits=12, label="0.12"
    )
    search = filters.CharFilter(method="where_named", max_length=100, label="Part of code, name or owner.")

    class Meta:
        model = Investment
        fields: Sequence[str] = ()

    def where_roi(self, investments: QuerySet[Investment], name: str, value: Decimal) -> QuerySet[Investment]:
        """Compare ROI to date at the newest complete month, exactly: benefit against (1 + x) times cost."""
        basis = basis_of(self.request)
        bar = ExpressionWrapper(
            F("tco") * Value(1 + value), output_field=DecimalField(max_digits=40, decimal_places=18)
        )
        lookup = "gte" if name == "roi__gte" else "lt"
        figures = Snapshot.objects.filter(
            investment=OuterRef("pk"),
            month=OuterRef("as_of"),
            **{f"roi_{basis.value}__isnull": False, f"cumulative_benefit_{basis.value}__{lookup}": bar},
        )
        return investments.filter(Exists(figures))

    def where_named(self, investments: QuerySet[Investment], name: str, value: str) -> QuerySet[Investment]:
        """Find text in code, name or owner."""
        return investments.filter(
            Q(code__icontains=value) | Q(name__icontains=value) | Q(owner__username__icontains=value)
        )


class InvestmentViewSet(ScopedViewSet):
    """The investments of your portfolios."""

    takes = {"list": ("basis", "as_of"), "retrieve": ("basis", "as_of")}
    queryset = status.annotate(Investment.objects.select_related("portfolio", "owner", "sponsor"))
    serializer_class = InvestmentSerializer
    filterset_class = InvestmentFilters
    refuses_questions = True
    orderings = ("code", "-code", "name", "-name", "start_month", "-start_month")
    lookup_field = "code"
    lookup_value_regex = CODE_PATTERN

    @extend_schema(parameters=[basis_parameter, as_of_time_parameter])
    def list(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return investments with figures of their newest closed and complete month, now or as known at `as_of`.

        As known then are figures and status, of what was registered; everything else is of today. Status and ROI
        select by today's figures, so they cannot be asked together with `as_of`.
        """
        moment, rows = asked_moment(request), self.filter_queryset(self.get_queryset())
        if moment is not None:
            _refuse_filters_of_today(request)
            rows = _registered(rows, moment)
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self._with_figures(page, basis_of(request), moment))

    @extend_schema(parameters=[code_parameter, basis_parameter, as_of_time_parameter])
    def retrieve(self, request: Request, *args: object, **kwargs: object) -> Response:
        """Return one investment; figures and status are of now, or as known at `as_of`."""
        investment, moment = self.get_object(), asked_moment(request)
        if (
            moment is not None
            and not _registered(Investment.objects.filter(pk=investment.pk), moment).exists()
        ):
            refuse("The investment was not registered at that time.", "#/as_of", "not_registered")
        return Response(self._with_figures([investment], basis_of(request), moment)[0])

    def _with_figures(
        self, investments: Sequence[Investment], basis: Basis, moment: datetime | None = None
    ) -> Any:
        stands = standing.of(investments) if moment is None else _stood(investments, moment)
        for investment in investments:
            snapshot = stands[investment.pk].snapshot
            # One of then has the investment of then, with the currency and the months of then.
            if snapshot is not None and moment is None:
                snapshot.investment = investment
            investment.figures = snapshot  # type: ignore[attr-defined]
        context = {**self.get_serializer_context(), "basis": basis}
        return self.get_serializer_class()(investments, many=True, context=context).data


def _refuse_filters_of_today(request: Request) -> None:
    asked = sorted({"status", "roi__gte", "roi__lt"} & set(request.query_params))
    if asked:
        sentence = "It selects by today's figures: leave it or as_of out."
        raise ValidationError(dict.fromkeys(asked, sentence))


def _registered(investments: QuerySet[Investment], moment: datetime) -> QuerySet[Investment]:
    """Keep what was registered by a time."""
    versions = InvestmentVersion.objects.filter(investment=OuterRef("pk"), batch__recorded_at__lte=moment)
    return investments.filter(Exists(versions))


def _stood(investments: Sequence[Any], moment: datetime) -> dict[int, Standing]:
    """Return where each investment stood at a time, and give it the status of then."""
    return investment_list.stood(
        list(investments), Past(moment.date(), {one.portfolio.time_zone: moment for one in investments})
    )
