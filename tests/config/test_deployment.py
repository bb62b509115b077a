"""With production settings, Django and the house have nothing to warn of."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def _check(public_url: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HURDLE_PUBLIC_URL": public_url, "ALLOWED_HOSTS": "hurdle.example.org"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_nothing_to_warn_of_in_production() -> None:
    done = _check("https://hurdle.example.org")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_an_address_without_encryption_is_warned_of() -> None:
    done = _check("http://hurdle.example.org")
    assert done.returncode != 0
    assert "HURDLE_PUBLIC_URL does not start with https" in done.stderr
