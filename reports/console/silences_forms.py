"""The form of a silence: what it is about, from which day to which, and why."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from alerts.rules import RULES
from alerts.rules.attention import LONG_SILENCE
from alerts.silences import Matcher
from portfolio.models import Investment, Portfolio

_ONE_WEEK = timedelta(days=7)
_DAY = {"type": "date"}


class SilenceForm(forms.Form):
    """What is kept quiet. `asked` is the address, which may name an investment and a rule."""

    investment = forms.ModelChoiceField(
        Investment.objects.none(), to_field_name="code", required=False, empty_label="Every investment"
    )
    rule = forms.ChoiceField(
        choices=[("", "Every rule"), *((name, rule.title) for name, rule in RULES.items())],
        required=False,
        label="Alert",
    )
    starts = forms.DateField(
        required=False,
        label="From",
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text="Empty or today: from now on.",
    )
    ends = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text=f"Told again from this day on. More than {LONG_SILENCE.days} days of negative ROI hold "
        "once somebody else allows it; twelve months are the most.",
    )
    comment = forms.CharField(
        max_length=500, label="Why", help_text="Stands with every notice that is kept back."
    )

    def __init__(
        self, answers: QueryDict | None, *, portfolio: Portfolio, now: datetime, asked: QueryDict
    ) -> None:
        named = {name: asked.get(name, "") for name in ("investment", "rule")}
        ends = timezone.localtime(now).date() + _ONE_WEEK
        super().__init__(answers, initial=named | {"ends": ends})
        self.portfolio, self.now, self._named = portfolio, now, named
        field: Any = self.fields["investment"]
        field.queryset = Investment.objects.filter(portfolio=portfolio).order_by("code")
        field.label_from_instance = lambda each: f"{each.code} {each.name}"

    def only_preview(self) -> None:
        """Ask for nothing but what it is about."""
        for name in ("ends", "comment"):
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        """Refuse a silence of everything."""
        said = super().clean() or {}
        if not self.errors and not said["investment"] and not said["rule"]:
            raise ValidationError(
                "Name an alert or an investment: a silence of a whole portfolio hides everything."
            )
        return said

    def matcher(self) -> Matcher:
        """Return what the answers are about."""
        said = self.cleaned_data
        return Matcher(portfolio=self.portfolio, investment=said["investment"], rule=said["rule"])

    def asked_for(self) -> Matcher | None:
        """Return what the address names, None where it names nothing that is here."""
        if self.is_bound or not any(self._named.values()):
            return None
        investment = Investment.objects.filter(
            portfolio=self.portfolio, code=self._named["investment"]
        ).first()
        rule = self._named["rule"] if self._named["rule"] in RULES else ""
        if investment is None and not rule:
            return None
        return Matcher(portfolio=self.portfolio, investment=investment, rule=rule)

    def times(self) -> tuple[datetime, datetime]:
        """Return when it starts and ends: a day's first moment, or now where it starts today."""
        starts: date | None = self.cleaned_data["starts"]
        today = timezone.localtime(self.now).date()
        begins = self.now if starts is None or starts == today else _start_of(starts)
        return begins, _start_of(self.cleaned_data["ends"])


def _start_of(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=timezone.get_current_timezone())
