"""Errors: google.rpc.Status off the wire -> `UpstreamError`; `Told` -> Status.

Source: cloud.google.com/apis/design/errors; google/rpc/error_details.proto;
ai.google.dev/gemini-api/docs/troubleshooting.
"""

from typing import Final

import msgspec
from msgspec import Raw

from adapters.contract import Headers, Told, WireResponse
from adapters.errors import (
    OutOfCredit,
    Unauthorized,
    UpstreamError,
)
from adapters.gemini.wire import BROKEN, GENERATE, NONE, encode, given
from adapters.phrases import classify
from adapters.retry_after import retry_after, seconds, should_retry

STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    410: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
"""HTTP status -> google.rpc.Code; other 4xx `INVALID_ARGUMENT`, 5xx `INTERNAL`."""

_TYPE: Final = "type.googleapis.com/google.rpc."
_SHOWN: Final = 500
"""Characters of a body that is no Status, shown as the message."""


class _Violation(msgspec.Struct, frozen=True, rename="camel"):
    quota_id: str | None = None
    quota_metric: str | None = None


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    type: str = msgspec.field(default="", name="@type")
    reason: str | None = None
    retry_delay: object = None
    violations: list[_Violation] | None = None


class _Status(msgspec.Struct, frozen=True):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: list[Raw] | None = None


class _Body(msgspec.Struct, frozen=True):
    error: Raw = NONE


_body = msgspec.json.Decoder(_Body)
_bodies = msgspec.json.Decoder(list[_Body])
_status = msgspec.json.Decoder(_Status)
_detail = msgspec.json.Decoder(_Detail)
_text = msgspec.json.Decoder(str)


def parse(response: WireResponse) -> UpstreamError:
    """Any answer that is no success; never raises."""
    error = _found(response.body)
    if error is None:
        shown = response.body[: _SHOWN * 4].decode(errors="replace").strip()[:_SHOWN]
        told = _Status(message=shown or f"HTTP {response.status} without a body")
    else:
        told = _read(error)
    return _make(told, response.status, response.headers, response.body)


def inner(error: Raw, body: bytes) -> UpstreamError:
    """An error that came inside a 200, or as an event of a stream."""
    told = _read(error)
    code = told.code if isinstance(told.code, int) else None
    return _make(told, code, (), body)


def _found(body: bytes) -> Raw | None:
    """The `error` of a body, which may be the only element of an array."""
    try:
        if body.lstrip()[:1] == b"[":
            found = next((b.error for b in _bodies.decode(body) if b.error), NONE)
        else:
            found = _body.decode(body).error
    except BROKEN:
        return None
    return found if given(found) else None


def _read(error: Raw) -> _Status:
    try:
        return _status.decode(error)
    except BROKEN:
        pass
    try:
        return _Status(message=_text.decode(error))
    except BROKEN:
        return _Status(message=bytes(error)[:_SHOWN].decode(errors="replace"))


def _make(
    told: _Status, status: int | None, headers: Headers, body: bytes
) -> UpstreamError:
    message = told.message or told.status or "the provider gave no reason"
    details = _details(told.details or [])
    reason = next((d.reason for d in details if d.reason), None)
    kind = classify(status, message, reason or told.status, told.status)
    if reason in ("API_KEY_INVALID", "API_KEY_EXPIRED"):
        kind = Unauthorized
    elif status == 429 and _is_daily(details):
        kind = OutOfCredit
    wait = _delay(details)
    return kind(
        message,
        status=status,
        code=reason or told.status,
        type_=told.status,
        retry_after=retry_after(headers, status, message) if wait is None else wait,
        should_retry=should_retry(headers),
        body=body,
        dialect=GENERATE,
    )


def _details(raws: list[Raw]) -> list[_Detail]:
    found: list[_Detail] = []
    for raw in raws:
        try:
            found.append(_detail.decode(raw))
        except BROKEN:
            continue  # a detail of another form says nothing we would use
    return found


def _is_daily(details: list[_Detail]) -> bool:
    """Whether a quota per day is used up: waiting seconds will not help."""
    quotas = (
        v.quota_id or v.quota_metric or "" for d in details for v in d.violations or ()
    )
    return any("PerDay" in quota or "per_day" in quota for quota in quotas)


def _delay(details: list[_Detail]) -> float | None:
    """`RetryInfo.retryDelay` in seconds."""
    for detail in details:
        if isinstance(detail.retry_delay, str):
            wait = seconds(detail.retry_delay.encode(errors="replace"))
            if wait is not None:
                return max(0.0, wait)
    return None


def status(told: Told) -> dict[str, object]:
    """google.rpc.Status for a client; Google's SDK wants `error` to come first."""
    default = "INVALID_ARGUMENT" if told.status < 500 else "INTERNAL"
    details: list[object] = []
    if told.param and told.status < 500:
        violation = {"field": told.param, "description": told.message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    if told.retry_after is not None:
        delay = f"{max(0.0, told.retry_after):.9f}".rstrip("0").rstrip(".")
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{delay}s"})
    if told.request_id:
        details.append({"@type": f"{_TYPE}RequestInfo", "requestId": told.request_id})
    return {
        "error": {
            "code": told.status,
            "message": told.message,
            "status": STATUSES.get(told.status, default),
            "details": details,
        }
    }


def write(told: Told) -> bytes:
    """The body of an error."""
    return encode(status(told))
