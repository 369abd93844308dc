"""Errors as providers send them, and what the gateway must make of each.

The shapes are those of the vendors' error references and of recorded refusals; the
expectations are the taxonomy that `gateway.errors` and `gateway.spine.remedy` claim.
"""

import json
from typing import Any, NamedTuple


class Told(NamedTuple):
    """What the client is told, and what becomes of the deployment."""

    status: int
    type: str
    code: str | None
    retry: bool
    """The same deployment is tried again when it is the only one."""
    fallback: bool
    """Another deployment of the alias is tried."""
    cooldown: bool
    """It is left alone afterwards (when there is another)."""


class Row(NamedTuple):
    name: str
    provider: str
    status: int
    headers: dict[str, str]
    body: bytes
    told: Told


BAD = Told(400, "invalid_request_error", None, False, False, False)
CONTEXT = Told(
    400, "invalid_request_error", "context_length_exceeded", False, False, False
)
FILTER = Told(400, "invalid_request_error", "content_filter", False, False, False)
TOOL = Told(400, "invalid_request_error", "tool_use_failed", True, True, False)
LARGE = Told(413, "invalid_request_error", "request_too_large", False, False, False)
AUTH = Told(502, "authentication_error", "invalid_api_key", False, True, True)
FORBID = Told(403, "permission_error", None, False, True, True)
QUOTA = Told(429, "insufficient_quota", "insufficient_quota", False, True, True)
PAY = Told(402, "insufficient_quota", "insufficient_quota", False, True, True)
MISSING = Told(404, "invalid_request_error", "model_not_found", False, True, True)
RATE = Told(429, "rate_limit_error", "rate_limit_exceeded", True, True, True)
BUSY = Told(503, "server_error", "overloaded", True, True, False)
ILL = Told(502, "server_error", None, True, True, False)
LATE = Told(504, "timeout", "timeout", True, True, False)


def _row(
    name: str,
    provider: str,
    status: int,
    body: Any,
    told: Told,
    headers: dict[str, str] | None = None,
) -> Row:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/json" if raw[:1] in b"{[" else "text/html"
    return Row(
        name, provider, status, {"content-type": kind, **(headers or {})}, raw, told
    )


def _openai(message: str, type_: str, code: str | None = None, **more: Any) -> Any:
    return {
        "error": {
            "message": message,
            "type": type_,
            "param": None,
            "code": code,
            **more,
        }
    }


def _anthropic(type_: str, message: str) -> Any:
    return {
        "type": "error",
        "error": {"type": type_, "message": message},
        "request_id": "r",
    }


def _google(
    code: int, status: str, message: str, details: list[Any] | None = None
) -> Any:
    return {
        "error": {
            "code": code,
            "message": message,
            "status": status,
            "details": details or [],
        }
    }


_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
_PER_DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}

ROWS = [
    # --- OpenAI and those who copy it
    _row(
        "unknown parameter",
        "openai",
        400,
        _openai(
            "Unknown parameter: 'foo'.", "invalid_request_error", "unknown_parameter"
        ),
        BAD,
    ),
    _row(
        "unsupported value",
        "openai",
        400,
        _openai(
            "Unsupported value: 'temperature'",
            "invalid_request_error",
            "unsupported_value",
        ),
        BAD,
    ),
    _row(
        "unprocessable",
        "openai",
        422,
        {"detail": [{"loc": ["body"], "msg": "field required"}]},
        BAD,
    ),
    _row(
        "context by code",
        "openai",
        400,
        _openai(
            "This model's maximum context length is 8192 tokens.",
            "invalid_request_error",
            "context_length_exceeded",
        ),
        CONTEXT,
    ),
    _row(
        "context by words, vllm",
        "vllm",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However",
            "type": "BadRequestError",
            "code": 400,
        },
        CONTEXT,
    ),
    _row(
        "context, sglang",
        "sglang",
        400,
        {
            "object": "error",
            "message": "The input (9000 tokens) is longer than the model's context length (4096 tokens).",
        },
        CONTEXT,
    ),
    _row(
        "context, llama.cpp",
        "llama_cpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
            }
        },
        CONTEXT,
    ),
    _row(
        "context, tgi",
        "huggingface",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
            "error_type": "validation",
        },
        CONTEXT,
    ),
    _row(
        "context, cerebras",
        "cerebras",
        400,
        {
            "message": "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        },
        CONTEXT,
    ),
    _row(
        "context, perplexity",
        "perplexity",
        400,
        {
            "error": {
                "message": "Prompt too big",
                "type": "too_many_prompt_tokens",
                "code": 400,
            }
        },
        CONTEXT,
    ),
    _row(
        "context, openrouter",
        "openrouter",
        400,
        {
            "error": {
                "message": "This endpoint's maximum context length is 8192 tokens.",
                "code": 400,
            }
        },
        CONTEXT,
    ),
    _row(
        "filter, azure",
        "openai",
        400,
        _openai(
            "The response was filtered",
            None,
            "content_filter",  # type: ignore[arg-type]
            innererror={
                "code": "ResponsibleAIPolicyViolation",
                "content_filter_result": {},
            },
        ),
        FILTER,
    ),
    _row(
        "filter, openai images",
        "openai",
        400,
        _openai(
            "Your request was rejected as a result of our safety system.",
            "invalid_request_error",
            "content_policy_violation",
        ),
        FILTER,
    ),
    _row(
        "wrong key",
        "openai",
        401,
        _openai(
            "Incorrect API key provided: sk-abcd****",
            "invalid_request_error",
            "invalid_api_key",
        ),
        AUTH,
    ),
    _row(
        "wrong key, xai",
        "xai",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Incorrect API key provided: xa***xx.",
        },
        AUTH,
    ),
    _row("wrong key, mistral", "mistral", 401, {"detail": "Invalid API Key"}, AUTH),
    _row("wrong key, plain text", "together_ai", 401, b"Unauthorized", AUTH),
    _row(
        "no access",
        "openai",
        403,
        _openai(
            "Country, region, or territory not supported",
            "request_forbidden",
            "unsupported_country_region_territory",
        ),
        FORBID._replace(code="unsupported_country_region_territory"),
    ),
    _row(
        "no access, bare",
        "groq",
        403,
        _openai("not allowed", "permissions_error"),
        FORBID,
    ),
    _row(
        "quota as 429",
        "openai",
        429,
        _openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        QUOTA,
    ),
    _row(
        "balance, deepseek",
        "deepseek",
        402,
        _openai("Insufficient Balance", "unknown_error", "invalid_request_error"),
        PAY,
    ),
    _row(
        "credits, openrouter",
        "openrouter",
        402,
        {"error": {"message": "Insufficient credits", "code": 402}},
        PAY,
    ),
    _row(
        "no such model",
        "openai",
        404,
        _openai(
            "The model `gpt-9` does not exist",
            "invalid_request_error",
            "model_not_found",
        ),
        MISSING,
    ),
    _row(
        "no such model as 400",
        "openai",
        400,
        _openai(
            "The requested model 'gpt-9' does not exist.",
            "invalid_request_error",
            "model_not_found",
        ),
        MISSING,
    ),
    _row(
        "no such deployment, azure",
        "openai",
        404,
        {
            "error": {
                "code": "DeploymentNotFound",
                "message": "The API deployment for this resource does not exist.",
            }
        },
        MISSING,
    ),
    _row("not found, text", "huggingface", 404, b"Not Found", MISSING),
    _row(
        "rate limit, no header",
        "openai",
        429,
        _openai("Rate limit reached", "tokens", "rate_limit_exceeded"),
        RATE,
    ),
    _row(
        "rate limit, short wait",
        "openai",
        429,
        _openai("Rate limit reached", "requests", "rate_limit_exceeded"),
        RATE,
        {"retry-after": "1"},
    ),
    _row(
        "rate limit, ms",
        "openai",
        429,
        _openai("Rate limit reached", "requests", "rate_limit_exceeded"),
        RATE,
        {"retry-after-ms": "300"},
    ),
    _row(
        "rate limit, long wait",
        "openai",
        429,
        _openai("Rate limit reached", "requests", "rate_limit_exceeded"),
        RATE._replace(retry=False),
        {"retry-after": "120"},
    ),
    _row(
        "rate limit, azure",
        "openai",
        429,
        {
            "error": {
                "code": "RateLimitReached",
                "message": "Rate limit of 10 per 60s exceeded",
            }
        },
        RATE,
    ),
    _row(
        "rate limit, openrouter",
        "openrouter",
        429,
        {
            "error": {
                "message": "Provider returned error",
                "code": 429,
                "metadata": {"raw": "rate-limited upstream"},
            }
        },
        RATE,
    ),
    _row(
        "rate limit, html", "perplexity", 429, b"<html>Too Many Requests</html>", RATE
    ),
    _row(
        "overloaded 503",
        "openai",
        503,
        _openai("The engine is currently overloaded", "server_error"),
        BUSY,
    ),
    _row(
        "loading, huggingface",
        "huggingface",
        503,
        {"error": "Model is currently loading", "estimated_time": 20.0},
        BUSY._replace(retry=False, cooldown=True),  # too long to wait for
    ),
    _row("cloudflare 522", "openai", 522, b"<html>Connection timed out</html>", BUSY),
    _row("cloudflare 529", "openai", 529, b"", BUSY),
    _row(
        "server error",
        "openai",
        500,
        _openai("The server had an error", "server_error"),
        ILL,
    ),
    _row(
        "bad gateway, html",
        "openai",
        502,
        b"<html><h1>502 Bad Gateway</h1></html>",
        BUSY,
    ),
    _row("model error 424", "openai", 424, {"message": "the model failed"}, ILL),
    _row("empty 500", "openai", 500, b"", ILL),
    _row(
        "server says do not retry",
        "openai",
        500,
        _openai("The server had an error", "server_error"),
        ILL._replace(retry=False),
        {"x-should-retry": "false"},
    ),
    _row("gateway timeout", "openai", 504, b"upstream request timeout", LATE),
    _row("request timeout", "openai", 408, _openai("timed out", "timeout"), LATE),
    _row(
        "too large", "openai", 413, b"<html>413 Request Entity Too Large</html>", LARGE
    ),
    _row(
        "tool use failed, groq",
        "groq",
        400,
        _openai(
            "Failed to call a function.",
            "invalid_request_error",
            "tool_use_failed",
            failed_generation="<x>",
        ),
        TOOL,
    ),
    _row(
        "error inside 200, openrouter",
        "openrouter",
        200,
        {"error": {"message": "Rate limit exceeded", "code": 429}},
        RATE,
    ),
    _row(
        "error inside 200, minimax",
        "minimax",
        200,
        {
            "id": "x",
            "choices": None,
            "base_resp": {"status_code": 1002, "status_msg": "rate limit"},
        },
        RATE,
    ),
    _row(
        "200 that is html",
        "openai",
        200,
        b"<html>sign in</html>",
        Told(502, "server_error", "upstream_protocol_error", True, True, False),
    ),
    _row(
        "200 that is cut",
        "openai",
        200,
        b'{"id": "x", "choices": [',
        Told(502, "server_error", "upstream_protocol_error", True, True, False),
    ),
    # --- Anthropic
    _row(
        "anthropic bad request",
        "anthropic",
        400,
        _anthropic("invalid_request_error", "max_tokens: Field required"),
        BAD,
    ),
    _row(
        "anthropic context",
        "anthropic",
        400,
        _anthropic(
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
        CONTEXT,
    ),
    _row(
        "anthropic context, together",
        "anthropic",
        400,
        _anthropic(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        ),
        CONTEXT,
    ),
    _row(
        "anthropic filter",
        "anthropic",
        400,
        _anthropic(
            "invalid_request_error", "Output blocked by content filtering policy"
        ),
        FILTER,
    ),
    _row(
        "anthropic key",
        "anthropic",
        401,
        _anthropic("authentication_error", "invalid x-api-key"),
        AUTH,
    ),
    _row(
        "anthropic billing",
        "anthropic",
        402,
        _anthropic("billing_error", "payment required"),
        PAY,
    ),
    _row(
        "anthropic credit as 400",
        "anthropic",
        400,
        _anthropic(
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        QUOTA,
    ),
    _row(
        "anthropic permission",
        "anthropic",
        403,
        _anthropic("permission_error", "no access"),
        FORBID,
    ),
    _row(
        "anthropic model",
        "anthropic",
        404,
        _anthropic("not_found_error", "model: claude-9"),
        MISSING,
    ),
    _row(
        "anthropic too large",
        "anthropic",
        413,
        _anthropic("request_too_large", "Request exceeds the maximum size"),
        LARGE,
    ),
    _row(
        "anthropic rate",
        "anthropic",
        429,
        _anthropic("rate_limit_error", "slow down"),
        RATE,
        {"retry-after": "1"},
    ),
    _row(
        "anthropic ill",
        "anthropic",
        500,
        _anthropic("api_error", "Internal server error"),
        ILL,
    ),
    _row(
        "anthropic late",
        "anthropic",
        504,
        _anthropic("timeout_error", "timed out"),
        LATE,
    ),
    _row(
        "anthropic overloaded",
        "anthropic",
        529,
        _anthropic("overloaded_error", "Overloaded"),
        BUSY,
    ),
    # --- Gemini
    _row(
        "gemini argument",
        "gemini",
        400,
        _google(400, "INVALID_ARGUMENT", "Invalid JSON payload"),
        BAD,
    ),
    _row(
        "gemini context",
        "gemini",
        400,
        _google(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        CONTEXT,
    ),
    _row(
        "gemini key",
        "gemini",
        400,
        _google(
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                }
            ],
        ),
        AUTH,
    ),
    _row(
        "gemini unauthenticated",
        "gemini",
        401,
        _google(401, "UNAUTHENTICATED", "missing credentials"),
        AUTH,
    ),
    _row(
        "gemini permission",
        "gemini",
        403,
        _google(403, "PERMISSION_DENIED", "denied"),
        FORBID,
    ),
    _row(
        "gemini place",
        "gemini",
        400,
        _google(
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
        ),
        FORBID,
    ),
    _row(
        "gemini model",
        "gemini",
        404,
        _google(404, "NOT_FOUND", "models/x is not found"),
        MISSING,
    ),
    _row(
        "gemini rate",
        "gemini",
        429,
        _google(429, "RESOURCE_EXHAUSTED", "quota", [_RETRY_INFO]),
        RATE,
    ),
    _row(
        "gemini rate in a list",
        "gemini",
        429,
        [_google(429, "RESOURCE_EXHAUSTED", "quota", [_RETRY_INFO])],
        RATE,
    ),
    _row(
        "gemini quota of the day",
        "gemini",
        429,
        _google(
            429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", [_PER_DAY]
        ),
        QUOTA,
    ),
    _row(
        "gemini internal",
        "gemini",
        500,
        _google(500, "INTERNAL", "An internal error has occurred."),
        ILL,
    ),
    _row(
        "gemini overloaded",
        "gemini",
        503,
        _google(503, "UNAVAILABLE", "The model is overloaded."),
        BUSY,
    ),
    _row(
        "gemini deadline",
        "gemini",
        504,
        _google(504, "DEADLINE_EXCEEDED", "Deadline expired"),
        LATE,
    ),
]
