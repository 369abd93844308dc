"""One table: any error a request can meet -> what the client is told.

Source of the rows: OpenAI's, Anthropic's and Google's error references; statuses that
SDKs retry by themselves (408, 409, 429, 5xx) are used only where a retry may help.
"""

from typing import Final, NamedTuple

from adapters import errors as upstream
from adapters.contract import Told


class Refused(Exception):
    """The gateway itself says no."""

    def __init__(
        self,
        status: int,
        type_: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        limits: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message)
        self.status, self.type, self.message = status, type_, message
        self.code, self.param, self.retry_after = code, param, retry_after
        self.limits = limits
        """Of routing, that left nobody to ask (`price`); empty: it was not these."""

    @property
    def kind(self) -> str:
        """The word for metrics and records."""
        return self.code or self.type


class Row(NamedTuple):
    """How a kind of error is told."""

    status: int
    type: str
    code: str | None
    """`None`: the provider's own code, if it gave one."""


TABLE: Final[dict[type[Exception], Row]] = {
    upstream.BadRequest: Row(400, "invalid_request_error", None),
    upstream.ContextWindow: Row(
        400, "invalid_request_error", "context_length_exceeded"
    ),
    upstream.ContentFilter: Row(400, "invalid_request_error", "content_filter"),
    upstream.ToolFailed: Row(400, "invalid_request_error", "tool_use_failed"),
    upstream.TooLarge: Row(413, "invalid_request_error", "request_too_large"),
    upstream.NotFound: Row(404, "invalid_request_error", "model_not_found"),
    # The refused credential is the gateway's, not the client's: never a 401.
    upstream.Unauthorized: Row(502, "authentication_error", "invalid_api_key"),
    upstream.Forbidden: Row(403, "permission_error", None),
    upstream.OutOfCredit: Row(429, "insufficient_quota", "insufficient_quota"),
    upstream.RateLimited: Row(429, "rate_limit_error", "rate_limit_exceeded"),
    upstream.Overloaded: Row(503, "server_error", "overloaded"),
    upstream.ServerError: Row(502, "server_error", None),
    upstream.Timeout: Row(504, "timeout", "timeout"),
    upstream.Unreachable: Row(502, "server_error", "upstream_unreachable"),
    upstream.Garbled: Row(502, "server_error", "upstream_protocol_error"),
    upstream.UpstreamError: Row(502, "server_error", None),
    upstream.Unsupported: Row(400, "invalid_request_error", "unsupported_parameter"),
    upstream.BadCall: Row(400, "invalid_request_error", None),
}

INTERNAL: Final = Row(500, "server_error", "internal_error")
HUNG_UP: Final = "client_hung_up"
MAX_MESSAGE: Final = 2000
"""Characters of a provider's message that are handed on."""


def row(error: Exception) -> Row:
    """The row of the error's nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in TABLE:
            return TABLE[kind]
    return INTERNAL


def tell(error: Exception, request_id: str = "") -> Told:
    """What to tell the client; an error outside the table is ours, and says nothing."""
    if isinstance(error, Refused):
        return Told(
            error.status,
            error.type,
            error.message,
            error.code,
            error.param,
            request_id,
            error.retry_after,
        )
    told = row(error)
    if told is INTERNAL:
        message = f"the gateway failed; its log has the rest under {request_id}"
        return Told(told.status, told.type, message, told.code, None, request_id)
    if isinstance(error, upstream.UpstreamError):
        return Told(
            402
            if isinstance(error, upstream.OutOfCredit) and error.status == 402
            else told.status,
            told.type,
            _message(error),
            told.code or error.code,
            error.param,
            request_id,
            error.retry_after,
        )
    param = getattr(error, "parameter", None) or getattr(error, "param", None)
    return Told(told.status, told.type, str(error), told.code, param, request_id)


def _message(error: upstream.UpstreamError) -> str:
    if isinstance(error, upstream.Unauthorized):
        # The provider's own words may echo a part of the key.
        return "the provider refused the gateway's credential; tell its operator"
    return error.message[:MAX_MESSAGE] or "the provider gave no reason"


def kind(error: BaseException) -> str:
    """The error's word for metrics and records: snake_case, a closed set."""
    if isinstance(error, Refused | upstream.UpstreamError):
        return error.kind
    if isinstance(error, upstream.Unsupported):
        return "unsupported_parameter"
    if isinstance(error, upstream.BadCall):
        return "bad_call"
    return "internal_error"
