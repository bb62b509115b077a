"""What the local runner remembers between starts, and the environment it gives its processes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config import embedded
from config.services import ROOT

_APPS = ("config", "portfolio", "roi", "alerts", "reports")


@dataclass(slots=True)
class State:
    """Fingerprints of the work already done for one database; kept beside that database's files."""

    path: Path = field(repr=False)
    migrations: str = ""
    static: str = ""
    logins: str = ""

    @classmethod
    def read(cls, var: Path, *, servers: embedded.EmbeddedServers | None) -> State:
        """Read the state; a missing or damaged file only means that work is done again."""
        path = (servers.home / "postgres" if servers else var) / "hurdle-state.json"
        try:
            return cls(path, **json.loads(path.read_text()))
        except (FileNotFoundError, TypeError, ValueError):
            return cls(path)

    def write(self) -> None:
        """Replace the file as a whole."""
        values = {name: value for name, value in asdict(self).items() if name != "path"}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(values))
        fresh.replace(self.path)


def environment(var: Path, *, port: int, urls: embedded.Urls | None) -> dict[str, str]:
    """Return the environment of the product's processes; what the user has set wins."""
    values = {
        "SECRET_KEY": _secret_key(var),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HURDLE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HURDLE_DEMO": "1",
        "PYTHONUNBUFFERED": "1",
    } | os.environ
    if urls is not None:
        values |= {"DATABASE_URL": urls.database, "DATABASE_OWNER_URL": urls.owner, "REDIS_URL": urls.redis}
    return values


def has_command(name: str) -> bool:
    """Say whether one of the product's apps has this management command."""
    return any((ROOT / app / "management" / "commands" / f"{name}.py").is_file() for app in _APPS)


def migrations_fingerprint() -> str:
    """Return a hash that changes with every migration and locked dependency."""
    files = [path for app in _APPS for path in (ROOT / app / "migrations").glob("*.py")]
    return _fingerprint([*files, ROOT / "requirements" / "runtime.lock", *_models()])


def static_fingerprint() -> str:
    """Return a hash that changes with everything the static files are made of."""
    files = [path for app in _APPS for path in (ROOT / app).glob("**/static/**/*") if path.is_file()]
    commands = [path for app in _APPS for path in (ROOT / app).glob("management/commands/build_static.py")]
    return _fingerprint([*files, *commands, ROOT / "requirements" / "runtime.lock"])


def _models() -> Iterable[Path]:
    # Rights of the application's role are granted after migrate from the models.
    return [path for app in _APPS for path in (ROOT / app).glob("models/*.py")]


def _fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _secret_key(var: Path) -> str:
    path = var / "secret_key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
