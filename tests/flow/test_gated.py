"""Cascades that a trained router chooses, seen from outside: who was asked for which
prompt, and what was told of it.

The router is trained, by the command, on prompts of three kinds.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.asked import Asked as Plainly
from tests.flow.gated import ARM, KINDS, MODELS, WAY, prompt, trained
from tests.flow.provider import ENV, body, deployment, refused, said, usage
from tests.flow.test_cascade import PICTURE, TOOL
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, tell


def _answer(request: Request) -> Script:
    """The cheap ones say the same, or not, as the prompt's first word says."""
    name = request.path.split("/")[1]
    word = str(request.json()["messages"][-1]["content"]).partition(":")[0]
    if word == "limit" and name == "other":
        return refused(429, "slowly", retry_after="60")
    if word == "broken" and name == "small":
        return refused(500, "broken")
    if word == "down" and name == "large":
        return refused(500, "broken")
    text = {"small": "41", "other": "42", "large": "42.0"}[name]
    return tell(200, body("42" if word == "same" else text, usage=usage(100, 50)))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        yield up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gated")
    told = trained(folder, "router", "--cascade")
    assert told["models"] == [*MODELS, ARM]
    assert told["arms"] == {ARM: ["small", "other", "large"]}
    assert trained(folder, "plain")["arms"] == {}
    return folder


@pytest.fixture(scope="module")
def running(upstream: Upstream, folder: Path) -> Iterator[Running]:
    def learned(artifact: str, **more: Any) -> dict[str, Any]:
        options = {"artifact": str(folder / artifact), "quality": 1.0}
        return {"kind": "gbdt", "options": {**options, **more}}

    def cascade(router: str, **more: Any) -> dict[str, Any]:
        return {"kind": "cascade", "options": {"router": router, **more}}

    def model(strategy: str, *names: str, **more: Any) -> dict[str, Any]:
        rows = [
            deployment(upstream, n, id=f"{strategy}/{n}", model=f"openai/{n}", **more)
            for n in names
        ]
        return {"strategy": strategy, "deployments": rows}

    config = {
        "models": {
            "gated": model("gated", *MODELS, price={"input": 1, "output": 1}),
            "two": model("two", "other", "large"),
            "cool": model("cool", *MODELS),
            "bare": model("bare", *MODELS),
            "poor": model("poor", *MODELS),
            "router": model("router", *MODELS),
            "roams": model("roams", *MODELS),
            "without": model("without", *MODELS),
        },
        "routing": {
            "strategies": {
                "router": learned("router"),
                "plain": learned("plain"),
                "gone": learned("gone", otherwise="ordered"),
                "slice": {"kind": "explore", "options": {"of": "router", "share": 1}},
                "gated": cascade("router"),
                "two": cascade("router"),
                "cool": cascade("router"),
                "bare": cascade("gone"),
                "poor": cascade("router", max_tokens=200),
                "roams": cascade("slice"),
                "without": cascade("plain"),
            }
        },
        "retries": {"per_deployment": 0},
        "demo": False,
    }
    with gateway(config, folder, env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


class Asked(Plainly):
    """One call to `gated`, or another `model`, that is answered."""

    def __init__(
        self, client: httpx.Client, up: Upstream, text: str, **more: Any
    ) -> None:
        super().__init__(client, up, more.pop("model", "gated"), text, **more)
        assert self.answer.status_code == 200, self.answer.text


def _told(client: httpx.Client, text: str, **more: Any) -> dict[str, Any]:
    asked = {"model": "gated", "messages": [{"role": "user", "content": text}], **more}
    answer = client.post("/v1/routing/explain", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_router_chooses_a_cascade_or_one_alone(
    client: httpx.Client, upstream: Upstream, running: Running, kind: str
) -> None:
    asked = Asked(client, upstream, prompt(kind))
    assert sorted(asked.names) == WAY[kind]
    plan = asked.plan(running)
    rungs = [s["candidate"] for s in plan["order"] if s.get("rung")]
    if kind == "quiz":
        assert rungs == ["gated/small", "gated/other", "gated/large"]
        assert plan["note"] == "cascade: 2 of 3 asked, they agree"
        assert [s["part"] for s in plan["steps"]] == ["rung", "rung"]
        assert f"rung 1 of {ARM}: quality 0." in plan["order"][0]["reason"]
        cost = float(asked.answer.headers["x-routeiq-cost-usd"])
        assert cost == pytest.approx(0.0003)  # of both
    else:
        assert not rungs
        assert "steps" not in plan
        assert plan["note"] == "answered plainly: the router chose one model alone"


def test_where_they_differ_the_dear_one_is_asked(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, prompt("quiz", "differ"))
    assert sorted(asked.names[:2]) == ["other", "small"]
    assert asked.names[2:] == ["large"]
    assert asked.by == "other"
    for kind in ("sums", "law"):  # there is nobody to differ from
        assert Asked(client, upstream, prompt(kind, "differ")).names == WAY[kind]


def test_a_stream_is_told_when_it_is_whole(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, prompt("quiz", "differ"), stream=True)
    assert said(asked.answer.text) == "42"
    assert len(asked.names) == 3


def test_the_explanation_tells_it_and_asks_nobody(
    client: httpx.Client, upstream: Upstream
) -> None:
    before = len(upstream.requests)
    told = _told(client, prompt("quiz"))
    assert told["note"] == "cascade: at most 3, by doubt: agree"
    assert [s["rung"] for s in told["order"]] == [1, 2, 3]
    assert told["order"][0]["deployment"] == "gated/small"
    told = _told(client, prompt("law"))
    assert told["note"] == "answered plainly: the router chose one model alone"
    assert [s["rung"] for s in told["order"]] == [None] * 3
    told = _told(client, prompt("quiz"), tools=[TOOL])
    assert told["note"] == "answered plainly: tools"
    assert [s["rung"] for s in told["order"]] == [None] * 3
    assert len(upstream.requests) == before


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [TOOL]},
        {"n": 2},
        {"logprobs": True},
        # Enough for any one of them, not for all that may be asked.
        {"max_tokens": 50, "headers": {"x-routeiq-max-cost": "0.0002"}},
        {"headers": {"x-routeiq-strategy": "router"}},
    ],
)
def test_what_one_must_answer_is_asked_of_one(
    client: httpx.Client, upstream: Upstream, more: dict[str, Any]
) -> None:
    assert len(Asked(client, upstream, prompt("quiz"), **more).names) == 1


def test_a_picture_is_shown_to_one(client: httpx.Client, upstream: Upstream) -> None:
    parts = [{"type": "text", "text": prompt("quiz")}, PICTURE]
    messages = [{"role": "user", "content": parts}]
    assert len(Asked(client, upstream, "", messages=messages).names) == 1


def test_tokens_end_it_as_they_end_any_cascade(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, prompt("quiz", "differ"), model="poor")
    assert sorted(asked.names) == ["other", "small"]
    note = asked.plan(running)["note"]
    assert note == "cascade: 2 of 3 asked, out of tokens"


def test_who_fails_is_passed_by(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, prompt("quiz", "broken"))
    assert asked.names[-1] == "large"
    assert asked.by == "other"  # which `large` agrees with
    told = [s["said"] for s in asked.plan(running)["steps"]]
    assert "failed: server_error" in told
    # One alone falls back as in any plan.
    asked = Asked(client, upstream, prompt("law", "down"))
    assert asked.names[0] == "large"
    assert asked.by != "large"


def test_a_member_that_is_not_there_leaves_no_cascade(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    for kind in KINDS:
        asked = Asked(client, upstream, prompt(kind), model="two")
        assert len(asked.names) == 1
    plan = asked.plan(running)
    assert plan["note"] == "answered plainly: the router chose one model alone"


def test_a_member_that_is_left_alone_leaves_no_cascade(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, prompt("quiz", "limit"), model="cool")
    assert sorted(asked.names) == ["large", "other", "small"]
    asked = Asked(client, upstream, prompt("quiz", "differ"), model="cool")
    assert len(asked.names) == 1
    plan = asked.plan(running)
    assert plan["removed"] == [{"candidate": "cool/other", "by": "cooldown"}]


def test_an_artifact_without_cascades_or_none_at_all_asks_one(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    assert len(Asked(client, upstream, prompt("quiz"), model="without").names) == 1
    asked = Asked(client, upstream, prompt("quiz"), model="bare")
    assert asked.names == ["small"]
    assert "no artifact (missing" in asked.plan(running)["order"][0]["reason"]


def test_the_router_alone_never_asks_two(
    client: httpx.Client, upstream: Upstream
) -> None:
    for kind in KINDS:
        assert len(Asked(client, upstream, prompt(kind), model="router").names) == 1


def test_who_is_explored_is_asked_alone(
    client: httpx.Client, upstream: Upstream
) -> None:
    for _ in range(4):
        asked = Asked(client, upstream, prompt("quiz"), model="roams")
        assert len(asked.names) == 1
