"""An answer that is made while one asks for it: asked until it is there.

The deployment's own client asks, so the guard of addresses looks at every place that a
provider names; which of them may see our key, the family says. Waiting ends with the
attempt's deadline, or with the client.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.contract import Call, Stepwise, WireRequest, WireResponse
from adapters.errors import Timeout
from adapters.normal.image import ImageCall
from gateway.deployments import Deployment

PATIENCE: Final = 3
"""Answers in a row that say nothing of the work, only of who was asked for it."""
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


def stepwise(call: Call, deployment: Deployment) -> Stepwise | None:
    """The upstream, where it may answer this call in steps."""
    if not isinstance(call, ImageCall):
        return None
    upstream = deployment.upstream
    return upstream if isinstance(upstream, Stepwise) else None


async def followed(
    steps: Stepwise,
    wire: WireRequest,
    response: WireResponse,
    deployment: Deployment,
    ask: Callable[[WireRequest], Awaitable[WireResponse]],
    deadline: float,
) -> WireResponse:
    """The last answer, after `response` to `wire` was the first.

    Raises:
        UpstreamError: no answer, none in time, or one that names a wrong place.
    """
    bad, wait = 0, 0.0
    while True:
        if 200 <= response.status < 300:
            step = steps.following(wire, response, deployment.target)
            if step is None:
                return response
            bad, wire, wait = 0, step.wire, step.after_s
        else:
            bad += 1
            if not wait or response.status not in _PASSING or bad >= PATIENCE:
                return response
        if time.monotonic() + wait >= deadline:
            raise Timeout("the answer was not ready in time", code="total")
        await asyncio.sleep(wait)
        response = await ask(wire)
