"""Where else a portfolio's alerts go: shared mailboxes and Slack channels, beside the owner's own address."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from alerts.channels import CHANNELS
from alerts.models import Target
from portfolio.access import Action
from portfolio.models import Portfolio
from reports.console.scoped import ScopedPermissions

_SLACK_CHANNEL = RegexValidator(
    r"\A(#[\w-]{1,80}|[CGD][A-Z0-9]{8,})\Z", "Write #channel or the channel's id."
)


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    """One shared address; what it must look like depends on its channel."""

    channel = forms.ChoiceField(
        choices=[(name, name.capitalize()) for name in CHANNELS if name != "log"],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Target
        fields = ("channel", "label", "address", "is_active")

    def clean(self) -> dict[str, Any]:
        """Refuse an address its channel could not deliver to."""
        cleaned = super().clean() or {}
        channel, address = cleaned.get("channel"), cleaned.get("address", "")
        try:
            if channel == "email":
                validate_email(address)
            elif channel == "slack" and address:
                _SLACK_CHANNEL(address)
        except ValidationError as error:
            self.add_error("address", error)
        return cleaned


class TargetFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The targets of one portfolio; named here, since a portfolio knows nothing of what stands above it."""

    @classmethod
    def get_default_prefix(cls) -> str:
        """Return the name of the form's fields."""
        return "targets"


class TargetInline(ScopedPermissions, TabularInline):  # type: ignore[misc]
    """Shared targets of a portfolio; its administrators decide."""

    model = Target
    form = TargetForm
    formset = TargetFormSet
    extra = 0
    change_action = Action.MANAGE
    verbose_name_plural = "alert targets (beside the owner)"

    def portfolio_id_of(self, obj: Any) -> int:
        """Return the portfolio whose page this is."""
        return int(obj.pk) if isinstance(obj, Portfolio) else int(obj.portfolio_id)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A target goes by removing it; what was sent to it stays in the outbox."""
        return self.has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Portfolio administrators add targets."""
        return self.has_change_permission(request, obj)
