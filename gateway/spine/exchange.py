"""One request from door to door: the only mutable thing on the way.

Filled in from top to bottom, read once at the end (`facts`).
"""

from typing import Final

import msgspec

from adapters.contract import Call, Dialect
from adapters.errors import UpstreamError
from adapters.framing import multipart
from adapters.normal.media import File
from adapters.normal.usage import Usage
from gateway.deployments import Alias, Deployment
from gateway.govern.principal import Principal
from gateway.spine.ids import owned
from gateway.telemetry.facts import Attempt, Facts, Trace
from routing.types import NO_WISHES, Plan, Query, Wishes

MAX_TEXT: Final = 256
"""Characters of a client's or provider's words in the record."""


_UNDECIDED: Query | None = None


class Exchange:
    """What is known of a request so far. Instants are monotonic seconds."""

    __slots__ = (
        "alias",
        "asked",
        "attempts",
        "began",
        "began_unix_ns",
        "call",
        "chunks",
        "content",
        "cost_nano",
        "deadline",
        "dialect",
        "dropped",
        "error",
        "fetched",
        "first_token",
        "first_token_limit",
        "headers",
        "hung_up",
        "hurried",
        "id",
        "learned_from",
        "operation",
        "output_chars",
        "pinned",
        "plan",
        "principal",
        "query",
        "request_id",
        "response",
        "response_bytes",
        "response_id",
        "route",
        "served_by",
        "served_model",
        "serving",
        "status",
        "stop",
        "trace",
        "tries",
        "upstream_headers",
        "usage",
        "wishes",
    )

    def __init__(
        self,
        *,
        id: str,
        request_id: str,
        route: str,
        dialect: Dialect,
        operation: str,
        headers: dict[bytes, bytes],
        trace: Trace,
        began: float,
        began_unix_ns: int,
    ) -> None:
        self.id = id
        self.request_id = request_id
        """The client's own, when it sent a well-formed one; else `id`."""
        self.route = route
        self.dialect = dialect
        self.operation = operation
        """An `Operation`, or a word for what is no model call."""
        self.headers = headers
        """Of the client: lower-case names, last value wins."""
        self.trace = trace
        self.began = began
        self.began_unix_ns = began_unix_ns
        self.call: Call | None = None
        self.asked = ""
        """The model as the client named it."""
        self.principal: Principal | None = None
        self.alias: Alias | None = None
        self.serving: Alias | None = None
        """The alias that answers: the one asked for, or a fallback."""
        self.deadline = 0.0
        """When the whole exchange must be over."""
        self.hurried = False
        """The client set the deadline."""
        self.first_token_limit: float | None = None
        """Seconds, where the client set one."""
        self.pinned = ""
        """The account that holds what the call refers to: no other is asked."""
        self.plan: Plan | None = None
        self.wishes, self.query = NO_WISHES, _UNDECIDED
        self.attempts: list[Attempt] = []
        self.tries = 0
        """Attempts until the one that serves, itself included."""
        self.served_by: Deployment | None = None
        self.served_model = self.response_id = ""
        self.upstream_headers: tuple[tuple[bytes, bytes], ...] = ()
        self.dropped: tuple[str, ...] = ()
        self.usage: Usage | None = None
        self.cost_nano: int | None = 0
        self.stop: list[str] = []
        self.first_token = 0.0
        self.output_chars = self.chunks = self.response_bytes = self.status = 0
        self.error: BaseException | None = None
        self.fetched: dict[str, File] | None = None  # by address; see `fetch`
        self.hung_up = False
        self.content = self.learned_from = False
        """Keep for the record the bodies; of the prompt what can be learned from."""
        self.response = bytearray()

    def admit(self, who: Principal) -> None:
        """It is theirs, and its id says so."""
        id, self.principal = self.id, who
        self.id = owned(id, who.id)
        if self.request_id == id:
            self.request_id = self.id

    def inner(self, call: Call, alias: Alias, wishes: Wishes) -> "Exchange":
        """One of several calls by which this one is answered: the same client and key,
        its own attempts, plan and cost."""
        inner = Exchange(
            id=self.id,
            request_id=self.request_id,
            route=self.route,
            dialect=self.dialect,
            operation=self.operation,
            headers=self.headers,
            trace=self.trace,
            began=self.began,
            began_unix_ns=self.began_unix_ns,
        )
        inner.call, inner.alias, inner.wishes = call, alias, wishes
        inner.principal, inner.asked = self.principal, alias.name
        inner.deadline, inner.hurried = self.deadline, self.hurried
        return inner

    def facts(self, ended: float, error_kind: str) -> Facts:
        """What is left of it for the record."""
        call, served, alias = self.call, self.served_by, self.alias
        error = self.error
        # By position: in the order of the tuple, and at half the cost of names.
        return Facts(
            self.id,
            self.began_unix_ns,
            self.began,
            self.first_token,
            ended,
            self.route,
            self.dialect.name,
            str(self.operation),
            self.asked[:MAX_TEXT],
            alias is not None,
            call is not None and call.stream,
            self.principal.id if self.principal is not None else "",
            call.user[:MAX_TEXT] if call is not None else "",
            self.status,
            error_kind,
            _message(error),
            served.id if served is not None else "",
            served.provider.id if served is not None else "",
            self.served_model or (served.target.model if served is not None else ""),
            self.response_id[:MAX_TEXT],
            tuple(self.stop),
            self.usage,
            self.cost_nano,
            tuple(self.attempts),
            self.plan,
            self.dropped,
            self.trace,
            call.max_tokens if call is not None else None,
            len(call.raw) if call is not None else 0,
            self.response_bytes,
            self.chunks,
            _content(call) if self.content and call is not None else b"",
            bytes(self.response),
            call if self.learned_from and self.plan is not None else None,
        )


def _content(call: Call) -> bytes:
    """A body for the record; of a form its fields, and of its files their sizes."""
    if not call.boundary:
        return call.raw
    return msgspec.json.encode(
        [
            (part.name, str(part.data, "utf-8", "replace"))
            if part.filename is None
            else (part.name, part.filename, part.content_type, len(part.data))
            for part in multipart.read(call.raw, call.boundary)
        ]
    )


def _message(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, UpstreamError):
        return error.message
    return str(error)
