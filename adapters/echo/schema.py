"""A value that satisfies a JSON Schema: the least one, with placeholders.

Knows what providers' structured outputs and tool schemas use: types, enums, constants,
objects, arrays, ranges, lengths, formats, local references and combinations. Of `not`,
`if`, `pattern` and `dependent*` it knows nothing.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

MAX_DEPTH: Final = 32
"""Levels a value may nest; a schema that wants more gets a null."""
MAX_NODES: Final = 2000
"""Values made in all: `minItems` is a number anyone can write."""
MAX_LENGTH: Final = 1000
"""Characters of one string."""
MAX_NUMBER: Final = 1e15
"""Bounds beyond this are not kept."""

_FORMATS: Final = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "demo@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def example(schema: Raw | bytes, name: str = "value") -> Any:
    """A value for the schema; an empty object where it cannot be read. Strings are
    the name of what they stand for."""
    try:
        root = msgspec.json.decode(schema) if schema else {}
    except _UNREADABLE:
        return {}
    return _Filler(root).value(root, name, 0)


class _Filler:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._nodes = 0

    def value(self, schema: Any, name: str, depth: int) -> Any:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            return None
        schema = self._resolved(schema, depth)
        given = [schema["const"]] if "const" in schema else _list(schema, "enum")
        if given:
            return given[0]
        made: Any = None
        match _type(schema):
            case "object":
                made = self._object(schema, depth)
            case "array":
                made = self._array(schema, name, depth)
            case "string":
                made = _string(schema, name)
            case "integer" | "number" as kind:
                made = _number(schema, whole=kind == "integer")
            case "boolean":
                made = True
        return made

    def _resolved(self, schema: Any, depth: int) -> Mapping[str, Any]:
        """With references followed and combinations merged in."""
        self._nodes += 1
        if not isinstance(schema, dict) or self._nodes > MAX_NODES:
            return {}
        merged = dict(schema)
        for _ in range(MAX_DEPTH):
            if (target := merged.pop("$ref", None)) is not None:
                found = self._at(target)
                merged = {**found, **merged}
            elif any_ := _list(merged, "anyOf") or _list(merged, "oneOf"):
                merged.pop("anyOf", None)
                merged.pop("oneOf", None)
                merged = _merge(merged, _best(any_))
            elif all_ := _list(merged, "allOf"):
                del merged["allOf"]
                for branch in all_:
                    if depth < MAX_DEPTH:
                        merged = _merge(merged, self._resolved(branch, depth + 1))
            else:
                return merged
        return {}

    def _at(self, reference: Any) -> dict[str, Any]:
        found = self._root
        if not isinstance(reference, str) or not reference.startswith("#"):
            return {}
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        wanted = [n for n in _list(schema, "required") if isinstance(n, str)]
        made: dict[str, Any] = {}
        for name in wanted:
            if self._nodes > MAX_NODES:
                break
            made[name] = self.value(known.get(name, {}), name, depth + 1)
        return made

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        least = schema.get("minItems")
        count = least if isinstance(least, int) else 0
        first = _list(schema, "prefixItems")
        made: list[Any] = []
        while len(made) < max(count, len(first)) and self._nodes <= MAX_NODES:
            at = len(made)
            item = first[at] if at < len(first) else schema.get("items", {})
            value = self.value(item, name, depth + 1)
            if schema.get("uniqueItems") is True and value in made:
                if not isinstance(value, str | int):
                    break
                value = f"{value}{at}" if isinstance(value, str) else value + at
            made.append(value)
        return made


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    found = schema.get(key)
    return found if isinstance(found, list) else []


def _merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**one, **other}
    for key in ("properties", "$defs"):
        if isinstance(one.get(key), dict) and isinstance(other.get(key), dict):
            merged[key] = {**one[key], **other[key]}
    required = [*_list(one, "required"), *_list(other, "required")]
    if required:
        merged["required"] = required
    return merged


def _best(branches: list[Any]) -> dict[str, Any]:
    """The first branch that is more than `null`."""
    schemas = [branch for branch in branches if isinstance(branch, dict)]
    for branch in schemas:
        if branch.get("type") != "null":
            return branch
    return schemas[0] if schemas else {}


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "string"


def _string(schema: Mapping[str, Any], name: str) -> str:
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS:
        return _FORMATS[form]
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = name[:MAX_LENGTH]
    if isinstance(least, int):
        text = text.ljust(min(least, MAX_LENGTH), ".")
    return text[:most] if isinstance(most, int) and most >= 0 else text


def _number(schema: Mapping[str, Any], *, whole: bool) -> float | int:
    low, high = _limit(schema, "minimum"), _limit(schema, "maximum")
    above, below = (
        _limit(schema, "exclusiveMinimum"),
        _limit(schema, "exclusiveMaximum"),
    )
    step = _limit(schema, "multipleOf") or 0
    step = step if step > 1e-9 else 0

    def fits(value: float) -> bool:
        return not (
            (low is not None and value < low)
            or (high is not None and value > high)
            or (above is not None and value <= above)
            or (below is not None and value >= below)
            or (whole and value != int(value))
            or (step > 0 and value % step != 0)
        )

    ends = [end for end in (low, above, high, below) if end is not None]
    tries: list[float] = [1, 0, *ends, *(end + by for end in ends for by in (1, -1))]
    tries += [(one + other) / 2 for one in ends for other in ends]
    if step > 0:
        tries += [
            (math.floor(end / step) + by) * step for end in ends for by in (0, 1, -1)
        ]
        tries.append(step)
    if whole:
        tries += [math.floor(end) + by for end in ends for by in (0, 1)]
    found = next((value for value in tries if fits(value)), 1)
    return int(found) if whole else found


def _limit(schema: Mapping[str, Any], key: str) -> float | int | None:
    """A bound, unless it is absurd."""
    value = schema.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if abs(value) < MAX_NUMBER else None
