"""Answers by several calls, seen from outside: a thinker with experts, and parts."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.asked import Asked
from tests.flow.provider import (
    CHAT,
    ENV,
    body,
    command,
    deployment,
    refused,
    said,
    usage,
)
from tests.flow.test_keys import MASTER
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import (
    Request,
    Script,
    Upstream,
    stall,
    tell,
    wait_for,
)

PRICE = {"input": 1, "output": 1}
LIMIT = "max_completion_tokens"
COMPLEX = "Do three things:\n1. sing\n2. dance\n3. cook\nThen compare both. Also rest?"
LONG = "Do this:\n1. stall\n2. dance\n3. cook\nThen compare both. Also rest?"


def _content(request: Request) -> list[str]:
    return [str(m["content"]) for m in request.json()["messages"]]


def _think(words: list[str]) -> str:
    """What the thinker says after all that was said."""
    asked, last = words[1], words[-1]
    if "<information" in last:
        return f"Now I know.\n<answer>\nAda, says the expert: {last[-30:]}</answer>"
    replies = {
        "who": 'Hm. <ask expert="2">Who wrote the first program?</ask>',
        "wander": '<ask expert="9">Anyone?</ask>',
        "plain": "It is four.",
        "direct": "<answer>At once.</answer>",
        "sick": '<ask expert="1">Are you well?</ask>',
        "long": f"<answer>{'word ' * 100}</answer>",
    }
    return replies.get(asked, '<ask expert="1">Go on?</ask>')


def _is_part(request: Request) -> bool:
    return "Do this part of it" in _content(request)[-1]


_PART = body("Done.", usage=usage(100, 100))
GREEDY = f"Take all: {COMPLEX}"


def _answer(request: Request) -> Script:
    name = request.path.split("/")[1]
    words = _content(request)
    if name == "thinker":
        if words[1] == "mute":
            return refused(500, "mute")
        if words[1] == "forever":
            return stall()
        return tell(200, body(_think(words), usage=usage(100, 100)))
    if name == "planner":
        if "1." not in words[1] or "one thing" in words[1]:
            return tell(200, body("[]"))
        things = [line[3:] for line in words[1].splitlines() if line[1:2] == "."]
        listed = ", ".join(f'"Please {thing}."' for thing in things)
        return tell(200, body(f"Here:\n[{listed}]", usage=usage(100, 100)))
    last = words[-1]
    if "Are you well?" in last:
        return refused(500, "ill")
    if "Please stall" in last:
        return refused(500, "stalled")
    if _is_part(request):
        part = last.rpartition("Please ")[2]
        return tell(200, body(f"I {part}", usage=usage(100, 100)))
    if "one by one" in last:
        return tell(200, body(f"All of it, by {name}", usage=usage(100, 100)))
    return tell(200, body(f"{name} says Lovelace", usage=usage(100, 100)))


def _greedy(request: Request) -> Script:
    """As many tokens as may be, whatever for."""
    name = request.path.split("/")[1]
    text = {
        "planner": '["Sing.", "Dance."]',
        "thinker": '<ask expert="1">Take all</ask>',
    }
    asked = request.json()
    took = usage(10, asked.get(LIMIT, asked.get("max_tokens", 5000)))
    return tell(200, body(text.get(name, "So."), usage=took))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        up.on(lambda request: b"Take all" in request.body, _greedy)
        yield up


def _config(up: Upstream) -> dict[str, Any]:
    def one(place: str, **more: Any) -> dict[str, Any]:
        return deployment(up, place, price=PRICE, **more)

    thinks = {
        "thinker": "thinker",
        "about": {"openai/history": "the history of computing"},
        "max_iterations": 3,
        "then": "ordered",
    }
    apart = {"planner": "planner", "then": "ordered", "max_tokens": 100_000}
    return {
        "models": {
            "thinks": {
                "strategy": "thinks",
                "deployments": [one("maths"), one("lore", model="openai/history")],
            },
            "abroad": {
                "strategy": "thinks",
                "require": {"regions": ["eu"]},
                "deployments": [one("maths", region="eu-west-1") | {"id": "eu"}],
            },
            "lean": {"strategy": "lean", "deployments": [one("l1")]},
            "poor": {"strategy": "poor", "deployments": [one("p1")]},
            "short": {"strategy": "short", "deployments": [one("s1"), one("s2")]},
            "apart": {"strategy": "apart", "deployments": [one("a1"), one("a2")]},
            "joined": {"strategy": "joined", "deployments": [one("j1"), one("j2")]},
            "frugal": {"strategy": "frugal", "deployments": [one("f1"), one("f2")]},
            "thinker": {"strategy": "thinks", "deployments": [one("thinker")]},
            "planner": {"strategy": "apart", "deployments": [one("planner")]},
            "best": {"deployments": [one("best")]},
        },
        "routing": {
            "strategies": {
                "thinks": {"kind": "router_r1", "options": thinks},
                "short": {"kind": "router_r1", "options": thinks | {"max_s": 1.0}},
                "poor": {"kind": "router_r1", "options": thinks | {"max_tokens": 350}},
                "apart": {"kind": "agentic", "options": apart},
                "joined": {
                    "kind": "agentic",
                    "options": apart | {"aggregator": "best", "parts": 2},
                },
                "lean": {
                    "kind": "agentic",
                    "options": apart | {"max_tokens": 1400, "part_tokens": 600},
                },
                "frugal": {"kind": "agentic", "options": apart | {"max_tokens": 150}},
            }
        },
        "retries": {"per_deployment": 0},
        "cooldown": {"failures": 1000},
        "demo": False,
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("conduct")
    with gateway(_config(upstream), folder, env=ENV) as running:
        yield running


def test_a_thinker_asks_an_expert_and_answers(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "thinks", "who")
    assert asked.names == ["thinker", "lore", "thinker"]
    assert asked.text.startswith("Ada, says the expert")
    assert "<answer>" not in asked.text
    system, *_ = _content(asked.requests[0])
    assert "1. openai/m: no more is known" in system
    assert "2. openai/history: the history of computing" in system
    assert _content(asked.requests[1]) == ["Who wrote the first program?"]
    assert "lore says Lovelace" in _content(asked.requests[2])[-1]
    assert asked.steps(running) == [
        ("thinker", "thinker", "asks 2"),
        ("expert", "lore", "answers"),
        ("thinker", "thinker", "answers"),
    ]
    assert asked.note(running) == "router_r1: 2 turns, answered"
    # Three answers of 200 tokens, at a dollar a million.
    assert float(asked.answer.headers["x-routeiq-cost-usd"]) == pytest.approx(0.0006)
    assert asked.row(running)["cost_nano"] == 600_000
    assert asked.answer.headers["x-routeiq-attempts"] == "3"
    assert asked.row(running)["deployment"] == "thinker"


def test_a_thinker_may_answer_at_once(running: Running, upstream: Upstream) -> None:
    asked = Asked(running, upstream, "thinks", "direct", stream=True)
    assert said(asked.answer.text) == "At once."
    assert asked.names == ["thinker"]


@pytest.mark.parametrize(
    ("text", "names", "note"),
    [
        ("endless", ["thinker", "maths"] * 3, "router_r1: 3 turns, out of turns"),
        ("wander", ["thinker"] * 3, "router_r1: 3 turns, out of turns"),
        ("mute", ["thinker"], "router_r1: 1 turns, the thinker failed"),
    ],
)
def test_a_thinker_that_comes_to_nothing_leaves_it_to_one_call(
    running: Running, upstream: Upstream, text: str, names: list[str], note: str
) -> None:
    if text == "endless":
        held = upstream.on(_expert("maths"), tell(200, body("go on")))
        think = upstream.on(
            _expert("thinker"), tell(200, body('<ask expert="1">More?</ask>'))
        )
    asked = Asked(running, upstream, "thinks", text)
    if text == "endless":
        upstream.rules.remove(held)
        upstream.rules.remove(think)
    assert asked.names == [*names, "maths"]
    assert asked.note(running) == note
    assert asked.row(running)["deployment"] == "maths"


def _expert(name: str) -> Any:
    return lambda request: request.path.startswith(f"/{name}/")


def test_words_without_a_mark_are_the_answer_in_the_end(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "thinks", "plain")
    assert asked.text == "It is four."
    assert asked.names == ["thinker"] * 3
    assert "last reply" in _content(asked.requests[2])[-1]


def test_an_expert_that_fails_is_told_of(running: Running, upstream: Upstream) -> None:
    asked = Asked(running, upstream, "thinks", "sick")
    assert ("expert", "maths", "failed: server_error") in asked.steps(running)
    told = [w for r in asked.requests for w in _content(r) if "cannot be asked" in w]
    assert told


def test_a_thinker_that_takes_too_long_is_left(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "short", "forever")
    assert asked.names == ["thinker", "s1"]
    assert asked.steps(running) == [("thinker", "thinker", "failed: timeout")]
    assert asked.row(running)["attempts"][0]["error"] == "timeout"
    assert asked.note(running) == "router_r1: 1 turns, out of time"


def test_a_thinker_that_takes_too_many_tokens_is_left(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "poor", "who")
    assert asked.names == ["thinker", "thinker", "p1"]  # 100 tokens in, 100 out each
    assert [r.json().get(LIMIT) for r in asked.requests] == [350, 150, None]
    assert asked.note(running) == "router_r1: 2 turns, out of tokens"


def test_what_may_be_paid_holds_for_all_turns(
    running: Running, upstream: Upstream
) -> None:
    # A dollar a million tokens: a turn may take 4,096 of thoughts, and the answer.
    asked = Asked(
        running, upstream, "thinks", "who", max_tokens=8, headers=_most("0.0045")
    )
    assert asked.names == ["thinker", "lore", "maths"]
    assert asked.steps(running)[-1] == ("thinker", "thinker", "too dear")
    assert asked.note(running) == "router_r1: 1 turns, the thinker is too dear"
    assert asked.row(running)["cost_nano"] <= 4_500_000


@pytest.mark.parametrize("model", ["thinks", "apart", "joined"])
@pytest.mark.parametrize("usd", [0.0007, 0.004, 0.0052, 0.009, 0.0125, 0.014, 0.05])
def test_no_sum_of_calls_is_dearer_than_the_client_allows(
    running: Running, upstream: Upstream, model: str, usd: float
) -> None:
    asked = Asked(
        running, upstream, model, GREEDY, max_tokens=500, headers=_most(str(usd))
    )
    assert asked.answer.status_code == 200, asked.answer.text
    assert asked.row(running)["cost_nano"] <= usd * 1e9


def test_who_may_not_be_asked_has_not_failed(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "abroad", "who")
    assert asked.names == ["maths"]
    assert asked.steps(running) == [("thinker", "thinker", "not allowed: region")]
    assert (
        asked.note(running)
        == "router_r1: 0 turns, the thinker may not be asked (region)"
    )
    asked = Asked(running, upstream, "apart", COMPLEX, headers=_most("0.001"))
    assert asked.steps(running) == [("planner", "planner", "too dear")]
    assert asked.note(running) == "agentic: not taken apart, the planner is too dear"


def _most(usd: str) -> dict[str, str]:
    return {"x-routeiq-max-cost": usd}


def test_an_answer_is_no_longer_than_the_client_allows(
    running: Running, upstream: Upstream
) -> None:
    # 525 characters of 100 tokens.
    asked = Asked(running, upstream, "thinks", "long", max_tokens=20)
    choice = asked.answer.json()["choices"][0]
    assert choice["message"]["content"] == ("word " * 21)[:103]
    assert choice["finish_reason"] == "length"
    # Thoughts have room of their own.
    assert asked.requests[0].json()[LIMIT] == 4096 + 20
    assert "20 tokens at the most" in _content(asked.requests[0])[0]
    whole = Asked(running, upstream, "thinks", "long").answer.json()["choices"][0]
    assert whole["message"]["content"] == ("word " * 100).strip()
    assert whole["finish_reason"] == "stop"


def test_an_answer_that_was_cut_off_says_so(
    running: Running, upstream: Upstream
) -> None:
    cut = body("<answer>It begins")
    cut["choices"][0]["finish_reason"] = "length"
    held = upstream.on(_expert("thinker"), tell(200, cut))
    asked = Asked(running, upstream, "thinks", "x")
    upstream.rules.remove(held)
    choice = asked.answer.json()["choices"][0]
    assert choice["message"]["content"] == "It begins"
    assert choice["finish_reason"] == "length"


def test_what_has_a_form_is_not_thought_about(
    running: Running, upstream: Upstream
) -> None:
    form = {"type": "json_object"}
    asked = Asked(running, upstream, "thinks", "who", response_format=form)
    assert asked.names == ["maths"]
    assert asked.note(running) == "answered plainly: an answer of a form"


def test_a_complex_prompt_is_answered_in_parts_at_once(
    running: Running, upstream: Upstream
) -> None:
    gate = threading.Event()
    # None is answered before all are asked.
    held = upstream.on(
        lambda r: _is_part(r) and "/a1/" in r.path, wait_for(gate) + tell(200, _PART)
    )
    before = len(upstream.requests)

    def open_gate() -> None:
        upstream.until(lambda: sum(map(_is_part, upstream.requests[before:])) == 3)
        gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    asked = Asked(running, upstream, "apart", COMPLEX, temperature=0.5)
    opener.join()
    upstream.rules.remove(held)
    assert asked.text == "All of it, by a1"
    assert asked.names == ["planner", "a1", "a1", "a1", "a1"]
    last = _content(asked.requests[4])[-1]
    assert last.startswith(COMPLEX)
    for words in ("1. Please sing.\nDone.", "3. Please cook.\nDone."):
        assert words in last
    # The client's settings are those of the answer, not of what leads to it.
    assert asked.requests[4].json()["temperature"] == 0.5
    assert "temperature" not in asked.requests[1].json()
    assert [s[:2] for s in asked.steps(running)] == [
        ("planner", "planner"),
        *[("part", "a1")] * 3,
        ("aggregator", "a1"),
    ]
    assert asked.note(running) == "agentic: 3 of 3 parts answered"
    assert asked.row(running)["cost_nano"] == 1_000_000
    # Every call has an end of its own; the answer the client's, which set none.
    assert [r.json().get(LIMIT) for r in asked.requests] == [*[4096] * 4, None]


def test_parts_share_the_tokens_that_are_left(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "lean", COMPLEX, max_tokens=9000)
    assert asked.text == "All of it, by l1"
    # 1,400 in all: 200 for the plan leave 400 to each part, and these, with 200 each,
    # 600 to the answer.
    limits = [r.json()[LIMIT] for r in asked.requests]
    assert limits == [600, 400, 400, 400, 600]
    asked = Asked(running, upstream, "lean", COMPLEX, max_tokens=50)
    assert [r.json()[LIMIT] for r in asked.requests][-1] == 50


def test_what_is_cut_off_says_so(running: Running, upstream: Upstream) -> None:
    cut = body("Halfway", usage=usage(100, 100))
    cut["choices"][0]["finish_reason"] = "length"
    held = upstream.on(_is_part, tell(200, cut))
    asked = Asked(running, upstream, "joined", COMPLEX)
    upstream.rules.remove(held)
    assert [s for s in asked.steps(running) if s[0] == "part"] == [
        ("part", "j1", "cut off")
    ] * 2
    assert "Halfway (It was cut off here.)" in _content(asked.requests[-1])[-1]
    held = upstream.on(_expert("planner"), tell(200, cut))
    asked = Asked(running, upstream, "joined", COMPLEX)
    upstream.rules.remove(held)
    assert asked.note(running) == "agentic: not taken apart, the plan was cut off"
    assert asked.names == ["planner", "j1"]


def test_an_aggregator_of_its_own_makes_the_answer(
    running: Running, upstream: Upstream
) -> None:
    asked = Asked(running, upstream, "joined", COMPLEX, stream=True)
    assert said(asked.answer.text) == "All of it, by best"
    assert asked.names == ["planner", "j1", "j1", "best"]


def test_parts_that_fail_are_left_out(running: Running, upstream: Upstream) -> None:
    asked = Asked(running, upstream, "apart", LONG)
    assert asked.note(running) == "agentic: 2 of 3 parts answered"
    assert ("part", "apart", "failed: server_error") in asked.steps(running)
    assert "stall" not in _content(asked.requests[-1])[-1].partition("one by one")[2]


@pytest.mark.parametrize(
    ("model", "text", "names", "note"),
    [
        ("apart", "hello", ["a1"], "answered plainly: complexity 0.00, under 0.5"),
        ("apart", f"one thing {COMPLEX}", ["planner", "a1"], "not taken apart"),
        ("frugal", COMPLEX, ["planner", "f1"], "3 parts, out of tokens"),
    ],
)
def test_what_is_simple_or_has_no_room_is_one_call(
    running: Running,
    upstream: Upstream,
    model: str,
    text: str,
    names: list[str],
    note: str,
) -> None:
    asked = Asked(running, upstream, model, text)
    assert asked.names == names
    assert asked.note(running).endswith(note)


def test_what_several_made_teaches_nobody_about_one(
    upstream: Upstream, tmp_path: Path
) -> None:
    apart = {"planner": "planner", "then": "rated"}

    def two(name: str) -> dict[str, Any]:
        places = [deployment(upstream, f"{name}{i}", price=PRICE) for i in (1, 2)]
        return {"strategy": name, "deployments": places}

    setup = {
        "models": {
            "apart": two("apart"),
            "steps": two("steps"),
            "planner": {"deployments": [deployment(upstream, "planner")]},
        },
        "routing": {
            "strategies": {
                "rated": {"kind": "elo"},
                "apart": {"kind": "agentic", "options": apart},
                "steps": {"kind": "cascade", "options": {"then": "rated"}},
            }
        },
        "keys": {"master": "env:MASTER"},
    }
    secrets = {**ENV, "MASTER": MASTER}
    boss = {"authorization": f"Bearer {MASTER}"}
    learned = []
    with gateway(setup, tmp_path, env=secrets) as running:
        for model in ("apart", "steps"):
            messages = [{"role": "user", "content": COMPLEX}]
            asked = {"model": model, "messages": messages}
            answer = running.post(CHAT, json=asked, headers=boss)
            told = {"id": answer.headers["x-routeiq-id"], "score": 1.0}
            scored = running.post("/v1/feedback", json=told, headers=boss)
            assert scored.status_code == 201, scored.text
            listed = running.get("/v1/routing/strategies", headers=boss).json()["data"]
            rated = next(one for one in listed if one["name"] == "rated")
            learned.append(rated["learned"])
        running.record(told["id"])
    # Of a cascade, the one that was believed answered by itself, and may be judged.
    assert not learned[0]
    assert learned[1]
    # But nobody drew it: what others would have been worth cannot be told from that.
    done = command(tmp_path, "routing", "estimate", **secrets)
    assert done.returncode == 1
    assert "no answer of a model with several deployments was scored" in done.stderr


def test_what_is_foretold(running: Running) -> None:
    def note(model: str, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        asked = {"model": model, "messages": messages}
        told: dict[str, Any] = running.post("/v1/routing/explain", json=asked).json()
        return str(told["note"])

    assert note("thinks", "x") == "router_r1: at most 3 turns"
    assert note("apart", COMPLEX) == "agentic: at most 4 parts"
    assert note("apart", "x").startswith("answered plainly: complexity 0")


def test_a_client_that_leaves_ends_all_parts(
    running: Running, upstream: Upstream
) -> None:
    held = upstream.on(_expert("a1"), stall())
    messages = [{"role": "user", "content": COMPLEX}]
    before = len(upstream.requests)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            running.url + CHAT,
            json={"model": "apart", "messages": messages},
            **{**PATIENT, "timeout": 1.5},
        )
    parts = {r.connection for r in upstream.requests[before:] if "a1" in r.path}
    assert len(parts) == 3
    assert upstream.until(lambda: parts <= upstream.closed_at.keys())
    upstream.rules.remove(held)
    assert upstream.until(lambda: running.records(1)[0]["status"] == 499)
    errors = [a.get("error", "") for a in running.records(1)[0]["attempts"]]
    assert errors == ["", *["cancelled"] * 3]
