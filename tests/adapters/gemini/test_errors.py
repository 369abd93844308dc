"""Errors: what Google says, told apart; and what we say, in Google's words."""

import json
from typing import Any

import pytest
from google.genai import errors as sdk_errors

from adapters.contract import Told, WireResponse
from adapters.errors import (
    BadRequest,
    ContextWindow,
    Forbidden,
    Garbled,
    NotFound,
    OutOfCredit,
    Overloaded,
    RateLimited,
    ServerError,
    Timeout,
    TooLarge,
    Unauthorized,
    UpstreamError,
)
from adapters.gemini.family import EMBED, GENERATE, UPSTREAM

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}


def quota(id: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": id}],
    }


def reason(word: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": word}


def status(
    code: int, word: str, message: str = "m", *details: dict[str, Any]
) -> dict[str, Any]:
    error = {"code": code, "message": message, "status": word, "details": details}
    return {"error": error}


TABLE: list[tuple[int, Any, type[UpstreamError]]] = [
    (400, status(400, "INVALID_ARGUMENT"), BadRequest),
    (400, status(400, "INVALID_ARGUMENT", "API key not valid."), Unauthorized),
    (
        400,
        status(400, "INVALID_ARGUMENT", "m", reason("API_KEY_INVALID")),
        Unauthorized,
    ),
    (
        400,
        status(400, "INVALID_ARGUMENT", "m", reason("API_KEY_EXPIRED")),
        Unauthorized,
    ),
    (
        400,
        status(
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ),
        ContextWindow,
    ),
    (
        400,
        status(
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
        ),
        Forbidden,
    ),
    (401, status(401, "UNAUTHENTICATED"), Unauthorized),
    (403, status(403, "PERMISSION_DENIED"), Forbidden),
    (403, status(403, "PERMISSION_DENIED", "m", reason("SERVICE_DISABLED")), Forbidden),
    (404, status(404, "NOT_FOUND"), NotFound),
    (413, status(413, "INVALID_ARGUMENT"), TooLarge),
    (429, status(429, "RESOURCE_EXHAUSTED"), RateLimited),
    (429, status(429, "RESOURCE_EXHAUSTED", "m", RETRY), RateLimited),
    (
        429,
        status(
            429, "RESOURCE_EXHAUSTED", "m", quota("GenerateRequestsPerMinutePerProject")
        ),
        RateLimited,
    ),
    (
        429,
        status(
            429,
            "RESOURCE_EXHAUSTED",
            "m",
            quota("GenerateRequestsPerDayPerProject"),
            RETRY,
        ),
        OutOfCredit,
    ),
    (500, status(500, "INTERNAL"), ServerError),
    (502, "<html><body>502 Bad Gateway</body></html>", Overloaded),
    (503, status(503, "UNAVAILABLE", "The model is overloaded."), Overloaded),
    (503, [status(503, "UNAVAILABLE")], Overloaded),
    (504, status(504, "DEADLINE_EXCEEDED"), Timeout),
    (400, {"error": "text alone"}, BadRequest),
    (
        400,
        {"error": {"code": "oops", "message": "m", "details": [5, {"@type": 3}]}},
        BadRequest,
    ),
    (404, "", NotFound),
    (418, "null", BadRequest),
    (500, "[" * 50_000, ServerError),
    (302, "moved", Garbled),
]


@pytest.mark.parametrize(("code", "body", "kind"), TABLE)
def test_an_error_is_what_its_words_mean(
    code: int, body: Any, kind: type[UpstreamError]
) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = UPSTREAM.parse_error(WireResponse(code, (), raw))
    assert type(error) is kind
    assert error.status == code
    assert error.message
    assert error.body == raw
    assert error.dialect == "gemini.generate"


@pytest.mark.parametrize(
    ("details", "headers", "wait"),
    [
        ([RETRY], (), 17.0),
        ([RETRY | {"retryDelay": "34.4s"}], (), 34.4),
        ([RETRY | {"retryDelay": "soon"}], ((b"retry-after", b"3"),), 3.0),
        ([RETRY | {"retryDelay": {"seconds": 5}}], (), None),
        ([], ((b"retry-after", b"9"),), 9.0),
        ([], (), None),
    ],
)
def test_the_wait_is_the_providers(
    details: list[Any], headers: Any, wait: float | None
) -> None:
    body = status(429, "RESOURCE_EXHAUSTED", "m", *details)
    raw = json.dumps(body).encode()
    error = UPSTREAM.parse_error(WireResponse(429, headers, raw))
    assert error.retry_after == wait


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "RESOURCE_EXHAUSTED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (413, "INVALID_ARGUMENT"),
        (418, "INVALID_ARGUMENT"),
        (422, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (599, "INTERNAL"),
    ],
)
def test_what_we_say_is_a_status(code: int, word: str) -> None:
    told = Told(code, "some_error", 'why "not"')
    expected = {"code": code, "message": 'why "not"', "status": word, "details": []}
    for dialect in (GENERATE, EMBED):
        body = dialect.write_error(told)
        assert body.startswith(b'{"error":')
        assert json.loads(body) == {"error": expected}


def test_the_wait_and_the_request_are_told_as_details() -> None:
    told = Told(429, "rate_limit_error", "slow", request_id="req_1", retry_after=1.5)
    body = json.loads(GENERATE.write_error(told))
    assert body["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"},
        {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_1"},
    ]
    error = UPSTREAM.parse_error(WireResponse(429, (), json.dumps(body).encode()))
    assert error.retry_after == 1.5


def test_googles_sdk_reads_what_we_say() -> None:
    body = json.loads(GENERATE.write_error(Told(404, "not_found", "no such model")))
    error = sdk_errors.APIError(404, body)
    assert (error.code, error.status, error.message) == (
        404,
        "NOT_FOUND",
        "no such model",
    )
