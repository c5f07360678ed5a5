"""The parts of /v1/openapi.json that FastAPI cannot see, because bodies are read by hand."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from tutela.api.bodies import ContextBody, ErrorAnswer, LookupBody, MediaBody

_REF = "#/components/schemas/{model}"
READ_BY_HAND: tuple[type[BaseModel], ...] = (ContextBody, LookupBody, MediaBody)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in {
        401: "No key, or one that is not accepted",
        403: "The key may not do this, or no basis in law permits matching here today",
        408: "The body did not arrive in time",
        404: "Not there, or not this key's",
        413: "The body is too large",
        415: "The body is of another kind",
        422: "The body, or what it holds, cannot be accepted",
        429: "Too many requests; see Retry-After",
        503: "A part is away; nothing was stored; see Retry-After",
    }.items()
}


def _json(kind: type[BaseModel]) -> dict[str, object]:
    return {"schema": {"$ref": _REF.format(model=kind.__name__)}}


MEDIA_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "context": {"$ref": _REF.format(model="ContextBody")},
                    },
                },
                "encoding": {"context": {"contentType": "application/json"}},
            },
            "application/json": _json(MediaBody),
        },
    }
}


def json_body(kind: type[BaseModel]) -> dict[str, Any]:
    """An address that takes JSON of one kind."""
    return {"requestBody": {"required": True, "content": {"application/json": _json(kind)}}}


LOOKUP_BODY = json_body(LookupBody)


def completed(document: dict[str, Any], bodies: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """FastAPI's description with the schemas of the bodies and the bearer key added."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for kind in bodies:
        schema = kind.model_json_schema(ref_template=_REF)
        schemas.update(schema.pop("$defs", {}))
        schemas[kind.__name__] = schema
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for operation in operations.values():
                operation["security"] = [{"key": []}]
    return document
