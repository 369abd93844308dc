"""The family as the gateway calls it: paths, headers, counts, models, the SDK itself."""

import json
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors as sdk_errors
from google.genai import types
from msgspec import Raw

from adapters.contract import Hint, Operation, Provider, Told
from adapters.errors import BadCall, Garbled, ServerError
from adapters.gemini import signature
from adapters.gemini.family import EMBED, GENERATE, UPSTREAM
from adapters.normal.chat import ChatCall, ChatResult, Choice, Conversation, TokenCount
from adapters.normal.content import (
    Citation,
    Document,
    Image,
    Message,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Frame,
    LogprobDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.fold import unfold
from adapters.normal.usage import Usage
from tests.adapters.gemini import grammar, recordings
from tests.adapters.gemini.recordings import (
    BASE,
    Recording,
    call,
    names,
    response,
    target,
    vertex,
)
from tests.shared import needs_shared

COUNTS = [r for r in recordings.every("gemini_count_tokens") if r.status == 200]


def test_the_operations_and_dialects_are_these() -> None:
    assert UPSTREAM.operations == {
        *("chat", "embed", "count_tokens", "images_generate", "images_edit"),
        *("speech", "transcribe", "translate_audio"),
    }
    assert UPSTREAM.speaks(GENERATE.name)
    assert UPSTREAM.speaks(EMBED.name)
    assert not UPSTREAM.speaks("openai.chat")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/mine-1", "tunedModels/mine-1"),
        ("a b?c#d", "models/a%20b%3Fc%23d"),
        ("gemini:x", "models/gemini%3Ax"),
    ],
)
def test_a_model_stands_in_the_path_and_nowhere_else(model: str, path: str) -> None:
    for stream, verb in (
        (False, "generateContent"),
        (True, "streamGenerateContent?alt=sse"),
    ):
        wire = UPSTREAM.build_request(call(stream=stream), target(model))
        assert wire.head.url == f"{BASE}/{path}:{verb}"


@pytest.mark.parametrize(
    "model", ["", "..", "../secret", "a/../../b", "models/../x", "a//b", "./x"]
)
def test_a_model_cannot_leave_its_path(model: str) -> None:
    with pytest.raises(BadCall):
        UPSTREAM.build_request(call(), target(model))


def test_a_head_is_made_once_for_each_kind_of_request() -> None:
    one = target()
    heads = [
        UPSTREAM.build_request(call(stream=s), one).head for s in (False, True) * 2
    ]
    assert heads[0] is heads[2]
    assert heads[1] is heads[3]
    assert heads[0] is not heads[1]
    assert dict(heads[0].headers) == {
        b"content-type": b"application/json",
        b"x-goog-api-key": b"secret",
    }


def test_a_token_is_borne_where_the_provider_wants_it() -> None:
    wire = UPSTREAM.build_request(call(), vertex())
    assert dict(wire.head.headers)[b"authorization"] == b"Bearer token"
    assert wire.head.url.endswith(
        "/publishers/google/models/gemini-2.5-flash:generateContent"
    )


def test_only_headers_that_choose_the_service_are_handed_on() -> None:
    given = (
        (b"x-goog-api-key", b"client"),
        (b"x-vertex-ai-llm-request-type", b"dedicated"),
        (b"x-goog-user-project", b"theirs"),
    )
    read = GENERATE.read_call(b'{"contents":[]}', Hint(model="m", headers=given))
    assert UPSTREAM.build_request(read, target()).headers == (given[1],)


@pytest.mark.parametrize(
    "body",
    [
        {"model": "models/alias", "contents": []},
        {"model": "models/gemini-2.5-flash", "contents": []},
        {"contents": [], "tools": [{"x": {"model": "models/alias"}}]},
    ],
)
def test_a_model_in_the_body_gives_way_to_the_path(body: dict[str, Any]) -> None:
    wire = UPSTREAM.build_request(call(body), target())
    expected = {key: value for key, value in body.items() if key != "model"}
    assert json.loads(wire.body) == expected


def test_the_head_of_a_call_is_read_without_the_rest() -> None:
    read = call(
        b'{"contents":[{"bad":1}], "generation_config":{"max_output_tokens":"7"}}'
    )
    assert read.max_tokens == 7
    assert read.include_usage
    for body in (
        b"{}",
        b'{"contents":null}',
        b"[]",
        b"",
        b'{"contents":[],"generationConfig":5}',
    ):
        with pytest.raises(BadCall):
            call(body)
    with pytest.raises(BadCall):
        call(b'{"contents":[],"generationConfig":{"maxOutputTokens":"many"}}')


@needs_shared
@pytest.mark.parametrize("recording", COUNTS, ids=names(COUNTS))
def test_a_recorded_count_comes_back_as_it_went(recording: Recording) -> None:
    asked = recording.request or {"contents": []}
    read = call(asked, count=True)
    wire = UPSTREAM.build_request(read, target("gemini-other"))
    assert wire.head.url == f"{BASE}/models/gemini-other:countTokens"
    expected = json.loads(json.dumps(asked))
    if "generateContentRequest" in expected:
        expected["generateContentRequest"]["model"] = "models/gemini-other"
    assert json.loads(wire.body) == expected
    assert read.conversation().messages or not recording.request
    result = UPSTREAM.parse_response(response(recording.body), read)
    assert isinstance(result, TokenCount)
    assert result.input == json.loads(recording.body)["totalTokens"]
    assert GENERATE.write_result(result, read) == recording.body


def test_a_foreign_count_asks_for_all_that_would_be_sent() -> None:
    talk = Conversation(
        messages=(Message("system", (Text("s"),)), Message("user", (Text("hi"),))),
        temperature=0.5,
        store=True,
    )
    foreign = ChatCall(
        model="a",
        dialect="anthropic.messages",
        operation="count_tokens",
        conversation=talk,
    )
    wire = UPSTREAM.build_request(foreign, target("m"))
    inner = json.loads(wire.body)["generateContentRequest"]
    assert inner["model"] == "models/m"
    assert set(inner) == {
        "model",
        "contents",
        "systemInstruction",
        "generationConfig",
        "store",
    }
    flat = json.loads(UPSTREAM.build_request(foreign, vertex("m")).body)
    assert set(flat) == {"contents", "systemInstruction", "generationConfig"}
    empty = ChatCall(
        model="a", dialect="x", operation="count_tokens", conversation=Conversation()
    )
    with pytest.raises(BadCall):
        UPSTREAM.build_request(empty, target("m"))
    assert json.loads(GENERATE.write_result(TokenCount(5, 2), foreign)) == {
        "totalTokens": 5,
        "cachedContentTokenCount": 2,
    }


def test_a_legacy_completion_is_asked_as_a_chat() -> None:
    old = ChatCall(
        model="a",
        dialect="openai.completions",
        operation="complete",
        conversation=Conversation(messages=(Message("user", (Text("Once"),)),)),
    )
    wire = UPSTREAM.build_request(old, target())
    assert wire.head.url.endswith(":generateContent")
    contents = json.loads(wire.body)["contents"]
    assert contents == [{"role": "user", "parts": [{"text": "Once"}]}]


def test_what_another_family_signed_does_not_reach_gemini() -> None:
    signed = signature.wrap(Thinking("Hm.", "c2ln", family="anthropic"))
    thought = {"text": "Hm.", "thought": True, "thoughtSignature": signed}
    turns = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [thought, {"text": "Hello"}]},
        {"role": "user", "parts": [{"text": "And?"}]},
    ]
    body = json.dumps({"contents": turns, "labels": {"a": "b"}}).encode()
    call = GENERATE.read_call(body, Hint(model="a", headers=()))
    wire = UPSTREAM.build_request(call, target())
    told = json.loads(wire.body)
    assert told["contents"][1]["parts"] == [{"text": "Hello"}]
    assert told["labels"] == {"a": "b"}
    assert wire.dropped == ("thinking",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"candidates":[]}',
        b'{"candidates":null,"usageMetadata":{}}',
        b'{"promptFeedback":{}}',
        b"[" * 50_000,
        b'{"usageMetadata":5}',
    ],
)
def test_what_is_no_answer_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(response(body), call())


def test_choices_that_cannot_be_read_are_garbled_when_asked_for() -> None:
    result = UPSTREAM.parse_response(response({"candidates": [5]}), call())
    assert isinstance(result, ChatResult)
    with pytest.raises(Garbled):
        result.choices()


def test_an_error_inside_a_success_is_raised() -> None:
    body = {"error": {"code": 500, "message": "m", "status": "INTERNAL"}}
    for asked in (call(), call(count=True)):
        with pytest.raises(ServerError):
            UPSTREAM.parse_response(response(body), asked)


def test_a_blocked_prompt_is_a_filtered_choice() -> None:
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    result = UPSTREAM.parse_response(response(body), call())
    assert isinstance(result, ChatResult)
    assert result.choices() == (Choice(0, (), "filtered", "PROHIBITED_CONTENT"),)


RESULT = ChatResult(
    id="msg_1",
    model="claude",
    usage=Usage(input=10, output=7, cached=4, reasoning=2, audio_input=3, tool_input=1),
    dialect="anthropic.messages",
    raw=b"{}",
    choices=(
        Choice(
            0,
            (
                Thinking("hm", "sig", family="anthropic"),
                Thinking(redacted="secret", family="anthropic"),
                Text("Grüße", (Citation("https://x.test", "T", start=2, end=5),)),
                Refusal("no"),
                Image(data="aQ==", media_type="image/png"),
                Document(file="file-1"),
                Opaque("anthropic", "server_tool_use", Raw(b"{}")),
                ToolUse("toolu_1", "f", '{"a":1}'),
                ToolUse("toolu_2", "f", ""),
            ),
            "tool_use",
            "tool_use",
            logprobs=Raw(
                b'{"content":[{"token":"a","logprob":-1.0,"top_logprobs":[{"token":"b","logprob":-2.0}]}]}'
            ),
        ),
        Choice(1, (ToolUse("toolu_3", "f", "{broken"),), "tool_use", "tool_use"),
        Choice(2, (Text("b"),), "refusal", "refusal"),
    ),
)


def test_a_foreign_answer_is_told_in_geminis_words() -> None:
    body = GENERATE.write_result(RESULT, call())
    told = json.loads(body)
    assert (told["responseId"], told["modelVersion"]) == ("msg_1", "claude")
    assert told["usageMetadata"] == {
        "promptTokenCount": 9,
        "candidatesTokenCount": 5,
        "totalTokenCount": 17,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 4,
        "toolUsePromptTokenCount": 1,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 6},
            {"modality": "AUDIO", "tokenCount": 3},
        ],
    }
    first, second, third = told["candidates"]
    assert first["finishReason"] == "STOP"
    kinds = [next(iter(p)) for p in first["content"]["parts"]]
    assert kinds == [
        "text",
        "text",
        "text",
        "text",
        "inlineData",
        "functionCall",
        "functionCall",
    ]
    assert first["content"]["parts"][5]["functionCall"] == {
        "id": "toolu_1",
        "name": "f",
        "args": {"a": 1},
    }
    assert first["content"]["parts"][6]["functionCall"]["args"] == {}
    assert first["citationMetadata"]["citationSources"] == [
        {"startIndex": 2, "endIndex": 7, "uri": "https://x.test", "title": "T"}
    ]
    assert first["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -1.0}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -2.0}]}],
    }
    assert second["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "{broken" in second["finishMessage"]
    assert third["finishReason"] == "SAFETY"
    del first["citationMetadata"]
    types.GenerateContentResponse.model_validate(told)


def test_thinking_of_another_family_comes_back_through_the_client() -> None:
    told = json.loads(GENERATE.write_result(RESULT, call()))
    content = told["candidates"][0]["content"]
    talk = call({"contents": [content]}).conversation()
    assert talk.messages[0].parts[:2] == RESULT.choices()[0].parts[:2]


def stream(frames: list[Frame], query: str = "alt=sse") -> list[dict[str, Any]]:
    encoder = GENERATE.write_stream(call(stream=True, query=query), "openai.chat")
    body = b"".join(encoder.frames([frame]) for frame in frames) + encoder.close()
    return grammar.parse(body, encoder.content_type)


def frame(*deltas: Any) -> Frame:
    return Frame(b"data: x\n\n", deltas)


def test_a_foreign_stream_holds_calls_until_they_are_whole() -> None:
    chunks = stream(
        [
            frame(Begin("id", "gpt")),
            frame(TextDelta("a")),
            frame(ToolStart(0, "c0", "f")),
            frame(ToolStart(1, "c1", "g")),
            frame(ToolDelta(0, '{"x":')),
            frame(ToolDelta(1, "{}")),
            frame(ToolDelta(0, "1}")),
            frame(Stop("tool_use", 0, "tool_calls")),
            frame(Used(Usage(input=3, output=4))),
        ]
    )
    grammar.check(chunks)
    assert len(chunks) == 2
    last = chunks[-1]
    assert [p["functionCall"] for p in last["candidates"][0]["content"]["parts"]] == [
        {"id": "c0", "name": "f", "args": {"x": 1}},
        {"id": "c1", "name": "g", "args": {}},
    ]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"]["totalTokenCount"] == 7
    assert all(c["modelVersion"] == "gpt" and c["responseId"] == "id" for c in chunks)


def test_a_foreign_stream_may_speak_after_a_whole_call() -> None:
    chunks = stream(
        [
            frame(Begin("id", "m"), ToolStart(0, "c0", "f"), ToolDelta(0, '{"a":1}')),
            frame(TextDelta("after")),
            frame(Stop("end")),
        ]
    )
    parts = [p for c in chunks for p in c["candidates"][0]["content"]["parts"]]
    assert [next(iter(p)) for p in parts] == ["functionCall", "text"]


def test_every_delta_has_its_word() -> None:
    logprobs = Raw(b'{"content":[{"token":"a","logprob":-1.0}]}')
    chunks = stream(
        [
            frame(Begin("id", "m", usage=Usage(input=2))),
            frame(ThinkDelta("hm", family="anthropic")),
            frame(ThinkDelta(signature="s", family="anthropic")),
            frame(TextDelta("é"), LogprobDelta(logprobs)),
            frame(CitationDelta(Citation("https://x.test", end=1))),
            frame(RefusalDelta("no")),
            frame(AudioDelta(data="aQ==", transcript="hi")),
            frame(ToolStart(0, "c", "f"), ToolDelta(0, "[broken")),
            frame(Stop("tool_use")),
        ]
    )
    grammar.check(chunks)
    text = json.dumps(chunks)
    assert '"endIndex": 2' in text
    assert "audio/L16" in text
    assert "logprobsResult" in text
    last = chunks[-1]["candidates"][0]
    assert last["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert chunks[-1]["usageMetadata"]["promptTokenCount"] == 2


def test_a_stream_without_a_stop_is_given_none() -> None:
    chunks = stream([frame(Begin("id", "m"), TextDelta("a"))])
    assert "finishReason" not in json.dumps(chunks)


def answering(handler: Any) -> genai.Client:
    transport = httpx.MockTransport(handler)
    options = types.HttpOptions(
        base_url="https://gateway.test", httpx_client=httpx.Client(transport=transport)
    )
    return genai.Client(api_key="k", http_options=options)


def served(request: httpx.Request) -> httpx.Response:
    """A gateway in miniature: Google's SDK in front, another family behind."""
    path, _, verb = request.url.path.rpartition(":")
    model = path.rpartition("/")[2]
    if model == "missing":
        return httpx.Response(
            404, content=GENERATE.write_error(Told(404, "not_found", "gone"))
        )
    is_stream = verb == "streamGenerateContent"
    query = request.url.query.decode()
    read = GENERATE.read_call(
        request.content, Hint(model=model, stream=is_stream, query=query)
    )
    read.conversation()
    if not is_stream:
        return httpx.Response(200, content=GENERATE.write_result(RESULT, read))
    encoder = GENERATE.write_stream(read, "anthropic.messages")
    body = encoder.frames(unfold(RESULT))
    if model == "breaking":
        body += encoder.error(Told(503, "overloaded_error", "broke off"))
    else:
        body += encoder.close()
    return httpx.Response(
        200, content=body, headers={"content-type": encoder.content_type}
    )


def test_googles_sdk_reads_foreign_answers() -> None:
    client = answering(served)
    config = types.GenerateContentConfig(
        system_instruction="be brief",
        max_output_tokens=9,
        thinking_config=types.ThinkingConfig(include_thoughts=True),
    )
    whole = client.models.generate_content(model="any", contents="hi", config=config)
    assert whole.candidates is not None
    assert whole.function_calls is not None
    assert [c.id for c in whole.function_calls] == ["toolu_1", "toolu_2"]
    cited = whole.candidates[0].citation_metadata
    assert cited is not None
    assert cited.citations is not None
    assert cited.citations[0].uri == "https://x.test"
    chunks = list(client.models.generate_content_stream(model="any", contents="hi"))
    text = "".join(
        part.text or ""
        for chunk in chunks
        for candidate in chunk.candidates or []
        if candidate.index == 0 and candidate.content
        for part in candidate.content.parts or []
        if not part.thought
    )
    assert text == "Grüßeno"
    assert chunks[-1].usage_metadata is not None
    assert chunks[-1].usage_metadata.total_token_count == 17


def test_googles_sdk_raises_our_errors() -> None:
    client = answering(served)
    with pytest.raises(sdk_errors.ClientError) as refused:
        client.models.generate_content(model="missing", contents="hi")
    assert (refused.value.code, refused.value.status) == (404, "NOT_FOUND")
    with pytest.raises(sdk_errors.APIError) as broken:
        list(client.models.generate_content_stream(model="breaking", contents="hi"))
    assert broken.value.code == 503


def test_a_provider_without_a_key_is_called_without_one() -> None:
    provider = Provider(
        id="local", family="gemini", base_url="http://localhost:1", auth="none"
    )
    wire = UPSTREAM.build_request(
        call(), target(provider=provider, base_url="http://localhost:1/")
    )
    assert wire.head.headers == ((b"content-type", b"application/json"),)
    assert wire.head.url == "http://localhost:1/models/gemini-2.5-flash:generateContent"


def test_an_embedding_is_no_chat() -> None:
    with pytest.raises(TypeError):
        EMBED.write_stream(call(), "x")
    read = EMBED.read_call(
        b'{"content":{"parts":[{"text":"a"}]}}',
        Hint(model="m", operation=Operation.embed),
    )
    with pytest.raises(TypeError):
        EMBED.write_result(TokenCount(1), read)
