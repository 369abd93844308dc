"""JSON as Gemini takes it: camelCase or snake_case, numbers as text, deep or broken.

Requests are read leniently, as the API itself does (proto3 JSON); answers are typed.
Source: ai.google.dev/api/generate-content; protobuf.dev, ProtoJSON format.
"""

from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from adapters.errors import BadCall, Garbled

T = TypeVar("T")
D = TypeVar("D")

FAMILY: Final = "gemini"
GENERATE: Final = "gemini.generate"
EMBED: Final = "gemini.embed"

BROKEN: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What msgspec raises for JSON that is malformed, mistyped or nested too deep."""

EMPTY: Final = Raw(b"{}")
NONE: Final = Raw(b"")
"""Stands for a member that is absent (msgspec knows no optional `Raw`)."""

encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])


def camel(name: str) -> str:
    """The name as the API documents it: `max_output_tokens` -> `maxOutputTokens`."""
    if "_" not in name:
        return name
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def is_null(raw: Raw) -> bool:
    """Whether it is the word `null`."""
    return len(memoryview(raw)) == 4 and bytes(raw) == b"null"


def given(raw: Raw) -> bool:
    """Whether a member is there, and not null."""
    return bool(raw) and not is_null(raw)


def plain(raw: Raw | bytes) -> dict[str, Raw]:
    """The members of an object, names and values as written.

    Raises:
        msgspec.MsgspecError, RecursionError: it is not an object.
    """
    return _members.decode(raw)


def members(raw: Raw | bytes, where: str) -> dict[str, Raw]:
    """The members of an object by camelCase name, without those that are null.

    Raises:
        BadCall: it is not an object.
    """
    try:
        pairs = _members.decode(raw)
    except BROKEN as error:
        raise BadCall(f"{where or 'the body'} must be a JSON object", where) from error
    return {camel(k): v for k, v in pairs.items() if not is_null(v)}


def items(raw: Raw | bytes, where: str) -> list[Raw]:
    """The elements of an array; an object alone counts as one.

    Raises:
        BadCall: it is neither.
    """
    if bytes(memoryview(raw)[:1]) == b"{":
        return [Raw(raw)]
    try:
        return _items.decode(raw)
    except BROKEN as error:
        raise BadCall(f"{where} must be an array", where) from error


def value(raw: Raw, kind: type[T], where: str) -> T:
    """One typed value; numbers may be text, or floats without a fraction.

    Raises:
        BadCall: it is of another type.
    """
    try:
        return msgspec.json.decode(raw, type=kind, strict=False)
    except BROKEN as error:
        raise BadCall(f"{where}: {error}", where) from error


def pop(source: dict[str, Raw], name: str, kind: type[T], where: str) -> T | None:
    """Take one typed member out; `None` when absent."""
    raw = source.pop(name, None)
    if raw is None:
        return None
    return value(raw, kind, f"{where}.{name}" if where else name)


def text_of(raw: Raw) -> str:
    """The JSON text itself."""
    return bytes(raw).decode(errors="replace")


def is_object(text: str | bytes) -> bool:
    """Whether the text is a JSON object."""
    try:
        _members.decode(text)
    except BROKEN:
        return False
    return True


def answer(decoder: "msgspec.json.Decoder[D]", body: bytes | Raw, what: str) -> D:
    """A piece of a provider's answer.

    Raises:
        Garbled: it does not follow the documentation.
    """
    try:
        return decoder.decode(body)
    except BROKEN as error:
        raise Garbled(f"{what}: {error}", body=bytes(body[:2000])) from error
