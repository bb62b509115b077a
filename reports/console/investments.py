"""The admin of investments: the list with figures, the page of one, the form. Facts are read-only here."""

from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import FloatField, OrderBy, OuterRef, QuerySet, Subquery
from django.forms import CharField, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from portfolio import access, fixed_terms, investments
from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment, Portfolio, User
from portfolio.terms import format_month
from reports.console import figures, investment_page, pages, status
from reports.console.investment_filters import (
    AttentionFilter,
    OwnerFilter,
    PortfolioFilter,
    ReviewFilter,
    StatusFilter,
)
from reports.console.investment_inlines import DeploymentInline
from reports.console.investment_list import InvestmentList
from reports.console.scoped import ScopedList, ScopedPermissions
from reports.console.standing import Standing
from roi.models import Snapshot


class NullsLast(OrderBy):
    """An order in which what has no figure comes last, up and down alike."""

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, nulls_last=True)

    def reverse_ordering(self) -> "NullsLast":
        """Turn the direction around; undefined figures stay last."""
        self.descending = not self.descending
        return self


def _figure(name: str) -> NullsLast:
    """Return the order by a stored figure of the month that `status.annotate` calls `as_of`."""
    rows = Snapshot.objects.filter(investment=OuterRef("pk"), month=OuterRef("as_of")).values(name)[:1]
    return NullsLast(Subquery(rows, output_field=FloatField()))


class InvestmentForm(ModelForm):  # type: ignore[type-arg]
    """The terms of an investment; what approval fixed takes a reason, as a second person has to allow it."""

    why = CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Needed to change portfolio, months or horizon of an approved investment: another person allows it.",
    )

    def clean(self) -> dict[str, Any] | None:
        """Ask for the reason where what approval fixed differs."""
        cleaned: dict[str, Any] | None = super().clean()
        wanted = copy(self.instance)
        for name in set(investments.FIXED) & set(self.cleaned_data):
            setattr(wanted, name, self.cleaned_data[name])
        is_asked = self.instance.pk is not None and investments.is_fixed_by_approval(self.instance, wanted)
        if is_asked and not self.cleaned_data.get("why", "").strip():
            self.add_error("why", "Say why: somebody else has to allow this change.")
        return cleaned


@admin.register(Investment)
class InvestmentAdmin(ScopedPermissions, ScopedList, ModelAdmin):  # type: ignore[misc]
    """Investments of the user's portfolios."""

    list_display = (
        "title",
        "stage_name",
        "status_pill",
        "roi",
        "incremental",
        "breakeven",
        "owner_name",
        "review",
    )
    list_display_links = None
    list_filter = (
        PortfolioFilter,
        StatusFilter,
        AttentionFilter,
        ("stage", ChoicesDropdownFilter),
        ("value_category", ChoicesDropdownFilter),
        OwnerFilter,
        ReviewFilter,
    )
    list_before_template = "reports/investments_then.html"
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_max_show_all = 200
    list_select_related = ("owner", "portfolio")
    show_full_result_count = False
    search_fields = ("code", "name", "owner__first_name", "owner__last_name", "owner__username")
    search_help_text = "Search by code, name or owner"
    ordering = ("code",)
    actions = None
    fieldsets = (
        (None, {"fields": ("portfolio", ("code", "name"), "summary")}),
        ("People", {"fields": (("owner", "sponsor"), ("data_owner", "business_unit"))}),
        ("Purpose", {"fields": (("use_case", "value_category"), "review_date")}),
        ("Months", {"fields": (("start_month", "live_month"), ("end_month", "horizon_months"), "why")}),
    )
    form = InvestmentForm
    inlines = (DeploymentInline,)
    warn_unsaved_form = True
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Investment]:
        """Return the investments the user may see, with their status."""
        return status.annotate(super().get_queryset(request))  # type: ignore[arg-type]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Use the list that fetches a page's figures together."""
        return InvestmentList

    @admin.display(description="Investment", ordering="code")
    def title(self, investment: Any) -> SafeString:
        """Name and code, leading to the page."""
        past = investment.standing.past
        link = investment_page.link(investment) + (f"?as_of={past.day}" if past else "")
        return format_html(
            '<span class="h-two"><a class="h-link" href="{}">{}</a>'
            '<span class="h-code">{} · {}</span></span>',
            link,
            investment.name,
            investment.code,
            investment.portfolio.code,
        )

    @admin.display(description="Stage", ordering="stage")
    def stage_name(self, investment: Investment) -> str:
        """The stage in words."""
        return investment.get_stage_display()

    @admin.display(description="Status", ordering="status")
    def status_pill(self, investment: Any) -> SafeString:
        """The status as a pill."""
        return status.pill(investment.status)

    @admin.display(description="ROI to date", ordering=_figure("roi_supported"))
    def roi(self, investment: Any) -> SafeString:
        """Supported ROI to date and the month it is of."""
        stands: Standing = investment.standing
        figure = figures.percent(stands.figure("roi_supported"), reason=stands.reason("roi_supported"))
        if stands.as_of is None:
            return figure
        return format_html(
            '<span class="h-two">{}<span class="h-code">{}</span></span>', figure, format_month(stands.as_of)
        )

    @admin.display(description="Incremental ROI", ordering=_figure("incremental_roi_supported"))
    def incremental(self, investment: Any) -> SafeString:
        """Return on what could be stopped, over the window."""
        stands: Standing = investment.standing
        name = "incremental_roi_supported"
        return figures.percent(stands.figure(name), reason=stands.reason(name))

    @admin.display(description="Breakeven")
    def breakeven(self, investment: Any) -> SafeString:
        """The month breakeven was reached, else the planned one."""
        stands: Standing = investment.standing
        reached = stands.breakeven()
        if reached:
            return figures.month(reached)
        planned = stands.head.planned_breakeven_month if stands.head else None
        if planned:
            return format_html('<span class="h-muted h-num">plan {}</span>', format_month(planned))
        return figures.missing(
            "Not reached so far, and no approved plan says when."
            if stands.snapshot
            else figures.NO_CLOSED_MONTH
        )

    @admin.display(description="Owner", ordering="owner__last_name")
    def owner_name(self, investment: Investment) -> str:
        """Who owns it."""
        return str(investment.owner) if investment.owner else "–"

    @admin.display(description="Next review", ordering="review_date")
    def review(self, investment: Investment) -> SafeString | str:
        """The next review, marked when overdue."""
        return investment_page.review_text(investment, today=timezone.now().date())

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only portfolios the user may record in, and people the user shares a portfolio with."""
        if db_field.name == "portfolio":
            kwargs["queryset"] = Portfolio.objects.filter(access.scope(request.user, Action.RECORD, via="pk"))
        elif db_field.name in ("owner", "sponsor", "data_owner"):
            mine = Portfolio.objects.filter(access.scope(request.user, Action.VIEW, via="pk"))
            kwargs["queryset"] = User.objects.filter(
                memberships__portfolio__in=mine, is_active=True
            ).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Investment, form: "ModelForm[Investment]", change: bool
    ) -> None:
        """Put the investment: its terms are versioned in the order of knowing; what approval fixed is asked for."""
        actor, now = pages.user_of(request), timezone.now()
        held = Investment.objects.select_related("portfolio").filter(pk=obj.pk).first() if change else None
        if held is not None and investments.is_fixed_by_approval(held, obj):
            asked = fixed_terms.propose(
                copy(obj), now=now, author=actor, reason=form.cleaned_data.get("why", "")
            )
            for name in investments.FIXED:
                setattr(obj, name, getattr(held, name))
            address = reverse("admin:reports_approval", args=[asked.public_id])
            messages.warning(
                request,
                format_html(
                    'The new terms wait for somebody else to allow them: <a href="{}">the request</a>.',
                    address,
                ),
            )
        investments.put(obj, now=now, actor=actor)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page of an investment; what the domain refuses is said in its words."""
        context = dict(extra_context or {})
        investment = self.get_object(request, object_id) if object_id else None
        if object_id and investment is None:
            raise Http404
        if investment and request.method == "GET":
            context |= investment_page.context(
                investment,
                request.GET,
                may_edit=self.has_change_permission(request, investment),
                may_manage=access.may(request.user, Action.MANAGE, investment.portfolio_id),
            )
        try:
            response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        except (ValidationError, KnowledgeError) as error:
            for sentence in error.messages if isinstance(error, ValidationError) else [str(error)]:
                messages.error(request, sentence)
            return HttpResponseRedirect(request.get_full_path())
        return response
