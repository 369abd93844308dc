"""Every recorded request through a running gateway to an upstream that answers as
recorded.

Request and recording find each other by the trace id, which the gateway hands on.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from adapters.providers import find
from tests.harness.clients import PATIENT
from tests.harness.upstream import Request, Script, Upstream, events, tell
from tests.replay.material import FAMILIES, Recording, every

Json = dict[str, Any]

KEY = "sk-canary-replay-0123456789"
THREADS = 6

NAMES = {
    "azure_openai": "azure",
    "bedrock": "bedrock_mantle",
    "openai-compatible": "openai_compatible",
    "ollama": "ollama_openai",
}
"""Providers under another name in our table."""

VERBS = {
    "openai_chat": "/v1/chat/completions",
    "openai_completions": "/v1/completions",
    "openai_embeddings": "/v1/embeddings",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "anthropic_count_tokens": "/v1/messages/count_tokens",
}


FOLLOWS = frozenset({"openai_responses-13eda0"})
"""Names a response that another recording tells, which the gateway remembers: what is
sent up would hang on which of the two is played first."""


LAST = frozenset({"openai_responses-a44f14"})
"""Names a response that another recording tells, of the same provider: played when that
one is sure to be remembered."""


class Seen(NamedTuple):
    """What came of one recording."""

    asked: bytes
    """The client's body."""
    sent: Request | None
    """What the provider was asked; `None`: nothing."""
    answer: httpx.Response
    recording: Recording


def is_whole(recording: Recording) -> bool:
    """Whether the request was kept, is one of its API, and that of the answer."""
    if not recording.request or recording.synthetic:
        return False
    try:
        asked = json.loads(recording.request)
    except ValueError:
        return False
    if not isinstance(asked, dict):
        return False
    mixed = recording.form == "events" and not asks_for_stream(recording, asked)
    return not mixed


def asks_for_stream(recording: Recording, asked: Json) -> bool:
    if recording.family.startswith("gemini"):
        return ":streamGenerateContent" in recording.path
    return bool(asked.get("stream"))


def playable(family: str) -> list[Recording]:
    """Those that can be played: a request, and its answer as it was."""
    return [r for r in every(family) if is_whole(r) and r.id not in FOLLOWS]


class Stage:
    """The configuration, the upstream's part and the client's part."""

    def __init__(self, upstream: Upstream) -> None:
        self.recordings = [r for family in FAMILIES for r in playable(family)]
        self._upstream = upstream
        self._aliases: dict[tuple[str, str, str], str] = {}
        for recording in self.recordings:
            key = _key(recording)
            self._aliases.setdefault(key, f"m{len(self._aliases)}")
        self._sent: dict[int, Request] = {}
        upstream.on(None, self._answer)

    def config(self) -> Json:
        """One alias for each provider and model; nothing is tried twice, and nobody is
        left alone for the errors they were recorded with."""
        own = {p for _, p, _ in self._aliases if find(p) is None}
        families = {f for f, _, _ in self._aliases} - {"responses"}
        return {
            "providers": {
                # Who OpenAI itself is, its Responses API and all.
                "openai": {"base_url": f"{self._upstream.url}/v1"},
                **{
                    f"own-{p}-{f}": {"family": f, "base_url": self._upstream.url}
                    for p in own
                    for f in sorted(families)
                },
            },
            "models": {
                alias: {"deployments": [self._deployment(*key)]}
                for key, alias in self._aliases.items()
            },
            "retries": {"attempts": 1},
            "cooldown": {
                "failures": 1_000_000,
                "rate_limit_s": 0,
                "credential_s": 0,
                "quota_s": 0,
                "not_found_s": 0,
                "max_s": 0,
            },
            "logs": {"requests": False},
            "records": {"buffer": 100_000},
        }

    def _deployment(self, family: str, provider: str, model: str) -> Json:
        known = find(provider)
        name = provider
        if known is None:
            name = f"own-{provider}-{'openai' if family == 'responses' else family}"
        if family == "responses" and (known is None or family not in known.operations):
            model = f"responses/{model}"  # not known to have it
        told = {
            "provider": name,
            "model": model,
            "api_key": "env:TEST_UPSTREAM_SECRET",
        }
        if provider != "openai":
            told["base_url"] = f"{self._upstream.url}/v1"
        return told

    def _answer(self, request: Request) -> Script:
        number = int(request.headers["traceparent"].split("-")[1], 16)
        self._sent[number] = request
        return script(self.recordings[number - 1])

    def play(self, url: str) -> list[Seen]:
        """All of them, some at a time; in the order of the recordings."""
        last = [n for n, r in enumerate(self.recordings, 1) if r.id in LAST]
        rest = [n for n, r in enumerate(self.recordings, 1) if r.id not in LAST]
        with ThreadPoolExecutor(THREADS) as pool:
            shares = [rest[first::THREADS] for first in range(THREADS)]
            parts = [*pool.map(lambda share: self._share(url, share), shares)]
        parts.append(self._share(url, last))
        return [
            seen for _, seen in sorted((s for part in parts for s in part), key=_first)
        ]

    def _share(self, url: str, numbers: Sequence[int]) -> list[tuple[int, Seen]]:
        """Some, by a client of its own."""
        with httpx.Client(base_url=url, **PATIENT) as client:
            return [(number, self._one(client, number)) for number in numbers]

    def _one(self, client: httpx.Client, number: int) -> Seen:
        recording = self.recordings[number - 1]
        alias = self._aliases[_key(recording)]
        path, body = asked(recording, alias)
        headers = {
            "content-type": "application/json",
            "traceparent": f"00-{number:032x}-00000000000000ab-00",
        }
        answer = client.post(path, content=body, headers=headers)
        return Seen(body, self._sent.get(number), answer, recording)


def _first(pair: tuple[int, Seen]) -> int:
    return pair[0]


def _key(recording: Recording) -> tuple[str, str, str]:
    family = recording.family.partition("_")[0]
    if recording.family == "openai_responses":
        family = "responses"
    provider = NAMES.get(recording.provider, recording.provider)
    if provider == "bedrock" and recording.family.startswith("openai"):
        provider = "bedrock_mantle"  # where it speaks as OpenAI does
    return family, provider, recording.model or "unnamed"


def provider_of(recording: Recording) -> str:
    """Its name in our table."""
    return _key(recording)[1]


def asked(recording: Recording, alias: str) -> tuple[str, bytes]:
    """Path and body as a client of the recording's own dialect sends them."""
    query = f"?{recording.query}" if recording.query else ""
    if recording.family.endswith("_vertex"):
        path = f"{recording.path.rpartition('/')[0]}/{quote(alias)}"
        verb = recording.path.rpartition(":")[2]
        return f"{path}:{verb}{query}", recording.request
    if recording.family.startswith("gemini"):
        verb = recording.path.rpartition(":")[2]
        return f"/v1beta/models/{quote(alias)}:{verb}{query}", recording.request
    query = query if recording.family.startswith("anthropic") else ""
    body = {**json.loads(recording.request), "model": alias}
    path = VERBS[recording.family] + query
    if recording.family == "openai_responses":
        path += recording.path.rpartition("/responses")[2]
    return path, json.dumps(body, ensure_ascii=False).encode()


def script(recording: Recording) -> Script:
    """The recorded answer; a stream in pieces that respect no event."""
    body = recording.body
    if recording.form == "array":
        told = [json.dumps(one).encode() for one in json.loads(body)]
        body = b"".join(b"data: %b\r\n\r\n" % one for one in told)
    if recording.streams:
        return events(pieces(body))
    return tell(recording.status, body)


def pieces(body: bytes) -> Sequence[bytes]:
    return [p for p in _thirds(body) if p]


def _thirds(body: bytes) -> Iterator[bytes]:
    third = len(body) // 3 + 1
    for start in range(0, len(body), third):
        yield body[start : start + third]
