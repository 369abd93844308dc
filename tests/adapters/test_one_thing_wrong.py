"""Of a provider's answer, one value anywhere is anything at all: what is told to a
client is an answer or the provider's error, and nothing falls over."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from adapters.contract import Call, Hint, WireResponse
from adapters.errors import UpstreamError
from adapters.framing import eventstream
from adapters.normal.chat import ChatCall
from adapters.registry import DIALECTS, UPSTREAMS
from tests.harness import spoken_anthropic as anthropic
from tests.harness import spoken_bedrock as bedrock
from tests.harness import spoken_gemini as gemini
from tests.harness import spoken_openai as openai
from tests.harness.answers import Answer, Called, Said, Thought

Json = Any
ANSWER: Final = Answer(
    (Thought("Hm", "c2lnbmVk"), Said("Ja"), Called("weather", {"city": "x"})), "tools"
)
ANYTHING: Final = (None, True, 0, -1, 2**70, 1.5, "", "x", [], {}, [{}], [[]], [None])
ASKED: Final = {
    "openai.chat": b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
    "openai.responses": b'{"model":"m","input":"x"}',
    "anthropic.messages": (
        b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]}'
    ),
    "gemini.generate": b'{"contents":[{"role":"user","parts":[{"text":"x"}]}]}',
    "bedrock.converse": b'{"messages":[{"role":"user","content":[{"text":"x"}]}]}',
}
OPTIONS: Final[Json] = {"model": "m", "stream_options": {"include_usage": True}}
CITED: Final[Json] = {
    "start": 0,
    "end": 2,
    "text": "Ja",
    "sources": [{"type": "document", "id": "d", "document": {"title": "t"}}],
    "type": "TEXT_CONTENT",
}
CALL: Final[Json] = {
    "id": "a",
    "type": "function",
    "function": {"name": "weather", "arguments": "{}"},
}
COHERE: Final[Json] = {
    "id": "x",
    "message": {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Hm"},
            {"type": "text", "text": "Ja"},
        ],
        "tool_plan": "so",
        "tool_calls": [CALL],
        "citations": [CITED],
    },
    "finish_reason": "COMPLETE",
    "logprobs": [{"text": "Ja", "token_ids": [1], "logprobs": [-0.5]}],
    "usage": {
        "billed_units": {"input_tokens": 1, "output_tokens": 2},
        "tokens": {"input_tokens": 1, "output_tokens": 2},
    },
}
OLLAMA: Final[Json] = {
    "model": "m",
    "created_at": "2026-11-01T00:00:00Z",
    "message": {
        "role": "assistant",
        "content": "Ja",
        "thinking": "Hm",
        "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "x"}}}],
    },
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 3,
    "eval_count": 2,
}
WHOLE: Final[dict[str, Json]] = {
    "openai": openai.whole(OPTIONS, ANSWER),
    "anthropic": anthropic.whole(OPTIONS, ANSWER),
    "gemini": gemini.whole({}, "m", ANSWER),
    "bedrock": bedrock.whole(ANSWER),
    "cohere": COHERE,
    "ollama": OLLAMA,
}
TOLD: Final[Json] = [
    ("message-start", 0, {"message": {"role": "assistant"}}),
    ("content-start", 0, {"message": {"content": {"type": "text", "text": "J"}}}),
    ("content-delta", 0, {"message": {"content": {"text": "a"}}}),
    ("citation-start", 0, {"message": {"citations": CITED}}),
    ("citation-end", 0, None),
    ("content-end", 0, None),
    ("tool-plan-delta", 0, {"message": {"tool_plan": "so"}}),
    ("tool-call-start", 0, {"message": {"tool_calls": CALL}}),
    (
        "tool-call-delta",
        0,
        {"message": {"tool_calls": {"function": {"arguments": ""}}}},
    ),
    ("tool-call-end", 0, None),
    ("message-end", 0, {"finish_reason": "COMPLETE", "usage": COHERE["usage"]}),
]
STREAMS: Final = {
    "openai": openai.stream(OPTIONS, ANSWER),
    "anthropic": anthropic.stream(OPTIONS, ANSWER),
    "gemini": gemini.stream({}, "m", ANSWER),
    "bedrock": bedrock.stream(ANSWER),
    "cohere": [
        f"event: {type_}\ndata: ".encode()
        + json.dumps({"type": type_, "index": index, "delta": delta}).encode()
        + b"\n\n"
        for type_, index, delta in TOLD
    ],
    "ollama": [
        json.dumps({**OLLAMA, "done": done}).encode() + b"\n" for done in (False, True)
    ],
}


def wrong(value: Json) -> Iterator[Json]:
    """The value with one thing in it replaced or gone, each in turn."""
    yield from ANYTHING
    if isinstance(value, dict):
        for name in value:
            yield {k: v for k, v in value.items() if k != name}
            for inner in wrong(value[name]):
                yield {**value, name: inner}
    if isinstance(value, list):
        for place in range(len(value)):
            yield value[:place] + value[place + 1 :]
            for inner in wrong(value[place]):
                yield [*value[:place], inner, *value[place + 1 :]]


def call(dialect: str) -> Call:
    read = DIALECTS[dialect].read_call(ASKED[dialect], Hint(model="m"))
    assert isinstance(read, ChatCall)
    return read


def falls(check: Callable[[], object]) -> str:
    try:
        check()
    except UpstreamError:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return ""


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("family", WHOLE)
def test_a_whole_answer(family: str, dialect: str) -> None:
    upstream, asked = UPSTREAMS[family], call(dialect)

    def told(body: Json) -> None:
        response = WireResponse(200, (), json.dumps(body).encode())
        DIALECTS[dialect].write_result(upstream.parse_response(response, asked), asked)

    assert not falls(lambda: told(WHOLE[family]))
    found = {}
    for body in wrong(WHOLE[family]):
        if text := falls(lambda body=body: told(body)):  # type: ignore[misc]
            found[text] = body
    assert not found


def payload(family: str, event: bytes) -> tuple[bytes, Json, bytes]:
    """What stands before, in and after the data of an event; nothing for `[DONE]`."""
    if family == "bedrock":
        (message,) = eventstream.Splitter().feed(event)
        return b"", json.loads(message.payload), b""
    if family == "ollama":
        return b"", json.loads(event), b"\n"
    head, _, rest = event.rpartition(b"data: ")
    text = rest.strip()
    return head + b"data: ", json.loads(text) if text[:1] == b"{" else None, b"\n\n"


def wrongly(family: str, event: bytes) -> Iterator[bytes]:
    before, value, after = payload(family, event)
    for other in wrong(value):
        if family == "bedrock":
            (message,) = eventstream.Splitter().feed(event)
            yield eventstream.write(message.headers, json.dumps(other).encode())
        else:
            yield before + json.dumps(other).encode() + after


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("family", STREAMS)
def test_a_stream(family: str, dialect: str) -> None:
    upstream, asked = UPSTREAMS[family], call(dialect)

    def told(data: bytes) -> None:
        decoder = upstream.parse_stream(asked)
        frames = decoder.feed(data) + decoder.close()
        source = getattr(decoder, "dialect", upstream.dialect)
        encoder = DIALECTS[dialect].write_stream(asked, source)
        encoder.frames(frames)
        encoder.close()

    events = STREAMS[family]
    assert not falls(lambda: told(b"".join(events)))
    found = {}
    for place, event in enumerate(events):
        before, after = b"".join(events[:place]), b"".join(events[place + 1 :])
        for other in (b"", *wrongly(family, event)):
            if text := falls(lambda data=before + other + after: told(data)):  # type: ignore[misc]
                found[text] = other
    assert not found
