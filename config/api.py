"""The API's manners: cursor pages, and tokens as the way in. Free of views, which need it first."""

from typing import Any

import knox.auth
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import exceptions
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class CursorPages(CursorPagination):
    """Pages by cursor, up to 500 rows, in one of the orders the view lists; anything else is refused."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """Return the order asked for, with the key as the tie-breaker."""
        chosen = request.query_params.get("ordering", view.orderings[0])
        if chosen not in view.orderings:
            sentence = f"The order is one of {', '.join(view.orderings)}."
            raise exceptions.ValidationError({"ordering": [sentence]})
        return (chosen, "pk")

    def get_page_size(self, request: Request) -> int:
        """Return the page size asked for. Raises ValidationError outside 1 to 500."""
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            raise exceptions.ValidationError({"page_size": ["A page has 1 to 500 rows."]})
        return int(text[:9])

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor of the request. Raises ValidationError for one this site never issued."""
        try:
            cursor = super().decode_cursor(request)
        except exceptions.NotFound as error:
            raise _unknown_cursor() from error
        if cursor and cursor.position and not str(cursor.position).isprintable():
            raise _unknown_cursor()
        return cursor

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the page's rows; a position that is no value of the ordered column is refused."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, DjangoValidationError) as error:
            raise _unknown_cursor() from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe cursor, page size and order."""
        parameters = [
            {"name": "cursor", "schema": {"type": "string"}, "description": "From `next` or `previous`."},
            {
                "name": "page_size",
                "schema": {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
            },
        ]
        if len(view.orderings) > 1:
            parameters.append(
                {"name": "ordering", "schema": {"type": "string", "enum": list(view.orderings)}}
            )
        return [{"required": False, "in": "query"} | parameter for parameter in parameters]


def _unknown_cursor() -> exceptions.ValidationError:
    return exceptions.ValidationError({"cursor": ["This cursor was not issued for this list."]})


class TokenAuthentication(knox.auth.TokenAuthentication):  # type: ignore[misc]
    """Bearer tokens, stored as hashes."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """Return the token's user. Raises AuthenticationFailed, also for bytes that are no text."""
        if not token.isascii():
            raise exceptions.AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)
