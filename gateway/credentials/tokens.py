"""A token that is fetched once for all who wait, and renewed before it ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from adapters.contract import Headers, WireRequest
from adapters.errors import Timeout, Unauthorized, UpstreamError
from gateway.telemetry.redact import Redactor

AHEAD_S: Final = 300.0
"""How long before its end a token is renewed while it is still used..."""
AHEAD_SHARE: Final = 0.25
"""... or, of one that lives shortly, this share of its life."""
MARGIN_S: Final = 10.0
"""A token is not used in its last seconds: it must arrive, too."""
FETCH_S: Final = 30.0
"""Longest that fetching one may take."""
PAUSE_S: Final = 1.0
"""After a failure, before it is fetched again; doubles up to `PAUSE_MAX_S`."""
PAUSE_MAX_S: Final = 60.0
SPARE_S: Final = 30.0
"""A provider that refuses good tokens has no more than one fetched in this time."""

_log = logging.getLogger(__name__)


class Token(NamedTuple):
    """What an issuer gave."""

    value: str
    lives_s: float
    """From now."""


Fetch = Callable[[], Awaitable[Token]]
"""Asks the issuer; raises `UpstreamError`."""


class Passing:
    """A secret on the way to a token, each time another one."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._last = ""

    def now(self, secret: str) -> str:
        """The same, known to the redactor in place of the last."""
        self._redactor.learn(secret, forget=self._last)
        self._last = secret
        return secret


class Tokens:
    """The token of one credential. Nothing runs while nobody asks."""

    def __init__(
        self,
        identity: str,
        fetch: Fetch,
        redactor: Redactor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._fetch = fetch
        self._redactor = redactor
        self._clock = clock
        self._token = ""
        self._known = ""
        """The one before: requests signed with it may still be told of."""
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._failure: UpstreamError | None = None
        self._pause_s = 0.0
        self._again_at = 0.0
        self._spared_until = 0.0
        self._task: asyncio.Task[None] | None = None

    async def get(self) -> str:
        """A token that is good now.

        Raises:
            UpstreamError: there is none, and the issuer did not give one.
        """
        now = self._clock()
        if now < self._renew_at:
            return self._token
        if now < self._ends_at:
            if now >= self._again_at:
                self._start()  # nobody waits for it
            return self._token
        if self._task is not None or now >= self._again_at:
            self._start()
            assert self._task is not None
            await asyncio.shield(self._task)
        if self._clock() < self._ends_at:
            return self._token
        raise _again(self._failure)

    def refused(self, value: str) -> bool:
        """The provider refused this token: whether another one may be had."""
        if value != self._token or not self._ends_at:  # replaced, or dropped already
            return True
        now = self._clock()
        if now < self._spared_until:
            return False
        self._spared_until = now + SPARE_S
        self._renew_at = self._ends_at = self._again_at = 0.0
        return True

    async def aclose(self) -> None:
        """End a fetch under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        """Never raises but when cancelled: waiters look at what it left."""
        try:
            async with asyncio.timeout(FETCH_S):
                token = await self._fetch()
        except TimeoutError:
            self._failed(Timeout(f"no token for {self.identity} in {FETCH_S:g} s"))
        except UpstreamError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - who waits is told, and the log
            kind = type(error).__name__
            self._failed(Unauthorized(f"no token for {self.identity}: {kind}"))
        else:
            self._keep(token)
        finally:
            self._task = None

    def _keep(self, token: Token) -> None:
        now = self._clock()
        self._redactor.learn(token.value, forget=self._known)
        self._known, self._token = self._token, token.value
        ahead = min(AHEAD_S, token.lives_s * AHEAD_SHARE)
        margin = min(MARGIN_S, ahead / 2)
        self._renew_at = now + token.lives_s - ahead
        self._ends_at = now + token.lives_s - margin
        self._failure, self._pause_s, self._again_at = None, 0.0, 0.0

    def _failed(self, error: UpstreamError) -> None:
        now = self._clock()
        error.message = self._redactor.text(error.message)
        self._failure = error
        self._pause_s = min(self._pause_s * 2 or PAUSE_S, PAUSE_MAX_S)
        self._again_at = now + self._pause_s
        _log.warning(
            "credential not renewed",
            extra={
                "credential": self.identity,
                "error": error.kind,
                "error_message": error.message,
                "left_s": round(max(self._ends_at - now, 0.0), 1),
                "again_in_s": self._pause_s,
            },
        )


class Bearer:
    """Signs with a token, as `authorization: Bearer` or in another header."""

    def __init__(
        self,
        tokens: Tokens,
        header: bytes = b"authorization",
        scheme: bytes = b"Bearer ",
    ) -> None:
        self.identity = tokens.identity
        self._tokens = tokens
        self._header = header
        self._scheme = scheme

    async def sign(self, wire: WireRequest) -> WireRequest:
        value = self._scheme + (await self._tokens.get()).encode()
        headers = (*wire.headers, (self._header, value))
        return msgspec.structs.replace(wire, headers=headers)

    def refused(self, wire: WireRequest, status: int, headers: Headers) -> bool:
        if status != 401:
            return False
        sent = dict(wire.headers)[self._header].removeprefix(self._scheme)
        return self._tokens.refused(sent.decode())

    async def aclose(self) -> None:
        await self._tokens.aclose()


def _again(error: UpstreamError | None) -> UpstreamError:
    """The same for one more who waited: an exception belongs to who raised it."""
    if error is None:
        return Unauthorized("the credential was lost while it was waited for")
    return type(error)(
        error.message, status=error.status, code=error.code, type_=error.type
    )
