"""Laws: whatever comes is an answer or an `UpstreamError`, cut anywhere."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bedrock.family import UPSTREAM
from adapters.bedrock.wire import tool_id, tool_name
from adapters.contract import Told, WireResponse
from adapters.errors import BadCall, UpstreamError
from adapters.framing import eventstream
from adapters.normal.chat import ChatResult
from adapters.normal.delta import Failed, Frame
from adapters.registry import DIALECTS
from tests.adapters.bedrock.talk import call_of, chat, converse, message

WORDS = (
    *("text", "toolUse", "toolUseId", "name", "input", "message", "content", "output"),
    *("stopReason", "usage", "inputTokens", "delta", "start", "contentBlockIndex"),
    *("reasoningContent", "citation", "bytes"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=12,
)
EVENTS = (
    *("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"),
    *("messageStop", "metadata", "chunk", "unheardOf"),
)
NAMES = st.sampled_from(EVENTS)
KINDS = st.sampled_from(["event", "event", "event", "exception", "error"])
CALLS = (chat(stream=True), message(stream=True), converse())


@given(JSON, st.integers(200, 599))
def test_any_body_is_an_answer_or_an_error(body: Any, status: int) -> None:
    response = WireResponse(status, (), json.dumps(body).encode())
    assert UPSTREAM.parse_error(response).message
    for call in CALLS:
        try:
            result = UPSTREAM.parse_response(response, call)
            assert isinstance(result, ChatResult)
            result.choices()
        except UpstreamError as error:
            assert error.message


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_an_error(body: bytes) -> None:
    assert UPSTREAM.parse_error(WireResponse(500, (), body)).message
    with pytest.raises(UpstreamError):
        UPSTREAM.parse_response(WireResponse(200, (), body + b"\xff"), CALLS[0])


@given(st.lists(st.tuples(KINDS, NAMES, JSON), max_size=6), st.integers(1, 50))
def test_any_stream_is_frames_and_at_most_one_failure_at_its_end(
    told: list[tuple[str, str, Any]], size: int
) -> None:
    body = b"".join(
        eventstream.write(
            {":message-type": kind, f":{kind}-type": name}, json.dumps(data).encode()
        )
        for kind, name, data in told
    )
    for call in CALLS:
        whole = _frames(call, [body])
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert _meaning(_frames(call, pieces)) == _meaning(whole)
        failed = [f for f in whole if any(isinstance(d, Failed) for d in f.deltas)]
        assert len(failed) <= 1
        assert not failed or whole[-1] is failed[0]


def _frames(call: Any, pieces: list[bytes]) -> list[Frame]:
    decoder = UPSTREAM.parse_stream(call)
    return [*(f for p in pieces for f in decoder.feed(p)), *decoder.close()]


def _meaning(frames: list[Frame]) -> list[str]:
    return [
        str(d.error) if isinstance(d, Failed) else repr(d)
        for frame in frames
        for d in frame.deltas
    ]


@given(JSON)
def test_any_body_of_a_client_is_a_call_or_refused(body: Any) -> None:
    try:
        call = call_of("bedrock.converse", body, model="m")
        call.conversation()
    except BadCall as error:
        assert error.message


@given(st.text(max_size=90))
def test_ids_and_names_fit_and_stay_different(text: str) -> None:
    for fit in (tool_id, tool_name):
        assert 0 < len(fit(text)) <= 64
        assert fit(fit(text)) == fit(text)
        assert fit(text + "!") != fit(text)


def test_errors_of_every_type_are_known() -> None:
    for kind, expected in (
        ("ThrottlingException", "rate_limited"),
        ("ServiceUnavailableException", "overloaded"),
        ("ModelNotReadyException", "rate_limited"),
        ("ModelTimeoutException", "timeout"),
        ("ExpiredTokenException", "unauthorized"),
        ("com.amazon.coral.service#UnrecognizedClientException", "unauthorized"),
        ("AccessDeniedException:http://internal.amazon.com/", "forbidden"),
        ("ResourceNotFoundException", "not_found"),
        ("ModelErrorException", "server_error"),
    ):
        status = {"timeout": 408, "rate_limited": 429, "overloaded": 503}
        code = status.get(expected, 424 if "Model" in kind else 403)
        code = 404 if expected == "not_found" else code
        headers = ((b"x-amzn-errortype", kind.encode()),)
        error = UPSTREAM.parse_error(WireResponse(code, headers, b'{"message":"m"}'))
        assert error.kind == expected
    long = b'{"message":"Input is too long for requested model."}'
    told = UPSTREAM.parse_error(WireResponse(400, (), long))
    assert told.kind == "context_window"
    assert json.loads(DIALECTS["bedrock.converse"].write_error(_told()))["__type"]


def _told() -> Any:
    return Told(429, "rate_limit_error", "slow")
