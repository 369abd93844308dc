"""The durable record of an exchange: one JSON object in the log `exchanges`.

Readers decode `Row`; fields may be added, never renamed or given another meaning.
Empty and zero fields are left out of the JSON, except the cost: `null` says that
some price is unknown, 0 that it was free.
"""

from typing import Final

import msgspec

from adapters.normal.usage import Usage
from gateway.telemetry.facts import Attempt, Facts
from gateway.telemetry.redact import Redactor
from routing.types import Plan

LOG: Final = "exchanges"
"""Name of the log that rows are appended to."""
FEEDBACK_LOG: Final = "feedback"
"""Name of the log of `Feedback`."""
MAX_CONTENT: Final = 4 * 1024 * 1024
"""Bytes of a body that are kept; the rest is cut off."""
MAX_TEXT: Final = 2000
"""Characters of a message that are kept."""


class Tokens(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Token counts by kind; see `adapters.normal.usage.Usage`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    tool_input: int = 0
    predicted: int = 0
    rejected: int = 0
    estimated: bool = False
    images: int = 0
    audio_ms: int = 0
    characters: int = 0
    searches: int = 0
    paid: tuple[int, int] | None = None
    service: str = ""


class Try(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One attempt. Times are microseconds; `at_us` counts from the exchange's begin."""

    deployment: str
    provider: str
    model: str
    at_us: int
    duration_us: int
    cost_nano: int | None
    first_token_us: int | None = None
    """From the attempt's begin."""
    host: str = ""
    port: int = 0
    status: int = 0
    """HTTP status of the provider; absent: no answer."""
    error: str = ""
    message: str = ""
    tokens: Tokens | None = None
    span: str = ""
    hedge: bool = False


class Row(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One exchange."""

    id: str
    """The request id the client was given: what feedback names."""
    at_ns: int
    """Unix nanoseconds of its begin."""
    duration_us: int
    route: str
    dialect: str
    operation: str
    alias: str
    """As asked for, known or not."""
    status: int
    cost_nano: int | None
    """Nano-dollars of all attempts; `None`: some price is unknown."""
    first_token_us: int | None = None
    """From the begin; absent: nothing was answered."""
    known_alias: bool = False
    stream: bool = False
    key: str = ""
    """Id of the virtual key."""
    user: str = ""
    error: str = ""
    message: str = ""
    deployment: str = ""
    provider: str = ""
    model: str = ""
    """As the provider's answer named it."""
    response_id: str = ""
    stop: tuple[str, ...] = ()
    tokens: Tokens | None = None
    attempts: tuple[Try, ...] = ()
    plan: Plan | None = None
    """The routing decision: order with reasons and propensities, what was removed."""
    dropped: tuple[str, ...] = ()
    max_tokens: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    chunks: int = 0
    trace: str = ""
    """W3C trace id, 32 hex digits."""
    span: str = ""
    """Of our server span, 16 hex digits."""
    sampled: bool = False
    request: str | None = None
    """The client's body, redacted; only when content is recorded."""
    response: str | None = None
    sketch: str = ""
    """Hashed features of what the user said last (`routing.sketch`), where
    `routing.collect` says so."""
    prompt: str = ""
    """What the user said last, redacted, where `routing.collect` says `text`."""


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A client's judgement of an earlier answer: one object in the log `feedback`."""

    id: str
    """`Row.id` of the exchange."""
    at_ns: int
    score: float
    name: str = ""
    """What was scored, where there are several scores of one answer."""
    comment: str = ""
    key: str = ""
    """Id of the virtual key that gave it."""
    source: str = ""
    """`judge`: a model said so, not a client."""


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Row)
_FEEDBACK: Final = msgspec.json.Decoder(Feedback)


def encode_row(facts: Facts, redactor: Redactor) -> bytes:
    """The row of an exchange, redacted, as JSON.

    Raises:
        UnicodeEncodeError: some text is not Unicode.
    """
    return encode_clean(redactor.facts(facts))


def encode_clean(facts: Facts) -> bytes:
    """The same of facts that have been redacted."""
    return _ENCODER.encode(row(facts))


def decode_row(data: bytes) -> Row:
    """An entry of the log `exchanges`.

    Raises:
        msgspec.MsgspecError: it is not a row.
    """
    return _DECODER.decode(data)


def encode_feedback(feedback: Feedback, redactor: Redactor) -> bytes:
    """An entry for the log `feedback`, redacted."""
    comment = redactor.text(feedback.comment)
    return _ENCODER.encode(msgspec.structs.replace(feedback, comment=comment))


def decode_feedback(data: bytes) -> Feedback:
    """An entry of the log `feedback`.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _FEEDBACK.decode(data)


def row(facts: Facts) -> Row:
    """The row of an exchange; nothing is redacted here."""
    began, trace, first = facts.began, facts.trace, facts.first_token
    usage = facts.usage
    tokens = None if usage is None else _tokens(usage)
    tries = []
    for attempt in facts.attempts:
        own = attempt.usage
        spent = tokens if own is usage else None if own is None else _tokens(own)
        tries.append(_try(attempt, began, spent))
    # By position: with this many fields keywords cost thirty times as much.
    return Row(
        facts.id,
        facts.began_unix_ns,
        int((facts.ended - began) * 1e6 + 0.5),
        facts.route,
        facts.dialect,
        facts.operation,
        facts.alias,
        facts.status,
        facts.cost_nano,
        int((first - began) * 1e6 + 0.5) if first else None,
        facts.known_alias,
        facts.stream,
        facts.key_id,
        facts.user,
        facts.error,
        facts.error_message[:MAX_TEXT],
        facts.served_by,
        facts.provider,
        facts.model,
        facts.response_id,
        facts.stop,
        tokens,
        tuple(tries),
        facts.plan,
        facts.dropped,
        facts.max_tokens,
        facts.request_bytes,
        facts.response_bytes,
        facts.chunks,
        trace.trace_id.to_bytes(16).hex(),
        trace.span_id.to_bytes(8).hex(),
        trace.sampled,
        _content(facts.request) if facts.request else None,
        _content(facts.response) if facts.response else None,
        facts.sketch,
        facts.prompt,
    )


def _try(attempt: Attempt, began: float, tokens: Tokens | None) -> Try:
    started, first = attempt.started, attempt.first_token
    return Try(
        attempt.deployment,
        attempt.provider,
        attempt.model,
        int((started - began) * 1e6 + 0.5),
        int((attempt.ended - started) * 1e6 + 0.5),
        attempt.cost_nano,
        int((first - started) * 1e6 + 0.5) if first else None,
        attempt.host,
        attempt.port,
        attempt.status,
        attempt.error,
        attempt.message[:MAX_TEXT] if attempt.message else "",
        tokens,
        attempt.span_id.to_bytes(8).hex(),
        attempt.hedge,
    )


def _tokens(usage: Usage) -> Tokens:
    return Tokens(
        usage.input,
        usage.output,
        usage.cached,
        usage.cache_write,
        usage.cache_write_1h,
        usage.reasoning,
        usage.audio_input,
        usage.audio_output,
        usage.image_input,
        usage.image_output,
        usage.tool_input,
        usage.predicted,
        usage.rejected,
        usage.estimated,
        usage.images,
        usage.audio_ms,
        usage.characters,
        usage.searches,
        usage.paid,
        usage.service,
    )


def _content(body: bytes) -> str:
    return body[:MAX_CONTENT].decode("utf-8", "replace")
