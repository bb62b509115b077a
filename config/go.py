"""Lasting addresses that messages carry: they lead to wherever a page stands today."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from portfolio.access import Action, scope
from portfolio.models import Investment


@login_required
def investment(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Lead to an investment's page; 404 for strangers, as for one that is not there."""
    found = get_object_or_404(Investment, scope(request.user, Action.VIEW), public_id=public_id)
    return redirect("admin:portfolio_investment_change", found.pk)
