"""Our own streams, broken on a socket at a few places: reset, closed, stalled.

Whatever the client speaks, it is told in its own words, sees no end that nobody told,
and what had been said by then is billed.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import pytest

from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.upstream import (
    Request,
    Script,
    Upstream,
    close,
    events,
    reset,
    stall,
)
from tests.replay import material, own
from tests.replay.ends import boundaries, check_error, finishes
from tests.replay.material import CHAT, CLIENTS, MESSAGES, Recording

STREAMS = {r.family: r for r in own.EVERY if r.streams}
PLACES = {"openai_chat": (0, 2, 5), "anthropic": (0, 4, 9), "gemini": (0, 1, 3)}
"""Events that come before the break."""
FAULTS = {"reset": reset, "close": close, "stall": stall}
KINDS = {
    "reset": {"unreachable"},
    "close": {"unreachable", "garbled"},
    "stall": {"timeout"},
}
"""What each is in the record."""
IDLE_S = 0.5


class Break(NamedTuple):
    family: str
    client: str
    place: int
    fault: str

    @property
    def come(self) -> bytes:
        """What came before it."""
        body = STREAMS[self.family].body
        return body[: [0, *boundaries(body)][self.place]]


BREAKS = [
    Break(family, client, place, fault)
    for family, places in PLACES.items()
    for client in CLIENTS
    for place in places
    for fault in FAULTS
]
Row = dict[str, Any]
Told = dict[Break, tuple[httpx.Response, Row]]


def _script(request: Request) -> Script:
    number = int(request.headers["traceparent"].split("-")[1], 16)
    broken = BREAKS[number - 1]
    pieces = [broken.come] if broken.come else []
    return events(pieces, then=FAULTS[broken.fault]())


def _config(upstream: Upstream) -> dict[str, Any]:
    def deployment(recording: Recording) -> dict[str, Any]:
        return {
            "provider": recording.provider,
            "model": recording.model,
            "base_url": upstream.url,
            "api_key": "env:TEST_UPSTREAM_SECRET",
        }

    return {
        "models": {
            family: {"deployments": [deployment(recording)]}
            for family, recording in STREAMS.items()
        },
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000},
        "timeouts": {"first_token_s": IDLE_S, "idle_s": IDLE_S},
    }


def _ask(url: str, number: int) -> httpx.Response:
    broken = BREAKS[number - 1]
    path = {
        CHAT: "/v1/chat/completions",
        MESSAGES: "/v1/messages",
    }.get(
        broken.client, f"/v1beta/models/{broken.family}:streamGenerateContent?alt=sse"
    )
    call = material.call_of(broken.client, stream=True)
    body = call.raw.replace(b'"alias"', f'"{broken.family}"'.encode())
    headers = {"traceparent": f"00-{number:032x}-00000000000000ab-00"}
    return httpx.post(url + path, content=body, headers=headers, **PATIENT)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("breaks")
    env = {"TEST_UPSTREAM_SECRET": "sk-canary-breaks-0123456789"}
    with Upstream() as upstream, gateway(_config(upstream), folder, env=env) as running:
        upstream.on(None, _script)
        numbers = range(1, len(BREAKS) + 1)
        with ThreadPoolExecutor(9) as pool:
            answers = [*pool.map(lambda number: _ask(running.url, number), numbers)]
        rows = running.records(len(BREAKS), within_s=15)
        by_trace = {int(row["trace"], 16): row for row in rows}
        yield {
            broken: (answers[number - 1], by_trace[number])
            for number, broken in enumerate(BREAKS, 1)
        }


def _name(broken: Break) -> str:
    return "-".join(map(str, broken))


begun = [b for b in BREAKS if b.place]


@pytest.mark.parametrize("broken", begun, ids=_name)
def test_a_stream_that_breaks_ends_in_the_client_s_own_error(
    told: Told, broken: Break
) -> None:
    answer, row = told[broken]
    assert answer.status_code == 200
    check_error(broken.client, answer.content)
    same = material.DIALECT_OF[broken.family] == broken.client
    came = finishes(broken.client, broken.come) if same else 0
    assert finishes(broken.client, answer.content) == came == 0
    assert row["error"] in KINDS[broken.fault]
    assert not row.get("stop")


@pytest.mark.parametrize("broken", begun, ids=_name)
def test_what_was_said_before_the_break_is_billed(told: Told, broken: Break) -> None:
    _, row = told[broken]
    tokens = row["tokens"]
    if broken.family == "anthropic":  # it tells its input first
        assert (tokens["input"], tokens["cached"]) == (1320, 1000)
    else:
        assert tokens["input"] > 0
        assert tokens["estimated"]
    assert row["cost_nano"] > 0
    assert row["attempts"][0]["cost_nano"] == row["cost_nano"]
    if broken.place == max(PLACES[broken.family]):
        assert tokens["output"] > 1


@pytest.mark.parametrize("broken", [b for b in BREAKS if not b.place], ids=_name)
def test_what_breaks_before_it_begins_is_a_plain_error(
    told: Told, broken: Break
) -> None:
    answer, row = told[broken]
    assert answer.status_code == (504 if broken.fault == "stall" else 502)
    assert "error" in answer.json()
    assert row["error"] in KINDS[broken.fault]
    assert not row.get("tokens")
    assert row["cost_nano"] == 0
