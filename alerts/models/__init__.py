"""The tables of the watchman."""

from alerts.models.audit import AuditFinding, AuditHead, AuditRun
from alerts.models.episode import AlertState, Episode, EvaluationHead, EvaluationPoint, Event
from alerts.models.nonce import UsedNonce
from alerts.models.notification import Attempt, Heartbeat, Notification, Target
from alerts.models.overlay import Acknowledgment, Silence, Snooze
from alerts.models.policy import Policy, PolicyTemplate
from alerts.models.route import Route, Unsubscription
from alerts.models.timer import Timer

__all__ = [
    "Acknowledgment",
    "AlertState",
    "Attempt",
    "AuditFinding",
    "AuditHead",
    "AuditRun",
    "Episode",
    "EvaluationHead",
    "EvaluationPoint",
    "Event",
    "Heartbeat",
    "Notification",
    "Policy",
    "PolicyTemplate",
    "Route",
    "Silence",
    "Snooze",
    "Target",
    "Timer",
    "Unsubscription",
    "UsedNonce",
]
