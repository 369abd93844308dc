"""What is particular to streams: usage exactly when asked, pieces as they come."""

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from tests.flow.sdk.conftest import Scene

FAMILIES = ("openai", "anthropic", "gemini", "echo")
USER = [{"role": "user", "content": "Count the letters of this very sentence for me."}]


def chunks(scene: Scene, family: str, **more: object) -> list[ChatCompletionChunk]:
    create = scene.clients.openai.chat.completions.create
    with create(model=family, messages=USER, stream=True, **more) as stream:  # type: ignore[call-overload]
        return [*stream]


@pytest.mark.parametrize("family", FAMILIES)
def test_usage_comes_last_and_alone_when_it_is_asked_for(
    scene: Scene, family: str
) -> None:
    found = chunks(scene, family, stream_options={"include_usage": True})
    *said, last = found
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens > 0
    assert all(chunk.usage is None for chunk in said)
    assert all("usage" in chunk.model_fields_set for chunk in said)


@pytest.mark.parametrize("more", [{}, {"stream_options": {"include_usage": False}}])
@pytest.mark.parametrize("family", FAMILIES)
def test_no_usage_comes_when_it_is_not_asked_for(
    scene: Scene, family: str, more: dict[str, object]
) -> None:
    found = chunks(scene, family, **more)
    assert all(chunk.usage is None for chunk in found)
    assert all(chunk.choices for chunk in found)
    # It is counted all the same.
    (record,) = scene.gateway.records()
    assert record["tokens"]["input"] > 0, record


@pytest.mark.parametrize("family", FAMILIES)
def test_chunks_agree_on_who_speaks_and_finish_once(scene: Scene, family: str) -> None:
    found = chunks(scene, family)
    assert len({(c.id, c.model, c.created) for c in found}) == 1
    assert found[0].choices[0].delta.role == "assistant"
    assert all(c.choices[0].delta.role is None for c in found[1:])
    ends = [c.choices[0].finish_reason for c in found if c.choices[0].finish_reason]
    assert ends == ["stop"]
    assert found[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("family", FAMILIES)
def test_anthropic_events_come_in_the_order_of_the_grammar(
    scene: Scene, family: str
) -> None:
    kinds: list[str] = []
    asked: dict[str, Any] = {"model": family, "max_tokens": 100, "messages": USER}
    with scene.clients.anthropic.messages.create(**asked, stream=True) as stream:
        kinds = [event.type for event in stream if event.type != "ping"]
    first, begun, *middle, ended, delta, last = kinds
    assert (first, begun) == ("message_start", "content_block_start")
    assert {*middle} == {"content_block_delta"}
    ending = (ended, delta, last)
    assert ending == ("content_block_stop", "message_delta", "message_stop")


@pytest.mark.parametrize("family", FAMILIES)
def test_gemini_chunks_finish_once_with_the_usage(scene: Scene, family: str) -> None:
    found = [
        *scene.clients.gemini.models.generate_content_stream(
            model=family, contents="Count the letters of this sentence."
        )
    ]
    ends = [
        candidate.finish_reason.value
        for chunk in found
        for candidate in chunk.candidates or []
        if candidate.finish_reason is not None
    ]
    assert ends == ["STOP"]
    assert found[-1].usage_metadata is not None
    assert (found[-1].usage_metadata.total_token_count or 0) > 0
