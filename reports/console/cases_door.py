"""The way to one business case: found within the user's rights, with its template and the rates it is judged by."""

from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, HttpRequest

from portfolio import access
from portfolio.access import Action
from roi import cases
from roi.models import BusinessCase
from roi.questions import Terms
from roi.usecases import TEMPLATES
from roi.usecases.base import Template


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that is open to the user."""

    case: BusinessCase
    template: Template
    terms: Terms
    may_record: bool


def found(request: HttpRequest, public_id: UUID, action: Action = Action.VIEW) -> Opened:
    """Return the case; Http404 where it does not exist or is not open to the user for the action."""
    open_to_user = BusinessCase.objects.filter(access.scope(request.user, action))
    rows = open_to_user.select_related("portfolio", "investment__portfolio", "updated_by")
    case = rows.filter(public_id=public_id).first()
    if case is None or case.template not in TEMPLATES:
        raise Http404
    may_record = access.may(request.user, Action.RECORD, case.portfolio_id)
    return Opened(case, TEMPLATES[case.template], cases.terms(case), may_record)
