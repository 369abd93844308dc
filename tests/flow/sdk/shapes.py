"""Whether a native request has the form its provider documents, by the official SDK's
own types: every member known, every value of its type. Providers answer anything else
with 400.
"""

import json
import types
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from anthropic.types import message_create_params as anthropic_params
from google.genai import types as gt
from openai.types.chat import completion_create_params as openai_params
from openai.types.responses import response_create_params as responses_params
from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

Json = dict[str, Any]

_EXTRA: dict[str, Mapping[str, Any]] = {
    "openai": {"stream": bool},
    "responses": {"stream": bool},
    # Models before Opus 4.7 are sampled; the SDK no longer types how.
    "anthropic": {"stream": bool, "temperature": float, "top_p": float, "top_k": int},
}
_TOP = {
    "openai": openai_params.CompletionCreateParamsBase,
    "responses": responses_params.ResponseCreateParamsBase,
    "anthropic": anthropic_params.MessageCreateParamsBase,
}
_GEMINI: dict[str, Any] = {
    "contents": gt.Content,
    "systemInstruction": gt.Content,
    "tools": gt.Tool,
    "toolConfig": gt.ToolConfig,
    "generationConfig": gt.GenerationConfig,
    "safetySettings": gt.SafetySetting,
    "cachedContent": None,
    "labels": None,
    "serviceTier": None,
    "store": None,
}


def check(family: str, body: Json) -> None:
    """Raises `AssertionError` with what the provider would not understand."""
    if family == "gemini":
        _check_gemini(body)
        return
    hints = {**_hints(_TOP[family]), **_EXTRA[family]}
    wrong = _members(body, hints, "")
    assert not wrong, f"{family} would refuse {wrong} in {json.dumps(body)[:2000]}"


def _check_gemini(body: Json) -> None:
    unknown = body.keys() - _GEMINI.keys()
    assert not unknown, f"gemini would refuse {unknown}"
    for name, value in body.items():
        model = _GEMINI[name]
        if model is not None:
            for one in value if isinstance(value, list) else [value]:
                # The models forbid what they do not know, in either spelling.
                model.model_validate_json(json.dumps(one))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _members(value: Json, hints: Mapping[str, Any], where: str) -> list[str]:
    wrong = [f"{where}.{name}: unknown" for name in value if name not in hints]
    for name, inner in value.items():
        if name in hints:
            wrong += _wrong(inner, hints[name], f"{where}.{name}")
    return wrong


def _required(kind: Any, value: Json, where: str) -> list[str]:
    needed: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    return [f"{where}.{name}: missing" for name in needed if name not in value]


def _wrong(value: Any, kind: Any, where: str) -> list[str]:
    """What does not fit; of a union, what does not fit its nearest member."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Annotated, Required, NotRequired):
        return _wrong(value, inner[0], where)
    if origin in (Union, types.UnionType):
        tried = [_wrong(value, one, where) for one in inner]
        return min(tried, key=len)
    if origin is Literal:
        return [] if value in inner else [f"{where}: {value!r} is none of {inner}"]
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return [f"{where}: not an object"] * 3
        told = value.get("type")
        known = _hints(kind)
        wrong = _members(value, known, where) + _required(kind, value, where)
        if told is not None and "type" in known and _wrong(told, known["type"], where):
            return wrong * 10  # another kind of part altogether
        return wrong
    if origin in (list, Iterable, Sequence) or kind in (list, Iterable):
        return _items(value, inner[0] if inner else object, where)
    return _plain(value, kind, origin, inner, where)


def _items(value: Any, kind: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where}: not a list"] * 3
    return [
        wrong
        for index, one in enumerate(value)
        for wrong in _wrong(one, kind, f"{where}[{index}]")
    ]


def _plain(
    value: Any, kind: Any, origin: Any, inner: tuple[Any, ...], where: str
) -> list[str]:
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return []
    if origin in (dict, Mapping) or kind is dict:
        return [] if isinstance(value, dict) else [f"{where}: not an object"] * 3
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return []
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [f"{where}: not a model"] * 20
    if kind is type(None):
        return [] if value is None else [f"{where}: not null"]
    fits = isinstance(kind, type) and isinstance(value, kind)
    return [] if fits else [f"{where}: not {kind}"]
