"""What to do about an upstream error: the one place that decides.

Source of the rows: the error taxonomy that gateways and SDKs converged on; each row
says whether the same deployment may be tried again, whether another one may, and how
long this one is left alone.
"""

from typing import Final, Literal, NamedTuple

from adapters import errors
from adapters.errors import UpstreamError

Fallback = Literal["none", "any", "context_window", "content_policy"]
Cooling = Literal["none", "failure", "rate_limit", "credential", "quota", "not_found"]


class Remedy(NamedTuple):
    """What an error calls for."""

    retry: bool
    """The same deployment may be tried again."""
    fallback: Fallback
    """Which other deployments may be tried."""
    cooling: Cooling
    """`failure` counts for the circuit breaker; the others pause at once."""


TABLE: Final[dict[type[UpstreamError], Remedy]] = {
    errors.BadRequest: Remedy(retry=False, fallback="none", cooling="none"),
    errors.ContextWindow: Remedy(
        retry=False, fallback="context_window", cooling="none"
    ),
    errors.ContentFilter: Remedy(
        retry=False, fallback="content_policy", cooling="none"
    ),
    errors.ToolFailed: Remedy(retry=True, fallback="any", cooling="none"),
    errors.TooLarge: Remedy(retry=False, fallback="none", cooling="none"),
    errors.NotFound: Remedy(retry=False, fallback="any", cooling="not_found"),
    errors.Unauthorized: Remedy(retry=False, fallback="any", cooling="credential"),
    errors.Forbidden: Remedy(retry=False, fallback="any", cooling="not_found"),
    errors.OutOfCredit: Remedy(retry=False, fallback="any", cooling="quota"),
    errors.RateLimited: Remedy(retry=True, fallback="any", cooling="rate_limit"),
    errors.Overloaded: Remedy(retry=True, fallback="any", cooling="failure"),
    errors.ServerError: Remedy(retry=True, fallback="any", cooling="failure"),
    errors.Timeout: Remedy(retry=True, fallback="any", cooling="failure"),
    errors.Unreachable: Remedy(retry=True, fallback="any", cooling="failure"),
    errors.Garbled: Remedy(retry=True, fallback="any", cooling="failure"),
}
_OTHER: Final = Remedy(retry=False, fallback="any", cooling="failure")


def remedy(error: UpstreamError) -> Remedy:
    """What `error` calls for; the provider's own `x-should-retry` overrides `retry`."""
    row = _OTHER
    for kind in type(error).__mro__:
        if kind in TABLE:
            row = TABLE[kind]
            break
    if error.should_retry is False:
        return row._replace(retry=False)
    if error.should_retry is True and row.cooling in {"none", "failure"}:
        return row._replace(retry=True)
    return row
