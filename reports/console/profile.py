"""What somebody says of themselves: where messages reach them, when not, and who stands in while they are away.

Mail about a portfolio is stopped and asked for again here as well.
"""

import zoneinfo
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from alerts import unsubscriptions
from portfolio.models import Investment, Membership, Portfolio, User
from reports.console import calendars_absences, pages

_TIME = {"type": "time"}
_CHANGED = ("time_zone", "quiet_from", "quiet_until")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """The settings that are somebody's own."""

    time_zone = forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
        label="Time zone",
        help_text="Quiet hours are of this zone.",
    )

    class Meta:
        model = User
        fields = _CHANGED
        labels = {"quiet_from": "Quiet from", "quiet_until": "Quiet until"}
        help_texts = {
            "quiet_from": "Nothing is sent to you from this local time on. Empty: never quiet.",
            "quiet_until": "What waited is sent then. May lie on the next morning.",
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs=_TIME, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs=_TIME, format="%H:%M"),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse one end of the quiet hours without the other, and quiet hours that never end."""
        said = super().clean() or {}
        begins, ends = said.get("quiet_from"), said.get("quiet_until")
        if (begins is None) != (ends is None) and not self.errors:
            name = "quiet_until" if ends is None else "quiet_from"
            self.add_error(name, "Quiet hours need both ends; leave both empty for none.")
        elif begins is not None and begins == ends:
            self.add_error("quiet_until", "Quiet hours that end when they begin would be none, or all day.")
        return said


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Show and change one's own settings."""
    user = pages.user_of(request)
    # Read anew: what the form refuses must not stand in the page's frame.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if request.method == "POST" and form.is_valid():
        changed = form.save(commit=False)
        changed.save(update_fields=_CHANGED)
        messages.success(request, "Your settings are stored; they hold for messages from now on.")
        return redirect("admin:reports_profile")
    today = timezone.localtime(timezone.now()).date()
    since = unsubscriptions.since(user)
    roles = Membership.objects.filter(user=user).select_related("portfolio").order_by("portfolio__code")
    return pages.render(
        request,
        "reports/profile.html",
        "My profile",
        status=400 if form.is_bound else 200,
        form=form,
        person=user,
        mailed=[(each, since.get(each.pk)) for each in _mailed_about(user, since.keys())],
        roles=[f"{each.get_role_display()} of {each.portfolio.name}" for each in roles],
        **calendars_absences.context(user, today=today, is_own=True),
    )


def _mailed_about(user: User, unsubscribed: Collection[int]) -> QuerySet[Portfolio]:
    """Return the portfolios somebody may be mailed about, and those they unsubscribed from."""
    own = Investment.objects.filter(Q(owner=user) | Q(sponsor=user) | Q(data_owner=user))
    mine = Membership.objects.filter(user=user).values("portfolio")
    chosen = Q(pk__in=mine) | Q(pk__in=own.values("portfolio")) | Q(pk__in=unsubscribed)
    return Portfolio.objects.filter(chosen).order_by("code")


@require_POST
def mail(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Stop mail about one of one's own portfolios, or subscribe again."""
    user, now = pages.user_of(request), timezone.now()
    mine = _mailed_about(user, unsubscriptions.since(user).keys())
    portfolio = mine.filter(public_id=public_id).first()
    if portfolio is None:
        raise Http404
    if request.POST.get("mail") == "stop":
        unsubscriptions.unsubscribe(user, portfolio, now=now)
        messages.success(request, f"Alerts and reports of {portfolio.name} are no longer mailed to you.")
    else:
        unsubscriptions.subscribe(user, portfolio, now=now)
        messages.success(request, f"Mail about {portfolio.name} comes to you again from now on.")
    return redirect("admin:reports_profile")


pages.add("profile/", page, "reports_profile")
pages.add("profile/mail/<uuid:public_id>/", mail, "reports_profile_mail")
