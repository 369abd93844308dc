"""Realtime sessions with models in clouds: where they are opened, and as whom."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import openai
import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection

from tests.harness.gateway import Running, gateway
from tests.harness.sockets import SocketProvider

KEY: Final = "sk-master-for-live-clouds"
WITHIN_S: Final = 20.0
SETUP: Final = "projects/p/locations/l/publishers/google/models/gemini-live"


@dataclass
class Scene:
    provider: SocketProvider
    gateway: Running


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("live")
    told = folder / "key"
    told.write_text("first-key")
    with SocketProvider() as provider:
        place = {"base_url": provider.url, "api_key": "env:AZURE_KEY"}
        google = {"project": "p", "location": "l", "token": "env:TOKEN"}
        dated = {**place, "azure": {"api_version": "2024-10-01-preview"}}
        deployments = {
            "dated": {"model": "azure/voice", **dated},
            "v1": {"model": "azure/voice", **place},
            "told": {**place, "model": "azure/voice", "api_key": f"command:cat {told}"},
            "live": {
                "model": "vertex_ai/gemini-live",
                "base_url": provider.url,
                "google": google,
            },
        }
        models = {name: {"deployments": [one]} for name, one in deployments.items()}
        config = {"keys": {"master": "env:MASTER_KEY"}, "models": models}
        env = {"MASTER_KEY": KEY, "AZURE_KEY": "azure-key", "TOKEN": "vertex-token"}
        with gateway(config, folder, env=env) as running:
            yield Scene(provider, running)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (
            "dated",
            "/openai/realtime?api-version=2024-10-01-preview&deployment=voice",
        ),
        ("v1", "/openai/v1/realtime?model=voice"),
    ],
)
def test_a_session_on_azure(scene: Scene, model: str, path: str) -> None:
    def play(server: ServerConnection) -> None:
        server.send('{"type": "session.created", "event_id": "e", "session": {}}')
        server.recv(timeout=WITHIN_S)

    scene.provider.play, scene.provider.asked = play, []

    socket = scene.gateway.url.replace("http:", "ws:")

    async def hold() -> str:
        async with (
            openai.AsyncAzureOpenAI(
                azure_endpoint=scene.gateway.url,
                websocket_base_url=f"{socket}/openai",  # else it wants TLS
                api_key=KEY,
                api_version="2025-01-01",
            ) as client,
            client.realtime.connect(model=model) as session,
        ):
            event = await session.recv()
            return event.type

    assert asyncio.run(asyncio.wait_for(hold(), WITHIN_S)) == "session.created"
    (asked,) = scene.provider.asked
    assert asked.path == path
    assert asked.headers["api-key"] == "azure-key"
    assert KEY not in str(asked.headers)


def test_a_session_on_vertex(scene: Scene) -> None:
    heard: list[str] = []

    def play(server: ServerConnection) -> None:
        heard.append(json.loads(server.recv(timeout=WITHIN_S))["setup"]["model"])
        server.send(b'{"setupComplete": {}}')
        server.recv(timeout=WITHIN_S)

    scene.provider.play, scene.provider.asked = play, []
    socket = scene.gateway.url.replace("http:", "ws:")
    path = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    bearer = {"authorization": f"Bearer {KEY}"}
    with connect(socket + path, additional_headers=bearer) as client:
        name = "projects/any/locations/any/publishers/google/models/live"
        client.send(json.dumps({"setup": {"model": name}}))
        assert client.recv(timeout=WITHIN_S) == b'{"setupComplete": {}}'
    assert heard == [SETUP]
    (asked,) = scene.provider.asked
    assert asked.path == path
    assert asked.headers["authorization"] == "Bearer vertex-token"


def test_a_refused_credential_is_renewed_once(scene: Scene) -> None:
    good = "first-key"

    def check(connection: ServerConnection) -> Response | None:
        assert connection.request is not None
        if connection.request.headers["api-key"] == good:
            return None
        return connection.respond(401, '{"error": {"message": "no such key"}}')

    def play(server: ServerConnection) -> None:
        server.send("hi")
        server.recv(timeout=WITHIN_S)  # until the client has heard it, and leaves

    def keys_sent() -> list[str]:
        return [asked.headers["api-key"] for asked in scene.provider.asked]

    def hold() -> None:
        with connect(address, additional_headers=bearer) as client:
            assert client.recv(timeout=WITHIN_S) == "hi"

    scene.provider.play, scene.provider.asked = play, []
    address = scene.gateway.url.replace("http:", "ws:") + "/v1/realtime?model=told"
    bearer = {"authorization": f"Bearer {KEY}"}
    scene.provider.refuse = check
    try:
        hold()
        (scene.gateway.folder / "key").write_text("second-key")
        good = "second-key"
        hold()
        assert keys_sent() == ["first-key", "first-key", "second-key"]
        good = "third-key"  # and there is none such: told, not asked for ever
        with pytest.raises(InvalidStatus):
            hold()
        assert len(scene.provider.asked) <= 5
    finally:
        scene.provider.refuse = lambda _: None
