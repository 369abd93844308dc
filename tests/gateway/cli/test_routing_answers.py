"""Recorded answers, read; those of running gateways stand in tests/flow/test_judge.py."""

import json
from typing import Any

import pytest

from gateway.cli.routing_answers import answer, question
from gateway.telemetry.row import Row

COHERE = {
    "id": "1",
    "finish_reason": "COMPLETE",
    "message": {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "right"},
        ],
    },
}
OLLAMA = {"model": "m", "message": {"role": "assistant", "content": "right"}}
TOLD = {"finish_reason": "stop", "index": 0}


def _row(dialect: str, response: str | None, **more: Any) -> Row:
    return Row(
        id="req_1",
        at_ns=0,
        duration_us=0,
        route="",
        dialect=dialect,
        operation=more.pop("operation", "chat"),
        alias="m",
        status=200,
        cost_nano=None,
        response=response,
        **more,
    )


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("cohere.chat", COHERE),
        ("ollama.chat", {**OLLAMA, "done": True, "done_reason": "stop"}),
        (
            "openai.chat",
            {
                "choices": [
                    {**TOLD, "message": {"content": "right"}},
                    {**TOLD, "index": 1, "message": {"content": "wrong"}},
                ]
            },
        ),
        (
            "anthropic.messages",
            {
                "type": "message",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "text", "text": "ri"},
                    {"type": "text", "text": "ght"},
                ],
                "stop_reason": "end_turn",
            },
        ),
    ],
)
def test_the_words_of_the_first_answer_are_read(
    dialect: str, body: dict[str, Any]
) -> None:
    assert answer(_row(dialect, json.dumps(body))) == "right"


@pytest.mark.parametrize(
    "dialect", ["openai.chat", "bedrock.converse", "openai.images"]
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "kept", [None, "", "{", "[]", "7", "\ufffd", '{"a": 1}', "data: {", "x" * 9]
)
def test_what_was_not_kept_whole_is_no_answer(
    dialect: str, stream: bool, kept: str | None
) -> None:
    assert answer(_row(dialect, kept, stream=stream)) == ""
    assert question(_row(dialect, None, stream=stream, request=kept)) == ""


def test_a_stream_that_was_cut_off_is_no_answer() -> None:
    event = {"choices": [{"index": 0, "delta": {"content": "right"}}]}
    cut = f"data: {json.dumps(event)}\n\n"
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    whole = f"{cut}data: {json.dumps(end)}\n\ndata: [DONE]\n\n"
    assert answer(_row("openai.chat", whole, stream=True)) == "right"
    assert answer(_row("openai.chat", cut, stream=True)) == ""


def test_only_texts_are_judged() -> None:
    body = json.dumps({"data": [{"embedding": [1.0]}]})
    assert answer(_row("openai.embeddings", body, operation="embed")) == ""
