"""What a reader of a business case should mind: assumptions that flatter it, and figures that disagree."""

import numpy as np

from portfolio.terms import AccountKind
from roi.usecases import wording
from roi.usecases.base import Case, HiddenCosts
from roi.usecases.drivers import drivers_of
from roi.usecases.figures import CaseFigures
from roi.usecases.totals import Totals


def warnings(case: Case, computed: CaseFigures) -> list[str]:
    """Return the sentences that apply to a case, the template's own last."""
    found = (
        _negative_npv(case, computed),
        _crosses_again(computed),
        _cashable(case, computed),
        _counted_twice(computed),
        _flat(case, computed),
        _hidden(case),
    )
    return [*(sentence for sentence in found if sentence), *case.template.notes(case)]


def _negative_npv(case: Case, computed: CaseFigures) -> str:
    roi, npv = computed.view.roi.value, computed.view.npv_at_hurdle.value
    if roi is None or npv is None or not (roi >= 0 > npv):
        return ""
    hurdle = wording.rate(case.hurdle_rate)
    return f"ROI is not negative, yet NPV at the hurdle of {hurdle} is {wording.money(npv)}: it earns less than that."


def _crosses_again(computed: CaseFigures) -> str:
    first, last = computed.breakeven_month.value, computed.last_breakeven_month.value
    if first is None or last is None or last == first:
        return ""
    return f"After breakeven in month {first:g} it falls below again, and breaks even for good in month {last:g}."


def _cashable(case: Case, computed: CaseFigures) -> str:
    labor = Totals(computed.plan).of("labor_savings")
    if labor <= 0 or case.template.is_labor_realized:
        return ""
    return (
        f"Labor savings of {wording.money(labor)} count as cash in full;"
        " an hour saved is money only when it is redeployed or not hired."
    )


def _counted_twice(computed: CaseFigures) -> str:
    totals = Totals(computed.plan)
    speed = totals.of("speed")
    if speed <= 0 or totals.of("labor_savings") <= 0:
        return ""
    return (
        f"Speed ({wording.money(speed)}) stands beside labor savings:"
        " make sure that both do not value the same hours."
    )


def _flat(case: Case, computed: CaseFigures) -> str:
    changes = [
        line
        for line in computed.plan
        if not line.is_one_time and line.kind in (AccountKind.COST, AccountKind.BENEFIT)
        if np.ptp(line.amounts)
    ]
    if changes or case.months == 1:
        return ""
    return "Every month is like the first: no ramp-up, no churn, no change of prices, no loss of effect is planned."


def _hidden(case: Case) -> str:
    if any(getattr(case.hidden_costs, one.name) for one in drivers_of(HiddenCosts)):
        return ""
    return "No hidden cost is stated: integrations and their upkeep, evaluation, safety, compliance, legal review."
