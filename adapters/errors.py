"""What a provider can do to us, and what no provider of a family can be asked.

* UpstreamError
  x BadRequest        the provider refused the call itself; another one will too
    x ContextWindow   the conversation is too long for this model
    x ContentFilter   the provider's policy refused the content
    x ToolFailed      the model wrote a tool call that cannot be read
    x TooLarge        the body is too large for this provider
    x Uncounted       the provider does not count tokens for this model
  x NotFound          the provider does not know the model or deployment
  x Unauthorized      our credential is wrong; others of this model may work
  x Forbidden         our credential may not do this: region, model access
  x OutOfCredit       paid quota is used up, until `retry_after` or a top-up
  x RateLimited       come back after `retry_after`
  x Overloaded        the provider is ill or busy (503, 529): cool it down
  x ServerError       the provider failed (500, 502, 504, 424)
  x Timeout           no answer in time; it may still have been billed
  x Unreachable       no connection, or one that was reset
  x Garbled           the answer is not what the provider documents

* Unsupported         a family has no words for what the call asks (a 400, ours)

An `UpstreamError` says what happened, never what to do about it: whether to retry,
fall back or cool down is decided in one place, `gateway.spine.remedy`.
"""

from typing import ClassVar


class UpstreamError(Exception):
    """A provider answered with an error, or not at all."""

    kind: ClassVar[str] = "upstream_error"
    """A stable snake_case word for logs, metrics and records."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        type_: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        body: bytes = b"",
        dialect: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """HTTP status of the provider; `None` when there was no answer."""
        self.code = code
        """The provider's own error code, verbatim."""
        self.type = type_
        """The provider's own error type, verbatim."""
        self.param = param
        self.retry_after = retry_after
        """Seconds from now, as the provider asked; `None` when it did not."""
        self.should_retry = should_retry
        """The provider's explicit `x-should-retry`; `None` when it did not say."""
        self.body = body
        """The answer as it came; a door of `dialect` may hand it on."""
        self.dialect = dialect


class BadRequest(UpstreamError):
    """The provider refused the call itself."""

    kind = "bad_request"


class ContextWindow(BadRequest):
    """The conversation does not fit the model's context window."""

    kind = "context_window"


class ContentFilter(BadRequest):
    """The provider's content policy refused the call."""

    kind = "content_filter"


class ToolFailed(BadRequest):
    """The model produced a tool call that the provider could not read."""

    kind = "tool_failed"


class TooLarge(BadRequest):
    """The body is too large for the provider."""

    kind = "too_large"


class Uncounted(BadRequest):
    """The provider counts tokens, but not this model's."""

    kind = "uncounted"


class NotFound(UpstreamError):
    """The provider does not know the model, deployment or path."""

    kind = "not_found"


class Unauthorized(UpstreamError):
    """The provider refused our credential."""

    kind = "unauthorized"


class Forbidden(UpstreamError):
    """Our credential is known, but may not do this."""

    kind = "forbidden"


class OutOfCredit(UpstreamError):
    """The account behind our credential has no money or quota left."""

    kind = "out_of_credit"


class RateLimited(UpstreamError):
    """The provider asks us to slow down."""

    kind = "rate_limited"


class Overloaded(UpstreamError):
    """The provider cannot serve at the moment."""

    kind = "overloaded"


class ServerError(UpstreamError):
    """The provider failed."""

    kind = "server_error"


class Timeout(UpstreamError):
    """The provider did not answer in time; `code` names the limit that ran out."""

    kind = "timeout"


class Unreachable(UpstreamError):
    """No connection to the provider, or one that it reset."""

    kind = "unreachable"


class Garbled(UpstreamError):
    """The answer does not follow the provider's own documentation."""

    kind = "garbled"


class Unsupported(ValueError):
    """The family cannot express what the call asks, and dropping it would mislead.

    Raised by `Upstream.build_request`; `parameter` is the client's own name for it.
    """

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter


class ByAddress(Unsupported):
    """The family takes this only by its data, and the call names an address: whoever
    can fetch it may ask again."""


class BadCall(ValueError):
    """The client's body is not a call of its dialect; `param` is where."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
