"""A portfolio rolled up over the API, and its benefit pools."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio.access import Action
from portfolio.api_base import (
    Body,
    ExactDecimalField,
    MonthField,
    StrictView,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_portfolio,
    person,
    refuse,
)
from portfolio.api_ledger import as_of_parameter
from portfolio.models import Account, Investment, Portfolio
from portfolio.terms import format_month, from_micros
from roi import benefit_pools, rollups
from roi.api_bridges import (
    asked_basis,
    asked_month,
    basis_parameter,
    known_at,
    month_parameter,
)
from roi.benefit_pools import Membership, Pooled
from roi.engine.pools import PoolError, SharingRule
from roi.engine.result import Figure
from roi.engine.rollup import Group, Misfunded, Reserve
from roi.models import PoolTerms
from roi.rollups import Dimension, View

Plain = dict[str, Any]


class GroupAnswer(serializers.Serializer[Any]):
    """A group's sums as exact decimal strings; `overlap` is benefit that pools leave out of net and ROI."""

    group = serializers.CharField(allow_blank=True)
    investments = serializers.ListField(child=serializers.CharField())
    run_cost = serializers.CharField()
    one_time_cost = serializers.CharField()
    cost = serializers.CharField()
    benefit = serializers.CharField()
    overlap = serializers.CharField()
    net = serializers.CharField()
    roi = serializers.FloatField(allow_null=True)
    roi_reason = serializers.CharField(allow_null=True)


class PoolMemberAnswer(serializers.Serializer[Any]):
    """What a member claims and keeps."""

    investment = serializers.CharField()
    since = MonthField()
    claimed = serializers.CharField()
    kept = serializers.CharField()


class PooledAnswer(serializers.Serializer[Any]):
    """A pool over the months rolled up: claimed and overlap."""

    pool = serializers.CharField()
    monthly_cap = serializers.CharField()
    sharing_rule = serializers.CharField()
    account = serializers.CharField(allow_null=True)
    overlap = serializers.CharField()
    members = PoolMemberAnswer(many=True)


class ReserveAnswer(serializers.Serializer[Any]):
    """What experiments use against their target; money in the reporting currency, or person-months."""

    available = serializers.CharField(allow_null=True)
    target = serializers.CharField(allow_null=True)
    used = serializers.CharField()
    shortfall = serializers.CharField(allow_null=True)
    share = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class UntracedAnswer(serializers.Serializer[Any]):
    """Run cost that nothing is measured against."""

    run_cost = serializers.CharField()
    share = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    investments = serializers.ListField(child=serializers.CharField())


class MisfundedAnswer(serializers.Serializer[Any]):
    """An investment that gets too little or too much, over the window."""

    investment = serializers.CharField()
    spend = serializers.CharField()
    share = serializers.FloatField()
    reasons = serializers.ListField(child=serializers.CharField())


class RollUpAnswer(serializers.Serializer[Any]):
    """A portfolio through one month: groups that add up to the total, and what to look at."""

    portfolio = serializers.CharField()
    currency = serializers.CharField()
    basis = serializers.CharField()
    by = serializers.CharField()
    month = MonthField(allow_null=True)
    groups = GroupAnswer(many=True)
    total = GroupAnswer()
    pools = PooledAnswer(many=True)
    untraced = UntracedAnswer()
    budget_reserve = ReserveAnswer()
    capacity_reserve = ReserveAnswer()
    under_invested = MisfundedAnswer(many=True)
    over_invested = MisfundedAnswer(many=True)


class PortfolioRollUp(StrictView):
    """The arithmetic of a portfolio."""

    takes = {"get": ("by", "month", "basis", "as_of")}

    @extend_schema(
        operation_id="portfolios_roll_up",
        responses=RollUpAnswer,
        parameters=[
            code_parameter,
            OpenApiParameter("by", str, enum=[dimension.value for dimension in Dimension]),
            month_parameter,
            basis_parameter,
            as_of_parameter,
        ],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return sums by group that add up exactly, with pools, untraced spend, the reserve and misplaced money."""
        portfolio = open_portfolio(request.user, code)
        by = request.query_params.get("by", Dimension.UNIT.value)
        if by not in list(Dimension):
            raise ValidationError({"by": [f"A portfolio is grouped by one of {', '.join(Dimension)}."]})
        month, basis = asked_month(request), asked_basis(request)
        today = timezone.now().astimezone(ZoneInfo(portfolio.time_zone)).date()
        with transaction.atomic():
            known = known_at(request, portfolio)
            found = rollups.view(portfolio, today=today, basis=basis, month=month, knowledge=known)
        return Response(_view(found, Dimension(by)))


class MemberBody(Body):
    """An investment of a pool."""

    investment = serializers.CharField(max_length=48)
    since = MonthField()


class PoolBody(Body):
    """A pool's terms; a name that is new makes a new pool."""

    name = serializers.CharField(max_length=120)
    monthly_cap = ExactDecimalField(max_digits=18, decimal_places=6, min_value=Decimal(0))
    sharing_rule = serializers.ChoiceField(
        choices=[rule.value for rule in SharingRule], default=SharingRule.PRO_RATA.value
    )
    account = serializers.CharField(max_length=48, allow_null=True, default=None)
    is_active = serializers.BooleanField(default=True)
    members = serializers.ListField(child=MemberBody(), max_length=500)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class PoolTermsAnswer(serializers.Serializer[Any]):
    """A pool's terms in force."""

    name = serializers.CharField()
    monthly_cap = serializers.CharField()
    sharing_rule = serializers.CharField()
    account = serializers.CharField(allow_null=True)
    is_active = serializers.BooleanField()
    knowledge = serializers.IntegerField()
    members = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class PortfolioPools(StrictView):
    """The benefit pools of a portfolio."""

    @extend_schema(
        operation_id="pools_list", responses=PoolTermsAnswer(many=True), parameters=[code_parameter]
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the active pools with their members."""
        portfolio = open_portfolio(request.user, code)
        return Response([_terms(terms) for terms in benefit_pools.in_force(portfolio, knowledge=None)])

    @extend_schema(
        operation_id="pools_set",
        request=PoolBody,
        responses=PoolTermsAnswer,
        parameters=[code_parameter, idempotency_parameter],
    )
    def put(self, request: Request, code: str) -> Response:
        """Put a pool's terms in force from now on: cap a month, sharing rule and members."""
        portfolio = open_portfolio(request.user, code, action=Action.MANAGE)
        body = PoolBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data

        def act(now: datetime) -> tuple[int, Any]:
            try:
                terms = benefit_pools.set_terms(
                    portfolio,
                    asked["name"],
                    monthly_cap=asked["monthly_cap"],
                    rule=SharingRule(asked["sharing_rule"]),
                    members=_members(portfolio, asked["members"]),
                    account=_account(asked["account"]),
                    is_active=asked["is_active"],
                    reason=asked["reason"],
                    now=now,
                    actor=person(request),
                )
            except PoolError as error:
                refuse(str(error))
            return 200, _terms(terms)

        return answer_once(request, act)


def _members(portfolio: Portfolio, asked: list[Plain]) -> list[Membership]:
    found = Investment.objects.filter(portfolio=portfolio).in_bulk(
        [one["investment"] for one in asked], field_name="code"
    )
    for position, one in enumerate(asked):
        if one["investment"] not in found:
            refuse(
                f"There is no investment {one['investment']} in {portfolio.code}.",
                f"#/members/{position}/investment",
                "unknown_investment",
            )
    return [Membership(found[one["investment"]], one["since"]) for one in asked]


def _account(code: str | None) -> Account | None:
    if code is None:
        return None
    found = Account.objects.filter(code=code).first()
    return found or refuse(f"There is no account named {code}.", "#/account", "unknown_account")


def _terms(terms: PoolTerms) -> Plain:
    return {
        "name": terms.pool.name,
        "monthly_cap": f"{terms.monthly_cap:.6f}",
        "sharing_rule": terms.rule,
        "account": terms.account.code if terms.account else None,
        "is_active": terms.is_active,
        "knowledge": terms.batch_id,
        "members": [
            {"investment": one.investment.code, "since": format_month(one.since)}
            for one in terms.members.select_related("investment")
        ],
    }


def _money(micros: int) -> str:
    return str(from_micros(micros))


def _view(found: View, by: Dimension) -> Plain:
    rolled = found.by_dimension[by]
    month: date | None = found.month
    return {
        "portfolio": found.portfolio.code,
        "currency": found.portfolio.reporting_currency,
        "basis": found.basis.value,
        "by": by.value,
        "month": format_month(month) if month else None,
        "groups": [_group(group) for group in rolled.groups],
        "total": _group(rolled.total),
        "pools": [_pooled(one) for one in found.pools],
        "untraced": {
            "run_cost": _money(found.untraced.run),
            **_share(found.untraced.share),
            "investments": list(found.untraced.investments),
        },
        "budget_reserve": _reserve(found.budget),
        "capacity_reserve": _reserve(found.capacity),
        "under_invested": [_misfunded(one) for one in found.balance.under],
        "over_invested": [_misfunded(one) for one in found.balance.over],
    }


def _group(group: Group) -> Plain:
    amounts = group.amounts
    return {
        "group": group.name,
        "investments": list(group.investments),
        "run_cost": _money(amounts.run),
        "one_time_cost": _money(amounts.one_time),
        "cost": _money(amounts.cost),
        "benefit": _money(amounts.benefit),
        "overlap": _money(amounts.overlap),
        "net": _money(amounts.net),
        "roi": group.roi.value,
        "roi_reason": group.roi.reason.value if group.roi.reason else None,
    }


def _pooled(one: Pooled) -> Plain:
    terms = one.terms
    return {
        "pool": terms.pool.name,
        "monthly_cap": f"{terms.monthly_cap:.6f}",
        "sharing_rule": terms.rule,
        "account": terms.account.code if terms.account else None,
        "overlap": _money(one.overlap),
        "members": [
            {
                "investment": member.investment.code,
                "since": format_month(member.since),
                "claimed": _money(one.claimed.get(member.investment_id, 0)),
                "kept": _money(one.kept.get(member.investment_id, 0)),
            }
            for member in one.members
        ],
    }


def _share(share: Figure) -> Plain:
    return {"share": share.value, "reason": share.reason.value if share.reason else None}


def _reserve(one: Reserve) -> Plain:
    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else f"{amount:f}"

    return {
        "available": text(one.available),
        "target": text(one.target),
        "used": f"{one.used:f}",
        "shortfall": text(one.shortfall),
        **_share(one.share),
    }


def _misfunded(one: Misfunded) -> Plain:
    return {
        "investment": one.investment,
        "spend": _money(one.spend),
        "share": float(one.share),
        "reasons": list(one.reasons),
    }
