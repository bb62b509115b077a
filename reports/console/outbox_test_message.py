"""Sending a test message: does a channel reach an address that belongs to the portfolio?"""

from typing import Any

from django import forms
from django.contrib import messages as notices
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from alerts import delivery
from alerts.channels import CHANNELS
from alerts.models import Target
from portfolio import access
from portfolio.access import Action
from portfolio.models import Membership, Portfolio, User
from reports.console import pages


class TestMessageForm(forms.Form):
    """Where a test message goes."""

    __test__ = False

    portfolio = forms.ModelChoiceField(Portfolio.objects.none(), to_field_name="code", empty_label=None)
    # Targets that bring a host of their own are tried from their page.
    channel = forms.ChoiceField(choices=[(name, k.label) for name, k in CHANNELS.items() if k.is_shared])
    address = forms.CharField(
        required=False,
        max_length=300,
        help_text="An email address, or a Slack channel or member id. Empty: your own address by email, "
        "the installation's channel on Slack.",
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        field = self.fields["portfolio"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Portfolio.objects.filter(access.scope(user, Action.RECORD, via="pk"))

    def clean(self) -> dict[str, Any]:
        """Fill in the own address, and refuse one that nobody of the portfolio has."""
        answers = super().clean() or {}
        portfolio, channel = answers.get("portfolio"), answers.get("channel")
        if portfolio is None or channel is None:
            return answers
        address = answers.get("address", "").strip()
        if channel == "email":
            address = address or self.user.email
            self._check_email(address)
        answers["address"] = address
        if address and not self._is_known(portfolio, channel, address):
            sentence = "Nobody of this portfolio has this address; its administrators may write to any."
            self.add_error("address", sentence)
        return answers

    def _check_email(self, address: str) -> None:
        try:
            validate_email(address)
        except ValidationError:
            self.add_error("address", "Write an email address; your own account has none.")

    def _is_known(self, portfolio: Portfolio, channel: str, address: str) -> bool:
        if access.may(self.user, Action.MANAGE, portfolio.pk):
            return True
        members = User.objects.filter(pk__in=Membership.objects.filter(portfolio=portfolio).values("user_id"))
        own = (
            members.filter(email__iexact=address) if channel == "email" else members.filter(slack_id=address)
        )
        return (
            own.exists()
            or Target.objects.filter(
                portfolio=portfolio, channel=channel, address=address, is_active=True
            ).exists()
        )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Ask for a channel and an address, and put a test message in the outbox."""
    user = pages.user_of(request)
    form = TestMessageForm(request.POST or None, user=user)
    if not pages.portfolios(request, Action.RECORD).exists():
        raise Http404
    if request.method == "POST" and form.is_valid():
        answers = form.cleaned_data
        sent = delivery.send_test(
            portfolio=answers["portfolio"],
            channel=answers["channel"],
            address=answers["address"],
            user=user,
            now=timezone.now(),
        )
        notices.success(
            request, "The test message is in the outbox; load this page again to see what became of it."
        )
        return redirect("admin:reports_outbox_message", sent.pk)
    status = 400 if form.is_bound else 200
    return pages.render(request, "reports/outbox_test.html", "Send a test message", status=status, form=form)


pages.add("outbox/test/", page, "reports_outbox_test")
