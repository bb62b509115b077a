"""A monthly pack of 60 investments beside its bare renders: the same charts and pages with nothing around them."""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.benchmarks.report import Row

INVESTMENTS, MONTHS = 60, 24
FIRST = date(2024, 1, 1)
ROUNDS = 2


def rows() -> list[Row]:
    """Measure in a process of its own: its memory is the pack's."""
    command = [sys.executable, "-m", "tests.benchmarks.packs"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return [
        Row("pack: 60 investments, made and archived", found["pack"], "s"),
        Row("pack: bare chart and page renders of it", found["bare"], "s"),
        Row("pack: made and archived / bare renders", found["pack"] / found["bare"], "ratio", "<= 2"),
        Row("pack: peak memory, with the child that draws", found["memory"], "MB", "<= 400"),
    ]


def run() -> dict[str, float]:
    """Return the best seconds of either side, measured in turns, and the peak memory of the first pack in MB."""
    portfolio = _portfolio()
    from reports import archive, pack_charts, pack_views
    from reports.models import ArchivedReport

    now = datetime.now(UTC)
    month = pack_views.newest_closed(portfolio)
    if month is None:
        raise RuntimeError("The benchmark's months are not closed.")
    view = pack_views.monthly(portfolio, month=month, as_of=now)
    frozen = archive.freeze(portfolio, "monthly_pack", view, now=now)
    specs, shown = pack_charts.specs_of(frozen.content), frozen.shown()
    # What this first pack takes is not mixed with the bare renders.
    frozen_at = _peak(resource.RUSAGE_SELF)
    archive.store(ArchivedReport(created_at=now), frozen, archive.files_of(frozen, path="/"))
    # The child that draws is gone before the pages are laid out: either it and what was there, or the pages.
    memory = max(_peak(resource.RUSAGE_SELF), frozen_at + _peak(resource.RUSAGE_CHILDREN))
    packs, bares = [], []
    for _ in range(ROUNDS):
        bares.append(_bare(specs, shown))
        began = time.perf_counter()
        one = archive.freeze(portfolio, "monthly_pack", view, now=now)
        archive.store(ArchivedReport(created_at=now), one, archive.files_of(one, path="/"))
        packs.append(time.perf_counter() - began)
    return {"pack": min(packs), "bare": min(bares), "memory": memory}


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def _bare(specs: dict[str, Any], shown: dict[str, Any]) -> float:
    """Return the seconds of the two engines alone, on charts and words that are there already."""
    import typst
    import vl_convert

    from reports import fonts, pack_charts, pack_pdf
    from roi import charts

    theme, words = charts.theme("light"), {}
    began = time.perf_counter()
    for key, spec in specs.items():
        sized = spec | {"width": pack_charts.WIDE, "height": pack_charts.TALL}
        drawn = vl_convert.vegalite_to_svg(sized, config=theme, allowed_base_urls=[])
        words[key] = {"svg": drawn, "words": spec["description"]}
    sized = specs[pack_charts.PORTFOLIO] | {"width": pack_charts.WIDE, "height": pack_charts.TALL}
    vl_convert.vegalite_to_png(sized, scale=2, config=theme, allowed_base_urls=[])
    typst.compile(
        str(pack_pdf.TEMPLATE),
        root=str(pack_pdf.TEMPLATE.parent),
        font_paths=[str(fonts.directory())] if fonts.directory().is_dir() else [],
        ignore_system_fonts=True,
        sys_inputs={"pack": json.dumps({**shown, "charts": words}, ensure_ascii=False)},
        format="pdf",
        pdf_standards=["ua-1"],
    )
    return time.perf_counter() - began


def _portfolio() -> Any:
    """Return a portfolio of its own whose investments have two closed years."""
    from portfolio import accounts, assumptions, investments, ledger, months
    from portfolio.facts import Fact, Writing
    from portfolio.models import Account, Investment, Portfolio, User
    from portfolio.terms import add_months, months_from

    now = datetime.now(UTC)
    accounts.ship(now=now)
    portfolio = Portfolio.objects.create(code="PACK", name="Packs")
    owner = User.objects.create(username="packs", email="packs@example.com")
    rates = {"hurdle_rate": "0.12", "discount_rate": "0.10", "asserted_share": "1"}
    assumptions.set_rates(portfolio, now=now, **{name: Decimal(rate) for name, rate in rates.items()})
    calendar = months_from(FIRST, add_months(FIRST, MONTHS - 1))
    keys = {code: Account.objects.get(code=code).pk for code in ("development", "model_api", "speed")}
    facts = []
    for number in range(INVESTMENTS):
        one = investments.put(
            Investment(
                portfolio=portfolio,
                code=f"PACK-{number:03}",
                name=f"Use case {number}",
                start_month=FIRST,
                owner=owner,
            ),
            now=now,
        )
        facts.append(Fact(one.pk, FIRST, keys["development"], "USD", Decimal(20_000 + 500 * number)))
        for month in calendar:
            facts.append(Fact(one.pk, month, keys["model_api"], "USD", Decimal(3_000 + 10 * number)))
            facts.append(Fact(one.pk, month, keys["speed"], "USD", Decimal(4_000 + 40 * number)))
    ledger.record(portfolio, facts, writing=Writing(source="benchmark", now=now, actor=None))
    months.close(portfolio, calendar, now=datetime.now(UTC))
    return portfolio


def main() -> None:
    """Run as a process of its own and say what was measured."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
