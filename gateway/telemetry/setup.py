"""What the configuration and the standard environment make of telemetry.

Honoured: OTEL_SDK_DISABLED, OTEL_EXPORTER_OTLP_* (also per signal), OTEL_SERVICE_NAME,
OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER (`none`),
OTEL_SEMCONV_STABILITY_OPT_IN. The file goes before the environment.
"""

import logging
import os
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gateway.config import schema
from gateway.telemetry.context import Propagation
from gateway.telemetry.export import MetricPush, SpanQueue, counters
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.points import PointMaker
from gateway.telemetry.spans import SpanMaker

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

_log = logging.getLogger(__name__)
_LATEST: Final = "gen_ai_latest_experimental"
_DEFAULT_NAME: Final = schema.Telemetry().service_name


class Telemetry:
    """The exporters of one process, and what the loop needs for traces.

    `spans` is a sink for the recorder, `None` when no traces leave. Start it in the
    process that will serve.
    """

    def __init__(
        self,
        config: schema.Telemetry,
        metrics: Metrics,
        *,
        version: str = "",
        instance: str = "",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        env = os.environ if environ is None else environ
        self._config = config
        self._version = version
        self.semconv = semconv(config, env)
        self._resource = _resource(config, version, instance, env)
        disabled = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        self._traces_url = "" if disabled else _endpoint(config, env, "traces")
        self._metrics_url = "" if disabled else _endpoint(config, env, "metrics")
        if not config.traces.enabled:
            self._traces_url = ""
        if not config.metrics:
            self._metrics_url = ""
        self.spans: SpanQueue | None = None
        if self._traces_url:
            self.spans = SpanQueue(self._span_maker, self._span_exporter)
        self._push: MetricPush | None = None
        if self._metrics_url:
            self._push = MetricPush(
                metrics,
                self._point_maker,
                self._metric_exporter,
                interval_s=config.otlp_interval_s,
            )
        self.propagation = Propagation(
            config.traces.sample, exporting=self.spans is not None
        )
        for name, help, read in counters(self.spans, self._push):
            metrics.register(name, help, read, kind="counter")

    @property
    def exports(self) -> tuple[str, ...]:
        """Where telemetry is sent, for the banner: `traces -> URL`."""
        told = []
        if self._traces_url:
            told.append(f"traces -> {self._traces_url}")
        if self._metrics_url:
            told.append(f"metrics -> {self._metrics_url}")
        return tuple(told)

    @property
    def wants_content(self) -> bool:
        """Whether spans carry bodies, so that exchanges must keep them."""
        return self.spans is not None and self._config.traces.content

    def start(self) -> None:
        """Start the exporting threads."""
        if self.spans is not None:
            self.spans.start()
        if self._push is not None:
            self._push.start()

    def close(self) -> None:
        """Send metrics once more; the recorder closes `spans`. Blocks for seconds at
        most."""
        if self._push is not None:
            self._push.close()

    def _span_maker(self) -> SpanMaker:
        return SpanMaker(
            self._resource,
            semconv=self.semconv,
            content=self._config.traces.content,
            version=self._version,
        )

    def _point_maker(self) -> PointMaker:
        return PointMaker(self._resource, semconv=self.semconv, version=self._version)

    def _span_exporter(self) -> "SpanExporter":
        # Third-party, here, because of its weight (200 ms, 20 MB with its HTTP
        # client): most gateways export nothing.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        return OTLPSpanExporter(
            endpoint=self._traces_url, headers=self._config.otlp_headers or None
        )

    def _metric_exporter(self) -> "MetricExporter":
        # As above.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
            OTLPMetricExporter,
        )

        return OTLPMetricExporter(
            endpoint=self._metrics_url, headers=self._config.otlp_headers or None
        )


def semconv(config: schema.Telemetry, env: Mapping[str, str]) -> str:
    """Which names are used: the file's word, unless the environment opts in to the
    newest and the file left both."""
    opted = env.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
    if config.semconv == "both" and _LATEST in {o.strip() for o in opted.split(",")}:
        return "0.1"
    return config.semconv


def _endpoint(config: schema.Telemetry, env: Mapping[str, str], signal: str) -> str:
    """Where a signal goes; empty: nowhere."""
    exporter = env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower()
    if exporter == "none":
        return ""
    if config.otlp_endpoint:
        return f"{config.otlp_endpoint.rstrip('/')}/v1/{signal}"
    own = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    if own:
        return own
    common = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    if not common:
        return ""
    protocol = env.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf").strip()
    if protocol not in {"", "http/protobuf"}:
        _log.warning(
            "only OTLP over HTTP with protobuf is spoken",
            extra={"asked": protocol, "signal": signal},
        )
    return f"{common.rstrip('/')}/v1/{signal}"


def _resource(
    config: schema.Telemetry, version: str, instance: str, env: Mapping[str, str]
) -> dict[str, str]:
    attributes = {"service.instance.id": instance or str(uuid.uuid4())}
    if version:
        attributes["service.version"] = version
    told = env.get("OTEL_SERVICE_NAME", "") or (
        "service.name=" in env.get("OTEL_RESOURCE_ATTRIBUTES", "")
    )
    # The SDK reads the environment itself; what is passed to it would win.
    if config.service_name != _DEFAULT_NAME or not told:
        attributes["service.name"] = config.service_name
    return attributes
