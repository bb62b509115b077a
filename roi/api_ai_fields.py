"""What requests about AI-specific what-ifs state: accuracy and retraining, tokens and hardware, batches, options."""

from typing import Any

from rest_framework import serializers

from portfolio.api_base import Body, MonthField
from roi.engine.batch import DISCOUNT
from roi.engine.capacity import HOURS_PER_MONTH
from roi.engine.degradation import Shape
from roi.engine.options import MOST_OPTIONS
from roi.usecases.base import LONGEST_CASE

_MOST = 1e12


class Number(serializers.FloatField):
    """A finite number; not negative unless it says so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"min_value": 0, "max_value": _MOST} | options))


def share(**options: Any) -> Number:
    """Return a field for a fraction from 0 to 1."""
    return Number(**({"max_value": 1} | options))


def _rate() -> Number:
    return Number(min_value=-0.99, max_value=10, default=0.10, help_text="Per year, as a fraction.")


class AccuracyPoint(Body):
    """The accuracy measured at the end of a month."""

    month = MonthField(
        required=False, help_text="The calendar month; the first point is month 0 of the path."
    )
    after = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_CASE,
        required=False,
        help_text="Or how many months after the first point.",
    )
    accuracy = share()


class RetrainingBody(Body):
    """What a retraining costs, and when there is one: every so many months, or in the months that are listed."""

    cost = Number()
    accuracy = share(required=False, allow_null=True, help_text="What it restores; null: the first accuracy.")
    every = serializers.IntegerField(min_value=1, max_value=LONGEST_CASE, required=False, allow_null=True)
    months = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LONGEST_CASE),
        max_length=LONGEST_CASE,
        required=False,
    )


class DegradationBody(Body):
    """A path of accuracy, and the money a month that follows it."""

    points = serializers.ListField(child=AccuracyPoint(), min_length=1, max_length=60)
    shape = serializers.ChoiceField(choices=[(one.value, one.value) for one in Shape], default="linear")
    months = serializers.IntegerField(min_value=1, max_value=LONGEST_CASE, default=36)
    value = Number(help_text="Benefit a month at the first accuracy; follows the success rate.")
    run = Number(default=0.0, help_text="Run cost a month that does not follow accuracy.")
    one_time = Number(default=0.0)
    error_cost = Number(default=0.0, help_text="A month, at the first accuracy; follows the error rate.")
    worthless = share(default=0.0, help_text="The accuracy at which there is no benefit any more.")
    retraining = RetrainingBody(required=False, allow_null=True)
    longest_interval = serializers.IntegerField(min_value=1, max_value=60, default=36)
    discount_rate = _rate()


class TokensOfUnit(Body):
    """Tokens of a turn, turns of a unit (conversation, query), and prices per million tokens."""

    input_tokens = Number()
    output_tokens = Number()
    turns = Number(default=1.0)
    input_price = Number(required=False, allow_null=True)
    output_price = Number(required=False, allow_null=True)


class HardwareBody(Body):
    """A fleet of equal replicas, each paid by the hour."""

    gpu_hour_price = Number()
    throughput_per_hour = Number(help_text="Units of one replica.")
    target_utilization = share()
    fixed_cost = Number(default=0.0)
    unit_cost = Number(default=0.0)
    gpus_per_replica = serializers.IntegerField(min_value=1, max_value=1024, default=1)
    min_replicas = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    hours_per_month = Number(default=HOURS_PER_MONTH, max_value=744)


class ServingBody(Body):
    """API against own hardware at a volume a month."""

    volume = Number(help_text="Units a month.")
    fixed_cost = Number(default=0.0, help_text="Of own hardware, a month.")
    self_host_unit_cost = Number(default=0.0)
    api_unit_cost = Number(required=False, allow_null=True, help_text="Or the tokens of a unit.")
    tokens = TokensOfUnit(required=False, allow_null=True)
    migration_cost = Number(required=False, allow_null=True)
    hardware = HardwareBody(required=False, allow_null=True, help_text="For the curve of whole replicas.")
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", default="USD")


class BatchBody(Body):
    """A month's usage cost and value, and how much of it can wait."""

    real_time_cost = Number()
    value = Number(min_value=-_MOST)
    deferral_share = share(help_text="Share of the value that is lost by waiting.")
    discount = share(default=DISCOUNT)
    batch_share = share(default=1.0)
    is_latency_sensitive = serializers.BooleanField(help_text="What cannot wait is refused with a reason.")


class OptionBody(Body):
    """One way to do it."""

    name = serializers.CharField(max_length=80)
    vendor = serializers.CharField(max_length=80, default="", allow_blank=True)
    architecture = serializers.CharField(max_length=80, default="", allow_blank=True)
    model = serializers.CharField(max_length=80, default="", allow_blank=True)
    one_time_cost = Number(default=0.0)
    monthly_cost = Number(default=0.0)
    unit_price = Number(default=0.0, allow_null=True, help_text="Null: nobody knows the price.")
    benefit_factor = Number(min_value=-_MOST, required=False, allow_null=True)
    accuracy = share(required=False, allow_null=True)
    latency_ms = Number(required=False, allow_null=True)


class OptionTerms(Body):
    """What all options share."""

    months = serializers.IntegerField(min_value=1, max_value=LONGEST_CASE)
    volume = Number(help_text="Units a month.")
    benefit = Number(min_value=-_MOST, help_text="A month.")
    discount_rate = _rate()
    accuracy = share(required=False, allow_null=True, help_text="At which the benefit is stated.")
    worthless_accuracy = share(default=0.0)
    latency_limit_ms = Number(required=False, allow_null=True)


class OptionsBody(Body):
    """Up to five options, and what they share."""

    options = serializers.ListField(child=OptionBody(), min_length=1, max_length=MOST_OPTIONS)
    terms = OptionTerms()
