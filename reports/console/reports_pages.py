"""The reports of a portfolio: what was archived, what leaves by the calendar, a preview, and "send it to me"."""

import base64
from datetime import date
from uuid import UUID

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from portfolio import access
from portfolio.access import Action
from portfolio.models import Portfolio
from portfolio.terms import parse_month
from reports import archive, pack_charts, pack_mail, pack_views, pack_words, schedules
from reports.console import assets, pages, reports_schedules
from reports.models import AUDIENCES, FORMATS, ArchivedReport, ReportFile, ReportRun, Schedule
from reports.pack_views import PackError

SHOWN = 50
NAME = "admin:reports_reports"


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """List a portfolio's archived reports and its schedules."""
    open_to_user = pages.portfolios(request, Action.VIEW)
    portfolio = pages.chosen_portfolio(request, open_to_user)
    if portfolio is None:
        return pages.render(request, "reports/reports.html", "Reports", portfolio=None)
    archived = ArchivedReport.objects.filter(portfolio=portfolio).defer("content", "labels")
    rows = list(archived.prefetch_related("runs__schedule", "runs__asked_by")[:SHOWN])
    formats: dict[int, list[str]] = {}
    for pk, kind in (
        ReportFile.objects.filter(report__in=rows).order_by("format").values_list("report", "format")
    ):
        if kind not in archive.INNER:
            formats.setdefault(pk, []).append(kind)
    waiting = ReportRun.objects.filter(portfolio=portfolio).exclude(state="made").select_related("asked_by")
    return pages.render(
        request,
        "reports/reports.html",
        "Reports",
        portfolio=portfolio,
        portfolios=open_to_user,
        rows=[(row, formats.get(row.pk, []), _why(row)) for row in rows],
        runs=waiting[:5],
        schedules=reports_schedules.rows(portfolio),
        audiences=AUDIENCES,
        formats=FORMATS,
        newest=pack_views.newest_closed(portfolio),
        recipients=reports_schedules.choices(portfolio),
        weekdays=reports_schedules.DAYS,
        may_change=access.may(request.user, Action.CLOSE, portfolio.pk),
    )


def _why(report: ArchivedReport) -> str:
    runs = list(report.runs.all())
    if not runs:
        return ""
    return f"asked for by {runs[0].asked_by}" if runs[0].asked_by else "by its schedule"


@require_GET
def report(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show one archived report as it was mailed, with its files."""
    found = _report(request, public_id)
    files = {each.format: each for each in found.files.all()}
    mail = bytes(files[archive.MAIL].content).decode() if archive.MAIL in files else ""
    if archive.PICTURE in files:
        encoded = base64.b64encode(bytes(files[archive.PICTURE].content)).decode()
        mail = mail.replace(f"cid:{pack_mail.PICTURE}", f"data:image/png;base64,{encoded}")
    return pages.render(
        request,
        "reports/report.html",
        f"{found.get_audience_display()} of {found.portfolio.code}, {found.month:%b %Y}",
        report=found,
        view=found.content["view"],
        files=[files[kind] for kind, _ in FORMATS if kind in files],
        mail=mail,
    )


@require_GET
def download(request: HttpRequest, public_id: UUID, kind: str) -> HttpResponseBase:
    """Hand out one file of a report."""
    found = ReportFile.objects.filter(report=_report(request, public_id), format=kind).first()
    if found is None or kind in archive.INNER:
        raise Http404
    return file_answer(found)


def file_answer(found: ReportFile) -> HttpResponse:
    """Return a file as a download that nobody caches or guesses the type of."""
    answer = HttpResponse(bytes(found.content), content_type=found.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{found.name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
def derive(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Derive a report again from the ledger, and say whether it still says the same."""
    found = _report(request, public_id)
    derived = archive.derive(found)
    if derived.is_same:
        notices.success(
            request, f"Derived again from the ledger, to the same hash {derived.content_hash[:12]}."
        )
    for sentence in derived.differences[:5]:
        notices.error(request, sentence)
    return redirect("admin:reports_report", found.public_id)


@require_GET
def preview(request: HttpRequest) -> HttpResponseBase:
    """Show what a report would say now; nothing is stored or sent."""
    portfolio = pages.portfolio(request, request.GET.get("portfolio", ""), Action.VIEW)
    audience, now = _audience(request.GET.get("audience", "")), timezone.now()
    run = ReportRun(portfolio=portfolio, audience=audience, month=_month(request.GET.get("month", "")))
    try:
        frozen = archive.freeze(portfolio, audience, schedules.view_of(run, now=now), now=now)
    except PackError as error:
        notices.error(request, str(error))
        return _back(portfolio)
    shown = frozen.shown()
    spec = pack_charts.specs_of(frozen.content).get(pack_charts.PORTFOLIO)
    scripts = assets.chart_scripts() if spec else []
    return pages.render(
        request,
        "reports/report_preview.html",
        f"Preview: {pack_words.TITLES[audience]} of {portfolio.code}",
        portfolio=portfolio,
        audience=audience,
        month=request.GET.get("month", ""),
        mail=pack_mail.html(shown, path=reverse(NAME), picture_words="", picture_at=""),
        chart=pack_charts.for_page(spec) if spec else None,
        chart_scripts=scripts,
        formats=FORMATS,
    )


@require_POST
def send(request: HttpRequest) -> HttpResponseBase:
    """Have a report made and sent to whoever asks."""
    portfolio = pages.portfolio(request, request.POST.get("portfolio", ""), Action.VIEW)
    user = pages.user_of(request)
    if not user.email:
        notices.error(request, "You have no email address, so nothing can be sent to you.")
        return _back(portfolio)
    schedules.ask(
        portfolio,
        _audience(request.POST.get("audience", "")),
        by=user,
        now=timezone.now(),
        month=_month(request.POST.get("month", "")),
        formats=[each for each in request.POST.getlist("formats") if each in dict(FORMATS)],
    )
    notices.success(
        request, f"It is made within a minute and sent to {user.email}; it appears below as well."
    )
    return _back(portfolio)


@require_POST
def schedule(request: HttpRequest) -> HttpResponseBase:
    """Add a schedule to a portfolio."""
    portfolio = pages.portfolio(request, request.POST.get("portfolio", ""), Action.CLOSE)
    try:
        reports_schedules.add(portfolio, request.POST, by=pages.user_of(request), now=timezone.now())
    except schedules.ScheduleError as error:
        notices.error(request, str(error))
    else:
        notices.success(request, "The schedule is stored; its first report leaves at its next time.")
    return _back(portfolio)


@require_POST
def switch(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Switch a schedule off or on."""
    found = Schedule.objects.filter(access.scope(request.user, Action.CLOSE), public_id=public_id).first()
    if found is None:
        raise Http404
    found.is_active = not found.is_active
    found.save(update_fields=["is_active"])
    notices.success(
        request, "It is on again." if found.is_active else "It is off; nothing leaves by it any more."
    )
    return _back(found.portfolio)


def _audience(text: str) -> str:
    if text not in dict(AUDIENCES):
        raise Http404
    return text


def _month(text: str) -> date | None:
    try:
        return parse_month(text) if text else None
    except ValueError as error:
        raise Http404 from error


def _report(request: HttpRequest, public_id: UUID) -> ArchivedReport:
    rows = ArchivedReport.objects.filter(access.scope(request.user, Action.VIEW)).select_related("portfolio")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def _back(portfolio: Portfolio) -> HttpResponseBase:
    return redirect(f"{reverse(NAME)}?{urlencode({'portfolio': portfolio.code})}")


pages.add("reports/", page, "reports_reports")
pages.add("reports/preview/", preview, "reports_report_preview")
pages.add("reports/send/", send, "reports_report_send")
pages.add("reports/schedule/", schedule, "reports_schedule_new")
pages.add("reports/schedule/<uuid:public_id>/switch/", switch, "reports_schedule_switch")
pages.add("reports/<uuid:public_id>/", report, "reports_report")
pages.add("reports/<uuid:public_id>/derive/", derive, "reports_report_derive")
pages.add("reports/<uuid:public_id>/<slug:kind>/", download, "reports_report_download")
