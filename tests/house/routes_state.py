"""Routes to providers' own objects and APIs: the part of the inventory that needs a
provider behind it. That each is recorded is proved where it is driven (`tests/flow`)."""

from typing import Final

OPENAI: Final = {
    "uploads": ("POST ", "POST /{id}/{rest}"),
    "videos": (
        *("POST ", "GET ", "GET /{id}", "DELETE /{id}", "POST /{id}"),
        *("GET /{id}/{rest}", "POST /{id}/{rest}"),
    ),
    "fine_tuning/jobs": (
        *("POST ", "GET ", "GET /{id}", "GET /{id}/{rest}", "POST /{id}/{rest}"),
    ),
    "vector_stores": (
        *("POST ", "GET ", "GET /{id}", "POST /{id}", "DELETE /{id}"),
        *("GET /{id}/{rest}", "POST /{id}/{rest}", "DELETE /{id}/{rest}"),
    ),
}
GEMINI: Final = {
    "/v1beta/files": ("GET ", "GET /{id}", "DELETE /{id}"),
    "/download/v1beta/files": ("GET /{id}",),
    "/upload/v1beta/files": ("POST ", "PUT "),
    "/upload/v1beta/fileSearchStores": ("POST /{id}", "PUT /{id}"),
    "/v1beta/cachedContents": (
        *("POST ", "GET ", "GET /{id}", "PATCH /{id}", "DELETE /{id}"),
    ),
    "/v1beta/fileSearchStores": (
        *("POST ", "GET ", "GET /{id}", "DELETE /{id}", "POST /{id}"),
        *("GET /{id}/{rest}", "DELETE /{id}/{rest}"),
    ),
}


def _spelled(paths: "dict[str, tuple[str, ...]]", prefix: str) -> list[tuple[str, str]]:
    return [
        (method, f"{prefix}{path}{tail}")
        for path, routes in paths.items()
        for method, _, tail in (route.partition(" ") for route in routes)
    ]


NATIVE: Final = [*_spelled(OPENAI, "/v1/"), *_spelled(GEMINI, "")]
"""What lives at providers."""

ROUTES: Final = {
    # (method, path): (auth, recorded)
    (method, "/passthrough/{provider}/{path}"): ("key", True)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
} | {
    **dict.fromkeys(NATIVE, ("key", True)),
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
    ("GET", "/v1/responses"): ("key", True),
    (
        "GET",
        "/ws/google.ai.generativelanguage.{version}.GenerativeService"
        ".BidiGenerateContent",
    ): ("key", True),
}
"""WebSockets: a plain request is told to upgrade, whoever asks."""
ALL: Final = ROUTES | SOCKETS
