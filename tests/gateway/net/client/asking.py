"""Shorthand of these tests."""

import asyncio

from adapters.contract import Headers, WireHead, WireRequest
from gateway.net.client import Limits

LIMITS = Limits(connect_s=2.0, first_token_s=5.0, idle_s=5.0)


def wire(
    url: str, body: bytes = b'{"a":1}', headers: Headers = (), method: str = "POST"
) -> WireRequest:
    head = WireHead(method, url, ((b"content-type", b"application/json"),))
    return WireRequest(head, body, headers)


def soon(seconds: float = 10.0) -> float:
    return asyncio.get_running_loop().time() + seconds
