"""Faults 6 to 9: providers whose answers are not what they seem."""

import json
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.scene import SECRETS, Scene, deployment, scene
from tests.faults.speech import (
    CLIENTS,
    OPENAI,
    PIECE,
    PROVIDER,
    PROVIDERS,
    Client,
    Provider,
    serves,
    sse,
)
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Script,
    Upstream,
    bomb,
    chunk,
    end,
    events,
    garbage,
    head,
    huge_head,
    lie,
    tell,
)

CAP = 8 * 2**20
"""`egress.max_response_bytes` here."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Upstream() as up:
        models: dict[str, Any] = {
            "one/*": {"deployments": [deployment(up, "a")]},
        }
        for name in PROVIDERS:
            a, b = (deployment(up, p, family=name) for p in "ab")
            models[f"{name}/*"] = {"deployments": [a]}
            models[f"two-{name}/*"] = {"deployments": [a, {**b, "order": 2}]}
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("false"),
            warm=(CLIENTS, serves()),
            egress={"max_response_bytes": CAP},
            timeouts={"first_token_s": 5.0, "idle_s": 5.0, "total_s": 20.0},
            cooldown={"failures": 1000},
        ) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
families = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


# --- 6: an error that says 200 -----------------------------------------------------


@families
@streamed
def test_an_error_inside_a_200_is_a_failure_that_the_next_makes_good(
    place: Scene, provider: Provider, stream: bool
) -> None:
    alias = place.alias(f"two-{provider.name}")
    error = json.loads(provider.error().partition(b"data: ")[2])
    place.on(alias, "a", tell(200, error))
    place.on(alias, "b", serves("the second", provider))
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 200
    assert "the second" in answer.text
    (row,) = place.rows(alias)
    first, second = row["attempts"]
    assert first["error"] in {"overloaded", "server_error"}
    assert not first.get("cost_nano")
    assert not first.get("tokens")
    assert row["cost_nano"] == second["cost_nano"] == 7 * 1000 + 3 * 2000


@families
@dialects
def test_an_error_as_the_first_event_is_a_failure_that_the_next_makes_good(
    place: Scene, client: Client, provider: Provider
) -> None:
    alias = place.alias(f"two-{provider.name}")
    place.on(alias, "a", events([b": hello\n\n", provider.error()]))
    place.on(alias, "b", serves("the second", provider))
    answer = place.ask(alias, client, stream=True)
    assert client.whole(answer.text) == "the second"
    (row,) = place.rows(alias)
    assert row["attempts"][0]["error"] in {"overloaded", "server_error"}
    assert not row["attempts"][0].get("cost_nano")


@families
def test_an_error_after_an_empty_opening_is_still_in_time_for_the_next(
    place: Scene, provider: Provider
) -> None:
    alias = place.alias(f"two-{provider.name}")
    pieces = [*provider.opening(), provider.error()]
    place.on(alias, "a", events(pieces, gap_s=0.05))
    place.on(alias, "b", serves("the second", provider))
    answer = place.ask(alias, OPENAI, stream=True)
    assert OPENAI.whole(answer.text) == "the second"


@families
@dialects
def test_an_error_after_the_first_token_is_the_streams_own_error(
    place: Scene, client: Client, provider: Provider
) -> None:
    alias = place.alias(f"two-{provider.name}")
    place.on(alias, "a", events([*provider.begun(PIECE), provider.error()]))
    place.on(alias, "b", serves("the second", provider))
    answer = place.ask(alias, client, stream=True)
    client.broken(answer.text)
    assert client.text(answer.text) == PIECE
    assert not place.reached(alias, "b")
    (row,) = place.rows(alias)
    assert row["tokens"]["output"] == 10
    assert row["cost_nano"] > 0


@families
@dialects
@streamed
def test_with_nobody_else_it_is_the_clients_own_kind_of_error(
    place: Scene, client: Client, provider: Provider, stream: bool
) -> None:
    alias = place.alias(provider.name)
    error = provider.error()
    whole = json.loads(error.partition(b"data: ")[2])
    place.on(alias, "a", events([error]) if stream else tell(200, whole))
    answer = place.ask(alias, client, stream=stream)
    assert answer.status_code in {502, 503}
    assert client.error(answer.json()) is not None
    (row,) = place.rows(alias)
    assert row["status"] == answer.status_code
    assert not row.get("cost_nano")


# --- 7: events out of shape --------------------------------------------------------

TEXT = ["Grüße, ", "世界 ", "👩‍👩‍👧 ", "\u2028done"]


def crlf(stream: bytes) -> bytes:
    return stream.replace(b"\n", b"\r\n")


def cr(stream: bytes) -> bytes:
    return stream.replace(b"\n", b"\r")


def mixed(stream: bytes) -> bytes:
    ends = [b"\r\n\r\n", b"\n\n", b"\r\r", b"\n\r\n", b"\r\n\n"]
    blocks = stream.split(b"\n\n")
    return b"".join(
        block.replace(b"\n", b"\r\n") + ends[i % len(ends)]
        for i, block in enumerate(blocks[:-1])
    )


def bom(stream: bytes) -> bytes:
    return b"\xef\xbb\xbf" + stream


def no_space(stream: bytes) -> bytes:
    return stream.replace(b"data: ", b"data:")


def decorated(stream: bytes) -> bytes:
    return stream.replace(b"data: ", b": note\nid: 7\nretry: 10\nodd\ndata: ")


def many_lines(stream: bytes) -> bytes:
    """One event over several data lines, cut where JSON allows it."""
    return stream.replace(b'{"', b'{\ndata: "')


def blanks(stream: bytes) -> bytes:
    return b"\n\n\n" + stream.replace(b"\n\n", b"\n\n\n\n")


def no_last_blank(stream: bytes) -> bytes:
    return stream.removesuffix(b"\n\n")


SHAPES: list[Callable[[bytes], bytes]] = [
    *(crlf, cr, mixed, bom, no_space, decorated, many_lines, blanks, no_last_blank)
]


@dialects
@families
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_events_out_of_shape_lose_no_character(
    place: Scene, client: Client, provider: Provider, shape: Callable[[bytes], bytes]
) -> None:
    alias = place.alias(provider.name)
    data = shape(b"".join(provider.stream(*TEXT)))
    script = head(200, {"content-type": "text/event-stream"})
    for start in range(0, len(data), 97):  # which cuts letters, too
        script += chunk(data[start : start + 97])
    place.on(alias, "a", script + end())
    answer = place.ask(alias, client, stream=True)
    assert client.whole(answer.text) == "".join(TEXT)
    assert place.rows(alias)[0]["tokens"] == {"input": 7, "output": 3}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_cut_of_any_shape_gives_the_same_text(
    place: Scene, data: st.DataObject
) -> None:
    provider = data.draw(st.sampled_from([*PROVIDERS.values()]))
    client = data.draw(st.sampled_from([*CLIENTS.values()]))
    texts = data.draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
            min_size=1,
            max_size=4,
        )
    )
    shape = data.draw(st.sampled_from(SHAPES))
    stream = shape(b"".join(provider.stream(*texts)))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=40))
    script = head(200, {"content-type": "text/event-stream"})
    edges = [0, *sorted({*cuts} - {0, len(stream)}), len(stream)]
    for start, stop in pairwise(edges):
        script += chunk(stream[start:stop])
    alias = place.alias(provider.name)
    place.on(alias, "a", script + end())
    answer = place.ask(alias, client, stream=True)
    assert client.whole(answer.text) == "".join(texts)


@dialects
def test_a_missing_and_a_double_terminator_are_one(
    place: Scene, client: Client
) -> None:
    pieces = PROVIDER.stream("so it goes")
    for stream in (pieces[:-1], [*pieces, pieces[-1]], [*pieces, PROVIDER.piece("x")]):
        alias = place.alias()
        place.on(alias, "a", events(stream))
        answer = place.ask(alias, client, stream=True)
        assert client.whole(answer.text) == "so it goes"


@families
@dialects
def test_an_end_of_file_in_place_of_an_end_is_never_a_finish(
    place: Scene, client: Client, provider: Provider
) -> None:
    alias = place.alias(provider.name)
    place.on(alias, "a", events(provider.begun(PIECE)))
    answer = place.ask(alias, client, stream=True)
    client.broken(answer.text)
    assert client.text(answer.text) == PIECE


MADNESS = {
    "not JSON": b"data: {not json}\n\n",
    "half JSON": b'data: {"choices":[{"index":0,\n\n',
    "no blank line": b"".join(PROVIDER.stream("x")).replace(b"\n\n", b"\n"),
    "deep": b"data: " + b"[" * 100_000 + b"\n\n",
    "an array": b"data: [1, 2]\n\n",
    "wrong types": b'data: {"choices":{"index":"a"}}\n\n',
    "a 5 MB line": sse(
        {"choices": [{"index": 0, "delta": {"content": "x" * 5_000_000}}]}
    ),
    "5 MB without an end": b"data: " + b"x" * 5_000_000,
}


@dialects
@pytest.mark.parametrize("what", MADNESS.values(), ids=MADNESS)
def test_madness_before_the_first_token_is_a_typed_502(
    place: Scene, client: Client, what: bytes
) -> None:
    alias = place.alias()
    place.on(alias, "a", events([what]))
    answer = place.ask(alias, client, stream=True)
    assert answer.status_code == 502, answer.text
    assert client.error(answer.json()) is not None
    assert len(answer.content) < 5000


@dialects
@pytest.mark.parametrize("what", MADNESS.values(), ids=MADNESS)
def test_madness_after_the_first_token_is_an_error_event(
    place: Scene, client: Client, what: bytes
) -> None:
    alias = place.alias()
    place.on(alias, "a", events([*PROVIDER.begun(PIECE), what], gap_s=0.01))
    answer = place.ask(alias, client, stream=True)
    client.broken(answer.text)
    assert client.text(answer.text) == PIECE
    assert len(answer.content) < 5000


@dialects
def test_what_is_no_utf_8_is_replaced_or_refused(place: Scene, client: Client) -> None:
    alias = place.alias()
    pieces = PROVIDER.stream("one \ufffd two")
    place.on(alias, "a", events([p.replace(b"\\ufffd", b"\xff") for p in pieces]))
    answer = place.ask(alias, client, stream=True)
    assert answer.status_code in {200, 502}
    if answer.status_code == 200:
        answer.content.decode()
        assert client.whole(answer.text) == "one \ufffd two"


# --- 8: bombs ----------------------------------------------------------------------

GZIP = [("content-encoding", "gzip"), ("content-type", "application/json")]
BOMBS = {
    # 256 MiB of zeros come as 256 KiB; the table's gigabyte differs only in how long
    # it would go on, and it is cut at the first megabyte past the ratio.
    "by length": bomb(256 * 2**20, chunked=False),
    "chunked": bomb(256 * 2**20),
}


@pytest.mark.parametrize("what", BOMBS.values(), ids=BOMBS)
@streamed
def test_a_bomb_is_cut_and_memory_stays(
    place: Scene, what: Script, stream: bool
) -> None:
    alias = place.alias()
    place.on(alias, "a", what)
    place.forget_peak()
    before = place.rss()
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 502
    assert OPENAI.error(answer.json()) is not None
    assert place.peak_rss() - before < 2 * CAP


@streamed
def test_a_body_without_any_end_is_cut_at_the_cap(place: Scene, stream: bool) -> None:
    alias = place.alias()
    script = head(200, {"content-type": "application/json"})
    for _ in range(4 * CAP // 2**20):
        script += chunk(b" " * 2**20)
    place.on(alias, "a", script + end())
    place.forget_peak()
    before = place.rss()
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 502
    assert place.peak_rss() - before < 2 * CAP


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "x"])
@streamed
def test_codings_that_nobody_asked_for_are_a_502(
    place: Scene, coding: str, stream: bool
) -> None:
    alias = place.alias()
    place.on(alias, "a", tell(200, b"\x1f\x8b" * 99, {"content-encoding": coding}))
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 502
    assert OPENAI.error(answer.json()) is not None


# --- 9: lies -----------------------------------------------------------------------

GOOD = json.dumps(PROVIDER.answer("x" * 400)).encode()
PAGE = (
    f"<html><body>Bad gateway {SECRETS['KEY_A']} {'<p>blah</p>' * 10_000}</body></html>"
)
HTML = {"content-type": "text/html"}
LIES: dict[str, tuple[Script, set[int]]] = {
    "a length too large": (lie(len(GOOD) + 10, GOOD), {502}),
    "a length too small": (lie(len(GOOD) - 10, GOOD), {502}),
    "a page with 200": (tell(200, PAGE, HTML), {502}),
    "a page with 502": (tell(502, PAGE, HTML), {502, 503}),
    "a page with 503": (tell(503, PAGE, HTML), {502, 503}),
    "a page called JSON": (
        tell(200, PAGE, {"content-type": "application/json"}),
        {502},
    ),
    "an empty answer": (tell(200, b""), {502}),
    "an empty object": (tell(200, b"{}"), {502}),
    "a head of 10 MB": (huge_head(10 * 2**20), {502}),
    "no HTTP": (garbage(), {502}),
    "another place": (tell(302, b"", {"location": "http://169.254.169.254/"}), {502}),
    "two lengths": (
        tell(
            200, GOOD, [("content-length", "3"), ("content-type", "application/json")]
        ),
        {502},
    ),
    "an odd status": (tell(999, b"{}"), {502}),
    "a switch": (tell(101, b""), {502}),
}


@dialects
@streamed
@pytest.mark.parametrize("what", LIES)
@timely
def test_a_lie_is_a_typed_502_within_a_second(
    place: Scene, client: Client, stream: bool, what: str
) -> None:
    script, statuses = LIES[what]
    alias = place.alias()
    place.alone()
    place.on(alias, "a", script)
    began = time.monotonic()
    answer = place.ask(alias, client, stream=stream)
    at_most(1.0, time.monotonic() - began)
    assert answer.status_code in statuses, answer.text
    assert client.error(answer.json()) is not None
    assert "canary" not in answer.text
    assert len(answer.content) < 5000
    (row,) = place.rows(alias)
    assert row["status"] == answer.status_code
    assert "canary" not in str(row)
    assert len(str(row)) < 8000
    assert not row.get("cost_nano")


@dialects
@streamed
def test_a_wrong_content_type_alone_is_forgiven(
    place: Scene, client: Client, stream: bool
) -> None:
    alias = place.alias()
    kind = {"content-type": "text/plain; charset=latin-1"}
    if stream:
        script = tell(200, b"".join(PROVIDER.stream("hi")), kind)
    else:
        script = tell(200, json.dumps(PROVIDER.answer("hi")).encode(), kind)
    place.on(alias, "a", script)
    answer = place.ask(alias, client, stream=stream)
    assert answer.status_code == 200
    assert "hi" in answer.text
