"""The schema is valid OpenAPI 3.1, names every operation, and declares problems."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def test_schema_is_made_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert capsys.readouterr().err == ""


def test_every_operation_declares_its_problems(schema: Any) -> None:
    operations = [(path, method, o) for path, item in schema["paths"].items() for method, o in item.items()]
    assert len(operations) > 25
    for path, method, operation in operations:
        needed = {"400", "401", "403", "429"} | ({"404"} if "{" in path else set())
        needed |= {"409", "413", "415", "422"} if method in ("post", "put") else set()
        assert needed <= set(operation["responses"]), (path, method)


def test_bulk_takes_a_list_or_an_object(schema: Any) -> None:
    body = schema["paths"]["/api/v1/actuals/bulk"]["put"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    bulk = schema["components"]["schemas"][body["$ref"].split("/")[-1]]
    assert len(bulk["oneOf"]) == 2


def test_schema_is_valid(schema: Any) -> None:
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
