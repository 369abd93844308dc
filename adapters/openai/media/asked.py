"""The fields and files of a client's body, JSON or form, under one roof.

Values of a form are texts; those that OpenAI's API types otherwise become the JSON they
are meant as, and a field that comes several times, or as `name[]`, a list. So a reader
need not know which of the two a body was.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters import envelope
from adapters.contract import Hint
from adapters.errors import BadCall
from adapters.framing import multipart
from adapters.framing.multipart import Part
from adapters.normal.media import File
from adapters.openai import fields as f
from adapters.openai import wire
from adapters.openai.fields import Fields

_NUMBERS: Final = frozenset(
    {"n", "output_compression", "partial_images", "temperature", "stream"}
)
"""Fields whose text is JSON."""
_FILES: Final = frozenset({"image", "mask", "file"})
_ONCE: Final = frozenset({"model", "stream", "response_format", "file"})
"""What two readers of a form could take differently, were it there twice."""


class Asked(msgspec.Struct):
    """A client's body. Taking a field removes it: what is left is `extra`."""

    top: Fields
    files: dict[str, tuple[File, ...]] = {}
    boundary: bytes = b""

    def text(self, name: str) -> str:
        """A text; empty when absent or null."""
        return f.take_text(self.top, name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, or one."""
        raw = f.take_raw(self.top, name)
        if not raw:
            return ()
        if f.is_text(raw):
            return (f.decode(f.text, raw, name),)
        found: list[str] = f.decode(_texts, raw, name)
        return tuple(found)

    def count(self, name: str) -> int | None:
        """A whole number."""
        return f.take(self.top, name, f.count)

    def number(self, name: str) -> float | None:
        """A number."""
        return f.take(self.top, name, f.number)

    def flag(self, name: str) -> bool:
        """A truth, false when absent."""
        return f.take(self.top, name, f.flag) or False

    def extra(self) -> Fields:
        """What nobody took."""
        return {name: raw.copy() for name, raw in self.top.items() if wire.present(raw)}


_texts = msgspec.json.Decoder(list[str])


def read(body: bytes, hint: Hint, *, form: bool, plain: bool = True) -> Asked:
    """The body. `form`: it may be one; `plain`: it may be JSON.

    Raises:
        BadCall: it is neither; says where.
    """
    mark = multipart.boundary(hint.content_type) if form else b""
    if not mark and hint.content_type[:10].lower() == b"multipart/":
        raise BadCall("the body must be JSON, and its content-type say so")
    if mark:
        return _form(multipart.read(body, mark), mark)
    if not plain:
        raise BadCall("the body must be multipart/form-data: it holds a file")
    return Asked(envelope.fields(body))


def model(asked: Asked, hint: Hint, default: str = "") -> str:
    """The model's name, empty when nobody says it; a path's stands before a body's."""
    told = asked.text("model")
    return hint.model or told or default


def _form(parts: list[Part], mark: bytes) -> Asked:
    fields: dict[str, list[Raw]] = {}
    files: dict[str, list[File]] = {}
    many: set[str] = set()
    for part in parts:
        name = part.name.removesuffix("[]")
        if name != part.name:
            many.add(name)
        if part.filename is not None or name in _FILES:
            files.setdefault(name, []).append(_file(part))
        else:
            fields.setdefault(name, []).append(_value(name, part))
    for name in _ONCE:
        if len(fields.get(name, ())) + len(files.get(name, ())) > 1:
            raise BadCall(f"{name}: it comes twice", name)
    top = {
        name: f.plain(values) if name in many or len(values) > 1 else values[0]
        for name, values in fields.items()
    }
    return Asked(top, {name: tuple(found) for name, found in files.items()}, mark)


def _file(part: Part) -> File:
    return File(data=part.data, media_type=part.content_type, name=part.filename or "")


def _value(name: str, part: Part) -> Raw:
    """A field's value as JSON."""
    text = part.text()
    if name in _NUMBERS and not text.strip():
        return Raw(b"null")
    if name in _NUMBERS:
        try:
            value = msgspec.json.decode(text.lower())
        except msgspec.MsgspecError:
            raise BadCall(f"{name}: {text[:40]!r} is none", name) from None
        return f.plain(value)
    return f.plain(text)
