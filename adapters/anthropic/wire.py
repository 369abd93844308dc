"""What is read of the Messages API: its structs, words and identifiers.

Source: Messages API, version header 2023-06-01, as the official SDK 2.12 types it.
Structs hold only what is read; whatever else an object has is carried in its bytes.
"""

import hashlib
import re
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from adapters.errors import BadCall, Garbled
from adapters.normal.chat import StopReason

T = TypeVar("T")

DIALECT: Final = "anthropic.messages"
FAMILY: Final = "anthropic"
VERSION: Final = "2023-06-01"
NONE: Final = Raw(b"")

STOPS: Final[dict[str, StopReason]] = {
    "end_turn": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_window",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "pause_turn": "pause",
}
"""A word that is not here counts as `end`, and is kept as the native one."""

STOP_WORDS: Final[dict[StopReason, str]] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_use": "tool_use",
    "filtered": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "end_turn",
}
"""`error` has no word: what broke a stream is told by an error event instead."""

encode: Final = msgspec.json.Encoder().encode


class CacheCreation(msgspec.Struct, frozen=True):
    """Tokens written to the cache, by lifetime."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class OutputDetails(msgspec.Struct, frozen=True):
    """What the output tokens were spent on."""

    thinking_tokens: int | None = None


class Iteration(msgspec.Struct, frozen=True):
    """One pass of the model within an answer."""

    type: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class Tokens(msgspec.Struct, frozen=True):
    """`usage`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    iterations: list[Iteration] | None = None
    service_tier: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """`error`."""

    type: str = ""
    message: str = ""


class Marker(msgspec.Struct, frozen=True):
    """`cache_control`."""

    type: str = "ephemeral"
    ttl: str | None = None


class Block(msgspec.Struct, frozen=True):
    """Any content block; which fields count depends on `type`."""

    type: str
    text: str = ""
    citations: Raw = NONE
    cache_control: Marker | None = None
    source: Raw = NONE
    title: str | None = None
    context: str | None = None
    thinking: str = ""
    signature: str | None = None
    data: str = ""
    id: str = ""
    name: str = ""
    input: Raw = NONE
    tool_use_id: str = ""
    content: Raw = NONE
    is_error: bool | None = None


class Tagged(msgspec.Struct, frozen=True):
    """Anything with a type."""

    type: str


class Answer(msgspec.Struct, frozen=True):
    """The head of a whole answer; `content` waits until somebody asks."""

    content: Raw = NONE
    type: str = ""
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    usage: Tokens | None = None
    error: Fault | None = None


class AnswerBody(msgspec.Struct, frozen=True):
    """The rest of a whole answer."""

    content: list[Raw]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = NONE
    container: Raw = NONE
    context_management: Raw = NONE


class Delta(msgspec.Struct, frozen=True):
    """What a `content_block_delta` or `message_delta` changes."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Raw = NONE
    content: Raw = NONE
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Start(msgspec.Struct, frozen=True):
    """The message of a `message_start`."""

    id: str = ""
    model: str = ""
    usage: Tokens | None = None
    content: list[Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Event(msgspec.Struct, frozen=True):
    """Any event of a stream."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Raw = NONE
    message: Start | None = None
    usage: Tokens | None = None
    error: Fault | None = None


def given(raw: Raw) -> bool:
    """Whether a member was there, and not `null`."""
    data = bytes(raw)
    return bool(data) and data != b"null"


def call_part(raw: bytes | Raw, kind: type[T], where: str = "") -> T:
    """A piece of a client's body.

    Raises:
        BadCall: it is not one; `param` is its path.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message, _, path = str(error).partition(" - at `$")
        param = (where + path.rstrip("`")).lstrip(".")
        told = f"{param}: {message}" if param else message
        raise BadCall(told, param or None) from error


def answer_part(raw: bytes | Raw, kind: type[T]) -> T:
    """A piece of a provider's answer.

    Raises:
        Garbled: it is not one.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Garbled(f"not a Messages answer: {error}", body=bytes(raw)) from error


_PLAIN_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")


def tool_id(id_: str) -> str:
    """The id as the API allows it: itself, or a stable stand-in.

    The stand-in ends in a digest of the whole, so that different ids stay different
    and a call and its result still meet.
    """
    if _PLAIN_ID.fullmatch(id_):
        return id_
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return re.sub(r"[^a-zA-Z0-9_-]", "_", id_)[:40] + "_" + digest


def message_id(source: str, seed: bytes = b"") -> str:
    """An id in the API's form, from the source's own or else from `seed`."""
    if source.startswith("msg_"):
        return source
    if source:
        return "msg_" + re.sub(r"[^a-zA-Z0-9_-]", "_", source)
    return "msg_" + hashlib.sha256(seed).hexdigest()[:24]


_TRAVELLER: Final = re.compile(
    rb'"(?:signature|data)"\s*:\s*"[a-z][a-z0-9_.]{1,23}:(?! )'
)
_TAGGED: Final = re.compile(r"([a-z][a-z0-9_.]{1,23}):(.*)", re.DOTALL)


def sign(value: str, family: str) -> str:
    """An opaque value of another family, marked so that its way back is known.

    The API's own values are base64, which has no colon.
    """
    if not value or family in ("", FAMILY):
        return value
    return f"{family}:{value}"


def unsign(value: str) -> tuple[str, str]:
    """The opaque value and the family it belongs to; empty when there is none."""
    match = _TAGGED.fullmatch(value)
    if match:
        return match[2], match[1]
    return value, FAMILY if value else ""


def travels(body: bytes) -> bool:
    """Whether another family's opaque value is somewhere in it, on its way home: the
    API would refuse the call."""
    return b'thinking"' in body and _TRAVELLER.search(body) is not None
