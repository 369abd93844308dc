"""Fault 15: clients that leave, at every stage, on both servers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.scene import PRICE, Scene, deployment, scene, until
from tests.faults.speech import (
    CLIENTS,
    OPENAI,
    PIECE,
    PROVIDER,
    PROVIDERS,
    Client,
    Provider,
    fails,
    serves,
)
from tests.faults.wire import Wire, request
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Script,
    Upstream,
    cut,
    events,
    head,
    stall,
    tell,
    wait_for,
)

WITHIN_S = 1.0


@pytest.fixture(scope="module")
def mute() -> Iterator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


@pytest.fixture(scope="module", params=["fast", "hypercorn"])
def place(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mute: socket.socket,
) -> Iterator[Scene]:
    host = f"127.0.0.1:{mute.getsockname()[1]}"
    with Upstream() as up:
        a, b = deployment(up, "a"), deployment(up, "b", order=2)
        models = {
            "one/*": {"deployments": [a]},
            "two/*": {"deployments": [a, b]},
            "handshake/*": {"deployments": [{**a, "base_url": f"https://{host}/v1"}]},
            "proxy/*": {"deployments": [{"model": "far/*", "price": PRICE}]},
            **{
                f"{name}/*": {"deployments": [deployment(up, "a", family=name)]}
                for name in PROVIDERS
            },
        }
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("gone"),
            http=request.param,
            warm=(CLIENTS, serves()),
            cooldown={"failures": 1},
            providers={
                "far": {
                    "base_url": "https://203.0.113.9/v1",
                    "api_key": "env:KEY_A",
                    "proxy": f"http://{host}",
                }
            },
        ) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
families = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
LEAVINGS: dict[str, Callable[[Wire], None]] = {
    "closing": lambda wire: wire.socket.close(),
    "resetting": Wire.reset,
}
leavings = pytest.mark.parametrize("leave", LEAVINGS.values(), ids=LEAVINGS)


def left(place: Scene, alias: str, gone: float, attempts: int = 1) -> dict[str, object]:
    """What must hold soon after a client has left; its record."""
    closed = place.upstream.closed_at
    for asked in place.reached(alias):
        number = asked.connection
        assert place.upstream.until(lambda n=number: n in closed)  # type: ignore[misc]
        at_most(WITHIN_S, closed[number] - gone)
    (row,) = place.rows(alias)
    assert row["status"] == 499
    assert row["error"] == "client_hung_up"
    assert len(row.get("attempts", ())) == attempts
    assert until(lambda: place.in_flight() == 0)
    # One failure would open the breaker here.
    assert {*place.state(alias).values()} <= {"closed"}
    return row  # type: ignore[no-any-return]


WAITS = {
    "before the head": stall(),
    "after the head": head(200, {"content-type": "text/event-stream"}) + stall(),
    "after an empty opening": events(PROVIDER.opening(), then=stall()),
    "in the middle of a body": cut(
        tell(200, PROVIDER.answer("x" * 900)), 700, then=stall()
    ),
}


@dialects
@leavings
@pytest.mark.parametrize("wait", WAITS)
@timely
def test_leaving_before_the_first_token(
    place: Scene, client: Client, leave: Callable[[Wire], None], wait: str
) -> None:
    alias = place.alias()
    place.alone()
    place.on(alias, "a", WAITS[wait])
    path, body = client.call(alias, stream="body" not in wait)
    with place.dial() as wire:
        wire.ask(path, body)
        assert until(lambda: bool(place.reached(alias)))
        time.sleep(0.05)
        leave(wire)
        gone = time.monotonic()
    row = left(place, alias, gone)
    (attempt,) = row["attempts"]  # type: ignore[attr-defined]
    assert attempt["error"] == "cancelled"
    # The provider has read the prompt, and says so on its bill.
    assert row["tokens"]["input"] > 0  # type: ignore[index]
    assert row["tokens"].get("output", 0) == 0  # type: ignore[index]
    assert row["cost_nano"] == 1000 * row["tokens"]["input"]  # type: ignore[index]


@timely
@pytest.mark.parametrize("where", ["handshake", "proxy"])
@streamed
def test_leaving_before_anything_was_sent_costs_nothing(
    place: Scene, mute: socket.socket, where: str, stream: bool
) -> None:
    alias = place.alias(where)
    path, body = OPENAI.call(alias, stream=stream)
    with place.dial() as wire:
        wire.ask(path, body)
        there, _ = mute.accept()
        there.settimeout(20)
        assert there.recv(1)  # the begin of a handshake, or of CONNECT
    gone = time.monotonic()
    with there:
        while there.recv(4096):
            pass
    at_most(WITHIN_S, time.monotonic() - gone)
    row = left(place, alias, gone)
    (attempt,) = row["attempts"]  # type: ignore[attr-defined, misc]
    assert attempt["error"] == "cancelled"
    assert not row.get("tokens")
    assert attempt.get("cost_nano", 0) == 0
    assert row.get("cost_nano", 0) == 0


@dialects
@families
@leavings
@timely
def test_leaving_in_the_middle_of_a_stream(
    place: Scene, client: Client, provider: Provider, leave: Callable[[Wire], None]
) -> None:
    alias = place.alias(provider.name)
    place.alone()
    place.on(alias, "a", events(provider.begun(PIECE, PIECE), then=stall()))
    path, body = client.call(alias, stream=True)
    with place.dial() as wire:
        wire.ask(path, body)
        wire.until(b"forty")
        time.sleep(0.05)
        leave(wire)
        gone = time.monotonic()
    row = left(place, alias, gone)
    tokens = row["tokens"]
    assert tokens["output"] == 20  # type: ignore[index]
    assert tokens["estimated"] is True  # type: ignore[index]
    cost = 1000 * tokens["input"] + 2000 * 20  # type: ignore[index]
    assert row["cost_nano"] == cost


@dialects
@leavings
@timely
def test_leaving_a_stream_that_goes_on_and_on(
    place: Scene, client: Client, leave: Callable[[Wire], None]
) -> None:
    alias = place.alias()
    place.alone()
    place.on(alias, "a", events([PROVIDER.piece(PIECE)] * 2000, gap_s=0.002))
    path, body = client.call(alias, stream=True)
    with place.dial() as wire:
        wire.ask(path, body)
        wire.until(b"forty")
        leave(wire)
        gone = time.monotonic()
    row = left(place, alias, gone)
    assert 10 <= row["tokens"]["output"] < 10_000  # type: ignore[index]


def test_thirty_leaving_streams_that_go_on_are_no_errors(place: Scene) -> None:
    """Whether we hear it when we write or beside it."""
    alias = place.alias()
    place.on(alias, "a", events([PROVIDER.piece(PIECE)] * 20_000, gap_s=0.0))
    path, body = OPENAI.call(alias, stream=True)
    for _ in range(3):
        wires = [place.dial() for _ in range(10)]
        for wire in wires:
            wire.ask(path, body)
        for wire in wires:
            wire.until(b"forty")
            wire.reset()
    assert {row["status"] for row in place.rows(alias, 30)} == {499}


@dialects
@leavings
def test_leaving_while_a_retry_is_waited_for(
    place: Scene, client: Client, leave: Callable[[Wire], None]
) -> None:
    alias = place.alias()
    place.alone()
    place.on(alias, "a", fails(429, "slow", [("retry-after-ms", "900")]), serves())
    path, body = client.call(alias, stream=True)
    with place.dial() as wire:
        wire.ask(path, body)
        assert until(lambda: bool(place.reached(alias)))
        time.sleep(0.1)
        leave(wire)
    (row,) = place.rows(alias)
    assert row["status"] == 499
    assert [a["error"] for a in row["attempts"]] == ["rate_limited"]
    assert not row.get("cost_nano")
    time.sleep(1.0)
    assert len(place.reached(alias)) == 1
    assert place.in_flight() == 0


@dialects
@leavings
@timely
def test_leaving_during_the_second_attempt(
    place: Scene, client: Client, leave: Callable[[Wire], None]
) -> None:
    alias = place.alias("two")
    place.alone()
    place.on(alias, "a", fails(429, "slow"))
    place.on(alias, "b", stall())
    path, body = client.call(alias)
    with place.dial() as wire:
        wire.ask(path, body)
        assert until(lambda: len(place.reached(alias)) == 2)
        leave(wire)
        gone = time.monotonic()
    closed = place.upstream.closed_at
    (second,) = place.reached(alias, "b")
    assert place.upstream.until(lambda: second.connection in closed)
    at_most(WITHIN_S, closed[second.connection] - gone)
    (row,) = place.rows(alias)
    assert row["status"] == 499
    assert [a["error"] for a in row["attempts"]] == ["rate_limited", "cancelled"]


@leavings
def test_leaving_with_half_a_body_sent(
    place: Scene, leave: Callable[[Wire], None]
) -> None:
    alias = place.alias()
    refused = place.in_flight()
    with place.dial() as wire:
        wire.send(request("/v1/chat/completions", length=1000) + b'{"model": "')
        assert until(lambda: place.in_flight() == refused + 1)
        leave(wire)
    assert until(lambda: place.in_flight() == refused)
    # Its model was never heard.
    assert until(lambda: any(row["status"] == 499 for row in place.rows("", 0)), 5.0), (
        place.rows("", 0)
    )
    assert not place.reached(alias)


@timely
def test_fifty_leaving_at_once_leave_nothing(place: Scene) -> None:
    """Half of them before the first token, half after it."""
    alias = place.alias()
    place.alone()
    stalls, speaks = stall(), events(PROVIDER.begun(PIECE), then=stall())
    place.on(alias, "a", *[stalls, speaks] * 25)
    path, body = OPENAI.call(alias, stream=True)
    wires = [place.dial() for _ in range(50)]
    for wire in wires:
        wire.ask(path, body)
    assert until(lambda: len(place.reached(alias)) == 50)
    assert place.in_flight() == 50
    for wire in wires:
        wire.socket.close()
    gone = time.monotonic()
    assert place.upstream.quiet()
    at_most(WITHIN_S, time.monotonic() - gone)
    rows = place.rows(alias, 50)
    assert {row["status"] for row in rows} == {499}
    assert {*place.state(alias).values()} == {"closed"}
    assert until(lambda: place.in_flight() == 0)


@dialects
def test_leaving_after_the_answer_changes_nothing(place: Scene, client: Client) -> None:
    alias = place.alias()
    done = threading.Event()
    script: Script = events(PROVIDER.stream("all of it"))
    place.on(alias, "a", script + wait_for(done))
    path, body = client.call(alias, stream=True)
    with place.dial() as wire:
        wire.ask(path, body, [("connection", "close")])
        assert b"all of it" in wire.rest()
    done.set()
    (row,) = place.rows(alias)
    assert row["status"] == 200
    assert not row.get("error")
