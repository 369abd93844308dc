"""What happens when a deployment fails: fallbacks, their limits, and whose patience
counts."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.provider import (
    CHAT,
    ENV,
    call,
    deployment,
    event,
    pieces,
    refused,
    said,
    streamed,
    whole,
)
from tests.harness.gateway import Running, gateway
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Upstream,
    chunk,
    events,
    head,
    pause,
    reset,
    stall,
)

TOO_LONG = ("maximum context length is 10 tokens", "context_length_exceeded")
FILTERED = ("rejected as a result of our safety system", "content_policy_violation")
STREAM_ERROR = b'data: {"error": {"message": "busy", "type": "server_error"}}\n\n'


def _models(up: Upstream) -> dict[str, Any]:
    def alias(*places: str, **more: Any) -> dict[str, Any]:
        found = [deployment(up, place) for place in places]
        return {"strategy": "ordered", "deployments": found, **more}

    once = {"attempts": 1}
    return {
        "plain": alias("ill1", fallbacks=["reserve"], retries=once),
        "reserve": alias("well1"),
        "chain": alias("ill2", fallbacks=["chain2"], retries=once),
        "chain2": alias("ill3", fallbacks=["chain", "chain3"], retries=once),
        "chain3": alias("well2"),
        "long": alias("long1", context_window_fallbacks=["larger"]),
        "larger": alias("well3"),
        "long-plain": alias("long2", "well4", fallbacks=["reserve"]),
        "filtered": alias("filtered1", content_policy_fallbacks=["laxer"]),
        "laxer": alias("well5"),
        "filtered-plain": alias("filtered2", fallbacks=["reserve"]),
        "cooled": alias("cooled1", fallbacks=["reserve"]),
        "begins": alias("begins1", "well6"),
        "breaks": alias("breaks1", "never1", fallbacks=["never"]),
        "never": alias("never2"),
        "impatient": alias("stalls1", timeouts={"total_s": 0.4}),
        "first-token": alias(
            "stalls2",
            "well7",
            timeouts={"first_token_s": 0.3},
            retries=once | {"attempts": 2},
        ),
        "idle": alias("pauses", timeouts={"idle_s": 0.3}),
        "patient": alias("stalls3"),
        "budget": alias(
            "ill4",
            retries={"attempts": 3, "budget_ratio": 0, "budget_min": 3, "backoff_s": 0},
        ),
        "shared-budget": alias(
            "ill5",
            retries={
                "attempts": 2,
                "budget_ratio": 0.5,
                "budget_min": 0,
                "backoff_s": 0,
            },
        ),
        "hedged": alias("slow1", "well8", hedge={"after_s": 0.1}),
        "again": alias("flaky", retries={"attempts": 3, "backoff_s": 0.01}),
        "breaker": alias("ill6", "well9", retries={"per_deployment": 0}),
    }


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}")

    with Upstream() as up:
        up.on(at("well"), lambda r: streamed("fi", "ne") if _streams(r) else whole())
        up.on(at("never"), whole("never"))
        up.on(at("ill"), refused(500, "ill"))
        up.on(at("long"), refused(400, *TOO_LONG))
        up.on(at("filtered"), refused(400, *FILTERED))
        up.on(at("cooled"), refused(429, "slow down", retry_after="60"))
        opening = event({"role": "assistant", "content": ""})
        up.on(at("begins"), events([opening, STREAM_ERROR]))
        broken = events(pieces("one ", "two ")[:3], then=reset())
        up.on(at("breaks"), broken)
        up.on(at("stalls"), stall())
        first = head(200, [("content-type", "text/event-stream")])
        said_one = first + chunk(pieces("one")[0]) + chunk(pieces("one")[1])
        up.on(at("pauses"), said_one + stall())
        up.on(at("slow"), pause(1.5) + whole("slow"))
        up.on(at("flaky"), refused(503, "busy"), refused(500, "ill"), whole())
        yield up


def _streams(request: Any) -> bool:
    return bool(request.json().get("stream"))


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = {
        "models": _models(upstream),
        "cooldown": {"failures": 3, "open_s": 1.5},
        "timeouts": {"connect_s": 1},
    }
    with gateway(config, tmp_path_factory.mktemp("ways"), env=ENV) as running:
        yield running


def _asked(up: Upstream, place: str) -> int:
    return sum(1 for r in up.requests if r.path.startswith(f"/{place}/"))


def _tried(running: Running, answer: Any) -> list[tuple[str, int, str]]:
    record = running.record(answer.headers["x-routeiq-id"])
    return [
        (a["deployment"], a.get("status", 0), a.get("error", ""))
        for a in record["attempts"]
    ]


# --- fallbacks -----------------------------------------------------------------------


def test_another_alias_serves_when_one_has_failed(running: Running) -> None:
    answer = running.post(CHAT, call("plain"))
    assert answer.status_code == 200
    assert answer.headers["x-routeiq-deployment"] == "well1"
    assert answer.headers["x-routeiq-attempts"] == "2"
    assert _tried(running, answer) == [
        ("ill1", 500, "server_error"),
        ("well1", 200, ""),
    ]
    record = running.record(answer.headers["x-routeiq-id"])
    assert (record["alias"], record["deployment"]) == ("plain", "well1")
    assert record.get("error", "") == ""


def test_fallbacks_have_fallbacks_and_circles_end(running: Running) -> None:
    answer = running.post(CHAT, call("chain"))
    assert answer.headers["x-routeiq-deployment"] == "well2"
    tried = [deployment for deployment, *_ in _tried(running, answer)]
    assert tried == ["ill2", "ill3", "well2"]


def test_a_long_prompt_goes_to_the_larger_model(running: Running) -> None:
    answer = running.post(CHAT, call("long"))
    assert answer.headers["x-routeiq-deployment"] == "well3"
    assert _tried(running, answer)[0] == ("long1", 400, "context_window")


def test_a_long_prompt_goes_nowhere_else(running: Running, upstream: Upstream) -> None:
    answer = running.post(CHAT, call("long-plain"))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert _asked(upstream, "well4") == 0


def test_refused_content_goes_where_it_was_meant_to(running: Running) -> None:
    answer = running.post(CHAT, call("filtered"))
    assert answer.headers["x-routeiq-deployment"] == "well5"
    assert _tried(running, answer)[0] == ("filtered1", 400, "content_filter")


def test_refused_content_goes_nowhere_else(running: Running) -> None:
    answer = running.post(CHAT, call("filtered-plain"))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "content_filter"


def test_a_cooling_alias_is_passed_over(running: Running, upstream: Upstream) -> None:
    first = running.post(CHAT, call("cooled"))
    assert first.headers["x-routeiq-deployment"] == "well1"
    before = _asked(upstream, "cooled1")
    second = running.post(CHAT, call("cooled"))
    assert second.headers["x-routeiq-deployment"] == "well1"
    assert _asked(upstream, "cooled1") == before
    record = running.record(second.headers["x-routeiq-id"])
    assert [a["deployment"] for a in record["attempts"]] == ["well1"]


def test_a_stream_that_says_nothing_and_fails_is_tried_elsewhere(
    running: Running,
) -> None:
    answer = running.post(CHAT, call("begins", stream=True))
    assert said(answer.text) == "fine"
    assert answer.headers["x-routeiq-deployment"] == "well6"
    assert answer.headers["x-routeiq-attempts"] == "2"
    assert answer.text.rstrip().endswith("data: [DONE]")


def test_after_the_first_word_nobody_else_is_asked(
    running: Running, upstream: Upstream
) -> None:
    answer = running.post(CHAT, call("breaks", stream=True))
    assert answer.status_code == 200
    assert said(answer.text) == "one two "
    assert '"error"' in answer.text
    assert '"finish_reason":"stop"' not in answer.text.replace(" ", "")
    assert _asked(upstream, "never1") == _asked(upstream, "never2") == 0
    assert _tried(running, answer) == [("breaks1", 0, "unreachable")]
    record = running.record(answer.headers["x-routeiq-id"])
    assert record["error"] == "unreachable"


# --- retries -------------------------------------------------------------------------


def test_what_may_pass_is_tried_again(running: Running) -> None:
    answer = running.post(CHAT, call("again"))
    # Once more is what one deployment gets (`per_deployment`).
    assert answer.status_code == 502
    assert _tried(running, answer) == [
        ("flaky", 503, "overloaded"),
        ("flaky", 500, "server_error"),
    ]
    assert running.post(CHAT, call("again")).status_code == 200


def test_a_budget_ends_the_retries_of_an_alias(
    running: Running, upstream: Upstream
) -> None:
    calls = 8
    for _ in range(calls):
        assert running.post(CHAT, call("budget")).status_code in {502, 503}
    tried = _asked(upstream, "ill4")
    assert tried <= 3 + 3, "three retries in all; the breaker may end it sooner"


def test_a_breaker_opens_and_lets_a_probe_through(
    running: Running, upstream: Upstream
) -> None:
    for _ in range(5):
        answer = running.post(CHAT, call("breaker"))
        assert answer.headers["x-routeiq-deployment"] == "well9"
    assert _asked(upstream, "ill6") == 3
    plan = running.record(answer.headers["x-routeiq-id"])["plan"]
    assert plan["removed"] == [{"candidate": "ill6", "by": "breaker"}]
    time.sleep(1.6)
    running.post(CHAT, call("breaker"))
    assert _asked(upstream, "ill6") == 4
    running.post(CHAT, call("breaker"))
    assert _asked(upstream, "ill6") == 4, "the probe failed; it is left alone longer"
    states = running.metric("routeiq_deployment_state", deployment="ill6", state="open")
    assert states == 1


@timely
def test_a_slow_first_is_raced_by_a_second(running: Running) -> None:
    before = time.monotonic()
    answer = running.post(CHAT, call("hedged"))
    at_most(1.2, time.monotonic() - before)
    assert answer.headers["x-routeiq-deployment"] == "well8"
    record = running.record(answer.headers["x-routeiq-id"])
    by = {a["deployment"]: a for a in record["attempts"]}
    assert by["well8"]["hedge"] is True
    assert by["slow1"]["error"] == "cancelled"
    assert by["slow1"]["tokens"]["estimated"] is True, "its cost counts"


# --- time ----------------------------------------------------------------------------


@timely
def test_an_aliass_own_total_holds(running: Running, upstream: Upstream) -> None:
    before = time.monotonic()
    answer = running.post(CHAT, call("impatient"))
    took = time.monotonic() - before
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "timeout"
    assert took > 0.3
    at_most(1.5, took)


def test_a_first_token_that_is_late_is_looked_for_elsewhere(running: Running) -> None:
    answer = running.post(CHAT, call("first-token", stream=True))
    assert said(answer.text) == "fine"
    assert _tried(running, answer)[0][::2] == ("stalls2", "timeout")


@timely
def test_a_stream_that_falls_silent_ends_in_an_error(running: Running) -> None:
    before = time.monotonic()
    answer = running.post(CHAT, call("idle", stream=True))
    at_most(2.0, time.monotonic() - before)
    assert said(answer.text) == "one"
    assert '"error"' in answer.text
    assert running.record(answer.headers["x-routeiq-id"])["error"] == "timeout"


@pytest.mark.parametrize(
    "header",
    [
        "x-routeiq-timeout-s",
        "x-stainless-timeout",
        "x-stainless-read-timeout",
        "x-server-timeout",
    ],
)
@timely
def test_a_clients_own_patience_is_honoured(
    running: Running, upstream: Upstream, header: str
) -> None:
    before = time.monotonic()
    answer = running.post(CHAT, call("patient"), headers={header: "0.4"})
    assert answer.status_code == 504
    took = time.monotonic() - before
    assert took > 0.3
    at_most(1.5, took)
    assert upstream.until(lambda: _open(upstream, "stalls3") == 0)


def test_impatient_clients_do_not_close_a_deployment_to_others(
    running: Running, upstream: Upstream
) -> None:
    for _ in range(4):  # the breaker opens at three
        wait = {"x-stainless-timeout": "0.05"}
        answers = [
            running.post(CHAT, call("patient", stream=stream), headers=wait)
            for stream in (False, True)
        ]
        assert [answer.status_code for answer in answers] == [504, 504]
    assert _state(running, "stalls3") == "closed"


def _state(running: Running, id: str) -> str:
    for state in ("closed", "half_open", "open", "cooldown"):
        if running.metric("routeiq_deployment_state", deployment=id, state=state):
            return state
    return ""


def _open(up: Upstream, place: str) -> int:
    numbers = {r.connection for r in up.requests if r.path.startswith(f"/{place}/")}
    return sum(1 for number in numbers if number not in up.closed_at)


@timely
def test_a_streaming_clients_patience_is_for_the_first_word(running: Running) -> None:
    wait = {"x-stainless-timeout": "0.4"}
    before = time.monotonic()
    answer = running.post(CHAT, call("patient", stream=True), headers=wait)
    assert answer.status_code == 504
    at_most(1.5, time.monotonic() - before)


@pytest.mark.parametrize("said", ["nonsense", "-1", "0", "inf", "nan", "1e999", ""])
def test_nonsense_about_patience_is_ignored(running: Running, said: str) -> None:
    answer = running.post(CHAT, call("reserve"), headers={"x-stainless-timeout": said})
    assert answer.status_code == 200


def test_a_client_that_leaves_is_recorded_and_hurts_nobody(
    running: Running, upstream: Upstream
) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(running.url + CHAT, json=call("patient"), timeout=0.3)
    assert upstream.until(lambda: _open(upstream, "stalls3") == 0)
    deadline = time.monotonic() + 20
    gone: list[dict[str, Any]] = []
    while not gone and time.monotonic() < deadline:
        gone = [r for r in running.records(20) if r["status"] == 499]
        time.sleep(0.05)
    assert gone[-1]["error"] == "client_hung_up"
    assert gone[-1]["attempts"][0]["error"] == "cancelled"
    assert gone[-1]["tokens"]["estimated"] is True
    assert _state(running, "stalls3") == "closed"
