"""AWS Signature Version 4: a request, signed by a pair of keys for one instant.

The signature covers method, path, query, the host, all headers that say something and
the SHA-256 of the body. Whoever sends the request must not change any of these after;
what it adds (tracing headers, `content-length`) is not covered.

Source: docs.aws.amazon.com, IAM, "Create a signed AWS API request". A path is encoded
once as it is sent, and once more for the signature (S3 alone does not).
"""

import hashlib
import hmac
import re
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from adapters.contract import Headers, WireRequest

ALGORITHM: Final = "AWS4-HMAC-SHA256"

_SAFE: Final = "-_.~"
_PORTS: Final = {"http": 80, "https": 443}
_SPACES: Final = re.compile(r" +")
_UNSIGNED: Final = frozenset(
    {b"authorization", b"user-agent", b"connection", b"expect", b"x-amzn-trace-id"}
    | {b"traceparent", b"tracestate", b"content-length", b"transfer-encoding"}
    | {b"te", b"keep-alive", b"proxy-connection", b"upgrade", b"trailer"}
)
"""Headers that those between us and the provider may change."""


class Keys(msgspec.Struct, frozen=True):
    """A pair of keys; `token` where they are of a session."""

    id: str
    secret: str
    token: str = ""


class Scope(msgspec.Struct, frozen=True):
    """Where a signature holds."""

    region: str
    service: str


def sign(
    wire: WireRequest, keys: Keys, scope: Scope, now: datetime, *, bind: bool = False
) -> WireRequest:
    """The request with the headers that sign it. `now` is in UTC; AWS takes five
    minutes for a difference of clocks.

    `bind`: also send the body's digest as `x-amz-content-sha256`.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(wire.body).hexdigest()
    added: list[tuple[bytes, bytes]] = [(b"x-amz-date", stamp.encode())]
    if keys.token:
        added.append((b"x-amz-security-token", keys.token.encode()))
    if bind:
        added.append((b"x-amz-content-sha256", digest.encode()))
    own = {b"authorization", *(name for name, _ in added)}
    head = wire.head
    if any(name.lower() in own for name, _ in head.headers):
        head = msgspec.structs.replace(head, headers=_without(head.headers, own))
    kept = (*_without(wire.headers, own), *added)
    names, lines = _canonical_headers(head.url, (*head.headers, *kept))
    request = "\n".join(
        (
            head.method,
            canonical_path(head.url),
            canonical_query(head.url),
            *lines,
            "",
            names,
            digest,
        )
    )
    place = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, place, _sha256(request)))
    signature = hmac.digest(
        _key(keys.secret, stamp[:8], scope), text.encode(), "sha256"
    ).hex()
    told = (
        f"{ALGORITHM} Credential={keys.id}/{place}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    headers = (*kept, (b"authorization", told.encode()))
    return msgspec.structs.replace(wire, head=head, headers=headers)


def canonical_path(url: str) -> str:
    """The path as it is signed: `.`, `..` and empty segments resolved, then encoded
    once more."""
    path = urlsplit(url).path or "/"
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    closed = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return quote("/" + "/".join(kept) + closed, safe="/" + _SAFE)


def canonical_query(url: str) -> str:
    """The parameters, sorted by name, then by value. What is encoded stays so."""
    pairs = [pair.partition("=") for pair in urlsplit(url).query.split("&") if pair]
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((_once(n), _once(v)) for n, _, v in pairs)
    )


def _once(text: str) -> str:
    return quote(text, safe=_SAFE + "%")


def _canonical_headers(url: str, headers: Headers) -> tuple[str, list[str]]:
    """Their names, and a line for each."""
    found: dict[str, list[str]] = {"host": [_host(url)]}
    for name, value in headers:
        if name.lower() not in _UNSIGNED and name.lower() != b"host":
            key = name.decode("latin-1").lower()
            # The bytes are what is signed, whatever they mean.
            found.setdefault(key, []).append(value.decode("utf-8", "surrogateescape"))
    names = sorted(found)
    return ";".join(names), [f"{name}:{_joined(found[name])}" for name in names]


def _joined(values: list[str]) -> str:
    return ",".join(_SPACES.sub(" ", value.strip()) for value in values)


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    bare, _, port = host.rpartition(":")
    if port.isdigit() and _PORTS.get(parts.scheme) == int(port):
        return bare
    return host


def _without(headers: Headers, names: set[bytes]) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() not in names)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
