"""The decision log: what was decided, by whom and why; and the receipt of each decision."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from alerts.rules import RULES
from portfolio import access
from portfolio.access import Action
from portfolio.models import Decision
from portfolio.models.base import choices_of
from portfolio.terms import DecisionKind
from reports import receipts
from reports.console import figures, investment_door, pages
from reports.console.past import asked_past, then_of
from reports.receipts import Difference
from roi import outcomes

Context = dict[str, Any]
PER_PAGE = 50
NOTE = "Decisions that were recorded by the end of {}; what came of them is shown of today alone."
_RELATED = ("investment__portfolio", "decided_by", "review", "budget_from", "budget_to", "batch")
_PERCENT = frozenset({"roi", "incremental_roi", "irr", "mirr"})
_MOST_DIFFERENCES = 60


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """List decisions, the newest first, with what came of those whose outcome is known."""
    asked, open_to_user = request.GET, pages.portfolios(request, Action.VIEW)
    past = asked_past(asked.get("as_of", ""), pages.zones(open_to_user), now=timezone.now())
    rows = Decision.objects.filter(access.scope(request.user, Action.VIEW))
    if past is not None:
        rows = rows.filter(past.until("recorded_at"))
    if asked.get("kind") in {kind.value for kind in DecisionKind}:
        rows = rows.filter(kind=asked["kind"])
    if asked.get("portfolio"):
        rows = rows.filter(portfolio__code=asked["portfolio"])
    listed = Paginator(rows.select_related(*_RELATED).order_by("-id"), PER_PAGE).get_page(asked.get("page"))
    found = {} if past else outcomes.of(list(listed))
    return pages.render(
        request,
        "reports/decisions_log.html",
        "Decisions",
        listed=listed,
        rows=[{"decision": d, "money": money_of(d), "outcome": outcome_of(d, found)} for d in listed],
        kinds=choices_of(DecisionKind),
        portfolios=open_to_user,
        then=then_of(asked, past, note=NOTE),
        calibration=[] if past or asked.get("page") else _calibration(request),
        is_filtered=any(asked.get(name) for name in ("kind", "portfolio")),
    )


def _calibration(request: HttpRequest) -> list[outcomes.Calibration]:
    return outcomes.calibration(Decision.objects.filter(access.scope(request.user, Action.VIEW)))


def money_of(decision: Decision) -> tuple[str, str] | None:
    """Return the amount that moves and from where to where, None where no money moves."""
    if decision.budget_amount is None:
        return None
    source = decision.budget_from.code if decision.budget_from else "reserve"
    target = decision.budget_to.code if decision.budget_to else "reserve"
    amount = figures.exact_text(decision.budget_amount)
    return f"{amount} {decision.budget_currency}", f"{source} → {target}"


def outcome_of(decision: Decision, found: dict[int, outcomes.Outcome]) -> Context | None:
    """Return what was expected and what came of it."""
    if not decision.expected_metric:
        return None
    outcome = found.get(decision.pk)
    return {
        "metric": decision.expected_metric.replace("_", " "),
        "expected": _figure(decision.expected_metric, decision.expected_value),
        "realized": _figure(decision.expected_metric, outcome.realized) if outcome else "",
        "month": decision.expected_month,
        "is_inside": outcome.is_inside if outcome else None,
    }


def _figure(metric: str, value: Decimal | None) -> SafeString:
    is_ratio = metric in _PERCENT
    return figures.percent(float(value)) if is_ratio and value is not None else figures.money(value)


@require_GET
def receipt(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Show a decision with its evidence as known then, as restated now, and where the two differ."""
    rows = Decision.objects.filter(access.scope(request.user, Action.VIEW)).select_related(*_RELATED)
    decision = rows.filter(public_id=public_id).first()
    if decision is None:
        raise Http404
    derived = receipts.receipt(decision)
    return pages.render(
        request,
        "reports/decision_receipt.html",
        f"{decision.get_kind_display()}: {decision.investment.code}",
        decision=decision,
        receipt=derived,
        back=investment_door.tab(decision.investment, "figures"),
        money=money_of(decision),
        outcome=outcome_of(decision, outcomes.of([decision])),
        known_at=receipts.knowledge_of(decision),
        lines=_lines(derived),
        alerts=[
            f"{RULES[one['rule']].title if one['rule'] in RULES else one['rule']} number {one['number']}, "
            f"since {one['fired_month']}"
            for one in decision.evidence.get("alerts", ())
        ],
        engine=[_difference(one) for one in derived.engine[:_MOST_DIFFERENCES]],
        restated=[_difference(one) for one in derived.restated if one.path.startswith(("months", "rates"))][
            :_MOST_DIFFERENCES
        ],
    )


_LINES = (
    ("TCO to date", "tco", "money"),
    ("Supported benefit to date", "cumulative_benefit_supported", "money"),
    ("ROI to date", "roi_supported", "percent"),
    ("Incremental ROI", "incremental_roi_supported", "percent"),
    ("NPV", "npv_supported", "money"),
    ("NPV at the hurdle", "npv_hurdle_supported", "money"),
    ("IRR per year", "irr_supported", "percent"),
    ("Payback, months", "payback_supported", "months"),
)


def _lines(derived: receipts.Receipt) -> list[Context]:
    """Return the headline figures three times: shown, as known then, as restated now."""
    shown = derived.decision.evidence.get("figures") or {}
    then, now = derived.then.get("figures") or {}, derived.now.get("figures") or {}
    return [
        {
            "title": title,
            "shown": _read(shown.get(name), form),
            "then": _read(then.get(name), form),
            "now": _read(now.get(name), form),
            "is_other": then.get(name) != now.get(name),
        }
        for title, name, form in _LINES
    ]


def _read(value: Any, form: str) -> SafeString:
    if value is None:
        return figures.missing("Undefined in this month.")
    if form == "money":
        return figures.money(Decimal(value))
    return figures.percent(float(value)) if form == "percent" else figures.months(float(value))


def _difference(one: Difference) -> Context:
    *where, name = one.path.split(".")
    return {
        "where": " ".join(where[1:]) or where[0],
        "name": name.replace("_", " "),
        "before": _value(one.before),
        "after": _value(one.after),
    }


def _value(value: Any) -> str:
    if isinstance(value, str):
        try:
            return figures.exact_text(Decimal(value)) if len(value) < 40 else value
        except ArithmeticError:
            return value
    return "n/a" if value is None else str(value)


pages.add("decisions/", page, "reports_decisions")
pages.add("decisions/<uuid:public_id>/", receipt, "reports_decision")
