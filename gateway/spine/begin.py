"""An exchange begins: its ids, its trace, its instants."""

import re
import time
from typing import Final

from adapters.contract import Dialect
from gateway.spine.exchange import Exchange
from gateway.spine.ids import made
from gateway.telemetry.context import Propagation

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.\-]{1,128}").fullmatch


def begin(
    headers: dict[bytes, bytes],
    propagation: Propagation,
    route: str,
    dialect: Dialect,
    operation: str,
) -> Exchange:
    """The exchange that a request opens, now."""
    trace = propagation.begin(headers.get(b"traceparent"), headers.get(b"tracestate"))
    began_unix_ns = time.time_ns()
    id = made(began_unix_ns, trace.span_id)
    asked = headers.get(b"x-request-id")
    return Exchange(
        id=id,
        request_id=asked.decode() if asked and _REQUEST_ID(asked) else id,
        route=route,
        dialect=dialect,
        operation=operation,
        headers=headers,
        trace=trace,
        began=time.monotonic(),
        began_unix_ns=began_unix_ns,
    )
