"""The API's document describes exactly what is served."""

import re
from typing import Any

import pytest

from airlock.errors import CATALOGUE
from airlock.profiles import Profiles
from service import openapi
from service.middlewares import EVERYTHING
from service.models.requests import MAX_WAIT
from service.routes import OPERATIONS
from tests.service.harness import ServiceHarness, settings

PAGES = {"/docs", "/docs/docs.js", "/docs/docs.css", "/docs/docs.svg"}


@pytest.fixture(scope="module")
def document() -> Any:
    return openapi.document()


@pytest.mark.slow
def test_the_document_is_openapi_31(document: Any) -> None:
    # Imported here: it takes seconds, which every process that collects tests would spend.
    from openapi_spec_validator import OpenAPIV31SpecValidator

    OpenAPIV31SpecValidator(document).validate()


async def test_it_is_served_as_it_was_made(service: ServiceHarness, document: Any) -> None:
    answer = await service.ask("GET", "/openapi.json", owner=None)
    assert answer.json == document


def test_it_holds_every_route_and_no_other(profiles: Profiles, document: Any) -> None:
    app = ServiceHarness(settings(), profiles).make()
    routed = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    routed.remove(("*", EVERYTHING))
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {each for each in routed if each[0] != "HEAD" and each[1] not in PAGES} == documented


def test_every_code_of_the_catalogue_is_documented(document: Any) -> None:
    documented = {code for each in OPERATIONS for code in (*each.problems, *each.caller_problems)} | {"internal"}
    # The codes that belong to no call.
    assert set(CATALOGUE) - documented == {"not_found", "method_not_allowed", "too_many_connections"}
    for each in OPERATIONS:
        answers = document["paths"][each.path][each.method.lower()]["responses"]
        for code in (*each.problems, *each.caller_problems):
            assert f"`{code}`" in answers[str(CATALOGUE[code].status)]["description"]


def test_every_path_parameter_is_described(document: Any) -> None:
    for path, methods in document["paths"].items():
        for call in methods.values():
            described = {each["name"] for each in call.get("parameters", ()) if each["in"] == "path"}
            assert described == set(re.findall(r"\{(\w+)\}", path))


def test_query_parameters_carry_their_limits(document: Any) -> None:
    found = {each["name"]: each for each in document["paths"]["/v1/uploads/{id}"]["get"]["parameters"]}
    assert found["wait"]["schema"] == {"type": "integer", "minimum": 1, "maximum": MAX_WAIT}
    assert "accepted" in found["state"]["schema"]["enum"]
    assert not found["wait"]["required"]


def test_calls_without_a_token_are_documented_as_such(document: Any) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert document["paths"][path]["get"]["security"] == []
    assert "503" in document["paths"]["/readyz"]["get"]["responses"]
    assert "401" in document["paths"]["/v1/uploads"]["post"]["responses"]
