"""Rates and reference data that figures depend on, versioned by knowledge time: settings and FX rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from portfolio import knowledge, nudge
from portfolio.models import (
    Account,
    Approval,
    Assumptions,
    FxRate,
    Investment,
    Portfolio,
    User,
)
from portfolio.terms import AccountKind, Stage, format_month

DEFAULT_HURDLE_RATE = Decimal("0.12")
DEFAULT_DISCOUNT_RATE = Decimal("0.10")


class AssumptionError(ValueError):
    """An assumption that cannot be set; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates in force for one investment: its own where set, else its portfolio's."""

    hurdle_rate: Decimal
    discount_rate: Decimal
    asserted_share: Decimal
    realization_rates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of reporting currency per unit of currency: the average of a month, with its source."""

    currency: str
    reporting_currency: str
    month: date
    rate: Decimal
    source: str


@transaction.atomic
def set_rates(
    portfolio: Portfolio,
    *,
    now: datetime,
    actor: User | None = None,
    investment: Investment | None = None,
    hurdle_rate: Decimal | None = None,
    discount_rate: Decimal | None = None,
    asserted_share: Decimal | None = None,
    realization_rates: Mapping[str, str] | None = None,
    reason: str = "",
    approval: Approval | None = None,
) -> Assumptions:
    """Put rates in force from now on, for a portfolio or overriding it for one investment (None inherits there).

    A hurdle that takes the place of another needs its approval: see `proposals`. Raises AssumptionError for that, and
    for rates that are missing or out of range, ValidationError for realization rates that are.
    """
    row = stated_rates(
        portfolio,
        investment,
        hurdle_rate=hurdle_rate,
        discount_rate=discount_rate,
        asserted_share=asserted_share,
        realization_rates=realization_rates,
    )
    knowledge.lock_portfolio(portfolio.pk)
    if approval is None and moves_hurdle(portfolio, investment, hurdle_rate):
        raise AssumptionError(
            "A hurdle rate in force is changed by two people: one asks for it, another allows it."
        )
    row.approval = approval
    batch = knowledge.open_batch(
        portfolio=portfolio,
        kind="assumptions",
        now=now,
        actor=actor,
        approver=approval.approver if approval else None,
        reason=reason,
        content=[
            f"{investment.pk if investment else ''}|{hurdle_rate}|{discount_rate}|{asserted_share}|"
            f"{sorted(row.realization_rates.items())}"
        ],
    )
    row.batch = batch
    row.save()
    if investment is None:
        knowledge.advance_heads("portfolio", [portfolio.pk], batch.pk)
        nudge.ring(list(Investment.objects.filter(portfolio=portfolio).values_list("pk", flat=True)))
    else:
        knowledge.advance_heads("investment", [investment.pk], batch.pk)
        nudge.ring([investment.pk])
    return row


def stated_rates(
    portfolio: Portfolio,
    investment: Investment | None,
    *,
    hurdle_rate: Decimal | None,
    discount_rate: Decimal | None,
    asserted_share: Decimal | None,
    realization_rates: Mapping[str, str] | None,
) -> Assumptions:
    """Return rates as an unsaved row, checked. Raises AssumptionError or ValidationError."""
    stated = {"hurdle_rate": hurdle_rate, "discount_rate": discount_rate, "asserted_share": asserted_share}
    _check_rates(stated, is_complete=investment is None)
    if investment is not None and investment.portfolio_id != portfolio.pk:
        raise AssumptionError(f"{investment.code} is not in the portfolio {portfolio.code}.")
    row = Assumptions(
        portfolio=portfolio,
        investment=investment,
        realization_rates=dict(realization_rates or {}),
        **stated,
    )
    row.clean_fields(exclude=["batch", "investment", *stated])
    row.realization_rates = _realization(row.realization_rates)
    return row


def latest(portfolio: Portfolio, investment: Investment | None) -> Assumptions | None:
    """Return the newest rates set for a portfolio, or for one investment of its own."""
    own = Q(investment=investment) if investment else Q(portfolio=portfolio, investment__isnull=True)
    return Assumptions.objects.filter(own).order_by("-batch_id").first()


def moves_hurdle(portfolio: Portfolio, investment: Investment | None, hurdle_rate: Decimal | None) -> bool:
    """Return whether a hurdle rate would take the place of one that was agreed to: two people do that.

    An investment that is only proposed may be given a hurdle of its own; the first rates of a portfolio are free.
    """
    last = latest(portfolio, investment)
    before = last.hurdle_rate if last else None
    if before is None and (investment is None or _is_proposed(investment)):
        return False
    return before != hurdle_rate


def _is_proposed(investment: Investment) -> bool:
    # Asked of the row: the copy at hand may be older than the stage.
    return Investment.objects.filter(pk=investment.pk, stage=Stage.PROPOSED.value).exists()


def _check_rates(stated: Mapping[str, Decimal | None], *, is_complete: bool) -> None:
    for name, rate in stated.items():
        spoken = name.replace("_", " ")
        if rate is None:
            if is_complete:
                raise AssumptionError(f"A portfolio needs its {spoken}.")
            continue
        is_share = name == "asserted_share"
        low, high = Decimal(0 if is_share else -1), Decimal(1 if is_share else 10)
        if not rate.is_finite() or not low <= rate <= high or (rate == low and not is_share):
            bounds = (
                "between 0 and 1" if is_share else "above -1 and at most 10, where 0.12 is twelve percent"
            )
            raise AssumptionError(f"The {spoken} {rate} must be {bounds}.")


def _realization(rates: Mapping[str, object]) -> dict[str, str]:
    """Return realization rates as plain decimal texts. Raises AssumptionError where the account is no benefit."""
    known = Account.objects.filter(kind=AccountKind.BENEFIT.value, code__in=rates)
    unknown = sorted(set(rates) - set(known.values_list("code", flat=True)))
    if unknown:
        raise AssumptionError(f"There is no benefit account named {', '.join(unknown)}.")
    return {code: f"{Decimal(str(rate)):f}" for code, rate in rates.items()}


def rates_of(investments: Sequence[Investment], *, knowledge_time: int | None = None) -> dict[int, Rates]:
    """Return the rates in force for each investment, now or as known at a knowledge time."""
    # An investment's own rates stay its own when it moves to another portfolio.
    rows = Assumptions.objects.filter(
        Q(investment__isnull=True, portfolio__in={i.portfolio_id for i in investments})
        | Q(investment__in=[i.pk for i in investments])
    )
    if knowledge_time is not None:
        rows = rows.filter(batch_id__lte=knowledge_time)
    bases: dict[int, Assumptions] = {}
    own: dict[int, Assumptions] = {}
    newest = rows.order_by("portfolio_id", "investment_id", "-batch_id").distinct(
        "portfolio_id", "investment_id"
    )
    for row in sorted(newest, key=lambda row: row.batch_id):
        if row.investment_id is None:
            bases[row.portfolio_id] = row
        else:
            own[row.investment_id] = row
    return {i.pk: _resolve(bases.get(i.portfolio_id), own.get(i.pk)) for i in investments}


def rates_of_portfolio(portfolio: Portfolio) -> Rates:
    """Return the rates in force for an investment of the portfolio that has none of its own."""
    rows = Assumptions.objects.filter(portfolio=portfolio, investment__isnull=True)
    return _resolve(rows.order_by("-batch_id").first(), None)


def _resolve(base: Assumptions | None, own: Assumptions | None) -> Rates:
    def pick(name: str, default: Decimal) -> Decimal:
        for row in (own, base):
            value: Decimal | None = getattr(row, name) if row else None
            if value is not None:
                return value
        return default

    return Rates(
        hurdle_rate=pick("hurdle_rate", DEFAULT_HURDLE_RATE),
        discount_rate=pick("discount_rate", DEFAULT_DISCOUNT_RATE),
        asserted_share=pick("asserted_share", Decimal(1)),
        realization_rates=(base.realization_rates if base else {}) | (own.realization_rates if own else {}),
    )


@transaction.atomic
def set_fx_rates(rates: Sequence[Rate], *, now: datetime, actor: User | None = None, reason: str = "") -> int:
    """Record FX rates that differ from those in force and return how many did. No cross rates are derived."""
    knowledge.lock_installation()
    current = {(r.currency, r.reporting_currency, r.month): r.rate for r in fx_rates()}
    keyed = {(r.currency, r.reporting_currency, r.month): r for r in rates}
    changed = [r for key, r in sorted(keyed.items()) if current.get(key) != r.rate]
    for r in changed:
        _check_fx_rate(r)
    if not changed:
        return 0
    batch = knowledge.open_batch(
        portfolio=None,
        kind="fx_rates",
        now=now,
        actor=actor,
        reason=reason,
        content=[
            f"{r.currency}|{r.reporting_currency}|{format_month(r.month)}|{r.rate:.10f}" for r in changed
        ],
    )
    FxRate.objects.bulk_create(
        FxRate(
            batch=batch,
            currency=r.currency,
            reporting_currency=r.reporting_currency,
            month=r.month,
            rate=r.rate,
            source=r.source,
        )
        for r in changed
    )
    knowledge.advance_heads("installation", [0], batch.pk)
    nudge.ring([])
    return len(changed)


def _check_fx_rate(r: Rate) -> None:
    where = f"The rate of {r.currency} for {format_month(r.month)}"
    if not all(
        len(c) == 3 and c.isascii() and c.isalpha() and c.isupper()
        for c in (r.currency, r.reporting_currency)
    ):
        raise AssumptionError(f"{where} needs both currencies as three capital letters, for example EUR.")
    if r.currency == r.reporting_currency:
        raise AssumptionError(
            f"{where} is between a currency and itself; that is always 1 and is not entered."
        )
    if r.month.day != 1:
        raise AssumptionError(f"{where} is given for {r.month}; a month is given as its first day.")
    if not r.source.strip():
        raise AssumptionError(f"{where} needs its source.")
    if not (r.rate.is_finite() and r.rate > 0):
        raise AssumptionError(f"{where} must be above zero.")


def fx_rates(*, knowledge_time: int | None = None) -> list[FxRate]:
    """Return the rates in force, now or as known at a knowledge time."""
    rows = FxRate.objects.all()
    if knowledge_time is not None:
        rows = rows.filter(batch_id__lte=knowledge_time)
    key = ("currency", "reporting_currency", "month")
    return list(rows.order_by(*key, "-batch_id").distinct(*key))
