"""What a model call names is the key's own, or is not there: every dialect, every place
that an id may stand in, through a running gateway."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.flow.provider import ENV
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Request, Script, Upstream, tell

MASTER = "sk-master-canary-0123456789"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/files/"
Json = dict[str, Any]


class Case(NamedTuple):
    """A call: `ID` in its body stands for the object's id."""

    path: str
    kind: str
    """As the path that makes one says."""
    body: Any
    """As it is sent, where it is bytes."""


def _chat(part: Json) -> Json:
    return {"model": "gpt", "messages": [{"role": "user", "content": [part]}]}


def _said(part: Json, **more: Any) -> Json:
    return {"model": "gpt", "input": [{"role": "user", "content": [part]}], **more}


def _tool(tool: Json) -> Json:
    return {"model": "gpt", "input": "x", "tools": [tool]}


def _claude(part: Json) -> Json:
    turn = {"role": "user", "content": [part]}
    return {"model": "claude", "max_tokens": 9, "messages": [turn]}


def _gemini(part: Json, **more: Any) -> Json:
    return {"contents": [{"role": "user", "parts": [part]}], **more}


FILE = {"type": "file", "file": {"file_id": "ID"}}
DEEP = {"type": "document", "source": {"type": "file", "file_id": "ID"}}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": [DEEP]}
CODE = {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["ID"]}}
SEARCH = {"type": "file_search", "vector_store_ids": ["ID"]}
KEPT = {"fileData": {"fileUri": GOOGLE + "ID", "mimeType": "text/plain"}}
FLASH = "/v1beta/models/flash:generateContent"
STORES = {"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/ID"]}}
CHAT, SAID, CLAUDE = "/v1/chat/completions", "/v1/responses", "/v1/messages"
HIDDEN = json.dumps(_chat(FILE)).replace("file_id", "file\\u005fid").encode()
TWICE = json.dumps(_chat(FILE)).replace('"ID"', '"ID", "file_id": "mine"').encode()
CASES = {
    "chat": Case(CHAT, "files", _chat(FILE)),
    "hidden": Case(CHAT, "files", HIDDEN),
    "twice": Case(CHAT, "files", TWICE),
    "chat to gemini": Case(
        CHAT,
        "gemini",
        _chat({"type": "image_url", "image_url": {"url": GOOGLE + "ID"}})
        | {"model": "flash"},
    ),
    "responses file": Case(
        SAID, "files", _said({"type": "input_file", **FILE["file"]})
    ),
    "responses image": Case(
        SAID, "files", _said({"type": "input_image", "file_id": "ID"})
    ),
    "responses store": Case(SAID, "vector_stores", _tool(SEARCH)),
    "responses code": Case(SAID, "files", _tool(CODE)),
    "messages": Case(CLAUDE, "anthropic", _claude(DEEP)),
    "messages deep": Case(CLAUDE, "anthropic", _claude(RESULT)),
    "count": Case("/v1/messages/count_tokens", "anthropic", _claude(DEEP)),
    "gemini file": Case(FLASH, "gemini", _gemini(KEPT)),
    "gemini cache": Case(
        FLASH,
        "cachedContents",
        _gemini({"text": "x"}, cachedContent="cachedContents/ID"),
    ),
    "gemini stores": Case(
        FLASH, "fileSearchStores", _gemini({"text": "x"}, tools=[STORES])
    ),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    made = 0

    def answer(request: Request) -> Script:
        nonlocal made
        made += 1
        last = request.path.rpartition("/")[2]
        if last in ("cachedContents", "fileSearchStores"):
            return tell(200, {"name": f"{last}/obj-{made}"})
        if "/gemini/" in request.path and last == "files":
            return tell(200, {"file": {"name": f"files/obj-{made}"}})
        if last in ("files", "vector_stores"):
            return tell(200, {"id": f"obj-{made}", "object": "x"})
        return tell(418, {"error": {"message": "it came here"}})

    with Upstream() as up:
        up.on(None, answer)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def own(name: str, version: str = "v1") -> Json:
        base_url = f"{upstream.url}/{name}/{version}"
        return {"base_url": base_url, "api_key": "env:UPSTREAM_KEY"}

    def one(model: str) -> Json:
        return {"deployments": [{"model": model}]}

    config = {
        "keys": {"master": "env:MASTER"},
        "providers": {
            "openai": own("openai"),
            "anthropic": own("anthropic"),
            "gemini": own("gemini", "v1beta"),
        },
        "models": {
            "gpt": one("openai/gpt-4o-mini"),
            "claude": one("anthropic/claude-haiku-4-5"),
            "flash": one("gemini/gemini-2.5-flash"),
        },
    }
    folder = tmp_path_factory.mktemp("named")
    with gateway(config, folder, env={**ENV, "MASTER": MASTER}) as running:
        yield running


@pytest.fixture(scope="module")
def keys(running: Running) -> dict[str, str]:
    return {name: mint(running, name) for name in ("alice", "bob")}


def _make(running: Running, kind: str, key: str) -> str:
    """A new object of the key's; its id."""
    bearer = {"authorization": f"Bearer {key}"}
    if kind == "vector_stores":
        made = running.post("/v1/vector_stores", {}, headers=bearer)
    elif kind in ("cachedContents", "fileSearchStores"):
        made = running.post(f"/v1beta/{kind}", {}, headers=bearer)
    elif kind == "gemini":
        made = running.post("/upload/v1beta/files", {}, headers=bearer)
    else:
        path = "/anthropic/v1/files" if kind == "anthropic" else "/v1/files"
        form = {"file": ("a.txt", b"x")}
        made = httpx.post(
            running.url + path,
            headers=bearer,
            data={"purpose": "user_data"},
            files=form,
            **PATIENT,
        )
    assert made.status_code == 200, made.text
    said = made.json()
    name = said.get("id") or said.get("name") or said["file"]["name"]
    return str(name).rpartition("/")[2]


def _ask(running: Running, case: Case, id: str, key: str) -> httpx.Response:
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    return httpx.post(
        running.url + case.path,
        content=body.replace(b"ID", id.encode()),
        headers={
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "x-request-id": "one",
        },
        **PATIENT,
    )


@pytest.mark.parametrize("name", CASES)
def test_a_call_names_the_keys_own_or_nothing(
    running: Running, upstream: Upstream, keys: dict[str, str], name: str
) -> None:
    case = CASES[name]
    id = _make(running, case.kind, keys["alice"])
    asked = len(upstream.requests)
    refused = _ask(running, case, id, keys["bob"])
    never = _ask(running, case, "obj-0", keys["bob"])
    assert refused.status_code == 404, refused.text
    assert refused.text.replace(id, "obj-0") == never.text
    assert len(upstream.requests) == asked
    if name != "twice":
        _ask(running, case, id, keys["alice"])
        assert len(upstream.requests) > asked
    asked = len(upstream.requests)
    _ask(running, case, "obj-0", MASTER)
    assert len(upstream.requests) > asked


def test_the_refusal_is_said_in_the_clients_dialect(
    running: Running, keys: dict[str, str]
) -> None:
    def told(name: str) -> Any:
        return _ask(running, CASES[name], "obj-0", keys["bob"]).json()

    assert told("chat")["error"]["code"] == "not_found"
    assert told("responses store")["error"]["code"] == "not_found"
    assert told("messages")["error"]["type"] == "not_found_error"
    assert told("gemini cache")["error"]["status"] == "NOT_FOUND"


def test_words_of_tools_and_of_earlier_answers_name_nothing(
    running: Running, upstream: Upstream, keys: dict[str, str]
) -> None:
    used = {"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "x"}}
    schema = {"type": "object", "properties": {"file_id": {"type": "string"}}}
    note = {"type": "file_citation", "file_id": "x", "index": 0, "filename": "a"}
    said = {"type": "output_text", "text": "x", "annotations": [note]}
    answer = {"type": "message", "role": "assistant", "content": [said]}
    for path, body in (
        (
            CLAUDE,
            {
                **_claude({"type": "text", "text": "file_id"}),
                "messages": [
                    {"role": "user", "content": "x"},
                    {"role": "assistant", "content": [used]},
                ],
                "tools": [{"name": "f", "input_schema": schema}],
            },
        ),
        (SAID, {"model": "gpt", "input": [answer]}),
    ):
        asked = len(upstream.requests)
        _ask(running, Case(path, "", body), "", keys["bob"])
        assert len(upstream.requests) > asked


def test_what_cannot_be_read_goes_nowhere(
    running: Running, upstream: Upstream, keys: dict[str, str]
) -> None:
    id = _make(running, "files", keys["alice"])
    asked = len(upstream.requests)
    for path, body in (
        ("/v1/vector_stores", b'{"file_ids": ["%s"], "x": NaN}' % id.encode()),
        ("/v1/uploads", b'{"purpose": "batch"}'),
        (CHAT, b'{"file_id": %s}' % (b"[" * 100_000)),
    ):
        refused = _ask(running, Case(path, "", body), "", keys["bob"])
        assert refused.status_code == 400, refused.text
    assert len(upstream.requests) == asked


def test_lines_for_a_provider_name_the_keys_own(
    running: Running, upstream: Upstream, keys: dict[str, str]
) -> None:
    id = _make(running, "files", keys["alice"])
    bearer = {"authorization": f"Bearer {keys['bob']}"}
    body = json.loads(json.dumps(_chat(FILE)).replace("ID", id))
    line = {"custom_id": "1", "method": "POST", "url": CHAT, "body": body}
    asked = len(upstream.requests)
    refused = httpx.post(
        f"{running.url}/v1/files",
        headers={**bearer, "x-routeiq-provider": "openai"},
        data={"purpose": "batch"},
        files={"file": ("a.jsonl", json.dumps(line).encode())},
        **PATIENT,
    )
    assert refused.status_code == 404
    turn = json.loads(json.dumps(_claude(DEEP)).replace("ID", id))
    refused = running.post(
        "/v1/messages/batches",
        {"requests": [{"custom_id": "1", "params": turn}]},
        headers={**bearer, "x-routeiq-provider": "anthropic"},
    )
    assert refused.status_code == 404
    assert len(upstream.requests) == asked
