"""GET /openapi.json: the table of routes as an OpenAPI 3.1 document."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.endpoints.access import Endpoint
from gateway.endpoints.table import Row

_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")

_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "none": [],
    "metrics": [{"bearer": []}, {}],
    "key": [{"bearer": []}, {"x-api-key": []}, {"x-goog-api-key": []}],
    "master": [{"bearer": []}, {"x-api-key": []}, {"x-goog-api-key": []}],
}


def row(table: Sequence[Row], version: str) -> Row:
    """The route of the document about `table`, which then holds itself too."""

    async def show(_: Request) -> Response:
        return Response(body, media_type="application/json")

    own = Row(
        method="GET",
        path="/openapi.json",
        endpoint=Endpoint(show),
        auth="none",
        recorded=False,
        summary="This document",
        tag="operations",
    )
    body = msgspec.json.encode(document([*table, own], version))
    return own


def document(table: Sequence[Row], version: str) -> dict[str, Any]:
    """The document; aliases of a path are left out, they answer the same."""
    paths: dict[str, dict[str, Any]] = {}
    for entry in table:
        path = _PARAMETER.sub(r"{\1}", entry.path)
        paths.setdefault(path, {})[entry.method.lower()] = _operation(entry)
    header = {"type": "apiKey", "in": "header"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "RouteIQ Gateway",
            "version": version,
            "description": "Bodies of model calls are those of the OpenAI, Anthropic "
            "and Gemini APIs; their own references describe them.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "x-api-key": {**header, "name": "x-api-key"},
                "x-goog-api-key": {**header, "name": "x-goog-api-key"},
            }
        },
    }


def _operation(entry: Row) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": entry.summary,
        "tags": [entry.tag],
        "security": _SECURITY[entry.auth],
        "x-recorded": entry.recorded,
        "responses": {"200": {"description": "Success"}},
    }
    names = _PARAMETER.findall(entry.path)
    if names:
        operation["parameters"] = [
            {"name": n, "in": "path", "required": True, "schema": {"type": "string"}}
            for n in names
        ]
    if entry.method == "POST":
        kinds = ["application/json"] + ["multipart/form-data"] * entry.forms
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": {"type": "object"}} for kind in kinds},
        }
    if entry.auth in ("key", "master"):
        operation["responses"]["401"] = {"description": "No valid key was presented"}
    return operation
