"""What leaves the gateway about its work: traces, metrics, log lines; and what never
does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow import watched
from tests.flow.collector import Collector, Span
from tests.flow.provider import CHAT, SECRET, call
from tests.flow.watched import BEARER, MASTER, OTLP_SECRET, SECRETS, ask, config
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with watched.provider() as up:
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
    with gateway(config(upstream, collector), folder, env=SECRETS) as running:
        yield running


def _spans(
    running: Running, collector: Collector, model: str, count: int, **more: Any
) -> tuple[Span, list[Span], Any]:
    """The server's span, the attempts' in order, and the record."""
    _, row = ask(running, model, **more)
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
    _, row = ask(running, "twice", headers=headers)
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
    _, row = ask(running, "priced", headers={"traceparent": header})
    assert re.fullmatch("[0-9a-f]{32}", row["trace"])
    assert row["trace"] != TRACE


def test_what_a_caller_does_not_sample_is_not_exported(
    running: Running, collector: Collector, upstream: Upstream
) -> None:
    trace = "5" * 32
    headers = {"traceparent": f"00-{trace}-{CALLER}-00"}
    ask(running, "priced", headers=headers)
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
    answer, row = ask(running, "twice", user=f"me {SECRET}", headers=headers)
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
    setup = config(upstream, collector, traces=traces)
    with gateway(setup, tmp_path, env=SECRETS) as running:
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
    setup = config(upstream, collector, traces={"sample": 0.0})
    with gateway(setup, tmp_path, env=SECRETS) as running:
        _, quiet = ask(running, "priced")
        _, failed = ask(running, "ill")
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        ask(running, "priced", headers=headers)
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
    setup = config(upstream, collector, semconv=semconv, service_name="front-door")
    with gateway(setup, tmp_path, env=SECRETS) as running:
        ask(running, "priced")
        assert collector.until(lambda: bool(collector.points))
        page = running.get("/metrics").text
    assert collector.resource["service.name"] == "front-door"
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
        config(upstream, None), tmp_path, env={**env, "OTEL_SDK_DISABLED": "true"}
    ) as running:
        ask(running, "priced")
        assert "traceparent" not in upstream.requests[-1].headers
    assert collector.bodies == []
    with gateway(config(upstream, None), tmp_path, env=env) as running:
        _, row = ask(running, "priced")
        assert len(collector.trace(row["trace"], 2)) == 2
    collector.close()


def test_the_collector_is_told_the_same_numbers(
    running: Running, collector: Collector
) -> None:
    ask(running, "priced")
    wanted = running.metric("routeiq_exchanges_total")

    def told() -> float:
        return sum(value for _, value in collector.points.get("routeiq.exchanges", []))

    assert collector.until(lambda: told() == wanted)
    assert "/v1/metrics" in collector.paths
    assert collector.points["gen_ai.client.inference.duration"]
    assert collector.points["gen_ai.client.token.usage"]


# --- log lines -----------------------------------------------------------------------


def test_log_lines_are_json_and_tell_of_every_exchange(running: Running) -> None:
    answer, row = ask(running, "twice")
    id = answer.headers["x-routeiq-id"]
    log = running.logged(id).splitlines()
    lines = [json.loads(text) for text in log if text.startswith("{")]
    (line,) = [line for line in lines if line.get("id") == id]
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
    _, row = ask(running, "ill", user=MASTER)
    written = running.logged(row["id"])
    for word in (SECRET, MASTER, OTLP_SECRET, "hello there"):
        assert word not in written


def test_a_client_cannot_forge_a_line(running: Running) -> None:
    name = 'x"}\n{"level":"error","msg":"forged"}'
    answer = running.post(CHAT, call(name), headers=BEARER)
    for text in running.logged(answer.headers["x-routeiq-id"]).splitlines():
        if text.startswith("{"):
            assert json.loads(text)["msg"] != "forged"


def test_lines_may_be_turned_off(upstream: Upstream, tmp_path: Path) -> None:
    setup = {**config(upstream, None), "logs": {"requests": False, "format": "json"}}
    with gateway(setup, tmp_path, env=SECRETS) as running:
        ask(running, "priced")
        running.stop()
        assert not any("routeiq.exchange" in line for line in running.lines)
