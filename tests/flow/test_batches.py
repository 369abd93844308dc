"""Batches that a running gateway runs by itself: by the official SDKs, over any
model, to the end whatever happens in between."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types import Batch

from tests.flow.provider import ENV, body, deployment, refused, usage
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Request, Script, Upstream, tell, wait_for

MASTER = "sk-master-canary-0123456789"
WITHIN_S = 60.0
CHAT = "/v1/chat/completions"

Json = dict[str, Any]


class Provider:
    """Answers with what it was asked; holds back what it is told to."""

    def __init__(self, up: Upstream) -> None:
        self.asked: Counter[str] = Counter()
        self.go = threading.Event()
        self.go.set()
        self.held = ""
        """A beginning of texts that are answered only when `go` is set."""
        self.faults: dict[str, list[int]] = {}
        up.on(None, self._answer)

    def _answer(self, request: Request) -> Script:
        if request.method != "POST" or request.path.endswith(("/batches", "/cancel")):
            return refused(404, "no such thing")
        asked = request.json()
        if "input" in asked:
            vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
            told = {"object": "list", "model": "m", "data": [vector]}
            return tell(200, {**told, "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        text = asked["messages"][-1]["content"]
        self.asked[text] += 1
        left = self.faults.get(text)
        if left:
            return refused(left.pop(0), f"not {text}", retry_after="0")
        answer = tell(200, body(f"said {text}", usage=usage(10, 5)))
        if self.held and text.startswith(self.held):
            return wait_for(self.go) + answer
        return answer


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        yield up


@pytest.fixture
def provider(upstream: Upstream) -> Provider:
    return Provider(upstream)


def _config(upstream: Upstream) -> Json:
    return {
        "keys": {"master": "env:MASTER"},
        "models": {
            "fast": {"deployments": [deployment(upstream, "a")]},
            "other": {"deployments": [deployment(upstream, "b")]},
        },
        "retries": {"attempts": 1},
        "cooldown": {"failures": 1_000_000, "rate_limit_s": 0},
        "batches": {"parallel": 4, "tries": 3, "lines": 500},
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("batches")
    env = {**ENV, "MASTER": MASTER}
    with gateway(_config(upstream), folder, env=env) as running:
        yield running


def _client(running: Running, key: str = MASTER) -> OpenAI:
    return OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0)


def _line(text: str, model: str = "fast", **more: Any) -> Json:
    asked = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return {"custom_id": f"id-{text}", "method": "POST", "url": CHAT, "body": asked}


def _start(
    client: OpenAI, lines: list[Json], endpoint: Any = CHAT, **more: Any
) -> Batch:
    data = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more
    )


def _until(client: OpenAI, id: str, condition: Callable[[Batch], bool]) -> Batch:
    limit = time.monotonic() + WITHIN_S
    while True:
        batch = client.batches.retrieve(id)
        if condition(batch):
            return batch
        assert time.monotonic() < limit, batch
        time.sleep(0.05)


def _ended(client: OpenAI, id: str) -> Batch:
    over = {"completed", "failed", "expired", "cancelled"}
    return _until(client, id, lambda batch: batch.status in over)


def _read(client: OpenAI, id: str | None) -> dict[str, Json]:
    """Lines of a file by custom id; each is there once."""
    if id is None:
        return {}
    lines = [json.loads(line) for line in client.files.content(id).text.splitlines()]
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found


def test_a_batch_runs_over_any_model(running: Running, provider: Provider) -> None:
    client = _client(running)
    lines = [_line(f"a{n}", "other" if n % 2 else "fast") for n in range(20)]
    lines += [_line("lost", "nobody"), _line("demo", "demo"), _line("sse", stream=True)]
    made = _start(client, lines, metadata={"night": "1"})
    assert made.status == "validating"
    batch = _ended(client, made.id)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (23, 21, 2)
    assert batch.metadata == {"night": "1"}
    assert batch.created_at <= (batch.completed_at or 0) < (batch.expires_at or 0)
    answers = _read(client, batch.output_file_id)
    assert set(answers) == {f"id-a{n}" for n in range(20)} | {"id-demo"}
    said = answers["id-a7"]
    assert said["response"]["status_code"] == 200
    assert said["error"] is None
    content = said["response"]["body"]["choices"][0]["message"]["content"]
    assert content == "said a7"
    errors = _read(client, batch.error_file_id)
    assert errors["id-lost"]["response"]["status_code"] == 404
    told = errors["id-lost"]["response"]["body"]["error"]
    assert told["code"] == "model_not_found"
    assert errors["id-sse"]["response"]["body"]["error"]["param"] == "stream"
    assert batch.usage is not None
    assert batch.usage.input_tokens >= 200
    row = running.record(said["response"]["request_id"])
    assert (row["route"], row["alias"], row["key"]) == (
        "/v1/batches",
        "other",
        "master",
    )
    assert row["tokens"] == {"input": 10, "output": 5}
    assert provider.asked["a7"] == 1


def test_embeddings_and_completions_run_too(
    running: Running, provider: Provider
) -> None:
    client = _client(running)
    for endpoint, asked in (
        ("/v1/embeddings", {"model": "fast", "input": "x"}),
        ("/v1/completions", {"model": "demo", "prompt": "x"}),
        ("/v1/responses", {"model": "demo", "input": "x"}),
    ):
        line = {"custom_id": "1", "method": "POST", "url": endpoint, "body": asked}
        batch = _ended(client, _start(client, [line], endpoint).id)
        said = _read(client, batch.output_file_id)["1"]["response"]
        assert said["status_code"] == 200, endpoint
        assert said["body"]["object"] in {"list", "text_completion", "response"}


def test_errors_that_may_pass_are_asked_again(
    running: Running, provider: Provider
) -> None:
    client = _client(running)
    provider.faults = {"once": [429], "always": [503] * 9, "wrong": [400]}
    made = _start(client, [_line(text) for text in provider.faults])
    batch = _ended(client, made.id)
    assert set(_read(client, batch.output_file_id)) == {"id-once"}
    assert set(_read(client, batch.error_file_id)) == {"id-always", "id-wrong"}
    assert provider.asked == {"once": 2, "always": 3, "wrong": 1}


def test_what_is_wrong_with_an_input_is_told_by_line(
    running: Running, provider: Provider
) -> None:
    client = _client(running)
    data = b"\n".join(
        (
            json.dumps(_line("good")).encode(),
            b"{nonsense",
            json.dumps(_line("good")).encode(),
            json.dumps({**_line("x"), "url": "/v1/embeddings"}).encode(),
            json.dumps({**_line("y"), "method": "GET", "body": []}).encode(),
        )
    )
    file = client.files.create(file=data, purpose="batch")
    made = client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h"
    )
    batch = _ended(client, made.id)
    assert batch.status == "failed"
    assert batch.errors is not None
    assert [(e.line, e.code) for e in batch.errors.data or ()] == [
        (2, "invalid_json_line"),
        (3, "duplicate_custom_id"),
        (4, "invalid_url"),
        (5, "invalid_method"),
        (5, "invalid_body"),
    ]
    assert not provider.asked
    for data, code in ((b"\n \n", "empty_file"), (b"{}\n" * 501, "too_many_lines")):
        file = client.files.create(file=data, purpose="batch")
        made = client.batches.create(
            input_file_id=file.id, endpoint=CHAT, completion_window="24h"
        )
        told = _ended(client, made.id).errors
        assert told is not None
        assert code in [e.code for e in told.data or ()]


def test_bad_orders_are_refused_at_once(running: Running) -> None:
    client = _client(running)
    file = client.files.create(file=b"{}", purpose="batch")
    good: Json = {
        "input_file_id": file.id,
        "endpoint": CHAT,
        "completion_window": "24h",
    }
    for wrong, param in (
        ({"endpoint": "/v1/nothing"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"k": "v" * 513}}, None),
    ):
        with pytest.raises(BadRequestError) as refused_:
            client.batches.create(**{**good, **wrong})
        assert refused_.value.param == param
    for call in (
        lambda: client.batches.create(**{**good, "input_file_id": "file-none"}),
        lambda: client.batches.retrieve("batch_none"),
        lambda: client.files.retrieve("file-none"),
        lambda: client.files.retrieve("..%2f..%2frouteiq.db"),
    ):
        with pytest.raises((BadRequestError, NotFoundError)):
            call()


def test_progress_is_seen_and_a_batch_can_be_ended(
    running: Running, provider: Provider
) -> None:
    client = _client(running)
    provider.held, provider.go = "slow", threading.Event()
    lines = [_line(f"c{n}") for n in range(6)] + [_line(f"slow{n}") for n in range(30)]
    made = _start(client, lines)
    batch = _until(
        client,
        made.id,
        lambda b: b.request_counts is not None and b.request_counts.completed == 6,
    )
    assert batch.status == "in_progress"
    assert client.batches.cancel(made.id).status == "cancelling"
    assert client.batches.retrieve(made.id).status == "cancelling"
    # It is seen that it shall end; then those under way may end.
    upstream_before = sum(provider.asked.values())
    time.sleep(1.5)
    provider.go.set()
    batch = _ended(client, made.id)
    assert batch.status == "cancelled"
    assert batch.cancelling_at and batch.cancelled_at
    answers = _read(client, batch.output_file_id)
    undone = _read(client, batch.error_file_id)
    assert {f"id-c{n}" for n in range(6)} <= set(answers)
    assert len(answers) + len(undone) == 36
    assert {each["error"]["code"] for each in undone.values()} == {"batch_cancelled"}
    assert sum(provider.asked.values()) == upstream_before
    with pytest.raises(Exception, match="over"):
        client.batches.cancel(made.id)


def test_files_are_listed_read_and_deleted(running: Running) -> None:
    key = mint(running, "files")
    client = _client(running, key)
    made = [
        client.files.create(
            file=(f"{n}.jsonl", b"line %d\n" % n),
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 3600},
        )
        for n in range(3)
    ]
    assert made[0].filename == "0.jsonl"
    assert made[0].bytes == 7
    assert made[0].expires_at == made[0].created_at + 3600
    assert [file.id for file in client.files.list(limit=2)] == [
        file.id for file in reversed(made)
    ]
    assert len(client.files.list(purpose="batch_output").data) == 0
    assert client.files.content(made[1].id).text == "line 1\n"
    assert client.files.delete(made[1].id).deleted
    with pytest.raises(NotFoundError):
        client.files.content(made[1].id)
    with pytest.raises(BadRequestError):
        client.files.create(
            file=b"x",
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 1},
        )
    stored = list((running.folder / "routeiq.db.files").glob("*/*"))
    assert made[0].id in {p.name for p in stored}
    assert made[1].id not in {p.name for p in stored}


def test_another_keys_ids_do_not_exist(running: Running, provider: Provider) -> None:
    alice, bob = (_client(running, mint(running, n, ["fast"])) for n in ("a", "b"))
    made = _start(alice, [_line("mine"), _line("theirs", "other")])
    batch = _ended(alice, made.id)
    # What the key may not use, its batch may not either.
    assert set(_read(alice, batch.error_file_id)) == {"id-theirs"}
    assert batch.output_file_id is not None
    for call in (
        lambda: bob.batches.retrieve(made.id),
        lambda: bob.batches.cancel(made.id),
        lambda: bob.files.retrieve(made.input_file_id),
        lambda: bob.files.content(batch.output_file_id or ""),
        lambda: bob.files.delete(made.input_file_id),
        lambda: _client(running).batches.retrieve(made.id),
        lambda: bob.batches.create(
            input_file_id=made.input_file_id, endpoint=CHAT, completion_window="24h"
        ),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert bob.batches.list().data == []
    assert [b.id for b in alice.batches.list()] == [made.id]


def test_anthropics_sdk_runs_batches_over_any_model(
    running: Running, provider: Provider
) -> None:
    client = Anthropic(base_url=running.url, api_key=MASTER)

    def ask(text: str, model: str = "fast") -> Any:
        return {
            "custom_id": text,
            "params": {
                "model": model,
                "max_tokens": 9,
                "messages": [{"role": "user", "content": text}],
            },
        }

    made = client.messages.batches.create(
        requests=[ask("m1"), ask("m2"), ask("m3", "nobody")]
    )
    assert made.processing_status == "in_progress"
    limit = time.monotonic() + WITHIN_S
    while (
        batch := client.messages.batches.retrieve(made.id)
    ).processing_status != "ended":
        assert time.monotonic() < limit, batch
        time.sleep(0.05)
    counts = batch.request_counts
    assert (counts.succeeded, counts.errored, counts.processing) == (2, 1, 0)
    results = {r.custom_id: r.result for r in client.messages.batches.results(made.id)}
    first, last = results["m1"], results["m3"]
    assert first.type == "succeeded"
    assert first.message.content[0].type == "text"
    assert first.message.content[0].text == "said m1"
    assert last.type == "errored"
    assert last.error.error.type == "not_found_error"
    assert made.id in [b.id for b in client.messages.batches.list(limit=1)]
    assert client.messages.batches.delete(made.id).id == made.id
    gone = httpx.get(
        f"{running.url}/v1/messages/batches/{made.id}",
        headers={"x-api-key": MASTER},
        **PATIENT,
    )
    assert gone.status_code == 404
    assert gone.json()["error"]["type"] == "not_found_error"
    twice = [ask("same"), ask("same")]
    with pytest.raises(Exception, match="twice"):
        client.messages.batches.create(requests=twice)
    provider.held, provider.go = "slow", threading.Event()
    slow = client.messages.batches.create(requests=[ask(f"slow{n}") for n in range(9)])
    assert client.messages.batches.cancel(slow.id).processing_status == "canceling"
    time.sleep(1.0)
    provider.go.set()
    limit = time.monotonic() + WITHIN_S
    while (
        batch := client.messages.batches.retrieve(slow.id)
    ).processing_status != "ended":
        assert time.monotonic() < limit, batch
        time.sleep(0.05)
    kinds = Counter(r.result.type for r in client.messages.batches.results(slow.id))
    assert kinds["succeeded"] + kinds["canceled"] == 9
    assert kinds["canceled"] == batch.request_counts.canceled > 0


def test_kill_9_loses_no_line_and_runs_none_twice(
    upstream: Upstream, provider: Provider, tmp_path: Path
) -> None:
    """To the client's eye: what was under way may be asked once more, what had been
    answered is not, and every line has one result."""
    config, env = _config(upstream), {**ENV, "MASTER": MASTER}
    texts = [f"k{n}" for n in range(40)] + [f"wait{n}" for n in range(8)]
    texts += [f"late{n}" for n in range(12)]
    provider.held, provider.go = "wait", threading.Event()
    with gateway(config, tmp_path, env=env) as running:
        client = _client(running)
        made = _start(client, [_line(text) for text in texts])
        _until(
            client,
            made.id,
            lambda b: b.request_counts is not None and b.request_counts.completed == 40,
        )
        assert upstream.until(lambda: provider.asked["wait3"] == 1, WITHIN_S)
        running.process.kill()
        running.process.wait(10)
    before = Counter(provider.asked)
    assert [before[f"k{n}"] for n in range(40)] == [1] * 40
    assert sum(before[f"wait{n}"] for n in range(8)) == 4
    provider.go.set()
    with gateway(config, tmp_path, env=env) as running:
        client = _client(running)
        assert client.batches.retrieve(made.id).status == "in_progress"
        batch = _ended(client, made.id)
        assert batch.status == "completed"
        assert batch.request_counts is not None
        assert batch.request_counts.completed == batch.request_counts.total == 60
        answers = _read(client, batch.output_file_id)
    assert set(answers) == {f"id-{text}" for text in texts}
    for text in texts:
        message = answers[f"id-{text}"]["response"]["body"]["choices"][0]["message"]
        assert message["content"] == f"said {text}"
    assert [provider.asked[f"k{n}"] for n in range(40)] == [1] * 40
    for n in range(8):
        assert provider.asked[f"wait{n}"] == 1 + before[f"wait{n}"]
    assert [provider.asked[f"late{n}"] for n in range(12)] == [1] * 12
