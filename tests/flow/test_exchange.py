"""Versions come and go under load, in two workers: no request fails, and each is
decided by one version or by none. The store tells the worker that was not asked.
"""

import itertools
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from routing.lab.table import read
from routing.lab.train import train
from routing.learned.registry import Registry
from tests.flow.provider import CHAT
from tests.flow.routed import PATIENCE, routed
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running
from tests.routing import outcomes
from tests.routing.outcomes import PROMPTS

CALL = {"model": "auto", "messages": [{"role": "user", "content": PROMPTS["sums"]}]}
NOBODY = "no version serves"
EVERY_S = 0.5
ASKING = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`router` has v1 and v2, of different rows; `good` is as v1."""
    folder = tmp_path_factory.mktemp("exchange")
    for version, seed in (("v1", 0), ("v2", 5)):
        made = train(read(outcomes.write(folder / f"{version}.jsonl", 200, seed)))
        made.write(folder / "router" / version)
    shutil.copytree(folder / "router" / "v1", folder / "good")
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    """Two workers, neither of which would look by itself within an hour."""
    options = {**PATIENCE, "poll_s": 3600.0}
    strategies = {
        name: {"kind": "gbdt", "options": {"artifact": name, **options}}
        for name in ("router", "coming")
    }
    with routed(
        folder,
        strategies,
        models={"auto": "router", "coming": "coming"},
        routing={"learning": {"sync_s": EVERY_S}},
        args=("--workers", "2"),
    ) as running:
        yield running


def _why(running: Running, model: str = "auto") -> list[str]:
    """Of each candidate, in the words of some worker: the connection is a new one."""
    answer = running.post("/v1/routing/explain", {**CALL, "model": model})
    return [step["reason"] for step in answer.json()["order"]]


def _everywhere(done: Callable[[], bool]) -> None:
    """Until a dozen new connections say so: either worker has many of them."""
    end = time.monotonic() + 60
    while not all(done() for _ in range(12)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_who_is_asked_to_look_tells_the_other_worker(
    running: Running, folder: Path
) -> None:
    _everywhere(lambda: "missing" in _why(running, "coming")[0])
    shutil.copytree(folder / "good", folder / "coming")
    told = running.post("/v1/routing/reload").json()
    assert told["others_within_s"] == EVERY_S
    ours = {one["name"]: one for one in told["data"]}["coming"]
    assert (ours["fault"], ours["version"]) == ("", "coming")
    _everywhere(lambda: "artifact " in _why(running, "coming")[0])


class Asking(threading.Thread):
    """Each call on a connection of its own, so that both workers are asked."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.stopped = threading.Event()
        self.ids: list[str] = []
        self.failed: list[str] = []

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                answer = httpx.post(self._url + CHAT, json=CALL, **PATIENT)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                self.failed.append(repr(error))
            else:
                self.ids.append(answer.headers["x-routeiq-id"])


def _decided(row: dict[str, Any]) -> str:
    """The version by whose digest all of a record's candidates were judged."""
    reasons = [step["reason"] for step in row["plan"]["order"]]
    assert len(reasons) == 3
    marks = set()
    for reason in reasons:
        found = re.search(r"\(artifact ([0-9a-f]{8})\)", reason)
        assert (found is None) == (NOBODY in reason), reason
        marks.add(found[1] if found else NOBODY)
    assert len(marks) == 1, reasons
    return marks.pop()


def _rows(running: Running, ids: list[str]) -> dict[str, dict[str, Any]]:
    """The records of all of them, once each worker has written its own."""
    end = time.monotonic() + 60
    while True:
        rows = {row["id"]: row for row in running.records(5 * len(ids), 0.1)}
        if rows.keys() >= set(ids):
            return rows
        assert time.monotonic() < end


def test_hundreds_are_asked_while_versions_come_and_go(
    running: Running, folder: Path
) -> None:
    registry = Registry(folder / "router")
    _everywhere(lambda: NOBODY in _why(running)[0])
    every = [Asking(running.url) for _ in range(ASKING)]
    for one in every:
        one.start()
    try:
        changes: list[Callable[[], Any]] = [
            lambda: registry.promote("v1", None),
            lambda: registry.promote("v2", None),
            lambda: registry.rollback("worse"),
            lambda: registry.rollback("worse still"),
        ]
        for change in itertools.chain(*[changes] * 3):
            before = _why(running)[0]
            asked = len(every[0].ids)
            change()
            assert running.post("/v1/routing/reload").status_code == 200
            _everywhere(lambda: _why(running)[0] != before)  # noqa: B023
            while len(every[0].ids) < asked + 5:
                time.sleep(0.01)
    finally:
        for one in every:
            one.stopped.set()
        for one in every:
            one.join()
    ids = [id for one in every for id in one.ids]
    assert not [why for one in every for why in one.failed]
    assert len(ids) > 300
    rows = _rows(running, ids)
    decided = [_decided(rows[id]) for id in ids]
    assert len(set(decided)) == 3
    assert NOBODY in decided
    assert not [row for row in rows.values() if row.get("error")]
