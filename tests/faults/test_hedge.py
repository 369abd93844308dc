"""Fault 14: two are asked, one answers."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.scene import Scene, deployment, scene, until
from tests.faults.speech import CLIENTS, OPENAI, PROVIDER, Client, fails, serves
from tests.harness.timing import at_most, timely
from tests.harness.upstream import Script, Upstream, events, pause, stall, tell

AFTER_S = 0.15
LOSES_WITHIN_S = 0.1
"""How soon the loser's connection is to be closed."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Upstream() as up:
        a, b = deployment(up, "a"), deployment(up, "b", order=2)
        hedge = {"after_s": AFTER_S}
        models = {
            "one/*": {"deployments": [a]},
            "two/*": {"deployments": [a, b], "hedge": hedge},
        }
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("hedge"),
            warm=(CLIENTS, serves()),
            timeouts={"total_s": 10.0},
        ) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def late(seconds: float, text: str, stream: bool) -> Script:
    if stream:
        return pause(seconds) + events(PROVIDER.stream(text))
    return pause(seconds) + tell(200, PROVIDER.answer(text))


def said(client: Client, body: str, stream: bool) -> str:
    return client.whole(body) if stream else body


@dialects
@streamed
@timely
def test_the_faster_one_answers_and_the_other_is_cut_and_paid(
    place: Scene, client: Client, stream: bool
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", late(5.0, "the first", stream))
    place.on(alias, "b", late(0.05, "the second", stream))
    began = time.monotonic()
    answer = place.ask(alias, client, stream=stream)
    done = time.monotonic()
    assert answer.status_code == 200
    assert "the second" in said(client, answer.text, stream)
    assert "the first" not in answer.text
    (first,), (second,) = place.reached(alias, "a"), place.reached(alias, "b")
    # Not from the first's arrival: a busy machine may read that one late.
    assert second.time - began >= AFTER_S * 0.9
    at_most(AFTER_S + 0.5, second.time - first.time)
    closed = place.upstream.closed_at
    assert place.upstream.until(lambda: first.connection in closed)
    at_most(LOSES_WITHIN_S, closed[first.connection] - done)
    (row,) = place.rows(alias)
    loser, winner = row["attempts"]
    assert loser["deployment"].split("/")[2] != winner["deployment"].split("/")[2]
    assert loser["error"] == "cancelled"
    assert loser["tokens"]["estimated"] is True
    assert loser["cost_nano"] > 0
    assert winner["hedge"] is True
    assert winner["cost_nano"] == 7 * 1000 + 3 * 2000
    assert row["cost_nano"] == loser["cost_nano"] + winner["cost_nano"]
    assert {*place.state(alias).values()} == {"closed"}


@dialects
def test_who_answers_in_time_is_not_hedged(place: Scene, client: Client) -> None:
    alias = place.alias("two")
    place.on(alias, "a", serves("the first"))
    assert "the first" in place.ask(alias, client).text
    assert not place.reached(alias, "b")


@streamed
def test_both_at_once_give_exactly_one_answer(place: Scene, stream: bool) -> None:
    for step in range(9):
        alias = place.alias("two")
        place.on(alias, "a", late(AFTER_S + 0.042 + step / 500, "the first", stream))
        place.on(alias, "b", late(0.05, "the second", stream))
        answer = place.ask(alias, OPENAI, stream=stream)
        assert answer.status_code == 200
        text = said(OPENAI, answer.text, stream)
        assert ("the first" in text) != ("the second" in text), text
        (row,) = place.rows(alias)
        assert len(row["attempts"]) == 2
        assert len([a for a in row["attempts"] if not a.get("error")]) == 1
        assert row["cost_nano"] == sum(a["cost_nano"] for a in row["attempts"])


@streamed
def test_a_first_that_fails_late_leaves_the_second_to_answer(
    place: Scene, stream: bool
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", pause(AFTER_S + 0.1) + fails(500))
    place.on(alias, "b", late(0.4, "the second", stream))
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 200
    assert "the second" in said(OPENAI, answer.text, stream)


@streamed
def test_a_second_that_fails_leaves_the_first_to_answer(
    place: Scene, stream: bool
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", late(AFTER_S + 0.3, "the first", stream))
    place.on(alias, "b", fails(500))
    answer = place.ask(alias, OPENAI, stream=stream)
    assert answer.status_code == 200
    assert "the first" in said(OPENAI, answer.text, stream)


def test_the_failures_of_both_count_against_each(place: Scene) -> None:
    """The losing side of a race is no way to hide from the breaker."""
    first, second = place.alias("two"), place.alias("two")
    for alias, ill, well in ((first, "a", "b"), (second, "b", "a")):
        wait = AFTER_S + 0.05 if ill == "a" else 0
        place.on(alias, ill, pause(wait) + fails(500))
        place.on(alias, well, late(AFTER_S + 0.15, "well", False))
        for _ in range(5):
            assert place.ask(alias, OPENAI).status_code == 200
        assert "open" in place.state(alias).values(), (alias, place.state(alias))


@dialects
def test_both_failing_is_one_typed_error(place: Scene, client: Client) -> None:
    alias = place.alias("two")
    place.on(alias, "a", pause(AFTER_S + 0.1) + fails(500))
    place.on(alias, "b", pause(0.3) + fails(500))
    answer = place.ask(alias, client)
    assert answer.status_code in {502, 503}
    assert client.error(answer.json()) is not None
    # attempts is 3, a retry of each at most once
    assert 2 <= len(place.reached(alias)) <= 4


@dialects
@streamed
@timely
def test_a_client_that_leaves_the_race_ends_both(
    place: Scene, client: Client, stream: bool
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", stall())
    place.on(alias, "b", stall())
    path, body = client.call(alias, stream=stream)
    with place.dial() as wire:
        wire.ask(path, body)
        assert until(lambda: len(place.reached(alias)) == 2)
    gone = time.monotonic()
    closed = place.upstream.closed_at
    for request in place.reached(alias):
        number = request.connection
        assert place.upstream.until(lambda n=number: n in closed)  # type: ignore[misc]
        at_most(1.0, closed[number] - gone)
    (row,) = place.rows(alias)
    assert row["status"] == 499
    assert [a["error"] for a in row["attempts"]] == ["cancelled", "cancelled"]
    assert {*place.state(alias).values()} == {"closed"}
