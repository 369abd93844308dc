"""What Cohere is asked: as recorded, and what becomes of every parameter."""

import json

import pytest

from adapters.contract import Hint, WireResponse
from adapters.errors import ServerError, Timeout, Unsupported
from adapters.normal.chat import ChatResult
from adapters.normal.content import Text
from adapters.normal.embed import EmbedResult
from adapters.registry import DIALECTS
from tests.adapters.vendor import Json, ask, chat, target, upstream
from tests.replay import material
from tests.replay.material import Recording
from tests.shared import needs_shared

RECORDED = [r for r in material.every("cohere_v2") if r.request]
RENAMED = {"stop_sequences": "stop", "p": "top_p", "k": "top_k"}
CHOICES = {"REQUIRED": "required", "NONE": "none"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def as_client(recorded: Json) -> Json:
    """What an OpenAI client would have asked."""
    asked = {RENAMED.get(k, k): v for k, v in recorded.items() if k != "model"}
    if choice := asked.get("tool_choice"):
        asked["tool_choice"] = CHOICES[choice]
    if form := asked.get("response_format"):
        schema = {"name": "n", "schema": form["json_schema"]}
        asked["response_format"] = {"type": "json_schema", "json_schema": schema}
    return asked


def plain(body: Json) -> Json:
    """A request in one spelling: a text alone is a text, an empty one is nothing."""
    out = dict(body)
    out["messages"] = [_plain_turn(turn) for turn in body["messages"]]
    return out


def _plain_turn(turn: Json) -> Json:
    out = dict(turn)
    content = out.get("content")
    if isinstance(content, list) and [p["type"] for p in content] == ["text"]:
        out["content"] = content[0]["text"]
    if out.get("content") in ("", None, []):
        out.pop("content", None)
    return out


def is_of_no_client(recording: Recording) -> bool:
    """Tool results as documents: OpenAI's clients have no word for them."""
    return b'"type": "document"' in recording.request


@needs_shared
def test_a_chat_is_asked_as_it_was_recorded() -> None:
    tried = 0
    for recording in RECORDED:
        if is_of_no_client(recording):
            continue
        recorded = json.loads(recording.request)
        sent, wire = ask("cohere", as_client(recorded), recording.model)
        assert wire.head.url == recording.url
        assert plain(sent) == plain(recorded), recording.id
        assert wire.dropped == ()
        tried += 1
    assert tried > 45


@needs_shared
def test_sources_stand_where_their_text_stands() -> None:
    found = 0
    for recording in material.every("cohere_v2"):
        call = material.call_of("openai.chat", stream=recording.streams)
        if recording.form != "whole":
            continue
        result = recording.result(call)
        assert isinstance(result, ChatResult)
        parts = result.choices()[0].parts
        text = "".join(p.text for p in parts if isinstance(p, Text))
        for part in parts:
            for cited in part.citations if isinstance(part, Text) else ():
                assert text[cited.start : cited.end] == cited.quote
                found += 1
    assert found > 10


@needs_shared
def test_removed_models_are_not_found() -> None:
    failed = [r for r in material.every("cohere_v1") if r.form == "error"]
    for recording in failed:
        error = recording.upstream.parse_error(recording.response())
        assert error.kind == "not_found"
        assert "was removed" in error.message
    assert len(failed) == 2


@needs_shared
def test_vectors_are_asked_for_as_recorded_and_read() -> None:
    tried = 0
    for recording in material.every("cohere_embed"):
        call = DIALECTS["cohere.embed"].read_call(recording.request, Hint())
        to = target("cohere", recording.model)
        sent = json.loads(upstream("cohere").build_request(call, to).body)
        assert sent == json.loads(recording.request)
        recorded = {k: v for k, v in sent.items() if v is not None}
        asked = {"model": "alias", "input": recorded.pop("texts"), **recorded}
        call = DIALECTS["openai.embeddings"].read_call(
            json.dumps(asked).encode(), Hint()
        )
        wire = upstream("cohere").build_request(call, to)
        assert {k: v for k, v in sent.items() if v is not None} == json.loads(wire.body)
        assert wire.dropped == ()
        if recording.form == "error":
            error = recording.upstream.parse_error(recording.response())
            assert error.kind == "not_found"
            continue
        result = recording.result(call)
        assert isinstance(result, EmbedResult)
        told = json.loads(recording.body)
        assert [list(v) for v in result.vectors] == told["embeddings"]["float"]
        assert result.usage is not None
        assert result.usage.input == told["meta"]["billed_units"]["input_tokens"]
        tried += 1
    assert tried == 7


def test_numbers_and_choices_in_its_own_words() -> None:
    sent, wire = ask(
        "cohere",
        {
            "top_p": 0.9,
            "stop": "x",
            "seed": 3,
            "tools": [TOOL, {"type": "function", "function": {"name": "g"}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "safety_mode": "OFF",
            "user": "u",
            "n": 2,
        },
    )
    assert (sent["p"], sent["stop_sequences"], sent["seed"]) == (0.9, ["x"], 3)
    assert [t["function"]["name"] for t in sent["tools"]] == ["f"]
    assert sent["tool_choice"] == "REQUIRED"
    assert sent["safety_mode"] == "OFF"
    assert set(wire.dropped) == {"user", "n"}
    sent, wire = ask("cohere", {"top_p": 1.0, "n": 1, "tool_choice": "auto"})
    assert {"p", "tool_choice"}.isdisjoint(sent)
    assert wire.dropped == ()


@pytest.mark.parametrize(
    ("effort", "model", "thinking"),
    [
        (
            "low",
            "command-a-reasoning-08-2025",
            {"type": "enabled", "token_budget": 2048},
        ),
        ("high", "command-a-plus-05-2026", {"type": "enabled"}),
        ("none", "command-a-reasoning-08-2025", {"type": "disabled"}),
        ("none", "command-a-03-2025", None),
        ("high", "command-a-03-2025", None),
    ],
)
def test_thinking_is_asked_for(effort: str, model: str, thinking: Json | None) -> None:
    sent, wire = ask("cohere", {"reasoning_effort": effort}, model)
    assert sent.get("thinking") == thinking
    dropped = thinking is None and effort == "high"
    assert wire.dropped == (("reasoning_effort",) if dropped else ())


def test_other_vendors_words_for_thinking_are_not_sent() -> None:
    own, foreign = {"token_budget": 9}, {"clear_thinking": False}
    model = "command-a-reasoning-08-2025"
    sent, wire = ask("cohere", {"thinking": {"type": "enabled", **own}}, model)
    assert sent["thinking"] == {"type": "enabled", **own}
    sent, wire = ask("cohere", {"thinking": {"type": "enabled", **foreign}}, model)
    assert "thinking" not in sent
    assert wire.dropped == ("thinking",)


def test_a_plan_goes_back_as_a_plan() -> None:
    body = (
        b'{"id":"1","message":{"role":"assistant","tool_plan":"I will look.",'
        b'"tool_calls":[{"id":"f_1","type":"function","function":{"name":"f",'
        b'"arguments":"null"}}]},"finish_reason":"TOOL_CALL"}'
    )
    call = chat({})
    result = upstream("cohere").parse_response(WireResponse(200, (), body), call)
    told = json.loads(DIALECTS["openai.chat"].write_result(result, call))
    turn = told["choices"][0]["message"]
    messages = [
        {"role": "user", "content": "hi"},
        turn,
        {"role": "tool", "tool_call_id": "f_1", "content": "42"},
    ]
    sent, wire = ask("cohere", {"messages": messages}, "command-a-03-2025")
    assert sent["messages"][1] == {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [
            {
                "id": "f_1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
            }
        ],
    }
    assert wire.dropped == ()


def test_documents_to_be_cited_are_documents() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Ruby is from 1993."}
    document = {"type": "document", "source": source, "title": "Facts"}
    cited = {**document, "citations": {"enabled": True}}
    content = [document, cited, {"type": "text", "text": "When?"}]
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": content}]}
    sent, wire = ask("cohere", asked, dialect="anthropic.messages")
    assert sent["documents"] == [
        {"id": "doc:0", "data": {"title": "Facts", "text": "Ruby is from 1993."}}
    ]
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": "Facts\n\nRuby is from 1993."},
        {"type": "text", "text": "When?"},
    ]
    assert wire.dropped == ()


def test_token_ids_cannot_be_embedded() -> None:
    call = DIALECTS["openai.embeddings"].read_call(
        b'{"model":"a","input":[1,2,3]}', Hint()
    )
    with pytest.raises(Unsupported):
        upstream("cohere").build_request(call, target("cohere", "embed-v4.0"))


def test_pictures_are_embedded_beside_texts() -> None:
    body = (
        b'{"model":"a","input_type":"image","images":["data:image/png;base64,AA=="],'
        b'"texts":["hi"],"embedding_types":["float"]}'
    )
    call = DIALECTS["cohere.embed"].read_call(body, Hint())
    wire = upstream("cohere").build_request(call, target("cohere", "embed-v4.0"))
    assert json.loads(wire.body) == {**json.loads(body), "model": "embed-v4.0"}


@pytest.mark.parametrize(
    ("word", "kind"), [("ERROR", ServerError), ("TIMEOUT", Timeout)]
)
def test_an_answer_that_broke_off_is_an_error(word: str, kind: type[Exception]) -> None:
    body = (
        b'{"id":"1","message":{"role":"assistant","content":[{"type":"text",'
        b'"text":"Half"}]},"finish_reason":"%s"}' % word.encode()
    )
    with pytest.raises(kind):
        upstream("cohere").parse_response(WireResponse(200, (), body), chat({}))


@pytest.mark.parametrize("end", ["", "/v1", "/v2/", "/compatibility/v1"])
def test_an_address_of_any_version_is_understood(end: str) -> None:
    _, wire = ask("cohere", {}, base_url=f"https://h{end}")
    assert wire.head.url == "https://h/v2/chat"


def test_generations_of_the_first_version_are_read() -> None:
    body = b'{"id":"1","generations":[{"text":"a"},{"text":"b"}],"meta":{"billed_units":{"input_tokens":2,"output_tokens":3}}}'
    result = upstream("cohere").parse_response(WireResponse(200, (), body), chat({}))
    assert isinstance(result, ChatResult)
    assert [c.parts[0].text for c in result.choices()] == ["a", "b"]  # type: ignore[union-attr]
    assert result.usage is not None
    assert (result.usage.input, result.usage.output) == (2, 3)
