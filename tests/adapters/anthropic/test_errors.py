"""Errors: what providers say, and what clients of this dialect are told."""

import json

import httpx2
import pytest
from anthropic import Anthropic, APIStatusError

from adapters.anthropic.family import MESSAGES, UPSTREAM
from adapters.contract import Headers, Hint, Told, WireResponse

HINT = Hint()


def body(kind: str, message: str) -> bytes:
    return json.dumps(
        {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": "r",
        }
    ).encode()


SAID = [
    (400, "invalid_request_error", "max_tokens: Field required", "bad_request"),
    (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "context_window"),
    (400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 9", "context_window"),
    (400, "invalid_request_error", "Output blocked by content filtering policy", "content_filter"),
    (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.", "out_of_credit"),
    (401, "authentication_error", "invalid x-api-key", "unauthorized"),
    (402, "billing_error", "There's an issue with your billing", "out_of_credit"),
    (403, "permission_error", "Your API key does not have permission", "forbidden"),
    (404, "not_found_error", "model: claude-x", "not_found"),
    (413, "request_too_large", "Request exceeds the maximum size", "too_large"),
    (429, "rate_limit_error", "This request would exceed your rate limit", "rate_limited"),
    (500, "api_error", "Internal server error", "server_error"),
    (504, "timeout_error", "Request timed out", "timeout"),
    (529, "overloaded_error", "Overloaded", "overloaded"),
    (500, "overloaded_error", "Overloaded", "overloaded"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "message", "expected"), SAID)
def test_an_error_is_known_by_status_type_and_words(
    status: int, kind: str, message: str, expected: str
) -> None:
    error = UPSTREAM.parse_error(WireResponse(status, (), body(kind, message)))
    assert error.kind == expected
    assert (error.message, error.type, error.status) == (message, kind, status)
    assert error.dialect == "anthropic.messages"


@pytest.mark.parametrize(("status", "kind", "message", "expected"), SAID)
def test_an_error_in_a_stream_is_the_same_error(
    status: int, kind: str, message: str, expected: str
) -> None:
    decoder = UPSTREAM.parse_stream(
        MESSAGES.read_call(b'{"model":"m","messages":[]}', HINT)
    )
    (frame,) = decoder.feed(b"event: error\ndata: " + body(kind, message) + b"\n\n")
    (failed,) = frame.deltas
    assert failed.error.kind == expected  # type: ignore[union-attr]
    assert failed.error.message == message  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("status", "raw", "expected"),
    [
        (502, b"<html>Bad gateway</html>", "overloaded"),
        (503, b"", "overloaded"),
        (500, b"\xff\xfe", "server_error"),
        (400, b"[]", "bad_request"),
        (400, b'{"error":"plain words"}', "bad_request"),
        (401, b'{"message":"Invalid key"}', "unauthorized"),
        (404, b'{"error":null}', "not_found"),
        (418, b"null", "bad_request"),
        (408, b"{}", "timeout"),
        (424, b"{}", "server_error"),
        (500, b'{"error":' + b"[" * 50_000, "server_error"),
    ],
)
def test_a_page_of_somebody_else_is_an_error_all_the_same(
    status: int, raw: bytes, expected: str
) -> None:
    error = UPSTREAM.parse_error(WireResponse(status, (), raw))
    assert error.kind == expected
    assert error.message
    assert error.body == raw


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        (((b"retry-after", b"7"),), 7.0),
        (((b"retry-after-ms", b"1500"),), 1.5),
        (
            (
                (b"date", b"Mon, 23 Nov 2026 10:00:00 GMT"),
                (b"anthropic-ratelimit-tokens-remaining", b"0"),
                (b"anthropic-ratelimit-tokens-reset", b"2026-11-23T10:00:30Z"),
            ),
            30.0,
        ),
        ((), None),
    ],
)
def test_a_rate_limit_says_when_to_come_back(
    headers: Headers, wait: float | None
) -> None:
    raw = body("rate_limit_error", "slow down")
    told = ((b"x-should-retry", b"true"), *headers)
    error = UPSTREAM.parse_error(WireResponse(429, told, raw))
    assert (error.retry_after, error.should_retry) == (wait, True)


WORDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@pytest.mark.parametrize(("status", "word"), WORDS.items())
def test_a_client_is_told_in_the_dialects_own_words(status: int, word: str) -> None:
    told = Told(status, "whatever", "it broke", request_id="req_9")
    assert json.loads(MESSAGES.write_error(told)) == {
        "type": "error",
        "error": {"type": word, "message": "it broke"},
        "request_id": "req_9",
    }


def test_clients_read_that_the_prompt_is_too_long() -> None:
    said = Told(
        400, "invalid_request_error", "context is 9", code="context_length_exceeded"
    )
    out = json.loads(MESSAGES.write_error(said))
    assert out["error"]["message"] == "prompt is too long: context is 9"
    kept = Told(400, "x", "Prompt is too long: 9 > 8", code="context_length_exceeded")
    out = json.loads(MESSAGES.write_error(kept))
    assert out["error"]["message"] == "Prompt is too long: 9 > 8"
    assert "request_id" not in out


def test_an_error_event_is_the_last_word() -> None:
    for source in ("anthropic.messages", "openai.chat"):
        encoder = MESSAGES.write_stream(
            MESSAGES.read_call(b'{"model":"m","messages":[]}', HINT), source
        )
        out = encoder.error(Told(503, "overloaded_error", "busy"))
        assert out.startswith(b'event: error\ndata: {"type":"error",')
        assert out.endswith(b"}\n\n")
        assert encoder.close() == b""


def test_the_official_client_knows_our_errors() -> None:

    for status, word in WORDS.items():
        raw = MESSAGES.write_error(Told(status, "x", "it broke", request_id="req_1"))
        transport = httpx2.MockTransport(
            lambda _, status=status, raw=raw: httpx2.Response(
                status, headers={"content-type": "application/json"}, content=raw
            )
        )
        with httpx2.Client(transport=transport) as http:
            official = Anthropic(api_key="k", http_client=http, max_retries=0)
            with pytest.raises(APIStatusError, match="it broke") as error:
                official.messages.create(model="m", max_tokens=1, messages=[])
            assert error.value.status_code == status
            assert error.value.body["error"]["type"] == word  # type: ignore[index]
