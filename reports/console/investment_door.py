"""The way to one investment from pages of its own: found by code within the user's rights, and back to a tab."""

from django.http import Http404, HttpRequest
from django.urls import reverse

from portfolio import access
from portfolio.access import Action
from portfolio.models import Investment


def found(request: HttpRequest, code: str, action: Action) -> Investment:
    """Return the investment; Http404 where it does not exist or is not open to the user for the action."""
    open_to_user = Investment.objects.filter(access.scope(request.user, action, via="portfolio"))
    investment = open_to_user.select_related("portfolio").filter(code=code).first()
    if investment is None:
        raise Http404
    return investment


def tab(investment: Investment, name: str) -> str:
    """Return the address of a tab of an investment's page."""
    return f"{reverse('admin:portfolio_investment_change', args=[investment.pk])}?tab={name}"
