"""Celery: a bell, never a store. Every setting has its reason in docs/operations.md; work is found in PostgreSQL."""

import os

from celery import Celery
from celery.schedules import schedule
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUEUES = ("evaluate", "report", "ring")
HARD_LIMIT_SECONDS = 600

app = Celery("hurdle")


def _every(seconds: float) -> schedule:
    return schedule(seconds * min(1.0, settings.TIME_SCALE))


app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_pool_acquire_timeout=5,
    broker_transport_options={
        # At least one and a half times the hard limit, else a running task is handed out twice.
        "visibility_timeout": HARD_LIMIT_SECONDS * 3 // 2,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    },
    task_publish_retry_policy={
        "max_retries": 3,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure=True,
    task_acks_on_timeout=True,
    task_time_limit=HARD_LIMIT_SECONDS,
    task_soft_time_limit=HARD_LIMIT_SECONDS - 60,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="evaluate",
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_max_memory_per_child=400_000,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=True,
    worker_eta_task_limit=100,
    worker_hijack_root_logger=False,
    timezone="UTC",
    # The sweeps find by comparing rows what a lost bell left behind; two beats only ring twice.
    beat_schedule={
        "sweep": {
            "task": "alerts.sweep",
            "schedule": _every(30),
            "options": {"queue": "evaluate", "expires": 60},
        },
        "close-months": {
            "task": "portfolio.close_due_months",
            "schedule": _every(3600),
            "options": {"queue": "evaluate", "expires": 3600},
        },
        "open-reviews": {
            "task": "portfolio.open_due_reviews",
            "schedule": _every(3600),
            "options": {"queue": "evaluate", "expires": 3600},
        },
        "tell-of-reviews": {
            "task": "reports.tell_of_reviews",
            "schedule": _every(3600),
            "options": {"queue": "evaluate", "expires": 3600},
        },
        "pump": {"task": "alerts.pump", "schedule": _every(60), "options": {"queue": "ring", "expires": 60}},
        "studies": {
            "task": "roi.run_study",
            "schedule": _every(30),
            "options": {"queue": "report", "expires": 60},
        },
        "forecast": {
            "task": "roi.forecast",
            "schedule": _every(3600),
            "options": {"queue": "report", "expires": 3600},
        },
        "reports": {
            "task": "reports.run_due",
            "schedule": _every(60),
            "options": {"queue": "report", "expires": 60},
        },
        # In the bell's queue: a long line of figures to compute must not silence the auditor.
        "audit": {
            "task": "alerts.audit",
            "schedule": _every(300),
            "options": {"queue": "ring", "expires": 300},
        },
        "beat": {"task": "alerts.beat", "schedule": _every(30), "options": {"queue": "ring", "expires": 60}},
    },
)
app.set_default()
app.autodiscover_tasks(["portfolio", "roi", "alerts", "reports"])
