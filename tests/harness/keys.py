"""Virtual keys in the store of a running gateway, without the command line."""

import asyncio
from collections.abc import Sequence

from gateway.govern import keys
from gateway.store.sqlite import SqliteStore
from tests.harness.gateway import Running


def mint(running: Running, name: str, models: Sequence[str] | None = None) -> str:
    """The secret of a new key."""

    async def make() -> str:
        store = SqliteStore(str(running.folder / "routeiq.db"))
        store.open()
        try:
            return (await keys.create(store, name=name, models=models)).secret
        finally:
            await store.close()

    return asyncio.run(make())
