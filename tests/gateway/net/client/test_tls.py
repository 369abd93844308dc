"""TLS to the provider: whom it trusts, and that the way over it is the same."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from adapters.errors import Unreachable, UpstreamError
from gateway.config.schema import Egress
from gateway.net.client import Client
from tests.gateway.net.client.asking import LIMITS, soon, wire
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.upstream import (
    Upstream,
    chunk,
    echo,
    end,
    events,
    reset,
    stall,
    tell,
    wait_for,
)


@pytest.fixture
def up() -> Iterator[Upstream]:
    with Upstream(tls=True, names=["localhost"]) as upstream:
        yield upstream
        assert upstream.quiet()


def test_a_trusted_provider_answers_and_the_connection_is_kept(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up, names=("localhost",), ca_file=up.ca_file) as client:
            for body in (b"x", b"y" * 1_000_000, b"z"):
                response = await client.ask(wire(up.url, body), LIMITS, soon())
                assert response.status == 200
            url = up.url.replace("127.0.0.1", "localhost")
            assert (await client.ask(wire(url), LIMITS, soon())).status == 200

    up.on(None, echo)
    run(work())
    assert up.connections == 2


def test_a_stream_comes_piece_by_piece(up: Upstream, run: Run) -> None:
    async def work() -> list[bytes]:
        async with opened(up, ca_file=up.ca_file) as client:
            reply = await client.open(wire(up.url), LIMITS, soon())
            pieces = []
            while data := await reply.read():
                pieces.append(data)
                read.set()
            reply.close()
            return pieces

    read = threading.Event()
    rest = wait_for(read) + chunk(b"b") + end()
    up.on(None, events([b"a"], then=rest))
    assert run(work()) == [b"a", b"b"]


def test_an_unknown_authority_is_refused_before_anything_is_sent(
    up: Upstream, run: Run
) -> None:
    async def work() -> None:
        async with opened(up) as client:
            with pytest.raises(Unreachable) as caught:
                await client.ask(wire(up.url), LIMITS, soon())
            assert caught.value.code == "tls"

    run(work())
    assert not up.requests


def test_a_certificate_for_another_name_is_refused(up: Upstream, run: Run) -> None:
    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def work() -> None:
        client = Client(
            Egress(ca_file=up.ca_file),
            allow_hosts=[("other.example", up.port)],
            resolve=names,
        )
        with pytest.raises(Unreachable) as caught:
            url = f"https://other.example:{up.port}/"
            await client.ask(wire(url), LIMITS, soon())
        assert caught.value.code == "tls"
        await client.aclose()

    run(work())
    assert not up.requests


def test_a_plain_server_behind_an_https_address_is_refused(run: Run) -> None:
    async def work(plain: Upstream) -> None:
        async with opened(plain) as client:
            with pytest.raises(UpstreamError):
                url = plain.url.replace("http:", "https:")
                await client.ask(wire(url), LIMITS, soon(1.0))

    with Upstream() as plain:
        run(work(plain))


def test_breaks_and_cancellations_end_the_connection(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up, ca_file=up.ca_file) as client:
            with pytest.raises(Unreachable):
                await client.ask(wire(up.url + "/reset"), LIMITS, soon())
            task = asyncio.create_task(
                client.ask(wire(up.url + "/stall"), LIMITS, soon())
            )
            await up.auntil(lambda: len(up.requests) == 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await up.aquiet()
            reply = await client.open(wire(up.url + "/half"), LIMITS, soon())
            assert await reply.read() == b"a"
            reply.close()
            assert await up.aquiet()
        gc.collect()

    up.on("/reset", reset())
    up.on("/stall", stall())
    up.on("/half", events([b"a"], then=stall()))
    run(work())


def test_a_slow_reader_makes_the_provider_wait(up: Upstream, run: Run) -> None:
    size = 8 << 20

    async def work() -> int:
        async with opened(up, ca_file=up.ca_file) as client:
            reply = await client.open(wire(up.url), LIMITS, soon())
            await asyncio.sleep(0.3)
            total = 0
            while data := await reply.read():
                assert len(data) < 1 << 20
                total += len(data)
            reply.close()
            return total

    up.on(None, tell(200, b"x" * size))
    assert run(work()) == size
