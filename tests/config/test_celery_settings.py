"""What the manual says of Celery's settings is what the code sets, each with its reason; tasks keep to the rules."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from config.celery import QUEUES, app
from tests.servers import ROOT

MANUAL = (ROOT / "docs" / "operations.md").read_text()
ROOMS = ("alerts", "config", "portfolio", "reports", "roi")
BROKER = "broker_transport_options"
# The setting, its value, and how the manual writes it.
SETTINGS: list[tuple[str, Any, str]] = [
    ("task_acks_late", True, "true"),
    ("task_reject_on_worker_lost", True, "true"),
    ("task_acks_on_failure", True, "true"),
    ("task_acks_on_timeout", True, "true"),
    ("task_time_limit", 600, "600 s"),
    ("task_soft_time_limit", 540, "540 s"),
    ("visibility_timeout", 900, "900 s"),
    ("unacked_restore_interval", 5, "5, 1"),
    ("unacked_restore_throttle", 1, "5, 1"),
    ("worker_prefetch_multiplier", 1, "1"),
    ("worker_eta_task_limit", 100, "100"),
    ("worker_cancel_long_running_tasks_on_connection_loss", True, "true"),
    ("broker_connection_retry_on_startup", True, "true"),
    ("broker_connection_max_retries", None, "none"),
    ("broker_pool_acquire_timeout", 5, "5 s"),
    ("task_ignore_result", True, "true"),
    ("worker_max_tasks_per_child", 500, "500"),
    ("worker_max_memory_per_child", 400_000, "400 MB"),
    ("worker_soft_shutdown_timeout", 30, "30 s"),
    ("worker_enable_soft_shutdown_on_idle", True, "true"),
    ("task_serializer", "json", "json"),
    ("accept_content", ["json"], "json"),
]


def explained(name: str) -> list[str]:
    """Return the cells of the row that explains a setting."""
    for line in MANUAL.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and f"`{name}`" in cells[0]:
            return cells
    return []


@pytest.mark.parametrize(("name", "value", "written"), SETTINGS, ids=[name for name, _, _ in SETTINGS])
def test_a_setting_has_its_value_and_its_reason(name: str, value: object, written: str) -> None:
    held = app.conf[BROKER].get(name, app.conf.get(name)) if name not in app.conf else app.conf[name]
    assert held == value
    _, said, reason = explained(name)
    assert written in said
    assert len(reason) > 15


def test_a_running_task_is_never_handed_out_twice() -> None:
    assert app.conf[BROKER]["visibility_timeout"] >= 1.5 * app.conf.task_time_limit
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit


def test_a_lost_publish_costs_a_second_at_most() -> None:
    policy = app.conf.task_publish_retry_policy
    assert policy == {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5}
    assert explained("task_publish_retry_policy")[1].startswith("3 tries, 0–0.5 s")


def test_there_is_no_result_backend() -> None:
    assert not app.conf.result_backend
    assert not app.conf.worker_deduplicate_successful_tasks


def test_the_manual_names_every_ring_of_beat_with_its_period() -> None:
    said = explained("beat_schedule")[1]
    for name, entry in app.conf.beat_schedule.items():
        seconds = entry["schedule"].run_every.total_seconds()
        period = f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds:.0f} s"
        assert f"{name} {period}" in said
        assert entry["options"]["queue"] in QUEUES
        assert entry["options"]["expires"] >= seconds
        app.loader.import_default_modules()
        assert entry["task"] in app.tasks


@pytest.mark.parametrize(
    ("words", "where", "name"),
    [
        ("REMAP_SIGTERM=SIGQUIT", "Dockerfile", "`REMAP_SIGTERM` | `SIGQUIT`"),
        ("stop_grace_period: 60s", "docker-compose.yml", "stop grace | 60 s"),
        ("--appendonly yes", "docker-compose.yml", "`appendonly yes`"),
        ("--maxmemory-policy noeviction", "docker-compose.yml", "`maxmemory-policy noeviction`"),
        ("--requirepass", "docker-compose.yml", "`requirepass`"),
        (
            "hurdle_app SET idle_in_transaction_session_timeout = '60s'",
            "config/sql/roles.sql",
            "`idle_in_transaction_session_timeout` of `hurdle_app` | 60 s",
        ),
        (
            "hurdle_app SET statement_timeout = '10min'",
            "config/sql/roles.sql",
            "`statement_timeout` of `hurdle_app` | 10 min",
        ),
        (
            "hurdle_owner SET lock_timeout = '5s'",
            "config/sql/roles.sql",
            "`lock_timeout` of `hurdle_owner` | 5 s",
        ),
    ],
)
def test_what_is_set_around_it_is_explained(words: str, where: str, name: str) -> None:
    assert words in (ROOT / where).read_text()
    assert name in MANUAL


def test_nothing_is_scheduled_for_later_in_the_broker() -> None:
    """Later is a column in PostgreSQL: a task waiting beyond the visibility timeout is handed out again and again."""
    found = []
    for path in (p for room in ROOMS for p in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and {k.arg for k in node.keywords} & {"eta", "countdown"}:
                found.append(str(Path(path).relative_to(ROOT)))
            if isinstance(node, ast.Attribute) and node.attr == "retry" and "task" in path.name:
                found.append(str(Path(path).relative_to(ROOT)))
    assert found == []
