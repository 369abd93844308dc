"""Signs what a deployment sends, just before it is sent; once more when refused."""

import asyncio
from typing import Final

import msgspec

from adapters.contract import Headers, WireRequest, WireResponse
from adapters.errors import Timeout
from gateway.credentials.contract import Signer
from gateway.net.client import Limits
from gateway.net.hangup import unsent
from gateway.net.loopback import Answer, Asker
from gateway.net.upload import Upload, gathered

REFUSED: Final = frozenset({401, 403})


class Signing:
    """An `Asker` in front of another one. Deployments with a key do without it."""

    def __init__(self, client: Asker, signer: Signer) -> None:
        self._client = client
        self._signer = signer

    async def ask(
        self, wire: WireRequest, limits: Limits, deadline: float, extra: Headers = ()
    ) -> WireResponse:
        """As the client's; further raises what `Signer.sign` does."""
        signed = await self._sign(wire, deadline)
        response = await self._client.ask(signed, limits, deadline, extra)
        if response.status in REFUSED and self._signer.refused(
            signed, response.status, response.headers
        ):
            signed = await self._sign(wire, deadline)
            response = await self._client.ask(signed, limits, deadline, extra)
        return response

    async def open(
        self,
        wire: WireRequest,
        limits: Limits,
        deadline: float,
        extra: Headers = (),
        upload: Upload | None = None,
    ) -> Answer:
        """As the client's; further raises what `Signer.sign` does. What is signed
        may be the body: it is read whole first."""
        if upload is not None:
            wire = msgspec.structs.replace(wire, body=await gathered(upload))
        signed = await self._sign(wire, deadline)
        reply = await self._client.open(signed, limits, deadline, extra)
        if reply.status in REFUSED and self._signer.refused(
            signed, reply.status, reply.headers
        ):
            reply.close()
            signed = await self._sign(wire, deadline)
            reply = await self._client.open(signed, limits, deadline, extra)
        return reply

    async def _sign(self, wire: WireRequest, deadline: float) -> WireRequest:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._signer.sign(wire)
        except TimeoutError:
            message = "no credential came in time"
            raise Timeout(message, code="total") from None
        except asyncio.CancelledError:
            raise unsent() from None
