"""Who is it, and may they."""

from typing import Final

from gateway.errors import Refused
from gateway.govern.keys import Keyring
from gateway.govern.principal import Principal
from gateway.store.contract import StoreError

_BEARER: Final = b"bearer "


def presented(headers: dict[bytes, bytes], query_key: bytes = b"") -> bytes:
    """The key a client presents, whatever its dialect's header; empty when none."""
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == _BEARER:
        return bearer[7:].strip()
    return (
        headers.get(b"x-api-key")
        or headers.get(b"x-goog-api-key")
        or headers.get(b"api-key")
        or query_key
    )


async def identify(keyring: Keyring, key: bytes) -> Principal:
    """The principal behind a key.

    Raises:
        Refused: 401, the same words for every key that does not work; 503 when keys
            cannot be looked up: nobody is let in unknown.
    """
    try:
        principal = keyring.known(key) or await keyring.find(key)
    except StoreError as error:
        raise Refused(
            503,
            "server_error",
            "keys cannot be looked up at the moment",
            code="store_unavailable",
            retry_after=1.0,
        ) from error
    if principal is None:
        raise Refused(
            401,
            "authentication_error",
            "no valid API key was presented: send one as `Authorization: Bearer`, "
            "`x-api-key` or `x-goog-api-key`",
            code="invalid_api_key",
        )
    return principal
