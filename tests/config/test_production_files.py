"""Dockerfile, compose file and .env.example say only what the code knows. No container engine is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve
from django.utils.module_loading import import_string

from config import celery, env, health, services
from tests.servers import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
OURS = ("migrate", "web", "worker", "beat", "relay")
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")


def instructions(word: str) -> Iterator[str]:
    for line in DOCKERFILE.splitlines():
        if line.startswith(word + " "):
            yield line.removeprefix(word + " ")


def commands() -> Iterator[list[str]]:
    for name in OURS:
        if "command" in COMPOSE["services"][name]:
            yield COMPOSE["services"][name]["command"]
    yield json.loads(next(instructions("CMD")))


def test_every_part_of_the_product_is_there() -> None:
    assert set(COMPOSE["services"]) == {*OURS, "postgres", "valkey"}


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_commands_exist(command: list[str]) -> None:
    if command[0] == "python":
        assert (ROOT / command[1]).is_file()
        assert command[2] in get_commands()
    elif command[0] == "celery":
        assert import_string(command[2].replace(":", ".")) is celery.app
    else:
        assert command[0] == "granian"
        assert import_string(command[-1].replace(":", "."))


def test_the_worker_listens_to_every_queue() -> None:
    command = COMPOSE["services"]["worker"]["command"]
    assert command[command.index("-Q") + 1] == services.QUEUES == ",".join(celery.QUEUES)
    scheduled = {entry["options"]["queue"] for entry in celery.app.conf.beat_schedule.values()}
    assert scheduled <= set(celery.QUEUES)


def test_variables_are_those_the_code_reads() -> None:
    for name in OURS:
        assert set(COMPOSE["services"][name]["environment"]) <= set(env.VARIABLES)
    documented = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert documented == used


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in (
        "SECRET_KEY",
        "POSTGRES_PASSWORD",
        "HURDLE_OWNER_PASSWORD",
        "HURDLE_APP_PASSWORD",
        "VALKEY_PASSWORD",
    ):
        assert name in REQUIRED.findall(text)
        assert not re.search(rf"\$\{{{name}(:?-|}})", text)
    assert not re.search(r"^[A-Z_]+=.", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert not re.search(r"^(ENV|ARG) .*(SECRET|PASSWORD)", DOCKERFILE, re.MULTILINE)


def test_the_addresses_can_be_read() -> None:
    for name in OURS:
        values = COMPOSE["services"][name]["environment"]
        filled = {key: REQUIRED.sub(_value, re.sub(r"\$\{\w+:-\}", "", text)) for key, text in values.items()}
        found = env.read(filled)
        assert bool(found.database_owner_url) == (name == "migrate")


def _value(match: re.Match[str]) -> str:
    values = {"HURDLE_PUBLIC_URL": "https://hurdle.acme.test", "ALLOWED_HOSTS": "hurdle.acme.test"}
    return values.get(match[1], "kq3vX8m2Zp7Lr1Tn5Wb9Yc4Df6Gh0JsaQeRtUiOpSdFgHjKlZx")


def test_ports_agree() -> None:
    command = json.loads(next(instructions("CMD")))
    port = command[command.index("--port") + 1]
    assert next(instructions("EXPOSE")) == port
    assert COMPOSE["services"]["web"]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("name", ["web", "worker", "beat", "relay"])
def test_health_checks_ask_for_what_exists(name: str) -> None:
    words = COMPOSE["services"][name]["healthcheck"]["test"]
    assert words[:4] == ["CMD", "python", "-m", "config.probe"]
    assert resolve(words[4])
    if "--part" in words:
        assert words[words.index("--part") + 1] in health._STALE_SECONDS
        assert words[words.index("--base") + 1] == "http://web:8000"


def test_everything_that_runs_has_a_health_check() -> None:
    without = {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service}
    assert without == {"migrate"}


def test_copied_and_mounted_files_exist() -> None:
    for line in instructions("COPY"):
        *sources, _ = line.split()
        if not sources[0].startswith("--from="):
            assert all((ROOT / source).exists() for source in sources)
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_the_image_is_locked_and_runs_as_nobody_special() -> None:
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)
    user = list(instructions("USER"))[-1]
    assert user.split(":")[0] not in {"0", "root"}


def test_the_image_ignores_everything_but_the_code() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    assert not {"!.env", "!var", "!.git", "!tests"} & set(lines)


def test_servers_are_reachable_only_inside() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert COMPOSE["services"][name]["networks"] == ["inside"]
        assert "ports" not in COMPOSE["services"][name]
