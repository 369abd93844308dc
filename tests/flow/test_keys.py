"""Keys, from the command line to the door: who may ask for what, and until when."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.provider import CHAT, ENV, SECRET, call, command, deployment
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream

MASTER = "sk-master-canary-0123456789"
CACHE_S = 0.4
MAY_NOT = "the model {!r} does not exist or this key may not use it; GET /v1/models lists them"


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    config = {
        "keys": {"master": "env:MASTER", "cache_s": CACHE_S},
        "models": {
            "alpha": {"deployments": [deployment(upstream, "a")]},
            "beta": {"deployments": [deployment(upstream, "b")]},
            "secret-plan": {"deployments": [deployment(upstream, "c")]},
            "ghost": {"hidden": True, "deployments": [deployment(upstream, "g")]},
            "team/*": {
                "deployments": [deployment(upstream, "t", model="openai/*", id="t")]
            },
        },
    }
    env = {**ENV, "MASTER": MASTER}
    with gateway(config, tmp_path_factory.mktemp("keys"), env=env) as running:
        yield running


def _keys(running: Running, *words: str) -> str:
    done = command(
        running.folder,
        *("keys", *words, "--config", "routeiq.yaml"),
        **ENV,
        MASTER=MASTER,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def alice(running: Running) -> dict[str, Any]:
    """May use `alpha` and the team's."""
    words = ("create", "--name", "alice", "--model", "alpha", "--model", "team/*")
    made: dict[str, Any] = json.loads(_keys(running, *words, "--json"))
    return made


@pytest.fixture(scope="module")
def bob(running: Running) -> str:
    """May use everything."""
    return _keys(running, "create", "--name", "bob")


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _ids(running: Running, key: str) -> list[str]:
    answer = running.get("/v1/models", headers=_bearer(key))
    return [model["id"] for model in answer.json()["data"]]


def test_a_key_opens_the_models_it_names_and_wildcards(
    running: Running, alice: dict[str, Any]
) -> None:
    answers = [
        running.post(CHAT, call(model), headers=_bearer(alice["key"]))
        for model in ("alpha", "team/anything", "team/deep/er")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    record = running.record(answers[-1].headers["x-routeiq-id"])
    assert record["key"] == alice["id"]
    assert record["attempts"][0]["model"] == "deep/er"


@pytest.mark.parametrize("model", ["beta", "secret-plan", "nowhere", "alph*", "team/"])
def test_a_model_one_may_not_use_is_no_different_from_none(
    running: Running, alice: dict[str, Any], model: str
) -> None:
    answer = running.post(CHAT, call(model), headers=_bearer(alice["key"]))
    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["type"], error["code"]) == (
        "invalid_request_error",
        "model_not_found",
    )
    # Nothing in it depends on whether the model exists.
    words = error["message"].partition("; ")[0]
    assert words == MAY_NOT.format(model).partition("; ")[0]
    assert "secret-plan" not in error["message"].replace(repr(model), "")
    assert _known(running, model, alice["key"]) == 404


def _known(running: Running, model: str, key: str) -> int:
    return running.get(f"/v1/models/{model}", headers=_bearer(key)).status_code


def test_a_hint_names_only_models_of_the_key(
    running: Running, alice: dict[str, Any], bob: str
) -> None:
    def hint(key: str, model: str) -> str:
        answer = running.post(CHAT, call(model), headers=_bearer(key))
        return str(answer.json()["error"]["message"])

    assert "did you mean 'secret-plan'" in hint(bob, "secret-plam")
    assert "did you mean" not in hint(alice["key"], "secret-plam")
    assert "did you mean 'alpha'" in hint(alice["key"], "alphe")


def test_models_are_listed_for_the_key_that_asks(
    running: Running, alice: dict[str, Any], bob: str
) -> None:
    everything = ["alpha", "beta", "secret-plan", "demo", "team/*"]
    assert _ids(running, alice["key"]) == ["alpha", "team/*"]
    assert _ids(running, bob) == everything
    assert _ids(running, MASTER) == everything
    assert _known(running, "alpha", alice["key"]) == 200
    assert _known(running, "ghost", bob) == 200, "hidden, not closed"


@pytest.mark.parametrize(
    "header", ["authorization", "x-api-key", "x-goog-api-key", "api-key"]
)
@pytest.mark.parametrize(
    "path",
    [CHAT, "/v1/messages", "/v1beta/models/alpha:generateContent", "/v1/models"],
)
def test_every_door_takes_every_dialects_header(
    running: Running, alice: dict[str, Any], header: str, path: str
) -> None:
    key = alice["key"]
    headers = {header: f"bEaReR {key}" if header == "authorization" else key}
    if path == "/v1/models":
        assert running.get(path, headers=headers).status_code == 200
        return
    asked = call("alpha", max_tokens=5)
    if "generateContent" in path:
        asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    assert running.post(path, asked, headers=headers).status_code == 200


def test_a_key_may_come_in_the_query_as_googles_clients_send_it(
    running: Running, alice: dict[str, Any]
) -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    path = "/v1beta/models/alpha:generateContent"
    assert running.post(f"{path}?key={alice['key']}", asked).status_code == 200
    assert running.post(f"{path}?alt=sse&key={alice['key']}", asked).status_code == 200
    assert running.post(f"{path}?key=wrong", asked).status_code == 401
    assert running.get(f"/v1/models?key={alice['key']}").status_code == 200


def test_a_wrong_bearer_is_not_saved_by_another_header(
    running: Running, alice: dict[str, Any]
) -> None:
    headers = {**_bearer("sk-wrong"), "x-api-key": alice["key"]}
    assert running.post(CHAT, call("alpha"), headers=headers).status_code == 401


def test_the_provider_sees_its_own_key_and_never_the_clients(
    running: Running, upstream: Upstream, alice: dict[str, Any]
) -> None:
    before = len(upstream.requests)
    headers = {**_bearer(alice["key"]), "x-api-key": alice["key"], "cookie": "c=1"}
    running.post(f"{CHAT}?key={alice['key']}", call("alpha"), headers=headers)
    (asked,) = upstream.requests[before:]
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert alice["key"] not in repr(asked.fields) + asked.target
    assert "cookie" not in asked.headers


def test_the_list_shows_no_secret(
    running: Running, alice: dict[str, Any], bob: str
) -> None:
    listed = json.loads(_keys(running, "list", "--json"))
    assert {key["name"] for key in listed} >= {"alice", "bob"}
    (one,) = [key for key in listed if key["id"] == alice["id"]]
    assert one["models"] == ["alpha", "team/*"]
    text = json.dumps(listed) + _keys(running, "list")
    assert alice["key"] not in text
    assert bob not in text
    assert alice["key"][10:-5] not in text


def test_a_revoked_key_stops_within_the_cache_time(running: Running) -> None:
    made = json.loads(_keys(running, "create", "--name", "leaver", "--json"))
    headers = _bearer(made["key"])
    assert running.get("/v1/models", headers=headers).status_code == 200
    assert "revoked" in _keys(running, "revoke", made["id"])
    time.sleep(CACHE_S)
    assert running.get("/v1/models", headers=headers).status_code == 401
    again = command(
        running.folder, "keys", "revoke", made["id"], "--config", "routeiq.yaml", **ENV
    )
    assert again.returncode == 1
    assert made["id"] in again.stderr


def test_a_key_expires_at_its_time_though_it_is_remembered(running: Running) -> None:
    key = _keys(running, "create", "--name", "guest", "--expires", "2s")
    made = time.monotonic()
    statuses = []
    while time.monotonic() < made + 2.3:
        statuses.append(running.get("/v1/models", headers=_bearer(key)).status_code)
        time.sleep(0.1)
    assert statuses[0] == 200
    assert statuses[-1] == 401
    assert statuses == sorted(statuses), "once gone, it does not come back"


def test_a_new_key_works_though_it_was_tried_too_early(running: Running) -> None:
    """A stranger is disbelieved for as long as a key is believed, no longer."""
    key = "sk-riq-" + "x" * 43
    assert running.get("/v1/models", headers=_bearer(key)).status_code == 401
    made = _keys(running, "create", "--name", "late")
    assert running.get("/v1/models", headers=_bearer(made)).status_code == 200


def test_no_key_is_in_logs_records_errors_or_metrics(
    running: Running, alice: dict[str, Any], bob: str
) -> None:
    asked = call(bob, user=MASTER)  # by mistake, where a model belongs
    answer = running.post(CHAT, asked, headers=_bearer(alice["key"]))
    assert answer.status_code == 404
    running.get("/v1/models", headers=_bearer("sk-riq-wrong-canary-1234567890"))
    running.record(answer.headers["x-routeiq-id"])
    page = running.get("/metrics").text
    written = running.logged(answer.headers["x-routeiq-id"]) + page
    for secret in (SECRET, MASTER, alice["key"], "wrong-canary"):
        assert secret not in written
    folder = running.folder
    kept = b"".join(path.read_bytes() for path in folder.glob("routeiq.db*"))
    for secret in (SECRET, MASTER, alice["key"], bob):
        assert secret.encode() not in kept


# --- without any key -----------------------------------------------------------------


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway({"demo": True}, tmp_path_factory.mktemp("keyless")) as running:
        yield running


def test_without_keys_this_machine_is_served(keyless: Running) -> None:
    assert keyless.post(CHAT, call("demo")).status_code == 200
    for host in (f"localhost:{keyless.port}", f"[::1]:{keyless.port}", "127.0.0.1"):
        assert keyless.get("/v1/models", headers={"host": host}).status_code == 200
    local = {"origin": "http://localhost:3000"}
    assert keyless.get("/v1/models", headers=local).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example:4000"},
        {"host": "192.168.1.5:4000"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "https://localhost.evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1@evil.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/metrics", "/health/ready"])
def test_without_keys_no_web_page_is(
    keyless: Running, headers: dict[str, str], path: str
) -> None:
    answer = (
        keyless.post(path, call("demo"), headers=headers)
        if path == CHAT
        else keyless.get(path, headers=headers)
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "local_only"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_a_public_address_without_a_key_is_refused(tmp_path: Path, host: str) -> None:
    (tmp_path / "routeiq.yaml").write_text("demo: true\n")
    done = command(tmp_path, "serve", "routeiq.yaml", "--host", host, "--port", "0")
    assert done.returncode == 3
    assert "there is no key" in done.stderr
    assert "keys.master" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_is_sent_nowhere_else(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = {
        "keys": {"master": "env:MASTER"},
        "models": {
            "both": {
                "strategy": "ordered",
                "deployments": [
                    deployment(upstream, "first", model="openai/one"),
                    deployment(upstream, "second", model="openai/two"),
                ],
            },
            "one": {"deployments": [deployment(upstream, "only", model="openai/one")]},
        },
    }
    env = {**ENV, "MASTER": MASTER}
    with gateway(config, tmp_path_factory.mktemp("only"), env=env) as running:
        key = _keys(running, "create", "--name", "eu", "--only", "openai/two")
        said = {"authorization": f"Bearer {key}"}
        answer = running.post(CHAT, json=call("both"), headers=said)
        assert answer.headers["x-routeiq-deployment"] == "second"
        refused = running.post(CHAT, json=call("one"), headers=said)
        assert refused.status_code == 403
        assert "only: key" in refused.json()["error"]["message"]
        told = _keys(running, "list", "--json")
        assert json.loads(told)[0]["providers"] == ["openai/two"]
        # What lies at an account is not told apart by models: it is closed.
        files = running.get("/v1/files", headers=said)
        assert files.json().get("data", []) == []
