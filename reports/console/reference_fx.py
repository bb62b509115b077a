"""Exchange rates: the list of what was recorded, and a form that takes a pasted block. None is edited."""

from dataclasses import dataclass

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from portfolio import assumptions
from portfolio.access import Action
from portfolio.assumptions import AssumptionError, Rate
from portfolio.importers.notation import Unreadable, parse_number
from portfolio.knowledge import KnowledgeError
from portfolio.models import FxRate
from portfolio.models.portfolio import CURRENCY
from portfolio.terms import parse_month
from reports.console import grid_notation, pages
from reports.console.grid_notation import NOTATIONS, Notation
from reports.console.scoped import may_in_any

_FIELDS = 4
_MAX_LINES = 5_000


class UnreadableLine(ValueError):
    """A pasted line that is not a rate; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Block:
    """A pasted block: one rate per line, as currency, reporting currency, month, rate."""

    text: str
    notation: Notation
    source: str

    def rates(self) -> list[Rate]:
        """Return the rates; raises UnreadableLine naming the first line that is none."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        if len(lines) > _MAX_LINES:
            raise UnreadableLine(f"At most {_MAX_LINES:,} rates can be pasted at once.")
        return [self._rate(number, line) for number, line in enumerate(lines, start=1)]

    def _rate(self, number: int, line: str) -> Rate:
        parts = line.split("\t") if "\t" in line else line.split(";") if ";" in line else line.split()
        parts = [part.strip() for part in parts]
        if len(parts) != _FIELDS:
            raise UnreadableLine(f"Line {number}: write currency, reporting currency, month and rate.")
        try:
            CURRENCY(parts[0])
            CURRENCY(parts[1])
            value = parse_number(parts[3], mapping=self.notation.mapping())
            return Rate(parts[0], parts[1], parse_month(parts[2]), value, self.source)
        except ValidationError as error:
            raise UnreadableLine(f"Line {number}: {error.messages[0]}") from None
        except Unreadable as error:
            raise UnreadableLine(f"Line {number}: {error.message}") from None
        except ValueError as error:
            raise UnreadableLine(f"Line {number}: {error}") from None


class RatesForm(forms.Form):
    """A pasted block of rates with where they come from."""

    rates = forms.CharField(
        label="Rates, one per line",
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 10, "placeholder": "EUR USD 2026-10 1.0832"}),
        help_text="Currency, reporting currency, month, reporting units per unit: the month's average. "
        "Separated by tabs (a block from a spreadsheet), semicolons or spaces.",
    )
    notation = forms.ChoiceField(
        label="Numbers are written", choices=[(each.key, each.example) for each in NOTATIONS.values()]
    )
    source = forms.CharField(max_length=100, help_text="For example: European Central Bank, monthly average.")


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Record a pasted block of rates; finance and administrators of any portfolio may."""
    if not may_in_any(request, Action.CLOSE):
        raise Http404
    form = RatesForm(request.POST or None, initial={"notation": grid_notation.chosen(request, None).key})
    if request.method == "POST" and form.is_valid() and _record(request, form):
        return redirect("admin:portfolio_fxrate_changelist")
    status = 400 if form.is_bound else 200
    return pages.render(
        request, "reports/reference_fx.html", "Record exchange rates", status=status, form=form
    )


def _record(request: HttpRequest, form: RatesForm) -> bool:
    answers = form.cleaned_data
    block = Block(answers["rates"], NOTATIONS[answers["notation"]], answers["source"])
    try:
        changed = assumptions.set_fx_rates(block.rates(), now=timezone.now(), actor=pages.user_of(request))
    except UnreadableLine as error:
        form.add_error("rates", str(error))
        return False
    except (AssumptionError, KnowledgeError) as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{changed} rates recorded; others were in force already.")
    return True


@admin.register(FxRate)
class FxRateAdmin(ModelAdmin):  # type: ignore[misc]
    """Every rate that was ever recorded, the newest first: the last one of a month is in force."""

    list_display = ("pair", "month_name", "value", "source", "recorded")
    list_display_links = None
    list_filter = ("currency", "reporting_currency")
    search_fields = ("currency", "source")
    search_help_text = "Currency or source"
    ordering = ("-month", "currency", "-batch_id")
    list_select_related = ("batch__actor",)
    actions_list = ("paste",)

    @display(description="Pair")  # type: ignore[untyped-decorator]
    def pair(self, rate: FxRate) -> str:
        """Return what is converted into what."""
        return f"{rate.currency} → {rate.reporting_currency}"

    @display(description="Month", ordering="month")  # type: ignore[untyped-decorator]
    def month_name(self, rate: FxRate) -> str:
        """Return the month."""
        return f"{rate.month:%Y-%m}"

    @display(description="Rate", ordering="rate")  # type: ignore[untyped-decorator]
    def value(self, rate: FxRate) -> str:
        """Return the rate with at least four decimals, and no digit lost."""
        digits = f"{rate.rate.normalize():f}"
        whole, _, fraction = digits.partition(".")
        return f"{whole}.{fraction.ljust(4, '0')}"

    @display(description="Recorded", ordering="batch_id")  # type: ignore[untyped-decorator]
    def recorded(self, rate: FxRate) -> str:
        """Return when, and by whom."""
        return f"{rate.batch.recorded_at:%Y-%m-%d %H:%M} UTC by {rate.batch.actor or 'a command'}"

    @action(description="Record rates", icon="content_paste", permissions=["paste"])  # type: ignore[untyped-decorator]
    def paste(self, request: HttpRequest) -> HttpResponse:
        """Go to the form."""
        return redirect("admin:reports_fx")

    def has_paste_permission(self, request: HttpRequest) -> bool:
        """Finance records rates."""
        return may_in_any(request, Action.CLOSE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody who may enter the site sees the rates."""
        return request.user.is_authenticated

    def has_view_permission(self, request: HttpRequest, obj: FxRate | None = None) -> bool:
        """Everybody who may enter the site sees the rates."""
        return request.user.is_authenticated

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rates are recorded through the form, with their source."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: FxRate | None = None) -> bool:
        """A rate is corrected by recording another."""
        return False

    has_delete_permission = has_change_permission


pages.add("exchange-rates/", page, "reports_fx")
