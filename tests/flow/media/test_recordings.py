"""Recorded traffic of OpenAI's media through a running gateway: the same bytes there
and back, and the usage that a second reader of the recording counts."""

import json
from typing import Any

import httpx

from tests.flow.media.conftest import KEY, Scene
from tests.flow.media.recorded import Recorded, recordings
from tests.harness.clients import PATIENT
from tests.harness.upstream import tell
from tests.shared import needs_shared

MENDED = {
    "imagine-image-quality_supports_image_edits": {"created"},
}
"""Answers that lack what OpenAI's types demand: what is added to them."""
REWRITTEN = {
    "mistral-audio-from-path-vtt": "JSON where WebVTT was asked for: its segments",
}


@needs_shared
def test_every_recording_goes_through_unchanged(scene: Scene) -> None:
    found = recordings()
    assert len(found) >= 36
    with httpx.Client(base_url=scene.gateway.url, **PATIENT) as http:
        for recorded in found:
            check(scene, http, recorded)


def check(scene: Scene, http: httpx.Client, recorded: Recorded) -> None:
    kind = {"content-type": recorded.kind}
    scene.up.on(recorded.path, tell(recorded.status, recorded.answer, kind))
    answer = http.post(
        recorded.path,
        content=recorded.body,
        headers={
            "authorization": f"Bearer {KEY}",
            "content-type": recorded.content_type,
        },
    )
    name = recorded.name
    assert scene.asked.path == recorded.path, name
    assert scene.asked.body == recorded.body, name
    assert scene.asked.headers["content-type"] == recorded.content_type, name
    assert answer.status_code == recorded.status, (name, answer.text[:500])
    row = scene.gateway.record(answer.headers["x-routeiq-id"])
    if recorded.status != 200:
        assert answer.json() == json.loads(recorded.answer), name
        return
    if any(word in name for word in REWRITTEN):
        assert answer.text.startswith("WEBVTT\n\n00:00:0"), name
    elif missing := next((m for w, m in MENDED.items() if w in name), None):
        added = answer.json()
        assert {key: added.pop(key) for key in missing}, name
        assert added == json.loads(recorded.answer), name
    else:
        assert answer.content == recorded.answer, name
        assert answer.headers["content-type"] == recorded.kind, name
    expected = counted(recorded)
    told = {k: v for k, v in row.get("tokens", {}).items() if k != "estimated"}
    if expected is not None:
        assert told == expected, name


def counted(recorded: Recorded) -> dict[str, int] | None:
    """What the answer says was used; `None` where it says nothing."""
    if recorded.kind.startswith(("audio/", "text/")):
        return None
    body: dict[str, Any] = json.loads(recorded.answer)
    usage = body.get("usage") or {}
    found: dict[str, int] = {}
    total = usage.get("total_tokens", 0)
    output = usage.get("output_tokens", usage.get("completion_tokens", 0))
    found["input"], found["output"] = total - output, output
    for details in (
        "input_tokens_details",
        "input_token_details",
        "prompt_tokens_details",
    ):
        of = usage.get(details) or {}
        found["audio_input"] = of.get("audio_tokens") or found.get("audio_input", 0)
        found["image_input"] = of.get("image_tokens") or found.get("image_input", 0)
    if "prompt_audio_seconds" in usage:  # Mistral leaves the sound out of the prompt
        found["audio_input"] = total - output - usage["prompt_tokens"]
    if "images" in recorded.path:
        found["images"] = len(body["data"])
        made = usage.get("output_tokens_details") or {"image_tokens": output}
        found["image_output"] = made.get("image_tokens", 0)
    seconds = body.get("duration") or usage.get("seconds")
    seconds = seconds or usage.get("prompt_audio_seconds") or 0
    found["audio_ms"] = round(seconds * 1000)
    counts = {name: count for name, count in found.items() if count}
    return counts or None
