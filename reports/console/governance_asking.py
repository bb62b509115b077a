"""What a page says after it asked for something that a second person has to allow."""

from django.contrib import messages
from django.http import HttpRequest

from portfolio.models import Approval


def told(request: HttpRequest, approval: Approval) -> None:
    """Say that the request was made and who decides it."""
    messages.success(
        request,
        f"Asked for: {approval.summary} It takes effect once somebody else of finance or an administrator allows it "
        "under Approvals.",
    )
