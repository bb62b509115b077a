"""What people do while everything breaks: state actuals, correct them, import files, acknowledge alerts.

Writes go through the API with an idempotency key; one that fails is sent again under its key until it is answered.
What was answered is remembered, and has to be in the ledger in the end.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection
from django.test import Client
from knox.models import AuthToken

from alerts import targets
from alerts.models import Episode, Target
from portfolio import assumptions, investments, months
from portfolio.models import Investment, Membership, Portfolio, User
from portfolio.terms import Role, add_months, first_of_month, format_month

MONTHS = 6
PATIENCE = 60.0
# Cost and benefit of a month: far below the hurdle, below it, and above everything.
PROFILES = {"losing": (9000, 2000), "thin": (9000, 9300), "earning": (2000, 9000)}
_ACCOUNTS = ("model_api", "labor_savings")
_TENTH = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class Member:
    """One portfolio of the workload: who records there, by which token, and its investments."""

    code: str
    token: str
    investments: tuple[str, ...]


@dataclass(slots=True)
class Workload:
    """The people and their portfolios; `stated` is what the ledger acknowledged, by investment, month and account."""

    dice: random.Random
    members: list[Member] = field(default_factory=list)
    stated: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    retried: int = 0
    writes: int = 0

    def prepare(self, *, portfolios: int, size: int, webhook: str) -> None:
        """Put portfolios, people and months of actuals in, all of them well above their hurdle."""
        for number in range(1, portfolios + 1):
            self.members.append(_open_portfolio(f"F{number}", size, webhook))
        for member in self.members:
            self.state(member, member.investments, list(range(MONTHS)), "earning")
        for member in self.members:
            months.close(
                Portfolio.objects.get(code=member.code), [month_of(n) for n in range(MONTHS)], now=_now()
            )

    def act(self) -> None:
        """Do one thing, mostly a correction of the latest months."""
        member = self.dice.choice(self.members)
        chosen = self.dice.sample(member.investments, self.dice.choice((1, 1, 2, 3)))
        profile = self.dice.choice(list(PROFILES))
        what = self.dice.random()
        if what < 0.70:
            first = self.dice.choice((MONTHS - 3, MONTHS - 2, MONTHS - 1))
            self.state(member, chosen, list(range(first, MONTHS)), profile)
        elif what < 0.78:
            self.state(member, chosen, [0, 1], profile)
        elif what < 0.82:
            self.state(member, member.investments[:7], [MONTHS - 1, MONTHS - 2], profile)
        elif what < 0.90:
            self.import_file(member, chosen, profile)
        else:
            self.acknowledge(member)

    def correct_one(self) -> None:
        """Correct the latest months of one investment."""
        member = self.dice.choice(self.members)
        first = self.dice.choice((MONTHS - 3, MONTHS - 2, MONTHS - 1))
        code = self.dice.choice(member.investments)
        self.state(member, [code], list(range(first, MONTHS)), self.dice.choice(list(PROFILES)))

    def state(self, member: Member, codes: Any, numbers: list[int], profile: str) -> None:
        """State the months of investments by the API."""
        rows = _rows(codes, numbers, profile)
        body = {"rows": rows, "source": "actuals", "reason": "The invoices were wrong."}
        self.send(member, "put", "actuals/bulk", body)
        self.remember(rows)

    def remember(self, rows: list[dict[str, str]]) -> None:
        """Note what was acknowledged."""
        for row in rows:
            self.stated[row["investment"], row["month"], row["account"]] = Decimal(row["amount"])

    def import_file(self, member: Member, codes: Any, profile: str) -> None:
        """Import a file and commit it."""
        rows = _rows(codes, [MONTHS - 1], profile)
        run = self.upload(member, rows)
        self.send(member, "post", f"imports/{run['id']}/commit", {"reason": "The invoices were wrong."})
        self.remember(rows)

    def upload(self, member: Member, rows: list[dict[str, str]]) -> dict[str, Any]:
        """Upload rows as a file."""
        lines = ["investment,month,account,amount,currency"]
        lines += [f"{row['investment']},{row['month']},{row['account']},{row['amount']},USD" for row in rows]
        return self.send(member, "file", "imports", "\n".join(lines))

    def acknowledge(self, member: Member) -> None:
        """Acknowledge an open alert; one that ended meanwhile is refused, and so it should be."""
        found = again(
            lambda: list(
                Episode.objects.filter(investment__portfolio__code=member.code, closed_at=None)
                .order_by("id")
                .values_list("public_id", flat=True)
            )
        )
        if found:
            episode = self.dice.choice(found)
            self.send(member, "post", f"episodes/{episode}/acknowledge", {}, refused=(409,))

    def send(
        self, member: Member, verb: str, path: str, body: Any, *, refused: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """Send a request, again under the same key while the answer stays out; return the answer."""
        client, key = Client(raise_request_exception=False), uuid.uuid4().hex
        ends = time.monotonic() + PATIENCE
        self.writes += 1
        while True:
            status, answer = _once(client, member.token, key, verb, path, body)
            if status < 300 or status in refused:
                return answer
            # Locks of keys and of the database's own errors pass; a refusal of the request does not.
            assert status >= 500 or status in (409, 429), f"{path} answered {status}: {answer}"
            assert time.monotonic() < ends, f"{path} was never answered: {status} {answer}"
            self.retried += 1
            connection.close()
            time.sleep(0.1)


def again(ask: Any) -> Any:
    """Ask the database until it answers."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except DatabaseError:
            connection.close()
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def _once(
    client: Client, token: str, key: str, verb: str, path: str, body: Any
) -> tuple[int, dict[str, Any]]:
    given: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_IDEMPOTENCY_KEY": key}
    url = f"/api/v1/{path}"
    try:
        if verb == "file":
            file = SimpleUploadedFile("actuals.csv", body.encode(), content_type="text/csv")
            answer = client.post(url, {"file": file}, **given)
        else:
            send = client.put if verb == "put" else client.post
            answer = send(url, json.dumps(body), content_type="application/json", **given)
    except DatabaseError as error:
        return 500, {"detail": str(error)}
    try:
        return answer.status_code, dict(answer.json())
    except ValueError:
        return answer.status_code, {"detail": answer.content[:300].decode("utf-8", "replace")}


def _now() -> datetime:
    return datetime.now(UTC)


def month_of(number: int) -> date:
    """Return a month of the workload; the last one ended just now."""
    return add_months(first_of_month(_now().date()), number - MONTHS)


def _rows(codes: Any, numbers: list[int], profile: str) -> list[dict[str, str]]:
    return [
        {
            "investment": code,
            "month": format_month(month_of(number)),
            "account": account,
            "amount": str(value),
        }
        for code in codes
        for number in numbers
        for account, value in zip(_ACCOUNTS, PROFILES[profile], strict=True)
    ]


def _open_portfolio(code: str, size: int, webhook: str) -> Member:
    finn = User.objects.create(username=f"finn-{code}", email=f"finn@{code.lower()}.example.com")
    ada = User.objects.create(username=f"ada-{code}", email=f"ada@{code.lower()}.example.com")
    portfolio = Portfolio.objects.create(code=code, name="Customer operations")
    Membership.objects.create(user=finn, portfolio=portfolio, role=Role.FINANCE.value)
    Membership.objects.create(user=ada, portfolio=portfolio, role=Role.ADMIN.value)
    assumptions.set_rates(
        portfolio, now=_now(), hurdle_rate=_TENTH, discount_rate=_TENTH, asserted_share=Decimal(1)
    )
    target = Target(portfolio=portfolio, channel="webhook", label="Receiver")
    targets.save(target, {"url": webhook})
    codes = tuple(f"{code}-{number}" for number in range(1, size + 1))
    for number, name in enumerate(codes):
        owner, _ = User.objects.get_or_create(
            username=f"owner{number % 5}-{code}", email=f"owner{number % 5}@{code.lower()}.example.com"
        )
        start = month_of(0)
        made = Investment(
            portfolio=portfolio,
            code=name,
            name="Reply drafts",
            owner=owner,
            start_month=start,
            live_month=start,
        )
        investments.put(made, now=_now(), actor=finn)
    return Member(code, AuthToken.objects.create(user=finn)[1], codes)


def in_threads(*works: Any) -> None:
    """Do several things at once, each over a connection of its own; raises what one of them raised."""
    failures: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
