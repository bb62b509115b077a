"""One seeded run: people work, faults happen, everything settles, and the books are compared."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf

from django.db import connection

from alerts import delivery, queries, targets
from alerts.models import Target
from portfolio.models import Cell, Membership
from portfolio.terms import Role, format_month
from roi import snapshots
from tests.faults import books
from tests.faults.books import Books, Row
from tests.faults.kinds import BY_NAME, KINDS, Kind
from tests.faults.stack import Stack
from tests.faults.workload import Workload, again

# So many faults may be laid out at a time and not be met yet.
OUTSTANDING, PER_SINK = 6, 3
PATIENCE = 120.0
# A stopped sender stays so until another has taken its message over, at most for so many leases.
LONGEST_STOP = 5
_OPEN_ROWS = """
    SELECT count(*) FROM alerts_notification
    WHERE state IN ('pending', 'sending', 'uncertain') OR (state = 'held' AND digest_at <= now())
"""


@dataclass(slots=True)
class Run:
    """A run in progress: counts faults by kind as they happen."""

    stack: Stack
    work: Workload
    dice: random.Random
    verbose: bool = False
    done: Counter[str] = field(default_factory=Counter)
    laid: dict[str, str] = field(default_factory=dict)
    laid_at: dict[int, tuple[str, str]] = field(default_factory=dict)
    slowest_without_broker: float = 0.0
    revived: int = 0
    _number: int = 0
    _read: int = 0
    _stopped: dict[int, tuple[str, float]] = field(default_factory=dict)
    _minded: float = 0.0

    def lay(self, snare: str) -> None:
        """Lay a fault out for whichever process comes by; the same one twice waits for its first meeting."""
        self.wait(lambda: snare not in self.laid, f"{snare} was met", is_working=True, may_fail=True)
        self.stack.snares.lay(snare)
        self.laid[snare] = snare

    def lay_at(self, sink: str, mode: str) -> None:
        """Lay a misbehavior out for a sink's next message."""
        self._number += 1
        self.laid_at[self._number] = (sink, mode)
        self.stack.manners[sink].lay(mode, self._number)

    def inject(self, kind: Kind) -> None:
        """Let a fault happen, or lay it out and let people work until it is likely to be met."""
        if self.verbose:
            print(f"{time.strftime('%X')} {self.total:5} {kind.name}", file=sys.stderr, flush=True)
        kind.inject(self)
        if not kind.is_laid:
            self.done[kind.name] += 1
        self.mind()
        self.work.act()
        crowded = time.monotonic() + 5
        while self._is_crowded() and time.monotonic() < crowded:
            self.work.act()
            self.mind()

    @property
    def total(self) -> int:
        """Return how many faults happened."""
        return sum(self.done.values())

    def _is_crowded(self) -> bool:
        sinks = Counter(sink for sink, _ in self.laid_at.values())
        return len(self.laid) > OUTSTANDING or any(count > PER_SINK for count in sinks.values())

    def mind(self) -> None:
        """Note what was met, let the stopped go on, start the dead again, open what switched itself off."""
        for snare in [s for s in self.laid if not self.stack.snares.is_laid(s)]:
            del self.laid[snare]
            self.done[_name_of(snare)] += 1
        entries = self.stack.journal.read()
        for entry in entries[self._read :]:
            if entry["what"] == "sink" and entry["fault"] in self.laid_at:
                sink, mode = self.laid_at.pop(entry["fault"])
                self.done[f"{sink}_{mode}"] += 1
            elif entry["what"] == "stopped":
                self._stopped[entry["pid"]] = (entry["id"], time.monotonic())
            elif entry["what"] == "mark" and entry["held"]:
                self._taken_over(entry["id"], by=entry["pid"])
        self._read = len(entries)
        for pid, (_, since) in list(self._stopped.items()):
            if time.monotonic() - since > delivery.pace().lease * LONGEST_STOP:
                self._go_on(pid)
        self.revived += self.stack.revive()
        if time.monotonic() - self._minded > 2:
            self._minded = time.monotonic()
            again(_switch_on)

    def _taken_over(self, id: str, *, by: int) -> None:
        """Let a stopped sender go on: somebody else has sent its message by now."""
        for pid, (own, _) in list(self._stopped.items()):
            if own == id and pid != by:
                self._go_on(pid)

    def _go_on(self, pid: int) -> None:
        del self._stopped[pid]
        _send(pid, signal.SIGCONT)

    def wait(
        self,
        is_so: Callable[[], object],
        what: str,
        *,
        seconds: float = PATIENCE,
        is_working: bool = False,
        may_fail: bool = False,
    ) -> None:
        """Wait until something holds, minding the processes meanwhile."""
        ends = time.monotonic() + (8 if may_fail else seconds)
        while not is_so():
            if time.monotonic() > ends:
                if may_fail:
                    return
                raise AssertionError(f"It never happened that {what}.")
            self.mind()
            if is_working:
                self.work.act()
            else:
                time.sleep(0.05)

    def stop(self, name: str) -> None:
        """End an extra process; where it was stopped or has died, so be it."""
        self._stopped.pop(self.stack.running[name].pid, None)
        self.stack.end(name)

    def settle_evaluation(self) -> None:
        """Wait until nothing waits to be judged."""
        self.wait(lambda: again(_is_judged), "everything is judged")

    def settle(self) -> None:
        """Let no more faults happen, and wait until nothing is owed any more; long waits are cut short."""
        for snare in list(self.laid):
            if self.stack.snares.lift(snare):
                del self.laid[snare]
        for manners in self.stack.manners.values():
            manners.clear()
        self.mind()
        self.laid_at.clear()
        self.settle_evaluation()
        hurry = time.monotonic() + 2 * delivery.pace().lease

        def is_quiet() -> bool:
            if time.monotonic() > hurry:
                _pass_time(self.stack)
            return not self._stopped and self.stack.rows(_OPEN_ROWS) == [(0,)] and again(_is_judged)

        self.wait(is_quiet, "nothing is owed any more", seconds=2 * PATIENCE)


def _name_of(snare: str) -> str:
    names = {
        "kill:worker_mid_evaluation": "pool_child_killed",
        "kill:worker_tree": "worker_tree_killed",
        "cut:product": "commit_answer_cut",
        "cut:driver": "commit_answer_cut_for_people",
    }
    what, _, point = snare.partition(":")
    return names.get(snare) or f"relay_{'killed' if what == 'kill' else 'stopped'}_{point}".replace(
        "relay_killed_relay_", "relay_killed_"
    )


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _switch_on() -> None:
    for target in Target.objects.filter(is_active=False):
        targets.switch_on(target)


def _is_judged() -> bool:
    return not snapshots.find_stale() and not queries.find_pending(ids=None, after=0, limit=1, max_attempts=5)


def _pass_time(stack: Stack) -> None:
    """Let the waits between tries pass; leases run out by themselves."""
    stack.rows(
        "UPDATE alerts_notification SET next_at = clock_timestamp() WHERE state IN ('pending', 'uncertain') "
        "AND next_at > clock_timestamp() RETURNING 1"
    )


def plan_of(dice: random.Random, kinds: Sequence[str], faults: int) -> list[Kind]:
    """Return the kinds in the order they are tried: each at least once, then by their weights."""
    chosen = [BY_NAME[name] for name in kinds] if kinds else list(KINDS)
    first = dice.sample(chosen, len(chosen))
    weights = [kind.weight for kind in chosen]
    return [*first, *dice.choices(chosen, weights, k=3 * faults)]


def run_faults(run: Run, *, faults: int, kinds: Sequence[str] = (), seconds: float = inf) -> None:
    """Let so many faults happen, or as many as do within a time."""
    ends = time.monotonic() + seconds
    for kind in plan_of(run.dice, kinds, faults):
        if run.total >= faults or time.monotonic() > ends:
            return
        run.inject(kind)
    raise AssertionError(f"Only {run.total} of {faults} faults were met.")


def close(run: Run) -> Books:
    """Compare the books after everything has settled."""
    entries = run.stack.journal.read()
    rows = [Row(*row) for row in run.stack.rows(books.PROMISED)]
    decided = [id for (id,) in run.stack.rows(books.DECIDED)]
    accepted = [entry["id"] for entry in entries if entry["what"] == "sink" and entry["took"]]
    gone = any(entry["what"] == "sink" and entry["mode"] == "410" for entry in entries)
    tries = books.tries_of(entries, lease=delivery.pace().lease)
    admins = Membership.objects.filter(role=Role.ADMIN.value).values_list("user", flat=True)
    return books.balance(
        rows,
        decided,
        accepted,
        tries,
        may_be_gone=gone,
        last_resort={f"email {user}" for user in again(lambda: list(admins))},
    )


_TOLD = """
    SELECT n.id::text, i.code, p.rule, p.number, e.kind, e.ordinal, n.channel, COALESCE(u.username, t.label, '')
    FROM alerts_notification n
    JOIN alerts_event e ON e.id = n.event_id
    JOIN alerts_episode p ON p.id = e.episode_id
    JOIN portfolio_investment i ON i.id = p.investment_id
    LEFT JOIN portfolio_user u ON u.id = n.user_id
    LEFT JOIN alerts_target t ON t.channel = n.channel AND t.address = n.address
"""


def told(stack: Stack) -> list[tuple[object, ...]]:
    """Return what every accepted message said to whom, in words that are the same in another run of the seed."""
    said = {row[0]: row[1:] for row in stack.rows(_TOLD)}
    entries = stack.journal.read()
    return [said.get(e["id"], ("digest",)) for e in entries if e["what"] == "sink" and e["took"]]


def differing_facts(work: Workload) -> list[str]:
    """Return what the ledger does not hold as it was acknowledged."""
    held = {
        (code, format_month(month), account): amount
        for code, month, account, amount in Cell.objects.values_list(
            "investment__code", "month", "account__code", "amount"
        )
    }
    return [
        f"{key}: acknowledged {value}, held {held.get(key)}"
        for key, value in sorted(work.stated.items())
        if Decimal(held.get(key) or 0) != value
    ]


def differing_snapshots() -> int:
    """Return how many stored months differ from those of a full recompute."""
    before = _stored()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE roi_snapshothead SET investment_knowledge = -1")
    from tests.faults.workload import _now

    snapshots.recompute(now=_now())
    after = _stored()
    return len(set(before) ^ set(after))


def _stored() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM roi_snapshot LIMIT 0")
        names = [column.name for column in cursor.description if column.name not in _UNSTABLE]
        cursor.execute(f"SELECT {', '.join(names)} FROM roi_snapshot")
        return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]


_UNSTABLE = ("id", "computed_at", "revision")
