"""A pack made by hand: two investments, one of them with a name that tries to be a formula and markup at once."""

from __future__ import annotations

from typing import Any

EVIL = '=cmd|"/c calc"!A1 #image("/etc/passwd") <script>alert(1)</script>'
ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def basis(benefit: str, net: str, roi: str) -> dict[str, Any]:
    """Return the figures of one basis; some are undefined."""
    return {
        "benefit": benefit,
        "month_benefit": "1000.000000",
        "net": net,
        "breakeven": None,
        "operating_margin": {"value": "0.000000"},
        "roi": {"value": roi},
        "incremental_roi": {"reason": "window_incomplete"},
        "npv": {"value": net},
        "npv_hurdle": {"value": net},
        "irr": {"reason": "irr_no_sign_change"},
        "payback": {"reason": "not_reached"},
        "discounted_payback": {"reason": "not_reached"},
    }


def figures(tco: str, benefit: str, net: str, roi: str) -> dict[str, Any]:
    """Return the figures of one investment, alike on the three bases."""
    return {
        "tco": tco,
        "run_cost": "500.000000",
        "one_time_cost": "0.000000",
        "window_run_cost": "1500.000000",
        **{name: basis(benefit, net, roi) for name in ("claimed", "supported", "cashable")},
    }


def month(name: str, cost: str, benefit: str) -> dict[str, Any]:
    """Return one month of the chart."""
    return {
        "month": name,
        "cost": cost,
        "benefit": benefit,
        "month_cost": "1000.000000",
        "month_benefit": "1000.000000",
        "is_closed": True,
        "is_complete": True,
    }


def section(key: str, found: dict[str, Any], status: str) -> dict[str, Any]:
    """Return one investment of a content."""
    return {
        "id": key,
        "status": status,
        "status_before": "on_track",
        "through": "2026-05",
        "through_before": "2026-04",
        "figures": found,
        "figures_before": found,
        "alerts": [],
        "missing": [],
        "is_untraced": False,
        "months": [
            month("2026-04", "1000.000000", "500.000000"),
            month("2026-05", "2000.000000", "900.000000"),
        ],
        "last_decision": None,
    }


def totals() -> dict[str, Any]:
    """Return the sums of both."""
    part = {
        "benefit": "3300.000000",
        "overlap": "0.000000",
        "net": "-1200.000000",
        "roi": {"value": "-0.26666666666666666"},
    }
    return {
        "investments": 2,
        "with_figures": 2,
        "cost": "4500.000000",
        "oldest": "2026-05",
        "newest": "2026-05",
        **dict.fromkeys(("claimed", "supported", "cashable"), part),
    }


def content() -> dict[str, Any]:
    """Return a content with a gain and a loss."""
    return {
        "layout": 2,
        "engine": 1,
        "portfolio": "00000000-0000-4000-8000-000000000000",
        "currency": "USD",
        "view": {
            "month": "2026-05",
            "knowledge": 7,
            "before_month": "2026-04",
            "before_knowledge": 7,
            "as_of": "2026-06-12T08:00:00+00:00",
            "since": "2026-05-01",
            "until": "2026-05-31",
            "norm_band_end_months": 24,
        },
        "totals": totals(),
        "totals_before": totals(),
        "overlaps": {},
        "untraced": {"run_cost": "3000.000000", "amount": "0.000000", "share": {"value": "0.0"}},
        "investments": [
            section(ONE, figures("2500.000000", "3300.000000", "800.000000", "0.32"), "past_breakeven"),
            section(TWO, figures("2000.000000", "0.000000", "-2000.000000", "-1.0"), "negative_roi"),
        ],
        "decisions": [],
    }


def labels() -> dict[str, Any]:
    """Return the names that go with it."""
    person = {"owner": "Olivia", "sponsor": "Sam", "business_unit": "Service", "stage": "Scaled"}
    return {
        "portfolio": {"code": "CX", "name": "Customer operations", "time_zone": "Europe/Berlin"},
        "today": "2026-06-12",
        "investments": {
            ONE: {
                "code": "AI-001",
                "name": "Support",
                "review_date": "2026-06-01",
                "hypothesis": None,
                **person,
            },
            TWO: {"code": "AI-002", "name": EVIL, "review_date": None, "hypothesis": None, **person},
        },
        "reviews": [
            {
                "investment": ONE,
                "kind": "Regular review",
                "question": "",
                "due_on": "2026-06-01",
                "days_over": 11,
            }
        ],
        "deciders": {},
    }
