"""Registries are complete: every rule, channel, importer, task and queue that exists is known where it must be."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from alerts.channels import CHANNELS
from alerts.rules import DEFAULTS, RULES
from alerts.rules.base import Rule
from config.celery import QUEUES, app
from portfolio import grants, nudge
from portfolio.importers import IMPORTERS
from roi.engine.result import REASON_CODES, Reason
from roi.models import FIGURES
from tests.architecture import source


def _modules(room: str) -> list[Path]:
    return [path for path in sorted((source.ROOT / room).glob("*.py")) if path.stem != "__init__"]


def test_every_rule_that_is_defined_is_registered() -> None:
    defined = set()
    for path in _modules("alerts/rules"):
        module = importlib.import_module(f"alerts.rules.{path.stem}")
        defined |= {value.name for value in vars(module).values() if isinstance(value, Rule)}
    assert defined == set(RULES) == set(DEFAULTS)
    assert all(name == rule.name for name, rule in RULES.items())


def test_every_channel_module_is_registered() -> None:
    shared = {"base", "block_kit", "guard", "pictures", "pinned", "posting"}
    assert {path.stem for path in _modules("alerts/channels")} - shared == set(CHANNELS)


def test_every_importer_is_registered() -> None:
    modules = {path.stem for path in _modules("portfolio/importers") if path.stem.endswith("_actuals")}
    assert {importer.__name__.rpartition(".")[2] for importer in IMPORTERS.values()} == modules


def _tasks_in(tree: ast.Module) -> set[str]:
    return {
        str(keyword.value.value)
        for function in source.functions_of(tree)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and "shared_task" in ast.unparse(decorator.func)
        for keyword in decorator.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }


def test_every_task_is_registered_under_its_written_name() -> None:
    app.loader.import_default_modules()
    written = set().union(*(_tasks_in(source.tree_of(path)) for path in source.files()))
    registered = {name for name in app.tasks if not name.startswith("celery.")}
    assert written == registered
    assert nudge.TASK in registered


def test_tasks_take_arguments_that_newer_senders_add() -> None:
    for path in source.files():
        if path.name != "tasks.py":
            continue
        for function in source.functions_of(source.tree_of(path)):
            if function.decorator_list:
                assert function.args.kwarg is not None, function.name
                assert not function.args.args, function.name


def test_beat_rings_tasks_that_exist_on_queues_that_are_consumed() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] in QUEUES
        assert entry["options"]["expires"] > 0
    assert nudge.QUEUE in QUEUES
    assert app.conf.task_default_queue in QUEUES


@pytest.mark.parametrize("file", ["docker-compose.yml", "config/services.py"])
def test_every_worker_consumes_every_queue(file: str) -> None:
    assert f'"{",".join(QUEUES)}"' in (source.ROOT / file).read_text()


def test_reasons_have_stable_bytes() -> None:
    assert set(REASON_CODES) == set(Reason)
    assert len(set(REASON_CODES.values())) == len(Reason)
    assert 0 not in REASON_CODES.values()
    assert max(REASON_CODES.values()) < 256
    assert len(set(FIGURES)) == len(FIGURES)


def test_facts_and_history_are_append_only_for_the_application() -> None:
    tables = set(grants.append_only_tables())
    assert {
        "portfolio_entry",
        "portfolio_batch",
        "portfolio_monthstate",
        "alerts_event",
        "alerts_policy",
    } <= tables
    history = {
        m._meta.db_table for m in apps.get_models() if m.__name__.endswith("Event") and hasattr(m, "pgh_obj")
    }
    assert history <= tables


def test_every_room_is_installed() -> None:
    rooms = {name.partition(".")[0] for name in settings.INSTALLED_APPS}
    assert set(source.ROOMS) <= rooms
