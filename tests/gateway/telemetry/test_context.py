"""W3C trace context: the grammar, the sampling decision, what is handed on."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.context import Propagation, outgoing, parse, parse_state
from gateway.telemetry.facts import Trace

VALID = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_REFERENCE = re.compile(
    rb"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL
)


def naive(header: bytes) -> bool:
    match = _REFERENCE.fullmatch(header)
    if match is None or header[3:35] == b"0" * 32 or header[36:52] == b"0" * 16:
        return False
    if header[:2] == b"00" and len(header) != 55:
        return False
    return len(header) <= 256


@given(
    st.binary(max_size=60)
    | st.from_regex(_REFERENCE, fullmatch=True)
    | st.tuples(st.integers(0, 54), st.integers(0, 255)).map(
        lambda at: VALID[: at[0]] + bytes([at[1]]) + VALID[at[0] + 1 :]
    )
)
def test_a_header_is_taken_exactly_when_the_grammar_takes_it(header: bytes) -> None:
    assert (parse(header) is not None) == naive(header)


@given(
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
)
def test_what_is_handed_on_reads_back(
    trace_id: int, span_id: int, sampled: bool
) -> None:
    ((name, value),) = outgoing(Trace(trace_id, 5, 7, sampled), span_id)
    assert name == b"traceparent"
    assert parse(value) == (trace_id, span_id, sampled)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        VALID.upper(),
        VALID + b"-extra",
        VALID + b" ",
        b" " + VALID,
        b"ff" + VALID[2:],
        b"00-" + b"0" * 32 + VALID[35:],
        VALID[:36] + b"0" * 16 + b"-01",
        VALID[:-2] + b"zz",
        VALID.replace(b"-", b"_"),
        b"00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        b"cc-" + VALID[3:] + b"." * 300,
        b"cc-" + VALID[3:] + b"extra",
    ],
)
def test_an_invalid_parent_begins_a_new_trace(header: bytes) -> None:
    trace = Propagation(0.0).begin(header, b"a=1")
    assert trace.parent_id == 0
    assert trace.state == ""
    assert trace.trace_id != 0x0AF7651916CD43DD8448EB211C80319C


def test_a_later_version_is_read_by_the_rules_of_this_one() -> None:
    assert parse(b"cc-" + VALID[3:] + b"-what-comes") is not None
    assert parse(b"cc-" + VALID[3:]) is not None


def test_the_caller_decides_about_sampling() -> None:
    on, off = Propagation(1.0), Propagation(0.0)
    assert off.begin(VALID).sampled
    assert not on.begin(VALID[:-1] + b"0").sampled
    assert on.begin().sampled
    assert not off.begin().sampled


def test_the_share_of_sampled_traces_is_the_one_asked_for() -> None:
    propagation = Propagation(0.25)
    sampled = sum(propagation.begin().sampled for _ in range(20_000))
    assert 4_500 < sampled < 5_500


def test_the_same_trace_is_decided_the_same_everywhere() -> None:
    one, other = Propagation(0.5), Propagation(0.5)
    for _ in range(100):
        trace_id = one.begin().trace_id
        assert one.decide(trace_id) == other.decide(trace_id)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (b"a=1,b=2", "a=1,b=2"),
        (b" a=1 ,\tb=2", "a=1,b=2"),
        (b"t@v=x", "t@v=x"),
        (b"a=1,a=2", ""),
        (b"A=1", ""),
        (b"a", ""),
        (b"a=", ""),
        (b"a=\x00", ""),
        (b"a=\xff", ""),
        (b"a=1\r\nx: y", ""),
        (b",".join(b"k%d=v" % i for i in range(33)), ""),
        (b"a=" + b"x" * 600, ""),
        (b"", ""),
    ],
)
def test_tracestate_is_kept_whole_or_not_at_all(state: bytes, kept: str) -> None:
    assert parse_state(state) == kept
    assert Propagation(0.0).begin(VALID, state).state == kept


def test_state_is_handed_on_with_the_parent() -> None:
    propagation = Propagation(0.0)
    trace = propagation.begin(VALID, b"a=1")
    headers = dict(propagation.outgoing(trace, 0xAB))
    assert headers[b"tracestate"] == b"a=1"
    assert headers[b"traceparent"].endswith(b"-00000000000000ab-01")


def test_a_gateway_that_exports_nothing_leaves_no_hole_in_the_callers_tree() -> None:
    propagation = Propagation(1.0, exporting=False)
    trace = propagation.begin(VALID)
    assert dict(propagation.outgoing(trace, 0xAB))[b"traceparent"] == VALID
    assert not propagation.begin().sampled


def test_ids_do_not_repeat() -> None:
    propagation = Propagation(0.0)
    ids = {propagation.begin().trace_id for _ in range(10_000)}
    spans = {propagation.span_id() for _ in range(10_000)}
    assert len(ids) == len(spans) == 10_000
    assert 0 not in spans


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_draws_other_ids() -> None:
    propagation = Propagation(0.0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"%032x" % propagation.begin().trace_id)
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(read, 32), 16)
    os.close(read)
    os.close(write)
    assert theirs != propagation.begin().trace_id
