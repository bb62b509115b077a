"""Runs the plan over a stack that is up, and says what came of it."""

from __future__ import annotations

import argparse
import hashlib
import logging
import random
import subprocess
import sys
import time

from config import services
from tests.faults import run as runs
from tests.faults import seams
from tests.faults.run import Run
from tests.faults.stack import Stack
from tests.faults.workload import Workload

SHOWN = 20
ROUND_SECONDS = 60.0


def run(stack: Stack, given: argparse.Namespace, began: float) -> int:
    """Prepare, break, settle, compare; returns the exit code."""
    logging.disable(logging.CRITICAL)
    dice = random.Random(given.seed)
    work = Workload(dice)
    work.prepare(portfolios=given.portfolios, size=given.size, webhook=stack.webhook_url)
    if "unique_key" in stack.without:
        stack.drop_unique_keys(seams.UNIQUE)
    stack.open_nursery()
    names = [*(f"relay-{n}" for n in range(1, given.relays + 1)), "worker"]
    names += ["beat", *(f"beat-{n}" for n in range(2, given.beats + 1))]
    for name in names:
        stack.launch(name)
    current = Run(stack, work, dice, given.verbose)
    current.settle_evaluation()
    print(f"Everything is up after {time.monotonic() - began:.1f} s; seed {given.seed}.", flush=True)
    if given.steps:
        return _tell(current, given.steps)
    failure = ""
    try:
        runs.run_faults(
            current,
            faults=given.faults,
            kinds=[kind for kind in given.kinds.split(",") if kind],
            seconds=given.minutes * 60,
        )
        print(f"{current.total} faults after {time.monotonic() - began:.1f} s; settling.", flush=True)
        current.settle()
    except AssertionError as error:
        failure = str(error)
    return _say(current, given, failure, began)


def _tell(current: Run, steps: int) -> int:
    """Let people do one thing after the other, each judged before the next, and say which messages arrived."""
    for _ in range(steps):
        current.work.correct_one()
        current.settle_evaluation()
    current.settle()
    told = runs.told(current.stack)
    digest = hashlib.sha256(repr(sorted(set(told))).encode()).hexdigest()
    print(f"messages={len(told)} different={len(set(told))} set={digest[:16]}", flush=True)
    return 0


def _say(current: Run, given: argparse.Namespace, failure: str, began: float) -> int:
    found = runs.close(current)
    problems = [failure] if failure else []
    for name in list(current.stack.running):
        current.stack.end(name)
    problems += [*found.unexplained, *runs.differing_facts(current.work)]
    problems += _commands(current.stack)
    if (months := runs.differing_snapshots()) > 0:
        problems.append(f"{months} stored months differ from those of a full recompute.")
    for name, count in sorted(current.done.items()):
        print(f"  {name:32} {count:5}")
    for problem in problems[:SHOWN]:
        print(f"PROBLEM {problem}")
    seconds = time.monotonic() - began
    print(
        f"writes={current.work.writes} retried={current.work.retried} revived={current.revived} "
        f"owed={found.owed} accepted={found.accepted} excess={found.excess} problems={len(problems)} "
        f"seconds={seconds:.0f} slowest_write_without_broker={current.slowest_without_broker:.2f}"
    )
    if problems:
        from tests.faults.__main__ import revision

        print(f"FAILED: seed {given.seed} at {revision()}")
    print(
        f"faults={current.total} kinds={len(current.done)} lost={found.lost} phantom={found.phantom} "
        f"doubled={found.doubled} repeats={found.repeats} bound={found.bound} seed={given.seed}",
        flush=True,
    )
    return 1 if problems or not found.balance else 0


def _commands(stack: Stack) -> list[str]:
    """Let the product's own commands look over everything."""
    found = []
    for words in (["audit", "--all"], ["check_ledger"]):
        done = _command(stack, words)
        ends = time.monotonic() + ROUND_SECONDS
        while "Another round is running" in done.stderr and time.monotonic() < ends:
            # One that was killed in the middle is given up in a moment.
            time.sleep(1)
            done = _command(stack, words)
        if done.returncode:
            found.append(f"{words[0]} found something:\n{done.stdout[-1500:]}{done.stderr[-500:]}")
        else:
            print(f"{words[0]}: {done.stdout.strip().splitlines()[-1]}", file=sys.stderr)
    return found


def _command(stack: Stack, words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        services.manage(*words),
        cwd=services.ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
