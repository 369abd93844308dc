"""Faults 16 to 19, 22 and 23: clients that are slow, many, greedy or sly."""

import json
import resource
import select
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.scene import Scene, deployment, scene, until
from tests.faults.speech import CLIENTS, OPENAI, PIECE, PROVIDER, PROVIDERS, serves
from tests.faults.wire import MASTER, Wire, request
from tests.gateway.net.server.test_refusals import BAD
from tests.harness.timing import at_most, timely
from tests.harness.upstream import Upstream, events

CAP = 4 * 2**20
"""`server.max_body_bytes` here."""
MIB = 2**20
HEAD_S = BODY_S = WRITE_S = 3.0
"""The limits of heads, bodies and writing; the table's 10 s by default."""
SLOW = 1000
READERS = 500
IDLE = 10_000
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """As many open files as this machine lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module", params=["fast", "hypercorn"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with Upstream() as up:
        models = {
            "one/*": {"deployments": [deployment(up, "a")]},
            "anthropic/*": {"deployments": [deployment(up, "a", family="anthropic")]},
        }
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("clients"),
            http=request.param,
            warm=(CLIENTS, serves()),
            server={
                "max_body_bytes": CAP,
                "header_timeout_s": HEAD_S,
                "body_timeout_s": BODY_S,
                "write_timeout_s": WRITE_S,
                "keep_alive_s": 300.0,
                "max_connections": IDLE + 1000,
            },
        ) as made:
            made.server = request.param
            yield made


def few(number: int) -> int:
    """So many connections, or as many as files here allow."""
    return min(number, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1000)


@contextmanager
def dialled(place: Scene, number: int, receive_buffer: int = 0) -> Iterator[list[Wire]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(place.dial(receive_buffer=receive_buffer))
            for _ in range(number)
        ]


def good_s(place: Scene, alias: str) -> float:
    """How long a good client's call takes."""
    began = time.monotonic()
    answer = place.ask(alias, OPENAI)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began


def over(wires: list[Wire]) -> list[Wire]:
    """Those whose other side has closed, or said something."""
    poll = select.poll()
    by_fd = {wire.socket.fileno(): wire for wire in wires}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    return [by_fd[fd] for fd, _ in poll.poll(0)]


# --- 16: slow senders --------------------------------------------------------------


@timely
def test_a_thousand_clients_that_drip_are_sent_away_and_hurt_nobody(
    place: Scene,
) -> None:
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    usual = statistics.median(good_s(place, alias) for _ in range(20))
    before = len(place.upstream.requests)
    head = request(CHAT, length=1000)
    with dialled(place, few(SLOW)) as wires:
        for number, wire in enumerate(wires):
            # Half of them drip their head, half their body. Hypercorn knows no limit
            # for heads: there all drip bodies.
            drips_head = number % 2 and place.server == "fast"
            wire.send(head[:40] if drips_head else head + b'{"model":')
        began = time.monotonic()
        left, took = wires, []
        while left and time.monotonic() - began < 10 * HEAD_S:
            for wire in left:
                wire.offer(b"x")
            took.append(good_s(place, alias))
            time.sleep(0.2)
            gone = over(left)
            for wire in gone:
                said = wire.read()
                assert said[:12] in (b"", b"HTTP/1.1 408"), said
            left = [wire for wire in left if wire not in gone]
        assert not left, f"{len(left)} still drip"
        at_most(HEAD_S + 10.0, time.monotonic() - began)
    assert len(place.upstream.requests) - before == len(took), "and nothing of theirs"
    at_most(0.25 + 4 * usual, statistics.median(took))


# --- 17: idle ones -----------------------------------------------------------------


@timely
def test_ten_thousand_idle_connections_cost_little_and_slow_nobody(
    place: Scene,
) -> None:
    # Hypercorn's own connections are heavier: a tenth of them, and as much for each.
    number = few(IDLE if place.server == "fast" else IDLE // 10)
    each = 15_000 if place.server == "fast" else 60_000
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    usual = statistics.median(good_s(place, alias) for _ in range(20))
    ask = request("/health/live", method="GET")
    rss = place.rss()
    with dialled(place, number) as wires:
        for at in range(0, number, 100):
            for wire in wires[at : at + 100]:
                wire.send(ask)
            for wire in wires[at : at + 100]:
                assert wire.until(b'{"status":"ok"}').startswith(b"HTTP/1.1 200")
        assert place.fds() > number
        assert place.rss() - rss < number * each
        took = [good_s(place, alias) for _ in range(20)]
        for wire in wires[:: number // 10]:
            wire.send(ask)
            assert b"HTTP/1.1 200" in wire.until(b'{"status":"ok"}'), "they are kept"
    assert until(lambda: place.fds() < number // 10)
    at_most(0.02 + 2 * usual, statistics.median(took))


# --- 18: slow readers --------------------------------------------------------------


@timely
def test_slow_readers_hold_little_and_are_cut_off(place: Scene) -> None:
    """500 who read a byte now and then, of 8 MiB each."""
    alias = place.alias()
    big = PROVIDER.piece("x" * 64 * 1024)
    place.on(alias, "a", events([*PROVIDER.begun(PIECE), *[big] * 128]))
    well = place.alias()
    place.on(well, "a", serves("well"))
    path, body = OPENAI.call(alias, stream=True)
    number = few(READERS)
    rss = place.rss()
    with dialled(place, number, receive_buffer=4096) as wires:
        for wire in wires:
            wire.ask(path, body, [("authorization", f"Bearer {MASTER}")])
        began = time.monotonic()
        most = 0
        while place.in_flight() and time.monotonic() - began < 20 * WRITE_S:
            most = max(most, place.rss() - rss)
            for wire in wires:
                wire.peep()
            good_s(place, well)
            time.sleep(0.2)
        assert place.in_flight() == 0, "they are read to for ever"
    # An event of 64 KiB on its way: read, taken apart, put together, written.
    assert most < number * 768 * 1024, f"{most / number / 1024:.0f} KiB each"
    rows = place.rows(alias, number)
    assert {row["status"] for row in rows} == {499}
    assert place.upstream.until(
        lambda: all(
            r.connection in place.upstream.closed_at for r in place.reached(alias)
        )
    )
    at_most(20 * WRITE_S, time.monotonic() - began)


# --- 19: bodies --------------------------------------------------------------------


def test_a_gigabyte_is_refused_before_it_is_read(place: Scene) -> None:
    place.forget_peak()
    rss = place.rss()
    with place.dial() as wire:
        wire.send(request(CHAT, length=10**9))
        sent = 0
        while sent < 4 * CAP and wire.offer(b"x" * 65536):
            sent += 65536
        said = wire.rest()
    assert said.startswith(b"HTTP/1.1 413 ") or (sent and not said), said
    assert sent < 4 * CAP, "it reads on"
    assert place.peak_rss() - rss < CAP + MIB


def test_an_endless_body_is_a_413_at_the_cap(place: Scene) -> None:
    alias = place.alias()
    place.forget_peak()
    rss = place.rss()
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with place.dial() as wire:
        wire.send(request(CHAT, chunked=True))
        sent = 0
        while sent < 16 * CAP and wire.offer(piece):
            sent += 65536
        said = wire.rest()
    assert said.startswith(b"HTTP/1.1 413 ") or not said, said
    assert sent < 16 * CAP, "it reads on"
    # What is kept may be copied once, when it is put together.
    assert place.peak_rss() - rss < 2 * CAP + 4 * MIB
    assert not place.reached(alias)


def test_a_body_of_another_length_than_told_is_no_call(place: Scene) -> None:
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    body = json.dumps(OPENAI.call(alias)[1]).encode()
    with place.dial() as wire:
        wire.send(request(CHAT, length=len(body) + 5) + body)
        wire.socket.shutdown(socket.SHUT_WR)
        assert b"200 OK" not in wire.rest()
    assert not place.reached(alias)
    with place.dial() as wire:
        wire.send(request(CHAT, length=len(body)) + body + b"surplus\r\n\r\n")
        said = wire.rest(within_s=20)
    assert said.count(b"HTTP/1.1 200") == 1
    assert said.count(b"HTTP/1.1 400") == 1
    assert len(place.reached(alias)) == 1


# --- 22: smuggling -----------------------------------------------------------------


@pytest.mark.parametrize("name", BAD)
def test_nothing_is_smuggled_to_a_provider(place: Scene, name: str) -> None:
    """Heads and bodies of two meanings, each with a good call behind it."""
    data, hypercorn = BAD[name]
    alias = place.alias()
    place.on(alias, "a", serves("smuggled"))
    ours = b"Host: localhost\r\nAuthorization: Bearer " + MASTER.encode()
    data = data.replace(b"POST / ", f"POST {CHAT} ".encode()).replace(b"Host: t", ours)
    body = json.dumps(OPENAI.call(alias)[1]).encode()
    with place.dial() as wire:
        wire.offer(data + request(CHAT, length=len(body)) + body)
        if place.server == "fast":
            said = wire.rest()
            assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n"), said
            assert said.count(b"HTTP/1.1 ") == 1
            assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == (
                "malformed_request"
            )
        elif hypercorn == "refuses":
            wire.rest()
    if place.server == "fast" or hypercorn == "refuses":
        assert not place.reached(alias)


def test_trailers_say_nothing(place: Scene) -> None:
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    body = json.dumps(OPENAI.call(alias)[1]).encode()
    trailers = b"authorization: Bearer other\r\ncontent-length: 5\r\nx-trailer: t\r\n"
    with place.dial() as wire:
        wire.send(
            request(CHAT, [("connection", "close")], chunked=True)
            + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers)
        )
        said = wire.rest()
    if place.server == "fast" or b" 200 " in said[:20]:
        assert said.startswith(b"HTTP/1.1 200 "), said
        (asked,) = place.reached(alias)
        assert "x-trailer" not in asked.headers
        assert "other" not in asked.headers["authorization"]


# --- 23: headers -------------------------------------------------------------------

INJECTED: dict[str, tuple[list[bytes], set[int]]] = {
    "a line end": ([b"x-a: b\rx-c: d"], {400}),
    "a NUL": ([b"x-a: b\0c"], {400}),
    "64 KiB in one": ([b"x-a: " + b"b" * 65536], {431}),
    "500 of them": ([b"x-%d: y" % n for n in range(500)], {431}),
}


@pytest.mark.parametrize("name", INJECTED)
def test_headers_that_are_none_or_too_much_are_refused(place: Scene, name: str) -> None:
    lines, statuses = INJECTED[name]
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    body = json.dumps(OPENAI.call(alias)[1]).encode()
    head = request(CHAT, length=len(body))[:-2] + b"\r\n".join([*lines, b"", b""])
    with place.dial() as wire:
        wire.offer(head + body)
        said = wire.rest()
    assert not said or int(said[9:12]) in statuses, said
    assert said or place.server == "hypercorn"
    assert not place.reached(alias)


NEVER_TRUSTED = {
    "x-routeiq-id": "forged",
    "x-routeiq-deployment": "forged",
    "x-routeiq-provider": "forged",
    "x-routeiq-cost-usd": "0",
    "x-forwarded-host": "forged.example",
    "x-forwarded-for": "203.0.113.5",
    "x_routeiq_id": "forged",
    "cookie": "session=forged",
    "proxy-authorization": "Basic Zm9yZ2VkOmZvcmdlZA==",
    "openai-organization": "org-forged",
    "x-request-id": "a" * 200,
    "traceparent": "00-forged-forged-01",
}


def test_what_clients_say_of_the_gateway_is_never_trusted_or_handed_on(
    place: Scene,
) -> None:
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    answer = place.ask(alias, OPENAI, headers=NEVER_TRUSTED)
    assert answer.status_code == 200
    assert "forged" not in str(answer.headers)
    assert len(answer.headers["x-request-id"]) < 100
    (asked,) = place.reached(alias)
    assert "forged" not in asked.head.decode()
    assert MASTER not in asked.head.decode()
    assert "203.0.113.5" not in asked.head.decode()
    (row,) = place.rows(alias)
    assert "forged" not in str(row)


def test_a_connection_header_takes_no_other_away(place: Scene) -> None:
    """`Connection: authorization` asks an intermediary to drop the credential."""
    alias = place.alias()
    place.on(alias, "a", serves("well"))
    hop = {"connection": "authorization, close", "authorization": f"Bearer {MASTER}"}
    assert place.ask(alias, OPENAI, headers=hop).status_code == 200
    wrong = {**hop, "authorization": "Bearer wrong"}
    assert place.ask(alias, OPENAI, headers=wrong).status_code == 401


NAMES: dict[str, Callable[[str], dict[str, object]]] = {
    "a model": lambda alias: {"model": f"{alias}\r\nset-cookie: a=b"},
    "a field": lambda alias: {"model": alias, "x\r\nset-cookie: a=b": 1},
    "a field beyond ASCII": lambda alias: {"model": alias, "\u2028\x85\xe9": 1},
}


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_body_make_no_headers(place: Scene, name: str) -> None:
    alias = place.alias("anthropic")
    place.on(alias, "a", serves("well", PROVIDERS["anthropic"]))
    answer = place.ask(alias, OPENAI, **NAMES[name](alias))
    assert answer.status_code in {200, 400, 404}, answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers.get("x-routeiq-dropped", "").isascii()
