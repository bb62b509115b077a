"""What stops the runner before it starts, each with one sentence."""

from __future__ import annotations

import shutil
import socket
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import preflight


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refusal(var: Path, *, port: int, source: dict[str, str] | None = None) -> str:
    with pytest.raises(preflight.PreflightError) as caught:
        preflight.check(var, port=port, source=source or {})
    return str(caught.value)


def test_all_well(tmp_path: Path, free_port: int) -> None:
    preflight.check(tmp_path / "var", port=free_port, source={"DATABASE_URL": "x", "REDIS_URL": "y"})
    assert (tmp_path / "var").is_dir()


def test_taken_port(tmp_path: Path, taken_port: int) -> None:
    assert f"Port {taken_port} is taken" in refusal(tmp_path / "var", port=taken_port)


def test_data_path_is_a_file(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "var").write_text("")
    assert "is a file" in refusal(tmp_path / "var", port=free_port)


def test_too_little_disk(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 5 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert refusal(tmp_path / "var", port=free_port).startswith("Only 5 MB are free")


def test_old_python(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    assert "needs Python 3.11 or newer" in refusal(tmp_path / "var", port=free_port)


def test_other_platform_needs_external_servers(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "embedded servers run on Linux only" in refusal(tmp_path / "var", port=free_port)
    preflight.check(tmp_path / "var", port=free_port, source={"DATABASE_URL": "x", "REDIS_URL": "y"})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_one_external_server_only(tmp_path: Path, free_port: int, name: str) -> None:
    assert f"Only {name} is set" in refusal(tmp_path / "var", port=free_port, source={name: "x"})


def test_another_runner_holds_the_directory(tmp_path: Path) -> None:
    with preflight.lock(tmp_path), pytest.raises(preflight.PreflightError, match="Another runner"):
        preflight.lock(tmp_path)
    preflight.lock(tmp_path).close()


@pytest.mark.parametrize("text", ["abc", "0", "70000", "-1"])
def test_port_must_be_a_port(text: str) -> None:
    with pytest.raises(preflight.PreflightError, match="PORT must be a number"):
        preflight.read_port({"PORT": text})


def test_port_default_and_choice() -> None:
    assert (preflight.read_port({}), preflight.read_port({"PORT": "8123"})) == (8000, 8123)
