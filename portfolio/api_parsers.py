"""What the API reads: JSON of a bounded length and depth, and one uploaded file. Free of views."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework import parsers
from rest_framework.exceptions import ParseError


def _check_length(context: Any) -> None:
    """Refuse a body above the limit before any of it is read; bodies of unknown length are read as empty."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    text = str(context["request"].META.get("CONTENT_LENGTH") or "0")
    if limit is not None and text.isdigit() and int(text) > limit:
        raise RequestDataTooBig(f"The body is larger than the {limit // 2**20} MB this site takes.")


class Json(parsers.JSONParser):
    """JSON of a bounded length and depth."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Parse the body; nesting beyond the interpreter's depth is a parse error, not a failure."""
        _check_length(parser_context)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error


class Upload(parsers.MultiPartParser):
    """A form with a file, of a bounded length."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Parse the form."""
        _check_length(parser_context)
        return super().parse(stream, media_type, parser_context)
