"""One campaign: collect and run the tests once, then each mutant in a forked child that has everything loaded.

A mutant of a function's body is put into the loaded function, and only the tests that call it run, the quickest first.
A mutant of a definition (a constant, a default, a field) is loaded anew, with all the tests.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from tests.mutants.mutations import Mutant

SURVIVED = 0
KILLED = 1
# A child that leaves by itself says one of the two; a limit or a crash ends it by a signal, which kills as well.


class Campaign:
    """A pytest plugin that, instead of running the tests, runs them against every mutant."""

    def __init__(
        self,
        mutants: Sequence[Mutant],
        *,
        reload: Sequence[str] = (),
        before_fork: Callable[[], None] = lambda: None,
    ) -> None:
        self.mutants = mutants
        self._before_fork = before_fork
        self.reload = tuple(reload)
        self.survivors: list[Mutant] = []
        self.failed = ""
        self.ran = False
        self._cost: dict[pytest.Item, float] = {}
        self._seconds: dict[pytest.Item, float] = {}
        self._callers: dict[CodeType, list[pytest.Item]] = {}
        settings.register_profile(
            "mutants",
            settings(
                max_examples=10,
                database=None,
                derandomize=True,
                deadline=None,
                report_multiple_bugs=False,
                phases=[Phase.explicit, Phase.generate],
            ),
        )
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out tests with a database of their own: a child that is ended would leave it in the next one's way."""
        items[:] = [item for item in items if "fresh_database" not in getattr(item, "fixturenames", ())]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests as they are, then the mutants, and nothing else."""
        names = dict.fromkeys(mutant.module for mutant in self.mutants)
        functions = {name: functions_of(importlib.import_module(name)) for name in names}
        targets = {function.__code__ for group in functions.values() for function in group.values()}
        self._run_unchanged(session, targets)
        gc.freeze()
        if not self.failed:
            for number, mutant in enumerate(self.mutants, start=1):
                if not self._is_killed(mutant, functions[mutant.module], session):
                    self.survivors.append(mutant)
                    print(f"survived {mutant}", flush=True)
                if number % 100 == 0:
                    print(f"{number}/{len(self.mutants)}", flush=True)
        self.ran = True
        session._setupstate.teardown_exact(None)
        return True

    def _run_unchanged(self, session: pytest.Session, targets: set[CodeType]) -> None:
        """Note what each test costs and which functions it calls; a test that fails anyway kills nothing."""
        for n, item in enumerate(session.items):
            called: set[CodeType] = set()

            def note(frame: FrameType, event: str, _: Any, called: set[CodeType] = called) -> None:
                if event == "call" and frame.f_code in targets:
                    called.add(frame.f_code)

            started, began = time.process_time(), time.monotonic()
            sys.setprofile(note)
            reports = runtestprotocol(item, nextitem=session.items[(n + 1) % len(session.items)], log=False)
            sys.setprofile(None)
            self._cost[item] = time.process_time() - started
            self._seconds[item] = time.monotonic() - began
            for report in reports:
                if report.failed:
                    self.failed = f"{item.nodeid}\n{report.longreprtext}"
                    return
            for code in called:
                self._callers.setdefault(code, []).append(item)

    def _is_killed(self, mutant: Mutant, functions: dict[str, FunctionType], session: pytest.Session) -> bool:
        self._before_fork()
        if not mutant.function:
            nodes = [item.nodeid for item in sorted(session.items, key=self._cost.__getitem__)]
            return _dies(lambda: self._run_anew(mutant, nodes), *self._limits(session.items))
        function = functions[mutant.function]
        items = sorted(self._callers.get(function.__code__, []), key=self._cost.__getitem__)
        return _dies(lambda: self._run_patched(mutant, function, items, session), *self._limits(items))

    def _limits(self, items: Sequence[pytest.Item]) -> tuple[int, int]:
        """Return the CPU seconds and the seconds after which a child is ended: far more than its tests take."""
        cost, seconds = sum(self._cost[item] for item in items), sum(self._seconds[item] for item in items)
        return 10 + int(10 * cost), 60 + int(10 * seconds)

    def _run_patched(
        self, mutant: Mutant, function: FunctionType, items: Sequence[pytest.Item], session: pytest.Session
    ) -> int:
        put_in(mutant, function)
        for n, item in enumerate(items):
            after = items[n + 1] if n + 1 < len(items) else _another(item, session)
            if n == 0:
                session._setupstate.teardown_exact(item)
            if any(report.failed for report in runtestprotocol(item, nextitem=after, log=False)):
                return KILLED
        return SURVIVED

    def _run_anew(self, mutant: Mutant, nodes: Sequence[str]) -> int:
        for name in [name for name in sys.modules if name.startswith(self.reload)]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Mutated(mutant))
        return KILLED if pytest.main([*PURE, "-x", *nodes]) else SURVIVED


# The rules know no framework, and so their tests need no plugin of ours: no settings, no servers.
QUIET = (
    "-q",
    "-s",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
PURE = (*QUIET, "-o", "addopts=", "--noconftest", "-p", "no:django")


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Loads the mutant instead of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        is_package = self._mutant.code.co_filename.endswith("__init__.py")
        return importlib.util.spec_from_loader(name, self, is_package=is_package)

    def get_source(self, fullname: str) -> None:
        return None

    def get_code(self, fullname: str) -> CodeType:
        return self._mutant.code

    def is_package(self, fullname: str) -> bool:
        return self._mutant.code.co_filename.endswith("__init__.py")


def functions_of(module: ModuleType) -> dict[str, FunctionType]:
    """Return the functions and methods a module defines by their qualified names, decorated plainly or not at all."""
    found = {}
    for owner in (module, *(v for v in vars(module).values() if isinstance(v, type))):
        for value in vars(owner).values():
            function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                found[function.__qualname__] = function
    return found


def put_in(mutant: Mutant, function: FunctionType) -> None:
    """Make a loaded function, wherever it is held, behave as its mutant."""
    function.__code__ = next(code for code in _codes(mutant.code) if code.co_qualname == mutant.function)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _another(item: pytest.Item, session: pytest.Session) -> pytest.Item:
    """Return any other test, so that what the whole session shares stays up after the last one."""
    return next(other for other in session.items if other is not item)


def _dies(run: Callable[[], int], cpu_seconds: int, wall_seconds: int) -> bool:
    """Run in a forked child; whether a test failed there, or the child went beyond its limits."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = KILLED
        try:
            signal.setitimer(signal.ITIMER_REAL, wall_seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            code = run()
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] != SURVIVED
