"""The benefit pools of a portfolio: setting their terms, and what each member's claims are lowered by.

A pool never changes an investment's own figures. It is a step of the roll-up, shown as overlap; see decision 024.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Min

from portfolio import knowledge as knowing
from portfolio.models import Account, Investment, PlanApproval, Portfolio, User
from portfolio.terms import MICRO, AccountKind, Basis, format_month
from roi import lines
from roi.engine import pools
from roi.engine.pools import LARGEST_SHAPLEY, PoolError, SharingRule
from roi.models import Pool, PoolMember, PoolTerms


@dataclass(frozen=True, slots=True)
class Membership:
    """An investment in a pool, from a month on."""

    investment: Investment
    since: date


@dataclass(frozen=True, slots=True)
class Pooled:
    """What a pool does over the months looked at, in micro-units: claimed, kept and overlap by investment."""

    terms: PoolTerms
    members: tuple[PoolMember, ...]
    claimed: Mapping[int, int]
    kept: Mapping[int, int]

    @property
    def overlap(self) -> int:
        """Return what is claimed more than once, of all members."""
        return sum(self.claimed.values()) - sum(self.kept.values())


@dataclass(frozen=True, slots=True)
class Overlaps:
    """All pools of a portfolio, and by (investment, benefit account) what is left out of its benefit."""

    pooled: tuple[Pooled, ...]
    by_account: Mapping[tuple[int, int], int]
    by_month: Mapping[date, int]


@transaction.atomic
def set_terms(
    portfolio: Portfolio,
    name: str,
    *,
    monthly_cap: Decimal,
    rule: SharingRule,
    members: Sequence[Membership],
    now: datetime,
    actor: User | None = None,
    account: Account | None = None,
    is_active: bool = True,
    reason: str = "",
) -> PoolTerms:
    """Put a pool's terms in force from now on; a name that is new makes a new pool. Raises PoolError."""
    name = name.strip()
    knowing.lock_portfolio(portfolio.pk)
    _check(portfolio, name, monthly_cap, rule, members, account)
    pool, _ = Pool.objects.get_or_create(portfolio=portfolio, name=name)
    if is_active:
        _check_elsewhere(pool, members, account)
    ordered = sorted(members, key=lambda one: one.investment.pk)
    listed = ",".join(f"{one.investment.pk}:{format_month(one.since)}" for one in ordered)
    code = account.code if account else ""
    batch = knowing.open_batch(
        portfolio=portfolio,
        kind="governance",
        now=now,
        actor=actor,
        reason=reason,
        content=[f"pool|{pool.public_id}|{name}|{monthly_cap:f}|{rule.value}|{code}|{is_active}|{listed}"],
    )
    terms = PoolTerms.objects.create(
        pool=pool,
        batch=batch,
        monthly_cap=monthly_cap,
        rule=rule.value,
        account=account,
        is_active=is_active,
        author=actor,
        reason=reason,
    )
    PoolMember.objects.bulk_create(
        PoolMember(terms=terms, investment=one.investment, since=one.since) for one in ordered
    )
    return terms


def _check(
    portfolio: Portfolio,
    name: str,
    cap: Decimal,
    rule: SharingRule,
    members: Sequence[Membership],
    account: Account | None,
) -> None:
    if not 1 <= len(name) <= 120:
        raise PoolError("A pool needs a name of at most 120 characters.")
    if not (cap.is_finite() and 0 <= cap <= Decimal(10) ** 11) or cap * MICRO % 1:
        raise PoolError("The cap is an amount from 0 to 100,000,000,000 with at most six decimals.")
    if account is not None and account.kind != AccountKind.BENEFIT.value:
        raise PoolError(f"{account.name} is no benefit; a pool caps benefits.")
    codes = [one.investment.code for one in members]
    if len(set(codes)) != len(codes):
        raise PoolError("An investment is named twice.")
    for one in members:
        if one.investment.portfolio_id != portfolio.pk:
            raise PoolError(f"{one.investment.code} is not in the portfolio {portfolio.code}.")
        if one.since.day != 1:
            raise PoolError(f"{one.since} is not a month; a month is given as its first day.")
    if rule is SharingRule.SHAPLEY and len(members) > LARGEST_SHAPLEY:
        raise PoolError(f"Shapley shares are computed for at most {LARGEST_SHAPLEY} members.")


def _check_elsewhere(pool: Pool, members: Sequence[Membership], account: Account | None) -> None:
    """Refuse to cap the same claim twice: it would be lowered for one overlap two times."""
    mine = {one.investment.pk: one.investment.code for one in members}
    for terms in in_force(pool.portfolio, knowledge=None):
        if terms.pool_id == pool.pk or (account and terms.account_id and account.pk != terms.account_id):
            continue
        twice = [mine[one.investment_id] for one in terms.members.all() if one.investment_id in mine]
        if twice:
            raise PoolError(f"{', '.join(sorted(twice))} shares this benefit in the pool {terms.pool.name}.")


def in_force(portfolio: Portfolio, *, knowledge: int | None) -> list[PoolTerms]:
    """Return the active pools' terms with their members, as known at a knowledge time (None: now)."""
    rows = PoolTerms.objects.filter(pool__portfolio=portfolio)
    if knowledge is not None:
        rows = rows.filter(batch_id__lte=knowledge)
    newest = rows.order_by("pool_id", "-batch_id").distinct("pool_id")
    found = PoolTerms.objects.filter(pk__in=newest.values("pk"), is_active=True)
    return list(
        found.select_related("pool__portfolio", "account")
        .prefetch_related("members__investment__portfolio")
        .order_by("pool__name")
    )


def overlaps(
    terms: Sequence[PoolTerms],
    investments: Sequence[Investment],
    *,
    basis: Basis,
    through: date,
    knowledge: int | None,
) -> Overlaps:
    """Return what pools leave out of the benefit of all months up to one. The caller holds one view.

    `terms` are those in force at the knowledge time, of one portfolio. `investments` are its investments, with their
    terms of that time: a member that is elsewhere claims in another currency, and takes no part.
    """
    home = {one.pk: one for one in investments}
    present = [tuple(one for one in each.members.all() if one.investment_id in home) for each in terms]
    members = {one.investment_id: home[one.investment_id] for each in present for one in each}
    claims = (
        lines.claims(list(members.values()), basis=basis, through=through, knowledge=knowledge)
        if members
        else []
    )
    rank = _approval_order(list(members), knowledge)
    left_out = _LeftOut({}, {})
    pooled = [_shared(each, mine, claims, rank, left_out) for each, mine in zip(terms, present, strict=True)]
    return Overlaps(tuple(pooled), left_out.by_account, left_out.by_month)


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """What all pools leave out, as it is added up."""

    by_account: dict[tuple[int, int], int]
    by_month: dict[date, int]


def _approval_order(ids: Sequence[int], knowledge: int | None) -> dict[int, tuple[int, int]]:
    """Return a sort key by the first approval of a plan; who has none comes last, in order of registration."""
    rows = PlanApproval.objects.filter(investment__in=ids)
    if knowledge is not None:
        rows = rows.filter(batch_id__lte=knowledge)
    first = dict(rows.values_list("investment").annotate(first=Min("batch_id")))
    return {pk: (first.get(pk, 2**62), pk) for pk in ids}


def _shared(
    terms: PoolTerms,
    members: tuple[PoolMember, ...],
    claims: Sequence[lines.Claim],
    rank: Mapping[int, tuple[int, int]],
    left_out: _LeftOut,
) -> Pooled:
    """Return a pool's sums, and add what it leaves out to `left_out`."""
    since = {one.investment_id: one.since for one in members}
    months: dict[date, dict[int, dict[str, int]]] = {}
    for claim in claims:
        is_capped = terms.account_id is None or claim.account_id == terms.account_id
        if is_capped and claim.month >= since.get(claim.investment_id, date.max):
            of_month = months.setdefault(claim.month, {})
            of_month.setdefault(claim.investment_id, {})[str(claim.account_id)] = claim.benefit
    claimed, kept = dict.fromkeys(since, 0), dict.fromkeys(since, 0)
    cap = int(terms.monthly_cap * MICRO)
    for month, of_month in months.items():
        ordered = sorted(of_month, key=lambda pk: rank[pk])
        wanted = {str(pk): sum(of_month[pk].values()) for pk in ordered}
        found = pools.share(wanted, cap=cap, rule=SharingRule(terms.rule))
        for pk in ordered:
            overlap = found.overlap[str(pk)]
            claimed[pk] += found.claimed[str(pk)]
            kept[pk] += found.kept[str(pk)]
            left_out.by_month[month] = left_out.by_month.get(month, 0) + overlap
            weights = {account: max(amount, 0) for account, amount in of_month[pk].items()}
            for account, part in pools.share_out(overlap, weights).items():
                key = (pk, int(account))
                left_out.by_account[key] = left_out.by_account.get(key, 0) + part
    return Pooled(terms, members, claimed, kept)
