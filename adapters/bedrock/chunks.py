"""What a vendor streams through InvokeModelWithResponseStream -> frames.

Claude streams the events of Messages, and they are handed on as such; Nova those of
ConverseStream, without their framing; everybody else an object with a piece of text.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import Raw

from adapters.anthropic.decoder import MessagesDecoder
from adapters.anthropic.wire import DIALECT as MESSAGES
from adapters.bedrock import vendors
from adapters.bedrock.answer import Names
from adapters.bedrock.wire import BROKEN, encode
from adapters.contract import Call
from adapters.errors import Garbled
from adapters.framing import sse
from adapters.normal.delta import Delta, Frame
from adapters.openai import family as openai
from adapters.openai.wire import CHAT

METRICS: Final = "amazon-bedrock-invocationMetrics"
MESSAGES_EVENTS: Final = (b"message_", b"content_block_", b"ping", b"error")
EVENTS: Final = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"}
    | {"messageStop", "metadata"}
)

Converse = Callable[[str, bytes], tuple[Delta, ...]]


class Inner(Protocol):
    """Reads the chunks of one vendor."""

    dialect: str

    def feed(self, data: bytes) -> list[Frame]:
        """The frames of a chunk's data; raises `UpstreamError`."""
        ...

    def close(self) -> list[Frame]:
        """The last frames; raises `Garbled` when the answer had no end."""
        ...


class _Chunk(msgspec.Struct, frozen=True):
    bytes: str


def data(payload: bytes) -> bytes:
    """What a chunk holds."""
    try:
        told = msgspec.json.decode(payload, type=_Chunk).bytes
        return base64.b64decode(told, validate=True)
    except (*BROKEN, binascii.Error) as error:
        raise Garbled(f"a chunk of the stream cannot be read: {error}") from error


def inner(first: bytes, names: Names, call: Call, converse: Converse) -> Inner:
    """Whose chunks they are, by the first one."""
    top = members(first)
    if bytes(top.get("type", b"")).strip(b'"').startswith(MESSAGES_EVENTS):
        return _Messages(names)
    if EVENTS & top.keys():
        return _Events(converse)
    return _Completions(call) if "choices" in top else vendors.Pieces()


def members(chunk: bytes) -> dict[str, Raw]:
    """The members of a chunk's object."""
    try:
        return msgspec.json.decode(chunk, type=dict[str, Raw])
    except BROKEN as error:
        told = f"a chunk of the stream cannot be read: {error}"
        raise Garbled(told, body=chunk[:2000]) from error


class _Messages:
    """Claude's."""

    dialect = MESSAGES

    def __init__(self, names: Names) -> None:
        self._decoder = MessagesDecoder(names.custom)

    def feed(self, data: bytes) -> list[Frame]:
        top = members(data)
        if METRICS in top:
            del top[METRICS]
            data = encode(top)
        kind = bytes(top.get("type", b"")).strip(b'"')
        return self._decoder.feed(sse.write(data, kind))

    def close(self) -> list[Frame]:
        return self._decoder.close()


class _Completions:
    """Those of OpenAI's kin: chunks of chat completions."""

    dialect = CHAT

    def __init__(self, call: Call) -> None:
        self._decoder = openai.UPSTREAM.parse_stream(call)

    def feed(self, data: bytes) -> list[Frame]:
        top = members(data)
        if top.pop(METRICS, None) is not None:
            data = encode(top)
        return self._decoder.feed(sse.write(data))

    def close(self) -> list[Frame]:
        return [*self._decoder.feed(b"data: [DONE]\n\n"), *self._decoder.close()]


class _Events:
    """Nova's."""

    dialect = ""
    """A client of Converse is told them anew, in frames."""

    def __init__(self, converse: Converse) -> None:
        self._converse = converse
        self._stopped = False

    def feed(self, data: bytes) -> list[Frame]:
        frames = []
        for name, payload in members(data).items():
            if name in EVENTS:
                self._stopped |= name == "messageStop"
                frames.append(Frame(b"", self._converse(name, bytes(payload))))
        return frames

    def close(self) -> list[Frame]:
        if not self._stopped:
            raise Garbled("the stream ended before messageStop")
        return []
