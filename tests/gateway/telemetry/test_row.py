"""Rows: what is written reads back, and says what the facts said."""

import msgspec
from hypothesis import given

from adapters.normal.usage import Usage
from gateway.telemetry.facts import Facts
from gateway.telemetry.redact import Redactor
from gateway.telemetry.row import (
    Feedback,
    decode_feedback,
    decode_row,
    encode_clean,
    encode_feedback,
    encode_row,
    row,
)
from tests.gateway.telemetry.samples import PLAN, attempt, calm, exchanges, facts


@calm
@given(exchanges)
def test_a_row_reads_back_as_it_was_written(exchange: Facts) -> None:
    assert decode_row(encode_clean(exchange)) == row(exchange)


@calm
@given(exchanges)
def test_a_row_tells_the_tokens_cost_and_attempts_of_its_exchange(
    exchange: Facts,
) -> None:
    told = decode_row(encode_clean(exchange))
    assert told.cost_nano == exchange.cost_nano
    assert [t.cost_nano for t in told.attempts] == [
        a.cost_nano for a in exchange.attempts
    ]
    assert [t.deployment for t in told.attempts] == [
        a.deployment for a in exchange.attempts
    ]
    assert told.plan == exchange.plan
    assert int(told.trace, 16) == exchange.trace.trace_id
    if exchange.usage is None:
        assert told.tokens is None
    else:
        assert told.tokens is not None
        for kind in Usage.__struct_fields__:
            assert getattr(told.tokens, kind) == getattr(exchange.usage, kind)


def test_an_unknown_cost_is_null_and_a_free_one_is_zero() -> None:
    unknown = msgspec.json.decode(encode_clean(facts(cost_nano=None)))
    free = msgspec.json.decode(encode_clean(facts(cost_nano=0)))
    assert unknown["cost_nano"] is None
    assert free["cost_nano"] == 0


def test_the_fields_are_the_documented_ones() -> None:
    told = msgspec.json.decode(
        encode_row(facts(stream=True, dropped=("seed",)), Redactor())
    )
    assert told["id"] == "018f2b6e-0000-7000-8000-000000000001"
    assert told["duration_us"] == 510_000
    assert told["first_token_us"] == 200_000
    assert told["key"] == "key_1"
    assert told["tokens"] == {"input": 12, "output": 34, "cached": 4, "reasoning": 5}
    assert told["plan"]["strategy"] == "weighted"
    assert told["plan"]["order"][0]["propensity"] == 0.667
    assert told["plan"]["removed"] == [{"candidate": "gpt-c", "by": "cooldown"}]
    assert told["dropped"] == ["seed"]
    assert told["trace"] == "0af7651916cd43dd8448eb211c80319c"
    assert told["attempts"][0]["at_us"] == 1_000
    assert "request" not in told


def test_content_is_kept_as_text_whatever_its_bytes() -> None:
    told = decode_row(
        encode_row(
            facts(request=b"\xff{}", response=b"sk-abcdefghijklmnop"), Redactor()
        )
    )
    assert told.request == "\ufffd{}"
    assert told.response == "[redacted]"


def test_an_older_row_still_reads() -> None:
    data = msgspec.json.encode(
        {
            "id": "x",
            "at_ns": 1,
            "duration_us": 2,
            "route": "/",
            "dialect": "openai",
            "operation": "chat",
            "alias": "a",
            "status": 200,
            "cost_nano": None,
            "a_field_of_the_future": 1,
        }
    )
    assert decode_row(data).attempts == ()


def test_feedback_reads_back_redacted() -> None:
    feedback = Feedback(
        id="x", at_ns=1, score=0.5, comment="my key is sk-abcdefghijklmnop"
    )
    told = decode_feedback(encode_feedback(feedback, Redactor()))
    assert told.score == 0.5
    assert told.comment == "my key is [redacted]"


def test_several_attempts_are_told_apart() -> None:
    told = row(
        facts(
            attempts=(attempt(error="timeout", usage=None), attempt(hedge=True)),
            plan=PLAN,
        )
    )
    assert [t.error for t in told.attempts] == ["timeout", ""]
    assert [t.hedge for t in told.attempts] == [False, True]


def test_numbers_without_end_do_not_cost_the_row() -> None:
    absurd = Usage(10**30, -(10**30))
    data = encode_clean(
        facts(
            max_tokens=10**40,
            usage=absurd,
            cost_nano=10**30,
            attempts=(attempt(usage=absurd),),
        )
    )
    assert decode_row(data).max_tokens == 10**40
