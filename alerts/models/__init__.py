"""The tables of the watchman."""

from alerts.models.episode import AlertState, Episode, EvaluationHead, EvaluationPoint, Event
from alerts.models.notification import Attempt, Heartbeat, Notification, Target
from alerts.models.overlay import Acknowledgment, Silence, Snooze
from alerts.models.policy import Policy, PolicyTemplate
from alerts.models.timer import Timer

__all__ = [
    "Acknowledgment",
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
    "Silence",
    "Snooze",
    "Target",
    "Timer",
]
