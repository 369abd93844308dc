"""Usage is found by its shape, whoever said it and however it was cut."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from adapters.meter import Meter, read
from adapters.normal.usage import Usage

SSE = b"text/event-stream; charset=utf-8"
ANTHROPIC = b"".join(
    b"event: x\ndata: " + json.dumps(each).encode() + b"\n\n"
    for each in (
        {
            "type": "message_start",
            "message": {
                "model": "claude",
                "usage": {"input_tokens": 5, "cache_read_input_tokens": 7},
            },
        },
        {"type": "message_delta", "usage": {"output_tokens": 11}},
    )
)


@given(st.lists(st.integers(0, len(ANTHROPIC)), max_size=5))
def test_it_does_not_matter_how_a_stream_is_cut(cuts: list[int]) -> None:
    meter = Meter(SSE)
    edges = [0, *sorted(cuts), len(ANTHROPIC)]
    for start, stop in pairwise(edges):
        meter.feed(ANTHROPIC[start:stop])
    assert meter.close() == Usage(input=12, output=11, cached=7)
    assert meter.model == "claude"


def test_realtime_and_cohere_are_known() -> None:
    told = {
        "input_tokens": 10,
        "output_tokens": 20,
        "input_token_details": {"cached_tokens": 4, "audio_tokens": 6},
        "output_token_details": {"audio_tokens": 15},
    }
    assert read(told) == Usage(10, 20, cached=4, audio_input=6, audio_output=15)
    cohere = {"billed_units": {}, "tokens": {"input_tokens": 3.0, "output_tokens": 2}}
    assert read(cohere) == Usage(3, 2)


VALUES = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none())
FIELDS = ["input_tokens", "prompt_tokens", "promptTokenCount", "inputTokens", "tokens"]


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES) | VALUES)
def test_nonsense_is_no_usage_and_no_error(told: object) -> None:
    meter = Meter(b"application/json")
    meter.feed(json.dumps({"usage": told, "model": told}).encode())
    meter.close()


def test_other_kinds_are_not_read() -> None:
    meter = Meter(b"audio/pcm")
    meter.feed(b'{"usage": {"input_tokens": 1}}')
    assert meter.close() is None
