"""Faults 10 to 13: limited, refused, failing providers, and storms of retries."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from tests.faults.scene import SECRETS, Scene, deployment, scene, until
from tests.faults.speech import CLIENTS, OPENAI, PROVIDER, Client, fails, serves
from tests.harness.timing import at_most, timely
from tests.harness.upstream import Request, Script, Upstream, pause, stall, tell

MAX_S = 60
OPEN_S = 1.0
FAILURES = 3
STATUSES = (401, 402, 403)
"""Of a provider that refuses a key."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Upstream() as up:
        a, b = deployment(up, "a"), deployment(up, "b", order=2)
        once = {"attempts": 1, "per_deployment": 0}
        keys = {
            # Where a key is refused it is so for all models: a place for each test.
            f"{place}/*": {
                "deployments": [
                    deployment(up, place, api_key=f"env:KEY_{letter}")
                    for letter in "ABC"
                ]
            }
            for place in (f"{s}-{name}" for s in (400, *STATUSES) for name in CLIENTS)
        }
        bad = {
            "model": "openai/m",
            "base_url": f"{up.url}/c/v1",
            "api_key": "env:KEY_C",
            "price": {"input": 1.0, "output": 2.0},
        }
        good = {**bad, "base_url": f"{up.url}/d/v1", "api_key": "env:KEY_B", "order": 2}
        models: dict[str, Any] = {
            "one/*": {"deployments": [a]},
            "once/*": {"deployments": [a], "retries": once},
            "two/*": {"deployments": [a, b]},
            **keys,
            "mate-1": {"deployments": [bad, good]},
            "mate-2": {"deployments": [bad, good]},
            "failing/*": {"deployments": [a, b], "fallbacks": ["last"]},
            "last": {"deployments": [{**good, "id": "last"}]},
        }
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("cooldown"),
            warm=(CLIENTS, serves()),
            cooldown={"failures": FAILURES, "open_s": OPEN_S, "max_s": MAX_S},
        ) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


# --- 10: limited -------------------------------------------------------------------


def in_one_second(request: Request) -> list[tuple[str, str]]:
    del request
    now = time.time()
    return [
        ("date", formatdate(now, usegmt=True)),
        ("retry-after", formatdate(now + 1, usegmt=True)),
    ]


FORMS: dict[str, Callable[[Request], list[tuple[str, str]]]] = {
    "seconds": lambda _: [("retry-after", "1")],
    "fraction": lambda _: [("retry-after", "0.9")],
    "milliseconds": lambda _: [("retry-after-ms", "900"), ("retry-after", "9")],
    "date": in_one_second,
    "reset": lambda _: [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "950ms"),
    ],
    "anthropic": lambda _: [
        ("date", formatdate(time.time(), usegmt=True)),
        ("anthropic-ratelimit-requests-remaining", "0"),
        (
            "anthropic-ratelimit-requests-reset",
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1)),
        ),
    ],
}


def test_a_limited_deployment_is_left_alone_for_as_long_as_it_asks(
    place: Scene,
) -> None:
    aliases = {form: place.alias("two") for form in FORMS}
    for form, alias in aliases.items():
        headers = FORMS[form]

        def limited(request: Request, headers: Any = headers) -> Script:
            return fails(429, "slow down", headers(request))

        place.on(alias, "a", limited, serves("first"))
        place.on(alias, "b", serves("second"))
        for _ in range(2):
            answer = place.ask(alias, OPENAI)
            assert answer.status_code == 200, form
            assert "second" in answer.text
        assert len(place.reached(alias, "a")) == 1, form
        assert "cooldown" in place.state(alias).values()
    time.sleep(1.1)
    for form, alias in aliases.items():
        assert "first" in place.ask(alias, OPENAI).text, form


@dialects
def test_a_short_wait_is_waited_where_there_is_nobody_else(
    place: Scene, client: Client
) -> None:
    alias = place.alias()
    limited = fails(429, "slow down", [("retry-after-ms", "300")])
    place.on(alias, "a", limited, serves("at last"))
    began = time.monotonic()
    answer = place.ask(alias, client)
    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.3
    first, second = place.reached(alias)
    assert second.time - first.time >= 0.3


@dialects
def test_an_absurd_wait_is_capped_and_handed_on(place: Scene, client: Client) -> None:
    alias = place.alias()
    ten_years = [("retry-after", str(10 * 365 * 86_400))]
    place.on(alias, "a", fails(429, "slow down", ten_years))
    for attempt in range(2):
        answer = place.ask(alias, client)
        assert answer.status_code == 429
        assert client.error(answer.json()) is not None
        wait = int(answer.headers["retry-after"])
        assert 0 < wait <= MAX_S, attempt
        assert int(answer.headers["retry-after-ms"]) <= MAX_S * 1000
    assert len(place.reached(alias)) == 1


@pytest.mark.parametrize(
    "value", ["-5", "nan", "inf", "1e999", "soon", "", "0x10", "9" * 400, "\xff"]
)
def test_a_wait_that_is_none_harms_nobody(place: Scene, value: str) -> None:
    alias = place.alias("two")
    place.on(alias, "a", fails(429, "slow down", [("retry-after", value)]))
    place.on(alias, "b", serves("second"))
    assert place.ask(alias, OPENAI).status_code == 200
    assert place.ask(alias, OPENAI).status_code == 200


@dialects
def test_the_shortest_wait_is_handed_on_when_all_are_limited(
    place: Scene, client: Client
) -> None:
    alias = place.alias("two")
    place.on(alias, "a", fails(429, "slow down", [("retry-after", "20")]))
    place.on(alias, "b", fails(429, "slow down", [("retry-after", "40")]))
    assert place.ask(alias, client).status_code == 429
    answer = place.ask(alias, client, stream=True)
    assert answer.status_code == 429
    assert client.error(answer.json()) is not None
    assert 15 <= int(answer.headers["retry-after"]) <= 20
    assert len(place.reached(alias)) == 2


# --- 11: refused keys --------------------------------------------------------------


def refuses(status: int, letter: str) -> Callable[[Request], Script]:
    """Refuses one key, repeating it in its answer, and serves the others."""
    key = SECRETS[f"KEY_{letter}"]

    def answer(request: Request) -> Script:
        if key in request.headers["authorization"]:
            return fails(status, f"Incorrect API key provided: {key}.")
        return serves()(request)

    return answer


@dialects
@pytest.mark.parametrize("status", STATUSES)
def test_a_refused_key_is_benched_and_no_client_sees_it(
    place: Scene, client: Client, status: int
) -> None:
    where = f"{status}-{client.name}"
    alias = place.alias(where)
    place.on(alias, where, refuses(status, "B"))
    for index in range(40):
        answer = place.ask(alias, client, stream=bool(index % 2))
        assert answer.status_code == 200, answer.text
        assert "canary" not in answer.text
    key = SECRETS["KEY_B"]
    seen = [r for r in place.reached(alias) if key in r.headers["authorization"]]
    assert len(seen) == 1
    states = place.state(alias)
    assert [*states.values()].count("cooldown") == 1
    (benched,) = (name for name, state in states.items() if state == "cooldown")

    def warned() -> bool:
        lines = place.logged(benched)
        return any(line["level"] == "warning" for line in lines)

    assert until(warned)
    rows = place.rows(alias, 40)
    assert "canary" not in str(rows)
    assert {row["status"] for row in rows} == {200}


@dialects
def test_a_client_is_not_told_that_its_own_key_is_wrong(
    place: Scene, client: Client
) -> None:
    where = f"400-{client.name}"
    alias = place.alias(where)

    def refuse(request: Request) -> Script:
        key = request.headers["authorization"]
        return fails(401, f"Incorrect API key provided: {key}")

    place.on(alias, where, refuse)
    answer = place.ask(alias, client)
    assert answer.status_code == 502
    assert client.error(answer.json()) is not None
    assert "canary" not in answer.text
    answer = place.ask(alias, client)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert len(place.reached(alias)) == 3


def test_a_key_refused_under_one_model_is_benched_under_all(place: Scene) -> None:
    place.upstream.on("/c/v1/chat/completions", fails(401))
    place.upstream.on("/d/v1/chat/completions", serves())
    assert place.ask("mate-1", OPENAI).status_code == 200
    assert place.ask("mate-2", OPENAI).status_code == 200
    assert len(place.reached("", "c/")) == 1


# --- 12: all down ------------------------------------------------------------------


def break_all(place: Scene, alias: str) -> None:
    """Open the breakers of both deployments."""
    place.on(alias, "a", fails(500))
    place.on(alias, "b", fails(500))
    for _ in range(10 * FAILURES):
        answer = place.ask(alias, OPENAI)
        assert answer.status_code in {502, 503}
        if {*place.state(alias).values()} == {"open"}:
            return
    pytest.fail("the breakers did not open")


@dialects
@timely
def test_with_all_down_a_503_comes_at_once_and_a_probe_brings_it_back(
    place: Scene, client: Client
) -> None:
    alias = place.alias("two")
    break_all(place, alias)
    before = len(place.reached(alias))
    times = []
    for index in range(9):
        began = time.monotonic()
        answer = place.ask(alias, client, stream=bool(index % 2))
        times.append(time.monotonic() - began)
        if answer.status_code != 503:
            break
        assert client.error(answer.json()) is not None
        assert 1 <= int(answer.headers["retry-after"]) <= OPEN_S + 1
    assert len(times) == 9
    assert len(place.reached(alias)) == before
    at_most(0.05, statistics.median(times))
    place.on(alias, "a", serves("back again"))
    healed = time.monotonic()
    assert until(lambda: place.ask(alias, client).status_code == 200)
    at_most(OPEN_S + 0.5, time.monotonic() - healed)
    assert "closed" in place.state(alias).values()


def test_one_probe_goes_at_a_time(place: Scene) -> None:
    alias = place.alias("once")
    place.on(alias, "a", fails(500))
    for _ in range(FAILURES):
        assert place.ask(alias, OPENAI).status_code == 502
    assert place.ask(alias, OPENAI).status_code == 503
    before = len(place.reached(alias))
    body = PROVIDER.answer("slow but well")
    place.on(alias, "a", pause(0.5) + tell(200, body))
    time.sleep(OPEN_S)
    with ThreadPoolExecutor(10) as pool:
        answers = [*pool.map(lambda _: place.ask(alias, OPENAI), range(10))]
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [503] * 9
    assert len(place.reached(alias)) == before + 1
    assert place.ask(alias, OPENAI).status_code == 200


def test_a_probe_whose_client_leaves_makes_room_for_the_next(place: Scene) -> None:
    alias = place.alias("once")
    place.on(alias, "a", fails(500))
    for _ in range(FAILURES):
        place.ask(alias, OPENAI)
    place.on(alias, "a", stall(), serves("well"))
    time.sleep(OPEN_S)
    with place.dial() as probe:
        path, body = OPENAI.call(alias)
        probe.ask(path, body)
        assert until(lambda: len(place.reached(alias)) == FAILURES + 1)
        assert place.ask(alias, OPENAI).status_code == 503
    assert until(lambda: place.ask(alias, OPENAI).status_code == 200)


def test_a_failed_probe_opens_for_longer(place: Scene) -> None:
    alias = place.alias("once")
    place.on(alias, "a", fails(500))
    for _ in range(FAILURES):
        place.ask(alias, OPENAI)
    time.sleep(OPEN_S)
    assert place.ask(alias, OPENAI).status_code == 502
    answer = place.ask(alias, OPENAI)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) == 2 * OPEN_S
    assert len(place.reached(alias)) == FAILURES + 1


@dialects
def test_the_fallback_serves_while_all_are_down(place: Scene, client: Client) -> None:
    place.upstream.on("/d/v1/chat/completions", serves("the fallback"))
    alias = place.alias("failing")
    break_both = fails(500)
    place.on(alias, "a", break_both)
    place.on(alias, "b", break_both)
    for _ in range(2 * FAILURES):
        answer = place.ask(alias, client)
        assert answer.status_code == 200
        assert "the fallback" in answer.text


def test_a_fault_of_the_call_opens_no_breaker(place: Scene) -> None:
    alias = place.alias("once")
    place.on(alias, "a", fails(400))
    for _ in range(3 * FAILURES):
        assert place.ask(alias, OPENAI).status_code == 400
    assert [*place.state(alias).values()] == ["closed"]


# --- 13: storms --------------------------------------------------------------------

RATIO, LEAST = 0.2, 10


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A gateway whose breakers never open, so that only the budget bounds retries."""
    with Upstream() as up:
        a, b = deployment(up, "a"), deployment(up, "b", order=2)
        models = {"one/*": {"deployments": [a]}, "two/*": {"deployments": [a, b]}}
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("storm"),
            warm=(CLIENTS, serves()),
            cooldown={"failures": 10**9},
            retries={
                "attempts": 5,
                "per_deployment": 3,
                "backoff_s": 0.01,
                "backoff_max_s": 0.05,
                "budget_ratio": RATIO,
                "budget_min": LEAST,
            },
        ) as made:
            yield made


@pytest.mark.parametrize("kind", ["one", "two"])
def test_a_storm_of_failures_is_not_multiplied_by_retries(
    storm: Scene, kind: str
) -> None:
    """400 requests as fast as 16 clients can, for the table's 500 a second."""
    alias = storm.alias(kind)
    storm.on(alias, "a", fails(500))
    storm.on(alias, "b", fails(503))
    number = 400
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        answers = [*pool.map(lambda _: storm.ask(alias, OPENAI), range(number))]
    windows = 1 + int((time.monotonic() - began) / 10)
    assert {answer.status_code for answer in answers} <= {502, 503}
    attempts = len(storm.reached(alias))
    assert number <= attempts <= (1 + RATIO) * number + LEAST * windows
    assert attempts > 1.05 * number


def test_a_few_failures_are_still_retried(storm: Scene) -> None:
    alias = storm.alias()
    storm.on(alias, "a", fails(500), serves(), fails(503), serves())
    for _ in range(2):
        assert storm.ask(alias, OPENAI).status_code == 200
