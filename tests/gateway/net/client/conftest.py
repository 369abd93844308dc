import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from gateway.config.schema import Egress
from gateway.net.client import Client
from tests.harness.upstream import Upstream

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on either loop, and sees that it leaves no task behind."""

    def play(work: Coroutine[Any, Any, Any]) -> Any:
        async def watched() -> Any:
            result = await asyncio.wait_for(work, 30)
            left = set()
            for _ in range(20):  # httpx leaves closing of generators to the loop
                await asyncio.sleep(0)
                left = asyncio.all_tasks() - {asyncio.current_task()}
                if not left:
                    break
            assert not left, f"tasks left: {left}"
            return result

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(watched())

    return play


@pytest.fixture
def up() -> Iterator[Upstream]:
    """A provider; at the end of the test no connection to it may be open."""
    with Upstream() as upstream:
        yield upstream
        assert upstream.quiet(), "connections left open"


@asynccontextmanager
async def opened(
    up: Upstream | None = None, /, *, names: tuple[str, ...] = (), **egress: Any
) -> AsyncIterator[Client]:
    """A client that may reach the provider, closed at the end."""
    allow = [] if up is None else [(name, up.port) for name in (up.host, *names)]
    client = Client(Egress(**egress), allow_hosts=allow)
    try:
        yield client
    finally:
        await client.aclose()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
