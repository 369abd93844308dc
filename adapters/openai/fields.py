"""Fields of a client's body, taken out one by one, with the path of what is wrong."""

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from adapters.errors import BadCall
from adapters.openai.wire import ABSENT, present

T = TypeVar("T")
Fields = dict[str, Raw]

text = msgspec.json.Decoder(str)
number = msgspec.json.Decoder(float)
count = msgspec.json.Decoder(int)
flag = msgspec.json.Decoder(bool)
objects = msgspec.json.Decoder(list[dict[str, Raw]])
fields = msgspec.json.Decoder(dict[str, Raw])
raws = msgspec.json.Decoder(list[Raw])
anything = msgspec.json.Decoder()


def decode(decoder: "msgspec.json.Decoder[T]", raw: Raw | bytes, at: str) -> T:
    """The value of a field.

    Raises:
        BadCall: it has another type.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        told = str(error)
        path = at
        if " - at `$" in told:
            told, _, inner = told.partition(" - at `$")
            path += inner.rstrip("`")
        raise BadCall(f"{path}: {told}", path) from error


def take(
    top: Fields, name: str, decoder: "msgspec.json.Decoder[T]", at: str = ""
) -> T | None:
    """The field's value, gone from `top`; `None` when absent or null."""
    raw = top.pop(name, ABSENT)
    if not present(raw):
        return None
    return decode(decoder, raw, f"{at}.{name}" if at else name)


def take_text(top: Fields, name: str, at: str = "") -> str:
    """A text, empty when absent or null."""
    return take(top, name, text, at) or ""


def take_raw(top: Fields, name: str) -> Raw:
    """The JSON of a field, empty when absent or null."""
    raw = top.pop(name, ABSENT)
    return raw.copy() if present(raw) else Raw(b"")


def is_text(raw: Raw) -> bool:
    """Whether the JSON is a text."""
    return bytes(memoryview(raw)[:1]) == b'"'


def says_nothing(raw: Raw) -> bool:
    """Null, or an empty text, list or object."""
    return bytes(raw).strip() in (b"", b"null", b'""', b"[]", b"{}")


def plain(value: Any) -> Raw:
    """A value as JSON."""
    return Raw(msgspec.json.encode(value))
