"""Every provider of the table, asked at its own address by one running gateway.

An outbound proxy leads all their hosts to a scripted provider, so that what it sees is
what the real one would: host, path, key, and a body bent as the provider wants it.
"""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from adapters.contract import Provider
from adapters.providers import PROVIDERS
from tests.flow.provider import CHAT, body, said, streamed
from tests.flow.test_deployments import MESSAGE
from tests.harness.detour import Detour
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, events, tell

ROWS: Final = [
    row
    for row in PROVIDERS.values()
    if row.family in ("openai", "anthropic", "gemini") and not row.signer
]
"""Whoever is spoken to in a grammar that many share; clouds are in `flow/clouds`."""
VALUES: Final = {"host": "https://workspace.example.com/"}
"""What the users' own parts of addresses are here; others are their own name."""

TOOL: Final = {"type": "function", "function": {"name": "f", "parameters": {}}}
ASKED: Final = {
    "messages": [
        {"role": "developer", "content": "be brief", "name": "boss"},
        {"role": "user", "content": [{"type": "text", "text": "one"}], "name": "ann"},
        {"role": "user", "content": "two"},
    ],
    "max_completion_tokens": 7,
    "n": 2,
    "seed": 3,
    "stop": ["x"],
    "user": "u",
    "logit_bias": {"5": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.25,
    "tools": [TOOL],
    "tool_choice": "required",
    "response_format": {"type": "json_object"},
    "x_unknown": [1],
}
"""A body in which every quirk of the table finds something to bend."""


class Seen(NamedTuple):
    """What a provider saw of one call."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


def _own(row: Provider) -> dict[str, str]:
    return {name: VALUES.get(name, f"my-{name}") for name in row.variables}


def _base(row: Provider) -> str:
    """The row's address, by hand."""
    base = row.base_url or f"https://{row.id.replace('_', '-')}.example.com/v1"
    for name in row.variables:
        base = base.replace(f"{{{name}}}", _host(_own(row)[name]))
    return base


def _host(value: str) -> str:
    return value.removeprefix("https://").rstrip("/")


def _environment() -> dict[str, str]:
    """Every variable any row looks for, each with a value of its own."""
    keys = {name: f"key-of-{name}" for row in ROWS for name in row.env}
    own = {
        name: _own(row)[word]
        for row in ROWS
        for word, names in row.variables.items()
        for name in names
    }
    return keys | own


def _provider(request: Request) -> Script:
    if request.path.endswith("/messages"):
        return _messages(request)
    if "GenerateContent" in request.path or "generateContent" in request.path:
        told = {
            "candidates": [
                {"content": {"role": "model", "parts": [{"text": "fine"}]}}
                | {"finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
        }
        if "stream" in request.path:
            return events([b"data: " + json.dumps(told).encode() + b"\n\n"])
        return tell(200, told)
    return streamed("fi", "ne") if request.json().get("stream") else tell(200, body())


def _messages(request: Request) -> Script:
    if not request.json().get("stream"):
        return tell(200, MESSAGE)
    text = {"type": "text_delta", "text": "fine"}
    block = {"type": "text", "text": ""}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": MESSAGE | {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    return events(
        f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in told
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Asker"]:
    hosts = {urlsplit(_base(row)).hostname or "" for row in ROWS}
    with (
        Upstream(tls=True, names=sorted(hosts)) as secure,
        Upstream() as plain,
        Detour(secure.port, plain.port) as detour,
    ):
        secure.on(None, _provider)
        plain.on(None, _provider)
        config = {
            "providers": {
                row.id: {"proxy": detour.url}
                | ({} if row.base_url else {"base_url": _base(row)})
                for row in ROWS
            },
            "models": {
                row.id: {"deployments": [{"model": f"{row.id}/org/m", "id": row.id}]}
                for row in ROWS
            },
            "egress": {"ca_file": secure.ca_file},
        }
        folder = tmp_path_factory.mktemp("providers")
        with gateway(config, folder, env=_environment()) as running:
            asker = Asker(running, secure, plain)
            yield asker
            asker.close()


class Asker:
    """Asks through the gateway, and looks at what came of it."""

    def __init__(self, running: Running, secure: Upstream, plain: Upstream) -> None:
        self._client = httpx.Client(base_url=running.url, timeout=60, verify=False)
        self._secure, self._plain = secure, plain

    def close(self) -> None:
        self._client.close()

    def __call__(self, row: Provider, **more: Any) -> tuple[Seen, str, str]:
        """What the provider saw, what the client heard, and what was dropped."""
        asked = ASKED if row.family == "openai" else ASKED | {"n": 1}
        answer = self._client.post(CHAT, json={"model": row.id, **asked, **more})
        assert answer.status_code == 200, (row.id, answer.text)
        heard = answer.text
        if not more.get("stream"):
            heard = answer.json()["choices"][0]["message"]["content"]
        plain = _base(row).startswith("http:")
        request = (self._plain if plain else self._secure).requests[-1]
        url = request.target
        if not plain:
            url = f"https://{request.headers['host']}{request.target}"
        found = Seen(url, request.headers, request.json())
        return found, heard, answer.headers.get("x-routeiq-dropped", "")


def _path(row: Provider, *, stream: bool) -> str:
    if row.family == "anthropic":
        return "/messages"
    if row.family == "gemini":
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/models/org/m:{verb}"
    return row.quirks.extra.get("path.chat", "/chat/completions")


def _credential(row: Provider) -> tuple[str, str]:
    """The header that must carry the first of the row's variables, and its value."""
    key = f"key-of-{row.env[0]}"
    if row.auth == "bearer":
        return "authorization", f"Bearer {key}"
    name, _, word = row.auth.partition(": ")
    return name, f"{word} {key}" if word else key


def _expected(row: Provider) -> dict[str, Any]:
    """The body by what the row says, worked out apart from `adapters.quirks`."""
    bent = row.quirks
    want = {name: value for name, value in ASKED.items() if name not in bent.drop}
    messages = json.loads(json.dumps(ASKED["messages"]))
    for message in messages:
        if bent.system_role and message["role"] == "developer":
            message["role"] = bent.system_role
        if not bent.names:
            message.pop("name", None)
        if not bent.text_parts and isinstance(message["content"], list):
            message["content"] = "one"
    if bent.alternate:
        last = messages.pop()
        parts = messages[-1]["content"]
        messages[-1]["content"] = [*parts, {"type": "text", "text": last["content"]}]
    want["messages"] = messages
    if "tool_choice" in want:
        choice = ASKED["tool_choice"]
        want["tool_choice"] = bent.tool_choice.get(str(choice), choice)
    if bent.json == "schema":
        schema = {"name": "object", "schema": {"type": "object"}}
        want["response_format"] = {"type": "json_schema", "json_schema": schema}
    if not bent.n:
        del want["n"]
    want = {bent.rename.get(name, name): value for name, value in want.items()}
    return {**bent.add, **want, "model": "org/m"}


def test_every_provider_is_asked_where_and_how_its_row_says(seen: "Asker") -> None:
    assert len(ROWS) >= 190
    for row in ROWS:
        if "chat" not in row.operations:
            continue  # its address is in the tests of the table
        for stream in (False, True):
            found, heard, dropped = seen(row, **({"stream": True} if stream else {}))
            base = _base(row).replace("{model}", "org%2Fm")
            assert found.url == base + _path(row, stream=stream), row.id
            if row.env:
                name, value = _credential(row)
                assert found.headers[name] == value, row.id
            assert "fi" in heard, row.id
            if stream and row.family == "openai":
                assert said(heard) == "fine", row.id
            if row.family == "openai":
                _compare(row, found.body, dropped, stream=stream)


def _compare(
    row: Provider, body: dict[str, Any], dropped: str, *, stream: bool
) -> None:
    want = _expected(row)
    if stream:
        want["stream"] = True
        if row.quirks.stream_usage:
            want["stream_options"] = {"include_usage": True}
    assert body == want, row.id
    named = set(filter(None, dropped.replace(" ", "").split(",")))
    lost = {name for name in ASKED if name in row.quirks.drop}
    if row.quirks.tool_choice.get("required") == "auto":
        lost.add("tool_choice")
    if not row.quirks.names:
        lost.add("messages.name")
    if not row.quirks.n:
        lost.add("n")
    assert named == lost, row.id
