"""What is left of an exchange: its record, whole, durable, and for as long as it is to
be kept; and what clients say of answers afterwards."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.provider import (
    CHAT,
    ENV,
    SECRET,
    body,
    call,
    deployment,
    pieces,
    refused,
    streamed,
    usage,
    whole,
)
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, events, stall, tell

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
PRICE = {
    "input": 3.0,
    "output": 15.0,
    "cached": 0.3,
    "reasoning": 20.0,
    "request": 0.01,
}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
CANARY = "sk-ant-api03-canary0123456789canary0123456789"
ALLOWANCE = {
    "x-ratelimit-remaining-requests": "17",
    "x-ratelimit-reset-tokens": "1m30s",
    "anthropic-ratelimit-tokens-remaining": "4000",
    "set-cookie": "session=1",
    "x-internal-host": "10.0.0.1",
}
DAY_NS = 86_400 * 10**9


def _models(up: Upstream) -> dict[str, Any]:
    def one(place: str, **more: Any) -> dict[str, Any]:
        return {"deployments": [deployment(up, place, **more)]}

    return {
        "priced": one("priced", price=PRICE),
        "free": one("free", price={"input": 0, "output": 0}),
        "unpriced": one("unpriced", model="openai/no-such-model-anywhere"),
        "stream": one("stream", price={"input": 1.0, "output": 2.0}),
        "held": one("held", price={"input": 1.0, "output": 2.0}),
        "twice": {
            "strategy": "ordered",
            "deployments": [
                deployment(up, "ill", price=PRICE),
                deployment(up, "priced2", price=PRICE),
            ],
        },
        "ill": one("ill2"),
        "limited": one("limited"),
    }


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}")

    counted = tell(200, body(model="m-2026", usage=usage(100, 20, **DETAILS)))
    with Upstream() as up:
        up.on(None, whole())
        up.on(at("priced"), counted)
        up.on(at("stream"), streamed("one ", "two ", "three"))
        first = pieces("some words ", "more words ")[:3]
        up.on(at("held"), events(first, then=stall()))
        up.on(at("ill"), refused(500, "ill"))
        up.on(at("limited"), tell(200, body(), ALLOWANCE))
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = {"keys": {"master": "env:MASTER"}, "models": _models(upstream)}
    env = {**ENV, "MASTER": MASTER}
    with gateway(config, tmp_path_factory.mktemp("records"), env=env) as running:
        yield running


def _ask(running: Running, model: str, **more: Any) -> tuple[httpx.Response, Any]:
    answer = running.post(CHAT, call(model, **more), headers=BEARER)
    return answer, running.record(answer.headers["x-routeiq-id"])


# --- what is in it -------------------------------------------------------------------


def test_a_record_says_who_asked_what_and_who_served(
    running: Running, upstream: Upstream
) -> None:
    before = time.time_ns()
    answer, row = _ask(running, "priced", user="u-17", max_tokens=99)
    assert row["id"] == answer.headers["x-routeiq-id"]
    assert before < row["at_ns"] < time.time_ns()
    assert row["route"] == CHAT
    assert (row["dialect"], row["operation"]) == ("openai.chat", "chat")
    assert (row["alias"], row["known_alias"]) == ("priced", True)
    assert (row["key"], row["user"]) == ("master", "u-17")
    assert row["status"] == 200
    assert row.get("stream", False) is False
    assert row["max_tokens"] == 99
    assert (row["deployment"], row["provider"]) == ("priced", "openai")
    assert row["model"] == "m-2026", "as the answer names it"
    assert row["response_id"] == "chatcmpl-1"
    assert (
        row["request_bytes"]
        == len(json.dumps(call("priced", user="u-17", max_tokens=99)).encode())
        or row["request_bytes"] > 50
    )
    assert row["response_bytes"] == len(answer.content)
    assert "request" not in row
    assert "response" not in row


def test_tokens_are_told_by_kind_and_cost_to_the_nano_dollar(running: Running) -> None:
    answer, row = _ask(running, "priced")
    assert row["tokens"] == {"input": 100, "output": 20, "cached": 40, "reasoning": 7}
    # Dollars a million are nano-dollars by a thousand; a cent for the request.
    nano = 60 * 3_000 + 40 * 300 + 13 * 15_000 + 7 * 20_000 + 10_000_000
    assert row["cost_nano"] == nano
    assert row["attempts"][0]["cost_nano"] == nano
    assert float(answer.headers["x-routeiq-cost-usd"]) == pytest.approx(nano / 1e9)


def test_an_unknown_price_is_null_and_a_free_one_zero(running: Running) -> None:
    answer, row = _ask(running, "unpriced")
    assert row["cost_nano"] is None
    assert row["attempts"][0]["cost_nano"] is None
    assert "x-routeiq-cost-usd" not in answer.headers
    assert _ask(running, "free")[1]["cost_nano"] == 0


def test_every_attempt_is_told(running: Running) -> None:
    _, row = _ask(running, "twice")
    failed, *_, served = row["attempts"]
    assert (failed["deployment"], failed["status"]) == ("ill", 500)
    assert (failed["error"], failed["message"]) == ("server_error", "ill")
    assert (served["deployment"], served["status"]) == ("priced2", 200)
    assert served["host"] == "127.0.0.1"
    assert served["port"] > 0
    assert served["tokens"]["input"] == 100
    assert row["cost_nano"] == sum(a["cost_nano"] for a in row["attempts"])
    spans = [a["span"] for a in row["attempts"]]
    assert len({row["span"], *spans}) == len(spans) + 1
    assert all(len(span) == 16 for span in spans)


def test_times_are_in_order(running: Running) -> None:
    _, row = _ask(running, "twice")
    ends = 0
    for attempt in row["attempts"]:
        assert attempt["at_us"] >= ends
        ends = attempt["at_us"] + attempt["duration_us"]
    assert row["attempts"][-1]["at_us"] < row["first_token_us"] <= row["duration_us"]
    assert ends <= row["duration_us"]


def test_the_trace_of_the_caller_is_in_the_record(running: Running) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    header = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = running.post(CHAT, call("free"), headers={**BEARER, **header})
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["trace"] == trace
    assert len(row["span"]) == 16
    assert row["span"] != "00f067aa0ba902b7"


def test_a_stream_is_recorded_as_what_it_was(running: Running) -> None:
    _, row = _ask(running, "stream", stream=True)
    assert row["stream"] is True
    assert row["chunks"] >= 1
    assert row["stop"] == ["end"]
    assert row["tokens"] == {"input": 10, "output": 3}
    assert row["cost_nano"] == 10 * 1000 + 3 * 2000
    assert 0 < row["first_token_us"] <= row["duration_us"]
    assert row["attempts"][0]["first_token_us"] > 0


def test_a_client_that_leaves_a_stream_pays_for_what_was_said(
    running: Running,
) -> None:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        asked = call("held", stream=True)
        with client.stream("POST", CHAT, json=asked, headers=BEARER) as answer:
            id = answer.headers["x-routeiq-id"]
            for text in answer.iter_text():
                if "words" in text:
                    break
    row = running.record(id)
    assert (row["status"], row["error"]) == (499, "client_hung_up")
    assert row["tokens"]["estimated"] is True
    assert row["tokens"]["output"] >= 2
    assert row["cost_nano"] > 0
    assert row["attempts"][0]["error"] == "cancelled"


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({"model": "nowhere", "messages": []}, 404, "model_not_found"),
        ({"model": "free"}, 400, "bad_call"),
        ({"model": "ill", "messages": [{"role": "user", "content": "x"}]}, 502, ""),
    ],
)
def test_what_fails_is_recorded_too(
    running: Running, asked: Any, status: int, error: str
) -> None:
    answer = running.post(CHAT, asked, headers=BEARER)
    assert answer.status_code == status
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["status"] == status
    assert row["error"] == (error or "server_error")
    assert row["message"]


def test_strangers_are_recorded_without_a_key(running: Running) -> None:
    wrong = {"authorization": "Bearer sk-wrong-canary-000000"}
    answer = running.post(CHAT, call("free"), headers=wrong)
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["status"] == 401
    assert row.get("key", "") == ""
    assert "canary" not in json.dumps(row)


def test_the_providers_allowance_is_handed_on(running: Running) -> None:
    answer, _ = _ask(running, "limited")
    for name in list(ALLOWANCE)[:3]:
        assert answer.headers[name] == ALLOWANCE[name]
    assert "set-cookie" not in answer.headers
    assert "x-internal-host" not in answer.headers


def log(folder: Path, name: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(folder / "routeiq.db")) as db:
        rows = db.execute("select data from log where log = ? order by id", (name,))
        return [json.loads(data) for (data,) in rows]


# --- how long it lasts ---------------------------------------------------------------


def test_kill_9_loses_nothing_that_was_acknowledged(
    upstream: Upstream, tmp_path: Path
) -> None:
    config = {"models": {"free": {"deployments": [deployment(upstream, "free")]}}}
    accepted: list[str] = []
    with gateway(config, tmp_path, env=ENV) as running:
        answer = running.post(CHAT, call("free"))
        answered = answer.headers["x-routeiq-id"]
        running.record(answered)
        stop = threading.Event()

        def score() -> None:
            number = 0
            with httpx.Client(base_url=running.url, **PATIENT) as client:
                while not stop.is_set():
                    number += 1
                    said = {"id": answered, "score": 1, "name": f"n{number}"}
                    try:
                        told = client.post("/v1/feedback", json=said)
                    except httpx.HTTPError:
                        return
                    if told.status_code == 201:
                        accepted.append(said["name"])

        scorer = threading.Thread(target=score)
        scorer.start()
        time.sleep(0.5)
        running.process.kill()
        running.process.wait()
        stop.set()
        scorer.join()
    assert len(accepted) > 20
    kept = {row["name"] for row in log(tmp_path, "feedback")}
    assert kept >= set(accepted)
    assert [row["id"] for row in log(tmp_path, "exchanges")] == [answered]
    with gateway(config, tmp_path, env=ENV) as running:
        said = {"id": answered, "score": 0, "name": accepted[-1]}
        assert running.post("/v1/feedback", said).json()["accepted"] is False


def test_a_stop_writes_what_waits(upstream: Upstream, tmp_path: Path) -> None:
    config = {"models": {"free": {"deployments": [deployment(upstream, "free")]}}}
    with gateway(config, tmp_path, env=ENV) as running:
        with httpx.Client(base_url=running.url, **PATIENT) as client:
            ids = [
                client.post(CHAT, json=call("free")).headers["x-routeiq-id"]
                for _ in range(30)
            ]
        assert running.stop() == 0
    assert [row["id"] for row in log(tmp_path, "exchanges")] == ids


def test_old_records_are_forgotten(upstream: Upstream, tmp_path: Path) -> None:
    config = {
        "records": {"keep_days": 2},
        "models": {"free": {"deployments": [deployment(upstream, "free")]}},
    }
    with gateway(config, tmp_path, env=ENV) as running:
        answer = running.post(CHAT, call("free"))
        template = running.record(answer.headers["x-routeiq-id"])
    now = time.time_ns()
    with closing(sqlite3.connect(tmp_path / "routeiq.db")) as db, db:
        db.execute("delete from log")
        for name in ("exchanges", "feedback"):
            for number, age in enumerate([9.0] * 120 + [2.1, 1.9, 9.0, 0.1]):
                row = {**template, "id": f"{number}", "at_ns": now - int(age * DAY_NS)}
                if name == "feedback":
                    row = {"id": f"{number}", "at_ns": row["at_ns"], "score": 1.0}
                data = json.dumps(row).encode()
                db.execute("insert into log (log, data) values (?, ?)", (name, data))
    with gateway(config, tmp_path, env=ENV) as running:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and len(log(tmp_path, "exchanges")) > 3:
            time.sleep(0.05)
        time.sleep(0.2)
        for name in ("exchanges", "feedback"):
            # From the first that is kept on, nothing is looked at.
            kept = [row["id"] for row in log(tmp_path, name)]
            assert kept == ["121", "122", "123"]
        running.logged("forgotten")
        assert running.post(CHAT, call("free")).status_code == 200


def test_zero_days_are_for_ever(upstream: Upstream, tmp_path: Path) -> None:
    config = {"records": {"keep_days": 0}}
    with gateway(config, tmp_path) as running:
        assert running.post(CHAT, call("demo")).status_code == 200
    with closing(sqlite3.connect(tmp_path / "routeiq.db")) as db, db:
        row = json.dumps({"id": "x", "at_ns": 1, "score": 1.0}).encode()
        db.execute("insert into log (log, data) values ('feedback', ?)", (row,))
    with gateway(config, tmp_path) as running:
        running.post(CHAT, call("demo"))
        time.sleep(0.5)
        assert len(log(tmp_path, "feedback")) == 1


# --- how much of it ------------------------------------------------------------------


def test_content_is_kept_only_when_asked_for_and_then_redacted(
    upstream: Upstream, tmp_path: Path
) -> None:
    config = {
        "records": {"content": True},
        "models": _models(upstream),
        "keys": {"master": "env:MASTER"},
    }
    secret = f"my key is {CANARY}, the master's {MASTER}, yours {SECRET}"
    asked = call("free")
    asked["messages"] = [{"role": "user", "content": f"unusual words; {secret}"}]
    with gateway(config, tmp_path, env={**ENV, "MASTER": MASTER}) as running:
        answer = running.post(CHAT, asked, headers=BEARER)
        row = running.record(answer.headers["x-routeiq-id"])
        assert "unusual words" in row["request"]
        assert json.loads(row["request"])["model"] == "free"
        assert json.loads(row["response"]) == answer.json()
        _, row = _ask(running, "stream", stream=True)
        assert "three" in row["response"]
        assert "[DONE]" in row["response"]
        lines = running.logged(row["id"])
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("routeiq.db*"))
    for canary in (CANARY, MASTER, SECRET):
        assert canary.encode() not in kept
        assert canary not in lines
    assert "unusual words" not in lines, "bodies are for the record alone"


def test_what_is_kept_of_an_event_stream_is_text_and_redacted(
    upstream: Upstream, tmp_path: Path
) -> None:
    config = {
        "records": {"content": True},
        "models": _models(upstream),
        "keys": {"master": "env:MASTER"},
    }
    spoken = upstream.on(
        lambda r: r.path.startswith("/stream"), streamed("three words: ", CANARY)
    )
    asked = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    path = "/bedrock/model/stream/converse-stream"
    with gateway(config, tmp_path, env={**ENV, "MASTER": MASTER}) as running:
        answer = running.post(path, asked, headers=BEARER)
        assert CANARY.encode() in answer.content
        row = running.record(answer.headers["x-routeiq-id"])
    upstream.rules.remove(spoken)
    lines = [json.loads(line) for line in row["response"].splitlines()]
    assert [next(iter(line)) for line in lines[:2]] == [
        "messageStart",
        "contentBlockDelta",
    ]
    assert "three words" in row["response"]
    assert CANARY not in row["response"]


def test_content_is_not_kept_by_itself(running: Running) -> None:
    asked = call("free")
    asked["messages"] = [{"role": "user", "content": "unusual words"}]
    answer = running.post(CHAT, asked, headers=BEARER)
    id = answer.headers["x-routeiq-id"]
    running.record(id)
    files = running.folder.glob("routeiq.db*")
    kept = b"".join(path.read_bytes() for path in files)
    assert b"unusual words" not in kept
    assert "unusual words" not in running.logged(id)


def test_no_records_are_kept_where_none_are_wanted(
    upstream: Upstream, tmp_path: Path
) -> None:
    config = {"records": {"enabled": False}}
    with gateway(config, tmp_path) as running:
        answer = running.post(CHAT, call("demo"))
        assert answer.status_code == 200
        said = {"id": answer.headers["x-routeiq-id"], "score": 1}
        assert running.post("/v1/feedback", said).status_code == 201
        time.sleep(0.5)
        assert running.metric("routeiq_exchanges_total") == 1
    assert log(tmp_path, "exchanges") == []
    assert len(log(tmp_path, "feedback")) == 1
