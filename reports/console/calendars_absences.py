"""Who is away from when to when, and who is told in their place; own absences, and anybody's for administrators."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from portfolio import access
from portfolio.access import Action
from portfolio.models import Absence, Portfolio, User
from reports.console import pages

_DAY = {"type": "date"}


def people_for(user: User) -> QuerySet[User]:
    """Return whose absences somebody keeps: their own, and those of the members of portfolios they administer."""
    managed = Portfolio.objects.filter(access.scope(user, Action.MANAGE, via="pk"))
    chosen = Q(pk=user.pk) | Q(memberships__portfolio__in=managed)
    return User.objects.filter(chosen, is_active=True).distinct().order_by("username")


def colleagues_of(user: User) -> QuerySet[User]:
    """Return who can stand in: active people who share a portfolio with somebody."""
    mine = Portfolio.objects.filter(access.scope(user, Action.VIEW, via="pk"))
    return (
        User.objects.filter(memberships__portfolio__in=mine, is_active=True).distinct().order_by("username")
    )


class AbsenceForm(forms.Form):
    """Who is away, and who stands in."""

    person = forms.ModelChoiceField(User.objects.none(), label="Who is away", empty_label=None)
    first_day = forms.DateField(label="First day", widget=forms.DateInput(attrs=_DAY))
    last_day = forms.DateField(label="Last day", widget=forms.DateInput(attrs=_DAY))
    delegate = forms.ModelChoiceField(
        User.objects.none(),
        label="Stands in",
        empty_label="Choose",
        help_text="Told in their place, as far as they may see the portfolio. One step: who stands in for the "
        "one who stands in is not told.",
    )

    def __init__(self, answers: Any, *, user: User, today: date) -> None:
        super().__init__(answers, initial={"person": user.pk})
        self.today = today
        for name, people in (("person", people_for(user)), ("delegate", colleagues_of(user))):
            field: Any = self.fields[name]
            field.queryset = people

    def clean(self) -> dict[str, Any]:
        """Refuse days out of order or over, standing in for oneself, and days that are taken."""
        said = super().clean() or {}
        if self.errors:
            return said
        if said["last_day"] < said["first_day"]:
            self.add_error("last_day", "The last day is before the first.")
        elif said["last_day"] < self.today:
            self.add_error("last_day", "These days are over; nobody is told anything in them any more.")
        if said["delegate"] == said["person"]:
            self.add_error("delegate", "Somebody else stands in.")
        return said

    def keep(self) -> Absence | None:
        """Store the absence; None, with the refusal on the form, where the person is away then already."""
        said = self.cleaned_data
        person, first, last = said["person"], said["first_day"], said["last_day"]
        with transaction.atomic():
            User.objects.select_for_update().get(pk=person.pk)
            taken = Absence.objects.filter(user=person, first_day__lte=last, last_day__gte=first).first()
            if taken is None:
                return Absence.objects.create(
                    user=person, delegate=said["delegate"], first_day=first, last_day=last
                )
        self.add_error(
            "first_day",
            ValidationError(f"{person} is away from {taken.first_day} to {taken.last_day} already."),
        )
        return None


def context(
    user: User, *, today: date, form: AbsenceForm | None = None, is_own: bool = False
) -> dict[str, Any]:
    """Return the absences somebody keeps that are not over, or their own alone, and the form of a new one."""
    kept = User.objects.filter(pk=user.pk) if is_own else people_for(user)
    rows = Absence.objects.filter(user__in=kept, last_day__gte=today).select_related("user", "delegate")
    return {
        "absences": rows.order_by("first_day", "pk"),
        "absence_form": form or AbsenceForm(None, user=user, today=today),
        "is_own": is_own,
        "today": today,
    }


def _today() -> date:
    return timezone.localtime(timezone.now()).date()


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """List who is away, and add an absence."""
    user = pages.user_of(request)
    form = AbsenceForm(request.POST or None, user=user, today=_today())
    if request.method == "POST" and form.is_valid() and (kept := form.keep()):
        messages.success(request, f"{kept.delegate} is told in {kept.user}’s place from {kept.first_day} on.")
        return redirect(_back(request))
    return pages.render(
        request,
        "reports/absences.html",
        "Absences",
        status=400 if form.is_bound else 200,
        **context(user, today=_today(), form=form),
    )


@require_POST
def remove(request: HttpRequest, absence_id: int) -> HttpResponseBase:
    """Take an absence back, or end one that has begun."""
    user = pages.user_of(request)
    absence = Absence.objects.filter(pk=absence_id, user__in=people_for(user)).select_related("user").first()
    if absence is None:
        raise Http404
    absence.delete()
    messages.success(request, f"{absence.user} is told again in person.")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Return where the form stood: this page, or the profile."""
    asked = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return asked
    return reverse("admin:reports_absences")


pages.add("absences/", page, "reports_absences")
pages.add("absences/<int:absence_id>/remove/", remove, "reports_absence_remove")
