"""JSON Schemas as the API takes them.

A tool's schema must be of type object. A schema for the answer (or a strict tool) must
close every object and may not bound numbers, strings or lists; a bound moves into the
description, where the model still reads it. A map of free keys cannot be closed.
Source: Anthropic, Structured outputs, JSON Schema limitations.
"""

from typing import Final

from msgspec import Raw

from adapters.anthropic.wire import call_part, encode

_EMPTY: Final = Raw(b'{"type":"object","properties":{}}')
_BOUNDS: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_NAMED: Final = ("properties", "$defs", "definitions")
_LISTS: Final = ("anyOf", "allOf", "oneOf")
_DEPTH: Final = 200


class Open(Exception):
    """The schema has an object with free keys."""


def for_tool(raw: Raw) -> Raw:
    """The arguments' schema: the client's bytes when they say `object` already."""
    if not raw:
        return _EMPTY
    top = call_part(raw, object, "tools.input_schema")
    if not isinstance(top, dict):
        return _EMPTY
    if top.get("type") == "object":
        return raw
    return Raw(encode({**top, "type": "object"}))


def closed(raw: Raw) -> Raw:
    """The schema with every object closed and every bound in words.

    Raises:
        Open: it cannot be closed.
    """
    return Raw(encode(_closed(call_part(raw, object, "schema"), _DEPTH)))


def _closed(node: object, depth: int) -> object:
    if not isinstance(node, dict):
        return node
    if depth == 0:
        raise Open("the schema is too deep")
    out = _unbounded(node)
    for key in _NAMED:
        inner = out.get(key)
        if isinstance(inner, dict):
            out[key] = {k: _closed(v, depth - 1) for k, v in inner.items()}
    for key in _LISTS:
        inner = out.get(key)
        if isinstance(inner, list):
            out[key] = [_closed(v, depth - 1) for v in inner]
    if "oneOf" in out and "anyOf" not in out:
        out["anyOf"] = out.pop("oneOf")
    if "items" in out:
        out["items"] = _closed(out["items"], depth - 1)
    _seal(out)
    return out


def _seal(node: dict[str, object]) -> None:
    kind = node.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind)
    if not (is_object or "properties" in node):
        return
    if node.get("additionalProperties", False) is not False:
        raise Open("an object with free keys")
    if not node.get("properties"):
        raise Open("an object without properties")
    node["additionalProperties"] = False


def _unbounded(node: dict[str, object]) -> dict[str, object]:
    """The node with its bounds in the description."""
    out = {k: v for k, v in node.items() if k not in _BOUNDS}
    bounds = [f"{k}: {_said(node[k])}" for k in _BOUNDS if k in node]
    least = out.get("minItems")
    if isinstance(least, int) and least > 1:
        bounds.append(f"minItems: {least}")
        del out["minItems"]
    if bounds:
        told = out.get("description")
        lead = f"{told}\n\n" if isinstance(told, str) and told else ""
        out["description"] = f"{lead}({', '.join(bounds)})"
    return out


def _said(value: object) -> str:
    return encode(value).decode()
