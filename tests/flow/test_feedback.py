"""What clients say of answers afterwards."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, call
from tests.flow.test_records import BEARER, CANARY, MASTER, log
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    setup = {"keys": {"master": "env:MASTER"}}
    folder = tmp_path_factory.mktemp("feedback")
    with gateway(setup, folder, env={"MASTER": MASTER}) as running:
        yield running


def _said(running: Running, said: Any, headers: Any = BEARER) -> httpx.Response:
    return running.post("/v1/feedback", said, headers=headers)


def test_a_score_is_taken_once(running: Running) -> None:
    answer = running.post(CHAT, call("demo"), headers=BEARER)
    id = answer.headers["x-routeiq-id"]
    first = _said(running, {"id": id, "score": 0.75, "comment": f"key was {CANARY}"})
    assert (first.status_code, first.json()["accepted"]) == (201, True)
    again = _said(running, {"id": id, "score": 0.0})
    assert (again.status_code, again.json()["accepted"]) == (200, False)
    other = _said(running, {"id": id, "score": 1, "name": "style"})
    assert other.status_code == 201
    kept = [row for row in log(running.folder, "feedback") if row["id"] == id]
    assert [(row["score"], row.get("name", "")) for row in kept] == [
        (0.75, ""),
        (1, "style"),
    ]
    assert kept[0]["key"] == "master"
    assert "canary" not in json.dumps(kept)


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/responses"])
def test_only_its_own_answers_are_scored_by_a_key(running: Running, path: str) -> None:
    """Of a model that nobody learns from, and of which nothing else is kept."""
    mine, theirs = (
        {"authorization": f"Bearer {mint(running, f'{name}{path}')}"}
        for name in ("mine", "theirs")
    )
    asked = call("demo", max_tokens=9)
    if path == "/v1/responses":
        asked = {"model": "demo", "input": "hi"}
    answer = running.post(path, asked, headers=mine)
    assert answer.status_code == 200, answer.text
    id = answer.headers["x-routeiq-id"]
    assert answer.headers["x-request-id"] == id
    assert running.record(id)["id"] == id
    changed = id[:-1] + ("0" if id[-1] != "0" else "1")
    for said, who in ((id, theirs), (changed, mine)):
        refused = _said(running, {"id": said, "score": 0.0}, who)
        assert refused.status_code == 404, refused.text
        assert "no answer of that id" in refused.json()["error"]["message"]
    assert _said(running, {"id": id, "score": 1.0}, mine).status_code == 201
    assert _said(running, {"id": id, "score": 1.0}).status_code == 201  # who runs it
    kept = [row["score"] for row in log(running.folder, "feedback") if row["id"] == id]
    assert kept == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"score": 1.5}, "score"),
        ({"score": -0.1}, "score"),
        ({"score": "good"}, "score"),
        ({"score": None}, "score"),
        ({"id": "req_1"}, "id"),
        ({"id": "' or 1=1 --"}, "id"),
        ({"id": 7}, "id"),
        ({"scoer": 1}, "scoer"),
        ({"name": "x" * 65}, "name"),
        ({"comment": "x" * 4001}, "comment"),
    ],
)
def test_what_is_no_score_is_refused(running: Running, change: Any, word: str) -> None:
    said = {"id": "req_" + "0" * 28, "score": 1.0, **change}
    answer = _said(running, said)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'"x"', b"1" * 5000])
def test_hostile_bodies_are_refused(running: Running, raw: bytes) -> None:
    answer = running.post("/v1/feedback", content=raw, headers=BEARER)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
