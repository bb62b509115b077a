"""Imports: the list of runs, the upload of a file, and the template to fill in."""

from datetime import date

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from portfolio import access, ingest
from portfolio.access import Action
from portfolio.importers.template import (
    TemplateAccount,
    TemplateRefused,
    build_csv_template,
    build_template,
)
from portfolio.models import Account, Cell, ImportRun, Investment, Portfolio, StagedRow, User
from portfolio.terms import AccountKind, Book
from reports.console import grid_sheet, imports_forms, pages

PER_PAGE = 50
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def open_runs(user: User) -> QuerySet[ImportRun]:
    """Return the runs whose every investment the user may record for; their own empty ones included."""
    if user.is_superuser:
        return ImportRun.objects.all()
    rows = StagedRow.objects.filter(run=OuterRef("pk"), investment__isnull=False)
    inside = access.scope(user, Action.RECORD, via="investment__portfolio")
    return ImportRun.objects.filter(
        ~Exists(rows.exclude(inside)), Q(created_by=user) | Exists(rows.filter(inside))
    )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """List the runs; a posted file is read, compared with the ledger and shown as a preview."""
    portfolios = pages.portfolios(request, Action.RECORD)
    form = imports_forms.UploadForm(initial=imports_forms.remembered(request))
    if request.method == "POST":
        if not portfolios.exists():
            raise Http404
        imports_forms.remember(request)
        form = imports_forms.UploadForm(request.POST, request.FILES)
        if form.is_valid():
            return redirect("admin:reports_import", _stage(request, form).public_id)
    runs = open_runs(pages.user_of(request)).select_related("created_by")
    return pages.render(
        request,
        "reports/imports.html",
        "Imports",
        status=400 if form.is_bound else 200,
        form=form,
        portfolios=portfolios,
        runs=Paginator(runs, PER_PAGE).get_page(request.GET.get("page")),
        years=_template_years(portfolios),
    )


def _stage(request: HttpRequest, form: imports_forms.UploadForm) -> ImportRun:
    answers = form.cleaned_data
    run = ingest.stage(
        answers["file"].read(),
        file_name=answers["file"].name,
        user=pages.user_of(request),
        now=timezone.now(),
        mapping=answers["mapping"],
        source=answers["source"],
    )
    if run.status == "refused":
        messages.error(request, run.refusal)
    return run


def _template_years(portfolios: QuerySet[Portfolio]) -> list[int]:
    now = timezone.now()
    return sorted({year for p in portfolios for year in grid_sheet.fiscal_years(p, now)}, reverse=True)


@require_GET
def template(request: HttpRequest) -> HttpResponse:
    """Send a file to fill in: the portfolio's investments and accounts in use, the months of a year."""
    try:
        portfolio = pages.portfolios(request, Action.RECORD).get(code=request.GET.get("portfolio", ""))
    except Portfolio.DoesNotExist as error:
        raise Http404 from error
    asked, now = request.GET, timezone.now()
    year = asked.get("year", "")
    months = grid_sheet.months_of(
        portfolio,
        int(year) if year.isdecimal() and len(year) == 4 else grid_sheet.fiscal_years(portfolio, now)[0],
    )
    layout = "long" if asked.get("layout") == "long" else "wide"
    book = Book.PLAN if asked.get("book") == Book.PLAN.value else Book.ACTUAL
    try:
        return _template_file(
            portfolio, months, layout=layout, book=book, is_csv=asked.get("format") == "csv"
        )
    except TemplateRefused as refused:
        messages.error(request, str(refused))
        return redirect("admin:reports_imports")


def _template_file(
    portfolio: Portfolio, months: list[date], *, layout: str, book: Book, is_csv: bool
) -> HttpResponse:
    investments = [i.code for i in Investment.objects.filter(portfolio=portfolio).order_by("code")]
    accounts = Account.objects.filter(
        is_active=True, pk__in=Cell.objects.filter(investment__portfolio=portfolio).values("account_id")
    )
    if not accounts.exists():
        accounts = Account.objects.filter(is_active=True)
    money = (AccountKind.COST.value, AccountKind.BENEFIT.value)
    lines = [TemplateAccount(a.code, "amount" if a.kind in money else "quantity") for a in accounts]
    build = build_csv_template if is_csv else build_template
    content = build(investments, lines, months, layout=layout, book=book)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8" if is_csv else _XLSX)
    name = f"hurdle-{portfolio.code}-{book.value}-{months[0]:%Y-%m}.{'csv' if is_csv else 'xlsx'}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


pages.add("imports/", page, "reports_imports")
pages.add("imports/template/", template, "reports_import_template")
