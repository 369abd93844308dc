"""The three kinds of chat client: what each accepts, and what it understands.

Strict where an SDK is not: the official types validate every object, the grammar of
each stream is checked, and the SDK's own accumulator puts the stream together.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from google.genai import models, types
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from adapters.framing.sse import Splitter
from adapters.normal.usage import Usage
from tests.adapters.anthropic import accumulate
from tests.adapters.anthropic import grammar as messages_grammar
from tests.adapters.gemini import grammar as generate_grammar
from tests.adapters.openai_responses import grammar as responses_grammar
from tests.replay import meaning
from tests.replay.material import CHAT, MESSAGES, RESPONSES
from tests.replay.meaning import Json, Meaning

_Event: Any = ResponseStreamEvent
_EVENTS: dict[str, Any] = {
    name: kind
    for kind in get_args(get_args(ResponseStreamEvent)[0])
    for name in get_args(kind.model_fields["type"].annotation)
}
"""The official types of the union by the event's name: to try all takes long."""


class Counts(NamedTuple):
    """The counts that every dialect can tell."""

    input: int
    output: int
    cached: int
    reasoning: int


class Heard(NamedTuple):
    """What a client makes of an answer."""

    meaning: Meaning
    counts: Counts | None


def counts(usage: Usage | None) -> Counts | None:
    if usage is None:
        return None
    return Counts(usage.input, usage.output, usage.cached, usage.reasoning)


def hear(dialect: str, body: bytes, *, relayed: bool = False) -> Heard:
    """A whole answer. Raises on the smallest deviation from the dialect; `relayed`: the
    provider's own, which may have members that its SDK does not know."""
    if dialect == CHAT:
        told = ChatCompletion.model_validate_json(body, strict=True)
        found = json.loads(body)
        assert [c.index for c in told.choices] == [*range(len(told.choices))]
        return Heard(meaning.of_chat([found]), _of_chat(found.get("usage")))
    if dialect == MESSAGES:
        if not relayed:
            accumulate.validated(body)
        found = json.loads(body)
        return Heard(meaning.of_message(found), _of_message(found["usage"]))
    found = json.loads(body)
    if dialect == RESPONSES:
        if not relayed:
            Response.model_validate_json(body, strict=True)
        return Heard(meaning.of_response(found), _of_response(found.get("usage")))
    understood(found) if relayed else generated(found)
    generate_grammar.check([found])
    return Heard(meaning.of_generate([found]), _of_generate([found]))


def hear_stream(
    dialect: str, body: bytes, *, asked: bool = True, relayed: bool = False
) -> Heard:
    """A stream to its proper end; `asked`: with usage (OpenAI's clients)."""
    if dialect == CHAT:
        return _chat_stream(body, asked=asked)
    if dialect == MESSAGES:
        messages_grammar.check(accumulate.events(body))
        found = accumulate.whole(body, strict=not relayed)
        return Heard(meaning.of_message(found), _of_message(found["usage"]))
    if dialect == RESPONSES:
        return _responses_stream(body, relayed=relayed)
    objects = generate_grammar.parse(body)
    generate_grammar.check(objects)
    for told in objects:
        understood(told) if relayed else generated(told)
    return Heard(meaning.of_generate(objects), _of_generate(objects))


def events(body: bytes) -> list[bytes]:
    """The data of all events."""
    splitter = Splitter()
    cut = [*splitter.feed(body), *splitter.close()]
    return [event.data for event in cut if event.data]


def _chat_stream(body: bytes, *, asked: bool) -> Heard:
    *data, last = events(body)
    assert last.strip() == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(d, strict=True) for d in data]
    plain = [json.loads(d) for d in data]
    check_chunks(plain)
    told = [c["usage"] for c in plain if c.get("usage") is not None]
    assert len(told) <= 1, "usage is told once"
    assert asked or not told, "usage was not asked for"
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    snapshot = state.current_completion_snapshot
    whole = snapshot.to_dict(mode="json", warnings=False)
    whole["choices"] = [_bare(c) for c in whole["choices"]]  # type: ignore[attr-defined]
    counted = _of_chat(told[0]) if told else None
    return Heard(meaning.of_chat([whole]), counted)


def _responses_stream(body: bytes, *, relayed: bool) -> Heard:
    """By the grammar, by the types, and by the SDK's own accumulator."""
    told = responses_grammar.parse(body)
    if relayed:
        final = [e for e in told if e["type"] in responses_grammar.ENDS][-1]["response"]
    else:
        final = responses_grammar.check(told)
    state: ResponseStreamState[None] = ResponseStreamState(
        input_tools=omit, text_format=omit
    )
    for event in told:
        if relayed:
            state.handle_event(construct_type(type_=_Event, value=event))
            continue
        assert event["type"] in _EVENTS
        official = _EVENTS[event["type"]]
        state.handle_event(official.model_validate_json(json.dumps(event), strict=True))
    if final["status"] == "completed":
        assert state._completed_response is not None
        whole = state._completed_response.to_dict(mode="json", warnings=False)
        assert meaning.of_response(whole) == meaning.of_response(final)
    return Heard(meaning.of_response(final), _of_response(final.get("usage")))


def _bare(choice: Json) -> Json:
    """Without what the accumulator leaves of its bookkeeping."""
    for call in choice["message"].get("tool_calls") or []:
        call.pop("index", None)
    return choice


def check_chunks(chunks: Sequence[Json]) -> None:
    """The grammar of chat completion chunks."""
    done: set[int] = set()
    tools: dict[int, int] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            index = choice["index"]
            delta = choice["delta"]
            for call in delta.get("tool_calls") or []:
                count = tools.get(index, 0)
                assert call["index"] <= count, "tool calls count from 0, one by one"
                if call["index"] == count:
                    assert call["id"], "a call begins with its id"
                    named = call.get("function") or call.get("custom")
                    assert named["name"], "and its name"
                    tools[index] = count + 1
            if index in done:
                said = ("content", "tool_calls", "refusal", "reasoning_content")
                assert not any(delta.get(k) for k in said), "words after the end"
            if choice.get("finish_reason"):
                done.add(index)
    assert done, "no choice came to its end"


def roles(body: bytes) -> dict[int, int]:
    """How often each choice tells its role."""
    found: dict[int, int] = {}
    for data in events(body)[:-1]:
        for choice in json.loads(data)["choices"]:
            told = "role" in choice["delta"]
            found[choice["index"]] = found.get(choice["index"], 0) + told
    return found


def generated(told: Json) -> types.GenerateContentResponse:
    """Google's own type; `citationSources` is `citations` to it, as its converter has
    it for the Gemini API."""
    told = json.loads(json.dumps(told))
    for candidate in told.get("candidates", []):
        cited = candidate.get("citationMetadata")
        if cited is not None and "citationSources" in cited:
            cited["citations"] = cited.pop("citationSources")
    return types.GenerateContentResponse.model_validate(told)


def understood(told: Json) -> types.GenerateContentResponse:
    """What Google's SDK makes of an answer of the Gemini API."""
    read = models._GenerateContentResponse_from_mldev(told)
    return types.GenerateContentResponse._from_response(response=read, kwargs={})


def _of_chat(told: Json | None) -> Counts | None:
    if told is None:
        return None
    into = told.get("prompt_tokens_details") or {}
    out = told.get("completion_tokens_details") or {}
    return Counts(
        told["prompt_tokens"],
        told["completion_tokens"],
        into.get("cached_tokens") or 0,
        out.get("reasoning_tokens") or 0,
    )


def _of_message(told: Json) -> Counts:
    read = told.get("cache_read_input_tokens") or 0
    written = told.get("cache_creation_input_tokens") or 0
    details: Any = told.get("output_tokens_details") or {}
    return Counts(
        told["input_tokens"] + read + written,
        told["output_tokens"],
        read,
        details.get("thinking_tokens") or 0,
    )


def _of_response(told: Json | None) -> Counts | None:
    if told is None:
        return None
    into = told.get("input_tokens_details") or {}
    out = told.get("output_tokens_details") or {}
    return Counts(
        told["input_tokens"],
        told["output_tokens"],
        into.get("cached_tokens") or 0,
        out.get("reasoning_tokens") or 0,
    )


def _of_generate(objects: Sequence[Json]) -> Counts | None:
    found = [o["usageMetadata"] for o in objects if "usageMetadata" in o]
    if not found:
        return None
    told = found[-1]
    thoughts = told.get("thoughtsTokenCount", 0)
    return Counts(
        told.get("promptTokenCount", 0) + told.get("toolUsePromptTokenCount", 0),
        told.get("candidatesTokenCount", 0) + thoughts,
        told.get("cachedContentTokenCount", 0),
        thoughts,
    )
