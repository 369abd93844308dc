"""httpx clients for tests that ask from many threads."""

import ssl
import threading
from typing import Any, Final

import httpx

TRUSTING: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Takes any certificate. Made once: loading the authorities takes longer than a test's
whole conversation."""
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE

PATIENT: Final[dict[str, Any]] = {"verify": TRUSTING, "timeout": 60}
"""Of any httpx client here: the machine may be busy with other things for seconds."""


class Clients:
    """A client for each thread that asks for one; no connection is used twice.

    Threads must not share one: httpcore's pool (1.0.9) closes surplus connections by
    what they look like before a borrower has begun with them, so that one thread is
    closed under another ("Bad file descriptor").
    """

    def __init__(self, base_url: str = "") -> None:
        self._base_url = base_url
        self._own = threading.local()
        self._made: list[httpx.Client] = []

    def mine(self) -> httpx.Client:
        """This thread's."""
        client: httpx.Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = httpx.Client(
                base_url=self._base_url,
                **PATIENT,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
            self._made.append(client)
        return client

    def close(self) -> None:
        for client in self._made:
            client.close()
