"""One policy of access: `scope` for lists and `may` for one row give the same answers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment, Membership, Portfolio, User
from portfolio.terms import Role
from tests import factories

pytestmark = pytest.mark.django_db

MATRIX = {
    "viewer": {Action.VIEW},
    "board": {Action.VIEW, Action.DECIDE},
    "owner": {Action.VIEW, Action.RECORD},
    "finance": {Action.VIEW, Action.RECORD, Action.CLOSE},
    "admin": set(Action),
}


@pytest.fixture
def portfolios() -> list[Portfolio]:
    made = [factories.make_portfolio() for _ in range(2)]
    for portfolio in made:
        factories.make_investment(portfolio)
    return made


@pytest.mark.parametrize("role", MATRIX)
@pytest.mark.parametrize("action", Action)
def test_a_role_opens_its_own_portfolio_and_no_other(
    portfolios: list[Portfolio], role: str, action: Action
) -> None:
    mine, foreign = portfolios
    user = factories.join(factories.make_user(), mine, role)
    seen = set(Investment.objects.filter(access.scope(user, action)).values_list("portfolio", flat=True))
    assert seen == ({mine.pk} if action in MATRIX[role] else set())
    assert access.may(user, action, mine.pk) is (action in MATRIX[role])
    assert not access.may(user, action, foreign.pk)


def test_the_matrix_names_every_role() -> None:
    assert set(MATRIX) == {role.value for role in Role}


@pytest.mark.parametrize("action", Action)
def test_nobody_and_the_disabled_see_nothing(portfolios: list[Portfolio], action: Action) -> None:
    gone = factories.join(factories.make_user(is_active=False), portfolios[0], "admin")
    disabled_root = factories.make_user(is_active=False, is_superuser=True)
    for user in (AnonymousUser(), None, gone, disabled_root):
        assert not Portfolio.objects.filter(access.scope(user, action, via="pk")).exists()
        assert not access.may(user, action, portfolios[0].pk)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    roles=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(list(Role))), unique=True, max_size=5),
    is_superuser=st.booleans(),
    is_active=st.booleans(),
    action=st.sampled_from(list(Action)),
)
def test_scope_and_may_agree_for_everybody(
    portfolios: list[Portfolio],
    roles: list[tuple[int, Role]],
    is_superuser: bool,
    is_active: bool,
    action: Action,
) -> None:
    user = factories.make_user(is_superuser=is_superuser, is_active=is_active)
    Membership.objects.bulk_create(
        Membership(user=user, portfolio=portfolios[i], role=role.value) for i, role in roles
    )
    user = User.objects.get(pk=user.pk)
    keys = [p.pk for p in portfolios]
    listed = set(
        Portfolio.objects.filter(access.scope(user, action, via="pk"), pk__in=keys).values_list(
            "pk", flat=True
        )
    )
    assert listed == {key for key in keys if access.may(user, action, key)}
    rows = Investment.objects.filter(access.scope(user, action), portfolio__in=keys)
    assert {row.portfolio_id for row in rows} == listed
    assert rows.count() == len(listed)
