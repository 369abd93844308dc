"""The laws of the pool, over real sockets and any order of things."""

import asyncio
import random
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import Timeout, Unreachable, UpstreamError
from gateway.config.schema import Egress
from gateway.net.client import Client, Limits
from tests.gateway.net.client.asking import LIMITS, soon, wire
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Request,
    Script,
    Upstream,
    chunk,
    close,
    echo,
    end,
    events,
    head,
    pause,
    reset,
    send,
    stall,
    tell,
    wait_for,
)

EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Watched(Upstream):
    """Notes when two requests are on one connection at a time, and which connections
    had an answer cut short."""

    def __init__(self) -> None:
        super().__init__()
        self.on_the_way: dict[int, int] = {}
        self.overlaps = 0
        self.most = 0
        self.on(None, self.play)

    def play(self, request: Request) -> Script:
        number = request.connection
        seconds = int(request.path.rpartition("/")[2]) / 1000

        async def begin(link, _):
            self.overlaps += bool(self.on_the_way.get(number))
            self.on_the_way[number] = 1
            self.most = max(
                self.most,
                sum(
                    v
                    for k, v in self.on_the_way.items()
                    if k not in self.closed_at or k == number
                ),
            )

        async def over(link, _):
            self.on_the_way[number] = 0

        body = request.body
        return (
            Script(begin)
            + head()
            + chunk(b"(")
            + pause(seconds)
            + Script(over)
            + chunk(body)
            + end()
        )


def test_a_time_limit_around_a_request_that_waits_is_a_time_limit(
    up: Upstream, run: Run
) -> None:
    """Though a request that was not sent yet is cancelled in a way of its own."""

    async def work() -> None:
        async with opened(up, max_connections=1) as client:
            first = asyncio.create_task(client.ask(wire(up.url), LIMITS, soon()))
            await up.auntil(lambda: len(up.requests) == 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.ask(wire(up.url), LIMITS, soon())
            answered.set()
            await first

    answered = threading.Event()
    up.on(None, wait_for(answered) + tell(200, b""))
    run(work())


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 6))
def test_answers_are_never_mixed_up(seed: int, most: int) -> None:
    """Whatever is cancelled or closed in between, each gets the answer to its own
    request, one at a time on each connection, on no more connections than allowed."""
    dice = random.Random(seed)

    async def one(client: Client, index: int, up: Upstream) -> None:
        body = b"%d " % index * dice.randint(1, 2000)
        request = wire(f"{up.url}/{dice.randint(0, 15)}", body)
        fate = dice.random()
        await asyncio.sleep(dice.random() * 0.05)
        if fate < 0.5:
            response = await client.ask(request, LIMITS, soon())
            assert response.body == b"(" + body
        elif fate < 0.8:
            reply = await client.open(request, LIMITS, soon())
            try:
                if fate < 0.7:
                    assert await reply.body() == b"(" + body
                elif fate < 0.75:
                    assert (await reply.read()).startswith(b"(")
            finally:
                reply.close()
        else:
            with suppress(TimeoutError, UpstreamError):
                async with asyncio.timeout(dice.random() * 0.04):
                    await client.ask(request, LIMITS, soon())

    async def work(up: Upstream) -> None:
        async with opened(up, max_connections=most) as client:
            await asyncio.gather(*(one(client, index, up) for index in range(40)))
            (counts,) = client.counters()
            assert counts.in_use == counts.waiting == 0
            assert counts.idle <= most

    with Watched() as up:
        asyncio.run(work(up))
        assert up.overlaps == 0
        assert up.quiet()


def test_the_last_connection_used_is_the_next_one_taken(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            first = asyncio.create_task(
                client.ask(wire(up.url + "/slow"), LIMITS, soon())
            )
            await up.auntil(lambda: len(up.requests) == 1)
            second = await client.ask(wire(up.url), LIMITS, soon())
            assert second.status == 200
            await first
            for _ in range(5):
                await client.ask(wire(up.url), LIMITS, soon())

    up.on("/slow", pause(0.1) + tell(200, b"slow"))
    up.on("/", echo)
    run(work())
    assert [each.connection for each in up.requests] == [1, 2, 1, 1, 1, 1, 1]


def test_a_cancelled_requests_connection_is_never_used_again(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            task = asyncio.create_task(
                client.ask(wire(up.url + "/late"), LIMITS, soon())
            )
            await up.auntil(lambda: len(up.requests) == 1)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            response = await client.ask(wire(up.url + "/mine"), LIMITS, soon())
            assert response.body == b"mine"

    up.on("/late", pause(0.05) + tell(200, b"late"))
    up.on("/mine", pause(0.1) + tell(200, b"mine"))
    run(work())
    assert [each.connection for each in up.requests] == [1, 2]


def test_no_more_connections_than_allowed_and_first_come_first_served(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up, max_connections=2) as client:
            tasks = []
            for index in range(8):
                path = f"{up.url}/{index}"
                tasks.append(
                    asyncio.create_task(client.ask(wire(path), LIMITS, soon()))
                )
                await asyncio.sleep(0.005)
            (counts,) = client.counters()
            assert (counts.in_use, counts.waiting) == (2, 6)
            counted.set()
            await asyncio.gather(*tasks)

    counted = threading.Event()
    up.on(None, wait_for(counted) + tell(200, b""))
    run(work())
    assert up.connections == 2
    assert [each.path for each in up.requests] == [f"/{i}" for i in range(8)]


@timely
def test_waiting_for_a_place_ends_with_the_connect_limit_or_the_deadline(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up, max_connections=1) as client:
            first = asyncio.create_task(client.ask(wire(up.url), LIMITS, soon()))
            await up.auntil(lambda: len(up.requests) == asked + 1)
            for limits, deadline in ((Limits(0.2, 5, 5), 9), (LIMITS, 0.2)):
                before = time.monotonic()
                with pytest.raises(Timeout) as caught:
                    await client.ask(wire(up.url), limits, soon(deadline))
                assert (caught.value.code, caught.value.type) == ("connect", "pool")
                took = time.monotonic() - before
                assert took > 0.15
                at_most(1.0, took)
            assert client.counters()[0].waiting == 0
            await first

    asked = len(up.requests)
    up.on(None, pause(2.0) + tell(200, b""))
    run(work())
    assert len(up.requests) == asked + 1


def test_a_place_that_becomes_free_is_passed_on_though_waiters_are_cancelled(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up, max_connections=1) as client:
            first = asyncio.create_task(
                client.ask(wire(up.url + "/stall"), LIMITS, soon())
            )
            await up.auntil(lambda: len(up.requests) == 1)
            waiters = [
                asyncio.create_task(client.ask(wire(up.url), LIMITS, soon()))
                for _ in range(4)
            ]
            await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.sleep(0)  # the place is the first waiter's now
            waiters[0].cancel()
            waiters[1].cancel()
            done = await asyncio.gather(*waiters, return_exceptions=True)
            assert [getattr(each, "status", 0) for each in done] == [0, 0, 200, 200]
            (counts,) = client.counters()
            assert (counts.in_use, counts.idle, counts.waiting) == (0, 1, 0)

    up.on("/stall", stall())
    up.on("/", tell(200, b""))
    run(work())


def test_a_request_on_a_connection_closed_meanwhile_is_sent_once_more(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            for _ in range(2):
                response = await client.ask(wire(up.url), LIMITS, soon())
                assert response.status == 200

    # The second request meets the end of the connection instead of an answer.
    up.on(None, tell(200, b"1"), close(), tell(200, b"2"))
    run(work())
    assert [each.connection for each in up.requests] == [1, 1, 2]


def test_it_is_sent_once_more_and_no_oftener(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url), LIMITS, soon())
            await client.ask(wire(up.url), LIMITS, soon())

    up.on(None, tell(200, b"1"), reset())
    with pytest.raises(Unreachable):
        run(work())
    assert len(up.requests) == 3


def test_it_is_not_sent_again_once_the_answer_has_begun(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url), LIMITS, soon())
            await client.ask(wire(up.url), LIMITS, soon())

    up.on(None, tell(200, b"1"), send(b"H") + close())
    with pytest.raises(Unreachable):
        run(work())
    assert len(up.requests) == 2


def test_idle_connections_that_the_provider_closes_are_forgotten(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await asyncio.gather(
                *(client.ask(wire(up.url), LIMITS, soon()) for _ in range(5))
            )
            assert client.counters()[0].idle == 5
            up.drop_all()
            await up.aquiet()
            await asyncio.sleep(0.05)
            assert client.counters()[0].idle == 0
            await client.ask(wire(up.url), LIMITS, soon())

    up.on(None, pause(0.02) + tell(200, b""))
    run(work())
    assert up.connections == 6


@pytest.mark.parametrize(
    "answer",
    [
        tell(200, b"", {"connection": "close"}),
        send(EMPTY + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"),
        send(EMPTY + b"HTTP/1.1 2"),
        send(EMPTY + b"\x00\x01"),
        send(EMPTY.replace(b"1.1", b"1.0")),
    ],
    ids=["close", "another answer", "part of one", "garbage", "1.0"],
)
def test_a_connection_with_anything_odd_about_it_is_not_used_again(
    up: Upstream, run: Run, answer: Script
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            for _ in range(3):
                response = await client.ask(wire(up.url), LIMITS, soon())
                assert (response.status, response.body) == (200, b"")

    up.on(None, answer)
    run(work())
    assert [each.connection for each in up.requests] == [1, 2, 3]


def test_bytes_that_nobody_asked_for_end_an_idle_connection(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url), LIMITS, soon())
            await up.aquiet()
            response = await client.ask(wire(up.url), LIMITS, soon())
            assert response.body == b"2"

    poison = send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
    up.on(None, tell(200, b"1") + pause(0.05) + poison, tell(200, b"2"))
    run(work())


def test_an_early_answer_to_a_large_body_ends_the_connection(
    up: Upstream, run: Run
) -> None:
    """The rest of the request must not be read as the next one."""

    async def work() -> None:
        async with opened(up) as client:
            response = await client.ask(wire(up.url, b"x" * 20_000_000), LIMITS, soon())
            assert (response.status, response.body) == (413, b"too large")
            (counts,) = client.counters()
            assert (counts.in_use, counts.idle) == (0, 0)

    up.answers_early = True
    up.on(None, tell(413, b"too large") + pause(0.3))
    run(work())


def test_idle_connections_are_closed_when_the_provider_said_so(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url), LIMITS, soon())
            assert client.counters()[0].idle == 1
            assert await up.aquiet()
            assert client.counters()[0].idle == 0

    up.on(None, tell(200, b"", {"keep-alive": "timeout=1, max=9"}))
    run(work())


def test_streams_give_their_connection_back_when_they_are_over(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            for _ in range(3):
                reply = await client.open(wire(up.url), LIMITS, soon())
                assert await reply.body() == b"ab"
                reply.close()
            reply = await client.open(wire(up.url), LIMITS, soon())
            await asyncio.sleep(0.05)
            assert client.counters()[0].idle == 1  # before anybody read it
            assert await reply.read() == b"ab"
            reply.close()

    up.on(None, events([b"a", b"b"]))
    run(work())
    assert up.connections == 1


def test_closing_the_client_ends_whoever_waits(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up, max_connections=1) as client:
            tasks = [
                asyncio.create_task(client.ask(wire(up.url), LIMITS, soon()))
                for _ in range(3)
            ]
            await up.auntil(lambda: len(up.requests) == 1)
            await client.aclose()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(each, Unreachable) for each in ends), ends
            with pytest.raises(Unreachable):
                await client.ask(wire(up.url), LIMITS, soon())

    up.on(None, stall())
    run(work())


def test_hosts_that_lead_nowhere_leave_nothing_behind(run: Run) -> None:
    async def work() -> None:
        client = Client(Egress())
        for index in range(20):
            with pytest.raises(Unreachable):
                await client.ask(wire(f"http://10.0.0.{index}/"), LIMITS, soon())
        assert client.counters() == []
        await client.aclose()

    run(work())


def test_the_ticker_rests_when_nothing_is_on_the_way(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            await client.ask(wire(up.url), LIMITS, soon())
            up.drop_all()
            await up.aquiet()
            await asyncio.sleep(0.3)
            assert client._ticker is None
            await client.ask(wire(up.url), LIMITS, soon())
            assert client._ticker is not None

    up.on(None, tell(200, b"", {"keep-alive": "timeout=60"}))
    run(work())
