"""The recorded exchanges of all families, in one form, read once."""

import base64
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adapters import registry
from adapters.contract import (
    Call,
    Decoder,
    Dialect,
    Hint,
    Operation,
    Result,
    Upstream,
    WireResponse,
)
from adapters.normal.chat import ChatCall
from adapters.normal.delta import Frame
from adapters.registry import DIALECTS, UPSTREAMS
from tests.shared import cassettes

CHAT, MESSAGES, GENERATE = "openai.chat", "anthropic.messages", "gemini.generate"
RESPONSES = "openai.responses"
CLIENTS = (CHAT, MESSAGES, GENERATE)
"""The dialects in which chat clients speak."""

SPOKEN = (
    "openai_chat",
    "openai_completions",
    "anthropic",
    "anthropic_vertex",
    "gemini",
    "gemini_vertex",
)
"""Families that clients speak, too."""
VENDORS = ("ollama", "cohere_v2", "cohere_v1")
"""Families that no chat client speaks to us."""
TALKS = (*SPOKEN, *VENDORS)
"""Families whose successes any chat client can be given."""
FAMILIES = (
    *SPOKEN,
    "openai_responses",
    "openai_embeddings",
    "anthropic_count_tokens",
    "gemini_embeddings",
)

DIALECT_OF = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "openai_completions": "openai.completions",
    "openai_embeddings": "openai.embeddings",
    "anthropic": MESSAGES,
    "anthropic_vertex": MESSAGES,
    "anthropic_count_tokens": MESSAGES,
    "gemini": GENERATE,
    "gemini_vertex": GENERATE,
    "gemini_embeddings": "gemini.embed",
    "ollama": "ollama.chat",
    "cohere_v2": "cohere.chat",
    "cohere_v1": "cohere.chat",
}
IN_PATH = ("gemini", "anthropic_vertex")
"""Families whose paths name the model."""
OPERATION_OF = {
    "openai_completions": Operation.complete,
    "openai_embeddings": Operation.embed,
    "anthropic_count_tokens": Operation.count_tokens,
    "gemini_embeddings": Operation.embed,
}


class Recording(NamedTuple):
    """One exchange."""

    family: str
    name: str
    provider: str
    url: str
    """Empty where the source kept no request."""
    request: bytes
    """Empty where the source kept none."""
    asked_in: str
    """The media type of the request."""
    status: int
    body: bytes
    form: str
    """`whole`, `events`, `lines` (of JSON), `array` (Gemini's streams without
    `alt=sse`) or `error`."""
    synthetic: bool = False
    """The status is not the provider's own, or the request is not all there."""

    @property
    def id(self) -> str:
        """Enough of the name to find the file."""
        return f"{self.family}-{self.name.rpartition('_')[2]}"

    @property
    def upstream(self) -> Upstream:
        if self.family == "openai_responses":
            return registry.RESPONSES
        return UPSTREAMS[self.family.partition("_")[0]]

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[DIALECT_OF[self.family]]

    @property
    def operation(self) -> Operation:
        if self.family == "openai_responses":
            verb = self.path.rpartition("/")[2]
            return {
                "input_tokens": Operation.count_tokens,
                "compact": Operation.compact,
            }.get(verb, Operation.chat)
        return OPERATION_OF.get(self.family, Operation.chat)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> str:
        return urlsplit(self.url).query

    @property
    def streams(self) -> bool:
        return self.form in ("events", "lines", "array")

    @property
    def model(self) -> str:
        """The model that was asked, as the request or its path names it."""
        if self.family.startswith(IN_PATH):
            return self.path.partition("/models/")[2].partition(":")[0]
        try:
            asked = json.loads(self.request)
        except ValueError:  # none was kept, or a damaged one
            return ""
        return str(asked.get("model") or "") if isinstance(asked, dict) else ""

    def response(self) -> WireResponse:
        headers = ((b"content-type", b"application/json"),)
        return WireResponse(self.status, headers, self.body)

    def result(self, call: Call) -> Result:
        return self.upstream.parse_response(self.response(), call)

    def frames(self, call: Call) -> list[Frame]:
        decoder = self.decoder(call)
        return [*decoder.feed(self.body), *decoder.close()]

    def decoder(self, call: Call) -> Decoder:
        return self.upstream.parse_stream(call)


@cache
def every(family: str) -> tuple[Recording, ...]:
    return tuple(_read(family, path) for path in cassettes(family))


def _read(family: str, path: Path) -> Recording:
    data = json.loads(path.read_bytes())
    request, response = data.get("request") or {}, data["response"]
    body = _bytes(response)
    status = response["status"]
    kind = (request.get("headers") or {}).get("Content-Type", "")
    whole = not data.get("response_only") and request.get("form") != "multipart"
    return Recording(
        family,
        path.stem,
        data["provider"],
        request.get("url") or "",
        _bytes(request),
        kind or "application/json",
        status,
        body,
        _form(status, body, response),
        bool(data.get("status_inferred")) or not whole,
    )


def _form(status: int, body: bytes, response: dict[str, Any]) -> str:
    if status >= 400:
        return "error"
    first = body.lstrip()[:6]
    if first.startswith((b"data:", b"event:", b": ")) or b"\ndata:" in body[:400]:
        return "events"
    if b'"done":false' in body[:400]:
        return "lines"
    return "array" if isinstance(response.get("body"), list) else "whole"


def _bytes(side: dict[str, Any]) -> bytes:
    if side.get("body") is not None:
        return json.dumps(side["body"], ensure_ascii=False).encode()
    if side.get("body_text") is not None:
        return str(side["body_text"]).encode()
    if side.get("body_base64") is not None:
        data = base64.b64decode(side["body_base64"])
        if data[:2] == b"\x1f\x8b":  # not content-decoded, and cut
            return zlib.decompressobj(wbits=31).decompress(data)
        return data
    return b""


def call_of(dialect: str, *, stream: bool, usage: bool = True) -> ChatCall:
    """A plain call of a client; `usage`: an OpenAI client asks for it in streams."""
    if dialect == CHAT:
        asked: dict[str, Any] = {
            "model": "alias",
            "messages": [{"role": "user", "content": "hi"}],
        }
        if stream:
            asked |= {"stream": True, "stream_options": {"include_usage": usage}}
    elif dialect == MESSAGES:
        said = [{"role": "user", "content": "hi"}]
        asked = {"model": "alias", "max_tokens": 9, "messages": said, "stream": stream}
    elif dialect == RESPONSES:
        asked = {"model": "alias", "input": "hi", "stream": stream}
    else:
        asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    hint = Hint(
        model="alias",
        stream=stream if dialect == GENERATE else None,
        query="alt=sse" if stream else "",
    )
    call = DIALECTS[dialect].read_call(json.dumps(asked).encode(), hint)
    assert isinstance(call, ChatCall)
    return call


def asking(
    recording: Recording, client: str, *, stream: bool = False, usage: bool = True
) -> ChatCall:
    """The call that the recording is read as the answer of: one of a client, but a
    legacy completion answers no other call than its own."""
    if recording.family != "openai_completions":
        return call_of(client, stream=stream, usage=usage)
    call = recording.dialect.read_call(recording.request, Hint())
    assert isinstance(call, ChatCall)
    return call


def source(recording: Recording) -> str:
    """The dialect of the recording's frames."""
    return DIALECT_OF[recording.family]


def hint(recording: Recording) -> Hint:
    """What the door of the recording's own dialect would know of its request."""
    streams: bool | None = None
    if recording.family in ("gemini", "gemini_vertex"):
        streams = ":streamGenerateContent" in recording.path
    model = recording.model if recording.family.startswith(IN_PATH) else ""
    return Hint(
        model=model,
        operation=recording.operation,
        stream=streams,
        query=recording.query,
    )
