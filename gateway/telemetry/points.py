"""Our aggregates -> the SDK's `MetricsData`, cumulative since the process began."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.telemetry import families, names
from gateway.telemetry.families import Buckets, Family
from gateway.telemetry.metrics import Snapshot

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData


class PointMaker:
    """Makes data points. Making one loads the SDK, as `spans.SpanMaker` does."""

    def __init__(
        self, resource: Mapping[str, str], *, semconv: str, version: str
    ) -> None:
        # Third-party, here, because of its weight: most gateways export nothing.
        from opentelemetry.sdk.metrics import export as sdk  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import (  # noqa: PLC0415
            InstrumentationScope,
        )

        self._sdk = sdk
        self._semconv = semconv
        self._resource = Resource.create(resource)
        self._scope = InstrumentationScope(names.SCOPE, version, names.SCHEMA_URL)

    def data(self, snapshot: Snapshot) -> "MetricsData":
        """All instruments as they stand."""
        now = time.time_ns()
        metrics = [
            self._metric(family, snapshot.started_unix_ns, now)
            for family in families.families(snapshot, self._semconv)
            if family.points  # a metric without any says not even its kind
        ]
        scope = self._sdk.ScopeMetrics(self._scope, metrics, names.SCHEMA_URL)
        return self._sdk.MetricsData(
            [self._sdk.ResourceMetrics(self._resource, [scope], names.SCHEMA_URL)]
        )

    def _metric(self, family: Family, since: int, now: int) -> "Metric":
        sdk, instrument = self._sdk, family.instrument
        cumulative = sdk.AggregationTemporality.CUMULATIVE
        data: Any
        if instrument.kind == "histogram":
            data = sdk.Histogram(
                [
                    self._histogram(dict(labels), value, family.bounds, since, now)
                    for labels, value in family.points.items()
                    if isinstance(value, Buckets)
                ],
                cumulative,
            )
        else:
            numbers = [
                sdk.NumberDataPoint(dict(labels), since, now, value)
                for labels, value in family.points.items()
                if not isinstance(value, Buckets)
            ]
            if instrument.kind == "counter":
                data = sdk.Sum(numbers, cumulative, is_monotonic=True)
            else:
                data = sdk.Gauge(numbers)
        made: Metric = sdk.Metric(
            instrument.name, instrument.help, instrument.unit, data
        )
        return made

    def _histogram(
        self,
        attributes: dict[str, str | int],
        buckets: Buckets,
        bounds: tuple[float, ...],
        since: int,
        now: int,
    ) -> Any:
        unknown: Any = None
        return self._sdk.HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=since,
            time_unix_nano=now,
            count=sum(buckets.counts),
            sum=buckets.sum,
            bucket_counts=buckets.counts,
            explicit_bounds=bounds,
            min=unknown,
            max=unknown,
        )
