"""A portfolio rolled up: by unit, sponsor, use case, vendor, stage, value category, treatment and regulatory tag.

Everything is read once for all groupings. Sums cover every investment's months up to one common month; what benefit
pools leave out stands beside the benefit it is taken from.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from portfolio.models import Deployment, Hypothesis, Investment, Portfolio
from portfolio.terms import Basis, add_months, from_micros, month_index
from roi import benefit_pools, inputs, lines, scorecards
from roi.benefit_pools import Pooled
from roi.engine import metrics, rollup
from roi.engine.figures import Figures
from roi.engine.result import REASON_OF_CODE, Reason
from roi.engine.rollup import Amounts, Balance, Funded, Part, Reserve, RollUp, Spend, Untraced
from roi.inputs import Inputs


class Dimension(StrEnum):
    """What a portfolio is grouped by."""

    UNIT = "unit"
    SPONSOR = "sponsor"
    USE_CASE = "use_case"
    VENDOR = "vendor"
    STAGE = "stage"
    VALUE_CATEGORY = "value_category"
    TREATMENT = "treatment"
    REGULATORY_TAG = "regulatory_tag"


OF_ACCOUNTS = (Dimension.TREATMENT, Dimension.REGULATORY_TAG)


@dataclass(frozen=True, slots=True)
class View:
    """A portfolio's arithmetic through one month, on one basis, in its reporting currency."""

    portfolio: Portfolio
    basis: Basis
    month: date | None  # None: no month is closed yet
    investments: Mapping[str, Investment]  # by code
    by_dimension: Mapping[Dimension, RollUp]
    pools: tuple[Pooled, ...]
    untraced: Untraced
    budget: Reserve
    capacity: Reserve
    balance: Balance

    @property
    def total(self) -> rollup.Group:
        """Return the portfolio's total, the same by every dimension."""
        return self.by_dimension[Dimension.UNIT].total


@dataclass(frozen=True, slots=True)
class Totals:
    """What a portfolio adds up to through one month: its total on each basis, after pools, and its untraced spend.

    `left_out` is what the pools leave out of the benefit, by basis and month, in micro-units.
    """

    by_basis: Mapping[Basis, rollup.Group]
    untraced: Untraced
    left_out: Mapping[Basis, Mapping[date, int]]


def totals(
    portfolio: Portfolio, investments: Sequence[Investment], *, months: Collection[date], knowledge: int
) -> dict[date, Totals]:
    """Return the totals of `view` through each month, of the investments of the portfolio as known then.

    One load for all months. The caller holds one consistent view of the database.
    """
    if not investments:
        nothing, none = rollup.roll_up([]).total, rollup.untraced([])
        return {
            month: Totals(dict.fromkeys(Basis, nothing), none, {basis: {} for basis in Basis})
            for month in months
        }
    loaded = inputs.load(investments, knowledge=knowledge)
    computed = metrics.compute(loaded.series)
    with_metric = _with_metric(loaded.investments, knowledge)
    pools = benefit_pools.in_force(portfolio, knowledge=knowledge)
    found = {}
    for month in months:
        by_basis, left_out = {}, {}
        for basis in Basis:
            sheet = _Sheet(loaded.investments, loaded, computed, basis, month)
            shared = benefit_pools.overlaps(
                pools, loaded.investments, basis=basis, through=month, knowledge=knowledge
            )
            by_basis[basis] = rollup.roll_up(sheet.parts(Dimension.UNIT, {}, shared.by_account)).total
            left_out[basis] = shared.by_month
        found[month] = Totals(by_basis, rollup.untraced(sheet.spends(with_metric)), left_out)
    return found


def view(
    portfolio: Portfolio,
    *,
    today: date,
    basis: Basis = Basis.SUPPORTED,
    month: date | None = None,
    knowledge: int | None = None,
) -> View:
    """Return the portfolio through a month (default: its newest closed month), as known then or now.

    The investments are those of the portfolio today; their names and groups are today's as well. The caller holds one
    consistent view of the database.
    """
    members = list(
        Investment.objects.filter(portfolio=portfolio).select_related("portfolio", "sponsor").order_by("pk")
    )
    loaded = inputs.load(members, knowledge=knowledge) if members else None
    through = month or (_newest_closed(loaded) if loaded else None)
    if loaded is None or through is None or not loaded.investments:
        return _empty(portfolio, basis)
    by_id = {one.pk: one for one in members}
    known = [by_id[one.pk] for one in loaded.investments]
    sheet = _Sheet(known, loaded, metrics.compute(loaded.series), basis, through)
    pools = benefit_pools.in_force(portfolio, knowledge=knowledge)
    shared = benefit_pools.overlaps(
        pools, loaded.investments, basis=basis, through=through, knowledge=knowledge
    )
    vendors = _vendors(known, through)
    by_dimension = {
        dimension: rollup.roll_up(sheet.parts(dimension, vendors, shared.by_account))
        for dimension in Dimension
        if dimension not in OF_ACCOUNTS
    } | _by_account(sheet, shared.by_account, basis, through, knowledge)
    proposals = scorecards.proposals(known, loaded, today=today, knowledge=knowledge)
    return View(
        portfolio=portfolio,
        basis=basis,
        month=through,
        investments={one.code: one for one in known},
        by_dimension=by_dimension,
        pools=shared.pooled,
        untraced=rollup.untraced(sheet.spends(_with_metric(known, knowledge))),
        budget=_budget(portfolio, sheet, through),
        capacity=_capacity(portfolio, known),
        balance=rollup.balance(sheet.funded(proposals)),
    )


def _empty(portfolio: Portfolio, basis: Basis) -> View:
    nothing = rollup.roll_up([])
    return View(
        portfolio=portfolio,
        basis=basis,
        month=None,
        investments={},
        by_dimension=dict.fromkeys(Dimension, nothing),
        pools=(),
        untraced=rollup.untraced([]),
        budget=rollup.reserve(None, target_share=portfolio.exploration_share, used=Decimal(0)),
        capacity=rollup.reserve(None, target_share=portfolio.exploration_share, used=Decimal(0)),
        balance=rollup.balance([]),
    )


def _newest_closed(loaded: Inputs) -> date | None:
    closed = [
        int(loaded.first_month[row]) + int(columns.nonzero()[0][-1])
        for row, columns in enumerate(loaded.series.closed)
        if columns.any()
    ]
    return inputs.month_of(max(closed), 0) if closed else None


class _Sheet:
    """The figures of all investments through one month, row by row."""

    def __init__(
        self,
        investments: Sequence[Investment],
        loaded: Inputs,
        figures: Figures,
        basis: Basis,
        through: date,
    ) -> None:
        self.investments, self.loaded, self.figures = investments, loaded, figures
        self.of_basis = figures.by_basis[basis]
        last = month_index(through) - loaded.first_month
        self.started = (last >= 0).tolist()
        self.at = last.clip(0, loaded.series.length - 1).tolist()

    def _rows(self) -> list[tuple[int, int, Investment]]:
        """Return row, column and investment of everybody who has begun by then."""
        return [(row, self.at[row], one) for row, one in enumerate(self.investments) if self.started[row]]

    def reason(self, row: int, column: int) -> Reason | None:
        """Return why the cumulative figures of an investment are undefined."""
        return REASON_OF_CODE.get(int(self.figures.cumulative_reason[row, column]))

    def parts(
        self,
        dimension: Dimension,
        vendors: Mapping[int, str],
        overlaps: Mapping[tuple[int, int], int],
    ) -> list[Part]:
        """Return each investment's sums under its group."""
        lowered: dict[int, int] = {}
        for (pk, _), amount in overlaps.items():
            lowered[pk] = lowered.get(pk, 0) + amount
        return [
            Part(
                group_of(one, dimension, vendors),
                one.code,
                Amounts(
                    run=int(self.figures.cumulative_run[row, column]),
                    one_time=int(self.figures.cumulative_one_time[row, column]),
                    benefit=int(self.of_basis.cumulative_benefit[row, column]),
                    overlap=lowered.get(one.pk, 0),
                ),
                self.reason(row, column),
            )
            for row, column, one in self._rows()
        ]

    def reasons(self) -> dict[int, Reason | None]:
        """Return by investment why its cumulative figures are undefined, of everybody who has begun."""
        return {one.pk: self.reason(row, column) for row, column, one in self._rows()}

    def spends(self, with_metric: set[int]) -> list[Spend]:
        """Return run cost to date and whether anything measures what it brings."""
        claimed = self.figures.by_basis[Basis.CLAIMED].benefit
        return [
            Spend(
                one.code,
                int(self.figures.cumulative_run[row, column]),
                has_benefit_line=bool(claimed[row, : column + 1].any()),
                has_metric=one.pk in with_metric,
            )
            for row, column, one in self._rows()
        ]

    def funded(self, proposals: Mapping[int, str | None]) -> list[Funded]:
        """Return what each gets and earns over its last window."""
        return [
            Funded(
                one.code,
                int(self.figures.window_run[row, column]),
                self.of_basis.incremental_roi.at((row, column)),
                float(self.loaded.series.hurdle_rate[row]),
                proposals.get(one.pk),
            )
            for row, column, one in self._rows()
        ]

    def spent(self, first: date, through: date, *, of_exploration: bool) -> int:
        """Return the cost of the months first..through, of experiments alone or of everybody."""
        total = 0
        for row, column, one in self._rows():
            if of_exploration and not one.is_exploration:
                continue
            begin = max(month_index(first) - int(self.loaded.first_month[row]), 0)
            total += int(self.figures.cost[row, begin : column + 1].sum())
        return total


def group_of(investment: Investment, dimension: Dimension, vendors: Mapping[int, str]) -> str:
    """Return the group of an investment; empty where it has none."""
    if dimension is Dimension.UNIT:
        return investment.business_unit
    if dimension is Dimension.SPONSOR:
        return str(investment.sponsor) if investment.sponsor else ""
    if dimension is Dimension.USE_CASE:
        return investment.use_case
    if dimension is Dimension.VENDOR:
        return vendors.get(investment.pk, "")
    return investment.stage if dimension is Dimension.STAGE else investment.value_category


def _vendors(investments: Sequence[Investment], through: date) -> dict[int, str]:
    """Return the vendor of the deployment in force in a month."""
    rows = Deployment.objects.filter(investment__in=investments, effective_month__lte=through)
    newest = rows.order_by("investment_id", "-effective_month").distinct("investment_id")
    return dict(newest.values_list("investment_id", "vendor"))


def _by_account(
    sheet: _Sheet,
    overlaps: Mapping[tuple[int, int], int],
    basis: Basis,
    through: date,
    knowledge: int | None,
) -> dict[Dimension, RollUp]:
    """Return the groupings by an attribute of the account; benefits have no treatment, most accounts no tag."""
    reasons = sheet.reasons()
    codes = {one.pk: one.code for one in sheet.investments}
    attributes = lines.attributes(knowledge=knowledge)
    summed = lines.by_account(
        [one for one in sheet.loaded.investments if one.pk in reasons],
        basis=basis,
        through=through,
        knowledge=knowledge,
    )
    amounts = {
        (one.investment_id, one.account_id): Amounts(
            one.run, one.one_time, one.benefit, overlaps.get((one.investment_id, one.account_id), 0)
        )
        for one in summed
    }
    return {
        dimension: rollup.roll_up(
            [
                Part(getattr(attributes[account], dimension.value), codes[pk], each, reasons[pk])
                for (pk, account), each in amounts.items()
            ]
        )
        for dimension in OF_ACCOUNTS
    }


def _with_metric(investments: Sequence[Investment], knowledge: int | None) -> set[int]:
    rows = Hypothesis.objects.filter(investment__in=investments).exclude(metric="")
    if knowledge is not None:
        rows = rows.exclude(batch_id__gt=knowledge)
    return set(rows.values_list("investment_id", flat=True))


def fiscal_year_start(portfolio: Portfolio, month: date) -> date:
    """Return the first month of the fiscal year a month lies in."""
    return add_months(month, -((month.month - portfolio.fiscal_year_start_month) % 12))


def _budget(portfolio: Portfolio, sheet: _Sheet, through: date) -> Reserve:
    """Return what experiments cost in the fiscal year so far against their share of the year's budget."""
    used = sheet.spent(fiscal_year_start(portfolio, through), through, of_exploration=True)
    return rollup.reserve(
        portfolio.yearly_budget, target_share=portfolio.exploration_share, used=from_micros(used)
    )


def _capacity(portfolio: Portfolio, investments: Sequence[Investment]) -> Reserve:
    used = sum((one.capacity_person_months for one in investments if one.is_exploration), Decimal(0))
    return rollup.reserve(
        portfolio.capacity_person_months, target_share=portfolio.exploration_share, used=used
    )
