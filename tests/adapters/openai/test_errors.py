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
from tests.adapters.openai.refusals import OF_CALLS, Kind, openai
from tests.adapters.openai.refusals_of_providers import OF_PROVIDERS
from tests.shared import needs_shared

TABLE = OF_CALLS + OF_PROVIDERS


def refuse(status: int, body: object, headers: Headers = ()) -> e.UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return UPSTREAM.parse_error(WireResponse(status, headers, raw))


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
