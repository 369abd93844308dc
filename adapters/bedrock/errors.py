"""AWS's error bodies and exceptions <-> `UpstreamError` and `Told`.

An error names its type in `x-amzn-errortype`, in `__type` of the body, or, within a
stream, in a header of its message; before the colon, if there is one.
"""

from typing import Final

import msgspec

from adapters.bedrock.wire import BROKEN, encode
from adapters.contract import Headers, Told, WireResponse
from adapters.errors import Uncounted, UpstreamError
from adapters.framing import eventstream
from adapters.framing.eventstream import Message
from adapters.phrases import classify
from adapters.retry_after import retry_after

STATUSES: Final = {
    "validationexception": 400,
    "servicequotaexceededexception": 400,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}
WORDS: Final = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
    502: "ModelErrorException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
_STREAMED: Final = {
    400: "validationException",
    429: "throttlingException",
    500: "internalServerException",
    503: "serviceUnavailableException",
}
"""Exceptions that a stream can tell; anything else is a `modelStreamErrorException`."""
_NO_SIGNATURE: Final = (
    "AWS SDKs send the key that stands in AWS_BEARER_TOKEN_BEDROCK; a signature made "
    "with access keys cannot be verified here"
)
_UNCOUNTED: Final = "support counting tokens"
"""CountTokens knows some models only. Source: github.com/maximhq/bifrost/pull/2169."""
_PREVIEW: Final = 500


class _Body(msgspec.Struct, frozen=True):
    message: str = ""
    capital: str = msgspec.field(default="", name="Message")
    kind: str = msgspec.field(default="", name="__type")
    original: str | None = msgspec.field(default=None, name="originalMessage")


def read(response: WireResponse) -> UpstreamError:
    """What an answer that is not 2xx says, whatever its body."""
    body = _body(response.body)
    told = response.header(b"x-amzn-errortype")
    kind = _bare(told.decode("latin-1") if told else body.kind)
    message = body.message or body.capital
    message = message or kind or f"the provider answered {response.status}"
    meant = classify(response.status, message, "", kind)
    if _UNCOUNTED in message:
        meant = Uncounted
    return meant(
        message,
        status=response.status,
        type_=kind or None,
        retry_after=retry_after(response.headers, response.status, message),
        body=response.body,
    )


def of_message(message: Message) -> UpstreamError:
    """What an exception or an error within a stream says."""
    headers = message.headers
    kind = headers.get(":exception-type") or headers.get(":error-code") or ""
    body = _body(message.payload)
    text = body.message or body.capital or headers.get(":error-message") or kind
    if body.original and body.original not in text:
        text = f"{text} ({body.original})"
    text = text or "the provider ended the stream with an error"
    return classify(None, text, "", _bare(kind))(
        text,
        status=STATUSES.get(_bare(kind).lower()),
        type_=_bare(kind) or None,
        body=message.payload,
    )


def write(told: Told) -> bytes:
    """The error body for a client; `__type` for SDKs that look for it there."""
    message = told.message
    if told.code == "invalid_api_key" and told.status == 401:
        message = f"{message}. {_NO_SIGNATURE}"
    return encode({"__type": word(told), "message": message})


def headers(told: Told) -> Headers:
    """The type, where AWS's SDKs look first; and the id they show."""
    pairs = [(b"x-amzn-errortype", word(told).encode())]
    if told.request_id:
        pairs.append((b"x-amzn-requestid", told.request_id.encode()))
    return tuple(pairs)


def word(told: Told) -> str:
    """The exception's name."""
    if told.status in WORDS:
        return WORDS[told.status]
    return "InternalServerException" if told.status >= 500 else "ValidationException"


def event(told: Told) -> bytes:
    """The exception that ends a stream for a client."""
    kind = _STREAMED.get(told.status, "modelStreamErrorException")
    body: dict[str, object] = {"message": told.message}
    if kind == "modelStreamErrorException":
        body |= {"originalStatusCode": told.status, "originalMessage": told.message}
    return eventstream.write(
        {
            ":exception-type": kind,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        encode(body),
    )


def _bare(kind: str) -> str:
    """`ValidationException:http://...` and `com.amazon.coral#ValidationException`."""
    return kind.partition(":")[0].rpartition("#")[2].strip()


def _body(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except BROKEN:
        # A page of a proxy in between, say.
        return _Body(message=body[:_PREVIEW].decode(errors="replace").strip())
