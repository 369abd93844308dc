"""Realtime sessions through a running gateway: recorded ones come through unchanged,
are admitted, metered and recorded, and either side's end is the other's."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from openai import AsyncOpenAI, OpenAI
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection

from tests.flow.provider import ENV, SECRET
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.sockets import SocketProvider
from tests.harness.upstream import Upstream, tell
from tests.shared import cassettes, needs_shared

MASTER = "sk-master-canary-0123456789"
BEARER = {"authorization": f"Bearer {MASTER}"}
WITHIN_S = 20.0
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
DONE = {
    "type": "response.done",
    "response": {
        "usage": {
            "input_tokens": 100,
            "output_tokens": 50,
            "input_token_details": {"audio_tokens": 60, "cached_tokens": 10},
            "output_token_details": {"audio_tokens": 40},
        }
    },
}

Json = dict[str, Any]


def _transcripts() -> list[tuple[str, list[Json]]]:
    found = []
    for path in cassettes("realtime_ws"):
        recording = json.loads(path.read_text())
        said = [
            each
            for each in recording["transcript"]["interactions"]
            if each["kind"] == "message"
        ]
        found.append((recording["provider"], said))
    return found


TRANSCRIPTS = _transcripts()


def _google_model(said: list[Json]) -> str:
    first = next(each["data"] for each in said if each["direction"] == "sent")
    return str(_value(first)["setup"]["model"]).removeprefix("models/")


def _value(data: Any) -> Any:
    return json.loads(data) if isinstance(data, str) else data


@pytest.fixture(scope="module")
def provider() -> Iterator[SocketProvider]:
    with SocketProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture(scope="module")
def running(
    provider: SocketProvider,
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    price = {"input": 4, "output": 16, "cached": 0.4, "audio_input": 32} | {
        "audio_output": 64
    }

    def one(model: str, **more: Any) -> Json:
        place = {"base_url": f"{provider.url}/v1", "api_key": "env:UPSTREAM_KEY"}
        return {"model": model, **place, **more}

    models: Json = {
        "voice": [one("openai/gpt-realtime", price=price)],
        "live": [one("gemini/gemini-live", base_url=f"{provider.url}/v1beta")],
        "spare": [
            one("openai/first", base_url="http://127.0.0.1:9/v1", order=1),
            one("openai/second", order=2),
        ],
        "secrets": [one("openai/gpt-realtime", base_url=f"{upstream.url}/v1")],
        "text-only": [one("anthropic/claude")],
    }
    for number, (name, said) in enumerate(TRANSCRIPTS):
        base = f"{provider.url}/{number}"
        if name == "google":
            model, base = f"gemini/{_google_model(said)}", f"{base}/v1beta"
        else:
            model, base = f"openai/t{number}", f"{base}/v1"
        models[f"t{number}"] = [one(model, base_url=base)]
    config = {
        "keys": {"master": "env:MASTER"},
        "models": {n: {"deployments": d} for n, d in models.items()},
        "retries": {"attempts": 2},
        "realtime": {"message_bytes": 1_000_000, "idle_s": 3},
    }
    env = {**ENV, "MASTER": MASTER}
    folder = tmp_path_factory.mktemp("realtime")
    with gateway(config, folder, env=env) as running:
        yield running


def _dial(running: Running, path: str, **more: Any) -> ClientConnection:
    headers = more.pop("headers", BEARER)
    return connect(
        running.url.replace("http", "ws") + path,
        additional_headers=headers,
        compression=None,
        max_size=None,
        open_timeout=WITHIN_S,
        close_timeout=WITHIN_S,
        **more,
    )


def _id(client: ClientConnection) -> str:
    assert client.response is not None
    return client.response.headers["x-routeiq-id"]


def _until(condition: Callable[[], object]) -> bool:
    limit = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


def _greet(server: ServerConnection) -> None:
    """Says hi and leaves with the client. (The client of these tests loses what comes
    in one packet with a close.)"""
    server.send("hi")
    server.recv(timeout=WITHIN_S)


def _play_recorded(server: ServerConnection) -> None:
    assert server.request is not None
    number = int(server.request.path.split("/")[1])
    name, said = TRANSCRIPTS[number]
    for each in said:
        text = (
            each["data"] if isinstance(each["data"], str) else json.dumps(each["data"])
        )
        if each["direction"] == "received":
            # Google's server speaks in binary frames.
            server.send(text.encode() if name == "google" else text)
            continue
        heard = server.recv(timeout=WITHIN_S)
        if name == "google" and "setup" in json.loads(text):
            assert json.loads(heard) == json.loads(text)
        else:
            assert heard == text
    server.recv(timeout=WITHIN_S)  # until the client ends it


@needs_shared
def test_recorded_sessions_come_through_unchanged(
    running: Running, provider: SocketProvider
) -> None:
    assert len(TRANSCRIPTS) == 24
    provider.play, provider.errors = _play_recorded, []
    for number, (name, said) in enumerate(TRANSCRIPTS):
        google = name == "google"
        path = LIVE if google else f"/v1/realtime?model=t{number}"
        headers = {"x-goog-api-key": MASTER} if google else BEARER
        used = 0
        with _dial(running, path, headers=headers) as client:
            for each in said:
                data = each["data"]
                text = data if isinstance(data, str) else json.dumps(data)
                if each["direction"] == "received":
                    heard = client.recv(timeout=WITHIN_S)
                    assert heard == (text.encode() if google else text), number
                    used += '"response.done"' in text or "usageMetadata" in text
                elif google and "setup" in json.loads(text):
                    setup = json.loads(text)
                    setup["setup"]["model"] = f"models/t{number}"
                    client.send(json.dumps(setup))
                else:
                    client.send(text)
            id = _id(client)
        row = running.record(id)
        assert (row["status"], row.get("error", "")) == (101, "")
        assert row["alias"] == f"t{number}"
        assert ("tokens" in row) == bool(used), number
    closed = [e for e in provider.errors if not isinstance(e, ConnectionClosed)]
    assert not closed


def test_a_session_is_admitted_metered_and_recorded(
    running: Running, provider: SocketProvider
) -> None:
    def play(server: ServerConnection) -> None:
        server.send(json.dumps({"type": "session.created"}))
        for _ in range(2):
            server.recv(timeout=WITHIN_S)
            server.send(json.dumps(DONE))
        server.recv(timeout=WITHIN_S)

    provider.play, provider.asked = play, []
    with _dial(running, "/v1/realtime?model=voice&intent=talk&key=x") as client:
        assert json.loads(client.recv())["type"] == "session.created"
        for _ in range(2):
            client.send(json.dumps({"type": "response.create"}))
            assert json.loads(client.recv(timeout=WITHIN_S)) == DONE
        id = _id(client)
    asked = provider.asked[0]
    assert parse_qs(urlsplit(asked.path).query) == {
        "model": ["gpt-realtime"],
        "intent": ["talk"],
    }
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert MASTER not in str(asked.headers)
    row = running.record(id)
    assert (row["operation"], row["status"], row["key"]) == ("realtime", 101, "master")
    assert (row["alias"], row["model"], row["provider"]) == (
        "voice",
        "gpt-realtime",
        "openai",
    )
    assert row["tokens"] == {
        "input": 200,
        "output": 100,
        "cached": 20,
        "audio_input": 120,
        "audio_output": 80,
    }
    assert row["cost_nano"] > 0
    assert row["duration_us"] > 0
    assert row["chunks"] == 3
    assert running.metric("routeiq_exchanges_total", alias="voice", status="101") >= 1


@pytest.mark.filterwarnings("ignore:connect.* must be used as:DeprecationWarning")
@pytest.mark.parametrize("sdk", ["sync", "async"])
def test_the_official_sdk_holds_a_session(
    running: Running, provider: SocketProvider, sdk: str
) -> None:
    def play(server: ServerConnection) -> None:
        server.send(
            json.dumps(
                {
                    "type": "session.created",
                    "event_id": "e",
                    "session": {"type": "realtime"},
                }
            )
        )
        asked = json.loads(server.recv(timeout=WITHIN_S))
        assert asked["type"] == "session.update"
        server.recv(timeout=WITHIN_S)
        server.send(
            json.dumps(
                {
                    "type": "response.output_text.delta",
                    "event_id": "e2",
                    "response_id": "r",
                    "item_id": "i",
                    "output_index": 0,
                    "content_index": 0,
                    "delta": "Hi",
                }
            )
        )
        server.send(json.dumps({"event_id": "e3", **DONE}))
        server.recv(timeout=WITHIN_S)

    provider.play, provider.errors = play, []
    base = f"{running.url}/v1"
    heard = []
    if sdk == "sync":
        client = OpenAI(base_url=base, api_key=MASTER)
        with client.realtime.connect(model="voice") as session:
            session.session.update(session={"type": "realtime"})
            session.response.create()
            for event in session:
                heard.append(event.type)
                if event.type == "response.done":
                    break
    else:

        async def talk() -> None:
            async with (
                AsyncOpenAI(base_url=base, api_key=MASTER) as client,
                client.realtime.connect(model="voice") as session,
            ):
                await session.session.update(session={"type": "realtime"})
                await session.response.create()
                async for event in session:
                    heard.append(event.type)
                    if event.type == "response.done":
                        break

        asyncio.run(talk())
    assert heard == ["session.created", "response.output_text.delta", "response.done"]


def test_a_browser_shows_its_key_as_a_subprotocol(
    running: Running, provider: SocketProvider
) -> None:
    provider.play, provider.asked = _greet, []
    key = mint(running, "browser", ["voice"])
    protocols = [
        "realtime",
        f"openai-insecure-api-key.{key}",
        "openai-beta.realtime-v1",
    ]
    with _dial(
        running, "/v1/realtime?model=voice", headers={}, subprotocols=protocols
    ) as client:
        assert client.recv(timeout=WITHIN_S) == "hi"
        assert client.subprotocol == "realtime"
    offered = provider.asked[0].headers["sec-websocket-protocol"]
    assert offered == "realtime, openai-beta.realtime-v1"
    assert key not in str(provider.asked[0].headers)


def test_who_may_not_is_told_before_the_upgrade(
    running: Running, provider: SocketProvider
) -> None:
    provider.asked = []
    alice = {"authorization": f"Bearer {mint(running, 'alice', ['spare'])}"}
    for path, headers, status, code in (
        ("/v1/realtime?model=voice", {}, 401, "invalid_api_key"),
        ("/v1/realtime?model=voice", alice, 404, "model_not_found"),
        ("/v1/realtime?model=nobody", BEARER, 404, "model_not_found"),
        ("/v1/realtime", BEARER, 400, "missing_model"),
        ("/v1/realtime?model=text-only", BEARER, 400, "unsupported_operation"),
        ("/v1/realtime?model=demo", BEARER, 400, "unsupported_operation"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            _dial(running, path, headers=headers)
        response = refused.value.response
        assert response.status_code == status, path
        assert json.loads(response.body or b"")["error"]["code"] == code
        row = running.record(response.headers["x-routeiq-id"])
        assert row["status"] == status
    assert not provider.asked
    plain = httpx.get(
        f"{running.url}/v1/realtime?model=voice", headers=BEARER, **PATIENT
    )
    assert plain.status_code == 426


def test_the_next_deployment_opens_what_the_first_does_not(
    running: Running, provider: SocketProvider
) -> None:
    provider.play, provider.asked = _greet, []
    with _dial(running, "/v1/realtime?model=spare") as client:
        assert client.recv(timeout=WITHIN_S) == "hi"
        row_id = _id(client)
        assert client.response is not None
        assert client.response.headers["x-routeiq-attempts"] == "2"
    row = running.record(row_id)
    assert [each.get("error", "") for each in row["attempts"]] == ["unreachable", ""]


def test_a_refusal_of_the_provider_is_told_without_its_secrets(
    running: Running, provider: SocketProvider
) -> None:
    def refuse(status: int) -> Callable[[ServerConnection], Any]:
        body = json.dumps({"error": {"message": f"no {SECRET}", "code": "odd"}})
        return lambda connection: connection.respond(status, body)

    try:
        for status, told in ((401, 502), (400, 400), (429, 429), (503, 503)):
            provider.refuse = refuse(status)
            with pytest.raises(InvalidStatus) as refused:
                _dial(running, "/v1/realtime?model=voice")
            assert refused.value.response.status_code == told
            assert SECRET.encode() not in (refused.value.response.body or b"")
    finally:
        provider.refuse = lambda _: None


def test_the_providers_end_is_the_clients(
    running: Running, provider: SocketProvider
) -> None:
    def play(server: ServerConnection) -> None:
        server.send("last words")
        server.recv(timeout=WITHIN_S)
        server.close(4001, f"enough of {SECRET}")

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:
        assert client.recv(timeout=WITHIN_S) == "last words"
        client.send("go")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=WITHIN_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    assert closed.value.rcvd.reason == "enough of [redacted]"


def test_a_provider_that_breaks_is_told_of(
    running: Running, provider: SocketProvider
) -> None:
    def play(server: ServerConnection) -> None:
        _greet(server)
        server.socket.shutdown(socket.SHUT_RDWR)

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:
        assert client.recv(timeout=WITHIN_S) == "hi"
        client.send("go")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=WITHIN_S)
        id = _id(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    assert running.record(id)["error"] == "unreachable"


def test_a_client_that_vanishes_closes_the_provider(
    running: Running, provider: SocketProvider
) -> None:
    ended = threading.Event()

    def play(server: ServerConnection) -> None:
        server.send("hi")
        try:
            server.recv(timeout=WITHIN_S)
        except ConnectionClosed:
            ended.set()

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:
        assert client.recv(timeout=WITHIN_S) == "hi"
        id = _id(client)
        client.socket.shutdown(socket.SHUT_RDWR)
    assert ended.wait(WITHIN_S)
    row = running.record(id, within_s=WITHIN_S)
    assert (row["status"], row.get("error", "")) == (101, "")


def test_limits_end_a_session(running: Running, provider: SocketProvider) -> None:
    def play(server: ServerConnection) -> None:
        server.recv(timeout=WITHIN_S)

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:
        client.send("x" * 1_000_001)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=WITHIN_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009

    def large(server: ServerConnection) -> None:
        server.send("x" * 1_000_001)
        server.recv(timeout=WITHIN_S)

    provider.play = large
    with _dial(running, "/v1/realtime?model=voice") as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=WITHIN_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:  # says nothing
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=WITHIN_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


def test_a_session_ends_with_its_time_though_both_sides_talk(
    provider: SocketProvider, tmp_path: Path
) -> None:
    def play(server: ServerConnection) -> None:
        while True:  # until it is closed
            server.send(server.recv(timeout=WITHIN_S))

    place = {"base_url": f"{provider.url}/v1", "api_key": "env:UPSTREAM_KEY"}
    config = {
        "models": {"voice": {"deployments": [{"model": "openai/voice", **place}]}},
        "realtime": {"session_s": 2},
    }
    provider.play = play
    with (
        gateway(config, tmp_path, env=ENV) as running,
        _dial(running, "/v1/realtime?model=voice", headers={}) as client,
    ):
        limit = time.monotonic() + WITHIN_S
        with pytest.raises(ConnectionClosed) as closed:
            while time.monotonic() < limit:
                client.send("again")
                client.recv(timeout=WITHIN_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert "time is over" in closed.value.rcvd.reason


def test_an_error_inside_a_session_holds_no_secret(
    running: Running, provider: SocketProvider
) -> None:
    told = {"type": "error", "error": {"message": f"the key {SECRET} is worn out"}}

    def play(server: ServerConnection) -> None:
        server.send(json.dumps(told))
        server.recv(timeout=WITHIN_S)

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice") as client:
        heard = client.recv(timeout=WITHIN_S)
    assert json.loads(heard)["error"]["message"] == "the key [redacted] is worn out"


def test_who_does_not_read_makes_the_other_side_wait(
    running: Running, provider: SocketProvider
) -> None:
    count, sent = 400, [0]
    piece = "x" * 200_000

    def play(server: ServerConnection) -> None:
        for _ in range(count):
            server.send(piece)
            sent[0] += 1
        server.recv(timeout=WITHIN_S)

    provider.play = play
    with _dial(running, "/v1/realtime?model=voice", max_queue=1) as client:
        # 80 MB are to be said; far fewer find room between provider and client.
        last = -1
        while sent[0] != last:
            last = sent[0]
            time.sleep(0.5)
        assert 0 < sent[0] < count // 2
        for _ in range(count):
            assert len(client.recv(timeout=WITHIN_S)) == len(piece)


def test_a_live_clients_first_message_names_the_model(
    running: Running, provider: SocketProvider
) -> None:
    def play(server: ServerConnection) -> None:
        assert json.loads(server.recv(timeout=WITHIN_S)) == {
            "setup": {"model": "models/gemini-live", "tools": []}
        }
        server.send(b'{"setupComplete": {}}')
        server.send(b'{"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}')
        server.recv(timeout=WITHIN_S)

    provider.play, provider.asked = play, []
    with _dial(running, f"{LIVE}?key={MASTER}", headers={}) as client:
        client.send(json.dumps({"setup": {"model": "models/live", "tools": []}}))
        assert client.recv(timeout=WITHIN_S) == b'{"setupComplete": {}}'
        client.recv(timeout=WITHIN_S)
        id = _id(client)
    assert provider.asked[0].path == LIVE
    assert provider.asked[0].headers["x-goog-api-key"] == SECRET
    assert running.record(id)["tokens"] == {"input": 5}
    for first in ("{}", "nonsense", json.dumps({"setup": {"model": "models/no"}})):
        with _dial(running, f"{LIVE}?key={MASTER}", headers={}) as client:
            client.send(first)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=WITHIN_S)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


def test_a_client_secret_opens_its_session_only(
    running: Running, upstream: Upstream, provider: SocketProvider
) -> None:
    upstream.on(
        "/v1/realtime/client_secrets",
        tell(
            200,
            {
                "value": "ek_of_the_provider",
                "expires_at": int(time.time()) + 600,
                "session": {"type": "realtime", "model": "gpt-realtime"},
            },
        ),
    )
    client = OpenAI(base_url=f"{running.url}/v1", api_key=MASTER)
    made = client.realtime.client_secrets.create(
        session={"type": "realtime", "model": "secrets"}
    )
    asked = upstream.requests[-1]
    assert asked.json() == {"session": {"type": "realtime", "model": "gpt-realtime"}}
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert made.value.startswith("ek_riq_")
    for path in running.folder.glob("routeiq.db*"):
        assert b"ek_of_the_provider" not in path.read_bytes()
        assert made.value.encode() not in path.read_bytes()
    # It is no key of other doors, and no other model's.
    ek = {"authorization": f"Bearer {made.value}"}
    assert running.get("/v1/models", headers=ek).status_code == 401
    seen: list[str] = []

    def refuse(request: Any) -> Any:
        seen.append(request.headers["authorization"])
        return tell(400, {"error": {"message": "seen", "code": "seen"}})

    upstream.on("/v1/realtime", refuse)
    with pytest.raises(InvalidStatus) as refused:
        _dial(running, "/v1/realtime?model=voice", headers=ek)
    assert seen == ["Bearer ek_of_the_provider"]
    row = running.record(refused.value.response.headers["x-routeiq-id"])
    assert (row["alias"], row["key"]) == ("secrets", "master")


def test_over_tls_and_without_keys_no_web_page_opens_a_session(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("open")
    with SocketProvider(tls=True) as provider:
        assert provider.ca is not None
        provider.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        place = {"model": "openai/m", "base_url": f"{provider.url}/v1"}
        config = {
            "models": {"voice": {"deployments": [place]}},
            "egress": {"ca_file": "ca.pem"},
        }
        provider.play = _greet
        with gateway(config, folder) as running:
            with _dial(running, "/v1/realtime?model=voice", headers={}) as client:
                assert client.recv(timeout=WITHIN_S) == "hi"
            with pytest.raises(InvalidStatus) as refused:
                _dial(
                    running,
                    "/v1/realtime?model=voice",
                    headers={},
                    origin="https://evil.example",
                )
            assert refused.value.response.status_code == 403
        assert len(provider.asked) == 1
