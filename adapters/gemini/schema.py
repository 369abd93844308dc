"""Gemini's `Schema` (a subset of OpenAPI 3.0 with words of its own) -> JSON Schema.

Only this way round: towards Gemini the JSON Schema goes as it is, in
`parametersJsonSchema` and `responseJsonSchema`. Source: ai.google.dev/api/caching,
Schema; OpenAPI 3.0.3, section 4.7.24.
"""

from typing import Final

from msgspec import Raw

from adapters.errors import BadCall
from adapters.gemini.wire import camel, encode, value

TYPES: Final[dict[object, str]] = {
    "STRING": "string",
    "NUMBER": "number",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
    "NULL": "null",
    1: "string",
    2: "number",
    3: "integer",
    4: "boolean",
    5: "array",
    6: "object",
    7: "null",
}
"""By name, or by the number that clients with `enum-encoding=int` send."""

_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_MAPS: Final = frozenset({"properties", "$defs", "definitions", "patternProperties"})
_ONE: Final = frozenset({"items", "additionalProperties", "not"})
_MANY: Final = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
_DEPTH: Final = 200


def json_schema(raw: Raw, where: str) -> Raw:
    """The same meaning as JSON Schema; the client's own bytes where nothing differs.

    Raises:
        BadCall: it is not a schema, or nested beyond reason.
    """
    top = value(raw, dict[str, object], where)
    out = _schema(top, where, _DEPTH)
    return raw if out == top and list(out) == list(top) else Raw(encode(out))


def _schema(node: dict[str, object], where: str, depth: int) -> dict[str, object]:
    if depth == 0:
        raise BadCall(f"{where} is nested too deep", where)
    folded = {camel(k) if k.islower() else k: v for k, v in node.items()}
    out: dict[str, object] = {}
    for key, inner in folded.items():
        if key in _MAPS and isinstance(inner, dict):
            out[key] = {k: _inner(v, where, depth) for k, v in inner.items()}
        elif key in _ONE:
            out[key] = _inner(inner, where, depth)
        elif key in _MANY and isinstance(inner, list):
            out[key] = [_inner(v, where, depth) for v in inner]
        elif key in _COUNTS and isinstance(inner, str) and inner.isdecimal():
            out[key] = int(inner)  # int64 is text in proto3 JSON
        elif key == "type":
            _type(out, inner)
        elif key not in ("nullable", "propertyOrdering"):
            out[key] = inner
    _order(out, folded.get("propertyOrdering"))
    if folded.get("nullable") is True:
        _nullable(out)
    return out


def _inner(node: object, where: str, depth: int) -> object:
    return _schema(node, where, depth - 1) if isinstance(node, dict) else node


def _type(out: dict[str, object], kind: object) -> None:
    word = kind.upper() if isinstance(kind, str) else kind
    if word in ("TYPE_UNSPECIFIED", 0):
        return
    hashable = word if isinstance(word, str | int) else None
    out["type"] = TYPES.get(hashable, kind)


def _order(out: dict[str, object], order: object) -> None:
    """`propertyOrdering` is told by the order of the properties themselves."""
    known = out.get("properties")
    if isinstance(order, list) and isinstance(known, dict):
        first = [name for name in order if isinstance(name, str) and name in known]
        out["properties"] = {k: known[k] for k in dict.fromkeys([*first, *known])}


def _nullable(out: dict[str, object]) -> None:
    kind = out.get("type")
    if isinstance(kind, str) and kind != "null":
        out["type"] = [kind, "null"]
    elif isinstance(out.get("anyOf"), list):
        out["anyOf"] = [*_list(out["anyOf"]), {"type": "null"}]
    choices = out.get("enum")
    if isinstance(choices, list) and None not in choices:
        out["enum"] = [*choices, None]


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
