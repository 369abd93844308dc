"""What is remembered of responses, so that a client may name them.

A response of a provider that keeps it is a note of where it is; one that no provider
keeps is kept here, with its input, as long as `responses.keep_days` says. Nobody but
the key that made a response (and the master key) gets to know that it exists.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from msgspec import Raw

from adapters.openai.responses import history
from gateway.accounts import Account, Accounts
from gateway.errors import Refused
from gateway.govern.principal import Principal
from gateway.store.contract import Store, StoreError

Json = dict[str, Any]

SPACE: Final = "responses"
ITEMS: Final = "response_items"
"""Item id -> the id of the response that it is in, where a provider keeps it."""
LONGEST: Final = 1000
"""Responses that may follow one another."""


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One response."""

    owner: str
    """Id of the key that made it."""
    account: str = ""
    """Where it was made: see `gateway.accounts`."""
    native: bool = False
    """The provider keeps it; else we do."""
    previous: str = ""
    """The response that it follows, of those that we keep."""
    input: list[Json] = []
    """As listed; of this turn alone."""
    response: Raw = Raw(b"")
    """The object as the client was told it."""
    background: bool = False
    asked: str = ""
    """The call itself, as long as the gateway has it run in the background: another
    process can go on with it."""
    runs: int = 1
    """How often it was begun."""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Kept).decode


class _State(msgspec.Struct, frozen=True):
    status: str = ""


_state: Final = msgspec.json.Decoder(_State).decode


class Keeper:
    """The responses of all keys."""

    def __init__(self, store: Store, keep_s: float, accounts: Accounts) -> None:
        """`keep_s`: how long a response is remembered; 0: not at all."""
        self.store = store
        self.keep_s = keep_s
        self._accounts = accounts

    @property
    def keeps(self) -> bool:
        """Whether anything is remembered."""
        return self.keep_s > 0

    async def find(self, id: str, who: Principal) -> Kept | None:
        """The response, if there is one that is theirs."""
        kept = await self.get(id)
        return kept if kept is not None and owns(who, kept.owner) else None

    async def known(self, id: str) -> bool:
        """Whether it is anybody's."""
        return await self.get(id) is not None

    async def need(self, id: str, who: Principal) -> Kept:
        """The response.

        Raises:
            Refused: 404, the same for one that is another's.
        """
        kept = await self.find(id, who)
        if kept is None:
            raise unknown(id, "response_not_found", "id")
        return kept

    async def get(self, id: str) -> Kept | None:
        """The response, whose ever it is."""
        with unavailable():
            data = await self.store.get(SPACE, id)
        return None if data is None else _decode(data)

    async def put(self, id: str, kept: Kept) -> None:
        """Remember, or replace."""
        with unavailable():
            await self.store.put(SPACE, id, _encode(kept), self.keep_s)

    async def put_items(self, ids: list[str], response: str) -> None:
        """Remember where items are that a provider keeps."""
        with unavailable():
            for id in ids:
                data = response.encode()
                await self.store.put(ITEMS, id, data, self.keep_s)

    async def of_item(self, id: str) -> str:
        """The response that a provider's item is in; empty when nobody knows."""
        with unavailable():
            data = await self.store.get(ITEMS, id)
        return "" if data is None else data.decode()

    async def delete(self, id: str) -> None:
        """Forget."""
        with unavailable():
            await self.store.delete(SPACE, id)

    async def history(self, id: str, kept: Kept, who: Principal) -> list[Json]:
        """Everything that was said up to and including the response, as input.

        Raises:
            Refused: 404, a response on the way is gone.
        """
        chain = [kept]
        while chain[-1].previous:
            id = chain[-1].previous
            before = await self.find(id, who)
            if before is None or len(chain) > LONGEST:
                raise unknown(id, "previous_response_not_found", "previous_response_id")
            chain.append(before)
        items: list[Json] = []
        for one in reversed(chain):
            items += history.again(one.input)
            items += history.again(history.output(bytes(one.response)))
        return items

    def place(self, kept: Kept) -> Account:
        """The account that it was made with.

        Raises:
            Refused: 404, the configuration has none such any more.
        """
        found = self._accounts.marked(kept.account)
        if found is None:
            raise Refused(
                404,
                "invalid_request_error",
                "the provider that holds this response is no longer configured",
                code="provider_gone",
            )
        return found


def owns(who: Principal, owner: str) -> bool:
    """Whether something of `owner` is theirs to use."""
    return who.is_master or who.id == owner


def status(kept: Kept) -> str:
    """How far a response is."""
    return _state(kept.response).status


def unknown(id: str, code: str, param: str) -> Refused:
    """What is said of everything that is not there, or another's."""
    kind = "conversation" if id.startswith("conv_") else "response"
    message = f"there is no {kind} {id[:128]!r} that this key may use"
    return Refused(404, "invalid_request_error", message, code=code, param=param)


@contextmanager
def unavailable() -> Iterator[None]:
    """Says so when the store does not answer."""
    try:
        yield
    except StoreError as error:
        raise Refused(
            503,
            "server_error",
            "responses cannot be looked up or kept at the moment",
            code="store_unavailable",
            retry_after=1.0,
        ) from error
