"""What the loop leaves behind of an exchange: plain values, built into spans, metrics,
rows and log lines elsewhere, in a thread.

Nothing here may be expensive to make: the loop fills one `Facts` per exchange, at its
end, and never looks back. Structs that the collector does not follow: they are made and
read in half the time of named tuples.
"""

import msgspec

from adapters.contract import Call
from adapters.normal.usage import Usage
from routing.types import Plan


class Trace(msgspec.Struct, frozen=True, gc=False):
    """W3C trace context of an exchange. Ids are ints, as the OpenTelemetry SDK has
    them."""

    trace_id: int
    span_id: int
    """Of our server span."""
    parent_id: int
    """Of the caller's span; 0 when the trace begins here."""
    sampled: bool
    state: str = ""
    """`tracestate`, verbatim."""


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try of one deployment. Instants are monotonic seconds; 0.0: never came."""

    deployment: str
    provider: str
    model: str
    host: str
    port: int
    started: float
    first_token: float
    ended: float
    status: int
    """HTTP status of the provider; 0 when there was no answer."""
    error: str
    """`UpstreamError.kind`; empty when it served, `cancelled` for the loser of a
    hedge or a client that hung up."""
    message: str
    usage: Usage | None
    cost_nano: int | None
    span_id: int
    hedge: bool = False


class Facts(msgspec.Struct, frozen=True, gc=False):
    """One exchange, whole."""

    id: str
    began_unix_ns: int
    began: float
    """Monotonic seconds, the zero of all instants here."""
    first_token: float
    """Monotonic; 0.0 when nothing was answered."""
    ended: float
    route: str
    """The route's pattern, never the raw path."""
    dialect: str
    operation: str
    alias: str
    """As asked for; unknown names too: bound it before it labels anything."""
    known_alias: bool
    stream: bool
    key_id: str
    user: str
    status: int
    """What the client was told; 499 when it had hung up."""
    error: str
    """A kind out of `gateway.errors`; empty when it went well."""
    error_message: str
    served_by: str
    provider: str
    model: str
    """The provider's own model id, as its answer named it or as we asked."""
    response_id: str
    stop: tuple[str, ...]
    """Normal stop reasons, one per choice."""
    usage: Usage | None
    cost_nano: int | None
    """Nano-dollars, all attempts together; `None`: some price is unknown."""
    attempts: tuple[Attempt, ...]
    plan: Plan | None
    dropped: tuple[str, ...]
    trace: Trace
    max_tokens: int | None
    request_bytes: int
    response_bytes: int
    chunks: int
    """Pieces of a streamed answer."""
    request: bytes = b""
    """The client's body, only when content is recorded."""
    response: bytes = b""
    """The answer as the client got it, only when content is recorded."""
    asked: Call | None = None
    """The call itself, only when its prompt is to be learned from; the recorder makes
    `sketch` or `prompt` of it."""
    sketch: str = ""
    """See `routing.sketch`."""
    prompt: str = ""
    """What the user said last, redacted."""
