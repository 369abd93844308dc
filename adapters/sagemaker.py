"""Amazon SageMaker: endpoints of one's own, whose containers speak OpenAI's grammar.

InvokeEndpoint hands a body on to the container as it is, and its answer back. For chats
that is chat completions, which the containers of TGI (its Messages API), LMI (DJL
Serving) and vLLM take at `/invocations`; for vectors and ranks, the words of Text
Embeddings Inference. A deployment's model is the endpoint's name, its ARN, or a region
and the name; an inference component is named by a header of the configuration.

A stream comes in messages whose payloads are pieces of the container's stream, cut
anywhere: server-sent events, or (LMI's `jsonlines`) a chunk a line.

Source: Amazon SageMaker Runtime, API version 2017-05-13, as botocore 1.44 models it;
docs.aws.amazon.com/sagemaker (Runtime API reference); the containers' documentation.
"""

import re
from typing import Final

import msgspec
from msgspec import Raw

from adapters import envelope, kin, signing
from adapters.bedrock import errors as aws
from adapters.contract import (
    Call,
    Decoder,
    Headers,
    Operation,
    Result,
    Target,
    WireHead,
    WireRequest,
    WireResponse,
)
from adapters.decoding import Reading
from adapters.errors import NotFound, Timeout, Unsupported, UpstreamError
from adapters.framing import ndjson, sse
from adapters.framing.eventstream import Message, Splitter
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Frame
from adapters.normal.embed import EmbedCall
from adapters.normal.rerank import RerankCall
from adapters.openai import errors
from adapters.openai import family as openai
from adapters.vendors import base, huggingface
from adapters.vendors.base import BROKEN

FAMILY: Final = "sagemaker"

_JSON: Final[Headers] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
)
_STREAM: Final[Headers] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/vnd.amazon.eventstream"),
)
_NAME: Final = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")
_MISSING: Final = re.compile(r"^Endpoint \S+ of account \d+ not found")
_BRACE: Final = b"{"
_DONE: Final = b"data: [DONE]\n\n"


class _Told(msgspec.Struct, frozen=True, rename="pascal"):
    """What an error says beside its message."""

    original_status_code: int = 0
    original_message: str = ""
    error_code: str = ""


class _Vectors(msgspec.Struct, frozen=True):
    """As containers of Hugging Face's and JumpStart's models answer."""

    embedding: Raw = Raw(b"")


class SageMaker(base.Wrapped):
    """The half that speaks to providers."""

    operations = frozenset({Operation.chat, Operation.embed, Operation.rerank})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it cannot be said there, or the endpoint's name is none.
            BadCall: the body does not follow its own dialect.
        """
        drop: list[str] = []
        if isinstance(call, EmbedCall):
            body = huggingface.embedding(call, drop)
        elif isinstance(call, RerankCall):
            body = huggingface.ranking(call, target, drop)
        elif isinstance(call, ChatCall):
            return _chat(call, target)
        else:
            raise Unsupported("SageMaker has no words for this call", "model")
        dropped = kin.named(drop, call.dialect, target)
        head = _head(target, stream=False)
        return WireRequest(head, base.encode(body), (), dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        if isinstance(call, EmbedCall):
            return huggingface.vectors(_bare(response), call)
        if isinstance(call, RerankCall):
            return huggingface.UPSTREAM.parse_response(response, call)
        return super().parse_response(response, call)

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any other answer; what the container said counts more than that it failed."""
        told = _told(response.body)
        if 400 <= told.original_status_code < 600:
            said = told.original_message.encode("utf-8", "surrogatepass")
            return errors.read(WireResponse(told.original_status_code, (), said))
        error = aws.read(response)
        if _MISSING.match(error.message):
            return NotFound(error.message, status=404, body=response.body)
        return error

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        return Parts(super().parse_stream(call))


class Parts(Reading):
    """Messages of an event stream -> the frames of what their payloads say, joined."""

    __slots__ = ("_inner", "_lines", "_messages", "_sniffed")

    def __init__(self, inner: Decoder) -> None:
        super().__init__()
        self._inner = inner
        self._messages = Splitter()
        self._lines: ndjson.Splitter | None = None
        """Of a container that streams no events, but lines."""
        self._sniffed = False

    @property
    def dialect(self) -> str:
        """Of the frames' `raw`."""
        return str(getattr(self._inner, "dialect", openai.UPSTREAM.dialect))

    def _take(self, data: bytes, frames: list[Frame]) -> None:
        for message in self._messages.feed(data):
            frames += self._message(message)

    def _finish(self, frames: list[Frame]) -> None:
        self._messages.close()
        if self._lines is not None:
            for line in self._lines.close():
                frames += self._inner.feed(sse.write(line))
            frames += self._inner.feed(_DONE)
        frames += self._inner.close()

    def _message(self, message: Message) -> list[Frame]:
        if message.headers.get(":message-type", "event") != "event":
            raise _exception(message)
        data = message.payload
        if message.headers.get(":event-type") != "PayloadPart" or not data:
            return []
        if not self._sniffed and (begun := data.lstrip()):
            self._sniffed = True
            self._lines = ndjson.Splitter() if begun.startswith(_BRACE) else None
        if self._lines is None:
            return self._inner.feed(data)
        frames: list[Frame] = []
        for line in self._lines.feed(data):
            frames += self._inner.feed(sse.write(line))
        return frames


def _chat(call: ChatCall, target: Target) -> WireRequest:
    """OpenAI's body without a model: an endpoint has its own, under a name that the
    client cannot know."""
    written = openai.UPSTREAM.build_request(call, target)
    top = envelope.fields(written.body)
    top.pop("model", None)
    head = _head(target, stream=call.stream)
    return WireRequest(head, base.encode(top), (), written.dropped)


def _head(target: Target, *, stream: bool) -> WireHead:
    """Address and constant headers, made once."""
    verb = "invocations-response-stream" if stream else "invocations"
    found = target.heads.get(verb)
    if found is None:
        name = target.model.rpartition("/")[2]
        if not _NAME.fullmatch(name):
            raise Unsupported(f"{name!r} is no name of an endpoint", "model")
        url = f"{target.base_url.rstrip('/')}/endpoints/{name}/{verb}"
        lines = signing.headers(_STREAM if stream else _JSON, target.headers)
        found = target.heads[verb] = WireHead("POST", url, lines)
    return found


def _bare(response: WireResponse) -> WireResponse:
    """The answer with the vectors alone, where they are wrapped."""
    if not response.body.lstrip().startswith(_BRACE):
        return response
    try:
        inside = msgspec.json.decode(response.body, type=_Vectors).embedding
    except BROKEN as error:
        told = f"no vectors ({error})"
        raise errors.garbled(told, response.body) from error
    return msgspec.structs.replace(response, body=bytes(inside))


def _exception(message: Message) -> UpstreamError:
    """`ModelStreamError` and `InternalStreamFailure`."""
    error = aws.of_message(message)
    code = _told(message.payload).error_code
    if code == "ModelInvocationTimeExceeded":
        return Timeout(error.message, code="total", body=message.payload)
    error.code = error.code or code or None
    return error


def _told(body: bytes) -> _Told:
    try:
        return msgspec.json.decode(body, type=_Told)
    except BROKEN:
        return _Told()  # whoever reads the message will say what is wrong


UPSTREAM: Final = SageMaker()
