"""Scenarios that were recorded in several wire formats: what a client of one dialect
asks reaches a provider of another as that provider was asked natively.

A scenario is what the users said, with the tools there were. Read strictly, and apart
from the gateway's own readers (`heard`); ids of calls are each format's own.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from tests.flow.sdk.heard import Heard, heard
from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.providers import KEYS, Providers
from tests.harness.upstream import Request
from tests.replay import material
from tests.replay.material import Recording
from tests.shared import needs_shared

FAMILIES: Final = {
    "openai_chat": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
}


class Asked(NamedTuple):
    recording: Recording
    family: str
    means: Any
    key: Any


def request(recording: Recording, body: bytes) -> Request:
    head = f"POST {recording.path} HTTP/1.1\r\nhost: x"
    return Request(head.encode(), body, 1)


def means(told: Heard) -> Any:
    """Without ids, and neighbours of one speaker joined."""
    turns = []
    for who, parts in told.turns:
        plain = [p[:3] if p[0] == "call" else p for p in parts if p[0] != "thought"]
        turns.append((who, plain))
    choice, count = told.choice or "auto", told.n or 1
    return ("\n".join(told.system), turns, told.tools, choice, count)


def read() -> list[Asked]:
    """Those that the reader knows all of."""
    found = []
    for name, family in FAMILIES.items():
        for recording in material.every(name):
            if recording.form == "error" or recording.synthetic:
                continue
            try:
                told = heard(
                    family, request(recording, recording.request), verbatim=True
                )
            except (AssertionError, KeyError, TypeError, ValueError, IndexError):
                continue
            said = tuple(
                p[1].strip()
                for who, parts in told.turns
                if who == "user"
                for p in parts
                if p[0] == "text"
            )
            if said:
                key = (said, len(told.turns), tuple(sorted(told.tools)))
                found.append(Asked(recording, family, means(told), key))
    return found


class Pair(NamedTuple):
    asked: Asked
    family: str
    """Whose provider it is sent to, and who was asked the same natively."""
    means: Any

    @property
    def id(self) -> str:
        return f"{self.asked.recording.id}-to-{self.family}"


def pairs() -> list[Pair]:
    """One for each recording and other family in which it was recorded, too: told
    apart by what is asked, so that tests that only begin alike are no pair."""
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in read():
        groups[repr(one.means)].append(one)
    return [
        Pair(one, family, one.means)
        for group in groups.values()
        for one in group
        for family in sorted({other.family for other in group} - {one.family})
    ]


PAIRS: Final = pairs()
MODELS: Final = {
    "openai": "openai/gpt-4.1",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
}
KEY: Final = "sk-master-for-scenarios"
OTHERWISE: Final = {
    "anthropic-29f939-to-gemini": "a failed result is told as `error`, as Google has it; "
    "the native request hid the failure in `output`",
}
"""Pairs that differ, and why."""


def config(up: Providers) -> dict[str, Any]:
    return {
        "keys": {"master": "env:MASTER_KEY"},
        "models": {
            alias: {"deployments": [{"model": model}]}
            for alias, model in MODELS.items()
        },
        "providers": {
            family: {
                "family": family,
                "base_url": up.base(family),
                "api_key": f"env:KEY_OF_{family.upper()}",
            }
            for family in MODELS
        },
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000},
    }


def ask(client: httpx.Client, pair: Pair) -> httpx.Response:
    recording = pair.asked.recording
    if pair.asked.family == "gemini":
        verb = recording.path.rpartition(":")[2]
        query = f"?{recording.query}" if recording.query else ""
        path = f"/v1beta/models/{pair.family}:{verb}{query}"
        return client.post(path, content=recording.request)
    body = {**json.loads(recording.request), "model": pair.family}
    openai = pair.asked.family == "openai"
    return client.post("/v1/chat/completions" if openai else "/v1/messages", json=body)


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Providers, httpx.Client]]:
    env = {f"KEY_OF_{name.upper()}": key for name, key in KEYS.items()}
    env["MASTER_KEY"] = KEY
    folder = tmp_path_factory.mktemp("scenarios")
    bearer = {"authorization": f"Bearer {KEY}"}
    with (
        Providers({}) as up,
        gateway(config(up), folder, env=env) as server,
        httpx.Client(base_url=server.url, headers=bearer, **PATIENT) as client,
    ):
        yield up, client


@needs_shared
def test_scenarios_are_recorded_in_every_pair_of_formats() -> None:
    between = {(pair.asked.family, pair.family) for pair in PAIRS}
    assert len(between) == 6
    assert len(PAIRS) > 500


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.id)
def test_a_translated_request_means_what_was_asked_natively(
    running: tuple[Providers, httpx.Client], pair: Pair
) -> None:
    up, client = running
    before = len(up.requests)
    answer = ask(client, pair)
    assert answer.status_code == 200, answer.text
    (sent,) = up.requests[before:]
    same = means(heard(pair.family, sent)) == pair.means
    assert same == (pair.id not in OTHERWISE)
