"""Virtual keys: minted here, kept as hashes, looked up on every request.

A key is 256 random bits, so its plain SHA-256 is as good as any slow hash: there is
nothing to guess. The store holds one document per key under that hash; the secret
itself is shown once, at creation, and is nowhere after that.
"""

import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from gateway.govern.principal import ANYONE, Principal
from gateway.store.contract import Store

SPACE: Final = "keys"
"""Of the store: hash (64 hex digits) -> `Kept`."""
PREFIX: Final = "sk-riq-"
MAX_SECRET: Final = 512
"""Bytes; anything longer is no key of anybody."""
MAX_KNOWN: Final = 100_000
"""Keys that are remembered."""
MAX_STRANGERS: Final = 4096
"""Presented keys that are remembered to be nobody's: who tries many pushes out other
strangers, never a key."""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key as the store has it. No secret in it."""

    id: str
    name: str = ""
    preview: str = ""
    """First and last characters, to tell keys apart by eye."""
    models: list[str] | None = None
    """Aliases and wildcards; `None`: all."""
    providers: list[str] | None = None
    """Patterns of `provider/model-id` that its calls may be sent to; `None`: all."""
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


T = TypeVar("T")

_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


async def create(
    store: Store,
    *,
    name: str,
    models: Sequence[str] | None = None,
    providers: Sequence[str] | None = None,
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
        providers=None if providers is None else list(providers),
        created_unix_s=now,
        expires_unix_s=None if expires_s is None else now + expires_s,
        metadata=metadata or {},
    )
    await store.put(SPACE, sha256(secret.encode()).hexdigest(), _encode(kept))
    return Minted(secret, kept)


async def list_keys(store: Store) -> list[Kept]:
    """Every key, oldest first."""
    found = [kept async for _, kept in _all(store)]
    return sorted(found, key=lambda kept: kept.created_unix_s)


async def revoke(store: Store, id: str) -> bool:
    """Forget a key; whether there was one of that id."""
    async for name, kept in _all(store):
        if kept.id == id:
            return await store.delete(SPACE, name)
    return False


async def _all(store: Store) -> AsyncIterator[tuple[str, Kept]]:
    async for name, data in store.scan(SPACE):
        if (kept := _read(data)) is not None:
            yield name, kept


def _read(data: bytes) -> Kept | None:
    """`None` for what is no key's document: it opens nothing."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeError):
        return None


class Keyring:
    """Presented keys -> principals.

    `known` answers from memory, `find` asks the store; a key is believed, and a
    stranger disbelieved, for `cache_s` seconds, so a revoked key stops working within
    that. Everything is looked up by full SHA-256 digest, and compared once more in
    constant time: how long an answer takes tells nothing about near misses.

    Without a master key everyone may do everything, as `ANYONE`.
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
        self._known: OrderedDict[bytes, tuple[bytes, Principal, float]] = OrderedDict()
        """Digest -> the same, whose it is, until when (monotonic)."""
        self._strangers: OrderedDict[bytes, float] = OrderedDict()

    def known(self, presented: bytes) -> Principal | None:
        """The principal, if it can be told without the store."""
        if self._open:
            return ANYONE
        if len(presented) > MAX_SECRET:
            return None
        digest = sha256(presented).digest()
        if hmac.compare_digest(digest, self._master):
            return _MASTER
        seen = self._known.get(digest)
        if seen is None or seen[2] <= self._monotonic():
            return None
        return seen[1] if hmac.compare_digest(digest, seen[0]) else None

    async def find(self, presented: bytes) -> Principal | None:
        """The principal; `None` when the key is unknown, expired or revoked.

        Raises:
            StoreError: it cannot be told; nobody is let in.
        """
        principal = self.known(presented)
        if principal is not None or not presented or len(presented) > MAX_SECRET:
            return principal
        digest = sha256(presented).digest()
        now = self._monotonic()
        if self._strangers.get(digest, now) > now:
            return None
        data = await self._store.get(SPACE, digest.hex())
        kept = None if data is None else _read(data)
        left = self._cache_s if kept is None else self._left(kept)
        until = now + min(left, self._cache_s)
        if kept is None or left <= 0.0:
            self._known.pop(digest, None)
            _remember(self._strangers, digest, now + self._cache_s, MAX_STRANGERS)
            return None
        principal = _principal(kept)
        _remember(self._known, digest, (digest, principal, until), MAX_KNOWN)
        return principal

    async def by_id(self, id: str) -> Principal | None:
        """The principal of that id, for what is done in its name later; `None` when
        its key is no more, or would not be asked for an unknown one.

        Raises:
            StoreError: it cannot be told.
        """
        if self._open:
            return ANYONE
        if id == _MASTER.id:
            return _MASTER
        async for _, kept in _all(self._store):
            if kept.id == id:
                return _principal(kept) if self._left(kept) > 0.0 else None
        return None

    def _left(self, kept: Kept) -> float:
        """Seconds the key still lives."""
        if kept.expires_unix_s is None:
            return math.inf
        return kept.expires_unix_s - self._wall()


def _remember(cache: OrderedDict[bytes, T], digest: bytes, what: T, most: int) -> None:
    cache[digest] = what
    cache.move_to_end(digest)
    if len(cache) > most:
        cache.popitem(last=False)


_MASTER: Final = Principal("master", "master", is_master=True)


def _principal(kept: Kept) -> Principal:
    models = kept.models
    named = None if models is None else frozenset(m for m in models if "*" not in m)
    return Principal(
        kept.id,
        kept.name,
        named,
        tuple(m for m in models or () if "*" in m),
        providers=None if kept.providers is None else tuple(kept.providers),
    )
