"""Virtual keys: minted here, kept as hashes, looked up on every request.

A key is 256 random bits, so its plain SHA-256 is as good as any slow hash: there is
nothing to guess. The store holds one document per key under that hash; the secret
itself is shown once, at creation, and is nowhere after that.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from gateway.govern.principal import ANYONE, Principal
from gateway.store.contract import Store

SPACE: Final = "keys"
"""Of the store: hash (64 hex digits) -> `Kept`."""
PREFIX: Final = "sk-riq-"
MAX_SECRET: Final = 512
"""Bytes; anything longer is no key of anybody."""
MAX_CACHED: Final = 100_000
"""Keys remembered, known and unknown together."""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key as the store has it. No secret in it."""

    id: str
    name: str = ""
    preview: str = ""
    """First and last characters, to tell keys apart by eye."""
    models: list[str] | None = None
    """Aliases and wildcards; `None`: all."""
    created_unix_s: float = 0.0
    expires_unix_s: float | None = None
    metadata: dict[str, str] = {}


class Minted(msgspec.Struct, frozen=True):
    """A new key: the only time its secret is seen."""

    secret: str
    kept: Kept

    @property
    def id(self) -> str:
        return self.kept.id


_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


async def create(
    store: Store,
    *,
    name: str,
    models: Sequence[str] | None = None,
    expires_s: float | None = None,
    metadata: dict[str, str] | None = None,
    now: float | None = None,
) -> Minted:
    """Mint a key that lives `expires_s` seconds from `now` (Unix), or for ever."""
    now = time.time() if now is None else now
    secret = PREFIX + secrets.token_urlsafe(32)
    kept = Kept(
        id="key_" + secrets.token_hex(8),
        name=name,
        preview=f"{secret[: len(PREFIX) + 3]}...{secret[-3:]}",
        models=None if models is None else list(models),
        created_unix_s=now,
        expires_unix_s=None if expires_s is None else now + expires_s,
        metadata=metadata or {},
    )
    await store.put(SPACE, sha256(secret.encode()).hexdigest(), _encode(kept))
    return Minted(secret, kept)


async def list_keys(store: Store) -> list[Kept]:
    """Every key, oldest first."""
    found = [_decode(data) async for _, data in store.scan(SPACE)]
    return sorted(found, key=lambda kept: kept.created_unix_s)


async def revoke(store: Store, id: str) -> bool:
    """Forget a key; whether there was one of that id."""
    async for name, data in store.scan(SPACE):
        if _decode(data).id == id:
            return await store.delete(SPACE, name)
    return False


class Keyring:
    """Presented keys -> principals.

    `known` answers from memory, `find` asks the store; a key is believed, and a
    stranger disbelieved, for `cache_s` seconds, so a revoked key stops working within
    that. Everything is looked up by full SHA-256 digest, and compared once more in
    constant time: how long an answer takes tells nothing about near misses.
    """

    def __init__(
        self,
        store: Store,
        master: str,
        cache_s: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._open = not master
        self._master = sha256(master.encode()).digest()
        self._cache_s = cache_s
        self._monotonic = monotonic
        self._wall = wall
        self._seen: OrderedDict[bytes, tuple[Principal | None, float]] = OrderedDict()

    def known(self, presented: bytes) -> Principal | None:
        """The principal, if it can be told without the store."""
        if self._open:
            return ANYONE
        digest = sha256(presented).digest()
        if hmac.compare_digest(digest, self._master):
            return _MASTER
        seen = self._seen.get(digest)
        if seen is None or seen[1] <= self._monotonic():
            return None
        return seen[0]

    async def find(self, presented: bytes) -> Principal | None:
        """The principal; `None` when the key is unknown, expired or revoked.

        Raises:
            StoreError: it cannot be told; nobody is let in.
        """
        if not presented or len(presented) > MAX_SECRET:
            return None
        digest = sha256(presented).digest()
        now = self._monotonic()
        seen = self._seen.get(digest)
        if seen is not None and seen[1] > now:
            return seen[0]
        data = await self._store.get(SPACE, digest.hex())
        principal, until = None, now + self._cache_s
        if data is not None:
            kept = _decode(data)
            left = self._left(kept)
            if left > 0.0:
                principal, until = _principal(kept), min(until, now + left)
        self._seen[digest] = principal, until
        self._seen.move_to_end(digest)
        while len(self._seen) > MAX_CACHED:
            self._seen.popitem(last=False)
        return principal

    def _left(self, kept: Kept) -> float:
        """Seconds the key still lives."""
        if kept.expires_unix_s is None:
            return self._cache_s
        return kept.expires_unix_s - self._wall()


_MASTER: Final = Principal("master", "master", is_master=True)


def _principal(kept: Kept) -> Principal:
    if kept.models is None:
        return Principal(kept.id, kept.name)
    return Principal(
        kept.id,
        kept.name,
        frozenset(m for m in kept.models if "*" not in m),
        tuple(m for m in kept.models if "*" in m),
    )
