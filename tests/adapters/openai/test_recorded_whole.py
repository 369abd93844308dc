"""Every recorded whole answer, served as a chat completion."""

import json
from collections import Counter
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from adapters.contract import WireResponse
from adapters.errors import Garbled, UpstreamError
from adapters.normal.chat import ChatResult
from adapters.normal.content import Audio, Refusal, Text, Thinking, ToolUse
from adapters.openai import answer
from adapters.openai.family import CHAT, UPSTREAM
from tests.adapters.openai.material import Recording, whole
from tests.shared import needs_shared

pytestmark = needs_shared

DEFECTS = {
    "andard.test_pdf_inputs.yaml.gz.i0_494771": "a PDF download, filed as a chat",
    "es_responses_api_async.yaml.gz.i1_597e57": "an upload of traces, filed as a chat",
    "chema_parsing_failures.yaml.gz.i1_580fe8": "an upload of traces, filed as a chat",
    "parsing_failures_async.yaml.gz.i1_9ae004": "an upload of traces, filed as a chat",
    "failures_responses_api.yaml.gz.i1_eb12e0": "an upload of traces, filed as a chat",
    "etion_1028826680-recording.har.i0_c20a99": "compressed, and cut off",
}
"""Recordings that hold no chat completion."""

MENDS = {
    ("groq", "service_tier"): 24,
    ("huggingface", "service_tier"): 1,
    ("local", "service_tier"): 1,
    ("mistral", "content list"): 7,
    ("mistral", "tool call type"): 6,
    ("openrouter", "id missing"): 1,
    ("openrouter", "model missing"): 1,
    ("snowflake", "finish_reason empty"): 3,
    ("snowflake", "service_tier"): 3,
    ("together_ai", "finish_reason eos"): 1,
    ("xai", "object missing"): 2,
}
"""What the strict types refuse, by provider: all that is not handed on byte for byte."""


def answers() -> list[Recording]:
    return [r for r in whole() if r.name not in DEFECTS]


def served(recording: Recording) -> tuple[ChatResult, bytes]:
    call = recording_call(recording)
    result = UPSTREAM.parse_response(recording.response(), call)
    assert isinstance(result, ChatResult)
    return result, CHAT.write_result(result, call)


def recording_call(recording: Recording) -> Any:
    return Recording.call(recording._replace(request=b""))


def test_defects_are_no_chat_completions() -> None:
    found = {r.name: r for r in whole()}
    for name in DEFECTS:
        with pytest.raises(Garbled):
            UPSTREAM.parse_response(found[name].response(), recording_call(found[name]))


def test_every_answer_passes_the_official_types_in_strict_mode() -> None:
    assert len(answers()) > 1000
    for recording in answers():
        out = served(recording)[1]
        ChatCompletion.model_validate(json.loads(out), strict=True)


def test_every_answer_is_handed_on_byte_for_byte_unless_it_is_mended() -> None:
    mends: Counter[tuple[str, str]] = Counter()
    for recording in answers():
        out = served(recording)[1]
        if out != recording.body:
            for reason in answer.mended(recording.body, "m")[1]:
                mends[recording.provider, reason] += 1
    assert dict(mends) == MENDS


def test_a_mend_touches_only_what_deviates() -> None:
    touched = {"service_tier", "object", "id", "model", "choices"}
    for recording in answers():
        was, now = json.loads(recording.body), json.loads(served(recording)[1])
        same = {k: v for k, v in was.items() if k not in touched}
        assert same == {k: v for k, v in now.items() if k not in touched}
        for before, after in zip(was["choices"], now["choices"], strict=True):
            kept = {"message", "finish_reason", "native_finish_reason"}
            assert {k: v for k, v in before.items() if k not in kept} == {
                k: v for k, v in after.items() if k not in kept
            }


def reference(body: dict[str, Any]) -> dict[str, int]:
    """Tokens by kind, from the documentation and by hand: no code of ours."""
    told = body["usage"]
    prompt, output = told["prompt_tokens"], told["completion_tokens"]
    of_prompt = told.get("prompt_tokens_details") or {}
    of_output = told.get("completion_tokens_details") or {}
    reasoning = of_output.get("reasoning_tokens") or 0
    audio = of_prompt.get("audio_tokens") or 0
    gap = told["total_tokens"] - prompt - output
    if gap and gap == reasoning:
        output += gap
    elif gap and gap == audio:
        prompt += gap
    cached = (
        of_prompt.get("cached_tokens")
        or told.get("prompt_cache_hit_tokens")
        or told.get("cached_tokens")
        or told.get("num_cached_tokens")
        or 0
    )
    cached = min(cached, prompt)
    written = of_prompt.get("cache_write_tokens")
    written = written or told.get("cache_creation_input_tokens") or 0
    return {
        "input": prompt,
        "output": output,
        "cached": cached,
        "cache_write": min(written, prompt - cached),
        "reasoning": reasoning,
        "audio_input": audio,
        "audio_output": of_output.get("audio_tokens") or 0,
    }


def test_usage_is_what_an_independent_reading_says() -> None:
    seen = 0
    for recording in answers():
        body = json.loads(recording.body)
        usage = served(recording)[0].usage
        if not body.get("usage"):
            assert usage is None
            continue
        seen += 1
        assert usage is not None
        told = {k: getattr(usage, k) for k in reference(body)}
        assert told == reference(body), recording.name
        assert usage.cached + usage.cache_write <= usage.input
    assert seen > 950


def test_the_meaning_is_what_the_body_says() -> None:
    for recording in answers():
        body = json.loads(recording.body)
        result = served(recording)[0]
        assert (result.id, result.model) == (
            body.get("id", result.id),
            body.get("model", result.model),
        )
        for choice, told in zip(result.choices(), body["choices"], strict=True):
            message = told["message"]
            texts = "".join(p.text for p in choice.parts if isinstance(p, Text))
            content = message.get("content") or ""
            if isinstance(content, list):
                content = "".join(p.get("text", "") for p in content)
            assert texts == content
            calls = [p for p in choice.parts if isinstance(p, ToolUse)]
            names = [
                (c.get("function") or c.get("custom"))["name"]
                for c in message.get("tool_calls") or ()
            ]
            if (message.get("function_call") or {}).get("name"):
                names.insert(0, message["function_call"]["name"])
            assert [c.name for c in calls] == names
            assert all(c.id for c in calls)
            if calls and told["finish_reason"] in ("stop", "tool_calls"):
                assert choice.stop == "tool_use"


def test_thoughts_are_found_wherever_vendors_put_them() -> None:
    places: Counter[str] = Counter()
    for recording in answers():
        for choice, told in zip(
            served(recording)[0].choices(),
            json.loads(recording.body)["choices"],
            strict=True,
        ):
            message = told["message"]
            thoughts = [p for p in choice.parts if isinstance(p, Thinking)]
            place = next(
                (
                    n
                    for n in ("reasoning_details", "reasoning_content", "reasoning")
                    if message.get(n)
                ),
                "",
            )
            if isinstance(message.get("content"), list):
                place = "content list"
            if place:
                places[place] += 1
            details = message.get("reasoning_details") or ()
            signatures = [d["signature"] for d in details if d.get("signature")]
            assert [t.signature for t in thoughts if t.signature] == signatures
            sealed = [d["data"] for d in details if d.get("data")]
            assert [t.redacted for t in thoughts if t.redacted] == sealed
            if place in ("reasoning_content", "reasoning", "content list"):
                assert thoughts, recording.name
    assert set(places) == {
        "reasoning_details",
        "reasoning_content",
        "reasoning",
        "content list",
    }


def test_what_is_written_again_from_the_meaning_passes_the_strict_types_too() -> None:
    for recording in answers():
        result, _ = served(recording)
        call = recording_call(recording)
        foreign = ChatResult(
            id=result.id,
            model=result.model,
            created=result.created,
            usage=result.usage,
            choices=result.choices(),
        )
        out = CHAT.write_result(foreign, call)
        ChatCompletion.model_validate(json.loads(out), strict=True)
        again = UPSTREAM.parse_response(_response(out), call)
        assert isinstance(again, ChatResult)
        assert _plain(again) == _plain(result), recording.name
        assert again.usage == result.usage or result.usage is None


def _response(body: bytes) -> WireResponse:
    return WireResponse(200, (), body)


def _plain(result: ChatResult) -> list[Any]:
    """The meaning; adjacent texts and unsigned thoughts are one."""
    out = []
    for choice in result.choices():
        texts = "".join(p.text for p in choice.parts if isinstance(p, Text))
        thoughts = [p for p in choice.parts if isinstance(p, Thinking)]
        signed = [(t.text, t.signature, t.redacted) for t in thoughts]
        if not any(t.signature or t.redacted for t in thoughts):
            signed = [("".join(t.text for t in thoughts), "", "")]
        rest = [p for p in choice.parts if isinstance(p, ToolUse | Refusal | Audio)]
        out.append((choice.index, texts, signed, rest, choice.stop, choice.logprobs))
    return out


def test_an_error_inside_a_success_is_an_error() -> None:
    bodies = [
        b'{"error":{"message":"Provider returned error","code":502}}',
        b'{"id":"x","choices":[{"error":{"message":"overloaded","code":503},"index":0}]}',
        b'{"base_resp":{"status_code":1004,"status_msg":"invalid api key"},"choices":null}',
        b'{"success":false,"errors":[{"code":7009,"message":"upstream service unavailable"}]}',
        b'{"detail":"model is loading"}',
    ]
    call = recording_call(answers()[0])
    for body in bodies:
        with pytest.raises(UpstreamError) as caught:
            UPSTREAM.parse_response(_response(body), call)
        assert not isinstance(caught.value, Garbled), body
