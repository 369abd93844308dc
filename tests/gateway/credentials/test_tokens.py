"""The cache of one token: one fetch for many, ahead of its end, paused when it fails."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from adapters.contract import WireHead, WireRequest
from adapters.errors import Unauthorized, Unreachable
from gateway.credentials.tokens import SPARE_S, Bearer, Token, Tokens
from gateway.telemetry.redact import Redactor

WIRE = WireRequest(WireHead("POST", "https://api.test/v1", ()), b"{}")


class Issuer:
    """Gives `token-1`, `token-2`, ... that live an hour, when it is let."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.redactor = Redactor()
        self.tokens = Tokens("tester", self.fetch, self.redactor, lambda: self.now)

    async def fetch(self) -> Token:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Token(f"token-{number}", 3600.0)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_many_who_wait_share_one_fetch() -> None:
    async def test() -> None:
        issuer = Issuer()
        issuer.gate.clear()
        waiting = [asyncio.create_task(issuer.tokens.get()) for _ in range(50)]
        await issuer.settle()
        issuer.gate.set()
        assert set(await asyncio.gather(*waiting)) == {"token-1"}
        assert issuer.asked == 1

    run(test())


def test_one_who_leaves_takes_nobody_with_it() -> None:
    async def test() -> None:
        issuer = Issuer()
        issuer.gate.clear()
        first = asyncio.create_task(issuer.tokens.get())
        second = asyncio.create_task(issuer.tokens.get())
        await issuer.settle()
        first.cancel()
        await issuer.settle()
        issuer.gate.set()
        assert await second == "token-1"

    run(test())


def test_a_token_is_renewed_ahead_while_the_old_one_serves() -> None:
    async def test() -> None:
        issuer = Issuer()
        assert await issuer.tokens.get() == "token-1"
        issuer.now += 3600 - 200
        issuer.gate.clear()
        assert [await issuer.tokens.get() for _ in range(9)] == ["token-1"] * 9
        issuer.gate.set()
        await issuer.settle()
        assert await issuer.tokens.get() == "token-2"
        assert issuer.asked == 2

    run(test())


def test_an_issuer_that_fails_ahead_is_paused_and_nobody_hears_of_it() -> None:
    async def test() -> None:
        issuer = Issuer()
        await issuer.tokens.get()
        issuer.error = Unreachable("down")
        issuer.now += 3600 - 200
        for _ in range(9):
            assert await issuer.tokens.get() == "token-1"
            await issuer.settle()
        assert issuer.asked == 2
        issuer.now += 1.5
        await issuer.tokens.get()
        await issuer.settle()
        assert issuer.asked == 3
        issuer.now += 1.5  # the pause has doubled
        await issuer.tokens.get()
        await issuer.settle()
        assert issuer.asked == 3

    run(test())


def test_without_a_token_all_get_the_error_and_an_issuer_has_its_pause() -> None:
    async def test() -> None:
        issuer = Issuer()
        issuer.error = Unreachable("no connection to issuer.test", code="connect")
        got = await asyncio.gather(
            *(issuer.tokens.get() for _ in range(20)), return_exceptions=True
        )
        assert {str(error) for error in got} == {"no connection to issuer.test"}
        assert len({id(error) for error in got}) == 20
        with pytest.raises(Unreachable):
            await issuer.tokens.get()
        assert issuer.asked == 1
        issuer.now += 1.5
        issuer.error = None
        assert await issuer.tokens.get() == "token-2"

    run(test())


def test_an_expired_token_is_not_used() -> None:
    async def test() -> None:
        issuer = Issuer()
        await issuer.tokens.get()
        issuer.now += 3600 - 5
        assert await issuer.tokens.get() == "token-2"

    run(test())


def test_a_refused_token_is_replaced_once_however_many_were_refused() -> None:
    async def test() -> None:
        issuer = Issuer()
        signer = Bearer(issuer.tokens)
        signed = await signer.sign(WIRE)
        assert dict(signed.headers) == {b"authorization": b"Bearer token-1"}
        assert [signer.refused(signed, 401, ()) for _ in range(9)] == [True] * 9
        again = [await signer.sign(WIRE) for _ in range(9)]
        assert {dict(w.headers)[b"authorization"] for w in again} == {b"Bearer token-2"}
        assert issuer.asked == 2
        assert not signer.refused(again[0], 401, ()), "no herd after a second refusal"
        issuer.now += SPARE_S + 1
        assert signer.refused(again[0], 401, ())

    run(test())


def test_a_403_is_no_matter_of_the_token() -> None:
    async def test() -> None:
        issuer = Issuer()
        signer = Bearer(issuer.tokens)
        assert not signer.refused(await signer.sign(WIRE), 403, ())

    run(test())


def test_the_redactor_knows_the_token_and_the_one_before() -> None:
    async def test() -> None:
        issuer = Issuer()
        for _ in range(3):
            await issuer.tokens.get()
            issuer.now += 4000
        said = issuer.redactor.text("token-1 token-2 token-3")
        assert said == "token-1 [redacted] [redacted]"

    run(test())


def test_a_source_that_breaks_is_an_error_to_who_waits() -> None:
    async def test() -> None:
        issuer = Issuer()
        issuer.error = RuntimeError("secret inside")
        with pytest.raises(Unauthorized, match="no token for tester: RuntimeError"):
            await issuer.tokens.get()

    run(test())


def test_closing_ends_a_fetch() -> None:
    async def test() -> None:
        issuer = Issuer()
        issuer.gate.clear()
        waiting = asyncio.create_task(issuer.tokens.get())
        await issuer.settle()
        await issuer.tokens.aclose()
        with pytest.raises((asyncio.CancelledError, Unauthorized)):
            await waiting

    run(test())
