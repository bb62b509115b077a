"""The form of a shared target, made of what its channel says it needs; a secret is written here and never read."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from alerts import targets
from alerts.channels import base, kind_of
from alerts.models import Target
from alerts.rules import RULES
from alerts.targets import InvalidTargetError

_STORED = "Stored. Leave it empty to keep it."


class TargetForm(forms.Form):
    """Name, rules and the channel's own settings of one target."""

    label = forms.CharField(
        max_length=100, label="Name", help_text="What people read it as, for example “Board”."
    )
    rules = forms.MultipleChoiceField(
        choices=[(name, rule.title) for name, rule in RULES.items()],
        required=False,
        label="Only these alerts",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of them.",
    )

    def __init__(self, answers: QueryDict | None = None, *, target: Target) -> None:
        super().__init__(answers, initial={"label": target.label, "rules": target.rules})
        self.target, self.made = target, dict[str, str]()
        stored = targets.stored_secrets(target)
        for name, asked in base.options_of(kind_of(target.channel)).items():
            self.fields[name] = _field(asked, is_stored=name in stored)
            self.fields[name].initial = target.address if name == "address" else target.options.get(name, "")

    def clean(self) -> dict[str, Any]:
        """Store the target, and say what is wrong where it cannot work; the database is left as it was then."""
        answers = super().clean() or {}
        if self.errors:
            return answers
        self.target.label, self.target.rules = answers["label"], answers["rules"]
        if self._is_double(answers):
            raise ValidationError("This portfolio has a target with this address already.")
        try:
            self.made = targets.save(self.target, {name: str(value) for name, value in answers.items()})
        except InvalidTargetError as error:
            for name, sentence in error.problems.items():
                self.add_error(name if name in self.fields else None, sentence)
        return answers

    def _is_double(self, answers: dict[str, Any]) -> bool:
        if "address" not in answers:
            return False
        same = Target.objects.filter(
            portfolio=self.target.portfolio_id, channel=self.target.channel, address=answers["address"]
        )
        return same.exclude(pk=self.target.pk).exists()


def _field(asked: base.Option, *, is_stored: bool) -> forms.CharField:
    if not asked.is_secret:
        return forms.CharField(
            label=asked.label, help_text=asked.help, required=asked.is_required, max_length=300
        )
    return forms.CharField(
        label=asked.label,
        help_text=f"{asked.help} {_STORED}" if is_stored else asked.help,
        required=asked.is_required and not is_stored,
        max_length=2000,
        # A password field's value is never sent back to the browser.
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )
