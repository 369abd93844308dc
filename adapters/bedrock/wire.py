"""What is read of the Converse API: its structs, words and identifiers.

Source: Amazon Bedrock Runtime, API version 2023-09-30, as botocore 1.44 models it.
Structs hold only what is read; whatever else an object has is carried in its bytes.
`bytes` members are base64 in JSON, and stay so.
"""

import base64
import binascii
import hashlib
import re
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from adapters.errors import BadCall, Garbled
from adapters.normal.chat import StopReason

T = TypeVar("T")

DIALECT: Final = "bedrock.converse"
FAMILY: Final = "bedrock"
NONE: Final = Raw(b"")

STOPS: Final[dict[str, StopReason]] = {
    "end_turn": "end",
    "tool_use": "tool_use",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "filtered",
    "content_filtered": "filtered",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "model_context_window_exceeded": "context_window",
    "refusal": "refusal",
}
STOP_WORDS: Final[dict[StopReason, str]] = {
    "end": "end_turn",
    "tool_use": "tool_use",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "filtered": "content_filtered",
    "refusal": "content_filtered",
    "context_window": "model_context_window_exceeded",
    "pause": "end_turn",
    "error": "malformed_model_output",
}
BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)

encode: Final = msgspec.json.Encoder().encode


class Camel(msgspec.Struct, frozen=True, rename="camel"):
    """An object of the API."""


class Place(Camel, frozen=True):
    """`s3Location`."""

    uri: str
    bucket_owner: str | None = None


class Chunk(Camel, frozen=True):
    """A piece of text."""

    text: str = ""


class Source(Camel, frozen=True):
    """Where a medium's bytes are."""

    bytes: str | None = None
    s3_location: Place | None = None
    text: str | None = None
    content: list[Chunk] | None = None


class Citing(Camel, frozen=True):
    """Whether the model is asked to cite."""

    enabled: bool = False


class Medium(Camel, frozen=True):
    """`image`, `document`, `video` or `audio`."""

    source: Source = Source()
    format: str = ""
    name: str = ""
    context: str | None = None
    citations: Citing | None = None


class Point(Camel, frozen=True):
    """`cachePoint`."""

    type: str = "default"
    ttl: str | None = None


class Use(Camel, frozen=True):
    """`toolUse`."""

    tool_use_id: str = ""
    name: str = ""
    input: Raw = NONE
    type: str | None = None


class Result(Camel, frozen=True):
    """`toolResult`."""

    tool_use_id: str = ""
    content: list[Raw] = []
    status: str | None = None


class Guarded(Camel, frozen=True):
    """`guardContent`."""

    text: Chunk | None = None
    image: Medium | None = None


class Thought(Camel, frozen=True):
    """`reasoningText`."""

    text: str = ""
    signature: str | None = None


class Reasoned(Camel, frozen=True):
    """`reasoningContent`."""

    reasoning_text: Thought | None = None
    redacted_content: str | None = None


class Cited(Camel, frozen=True):
    """`citationsContent`."""

    content: list[Chunk] | None = None
    citations: list[Raw] | None = None


class Found(Camel, frozen=True):
    """`searchResult`."""

    source: str = ""
    title: str = ""
    content: list[Chunk] = []
    citations: Citing | None = None


class Block(Camel, frozen=True):
    """A content block: one of its members is there."""

    text: str | None = None
    image: Medium | None = None
    document: Medium | None = None
    video: Medium | None = None
    audio: Medium | None = None
    tool_use: Use | None = None
    tool_result: Result | None = None
    guard_content: Guarded | None = None
    cache_point: Point | None = None
    reasoning_content: Reasoned | None = None
    citations_content: Cited | None = None
    search_result: Found | None = None
    json: Raw = NONE


class CacheDetail(Camel, frozen=True):
    """Tokens written to the cache for a lifetime."""

    ttl: str = ""
    input_tokens: int = 0


class Tokens(Camel, frozen=True):
    """`usage`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_read_input_token_count: int | None = None
    """InvokeModel of Nova says it so."""
    cache_write_input_token_count: int | None = None
    cache_details: list[CacheDetail] | None = None


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
    except BROKEN as error:
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
    except BROKEN as error:
        told = f"not an answer of Bedrock: {error}"
        raise Garbled(told, body=bytes(raw)[:2000]) from error


_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ODD: Final = re.compile(r"[^a-zA-Z0-9_-]")


def tool_id(id_: str) -> str:
    """The id as the API allows it: itself, or a stable stand-in.

    The stand-in ends in a digest of the whole, so that different ids stay different
    and a call and its result still meet.
    """
    return id_ if _ID.fullmatch(id_) else _short(id_)


def tool_name(name: str) -> str:
    """The name as the API allows it; likewise."""
    return name if _NAME.fullmatch(name) else _short(name)


def _short(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_ODD.sub('_', text)[:40]}_{digest}"


_TAGGED: Final = re.compile(rb"[a-z][a-z0-9_]{1,23}:.*", re.DOTALL)


def wrapped(tagged: str) -> str:
    """What another family wants back, in the form of `redactedContent`, whose bytes
    are base64."""
    return base64.b64encode(tagged.encode("utf-8", "surrogatepass")).decode()


def unwrapped(redacted: str) -> str:
    """`family:value`, when `redactedContent` holds what another family wants back;
    else empty: the bytes of models do not begin like that."""
    try:
        found = base64.b64decode(redacted, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if _TAGGED.fullmatch(found) is None:
        return ""
    return found.decode("utf-8", "surrogatepass")


_FOREIGN: Final = re.compile(rb'"signature"\s*:\s*"[a-z][a-z0-9_]{1,23}:(?! )')
_REDACTED: Final = re.compile(rb'"redactedContent"\s*:\s*"([^"]*)"')


def travels(body: bytes) -> bool:
    """Whether another family's opaque value is somewhere in it, on its way home: the
    API would refuse the call."""
    if b'"reasoningContent"' not in body:
        return False
    if _FOREIGN.search(body) is not None:
        return True
    return any(
        unwrapped(found[1].decode("latin-1")) for found in _REDACTED.finditer(body)
    )
