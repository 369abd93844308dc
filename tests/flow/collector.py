"""A stand-in OpenTelemetry collector on a real socket."""

import gzip
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


class Span:
    """One span as it arrived."""

    def __init__(self, raw: Any) -> None:
        self.name: str = raw.name
        self.kind = {2: "server", 3: "client"}.get(raw.kind, str(raw.kind))
        self.trace: str = raw.trace_id.hex()
        self.id: str = raw.span_id.hex()
        self.parent: str = raw.parent_span_id.hex()
        self.state: str = raw.trace_state
        self.begin: int = raw.start_time_unix_nano
        self.end: int = raw.end_time_unix_nano
        self.attributes = _plain(raw.attributes)
        self.failed: bool = raw.status.code == 2


class Collector:
    """Takes OTLP over HTTP and remembers it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.points: dict[str, list[tuple[dict[str, Any], float]]] = {}
        """Metric -> attributes and value (count, of a histogram), as last told."""
        self.resource: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.errors = 0
        """Requests that could not be read."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.errors += 1  # until it is read to its end
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.headers = {k.lower(): v for k, v in self.headers.items()}
                collector.take(self.path, body)
                collector.errors -= 1
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        self.bodies.append(body)
        if path.endswith("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = _plain(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [Span(raw) for raw in scope.spans]
        elif path.endswith("/v1/metrics"):
            told = ExportMetricsServiceRequest.FromString(body)
            for metrics in told.resource_metrics:
                for scope in metrics.scope_metrics:
                    for metric in scope.metrics:
                        self.points[metric.name] = list(_points(metric))

    def trace(self, id: str, count: int = 1, within_s: float = 10.0) -> list[Span]:
        """The spans of a trace, once there are `count`."""
        self.until(lambda: len(self._of(id)) >= count, within_s)
        return self._of(id)

    def until(self, condition: Callable[[], bool], within_s: float = 10.0) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.02)
        return condition()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert self.errors == 0

    def _of(self, trace: str) -> list[Span]:
        return [span for span in [*self.spans] if span.trace == trace]


def _points(metric: Any) -> Any:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        if kind == "histogram":
            value = float(point.count)
        else:
            value = getattr(point, point.WhichOneof("value"))
        yield _plain(point.attributes), value


def _plain(attributes: Any) -> dict[str, Any]:
    def value(v: Any) -> Any:
        kind = v.WhichOneof("value")
        if kind == "array_value":
            return tuple(value(x) for x in v.array_value.values)
        return getattr(v, kind)

    return {a.key: value(a.value) for a in attributes}
