"""What records keep of a prompt to learn from: nothing, hashed counts, or words."""

import json
from pathlib import Path
from typing import Any

import pytest

from routing.sketch import opened
from routing.text import Reader
from tests.flow.provider import CHAT
from tests.flow.test_records import CANARY
from tests.harness.gateway import gateway

ASKED = "Which river runs through Vienna, and how long is it?"


def _row(folder: Path, collect: str, said: str, route: str = CHAT) -> dict[str, Any]:
    messages = [
        {"role": "user", "content": "an older question"},
        {"role": "assistant", "content": "an answer"},
        {"role": "user", "content": said},
    ]
    routing = {"collect": collect} if collect else {}
    with gateway({"routing": routing}, folder) as running:
        body = {"model": "demo", "messages": messages, "max_tokens": 50}
        answer = running.post(route, body)
        assert answer.status_code == 200
        return running.record(answer.headers["x-routeiq-id"])


@pytest.mark.parametrize("collect", ["", "off"])
def test_nothing_is_kept_unless_said(tmp_path: Path, collect: str) -> None:
    row = _row(tmp_path, collect, ASKED)
    assert "sketch" not in row
    assert "prompt" not in row


@pytest.mark.parametrize("route", [CHAT, "/v1/messages"])
def test_a_sketch_is_of_what_was_asked_last_and_holds_no_word(
    tmp_path: Path, route: str
) -> None:
    row = _row(tmp_path, "sketch", ASKED, route)
    made, kept = Reader().sketch(ASKED), opened(row["sketch"])
    assert (kept.ids, kept.counts) == (made.ids, made.counts)
    assert kept.marks == pytest.approx(made.marks, rel=1e-6)
    whole = (tmp_path / "routeiq.db").read_bytes() + json.dumps(row).encode()
    for log in tmp_path.glob("routeiq.db-*"):
        whole += log.read_bytes()
    assert b"Vienna" not in whole


def test_words_are_kept_redacted_where_text_is_wanted(tmp_path: Path) -> None:
    row = _row(tmp_path, "text", f"{ASKED} My key is {CANARY} now.")
    assert row["prompt"] == f"{ASKED} My key is [redacted] now."
    assert "sketch" not in row


def test_a_sketch_is_made_of_redacted_text(tmp_path: Path) -> None:
    row = _row(tmp_path, "sketch", f"{ASKED} My key is {CANARY} now.")
    clean = Reader().sketch(f"{ASKED} My key is [redacted] now.")
    assert opened(row["sketch"]).ids == clean.ids
