"""Management commands beside the demo: its servers are found, and without a demo there is a sentence."""

from pathlib import Path

import pytest

from config import demo_manage
from tests import servers


def test_without_a_demo_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    assert demo_manage.main(["check_ledger"], var=tmp_path) == 1
    assert "start it with make demo" in capfd.readouterr().err


def test_a_command_runs_with_the_demos_environment(
    fresh_database: servers.TestDatabase, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """External servers stand for the demo's own; the secret key is made as the runner makes it."""
    assert demo_manage.main(["check_ledger"], var=tmp_path) == 0
    assert "chain of batches is sound" in capfd.readouterr().out
