"""The back-test on real investments: forecasts as they would have been made at the end of every past month."""

from collections.abc import Sequence

from portfolio import knowledge
from portfolio.models import Investment
from roi import inputs
from roi.engine import backtest
from roi.engine.backtest import Trials
from roi.forecasts.preparation import BASIS

CHUNK = 250  # investments; each is forecast once for every month it was in use


def trials(*, horizon: int, seed: int, paths: int) -> Trials | None:
    """Return what came of forecasting every investment from each closed month; None where there are no months to test.

    Months are taken as they are known today, restatements included.
    """
    ids = list(Investment.objects.order_by("pk").values_list("pk", flat=True))
    parts = [
        _of_chunk(ids[start : start + CHUNK], horizon=horizon, seed=seed, paths=paths)
        for start in range(0, len(ids), CHUNK)
    ]
    known = [part for part in parts if part is not None]
    return backtest.merged(known) if known else None


def _of_chunk(ids: Sequence[int], *, horizon: int, seed: int, paths: int) -> Trials | None:
    chosen = Investment.objects.filter(pk__in=ids).select_related("portfolio").order_by("pk")
    loaded = knowledge.with_one_view(lambda: inputs.load(list(chosen)))
    cases = backtest.recorded(loaded.series, horizon=horizon, seed=seed, basis=BASIS)
    return backtest.run(cases, paths=paths) if len(cases.seed) else None
