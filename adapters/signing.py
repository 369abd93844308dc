"""The headers that say who we are to a provider."""

from typing import Final

from adapters.contract import Headers, Target, WireHead
from adapters.errors import Unauthorized

JSON: Final = ((b"content-type", b"application/json"),)
MOST_HEADS: Final = 64
"""Addresses of a target whose heads are kept: clients may name any voice."""


def auth_headers(target: Target) -> Headers:
    """The credential as `provider.auth` wants it carried; nothing without one.

    Raises:
        Unauthorized: the credential holds a character that no header can carry.
    """
    auth, key = target.provider.auth, target.credential.strip()
    if auth == "none" or not key:
        return ()
    if not key.isprintable():
        raise Unauthorized("the credential holds a control character", code="local")
    if auth == "bearer":
        return ((b"authorization", b"Bearer " + key.encode()),)
    name, _, word = auth.partition(":")
    value = f"{word.strip()} {key}" if word else key
    return ((name.lower().encode(), value.encode()),)


def headers(*groups: Headers) -> Headers:
    """All of them, lower case; of the same name the last one stands."""
    merged: dict[bytes, bytes] = {}
    for group in groups:
        for name, value in group:
            merged[name.lower()] = value
    return tuple(merged.items())


def head(target: Target, url: str, own: Headers = JSON) -> WireHead:
    """The head of what is posted to an address, which always has the same `own` lines;
    made once, as a rule."""
    found = target.heads.get(url)
    if found is None:
        lines = headers(own, auth_headers(target), target.headers)
        found = WireHead("POST", url, lines)
        if len(target.heads) < MOST_HEADS:
            target.heads[url] = found
    return found
