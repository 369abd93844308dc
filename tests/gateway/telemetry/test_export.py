"""OTLP: what a collector on a real socket receives, decoded from its protobuf."""

import gzip
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from adapters.normal.usage import Usage
from gateway.config import schema
from gateway.spine.record import Recorder
from gateway.telemetry.facts import Facts, Trace
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.redact import Redactor
from gateway.telemetry.setup import Telemetry
from gateway.telemetry.spans import SpanMaker
from tests.gateway.telemetry.samples import attempt, calm, exchanges, facts
from tests.harness.timing import at_most, timely

ENV = {"OTEL_RESOURCE_ATTRIBUTES": ""}


class Collector:
    """Takes OTLP over HTTP and remembers it."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.calls += 1
                collector.gate.wait(10)
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                if collector.status == 200:
                    collector.take(
                        self.path, body, {k.lower(): v for k, v in self.headers.items()}
                    )
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.headers.append(headers)
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                self.resources.append(plain(resource.resource.attributes))
                for scope in resource.scope_spans:
                    assert scope.scope.name == "routeiq.gateway"
                    self.spans += scope.spans
        elif path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def plain(attributes: Any) -> dict[str, Any]:
    def value(v: Any) -> Any:
        kind = v.WhichOneof("value")
        if kind == "array_value":
            return tuple(value(x) for x in v.array_value.values)
        return getattr(v, kind)

    return {a.key: value(a.value) for a in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Collector()
    yield made
    made.close()


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 15
    while not true():
        assert time.monotonic() < limit, "it never came true"
        time.sleep(0.01)


def sent(collector: Collector, *batch: Facts, **options: Any) -> list[Any]:
    """The spans that arrive when these exchanges are recorded."""
    config = schema.Telemetry(otlp_endpoint=collector.url, metrics=False, **options)
    telemetry = Telemetry(config, Metrics(), version="1.2", instance="i-1", environ=ENV)
    assert telemetry.spans is not None
    telemetry.start()
    recorder = Recorder(
        store=None, sinks=[telemetry.spans], redactor=Redactor(), tick_s=0.01
    )
    recorder.start()
    for each in batch:
        recorder.put(each)
    recorder.close(10)
    telemetry.close()
    until(lambda: not telemetry.spans._thread.is_alive())  # type: ignore[union-attr]
    return collector.spans


def traced(**changes: Any) -> Facts:
    return facts(trace=Trace(0xA1, 0xB2, 0xC3, True, "v=1"), **changes)


def test_an_exchange_is_one_server_span_and_one_client_span_per_attempt(
    collector: Collector,
) -> None:
    exchange = traced(
        stream=True,
        chunks=9,
        dropped=("seed",),
        attempts=(
            attempt(
                span_id=1,
                error="rate_limited",
                message="slow down",
                status=429,
                usage=None,
                cost_nano=None,
                started=100.001,
                ended=100.1,
            ),
            attempt(
                span_id=2,
                deployment="gem",
                provider="gemini",
                model="gemini-x",
                usage=Usage(10, 20, cached=4, cache_write=3, reasoning=5),
            ),
        ),
    )
    server, first, second = sent(collector, exchange)
    assert (server.name, server.kind) == ("chat fast", 2)
    assert server.trace_id.hex() == f"{0xA1:032x}"
    assert server.span_id.hex() == f"{0xB2:016x}"
    assert server.parent_span_id.hex() == f"{0xC3:016x}"
    assert server.trace_state == "v=1"
    assert server.start_time_unix_nano == exchange.began_unix_ns
    assert server.end_time_unix_nano - server.start_time_unix_nano == pytest.approx(
        510_000_000, abs=1000
    )
    assert server.status.code == 0
    assert [e.name for e in server.events] == ["routeiq.first_token"]
    told = plain(server.attributes)
    assert told["http.route"] == "/v1/chat/completions"
    assert told["http.response.status_code"] == 200
    assert told["routeiq.alias"] == "fast"
    assert told["routeiq.attempts"] == 2
    assert told["routeiq.cost_usd"] == pytest.approx(2.13e-5)
    assert told["routeiq.routing.strategy"] == "weighted"
    assert told["routeiq.routing.order"] == ("gpt-a", "gpt-b")
    assert told["routeiq.routing.propensities"] == (0.667, 0.333)
    assert told["routeiq.routing.removed"] == ("gpt-c: cooldown",)
    assert told["routeiq.dropped"] == ("seed",)
    assert not any(key.startswith("gen_ai.") for key in told)

    assert (first.name, first.kind) == ("chat gpt-4o-mini", 3)
    assert first.parent_span_id == second.parent_span_id == server.span_id
    assert first.status.code == 2
    assert first.status.message == "slow down"
    assert first.events[0].name == "exception"
    told = plain(first.attributes)
    assert told["error.type"] == "rate_limited"
    assert told["http.response.status_code"] == 429
    assert "gen_ai.response.model" not in told
    assert [link.span_id for link in first.links] == [second.span_id]
    assert [link.span_id for link in second.links] == [first.span_id]
    assert second.status.code == 0
    assert plain(second.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-x",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 256,
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.id": "chatcmpl-BXd8192839182",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": pytest.approx(0.199),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_write.input_tokens": 3,
        "gen_ai.usage.cache_creation.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "server.address": "api.openai.com",
        "server.port": 443,
        "http.response.status_code": 200,
        "routeiq.deployment": "gem",
        "routeiq.cost_usd": pytest.approx(2.13e-5),
    }
    assert collector.resources[0]["service.name"] == "routeiq"
    assert collector.resources[0]["service.version"] == "1.2"
    assert collector.resources[0]["service.instance.id"] == "i-1"


def test_a_server_error_is_an_error_and_a_clients_is_not(collector: Collector) -> None:
    spans = sent(
        collector,
        traced(status=502, error="server_error", error_message="it broke", attempts=()),
        traced(status=400, error="bad_request", attempts=()),
    )
    assert [(s.status.code, s.status.message) for s in spans] == [
        (2, "it broke"),
        (0, ""),
    ]
    assert [plain(s.attributes)["error.type"] for s in spans] == [
        "server_error",
        "bad_request",
    ]


def test_unsampled_exchanges_stay_here_unless_they_failed(collector: Collector) -> None:
    spans = sent(
        collector, facts(), facts(error="timeout", status=504), *[facts()] * 20
    )
    assert len(spans) == 2
    assert spans[0].status.code == 2


def test_a_flood_of_errors_is_not_exported_whole(collector: Collector) -> None:
    spans = sent(
        collector, *[facts(error="unauthorized", status=401, attempts=())] * 900
    )
    assert 50 <= len(spans) <= 150


@pytest.mark.parametrize(
    ("semconv", "present", "absent"),
    [
        ("0.1", "cache_write", "cache_creation"),
        ("1.41", "cache_creation", "cache_write"),
    ],
)
def test_the_setting_chooses_the_names_in_spans(
    collector: Collector, semconv: Any, present: str, absent: str
) -> None:
    exchange = traced(attempts=(attempt(usage=Usage(10, 2, cache_write=3)),))
    told = plain(sent(collector, exchange, semconv=semconv)[1].attributes)
    assert told[f"gen_ai.usage.{present}.input_tokens"] == 3
    assert f"gen_ai.usage.{absent}.input_tokens" not in told


def test_content_is_off_unless_it_is_asked_for(collector: Collector) -> None:
    exchange = traced(request=b"prompt sk-abcdefghijklmnop", response=b"answer")
    sent(collector, exchange)
    assert b"prompt" not in b"".join(s.SerializeToString() for s in collector.spans)
    collector.spans.clear()
    server = sent(collector, exchange, traces=schema.Traces(content=True))[0]
    assert plain(server.attributes)["routeiq.request.body"] == "prompt [redacted]"


def test_headers_of_the_configuration_are_sent(collector: Collector) -> None:
    sent(collector, traced(), otlp_headers={"x-tenant": "t1"})
    assert collector.headers[0]["x-tenant"] == "t1"


def test_the_standard_environment_is_enough(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=mine"
    )
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=t2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    telemetry = Telemetry(schema.Telemetry(metrics=False), Metrics())
    assert telemetry.exports == (f"traces -> {collector.url}/v1/traces",)
    telemetry.start()
    assert telemetry.spans is not None
    telemetry.spans.take([traced()])
    telemetry.spans.close()
    assert collector.resources[0]["service.name"] == "mine"
    assert collector.resources[0]["deployment.environment"] == "test"
    assert collector.headers[0]["x-tenant"] == "t2"


@pytest.mark.parametrize(
    ("config", "env", "exports"),
    [
        ({}, {}, 0),
        ({"otlp_endpoint": "http://c:4318"}, {}, 2),
        ({"otlp_endpoint": "http://c:4318"}, {"OTEL_SDK_DISABLED": "True"}, 0),
        ({"otlp_endpoint": "http://c:4318"}, {"OTEL_TRACES_EXPORTER": "none"}, 1),
        ({"otlp_endpoint": "http://c:4318", "metrics": False}, {}, 1),
        (
            {"otlp_endpoint": "http://c:4318", "traces": schema.Traces(enabled=False)},
            {},
            1,
        ),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/x"}, 1),
    ],
)
def test_what_leaves_is_what_was_configured(
    config: dict[str, Any], env: dict[str, str], exports: int
) -> None:
    telemetry = Telemetry(schema.Telemetry(**config), Metrics(), environ=env)
    assert len(telemetry.exports) == exports


def test_the_environment_may_opt_in_to_the_newest_names() -> None:
    env = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http, gen_ai_latest_experimental"}
    assert Telemetry(schema.Telemetry(), Metrics(), environ=env).semconv == "0.1"
    assert (
        Telemetry(schema.Telemetry(semconv="1.41"), Metrics(), environ=env).semconv
        == "1.41"
    )
    assert Telemetry(schema.Telemetry(), Metrics(), environ={}).semconv == "both"


def test_metrics_arrive_as_they_were_counted(collector: Collector) -> None:
    metrics = Metrics(started_unix_ns=77)
    metrics.register("routeiq.in_flight", "Now.", lambda: [({"deployment": "a"}, 3)])
    metrics.take([facts(), facts(status=502, error="timeout")])
    config = schema.Telemetry(
        otlp_endpoint=collector.url,
        traces=schema.Traces(enabled=False),
        otlp_interval_s=0.05,
    )
    telemetry = Telemetry(config, metrics, environ=ENV)
    telemetry.start()
    until(lambda: bool(collector.metrics))
    telemetry.close()
    (resource,) = collector.metrics[0].resource_metrics
    told = {m.name: m for m in resource.scope_metrics[0].metrics}
    exchanges_ = told["routeiq.exchanges"].sum
    assert exchanges_.is_monotonic
    assert exchanges_.aggregation_temporality == 2
    points = {
        tuple(sorted(plain(p.attributes).items())): p.as_int
        for p in exchanges_.data_points
    }
    assert points == {
        (("alias", "fast"), ("status", 200)): 1,
        (("alias", "fast"), ("error", "timeout"), ("status", 502)): 1,
    }
    assert exchanges_.data_points[0].start_time_unix_nano == 77
    duration = told["gen_ai.client.inference.duration"]
    assert duration.unit == "s"
    (point,) = duration.histogram.data_points
    assert point.count == 2
    assert point.sum == pytest.approx(2 * 0.499)
    assert len(point.explicit_bounds) == 14
    assert sum(point.bucket_counts) == 2
    assert point.bucket_counts[6] == 2
    assert told["gen_ai.client.operation.duration"].histogram.data_points[0].count == 2
    gauge = told["routeiq.in_flight"].gauge.data_points[0]
    assert gauge.as_double == 3 or gauge.as_int == 3
    assert "gen_ai.client.inference.usage.input_tokens" in told


@timely
def test_a_slow_collector_costs_spans_and_nothing_else(collector: Collector) -> None:
    collector.gate.clear()
    config = schema.Telemetry(otlp_endpoint=collector.url, metrics=False)
    telemetry = Telemetry(config, Metrics(), environ=ENV)
    spans = telemetry.spans
    assert spans is not None
    telemetry.start()
    spans.take([traced()] * 200)
    until(lambda: collector.calls == 1)
    began = time.monotonic()
    for _ in range(200):
        spans.take([traced()] * 50)
    at_most(1.0, time.monotonic() - began)
    assert spans.dropped >= 10_000 - 4096
    began = time.monotonic()
    spans.close()
    at_most(4.0, time.monotonic() - began)
    collector.gate.set()
    until(lambda: not spans._thread.is_alive())


def test_a_failing_collector_is_told_once_and_counted(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    config = schema.Telemetry(otlp_endpoint=collector.url, metrics=False)
    metrics = Metrics()
    telemetry = Telemetry(config, metrics, environ=ENV)
    spans = telemetry.spans
    assert spans is not None
    with caplog.at_level(logging.INFO):
        telemetry.start()
        for calls in (1, 2, 3):
            spans.take([traced()] * 128)
            until(lambda calls=calls: collector.calls >= calls and not spans._queue)
        until(lambda: spans.dropped == 384)
        collector.status = 200
        spans.take([traced()] * 128)
        until(lambda: spans.exported == 256)
        spans.close()
    told = [
        r.getMessage()
        for r in caplog.records
        if r.name.startswith(("gateway", "opentelemetry"))
    ]
    assert told == ["telemetry export fails", "telemetry export works again"]
    readings = {r.name: r.points[0][1] for r in metrics.snapshot().readings}
    assert readings["routeiq.spans.dropped"] == 384


def test_no_collector_at_all_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    config = schema.Telemetry(otlp_endpoint="http://127.0.0.1:9", otlp_interval_s=0.05)
    telemetry = Telemetry(config, Metrics(), environ=ENV)
    telemetry.start()
    assert telemetry.spans is not None
    telemetry.spans.take([traced()])
    time.sleep(0.3)
    telemetry.spans.close()
    telemetry.close()
    until(lambda: not telemetry.spans._thread.is_alive())  # type: ignore[union-attr]
    assert telemetry.spans.dropped == 1


def test_numbers_without_end_do_not_stop_a_span() -> None:
    exchange = facts(max_tokens=10**40, attempts=(attempt(usage=Usage(10**30, 2)),))
    maker = SpanMaker({}, semconv="both", content=True, version="")
    encode_spans(maker.spans(exchange)).SerializeToString()


@calm
@given(exchanges)
def test_any_exchange_becomes_spans_that_encode(exchange: Facts) -> None:
    maker = SpanMaker({}, semconv="both", content=True, version="")
    spans = maker.spans(exchange)
    assert len(spans) == 1 + len(exchange.attempts)
    encode_spans(spans).SerializeToString()


def test_without_an_endpoint_the_sdk_is_not_even_loaded() -> None:
    code = (
        "import sys\n"
        "from gateway.config import schema\n"
        "from gateway.spine import record\n"
        "from gateway.telemetry import logs, prometheus, workers, process, setup\n"
        "from gateway.telemetry.metrics import Metrics\n"
        "t = setup.Telemetry(schema.Telemetry(), Metrics(), environ={})\n"
        "t.start(); t.close()\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in"
        " ('opentelemetry', 'google', 'requests', 'urllib3')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
