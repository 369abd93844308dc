"""Exchanges to tell the sinks about."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.normal.usage import Usage
from gateway.telemetry.facts import Attempt, Facts, Trace
from routing.types import Plan, Ranked, Removed

calm = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""For tests of whole exchanges on a busy machine."""

PLAN = Plan(
    (Ranked("gpt-a", "weight 2 of 3", 0.667), Ranked("gpt-b", "next", 0.333)),
    "weighted",
    (Removed("gpt-c", "cooldown"),),
)


def attempt(**changes: Any) -> Attempt:
    """One that served, unless told otherwise."""
    return replace(
        Attempt(
            deployment="gpt-a",
            provider="openai",
            model="gpt-4o-mini",
            host="api.openai.com",
            port=443,
            started=100.001,
            first_token=100.2,
            ended=100.5,
            status=200,
            error="",
            message="",
            usage=Usage(12, 34, cached=4, reasoning=5),
            cost_nano=21_300,
            span_id=0xB7AD6B7169203331,
        ),
        **changes,
    )


def facts(**changes: Any) -> Facts:
    """One that went well, unless told otherwise."""
    return replace(
        Facts(
            id="018f2b6e-0000-7000-8000-000000000001",
            began_unix_ns=1_764_000_000_000_000_000,
            began=100.0,
            first_token=100.2,
            ended=100.51,
            route="/v1/chat/completions",
            dialect="openai",
            operation="chat",
            alias="fast",
            known_alias=True,
            stream=False,
            key_id="key_1",
            user="",
            status=200,
            error="",
            error_message="",
            served_by="gpt-a",
            provider="openai",
            model="gpt-4o-mini-2024-07-18",
            response_id="chatcmpl-BXd8192839182",
            stop=("stop",),
            usage=Usage(12, 34, cached=4, reasoning=5),
            cost_nano=21_300,
            attempts=(attempt(),),
            plan=PLAN,
            dropped=(),
            trace=Trace(
                0x0AF7651916CD43DD8448EB211C80319C, 0x1111222233334444, 0, False
            ),
            max_tokens=256,
            request_bytes=420,
            response_bytes=547,
            chunks=0,
        ),
        **changes,
    )


names_ = st.text(max_size=12)
counts = st.integers(0, 2**40)
usages = st.builds(
    Usage,
    *[st.integers(0, 10**6)] * 13,
    estimated=st.booleans(),
)
instants = st.floats(0.001, 5000.0, allow_nan=False)
attempts = st.builds(
    Attempt,
    deployment=st.sampled_from(["a", "b", "c"]),
    provider=st.sampled_from(["openai", "gemini", "xai"]),
    model=names_,
    host=names_,
    port=st.integers(0, 65535),
    started=instants,
    first_token=st.just(0.0) | instants,
    ended=instants,
    status=st.integers(0, 599),
    error=st.sampled_from(["", "timeout", "rate_limited", "cancelled"]),
    message=names_,
    usage=st.none() | usages,
    cost_nano=st.none() | counts,
    span_id=st.integers(1, 2**64 - 1),
    hedge=st.booleans(),
)
plans = st.builds(
    Plan,
    order=st.lists(st.builds(Ranked, names_, names_, st.floats(0, 1)), max_size=3).map(
        tuple
    ),
    strategy=names_,
    removed=st.lists(st.builds(Removed, names_, names_), max_size=3).map(tuple),
)
traces = st.builds(
    Trace,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    parent_id=st.just(0) | st.integers(1, 2**64 - 1),
    sampled=st.booleans(),
)
exchanges = st.builds(
    Facts,
    id=names_,
    began_unix_ns=st.integers(0, 2**62),
    began=instants,
    first_token=st.just(0.0) | instants,
    ended=instants,
    route=st.sampled_from(["/v1/chat/completions", "/v1/messages"]),
    dialect=st.sampled_from(["openai", "anthropic"]),
    operation=st.sampled_from(["chat", "embed", "complete"]),
    alias=names_,
    known_alias=st.booleans(),
    stream=st.booleans(),
    key_id=names_,
    user=names_,
    status=st.sampled_from([200, 400, 429, 499, 502]),
    error=st.sampled_from(["", "timeout", "rate_limited"]),
    error_message=names_,
    served_by=st.sampled_from(["", "a", "b"]),
    provider=st.sampled_from(["", "openai", "gemini"]),
    model=names_,
    response_id=names_,
    stop=st.lists(st.sampled_from(["stop", "length"]), max_size=2).map(tuple),
    usage=st.none() | usages,
    cost_nano=st.none() | counts,
    attempts=st.lists(attempts, max_size=4).map(tuple),
    plan=st.none() | plans,
    dropped=st.lists(names_, max_size=2).map(tuple),
    trace=traces,
    max_tokens=st.none() | st.integers(0, 10**6),
    request_bytes=counts,
    response_bytes=counts,
    chunks=st.integers(0, 10**4),
)
