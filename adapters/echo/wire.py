"""The echo family's grammar: the normal forms, as JSON.

A streamed answer is server-sent events, named after the delta they hold; `end` closes
it, `error` breaks it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.contract import Operation
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import Choice, Conversation
from adapters.normal.content import Part
from adapters.normal.delta import Delta
from adapters.normal.image import Picture
from adapters.normal.moderate import Judgement
from adapters.normal.usage import Usage

END: Final = b"end"
ERROR: Final = b"error"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request."""

    operation: Operation
    model: str
    stream: bool = False
    conversation: Conversation | None = None
    inputs: tuple[str | tuple[int | Part, ...], ...] = ()
    dimensions: int | None = None
    encoding: str = "float"
    n: int = 1
    """Pictures."""
    form: str = ""
    """Of sound."""
    ms: int = 0
    """Of the sound that is heard."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    id: str = ""
    model: str = ""
    choices: tuple[Choice, ...] = ()
    usage: Usage = Usage()
    vectors: tuple[tuple[float, ...] | str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    data: str = ""
    """Sound, base64."""
    text: str = ""
    """What was heard."""
    ms: int = 0
    judgements: tuple[Judgement, ...] = ()
    scores: tuple[float, ...] = ()


class Wrong(msgspec.Struct, frozen=True):
    """An error."""

    error: str


NAMES: Final[dict[type[Delta], bytes]] = {
    normal.Begin: b"begin",
    normal.ThinkDelta: b"think",
    normal.TextDelta: b"text",
    normal.RefusalDelta: b"refusal",
    normal.CitationDelta: b"citation",
    normal.LogprobDelta: b"logprobs",
    normal.ToolStart: b"tool",
    normal.ToolDelta: b"arguments",
    normal.Used: b"usage",
    normal.Stop: b"stop",
}
"""Deltas the family makes, and the names of their events."""

read_ask: Final = msgspec.json.Decoder(Ask).decode
read_said: Final = msgspec.json.Decoder(Said).decode
read_wrong: Final = msgspec.json.Decoder(Wrong).decode
_readers: Final = {name: msgspec.json.Decoder(kind) for kind, name in NAMES.items()}
_encode: Final = msgspec.json.Encoder().encode


def write(value: msgspec.Struct) -> bytes:
    """JSON of a normal form, without what is absent: an empty `Raw` has no JSON."""
    return _encode(_bare(value))


def events(deltas: Iterator[Delta]) -> Iterator[bytes]:
    """A whole stream."""
    for delta in deltas:
        yield sse.write(write(delta), NAMES[type(delta)])
    yield sse.write(b"{}", END)


def read_delta(name: bytes, data: bytes) -> Delta | None:
    """The delta of an event; `None` for an event of another name.

    Raises:
        msgspec.MsgspecError: the data does not fit the name.
    """
    reader = _readers.get(name)
    return reader.decode(data) if reader is not None else None


def _bare(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        out = {
            name: _bare(inner)
            for name in value.__struct_fields__
            if not _is_empty(inner := getattr(value, name))
        }
        if config.tag is not None and config.tag_field is not None:
            out[config.tag_field] = config.tag
        return out
    if isinstance(value, tuple):
        return [_bare(inner) for inner in value]
    return value


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, Raw | tuple | dict) and not value)
