"""What is said in each provider's words, dropped or refused."""

import json
from typing import Any

import pytest
from msgspec import Raw

from adapters.contract import Hint
from adapters.errors import Unsupported
from adapters.normal.chat import Conversation
from adapters.normal.content import (
    Audio,
    Cache,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
)
from adapters.openai import finish
from adapters.openai.family import CHAT, UPSTREAM
from tests.adapters.openai.asking import ask, said, sent, target

REASONS = frozenset({"reasoning"})


def test_reasoning_models_of_openai_are_not_sampled() -> None:
    conversation = Conversation(
        temperature=0.3, top_p=1.0, max_tokens=5, stop=("a",), logprobs=True
    )
    wire = ask(conversation, target("openai", "o3-mini"))
    assert set(wire.dropped) == {"temperature", "stop_sequences", "logprobs"}
    body = json.loads(wire.body)
    assert body["max_completion_tokens"] == 5
    assert "temperature" not in body
    kept = ask(conversation, target("openai", "gpt-4o"))
    assert kept.dropped == ()
    named = ask(
        conversation,
        target("azure_openai", "my-deployment", abilities=frozenset({"reasoning"})),
    )
    assert "temperature" in named.dropped


@pytest.mark.parametrize(
    ("provider", "model", "more", "name"),
    [
        ("openai", "o3", {}, "max_completion_tokens"),
        ("azure_openai", "my", {"abilities": REASONS}, "max_completion_tokens"),
        ("azure_openai", "my", {}, "max_tokens"),
        ("openrouter", "openai/o3", {}, "max_tokens"),
    ],
)
def test_a_client_s_limit_keeps_its_name_but_for_who_refuses_it(
    provider: str, model: str, more: dict[str, Any], name: str
) -> None:
    body = {"model": "a", "messages": [], "max_tokens": 5}
    call = CHAT.read_call(json.dumps(body).encode(), Hint())
    wire = UPSTREAM.build_request(call, target(provider, model, **more))
    assert json.loads(wire.body) == {"model": model, "messages": [], name: 5}


@pytest.mark.parametrize(
    ("provider", "model", "asked", "expected"),
    [
        ("openai", "gpt-5.2", Reasoning(budget=2000), {"reasoning_effort": "low"}),
        ("openai", "gpt-5.2", Reasoning(budget=20000), {"reasoning_effort": "high"}),
        ("openai", "gpt-5.2", Reasoning(False), {"reasoning_effort": "none"}),
        ("openai", "gpt-5-mini", Reasoning(False), {"reasoning_effort": "minimal"}),
        ("openai", "o3", Reasoning(False), {"reasoning_effort": "low"}),
        ("openai", "gpt-5.2", Reasoning(True), {}),
        ("groq", "m", Reasoning(effort="max"), {"reasoning_effort": "high"}),
        (
            "openrouter",
            "m",
            Reasoning(True, budget=9, show=False),
            {"reasoning": {"max_tokens": 9, "enabled": True, "exclude": True}},
        ),
        ("deepseek", "m", Reasoning(True), {"thinking": {"type": "enabled"}}),
        ("zai", "m", Reasoning(False), {"thinking": {"type": "disabled"}}),
        (
            "dashscope",
            "m",
            Reasoning(True, budget=7),
            {"enable_thinking": True, "thinking_budget": 7},
        ),
    ],
)
def test_thinking_is_asked_for_in_the_providers_words(
    provider: str, model: str, asked: Reasoning, expected: dict[str, Any]
) -> None:
    body = sent(Conversation(reasoning=asked), target(provider, model))
    names = (
        "reasoning_effort",
        "reasoning",
        "thinking",
        "enable_thinking",
        "thinking_budget",
    )
    assert {k: v for k, v in body.items() if k in names} == expected


def test_thinking_cannot_be_asked_of_a_model_that_does_not() -> None:
    assert ask(
        Conversation(reasoning=Reasoning(True)), target("openai", "gpt-4o")
    ).dropped == ("thinking",)


def test_pictures_in_tool_results_follow_in_a_message_of_the_user() -> None:
    picture = Image(data="aGk=", media_type="image/png")
    results = Message(
        "tool",
        (
            ToolResult("1", (Text("a"), picture)),
            ToolResult("2", (picture,)),
            ToolResult("3", (Text("c"),)),
        ),
    )
    messages = sent(Conversation(messages=(results,)))["messages"]
    assert [m["role"] for m in messages] == ["tool", "tool", "tool", "user"]
    assert messages[0]["content"] == "a"
    assert messages[1]["content"]
    kinds = [p["type"] for p in messages[3]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url"]
    assert "tool call 2" in messages[3]["content"][2]["text"]


@pytest.mark.parametrize(
    "part",
    [
        Image(file="file-1"),
        Audio(url="https://x.test/a.mp3"),
        Opaque("gemini", "video", Raw(b"{}")),
        Document(url="https://x.test/a.pdf"),
    ],
)
def test_what_cannot_be_carried_is_refused(part: Any) -> None:
    with pytest.raises(Unsupported):
        ask(said(part), target("openai", "gpt-4o"))


def test_documents_that_are_text_are_written_as_text() -> None:
    content = sent(said(Document(text="body", title="Title"), Text("?")))["messages"][
        0
    ]["content"]
    assert content[0] == {"type": "text", "text": "Title\n\nbody"}
    data = Document(data="aGk=", media_type="text/plain", name="a.txt")
    assert sent(said(data))["messages"][0]["content"] == "a.txt\n\nhi"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("mistral", {"type": "document_url", "document_url": "https://x.test/a.pdf"}),
        ("openrouter", {"type": "file", "file": {"file_data": "https://x.test/a.pdf"}}),
        (
            "perplexity",
            {"type": "file_url", "file_url": {"url": "https://x.test/a.pdf"}},
        ),
    ],
)
def test_addresses_of_documents_stand_where_the_provider_looks(
    provider: str, expected: Any
) -> None:
    content = sent(
        said(Document(url="https://x.test/a.pdf"), Text("?")), target(provider)
    )["messages"][0]["content"]
    assert content[0] == expected


THOUGHT = Thinking("hm", "sig", family="anthropic")


@pytest.mark.parametrize(
    ("provider", "expected", "dropped"),
    [
        ("openai", {}, ("messages.thinking",)),
        (
            "openrouter",
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "hm",
                        "signature": "sig",
                        "format": "anthropic-claude-v1",
                        "index": 0,
                    }
                ]
            },
            (),
        ),
        ("deepseek", {"reasoning_content": "hm"}, ()),
        ("groq", {"reasoning": "hm"}, ()),
        (
            "litellm_proxy",
            {
                "reasoning_content": "hm",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"}
                ],
            },
            (),
        ),
    ],
)
def test_earlier_thoughts_go_where_the_provider_wants_them(
    provider: str, expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    wire = ask(said(THOUGHT, Text("hi"), role="assistant"), target(provider))
    message = json.loads(wire.body)["messages"][0]
    assert {
        k: v for k, v in message.items() if k not in ("role", "content")
    } == expected
    assert wire.dropped == dropped


def test_cache_markers_reach_those_who_understand_them() -> None:
    conversation = said(Text("x", cache=Cache("1h")))
    kept = sent(conversation)["messages"][0]["content"]
    assert kept == [
        {
            "type": "text",
            "text": "x",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]
    wire = ask(conversation, target("openai", "gpt-4o"))
    assert json.loads(wire.body)["messages"][0]["content"] == "x"
    assert wire.dropped == ("cache_control",)


def test_only_the_allowed_tools_are_sent_where_the_choice_cannot_be_narrowed() -> None:
    conversation = Conversation(
        tools=(Tool("a"), Tool("b")), tool_choice=ToolChoice("required", ("b",))
    )
    body = sent(conversation)
    assert [t["function"]["name"] for t in body["tools"]] == ["b"]
    assert body["tool_choice"] == "required"
    narrow = sent(conversation, target("openai", "gpt-4o"))
    assert len(narrow["tools"]) == 2
    assert narrow["tool_choice"]["allowed_tools"]["mode"] == "required"


def test_another_familys_tools_and_parts_are_named_when_dropped() -> None:
    tool = Tool("web_search", kind="opaque", family="anthropic", raw=Raw(b"{}"))
    part = Opaque("anthropic", "server_tool_use", Raw(b"{}"))
    conversation = Conversation(
        messages=(Message("user", (Text("x"), part)),), tools=(tool,)
    )
    assert ask(conversation, target()).dropped == (
        "server_tool_use",
        "tools.web_search",
    )


def test_the_client_is_told_in_its_own_words() -> None:
    conversation = Conversation(top_k=3)
    for dialect, name in (
        ("anthropic.messages", "top_k"),
        ("gemini.generate", "generationConfig.topK"),
    ):
        assert ask(conversation, target("openai", "gpt-4o"), dialect).dropped == (name,)


FINISHES = {
    "eos": "stop",  # Together
    "": "stop",  # Snowflake
    "sensitive": "content_filter",  # Zhipu
    "network_error": "error",
    "model_context_window_exceeded": "length",
    "insufficient_system_resource": "error",  # DeepSeek
}
"""Vendors' words for an end. None needs a row of its provider: families read any."""


def test_the_finish_words_of_vendors_are_known() -> None:
    for word, meant in FINISHES.items():
        assert finish.canonical(word) == meant, word
