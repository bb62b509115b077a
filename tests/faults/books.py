"""What was owed against what arrived: the outbox's promises on one side, the sinks' own raw lists on the other.

Owed is what the recorded evaluations promised (the auditor proves those against the facts), less what ended for a
reason that the faults explain. Accepted is what a sink wrote down before it answered. A message may be repeated
once for every try of it whose sender was killed or cut off, or was answered ambiguously; never otherwise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

# Why a notice may end untold in this workload: another rule says more; nobody there heard of the beginning; a
# receiver that said it was gone.
EXPLAINED = frozenset({"inhibited", "untold", "switched_off"})
OPEN = ("pending", "sending", "uncertain")
PROMISED = """
    SELECT n.id::text, n.state, n.suppressed_by, n.state_reason, n.channel, n.event_id::text, n.instead_of_id::text,
           p.investment_id || ' ' || p.rule || ' ' || p.number, e.kind, e.ordinal,
           n.channel || ' ' || COALESCE(n.user_id::text, n.address),
           n.state = 'held' AND n.digest_at > now(), n.told_in_id IS NOT NULL
    FROM alerts_notification n
    LEFT JOIN alerts_event e ON e.id = n.event_id
    LEFT JOIN alerts_episode p ON p.id = e.episode_id
"""
DECIDED = (
    "SELECT jsonb_array_elements_text(evidence -> 'notices') FROM alerts_event WHERE evidence ? 'notices'"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the outbox in the end."""

    id: str
    state: str
    suppressed_by: str
    reason: str
    channel: str
    event: str | None
    instead_of: str | None
    episode: str | None
    kind: str | None
    ordinal: int | None
    target: str
    waits_for_later: bool
    is_in_digest: bool


@dataclass(slots=True)
class Tries:
    """What the tries of one message came to, as the harness saw them."""

    interrupted: int = 0
    ambiguous: int = 0
    permanent: int = 0
    total: int = 0

    @property
    def may_repeat(self) -> int:
        """Return how many repeats the faults explain."""
        return self.interrupted + self.ambiguous


@dataclass(slots=True)
class Books:
    """The counts of one run; `unexplained` are sentences about single messages."""

    owed: int = 0
    accepted: int = 0
    lost: int = 0
    phantom: int = 0
    doubled: int = 0
    repeats: int = 0
    bound: int = 0
    excess: int = 0
    unexplained: list[str] = field(default_factory=list)

    @property
    def balance(self) -> bool:
        """Whether nothing is lost, made up or sent too often."""
        return not (self.lost or self.phantom or self.doubled or self.excess)


def tries_of(entries: Iterable[Mapping[str, Any]], *, lease: float) -> dict[str, Tries]:
    """Return what became of every message's tries; `lease` is in seconds.

    A try is interrupted where its end was never written down: its process died, or lost the database; or where its
    mark came too late because the try itself outlasted its lease.
    """
    began: dict[tuple[str, str], None] = {}
    outcomes: dict[tuple[str, str], str] = {}
    marks: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for entry in entries:
        if entry["what"] not in ("begin", "outcome", "mark"):
            continue
        key = (entry["id"], entry["try"])
        if entry["what"] == "begin":
            began[key] = None
        elif entry["what"] == "outcome":
            outcomes[key] = entry["outcome"]
        else:
            marks[key].append(entry)
    found: dict[str, Tries] = defaultdict(Tries)
    for key in began:
        tries, outcome = found[key[0]], outcomes.get(key, "")
        tries.total += 1
        tries.permanent += outcome == "Permanent"
        if outcome == "Uncertain":
            tries.ambiguous += 1
        elif not outcome or not _was_marked(marks[key], lease):
            tries.interrupted += 1
    return dict(found)


def _was_marked(marks: Sequence[Mapping[str, Any]], lease: float) -> bool:
    """Whether a try's end was written down, or was refused although it came within the lease."""
    if any(mark["held"] for mark in marks):
        return True
    return any(not mark["again"] and mark["age"] < lease for mark in marks)


def balance(
    rows: Sequence[Row],
    decided: Iterable[str],
    accepted: Sequence[str],
    tries: Mapping[str, Tries],
    *,
    may_be_gone: bool,
    last_resort: Set[str] = frozenset(),
) -> Books:
    """Compare what was owed with the raw list of accepted ids.

    `may_be_gone` says that a receiver answered 410; `last_resort` are the targets told when all others are dead:
    where one of them was to be told anyway, nobody is left to stand in.
    """
    known, books = {row.id: row for row in rows}, Books(accepted=len(accepted))
    stood_in = {row.event for row in rows if row.instead_of or row.target in last_resort}
    owed = {id for id in decided if id not in known}
    for row in rows:
        if _is_owed(row, tries.get(row.id, Tries()), stood_in, may_be_gone=may_be_gone):
            owed.add(row.id)
    taken = Counter(accepted)
    books.owed, books.lost = len(owed), len(owed - taken.keys())
    strangers = [id for id in taken if id not in owed and not tries.get(id, Tries()).may_repeat]
    books.phantom = len(strangers)
    books.unexplained += [f"lost: {known.get(id, id)}" for id in sorted(owed - taken.keys())]
    books.unexplained += [f"phantom: {known.get(id, id)}" for id in sorted(strangers)]
    _count_doubles(books, known, taken)
    _count_repeats(books, taken, tries)
    return books


def _is_owed(row: Row, tries: Tries, stood_in: set[str | None], *, may_be_gone: bool) -> bool:
    """Whether a message had to arrive: everything that did not end otherwise for a reason the faults explain."""
    if row.state == "merged":
        return not row.is_in_digest
    if row.state == "held":
        return not row.waits_for_later
    if row.state == "suppressed":
        return row.suppressed_by not in EXPLAINED or (row.suppressed_by == "switched_off" and not may_be_gone)
    if row.state != "dead":
        return True
    is_gone = may_be_gone and row.channel == "webhook" and row.reason.startswith("Switched off")
    is_refused = bool(tries.permanent) or tries.ambiguous >= 2 or tries.total >= 10 or is_gone
    is_replaced = row.event is None or row.instead_of is not None or row.event in stood_in
    return not (is_refused and is_replaced)


def _count_doubles(books: Books, known: Mapping[str, Row], taken: Mapping[str, int]) -> None:
    ids: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for id in taken:
        row = known.get(id)
        if row is not None and row.episode is not None:
            ids[row.episode, row.kind, row.ordinal, row.target].add(id)
    for key, same in sorted(ids.items(), key=str):
        if len(same) > 1:
            books.doubled += len(same) - 1
            books.unexplained.append(f"doubled: {key} under {sorted(same)}")


def _count_repeats(books: Books, taken: Mapping[str, int], tries: Mapping[str, Tries]) -> None:
    books.bound = sum(each.may_repeat for each in tries.values())
    for id, count in taken.items():
        allowed = tries.get(id, Tries()).may_repeat
        books.repeats += count - 1
        if count - 1 > allowed:
            books.excess += count - 1 - allowed
            books.unexplained.append(
                f"repeated: {id} was accepted {count} times, and {allowed} tries explain it"
            )
