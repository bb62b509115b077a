"""What a fact must be before the ledger takes it: each refusal is a value with a sentence, nothing is dropped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from portfolio.models import Account, Investment, MonthState, PlanApproval, Portfolio, User
from portfolio.terms import (
    MAX_AMOUNT,
    AccountKind,
    Book,
    EntryKind,
    MonthStatus,
    first_of_month,
    format_month,
    month_index,
    round_micro,
)

# The furthest time zone is 14 hours ahead of UTC: a month that has begun nowhere is in the future.
_FURTHEST_ZONE = timedelta(hours=14)
# Months from an investment's start on; figures are matrices that long, so a mistyped year must not get in.
LONGEST_HISTORY = 600
# The source of plan lines that a business case wrote; its versions are never drafts for imports.
BUSINESS_CASE = "business_case"


@dataclass(frozen=True, slots=True)
class Fact:
    """The value of one key as somebody states it. Money accounts carry an amount and a currency, others a quantity."""

    investment_id: int
    month: date
    account_id: int
    currency: str = ""
    amount: Decimal | None = None
    quantity: Decimal | None = None
    kind: EntryKind = EntryKind.VALUE
    source_ref: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """Who states facts, when, where from and why."""

    source: str
    now: datetime
    actor: User | None = None
    approver: User | None = None
    reason: str = ""
    book: Book = Book.ACTUAL
    book_version: int = 0


@dataclass(frozen=True, slots=True)
class FactError:
    """Why one fact was refused: its position among the facts, the field, the sentence, a stable code."""

    position: int
    field: str
    message: str
    code: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What recording one fact does: `new`, `changed` or `unchanged`, and what stood there before."""

    position: int
    status: str
    old_kind: str | None
    old_amount: Decimal | None
    old_quantity: Decimal | None
    month_status: str
    is_late: bool
    is_restatement: bool


class FactsRejected(ValueError):
    """Facts that cannot be recorded; `errors` has one sentence each, and nothing was written."""

    def __init__(self, errors: Sequence[FactError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.message for error in self.errors[:5]))


def check(portfolio: Portfolio, facts: Sequence[Fact], *, writing: Writing) -> list[FactError]:
    """Return what is wrong with the facts themselves, whatever stands in the ledger."""
    investments = {
        i.pk: i
        for i in Investment.objects.filter(portfolio=portfolio, pk__in={f.investment_id for f in facts})
    }
    accounts = {a.pk: a for a in Account.objects.filter(pk__in={f.account_id for f in facts})}
    approved = _approved_plans(investments, writing)
    limit = first_of_month((writing.now.astimezone(ZoneInfo("UTC")) + _FURTHEST_ZONE).date())
    errors: list[FactError] = []
    if writing.approver is not None and writing.approver == writing.actor:
        errors.append(
            FactError(0, "approver", "The approver must be somebody else than the author.", "four_eyes")
        )
    seen: dict[tuple[object, ...], int] = {}
    for position, fact in enumerate(facts):
        investment, account = investments.get(fact.investment_id), accounts.get(fact.account_id)
        if investment is None:
            errors.append(
                FactError(position, "investment", "This investment is not in the portfolio.", "unknown")
            )
            continue
        if account is None:
            errors.append(FactError(position, "account", "There is no such account.", "unknown"))
            continue
        errors += _check_text(position, fact)
        if fact.investment_id in approved:
            sentence = f"Version {writing.book_version} of the plan is approved and stays as it is; state a later one."
            errors.append(FactError(position, "book", sentence, "approved_plan"))
        key = (fact.investment_id, fact.month, fact.account_id, fact.currency, fact.source_ref)
        if key in seen:
            errors.append(
                FactError(position, "", "The same key is stated twice; give each a source_ref.", "duplicate")
            )
        seen[key] = position
        errors += _check_month(position, fact, investment, limit, writing)
        errors += _check_value(position, fact, account)
    return errors


def _approved_plans(investment_ids: Iterable[int], writing: Writing) -> set[int]:
    """Return the investments whose plan of this version was ever approved: evidence, so it is never overwritten."""
    if writing.book is not Book.PLAN:
        return set()
    rows = PlanApproval.objects.filter(investment__in=list(investment_ids), version=writing.book_version)
    return set(rows.values_list("investment_id", flat=True))


def _check_month(
    position: int, fact: Fact, investment: Investment, limit: date, writing: Writing
) -> list[FactError]:
    if fact.month.day != 1:
        return [FactError(position, "month", "A month is given as its first day.", "invalid")]
    if fact.month < investment.start_month:
        sentence = (
            f"{format_month(fact.month)} is before {investment.code} starts "
            f"({format_month(investment.start_month)}); earlier lines need an earlier start month."
        )
        return [FactError(position, "month", sentence, "before_start")]
    if writing.book is Book.ACTUAL and fact.month > limit:
        sentence = f"{format_month(fact.month)} is in the future; actuals state what has happened."
        return [FactError(position, "month", sentence, "future_month")]
    if month_index(fact.month) - month_index(investment.start_month) >= LONGEST_HISTORY:
        years = LONGEST_HISTORY // 12
        sentence = f"{format_month(fact.month)} is {years} years or more after {investment.code} starts."
        return [FactError(position, "month", sentence, "too_far")]
    return []


def _check_value(position: int, fact: Fact, account: Account) -> list[FactError]:
    is_money = account.kind in (AccountKind.COST.value, AccountKind.BENEFIT.value)
    if fact.kind is not EntryKind.VALUE:
        if fact.amount is not None or fact.quantity is not None:
            return [FactError(position, "amount", "A nil carries neither amount nor quantity.", "invalid")]
        if bool(fact.currency) != is_money or (is_money and not _is_currency(fact.currency)):
            return [FactError(position, "currency", _currency_sentence(account, is_money), "invalid")]
        return []
    if is_money and (fact.amount is None or not fact.currency):
        return [FactError(position, "amount", f"{account.code} needs an amount and a currency.", "required")]
    if not is_money and (fact.quantity is None or fact.amount is not None or fact.currency):
        sentence = f"{account.code} is counted in {account.unit}: it needs a quantity and neither amount nor currency."
        return [FactError(position, "quantity", sentence, "required")]
    if is_money and not _is_currency(fact.currency):
        return [FactError(position, "currency", _currency_sentence(account, is_money), "invalid")]
    errors = []
    for name, value in (("amount", fact.amount), ("quantity", fact.quantity)):
        if value is None:
            continue
        limit = MAX_AMOUNT if name == "amount" else Decimal(10) ** 18
        if not value.is_finite() or abs(value) > limit:
            errors.append(
                FactError(position, name, f"{name.capitalize()} is outside ±{limit:.0E}.", "out_of_range")
            )
        elif round_micro(value) != value:
            errors.append(FactError(position, name, f"{value} has more than six decimals.", "too_precise"))
    return errors


def _check_text(position: int, fact: Fact) -> list[FactError]:
    errors = []
    for name, text, longest in (("source_ref", fact.source_ref, 200), ("note", fact.note, 500)):
        if any(ord(c) < 32 for c in text):
            errors.append(FactError(position, name, "Control characters are not allowed.", "invalid"))
        if len(text) > longest:
            sentence = f"A {name} has at most {longest} characters; this one has {len(text)}."
            errors.append(FactError(position, name, sentence, "too_long"))
    return errors


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()


def _currency_sentence(account: Account, is_money: bool) -> str:
    if is_money:
        return f"{account.code} carries money: give its currency as three capital letters."
    return f"{account.code} carries no money: leave the currency empty."


def month_states(portfolio: Portfolio) -> dict[date, str]:
    """Return the state in force of every month whose state was ever set; others are open."""
    rows = (
        MonthState.objects.filter(portfolio=portfolio)
        .order_by("month", "-batch_id", "-id")
        .distinct("month")
        .values_list("month", "status")
    )
    return dict(rows)


def judge(
    position: int,
    fact: Fact,
    found: tuple[str | None, Decimal | None, Decimal | None, bool],
    month_status: str,
    *,
    writing: Writing,
) -> Judged:
    """Return what recording the fact over the found cell means in the month's state."""
    old_kind, old_amount, old_quantity, is_same = found
    is_absent = old_kind is None or old_kind == EntryKind.WITHDRAWN.value
    if is_same or (is_absent and fact.kind is EntryKind.WITHDRAWN):
        status = "unchanged"
    else:
        status = "new" if is_absent else "changed"
    is_past = writing.book is Book.ACTUAL and month_status != MonthStatus.OPEN.value
    return Judged(
        position=position,
        status=status,
        old_kind=old_kind,
        old_amount=old_amount,
        old_quantity=old_quantity,
        month_status=month_status,
        is_late=is_past and status == "new",
        is_restatement=is_past and status == "changed",
    )


def check_states(judged: Sequence[Judged], facts: Sequence[Fact], *, writing: Writing) -> list[FactError]:
    """Return the refusals that come from month states: no reason for a restatement, no second person for a lock."""
    errors = []
    has_second_person = writing.approver is not None and writing.approver != writing.actor
    for j in judged:
        if j.status == "unchanged" or not (j.is_late or j.is_restatement):
            continue
        month = format_month(facts[j.position].month)
        if j.month_status == MonthStatus.LOCKED.value and not has_second_person:
            sentence = f"{month} is locked: a change needs the approval of a second person."
            errors.append(FactError(j.position, "month", sentence, "locked"))
        elif j.is_restatement and not writing.reason.strip():
            sentence = f"{month} is closed: changing a value there is a restatement and needs a reason."
            errors.append(FactError(j.position, "month", sentence, "reason_required"))
    return errors


def canonical_line(fact: Fact, writing: Writing) -> str:
    """Return the fact as the line that is hashed into its batch."""
    # `z`: minus zero is stored as zero, and must hash like it when read back.
    amount = "" if fact.amount is None else f"{fact.amount:z.6f}"
    quantity = "" if fact.quantity is None else f"{fact.quantity:z.6f}"
    parts = (
        fact.investment_id,
        writing.book.value,
        writing.book_version,
        format_month(fact.month),
        fact.account_id,
        fact.currency,
        writing.source,
        fact.source_ref,
        fact.kind.value,
        amount,
        quantity,
        fact.note,
    )
    return "|".join(str(part) for part in parts)
