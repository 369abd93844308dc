"""/passthrough/{provider}/...: a provider's API as it is, for what is not translated.

Off until `providers.NAME.passthrough` says so. It opens every model of the account, so
a virtual key needs all models, or `NAME/*`, among its own.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from adapters.contract import Headers
from adapters.registry import DIALECTS
from gateway.accounts import Account, Accounts
from gateway.endpoints.table import Row
from gateway.endpoints.visit import Visit, VisitDoor
from gateway.errors import Refused
from gateway.spine.dispatch import Dispatch
from gateway.spine.forward import Errand, begin, pour, refusal, sendable
from gateway.telemetry.context import Propagation

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""HEAD comes with GET."""
ROOT: Final = b"passthrough"
PATH: Final = "/passthrough/{provider}/{path:path}"
SPOKEN: Final = {"anthropic": "anthropic.messages", "gemini": "gemini.generate"}
"""Family -> the dialect in which our own errors are told; the others': OpenAI's."""
_FREE: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
_DECODINGS: Final = 5
"""Times that a path is decoded in search of what it hides."""
_TARGET: Final = re.compile(rb"[\x21-\x7e]*").fullmatch


def rows(dispatch: Dispatch, propagation: Propagation, accounts: Accounts) -> list[Row]:
    """One route for each method."""

    async def handle(visit: Visit) -> None:
        await _pass(visit, accounts, propagation)

    door = VisitDoor(
        dispatch, propagation, DIALECTS["openai.chat"], "passthrough", PATH, handle
    )
    return [
        Row(
            method=method,
            path=PATH,
            endpoint=door,
            auth="key",
            recorded=True,
            summary="A provider's own API, as it is",
            tag="passthrough",
        )
        for method in METHODS
    ]


async def _pass(visit: Visit, accounts: Accounts, propagation: Propagation) -> None:
    exchange, name = visit.exchange, visit.parameters["provider"]
    account = _account(visit, accounts, name)
    exchange.dialect = DIALECTS[SPOKEN.get(account.provider.family, "openai.chat")]
    url = address(account.target.base_url, _rest(visit, name), query(visit))
    errand = Errand(
        visit.method,
        url,
        sendable(visit.headers, visit.key),
        upload=visit.upload() if visit.has_body else None,
    )
    if errand.upload is None:
        await visit.body()  # there is none, but its end starts the watch
    carried = await begin(exchange, account, errand, propagation)
    if carried.status >= 400:
        body = await refusal(exchange, carried)
        await visit.whole(carried.status, carried.headers, body)
        return
    headers = _relocated(carried.headers, account.target.base_url, name)
    try:
        await visit.start(carried.status, headers)
    except BaseException:
        carried.close()
        carried.book.cancelled()
        raise
    free = visit.method in _FREE
    await pour(exchange, carried, accounts, visit.write, free=free)
    await visit.end()


def _account(visit: Visit, accounts: Accounts, name: str) -> Account:
    account = accounts.passes(name)
    if account is None:
        raise Refused(
            404,
            "invalid_request_error",
            f"nothing is passed through to {name[:64]!r}: its operator would set "
            "`passthrough: true` under its name in `providers`",
            code="passthrough_off",
        )
    principal = visit.principal
    if not (principal.may_use(f"{name}/*") and principal.may_reach(account.id)):
        raise Refused(
            403,
            "permission_error",
            f"this key may not use the whole of {name!r}: it needs all models, or "
            f"`{name}/*`",
            code="passthrough_forbidden",
        )
    return account


def _rest(visit: Visit, name: str) -> bytes:
    """What follows the provider's name, as it was written."""
    raw: bytes = visit.scope["raw_path"].partition(b"?")[0]
    pieces = raw.split(b"/", 3)
    if len(pieces) != 4 or pieces[1] != ROOT or pieces[2] != name.encode():
        raise _bad("the path must begin with /passthrough/ and the provider's name")
    return pieces[3]


def query(visit: Visit) -> bytes:
    """The query without a key in it."""
    kept = [
        pair
        for pair in visit.scope["query_string"].split(b"&")
        if pair
        and pair.partition(b"=")[0] != b"key"
        and not (visit.key and visit.key in unquote_to_bytes(pair))
    ]
    return b"&".join(kept)


def address(base_url: str, rest: bytes, query: bytes) -> str:
    """The URL of a path below a base URL.

    Raises:
        Refused: the path could lead out of it, however servers read it.
    """
    decoded = rest
    for _ in range(_DECODINGS):
        _check(decoded)
        following = unquote_to_bytes(decoded)
        if following == decoded:
            break
        if following.count(b"/") != decoded.count(b"/"):
            raise _bad("an encoded slash")
        decoded = following
    else:
        raise _bad("a path that is encoded again and again")
    if _TARGET(rest) is None or _TARGET(query) is None or b"#" in rest + query:
        raise _bad("characters that no path has")
    base, _, fixed = base_url.partition("?")
    queries = "&".join(part for part in (fixed, query.decode()) if part)
    return f"{base.rstrip('/')}/{rest.decode()}" + (f"?{queries}" if queries else "")


def _check(path: bytes) -> None:
    if b"\\" in path or any(byte < 0x20 or byte == 0x7F for byte in path):
        raise _bad("a backslash or a control character")
    *inner, last = path.split(b"/")
    for segment in (*inner, last):
        if segment.partition(b";")[0].strip() in {b".", b".."}:
            raise _bad("a step to another folder")
    if b"" in inner:
        raise _bad("an empty segment")


def _bad(what: str) -> Refused:
    return Refused(
        400,
        "invalid_request_error",
        f"the path cannot be passed through: {what}",
        code="invalid_path",
    )


def _relocated(headers: Headers, base_url: str, name: str) -> Headers:
    """A redirect below the base URL leads through the gateway again."""
    base = base_url.encode() + b"/"
    ours = b"/passthrough/%b/" % name.encode()
    return tuple(
        (key, ours + value[len(base) :])
        if key == b"location" and value.startswith(base)
        else (key, value)
        for key, value in headers
    )
