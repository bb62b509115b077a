"""`backtest`: how often the forecast's 80 % intervals hold, on generated histories or on the ledger's own."""

import json
import re
from argparse import ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from roi.engine import backtest, backtest_histories
from roi.engine.backtest import ACCEPTED, Score, Trials
from roi.engine.backtest_histories import Process
from roi.engine.forecast import PATHS
from roi.forecasts import past_months

FARTHEST = 24
ENOUGH = 2_000  # histories from which on the bound is one
Sections = dict[str, list[Score]]


class Command(BaseCommand):
    """Prints coverage, bias and width; fails where generated histories are not held eight times of ten."""

    help = "Test the forecast's intervals on generated histories of stated processes, or on the ledger (--ledger)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--histories", type=_positive, default=ENOUGH, help="How many to generate.")
        parser.add_argument("--seed", type=_positive, default=1, help="The same seed, the same answer.")
        parser.add_argument(
            "--horizons", type=horizons, default=(1, 6), help="Months ahead, for example 1-6."
        )
        parser.add_argument("--paths", type=_positive, default=PATHS, help="Simulated paths a forecast.")
        parser.add_argument("--ledger", action="store_true", help="Test on the recorded investments instead.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test and print it."""
        first, last = options["horizons"]
        terms = {"seed": options["seed"], "paths": options["paths"]}
        if options["ledger"]:
            trials = past_months.trials(horizon=last, **terms)
            if trials is None:
                raise CommandError("No investment has a month after six closed, complete months in use.")
            sections = _sections(trials, first)
        else:
            sections = generated(options["histories"], first=first, last=last, **terms)
        self._print(sections, options)
        is_bound = not options["ledger"] and options["histories"] >= ENOUGH
        if is_bound and not all(
            score.is_accepted for name in ("overall", "step") for score in sections[name]
        ):
            raise CommandError(f"The intervals do not hold between {ACCEPTED[0]:.0%} and {ACCEPTED[1]:.0%}.")

    def _print(self, sections: Sections, options: dict[str, Any]) -> None:
        if options["as_json"]:
            self.stdout.write(json.dumps(as_json(sections, options), indent=2))
            return
        for line in lines(sections, is_ledger=options["ledger"]):
            self.stdout.write(line)


def generated(count: int, *, first: int, last: int, seed: int, paths: int) -> Sections:
    """Return the scores on generated histories, also by process and with a level shift or without."""
    histories = backtest_histories.generate(count, seed=seed, ahead=last)
    trials = backtest.run(backtest.generated(histories, seed=seed), paths=paths)
    part = backtest.from_step(trials, first)
    return _sections(trials, first) | {
        "process": backtest.by_group(part, histories.process, [process.value for process in Process]),
        "level_shift": backtest.by_group(part, histories.is_shifted, ["none", "one"]),
    }


def _sections(trials: Trials, first: int) -> Sections:
    part = backtest.from_step(trials, first)
    return {
        "overall": [backtest.score("all", part)],
        "step": backtest.by_step(trials)[first - 1 :],
        "measure": backtest.by_measure(part),
    }


def lines(sections: Sections, *, is_ledger: bool) -> list[str]:
    """Return the report as text."""
    origin = "the ledger's months, as known today" if is_ledger else "generated histories"
    bound = (
        "no bound"
        if is_ledger
        else f"accepted: {ACCEPTED[0]:.0%} to {ACCEPTED[1]:.0%} overall and at each step"
    )
    found = [
        f"80% intervals on {origin}; {bound}. Bias and width are shares of an investment's size.",
        f"{'':<36}{'n':>9}{'coverage':>10}{'bias':>9}{'width':>9}",
    ]
    for section, scores in sections.items():
        found += [_line(section, score) for score in scores]
    return found


def _line(section: str, score: Score) -> str:
    name = f"{section} {score.name}".replace("_", " ")
    if score.coverage is None or score.bias is None or score.width is None:
        return f"{name:<36}{score.n:>9,}{'n/a':>10}{'n/a':>9}{'n/a':>9}"
    return f"{name:<36}{score.n:>9,}{score.coverage:>10.1%}{score.bias:>+9.2%}{score.width:>9.1%}"


def as_json(sections: Sections, options: dict[str, Any]) -> dict[str, Any]:
    """Return the report with the overall figures at the top."""
    overall = asdict(sections["overall"][0])
    del overall["name"]
    source = (
        {"source": "ledger"}
        if options["ledger"]
        else {"source": "generated", "histories": options["histories"]}
    )
    return {
        **source,
        "seed": options["seed"],
        "paths": options["paths"],
        **overall,
        **{
            f"by_{name}": [asdict(score) for score in scores]
            for name, scores in sections.items()
            if name != "overall"
        },
    }


def horizons(text: str) -> tuple[int, int]:
    """Return the first and last month ahead of `1-6`."""
    match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= FARTHEST:
        raise ArgumentTypeError(
            f"'{text}' is not a range of months ahead; write for example 1-6, up to {FARTHEST}."
        )
    return first, last


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"'{text}' is not a whole number of 1 or more.")
    return int(text)
