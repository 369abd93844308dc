"""Strategies that learn while they serve, seen from outside: who serves before and
after, what a restart and another worker know, who may teach and change."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flow.provider import CHAT, ENV, call, deployment, whole
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.keys import mint
from tests.harness.upstream import Upstream, pause

MASTER = "sk-master-0123456789"
BOSS = {"authorization": f"Bearer {MASTER}"}
SECRETS = ENV | {"MASTER": MASTER}
FEEDBACK = "/v1/feedback"
STRATEGIES = "/v1/routing/strategies"
BY_SCORES = {"reward": {"quality": 1, "price": 0, "latency": 0}}
CHEAP = {"input": 0.1, "output": 0.4}
DEAR = {"input": 10, "output": 40}

KINDS: dict[str, Any] = {
    "tries": {"kind": "thompson", "options": BY_SCORES},
    "leans": {"kind": "softmax", "options": BY_SCORES},
    "fits": {"kind": "linucb", "options": BY_SCORES | {"alpha": 0.3}},
    "rated": {"kind": "elo", "options": {"k": 100}},
    "knows": {"kind": "personalised", "options": {"then": "ordered"}},
    "slice": {"kind": "explore", "options": {"of": "ordered", "share": 0.4}},
    "frugal": {
        "kind": "softmax",
        "options": {"reward": {"quality": 0, "price": 1, "latency": 0}},
    },
    "hasty": {
        "kind": "softmax",
        "options": {"reward": {"quality": 0, "price": 0, "latency": 1}},
    },
    "trial": {
        "kind": "experiment",
        "options": {"arms": {"ordered": 1, "cheapest": 0}, "by": "request"},
    },
}


def _config(up: Upstream, **more: Any) -> dict[str, Any]:
    models = {
        name: {
            "strategy": name,
            "deployments": [
                deployment(up, f"{name}-{place}", model=f"openai/{place}", price=price)
                for place, price in (("a", DEAR), ("b", CHEAP))
            ],
        }
        for name in KINDS
    }
    models["hasty"]["deployments"] = [
        deployment(up, "slow-a"),
        deployment(up, "hasty-b"),
    ]
    learning = {
        "sync_s": 0.2,
        "full_scores": 6,
        "feedback_days": 1,
        **more.pop("learning", {}),
    }
    return {
        "models": models,
        "routing": {"strategies": KINDS, "learning": learning},
        "keys": {"master": "env:MASTER"},
        "demo": False,
        **more,
    }


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, whole())
        up.on(lambda r: r.path.startswith("/slow"), pause(0.3) + whole())
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("learning")
    with gateway(_config(upstream), folder, env=SECRETS) as running:
        yield running


class Client:
    """Who asks, and says what they think of the answer."""

    def __init__(self, running: Running, http: httpx.Client, key: str = MASTER) -> None:
        self._url = running.url
        self._http = http
        self._bearer = {"authorization": f"Bearer {key}"}

    def ask(self, model: str, **more: Any) -> tuple[str, str]:
        """Who served (`a` or `b`), and the exchange's id."""
        headers = self._bearer | more.pop("headers", {})
        asked = call(model, **more)
        answer = self._http.post(self._url + CHAT, json=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        served = answer.headers["x-routeiq-deployment"]
        return served.rpartition("-")[2], answer.headers["x-routeiq-id"]

    def say(self, id: str, score: float, **more: Any) -> httpx.Response:
        said = {"id": id, "score": score, **more}
        return self._http.post(self._url + FEEDBACK, json=said, headers=self._bearer)

    def live(
        self, model: str, rounds: int, like: Callable[[str], float], **more: Any
    ) -> Counter[str]:
        """Ask and score; who served how often."""
        served = Counter[str]()
        for _ in range(rounds):
            who, id = self.ask(model, **more)
            served[who] += 1
            assert self.say(id, like(who)).status_code == 201
        return served


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(**PATIENT) as client:
        yield client


@pytest.fixture(scope="module")
def boss(running: Running, http: httpx.Client) -> Client:
    return Client(running, http)


def _likes_b(who: str) -> float:
    return float(who == "b")


@pytest.mark.parametrize("model", ["tries", "leans", "fits"])
def test_scores_turn_the_traffic(boss: Client, model: str) -> None:
    boss.live(model, 40, _likes_b)
    served = Counter(boss.ask(model)[0] for _ in range(20))
    assert served["b"] >= 15


def test_the_recorded_odds_never_fall_under_the_floor(
    running: Running, boss: Client
) -> None:
    for model in ("leans", "slice"):
        for _ in range(10):
            _, id = boss.ask(model)
            steps = running.record(id)["plan"]["order"]
            assert sum(s["propensity"] for s in steps) == pytest.approx(1.0)
            assert min(s["propensity"] for s in steps) >= 0.02


def test_a_rating_follows_scores(boss: Client) -> None:
    assert boss.ask("rated")[0] == "a"
    boss.live("rated", 3, lambda _: 0.0)
    assert boss.ask("rated")[0] == "b"


def test_a_part_of_the_traffic_explores_and_its_odds_are_recorded(
    running: Running, boss: Client
) -> None:
    served = Counter[str]()
    for _ in range(60):
        who, id = boss.ask("slice")
        served[who] += 1
    # ordered, but four in ten go to anyone: a serves 80 %.
    assert 30 <= served["a"] < 60
    steps = running.record(id)["plan"]["order"]
    odds = {s["candidate"][-1]: s["propensity"] for s in steps}
    assert odds == {"a": pytest.approx(0.8), "b": pytest.approx(0.2)}


def test_costs_and_times_are_learned_without_anybody_saying(boss: Client) -> None:
    assert Counter(boss.ask("frugal")[0] for _ in range(20))["b"] >= 15
    for _ in range(6):
        boss.ask("hasty")
    assert Counter(boss.ask("hasty")[0] for _ in range(20))["b"] >= 13


def test_every_user_has_a_taste_and_may_be_forgotten(
    running: Running, boss: Client
) -> None:
    pinned = {"x-routeiq-pin": "knows-b"}
    boss.live("knows", 4, lambda _: 1.0, user="ann", headers=pinned)
    boss.live("knows", 4, lambda _: 0.0, user="bob", headers=pinned)
    assert boss.ask("knows", user="ann")[0] == "b"
    assert boss.ask("knows", user="bob")[0] == "a"
    assert boss.ask("knows", user="cy")[0] == "a"
    path = f"{STRATEGIES}/knows/subjects"
    assert httpx.delete(running.url + path, headers=BOSS).status_code == 400
    whom = "?key=master&user=ann"
    gone = httpx.delete(running.url + path + whom, headers=BOSS, **PATIENT)
    assert gone.status_code == 204
    assert boss.ask("knows", user="ann")[0] == "a"
    told = running.get(f"{STRATEGIES}/knows", headers=BOSS).json()
    assert told["subjects"] == 1


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("tries", "reward 0."),
        ("leans", "first in"),
        ("fits", "bound 0."),
        ("rated", "rating 1"),
        ("knows", "liked"),
    ],
)
def test_the_explanation_says_what_was_learned(
    running: Running, boss: Client, model: str, word: str
) -> None:
    boss.live(model, 1, _likes_b, user="dan")
    path = "/v1/routing/explain"
    told = running.post(path, call(model, user="dan"), headers=BOSS).json()
    assert told["strategy"] == model
    assert all(word in step["reason"] for step in told["order"])


def test_a_linear_model_learns_what_was_asked_not_only_who_answered(
    running: Running, boss: Client
) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    who, id = boss.ask("fits", tools=[tool])
    assert boss.say(id, 1.0).json()["weight"] == 1.0
    told = running.get(f"{STRATEGIES}/fits", headers=BOSS).json()["learned"]
    model = {one["deployment"]: one["model"] for one in told}[f"fits-{who}"]
    assert model["tools"] != 0.0
    assert model["json"] == 0.0


def test_an_answer_teaches_once(running: Running, boss: Client) -> None:
    _, id = boss.ask("leans")
    first = boss.say(id, 1.0)
    assert (first.status_code, first.json()["weight"]) == (201, 1.0)
    again = boss.say(id, 0.0)
    assert (again.status_code, again.json()["weight"]) == (200, 0.0)
    other = boss.say(id, 0.0, name="style")
    assert (other.status_code, other.json()["weight"]) == (201, 0.0)


def test_a_key_scores_its_own_answers_only(
    running: Running, boss: Client, http: httpx.Client
) -> None:
    mine, theirs = (Client(running, http, mint(running, n)) for n in ("mine", "theirs"))
    _, id = mine.ask("tries")
    refused = theirs.say(id, 0.0)
    assert refused.status_code == 404
    assert "no answer of that id" in refused.json()["error"]["message"]
    assert mine.say(id, 1.0).json()["weight"] == 1.0
    _, id = mine.ask("tries")
    assert boss.say(id, 1.0).status_code == 201  # who runs it may


@pytest.mark.parametrize(
    ("shift_s", "word"), [(3600, "not come yet"), (-200 * 86_400, "older than 90")]
)
def test_ids_of_other_times_are_refused(
    boss: Client, shift_s: float, word: str
) -> None:
    made = int((time.time() + shift_s) * 1000)
    refused = boss.say(f"req_{made:012x}{7:016x}", 1.0)
    assert refused.status_code == 400
    assert word in refused.json()["error"]["message"]


def test_one_poisoned_key_does_not_turn_what_others_say(
    running: Running, http: httpx.Client
) -> None:
    honest = [Client(running, http, mint(running, f"honest-{i}")) for i in range(4)]
    poisoned = Client(running, http, mint(running, "poisoned"))
    weights = [0.0]
    for _ in range(12):
        for one in honest:
            one.live("tries", 1, _likes_b)
    for _ in range(80):
        who, id = poisoned.ask("tries")
        weights.append(poisoned.say(id, 1.0 - _likes_b(who)).json()["weight"])
    assert weights[1] == 1.0
    assert weights[-1] < 0.1
    # Never more than twice what it may say: six, or a quarter of all others.
    assert sum(weights) < 2 * max(6, 0.25 * 4 * 12)
    assert Counter(honest[0].ask("tries")[0] for _ in range(20))["b"] >= 14


def test_what_was_learned_outlives_the_process(
    upstream: Upstream, tmp_path: Path, http: httpx.Client
) -> None:
    config = _config(upstream)
    with gateway(config, tmp_path, env=SECRETS) as running:
        client = Client(running, http)
        client.live("rated", 3, lambda _: 0.0)
        assert client.ask("rated")[0] == "b"
        _, late = client.ask("rated")
        changed = httpx.patch(
            f"{running.url}{STRATEGIES}/trial",
            json={"arms": {"cheapest": 1}},
            headers=BOSS,
            **PATIENT,
        )
        assert changed.status_code == 200, changed.text
    with gateway(config, tmp_path, env=SECRETS) as running:
        client = Client(running, http)
        assert client.ask("rated")[0] == "b"
        assert client.ask("trial")[0] == "b"
        # The score of an answer of the process before.
        assert client.say(late, 1.0).json()["weight"] == 1.0
        told = running.get(f"{STRATEGIES}/rated", headers=BOSS).json()
        scores = sum(one["scores"] for one in told["learned"])
        assert scores == pytest.approx(4.0, abs=0.01)
    other = {"kind": "experiment", "options": {"arms": {"ordered": 1}}}
    config["routing"] |= {"strategies": KINDS | {"trial": other}}
    with gateway(config, tmp_path, env=SECRETS) as running:
        # Other shares are configured: what was changed before is over.
        assert Client(running, http).ask("trial")[0] == "a"


def test_workers_learn_as_one(upstream: Upstream, tmp_path: Path) -> None:
    config = _config(upstream)
    args = ("--workers", "2")
    with gateway(config, tmp_path, env=SECRETS, args=args) as running:
        for _ in range(12):  # on a new connection each, so that both are asked
            with httpx.Client(**PATIENT) as one:
                _, id = Client(running, one).ask("rated")
            time.sleep(0.2)
            with httpx.Client(**PATIENT) as other:
                assert Client(running, other).say(id, 0.0).json()["weight"] == 1.0
        deadline = time.monotonic() + 20
        while True:
            told = [
                running.get(f"{STRATEGIES}/rated", headers=BOSS).json()["learned"]
                for _ in range(10)
            ]
            if told[0] and all(one == told[0] for one in told):
                break
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        patch_url = f"{running.url}{STRATEGIES}/trial"
        arms = {"arms": {"cheapest": 1}}
        changed = httpx.patch(patch_url, json=arms, headers=BOSS, **PATIENT)
        assert changed.status_code == 200
        while True:  # whoever took it, the other follows
            served = set()
            for _ in range(8):
                with httpx.Client(**PATIENT) as one:
                    served.add(Client(running, one).ask("trial")[0])
            if served == {"b"}:
                break
            assert time.monotonic() < deadline, served


def test_an_experiment_is_changed_while_it_runs(running: Running, boss: Client) -> None:
    assert boss.ask("trial")[0] == "a"
    told = running.get(f"{STRATEGIES}/trial", headers=BOSS).json()
    assert told["kind"] == "experiment"
    assert told["models"] == ["trial"]
    assert told["arms"] == {"ordered": 1.0, "cheapest": 0.0}

    def patch(arms: Any, headers: Any = BOSS) -> httpx.Response:
        return httpx.patch(
            f"{running.url}{STRATEGIES}/trial",
            json={"arms": arms},
            headers=headers,
            **PATIENT,
        )

    assert patch({"cheapest": 5}).json()["arms"] == {"ordered": 0.0, "cheapest": 5.0}
    assert {boss.ask("trial")[0] for _ in range(5)} == {"b"}
    for wrong in (
        {"nobody": 1},
        {"ordered": 0},
        {"ordered": -1},
        "x",
        {"ordered": "1"},
    ):
        refused = patch(wrong)
        assert refused.status_code == 400, refused.text
    assert {boss.ask("trial")[0] for _ in range(5)} == {"b"}
    key = {"authorization": f"Bearer {mint(running, 'member')}"}
    assert patch({"ordered": 1}, key).status_code == 403
    for path in (STRATEGIES, f"{STRATEGIES}/trial"):
        refused = running.get(path, headers=key)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "master_key_required"
    assert patch({"ordered": 1}).status_code == 200
    assert boss.ask("trial")[0] == "a"


def test_strategies_are_listed_with_what_they_learned(
    running: Running, boss: Client
) -> None:
    boss.live("leans", 1, _likes_b)
    listed = running.get(STRATEGIES, headers=BOSS).json()["data"]
    by_name = {one["name"]: one for one in listed}
    assert set(KINDS) <= set(by_name)
    assert by_name["leans"]["learned"]
    assert running.get(f"{STRATEGIES}/nope", headers=BOSS).status_code == 404
    plain = httpx.patch(
        f"{running.url}{STRATEGIES}/leans", json={"arms": {"a": 1}}, headers=BOSS
    )
    assert plain.status_code == 400


def test_no_word_of_a_prompt_waits_for_its_score(
    running: Running, boss: Client
) -> None:
    secret = "hush-hush-canary"
    said = [
        {"role": "system", "content": secret},
        {"role": "user", "content": secret},
    ]
    for model in ("fits", "leans"):
        boss.ask(model, messages=said, headers={"x-routeiq-tags": secret})
    time.sleep(0.5)
    for file in running.folder.glob("routeiq.db*"):
        assert secret.encode() not in file.read_bytes()
