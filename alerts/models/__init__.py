"""The tables of the watchman."""

from alerts.models.episode import AlertState, Episode, EvaluationHead, EvaluationPoint, Event
from alerts.models.notification import Attempt, Heartbeat, Notification, Target
from alerts.models.policy import Policy, PolicyTemplate

__all__ = [
    "AlertState",
    "Attempt",
    "Episode",
    "EvaluationHead",
    "EvaluationPoint",
    "Event",
    "Heartbeat",
    "Notification",
    "Policy",
    "PolicyTemplate",
    "Target",
]
