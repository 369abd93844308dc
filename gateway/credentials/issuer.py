"""Asking the servers that give tokens: JSON over the gateway's own client."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from adapters.contract import Headers, WireHead, WireRequest, WireResponse
from adapters.errors import (
    Garbled,
    RateLimited,
    ServerError,
    Unauthorized,
    Unreachable,
    UpstreamError,
)
from gateway.credentials.tokens import FETCH_S, Token
from gateway.net.client import Client, Limits

LIMITS: Final = Limits(5.0, 20.0, 20.0)
LONGEST: Final = 400
"""Characters of an issuer's own words that are handed on."""
_FORM: Final = (b"content-type", b"application/x-www-form-urlencoded")
_JSON: Final = (b"content-type", b"application/json")


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL that the operator named: allowed though private."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


class Issuer:
    """One or several such servers, for one credential."""

    def __init__(self, client: Client, hint: str = "") -> None:
        """`hint`: what to tell the operator when nobody answers there."""
        self._client = client
        self._hint = hint

    async def token(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Headers = (),
    ) -> Token:
        """What an OAuth token endpoint gives (RFC 6749, section 5.1).

        Raises:
            UpstreamError: it refused, failed or cannot be reached.
        """
        told = await self.json(method, url, form=form, headers=headers)
        value, lives = told.get("access_token"), told.get("expires_in", 3600)
        try:
            return Token(_text(value), float(lives))
        except (TypeError, ValueError):
            raise Garbled(f"{_host(url)} gave something else than a token") from None

    async def json(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Headers = (),
    ) -> dict[str, Any]:
        """A JSON object. Raises `UpstreamError`."""
        body = await self.data(method, url, form=form, json=json, headers=headers)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise Garbled(f"{_host(url)} did not answer in JSON") from None

    async def data(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Headers = (),
    ) -> bytes:
        """The body of a 2xx answer. Raises `UpstreamError`."""
        body = b""
        if form is not None:
            body, headers = urlencode(form).encode(), (*headers, _FORM)
        elif json is not None:
            body, headers = msgspec.json.encode(json), (*headers, _JSON)
        head = WireHead(method, url, ((b"accept", b"application/json"), *headers))
        deadline = asyncio.get_running_loop().time() + FETCH_S
        try:
            response = await self._client.ask(WireRequest(head, body), LIMITS, deadline)
        except Unreachable as error:
            if self._hint:
                error.message = f"{self._hint} ({error.message})"
            raise
        if 200 <= response.status < 300:
            return response.body
        raise refusal(_host(url), response)


def refusal(host: str, response: WireResponse) -> UpstreamError:
    """An issuer's own error, in the words of providers' errors."""
    kind: type[UpstreamError] = Unauthorized
    if response.status == 429:
        kind = RateLimited
    elif response.status >= 500:
        kind = ServerError
    said = _said(response.body)
    message = f"{host} gives no token ({response.status})"
    return kind(f"{message}: {said}" if said else message, status=response.status)


def _said(body: bytes) -> str:
    """`error` and `error_description` (RFC 6749, section 5.2), or Google's Status."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return body[:LONGEST].decode(errors="replace").strip()
    if not isinstance(told, dict):
        return ""
    error = told.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("status")
    words = [w for w in (error, told.get("error_description")) if isinstance(w, str)]
    return ": ".join(words)[:LONGEST]


def _text(value: object) -> str:
    """A token: text that a header can carry."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError
    return value


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
