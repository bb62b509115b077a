"""`business_case TEMPLATE [--set driver=value …] [--json]`: work out a business case. It needs no server."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from math import isfinite, nan
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from roi.usecases import TEMPLATES, as_json, summary
from roi.usecases.base import Case, CaseError, HiddenCosts, Template, read_case
from roi.usecases.drivers import DriversRejected, drivers_of
from roi.usecases.figures import figures_of

_EXAMPLES = """
examples:
  business_case --list                                   the templates
  business_case coding_assistant --list                  the drivers of one
  business_case coding_assistant --set developers=40     the case as text
  business_case customer_support --months 36 --json      one JSON object
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
        parser.add_argument("template", nargs="?", help="the kind of case; --list names them")
        parser.add_argument(
            "--list", action="store_true", help="list the templates, or one template's drivers"
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="DRIVER=VALUE", help="state a driver"
        )
        parser.add_argument(
            "--hidden", action="append", default=[], metavar="COST=AMOUNT", help="a hidden cost"
        )
        parser.add_argument("--months", metavar="N", help="horizon, 1 to 120")
        parser.add_argument("--discount-rate", metavar="RATE", help="per year: 0.1 or 10%% (the default)")
        parser.add_argument("--hurdle-rate", metavar="RATE", help="per year: 0.1 or 10%% (the default)")
        parser.add_argument("--currency", default="USD", help="only a label; nothing is converted")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
        parser.add_argument("--monthly", action="store_true", help="the plan by month too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute everything first: a problem leaves the output empty."""
        template = _template(options["template"]) if options["template"] else None
        if options["list"]:
            text = summary.templates(TEMPLATES.values()) if template is None else summary.drivers(template)
        elif template is None:
            raise CommandError(f"Name a template: {', '.join(TEMPLATES)}.")
        else:
            text = _answer(template, options)
        self.stdout.write(text)


def _answer(template: Template, options: dict[str, Any]) -> str:
    stated, hidden = _pairs(options["set"], "--set"), _pairs(options["hidden"], "--hidden")
    case = _case(template, stated, hidden, options)
    try:
        computed = figures_of(case)
    except CaseError as error:
        raise CommandError(str(error)) from error
    if not options["json"]:
        return summary.text(case, computed)
    answer = as_json.figures(case, computed)
    answer["drivers"] = as_json.drivers(case, stated={*stated, *hidden})
    if options["monthly"]:
        answer["monthly"] = as_json.monthly(computed)
    return json.dumps(answer, indent=2, allow_nan=False)


def _case(
    template: Template, stated: dict[str, str], hidden: dict[str, str], options: dict[str, Any]
) -> Case:
    misplaced = [one.name for one in drivers_of(HiddenCosts) if one.name in stated]
    if misplaced:
        raise CommandError(f"{misplaced[0]} is a hidden cost; state it with --hidden {misplaced[0]}=AMOUNT.")
    rates = {
        name: _rate(options[name], name.replace("_", " "))
        for name in ("discount_rate", "hurdle_rate")
        if options[name] is not None
    }
    try:
        return read_case(
            template,
            stated,
            hidden_costs=hidden,
            months=_months(options["months"]),
            currency=options["currency"],
            **rates,
        )
    except (DriversRejected, CaseError) as error:
        raise CommandError(str(error)) from error


def _template(name: str) -> Template:
    if name in TEMPLATES:
        return TEMPLATES[name]
    near = get_close_matches(name, TEMPLATES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(TEMPLATES)}."
    raise CommandError(f"There is no template {name}. {hint}")


def _pairs(stated: Sequence[str], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in stated:
        name, equals, value = one.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise CommandError(f"{option} takes name=value; {one!r} is not that.")
        if name.strip() in pairs:
            raise CommandError(f"{option} states {name.strip()} twice.")
        pairs[name.strip()] = value.strip()
    return pairs


def _months(stated: str | None) -> int | None:
    if stated is None:
        return None
    if not stated.strip().lstrip("-").isdecimal():
        raise CommandError(f"--months takes a whole number of months; {stated!r} is not one.")
    return int(stated)


def _rate(stated: str, name: str) -> float:
    digits = stated.strip()
    try:
        rate = float(Decimal(digits[:-1]) / 100 if digits.endswith("%") else Decimal(digits))
    except InvalidOperation:
        rate = nan
    if not isfinite(rate):
        raise CommandError(f"The {name} is a number such as 0.1 or 10%; {stated!r} is not.")
    return rate
