"""Whether a JSON value has the shape that a JSON Schema asks for.

The keywords that structured outputs are asked with; others say nothing here. Patterns
are not tried: they are the client's, and may take forever.
Source: JSON Schema 2020-12, Core and Validation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_DEPTH: Final = 64
MAX_STEPS: Final = 20_000
"""Rules that are looked at: schemas are the client's, and may refer to themselves."""

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: (
        not isinstance(v, bool)
        and (isinstance(v, int) or (isinstance(v, float) and v.is_integer()))
    ),
}
_LEAST: Final = (("minLength", str), ("minItems", list), ("minProperties", dict))
_MOST: Final = (("maxLength", str), ("maxItems", list), ("maxProperties", dict))


def misfit(value: Any, schema: Any) -> str:
    """Where and how `value` does not fit; empty when nothing was found."""
    return _Shape(schema).misfit(value, schema, "$", MAX_DEPTH)


class _Shape:
    """A schema, in which references lead somewhere."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MAX_STEPS

    def misfit(self, value: Any, schema: Any, at: str, depth: int) -> str:
        if schema is False:
            return f"{at} must not be there"
        self._left -= 1
        if not isinstance(schema, dict) or not depth or self._left < 0:
            return ""
        if isinstance(ref := schema.get("$ref"), str):
            wrong = self.misfit(value, self._found(ref), at, depth - 1)
            if wrong:
                return wrong
        return (
            _kind(value, schema, at)
            or _size(value, schema, at)
            or self._members(value, schema, at, depth)
            or self._items(value, schema, at, depth)
            or self._several(value, schema, at, depth)
        )

    def _found(self, ref: str) -> Any:
        """What a local reference names; anything goes where it names nothing."""
        here = self._root
        for word in ref.removeprefix("#").strip("/").split("/"):
            if word:
                name = word.replace("~1", "/").replace("~0", "~")
                here = here.get(name) if isinstance(here, dict) else None
        return here

    def _members(self, value: Any, schema: Any, at: str, depth: int) -> str:
        if not isinstance(value, dict):
            return ""
        for name in _list(schema.get("required")):
            if name not in value:
                return f"{at}.{name} is missing"
        known = schema.get("properties")
        known = known if isinstance(known, dict) else {}
        others = schema.get("additionalProperties", True)
        for name, inner in value.items():
            rule = known.get(name, others)
            if wrong := self.misfit(inner, rule, f"{at}.{name}", depth - 1):
                return wrong
        return ""

    def _items(self, value: Any, schema: Any, at: str, depth: int) -> str:
        if not isinstance(value, list):
            return ""
        first = _list(schema.get("prefixItems"))
        rest = schema.get("items", True)
        for i, inner in enumerate(value):
            rule = first[i] if i < len(first) else rest
            if wrong := self.misfit(inner, rule, f"{at}[{i}]", depth - 1):
                return wrong
        return ""

    def _several(self, value: Any, schema: Any, at: str, depth: int) -> str:
        def fits(rule: Any) -> bool:
            return not self.misfit(value, rule, at, depth - 1)

        for rule in _list(schema.get("allOf")):
            if wrong := self.misfit(value, rule, at, depth - 1):
                return wrong
        any_of, one_of = _list(schema.get("anyOf")), _list(schema.get("oneOf"))
        if any_of and not any(fits(rule) for rule in any_of):
            return f"{at} fits none of anyOf"
        if one_of and sum(fits(rule) for rule in one_of) != 1:
            return f"{at} does not fit exactly one of oneOf"
        return ""


def _kind(value: Any, schema: Any, at: str) -> str:
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else _list(kinds)
    known = [_TYPES[name] for name in names if name in _TYPES]
    if known and not any(is_one(value) for is_one in known):
        return f"{at} is no {' or '.join(map(str, names))}"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{at} is another value than const"
    allowed = _list(schema.get("enum"))
    if allowed and not any(_same(value, one) for one in allowed):
        return f"{at} is none of enum"
    return ""


def _size(value: Any, schema: Any, at: str) -> str:
    for word, kind in _LEAST:
        if isinstance(value, kind) and len(value) < _number(schema.get(word), 0):
            return f"{at} is shorter than {word}"
    for word, kind in _MOST:
        most = _number(schema.get(word), float("inf"))
        if isinstance(value, kind) and len(value) > most:
            return f"{at} is longer than {word}"
    if _TYPES["number"](value):
        if value < _number(schema.get("minimum"), float("-inf")):
            return f"{at} is less than minimum"
        if value > _number(schema.get("maximum"), float("inf")):
            return f"{at} is more than maximum"
    return ""


def _same(one: Any, other: Any) -> bool:
    """Equal in JSON, where `true` is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any, otherwise: float) -> float:
    return value if _TYPES["number"](value) else otherwise
