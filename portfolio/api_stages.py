"""The stage of an investment over the API: where it stands, what the gates ahead ask, and entering a stage."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolio import gate_facts, stages
from portfolio.api_base import (
    Body,
    Refused,
    StrictView,
    answer_once,
    code_parameter,
    idempotency_parameter,
    open_investment,
    person,
)
from portfolio.api_governance import to_record
from portfolio.models import Investment, StageChange
from portfolio.models.base import choices_of
from portfolio.stages import StageError
from portfolio.terms import Stage

STAGES = choices_of(Stage)


class AnswerSerializer(serializers.Serializer[Any]):
    """What a gate asks, whether it is met, and why."""

    code = serializers.CharField()
    is_met = serializers.BooleanField()
    sentence = serializers.CharField()


class GateSerializer(serializers.Serializer[Any]):
    """One stage ahead, with what its gate answers now."""

    stage = serializers.ChoiceField(choices=STAGES)
    is_open = serializers.BooleanField()
    needs_request = serializers.BooleanField(help_text="Two people enter it: one asks, another allows.")
    answers = AnswerSerializer(many=True)


class StageChangeSerializer(serializers.ModelSerializer[StageChange]):
    """One change of stage with what the gate answered then."""

    id = serializers.UUIDField(source="public_id")
    actor = serializers.CharField(source="actor.username", default=None, allow_null=True)
    approver = serializers.CharField(source="approval.approver.username", default=None, allow_null=True)
    decision = serializers.UUIDField(source="decision.public_id", default=None, allow_null=True)
    gate = AnswerSerializer(many=True)

    class Meta:
        model = StageChange
        fields = (
            *("id", "from_stage", "to_stage", "reason", "actor", "approver", "decision", "gate"),
            "recorded_at",
        )


class StandsSerializer(serializers.Serializer[Any]):
    """Where an investment stands and stood, and the gates ahead."""

    stage = serializers.ChoiceField(choices=STAGES)
    gates = GateSerializer(many=True)
    changes = StageChangeSerializer(many=True)


class StageBody(Body):
    """The stage to enter, and why."""

    stage = serializers.ChoiceField(choices=STAGES)
    reason = serializers.CharField(max_length=4000)


class EnteredSerializer(serializers.Serializer[Any]):
    """The stage, and the request that waits for a second person where it needs one."""

    stage = serializers.ChoiceField(choices=STAGES, help_text="Where the investment stands now.")
    approval = serializers.UUIDField(
        allow_null=True, help_text="The request that waits; null: it is entered."
    )


class Stages(StrictView):
    """The stage of an investment."""

    @extend_schema(operation_id="investments_stages", responses=StandsSerializer, parameters=[code_parameter])
    def get(self, request: Request, code: str) -> Response:
        """Return the stage, the gates ahead with their answers, and the changes so far, the newest first."""
        investment = open_investment(request.user, code)
        changes = StageChange.objects.filter(investment=investment).order_by("-id")
        found = {
            "stage": investment.stage,
            "gates": stages.gates_of(investment, now=timezone.now()),
            "changes": changes.select_related("actor", "approval__approver", "decision"),
        }
        return Response(StandsSerializer(found).data)

    @extend_schema(
        operation_id="investments_stages_enter",
        request=StageBody,
        responses={201: EnteredSerializer, 202: EnteredSerializer},
        parameters=[code_parameter, idempotency_parameter],
    )
    def post(self, request: Request, code: str) -> Response:
        """Enter a stage whose gate is open (201), or ask the second person it needs (202)."""
        investment, user = to_record(request, code), person(request)
        said = StageBody(data=request.data)
        said.is_valid(raise_exception=True)
        to_stage, reason = Stage(said.validated_data["stage"]), said.validated_data["reason"]

        def act(now: datetime) -> tuple[int, Any]:
            try:
                if stages.needs_request(to_stage):
                    asked = stages.propose(investment, to_stage, now=now, author=user, reason=reason)
                    return 202, {"stage": _stage(investment), "approval": str(asked.public_id)}
                decision = gate_facts.latest_decision(investment)
                stages.move(investment, to_stage, now=now, actor=user, reason=reason, decision=decision)
            except StageError as error:
                raise _refused(error) from error
            return 201, {"stage": to_stage.value, "approval": None}

        return answer_once(request, act)


def _stage(investment: Investment) -> str:
    return str(Investment.objects.values_list("stage", flat=True).get(pk=investment.pk))


def _refused(error: StageError) -> Refused:
    unmet = [answer for answer in error.answers if not answer.is_met]
    return Refused(
        str(error),
        [{"pointer": "#/stage", "detail": answer.sentence, "code": answer.code} for answer in unmet]
        or [{"pointer": "#", "detail": str(error), "code": "refused"}],
    )
