"""The store that the configuration names."""

import asyncio
from pathlib import Path
from typing import Final

from gateway.config.schema import Config, StoreConfig
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


def files_folder(config: Config) -> Path | None:
    """Where files are kept; `None`: nowhere that outlives the process."""
    if config.files.folder:
        return Path(config.files.folder)
    if config.store.url.startswith(_FILE):
        return Path(config.store.url.removeprefix(_FILE) + ".files")
    return None
