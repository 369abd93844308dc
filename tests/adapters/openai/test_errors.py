"""Refusals of OpenAI-shaped providers, in every shape seen or documented."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import errors as e
from adapters.contract import Headers, Told, WireResponse
from adapters.openai.errors import event, inside
from adapters.openai.family import CHAT, UPSTREAM
from tests.adapters.openai.material import recordings
from tests.shared import needs_shared

Kind = type[e.UpstreamError]


def refuse(status: int, body: object, headers: Headers = ()) -> e.UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return UPSTREAM.parse_error(WireResponse(status, headers, raw))


def openai(
    message: str, code: object = None, type_: str = "invalid_request_error"
) -> dict[str, object]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


TABLE: list[tuple[int, object, Kind]] = [
    # the call itself
    (
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2", "unsupported_value"
        ),
        e.BadRequest,
    ),
    (400, openai("Invalid 'messages': empty array.", "empty_array"), e.BadRequest),
    (
        422,
        {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]},
        e.BadRequest,
    ),
    (
        400,
        {
            "object": "error",
            "message": "bad",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        e.BadRequest,
    ),
    (415, {"error": "Unsupported media type"}, e.BadRequest),
    # context window
    (
        400,
        openai(
            "This model's maximum context length is 128000 tokens.",
            "context_length_exceeded",
        ),
        e.ContextWindow,
    ),
    (
        400,
        openai(
            "Input tokens exceed the configured limit of 272000 tokens.",
            "context_length_exceeded",
        ),
        e.ContextWindow,
    ),
    (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
            "type": "BadRequestError",
            "code": 400,
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."
        },
        e.ContextWindow,
    ),
    (
        400,
        openai(
            "the request exceeds the available context size, try increasing it",
            type_="exceed_context_size_error",
        ),
        e.ContextWindow,
    ),
    (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
            "error_type": "validation",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "message": "Please reduce the length of the messages or completion. Current length is 9001 while limit is 8192",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "error": {
                "message": "too many",
                "type": "too_many_prompt_tokens",
                "code": 400,
            }
        },
        e.ContextWindow,
    ),
    (
        400,
        openai("This endpoint's maximum context length is 32768 tokens.", 400),
        e.ContextWindow,
    ),
    (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        e.ContextWindow,
    ),
    (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
        },
        e.ContextWindow,
    ),
    (
        400,
        {"error": {"code": "1261", "message": "Prompt exceeds max length"}},
        e.ContextWindow,
    ),
    (
        400,
        openai("Range of input length should be [1, 30720]", "invalid_parameter_error"),
        e.ContextWindow,
    ),
    (
        400,
        openai("Invalid request: Your request exceeded model token limit: 8192"),
        e.ContextWindow,
    ),
    (
        500,
        openai(
            "litellm wrapped: prompt is too long: 210000 tokens > 200000 maximum",
            type_="internal_error",
        ),
        e.ContextWindow,
    ),
    (
        413,
        openai("context_length_exceeded", "context_length_exceeded"),
        e.ContextWindow,
    ),
    # content filter
    (
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {},
                },
            }
        },
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "Your request was rejected as a result of our safety system.",
            "content_policy_violation",
        ),
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            "invalid_prompt",
        ),
        e.ContentFilter,
    ),
    (
        403,
        openai(
            "deepseek requires moderation. Your input was flagged for violence.", 403
        ),
        e.ContentFilter,
    ),
    (400, openai("Content Exists Risk"), e.ContentFilter),
    (
        400,
        openai(
            "Input data may contain inappropriate content.", "data_inspection_failed"
        ),
        e.ContentFilter,
    ),
    (
        400,
        {
            "error": {
                "code": "1301",
                "message": "System detected potentially unsafe or sensitive content in input or generation.",
            }
        },
        e.ContentFilter,
    ),
    (
        400,
        openai(
            "The request was rejected because it was considered high risk",
            "content_filter",
        ),
        e.ContentFilter,
    ),
    # tool calls
    (
        400,
        {
            "error": {
                "message": "Failed to call a function. Please adjust your prompt.",
                "type": "invalid_request_error",
                "code": "tool_use_failed",
                "failed_generation": "<x",
            }
        },
        e.ToolFailed,
    ),
    (400, {"error": {"message": "x", "failed_generation": "<x"}}, e.ToolFailed),
    # too large
    (
        413,
        b"<html><head><title>413 Request Entity Too Large</title></head></html>",
        e.TooLarge,
    ),
    (413, openai("Request too large", "request_too_large"), e.TooLarge),
    # credentials
    (
        401,
        openai("Incorrect API key provided: sk-x.", "invalid_api_key"),
        e.Unauthorized,
    ),
    (401, {"detail": "Invalid API Key"}, e.Unauthorized),
    (401, {"message": "Unauthorized", "request_id": "x"}, e.Unauthorized),
    (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Incorrect API key provided: xa***. You can obtain an API key from https://console.x.ai.",
        },
        e.Unauthorized,
    ),
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
    # permission
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
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "User location is not supported for the API use.",
                    "status": "FAILED_PRECONDITION",
                }
            }
        ],
        e.Forbidden,
    ),
    # money
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
    (
        400,
        openai(
            "Access denied, please make sure your account is in good standing.",
            "Arrearage",
        ),
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
    # not found
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
    (400, openai("Model Not Exist"), e.NotFound),
    (
        400,
        {
            "object": "error",
            "message": "Invalid model: mistral-huge",
            "type": "invalid_model",
            "code": "1500",
        },
        e.NotFound,
    ),
    (404, openai("No endpoints found that support tool use.", 404), e.NotFound),
    (404, b"404 page not found", e.NotFound),
    (404, {"error": "model 'x' not found"}, e.NotFound),
    (
        400,
        openai(
            "The model `mixtral` has been decommissioned and is no longer supported.",
            "model_decommissioned",
        ),
        e.NotFound,
    ),
    (405, {"detail": "Method Not Allowed"}, e.NotFound),
    (410, {"error": "gone"}, e.NotFound),
    # rates
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
    # ill
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
    # failed
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
    # late
    (408, openai("Request timed out"), e.Timeout),
    (504, openai("upstream request timeout"), e.Timeout),
    (
        504,
        [{"error": {"code": 504, "message": "x", "status": "DEADLINE_EXCEEDED"}}],
        e.Timeout,
    ),
    (500, openai("Request timed out.", type_="timeout"), e.Timeout),
    # not an API at all
    (302, b"", e.Garbled),
]


@pytest.mark.parametrize(("status", "body", "kind"), TABLE)
def test_a_refusal_is_told_apart(status: int, body: object, kind: Kind) -> None:
    error = refuse(status, body)
    assert type(error) is kind
    assert error.status == status
    assert error.message
    assert not error.message.startswith("<")


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 60


@needs_shared
def test_every_recorded_refusal_is_told_apart() -> None:
    kinds = {
        400: e.BadRequest,
        401: e.Unauthorized,
        404: e.NotFound,
        429: e.RateLimited,
    }
    special = {"tool_use_failed": e.ToolFailed}
    seen = 0
    for family in ("openai_chat", "openai_completions", "openai_embeddings"):
        for recording in recordings(family):
            if recording.status < 400:
                continue
            seen += 1
            error = UPSTREAM.parse_error(recording.response())
            body = json.loads(recording.body)["error"]
            expected = special.get(body["code"], kinds[recording.status])
            if "context length" in body["message"]:
                expected = e.ContextWindow
            assert type(error) is expected, recording.name
            assert error.message == body["message"]
            assert error.code == (str(body["code"]) if body["code"] else None)
            assert error.param == body.get("param")
            assert error.dialect == "openai.chat"
            assert error.body == recording.body
    assert seen == 25


def test_facts_are_kept_verbatim() -> None:
    error = refuse(
        400,
        {"error": {"message": "No.", "type": "t", "param": "tools[0].x", "code": 17}},
    )
    assert (error.message, error.type, error.param, error.code) == (
        "No.",
        "t",
        "tools[0].x",
        "17",
    )
    assert error.dialect == "openai.chat"
    assert refuse(400, {"detail": "No."}).dialect == ""


def test_lists_of_findings_become_one_message() -> None:
    body = {"detail": [{"loc": ["body", 0, "x"], "msg": "bad"}, {"msg": "worse"}]}
    assert refuse(422, body).message == "body.0.x: bad; worse"


WAITS: list[tuple[int, Headers, object, float | None]] = [
    (429, ((b"retry-after-ms", b"1500"),), {}, 1.5),
    (429, ((b"retry-after", b"7"),), {}, 7.0),
    (503, ((b"retry-after", b"0.5"),), {}, 0.5),
    (429, ((b"retry-after-ms", b"250"), (b"retry-after", b"9")), {}, 0.25),
    (
        429,
        (
            (b"date", b"Tue, 24 Nov 2026 10:00:00 GMT"),
            (b"retry-after", b"Tue, 24 Nov 2026 10:00:30 GMT"),
        ),
        {},
        30.0,
    ),
    (429, ((b"retry-after", b"Tue, 24 Nov 2026 10:00:30 GMT"),), {}, None),
    (429, ((b"retry-after", b"soon"),), {}, None),
    (429, ((b"retry-after", b"-5"),), {}, 0.0),
    (429, ((b"retry-after", b"nan"),), {}, None),
    (429, ((b"retry-after", b"1e9"),), {}, 1e9),
    (429, ((b"x-ratelimit-reset-requests", b"1m30s"),), {}, 90.0),
    (
        429,
        (
            (b"x-ratelimit-remaining-requests", b"9"),
            (b"x-ratelimit-reset-requests", b"6h"),
            (b"x-ratelimit-remaining-tokens", b"0"),
            (b"x-ratelimit-reset-tokens", b"820ms"),
        ),
        {},
        0.82,
    ),
    (400, ((b"x-ratelimit-reset-requests", b"1m30s"),), {}, None),
    (
        429,
        (
            (b"date", b"Tue, 24 Nov 2026 10:00:00 GMT"),
            (b"anthropic-ratelimit-tokens-reset", b"2026-11-24T10:01:00Z"),
        ),
        {},
        60.0,
    ),
    (
        429,
        (
            (b"date", b"Tue, 24 Nov 2026 10:00:00 GMT"),
            (b"x-ratelimit-reset", b"1795514410000"),
        ),
        {},
        10.0,
    ),
    (429, (), openai("Rate limit reached. Please try again in 1m2.5s. Visit"), 62.5),
    (429, (), openai("Rate limit reached. Please try again in 20ms."), 0.02),
    (
        429,
        (),
        openai(
            "Requests have exceeded call rate limit. Please retry after 10 seconds."
        ),
        10.0,
    ),
    (429, (), {}, None),
    (
        429,
        ((b"date", b"Tue, 24 Nov 2026 10:00:00 GMT"),),
        {
            "error": {
                "code": 429,
                "message": "x",
                "metadata": {
                    "headers": {
                        "X-RateLimit-Reset": "1795514415000",
                        "X-RateLimit-Remaining": "0",
                    }
                },
            }
        },
        15.0,
    ),
]


@pytest.mark.parametrize(("status", "headers", "body", "wait"), WAITS)
def test_when_to_come_back_is_read_in_every_form(
    status: int, headers: Headers, body: object, wait: float | None
) -> None:
    found = refuse(status, body, headers).retry_after
    assert found == (pytest.approx(wait) if wait is not None else None)


def test_should_retry_is_believed() -> None:
    for word, meant in ((b"true", True), (b"false", False), (b"maybe", None)):
        assert refuse(500, {}, ((b"x-should-retry", word),)).should_retry is meant
    assert refuse(500, {}).should_retry is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "code",
                    "type",
                    "detail",
                    "errors",
                    "param",
                    "metadata",
                    "raw",
                    "headers",
                    "innererror",
                    "status",
                    "loc",
                    "msg",
                    "base_resp",
                    "status_code",
                    "choices",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.integers(300, 599), JSON)
def test_no_body_makes_it_raise(status: int, body: object) -> None:
    error = refuse(status, body)
    assert isinstance(error, e.UpstreamError)
    assert error.message
    inside(body)
    event(b"error", json.dumps(body).encode())


@given(
    st.integers(300, 599),
    st.binary(max_size=60),
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"retry-after",
                    b"date",
                    b"retry-after-ms",
                    b"x-ratelimit-reset",
                    b"x-should-retry",
                ]
            ),
            st.binary(max_size=30),
        )
    ),
)
def test_no_bytes_make_it_raise(
    status: int, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    error = UPSTREAM.parse_error(WireResponse(status, tuple(headers), body))
    assert error.retry_after is None or error.retry_after >= 0


def test_errors_are_worded_as_openai_words_them() -> None:
    told = Told(
        404,
        "invalid_request_error",
        "no such model",
        "model_not_found",
        "model",
        "req_1",
    )
    assert json.loads(CHAT.write_error(told)) == {
        "error": {
            "message": "no such model",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
            "request_id": "req_1",
        }
    }
    plain = json.loads(CHAT.write_error(Told(500, "server_error", "x")))["error"]
    assert plain == {
        "message": "x",
        "type": "server_error",
        "param": None,
        "code": None,
    }
