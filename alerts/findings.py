"""The auditor's findings: each difference is one row, found again or settled; what is open is asked about again."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from alerts.checks import KINDS, Finding
from alerts.models import AuditFinding

logger = logging.getLogger(__name__)

# So many open findings are asked about again each round, the oldest first.
OPEN_FINDINGS = 500
_BY_HAND = "Settled by "


@dataclass(frozen=True, slots=True)
class Open:
    """The open findings as questions to ask again."""

    keys: frozenset[str]
    points: tuple[int, ...]
    timers: tuple[int, ...]
    events: tuple[UUID, ...]
    notices: tuple[UUID, ...]
    told: tuple[UUID, ...]
    episodes: tuple[int, ...]
    investments: tuple[int, ...]


def still_open() -> Open:
    """Return the open findings, the oldest first."""
    rows = list(
        AuditFinding.objects.filter(settled_at=None)
        .order_by("id")
        .values_list("key", "point_id")[:OPEN_FINDINGS]
    )
    keys = [key for key, _ in rows]

    return Open(
        keys=frozenset(keys),
        points=tuple(sorted({point for _, point in rows if point is not None})),
        timers=tuple(int(name) for name in named(keys, "lost:timer:")),
        events=tuple(UUID(name) for name in named(keys, "phantom:event:")),
        notices=tuple(UUID(name) for name in named(keys, "phantom:notice:")),
        told=tuple(UUID(name) for name in named(keys, "lost:told:")),
        episodes=tuple(int(name) for name in named(keys, "lost:episode:", "phantom:episode:")),
        investments=tuple(int(name) for name in named(keys, "stuck:events:")),
    )


def named(keys: Iterable[str], *prefixes: str) -> list[str]:
    """Return what comes after a prefix in the keys that have one of them."""
    return [key.removeprefix(prefix) for key in keys for prefix in prefixes if key.startswith(prefix)]


def write(found: Mapping[str, Finding], before: Open, *, now: datetime) -> None:
    """Write findings by their keys; those that were open before and are not among them are settled.

    What a person has settled stays so.
    """
    known = AuditFinding.objects.in_bulk(list(found), field_name="key")
    for key, finding in found.items():
        row = known.get(key)
        if row is None:
            AuditFinding.objects.create(
                key=key,
                kind=finding.kind,
                investment_id=finding.investment_id,
                point_id=finding.point_id,
                detail=finding.detail,
                found_at=now,
                seen_at=now,
            )
            logger.error("Audit: %s: %s", finding.kind, finding.detail)
        elif _BY_HAND not in row.detail:
            row.seen_at, row.settled_at, row.detail = now, None, finding.detail
            row.save(update_fields=["seen_at", "settled_at", "detail"])
    AuditFinding.objects.filter(key__in=before.keys - found.keys()).update(settled_at=now)


def counts() -> dict[str, int]:
    """Return how many findings of each kind are open."""
    rows = AuditFinding.objects.filter(settled_at=None).order_by().values_list("kind")
    return dict.fromkeys(KINDS, 0) | dict(rows.annotate(Count("id")))


def settle(finding: AuditFinding, *, by: str, reason: str, now: datetime) -> None:
    """Close a finding that nothing can mend any more; a person says why. Raises ValueError without a reason."""
    if not reason.strip():
        raise ValueError("Say why the finding can be closed.")
    finding.settled_at = now
    finding.detail = f"{finding.detail}\n{_BY_HAND}{by}: {reason.strip()}"
    finding.save(update_fields=["settled_at", "detail"])
