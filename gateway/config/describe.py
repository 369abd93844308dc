"""The JSON Schema of the configuration, for editors: `configs/schema.json`."""

import ast
import inspect
from typing import Any, Final

import msgspec

from gateway.config import schema

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXPANSION: Final = {"type": "string", "pattern": r"\$\{"}
"""Any value may come out of the environment: `${PORT:-4000}`."""


def json_schema() -> dict[str, Any]:
    """Every section and field, with its default and what the schema's source says."""
    (top,), parts = msgspec.json.schema_components(
        [schema.Config], ref_template="#/$defs/{name}"
    )
    said = _docstrings()
    for name, part in parts.items():
        if "description" in part:  # Python 3.13 takes the indents out, earlier ones not
            part["description"] = " ".join(part["description"].split())
        for field, shape in part.get("properties", {}).items():
            if "$ref" in shape:
                shape.pop("default", None)
            part["properties"][field] = _expandable(shape)
            text = said.get((name, field))
            if text:
                part["properties"][field]["description"] = text
        if not part.get("required"):
            part.pop("required", None)
    # Anchors need a place to stand: keys that begin with x- are free.
    parts["Config"]["patternProperties"] = {"^x-": {}}
    return {
        "$schema": DIALECT,
        "title": "RouteIQ Gateway",
        **top,
        "$defs": dict(sorted(parts.items())),
    }


def text() -> str:
    """`json_schema` as the file has it."""
    data = msgspec.json.format(msgspec.json.encode(json_schema()), indent=2)
    return data.decode() + "\n"


def _expandable(shape: dict[str, Any]) -> dict[str, Any]:
    """The shape, or a text that becomes it."""
    if shape.get("type") in ("integer", "number", "boolean") or "enum" in shape:
        default = {k: shape.pop(k) for k in ("default",) if k in shape}
        return {"anyOf": [shape, _EXPANSION], **default}
    if "anyOf" in shape and not any(s.get("type") == "string" for s in shape["anyOf"]):
        shape["anyOf"] = [*shape["anyOf"], _EXPANSION]
    return shape


def _docstrings() -> dict[tuple[str, str], str]:
    """(class, field) -> the text under the field."""
    out: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(schema)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, below in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                words = " ".join(below.value.value.split())
                out[node.name, field.target.id] = words
    return out
