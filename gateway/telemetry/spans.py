"""Facts -> the spans the OpenTelemetry SDK would have made.

One SERVER span per exchange, one CLIENT span per attempt. The exchange's span carries
no `gen_ai.*`: what reads those would count its tokens twice. Facts come redacted.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from adapters.normal.usage import Usage
from gateway.telemetry import names
from gateway.telemetry.facts import Attempt, Facts

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, SpanContext

MAX_INT: Final = 2**63 - 1
"""What OTLP can hold; what clients and providers name may be more."""
MAX_CONTENT: Final = 32_768
"""Characters of a body in an attribute."""
_HARMLESS: Final = frozenset({"", "cancelled"})


class SpanMaker:
    """Makes spans of exchanges. Making one loads the SDK: some 100 ms and 14 MB, so
    this happens where spans are exported and nowhere else."""

    def __init__(
        self, resource: Mapping[str, str], *, semconv: str, content: bool, version: str
    ) -> None:
        # Third-party, here, because of its weight: most gateways export nothing.
        from opentelemetry import trace as api  # noqa: PLC0415
        from opentelemetry.sdk import trace as sdk  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import (  # noqa: PLC0415
            InstrumentationScope,
        )

        self._sdk = sdk
        self._api = api
        self._semconv = semconv
        self._content = content
        self._resource = Resource.create(resource)
        self._scope = InstrumentationScope(names.SCOPE, version, names.SCHEMA_URL)
        self._sampled = api.TraceFlags(api.TraceFlags.SAMPLED)
        self._ok = api.Status()

    def spans(self, facts: Facts) -> "list[ReadableSpan]":
        """The exchange's span, then its attempts' in their order."""
        facts = _bounded(facts)
        server = self._context(facts, facts.trace.span_id)
        contexts = [self._context(facts, a.span_id) for a in facts.attempts]
        made = [self._server(facts, server)]
        for attempt, own in zip(facts.attempts, contexts, strict=True):
            links = [self._api.Link(other) for other in contexts if other is not own]
            made.append(self._client(facts, attempt, own, server, links))
        return made

    def _context(self, facts: Facts, span_id: int) -> "SpanContext":
        trace = facts.trace
        state = None
        if trace.state:
            state = self._api.TraceState.from_header([trace.state])
        return self._api.SpanContext(
            trace.trace_id, span_id, False, self._sampled, state
        )

    def _server(self, facts: Facts, context: "SpanContext") -> "ReadableSpan":
        trace = facts.trace
        parent = None
        if trace.parent_id:
            parent = self._api.SpanContext(
                trace.trace_id,
                trace.parent_id,
                True,
                self._api.TraceFlags(int(trace.sampled)),
                context.trace_state,
            )
        status = self._ok
        if facts.status >= 500:
            status = self._failed(facts.error_message or facts.error)
        events = []
        if facts.first_token:
            at = _unix_ns(facts, facts.first_token)
            events.append(self._sdk.Event("routeiq.first_token", timestamp=at))
        return self._sdk.ReadableSpan(
            name=f"{names.operation(facts.operation)} {facts.alias}".rstrip(),
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=self._server_attributes(facts),
            events=events,
            kind=self._api.SpanKind.SERVER,
            status=status,
            start_time=facts.began_unix_ns,
            end_time=_unix_ns(facts, facts.ended),
            instrumentation_scope=self._scope,
        )

    def _client(
        self,
        facts: Facts,
        attempt: Attempt,
        context: "SpanContext",
        parent: "SpanContext",
        links: "list[Link]",
    ) -> "ReadableSpan":
        status = self._ok
        events: list[Event] = []
        if attempt.error not in _HARMLESS:
            status = self._failed(attempt.message or attempt.error)
            events.append(
                self._sdk.Event(
                    "exception",
                    {
                        "exception.type": attempt.error,
                        "exception.message": attempt.message,
                    },
                    _unix_ns(facts, attempt.ended),
                )
            )
        return self._sdk.ReadableSpan(
            name=f"{names.operation(facts.operation)} {attempt.model}".rstrip(),
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=dict(_client_attributes(facts, attempt, self._semconv)),
            events=events,
            links=links,
            kind=self._api.SpanKind.CLIENT,
            status=status,
            start_time=_unix_ns(facts, attempt.started),
            end_time=_unix_ns(facts, attempt.ended),
            instrumentation_scope=self._scope,
        )

    def _failed(self, description: str) -> Any:
        return self._api.Status(self._api.StatusCode.ERROR, description)

    def _server_attributes(self, facts: Facts) -> dict[str, Any]:
        attributes = dict(_server_attributes(facts))
        if self._content:
            for key, body in (("request", facts.request), ("response", facts.response)):
                if body:
                    text = body[: MAX_CONTENT * 4].decode("utf-8", "replace")
                    attributes[f"routeiq.{key}.body"] = text[:MAX_CONTENT]
        return attributes


def _server_attributes(facts: Facts) -> Iterator[tuple[str, Any]]:
    yield names.HTTP_METHOD, "POST"
    yield names.HTTP_ROUTE, facts.route
    yield names.HTTP_STATUS, facts.status
    yield names.HTTP_REQUEST_SIZE, facts.request_bytes
    yield names.HTTP_RESPONSE_SIZE, facts.response_bytes
    yield "routeiq.id", facts.id
    yield "routeiq.dialect", facts.dialect
    yield "routeiq.alias", facts.alias
    yield "routeiq.stream", facts.stream
    yield "routeiq.attempts", len(facts.attempts)
    optional = (
        (names.ERROR_TYPE, facts.error),
        (names.USER, facts.user),
        ("routeiq.key.id", facts.key_id),
        ("routeiq.deployment", facts.served_by),
        ("routeiq.dropped", facts.dropped),
    )
    for key, value in optional:
        if value:
            yield key, value
    if facts.cost_nano is not None:
        yield "routeiq.cost_usd", facts.cost_nano / 1e9
    plan = facts.plan
    if plan is not None:
        yield "routeiq.routing.strategy", plan.strategy
        yield "routeiq.routing.order", tuple(step.candidate for step in plan.order)
        yield "routeiq.routing.reasons", tuple(step.reason for step in plan.order)
        yield (
            "routeiq.routing.propensities",
            tuple(step.propensity for step in plan.order),
        )
        if plan.removed:
            out = tuple(f"{gone.candidate}: {gone.by}" for gone in plan.removed)
            yield "routeiq.routing.removed", out


def _client_attributes(
    facts: Facts, attempt: Attempt, semconv: str
) -> Iterator[tuple[str, Any]]:
    yield names.OPERATION, names.operation(facts.operation)
    yield names.PROVIDER, names.provider(attempt.provider)
    yield names.REQUEST_MODEL, attempt.model
    yield names.REQUEST_STREAM, facts.stream
    yield "routeiq.deployment", attempt.deployment
    optional: list[tuple[str, Any]] = [
        (names.REQUEST_MAX_TOKENS, facts.max_tokens),
        (names.SERVER_ADDRESS, attempt.host),
        (names.SERVER_PORT, attempt.port),
        (names.HTTP_STATUS, attempt.status),
        (names.ERROR_TYPE, attempt.error),
        ("routeiq.hedge", attempt.hedge),
    ]
    if not attempt.error:
        optional += [
            (names.RESPONSE_MODEL, facts.model),
            (names.RESPONSE_ID, facts.response_id),
            (names.RESPONSE_FINISH, facts.stop),
        ]
    for key, value in optional:
        if value:
            yield key, value
    if facts.stream and attempt.first_token:
        yield names.RESPONSE_FIRST_CHUNK, attempt.first_token - attempt.started
    if attempt.cost_nano is not None:
        yield "routeiq.cost_usd", attempt.cost_nano / 1e9
    yield from _usage_attributes(attempt, semconv)


def _usage_attributes(attempt: Attempt, semconv: str) -> Iterator[tuple[str, Any]]:
    usage = attempt.usage
    if usage is None:
        return
    yield names.USAGE_INPUT, usage.input
    yield names.USAGE_OUTPUT, usage.output
    if usage.cache_write:
        if names.included("0.1", semconv):
            yield names.USAGE_CACHE_WRITE, usage.cache_write
        if names.included("1.41", semconv):
            yield names.USAGE_CACHE_CREATION, usage.cache_write
    for key, count in (
        (names.USAGE_CACHE_READ, usage.cached),
        (names.USAGE_REASONING, usage.reasoning),
        ("gen_ai.usage.audio.input_tokens", usage.audio_input),
        ("gen_ai.usage.image.input_tokens", usage.image_input),
        ("gen_ai.usage.audio.output_tokens", usage.audio_output),
        ("gen_ai.usage.image.output_tokens", usage.image_output),
    ):
        if count:
            yield key, count
    if usage.estimated:
        yield "routeiq.usage.estimated", True


def _bounded(facts: Facts) -> Facts:
    limit = facts.max_tokens
    return replace(
        facts,
        max_tokens=None if limit is None else _clamped(limit),
        attempts=tuple(replace(a, usage=_usage(a.usage)) for a in facts.attempts),
    )


def _usage(usage: Usage | None) -> Usage | None:
    if usage is None:
        return None
    counts = {
        name: _clamped(count)
        for name, count in msgspec.structs.asdict(usage).items()
        if isinstance(count, int) and not -MAX_INT <= count <= MAX_INT
    }
    return msgspec.structs.replace(usage, **counts) if counts else usage


def _clamped(count: int) -> int:
    return min(max(count, -MAX_INT), MAX_INT)


def _unix_ns(facts: Facts, instant: float) -> int:
    """A monotonic instant of the exchange on the calendar's clock."""
    return max(facts.began_unix_ns + int((instant - facts.began) * 1e9), 0)
