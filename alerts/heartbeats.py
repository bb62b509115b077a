"""Signs of life of the running parts, one row each."""

from datetime import datetime

from alerts.models import Heartbeat


def beat(name: str, *, now: datetime, detail: dict[str, object] | None = None) -> None:
    """Record that a part is alive."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": now, "detail": detail or {}})
