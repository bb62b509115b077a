"""`make mutants`: whether the tests notice when the rules, or the evaluation, are changed.

Every function of `alerts/rules` with the pure tests, a seeded sample of its definitions, and one of `alerts/evaluate`
with the tests on the database. Exits non-zero where the rules' score is missed. Arguments name the modules to judge.
SHARE=0.1 judges a seeded tenth of the rules' mutants, and says so by the number of them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.mutants.campaign import PURE, QUIET, Campaign
from tests.mutants.mutations import Mutant, mutants_of

RULES = Path("alerts/rules")
EVALUATE = Path("alerts/evaluate.py")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
PRINTED = Path("var/mutants.json")
SAMPLE = 200
LEAST = 0.9
_SEED = 20_240_101
_DATABASE_TESTS = (
    "tests/alerts/test_evaluate.py",
    "tests/alerts/test_evaluate_ranges.py",
    "tests/alerts/test_poison.py",
    "tests/alerts/test_early_warning.py",
    "tests/alerts/test_replay.py",
)


def main(arguments: list[str]) -> int:
    """Run one campaign named by the first argument, or all of them, each in a process of its own."""
    if arguments and arguments[0] in _CAMPAIGNS:
        return _CAMPAIGNS[arguments[0]](arguments[1:])
    PRINTED.unlink(missing_ok=True)
    for name in _CAMPAIGNS:
        if subprocess.run([sys.executable, "-m", "tests.mutants", name, *arguments], check=False).returncode:
            return 1
    return _close(json.loads(PRINTED.read_text()))


def _close(counts: dict[str, list[int]]) -> int:
    parts, is_met = [], True
    for name, (total, killed, equivalent) in counts.items():
        score = killed / (total or 1)
        proven = f" equivalent={equivalent} score_without={killed / ((total - equivalent) or 1):.1%}"
        parts.append(
            f"{name} mutants={total} killed={killed} score={score:.1%}{proven if equivalent else ''}"
        )
        is_met = is_met and (score >= LEAST or name != "rules")
    print("; ".join(parts))
    return 0 if is_met else 1


def _rules(names: list[str]) -> int:
    return _judge_rules("rules", [m for m in _mutants_of_rules(names) if m.function])


def _definitions(names: list[str]) -> int:
    return _judge_rules("definitions", _sample([m for m in _mutants_of_rules(names) if not m.function]))


def _judge_rules(name: str, mutants: list[Mutant]) -> int:
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    return _judge(name, Campaign(mutants, reload=("alerts", "tests.alerts")), [*PURE, "tests/alerts/rules"])


def _evaluate(names: list[str]) -> int:
    if names and "evaluate" not in names:
        return 0
    inside = [mutant for mutant in mutants_of(_module(EVALUATE), EVALUATE) if mutant.function]
    campaign = Campaign(_sample(inside), before_fork=_disconnect)
    return _judge("evaluate", campaign, [*QUIET, *_DATABASE_TESTS])


def _disconnect() -> None:
    """Close the connections to the database: a child must not talk on its parent's."""
    from django.db import connections

    connections.close_all()


_CAMPAIGNS = {"rules": _rules, "definitions": _definitions, "evaluate": _evaluate}


def _mutants_of_rules(names: list[str]) -> list[Mutant]:
    paths = [path for path in sorted(RULES.glob("*.py")) if not names or path.stem in names]
    share, draw = float(os.environ.get("SHARE") or 1), random.Random(_SEED)
    return [m for path in paths for m in mutants_of(_module(path), path, lambda: draw.random() < share)]


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _sample(mutants: list[Mutant]) -> list[Mutant]:
    """Return a sample that is the same in every run on the same source, in the order of the lines."""
    chosen = random.Random(_SEED).sample(range(len(mutants)), min(SAMPLE, len(mutants)))
    return [mutants[n] for n in sorted(chosen)]


def _judge(name: str, campaign: Campaign, arguments: list[str]) -> int:
    print(f"{name}: {len(campaign.mutants)} mutants", flush=True)
    pytest.main(arguments, plugins=[campaign])
    if campaign.failed or not campaign.ran:
        print(f"The tests fail without any mutant:\n{campaign.failed}", file=sys.stderr)
        return 1
    known = _known_equivalents()
    survivors = {mutant.key for mutant in campaign.survivors}
    for mutant in campaign.mutants:
        if mutant.key in known and mutant.key not in survivors:
            print(f"A test kills what {EQUIVALENT.name} calls equivalent: {mutant}", file=sys.stderr)
            return 1
    for module in dict.fromkeys(mutant.module for mutant in campaign.mutants):
        total = sum(mutant.module == module for mutant in campaign.mutants)
        lived = sum(mutant.module == module for mutant in campaign.survivors)
        print(f"{module} {total - lived}/{total}", flush=True)
    total = len(campaign.mutants)
    _keep(name, [total, total - len(survivors), len(survivors & known)])
    return 0


def _known_equivalents() -> set[tuple[str, str, str, str]]:
    if not EQUIVALENT.exists():
        return set()
    listed = tomllib.loads(EQUIVALENT.read_text()).get("mutant", [])
    return {(m["module"], m["function"], m["before"], m["after"]) for m in listed}


def _keep(name: str, counts: list[int]) -> None:
    PRINTED.parent.mkdir(exist_ok=True)
    kept = json.loads(PRINTED.read_text()) if PRINTED.exists() else {}
    PRINTED.write_text(json.dumps(kept | {name: counts}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
