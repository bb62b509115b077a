"""Re-pricing on the ledger's own token volumes: one table an investment, whatever is missing says so."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolio import assumptions
from portfolio.facts import Fact
from portfolio.models import Deployment, Investment
from portfolio.terms import Book
from roi import prices, repricing
from roi.engine.repricing import Option, RepricingError, Table
from roi.engine.result import Reason
from roi.engine.token_cost import Serving
from tests import factories
from tests.factories import accounts, fact, month, record

# The published conversational agent: 25,000 conversations of four turns, 800 tokens in and 300 out.
INPUT, OUTPUT = 80_000_000, 30_000_000
MINI = Option("openai", "gpt-4o-mini")


def facts(investment: Investment, at: date, **lines: int | None) -> list[Fact]:
    return [fact(investment, at, account, value) for account, value in lines.items()]


def use(investment: Investment, *numbers: int, **changes: int | None) -> None:
    """Record the agent's tokens and cost for some months."""
    lines = {"input_tokens": INPUT, "output_tokens": OUTPUT, "model_api": 600} | changes
    record(investment.portfolio, *(f for n in numbers for f in facts(investment, month(n), **lines)))


def deploy(
    investment: Investment, vendor: str = "OpenAI", model: str = "gpt-4o", **changes: object
) -> Deployment:
    terms: dict[str, object] = {"effective_month": month(1)} | changes
    return Deployment.objects.create(investment=investment, vendor=vendor, model=model, **terms)


def table(investment: Investment, *options: Option, **months: date) -> Table:
    return repricing.reprice([investment], options, **months)[investment.pk]


@pytest.fixture
def agent(db: None) -> Investment:
    investment = factories.make_investment(factories.make_portfolio())
    deploy(investment)
    return investment


def test_the_agent_at_the_real_price_of_its_model(agent: Investment) -> None:
    use(agent, 1, 2, 3)
    made = table(agent, MINI)
    assert [m.month for m in made.months] == [month(1), month(2), month(3)]
    assert made.recorded.value == 1800
    # gpt-4o: 80 x 2.50 + 30 x 10 a month; gpt-4o-mini: 80 x 0.15 + 30 x 0.60.
    assert [m.list_cost.value for m in made.months] == [500] * 3
    assert made.recorded_over_list.value == 300
    (swap,) = made.options
    assert swap.cost.value == 90
    assert (swap.saving_on_list.value, swap.saving_on_recorded.value) == (1410, 1710)


def test_tokens_are_summed_over_sources_and_withdrawn_ones_left_out(agent: Investment) -> None:
    use(agent, 1)
    more = facts(agent, month(1), input_tokens=20_000_000, model_api=50)
    record(agent.portfolio, *more, source="gateway")
    gone = facts(agent, month(1), output_tokens=7)
    record(agent.portfolio, *gone, source="typo")
    record(
        agent.portfolio, factories.withdrawn(agent, month(1), "output_tokens"), source="typo", reason="Typo."
    )
    record(agent.portfolio, *facts(agent, month(1), input_tokens=5), book=Book.PLAN, book_version=1)
    (only,) = table(agent).months
    assert only.tokens is not None
    assert (only.tokens.input, only.tokens.output) == (100_000_000, OUTPUT)
    assert only.recorded.value == 650


def test_what_was_withdrawn_is_not_stated(agent: Investment) -> None:
    use(agent, 1, 2)
    gone = [factories.withdrawn(agent, month(n), "output_tokens") for n in (1, 2)]
    gone += [factories.withdrawn(agent, month(2), code) for code in ("input_tokens", "model_api")]
    record(agent.portfolio, *gone, reason="Counted elsewhere.")
    (only,) = table(agent).months
    assert only.list_cost.reason is Reason.UNPRICED_USAGE
    assert only.recorded.value == 600


def test_cached_tokens_are_priced_as_such(agent: Investment) -> None:
    use(agent, 1, cached_tokens=40_000_000)
    made = table(
        agent,
        Option(serving=Serving(cache_rate=Decimal(0))),
        Option(serving=Serving(cache_rate=Decimal("0.75"))),
    )
    assert made.list_cost.value == 40 * Decimal("2.50") + 40 * Decimal("1.25") + 300
    assert [option.cost.value for option in made.options] == [
        500,
        20 * Decimal("2.50") + 60 * Decimal("1.25") + 300,
    ]


def test_a_month_without_tokens_is_unpriced_and_so_is_the_total(agent: Investment) -> None:
    use(agent, 1, 4)
    record(agent.portfolio, *facts(agent, month(3), input_tokens=1, model_api=600))
    made = table(agent, MINI)
    assert [m.list_cost.reason for m in made.months] == [
        None,
        Reason.UNPRICED_USAGE,
        Reason.UNPRICED_USAGE,
        None,
    ]
    assert made.months[1].list_cost.sentence.startswith(
        "The ledger has no input_tokens and no output_tokens for 2024-02"
    )
    assert made.months[2].list_cost.sentence.startswith("The ledger has no output_tokens for 2024-03")
    assert made.options[0].cost.sentence.startswith("2 of 4 months have no amount; 2024-02:")
    assert made.recorded.reason is Reason.MISSING_ACTUALS


def test_a_nil_states_that_there_were_none(agent: Investment) -> None:
    use(agent, 1, input_tokens=None, output_tokens=None, model_api=None)
    made = table(agent, MINI)
    assert (made.list_cost.value, made.recorded.value, made.options[0].cost.value) == (0, 0, 0)


def test_what_nobody_deployed_has_no_list_cost(db: None) -> None:
    bare = factories.make_investment(factories.make_portfolio())
    use(bare, 1)
    made = table(bare, MINI, Option())
    assert made.list_cost.reason is Reason.UNPRICED_USAGE
    assert "No deployment says which model ran in 2024-01" in made.list_cost.sentence
    assert made.options[0].cost.value == 30
    assert made.options[0].saving_on_list.reason is Reason.UNPRICED_USAGE
    assert made.options[1].cost.reason is Reason.UNPRICED_USAGE
    deploy(bare, vendor=" ")
    assert "names no vendor or no model" in table(bare).list_cost.sentence


def test_an_unknown_model_is_unpriced_with_what_is_near(agent: Investment) -> None:
    use(agent, 1)
    (swap,) = table(agent, Option("openai", "gpt-4o-mni")).options
    assert swap.cost.reason is Reason.UNPRICED_USAGE
    assert "the nearest there are gpt-4o-mini" in swap.cost.sentence


def test_each_month_has_the_model_that_ran_in_it(agent: Investment) -> None:
    deploy(agent, model="gpt-4o-mini", effective_month=month(3))
    use(agent, 1, 2, 3)
    made = table(agent)
    assert [m.list_cost.value for m in made.months] == [500, 500, 30]
    assert [price.model for price in made.prices] == ["gpt-4o", "gpt-4o-mini"]


@pytest.mark.parametrize(
    ("version", "list_cost"), [("2024-05-13", 850), ("gpt-4o-2024-05-13", 850), ("build 7", 500), ("", 500)]
)
def test_a_stated_version_is_priced_as_such(agent: Investment, version: str, list_cost: int) -> None:
    # The first gpt-4o cost 5 and 15; a version that only we know is priced as its model.
    Deployment.objects.update(model_version=version)
    use(agent, 1)
    assert table(agent).list_cost.value == list_cost


def test_a_negotiated_price_counts_from_its_day_in_its_portfolio(agent: Investment) -> None:
    other = factories.make_investment(factories.make_portfolio())
    deploy(other)
    for investment in (agent, other):
        use(investment, 1, input_tokens=31_000_000, output_tokens=0)
    terms = prices.Terms("openai", "gpt-4o", date(2024, 1, 22), Decimal(1), Decimal(4), "Contract 7")
    prices.state(terms, portfolio=agent.portfolio, actor=factories.make_user(), now=factories.now())
    made = repricing.reprice([agent, other], [Option("openai", "gpt-4o")])
    assert made[agent.pk].list_cost.value == 21 * Decimal("2.5") + 10
    assert made[agent.pk].options[0].cost.value == made[agent.pk].list_cost.value
    assert made[other.pk].list_cost.value == 31 * Decimal("2.5")
    assert [price.source.split()[0] for price in made[agent.pk].prices] == ["genai-prices", "Contract"]


def test_batch_is_refused_where_the_deployment_is_latency_sensitive(agent: Investment) -> None:
    use(agent, 1, 2)
    batch = Option("openai", "gpt-4o-mini", Serving(batch_share=Decimal(1)))
    assert table(agent, batch).options[0].cost.value == 30
    deploy(agent, effective_month=month(2), is_latency_sensitive=True)
    made = table(agent, batch, MINI)
    assert [m.options[0].reason for m in made.months] == [None, Reason.LATENCY_SENSITIVE]
    assert made.options[0].cost.reason is Reason.LATENCY_SENSITIVE
    assert made.options[1].cost.value == 60


def test_amounts_are_in_the_reporting_currency(db: None) -> None:
    investment = factories.make_investment(factories.make_portfolio(reporting_currency="EUR"))
    deploy(investment)
    use(investment, 1, model_api=None)
    extra = fact(investment, month(1), "model_api", 100)
    record(investment.portfolio, extra, source="invoice")
    without = table(investment)
    assert without.list_cost.reason is without.recorded.reason is Reason.MISSING_FX_RATE
    rate = assumptions.Rate("USD", "EUR", month(1), Decimal("0.9"), "ECB")
    assumptions.set_fx_rates([rate], now=factories.now())
    made = table(investment)
    assert (made.list_cost.value, made.recorded.value) == (450, 90)


def test_months_can_be_bounded(agent: Investment) -> None:
    use(agent, 1, 2, 3)
    assert [m.month for m in table(agent, first=month(2), last=month(2)).months] == [month(2)]
    beyond = table(agent, first=month(3), last=month(4))
    assert [m.list_cost.reason for m in beyond.months] == [None, Reason.UNPRICED_USAGE]
    with pytest.raises(RepricingError, match="The last month, 2024-01, is before the first, 2024-02"):
        table(agent, first=month(2), last=month(1))
    with pytest.raises(RepricingError, match="a table has up to 600"):
        table(agent, last=date(2199, 1, 1))
    assert table(agent, first=month(9)).months == ()


def test_nothing_stated_is_no_volume(agent: Investment) -> None:
    made = table(agent, MINI)
    assert made.months == ()
    assert made.options[0].cost.reason is Reason.NO_VOLUME


def test_many_investments_take_as_many_queries_as_one(agent: Investment) -> None:
    use(agent, 1)
    counted = []
    for _ in range(2):
        everything = list(Investment.objects.select_related("portfolio").order_by("pk"))
        with CaptureQueriesContext(connection) as captured:
            made = repricing.reprice(everything, [MINI] * 5)
        assert {t.options[4].cost.value for t in made.values()} == {Decimal(30)}
        assert set(made) == {i.pk for i in everything}
        counted.append(len(captured))
        for _ in range(20):
            another = factories.make_investment(agent.portfolio)
            deploy(another)
            use(another, 1)
    assert counted == [4, 4]


def test_every_account_it_reads_is_shipped(db: None) -> None:
    assert {*repricing._NEEDED, repricing._OPTIONAL, repricing._MONEY} <= set(accounts())
