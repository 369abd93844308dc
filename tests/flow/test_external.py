"""Scores of another server, seen from outside: what it is asked, and who then serves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.provider import CHAT, ENV, command, deployment
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, stall, tell

TOKEN = "tok-canary-9876543210"
SCORER = {"SCORER_TOKEN": TOKEN}


def _scores(request: Request) -> Script:
    """By the place it is asked at."""
    place = request.path.strip("/")
    ids = [c["deployment"] for c in request.json()["candidates"]]
    last = {id: float(i) for i, id in enumerate(ids)}
    answers: dict[str, Any] = {
        "last": tell(200, {"scores": last}),
        "listed": tell(200, {"scores": [0, 5, 2]}),
        "partly": tell(200, {"scores": {ids[1]: 1}}),
        "quality": tell(
            200,
            {"scores": [1, 2, 3], "qualities": {ids[0]: 0.5, ids[1]: 0.9, ids[2]: 1.0}},
        ),
        "slow": stall(),
        "ill": tell(500, {"scores": last, "why": "sick"}),
        "odd": tell(200, b"<html>"),
        "short": tell(200, {"scores": [1.0]}),
        "huge": tell(200, b'{"scores": [1e999, 1, 1]}'),
        "proud": tell(200, {"scores": last, "qualities": [2, 2, 2]}),
    }
    found: Script = answers[place]
    return found


@pytest.fixture(scope="module")
def scorer() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _scores)
        yield up


PLACES = (
    *("last", "listed", "partly", "quality", "slow"),
    *("ill", "odd", "short", "huge", "proud"),
)


def _config(up: Upstream, scorer: Upstream) -> dict[str, Any]:
    def one(name: str, place: str, price: float) -> dict[str, Any]:
        cost = {"input": price, "output": price}
        return deployment(up, f"{name}-{place}", price=cost)

    def three(name: str) -> list[dict[str, Any]]:
        return [one(name, "a", 1), one(name, "b", 2), one(name, "c", 30)]

    def asks(place: str, **more: Any) -> dict[str, Any]:
        options = {"url": f"{scorer.url}/{place}", "then": "ordered", **more}
        return {"kind": "external", "options": {"timeout_s": 5.0, **options}}

    strategies = {place: asks(place) for place in PLACES}
    strategies["slow"]["options"]["timeout_s"] = 0.2
    strategies["slow"]["options"]["rest_s"] = 600.0
    strategies["ill"]["options"]["rest_s"] = 0
    strategies["last"]["options"]["headers"] = {
        "authorization": "Bearer ${SCORER_TOKEN}",
        "x-tenant-key": "env:SCORER_TOKEN",
    }
    strategies["worded"] = asks("last", send_text=True)
    strategies["worth"] = {"kind": "cost_quality", "options": {"of": "quality"}}
    strategies["steps"] = {"kind": "cascade", "options": {"then": "listed"}}
    models = {n: {"strategy": n, "deployments": three(n)} for n in strategies}
    return {
        "models": models,
        "routing": {"strategies": strategies},
        "records": {"content": True},
        "demo": False,
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, scorer: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("external")
    with gateway(_config(upstream, scorer), folder, env=ENV | SCORER) as running:
        yield running


def _served(running: Running, model: str, text: str = "hi", **more: Any) -> str:
    messages = [{"role": "user", "content": text}]
    answer = running.post(CHAT, json={"model": model, "messages": messages, **more})
    assert answer.status_code == 200, answer.text
    id: str = answer.headers["x-routeiq-deployment"]
    return id.rpartition("-")[2]


def _reasons(running: Running, model: str, text: str = "hi") -> list[str]:
    messages = [{"role": "user", "content": text}]
    asked = {"model": model, "messages": messages}
    told = running.post("/v1/routing/explain", json=asked).json()
    return [step["reason"] for step in told["order"]]


@pytest.mark.parametrize(
    ("model", "serves", "reasons"),
    [
        ("last", "c", ["scored 2", "scored 1", "scored 0"]),
        ("listed", "b", ["scored 5", "scored 2", "scored 0"]),
        ("partly", "b", ["scored 1", "not scored", "not scored"]),
    ],
)
def test_who_is_scored_highest_serves(
    running: Running, model: str, serves: str, reasons: list[str]
) -> None:
    assert _served(running, model) == serves
    assert _reasons(running, model) == reasons


def test_the_server_is_told_numbers_and_words_only_where_it_may(
    running: Running, scorer: Upstream
) -> None:
    before = len(scorer.requests)
    _served(running, "last", "hush-hush words", tools=[])
    plain = scorer.requests[before]
    assert "hush-hush" not in plain.body.decode()
    assert plain.json()["prompt"]["text_chars"] == len("hush-hush words")
    shown = plain.json()["candidates"][2]
    assert shown["deployment"] == "last-c"
    assert (shown["model"], shown["input_usd"]) == ("openai/m", 30.0)
    assert plain.headers["authorization"] == f"Bearer {TOKEN}"
    assert plain.headers["x-tenant-key"] == TOKEN
    _served(running, "worded", "hush-hush words")
    assert scorer.requests[-1].json()["prompt"]["text"] == "hush-hush words"
    assert "authorization" not in scorer.requests[-1].headers


def test_a_prompt_is_asked_about_once(running: Running, scorer: Upstream) -> None:
    before = len(scorer.requests)
    for text in ("one", "one", "two", "one"):
        _served(running, "listed", text)
    assert len(scorer.requests) == before + 2


def test_a_server_that_is_too_slow_is_left_alone(
    running: Running, scorer: Upstream
) -> None:
    before = len(scorer.requests)
    assert _served(running, "slow", "first") == "a"
    assert _reasons(running, "slow", "second")[0] == "no scores, timeout; position 1"
    assert _served(running, "slow", "third") == "a"
    assert len(scorer.requests) == before + 1


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("ill", "status 500"),
        ("odd", "no scores can be read"),
        ("short", "1 numbers for 3 candidates"),
        ("huge", "no scores can be read"),
        ("proud", "a quality is from 0 to 1"),
    ],
)
def test_what_cannot_be_used_leaves_it_to_another_strategy(
    running: Running, model: str, why: str
) -> None:
    assert _served(running, model) == "a"
    assert _reasons(running, model)[0] == f"no scores, {why}; position 1"


def test_others_may_build_on_what_it_says(running: Running, scorer: Upstream) -> None:
    assert _served(running, "worth") == "b"
    told = _reasons(running, "worth")
    assert told[0].startswith("quality 0.900")
    before = len(scorer.requests)
    assert _served(running, "steps", "a question") == "b"
    assert len(scorer.requests) == before + 1


def test_its_secrets_are_told_to_nobody(running: Running) -> None:
    messages = [{"role": "user", "content": f"my words hold {TOKEN}"}]
    answer = running.post(CHAT, json={"model": "last", "messages": messages})
    row = running.record(answer.headers["x-routeiq-id"])
    assert "my words hold" in row["request"]
    assert TOKEN not in json.dumps(row)
    assert TOKEN not in running.logged(row["id"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "ftp://x"}, "options.url: must be a URL"),
        ({}, "missing required field `url`"),
        ({"url": "http://x", "timeout_s": 60}, "<= 10"),
        ({"url": "http://x", "headers": {"a": "env:NONESUCH"}}, "NONESUCH"),
        ({"url": "http://x", "headers": {"a b": "c"}}, "no header's name"),
    ],
)
def test_what_cannot_be_asked_is_told_by_check(
    tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    file = tmp_path / "odd.yaml"
    strategy = {"kind": "external", "options": options}
    file.write_text(json.dumps({"routing": {"strategies": {"odd": strategy}}}))
    done = command(tmp_path, "check", "odd.yaml")
    assert done.returncode == 1
    assert says in done.stdout + done.stderr
