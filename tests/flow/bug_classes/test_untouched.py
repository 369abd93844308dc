"""Class 20: what must come through untouched, or as the same in other words."""

import json

import pytest

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import chunk, completion, sse
from tests.flow.sdk.clients import DIALECTS
from tests.flow.sdk.features import SOURCE
from tests.harness.upstream import events, tell
from tests.replay import clients

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
SAID = [{"role": "user", "content": "hi"}]
WHOLE_OR_NOT = pytest.mark.parametrize("stream", [False, True])
LIKELY = {
    "openai": {"logprobs": True, "top_logprobs": 2},
    "gemini": {"config": {"response_logprobs": True, "logprobs": 2}},
}
TWICE = {"openai": {"n": 2}, "gemini": {"config": {"candidate_count": 2}}}


def test_class_20_passthrough_keeps_unknown_fields_both_ways(scene: Scene) -> None:
    told = completion({"content": "ok", "new_part": {"a": [1, 1.50]}}, new_field="x")
    scene.script("openai", tell(200, told))
    tools = [
        {"type": "function", "function": {"name": n, "parameters": {"type": "object"}}}
        for n in ("zeta", "alpha", "mid")
    ]
    body = {
        "model": "plain",
        "messages": SAID,
        "tools": tools,
        "n": 1,
        "logprobs": True,
        "brand_new": {"deep": [1, None]},
    }
    answer = scene.post(CHAT, body).json()
    assert answer == {**told, "model": answer["model"]}
    assert {**scene.last.json(), "model": "plain"} == body


def test_class_20_passthrough_keeps_beta_headers_and_server_tools(
    scene: Scene,
) -> None:
    body = {
        "model": "anthropic",
        "max_tokens": 9,
        "messages": SAID,
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        "brand_new": {"deep": [1, None]},
    }
    headers = {"anthropic-beta": "context-1m-2025-08-07"}
    assert scene.post(MESSAGES, body, **headers).status_code == 200
    asked = scene.last.json()
    assert {**asked, "model": "anthropic"} == body
    assert "context-1m-2025-08-07" in scene.last.headers["anthropic-beta"]


def test_class_20_passthrough_keeps_unknown_fields_of_streams(scene: Scene) -> None:
    told = [
        chunk({"role": "assistant", "content": "ok"}, new_field={"a": 1.50}),
        chunk({"new_part": [1, None]}),
        chunk({}, "stop"),
    ]
    scene.script("openai", events(sse(*told)))
    body = {"model": "plain", "messages": SAID, "stream": True}
    *data, _ = clients.events(scene.post(CHAT, body).content)
    assert [*map(json.loads, data)] == told


@WHOLE_OR_NOT
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("family", ["plain", "anthropic", "gemini"])
def test_class_20_citations_name_their_source(
    scene: Scene, family: str, dialect: str, stream: bool
) -> None:
    got = scene.ask(dialect, family, stream=stream, text="[[cited]]")
    assert got.text == "As I read."
    assert got.cited == [(SOURCE.url, SOURCE.title)]


@WHOLE_OR_NOT
@pytest.mark.parametrize("family", ["openai", "plain", "anthropic", "gemini"])
def test_class_20_citations_are_annotations_of_responses(
    scene: Scene, family: str, stream: bool
) -> None:
    create = scene.clients.openai.responses.create
    if stream:
        *_, last = create(model=family, input="[[cited]]", stream=True)
        response = last.response  # type: ignore[union-attr]
    else:
        response = create(model=family, input="[[cited]]")
    (part,) = response.output[0].content  # type: ignore[union-attr]
    (note,) = part.annotations  # type: ignore[union-attr]
    assert (note.type, note.url) == ("url_citation", SOURCE.url)
    assert part.text[note.start_index : note.end_index] == "As I read."


@WHOLE_OR_NOT
@pytest.mark.parametrize("dialect", TWICE)
@pytest.mark.parametrize("family", ["plain", "gemini"])
def test_class_20_several_answers_are_several(
    scene: Scene, family: str, dialect: str, stream: bool
) -> None:
    got = scene.ask(dialect, family, stream=stream, text="[[cited]]", **TWICE[dialect])
    assert got.choices == ["As I read."] * 2
    config = scene.last.json().get("generationConfig", {})
    assert config.get("candidateCount", scene.last.json().get("n")) == 2


@pytest.mark.parametrize("family", ["anthropic", "bedrock", "cohere"])
def test_class_20_several_answers_of_who_gives_one_are_refused(
    scene: Scene, family: str
) -> None:
    """Or told as dropped, never silently one."""
    message = {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}
    told = {"id": "c1", "finish_reason": "COMPLETE", "message": message}
    scene.script("cohere", tell(200, told))
    before = len(scene.up.requests)
    answer = scene.post(CHAT, {"model": family, "messages": SAID, "n": 2})
    if answer.status_code == 400:
        assert answer.json()["error"]["param"] == "n"
        assert len(scene.up.requests) == before
    else:
        assert "n" in answer.headers["x-routeiq-dropped"].split(", ")


@WHOLE_OR_NOT
@pytest.mark.parametrize("dialect", LIKELY)
@pytest.mark.parametrize("family", ["plain", "gemini"])
def test_class_20_logprobs_come_through(
    scene: Scene, family: str, dialect: str, stream: bool
) -> None:
    more = LIKELY[dialect]
    got = scene.ask(dialect, family, stream=stream, text="[[cited]]", **more)
    assert "".join(token for token, _, _ in got.logprobs) == "As I read."
    assert {(value, top) for _, value, top in got.logprobs} == {(-0.25, 2)}


@pytest.mark.parametrize("family", ["plain", "anthropic", "gemini", "bedrock"])
def test_class_20_tools_keep_their_order_and_the_bytes_are_the_same(
    scene: Scene, family: str
) -> None:
    """Else the provider's cache of prompts is missed."""
    names = [f"tool_{at}" for at in (7, 3, 9, 1, 5)]
    schema = {"type": "object", "properties": {n: {"type": "string"} for n in names}}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name in names
    ]
    body = {"model": family, "messages": SAID, "tools": tools}
    asked = set()
    for _ in range(2):
        assert scene.post(CHAT, body).status_code == 200
        asked.add(scene.last.body)
    assert len(asked) == 1
    (told,) = asked
    places = [told.index(b'"name":"%b"' % name.encode()) for name in names]
    assert places == sorted(places)
