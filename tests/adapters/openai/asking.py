"""Conversations put to providers, for tests."""

import json
from typing import Any

from adapters.contract import Provider, Quirks, Target, WireRequest
from adapters.normal.chat import ChatCall, Conversation
from adapters.normal.content import (
    Message,
    Part,
)
from adapters.openai.family import UPSTREAM

OPS = frozenset({"chat", "complete", "embed"})


def row(id_: str = "openrouter", **quirks: Any) -> Provider:
    url = "https://api.openai.com/v1" if id_ == "openai" else "https://up.test/v1"
    return Provider(
        id=id_, family="openai", base_url=url, operations=OPS, quirks=Quirks(**quirks)
    )


def target(id_: str = "openrouter", model: str = "m", **more: Any) -> Target:
    provider = more.pop("provider", None) or row(id_)
    return Target(model=model, base_url=provider.base_url, provider=provider, **more)


def ask(
    conversation: Conversation,
    to: Target,
    dialect: str = "anthropic.messages",
    stream: bool = False,
) -> WireRequest:
    call = ChatCall(
        model="a", dialect=dialect, conversation=conversation, stream=stream
    )
    return UPSTREAM.build_request(call, to)


def sent(
    conversation: Conversation,
    to: Target | None = None,
    dialect: str = "anthropic.messages",
) -> dict[str, Any]:
    found = json.loads(ask(conversation, to or target(), dialect).body)
    assert isinstance(found, dict)
    return found


def said(*parts: Part, role: Any = "user") -> Conversation:
    return Conversation(messages=(Message(role, parts),))
