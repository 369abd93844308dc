"""Errors of vendors with a grammar of their own, as recorded and documented, and what
the gateway must make of each."""

import json
from typing import Any

from tests.flow.error_rows import (
    AUTH,
    BAD,
    BUSY,
    CONTEXT,
    ILL,
    LARGE,
    LATE,
    MISSING,
    PAY,
    RATE,
    Row,
    Told,
)

_ID = "8bd5b608-887c-49f7-a6b3-d3bd5830c3de"


def _row(
    name: str,
    provider: str,
    status: int,
    body: Any,
    told: Told,
    headers: dict[str, str] | None = None,
) -> Row:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/plain" if isinstance(body, str) else "application/json"
    return Row(
        name, provider, status, {"content-type": kind, **(headers or {})}, raw, told
    )


def _cohere(message: str, **more: str) -> dict[str, str]:
    return {"id": _ID, "message": message, **more}


ROWS = [
    _row(
        "cohere, removed model",
        "cohere",
        404,
        _cohere("model 'command-r' was removed on September 15, 2025."),
        MISSING,
    ),
    _row(
        "cohere, too many tokens",
        "cohere",
        400,
        _cohere(
            "too many tokens: total number of tokens in the prompt cannot exceed 128000",
            error_type="TOO_MANY_TOKENS",
        ),
        CONTEXT,
    ),
    _row("cohere, key", "cohere", 401, _cohere("invalid api token"), AUTH),
    _row(
        "cohere, trial key",
        "cohere",
        429,
        _cohere("You are using a Trial key, which is limited to 20 API calls / minute"),
        RATE,
        {"retry-after": "1"},
    ),
    _row("cohere, ill", "cohere", 500, _cohere("internal server error"), ILL),
    _row(
        "cohere, field",
        "cohere",
        422,
        _cohere("invalid request: `k` must be between 0 and 500"),
        BAD,
    ),
    _row(
        "ollama, not pulled",
        "ollama",
        404,
        {"error": "model 'nonexistent-model:latest' not found"},
        MISSING,
    ),
    _row(
        "ollama, busy",
        "ollama",
        503,
        {"error": "server busy, please try again. maximum pending requests exceeded"},
        BUSY,
    ),
    _row(
        "ollama, context",
        "ollama",
        400,
        {"error": "the input length exceeds the context length"},
        CONTEXT,
    ),
    _row(
        "ollama, no tools",
        "ollama",
        400,
        {"error": "registry.ollama.ai/library/gemma3 does not support tools"},
        BAD,
    ),
    _row(
        "ollama, runner died",
        "ollama",
        500,
        {"error": "llama runner process has terminated: signal: killed"},
        ILL,
    ),
    _row(
        "hugging face, loading",
        "huggingface",
        503,
        {"error": "Model m is currently loading", "estimated_time": 0.5},
        BUSY._replace(cooldown=True),
    ),
    _row("hugging face, plain words", "huggingface", 404, "Not Found", MISSING),
    _row(
        "hugging face, credit",
        "huggingface",
        402,
        {"error": "You have exceeded your monthly included credits"},
        PAY,
    ),
    _row(
        "cloudflare, unknown model",
        "cloudflare",
        400,
        {
            "success": False,
            "errors": [{"code": 5007, "message": "No such model @cf/x or task"}],
            "result": {},
        },
        MISSING,
    ),
    _row(
        "cloudflare, no capacity",
        "cloudflare",
        429,
        {
            "success": False,
            "errors": [{"code": 3040, "message": "No more data centers: no capacity"}],
        },
        RATE,
    ),
    _row(
        "replicate, key",
        "replicate",
        401,
        {
            "title": "Unauthenticated",
            "detail": "You did not pass a valid authentication token",
            "status": 401,
        },
        AUTH,
    ),
    _row(
        "replicate, credit",
        "replicate",
        402,
        {
            "title": "Insufficient credit",
            "detail": "You have insufficient credit to run this model.",
            "status": 402,
        },
        PAY,
    ),
    _row(
        "replicate, throttled",
        "replicate",
        429,
        {
            "detail": "Request was throttled. Expected available in 1 second.",
            "status": 429,
        },
        RATE,
    ),
    _row(
        "replicate, not ready",
        "replicate",
        201,
        {"id": "p", "status": "starting", "output": None},
        LATE,
    ),
    _row(
        "replicate, failed",
        "replicate",
        201,
        {"id": "p", "status": "failed", "error": "CUDA out of memory"},
        ILL,
    ),
    _row(
        "mistral, field",
        "mistral",
        422,
        {
            "object": "error",
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "foo"],
                        "msg": "Extra inputs are not permitted",
                    }
                ]
            },
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        BAD,
    ),
    _row(
        "mistral, too large",
        "mistral",
        413,
        {"message": "request entity too large"},
        LARGE,
    ),
]
