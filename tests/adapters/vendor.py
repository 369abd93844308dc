"""What the tests of families share that no chat client speaks."""

import json
from typing import Any

from adapters.contract import Hint, Target, Upstream, WireRequest
from adapters.normal.chat import ChatCall
from adapters.providers import find
from adapters.registry import DIALECTS, UPSTREAMS

Json = dict[str, Any]


def target(provider: str, model: str, **more: Any) -> Target:
    row = find(provider)
    assert row is not None
    return Target(
        model=model,
        provider=row,
        **{"base_url": row.base_url, "credential": "k", **more},
    )


def upstream(provider: str) -> Upstream:
    row = find(provider)
    assert row is not None
    return UPSTREAMS[row.family]


def chat(asked: Json, dialect: str = "openai.chat") -> ChatCall:
    """A client's call."""
    body = {"model": "alias", "messages": [{"role": "user", "content": "hi"}], **asked}
    call = DIALECTS[dialect].read_call(json.dumps(body).encode(), Hint())
    assert isinstance(call, ChatCall)
    return call


def ask(
    provider: str,
    asked: Json,
    model: str = "m",
    dialect: str = "openai.chat",
    **more: Any,
) -> tuple[Json, WireRequest]:
    """What the provider is sent for a chat of an OpenAI client, as JSON and whole."""
    to = target(provider, model, **more)
    wire = upstream(provider).build_request(chat(asked, dialect), to)
    return json.loads(wire.body), wire
