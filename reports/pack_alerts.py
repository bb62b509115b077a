"""Which alerts were open in a month as known at a time, folded anew from the facts and policies known then.

Nothing that an evaluation recorded is read: a worker that came late changes no pack. Early warnings are left out:
they judge forecasts, which are no facts of the ledger.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from alerts import judging
from alerts.judging import MonthRow
from alerts.models import Policy
from alerts.rules.early_warning import EARLY_WARNING
from alerts.rules.trajectory import Firing
from portfolio.models import Investment, StageChange
from portfolio.terms import Basis, format_month, to_micros
from reports.console import status
from roi.as_known import Known
from roi.engine.result import REASON_CODES, Reason
from roi.models import FIGURES, Snapshot

_ROI = FIGURES.index(f"roi_{Basis.CLAIMED.value}")
_OVERFLOW = REASON_CODES[Reason.OVERFLOW]


@dataclass(frozen=True, slots=True)
class Open:
    """An alert that was open: since which month, and the figure it fired with against its threshold."""

    rule: str
    severity: str
    since: str
    value: str
    threshold: str
    unit: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What an investment was judged by at a knowledge time: policy versions by rule, and its stage."""

    policies: Mapping[str, Sequence[Policy]]
    stage: str


def terms_of(investments: Sequence[Investment], *, knowledge: int) -> dict[int, Terms]:
    """Return the terms of each investment as known at a knowledge time: three queries for all of them."""
    versions = _policies([one.pk for one in investments], knowledge)
    stages = _stages(investments, knowledge)
    return {one.pk: Terms(versions[one.pk], stages[one.pk]) for one in investments}


def open_at(
    known: Mapping[int, Known], terms: Mapping[int, Terms], *, month: date, norm_band_end_months: int
) -> dict[int, list[Open]]:
    """Return the open alerts of each investment at the end of a month, the most urgent first."""
    found = {}
    for pk, one in known.items():
        one.investment.stage = terms[pk].stage
        # The portfolio's row is as it is today; the pack says which band it was judged by.
        one.investment.portfolio.norm_band_end_months = norm_band_end_months
        months = [_row(s) for s in one.snapshots if s.month <= month]
        folded = judging.judge(terms[pk].policies, months, judging.context_of(one.investment, one.head))
        firings = [each.open_firing for each in folded.values()]
        alerts = [_open(firing) for firing in firings if firing is not None]
        found[pk] = sorted(alerts, key=lambda alert: (_urgency(alert.rule), alert.rule))
    return found


def _open(firing: Firing) -> Open:
    verdict = firing.verdict
    return Open(
        rule=firing.policy.rule,
        severity=firing.policy.severity.value,
        since=format_month(firing.fired_month),
        value=_text(verdict.value),
        threshold=_text(verdict.threshold),
        unit=verdict.unit.value,
    )


def _text(value: Decimal | None) -> str:
    # A ratio may have endless digits; 40 significant ones tell any two stored amounts apart.
    return "" if value is None else f"{value.normalize():f}"[:64]


def status_of(snapshot: Snapshot | None, alerts: Sequence[Open]) -> str:
    """Return the status as pages show it: the most urgent open alert, else how far the investment has come."""
    return status.name_of({alert.rule for alert in alerts}, snapshot)


def _urgency(rule: str) -> int:
    names = list(status.STATUSES)
    return names.index(rule) if rule in names else len(names)


def _policies(ids: Sequence[int], knowledge: int) -> dict[int, dict[str, list[Policy]]]:
    found: dict[int, dict[str, list[Policy]]] = {pk: defaultdict(list) for pk in ids}
    rows = Policy.objects.filter(investment__in=ids, batch_id__lte=knowledge).exclude(rule=EARLY_WARNING.name)
    for policy in rows.order_by("rule", "version"):
        found[policy.investment_id][policy.rule].append(policy)
    return found


def _stages(investments: Sequence[Investment], knowledge: int) -> dict[int, str]:
    """Return the stage each investment was in; one whose stage was never changed is in the stage it has."""
    stages = {one.pk: one.stage for one in investments}
    changes = StageChange.objects.filter(investment__in=investments)
    later = changes.filter(batch_id__gt=knowledge).order_by("investment_id", "-batch_id")
    stages |= dict(later.values_list("investment_id", "from_stage"))
    past = changes.filter(batch_id__lte=knowledge).order_by("investment_id", "batch_id")
    return stages | dict(past.values_list("investment_id", "to_stage"))


def _row(snapshot: Snapshot) -> MonthRow:
    return MonthRow(
        month=snapshot.month,
        is_closed=snapshot.is_closed,
        is_complete=snapshot.is_complete,
        run=to_micros(snapshot.run_cost),
        avoidable_run=to_micros(snapshot.avoidable_run_cost),
        one_time=to_micros(snapshot.one_time_cost),
        tco=to_micros(snapshot.tco),
        benefit={b: to_micros(getattr(snapshot, f"benefit_{b.value}")) for b in Basis},
        cumulative_benefit={b: to_micros(getattr(snapshot, f"cumulative_benefit_{b.value}")) for b in Basis},
        missing_fx=snapshot.is_missing_fx,
        overflow=bytes(snapshot.reasons)[_ROI] == _OVERFLOW,
    )
