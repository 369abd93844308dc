"""The other official SDKs ask Bedrock's models, and Claude's clients on Bedrock ask
everybody, through a running gateway."""

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
from google import genai

from tests.flow.bedrock.conftest import CLAUDE, KEY, SIGNED, WEATHER, Scene
from tests.harness import spoken_bedrock as bedrock
from tests.harness.answers import Answer, Said

Json = dict[str, Any]
TOOL: Json = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
ARGUMENTS = [WEATHER.arguments, {}]


@dataclass
class Sdks:
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    claude: anthropic.AnthropicBedrock
    google: genai.Client


@pytest.fixture(scope="module")
def sdks(scene: Scene) -> Iterator[Sdks]:
    url, http = scene.gateway.url, scene.http
    ca = str(scene.gateway.folder / "ca.pem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", ca)
        options: Json = {"max_retries": 0}
        asks = openai.OpenAI(
            base_url=f"{url}/v1", api_key=KEY, http_client=http, **options
        )
        says = anthropic.Anthropic(base_url=url, api_key=KEY, **options)
        claude = anthropic.AnthropicBedrock(
            base_url=f"{url}/bedrock", api_key=KEY, aws_region="us-east-1", **options
        )
        google = genai.Client(api_key=KEY, http_options={"base_url": url})
        yield Sdks(asks, says, claude, google)
        says.close()
        claude.close()
        google.close()


def sent(scene: Scene) -> Json:
    found: Json = scene.up.requests[-1].json()
    return found


# --- OpenAI's client ------------------------------------------------------------------


def test_openai_s_client_asks_through_converse(scene: Scene, sdks: Sdks) -> None:
    told = sdks.openai.chat.completions.create(
        model="claude",
        messages=[
            {"role": "developer", "content": "be kind"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "[[tools]]"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PNG}"},
                    },
                ],
            },
        ],
        tools=[TOOL],  # type: ignore[list-item]
        tool_choice="required",
        max_completion_tokens=99,
        temperature=0.5,
        stop=["END"],
        metadata={"team": "a"},
    )
    asked = sent(scene)
    assert scene.up.requests[-1].target.endswith("%3A0/converse")
    assert asked["system"] == [{"text": "be kind"}]
    assert asked["inferenceConfig"] == {
        "maxTokens": 99,
        "temperature": 0.5,
        "stopSequences": ["END"],
    }
    assert asked["messages"][0]["content"][1] == {
        "image": {"format": "png", "source": {"bytes": PNG}}
    }
    assert asked["toolConfig"]["toolChoice"] == {"any": {}}
    assert asked["requestMetadata"] == {"team": "a"}
    calls = told.choices[0].message.tool_calls or []
    assert [json.loads(c.function.arguments) for c in calls] == ARGUMENTS  # type: ignore[union-attr]
    assert told.choices[0].finish_reason == "tool_calls"
    assert told.usage is not None
    assert told.usage.prompt_tokens == 1321
    assert told.usage.prompt_tokens_details is not None
    assert told.usage.prompt_tokens_details.cached_tokens == 1000


def test_parallel_calls_of_a_stream_count_from_0(sdks: Sdks) -> None:
    """Bug class 1."""
    with sdks.openai.chat.completions.stream(
        model="nova",
        messages=[{"role": "user", "content": "[[tools]]"}],
        tools=[TOOL],  # type: ignore[list-item]
        stream_options={"include_usage": True},
    ) as stream:
        indexes = {
            call.index
            for event in stream
            if event.type == "chunk" and event.chunk.choices
            for call in event.chunk.choices[0].delta.tool_calls or []
        }
        told = stream.get_final_completion()
    assert indexes == {0, 1}
    calls = told.choices[0].message.tool_calls or []
    assert [json.loads(c.function.arguments) for c in calls] == ARGUMENTS
    assert told.usage is not None
    assert told.usage.total_tokens == 1371


def test_ids_and_names_that_bedrock_forbids_lead_back(scene: Scene, sdks: Sdks) -> None:
    """Bug class 14: ids longer than 64, of other letters, or missing."""
    ids = ["call_" + "x" * 90, "töol/1", "functions.weather:0"]
    history: list[Any] = [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": id_,
                    "type": "function",
                    "function": {"name": "weather", "arguments": "{}"},
                }
                for id_ in ids
            ],
        },
        *({"role": "tool", "tool_call_id": i, "content": "ok"} for i in ids),
    ]
    sdks.openai.chat.completions.create(
        model="nova",
        messages=history,
        tools=[TOOL],  # type: ignore[list-item]
    )
    _, calls, results = sent(scene)["messages"]
    called = [b["toolUse"]["toolUseId"] for b in calls["content"]]
    answered = [b["toolResult"]["toolUseId"] for b in results["content"]]
    assert called == answered
    assert len({*called}) == 3
    assert called[2] == ids[2]
    assert all(len(id_) <= 64 and id_.isascii() for id_ in called)


def test_completions_of_the_old_kind_are_translated(sdks: Sdks) -> None:
    told = sdks.openai.completions.create(model="nova", prompt="say [[cut]]")
    assert told.choices[0].text == "and so on"
    assert told.choices[0].finish_reason == "length"


@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings_of_titan_and_cohere(scene: Scene, sdks: Sdks, form: Any) -> None:
    told = sdks.openai.embeddings.create(
        model="titan-embed", input="hi", dimensions=256, encoding_format=form
    )
    assert sent(scene) == {"inputText": "hi", "dimensions": 256}
    vector: Any = told.data[0].embedding
    if form == "base64":
        vector = struct.unpack("<256f", base64.b64decode(vector))
    assert [*vector] == [0.5] * 256
    assert told.usage.prompt_tokens == 5
    several = sdks.openai.embeddings.create(
        model="cohere-embed", input=["a", "b"], encoding_format="float"
    )
    assert sent(scene) == {"texts": ["a", "b"], "input_type": "search_document"}
    assert [len(entry.embedding) for entry in several.data] == [8, 8]


def test_as_many_embeddings_as_the_client_likes(scene: Scene, sdks: Sdks) -> None:
    begun = len(scene.up.requests)
    texts = [str(number) for number in range(50)]
    told = sdks.openai.embeddings.with_raw_response.create(
        model="titan-embed", input=texts, encoding_format="float"
    )
    vectors = told.parse().data
    assert [entry.embedding[0] for entry in vectors] == [*range(50)]
    assert [entry.index for entry in vectors] == [*range(50)]
    assert told.parse().usage.prompt_tokens == 250
    assert len(scene.up.requests) - begun == 50
    row = scene.gateway.record(told.headers["x-routeiq-id"])
    assert row["tokens"]["input"] == 250
    begun = len(scene.up.requests)
    many = sdks.openai.embeddings.create(
        model="cohere-embed", input=["x"] * 200, encoding_format="float"
    )
    assert len(many.data) == 200
    sizes = [len(asked.json()["texts"]) for asked in scene.up.requests[begun:]]
    assert sorted(sizes) == [8, 96, 96]


def test_one_text_refused_is_all_refused_and_said(scene: Scene, sdks: Sdks) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        sdks.openai.embeddings.create(
            model="titan-embed", input=[*"abcd", "refuse me", *"efghijklmnop"]
        )
    assert "Too many requests" in caught.value.message
    with pytest.raises(openai.BadRequestError) as told:
        begun = len(scene.up.requests)
        sdks.openai.embeddings.create(model="titan-embed", input=[[1, 2], [3]])
    assert "neither tokens nor media" in told.value.message
    # What was under way for the first call may come late; nothing of the second does.
    late = [request.json()["inputText"] for request in scene.up.requests[begun:]]
    assert all(text in (*"abcdefghijklmnop", "refuse me") for text in late)


@pytest.mark.parametrize("model", ["ranks", "ranks-amazon"])
def test_documents_are_ranked(scene: Scene, model: str) -> None:
    asked = {"query": "q", "documents": ["a", "b"], "top_n": 1}
    answer = scene.http.post("/v2/rerank", json={"model": model, **asked})
    assert answer.json()["results"] == [{"index": 1, "relevance_score": 0.9}]
    version = {"api_version": 2} if model == "ranks" else {}
    assert sent(scene) == {**asked, **version}
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    each = 2_000_000 if version else 1_000_000
    assert row["cost_nano"] == each
    many = {**asked, "documents": ["a"] * 101}
    answer = scene.http.post("/v2/rerank", json={"model": model, **many})
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    assert row["cost_nano"] == 2 * each, "a hundred documents are one search"


def test_what_bedrock_cannot_be_told_is_named(scene: Scene, sdks: Sdks) -> None:
    raw = sdks.openai.chat.completions.with_raw_response.create(
        model="nova",
        messages=[{"role": "user", "content": "hi"}],
        seed=1,
        logit_bias={"1": 2},
        parallel_tool_calls=False,
        user="u",
    )
    dropped = {*raw.headers["x-routeiq-dropped"].split(", ")}
    assert dropped == {"seed", "logit_bias", "parallel_tool_calls", "user"}
    with pytest.raises(openai.BadRequestError, match="n"):
        sdks.openai.chat.completions.create(
            model="nova", messages=[{"role": "user", "content": "hi"}], n=2
        )


# --- Anthropic's client ---------------------------------------------------------------


def test_claude_on_bedrock_is_asked_in_its_own_words(scene: Scene, sdks: Sdks) -> None:
    asked: Json = {
        "max_tokens": 99,
        "system": [
            {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}
        ],
        "messages": [{"role": "user", "content": "[[thought]]"}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "unheard_of": {"b": 1, "a": [1.0, 2]},
    }
    flags = "interleaved-thinking-2025-05-14,claude-code-20250219,made-up-2030-01-01"
    answer = scene.http.post(
        "/v1/messages?beta=true",
        json={"model": "claude", "stream": False, "service_tier": "auto", **asked},
        headers={"anthropic-beta": flags},
    )
    request = scene.up.requests[-1]
    assert request.target.endswith(f"{CLAUDE[:-2]}%3A0/invoke")
    assert request.json() == {
        **asked,
        "anthropic_beta": ["interleaved-thinking-2025-05-14"],
        "anthropic_version": "bedrock-2023-05-31",
    }
    dropped = {*answer.headers["x-routeiq-dropped"].split(", ")}
    assert dropped == {"service_tier", "anthropic-beta.made-up-2030-01-01"}
    told = answer.json()
    assert told["content"][0]["signature"] == SIGNED
    assert told["usage"]["cache_read_input_tokens"] == 1000


@pytest.mark.parametrize("model", ["claude", "claude-converse", "profile", "nova"])
def test_anthropic_s_client_hears_streams(scene: Scene, sdks: Sdks, model: str) -> None:
    with sdks.anthropic.messages.stream(
        model=model, max_tokens=99, messages=[{"role": "user", "content": "[[tools]]"}]
    ) as stream:
        told = stream.get_final_message()
    verb = scene.up.requests[-1].target.rpartition("/")[2]
    wanted = "invoke-with-response-stream" if model == "claude" else "converse-stream"
    assert verb == wanted
    assert [b.type for b in told.content] == ["text", "tool_use", "tool_use"]
    inputs = [b.input for b in told.content if b.type == "tool_use"]
    assert inputs == ARGUMENTS
    assert told.stop_reason == "tool_use"
    assert told.usage.cache_read_input_tokens == 1000
    assert told.usage.input_tokens == 21


def test_claude_s_thoughts_are_the_same_through_both_apis(
    scene: Scene, sdks: Sdks
) -> None:
    """A signature from Converse is taken by InvokeModel, and by Anthropic itself."""
    first = sdks.anthropic.messages.create(
        model="claude-converse",
        max_tokens=99,
        messages=[{"role": "user", "content": "[[thought]]"}],
    )
    thought = first.content[0]
    assert thought.type == "thinking"
    assert thought.signature == SIGNED
    for model in ("claude", "claude-converse", "anthropic"):
        sdks.anthropic.messages.create(
            model=model,
            max_tokens=99,
            messages=[
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": first.content},
                {"role": "user", "content": "go on"},
            ],
        )
        assert SIGNED in scene.up.requests[-1].body.decode()


def test_cache_markers_are_kept_by_every_api_and_arn(scene: Scene, sdks: Sdks) -> None:
    """Bug class 7: dropped or misplaced cache markers; one of the whole request, which
    Bedrock would refuse, goes to the last block."""
    marker: Any = {"type": "ephemeral", "ttl": "1h"}
    turn: Any = {
        "role": "user",
        "content": [{"type": "text", "text": "long", "cache_control": marker}],
    }
    tool: Any = {
        "name": "weather",
        "input_schema": {"type": "object"},
        "cache_control": {"type": "ephemeral"},
    }
    for model in ("claude-converse", "profile"):
        sdks.anthropic.messages.create(
            model=model, max_tokens=9, messages=[turn], tools=[tool]
        )
        asked = sent(scene)
        point = {"cachePoint": {"type": "default", "ttl": "1h"}}
        assert asked["messages"][0]["content"] == [{"text": "long"}, point]
        assert asked["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    plain: Any = {"role": "user", "content": "hi"}
    sdks.anthropic.messages.create(
        model="claude", max_tokens=9, messages=[plain], cache_control=marker
    )
    asked = sent(scene)
    assert "cache_control" not in asked
    assert asked["messages"][0]["content"] == [
        {"type": "text", "text": "hi", "cache_control": marker}
    ]
    scene.bedrock.converse(
        modelId="anthropic",
        messages=[
            {
                "role": "user",
                "content": [{"text": "hi"}, {"cachePoint": {"type": "default"}}],
            }
        ],
    )
    assert sent(scene)["messages"][0]["content"][0]["cache_control"] == {
        "type": "ephemeral"
    }


def test_tokens_are_counted_by_bedrock(scene: Scene, sdks: Sdks) -> None:
    for model, form in (("claude", "invokeModel"), ("claude-converse", "converse")):
        told = sdks.anthropic.messages.count_tokens(
            model=model, messages=[{"role": "user", "content": "hi"}]
        )
        assert told.input_tokens == bedrock.COUNTED
        assert [*sent(scene)["input"]] == [form]
    inner = base64.b64decode(_counted(scene, sdks)["invokeModel"]["body"])
    assert json.loads(inner)["max_tokens"] > 0


def _counted(scene: Scene, sdks: Sdks) -> Json:
    sdks.anthropic.messages.count_tokens(
        model="claude", messages=[{"role": "user", "content": "hi"}]
    )
    found: Json = sent(scene)["input"]
    return found


# --- Claude's client on Bedrock -------------------------------------------------------


@pytest.mark.parametrize("model", ["claude", "anthropic", "openai", "gemini", "nova"])
def test_claude_s_client_on_bedrock_asks_everybody(
    scene: Scene, sdks: Sdks, model: str
) -> None:
    turn: Any = {"role": "user", "content": "[[tools]]"}
    told = sdks.claude.messages.create(model=model, max_tokens=99, messages=[turn])
    assert told.stop_reason == "tool_use"
    with sdks.claude.messages.stream(
        model=model, max_tokens=99, messages=[turn]
    ) as stream:
        streamed = stream.get_final_message()
    for one in (told, streamed):
        calls = [b for b in one.content if b.type == "tool_use"]
        assert [call.input for call in calls] == ARGUMENTS


def test_claude_s_client_on_bedrock_is_told_errors(scene: Scene, sdks: Sdks) -> None:
    turn: Any = {"role": "user", "content": "hi"}
    with pytest.raises(anthropic.NotFoundError, match="nobody"):
        sdks.claude.messages.create(model="nobody", max_tokens=9, messages=[turn])
    start = bedrock._chunks(
        bedrock.anthropic.stream({"model": "m"}, Answer((Said("Grüße"),)))
    )[:4]
    broken = bedrock.exception("throttlingException", "slow down")
    path = f"/bedrock/v1/model/{CLAUDE}/invoke-with-response-stream"
    rule = scene.up.on(path, bedrock.streamed([*start, broken]))
    try:
        with (
            pytest.raises(anthropic.APIStatusError, match="slow down"),
            sdks.claude.messages.stream(
                model="claude", max_tokens=9, messages=[turn]
            ) as stream,
        ):
            stream.get_final_message()
    finally:
        scene.up.rules.remove(rule)


# --- Google's client ------------------------------------------------------------------


@pytest.mark.parametrize("model", ["nova", "claude"])
def test_google_s_client_asks_bedrock(sdks: Sdks, model: str) -> None:
    told = sdks.google.models.generate_content(model=model, contents="[[tools]]")
    calls = told.function_calls or []
    assert [call.args for call in calls] == ARGUMENTS
    heard = [
        *sdks.google.models.generate_content_stream(model=model, contents="[[thought]]")
    ]
    assert "".join(one.text or "" for one in heard) == "Ja."
    last = heard[-1].usage_metadata
    assert last is not None
    assert last.prompt_token_count == 1321
