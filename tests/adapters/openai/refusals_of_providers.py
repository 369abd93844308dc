"""Refusals that say something of the provider or of our account with it."""

from adapters import errors as e
from tests.adapters.openai.refusals import Kind, openai

OF_PROVIDERS: list[tuple[int, object, Kind]] = [
    (
        401,
        openai("Incorrect API key provided: sk-x.", "invalid_api_key"),
        e.Unauthorized,
    ),
    (401, {"detail": "Invalid API Key"}, e.Unauthorized),
    (401, {"message": "Unauthorized", "request_id": "x"}, e.Unauthorized),
    (
        401,
        {
            "error": {
                "code": "401",
                "message": "Access denied due to invalid subscription key or wrong API endpoint.",
            }
        },
        e.Unauthorized,
    ),
    (401, {"error": "Invalid token"}, e.Unauthorized),
    (401, b"", e.Unauthorized),
    (401, {"error_code": "401", "message": "Credential was not sent"}, e.Unauthorized),
    (
        403,
        openai(
            "Country, region, or territory not supported",
            "unsupported_country_region_territory",
            "request_forbidden",
        ),
        e.Forbidden,
    ),
    (
        403,
        openai("Project does not have access to model", "model_not_found"),
        e.Forbidden,
    ),
    (403, b"<!DOCTYPE html><html><title>Just a moment...</title></html>", e.Forbidden),
    (
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        e.OutOfCredit,
    ),
    (
        402,
        {
            "error": {
                "message": "Insufficient Balance",
                "type": "unknown_error",
                "param": None,
                "code": "invalid_request_error",
            }
        },
        e.OutOfCredit,
    ),
    (
        402,
        {
            "error": {
                "message": "This request requires more credits, or fewer max_tokens.",
                "code": 402,
            }
        },
        e.OutOfCredit,
    ),
    (
        429,
        {
            "code": "x",
            "error": "Your team has either used all available credits or reached its monthly spending limit.",
        },
        e.OutOfCredit,
    ),
    (429, openai("Rate limit exceeded: free-models-per-day", 429), e.OutOfCredit),
    (
        429,
        {
            "error": {
                "message": "Your account is not active, please check your billing details",
                "type": "billing_not_active",
                "code": "billing_not_active",
            }
        },
        e.OutOfCredit,
    ),
    (
        404,
        openai(
            "The model `x` does not exist or you do not have access to it.",
            "model_not_found",
        ),
        e.NotFound,
    ),
    (
        404,
        {
            "error": {
                "code": "DeploymentNotFound",
                "message": "The API deployment for this resource does not exist.",
            }
        },
        e.NotFound,
    ),
    (404, {"error": {"code": "404", "message": "Resource not found"}}, e.NotFound),
    (404, openai("No endpoints found that support tool use.", 404), e.NotFound),
    (404, b"404 page not found", e.NotFound),
    (404, {"error": "model 'x' not found"}, e.NotFound),
    (405, {"detail": "Method Not Allowed"}, e.NotFound),
    (410, {"error": "gone"}, e.NotFound),
    (
        429,
        openai("Rate limit reached for gpt-4o", "rate_limit_exceeded", "tokens"),
        e.RateLimited,
    ),
    (429, {"message": "Requests rate limit exceeded"}, e.RateLimited),
    (
        429,
        {
            "error": {
                "code": "RateLimitReached",
                "message": "Rate limit of 1 per 60s exceeded",
                "details": "x",
            }
        },
        e.RateLimited,
    ),
    (
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota, please check your plan and billing details.",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
        e.RateLimited,
    ),
    (
        429,
        {
            "error": {
                "code": 429,
                "message": "Provider returned error",
                "metadata": {
                    "raw": "x is temporarily rate-limited upstream",
                    "provider_name": "G",
                },
            }
        },
        e.RateLimited,
    ),
    (429, b"", e.RateLimited),
    (429, openai("QPS", "Throttling.RateQuota"), e.RateLimited),
    (
        413,
        openai(
            "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000",
            "rate_limit_exceeded",
            "tokens",
        ),
        e.RateLimited,
    ),
    (
        503,
        openai(
            "The engine is currently overloaded, please try again later",
            type_="server_error",
        ),
        e.Overloaded,
    ),
    (
        529,
        {"error": {"type": "overloaded_error", "message": "Overloaded"}},
        e.Overloaded,
    ),
    (
        503,
        {"error": "Model x is currently loading", "estimated_time": 20.0},
        e.Overloaded,
    ),
    (
        429,
        openai("The engine is overloaded", type_="engine_overloaded_error"),
        e.Overloaded,
    ),
    (502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", e.Overloaded),
    (520, b"error code: 520", e.Overloaded),
    (524, b"error code: 524", e.Overloaded),
    (498, openai("Flex tier capacity exceeded", "capacity_exceeded"), e.Overloaded),
    (500, openai("Our servers are overloaded"), e.Overloaded),
    (
        500,
        openai(
            "The server had an error while processing your request.",
            type_="server_error",
        ),
        e.ServerError,
    ),
    (502, {"error": {"message": "Bad gateway", "code": 502}}, e.ServerError),
    (500, b"Internal Server Error", e.ServerError),
    (424, {"message": "Failed dependency"}, e.ServerError),
    (409, {"message": "Conflict"}, e.ServerError),
    (504, b"", e.ServerError),
    (408, openai("Request timed out"), e.Timeout),
    (504, openai("upstream request timeout"), e.Timeout),
    (
        504,
        [{"error": {"code": 504, "message": "x", "status": "DEADLINE_EXCEEDED"}}],
        e.Timeout,
    ),
    (500, openai("Request timed out.", type_="timeout"), e.Timeout),
    (302, b"", e.Garbled),
]
