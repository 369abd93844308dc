"""IBM watsonx.ai: chat, plain prompts, vectors and ranks.

Source: cloud.ibm.com/apidocs/watsonx-ai (2025-10), recordings of 2024. Chat is OpenAI's
with the model under another name and a project beside it; whoever asks shows a token
that an API key was exchanged for. The project stands in the address, behind the host:
`https://REGION.ml.cloud.ibm.com/projects/ID` (or `/spaces/ID`), or in the deployment's
`params`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from adapters import envelope, kin, ranks, signing
from adapters.contract import (
    Call,
    Decoder,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import Garbled, UpstreamError
from adapters.framing import sse
from adapters.normal import delta as normal
from adapters.normal.chat import ChatCall, ChatResult, Choice, Conversation, StopReason
from adapters.normal.content import Text
from adapters.normal.delta import Delta, Frame
from adapters.normal.embed import EmbedCall, EmbedResult
from adapters.normal.rerank import RerankCall
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.openai import family as openai
from adapters.vendors import base
from adapters.vendors.base import Json

VERSION: Final = "2025-10-01"
TITLE: Final = "watsonx.ai"
_PLACE: Final = re.compile(r"/(project|space)s/([^/?]+)$")
_STOPS: Final[dict[str, StopReason]] = {
    "eos_token": "end",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "token_limit": "length",
    "time_limit": "length",
    "cancelled": "end",
    "error": "error",
}
_UNENDED: Final = frozenset({"", "not_finished"})
_SAID: Final = kin.words("max_tokens temperature top_p top_k stop seed")
_NUMBERS: Final = {
    "max_tokens": "max_new_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "random_seed",
}


class _Generated(msgspec.Struct, frozen=True):
    generated_text: str = ""
    generated_token_count: int = 0
    input_token_count: int = 0
    stop_reason: str = ""


class _Generation(msgspec.Struct, frozen=True):
    """An answer to a plain prompt, or a piece of a streamed one."""

    results: list[_Generated]
    model_id: str = ""


class _Vector(msgspec.Struct, frozen=True):
    embedding: tuple[float, ...]


class _Vectors(msgspec.Struct, frozen=True):
    results: list[_Vector]
    model_id: str = ""
    input_token_count: int = 0


_generation = msgspec.json.Decoder(_Generation).decode
_vectors = msgspec.json.Decoder(_Vectors).decode


class Watsonx(base.Wrapped):
    """The half that speaks to providers."""

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target.

        Raises:
            Unsupported: it cannot be said there.
            BadCall: the body does not follow its own dialect.
        """
        match call:
            case RerankCall():
                return _rank(call, target)
            case EmbedCall():
                return _embed(call, target)
            case ChatCall() if call.operation == "complete":
                return _prompt(call, target)
        return _chat(call, target)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer. Raises `UpstreamError` for an error inside a 200."""
        match call:
            case RerankCall():
                return ranks.read(response, call)
            case EmbedCall():
                return _read_vectors(response, call)
            case ChatCall() if call.operation == "complete":
                return _read_text(response)
        return super().parse_response(response, call)

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for one streamed answer."""
        if isinstance(call, ChatCall) and call.operation == "complete":
            return Generating()
        return super().parse_stream(call)


def _request(
    target: Target, path: str, body: Json, dropped: tuple[str, ...] = ()
) -> WireRequest:
    root = target.base_url.rstrip("/")
    if place := _PLACE.search(root):
        root = root[: place.start()]
        body = {f"{place[1]}_id": place[2], **body}
    head = signing.head(target, f"{root}/ml/v1/text/{path}?version={VERSION}")
    return WireRequest(head, base.encode(body), (), dropped)


def _chat(call: Call, target: Target) -> WireRequest:
    """OpenAI's, with other names for what is asked of whom."""
    written = openai.UPSTREAM.build_request(call, target)
    top = envelope.fields(written.body)
    stream = isinstance(call, ChatCall) and call.stream
    for name in ("stream", "stream_options"):
        top.pop(name, None)
    body: Json = {"model_id": top.pop("model"), **top}
    choice = body.get("tool_choice")
    if choice is not None and bytes(choice).startswith(b'"'):
        body["tool_choice_option"] = body.pop("tool_choice")
    path = "chat_stream" if stream else "chat"
    return _request(target, path, body, written.dropped)


def _prompt(call: ChatCall, target: Target) -> WireRequest:
    asked = call.conversation()
    drop = kin.unsaid(asked, _SAID)
    body: Json = {
        "model_id": target.model,
        "input": "".join(message.text for message in asked.messages),
    }
    if parameters := _parameters(asked):
        body["parameters"] = parameters
    for name, raw in asked.extra.items():
        if name in ("moderations", "return_options"):
            body[name] = raw
        else:
            drop.append(name)
    path = "generation_stream" if call.stream else "generation"
    dropped = kin.named(drop, call.dialect, target)
    return _request(target, path, body, dropped)


def _parameters(asked: Conversation) -> Json:
    out: Json = {
        name: value
        for field, name in _NUMBERS.items()
        if (value := getattr(asked, field)) is not None
    }
    if asked.stop:
        out["stop_sequences"] = list(asked.stop)
    if out.get("temperature") or "top_p" in out or "top_k" in out:
        out["decoding_method"] = "sample"  # the others mean nothing to greedy decoding
    return out


def _embed(call: EmbedCall, target: Target) -> WireRequest:
    drop = ["dimensions"] if call.dimensions is not None else []
    body: Json = {"model_id": target.model, "inputs": base.texts(call, TITLE)}
    base.side(call, "", "", drop)
    base.extras(call, frozenset({"parameters"}), body, drop)
    return _request(target, "embeddings", body, kin.named(drop, call.dialect, target))


def _rank(call: RerankCall, target: Target) -> WireRequest:
    asked = ranks.body(call, target.model, objects=False)
    body: Json = {
        "model_id": target.model,
        "query": call.query,
        "inputs": [{"text": text} for text in asked["documents"]],
    }
    parameters: dict[str, Any] = {}
    if call.top_n is not None:
        parameters["return_options"] = {"top_n": call.top_n}
    if call.max_tokens_per_doc is not None:
        parameters["truncate_input_tokens"] = call.max_tokens_per_doc
    if parameters:
        body["parameters"] = parameters
    dropped = kin.named(call.extra, call.dialect, target)
    return _request(target, "rerank", body, dropped)


def _read_vectors(response: WireResponse, call: EmbedCall) -> EmbedResult:
    try:
        told = _vectors(response.body)
    except base.BROKEN as error:
        raise errors.garbled(f"no vectors ({error})", response.body) from error
    return EmbedResult(
        vectors=tuple(entry.embedding for entry in told.results),
        usage=Usage(input=told.input_token_count),
        model=told.model_id,
    )


def _decoded(body: bytes) -> _Generation:
    try:
        told = _generation(body)
    except base.BROKEN as error:
        _raise_inside(body)
        raise errors.garbled(f"no generation ({error})", body) from error
    if not told.results:
        raise errors.garbled("a generation without results", body)
    return told


def _raise_inside(body: bytes) -> None:
    """An answer of status 200 may hold errors all the same."""
    try:
        found = msgspec.json.decode(body)
    except base.BROKEN:
        return
    if isinstance(found, dict) and found.get("errors"):
        raise errors.event(b"error", body)


def _read_text(response: WireResponse) -> ChatResult:
    told = _decoded(response.body)
    said = told.results[0]
    choice = Choice(
        parts=(Text(said.generated_text),),
        stop=_STOPS.get(said.stop_reason, "end"),
        native_stop=said.stop_reason,
    )
    return ChatResult(
        id=kin.made_id(response.body),
        model=told.model_id,
        usage=Usage(input=said.input_token_count, output=said.generated_token_count),
        choices=(choice,),
    )


class Generating:
    """A decoder for a streamed answer to a plain prompt: it ends with a reason, counts
    grow, and those of the prompt are told once."""

    __slots__ = ("_begun", "_events", "_input", "_output", "_over")

    def __init__(self) -> None:
        self._events = sse.Splitter()
        self._begun = False
        self._over = False
        self._input = 0
        self._output = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with `data`."""
        return self._frames(self._events.feed(data))

    def close(self) -> list[Frame]:
        """The end; `Failed` unless there was a reason for it."""
        frames = self._frames(self._events.close())
        if not self._over:
            self._over = True
            error = Garbled("the stream ended before the answer did")
            frames.append(Frame(b"", (normal.Failed(error),)))
        return frames

    def _frames(self, events: Iterator[sse.Event]) -> list[Frame]:
        frames: list[Frame] = []
        if self._over:
            return frames
        try:
            # `extend` keeps what came before an event that raises.
            frames.extend(map(self._frame, events))
        except UpstreamError as error:
            self._over = True
            frames.append(Frame(b"", (normal.Failed(error),)))
        return frames

    def _frame(self, event: sse.Event) -> Frame:
        if self._over or not event.data:
            return Frame()
        if event.name == b"error":
            raise errors.event(event.name, event.data)
        told = _decoded(event.data)
        out: list[Delta] = []
        if not self._begun:
            self._begun = True
            out.append(normal.Begin(kin.made_id(event.data), told.model_id))
        for said in told.results[:1]:
            if said.generated_text:
                out.append(normal.TextDelta(said.generated_text))
            self._input = max(self._input, said.input_token_count)
            self._output = max(self._output, said.generated_token_count)
            if said.stop_reason.lower() not in _UNENDED:
                self._over = True
                out.append(normal.Used(Usage(input=self._input, output=self._output)))
                reason = _STOPS.get(said.stop_reason.lower(), "end")
                out.append(normal.Stop(reason, native=said.stop_reason))
        return Frame(b"", tuple(out))


UPSTREAM: Final = Watsonx()
