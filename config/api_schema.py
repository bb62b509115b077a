"""How the API describes itself: the token scheme, and every operation with the problems it can answer."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from config.api import TokenAuthentication
from config.api_problems import CONTENT_TYPE


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the bearer token in the schema."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A token of POST /api/v1/tokens."}


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A refusal as RFC 9457 describes it.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string", "description": "Name of the query parameter."},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
                "required": ["detail", "code"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
_ALWAYS = {
    "400": "The request does not fit its description.",
    "401": "Nobody is signed in.",
    "403": "The role does not allow this.",
    "406": "Only JSON is served.",
    "429": "Too many requests; see Retry-After.",
}
_WITH_BODY = {
    "409": "The state does not allow this now.",
    "413": "The body is too large.",
    "415": "The body's media type is not taken.",
    "422": "Understood, and refused; `errors` says why.",
}


class Schema(AutoSchema):
    """Adds the problem responses that every operation can give."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        responses = super()._get_response_bodies(direction)
        problems = dict(_ALWAYS)
        if "{" in self.path or (self.method == "POST" and getattr(self.view, "body_names_rows", False)):
            problems["404"] = "There is nothing here that is open to you."
        if self.method in ("POST", "PUT", "PATCH"):
            problems |= _WITH_BODY
        if self.method == "DELETE":
            problems |= {code: _WITH_BODY[code] for code in ("409", "422")}
        if getattr(self.view, "refuses_questions", False):
            problems["422"] = _WITH_BODY["422"]
        for code, description in problems.items():
            responses.setdefault(code, self._problem(description))
        return dict(sorted(responses.items()))

    def _problem(self, description: str) -> dict[str, Any]:
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name="Problem", type=ResolvedComponent.SCHEMA, object="Problem", schema=_PROBLEM
        )
        self.registry.register_on_missing(component)
        return {"description": description, "content": {CONTENT_TYPE: {"schema": component.ref}}}
