"""Answers of any family, whole and streamed, as clients of this dialect get them."""

import json
from typing import Any

import pytest
from msgspec import Raw

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.errors import Garbled
from adapters.normal.chat import ChatCall, ChatResult, Choice, Conversation, TokenCount
from adapters.normal.content import (
    Audio,
    Citation,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolUse,
)
from adapters.normal.delta import (
    AudioDelta,
    Begin,
    CitationDelta,
    Frame,
    PartDelta,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkDelta,
    ToolDelta,
    ToolStart,
    Used,
)
from adapters.normal.usage import Usage
from tests.adapters.anthropic import accumulate, grammar
from tests.adapters.anthropic.recordings import (
    call,
    decode,
    deltas,
    response,
)

USAGE = Usage(
    input=100, cached=30, cache_write=20, cache_write_1h=5, output=9, reasoning=4
)


def written(*parts: Any, stop: Any = "end", **more: Any) -> dict[str, Any]:
    result = ChatResult(
        id="chatcmpl-9",
        model="gpt",
        usage=USAGE,
        raw=b'{"foreign":1}',
        dialect="openai.chat",
        choices=(Choice(parts=parts, stop=stop, **more), Choice(index=1)),
    )
    body = MESSAGES.write_result(result, call())
    accumulate.validated(body)
    return json.loads(body)


def test_an_answer_of_another_family_is_a_message() -> None:
    out = written(
        Thinking("hm", "sig", family="gemini"),
        Thinking(redacted="red", family="openai"),
        Thinking("plain"),
        Text(
            "see",
            (Citation(url="https://a.test", title="T", quote="q"), Citation(quote="z")),
        ),
        ToolUse("call:1", "f", '{"a": 1}', signature="tsig"),
        ToolUse("c2", "g", "free", custom=True),
        Image(data="iVBOR", media_type="image/png"),
        Audio(transcript="said"),
        Opaque("gemini", "executable_code", Raw(b"{}")),
    )
    kinds = [b["type"] for b in out["content"]]
    assert kinds == [
        "thinking",
        "redacted_thinking",
        "thinking",
        "text",
        "redacted_thinking",
        "tool_use",
        "tool_use",
        "text",
        "text",
    ]
    assert out["id"] == "msg_chatcmpl-9"
    assert out["content"][0]["signature"] == "gemini:sig"
    assert out["content"][1]["data"] == "openai:red"
    assert out["content"][2]["signature"] == ""
    assert [c["type"] for c in out["content"][3]["citations"]] == [
        "web_search_result_location",
        "char_location",
    ]
    assert out["content"][5]["input"] == {"a": 1}
    assert out["content"][6]["input"] == {"input": "free"}
    assert out["stop_reason"] == "tool_use"
    assert out["usage"] == {
        "input_tokens": 50,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 30,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 15,
            "ephemeral_1h_input_tokens": 5,
        },
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }


@pytest.mark.parametrize(
    ("stop", "word"),
    [
        ("end", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("context_window", "model_context_window_exceeded"),
        ("tool_use", "tool_use"),
        ("filtered", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
        (None, "end_turn"),
    ],
)
def test_stop_reasons_have_their_words(stop: Any, word: str) -> None:
    assert written(Text("x"), stop=stop)["stop_reason"] == word


def test_a_refusal_is_text_and_a_reason() -> None:
    out = written(Refusal("I will not"))
    assert out["content"] == [{"type": "text", "text": "I will not"}]
    assert out["stop_reason"] == "refusal"
    assert (
        written(Text("x"), stop="stop_sequence", stop_sequence="END")["stop_sequence"]
        == "END"
    )


def test_a_result_of_our_own_dialect_goes_verbatim_and_an_altered_one_anew() -> None:
    whole = b'{ "id":"msg_1", "content":[{"type":"text","text":"a"}], "x":1.0 }'
    result = UPSTREAM.parse_response(response(whole), call())
    assert MESSAGES.write_result(result, call()) == whole
    altered = ChatResult(id="msg_1", model="m", choices=(Choice(parts=(Text("b"),)),))
    out = json.loads(MESSAGES.write_result(altered, call()))
    assert (out["id"], out["content"]) == ("msg_1", [{"type": "text", "text": "b"}])


def test_an_answer_without_an_id_gets_a_steady_one() -> None:
    bare = ChatResult(model="m", choices=(Choice(),))
    first = json.loads(MESSAGES.write_result(bare, call()))["id"]
    assert first == json.loads(MESSAGES.write_result(bare, call()))["id"]
    assert first.startswith("msg_")


def test_token_counts_are_told_in_our_form() -> None:
    count = TokenCount(
        12, estimated=True, raw=b'{"totalTokens":12}', dialect="gemini.generate"
    )
    assert MESSAGES.write_result(count, call(count=True)) == b'{"input_tokens":12}'
    with pytest.raises(Garbled):
        UPSTREAM.parse_response(response(b'{"input_tokens":"x"}'), call(count=True))


CUSTOM = ChatCall(
    model="m",
    dialect="openai.chat",
    conversation=Conversation(tools=(Tool("c", kind="custom"), Tool("f"))),
)


def test_a_custom_tools_call_is_free_text_again() -> None:
    body = (
        b'{"content":[{"type":"tool_use","id":"1","name":"c","input":{"input":"a\\nb"}},'
        b'{"type":"tool_use","id":"2","name":"f","input":{"input":"x"}}]}'
    )
    result = UPSTREAM.parse_response(response(body), CUSTOM)
    assert isinstance(result, ChatResult)
    assert result.choices()[0].parts == (
        ToolUse("1", "c", "a\nb", custom=True),
        ToolUse("2", "f", '{"input":"x"}'),
    )
    events = (
        b'data: {"type":"content_block_start","index":0,"content_block":'
        b'{"type":"tool_use","id":"1","name":"c","input":{}}}\n\n'
        b'data: {"type":"content_block_delta","index":0,"delta":'
        b'{"type":"input_json_delta","partial_json":"{\\"input\\": \\"a"}}\n\n'
        b'data: {"type":"content_block_delta","index":0,"delta":'
        b'{"type":"input_json_delta","partial_json":"\\\\nb\\"}"}}\n\n'
        b'data: {"type":"content_block_stop","index":0}\n\n'
    )
    seen = deltas(UPSTREAM.parse_stream(CUSTOM).feed(events))
    assert seen == [ToolStart(0, "1", "c", custom=True), ToolDelta(0, "a\nb")]


def told(*seen: Any) -> dict[str, Any]:
    encoder = MESSAGES.write_stream(call(), "openai.chat")
    out = b"".join(encoder.frames([Frame(b"", (delta,))]) for delta in seen)
    out += encoder.close()
    assert encoder.close() == b""
    grammar.check(grammar.parse(out))
    return accumulate.whole(out, strict=True)


def test_a_stream_of_another_family_is_told_in_blocks() -> None:
    out = told(
        Begin("chatcmpl-1", "gpt", usage=Usage(input=5)),
        ThinkDelta("let "),
        ThinkDelta("me"),
        ThinkDelta(signature="s", family="gemini"),
        ThinkDelta("more"),
        ThinkDelta(redacted="r", family="openai"),
        TextDelta(""),
        TextDelta("one "),
        TextDelta("not told", choice=1),
        CitationDelta(Citation(url="u")),
        AudioDelta(transcript="two"),
        PartDelta(Image(url="https://a.test/i.png")),
        ToolStart(0, "a", "f", signature="g"),
        ToolDelta(0, '{"x":"}'),
        ToolDelta(0, '\\"{"}'),
        ToolStart(1, "", "c", custom=True),
        ToolDelta(1, 'say "hi"\n'),
        Stop("tool_use", native="tool_calls"),
        Stop("end", choice=1),
        Used(Usage(input=50, cached=20, output=7)),
    )
    content = out["content"]
    assert [b["type"] for b in content] == [
        "thinking",
        "thinking",
        "redacted_thinking",
        "text",
        "redacted_thinking",
        "tool_use",
        "tool_use",
    ]
    assert content[0]["thinking"] == "let me"
    assert content[0]["signature"] == "gemini:s"
    assert content[3]["text"] == "one two![image](https://a.test/i.png)"
    assert content[3]["citations"][0]["url"] == "u"
    assert content[5]["input"] == {"x": '}"{'}
    assert content[6]["input"] == {"input": 'say "hi"\n'}
    assert content[6]["id"] == "toolu_1"
    assert out["stop_reason"] == "tool_use"
    assert out["usage"]["input_tokens"] == 30
    assert out["usage"]["cache_read_input_tokens"] == 20
    assert out["usage"]["output_tokens"] == 7


@pytest.mark.parametrize(
    "pieces", [('{"x":"\\"}', ' more"}'), ('{"x":"\\', '"} more"}')]
)
def test_a_quote_inside_a_string_ends_no_arguments(pieces: tuple[str, str]) -> None:
    out = told(
        ToolStart(0, "a", "f"),
        ToolDelta(0, pieces[0]),
        ToolStart(1, "b", "g"),
        ToolDelta(1, "{}"),
        ToolDelta(0, pieces[1]),
        Stop("tool_use"),
    )
    assert [b["input"] for b in out["content"]] == [{"x": '"} more'}, {}]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ([], "end_turn"),
        ([TextDelta("x"), Stop("length")], "max_tokens"),
        ([RefusalDelta("no"), Stop("end")], "refusal"),
        ([ToolStart(0, "a", "f"), Stop("end")], "tool_use"),
        ([ToolStart(0, "a", "f"), ToolDelta(0, '{"cut'), Stop("length")], "max_tokens"),
        ([Stop("context_window")], "model_context_window_exceeded"),
        ([Stop("filtered")], "refusal"),
    ],
)
def test_a_stream_says_why_it_ended(seen: list[Any], reason: str) -> None:
    assert told(*seen)["stop_reason"] == reason


def test_a_block_that_only_the_api_understands_comes_whole() -> None:
    raw = Raw(
        b'{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}'
    )
    out = told(PartDelta(Opaque("anthropic", "server_tool_use", raw)), TextDelta("x"))
    assert out["content"][0]["input"] == {"q": 1}
    assert [b["type"] for b in out["content"]] == ["server_tool_use", "text"]


def test_arguments_that_came_with_the_start_count_once() -> None:
    def stream(delta: str) -> bytes:
        return (
            b'data: {"type":"content_block_start","index":4,"content_block":'
            b'{"type":"tool_use","id":"1","name":"f","input":{"a":1}}}\n\n'
            + delta.encode()
            + b'data: {"type":"content_block_stop","index":4}\n\n'
            + b'data: {"type":"message_stop"}\n\n'
        )

    more = (
        'data: {"type":"content_block_delta","index":4,"delta":'
        '{"type":"input_json_delta","partial_json":"{\\"a\\":2}"}}\n\n'
    )
    start = ToolStart(0, "1", "f")
    assert deltas(decode(stream(""))) == [start, ToolDelta(0, '{"a":1}')]
    assert deltas(decode(stream(more))) == [start, ToolDelta(0, '{"a":2}')]


def test_a_stream_may_not_make_us_hold_without_end() -> None:
    decoder = UPSTREAM.parse_stream(call())
    decoder.feed(
        b'data: {"type":"content_block_start","index":0,"content_block":'
        b'{"type":"server_tool_use","id":"1","name":"f","input":{}}}\n\n'
    )
    piece = b"x" * 3_000_000
    event = (
        b'data: {"type":"content_block_delta","index":0,"delta":'
        b'{"type":"input_json_delta","partial_json":"%b"}}\n\n' % piece
    )
    frames = [frame for _ in range(12) for frame in decoder.feed(event)]
    (failed,) = frames[-1].deltas
    assert isinstance(failed.error, Garbled)  # type: ignore[union-attr]
