"""AI-specific what-ifs as endpoints: nothing is stored, amounts are JSON numbers, undefined is null with a reason."""

from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolio.api_base import Body
from roi import ai_what_ifs
from roi.api_ai_fields import BatchBody, DegradationBody, OptionsBody, ServingBody
from roi.engine.options import Measure
from roi.questions import QuestionRejected

Plain = dict[str, Any]


def _number(**options: Any) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, **options)


class _WithReasons(serializers.Serializer[Any]):
    """Figures, and why those are null that are."""

    reasons = serializers.DictField(child=serializers.CharField())


class DegradationView(_WithReasons):
    """Figures at the end of a month."""

    months = serializers.IntegerField()
    total_cost = serializers.FloatField()
    total_value = serializers.FloatField()
    roi_percent = _number()
    npv = _number()
    payback_months = _number()
    breakeven_month = serializers.IntegerField(allow_null=True)


class DegradationMonth(serializers.Serializer[Any]):
    """A month on the path."""

    month = serializers.IntegerField()
    accuracy = serializers.FloatField()
    benefit = serializers.FloatField()
    run_cost = serializers.FloatField()
    one_time_cost = serializers.FloatField()
    cumulative_net = serializers.FloatField()


class IntervalAnswer(serializers.Serializer[Any]):
    """What an interval costs per month; `months` is null for never."""

    months = serializers.IntegerField(allow_null=True)
    value_lost = serializers.FloatField()
    error_cost = serializers.FloatField()
    retraining = serializers.FloatField()
    total = serializers.FloatField()


class OptimumAnswer(serializers.Serializer[Any]):
    """The interval with the lowest cost per month; null months: never to retrain."""

    months = serializers.IntegerField(allow_null=True)
    saving_per_month = serializers.FloatField(help_text="Over never retraining.")
    never = IntervalAnswer()
    curve = IntervalAnswer(many=True)


class DegradationAnswer(_WithReasons):
    """Money on a path of accuracy."""

    first_losing_month = _number(help_text="First month that brings in less than it costs to run.")
    first_losing_window = _number(help_text="The same of three trailing months.")
    views = DegradationView(many=True)
    monthly = DegradationMonth(many=True)
    retraining_months = serializers.ListField(child=serializers.IntegerField())
    optimal_interval = OptimumAnswer(allow_null=True)
    chart = serializers.DictField()


class CurvePoint(serializers.Serializer[Any]):
    """A corner of the utilization curve; costs a month."""

    volume = serializers.FloatField()
    replicas = serializers.IntegerField()
    utilization = serializers.FloatField()
    api = serializers.FloatField()
    self_hosted = serializers.FloatField()


class HardwareAnswer(_WithReasons):
    """Own hardware in whole replicas."""

    first_breakeven_volume = _number()
    last_breakeven_volume = _number(help_text="From here on it stays ahead.")
    cost_per_prediction = _number()
    crossings = serializers.IntegerField(allow_null=True)
    curve = CurvePoint(many=True)


class ServingAnswer(_WithReasons):
    """API against own hardware. Without a unit price nothing else is stated."""

    api_unit_cost = _number()
    breakeven_volume = _number(required=False)
    breakeven_fixed_cost = _number(required=False)
    monthly_saving = _number(required=False)
    migration_payback_months = _number(required=False)
    hardware = HardwareAnswer(allow_null=True)
    chart = serializers.DictField(allow_null=True)


class BatchAnswer(_WithReasons):
    """A month with the batch tier; `net` is the saving less the value deferred."""

    batch_cost = _number()
    saving = _number()
    value_deferred = _number()
    net = _number()
    breakeven_deferral_share = _number(help_text="Above it the batch loses.")


# A table's columns are the engine's measures.
_OptionFigures = type("_OptionFigures", (_WithReasons,), {measure.value: _number() for measure in Measure})


class OptionAnswer(_OptionFigures):  # type: ignore[valid-type, misc]
    """An option and its figures."""

    name = serializers.CharField()
    vendor = serializers.CharField(allow_blank=True)
    architecture = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    is_fast_enough = serializers.BooleanField()


class OptionsAnswer(serializers.Serializer[Any]):
    """The options in their order, and who is best by each figure; nobody where nothing differs."""

    rows = OptionAnswer(many=True)
    best = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


def _answered(request: Request, body: type[Body], work: Callable[[Mapping[str, Any]], Plain]) -> Response:
    """Answer a what-if; values that make no sense together are refused with the engine's sentence."""
    asked = body(data=request.data)
    asked.is_valid(raise_exception=True)
    try:
        return Response(work(asked.validated_data))
    except ValueError as error:
        raise QuestionRejected({"non_field_errors": [str(error)]}) from error


class DegradationWhatIf(APIView):
    """Accuracy that is lost, and what retraining is worth."""

    @extend_schema(operation_id="what_if_degradation", request=DegradationBody, responses=DegradationAnswer)
    def post(self, request: Request) -> Response:
        """Project money on a path of accuracy, and find the retraining interval that costs least."""
        return _answered(request, DegradationBody, ai_what_ifs.degrade)


class ServingWhatIf(APIView):
    """API or own hardware."""

    @extend_schema(operation_id="what_if_serving", request=ServingBody, responses=ServingAnswer)
    def post(self, request: Request) -> Response:
        """Find the volume from which own hardware is cheaper, and when a migration has paid for itself."""
        return _answered(request, ServingBody, ai_what_ifs.serve)


class BatchWhatIf(APIView):
    """Real time or batch."""

    @extend_schema(operation_id="what_if_batch", request=BatchBody, responses=BatchAnswer)
    def post(self, request: Request) -> Response:
        """Weigh the batch discount against the value lost by waiting; refused for what cannot wait."""
        return _answered(request, BatchBody, ai_what_ifs.defer)


class OptionsWhatIf(APIView):
    """Vendors, architectures and models side by side."""

    @extend_schema(operation_id="what_if_options", request=OptionsBody, responses=OptionsAnswer)
    def post(self, request: Request) -> Response:
        """Compare up to five options over one horizon."""
        return _answered(request, OptionsBody, ai_what_ifs.compare)
