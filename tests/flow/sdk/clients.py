"""The three official SDKs, each whole and streamed, sync and async, and what a user of
each gets to see.

`Got` is read from the SDK's own objects; of a stream, from the SDK's own accumulation of
it (Google's has none: its chunks are joined here as its users do).
"""

import asyncio
import json
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import anthropic
import openai
from anthropic import types as at
from google import genai
from google.genai import types as gt
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types import chat as ot

DIALECTS: Final = ("openai", "anthropic", "gemini")
BASES: Final = {"openai": "/openai/v1", "anthropic": "/anthropic", "gemini": "/genai"}
KEY: Final = "sk-master-for-the-sdks"
DROPPED: Final = "x-routeiq-dropped"


@dataclass
class Got:
    """What the user sees; of several choices, the first."""

    raw: Any
    """The SDK's object; of a Gemini stream, the list of its chunks."""
    text: str = ""
    thought: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    """id, name, arguments."""
    stop: str = ""
    """The dialect's word."""
    sequence: str | None = None
    refusal: str = ""
    cited: list[tuple[str, str]] = field(default_factory=list)
    """url, title."""
    input: int = 0
    """All prompt tokens, cached ones too."""
    cached: int = 0
    written: int = 0
    output: int = 0
    """All generated tokens, reasoning too."""
    reasoning: int = 0
    choices: list[str] = field(default_factory=list)
    """Texts of all choices."""
    logprobs: list[tuple[str, float, int]] = field(default_factory=list)
    """token, log probability, number of alternatives."""
    model: str = ""
    chunks: int = 0
    dropped: frozenset[str] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)


def refused(error: Exception) -> tuple[int, Any]:
    """Status and body of an SDK's error."""
    if isinstance(error, openai.APIStatusError | anthropic.APIStatusError):
        return error.status_code, error.body
    if isinstance(error, genai.errors.APIError):
        return error.code, error.details
    raise error


# --- the SDK's objects read --------------------------------------------------------


def read_openai(found: ot.ChatCompletion) -> Got:
    assert found.object == "chat.completion"
    first = found.choices[0]
    message, usage = first.message, found.usage
    got = Got(found, model=found.model, stop=first.finish_reason)
    got.text = message.content or ""
    got.thought = (message.model_extra or {}).get("reasoning_content", "")
    got.refusal = message.refusal or ""
    got.choices = [choice.message.content or "" for choice in found.choices]
    assert [choice.index for choice in found.choices] == [*range(len(found.choices))]
    for call in message.tool_calls or []:
        assert call.type == "function"
        arguments = json.loads(call.function.arguments)
        got.calls.append((call.id, call.function.name, arguments))
    for note in message.annotations or []:
        assert note.url_citation.end_index <= len(got.text)
        got.cited.append((note.url_citation.url, note.url_citation.title))
    if first.logprobs is not None:
        got.logprobs = [
            (one.token, one.logprob, len(one.top_logprobs))
            for one in first.logprobs.content or []
        ]
    if usage is not None:
        got.input, got.output = usage.prompt_tokens, usage.completion_tokens
        assert usage.total_tokens == got.input + got.output
        if usage.prompt_tokens_details is not None:
            got.cached = usage.prompt_tokens_details.cached_tokens or 0
        if usage.completion_tokens_details is not None:
            got.reasoning = usage.completion_tokens_details.reasoning_tokens or 0
    return got


def read_anthropic(found: at.Message) -> Got:
    assert found.type == "message"
    assert found.role == "assistant"
    got = Got(found, model=found.model, stop=str(found.stop_reason))
    got.sequence = found.stop_sequence
    for block in found.content:
        match block:
            case at.TextBlock():
                got.text += block.text
                for one in block.citations or []:
                    assert one.type == "web_search_result_location"
                    got.cited.append((one.url, one.title or ""))
            case at.ThinkingBlock():
                got.thought += block.thinking
            case at.ToolUseBlock():
                got.calls.append((block.id, block.name, block.input))
    got.choices = [got.text]
    usage = found.usage
    got.cached = usage.cache_read_input_tokens or 0
    got.written = usage.cache_creation_input_tokens or 0
    got.input = usage.input_tokens + got.cached + got.written
    got.output = usage.output_tokens
    return got


def read_gemini(found: list[gt.GenerateContentResponse]) -> Got:
    got = Got(found, model=found[-1].model_version or "")
    texts: dict[int, str] = {}
    for response in found:
        for candidate in response.candidates or []:
            index = candidate.index or 0
            texts.setdefault(index, "")
            content = candidate.content or gt.Content()
            for part in content.parts or []:
                if part.text and not part.thought:
                    texts[index] += part.text
            if index == 0:
                _read_candidate(candidate, got)
    got.choices = [texts[index] for index in sorted(texts)]
    got.text = texts.get(0, "")
    usage = found[-1].usage_metadata
    if usage is not None:
        got.input = usage.prompt_token_count or 0
        got.cached = usage.cached_content_token_count or 0
        got.reasoning = usage.thoughts_token_count or 0
        got.output = (usage.candidates_token_count or 0) + got.reasoning
        assert usage.total_token_count == got.input + got.output
    return got


def _read_candidate(candidate: gt.Candidate, got: Got) -> None:
    for part in (candidate.content or gt.Content()).parts or []:
        if part.thought:
            got.thought += part.text or ""
        if part.function_call is not None:
            call = part.function_call
            got.calls.append((call.id or "", call.name or "", call.args or {}))
    if candidate.finish_reason is not None:
        got.stop = candidate.finish_reason.value
    _read_metadata(candidate, got)


def _read_metadata(candidate: gt.Candidate, got: Got) -> None:
    if candidate.citation_metadata is not None:
        for one in candidate.citation_metadata.citations or []:
            got.cited.append((one.uri or "", one.title or ""))
    if candidate.grounding_metadata is not None:
        for chunk in candidate.grounding_metadata.grounding_chunks or []:
            assert chunk.web is not None
            got.cited.append((chunk.web.uri or "", chunk.web.title or ""))
    told = candidate.logprobs_result
    if told is not None:
        tops = [len(top.candidates or []) for top in told.top_candidates or []]
        for at_, chosen in enumerate(told.chosen_candidates or []):
            top = tops[at_] if at_ < len(tops) else 0
            value = chosen.log_probability or 0.0
            got.logprobs.append((chosen.token or "", value, top))


def _join_openai(chunks: Iterable[ot.ChatCompletionChunk]) -> Got:
    """By the SDK's own accumulator, which checks indexes; usage comes last."""
    state = ChatCompletionStreamState()
    count = 0
    for chunk in chunks:
        assert chunk.object == "chat.completion.chunk"
        state.handle_chunk(chunk)
        count += 1
    told: ot.ChatCompletion = state.current_completion_snapshot
    if told.choices[0].finish_reason not in ("length", "content_filter"):
        told = state.get_final_completion()  # raises for those, and checks the rest
    got = read_openai(told)
    got.chunks = count
    return got


# --- clients -----------------------------------------------------------------------


class Clients:
    """Sync and async clients of each SDK for one gateway; owns a loop."""

    def __init__(self, url: str, key: str = KEY) -> None:
        bases = {name: url + path for name, path in BASES.items()}
        plain: dict[str, Any] = {"api_key": key, "max_retries": 0, "timeout": 30.0}
        self.runner = asyncio.Runner()
        self.openai = openai.OpenAI(base_url=bases["openai"], **plain)
        self.openai_async = openai.AsyncOpenAI(base_url=bases["openai"], **plain)
        self.anthropic = anthropic.Anthropic(base_url=bases["anthropic"], **plain)
        self.anthropic_async = anthropic.AsyncAnthropic(
            base_url=bases["anthropic"], **plain
        )
        options = gt.HttpOptions(base_url=bases["gemini"], timeout=30_000)
        self.gemini = genai.Client(api_key=key, http_options=options)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()
        self.gemini.close()
        self.run(self._aclose())
        self.runner.close()

    async def _aclose(self) -> None:
        await self.openai_async.close()
        await self.anthropic_async.close()
        await self.gemini.aio.aclose()

    def ask(self, dialect: str, how: str, stream: bool, asked: dict[str, Any]) -> Got:
        """One call by the SDK of `dialect`; `how` is `sync` or `async`."""
        if how == "sync":
            call = {
                "openai": self._openai,
                "anthropic": self._anthropic,
                "gemini": self._gemini,
            }[dialect]
            got = call(stream, asked)
        else:
            acall = {
                "openai": self._openai_async,
                "anthropic": self._anthropic_async,
                "gemini": self._gemini_async,
            }[dialect]
            got = self.run(acall(stream, asked))
        named = got.headers.get(DROPPED, "")
        got.dropped = frozenset(named.split(", ")) if named else frozenset()
        return got

    # OpenAI

    def _openai(self, stream: bool, asked: dict[str, Any]) -> Got:
        create = self.openai.chat.completions.with_raw_response.create
        if stream:
            response = create(**_with_usage(asked))
            with response.parse() as chunks:
                got = _join_openai(chunks)
        else:
            response = create(**asked)
            got = read_openai(response.parse())
        got.headers = dict(response.headers)
        return got

    async def _openai_async(self, stream: bool, asked: dict[str, Any]) -> Got:
        create = self.openai_async.chat.completions.with_raw_response.create
        if stream:
            response = await create(**_with_usage(asked))
            async with response.parse() as chunks:
                got = _join_openai([chunk async for chunk in chunks])
        else:
            response = await create(**asked)
            got = read_openai(response.parse())
        got.headers = dict(response.headers)
        return got

    # Anthropic

    def _anthropic(self, stream: bool, asked: dict[str, Any]) -> Got:
        if not stream:
            response = self.anthropic.messages.with_raw_response.create(**asked)
            got = read_anthropic(response.parse())
            got.headers = dict(response.headers)
            return got
        with self.anthropic.messages.stream(**asked) as events:
            got = read_anthropic(events.get_final_message())
            got.headers = dict(events.response.headers)
        return got

    async def _anthropic_async(self, stream: bool, asked: dict[str, Any]) -> Got:
        if not stream:
            create = self.anthropic_async.messages.with_raw_response.create
            response = await create(**asked)
            got = read_anthropic(await response.parse())
            got.headers = dict(response.headers)
            return got
        async with self.anthropic_async.messages.stream(**asked) as events:
            got = read_anthropic(await events.get_final_message())
            got.headers = dict(events.response.headers)
        return got

    # Google

    def _gemini(self, stream: bool, asked: dict[str, Any]) -> Got:
        models = self.gemini.models
        if stream:
            found = [*models.generate_content_stream(**asked)]
        else:
            found = [models.generate_content(**asked)]
        return _with_headers(read_gemini(found), found[0])

    async def _gemini_async(self, stream: bool, asked: dict[str, Any]) -> Got:
        models = self.gemini.aio.models
        if stream:
            chunks = await models.generate_content_stream(**asked)
            found = [chunk async for chunk in chunks]
        else:
            found = [await models.generate_content(**asked)]
        return _with_headers(read_gemini(found), found[0])


def _with_usage(asked: dict[str, Any]) -> dict[str, Any]:
    return {**asked, "stream": True, "stream_options": {"include_usage": True}}


def _with_headers(got: Got, first: gt.GenerateContentResponse) -> Got:
    assert first.sdk_http_response is not None
    headers = first.sdk_http_response.headers or {}
    got.headers = {name.lower(): value for name, value in headers.items()}
    got.chunks = len(got.raw)
    return got
