"""The store that the configuration names."""

import asyncio
from typing import Final

from gateway.config.schema import StoreConfig
from gateway.store.contract import Store, StoreError
from gateway.store.memory import MemoryStore
from gateway.store.sqlite import SqliteStore

_FILE: Final = "sqlite:///"


async def open_store(config: StoreConfig) -> Store:
    """A store, ready to be asked.

    Raises:
        StoreError: it cannot be opened; says why and what to do.
    """
    url = config.url
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix(_FILE)
    if not url.startswith(_FILE) or not path or path == ":memory:":
        raise StoreError(
            f"store.url {url!r} must be `memory:` or `sqlite:///path/to/file.db`"
        )
    store = SqliteStore(path, fsync=config.fsync)
    await asyncio.to_thread(store.open)
    return store
