"""WebSockets to providers: the same guard and limits, and nothing hangs."""

import base64
import hashlib

import pytest

from adapters.errors import Garbled, Timeout, Unreachable
from gateway.net.client import Client
from gateway.net.websocket import LOST, TOO_BIG, Closed, Rejected, Socket
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.upstream import (
    Answer,
    Request,
    Script,
    Upstream,
    close,
    garbage,
    send,
    stall,
    tell,
)

LONGEST = 1000


async def _socket(client: Client, url: str, connect_s: float = 10.0) -> Socket:
    return await client.socket(f"{url}/s", ((b"x", b"y"),), ("a",), connect_s, LONGEST)


def _upgraded(*frames: bytes) -> Answer:
    def answer(request: Request) -> Script:
        key = request.headers["sec-websocket-key"].encode()
        magic = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key + magic).digest())
        head = (
            b"HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-protocol: a\r\nsec-websocket-accept: %b\r\n\r\n" % accept
        )
        return send(head + b"".join(frames)) + stall()

    return answer


def _frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    first = bytes([opcode | (0x80 if final else 0)])
    if len(data) < 126:
        return first + bytes([len(data)]) + data
    return first + b"\x7e" + len(data).to_bytes(2) + data


def test_the_guard_is_asked(run: Run, up: Upstream) -> None:
    async def work() -> None:
        async with opened() as client:
            with pytest.raises(Unreachable) as blocked:
                await _socket(client, up.url)
        assert blocked.value.code == "blocked"
        assert not up.opened_at

    run(work())


def test_messages_come_whole_in_order_and_then_the_end(run: Run, up: Upstream) -> None:
    up.on(
        None,
        _upgraded(
            _frame(1, b"one"),
            _frame(1, b"tw", final=False),
            _frame(9, b"ping"),
            _frame(0, b"o"),
            _frame(2, b"\x00\xff"),
            _frame(8, (4001).to_bytes(2) + b"enough"),
        ),
    )

    async def work() -> None:
        async with opened(up) as client:
            found = await _socket(client, up.url)
            assert found.subprotocol == "a"
            heard = [await found.receive() for _ in range(5)]
            assert heard[:3] == ["one", "two", b"\x00\xff"]
            assert heard[3] == heard[4] == Closed(4001, "enough")
            await found.send("to nobody")
            await found.close()

    run(work())
    assert up.requests[0].headers["x"] == "y"


def test_what_is_no_upgrade_is_told_with_its_body(run: Run, up: Upstream) -> None:
    up.on(None, tell(403, {"error": "no"}))

    async def work() -> None:
        async with opened(up) as client:
            with pytest.raises(Rejected) as rejected:
                await _socket(client, up.url)
            assert rejected.value.response.status == 403
            assert rejected.value.response.body == b'{"error": "no"}'

    run(work())


def test_faults_are_named(run: Run, up: Upstream) -> None:
    too_big = _upgraded(_frame(1, b"x" * (LONGEST + 1)))
    lies = _upgraded(b"\xff\xff\xff")

    async def work() -> None:
        async with opened(up) as client:
            for answer, error in (
                (garbage(), Garbled),
                (close(), Unreachable),
                (stall(), Timeout),
            ):
                up.on(None, answer)
                with pytest.raises(error):
                    await _socket(client, up.url, 0.3)
            for answer, code in ((too_big, TOO_BIG), (lies, 1002)):
                up.on(None, answer)
                found = await _socket(client, up.url)
                end = await found.receive()
                assert isinstance(end, Closed)
                assert end.code == code
                found.abort()

    run(work())


def test_a_closed_client_ends_its_sockets(run: Run, up: Upstream) -> None:
    up.on(None, _upgraded())

    async def work() -> None:
        async with opened(up) as client:
            found = await _socket(client, up.url)
        assert await found.receive() == Closed(LOST, "")
        with pytest.raises(Unreachable):
            await _socket(client, up.url)

    run(work())
