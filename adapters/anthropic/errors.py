"""Anthropic's error bodies <-> `UpstreamError` and `Told`."""

from typing import Final

import msgspec

from adapters.anthropic.wire import DIALECT, Fault, encode
from adapters.contract import Told, WireResponse
from adapters.errors import UpstreamError
from adapters.phrases import classify
from adapters.retry_after import retry_after, should_retry

STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_WORDS: Final = {status: word for word, status in STATUSES.items()} | {
    408: "timeout_error",
    503: "overloaded_error",
}
_CONTEXT: Final = "prompt is too long"
_PREVIEW: Final = 500


class _Body(msgspec.Struct, frozen=True):
    error: Fault | str | None = None
    message: str = ""


def read(response: WireResponse) -> UpstreamError:
    """What an answer that is not 2xx says, whatever its body."""
    fault = _fault(response.body)
    message = fault.message or f"the provider answered {response.status}"
    kind = classify(response.status, message, "", fault.type)
    return kind(
        message,
        status=response.status,
        type_=fault.type or None,
        retry_after=retry_after(response.headers, response.status, message),
        should_retry=should_retry(response.headers),
        body=response.body,
        dialect=DIALECT,
    )


def of_event(fault: Fault | None, body: bytes) -> UpstreamError:
    """What an error inside a 200 says: an event of a stream, or a whole body."""
    fault = fault or Fault()
    message = fault.message or fault.type or "the provider sent an error"
    return classify(None, message, "", fault.type)(
        message,
        status=STATUSES.get(fault.type),
        type_=fault.type or None,
        body=body,
        dialect=DIALECT,
    )


def _fault(body: bytes) -> Fault:
    try:
        read_ = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # A page of a proxy in between, say.
        return Fault(message=body[:_PREVIEW].decode(errors="replace").strip())
    if isinstance(read_.error, Fault):
        return read_.error
    return Fault(message=read_.error or read_.message)


def write(told: Told) -> bytes:
    """The error body for a client."""
    word = _WORDS.get(told.status)
    if word is None:
        word = "api_error" if told.status >= 500 else "invalid_request_error"
    message = told.message
    if told.code == "context_length_exceeded" and _CONTEXT not in message.lower():
        # Clients compact their history when they read this phrase.
        message = f"{_CONTEXT}: {message}"
    body: dict[str, object] = {
        "type": "error",
        "error": {"type": word, "message": message},
    }
    if told.request_id:
        body["request_id"] = told.request_id
    return encode(body)
