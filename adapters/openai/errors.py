"""What OpenAI-shaped providers answer when they refuse, in all its shapes.

Beside OpenAI's `{"error": {"message", "type", "param", "code"}}` vendors send (seen in
recordings, documented or reported, 2026): a string under `error` (xAI with `code`
beside it, HuggingFace, Ollama), `{"detail"}` as text or as FastAPI's list,
`{"message"}` with `type` and `code` beside it (Mistral, vLLM), `{"error_code",
"message"}` (Databricks), `{"code", "msg"}`, `{"errors": [...]}` (Cloudflare, watsonx),
a list around the object (Gemini's compatible surface), `{"base_resp"}` (MiniMax),
Azure's `innererror`, OpenRouter's `metadata`, HTML and nothing at all.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adapters import phrases
from adapters.contract import Headers, Told, WireResponse
from adapters.errors import Garbled, UpstreamError
from adapters.openai import finish, wire
from adapters.retry_after import retry_after, should_retry

Json = Mapping[str, Any]

LONGEST: Final = 2000
"""Characters of a body without structure that become the message."""
_MINIMAX: Final = {
    **dict.fromkeys(("1002", "1039", "1041", "2045"), "rate_limit_error"),
    **dict.fromkeys(("1004", "2049"), "authentication_error"),
    **dict.fromkeys(("1008", "2056"), "insufficient_quota"),
    **dict.fromkeys(("1026", "1027"), "content_filter"),
    **dict.fromkeys(("1042", "2013"), "invalid_request_error"),
    "1001": "timeout",
}
"""`base_resp.status_code` of MiniMax's error reference -> the word others use."""
_PLACES: Final = ("message", "msg", "detail", "error", "error_description", "reason")


def read(response: WireResponse) -> UpstreamError:
    """The error of an answer that is not 2xx."""
    try:
        body = wire.value.decode(response.body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        text = response.body[:LONGEST].decode(errors="replace").strip()
        return _error(_Found(text), response.status, response.headers, response.body)
    found = _found(body)
    return _error(found, response.status, response.headers, response.body)


def inside(body: Any, raw: bytes = b"") -> UpstreamError | None:
    """The error in a body that came with a 2xx, or in a stream; `None` without one."""
    if not isinstance(body, dict):
        return None
    base = body.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") not in (0, None):
        message = _text(base.get("status_msg")) or "the provider reports a failure"
        code = _text(base["status_code"])
        return _error(_Found(message, code, _MINIMAX.get(code, "")), None, (), raw)
    if body.get("success") is False and body.get("errors"):
        return _error(_found(body), None, (), raw)
    told = body.get("error")
    if not told and isinstance(body.get("choices"), list):
        told = next((e for c in body["choices"] if (e := _of_choice(c))), None)
        body = {"error": told}
    if told:
        return _error(_found(body), None, (), raw)
    if "choices" not in body and (body.get("detail") or body.get("object") == "error"):
        return _error(_found(body), None, (), raw)
    return None


def event(name: bytes, data: bytes) -> UpstreamError:
    """The error of an `event: error` whose data need not be JSON."""
    try:
        body = wire.value.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        body = data[:LONGEST].decode(errors="replace").strip()
    return inside(body, data) or _error(_found(body), None, (), data)


def write(told: Told) -> bytes:
    """OpenAI's error body."""
    error: dict[str, Any] = {
        "message": told.message,
        "type": told.type,
        "param": told.param,
        "code": told.code,
    }
    if told.request_id:
        error["request_id"] = told.request_id
    return wire.encode({"error": error})


class _Found(msgspec.Struct, frozen=True):
    """What a body says, wherever it says it."""

    message: str
    code: str = ""
    type: str = ""
    param: str = ""
    hints: str = ""
    """More words to tell the error's class by."""
    status: int | None = None
    headers: Headers = ()
    openai: bool = False
    """The body has OpenAI's own shape."""


def _of_choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return None
    if choice.get("error"):
        return choice["error"]
    word = choice.get("finish_reason")
    if isinstance(word, str) and finish.canonical(word) == "error":
        message = "the provider ended the answer with an error"
        return {"message": message, "type": "server_error"}
    return None


def _found(body: Any) -> _Found:
    if isinstance(body, list):
        body = body[0] if body else {}
    if isinstance(body, str):
        return _Found(body)
    if not isinstance(body, dict):
        return _Found("")
    error = body.get("error")
    if isinstance(error, dict):
        return _object(error, body, openai=True)
    errors = body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return _object(errors[0], body)
    return _object(body, {})


def _object(error: Json, around: Json, *, openai: bool = False) -> _Found:
    code = _text(error.get("code")) or _text(error.get("error_code"))
    code = code or _text(around.get("code"))
    kind = _text(error.get("type")) or _text(error.get("status"))
    kind = kind or _text(error.get("error_type"))
    inner = error.get("innererror")
    metadata = error.get("metadata")
    hints: list[str] = []
    headers: Headers = ()
    if isinstance(inner, dict):
        hints.append(_text(inner.get("code")))
        code = code or _text(inner.get("code"))
    if isinstance(metadata, dict):
        hints.append(_text(metadata.get("raw")))
        headers = _headers(metadata.get("headers"))
    failed = error.get("failed_generation")
    if failed and not code:
        code = "tool_use_failed"
    message = next((m for p in _PLACES if (m := _said(error.get(p)))), "")
    status = error.get("status_code", error.get("http_code"))
    return _Found(
        message,
        code,
        kind,
        _text(error.get("param")),
        " ".join(h for h in hints if h),
        status if isinstance(status, int) else None,
        headers,
        openai,
    )


def _said(found: Any) -> str:
    """A message: text, or FastAPI's list of them, or an object that holds one."""
    if isinstance(found, str):
        return found
    if isinstance(found, dict):
        return next((m for p in _PLACES if (m := _said(found.get(p)))), "")
    if isinstance(found, list):
        return "; ".join(_located(entry) for entry in found[:5])
    return ""


def _located(entry: Any) -> str:
    if not isinstance(entry, dict):
        return _text(entry)
    where = entry.get("loc")
    said = _said(entry.get("msg")) or _said(entry.get("message"))
    if isinstance(where, list) and where:
        return f"{'.'.join(_text(step) for step in where)}: {said}"
    return said


def _headers(found: Any) -> Headers:
    """OpenRouter hands on headers of the provider behind it."""
    if not isinstance(found, dict):
        return ()
    return tuple(
        (name.lower().encode(), _text(text).encode()) for name, text in found.items()
    )


def _error(
    found: _Found, status: int | None, headers: Headers, body: bytes
) -> UpstreamError:
    told = status
    if told is None and found.status is not None and found.status >= 400:
        told = found.status
    words = f"{found.message} {found.hints}".strip()
    kind = phrases.classify(told, words, found.code, found.type)
    wait = retry_after(headers + found.headers, told or _limited(kind), words)
    message = found.message
    if not message:
        answer = "nothing" if not body else "a body without a message"
        message = f"the provider answered {told or 'an error'} with {answer}"
    elif message.lstrip().startswith("<"):
        message = f"the provider answered {told} with a page of HTML"
    return kind(
        message,
        status=told,
        code=found.code or None,
        type_=found.type or None,
        param=found.param or None,
        retry_after=wait,
        should_retry=should_retry(headers),
        body=body,
        dialect=wire.CHAT if found.openai and status is not None else "",
    )


def _limited(kind: type[UpstreamError]) -> int | None:
    """In a stream there is no status; a rate limit still says when it ends."""
    return 429 if kind.kind == "rate_limited" else None


def _text(found: Any) -> str:
    if isinstance(found, str):
        return found
    if found is None or isinstance(found, bool):
        return ""
    return wire.encode(found).decode()


def garbled(what: str, body: bytes) -> Garbled:
    """A body that cannot be read as what it should be."""
    return Garbled(f"{what}: {body[:200].decode(errors='replace')}", body=body)
