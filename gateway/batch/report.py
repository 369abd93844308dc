"""What a batch leaves: the lines of its files, in OpenAI's or Anthropic's form."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from gateway.batch.caller import Said

MESSAGES: Final = "/v1/messages"
"""The endpoint whose batches are Anthropic's: one file of results, no other."""
_WHY: Final = {
    "cancelled": "This request was not run: the batch was cancelled.",
    "expired": "This request was not run before the batch expired.",
}
_encode: Final = msgspec.json.Encoder().encode


def result(endpoint: str, custom_id: str, said: Said) -> Raw:
    """The line of what was answered."""
    return Raw(_encode(_FORMS[endpoint == MESSAGES](custom_id, said)))


def undone(endpoint: str, custom_id: str, why: str) -> bytes:
    """The line of a request that was not run: `cancelled` or `expired`."""
    value: Mapping[str, Any]
    if endpoint == MESSAGES:
        kind = "canceled" if why == "cancelled" else why
        value = {"custom_id": custom_id, "result": {"type": kind}}
    else:
        error = {"code": f"batch_{why}", "message": _WHY[why]}
        value = {**_head(custom_id), "response": None, "error": error}
    return _encode(value)


def _openai(custom_id: str, said: Said) -> Mapping[str, Any]:
    response = {
        "status_code": said.status,
        "request_id": said.request_id,
        "body": Raw(said.body),
    }
    return {**_head(custom_id), "response": response, "error": None}


def _anthropic(custom_id: str, said: Said) -> Mapping[str, Any]:
    kind, name = ("succeeded", "message") if said.ok else ("errored", "error")
    return {"custom_id": custom_id, "result": {"type": kind, name: Raw(said.body)}}


def _head(custom_id: str) -> dict[str, Any]:
    return {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": custom_id}


_FORMS: Final[Mapping[bool, Callable[[str, Said], Mapping[str, Any]]]] = {
    False: _openai,
    True: _anthropic,
}
