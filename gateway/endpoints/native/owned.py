"""Whose an object at a provider is, and where it is.

Clients see the provider's own ids, so that what names them elsewhere (a file in a
conversation) needs no translation; the store knows which key an id was given to, and
another key's ids do not exist.
"""

from typing import Final

import msgspec

from gateway.endpoints.files import unkept
from gateway.store.contract import Store, StoreError

SPACE: Final = "objects"
"""Of the store: `owner/kind/id` -> `Place`."""
LONGEST: Final = 512
"""Characters of an id."""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an object is."""

    account: str
    """See `gateway.accounts`."""
    url: str = ""
    """Where it goes on, for uploads under way."""
    owner: str = ""
    """Whose it is, where its name does not tell."""


_decode: Final = msgspec.json.Decoder(Place).decode
_encode: Final = msgspec.json.Encoder().encode


class Objects:
    """The map. Raises `Refused` (503) where the store fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(
        self,
        owner: str,
        kind: str,
        id: str,
        place: Place,
        ttl_s: float | None = None,
    ) -> None:
        """An object that the provider gave to this owner."""
        if id and len(id) <= LONGEST:
            name = f"{owner}/{kind}/{id}"
            try:
                await self._store.put(SPACE, name, _encode(place), ttl_s)
            except StoreError as error:
                raise unkept(error) from error

    async def find(self, owner: str, kind: str, id: str) -> Place | None:
        """Where the owner's object is; `None`: it has no such."""
        if not id or len(id) > LONGEST:
            return None
        try:
            data = await self._store.get(SPACE, f"{owner}/{kind}/{id}")
        except StoreError as error:
            raise unkept(error) from error
        return None if data is None else _decode(data)

    async def drop(self, owner: str, kind: str, id: str) -> None:
        """It is no more."""
        try:
            await self._store.delete(SPACE, f"{owner}/{kind}/{id}")
        except StoreError as error:
            raise unkept(error) from error
