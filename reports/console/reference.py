"""Reference data in the admin site: portfolios with their members and rates, and the chart of accounts."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from alerts import due
from portfolio import accounts, chart
from portfolio.access import Action
from portfolio.assumptions import DEFAULT_DISCOUNT_RATE, DEFAULT_HURDLE_RATE
from portfolio.models import Account, Assumptions, Investment, Membership, Portfolio
from reports.console import pages, reference_targets
from reports.console.reference_rates import in_force
from reports.console.scoped import ScopedList, ScopedPermissions

_REASON = "Changed in the admin site."


class MembershipInline(ScopedPermissions, TabularInline):  # type: ignore[misc]
    """Who may do what in a portfolio; its administrators decide."""

    model = Membership
    extra = 0
    fields = ("user", "role")
    change_action = Action.MANAGE
    verbose_name_plural = "members"

    def portfolio_id_of(self, obj: Any) -> int:
        """Return the portfolio whose page this is."""
        return int(obj.pk) if isinstance(obj, Portfolio) else int(obj.portfolio_id)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A membership ends by removing it; its history stays."""
        return self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Portfolio administrators add members."""
        return self.has_change_permission(request, obj)


@admin.register(Portfolio)
class PortfolioAdmin(ScopedPermissions, ScopedList, ModelAdmin):  # type: ignore[misc]
    """Portfolios of the user: settings, rates in force, members."""

    list_display = ("code", "name", "reporting_currency", "hurdle", "discount", "close_day")
    search_fields = ("code", "name")
    search_help_text = "Code or name"
    inlines = (MembershipInline,)
    scope_path = "pk"
    change_action = Action.MANAGE
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "code",
                    "name",
                    "reporting_currency",
                    "time_zone",
                    "fiscal_year_start_month",
                    "close_day",
                    ("digest_hour", "weekend"),
                )
            },
        ),
        ("Rates in force", {"fields": ("rates",)}),
        ("Alerts", {"fields": ("alert_targets",)}),
        (
            "Conventions",
            {
                "fields": (
                    "norm_band_start_months",
                    "norm_band_end_months",
                    "exploration_share",
                    "materiality_threshold",
                )
            },
        ),
        (
            "Governance",
            {
                "fields": (
                    ("yearly_budget", "capacity_person_months"),
                    ("review_cadence_months", "review_business_days"),
                    "risk_aversion",
                )
            },
        ),
    )

    def portfolio_id_of(self, obj: Any) -> int:
        """Return the portfolio itself."""
        return int(obj.pk)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Portfolios are opened by the installation's administrators."""
        return bool(request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Portfolio | None = None) -> tuple[str, ...]:
        """The currency of figures that exist cannot change its meaning."""
        if obj is not None and Investment.objects.filter(portfolio=obj).exists():
            return ("rates", "alert_targets", "code", "reporting_currency")
        return ("rates", "alert_targets")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the user's portfolios with the rates in force."""
        newest = Assumptions.objects.filter(portfolio=OuterRef("pk"), investment=None).order_by("-batch_id")
        rows: QuerySet[Any] = super().get_queryset(request)
        annotated: QuerySet[Any] = rows.annotate(
            hurdle_in_force=Subquery(newest.values("hurdle_rate")[:1]),
            discount_in_force=Subquery(newest.values("discount_rate")[:1]),
        )
        return annotated

    def save_model(self, request: HttpRequest, obj: Portfolio, form: Any, change: bool) -> None:
        """Store the settings; where the calendar changed, what is due is set anew with them."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if change and {"weekend", "time_zone"} & set(form.changed_data):
                due.reschedule(obj, now=timezone.now())

    @display(description="Hurdle rate")  # type: ignore[untyped-decorator]
    def hurdle(self, portfolio: Any) -> str:
        """Return the annual hurdle rate in force."""
        rate = portfolio.hurdle_in_force
        return f"{DEFAULT_HURDLE_RATE if rate is None else rate:.1%}"

    @display(description="Discount rate")  # type: ignore[untyped-decorator]
    def discount(self, portfolio: Any) -> str:
        """Return the annual discount rate in force."""
        rate = portfolio.discount_in_force
        return f"{DEFAULT_DISCOUNT_RATE if rate is None else rate:.1%}"

    @display(description="Rates")  # type: ignore[untyped-decorator]
    def rates(self, portfolio: Portfolio) -> SafeString | str:
        """Return the rates in force and the way to change them."""
        if portfolio.pk is None:
            return "Saved portfolios start with the default rates."
        rates = in_force(portfolio)
        return format_html(
            "Hurdle {} · discount {} · asserted share {} — "
            '<a class="text-primary-600" href="{}?portfolio={}">history and change</a> · '
            '<a class="text-primary-600" href="{}?portfolio={}">policies</a>',
            f"{rates.hurdle_rate:.2%}",
            f"{rates.discount_rate:.2%}",
            f"{rates.asserted_share:.0%}",
            reverse("admin:reports_rates"),
            portfolio.code,
            reverse("admin:reports_policies"),
            portfolio.code,
        )

    @display(description="Told beside the owners")  # type: ignore[untyped-decorator]
    def alert_targets(self, portfolio: Portfolio) -> SafeString | str:
        """Return the shared targets of alerts and the way to change them."""
        return reference_targets.in_words(portfolio) if portfolio.pk else "Saved portfolios can have targets."


@admin.register(Account)
class AccountAdmin(ModelAdmin):  # type: ignore[misc]
    """The chart of accounts: everybody reads it, the installation's administrators define it."""

    list_display = (
        "name",
        "code",
        "kind",
        "nature",
        "treatment",
        "is_avoidable",
        "is_usage_driven",
        "unit",
        "is_active",
    )
    list_filter = ("kind", "nature", "is_active")
    search_fields = ("code", "name")
    search_help_text = "Code or name"
    ordering = ("position",)
    list_per_page = 100
    fields = (
        "code",
        "name",
        "help_text",
        "kind",
        ("nature", "treatment"),
        ("is_avoidable", "is_usage_driven"),
        ("unit", "aggregation"),
        ("volume_key", "is_higher_better"),
        "regulatory_tag",
        "is_active",
    )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody who may enter the site sees the chart."""
        return request.user.is_authenticated

    def has_view_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Everybody who may enter the site sees the chart."""
        return request.user.is_authenticated

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """A changed attribute changes the figures of every portfolio."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An account is there for every portfolio."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Entries keep their account; it is set inactive instead."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """What entries were recorded as never changes."""
        return ("code", "kind") if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Define the account as a new version, in the order of knowing."""
        names = chart.Definition.__dataclass_fields__
        definition = chart.Definition(**{name: getattr(obj, name) for name in names})
        is_active = obj.is_active
        accounts.define([definition], now=timezone.now(), actor=pages.user_of(request), reason=_REASON)
        saved = Account.objects.get(code=obj.code)
        obj.pk, obj.position = saved.pk, saved.position
        if saved.is_active != is_active:
            Account.objects.filter(pk=saved.pk).update(is_active=is_active)
