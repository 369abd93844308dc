"""Cascades, seen from outside: who was asked, what was believed, what it cost."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.asked import Asked
from tests.flow.provider import CHAT, ENV, body, deployment, refused, said, usage
from tests.flow.test_keys import MASTER
from tests.flow.test_keys import _keys as created
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, stall, tell

PRICES = [{"input": p, "output": p} for p in (1, 2, 10, 20)]
NAMES = ("small", "other", "large", "huge")
SAYS: dict[str, dict[str, str]] = {
    "same": {"small": "The answer is (C).", "other": "**C**", "large": "D"},
    "differ": {"small": "41", "other": "42", "large": "The answer is 42.0"},
    "late": {"small": "1", "other": "2", "large": "3", "huge": "The answer is 2"},
    "novel": {n: f"{n} tells a story. " * 20 for n in NAMES},
    "json": {"small": '{"a": 1, "b": 2}', "other": '{"b": 2.0, "a": 1}'},
    "sorry": dict.fromkeys(NAMES[:2], "I'm sorry, but I can't help with that.")
    | {"large": "Of course."},
    "form": {"small": '{"a": "x"}', "other": "Sure: {}", "large": '{"a": 1}'},
    "judged": {"small": "Rome is in Spain.", "other": "Rome is in Italy."},
}
"""What is asked -> what everybody says to it."""
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


def _answer(request: Request) -> Script:
    """By the name in the path and the word that was asked."""
    name = request.path.split("/")[1]
    asked = request.json()
    word = str(asked["messages"][-1]["content"])
    if name == "judge":
        good = "Italy" in word or "fine" in word
        return tell(200, body(f"Hm.\nscore: {90 if good else 20}"))
    if word == "hang" and name == "large":
        return stall()
    if word == "broken" and name != "large":
        return refused(500, "broken")
    if word == "wrong":
        return refused(400, "temperature is 9")
    text = SAYS.get(word, {}).get(name, f"fine, says {name}")
    return tell(200, body(text, usage=usage(1000, 500)))


def _ladder(up: Upstream, alias: str, *names: str, **more: Any) -> list[dict[str, Any]]:
    """Dearest first, so that their order is the strategy's doing."""
    both = list(zip(names, PRICES, strict=False))
    return [
        deployment(up, n, price=p, **more) | {"id": f"{alias}-{n}"}
        for n, p in reversed(both)
    ]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _answer)
        yield up


def _config(up: Upstream) -> dict[str, Any]:
    agree = {"kind": "cascade"}
    terse = {"doubt": "verify", "verifier": "judge", "verifier_tokens": 64}
    return {
        "models": {
            "agree": {
                "strategy": "agree",
                "deployments": _ladder(up, "agree", *NAMES[:3]),
            },
            "four": {"strategy": "four", "deployments": _ladder(up, "four", *NAMES)},
            "verify": {
                "strategy": "verify",
                "deployments": _ladder(up, "verify", *NAMES[:3]),
            },
            "terse": {
                "strategy": "terse",
                "deployments": _ladder(up, "terse", *NAMES[:3]),
            },
            "sight": {
                "strategy": "sight",
                "deployments": _ladder(up, "sight", *NAMES[:3]),
            },
            "poor": {
                "strategy": "poor",
                "deployments": _ladder(up, "poor", *NAMES[:3]),
            },
            "hasty": {
                "strategy": "hasty",
                "deployments": _ladder(up, "hasty", *NAMES[:3]),
            },
            "trial": {
                "strategy": "trial",
                "deployments": _ladder(up, "trial", *NAMES[:3]),
            },
            "alone": {
                "strategy": "agree",
                "deployments": _ladder(up, "alone", "small"),
            },
            "away": {
                "strategy": "verify",
                "require": {"regions": ["eu"]},
                "deployments": _ladder(up, "away", *NAMES[:3], region="eu-west-1"),
            },
            "judge": {
                # A helper's own strategy is of that kind: nothing comes of it.
                "strategy": "agree",
                "deployments": [deployment(up, "judge", price=PRICES[0])],
            },
        },
        "routing": {
            "strategies": {
                "agree": agree,
                "four": {"kind": "cascade", "options": {"rungs": 4}},
                "verify": {
                    "kind": "cascade",
                    "options": {
                        "doubt": "verify",
                        "verifier": "judge",
                        "rubric": "Geography is right.",
                        "threshold": 0.8,
                    },
                },
                "terse": {"kind": "cascade", "options": terse},
                "sight": {"kind": "cascade", "options": {"doubt": "verify"}},
                "poor": {"kind": "cascade", "options": {"max_tokens": 2000}},
                "hasty": {"kind": "cascade", "options": {"max_s": 1.5}},
                "trial": {
                    "kind": "experiment",
                    "options": {"arms": {"agree": 1, "ordered": 1}, "by": "user"},
                },
            }
        },
        "retries": {"per_deployment": 0},
        "demo": False,
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("cascade")
    with gateway(_config(upstream), folder, env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def test_two_cheap_ones_that_agree_are_believed(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "agree", "same")
    assert asked.text == "The answer is (C)."
    assert sorted(asked.names) == ["other", "small"]
    assert asked.by == "small"
    assert asked.answer.headers["x-routeiq-attempts"] == "2"
    # 1500 tokens at 1 and at 2 dollars a million: both are paid for.
    assert float(asked.answer.headers["x-routeiq-cost-usd"]) == pytest.approx(0.0045)
    row = asked.row(running)
    assert row["cost_nano"] == 4_500_000
    tried = sorted(a["deployment"] for a in row["attempts"])
    assert tried == ["agree-other", "agree-small"]
    assert row["deployment"] == "agree-small"
    assert asked.steps(running) == [
        ("rung", "small", "alone with its choice"),
        ("rung", "other", "the choice of small"),
    ]
    assert row["plan"]["note"] == "cascade: 2 of 3 asked, they agree"


def test_where_they_differ_a_dearer_one_is_asked(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, "agree", "differ")
    assert sorted(asked.names[:2]) == ["other", "small"]
    assert asked.names[2:] == ["large"]
    # It says what `other` said: that is the cheaper one of the two.
    assert (asked.text, asked.by) == ("42", "other")
    cost = float(asked.answer.headers["x-routeiq-cost-usd"])
    assert cost == pytest.approx(0.0195)


def test_long_texts_cannot_be_compared_and_the_last_is_believed(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "agree", "novel")
    assert asked.by == "large"
    plan = asked.plan(running)
    assert {s["said"] for s in plan["steps"]} == {"cannot be compared"}
    assert plan["note"] == "cascade: 3 of 3 asked, the last was believed"


def test_a_cascade_has_as_many_rungs_as_it_is_told(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, "four", "late")
    assert asked.names[2:] == ["large", "huge"]
    assert asked.text == "2"


def test_json_agrees_whatever_its_order(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, "agree", "json")
    assert len(asked.names) == 2
    assert asked.text == '{"a": 1, "b": 2}'


@pytest.mark.parametrize("model", ["agree", "sight"])
def test_a_refusal_is_no_agreement(
    client: httpx.Client, upstream: Upstream, model: str
) -> None:
    asked = Asked(client, upstream, model, "sorry")
    assert (asked.text, asked.by) == ("Of course.", "large")


def test_a_verifier_looks_at_one_after_the_other(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "verify", "judged")
    assert asked.names == ["small", "judge", "other", "judge"]
    assert asked.text == "Rome is in Italy."
    shown = asked.requests[1].json()["messages"]
    assert "Geography is right." in shown[0]["content"]
    assert "judged" in shown[1]["content"]
    assert "Rome is in Spain." in shown[1]["content"]
    assert asked.steps(running) == [
        ("verifier", "judge", "0.20 for small"),
        ("rung", "small", "0.20, under 0.8"),
        ("verifier", "judge", "0.90 for other"),
        ("rung", "other", "0.90"),
    ]
    assert len(asked.row(running)["attempts"]) == 4
    limits = [r.json().get("max_completion_tokens") for r in asked.requests]
    assert limits == [None, 2048, None, 2048]


def test_a_verdict_that_is_cut_off_is_none(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    cut = body("It could be a score: 90, but")
    cut["choices"][0]["finish_reason"] = "length"
    held = upstream.on(lambda r: r.path.startswith("/judge/"), tell(200, cut))
    asked = Asked(client, upstream, "terse", "judged", max_tokens=7)
    upstream.rules.remove(held)
    assert asked.by == "large"
    assert [s[2] for s in asked.steps(running)][:2] == ["cut off", "not judged"]
    # The client's own call goes as it was said.
    limits = [r.json().get("max_completion_tokens") for r in asked.requests]
    assert limits == [None, 64, None, 64, None]
    assert [r.json().get("max_tokens") for r in asked.requests] == [7, None] * 2 + [7]


def test_a_verifier_is_bound_by_where_the_call_may_go(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "away", "judged")
    # Nobody knows where the judge is: it is not shown the client's words.
    assert asked.names == ["small", "other", "large"]
    said = [s[2] for s in asked.steps(running) if s[0] == "verifier"]
    assert said
    assert set(said) == {"not allowed: region"}


def test_a_verifier_is_bound_by_where_the_key_may_go(
    upstream: Upstream, tmp_path: Path
) -> None:
    doubts = {"doubt": "verify", "verifier": "judge", "then": "ordered"}
    setup = {
        "keys": {"master": "env:MASTER"},
        "models": {
            "steps": {
                "strategy": "steps",
                "deployments": [
                    deployment(upstream, "small", model="openai/ours"),
                    deployment(upstream, "large", model="openai/ours"),
                ],
            },
            "judge": {"deployments": [deployment(upstream, "judge", model="openai/j")]},
        },
        "routing": {"strategies": {"steps": {"kind": "cascade", "options": doubts}}},
    }
    asked = {"model": "steps", "messages": [{"role": "user", "content": "fine"}]}
    names = []
    with gateway(setup, tmp_path, env={**ENV, "MASTER": MASTER}) as running:
        for only in ("openai/ours", "openai/*"):
            key = created(running, "create", "--name", "x", "--only", only)
            before = len(upstream.requests)
            said = {"authorization": f"Bearer {key}"}
            answer = running.post(CHAT, json=asked, headers=said)
            assert answer.status_code == 200, answer.text
            names.append([r.path.split("/")[1] for r in upstream.requests[before:]])
    assert names == [["small", "large"], ["small", "judge"]]


def test_rules_want_json_of_the_schema(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    form = {
        "type": "json_schema",
        "json_schema": {"name": "f", "schema": SCHEMA, "strict": True},
    }
    asked = Asked(client, upstream, "sight", "form", response_format=form)
    assert asked.names == ["small", "other", "large"]
    assert json.loads(asked.text) == {"a": 1}
    told = [s[2] for s in asked.steps(running)]
    assert told == ["not of the schema", "no JSON", "the last"]
    assert Asked(client, upstream, "sight", "fine").names == ["small"]


def test_who_fails_is_passed_by(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "agree", "broken")
    assert asked.by == "large"
    told = [s[2] for s in asked.steps(running)]
    assert told[:2] == ["failed: server_error", "failed: server_error"]


def test_a_call_that_is_at_fault_is_not_asked_again(
    client: httpx.Client, upstream: Upstream
) -> None:
    asked = Asked(client, upstream, "agree", "wrong")
    assert asked.answer.status_code == 400
    assert "temperature is 9" in asked.answer.text
    assert sorted(asked.names) == ["other", "small"]


def test_tokens_time_and_money_end_a_cascade(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "poor", "differ")
    assert sorted(asked.names) == ["other", "small"]
    assert asked.by == "other"
    assert asked.plan(running)["note"] == "cascade: 2 of 3 asked, out of tokens"

    cap = {"x-routeiq-max-cost": "0.02"}
    asked = Asked(client, upstream, "agree", "differ", headers=cap, max_tokens=1900)
    assert sorted(asked.names) == ["other", "small"]
    assert asked.plan(running)["note"] == "cascade: 2 of 3 asked, too dear"

    asked = Asked(client, upstream, "hasty", "hang")
    assert asked.by == "other"
    assert "large" in asked.names
    assert [s[2] for s in asked.steps(running)][2] == "failed: timeout"


def test_the_clients_own_wait_ends_all_of_it(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    held = upstream.on(lambda r: b"nobody speaks" in r.body, stall())
    waits = {"x-routeiq-timeout-s": "1.0"}
    asked = Asked(client, upstream, "agree", "nobody speaks", headers=waits)
    upstream.rules.remove(held)
    assert asked.answer.status_code == 504, asked.answer.text
    assert sorted(asked.names) == ["other", "small"]
    assert [a["error"] for a in asked.row(running)["attempts"]] == ["timeout"] * 2
    assert "other" in Asked(client, upstream, "agree", "same").names  # not left alone


def test_no_two_calls_of_ours_claim_to_be_one(
    client: httpx.Client, upstream: Upstream
) -> None:
    once = {"idempotency-key": "abc"}
    asked = Asked(client, upstream, "agree", "same", headers=once)
    assert not any("idempotency-key" in r.headers for r in asked.requests)
    asked = Asked(client, upstream, "agree", "same", headers=once, tools=[TOOL])
    assert asked.requests[0].headers["idempotency-key"] == "abc"


def test_a_stream_tells_the_believed_answer(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    asked = Asked(client, upstream, "agree", "differ", stream=True)
    assert said(asked.answer.text) == "42"
    assert asked.answer.text.rstrip().endswith("data: [DONE]")
    assert "stream" not in asked.requests[0].json()
    assert asked.answer.headers["x-routeiq-attempts"] == "3"
    # It was whole before its first word: what it cost is known by then.
    cost = float(asked.answer.headers["x-routeiq-cost-usd"])
    assert cost == pytest.approx(0.0195)
    row = asked.row(running)
    assert row["cost_nano"] == 19_500_000
    assert row["stream"]


def test_other_dialects_have_their_answer_too(
    client: httpx.Client, upstream: Upstream
) -> None:
    for stream in (False, True):
        asked = Asked(
            client,
            upstream,
            "agree",
            "same",
            path="/v1/messages",
            max_tokens=50,
            stream=stream,
        )
        assert asked.answer.status_code == 200, asked.answer.text
        assert "The answer is (C)." in asked.answer.text
        assert len(asked.names) == 2


TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
PICTURE = {
    "type": "image_url",
    "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"tools": [TOOL]}, "tools"),
        ({"n": 2}, "several answers"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [{"role": "user", "content": [PICTURE]}]}, "parts of kind image"),
        ({"headers": {"x-routeiq-pin": "agree-large"}}, "pinned"),
    ],
)
def test_what_one_text_cannot_answer_is_answered_plainly(
    client: httpx.Client,
    upstream: Upstream,
    running: Running,
    more: dict[str, Any],
    why: str,
) -> None:
    asked = Asked(client, upstream, "agree", "same", **more)
    assert asked.answer.status_code == 200, asked.answer.text
    assert len(asked.names) == 1
    assert asked.plan(running)["note"] == f"answered plainly: {why}"


def test_one_deployment_alone_is_asked_once(
    client: httpx.Client, upstream: Upstream
) -> None:
    assert Asked(client, upstream, "alone", "novel").names == ["small"]


def test_a_cascade_can_be_an_arm_or_a_wish(
    client: httpx.Client, upstream: Upstream, running: Running
) -> None:
    seen = {}
    for user in "abcdefgh":
        asked = Asked(client, upstream, "trial", "same", user=user)
        seen[asked.plan(running)["arm"]] = sorted(asked.names)
    assert seen == {"agree": ["other", "small"], "ordered": ["large"]}
    wish = {"x-routeiq-strategy": "agree"}
    asked = Asked(client, upstream, "sight", "same", headers=wish)
    assert len(asked.names) == 2
    wish = {"x-routeiq-strategy": "ordered"}
    assert Asked(client, upstream, "agree", "same", headers=wish).names == ["large"]


def test_the_explanation_foretells_it_and_asks_nobody(
    client: httpx.Client, upstream: Upstream
) -> None:
    before = len(upstream.requests)

    def told(**more: Any) -> dict[str, Any]:
        asked = {"model": "agree", "messages": [{"role": "user", "content": "x"}]}
        found: dict[str, Any] = client.post(
            "/v1/routing/explain", json={**asked, **more}
        ).json()
        return found

    plain = told()
    assert plain["note"] == "cascade: at most 3, by doubt: agree"
    assert [s["deployment"] for s in plain["order"]] == [
        "agree-small",
        "agree-other",
        "agree-large",
    ]
    assert told(tools=[TOOL])["note"] == "answered plainly: tools"
    assert len(upstream.requests) == before


def test_a_client_that_leaves_takes_all_rungs_along(
    running: Running, upstream: Upstream
) -> None:
    held = upstream.on(lambda r: b"never" in r.body, stall())
    asked = {"model": "agree", "messages": [{"role": "user", "content": "never"}]}
    before = len(upstream.requests)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(running.url + CHAT, json=asked, **{**PATIENT, "timeout": 1.0})
    numbers = {r.connection for r in upstream.requests[before:]}
    assert len(numbers) == 2
    assert upstream.until(lambda: numbers <= upstream.closed_at.keys())
    upstream.rules.remove(held)
    assert upstream.until(lambda: running.records(1)[0]["status"] == 499)
    row = running.records(1)[0]
    assert [a["error"] for a in row["attempts"]] == ["cancelled", "cancelled"]
    assert len(upstream.requests) == before + 2
