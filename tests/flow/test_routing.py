"""Which deployment serves, seen from outside: strategies, tiers, limits, wildcards."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, body, call, deployment, usage, whole
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, pause, tell, wait_for

CHEAP = {"input": 0.1, "output": 0.4}
DEAR = {"input": 10, "output": 40}
LONG = "a long prompt " * 100


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
        up.on(place("slow"), pause(0.15) + whole())
        up.on(place("held"), wait_for(gate) + whole())
        up.on(place("ill"), tell(500, {"error": {"message": "ill"}}))
        up.on(place("counted"), tell(200, body(usage=usage(20, 10))))
        up.on(place("names"), _named)
        yield up


def _named(request: Request) -> Script:
    return whole(str(request.json()["model"]))


def _models(up: Upstream) -> dict[str, Any]:
    def one(place: str, **more: Any) -> dict[str, Any]:
        return deployment(up, place, **more)

    return {
        "shares": {"deployments": [one("w3", weight=3), one("w1", weight=1)]},
        "weightless": {"deployments": [one("all"), one("none", weight=0)]},
        "in-order": {"strategy": "ordered", "deployments": [one("o1"), one("o2")]},
        "busy": {"strategy": "least_busy", "deployments": [one("held1"), one("held2")]},
        "quick": {"strategy": "latency", "deployments": [one("slow"), one("swift")]},
        "cheap": {
            "strategy": "cheapest",
            "deployments": [
                one("unknown"),
                one("dear", price=DEAR),
                one("cheap", price=CHEAP),
            ],
        },
        "tiers": {
            "deployments": [
                *(one("second", order=2), one("ill1", order=1)),
                *(one("ill2", order=1), one("third", order=3)),
            ]
        },
        "tier-two-rests": {
            "deployments": [one("rests", order=2, weight=100), one("works", order=1)]
        },
        "rpm": {"strategy": "ordered", "deployments": [one("r2", rpm=2), one("spare")]},
        "rpm-alone": {"deployments": [one("alone", rpm=2)]},
        "tpm": {
            "strategy": "ordered",
            "deployments": [one("counted", tpm=50), one("spare2")],
        },
        "parallel": {
            "strategy": "ordered",
            "deployments": [one("held3", max_parallel=2), one("spare3")],
        },
        "parallel-alone": {"deployments": [one("held4", max_parallel=1)]},
        "window": {
            "strategy": "ordered",
            "deployments": [
                one("small", max_input_tokens=50),
                one("large", max_input_tokens=5000),
            ],
        },
        "names-*": {"deployments": [one("names", model="openai/model-*")]},
        "names-exact": {"deployments": [one("names1", model="openai/its-own")]},
        "names-long-*": {"deployments": [one("names2", model="openai/longer-*")]},
    }


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = {"models": _models(upstream), "demo": False}
    with gateway(config, tmp_path_factory.mktemp("routing"), env=ENV) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, **PATIENT) as client:
        yield client


def _served(client: httpx.Client, model: str, count: int = 1) -> list[str]:
    """Which deployments served `count` calls, one after the other."""
    return [_by(client.post(CHAT, json=call(model))) for _ in range(count)]


def _by(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-routeiq-deployment"]


def _plan(running: Running, answer: httpx.Response) -> dict[str, Any]:
    plan: dict[str, Any] = running.record(answer.headers["x-routeiq-id"])["plan"]
    return plan


def _order(plan: dict[str, Any]) -> list[str]:
    return [step["candidate"] for step in plan["order"]]


# --- strategies ----------------------------------------------------------------------


def test_weights_are_shares_of_the_traffic(
    running: Running, client: httpx.Client
) -> None:
    served = Counter(_served(client, "shares", 240))
    assert set(served) == {"w3", "w1"}
    assert 0.62 < served["w3"] / 240 < 0.88  # 0.75, four standard deviations
    plan = _plan(running, client.post(CHAT, json=call("shares")))
    assert plan["strategy"] == "weighted"
    chances = {s["candidate"]: s["propensity"] for s in plan["order"]}
    assert chances == {"w3": 0.75, "w1": 0.25}
    assert all(step["reason"] for step in plan["order"])


def test_no_weight_is_no_traffic(client: httpx.Client) -> None:
    assert set(_served(client, "weightless", 40)) == {"all"}


def test_ordered_asks_the_first_that_is_well(
    running: Running, client: httpx.Client
) -> None:
    assert set(_served(client, "in-order", 10)) == {"o1"}
    plan = _plan(running, client.post(CHAT, json=call("in-order")))
    assert plan["strategy"] == "ordered"
    assert _order(plan) == ["o1", "o2"]
    assert [step["propensity"] for step in plan["order"]] == [1.0, 0.0]


def test_the_least_busy_gets_the_next_one(
    running: Running, upstream: Upstream, gate: threading.Event
) -> None:
    gate.clear()

    def waiting() -> int:
        return sum(1 for r in upstream.requests if r.path.startswith("/held"))

    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(running.post, CHAT, call("busy", user=f"u{i}"))
            for i in range(8)
        ]
        reached = upstream.until(lambda: waiting() == 8, 10)
        gate.set()
        served = Counter(_by(future.result()) for future in asked)
    assert reached
    assert served == {"held1": 4, "held2": 4}
    record = running.record(asked[-1].result().headers["x-routeiq-id"])
    assert "in flight" in record["plan"]["order"][0]["reason"]


def test_latency_prefers_the_faster(running: Running, client: httpx.Client) -> None:
    served = _served(client, "quick", 14)
    assert served.count("slow") <= 2, "each is measured, then the faster serves"
    plan = _plan(running, client.post(CHAT, json=call("quick")))
    assert _order(plan)[0] == "swift"
    assert " ms, 0 in flight" in plan["order"][0]["reason"]


def test_cheapest_goes_by_price_and_an_unknown_one_is_last(
    running: Running, client: httpx.Client
) -> None:
    assert set(_served(client, "cheap", 5)) == {"cheap"}
    plan = _plan(running, client.post(CHAT, json=call("cheap")))
    assert _order(plan) == ["cheap", "dear", "unknown"]
    reasons = [step["reason"] for step in plan["order"]]
    assert reasons[0].startswith("$")
    assert reasons[2] == "price unknown"


# --- tiers and limits ----------------------------------------------------------------


def test_the_next_tier_serves_when_all_of_one_are_out(
    running: Running, client: httpx.Client
) -> None:
    answer = client.post(CHAT, json=call("tiers"))
    assert _by(answer) == "second"
    assert answer.headers["x-routeiq-attempts"] == "3"
    record = running.record(answer.headers["x-routeiq-id"])
    tried = [a["deployment"] for a in record["attempts"]]
    assert sorted(tried[:2]) == ["ill1", "ill2"]
    assert tried[2] == "second"
    assert _order(record["plan"])[2:] == ["second", "third"]


def test_a_lower_tier_rests_while_the_first_is_well(client: httpx.Client) -> None:
    assert set(_served(client, "tier-two-rests", 20)) == {"works"}


def test_requests_a_minute_are_kept_to(running: Running, client: httpx.Client) -> None:
    assert _served(client, "rpm", 4) == ["r2", "r2", "spare", "spare"]
    plan = _plan(running, client.post(CHAT, json=call("rpm")))
    assert plan["removed"] == [{"candidate": "r2", "by": "rate"}]


def test_who_has_used_up_the_minute_is_told_when_to_come_back(
    client: httpx.Client,
) -> None:
    _served(client, "rpm-alone", 2)
    answer = client.post(CHAT, json=call("rpm-alone"))
    assert answer.status_code == 429
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert 0 < int(answer.headers["retry-after-ms"]) <= 60_000


def test_tokens_a_minute_are_kept_to(client: httpx.Client) -> None:
    # 30 tokens a call; the second one starts below 50, the third does not.
    assert _served(client, "tpm", 4) == ["counted", "counted", "spare2", "spare2"]


def test_no_more_at_once_than_allowed(
    running: Running, upstream: Upstream, gate: threading.Event
) -> None:
    gate.clear()

    def held() -> int:
        return sum(1 for r in upstream.requests if r.path.startswith("/held3"))

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(running.post, CHAT, call("parallel")) for _ in range(2)]
        assert upstream.until(lambda: held() == 2, 10)
        third = running.post(CHAT, call("parallel"))
        gate.set()
        assert [_by(future.result()) for future in asked] == ["held3", "held3"]
    assert _by(third) == "spare3"
    plan = _plan(running, third)
    assert plan["removed"] == [{"candidate": "held3", "by": "busy"}]
    assert _by(running.post(CHAT, call("parallel"))) == "held3"


def test_when_all_are_busy_the_client_is_told_to_come_again(
    running: Running, upstream: Upstream, gate: threading.Event
) -> None:
    gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(running.post, CHAT, call("parallel-alone"))
        assert upstream.until(
            lambda: any(r.path.startswith("/held4") for r in upstream.requests), 10
        )
        answer = running.post(CHAT, call("parallel-alone"))
        gate.set()
        assert _by(first.result()) == "held4"
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "no_deployment_available"
    assert int(answer.headers["retry-after"]) >= 1


def test_a_prompt_goes_where_it_fits(running: Running, client: httpx.Client) -> None:
    assert set(_served(client, "window", 3)) == {"small"}
    asked = call("window")
    asked["messages"] = [{"role": "user", "content": LONG}]
    answer = client.post(CHAT, json=asked)
    assert _by(answer) == "large"
    removed = _plan(running, answer)["removed"]
    assert removed == [{"candidate": "small", "by": "context_window"}]


def test_a_prompt_that_fits_nowhere_is_told_so(client: httpx.Client) -> None:
    asked = call("window")
    asked["messages"] = [{"role": "user", "content": LONG * 80}]
    answer = client.post(CHAT, json=asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"


# --- wildcards -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("names-x", "model-x"),
        ("names-a/b:c", "model-a/b:c"),
        ("names-exact", "its-own"),
        ("names-long-y", "longer-y"),
    ],
)
def test_a_wildcard_hands_on_what_it_stood_for(
    client: httpx.Client, model: str, sent: str
) -> None:
    answer = client.post(CHAT, json=call(model))
    assert answer.json()["choices"][0]["message"]["content"] == sent


@pytest.mark.parametrize(
    "model",
    ["names-", "names-*", "Names-x", "xnames-x", "rp?", "names-" + "x" * 300],
)
def test_what_no_pattern_covers_is_not_found(client: httpx.Client, model: str) -> None:
    assert client.post(CHAT, json=call(model)).status_code == 404
