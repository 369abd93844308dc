"""What leaves the gateway about its work: metrics, traces, log lines; and what never
does."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.collector import Collector, Span
from tests.flow.provider import (
    CHAT,
    ENV,
    SECRET,
    body,
    call,
    deployment,
    refused,
    streamed,
    usage,
)
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, tell

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
OTLP_SECRET = "otlp-canary-0123456789"
PRICE = {"input": 3.0, "output": 15.0}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def _models(up: Upstream) -> dict[str, Any]:
    def alias(*places: str, **more: Any) -> dict[str, Any]:
        found = [deployment(up, place, price=PRICE) for place in places]
        return {"strategy": "ordered", "deployments": found, **more}

    return {
        "priced": alias("priced"),
        "twice": alias("ill", "priced2", retries={"per_deployment": 0}),
        "stream": alias("stream"),
        "ill": alias("ill2", retries={"attempts": 1}),
        "free/*": {"deployments": [{"model": "echo/demo"}]},
    }


def _config(up: Upstream, collector: Collector | None, **telemetry: Any) -> Any:
    more: dict[str, Any] = {"traces": {"sample": 1.0}, **telemetry}
    if collector is not None:
        more |= {
            "otlp_endpoint": collector.url,
            "otlp_interval_s": 0.3,
            "otlp_headers": {"x-otlp-key": "${OTLP_SECRET}"},
        }
    return {
        "keys": {"master": "env:MASTER"},
        "models": _models(up),
        "telemetry": more,
        "cooldown": {"failures": 1000},
    }


SECRETS = {**ENV, "MASTER": MASTER, "OTLP_SECRET": OTLP_SECRET}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}")

    with Upstream() as up:
        counted = tell(200, body(model="m-2026", usage=usage(100, 20, **DETAILS)))
        up.on(at("priced"), counted)
        up.on(at("stream"), streamed("one ", "two ", "three"))
        up.on(at("ill"), refused(500, f"ill; you sent {SECRET}"))
        yield up


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("telemetry")
    with gateway(_config(upstream, collector), folder, env=SECRETS) as running:
        yield running


def _ask(running: Running, model: str, **more: Any) -> tuple[httpx.Response, Any]:
    headers = {**BEARER, **more.pop("headers", {})}
    answer = running.post(CHAT, call(model, **more), headers=headers)
    return answer, running.record(answer.headers["x-routeiq-id"])


def _spans(
    running: Running, collector: Collector, model: str, count: int, **more: Any
) -> tuple[Span, list[Span], Any]:
    """The server's span, the attempts' in order, and the record."""
    _, row = _ask(running, model, **more)
    spans = collector.trace(row["trace"], count)
    assert len(spans) == count, [span.name for span in spans]
    (server,) = [span for span in spans if span.kind == "server"]
    attempts = [span for span in spans if span.kind == "client"]
    return server, sorted(attempts, key=lambda span: span.begin), row


# --- traces --------------------------------------------------------------------------


def test_an_exchange_is_a_server_span_and_its_attempts_are_client_spans(
    running: Running, collector: Collector
) -> None:
    server, (failed, served), row = _spans(running, collector, "twice", 3)
    assert (server.id, server.parent) == (row["span"], "")
    assert server.attributes["http.route"] == CHAT
    assert server.attributes["http.response.status_code"] == 200
    assert server.attributes["routeiq.alias"] == "twice"
    assert server.attributes["routeiq.attempts"] == 2
    assert server.attributes["routeiq.routing.strategy"] == "ordered"
    assert server.attributes["routeiq.routing.order"] == ("ill", "priced2")
    assert not server.failed
    assert failed.parent == served.parent == server.id
    assert [failed.id, served.id] == [a["span"] for a in row["attempts"]]
    assert failed.failed
    assert failed.attributes["error.type"] == "server_error"
    assert not served.failed
    assert server.begin <= failed.begin <= failed.end <= served.begin
    assert served.end <= server.end


def test_an_attempt_carries_the_names_of_both_conventions(
    running: Running, collector: Collector
) -> None:
    _, (span,), _ = _spans(running, collector, "priced", 2, max_tokens=50)
    told = span.attributes
    assert span.name == "chat m"
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "m"
    assert told["gen_ai.request.max_tokens"] == 50
    assert told["gen_ai.response.model"] == "m-2026"
    assert told["gen_ai.response.id"] == "chatcmpl-1"
    assert told["gen_ai.usage.input_tokens"] == 100
    assert told["gen_ai.usage.output_tokens"] == 20
    assert told["gen_ai.usage.cache_read.input_tokens"] == 40
    assert told["gen_ai.usage.reasoning.output_tokens"] == 7
    assert told["server.address"] == "127.0.0.1"
    assert told["routeiq.cost_usd"] == pytest.approx(0.0006)


def test_a_whole_answers_finish_is_in_its_span(
    running: Running, collector: Collector
) -> None:
    _, (span,), row = _spans(running, collector, "priced", 2)
    assert span.attributes["gen_ai.response.finish_reasons"]
    assert row["stop"] == ["end"]


def test_a_stream_is_a_span_with_its_first_chunk(
    running: Running, collector: Collector
) -> None:
    server, (span,), _ = _spans(running, collector, "stream", 2, stream=True)
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert span.attributes["gen_ai.response.finish_reasons"]
    assert server.attributes["routeiq.stream"] is True


def test_the_trace_goes_on_from_the_caller_to_the_provider(
    running: Running, collector: Collector, upstream: Upstream
) -> None:
    state = "vendor=a,other@b=c"
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": state}
    _, row = _ask(running, "twice", headers=headers)
    spans = collector.trace(TRACE, 3)
    (server,) = [span for span in spans if span.kind == "server"]
    assert server.parent == CALLER
    assert server.state == state
    sent = [
        r.headers["traceparent"] for r in upstream.requests if TRACE in repr(r.fields)
    ]
    assert sent == [f"00-{TRACE}-{a['span']}-01" for a in row["attempts"]]
    states = [
        r.headers.get("tracestate")
        for r in upstream.requests
        if TRACE in repr(r.fields)
    ]
    assert states == [state, state]
    assert {span.id for span in spans} == {
        server.id,
        *(a["span"] for a in row["attempts"]),
    }


@pytest.mark.parametrize(
    "header", ["", "00-0-0-01", f"00-{'0' * 32}-{CALLER}-01", "x" * 500, f"ff-{TRACE}"]
)
def test_a_broken_context_begins_a_trace_of_ones_own(
    running: Running, header: str
) -> None:
    _, row = _ask(running, "priced", headers={"traceparent": header})
    assert re.fullmatch("[0-9a-f]{32}", row["trace"])
    assert row["trace"] != TRACE


def test_what_a_caller_does_not_sample_is_not_exported(
    running: Running, collector: Collector, upstream: Upstream
) -> None:
    trace = "5" * 32
    headers = {"traceparent": f"00-{trace}-{CALLER}-00"}
    _ask(running, "priced", headers=headers)
    _spans(running, collector, "priced", 2)  # later, and there
    assert collector.trace(trace, 1, within_s=0.3) == []
    (sent,) = [r for r in upstream.requests if trace in repr(r.fields)]
    assert sent.headers["traceparent"].endswith("-00")


def test_who_sends_it_is_told(running: Running, collector: Collector) -> None:
    _spans(running, collector, "priced", 2)
    assert collector.resource["service.name"] == "routeiq"
    assert collector.resource["service.version"]
    assert collector.headers["x-otlp-key"] == OTLP_SECRET


def test_no_content_and_no_secret_is_exported(
    running: Running, collector: Collector
) -> None:
    headers = {"x-api-key": MASTER}
    answer, row = _ask(running, "twice", user=f"me {SECRET}", headers=headers)
    collector.trace(row["trace"], 3)
    sent = b"".join(collector.bodies)
    assert b"hello there" not in sent
    assert answer.json()["choices"][0]["message"]["content"].encode() not in sent
    for secret in (SECRET, MASTER, OTLP_SECRET):
        assert secret.encode() not in sent


def test_content_is_exported_when_asked_for_and_redacted(
    upstream: Upstream, tmp_path: Path
) -> None:
    collector = Collector()
    traces = {"sample": 1.0, "content": True}
    config = _config(upstream, collector, traces=traces)
    with gateway(config, tmp_path, env=SECRETS) as running:
        asked = call("priced")
        asked["messages"] = [{"role": "user", "content": f"unusual; {SECRET}"}]
        answer = running.post(CHAT, asked, headers=BEARER)
        row = running.record(answer.headers["x-routeiq-id"])
        (server,) = [s for s in collector.trace(row["trace"], 2) if s.kind == "server"]
        assert "unusual" in server.attributes["routeiq.request.body"]
        assert "fine" in server.attributes["routeiq.response.body"]
        assert "request" not in row, "traces are not records"
    collector.close()
    assert SECRET.encode() not in b"".join(collector.bodies)


def test_only_the_share_asked_for_is_traced_but_every_error(
    upstream: Upstream, tmp_path: Path
) -> None:
    collector = Collector()
    config = _config(upstream, collector, traces={"sample": 0.0})
    with gateway(config, tmp_path, env=SECRETS) as running:
        _, quiet = _ask(running, "priced")
        _, failed = _ask(running, "ill")
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        _ask(running, "priced", headers=headers)
        assert len(collector.trace(failed["trace"], 2)) == 2
        assert len(collector.trace(TRACE, 2)) == 2
        assert collector.trace(quiet["trace"], 1, within_s=0.2) == []
        assert quiet.get("sampled", False) is False
    collector.close()


@pytest.mark.parametrize("semconv", ["0.1", "1.41"])
def test_one_setting_chooses_the_names(
    upstream: Upstream, tmp_path: Path, semconv: str
) -> None:
    collector = Collector()
    config = _config(upstream, collector, semconv=semconv)
    with gateway(config, tmp_path, env=SECRETS) as running:
        _ask(running, "priced")
        assert collector.until(lambda: bool(collector.points))
        page = running.get("/metrics").text
    collector.close()
    for names in (set(collector.points), page):
        text = " ".join(names) if isinstance(names, set) else names.replace("_", ".")
        assert ("gen.ai.client.token.usage" in text.replace("_", ".")) == (
            semconv == "1.41"
        )
        assert ("gen.ai.client.inference.duration" in text.replace("_", ".")) == (
            semconv == "0.1"
        )


def test_nothing_leaves_without_an_endpoint(upstream: Upstream, tmp_path: Path) -> None:
    collector = Collector()
    env = {**SECRETS, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with gateway(
        _config(upstream, None), tmp_path, env={**env, "OTEL_SDK_DISABLED": "true"}
    ) as running:
        _ask(running, "priced")
        assert "traceparent" not in upstream.requests[-1].headers
    assert collector.bodies == []
    with gateway(_config(upstream, None), tmp_path, env=env) as running:
        _, row = _ask(running, "priced")
        assert len(collector.trace(row["trace"], 2)) == 2
    collector.close()


# --- metrics -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counted(
    upstream: Upstream, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A gateway that has seen exactly the traffic below."""
    config = _config(upstream, None)
    folder = tmp_path_factory.mktemp("counted")
    with gateway(config, folder, env=SECRETS) as running:
        with httpx.Client(base_url=running.url, headers=BEARER) as client:
            for _ in range(5):
                client.post(CHAT, json=call("priced"))
            for _ in range(3):
                client.post(CHAT, json=call("stream", stream=True)).read()
            for _ in range(2):
                client.post(CHAT, json=call("twice"))
            client.post(CHAT, json=call("ill"))
            for number in range(40):
                client.post(CHAT, json=call(f"guess-{number}"))
            client.post(
                CHAT, json=call("priced"), headers={"authorization": "Bearer x"}
            )
        deadline = time.monotonic() + 5
        while running.metric("routeiq_records_written_total") < 52:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("routeiq_exchanges_total", {"alias": "priced", "status": "200"}, 5),
        ("routeiq_exchanges_total", {"alias": "twice", "status": "200"}, 2),
        ("routeiq_exchanges_total", {"alias": "ill", "status": "502"}, 1),
        ("routeiq_exchanges_total", {"status": "401"}, 1),
        ("routeiq_exchanges_total", {"alias": "other", "status": "404"}, 40),
        ("routeiq_exchanges_total", {}, 52),
        ("routeiq_attempts_total", {"deployment": "priced", "outcome": "ok"}, 5),
        ("routeiq_attempts_total", {"deployment": "ill"}, 2),
        ("routeiq_attempts_total", {"deployment": "priced2", "outcome": "ok"}, 2),
        ("routeiq_fallbacks_total", {}, 2),
        ("routeiq_in_flight", {}, 0),
        (
            "gen_ai_client_inference_usage_input_tokens_total",
            {"gen_ai_response_model": "m-2026"},
            700,
        ),
        (
            "gen_ai_client_inference_usage_reasoning_output_tokens_total",
            {"gen_ai_response_model": "m-2026"},
            49,
        ),
        ("gen_ai_client_token_usage_count", {"gen_ai_token_type": "input"}, 10),
        ("gen_ai_server_time_to_first_token_seconds_count", {}, 10),
        ("http_server_request_duration_seconds_count", {"http_route": CHAT}, 52),
        ("routeiq_records_written_total", {}, 52),
        ("routeiq_records_lost_total", {}, 0),
    ],
    ids=str,
)
def test_metrics_count_what_happened(
    counted: Running, name: str, labels: dict[str, str], value: float
) -> None:
    assert counted.metric(name, **labels) == value


def test_cost_is_counted_to_the_nano_dollar(counted: Running) -> None:
    nano = 7 * (100 * 3_000 + 20 * 15_000) + 3 * (10 * 3_000 + 3 * 15_000)
    assert counted.metric("routeiq_cost_USD_total") + counted.metric(
        "routeiq_cost_usd_total"
    ) == pytest.approx(nano / 1e9)


def test_names_that_clients_make_up_make_no_series(counted: Running) -> None:
    page = counted.get("/metrics").text
    assert "guess-" not in page
    assert MASTER not in page


def test_wildcard_names_are_bounded_too(counted: Running) -> None:
    with httpx.Client(base_url=counted.url, headers=BEARER) as client:
        for number in range(1100):
            client.post(CHAT, json=call(f"free/{number}"))
    time.sleep(0.3)
    page = counted.get("/metrics").text
    series = re.findall(r"^routeiq_exchanges_total\{.*\}", page, re.MULTILINE)
    assert len(series) <= 1001
    assert counted.metric("routeiq_exchanges_total") == 52 + 1100


def test_the_collector_is_told_the_same_numbers(
    running: Running, collector: Collector
) -> None:
    _ask(running, "priced")
    wanted = running.metric("routeiq_exchanges_total")

    def told() -> float:
        return sum(value for _, value in collector.points.get("routeiq.exchanges", []))

    assert collector.until(lambda: told() == wanted)
    assert "/v1/metrics" in collector.paths
    assert collector.points["gen_ai.client.inference.duration"]
    assert collector.points["gen_ai.client.token.usage"]


def test_two_workers_add_up(upstream: Upstream, tmp_path: Path) -> None:
    config = _config(upstream, None)
    with gateway(config, tmp_path, env=SECRETS, args=("--workers", "2")) as running:
        for _ in range(24):  # a connection each, so that both are met
            answer = running.post(CHAT, call("priced"), headers=BEARER)
            assert answer.status_code == 200

        def total() -> float:
            return running.metric("routeiq_exchanges_total", alias="priced")

        deadline = time.monotonic() + 10
        while total() < 24 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [total() for _ in range(6)] == [24] * 6, "whoever is asked"
        assert running.metric("routeiq_workers") == 2
        assert running.stop() == 0


# --- log lines -----------------------------------------------------------------------


def test_log_lines_are_json_and_tell_of_every_exchange(running: Running) -> None:
    answer, row = _ask(running, "twice")
    id = answer.headers["x-routeiq-id"]
    deadline = time.monotonic() + 5
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.05)
        lines = [json.loads(x) for x in running.lines if x.startswith("{")]
        found = [line for line in lines if line.get("id") == id]
    (line,) = found
    assert line["logger"] == "routeiq.exchange"
    assert line["trace_id"] == row["trace"]
    assert line["status"] == 200
    assert line["alias"] == "twice"
    assert line["key"] == "master"
    assert line["duration_ms"] > 0
    assert {"ts", "level", "msg"} <= set(line)


def test_no_log_line_holds_a_secret_or_content(running: Running) -> None:
    asked = {"model": f"x {SECRET}", "messages": [{"role": "user", "content": "odd"}]}
    running.post(CHAT, asked, headers=BEARER)
    _ask(running, "ill", user=MASTER)
    written = "".join(running.lines + running.out)
    for word in (SECRET, MASTER, OTLP_SECRET, "hello there"):
        assert word not in written


def test_a_client_cannot_forge_a_line(running: Running) -> None:
    name = 'x"}\n{"level":"error","msg":"forged"}'
    running.post(CHAT, call(name), headers=BEARER)
    time.sleep(0.3)
    for text in running.lines:
        if text.startswith("{"):
            assert json.loads(text)["msg"] != "forged"


def test_lines_may_be_turned_off(upstream: Upstream, tmp_path: Path) -> None:
    config = {**_config(upstream, None), "logs": {"requests": False, "format": "json"}}
    with gateway(config, tmp_path, env=SECRETS) as running:
        _ask(running, "priced")
        running.stop()
        assert not any("routeiq.exchange" in line for line in running.lines)
