"""Class 17: pictures and files arrive, in whatever form a backend takes them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.flow.bug_classes.conftest import Scene
from tests.flow.bug_classes.spoken import ollama_line
from tests.flow.scenarios import converse, kin
from tests.flow.sdk.features import PDF, PNG, b64
from tests.flow.sdk.heard import Heard, Part, heard
from tests.harness.upstream import Request, Upstream, tell

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
READERS: Final[dict[str, Callable[[Request], Heard]]] = {
    "plain": lambda sent: heard("openai", sent),
    "anthropic": lambda sent: heard("anthropic", sent),
    "gemini": lambda sent: heard("gemini", sent),
    "gemini-3": lambda sent: heard("gemini", sent),
    "bedrock": converse.heard,
    "bedrock-claude": converse.heard,
    "ollama": kin.ollama,
}
BY_DATA: Final = ("bedrock", "bedrock-claude", "ollama")
"""Who fetches nothing from the web."""
ASKS: Final = {"type": "text", "text": "What is it?"}


@pytest.fixture(scope="module")
def web() -> Iterator[Upstream]:
    """Where pictures are; the gateway is told that it may fetch there."""
    with Upstream(host="127.0.0.2") as web:
        web.on("/cat.png", tell(200, PNG, {"content-type": "image/png"}))
        web.on("/a.pdf", tell(200, PDF, {"content-type": "application/pdf"}))
        yield web


def picture(dialect: str, url: str) -> dict[str, Any]:
    if dialect == "openai":
        return {"type": "image_url", "image_url": {"url": url}}
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": kind, "data": data},
    }


def file(dialect: str, data: bytes) -> dict[str, Any]:
    if dialect == "openai":
        told = f"data:application/pdf;base64,{b64(data)}"
        return {"type": "file", "file": {"filename": "a.pdf", "file_data": told}}
    source = {
        "type": "base64",
        "media_type": "application/pdf",
        "data": b64(data),
    }
    return {"type": "document", "source": source}


def ask(scene: Scene, dialect: str, model: str, part: dict[str, Any]) -> Any:
    if model == "ollama":
        told = {**ollama_line(done=True), "done_reason": "stop"}
        scene.script("ollama", tell(200, told))
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": 99,
        "messages": [{"role": "user", "content": [part, ASKS]}],
    }
    return scene.post(CHAT if dialect == "openai" else MESSAGES, body)


def arrived(scene: Scene, model: str) -> list[Part]:
    return [p for p in READERS[model](scene.last).last() if p[0] != "text"]


CLIENTS = pytest.mark.parametrize("dialect", ["openai", "anthropic"])
BACKENDS = pytest.mark.parametrize("model", [*READERS])
PAPERS = pytest.mark.parametrize("model", [m for m in READERS if m != "ollama"])


@CLIENTS
@BACKENDS
def test_class_17_addresses_go_as_they_are_or_as_data(
    scene: Scene, web: Upstream, dialect: str, model: str
) -> None:
    url = f"{web.url}/cat.png"
    answer = ask(scene, dialect, model, picture(dialect, url))
    assert answer.status_code == 200, answer.text
    data: Part = ("image", "image/png", PNG)
    assert arrived(scene, model) == [data if model in BY_DATA else ("image_url", url)]


@BACKENDS
@pytest.mark.parametrize("kind", ["image/png", "image/jpg", "image/gif"])
def test_class_17_data_keeps_its_bytes_and_gets_its_media_type(
    scene: Scene, model: str, kind: str
) -> None:
    """Clients tell another one than the picture's own, or one that there is not."""
    part = picture("openai", f"data:{kind};base64,{b64(PNG)}")
    answer = ask(scene, "openai", model, part)
    assert answer.status_code == 200, answer.text
    ((_, told, data),) = arrived(scene, model)
    assert data == PNG
    said = {
        "plain": kind,  # as it came
        "gemini": kind.replace("jpg", "jpeg"),
        "gemini-3": kind.replace("jpg", "jpeg"),
    }
    assert told == said.get(model, "image/png")


@CLIENTS
@PAPERS
def test_class_17_pdfs_arrive_as_documents(
    scene: Scene, dialect: str, model: str
) -> None:
    answer = ask(scene, dialect, model, file(dialect, PDF))
    assert answer.status_code == 200, answer.text
    assert arrived(scene, model) == [("pdf", PDF)]


@PAPERS
def test_class_17_pdfs_by_address_arrive_too(
    scene: Scene, web: Upstream, model: str
) -> None:
    url = f"{web.url}/a.pdf"
    part = {"type": "document", "source": {"type": "url", "url": url}}
    answer = ask(scene, "anthropic", model, part)
    assert answer.status_code == 200, answer.text
    takes = model in ("anthropic", "gemini", "gemini-3")
    assert arrived(scene, model) == [("pdf_url", url) if takes else ("pdf", PDF)]


@PAPERS
def test_class_17_pictures_and_files_in_tool_results_arrive(
    scene: Scene, model: str
) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    data = f"data:image/png;base64,{b64(PNG)}"
    seen = [picture("anthropic", data), file("anthropic", PDF), ASKS]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": seen}
    body = {
        "model": model,
        "max_tokens": 9,
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
    }
    answer = scene.post(MESSAGES, body)
    assert answer.status_code == 200, answer.text
    told = READERS[model](scene.last).last()
    (kind, name, inside), *beside = told
    assert (kind, name) == ("result", "look")
    found = [*inside, *beside]
    assert ("image", "image/png", PNG) in found
    assert ("pdf", PDF) in found
    assert ("text", ASKS["text"]) in inside
    holds = model not in ("plain", "gemini")  # whose results are words
    assert holds == (("pdf", PDF) in inside)


@pytest.mark.parametrize("model", ["gemini", "gemini-3"])
def test_class_17_a_place_in_google_s_storage_is_google_s_to_read(
    scene: Scene, model: str
) -> None:
    url = "gs://bucket/cat.png"
    answer = ask(scene, "openai", model, picture("openai", url))
    assert answer.status_code == 200, answer.text
    assert arrived(scene, model) == [("image_url", url)]


@pytest.mark.parametrize("url", ["gs://bucket/cat.png", "s3://bucket/cat.png"])
@pytest.mark.parametrize("model", ["anthropic", "bedrock", "ollama"])
def test_class_17_a_place_that_a_backend_cannot_read_is_refused(
    scene: Scene, model: str, url: str
) -> None:
    before = len(scene.up.requests)
    answer = ask(scene, "openai", model, picture("openai", url))
    if (model, url[:2]) == ("bedrock", "s3"):
        place = scene.last.json()["messages"][0]["content"][0]["image"]["source"]
        assert place == {"s3Location": {"uri": url}}
        return
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "image_url"
    assert len(scene.up.requests) == before
