"""`business_case TEMPLATE [--set driver=value …] [--json]`: work out a business case. It needs no server."""

import json
from argparse import RawDescriptionHelpFormatter
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from reports import case_options, case_sections, case_workbook
from roi import questions, sensitivities, what_ifs
from roi.engine.sensitivity import SensitivityError
from roi.questions import Question, QuestionRejected, Terms
from roi.usecases import TEMPLATES, as_json, summary
from roi.usecases.base import Case, CaseError, HiddenCosts, Template
from roi.usecases.drivers import drivers_of
from roi.usecases.figures import CaseFigures, figures_of
from roi.usecases.warnings import warnings

Plain = dict[str, Any]

_EXAMPLES = """
examples:
  business_case --list                                   the templates
  business_case coding_assistant --list                  the drivers of one
  business_case coding_assistant --set developers=40     the case as text
  business_case customer_support --months 36 --json      one JSON object
  business_case customer_support --scenario "Good:deflection_rate=+10pts,dev_cost=-20%"
  business_case customer_support --monte-carlo --seed 7 --spread 20%
"""


class Command(BaseCommand):
    """Work out a business case from a template, and print its figures."""

    help = "Work out a business case from a template: figures, several years, what matters most."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the lines of the examples."""
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, epilog=_EXAMPLES, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments. Values are read here, not by the parser, so that every problem is a sentence."""
        add = parser.add_argument
        many: dict[str, Any] = {"action": "append", "default": []}
        add("template", nargs="?", help="the kind of case; --list names them")
        add("--list", action="store_true", help="list the templates, or one template's drivers")
        add("--set", **many, metavar="DRIVER=VALUE", help="state a driver")
        add("--hidden", **many, metavar="COST=AMOUNT", help="state a hidden cost")
        add("--months", metavar="N", help="horizon, 1 to 120")
        add("--discount-rate", metavar="RATE", default="10%", help="per year (default 10%%)")
        add("--hurdle-rate", metavar="RATE", default="10%", help="per year (default 10%%)")
        add("--currency", default="USD", help="only a label; nothing is converted")
        add("--tornado", metavar="CHANGE", help="move each driver: 10%% of its value, or shares by 10pts")
        add(
            "--scenario",
            **many,
            metavar="NAME:DRIVER=VALUE,…",
            help="side by side; values as 0.5, +10%%, -5pts",
        )
        add("--monte-carlo", action="store_true", help="draw all drivers at once")
        add("--seed", default="1", help="of the draws (default 1)")
        add("--spread", default="20%", help="of the draws, both ways (default 20%%)")
        add("--draws", default="16384", help="a power of two (default 16384)")
        add("--xlsx", metavar="FILE", help="write the case as a workbook with live formulas")
        add("--json", action="store_true", help="one JSON object instead of text")
        add("--monthly", action="store_true", help="in JSON, the plan by month too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute everything first: a problem leaves the output empty."""
        template = _template(options["template"]) if options["template"] else None
        if options["list"]:
            text = summary.templates(TEMPLATES.values()) if template is None else summary.drivers(template)
        elif template is None:
            raise CommandError(f"Name a template: {', '.join(TEMPLATES)}.")
        else:
            try:
                text = _answer(template, options)
            except (case_options.OptionError, QuestionRejected, CaseError, SensitivityError) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(text)


def _template(name: str) -> Template:
    if name in TEMPLATES:
        return TEMPLATES[name]
    near = get_close_matches(name, TEMPLATES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(TEMPLATES)}."
    raise CommandError(f"There is no template {name}. {hint}")


def _answer(template: Template, options: Plain) -> str:
    asked = _asked(template, options)
    question = _question(asked, options)
    computed = figures_of(question.case)
    found = what_ifs.evaluate(question) if _has_more(options) else {}
    if options["xlsx"]:
        _write(question, Path(options["xlsx"]))
    if options["json"]:
        stated = {*asked["drivers"], *asked["hidden_costs"]}
        answer = _plain(question.case, computed, options, stated) | _more(found, options)
        return json.dumps(answer, indent=2, allow_nan=False)
    return summary.text(question.case, computed, more=_sections(question.case, found, options))


def _asked(template: Template, options: Plain) -> Plain:
    """Return the question in plain values, as the API takes it."""
    drivers = case_options.pairs(options["set"], "--set")
    misplaced = [one.name for one in drivers_of(HiddenCosts) if one.name in drivers]
    if misplaced:
        raise CommandError(f"{misplaced[0]} is a hidden cost; state it with --hidden {misplaced[0]}=AMOUNT.")
    months = options["months"]
    return {
        "template": template.name,
        "drivers": drivers,
        "hidden_costs": case_options.pairs(options["hidden"], "--hidden"),
        "months": None if months is None else case_options.whole(months, "--months"),
        "discount_rate": case_options.share(options["discount_rate"], "--discount-rate"),
        "hurdle_rate": case_options.share(options["hurdle_rate"], "--hurdle-rate"),
        "scenarios": [case_options.scenario(one) for one in options["scenario"]],
        "tornado": case_options.change(options["tornado"], "--tornado") if options["tornado"] else None,
    }


def _question(asked: Plain, options: Plain) -> Question:
    terms = Terms(currency=options["currency"])
    if options["monte_carlo"]:
        asked["monte_carlo"] = case_options.draws(
            questions.read_case(asked, terms=terms),
            spread=case_options.share(options["spread"], "--spread"),
            seed=case_options.whole(options["seed"], "--seed"),
            count=case_options.whole(options["draws"], "--draws"),
        )
    return questions.read(asked, terms=terms)


def _has_more(options: Plain) -> bool:
    return bool(options["tornado"] or options["scenario"] or options["monte_carlo"])


def _plain(case: Case, computed: CaseFigures, options: Plain, stated: set[str]) -> Plain:
    answer = as_json.figures(case, computed)
    answer["warnings"] = warnings(case, computed)
    answer["drivers"] = as_json.drivers(case, stated=stated)
    if options["monthly"]:
        answer["monthly"] = as_json.monthly(computed)
    return answer


def _more(found: Plain, options: Plain) -> Plain:
    more: Plain = {}
    if options["tornado"]:
        more |= {"tornado": found["tornado"], "sentence": found["sentence"]}
    if options["scenario"]:
        more["scenarios"] = found["scenarios"]
    if options["monte_carlo"]:
        by_month = {"cumulative_net"} if not options["monthly"] else set()
        more["monte_carlo"] = {k: v for k, v in found["bands"].items() if k not in by_month}
    return more


def _sections(case: Case, found: Plain, options: Plain) -> list[str]:
    if options["tornado"]:
        sections = [case_sections.what_matters(found["sentence"]), case_sections.tornado(found["tornado"])]
    else:
        sections = [case_sections.what_matters(sensitivities.tornado(case, questions.DEFAULT_CHANGE)[1])]
    if options["scenario"]:
        sections.append(case_sections.scenarios(found["scenarios"]))
    if options["monte_carlo"]:
        spread = case_options.share(options["spread"], "--spread")
        sections.append(case_sections.monte_carlo(found["bands"], spread=spread))
    return sections


def _write(question: Question, file: Path) -> None:
    variants = [(one.name, one.case) for one in question.variants]
    title = summary.title(question.case)
    content = case_workbook.render(question.case, title=title, now=timezone.now(), scenarios=variants)
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandError(f"The workbook cannot be written to {file}: {error.strerror}.") from error
