"""Names of episodes, events and deliveries that come out the same whenever and wherever they are computed."""

from uuid import UUID, uuid5

NAMESPACE = UUID("5b9c1f0e-3d0a-5c1e-9a52-6f0d9d1b7c44")


def episode_key(investment: UUID, *, rule: str, number: int) -> str:
    """Return the deduplication key receivers see; it survives renaming and moving the investment."""
    return f"hurdle:{investment}:{rule}:{number}"


def event_id(key: str, *, kind: str, ordinal: int) -> UUID:
    """Return the id of the nth event of a kind in an episode."""
    return uuid5(NAMESPACE, f"{key}:{kind}:{ordinal}")


def delivery_id(event: UUID, *, target: str) -> UUID:
    """Return the id of an event's delivery to one target: the Message-ID and the webhook-id."""
    return uuid5(event, target)
