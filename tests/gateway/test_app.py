"""The application's own start, where no configuration can make it fail."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.config.load import load


def test_a_start_that_fails_in_our_own_code_is_told_to_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise LookupError("no such door")

    path = tmp_path / "routeiq.yaml"
    path.write_text("store: {url: 'memory:'}\n")
    monkeypatch.setattr(app, "routes", broken)
    told: list[Any] = []

    async def start() -> None:
        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            told.append(message)

        await app.App(load(path), "1")({"type": "lifespan"}, receive, send)

    asyncio.run(start())
    assert told == [{"type": "lifespan.startup.failed", "message": "no such door"}]
