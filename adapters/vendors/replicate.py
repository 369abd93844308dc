"""Replicate: language models as predictions, waited for.

Source: replicate.com/docs/reference/http, recordings of 2024. A prediction is asked for
with `Prefer: wait`, and answered whole when it is ready within a minute; one that takes
longer is a timeout. Its stream stands at another address, for which a second request
would be needed: a client that wants one is given the whole answer as a stream.
"""

from typing import Any, Final

import msgspec

from adapters import kin, signing
from adapters.contract import (
    Call,
    Decoder,
    Operation,
    Result,
    Target,
    WireRequest,
    WireResponse,
)
from adapters.errors import ServerError, Timeout, Unsupported, UpstreamError
from adapters.normal.chat import ChatCall, ChatResult, Choice, Conversation
from adapters.normal.content import Document, Message, Part, Refusal, Text
from adapters.normal.usage import Usage
from adapters.openai import errors
from adapters.vendors import base
from adapters.vendors.base import Json

TITLE: Final = "Replicate"
_WAIT: Final = ((b"prefer", b"wait=60"),)
_SAID: Final = kin.words(
    "max_tokens temperature top_p top_k stop seed presence_penalty frequency_penalty"
)
_NUMBERS: Final = kin.words(
    "max_tokens temperature top_p top_k seed presence_penalty frequency_penalty"
)
_SPEAKERS: Final = {"user": "User", "assistant": "Assistant"}
_PENDING: Final = frozenset({"starting", "processing", "queued"})


class _Metrics(msgspec.Struct, frozen=True):
    input_token_count: int | None = None
    output_token_count: int | None = None


class _Prediction(msgspec.Struct, frozen=True):
    id: str
    status: str
    model: str = ""
    output: Any = None
    error: Any = None
    metrics: _Metrics | None = None


_prediction = msgspec.json.Decoder(_Prediction).decode


class Replicate(base.Vectors):
    """The half that speaks to providers."""

    operations = frozenset({Operation.chat})

    def build_request(self, call: Call, target: Target) -> WireRequest:
        """The call, for the target: `owner/name`, or `owner/name:version`.

        Raises:
            Unsupported: something else than texts, or tools.
            BadCall: the body does not follow its own dialect.
        """
        if not isinstance(call, ChatCall) or call.operation == "count_tokens":
            raise Unsupported(f"{TITLE} is asked for chats only", "model")
        asked = call.conversation()
        choice = asked.tool_choice
        if asked.tools and (choice is None or choice.mode != "none"):
            raise Unsupported(f"{TITLE}'s models are given no tools", "tools")
        drop = kin.unsaid(asked, _SAID | {"tools", "tool_choice"})
        given = _input(asked, drop)
        for name, raw in asked.extra.items():
            given.setdefault(name, raw)  # every model has inputs of its own
        name, _, version = target.model.partition(":")
        root = target.base_url.rstrip("/")
        body: Json = {"input": given}
        url = f"{root}/models/{name}/predictions"
        if version:
            url, body["version"] = f"{root}/predictions", version
        dropped = kin.named(drop, call.dialect, target)
        return WireRequest(signing.head(target, url), base.encode(body), _WAIT, dropped)

    def parse_response(self, response: WireResponse, call: Call) -> Result:
        """A 2xx answer.

        Raises:
            UpstreamError: the prediction failed, or is not ready yet.
        """
        body = response.body
        try:
            told = _prediction(body)
        except base.BROKEN as error:
            raise errors.garbled(f"no prediction ({error})", body) from error
        if told.status in _PENDING:
            why = f"the prediction {told.id} is {told.status}, and was not waited for"
            raise Timeout(why, code="total", body=body)
        if told.status != "succeeded":
            raise _failed(told, body)
        choice = Choice(
            parts=(Text(_text(told.output, body)),), stop="end", native_stop=told.status
        )
        return ChatResult(
            id=told.id,
            model=told.model,
            usage=_usage(told.metrics),
            choices=(choice,),
        )

    def parse_stream(self, call: Call) -> Decoder:
        """Answers come whole."""
        raise TypeError("predictions are answered whole")


def _input(asked: Conversation, drop: list[str]) -> Json:
    system: list[tuple[str, str]] = []
    said: list[tuple[str, str]] = []
    for message in asked.messages:
        text = _said(message, drop)
        (system if message.role in ("system", "developer") else said).append(
            (_SPEAKERS.get(message.role, ""), text)
        )
    prompt = said[0][1] if len(said) == 1 else ""
    if len(said) > 1:
        turns = [f"{speaker}: {text}" for speaker, text in said]
        prompt = "\n\n".join([*turns, "Assistant:"])
    given: Json = {"prompt": prompt}
    if system:
        given["system_prompt"] = "\n\n".join(text for _, text in system)
    for name in _NUMBERS:
        if (value := getattr(asked, name)) is not None:
            given[name] = value
    if asked.stop:
        given["stop_sequences"] = ",".join(asked.stop)
    return dict(sorted(given.items()))


def _said(message: Message, drop: list[str]) -> str:
    if message.role == "tool":
        raise Unsupported(f"{TITLE}'s models are given no tools", "messages")
    found = [text for part in message.parts if (text := _words(part, drop))]
    return "\n".join(found)


def _words(part: Part, drop: list[str]) -> str:
    match part:
        case Text() | Refusal():
            return part.text
        case Document() if text := kin.within(part):
            return text
    kin.refuse(part, TITLE, drop)
    return ""


def _text(output: Any, body: bytes) -> str:
    """Mostly the pieces of a text."""
    pieces = output if isinstance(output, list) else [output]
    if not all(isinstance(piece, str) for piece in pieces):
        raise errors.garbled("the output is no text", body)
    return "".join(pieces)


def _usage(metrics: _Metrics | None) -> Usage | None:
    if metrics is None or metrics.output_token_count is None:
        return None
    return Usage(
        input=metrics.input_token_count or 0, output=metrics.output_token_count
    )


def _failed(told: _Prediction, body: bytes) -> UpstreamError:
    message = told.error if isinstance(told.error, str) and told.error else told.status
    error = errors.inside({"error": {"message": message}}, body)
    return error or ServerError(f"the prediction {told.status}", body=body)


UPSTREAM: Final = Replicate()
