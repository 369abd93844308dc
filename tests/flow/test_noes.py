"""A rule that lets nobody else serve holds also below other strategies, and where only
one deployment is left."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, call, deployment, whole
from tests.harness.clients import PATIENT
from tests.harness.gateway import gateway
from tests.harness.upstream import Upstream

OVER: dict[str, tuple[str, dict[str, Any]]] = {
    "affinity": ("affinity", {"first": "firm"}),
    "prompt-cache": ("prompt_cache", {"then": "firm"}),
    "rules": ("rules", {"rules": [{"use": ["open-*"]}], "then": "firm"}),
    "intent": (
        "intent",
        {"intents": {"a": {"phrases": ["hi"], "use": ["open-*"]}}, "then": "firm"},
    ),
    "blend": ("blend", {"of": {"cheapest": 1, "firm": 1}}),
    "cost-quality": ("cost_quality", {"of": "firm"}),
    "floor-of": ("floor", {"of": "firm"}),
    "floor-then": ("floor", {"of": "cheapest", "then": "firm"}),
    "experiment": ("experiment", {"arms": {"firm": 1}}),
    "explore": ("explore", {"of": "firm", "share": 1}),
    "personalised": ("personalised", {"then": "firm"}),
    "external": ("external", {"url": "http://127.0.0.1:9/", "then": "firm"}),
    "gbdt": ("gbdt", {"artifact": "nowhere", "otherwise": "firm"}),
    "cascade": ("cascade", {"then": "firm"}),
    "router-r1": ("router_r1", {"then": "firm", "thinker": "thinks"}),
    "agentic": ("agentic", {"then": "firm", "planner": "thinks"}),
    "twice": ("explore", {"of": "blend"}),
    "no-intent": (
        "intent",
        {"intents": {"a": {"phrases": ["hi"], "use": ["b*"], "only": True}}},
    ),
}
"""Name -> kind and options; all but the last over `firm`."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    firm = {"tags": ["secret"], "use": ["bunker"], "only": True}
    strategies = {name: {"kind": k, "options": o} for name, (k, o) in OVER.items()}
    strategies["firm"] = {"kind": "rules", "options": {"rules": [firm]}}
    with Upstream() as up:
        up.on(None, whole())
        price = {"input": 1, "output": 1}
        models: dict[str, Any] = {
            name: {
                "strategy": name,
                "deployments": [deployment(up, f"open-{name}", price=price)],
            }
            for name in OVER
        }
        models["thinks"] = {"deployments": [deployment(up, "thinker")]}
        config = {"models": models, "routing": {"strategies": strategies}}
        at = tmp_path_factory.mktemp("noes")
        with (
            gateway(config, at, env=ENV) as running,
            httpx.Client(base_url=running.url, **PATIENT) as client,
        ):
            yield client


@pytest.mark.parametrize("name", OVER)
def test_a_no_holds_below_every_kind(client: httpx.Client, name: str) -> None:
    text = "hi" if name == "no-intent" else "hello there"
    asked = call(name, messages=[{"role": "user", "content": text}])
    if name != "no-intent":
        answer = client.post(CHAT, json=asked)
        assert answer.status_code == 200, answer.text
    refused = client.post(CHAT, json=asked, headers={"x-routeiq-tags": "secret"})
    assert refused.status_code == 400, refused.text
    why = refused.json()["error"]["message"]
    assert "is for others" in why, why
