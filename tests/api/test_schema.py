"""The schema is valid OpenAPI 3.1, names every operation, and declares problems."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def test_schema_is_valid(schema: Any) -> None:
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
