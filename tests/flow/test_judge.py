"""A model's opinion of recorded answers, through the gateway itself, within a budget."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from routing.lab.lines import read_lines
from tests.flow.provider import CHAT, ENV, command, deployment, streamed, usage, whole
from tests.flow.test_records import BEARER, MASTER, log
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Request, Script, Upstream, events, tell

ALL = {**ENV, "MASTER": MASTER}
OPINION_USD = 100 * 10e-6 + 1 * 40e-6
TEXT = "an easy question"
BUDGET = 5.5 * OPINION_USD


def _legacy(asked: dict[str, Any]) -> Script:
    """As the old completions API answers."""
    choice = {"index": 0, "text": "right", "logprobs": None, "finish_reason": "stop"}
    made = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    if not asked.get("stream"):
        return tell(200, {**made, "choices": [choice], "usage": usage()})
    parts = [{**choice, "text": part, "finish_reason": None} for part in "right"]
    ends = [*parts, {**choice, "text": ""}]
    said = [json.dumps({**made, "choices": [one]}).encode() for one in ends]
    return events([b"data: " + one + b"\n\n" for one in [*said, b"[DONE]"]])


def _answer(request: Request) -> Script:
    asked = request.json()
    if "prompt" in asked:
        return _legacy(asked)
    text = asked["messages"][-1]["content"]
    reply = "right" if "easy" in text else "wrong"
    if asked.get("stream"):
        return streamed(*reply)
    return whole(reply)


def _opinion(request: Request) -> Script:
    messages = request.json()["messages"]
    assert "gallantry counts" in messages[0]["content"]
    shown = re.search(r"<answer-(\w+)>\n(.*)\n</answer-\1>", messages[-1]["content"])
    assert shown is not None
    reply = {"right": "100", "wrong": " 5/100."}[shown[2]]
    if "odd" in messages[-1]["content"]:
        reply = "I would say that it is quite good."
    return whole(reply, usage=usage(100, 1))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        up.on(lambda r: r.path.startswith("/judge"), _opinion)
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    price = {"input": 10.0, "output": 40.0}
    setup = {
        "keys": {"master": "env:MASTER"},
        "records": {"content": True},
        "models": {
            "auto": {
                "deployments": [
                    deployment(upstream, name, model=f"openai/{name}", price=price)
                    for name in ("one", "two")
                ]
            },
            "wise": {"deployments": [deployment(upstream, "judge", price=price)]},
        },
        "routing": {
            "collect": "text",
            "judge": {
                "model": "wise",
                "share": 1.0,
                "budget_usd": BUDGET,
                "rubric": "Only gallantry counts.",
            },
        },
    }
    with gateway(setup, tmp_path_factory.mktemp("judge"), env=ALL) as running:
        yield running


def _ask(running: Running, text: str, path: str = CHAT, **more: Any) -> str:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], **more}
    answer = running.post(path, body, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-id"]


def _judge(running: Running) -> dict[str, Any]:
    words = ("routing", "judge", "--url", running.url, "--json")
    done = command(running.folder, *words, **ALL)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_answers_are_judged_once_and_for_no_more_than_the_budget(
    running: Running,
) -> None:
    ids = [
        _ask(running, "an easy question"),
        _ask(running, "a hard question"),
        _ask(running, "an easy question, in pieces", stream=True),
        _ask(running, "an easy one for Anthropic", "/v1/messages", max_tokens=9),
        _ask(running, "an odd question"),
    ]
    running.record(ids[-1])
    told = _judge(running)
    assert (told["judged"], told["no score in the reply"]) == (4, 1)
    assert told["spent_usd"] == pytest.approx(5 * OPINION_USD)
    kept = {row["id"]: row for row in log(running.folder, "feedback")}
    assert [kept[id]["score"] for id in ids[:4]] == [1.0, 0.05, 1.0, 1.0]
    assert {row["source"] for row in kept.values()} == {"judge"}

    last = [_ask(running, f"easy question {i}") for i in range(8)]
    running.record(last[-1])
    again = _judge(running)
    assert again["judged before"] == 4
    assert again["spent_usd"] <= BUDGET
    assert again["not afforded"] == 13 - 4 - 5
    made = command(running.folder, "routing", "dataset", "-o", "t.jsonl", "--json")
    assert made.returncode == 0, made.stderr
    lines = read_lines(Path(running.folder) / "t.jsonl")
    hard = next(x for x in lines.lines if x.prompt == "a hard question")
    assert {score for score in hard.scores if score is not None} == {0.05}


def _spoken(stream: bool) -> dict[str, tuple[str, dict[str, Any]]]:
    """Dialect -> the path and the body of a question."""
    messages = [{"role": "user", "content": TEXT}]
    contents = [{"role": "user", "parts": [{"text": TEXT}]}]
    blocks = [{"role": "user", "content": [{"text": TEXT}]}]
    limits = {"max_tokens": 99, "anthropic_version": "bedrock-2023-05-31"}
    told = {"model": "auto", "stream": stream}
    end = "-stream" if stream else ""
    invoked = "invoke-with-response-stream" if stream else "invoke"
    verb = "streamGenerateContent" if stream else "generateContent"
    return {
        "chat": (CHAT, told | {"messages": messages}),
        "completions": ("/v1/completions", told | {"prompt": TEXT}),
        "responses": ("/v1/responses", told | {"input": TEXT}),
        "messages": ("/v1/messages", told | {"messages": messages, "max_tokens": 9}),
        "gemini": (f"/v1beta/models/auto:{verb}?alt=sse", {"contents": contents}),
        "array": (f"/v1beta/models/auto:{verb}", {"contents": contents}),
        "converse": (f"/bedrock/model/auto/converse{end}", {"messages": blocks}),
        "invoke": (f"/bedrock/model/auto/{invoked}", limits | {"messages": messages}),
    }


@pytest.mark.parametrize("stream", [False, True])
def test_answers_in_every_dialect_are_read(
    upstream: Upstream, tmp_path: Path, stream: bool
) -> None:
    judge = {"model": "wise", "share": 1.0, "budget_usd": 0.0}
    setup = {
        "keys": {"master": "env:MASTER"},
        "records": {"content": True},
        "models": {
            "auto": {"deployments": [deployment(upstream, "one")]},
            "wise": {"deployments": [deployment(upstream, "judge")]},
        },
        "routing": {"judge": {**judge, "rubric": "Only gallantry counts."}},
    }
    with gateway(setup, tmp_path, env=ALL) as running:
        ids = {}
        for name, (path, body) in _spoken(stream).items():
            answer = running.post(path, body, headers=BEARER)
            assert answer.status_code == 200, answer.text
            ids[name] = answer.headers["x-routeiq-id"]
        running.record(ids["invoke"])
        told = _judge(running)
        kept = {row["id"]: row["score"] for row in log(running.folder, "feedback")}
        # The judge's rule finds the answer word for word.
        assert {name: kept.get(id) for name, id in ids.items()} == dict.fromkeys(
            ids, 1.0
        )
        assert told["judged"] == len(ids)
        if stream:
            lines = running.record(ids["converse"])["response"].splitlines()
            assert json.loads(lines[0]) == {"messageStart": {"role": "assistant"}}


def test_what_a_judge_says_teaches_once_and_no_more_than_a_key(
    upstream: Upstream, tmp_path: Path
) -> None:
    setup = {
        "keys": {"master": "env:MASTER"},
        "records": {"content": True},
        "models": {
            "auto": {
                "strategy": "rated",
                "deployments": [
                    deployment(upstream, name) for name in ("rated-one", "rated-two")
                ],
            },
            "wise": {"deployments": [deployment(upstream, "judge")]},
        },
        "routing": {
            "strategies": {"rated": {"kind": "thompson", "options": {"by": "none"}}},
            "judge": {
                "model": "wise",
                "share": 1.0,
                "budget_usd": 0.0,
                "rubric": "Only gallantry counts.",
                "full_scores": 2,
            },
        },
    }
    with gateway(setup, tmp_path, env=ALL) as running:

        def learned() -> list[float]:
            """How many scores, as they were weighed, and their sum."""
            path = "/v1/routing/strategies/rated"
            lines = running.get(path, headers=BEARER).json()["learned"]
            weighed = [(line["scores"], line["quality"]) for line in lines]
            return [sum(n for n, _ in weighed), sum(n * q for n, q in weighed)]

        ids = [_ask(running, f"an easy question, {i}") for i in range(5)]
        said = {"id": ids[0], "score": 0.0}
        scored = running.post("/v1/feedback", said, headers=BEARER)
        assert scored.json()["weight"] == 1.0
        running.record(ids[-1])
        told = _judge(running)
        # One has been taught by its client already; the third and fourth count less.
        assert (told["judged"], told["taught from"]) == (5, 4)
        weight = 1.0 + 1.0 + (2 / 3) ** 2 + (2 / 4) ** 2
        assert learned() == pytest.approx([1.0 + weight, weight], abs=0.01)
        again = _judge(running)
        assert (again["judged"], again["judged before"]) == (0, 5)
        assert learned() == pytest.approx([1.0 + weight, weight], abs=0.01)
        # Only who runs the gateway may say that a judge spoke.
        member = {"authorization": f"Bearer {mint(running, 'member')}"}
        feigned = {"id": ids[1], "score": 0.0, "source": "judge"}
        refused = running.post("/v1/feedback", feigned, headers=member)
        assert refused.status_code == 403
        # One answer teaches once, whoever says more of it.
        late = running.post("/v1/feedback", {**said, "id": ids[1]}, headers=BEARER)
        assert (late.status_code, late.json()["weight"]) == (201, 0.0)
        assert learned() == pytest.approx([1.0 + weight, weight], abs=0.01)
    with gateway(setup, tmp_path, env=ALL) as running:  # kept
        assert learned() == pytest.approx([1.0 + weight, weight], abs=0.01)


def test_without_a_judge_it_is_said_how_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "routeiq.yaml").write_text("demo: true\n")
    done = command(tmp_path, "routing", "judge")
    assert done.returncode == 1
    assert "routing.judge.model" in done.stderr
