"""W3C trace context: read from the client, begun here, handed on to providers.

Source: W3C Trace Context (Recommendation of 2021-11-23), sections 3.2 and 3.3.
"""

import os
import random
import re
import weakref
from typing import Final, NamedTuple

from adapters.contract import Headers
from gateway.telemetry.facts import Trace

_LATER: Final = re.compile(
    rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.DOTALL
)
_HEX: Final = b"0123456789abcdef"
_DASH: Final = ord("-")
_LENGTH: Final = 55
_MEMBER: Final = re.compile(
    r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
MAX_STATE: Final = 512
"""Characters of `tracestate` that are handed on; a longer one is dropped whole."""
MAX_MEMBERS: Final = 32
_HEADER_LIMIT: Final = 256
_LOW_64: Final = (1 << 64) - 1


class Parent(NamedTuple):
    """The caller's span, as its `traceparent` names it."""

    trace_id: int
    span_id: int
    sampled: bool


def parse(traceparent: bytes) -> Parent | None:
    """The caller's span; `None` when the header breaks any rule of its grammar."""
    # What is left without hex digits must be the dashes, and they stand where they
    # must: a quarter of the price of a pattern.
    if traceparent[:3] == b"00-":
        if len(traceparent) != _LENGTH or traceparent.translate(None, _HEX) != b"---":
            return None
    elif not _later_version(traceparent):
        return None
    if traceparent[35] != _DASH or traceparent[52] != _DASH:
        return None
    trace_id, span_id = int(traceparent[3:35], 16), int(traceparent[36:52], 16)
    if not trace_id or not span_id:
        return None
    return Parent(trace_id, span_id, bool(int(traceparent[53:55], 16) & 1))


def _later_version(traceparent: bytes) -> bool:
    """Whether it is a version we do not know that still begins like version 00."""
    return (
        len(traceparent) <= _HEADER_LIMIT
        and _LATER.fullmatch(traceparent) is not None
        and traceparent[:2] not in {b"ff", b"00"}
    )


def parse_state(tracestate: bytes) -> str:
    """`tracestate` when it keeps to its grammar, else nothing: never half of it."""
    if not tracestate or len(tracestate) > MAX_STATE:
        return ""
    text = tracestate.decode("latin-1")
    members = [m for m in (part.strip(" \t") for part in text.split(",")) if m]
    keys = {member.partition("=")[0] for member in members}
    if not members or len(members) > MAX_MEMBERS or len(keys) != len(members):
        return ""
    if not all(map(_MEMBER.fullmatch, members)):
        return ""
    return ",".join(members)


class Propagation:
    """Trace ids, the sampling decision and the headers that carry both.

    `sample` is the share of exchanges traced when the caller did not decide. Without
    an exporter (`exporting=False`) the caller's own span stays the parent of what
    providers see, so that its tree has no hole.
    """

    __slots__ = ("_bits", "_bound", "_exporting", "_random")

    def __init__(self, sample: float, *, exporting: bool = True) -> None:
        share = min(max(sample, 0.0), 1.0) if exporting else 0.0
        self._bound = round(share * (1 << 64))
        self._exporting = exporting
        self._random = random.Random(os.urandom(32))  # noqa: S311 - ids, no secrets
        self._bits = self._random.getrandbits
        if hasattr(os, "register_at_fork"):
            _reseed_after_fork(self._random)

    def begin(
        self, traceparent: bytes | None = None, tracestate: bytes | None = None
    ) -> Trace:
        """The trace of an exchange: the caller's when its header is valid, else new."""
        bits = self._bits
        if traceparent is not None:
            parent = parse(traceparent)
            if parent is not None:
                return Trace(
                    parent.trace_id,
                    bits(64) or 1,
                    parent.span_id,
                    parent.sampled,
                    parse_state(tracestate) if tracestate else "",
                )
        trace_id = bits(128) or 1
        return Trace(trace_id, bits(64) or 1, 0, self.decide(trace_id))

    def decide(self, trace_id: int) -> bool:
        """Whether a trace that begins here is sampled: the same answer everywhere."""
        return (trace_id & _LOW_64) < self._bound

    def span_id(self) -> int:
        """A new span id, never zero."""
        return self._bits(64) or 1

    def outgoing(self, trace: Trace, span_id: int) -> Headers:
        """The headers of an attempt whose span is `span_id`."""
        if not self._exporting and trace.parent_id:
            span_id = trace.parent_id
        return outgoing(trace, span_id)


def outgoing(trace: Trace, span_id: int) -> Headers:
    """`traceparent`, and `tracestate` where the caller sent one."""
    value = b"00-%032x-%016x-%02x" % (trace.trace_id, span_id, trace.sampled)
    if trace.state:
        return (
            (b"traceparent", value),
            (b"tracestate", trace.state.encode("latin-1")),
        )
    return ((b"traceparent", value),)


def _reseed_after_fork(numbers: random.Random) -> None:
    """Two processes must never draw the same numbers."""
    # Hooks of a fork cannot be taken back: hold the object weakly.
    reference = weakref.ref(numbers)

    def reseed() -> None:
        alive = reference()
        if alive is not None:
            alive.seed(os.urandom(32))

    os.register_at_fork(after_in_child=reseed)
