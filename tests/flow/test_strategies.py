"""Every strategy chosen by configuration, seen from outside: who served, and why."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, body, call, deployment, usage, whole
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, pause, tell, wait_for

EXPLAIN = "/v1/routing/explain"
CHEAP = {"input": 0.1, "output": 0.4}
DEAR = {"input": 10, "output": 40}
MIDDLE = {"input": 2, "output": 8, "cached": 0.05}


@pytest.fixture(scope="module")
def gate() -> threading.Event:
    """Until it is set, what is held is not answered."""
    return threading.Event()


@pytest.fixture(scope="module")
def upstream(gate: threading.Event) -> Iterator[Upstream]:
    def place(name: str) -> Any:
        return lambda request: request.path.startswith(f"/{name}")

    with Upstream() as up:
        up.on(None, whole())
        up.on(place("slow"), pause(0.3) + whole())
        up.on(place("held"), wait_for(gate) + whole())
        up.on(place("eats"), tell(200, body(usage=usage(900, 100))))
        yield up


STRATEGIES: dict[str, Any] = {
    "sla": {"kind": "latency", "options": {"target_s": 0.2}},
    "thrifty": {
        "kind": "cost_quality",
        "options": {"qualities": {"good": 0.95, "fair": 0.9, "poor": 0.5}},
    },
    "by-hand": {
        "kind": "rules",
        "options": {
            "rules": [
                {"text": r"\bsql\b", "use": ["code"]},
                {"tags": ["law", "eu"], "use": ["lawyer"]},
                {"agent": "claude-cli", "use": ["agent"], "only": True},
                {"system": "you translate", "use": ["openai/tongues"]},
            ],
            "then": "ordered",
        },
    },
    "about": {
        "kind": "intent",
        "options": {
            "intents": {
                "code": {
                    "phrases": [
                        "write a python function",
                        "fix the bug in this code",
                        "why does my program crash",
                        "write a SQL query",
                    ],
                    "use": ["i-code"],
                },
                "law": {
                    "phrases": [
                        "is this contract valid",
                        "what are my rights as a tenant",
                        "review the terms of the lease",
                    ],
                    "use": ["i-law"],
                    "only": True,
                },
            },
            "then": "cheapest",
        },
    },
    "sticky": {"kind": "affinity"},
    "follows": {"kind": "affinity", "options": {"first": "weighted"}},
    "warm": {"kind": "prompt_cache", "options": {"then": "cheapest"}},
    "mixed": {"kind": "blend", "options": {"of": {"ordered": 3, "cheapest": 1}}},
    "trial": {
        "kind": "experiment",
        "options": {
            "arms": {"ordered": 1, "cheapest": 1},
            "by": "user",
            "shadows": ["thrifty"],
        },
    },
}


def _models(up: Upstream) -> dict[str, Any]:
    def one(id: str, **more: Any) -> dict[str, Any]:
        return deployment(up, id, **more)

    return {
        "sla": {
            "strategy": "sla",
            "deployments": [
                one("slow", price=CHEAP),
                one("swift", price=MIDDLE),
                one("also", price=DEAR),
            ],
        },
        "usage": {
            "strategy": "usage",
            "deployments": [one("eats", tpm=10_000), one("idle", tpm=10_000)],
        },
        "thrifty": {
            "strategy": "thrifty",
            "deployments": [
                one("good", price=DEAR),
                one("fair", price=MIDDLE),
                one("poor", price=CHEAP),
            ],
        },
        "by-hand": {
            "strategy": "by-hand",
            "deployments": [
                one("plain"),
                one("code"),
                one("lawyer"),
                one("agent"),
                one("babel", model="openai/tongues"),
            ],
        },
        "about": {
            "strategy": "about",
            "deployments": [
                one("i-law"),  # of unknown price
                one("i-code", price=DEAR),
                one("i-plain", price=CHEAP),
            ],
        },
        "by-hand-alone": {"strategy": "by-hand", "deployments": [one("lonely")]},
        "sticky": {
            "strategy": "sticky",
            "deployments": [one(f"s{i}") for i in range(5)],
        },
        "follows": {
            "strategy": "follows",
            "deployments": [one(f"f{i}") for i in range(5)],
        },
        "warm": {
            "strategy": "warm",
            "deployments": [
                one("cold", price=CHEAP | {"input": 1.9}),
                one("cached", price=MIDDLE),
            ],
        },
        "mixed": {
            "strategy": "mixed",
            "deployments": [one("m1", price=DEAR), one("m2", price=CHEAP)],
        },
        "trial": {
            "strategy": "trial",
            "deployments": [one("t1", price=DEAR), one("t2", price=CHEAP)],
        },
        "bound": {
            "strategy": "ordered",
            "require": {"regions": ["eu"], "tier": "advanced", "max_cost": 0.01},
            "deployments": [
                one("nowhere", price=CHEAP),
                one("far", region="us-east-1", price=CHEAP),
                one("weak", region="eu-west-1", tier="fast", price=CHEAP),
                one("rich", region="eu-west-1", price={"input": 900, "output": 900}),
                one("unpriced", region="eu-west-1"),
                one("right", region="eu-central-1", price=CHEAP),
            ],
        },
        "nobody": {
            "require": {"regions": ["ap"]},
            "deployments": [one("europe", region="eu-west-1")],
        },
        "able": {
            "strategy": "ordered",
            "deployments": [
                one("blind", abilities=["function_calling"]),
                one("sees", abilities=["vision", "response_schema"]),
            ],
        },
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = {
        "models": _models(upstream),
        "routing": {"strategies": STRATEGIES},
        "demo": False,
    }
    with gateway(config, tmp_path_factory.mktemp("strategies"), env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def _ask(
    client: httpx.Client, model: str, text: str = "hi", **more: Any
) -> httpx.Response:
    headers = more.pop("headers", {})
    messages = more.pop("messages", [{"role": "user", "content": text}])
    asked = {"model": model, "messages": messages, **more}
    return client.post(CHAT, json=asked, headers=headers)


def _by(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-deployment"]


def _explained(client: httpx.Client, model: str, **more: Any) -> dict[str, Any]:
    headers = more.pop("headers", {})
    answer = client.post(EXPLAIN, json=call(model, **more), headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_cheapest_that_keeps_the_target_serves(client: httpx.Client) -> None:
    assert _by(_ask(client, "sla")) == "slow"  # the cheapest, not measured yet
    assert {_by(_ask(client, "sla")) for _ in range(4)} == {"swift"}
    told = _explained(client, "sla")
    assert "misses 0.2 s" in told["order"][-1]["reason"]
    assert "keeps 0.2 s" in told["order"][0]["reason"]


def test_usage_goes_where_most_room_is_left(client: httpx.Client) -> None:
    first = _by(_ask(client, "usage", max_tokens=10))
    assert first == "eats"
    assert _by(_ask(client, "usage", max_tokens=10)) == "idle"
    told = _explained(client, "usage")
    assert told["order"][0]["deployment"] == "idle"
    assert "% left" in told["order"][0]["reason"]


def test_cost_quality_takes_the_cheapest_that_is_good_enough(
    client: httpx.Client,
) -> None:
    assert _by(_ask(client, "thrifty")) == "fair"
    wish = {"x-routeiq-quality": "1.0"}
    assert _by(_ask(client, "thrifty", headers=wish)) == "good"
    wish = {"x-routeiq-quality": "0.1"}
    assert _by(_ask(client, "thrifty", headers=wish)) == "poor"
    told = _explained(client, "thrifty")
    assert [s["expected_quality"] for s in told["order"]] == [0.9, 0.95, 0.5]
    assert "under 0.665" in told["order"][2]["reason"]


@pytest.mark.parametrize(
    ("text", "headers", "messages", "serves"),
    [
        ("write some SQL please", {}, None, "code"),
        ("mysqld is down", {}, None, "plain"),
        ("hi", {"x-routeiq-tags": "eu, law, x"}, None, "lawyer"),
        ("hi", {"x-routeiq-tags": "law"}, None, "plain"),
        ("hi", {"user-agent": "Claude-CLI/2.1"}, None, "agent"),
        (
            "",
            {},
            [
                {"role": "system", "content": "You translate."},
                {"role": "user", "content": "bonjour"},
            ],
            "babel",
        ),
    ],
)
def test_the_first_rule_that_fits_decides(
    client: httpx.Client,
    text: str,
    headers: dict[str, str],
    messages: Any,
    serves: str,
) -> None:
    more = {"messages": messages} if messages else {}
    assert _by(_ask(client, "by-hand", text, headers=headers, **more)) == serves


def test_a_rule_holds_also_where_only_one_is_left(client: httpx.Client) -> None:
    agent = {"user-agent": "claude-cli"}
    for model, pin in (("by-hand", {"x-routeiq-pin": "plain"}), ("by-hand-alone", {})):
        assert _ask(client, model, headers=pin).status_code == 200
        refused = _ask(client, model, headers={**agent, **pin})
        assert refused.status_code == 400, refused.text
        assert "rule 3 is for others" in refused.json()["error"]["message"]


def test_a_rule_may_leave_nobody_else(client: httpx.Client) -> None:
    told = _explained(client, "by-hand", headers={"user-agent": "claude-cli"})
    assert [s["deployment"] for s in told["order"]] == ["agent"]
    assert {r["by"] for r in told["removed"]} == {"strategy: rule 3 is for others"}


@pytest.mark.parametrize(
    ("text", "serves", "reason"),
    [
        ("Can you fix a bug in my Python script?", "i-code", "intent code, "),
        ("What rights do I have as a tenant?", "i-law", "intent law, "),
        ("Who was the first president?", "i-plain", "no intent, 0.00; "),
        ("", "i-plain", "no intent, 0.00; "),
    ],
)
def test_what_a_prompt_is_about_decides(
    client: httpx.Client, text: str, serves: str, reason: str
) -> None:
    assert _by(_ask(client, "about", text)) == serves
    messages = [{"role": "user", "content": text}]
    told = _explained(client, "about", messages=messages)
    assert told["order"][0]["deployment"] == serves
    assert told["order"][0]["reason"].startswith(reason)
    if serves == "i-law":
        assert [s["deployment"] for s in told["order"]] == ["i-law"]
        assert told["removed"][0]["by"].startswith("strategy: intent law, ")


@pytest.mark.parametrize("model", ["sticky", "follows"])
def test_a_conversation_keeps_its_deployment(client: httpx.Client, model: str) -> None:
    homes = Counter[str]()
    for talk in range(12):
        messages: list[dict[str, str]] = []
        served = set()
        for turn in range(4):
            messages.append({"role": "user", "content": f"talk {talk} turn {turn}"})
            served.add(_by(_ask(client, model, messages=messages)))
            messages.append({"role": "assistant", "content": "hello"})
        assert len(served) == 1
        homes.update(served)
    assert len(homes) > 1  # and not all in one place


def test_a_conversation_may_have_a_name(client: httpx.Client) -> None:
    def served(name: str) -> set[str]:
        wish = {"x-routeiq-conversation": name}
        return {
            _by(_ask(client, "sticky", f"{name} {i}", headers=wish)) for i in range(5)
        }

    assert all(len(served(name)) == 1 for name in ("a", "b", "c"))


def test_a_prompt_goes_where_its_beginning_is_cached(client: httpx.Client) -> None:
    long = "a long story " * 800
    assert _by(_ask(client, "warm", long)) == "cold"  # the cheaper one
    told = _explained(client, "warm", messages=[{"role": "user", "content": long}])
    assert told["order"][0]["deployment"] == "cold"
    wish = {"x-routeiq-pin": "cached"}
    assert _by(_ask(client, "warm", long, headers=wish)) == "cached"
    told = _explained(client, "warm", messages=[{"role": "user", "content": long}])
    assert told["order"][0]["reason"] == "the prompt's beginning is cached here"
    assert _by(_ask(client, "warm", long)) == "cached"
    assert _by(_ask(client, "warm", "short")) == "cold"


def test_a_blend_counts_each(client: httpx.Client) -> None:
    assert _by(_ask(client, "mixed")) == "m1"
    reason = _explained(client, "mixed")["order"][0]["reason"]
    assert reason.startswith("0.750 = ")
    assert set(reason[8:].split(", ")) == {"ordered 1.00", "cheapest 0.00"}


def test_an_experiment_gives_every_user_an_arm_for_good(
    client: httpx.Client, running: Running
) -> None:
    arms: dict[str, set[str]] = {}
    seen = set()
    for user in "abcdefghij" * 2:
        answer = _ask(client, "trial", user=user)
        arms.setdefault(user, set()).add(_by(answer))
        plan = running.record(answer.headers["x-routeiq-id"])["plan"]
        seen.add(plan["arm"])
        assert plan["shadows"][0]["strategy"] == "thrifty"
    assert seen == {"ordered", "cheapest"}
    assert all(len(served) == 1 for served in arms.values())
    assert {s for served in arms.values() for s in served} == {"t1", "t2"}
    told = _explained(client, "trial", user="a")
    served = next(iter(arms["a"]))
    assert told["arm"] == {"t1": "ordered", "t2": "cheapest"}[served]
    assert told["shadows"][0]["strategy"] == "thrifty"


def test_what_a_model_requires_takes_the_others_out(client: httpx.Client) -> None:
    assert _by(_ask(client, "bound")) == "right"
    removed = {r["deployment"]: r["by"] for r in _explained(client, "bound")["removed"]}
    assert removed == {
        "nowhere": "region",
        "far": "region",
        "weak": "tier",
        "rich": "price",
        "unpriced": "price",
    }
    # A client may narrow it, never widen it.
    refused = _ask(client, "bound", headers={"x-routeiq-region": "us"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "no_deployment_allowed"
    wide = {"x-routeiq-max-cost": "100", "x-routeiq-min-tier": "fast"}
    assert _by(_ask(client, "bound", headers=wide)) == "right"


def test_a_region_that_nobody_is_in_is_refused_and_nothing_sent(
    client: httpx.Client, upstream: Upstream
) -> None:
    before = len(upstream.requests)
    refused = _ask(client, "nobody")
    assert refused.status_code == 400
    assert "region" in refused.json()["error"]["message"]
    assert len(upstream.requests) == before


def test_who_cannot_see_is_not_shown_a_picture(client: httpx.Client) -> None:
    picture = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
    }
    assert _by(_ask(client, "able")) == "blind"
    seen = [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}]
    assert _by(_ask(client, "able", messages=seen)) == "sees"
    told = _explained(client, "able", messages=seen)
    assert told["removed"] == [
        {
            "deployment": "blind",
            "model": told["removed"][0]["model"],
            "by": "ability:vision",
        }
    ]


PIXEL = "iVBORw0KGgo="
FORM = {"type": "object", "properties": {"a": {"type": "string"}}}
NEEDS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages-image": (
        "/v1/messages",
        {
            "max_tokens": 9,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image",
                            "source": {
                                "type": "base64",
                                "media_type": "image/png",
                                "data": PIXEL,
                            },
                        }
                    ],
                }
            ],
        },
    ),
    "responses-image": (
        "/v1/responses",
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "input_image",
                            "image_url": f"data:image/png;base64,{PIXEL}",
                        }
                    ],
                }
            ]
        },
    ),
    "gemini-image": (
        "/v1beta/models/able:generateContent",
        {
            "contents": [
                {
                    "role": "user",
                    "parts": [{"inlineData": {"mimeType": "image/png", "data": PIXEL}}],
                }
            ]
        },
    ),
    "chat-schema": (
        CHAT,
        call(
            "able",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "f", "schema": FORM},
            },
        ),
    ),
    "gemini-json": (
        "/v1beta/models/able:generateContent",
        {
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "generationConfig": {"responseMimeType": "application/json"},
        },
    ),
    "responses-schema": (
        "/v1/responses",
        {
            "input": "hi",
            "text": {"format": {"type": "json_schema", "name": "f", "schema": FORM}},
        },
    ),
}
"""Bodies in several dialects that ask for what only the second can do."""


@pytest.mark.parametrize("name", NEEDS)
def test_who_can_do_it_is_asked_in_every_dialect(
    client: httpx.Client, name: str
) -> None:
    path, asked = NEEDS[name]
    answer = client.post(path, json={"model": "able", **asked})
    assert _by(answer) == "sees"


def test_a_client_names_strategy_and_deployment(client: httpx.Client) -> None:
    assert (
        _by(_ask(client, "mixed", headers={"x-routeiq-strategy": "cheapest"})) == "m2"
    )
    assert _by(_ask(client, "mixed", headers={"x-routeiq-pin": "m2"})) == "m2"
    # The same in the metadata; a header goes before.
    said = {"routeiq_pin": "m2"}
    assert _by(_ask(client, "mixed", metadata=said)) == "m2"
    header = {"x-routeiq-pin": "m1"}
    assert _by(_ask(client, "mixed", metadata=said, headers=header)) == "m1"


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        ("x-routeiq-strategy", "nonesuch", "no strategy"),
        ("x-routeiq-quality", "2", "from 0 to 1"),
        ("x-routeiq-max-cost", "-1", "US dollars"),
        ("x-routeiq-min-tier", "genius", "fast, advanced, expert"),
        ("x-routeiq-dry-run", "perhaps", "true or false"),
        ("x-routeiq-tags", "x" * 600, "512"),
    ],
)
def test_a_wish_that_is_none_is_refused(
    client: httpx.Client, header: str, value: str, says: str
) -> None:
    refused = _ask(client, "mixed", headers={header: value})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert says in error["message"]
    assert error["param"] == header


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (CHAT, call("mixed")),
        ("/v1/messages", call("mixed", max_tokens=9)),
        ("/v1/responses", {"model": "mixed", "input": "hi"}),
        (
            "/v1beta/models/mixed:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        ),
    ],
)
def test_a_dry_run_sends_nothing_in_any_dialect(
    client: httpx.Client, upstream: Upstream, path: str, asked: dict[str, Any]
) -> None:
    before = len(upstream.requests)
    told = client.post(path, json=asked, headers={"x-routeiq-dry-run": "true"})
    assert told.status_code == 200, told.text
    assert told.json()["object"] == "routing.decision"
    assert [s["deployment"] for s in told.json()["order"]] == ["m1", "m2"]
    assert len(upstream.requests) == before


def test_the_explanation_shows_the_shape_of_a_prompt_and_none_of_its_words(
    client: httpx.Client,
) -> None:
    told = _explained(
        client, "by-hand", messages=[{"role": "user", "content": "hush-hush"}]
    )
    assert told["prompt"]["text"] == len("hush-hush")
    assert "hush" not in json.dumps(told)
    assert told["object"] == "routing.decision"
    assert all(0 <= s["propensity"] <= 1 for s in told["order"])


@pytest.mark.parametrize(
    ("dialect", "asked"),
    [
        ("messages", call("mixed", max_tokens=5)),
        ("responses", {"model": "mixed", "input": "hi"}),
        ("embeddings", {"model": "mixed", "input": "hi"}),
    ],
)
def test_a_body_of_any_dialect_is_explained(
    client: httpx.Client, dialect: str, asked: dict[str, Any]
) -> None:
    told = client.post(f"{EXPLAIN}?dialect={dialect}", json=asked)
    assert told.status_code == 200, told.text
    assert told.json()["model"] == "mixed"
    wrong = client.post(f"{EXPLAIN}?dialect=latin", json=asked)
    assert wrong.status_code == 400
