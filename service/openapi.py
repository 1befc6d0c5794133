"""The API's document: OpenAPI 3.1, made from the table of operations, the models and the catalogue of errors.

https://spec.openapis.org/oas/v3.1.1.html
"""

import inspect
import re
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from airlock.errors import CATALOGUE
from service.middlewares import REQUEST_ID
from service.models import problems
from service.routes import OPERATIONS, Operation

SCHEMAS = "#/components/schemas/{model}"
JSON = "application/json"
_ALWAYS = ("internal",)
_HEADERS = {
    REQUEST_ID: "The request's id, as in the log",
    "Location": "The address of the upload or of its content",
    "RateLimit": "What is left of each quota, and the seconds until it is reset; only when quotas are set",
    "RateLimit-Policy": "The quotas: uploads a minute, bytes a day; only when quotas are set",
    "Retry-After": "Seconds to wait before the next try",
    "WWW-Authenticate": 'Bearer, with error="invalid_token" when the token is not valid',
}
_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A static token, or an access token of the OpenID provider",
    },
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of an upload session, from `POST /v1/sessions`",
    },
}


@cache  # it depends on the code alone
def served() -> bytes:
    """The document as `/openapi.json` sends it."""
    return orjson.dumps(document())


def document() -> dict[str, Any]:
    """The whole document, as JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Airlock",
            "version": version("s3-airlock"),
            "description": "Policies for direct uploads to S3, and the state of each upload.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": _SCHEMES,
        },
    }


def _schemas() -> dict[str, Any]:
    bodies = {each.body for each in OPERATIONS if each.body}
    responses = {each.response for each in OPERATIONS if each.response} | {problems.Problem}
    wanted = [(model, "validation") for model in bodies] + [(model, "serialization") for model in responses]
    ordered: Any = sorted(wanted, key=lambda pair: pair[0].__name__)
    _, definitions = models_json_schema(ordered, ref_template=SCHEMAS)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _operation(operation: Operation) -> dict[str, Any]:
    text = inspect.getdoc(operation.handler) or ""
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": re.split(r"[.:;]", text, maxsplit=1)[0],
        "description": text,
        "security": _security(operation),
        "responses": _responses(operation),
    }
    if parameters := [*_path_parameters(operation), *_query_parameters(operation)]:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(operation.body)}}}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """A request needs one of these: https://spec.openapis.org/oas/v3.1.1.html#security-requirement-object"""
    if operation.public:
        return []
    return [{"token": []}, {"session": []}] if operation.sessions else [{"token": []}]


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)\}", operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    definitions, required = schema.get("$defs", {}), schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, **_parameter(field, definitions)}
        for name, field in schema["properties"].items()
    ]


def _parameter(field: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A query parameter's schema, without null, which a query cannot send, and without references."""
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    schema = {**choices[0]}
    if reference := schema.pop("$ref", None):
        schema = {**definitions[reference.rpartition("/")[2]]}
    for repeated in ("title", "description"):
        schema.pop(repeated, None)
    if field.get("default") is not None:
        schema["default"] = field["default"]
    return {"schema": schema, "description": field.get("description", "")}


def _responses(operation: Operation) -> dict[str, Any]:
    successes = {str(status): _success(operation) for status in (operation.status, *operation.more_statuses)}
    by_status: dict[int, list[str]] = {}
    for code in (*operation.problems, *_ALWAYS, *operation.caller_problems):
        by_status.setdefault(CATALOGUE[code].status, []).append(code)
    return successes | {str(status): _problem(by_status[status]) for status in sorted(by_status)}


def _success(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"description": "Done", "headers": _headers(REQUEST_ID, *operation.headers)}
    if operation.response:
        described["description"] = (inspect.getdoc(operation.response) or "").replace("\n", " ")
        described["content"] = {JSON: {"schema": _reference(operation.response)}}
    return described


def _problem(codes: list[str]) -> dict[str, Any]:
    lines = "\n".join(f"- `{code}`: {CATALOGUE[code].title}" for code in sorted(codes))
    statuses = {CATALOGUE[code].status for code in codes}
    extra = {
        401: ("WWW-Authenticate",),
        429: ("Retry-After", "RateLimit-Policy", "RateLimit"),
        503: ("Retry-After",),
    }
    named = [name for status in statuses for name in extra.get(status, ())]
    narrowed = {"properties": {"code": {"enum": sorted(codes)}}}
    schema = {"allOf": [_reference(problems.Problem), narrowed]}
    return {
        "description": lines,
        "headers": _headers(REQUEST_ID, *named),
        "content": {problems.CONTENT_TYPE: {"schema": schema}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMAS.format(model=model.__name__)}
