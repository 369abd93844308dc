"""Faults 1 to 5: providers that break off, fall silent or drip."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TypeVar

import pytest

from tests.faults.scene import Scene, deployment, scene
from tests.faults.speech import (
    CLIENTS,
    OPENAI,
    PIECE,
    PROVIDER,
    PROVIDERS,
    Client,
    Provider,
    serves,
)
from tests.harness.timing import at_most, timely
from tests.harness.upstream import (
    Upstream,
    chunk,
    close,
    cut,
    events,
    head,
    pause,
    reset,
    stall,
    tell,
)

QUICK: dict[str, float] = {
    "connect_s": 2.0,
    "first_token_s": 1.0,
    "idle_s": 1.0,
    "total_s": 30.0,
}
"""Long enough for a provider that shares a busy machine with us."""
PATIENT = {**QUICK, "first_token_s": 10.0, "idle_s": 10.0}
SLACK_S = 1.0
"""What the table grants a time limit."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Upstream() as up:
        a, b = deployment(up, "a"), deployment(up, "b", order=2)
        once = {"attempts": 1, "per_deployment": 0}
        models = {
            "one/*": {"deployments": [a]},
            "once/*": {"deployments": [a], "retries": once},
            "two/*": {"deployments": [a, b]},
            "short/*": {"deployments": [a], "timeouts": {**PATIENT, "total_s": 0.8}},
            **{
                f"{name}/*": {"deployments": [deployment(up, "a", family=name)]}
                for name in PROVIDERS
            },
        }
        folder = tmp_path_factory.mktemp("broken")
        warm = (CLIENTS, serves())
        with scene(up, models, folder, timeouts=QUICK, warm=warm) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
families = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])

BEFORE_HEAD = {
    "reset": reset(),
    "closed": close(),
    "cut in the head": cut(tell(200, b"{}"), 20),
}


# --- 1: before the head ------------------------------------------------------------


@dialects
@streamed
@pytest.mark.parametrize("how", BEFORE_HEAD.values(), ids=BEFORE_HEAD)
def test_a_connection_lost_before_the_head_is_served_by_the_next(
    place: Scene, client: Client, stream: bool, how: object
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", how)  # type: ignore[arg-type]
    place.on(alias, "b", serves("the second"))
    answer = place.ask(alias, client, stream=stream)
    assert answer.status_code == 200
    assert "the second" in answer.text
    assert answer.headers["x-routeiq-attempts"] == "2"
    (row,) = place.rows(alias)
    assert [a.get("error", "") for a in row["attempts"]] == ["unreachable", ""]
    assert row["attempts"][0].get("cost_nano", 0) == 0


@timely
@dialects
@streamed
def test_where_there_is_no_other_it_is_a_typed_502_after_few_tries(
    place: Scene, client: Client, stream: bool
) -> None:
    alias = place.alias()
    place.alone()
    place.on(alias, "a", reset())
    began = time.monotonic()
    answer = place.ask(alias, client, stream=stream)
    at_most(QUICK["total_s"], time.monotonic() - began)
    assert answer.status_code == 502
    assert client.error(answer.json()) is not None
    # retries.per_deployment is 1: one more try.
    assert len(place.reached(alias)) == 2
    (row,) = place.rows(alias)
    assert row["error"] == "unreachable"
    assert not row.get("cost_nano")


def test_each_lost_connection_counts_once_for_the_breaker(place: Scene) -> None:
    alias = place.alias("once")
    place.alone()
    place.on(alias, "a", reset())
    for _ in range(4):
        assert place.ask(alias, OPENAI).status_code == 502
    assert [*place.state(alias).values()] == ["closed"]
    assert place.ask(alias, OPENAI).status_code == 502
    assert [*place.state(alias).values()] == ["open"]
    assert len(place.reached(alias)) == 5


def test_a_kept_connection_that_was_closed_unheard_costs_the_client_nothing(
    place: Scene,
) -> None:
    alias = place.alias("once")
    place.on(alias, "a", serves("still here"))
    for _ in range(10):
        assert place.ask(alias, OPENAI).status_code == 200
        place.upstream.drop_all()
    assert {row["status"] for row in place.rows(alias, 10)} == {200}


# --- 2: after some tokens ----------------------------------------------------------

MIDWAY = {"reset": reset(), "closed": close()}


@dialects
@families
@pytest.mark.parametrize("how", MIDWAY.values(), ids=MIDWAY)
def test_a_stream_broken_midway_ends_in_an_error_and_bills_what_was_said(
    place: Scene, client: Client, provider: Provider, how: object
) -> None:
    alias = place.alias(provider.name)
    begun = provider.begun(PIECE, PIECE, PIECE)
    place.on(alias, "a", events(begun, gap_s=0.02, then=how))  # type: ignore[arg-type]
    answer = place.ask(alias, client, stream=True)
    assert answer.status_code == 200
    client.broken(answer.text)
    assert client.text(answer.text) == PIECE * 3
    assert len(place.reached(alias)) == 1
    (row,) = place.rows(alias)
    assert row["error"] == "unreachable"
    assert row["tokens"]["output"] == 30
    assert row["tokens"]["estimated"] is True
    if provider.name == "anthropic":  # which says so with its first event
        assert row["tokens"]["input"] == 7
    assert row["tokens"]["input"] > 0
    tokens = row["tokens"]
    assert row["cost_nano"] == 1000 * tokens["input"] + 2000 * tokens["output"]


@dialects
def test_no_second_model_speaks_once_the_first_has_begun(
    place: Scene, client: Client
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", events(PROVIDER.begun(PIECE), then=reset()))
    place.on(alias, "b", serves("the second"))
    answer = place.ask(alias, client, stream=True)
    client.broken(answer.text)
    assert client.text(answer.text) == PIECE
    assert not place.reached(alias, "b")
    place.on(alias, "a", serves("well again"))
    assert "well again" in place.ask(alias, client).text


@dialects
def test_a_whole_answer_broken_midway_is_asked_of_the_next(
    place: Scene, client: Client
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", cut(tell(200, PROVIDER.answer("x" * 500)), 300))
    place.on(alias, "b", serves("the second"))
    answer = place.ask(alias, client)
    assert answer.status_code == 200
    assert "the second" in answer.text


# --- 3, 4: silence -----------------------------------------------------------------


T = TypeVar("T")


def at_once(cases: Sequence[T], run: Callable[[T], None]) -> None:
    """Waits that need not be waited one after the other."""
    with ThreadPoolExecutor(len(cases)) as pool:
        for _ in pool.map(run, cases):
            pass


@timely
def test_silence_after_the_first_token_is_a_504_event_at_the_idle_limit(
    place: Scene,
) -> None:
    def ask(case: tuple[Client, Provider]) -> None:
        client, provider = case
        alias = place.alias(provider.name)
        place.on(alias, "a", events(provider.begun(PIECE), then=stall()))
        began = time.monotonic()
        answer = place.ask(alias, client, stream=True)
        took = time.monotonic() - began
        assert took >= QUICK["idle_s"]
        at_most(QUICK["idle_s"] + SLACK_S, took)
        error = client.broken(answer.text)
        assert "timeout" in str(error).lower() or error.get("code") == 504, error
        assert client.text(answer.text) == PIECE
        (row,) = place.rows(alias)
        assert row["error"] == "timeout"
        assert row["tokens"]["output"] == 10
        (request,) = place.reached(alias)
        closed = place.upstream.closed_at
        assert place.upstream.until(lambda: request.connection in closed)
        at_most(1.0, closed[request.connection] - began - took)

    at_once([*product(CLIENTS.values(), PROVIDERS.values())], ask)
    assert place.in_flight() == 0


SILENCES = {
    "without a head": stall(),
    "after the head": head(200, {"content-type": "text/event-stream"}) + stall(),
    "after a comment": events([b": processing\n\n"], then=stall()),
    "after an empty opening": events(PROVIDER.opening(), then=stall()),
    # A provider that sends keep-alive comments and no token.
    "but for comments": events([b": ping\n\n"] * 100, gap_s=0.1),
}


@timely
@pytest.mark.parametrize("how", SILENCES.values(), ids=SILENCES)
def test_silence_before_the_first_token_is_one_coherent_stream_of_the_next(
    place: Scene, how: object
) -> None:
    def ask(client: Client) -> None:
        alias = place.alias("two")
        place.on(alias, "a", how)  # type: ignore[arg-type]
        place.on(alias, "b", serves("the second"))
        began = time.monotonic()
        answer = place.ask(alias, client, stream=True)
        at_most(QUICK["first_token_s"] + SLACK_S, time.monotonic() - began)
        assert client.whole(answer.text) == "the second"
        assert answer.headers["x-routeiq-attempts"] == "2"
        (row,) = place.rows(alias)
        assert [a.get("error", "") for a in row["attempts"]] == ["timeout", ""]
        assert row["tokens"] == {"input": 7, "output": 3}

    at_once([*CLIENTS.values()], ask)


@timely
@dialects
def test_the_wait_of_a_client_is_kept(place: Scene, client: Client) -> None:
    alias = place.alias()
    place.on(alias, "a", stall())
    began = time.monotonic()
    headers = {"x-routeiq-timeout-s": "0.3"}
    answer = place.ask(alias, client, headers=headers)
    took = time.monotonic() - began
    assert answer.status_code == 504
    assert client.error(answer.json()) is not None
    assert took >= 0.3
    at_most(0.3 + SLACK_S, took)


# --- 5: dripping -------------------------------------------------------------------


@timely
@dialects
def test_a_dripping_stream_is_cut_at_the_total_limit(
    place: Scene, client: Client
) -> None:
    alias = place.alias("short")
    begun = [*PROVIDER.opening(), *[PROVIDER.piece("x")] * 100]
    place.on(alias, "a", events(begun, gap_s=0.1))
    began = time.monotonic()
    answer = place.ask(alias, client, stream=True)
    took = time.monotonic() - began
    assert took >= 0.8
    at_most(0.8 + SLACK_S, took)
    client.broken(answer.text)
    said = client.text(answer.text)
    assert 1 <= len(said) <= 9
    (row,) = place.rows(alias)
    assert row["error"] == "timeout"
    assert row["tokens"]["output"] == len(said) // 4


@timely
@dialects
def test_a_dripping_answer_is_cut_at_the_total_limit(
    place: Scene, client: Client
) -> None:
    alias = place.alias("short")
    drip = head(200, {"content-type": "application/json"}, length=1000)
    for _ in range(100):
        drip += chunk(b" ") + pause(0.1)
    place.on(alias, "a", drip)
    began = time.monotonic()
    answer = place.ask(alias, client)
    assert answer.status_code == 504
    assert client.error(answer.json()) is not None
    took = time.monotonic() - began
    assert took >= 0.8
    at_most(0.8 + SLACK_S, took)
