"""Stored cases, scenarios, submissions and studies as the API takes and tells them."""

from typing import Any

from rest_framework import serializers

from portfolio.api_base import Body
from roi.api_case_fields import (
    KINDS_OF_SCENARIO,
    ByDriver,
    CaseBody,
    CorrelationBody,
    DistributionField,
    HiddenCostField,
    ScenarioValueField,
    ValueField,
)
from roi.models import BusinessCase, CaseStudy, CaseSubmission, Scenario

_REVISION_HELP = "The revision that was read; another one is refused with 409."


class CaseSerializer(serializers.ModelSerializer[BusinessCase]):
    """A business case: what is stated of its template. Rates are fractions; null means those in force."""

    id = serializers.UUIDField(source="public_id")
    portfolio = serializers.CharField(source="portfolio.code")
    investment = serializers.CharField(source="investment.code", default=None, allow_null=True)
    discount_rate = serializers.FloatField(allow_null=True)
    hurdle_rate = serializers.FloatField(allow_null=True)
    drivers = ByDriver(child=ValueField())
    hidden_costs = ByDriver(child=HiddenCostField())
    distributions = ByDriver(child=DistributionField())
    correlations = CorrelationBody(many=True)
    created_by = serializers.CharField(source="created_by.username")
    updated_by = serializers.CharField(source="updated_by.username")

    class Meta:
        model = BusinessCase
        fields = (
            "id",
            "portfolio",
            "investment",
            "template",
            "title",
            "months",
            "discount_rate",
            "hurdle_rate",
            "drivers",
            "hidden_costs",
            "distributions",
            "correlations",
            "revision",
            "created_by",
            "created_at",
            "updated_by",
            "updated_at",
        )


class _Stated(CaseBody):
    """What a case states besides what a what-if does."""

    title = serializers.CharField(max_length=300)
    distributions = ByDriver(child=DistributionField(), required=False)
    correlations = CorrelationBody(many=True, required=False)


class NewCase(_Stated):
    """A case to write."""

    portfolio = serializers.CharField(max_length=48)
    investment = serializers.CharField(
        max_length=48, required=False, allow_null=True, help_text="Left out: only proposed as yet."
    )


class ChangedCase(_Stated):
    """What changes; a field that is stated replaces all of it, one that is left out stays."""

    template = None  # type: ignore[assignment]  # a case keeps its template
    title = serializers.CharField(max_length=300, required=False)
    months = serializers.IntegerField(min_value=1, max_value=120, required=False)
    revision = serializers.IntegerField(min_value=1, help_text=_REVISION_HELP)


class SubmitBody(Body):
    """Which revision becomes the plan, of which investment, and why."""

    revision = serializers.IntegerField(min_value=1, help_text=_REVISION_HELP)
    investment = serializers.CharField(
        max_length=48, required=False, allow_null=True, help_text="Where the case names none yet."
    )
    reason = serializers.CharField(max_length=1000, default="", allow_blank=True)


class SubmissionSerializer(serializers.ModelSerializer[CaseSubmission]):
    """A case as it became a version of a plan book, with its figures then."""

    investment = serializers.CharField(source="investment.code")
    knowledge = serializers.IntegerField(source="batch_id")
    figures = serializers.SerializerMethodField()
    submitted_by = serializers.CharField(source="submitted_by.username")

    class Meta:
        model = CaseSubmission
        fields = (
            "investment",
            "version",
            "revision",
            "knowledge",
            "figures",
            "content_hash",
            "submitted_by",
            "submitted_at",
        )

    def get_figures(self, submission: CaseSubmission) -> dict[str, Any]:
        """Return the figures as they were copied."""
        found: dict[str, Any] = submission.content["figures"]
        return found


class ScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """Driver values beside a case's base."""

    drivers = ByDriver(child=ScenarioValueField())
    kind = serializers.ChoiceField(choices=KINDS_OF_SCENARIO)
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = Scenario
        fields = ("name", "kind", "drivers", "note", "created_by", "created_at")


class ScenarioStated(Body):
    """What a scenario states under its name."""

    kind = serializers.ChoiceField(choices=KINDS_OF_SCENARIO, default="own")
    drivers = ByDriver(child=ScenarioValueField(), default=dict)
    note = serializers.CharField(max_length=2000, default="", allow_blank=True)


class StudySerializer(serializers.ModelSerializer[CaseStudy]):
    """A long computation on a case: asked, done with its result, or failed with its reason."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(choices=CaseStudy.KINDS)
    state = serializers.ChoiceField(choices=CaseStudy.STATES)
    result = serializers.DictField(allow_null=True)
    asked_by = serializers.CharField(source="asked_by.username")

    class Meta:
        model = CaseStudy
        fields = ("id", "kind", "state", "result", "problem", "asked_by", "asked_at", "finished_at")


class StudyAsked(Body):
    """What to compute. The distributions are those of the request, else the case's."""

    kind = serializers.ChoiceField(choices=CaseStudy.KINDS)
    seed = serializers.IntegerField(min_value=0, max_value=2**32 - 1, default=0)
    log2_draws = serializers.IntegerField(min_value=6, max_value=16, required=False)
    distributions = ByDriver(child=DistributionField(), required=False)
    correlations = CorrelationBody(many=True, required=False)
