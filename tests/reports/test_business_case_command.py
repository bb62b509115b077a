"""`manage.py business_case` answers without any server, in text or JSON, and refuses with sentences."""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

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
        (("generic_llm", "--months", "soon"), "--months takes a whole number; 'soon' is not one."),
        (("generic_llm", "--discount-rate=-100%"), "An annual rate must be above -100%."),
        (
            ("generic_llm", "--hurdle-rate", "nan"),
            "--hurdle-rate takes a number such as 0.1 or 10%; 'nan' is not one.",
        ),
        (("generic_llm", "--set", "dev_cost=1e12"), "leaves the range of the ledger"),
        (("fraud_detection",), "Prevalence of fraud must be stated (prevalence): the share of transactions"),
        (
            ("generic_llm", "--tornado", "0.1"),
            "--tornado takes a change such as 10% (relative) or 10pts (points)",
        ),
        (("generic_llm", "--scenario", "Good"), "--scenario takes NAME:driver=value,…; 'Good' is not that."),
        (("generic_llm", "--scenario", "Good:dev=+9%"), "There is no driver dev"),
        (("generic_llm", "--scenario", "A:dev_cost=+x%"), "--scenario A takes a change such as 10%"),
        (
            ("generic_llm", "--monte-carlo", "--draws", "1000"),
            "--draws takes a power of two such as 16384; 1000",
        ),
        (("generic_llm", "--monte-carlo", "--spread", "0"), "--spread lies between 0% and 100%; 0 does not."),
        (("generic_llm", "--monte-carlo", "--seed", "x"), "--seed takes a whole number; 'x' is not one."),
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


def test_the_tornado_is_ranked_by_net_benefit_and_named_in_words() -> None:
    shown = answer("customer_support", "--tornado", "10%")
    points = {row["driver"]: row["roi_points"] for row in shown["tornado"]}
    swings = [row["swing"] for row in shown["tornado"]]
    assert swings == sorted(swings, reverse=True)
    assert points["deflection_rate"] == pytest.approx(14.81, abs=0.005)
    assert points["dev_cost"] == pytest.approx(9.73, abs=0.005)
    assert shown["sentence"].startswith("Most depends on ")
    assert "What matters most" in run("customer_support")


def test_points_move_shares_by_points_and_nothing_else() -> None:
    shown = answer("conversational_agent", "--tornado", "10pts")
    (row,) = shown["tornado"]
    assert (row["driver"], row["low_value"], row["high_value"]) == ("deflection_rate", 0.35, 0.55)
    assert row["swing"] == pytest.approx(510_000)


def test_scenarios_stand_beside_the_base() -> None:
    arguments = ("conversational_agent", "--scenario", "Ten points:deflection_rate=+10pts")
    shown = answer(
        *arguments,
        "--scenario",
        "Ten percent:deflection_rate=+10%",
        "--scenario",
        "optimistic:development_cost=9e4",
    )
    base, points, percent, optimistic = (row["net_benefit"] for row in shown["scenarios"])
    assert points - base == pytest.approx(255_000)
    assert percent - base == pytest.approx(114_750)
    assert optimistic - base == pytest.approx(30_000)
    assert [row["kind"] for row in shown["scenarios"]] == ["base", "own", "own", "optimistic"]
    assert "Ten points" in run(*arguments)


def test_draws_are_the_same_for_the_same_seed() -> None:
    arguments = ("generic_llm", "--monte-carlo", "--draws", "1024", "--seed", "3")
    first, second, other = answer(*arguments), answer(*arguments), answer(*arguments[:-1], "4")
    assert first["monte_carlo"] == second["monte_carlo"]
    assert first["monte_carlo"] != other["monte_carlo"]
    assert first["monte_carlo"]["draws"] == 1024
    assert "cumulative_net" not in first["monte_carlo"]
    assert len(answer(*arguments, "--monthly")["monte_carlo"]["cumulative_net"]) == 12
    assert "Monte Carlo: 1,024 draws, each driver uniform within ±20%, seed 3" in run(*arguments)


def test_the_workbook_is_written_where_asked(tmp_path: Path) -> None:
    run("coding_assistant", "--scenario", "Few:developers=10", "--xlsx", str(tmp_path / "case.xlsx"))
    with ZipFile(tmp_path / "case.xlsx") as book:
        assert "xl/workbook.xml" in book.namelist()
    assert "cannot be written" in refusal("coding_assistant", "--xlsx", str(tmp_path / "none" / "case.xlsx"))


def test_what_only_draws_need_is_not_loaded_without_them() -> None:
    script = (
        "import sys; sys.argv = ['manage.py', 'business_case', 'customer_support', '--tornado', '10%'];"
        "import manage; manage.main(); print('scipy.stats' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("False\n"), done.stderr


def test_several_years_are_shown_where_one_time_cost_is_significant() -> None:
    assert "Over several years" in run("customer_support")
    assert [row["months"] for row in answer("customer_support")["multi_year"]] == [12, 24, 36, 60]
    assert "Over several years" not in run("generic_llm", "--set", "dev_cost=0")
    assert "Over several years" in run("generic_llm", "--set", "dev_cost=0", "--months", "24")


def test_negative_amounts_stand_in_parentheses_and_undefined_says_why() -> None:
    text = run("generic_llm", "--set", "labor_savings_monthly=0")
    assert re.search(r"Net benefit +\(228,000\)", text)
    assert re.search(r"Payback +n/a \(never pays back", text)
    assert "nan" not in text.replace("Maintenance", "")


def test_the_list_names_every_template() -> None:
    text = run("--list")
    assert all(f"{name}: {template.title}" in text for name, template in TEMPLATES.items())
