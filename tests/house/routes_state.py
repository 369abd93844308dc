"""Routes to providers' own objects and APIs: the part of the inventory that needs a
provider behind it. That each is recorded is proved where it is driven (`tests/flow`)."""

from typing import Final

ROUTES: Final = {
    # (method, path): (auth, recorded)
    (method, "/passthrough/{provider}/{path}"): ("key", True)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
} | {
    ("POST", "/v1/realtime/client_secrets"): ("key", True),
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
