"""What a month grid sends back: changed boxes, read as the page writes numbers, recorded all or nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from portfolio import knowledge, ledger
from portfolio.facts import Fact, FactsRejected, Writing
from portfolio.importers.notation import Unreadable, parse_number
from portfolio.knowledge import KnowledgeError
from portfolio.ledger import Recorded
from portfolio.models import Account, Cell, Investment, Portfolio, User
from portfolio.terms import AccountKind, Book, EntryKind, parse_month
from reports.console.grid_notation import NIL, NOTATIONS, Notation
from reports.console.grid_sheet import SOURCE, seen_of

MAX_CHANGES = 5_000
_MONEY = (AccountKind.COST.value, AccountKind.BENEFIT.value)
_SPACES = {"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "’": "'"}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed box: its key, the text typed, and what the ledger held when the page was shown."""

    investment: str
    account: str
    month: str
    currency: str
    text: str
    seen: str


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything a page sends: the changes in their order, how numbers are written, and the reason given."""

    portfolio: str
    notation: Notation
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class BoxError:
    """Why one change was refused: its position among the changes and the sentence."""

    index: int
    message: str
    code: str


class SubmissionError(ValueError):
    """A submission that is not one; the message is for the user."""


class ChangesRefused(ValueError):
    """Changes that cannot be recorded; nothing was written."""

    def __init__(self, errors: Sequence[BoxError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(error.message for error in self.errors[:5]))


@dataclass(frozen=True, slots=True)
class Saved:
    """What was recorded, and each changed box as it now stands: its text and what the ledger holds."""

    recorded: Recorded
    boxes: list[tuple[str, str]]


def parse_submission(body: bytes) -> Submission:
    """Return what a page sent; raises SubmissionError with one sentence."""
    try:
        document = json.loads(body)
        changes = tuple(Change(**_texts(each)) for each in document["changes"])
        submission = Submission(
            portfolio=str(document["portfolio"]),
            notation=NOTATIONS[document["notation"]],
            reason=str(document.get("reason", "")).strip()[:2_000],
            changes=changes,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SubmissionError(
            "The page sent something this server does not understand; load it again."
        ) from None
    if len(changes) > MAX_CHANGES:
        raise SubmissionError(f"At most {MAX_CHANGES:,} cells can be saved at once; import a file instead.")
    return submission


def _texts(each: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in each.values()):
        raise TypeError("A change holds texts only.")
    return each


@transaction.atomic
def save(portfolio: Portfolio, submission: Submission, *, now: datetime, actor: User) -> Saved:
    """Record the changes of one page, all or nothing; raises ChangesRefused with a sentence per refused box.

    A box that somebody else has changed since the page was shown is refused rather than overwritten.
    """
    knowledge.lock_portfolio(portfolio.pk)
    reader = _Reader(portfolio, submission)
    facts = reader.facts()
    writing = Writing(source=SOURCE, now=now, actor=actor, reason=submission.reason)
    sound = [index for index, fact in enumerate(facts) if fact is not None]
    stated = [fact for fact in facts if fact is not None]
    try:
        if reader.errors:
            _, refused = ledger.preview(portfolio, stated, writing=writing)
            raise FactsRejected(refused)
        recorded = ledger.record(portfolio, stated, writing=writing)
    except FactsRejected as rejected:
        found = [BoxError(sound[e.position], e.message, e.code) for e in rejected.errors]
        raise ChangesRefused(sorted(reader.errors + found, key=lambda error: error.index)) from None
    except KnowledgeError as error:
        raise ChangesRefused([BoxError(0, str(error), "time")]) from None
    return Saved(recorded, [reader.shown(fact) for fact in stated])


class _Reader:
    """Turns changes into facts, against what the ledger holds now."""

    def __init__(self, portfolio: Portfolio, submission: Submission) -> None:
        self.submission = submission
        self.errors: list[BoxError] = []
        changes = submission.changes
        self._investments = {
            i.code: i
            for i in Investment.objects.filter(portfolio=portfolio, code__in={c.investment for c in changes})
        }
        self._accounts = {a.code: a for a in Account.objects.filter(code__in={c.account for c in changes})}
        self._kinds = {a.pk: a.kind for a in self._accounts.values()}
        self._held = self._read_held()

    def _read_held(self) -> dict[tuple[int, int, str, date], Cell]:
        rows = Cell.objects.filter(
            investment__in=[i.pk for i in self._investments.values()],
            account__in=[a.pk for a in self._accounts.values()],
            book=Book.ACTUAL.value,
            source=SOURCE,
            source_ref="",
        )
        return {(c.investment_id, c.account_id, c.currency, c.month): c for c in rows}

    def facts(self) -> list[Fact | None]:
        """Return a fact per change; None where it cannot be read, with the sentence in `errors`."""
        return [self._fact(index, change) for index, change in enumerate(self.submission.changes)]

    def _fact(self, index: int, change: Change) -> Fact | None:
        investment, account = self._investments.get(change.investment), self._accounts.get(change.account)
        if investment is None or account is None:
            return self._refuse(
                index, "There is no such line in this portfolio; load the page again.", "unknown"
            )
        try:
            month = parse_month(change.month)
            held = self._held.get((investment.pk, account.pk, change.currency, month))
            return self._stated(change, Fact(investment.pk, month, account.pk, change.currency), held)
        except Unreadable as error:
            return self._refuse(index, error.message, error.code)
        except _Stale as error:
            return self._refuse(index, str(error), "stale")
        except ValueError as error:
            return self._refuse(index, str(error), "invalid")

    def _refuse(self, index: int, message: str, code: str) -> Fact | None:
        self.errors.append(BoxError(index, message, code))
        return None

    def _stated(self, change: Change, key: Fact, held: Cell | None) -> Fact:
        is_money = self._kinds[key.account_id] in _MONEY
        seen = seen_of(held.kind, held.amount, held.quantity, is_money=is_money) if held else ""
        if seen != change.seen:
            now = seen.rstrip("0").rstrip(".") if "." in seen else seen
            raise _Stale(
                f"Somebody has changed this cell to {now or 'nothing'} since this page was shown; reload it."
            )
        text = "".join(_SPACES.get(char, char) for char in change.text).strip()
        if not text or text.lower() == NIL:
            # An emptied value becomes "there is none"; an emptied "there is none" takes the statement back.
            takes_back = not text and seen in (NIL, "")
            return _with(key, kind=EntryKind.WITHDRAWN if takes_back else EntryKind.NIL)
        figure = parse_number(text, mapping=self.submission.notation.mapping())
        if is_money:
            return _with(key, amount=figure, quantity=held.quantity if held else None)
        return _with(key, quantity=figure)

    def shown(self, fact: Fact) -> tuple[str, str]:
        """Return a recorded fact as its box shows it, and as the ledger holds it."""
        is_money = self._kinds[fact.account_id] in _MONEY
        seen = seen_of(fact.kind.value, fact.amount, fact.quantity, is_money=is_money)
        figure = fact.amount if is_money else fact.quantity
        if fact.kind is EntryKind.VALUE and figure is not None:
            return self.submission.notation.write(figure), seen
        return seen, seen


class _Stale(ValueError):
    """A box holds something else than the page showed; the message is for the user."""


def _with(key: Fact, **values: Any) -> Fact:
    return Fact(key.investment_id, key.month, key.account_id, key.currency, **values)
