"""Fields of reallocations over the API: what is asked, and the answer with its money as exact decimal strings."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from portfolio.api_base import Body, ExactDecimalField
from portfolio.terms import from_micros
from roi.engine.selection_terms import Kind
from roi.models import Reallocation

Plain = dict[str, Any]

_MONEY_OF_CANDIDATE = ("sunk", "mean", "p10", "value", "cost")
_IN_CAPACITY = frozenset({Kind.CAPACITY.value, Kind.CAPACITY_RESERVE.value})


class CandidateAnswer(serializers.Serializer[Any]):
    """An investment that could go on; money as exact decimal strings. `sunk` is shown and in no sum."""

    code = serializers.CharField()
    name = serializers.CharField()
    stage = serializers.CharField()
    month = serializers.CharField(allow_null=True, help_text="The last closed, complete month.")
    method = serializers.CharField(allow_null=True)
    sunk = serializers.CharField()
    mean = serializers.CharField(allow_null=True)
    p10 = serializers.CharField(allow_null=True)
    value = serializers.CharField(allow_null=True, help_text="Risk-adjusted NPV of what could be avoided.")
    cost = serializers.CharField(allow_null=True, help_text="Avoidable, of the next twelve months.")
    capacity = serializers.CharField(help_text="Person-months.")
    is_exploration = serializers.BooleanField()
    is_must_fund = serializers.BooleanField()
    needs = serializers.ListField(child=serializers.CharField())
    group = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_null=True)
    left_out = serializers.CharField(allow_blank=True)


class ConstraintAnswer(serializers.Serializer[Any]):
    """Something a selection keeps to."""

    kind = serializers.CharField()
    about = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()


class NextAnswer(serializers.Serializer[Any]):
    """What the next amount would change."""

    amount = serializers.CharField()
    added = serializers.ListField(child=serializers.CharField())
    dropped = serializers.ListField(child=serializers.CharField())
    gain = serializers.CharField(allow_null=True)
    sentence = serializers.CharField(allow_blank=True)


class RegretAnswer(serializers.Serializer[Any]):
    """What standing still forgoes, and the limits that it breaks."""

    standing_value = serializers.CharField()
    amount = serializers.CharField(allow_null=True)
    broken = ConstraintAnswer(many=True)


class KeptToAnswer(ConstraintAnswer):
    """Something the best selection keeps to, and what it holds back: it binds where the gain is above 0."""

    left = serializers.CharField(
        allow_null=True, help_text="What is left of it: money, or person-months; null: not counted."
    )
    gain = serializers.CharField(
        allow_null=True, help_text="What would be added without it; null: not found out in time."
    )


class LimitsAnswer(serializers.Serializer[Any]):
    """Budget, capacity and reserves, binding or not; and the duties, needs and groups that bind."""

    rows = KeptToAnswer(many=True)
    untried = serializers.IntegerField(help_text="How many were not found out in time.")


class PointAnswer(serializers.Serializer[Any]):
    """The best value at a budget; null where nothing keeps to everything."""

    budget = serializers.CharField()
    value = serializers.CharField(allow_null=True)


class SelectionAnswer(serializers.Serializer[Any]):
    """What to go on with, as computed and not kept."""

    portfolio = serializers.CharField()
    currency = serializers.CharField()
    knowledge = serializers.IntegerField()
    engine_version = serializers.IntegerField()
    budget = serializers.CharField()
    capacity_limit = serializers.CharField(allow_null=True, help_text="Person-months.")
    reserve_share = serializers.CharField()
    risk_aversion = serializers.CharField()
    status = serializers.CharField(help_text="optimal, stopped or infeasible.")
    sentence = serializers.CharField(allow_blank=True, help_text="What cannot be kept to together.")
    conflict = ConstraintAnswer(many=True)
    chosen = serializers.ListField(child=serializers.CharField())
    standing = serializers.ListField(child=serializers.CharField())
    value = serializers.CharField(allow_null=True)
    cost = serializers.CharField(allow_null=True)
    capacity = serializers.CharField(allow_null=True, help_text="Person-months.")
    gap = serializers.CharField(allow_null=True)
    next = NextAnswer(allow_null=True)
    regret = RegretAnswer(allow_null=True)
    limits = LimitsAnswer(
        allow_null=True, help_text="Null: not proven best, or kept before limits were told."
    )
    frontier = PointAnswer(many=True)
    candidates = CandidateAnswer(many=True)


class ReallocationAnswer(SelectionAnswer):
    """A proposal as it was computed. It moves no budget."""

    id = serializers.UUIDField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    content_hash = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    approval = serializers.CharField(
        allow_null=True, help_text="asked, approved, refused or void; null: nobody asked."
    )

    def to_representation(self, instance: Reallocation) -> Plain:
        """Return a proposal with its money as exact decimal strings."""
        return plain_proposal(instance)


class AskedReallocation(Body):
    """Under what to select; what is left out is as the portfolio says."""

    budget = ExactDecimalField(max_digits=18, decimal_places=6, min_value=Decimal(0), required=False)
    capacity = ExactDecimalField(max_digits=10, decimal_places=2, min_value=Decimal(0), required=False)
    reserve_share = ExactDecimalField(
        max_digits=9, decimal_places=8, min_value=Decimal(0), max_value=Decimal(1), required=False
    )
    risk_aversion = ExactDecimalField(
        max_digits=9, decimal_places=8, min_value=Decimal(0), max_value=Decimal(5), required=False
    )
    next_amount = ExactDecimalField(max_digits=18, decimal_places=6, required=False)
    stated_costs = serializers.DictField(
        child=ExactDecimalField(max_digits=16, decimal_places=6, min_value=Decimal(0)), required=False
    )


class NewReallocation(AskedReallocation):
    """A proposal to keep, and why."""

    portfolio = serializers.CharField(max_length=48)
    reason = serializers.CharField(max_length=2000)


def _money(micros: int | None) -> str | None:
    return None if micros is None else f"{from_micros(micros):f}"


def _months(hundredths: int | None) -> str | None:
    return None if hundredths is None else f"{Decimal(hundredths).scaleb(-2):f}"


def plain_proposal(proposal: Reallocation) -> Plain:
    """Return a proposal with its money as exact decimal strings."""
    decision = getattr(proposal, "decision", None)
    return plain_answer(proposal.inputs, proposal.result) | {
        "id": str(proposal.public_id),
        "portfolio": proposal.portfolio.code,
        "author": proposal.author.username,
        "created_at": serializers.DateTimeField().to_representation(proposal.created_at),
        "knowledge": proposal.knowledge,
        "engine_version": proposal.engine_version,
        "content_hash": proposal.content_hash,
        "reason": proposal.reason,
        "approval": None if decision is None else decision or "asked",
    }


def plain_answer(asked: Plain, found: Plain) -> Plain:
    """Return inputs and result with their money as exact decimal strings."""
    return {
        "currency": asked["currency"],
        "budget": _money(asked["budget"]),
        "capacity_limit": _months(asked["capacity"]),
        "reserve_share": asked["reserve_share"],
        "risk_aversion": asked["risk_aversion"],
        **{name: found[name] for name in ("status", "sentence", "conflict", "chosen", "standing")},
        **{name: _money(found[name]) for name in ("value", "cost", "gap")},
        "capacity": _months(found["capacity"]),
        "next": _with_money(found["next"], "amount", "gain"),
        "regret": _with_money(found["regret"], "standing_value", "amount"),
        "limits": _kept_to(found.get("limits")),
        "frontier": [_with_money(point, "budget", "value") for point in found["frontier"]],
        "candidates": [
            {**one, **{name: _money(one[name]) for name in _MONEY_OF_CANDIDATE}}
            | {"capacity": _months(one["capacity"])}
            for one in asked["candidates"]
        ],
    }


def _with_money(row: Plain | None, *names: str) -> Plain | None:
    return None if row is None else {**row, **{name: _money(row[name]) for name in names}}


def _kept_to(limits: Plain | None) -> Plain | None:
    """Return the limits; None for a proposal kept before they were told."""
    if limits is None:
        return None
    return {
        **limits,
        "rows": [
            {name: value for name, value in row.items() if name != "slack"}
            | {
                "left": (_months if row["kind"] in _IN_CAPACITY else _money)(row["slack"]),
                "gain": _money(row["gain"]),
            }
            for row in limits["rows"]
        ],
    }
