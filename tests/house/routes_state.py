"""Routes to providers' own objects and APIs: the part of the inventory that needs a
provider behind it. That each is recorded is proved where it is driven (`tests/flow`)."""

from typing import Final

ROUTES: Final = {
    # (method, path): (auth, recorded)
    (method, "/passthrough/{provider}/{path}"): ("key", True)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
} | {
    ("POST", "/v1/realtime/client_secrets"): ("key", True),
    ("POST", "/v1/files"): ("key", True),
    ("GET", "/v1/files"): ("key", True),
    ("GET", "/v1/files/{id}"): ("key", True),
    ("DELETE", "/v1/files/{id}"): ("key", True),
    ("GET", "/v1/files/{id}/content"): ("key", True),
    ("POST", "/v1/batches"): ("key", True),
    ("GET", "/v1/batches"): ("key", True),
    ("GET", "/v1/batches/{id}"): ("key", True),
    ("POST", "/v1/batches/{id}/cancel"): ("key", True),
    ("POST", "/v1/messages/batches"): ("key", True),
    ("GET", "/v1/messages/batches"): ("key", True),
    ("GET", "/v1/messages/batches/{id}"): ("key", True),
    ("DELETE", "/v1/messages/batches/{id}"): ("key", True),
    ("POST", "/v1/messages/batches/{id}/cancel"): ("key", True),
    ("GET", "/v1/messages/batches/{id}/results"): ("key", True),
}
SOCKETS: Final = {
    ("GET", "/v1/realtime"): ("key", True),
    (
        "GET",
        "/ws/google.ai.generativelanguage.{version}.GenerativeService"
        ".BidiGenerateContent",
    ): ("key", True),
}
"""WebSockets: a plain request is told to upgrade, whoever asks."""
ALL: Final = ROUTES | SOCKETS
