"""Embeddings, legacy completions and token counts by the SDKs that have them."""

import base64
import struct
from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors as gemini_errors
from google.genai import types as gt

from tests.flow.sdk.conftest import Scene
from tests.flow.sdk.features import WEATHER
from tests.harness.answers import vector
from tests.harness.providers import COUNTED

TEXTS = ["Grüße aus Zürich", "the second"]
EMBEDDERS = ("openai-embeds", "gemini-embedding-001", "echo")


def close(one: list[float], other: list[float]) -> bool:
    return all(abs(a - b) < 1e-6 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("alias", EMBEDDERS)
@pytest.mark.parametrize("size", [None, 16])
def test_openai_embeds_in_its_own_encoding(
    scene: Scene, alias: str, size: int | None
) -> None:
    """The SDK asks for base64 by itself, and unpacks it."""
    asked: dict[str, Any] = {"dimensions": size} if size else {}
    create = scene.clients.openai.embeddings.create
    found = create(model=alias, input=TEXTS, **asked)
    assert [one.index for one in found.data] == [0, 1]
    if alias != "echo":
        for text, one in zip(TEXTS, found.data, strict=True):
            assert close(one.embedding, vector(text, size or 8))
    elif size:
        assert {len(one.embedding) for one in found.data} == {size}
    assert found.usage.prompt_tokens >= 0
    single = scene.clients.run(
        scene.clients.openai_async.embeddings.create(
            model=alias, input=TEXTS[0], **asked
        )
    )
    assert close(single.data[0].embedding, found.data[0].embedding)


@pytest.mark.parametrize("alias", EMBEDDERS)
def test_floats_and_base64_are_the_same_vector(scene: Scene, alias: str) -> None:
    create = scene.clients.openai.embeddings.create
    floats = create(model=alias, input=TEXTS[0], encoding_format="float")
    packed = create(model=alias, input=TEXTS[0], encoding_format="base64")
    told: Any = packed.data[0].embedding
    assert isinstance(told, str)
    data = base64.b64decode(told)
    unpacked = [*struct.unpack(f"<{len(data) // 4}f", data)]
    assert close(unpacked, floats.data[0].embedding)


@pytest.mark.parametrize("alias", EMBEDDERS)
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]])
def test_gemini_embeds(scene: Scene, alias: str, texts: list[str]) -> None:
    config = gt.EmbedContentConfig(output_dimensionality=16)
    asked: dict[str, Any] = {"model": alias, "contents": texts, "config": config}
    whole = scene.clients.gemini.models.embed_content(**asked)
    again = scene.clients.run(scene.clients.gemini.aio.models.embed_content(**asked))
    for found in (whole, again):
        vectors = [one.values for one in found.embeddings or []]
        assert len(vectors) == len(texts)
        for text, values in zip(texts, vectors, strict=True):
            assert values is not None
            if alias == "echo":
                assert len(values) == 16
            else:
                assert close(values, vector(text, 16))


def test_anthropic_has_no_embeddings(scene: Scene) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        scene.clients.openai.embeddings.create(model="anthropic", input="x")
    assert told.value.code == "unsupported_operation"
    with pytest.raises(gemini_errors.ClientError) as said:
        scene.clients.gemini.models.embed_content(model="anthropic", contents="x")
    assert said.value.code == 400


# --- legacy completions ------------------------------------------------------------

PROMPT = "Once upon a time"
COMPLETERS = ("openai-legacy", "anthropic", "gemini", "echo")


@pytest.mark.parametrize("alias", COMPLETERS)
def test_a_legacy_completion_is_served_by_every_family(
    scene: Scene, alias: str
) -> None:
    create = scene.clients.openai.completions.create
    found = create(model=alias, prompt=PROMPT, max_tokens=50)
    assert found.object == "text_completion"
    said = PROMPT if alias == "echo" else "Grüße! 🙂"
    assert [choice.text for choice in found.choices] == [said]
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None
    assert found.usage.prompt_tokens > 0


@pytest.mark.parametrize("alias", COMPLETERS)
def test_a_legacy_completion_is_streamed_by_every_family(
    scene: Scene, alias: str
) -> None:
    async def stream() -> list[openai.types.Completion]:
        chunks = await scene.clients.openai_async.completions.create(
            model=alias,
            prompt=PROMPT,
            max_tokens=50,
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk async for chunk in chunks]

    *found, last = scene.clients.run(stream())
    assert {chunk.object for chunk in found} == {"text_completion"}
    said = PROMPT if alias == "echo" else "Grüße! 🙂"
    assert "".join(c.text for chunk in found for c in chunk.choices) == said
    ends = [c.finish_reason for chunk in found for c in chunk.choices]
    assert [end for end in ends if end] == ["stop"]
    assert last.choices == []
    assert last.usage is not None


# --- token counts ------------------------------------------------------------------

FAMILIES = ("openai", "anthropic", "gemini", "echo")
COUNTS = ("anthropic", "gemini")
"""Who counts by itself; for the others the gateway estimates."""


@pytest.mark.parametrize("alias", FAMILIES)
def test_anthropic_counts_tokens_on_every_family(scene: Scene, alias: str) -> None:
    asked: dict[str, Any] = {
        "model": alias,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "How many tokens is this?"}],
        "tools": [WEATHER["anthropic"]],
    }
    sync = scene.clients.anthropic.messages.count_tokens(**asked)
    later = scene.clients.run(
        scene.clients.anthropic_async.messages.count_tokens(**asked)
    )
    assert sync.input_tokens == later.input_tokens
    if alias in COUNTS:
        assert sync.input_tokens == COUNTED
    else:
        assert 10 < sync.input_tokens < 200


@pytest.mark.parametrize("alias", FAMILIES)
def test_gemini_counts_tokens_on_every_family(scene: Scene, alias: str) -> None:
    asked: dict[str, Any] = {"model": alias, "contents": "How many tokens is this?"}
    sync = scene.clients.gemini.models.count_tokens(**asked)
    later = scene.clients.run(scene.clients.gemini.aio.models.count_tokens(**asked))
    assert sync.total_tokens == later.total_tokens
    if alias in COUNTS:
        assert sync.total_tokens == COUNTED
    else:
        assert 3 < (sync.total_tokens or 0) < 50


def test_what_cannot_be_counted_says_so(scene: Scene) -> None:
    with pytest.raises(anthropic.BadRequestError):
        scene.clients.anthropic.messages.count_tokens(
            model="openai",
            messages="no messages",  # type: ignore[arg-type]
        )
