"""The Responses API over WebSocket, from outside: what the official SDK and a plain
client get of a running gateway."""

import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway.endpoints.responses.socket import MOST_WAITING
from tests.flow.provider import command
from tests.flow.responses import ENV, MASTER, Provider, config
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint

Json = dict[str, Any]
BEARER = {"authorization": f"Bearer {MASTER}"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("socket")
    with gateway(config(provider), folder, env=ENV) as running:
        yield running


@pytest.fixture
def socket(running: Running) -> Iterator[ClientConnection]:
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    with connect(url, additional_headers=BEARER) as socket:
        yield socket


def ask(socket: ClientConnection, **asked: Any) -> list[Json]:
    """The events that answer, to the last."""
    socket.send(json.dumps({"type": "response.create", **asked}))
    return answer(socket)


def answer(socket: ClientConnection) -> list[Json]:
    found: list[Json] = []
    while not found or found[-1]["type"] not in ("response.completed", "error"):
        found.append(json.loads(socket.recv(timeout=30)))
    return found


@pytest.mark.filterwarnings("ignore:connect.* must be used as:DeprecationWarning")
def test_the_sdk_talks_over_one_connection(running: Running) -> None:
    with (
        openai.OpenAI(base_url=f"{running.url}/v1", api_key=MASTER) as sdk,
        sdk.responses.connect() as connection,
    ):
        for model in ("keeps", "plain", "demo"):
            connection.response.create(model=model, input="hi")
            kinds, text = [], ""
            for event in connection:
                kinds.append(event.type)
                if event.type == "response.output_text.delta":
                    text += event.delta
                if event.type in ("response.completed", "error"):
                    break
            assert kinds[0] == "response.created"
            assert kinds[-1] == "response.completed"
            assert text


def test_each_message_is_recorded_and_remembered(
    running: Running, provider: Provider, socket: ClientConnection
) -> None:
    before = len(running.records(50, 0.5))
    first = ask(socket, model="plain", input="my name is Ada")[-1]["response"]
    again = ask(
        socket, model="plain", input="who am I?", previous_response_id=first["id"]
    )
    assert again[-1]["response"]["previous_response_id"] == first["id"]
    said = json.dumps(provider.requests[-1].json()["messages"])
    assert "my name is Ada" in said
    assert "who am I?" in said
    rows = running.records(before + 2)[before:]
    seen = [(row["status"], row["key"], row["route"]) for row in rows]
    assert seen == [(200, "master", "/v1/responses")] * 2
    stored = running.get(f"/v1/responses/{first['id']}", headers=BEARER)
    assert stored.json()["status"] == "completed"


def test_errors_are_events_and_the_connection_goes_on(
    running: Running, socket: ClientConnection
) -> None:
    for asked in (
        {"model": "nowhere", "input": "hi"},
        {"model": "plain", "input": "hi", "previous_response_id": "resp_no"},
        {"model": "plain", "input": "hi", "temperature": "hot"},
        {"model": "plain", "input": "please fail"},
    ):
        posted = running.post(
            "/v1/responses", {**asked, "stream": True}, headers=BEARER
        )
        (error,) = ask(socket, **asked)
        same = posted.json()["error"]
        assert error["status"] == posted.status_code
        for name in ("code", "message", "param", "type"):
            assert error["error"].get(name) == same.get(name)
        assert error["message"] == same["message"]
    for name, value in (("generate", False), ("stream_id", "b")):
        (error,) = ask(socket, model="plain", input="hi", **{name: value})
        assert (error["status"], error["param"]) == (400, name)
    socket.send("no JSON")
    assert answer(socket)[-1]["status"] == 400
    socket.send(json.dumps({"type": "response.steer"}))
    assert answer(socket)[-1]["error"]["param"] == "type"
    assert ask(socket, model="demo", input="hi")[-1]["type"] == "response.completed"


def test_messages_wait_for_their_turn(socket: ClientConnection) -> None:
    for word in ("one", "two", "three"):
        told = {"type": "response.create", "model": "demo", "input": word}
        socket.send(json.dumps(told))
    for _ in range(3):
        kinds = [event["type"] for event in answer(socket)]
        assert kinds.count("response.created") == 1


def test_nobody_enters_without_a_key(running: Running) -> None:
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    with pytest.raises(InvalidStatus) as refused, connect(url):
        pass
    assert refused.value.response.status_code == 401
    body = refused.value.response.body
    assert json.loads(body or b"{}")["error"]["code"] == "invalid_api_key"


def test_each_message_is_admitted(running: Running) -> None:
    key = mint(running, "carol", models=["plain"])
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    headers = {"authorization": f"Bearer {key}"}
    with connect(url, additional_headers=headers) as socket:
        assert ask(socket, model="plain", input="hi")[-1]["type"] != "error"
        assert ask(socket, model="keeps", input="hi")[-1]["status"] == 404
        words = ("keys", "list", "--json", "--config", "routeiq.yaml")
        listed = json.loads(command(running.folder, *words, **ENV).stdout)
        (id,) = [each["id"] for each in listed if each["name"] == "carol"]
        words = ("keys", "revoke", id, "--config", "routeiq.yaml")
        assert command(running.folder, *words, **ENV).returncode == 0
        assert ask(socket, model="plain", input="hi")[-1]["status"] == 401


def test_a_plain_request_is_told_to_upgrade(running: Running) -> None:
    assert running.get("/v1/responses", headers=BEARER).status_code == 426


def test_a_client_that_leaves_ends_what_is_under_way(
    running: Running, provider: Provider
) -> None:
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    asked = {"type": "response.create", "model": "plain", "input": "hold, please"}
    before = len(running.records(50, 0.5))
    with connect(url, additional_headers=BEARER) as socket:
        count = len(provider.requests)
        socket.send(json.dumps(asked))
        deadline = time.monotonic() + 20
        while len(provider.requests) == count and time.monotonic() < deadline:
            time.sleep(0.01)
    (row,) = running.records(before + 1)[before:]
    assert row["status"] == 499


def test_what_waited_goes_with_its_client(running: Running, provider: Provider) -> None:
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    asked = {"type": "response.create", "model": "plain", "input": "hold, please"}
    before = len(running.records(50, 0.5))
    with connect(url, additional_headers=BEARER) as socket:
        count = len(provider.requests)
        for _ in range(3):
            socket.send(json.dumps(asked))
        deadline = time.monotonic() + 20
        while len(provider.requests) == count and time.monotonic() < deadline:
            time.sleep(0.01)
    (row,) = running.records(before + 1)[before:]
    assert row["status"] == 499
    assert len(running.records(before + 2, 1.0)) == before + 1
    assert len(provider.requests) == count + 1


def test_a_client_that_sends_without_end_is_sent_away(
    running: Running, provider: Provider
) -> None:
    """It could leave unnoticed otherwise, behind what it sent."""
    url = f"ws{running.url.removeprefix('http')}/v1/responses"
    asked = {"type": "response.create", "model": "plain", "input": "hold, please"}
    before = len(running.records(50, 0.5))
    with connect(url, additional_headers=BEARER, close_timeout=60) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(MOST_WAITING + 50):
                socket.send(json.dumps(asked))
            while True:
                socket.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    (row,) = running.records(before + 1)[before:]
    assert row["status"] == 499
