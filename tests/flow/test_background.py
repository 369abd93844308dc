"""Responses in the background whose gateway was stopped: begun anew, within bounds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import openai
import pytest
from openai.types.responses import Response

from gateway.endpoints.responses.jobs import RUNS
from gateway.endpoints.responses.kept import SPACE, Kept
from gateway.govern import keys
from gateway.store.sqlite import SqliteStore
from tests.flow.responses import ENV, Provider, config
from tests.flow.test_responses import client, ended
from tests.harness.gateway import gateway
from tests.harness.keys import mint
from tests.harness.upstream import Request

OWNERS: Final = {"once": "alice", "cancelled": "alice", "worn": "alice", "left": "bob"}
"""What is asked -> whose key asks; every answer is held back."""


class Scene(NamedTuple):
    """After the restart."""

    provider: Provider
    master: openai.OpenAI
    alice: openai.OpenAI
    made: dict[str, Response]

    def requests(self, name: str) -> list[Request]:
        mark = f"hold {name}".encode()
        return [one for one in self.provider.requests if mark in one.body]

    def asked(self, name: str) -> int:
        """How often the provider was."""
        return len(self.requests(name))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("background")
    with Provider() as provider:
        provider.held.clear()
        made: dict[str, Response] = {}
        told = config(provider)
        with gateway(told, folder, env=ENV) as running:
            secrets = {name: mint(running, name) for name in ("alice", "bob")}
            for name, owner in OWNERS.items():
                with client(running, secrets[owner]) as sdk:
                    made[name] = sdk.responses.create(
                        model="plain", input=f"hold {name}", background=True
                    )
            assert provider.until(lambda: len(provider.requests) == len(OWNERS))
        asyncio.run(_meanwhile(folder, made["worn"].id))
        with (
            gateway(told, folder, env=ENV) as running,
            client(running) as master,
            client(running, secrets["alice"]) as alice,
        ):
            yield Scene(provider, master, alice, made)
            provider.held.set()


async def _meanwhile(folder: Path, worn: str) -> None:
    """Bob's key is revoked; one response has brought the gateway down often enough."""
    store = SqliteStore(str(folder / "routeiq.db"))
    store.open()
    try:
        (bob,) = [one for one in await keys.list_keys(store) if one.name == "bob"]
        assert await keys.revoke(store, bob.id)
        data = await store.get(SPACE, worn)
        assert data is not None
        kept = msgspec.json.decode(data, type=Kept)
        assert kept.runs == 1
        often = msgspec.structs.replace(kept, runs=RUNS)
        await store.put(SPACE, worn, msgspec.json.encode(often), 60.0)
    finally:
        await store.close()


def test_it_can_be_cancelled_though_it_was_begun_anew(scene: Scene) -> None:
    id_ = scene.made["cancelled"].id
    assert scene.alice.responses.retrieve(id_).status == "queued"
    assert scene.provider.until(lambda: scene.asked("cancelled") == 2)
    assert scene.alice.responses.cancel(id_).status == "cancelled"
    assert scene.alice.responses.retrieve(id_).status == "cancelled"


def test_it_is_begun_once_more_for_all_who_ask_at_once(scene: Scene) -> None:
    made = scene.made["once"]
    for _ in range(5):
        assert scene.alice.responses.retrieve(made.id).status == "queued"
    scene.provider.held.set()
    *_, last = scene.alice.responses.retrieve(made.id, stream=True)
    scene.provider.held.clear()
    assert last.type == "response.completed"
    assert last.response.id == made.id
    assert last.response.created_at == made.created_at
    assert last.response.output_text == "heard 1 turns"
    first, second = scene.requests("once")
    assert first.body == second.body
    names = {one.headers["idempotency-key"] for one in (first, second)}
    assert names == {made.id}, "a provider may know it again"


def test_a_key_that_was_revoked_meanwhile_asks_no_more(scene: Scene) -> None:
    done = ended(scene.master, scene.made["left"].id)
    assert done.error is not None
    assert (done.status, scene.asked("left")) == ("failed", 1)
    assert "no longer valid" in done.error.message


def test_what_brings_the_gateway_down_again_and_again_is_given_up(
    scene: Scene,
) -> None:
    done = ended(scene.alice, scene.made["worn"].id)
    assert done.error is not None
    assert (done.status, scene.asked("worn")) == ("failed", 1)
    assert "ask again" in done.error.message
