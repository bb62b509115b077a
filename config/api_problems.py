"""Every refusal of the API as a problem of RFC 9457: one sentence, and a pointer to each error."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from alerts.acknowledgments import OverlayError
from portfolio.approvals import ApprovalError
from portfolio.assumptions import AssumptionError
from portfolio.facts import FactsRejected
from portfolio.idempotency import KeyReused, StillRunning
from portfolio.ingest import IngestError
from portfolio.knowledge import KnowledgeError
from portfolio.months import MonthStateError
from portfolio.reviews import ReviewError
from roi.cases import CaseRefused, StaleCase
from roi.questions import QuestionRejected

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# Domain exceptions whose message is ready for the user.
_STATUS_OF: dict[type[Exception], int] = {
    ApprovalError: 409,
    KnowledgeError: 409,
    MonthStateError: 409,
    StillRunning: 409,
    StaleCase: 409,
    CaseRefused: 422,
    KeyReused: 422,
    IngestError: 422,
    AssumptionError: 422,
    django_errors.RequestDataTooBig: 413,
}
_STATUS_OF_OVERLAY = {"closed": 409, "forbidden": 403}
_STATUS_OF_REVIEW = {"closed": 409, "forbidden": 403}
_MAX_ERRORS = 1000

Error = dict[str, str]


def problem(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an exception raised in a view. What nobody foresaw is logged, and answered without its trace."""
    request = context["request"]
    converted = _converted(error)
    if converted is None:
        got_request_exception.send(sender=problem, request=request)
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return _answer(500, "Something went wrong on our side; it has been logged.", path=request.path)
    status, detail, errors = converted
    if request.method in ("GET", "HEAD"):
        errors = [{"parameter": e["pointer"].removeprefix("#/"), **_without_pointer(e)} for e in errors]
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(error.auth_header)  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = f"{error.wait:.0f}"  # type: ignore[attr-defined]
    return _answer(status, detail, path=request.path, errors=errors, headers=headers)


def _without_pointer(error: Error) -> Error:
    return {key: value for key, value in error.items() if key != "pointer"}


def _converted(error: Exception) -> tuple[int, str, list[Error]] | None:
    """Return status, sentence and errors of an exception that is meant for the user; None for any other."""
    if isinstance(error, exceptions.ValidationError):
        return error.status_code, "The request does not fit its description.", list(_flatten(error.detail))
    if isinstance(error, QuestionRejected):
        return 400, "The request does not fit its description.", list(_flatten(error.errors))
    if isinstance(error, exceptions.APIException):
        return error.status_code, str(error.detail), list(getattr(error, "errors", []))
    if isinstance(error, FactsRejected):
        return (
            422,
            "Nothing was recorded.",
            [_of_fact(e.position, e.field, e.message, e.code) for e in error.errors],
        )
    if isinstance(error, django_errors.ValidationError):
        return 422, " ".join(error.messages), []
    if isinstance(error, Http404):
        return 404, "There is nothing here that is open to you.", []
    if isinstance(error, django_errors.PermissionDenied):
        return 403, str(error) or "Your role does not allow this.", []
    if isinstance(error, OverlayError):
        return _STATUS_OF_OVERLAY.get(error.code, 400), str(error), []
    if isinstance(error, ReviewError):
        return _STATUS_OF_REVIEW.get(error.code, 422), str(error), []
    for kind, status in _STATUS_OF.items():
        if isinstance(error, kind):
            return status, str(error), []
    return None


def _of_fact(position: int, field: str, message: str, code: str) -> Error:
    return {"pointer": f"#/rows/{position}" + (f"/{field}" if field else ""), "detail": message, "code": code}


def _flatten(detail: Any, pointer: str = "#") -> Iterator[Error]:
    """Yield one error per sentence of a nested detail, each with the pointer to what it is about."""
    if isinstance(detail, dict):
        for key, part in detail.items():
            here = pointer if key == "non_field_errors" else f"{pointer}/{_escape(key)}"
            yield from _flatten(part, here)
    elif isinstance(detail, list):
        for index, part in enumerate(detail):
            yield from _flatten(part, f"{pointer}/{index}" if isinstance(part, dict | list) else pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail), "code": str(getattr(detail, "code", "invalid"))}


def _escape(key: object) -> str:
    return str(key)[:200].replace("~", "~0").replace("/", "~1")


def _answer(
    status: int,
    detail: str,
    *,
    path: str,
    errors: list[Error] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
    }
    if errors:
        body["errors"] = errors[:_MAX_ERRORS]
        if len(errors) > _MAX_ERRORS:
            body["detail"] = f"{detail} The first {_MAX_ERRORS} of {len(errors)} errors are listed."
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)
