"""The figures a monitor watches, read from the database at the moment they are asked for."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import BigIntegerField, Count, Max, Min, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alerts import attempts, findings
from alerts.models import AuditRun, EvaluationPoint, Heartbeat, Notification, Timer
from roi import snapshots
from roi.models import SnapshotHead


class AlertMetrics(Collector):
    """Collects the metrics of alerts as of `now`. Ages are seconds; what never happened has no sample."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._audit()
        yield from self._outbox()
        yield from self._quarantine()
        yield from self._signs_of_life()

    def _age(self, since: datetime | None) -> float | None:
        return (self._now - since).total_seconds() if since else None

    def _audit(self) -> Iterator[Metric]:
        yield _gauge(
            "audit_findings",
            "Open findings of the auditor; each kind must be 0",
            findings.counts().items(),
            label="kind",
        )
        last = AuditRun.objects.filter(finished_at__isnull=False).order_by("-id").first()
        clean = AuditRun.objects.filter(is_clean=True).order_by("-id").first()
        yield _gauge(
            "audit_age_seconds",
            "Since the last finished round",
            _one(self._age(last.started_at if last else None)),
        )
        yield _gauge(
            "audit_clean_age_seconds",
            "Since the last clean round",
            _one(self._age(clean.started_at if clean else None)),
        )
        beat = Heartbeat.objects.filter(name="audit").first()
        yield _gauge(
            "audit_waiting_investments",
            "Investments with evaluations that nobody has audited",
            _one(float(beat.detail.get("waiting", 0)) if beat else None),
        )

    def _outbox(self) -> Iterator[Metric]:
        states = ("held", *Notification.OPEN, "dead")
        rows = Notification.objects.filter(state__in=states).order_by().values_list("state")
        counted = dict.fromkeys(states, 0) | dict(rows.annotate(Count("pk")))
        yield _gauge("notifications", "Messages by state", counted.items(), label="state")
        due = Notification.objects.filter(state__in=Notification.OPEN, next_at__lte=self._now)
        oldest = due.aggregate(oldest=Min("next_at"))["oldest"]
        yield _gauge(
            "outbox_age_seconds", "Since the oldest message was due; 0 for none", _one(self._age(oldest) or 0)
        )
        overdue = Timer.objects.filter(state="waiting", due_at__lt=self._now).count()
        yield _gauge("timers_overdue", "Reminders and escalations that should have been done", _one(overdue))
        relays = Heartbeat.objects.filter(name__startswith="relay")
        lost = relays.aggregate(lost=Sum(Cast(KT("detail__leases_lost"), BigIntegerField())))["lost"]
        yield _gauge(
            "leases_lost", "Marks of running relays that came too late; should stay 0", _one(lost or 0)
        )

    def _quarantine(self) -> Iterator[Metric]:
        figures = SnapshotHead.objects.filter(attempts__gte=snapshots.MAX_ATTEMPTS).count()
        judged = attempts.quarantined().count()
        yield _gauge(
            "quarantined",
            "Investments left alone after five failures",
            (("figures", figures), ("thresholds", judged)),
            label="stage",
        )

    def _signs_of_life(self) -> Iterator[Metric]:
        ages = [(beat.name, self._age(beat.beat_at)) for beat in Heartbeat.objects.order_by("name")]
        yield _gauge("heartbeat_age_seconds", "Since a part's last sign of life", ages, label="part")
        newest = EvaluationPoint.objects.aggregate(newest=Max("pk"))["newest"]
        evaluations = CounterMetricFamily("hurdle_evaluations", "Evaluations written, near enough")
        evaluations.add_metric([], newest or 0)
        yield evaluations


def _one(value: float | None) -> list[tuple[str, float | None]]:
    return [("", value)]


def _gauge(
    name: str, words: str, samples: Iterable[tuple[str, float | None]], *, label: str = ""
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"hurdle_{name}", words, labels=[label] if label else [])
    for of, value in samples:
        if value is not None:
            gauge.add_metric([of] if label else [], value)
    return gauge
