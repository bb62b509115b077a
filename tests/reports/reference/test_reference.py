"""Reference data in the admin site: who sees and changes portfolios, members, rates, accounts and people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from portfolio import assumptions
from portfolio.models import Account, AccountVersion, Assumptions, FxRate, Membership, Portfolio, User
from tests.reports.cast import Cast, assemble

pytestmark = pytest.mark.django_db
RATES = {
    "hurdle": "12.5",
    "discount": "8",
    "asserted": "90",
    "realization": "labor_savings = 60",
    "reason": "Board.",
}


@pytest.fixture
def cast() -> Cast:
    """Return the cast in this test's database."""
    return assemble()


@pytest.fixture
def root(cast: Cast) -> Client:
    """Return a client of the installation's administrator."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com"))
    return client


def members(*rows: dict[str, str], initial: int = 0) -> dict[str, str]:
    """Return the form data of the member lines."""
    answers = {"memberships-TOTAL_FORMS": str(len(rows)), "memberships-INITIAL_FORMS": str(initial)}
    for number, row in enumerate(rows):
        answers |= {f"memberships-{number}-{name}": value for name, value in row.items()}
    return answers


SETTINGS = {
    "name": "Renamed",
    "time_zone": "UTC",
    "fiscal_year_start_month": "1",
    "close_day": "12",
    "norm_band_start_months": "9",
    "norm_band_end_months": "24",
    "exploration_share": "0",
    "materiality_threshold": "100000",
    "digest_hour": "8",
    "weekend": "56",
    "review_cadence_months": "3",
    "review_business_days": "10",
    "risk_aversion": "0.5",
}


@pytest.mark.parametrize(
    ("name", "sees", "may_change"),
    [
        ("adam", True, True),
        ("finn", True, False),
        ("olivia", True, False),
        ("vera", True, False),
        ("mallory", False, False),
    ],
)
def test_members_see_a_portfolio_and_its_administrators_change_it(
    cast: Cast, name: str, sees: bool, may_change: bool
) -> None:
    """Settings and members follow the same rule; a stranger finds nothing."""
    client = cast.client(name)
    address = reverse("admin:portfolio_portfolio_change", args=[cast.portfolio.pk])
    listed = client.get(reverse("admin:portfolio_portfolio_changelist")).content.decode()
    assert ("Customer operations" in listed) is sees
    assert client.get(address).status_code == (200 if sees else 404)
    new = {"user": str(cast.people["mallory"].pk), "role": "admin"}
    client.post(address, SETTINGS | members(new))
    cast.portfolio.refresh_from_db()
    assert (cast.portfolio.close_day == 12) is may_change
    joined = Membership.objects.filter(user=cast.people["mallory"], portfolio=cast.portfolio).exists()
    assert joined is may_change


def test_the_currency_of_recorded_figures_cannot_change(cast: Cast, root: Client) -> None:
    """A posted currency is ignored once a portfolio has investments."""
    address = reverse("admin:portfolio_portfolio_change", args=[cast.portfolio.pk])
    root.post(address, SETTINGS | members() | {"reporting_currency": "EUR", "code": "ZZ"})
    cast.portfolio.refresh_from_db()
    assert (cast.portfolio.reporting_currency, cast.portfolio.code) == ("USD", "CX")


def test_only_the_installations_administrators_open_portfolios(cast: Cast, root: Client) -> None:
    """An administrator of one portfolio does not open another."""
    address, new = (
        reverse("admin:portfolio_portfolio_add"),
        SETTINGS | members() | {"code": "NEW", "reporting_currency": "USD"},
    )
    assert cast.client("adam").post(address, new).status_code == 403
    assert root.post(address, new).status_code == 302
    assert Portfolio.objects.filter(code="NEW").exists()


@pytest.mark.parametrize(
    ("name", "status"), [("finn", 302), ("adam", 302), ("olivia", 404), ("vera", 404), ("mallory", 404)]
)
def test_finance_puts_rates_in_force(cast: Cast, name: str, status: int) -> None:
    """Percentages become fractions, exactly; others cannot change them."""
    address = reverse("admin:reports_rates") + "?portfolio=CX"
    assert cast.client(name).post(address, RATES).status_code == status
    rates = assumptions.rates_of([cast.support])[cast.support.pk]
    expected = (Decimal("0.125"), {"labor_savings": "0.6"}) if status == 302 else (Decimal("0.12"), {})
    assert (rates.hurdle_rate, dict(rates.realization_rates)) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"hurdle": "x"},
        {"asserted": "101"},
        {"reason": ""},
        {"realization": "model_api = 5"},
        {"realization": "revenue = 300"},
        {"realization": "revenue = many"},
    ],
)
def test_wrong_rates_get_a_sentence_and_change_nothing(cast: Cast, wrong: dict[str, str]) -> None:
    """The form comes back."""
    address = reverse("admin:reports_rates") + "?portfolio=CX"
    assert cast.client("finn").post(address, RATES | wrong).status_code == 400
    assert not Assumptions.objects.exists()


def test_accounts_are_defined_through_versions(cast: Cast, root: Client) -> None:
    """A changed attribute is a new version; code and kind stay."""
    account = Account.objects.get(code="model_api")
    before = AccountVersion.objects.filter(account=account).count()
    answers = {
        "name": "Model API",
        "nature": "run",
        "treatment": "opex",
        "aggregation": "sum",
        "is_active": "on",
        "code": "other",
        "kind": "benefit",
        "is_higher_better": "unknown",
    }
    address = reverse("admin:portfolio_account_change", args=[account.pk])
    assert root.post(address, answers).status_code == 302
    account.refresh_from_db()
    assert (account.code, account.kind, account.is_usage_driven) == ("model_api", "cost", False)
    assert AccountVersion.objects.filter(account=account).count() == before + 1
    assert cast.client("adam").post(address, answers).status_code == 403
    assert cast.client("vera").get(address).status_code == 200


def test_a_new_account_and_setting_one_inactive(cast: Cast, root: Client) -> None:
    """It gets the next position; an unticked box takes it out of the forms."""
    answers = {"code": "carbon", "name": "Carbon", "kind": "cost", "nature": "run", "treatment": "opex",
               "aggregation": "sum", "is_higher_better": "unknown"}  # fmt: skip
    assert root.post(reverse("admin:portfolio_account_add"), answers).status_code == 302
    made = Account.objects.get(code="carbon")
    assert made.position == max(Account.objects.values_list("position", flat=True))
    assert not made.is_active


@pytest.mark.parametrize(("name", "status"), [("finn", 302), ("adam", 302), ("olivia", 404), ("vera", 404)])
def test_finance_pastes_exchange_rates(cast: Cast, name: str, status: int) -> None:
    """Tabs, semicolons and spaces separate; the notation decides about the comma."""
    block = "EUR\tUSD\t2026-01\t1,0832\nGBP;USD;2026-01;1,27\nCHF USD 2026-01 1,1"
    answers = {"rates": block, "notation": "comma", "source": "ECB"}
    assert cast.client(name).post(reverse("admin:reports_fx"), answers).status_code == status
    assert FxRate.objects.count() == (3 if status == 302 else 0)
    if status == 302:
        assert FxRate.objects.get(currency="EUR").rate == Decimal("1.0832")


@pytest.mark.parametrize(
    "line",
    [
        "EUR USD 2026-01",
        "EUR USD 2026-13 1",
        "eur USD 2026-01 1",
        "EUR USD 2026-01 1,000",
        "EUR USD 2026-01 0",
    ],
)
def test_a_line_that_is_no_rate_records_nothing(cast: Cast, line: str) -> None:
    """All or nothing, with the number of the line."""
    answers = {"rates": f"GBP USD 2026-01 1.27\n{line}", "notation": "point", "source": "ECB"}
    response = cast.client("finn").post(reverse("admin:reports_fx"), answers)
    assert response.status_code == 400
    assert not FxRate.objects.exists()


def test_rates_are_read_by_all_and_edited_by_nobody(cast: Cast, root: Client) -> None:
    """Append-only in the site as in the database."""
    assert cast.client("vera").get(reverse("admin:portfolio_fxrate_changelist")).status_code == 200
    assert root.get(reverse("admin:portfolio_fxrate_add")).status_code == 403


@pytest.mark.parametrize("name", ["adam", "finn", "vera"])
def test_people_are_the_installations_matter(cast: Cast, root: Client, name: str) -> None:
    """Nobody but its administrators sees or changes accounts of people."""
    address = reverse("admin:portfolio_user_change", args=[cast.people["olivia"].pk])
    assert cast.client(name).get(address).status_code in (302, 403, 404)
    assert cast.client(name).get(reverse("admin:portfolio_user_changelist")).status_code == 403
    assert root.get(address).status_code == 200


def test_nobody_takes_their_own_access_away(cast: Cast, root: Client) -> None:
    """The last administrator cannot lock the door from outside."""
    me = User.objects.get(username="root")
    answers = {
        "username": "root",
        "email": "root@example.com",
        "time_zone": "UTC",
        "locale": "en-us",
        "is_staff": "on",
    }
    root.post(reverse("admin:portfolio_user_change", args=[me.pk]), answers)
    me.refresh_from_db()
    assert me.is_active
    assert me.is_superuser
