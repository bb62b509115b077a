"""Finance imports the three cases of source B by command, and every figure of the source comes out."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alerts import evaluate
from alerts.models import AlertState, Episode, PolicyTemplate
from config import services
from portfolio import assumptions, investments, months
from portfolio.models import Investment, Portfolio, User
from portfolio.terms import format_month
from roi.models import Snapshot
from tests.flow.cast import last_months
from tests.processes import run_python

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "engine" / "source_b.json"
CASES: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())
CODES = {"coding_assistant": "B-CODE", "customer_support": "B-SUPPORT", "conversational_agent": "B-AGENT"}
_SUPPORT = {
    "infrastructure": "4500",
    "model_api": "6000",
    "maintenance": "3000",
    "labor_savings": "19250",
    "speed": "3000",
    "quality": "2500",
    "revenue": "1500",
}
# Each month's lines as the source splits them; the first month has the development as well.
MONTHLY = {
    "B-CODE": {
        "licenses": "3900",
        "administration": "500",
        "labor_savings": "8333",
        "speed": "4167",
        "quality": "2000",
    },
    "B-SUPPORT": _SUPPORT,
    # The same case under a policy on NPV, in a portfolio of its own.
    "B-NPV": _SUPPORT,
    # The agent's infrastructure is a fixed sum, so it stands on an account that does not grow with usage.
    "B-AGENT": {
        "vector_store_monitoring": "2500",
        "model_api": "600",
        "maintenance": "2000",
        "labor_savings": "95625",
        "revenue": "3000",
    },
}
DEVELOPMENT = {"B-CODE": "15000", "B-SUPPORT": "150000", "B-NPV": "150000", "B-AGENT": "120000"}


def the_file() -> str:
    """Return 36 flat months of every case, as the long layout of the template."""
    lines = ["investment,month,account,amount,currency,quantity"]
    for code, accounts in MONTHLY.items():
        lines.append(f"{code},{format_month(last_months(36)[0])},development,{DEVELOPMENT[code]},USD,")
        for month in map(format_month, last_months(36)):
            lines += [f"{code},{month},{account},{amount},USD," for account, amount in accounts.items()]
            if code == "B-AGENT":
                lines.append(f"{code},{month},conversations,,,25000")
    return "\n".join(lines) + "\n"


@pytest.fixture
def portfolios(fresh_database: object) -> list[Portfolio]:
    """Put the cases into a portfolio with the default policies, and one that judges NPV from month 12."""
    now = datetime.now(UTC)
    olivia = User.objects.create(username="olivia", email="olivia@example.com")
    made = [Portfolio.objects.create(code=code, name=code) for code in ("B", "N")]
    tenth = Decimal("0.10")
    for portfolio in made:
        assumptions.set_rates(
            portfolio, now=now, hurdle_rate=tenth, discount_rate=tenth, asserted_share=Decimal(1)
        )
    PolicyTemplate.objects.create(
        portfolio=made[1], rule="hurdle_rate", measure="npv", for_months=1, armed_from_month=12
    )
    for code in MONTHLY:
        start = last_months(36)[0]
        investment = Investment(
            portfolio=made[code == "B-NPV"],
            code=code,
            name=code,
            owner=olivia,
            start_month=start,
            live_month=start,
            horizon_months=12 if code == "B-AGENT" else 36,
        )
        investments.put(investment, now=datetime.now(UTC))
    return made


def import_file(path: Path, *words: str) -> str:
    """Run the command as finance would."""
    done = run_python(
        "manage.py", "import_actuals", str(path), *words, environment=os.environ, cwd=services.ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def half_digit(stated: float) -> float:
    """Return half a unit of the last digit a golden number is stated with."""
    digits = str(stated).partition(".")[2]
    return float(0.5000001 * 10.0 ** -(len(digits) if digits.strip("0") else 0))


def test_every_check_figure_comes_out_of_the_imported_file(
    portfolios: list[Portfolio], tmp_path: Path
) -> None:
    path = tmp_path / "source-b.csv"
    path.write_text(the_file())
    values = len(the_file().splitlines()) - 1
    assert "Nothing was recorded" in import_file(path)
    assert f"{values} new, 0 changed, 0 unchanged" in import_file(path, "--commit")
    assert f"0 new, 0 changed, {values} unchanged" in import_file(path, "--commit")
    for number in (12, 24, 36):
        closed = last_months(36)[:number]
        for portfolio in portfolios:
            months.close(portfolio, closed, now=datetime.now(UTC))
        evaluate.advance(now=datetime.now(UTC))
        for name, case in CASES.items():
            if stated := case["months"].get(str(number)):
                check_figures(CODES[name], closed[-1], case, stated)
        if number == 12:
            check_thresholds_in_month_twelve()


def check_figures(code: str, month: date, case: dict[str, Any], stated: dict[str, float]) -> None:
    """Compare a month's snapshot with the golden figures, each to the last digit it is stated with."""
    row = Snapshot.objects.get(investment__code=code, month=month)
    window_conversations = 3 * case.get("conversations", 1)
    found: dict[str, Any] = {
        "roi_pct": _times(row.roi_supported, 100),
        "npv": row.npv_supported,
        "irr_pct": _times(row.irr_supported, 100),
        "discounted_payback": row.discounted_payback_supported,
        "payback": row.payback_supported,
        "incremental_roi": row.incremental_roi_supported,
        "tco": row.tco,
        "benefit": row.cumulative_benefit_supported,
        "run_cost_per_conversation": row.window_avoidable_run_cost / window_conversations,
        "loaded_cost_per_conversation": row.loaded_cost_per_conversation,
        "marginal_cost_per_conversation": row.marginal_cost_per_conversation,
    }
    wanted = stated | {key: case[key] for key in ("payback", "incremental_roi")}
    for key, value in wanted.items():
        assert found[key] is not None, (code, month, key)
        assert float(found[key]) == pytest.approx(value, abs=half_digit(value)), (code, month, key)
    assert (row.roi_claimed, row.roi_cashable) == (row.roi_supported, row.roi_supported)
    reached = Episode.objects.get(investment__code=code, rule="breakeven_reached")
    assert reached.fired_month == last_months(36)[case["breakeven"] - 1]


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def check_thresholds_in_month_twelve() -> None:
    """The support case has reached breakeven, is clear of the default hurdle, and under it by NPV."""
    episodes = Episode.objects.values_list("investment__code", "rule", "fired_month")
    twelfth = last_months(36)[11]
    assert ("B-SUPPORT", "breakeven_reached", twelfth) in episodes
    assert [row for row in episodes if row[1] == "hurdle_rate"] == [("B-NPV", "hurdle_rate", twelfth)]
    state = AlertState.objects.get(investment__code="B-NPV", rule="hurdle_rate")
    assert float(state.value) == pytest.approx(-4644, abs=0.5)
