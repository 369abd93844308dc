"""A judge of JSON Schemas, written apart from what it judges, and schemas to judge."""

from typing import Any

from hypothesis import strategies as st

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(value: Any, schema: Any, root: Any = None) -> bool:
    """Whether a value satisfies a schema."""
    root = schema if root is None else root
    if "$ref" in schema:
        at = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        if not fits(value, at, root):
            return False
    kinds = schema.get("type")
    if kinds is not None:
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(_is(value, kind) for kind in kinds):
            return False
    checks = [
        "enum" not in schema or value in schema["enum"],
        "const" not in schema or value == schema["const"],
        all(fits(value, s, root) for s in schema.get("allOf", ())),
        "anyOf" not in schema or any(fits(value, s, root) for s in schema["anyOf"]),
        not isinstance(value, dict) or _object(value, schema, root),
        not isinstance(value, list) or _array(value, schema, root),
        not isinstance(value, str)
        or schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9),
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or _number(value, schema),
    ]
    return all(checks)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def _object(value: dict[str, Any], schema: Any, root: Any) -> bool:
    known = schema.get("properties", {})
    return all(name in value for name in schema.get("required", ())) and all(
        fits(inner, known[name], root)
        if name in known
        else schema.get("additionalProperties", True) is not False
        for name, inner in value.items()
    )


def _array(value: list[Any], schema: Any, root: Any) -> bool:
    return len(value) >= schema.get("minItems", 0) and all(
        fits(inner, schema.get("items", {}), root) for inner in value
    )


def _number(value: float, schema: Any) -> bool:
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and ("multipleOf" not in schema or value % schema["multipleOf"] == 0)
    )


names = st.sampled_from(["a", "city", "with/slash", "with~tilde", "\u00e4"])


def _ranged(kind: str, low: int, size: int, closed: bool) -> dict[str, Any]:
    if closed:
        return {"type": kind, "minimum": low, "maximum": low + size}
    size = max(size, 2)
    return {"type": kind, "exclusiveMinimum": low, "exclusiveMaximum": low + size}


_leaves = st.one_of(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["null", "integer"]},
            {"enum": ["x", 1, None]},
            {"const": {"deep": [1]}},
            {"type": "string", "minLength": 12},
            {"type": "string", "maxLength": 2},
            {"type": "integer", "multipleOf": 7, "minimum": 8},
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
            {"$ref": "#/$defs/known"},
        ]
    ),
    st.builds(
        _ranged,
        st.sampled_from(["integer", "number"]),
        st.integers(-50, 50),
        st.integers(0, 9),
        st.booleans(),
    ),
)


def _object_of(inner: dict[str, Any], all_required: bool) -> dict[str, Any]:
    required = list(inner) if all_required else list(inner)[:1]
    return {
        "type": "object",
        "properties": inner,
        "required": required,
        "additionalProperties": False,
    }


schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(_object_of, st.dictionaries(names, inner, max_size=3), st.booleans()),
        st.builds(
            lambda item, least: {"type": "array", "items": item, "minItems": least},
            inner,
            st.integers(0, 3),
        ),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(lambda one: {"allOf": [one]}, inner),
    ),
    max_leaves=8,
).map(lambda schema: {**schema, "$defs": {"known": {"type": "string"}}})
