"""Files that the gateway keeps for its clients: bytes in a folder, the rest in the
store.

A file is there when its document is: bytes are written first, and whole, and go last.
What a crash leaves without a document is swept.
"""

import asyncio
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway.store.contract import Store

SPACE: Final = "files"
"""Of the store: `owner/id` -> `Kept`."""
ORPHAN_S: Final = 3600.0
"""Age at which bytes without a document are nobody's."""
PIECE: Final = 256 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_\-]{1,128}").fullmatch

Clock = Callable[[], float]


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file as the store has it."""

    id: str
    bytes: int
    created_at: int
    """Unix seconds."""
    filename: str
    purpose: str
    expires_at: int | None = None


class Full(Exception):
    """There is no more room in the folder."""


_decode: Final = msgspec.json.Decoder(Kept).decode
_encode: Final = msgspec.json.Encoder().encode


class Files:
    """Every owner's files. `total_bytes` bounds all of them together."""

    def __init__(
        self, store: Store, folder: Path, total_bytes: int, clock: Clock = time.time
    ) -> None:
        self._store = store
        self._folder = folder
        self._total = total_bytes
        self._clock = clock

    async def add(
        self,
        owner: str,
        pieces: AsyncIterator[bytes | memoryview],
        *,
        filename: str,
        purpose: str,
        ttl_s: float | None = None,
        id: str = "",
    ) -> Kept:
        """Keep a file, under `id` if one is given: a second one replaces the first.

        Raises:
            Full, StoreError, OSError: nothing was kept.
        """
        id = id or new_id("file-", self._clock())
        path = self._path(owner, id)
        draft = path.with_name(f".{id}.{secrets.token_hex(4)}")
        size = 0
        try:
            file = await asyncio.to_thread(_open, draft)
            room = self._total - await asyncio.to_thread(self._used)
            with file:
                async for piece in pieces:
                    size += len(piece)
                    if size > room:
                        raise Full(f"{max(room, 0)} bytes are free")
                    await asyncio.to_thread(file.write, piece)
                await asyncio.to_thread(_settle, file)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        kept = Kept(
            id=id,
            bytes=size,
            created_at=int(self._clock()),
            filename=filename,
            purpose=purpose,
            expires_at=None if ttl_s is None else int(self._clock() + ttl_s),
        )
        await self._store.put(SPACE, f"{owner}/{id}", _encode(kept), ttl_s)
        return kept

    async def find(self, owner: str, id: str) -> Kept | None:
        """One of the owner's files. Raises `StoreError`."""
        if not _NAME(id):
            return None
        data = await self._store.get(SPACE, f"{owner}/{id}")
        return None if data is None else _decode(data)

    async def all(self, owner: str) -> list[Kept]:
        """The owner's files, oldest first. Raises `StoreError`."""
        return [_decode(data) async for _, data in self._store.scan(SPACE, f"{owner}/")]

    async def delete(self, owner: str, id: str) -> bool:
        """Forget a file; whether there was one. Raises `StoreError`."""
        if not _NAME(id) or not await self._store.delete(SPACE, f"{owner}/{id}"):
            return False
        await asyncio.to_thread(self._path(owner, id).unlink, missing_ok=True)
        return True

    async def read(self, owner: str, kept: Kept) -> bytes:
        """All of it. Raises `OSError`."""
        return await asyncio.to_thread(self._path(owner, kept.id).read_bytes)

    async def pieces(self, owner: str, kept: Kept) -> AsyncIterator[bytes]:
        """Its bytes, a piece at a time. Raises `OSError`."""
        file = await asyncio.to_thread(self._path(owner, kept.id).open, "rb")
        try:
            while data := await asyncio.to_thread(file.read, PIECE):
                yield data
        finally:
            file.close()

    async def sweep(self) -> None:
        """Drop the bytes of files that have expired or were never finished."""
        live = {name async for name, _ in self._store.scan(SPACE)}
        await asyncio.to_thread(self._sweep, live)

    def _path(self, owner: str, id: str) -> Path:
        if not _NAME(owner) or not _NAME(id):
            raise FileNotFoundError(id)
        return self._folder / owner / id

    def _used(self) -> int:
        return sum(each.stat().st_size for each in self._there())

    def _there(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (path for path in self._folder.glob("*/*") if path.is_file())

    def _sweep(self, live: set[str]) -> None:
        oldest = self._clock() - ORPHAN_S
        for path in self._there():
            name = f"{path.parent.name}/{path.name}"
            if name not in live and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _open(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def _settle(file: BinaryIO) -> None:
    """What was acknowledged survives a power cut."""
    file.flush()
    os.fsync(file.fileno())


async def one(data: bytes | memoryview) -> AsyncIterator[bytes | memoryview]:
    """A whole as its only piece."""
    yield data


def new_id(prefix: str, now: float) -> str:
    """An id that sorts by time and cannot be guessed."""
    return f"{prefix}{int(now * 1000):012x}{secrets.token_hex(10)}"
