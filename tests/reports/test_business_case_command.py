"""`manage.py business_case` answers without any server, in text or JSON, and refuses with sentences."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from roi.usecases import TEMPLATES
from roi.usecases.drivers import drivers_of

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("business_case", *arguments, stdout=out)
    return out.getvalue()


def answer(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json"))


def refusal(*arguments: str) -> str:
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("business_case", *arguments, stdout=out)
    assert out.getvalue() == ""
    return str(refused.value)


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "business_case", *arguments],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_runs_with_nothing_configured_and_no_server() -> None:
    done = process("generic_llm", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert shown["roi_percent"] == pytest.approx(0.9615384615)
    assert shown["payback_months"] == pytest.approx(11.7647058824)


def test_what_it_refuses_leaves_the_output_empty() -> None:
    done = process("generic_llm", "--json", "--set", "dev_cost=much")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith("'much' is not a number; write it like 1250.5.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Name a template: generic_llm"),
        (("generic",), "There is no template generic. Did you mean generic_llm?"),
        (("nothing_like_it",), "There are generic_llm, "),
        (("generic_llm", "--set", "dev_cost"), "--set takes name=value; 'dev_cost' is not that."),
        (("generic_llm", "--set", "dev_cost=1", "--set", "dev_cost=2"), "--set states dev_cost twice."),
        (("generic_llm", "--set", "dev_costs=1"), "There is no driver dev_costs. Did you mean dev_cost?"),
        (("generic_llm", "--set", "legal_review=1"), "a hidden cost; state it with --hidden"),
        (("generic_llm", "--hidden", "legal_review=-1"), "Legal review must lie at or above 0; -1 does not."),
        (("generic_llm", "--months", "121"), "A case runs from 1 to 120 months; 121 is outside."),
        (("generic_llm", "--months", "0"), "A case runs from 1 to 120 months; 0 is outside."),
        (("generic_llm", "--months", "soon"), "--months takes a whole number of months; 'soon' is not one."),
        (("generic_llm", "--discount-rate=-100%"), "An annual rate must be above -100 %."),
        (("generic_llm", "--hurdle-rate", "nan"), "The hurdle rate is a number such as 0.1 or 10%"),
        (("generic_llm", "--set", "dev_cost=1e12"), "leaves the range of the ledger"),
    ],
)
def test_every_problem_is_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refusal(*arguments)


def test_rates_may_be_fractions_or_percent() -> None:
    shown = answer("customer_support", "--discount-rate", "0", "--hurdle-rate", "15%")
    assert (shown["discount_rate"], shown["hurdle_rate"]) == (0, 0.15)
    assert shown["npv"] == 3_000
    assert shown["npv_at_hurdle"] < -4_644


def test_undefined_is_null_with_its_reason() -> None:
    shown = answer("generic_llm", "--set", "labor_savings_monthly=0")
    assert shown["payback_months"] is None
    assert shown["reasons"]["payback_months"] == "never_pays_back"
    assert shown["reasons"]["irr_percent"] == "irr_no_sign_change"


def test_it_says_which_drivers_were_set() -> None:
    shown = answer("customer_support", "--set", "deflection_rate=0.6", "--hidden", "legal_review=500")
    assert shown["drivers"]["deflection_rate"] == {"value": 0.6, "unit": "fraction", "is_set": True}
    assert shown["drivers"]["legal_review"]["is_set"] is True
    assert shown["drivers"]["dev_cost"]["is_set"] is False


def test_the_months_are_shown_on_request_and_add_up() -> None:
    assert "monthly" not in answer("customer_support")
    shown = answer("customer_support", "--months", "18", "--monthly")
    assert sum(shown["monthly"]["benefit"]) == pytest.approx(shown["total_value"])
    assert len(shown["monthly"]["lines"][0]["amounts"]) == 18


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_lists_its_drivers(name: str) -> None:
    text = run(name, "--list")
    assert all(f"  {one.name} = " in text for one in drivers_of(TEMPLATES[name].drivers))
    assert "legal_review" in text


def test_the_list_names_every_template() -> None:
    text = run("--list")
    assert all(f"{name}: {template.title}" in text for name, template in TEMPLATES.items())
