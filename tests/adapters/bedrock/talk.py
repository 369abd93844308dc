"""Calls of clients, and what Bedrock would be asked."""

import json
from typing import Any

from adapters.bedrock.family import UPSTREAM
from adapters.contract import Hint, Operation, Target, WireRequest
from adapters.normal.chat import ChatCall
from adapters.providers import find
from adapters.registry import DIALECTS

Json = dict[str, Any]
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"


def target(model: str = CLAUDE, **more: Any) -> Target:
    provider = find("bedrock")
    assert provider is not None
    url = "https://bedrock-runtime.us-east-1.amazonaws.com"
    return Target(model=model, base_url=url, provider=provider, heads={}, **more)


def call_of(dialect: str, body: Json, **hint: Any) -> ChatCall:
    found = DIALECTS[dialect].read_call(json.dumps(body).encode(), Hint(**hint))
    assert isinstance(found, ChatCall)
    return found


def chat(text: str = "hi", **more: Any) -> ChatCall:
    """A call of OpenAI's client."""
    messages = [{"role": "user", "content": text}]
    return call_of("openai.chat", {"model": "m", "messages": messages, **more})


def message(**more: Any) -> ChatCall:
    """A call of Anthropic's client."""
    turns = [{"role": "user", "content": "hi"}]
    body = {"model": "m", "max_tokens": 4096, "messages": turns, **more}
    return call_of("anthropic.messages", body)


def converse(**more: Any) -> ChatCall:
    """A call of boto3."""
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}], **more}
    return call_of("bedrock.converse", body, model="m", operation=Operation.chat)


def asked(call: ChatCall, model: str = CLAUDE, **more: Any) -> tuple[Json, set[str]]:
    """The body, and the names of what was dropped."""
    wire = UPSTREAM.build_request(call, target(model, **more))
    return json.loads(wire.body), {*wire.dropped}


def wire(call: ChatCall, model: str = CLAUDE, **more: Any) -> WireRequest:
    return UPSTREAM.build_request(call, target(model, **more))
