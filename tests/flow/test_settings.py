"""Settings that need a gateway of their own to be seen at work."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.flow.provider import CHAT, ENV, SECRET, call, deployment, refused, whole
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream, tell

PASSWORD = "a-password-of-a-key"
HOUR = {
    "model": "anthropic/m",
    "price": {"input": 0, "output": 0, "cache_write": 1, "cache_write_1h": 5},
}
WRITTEN = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "fine"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_creation_input_tokens": 30,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 10,
            "ephemeral_1h_input_tokens": 20,
        },
    },
}
ONCE = {"attempts": 1, "per_deployment": 0}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    def at(place: str) -> Any:
        return lambda request: request.path.startswith(f"/{place}/")

    with Upstream() as up:
        up.on(None, whole())
        up.on(at("ill"), refused(500, "ill"))
        up.on(at("ill-too"), refused(500, "ill"))
        up.on(at("gone"), refused(404, "gone"))
        up.on(at("poor"), refused(402, "no money", "insufficient_quota"))
        up.on(at("hour"), tell(200, WRITTEN))
        up.on(at("late"), refused(429, "later", retry_after="2"))
        yield up


@pytest.fixture(scope="module")
def running(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    def alias(place: str, **more: Any) -> dict[str, Any]:
        places = [place] if "strategy" not in more else [place, f"{place}-spare"]
        return {"deployments": [deployment(upstream, at) for at in places], **more}

    config = {
        "models": {
            "told": alias("told", description="For hard questions."),
            "plain": alias("plain"),
            "gone": alias("gone", strategy="ordered"),
            "poor": alias("poor", strategy="ordered"),
            "own": {"deployments": [{"model": "mine/m", "id": "own"}]},
            "ill": alias("ill", retries=ONCE),
            "hour": {
                "deployments": [deployment(upstream, "hour", **HOUR)],
            },
            "sick": alias("ill-too", retries=ONCE),
            "late": alias("late", retries={"retry_after_max_s": 1}),
            "all/*": {"deployments": [{"model": "openai/*"}], "description": "All."},
        },
        "providers": {
            "mine": {
                "base_url": f"{upstream.url}/own",
                "api_key": "env:UPSTREAM_KEY",
                "auth": "x-mine: Token",
            }
        },
        "cooldown": {
            "failures": 1,
            "open_s": 1,
            "open_max_s": 1,
            "quota_s": 0,
            "not_found_s": 0,
        },
        "files": {"total_bytes": 100},
        "batches": {"window_s": 77},
    }
    env = {**ENV, "OPENAI_API_KEY": "sk-none"}
    with gateway(config, tmp_path_factory.mktemp("settings"), env=env) as running:
        yield running


def _asked(upstream: Upstream, place: str) -> int:
    return sum(1 for r in upstream.requests if r.path.startswith(f"/{place}/"))


def test_a_model_is_described_where_models_are_listed(running: Running) -> None:
    found = {m["id"]: m for m in running.get("/v1/models").json()["data"]}
    assert found["told"]["description"] == "For hard questions."
    assert "description" not in found["plain"]
    one = running.get("/v1/models/told").json()
    assert one["description"] == "For hard questions."
    assert running.get("/v1/models/all/x").json()["description"] == "All."
    google = running.get("/v1beta/models/told").json()
    assert google["description"] == "For hard questions."


def test_a_wait_beyond_the_patience_of_a_model_is_not_waited(
    running: Running, upstream: Upstream
) -> None:
    """The default would wait these two seconds, and ask again."""
    answer = running.post(CHAT, call("late"))
    assert answer.status_code == 429
    assert _asked(upstream, "late") == 1


@pytest.mark.parametrize("place", ["gone", "poor"])
def test_who_is_not_to_be_left_alone_is_asked_each_time(
    running: Running, upstream: Upstream, place: str
) -> None:
    """An hour or five minutes are the defaults."""
    for _ in range(2):
        answer = running.post(CHAT, call(place))
        assert answer.headers["x-routeiq-deployment"] == f"{place}-spare"
    assert _asked(upstream, place) == 2


def test_a_key_is_sent_as_the_provider_wants_it(
    running: Running, upstream: Upstream
) -> None:
    assert running.post(CHAT, call("own")).status_code == 200
    (asked,) = [r for r in upstream.requests if r.path.startswith("/own")]
    assert asked.headers["x-mine"] == f"Token {SECRET}"
    assert "authorization" not in asked.headers


def test_what_is_cached_for_an_hour_has_its_price(running: Running) -> None:
    answer = running.post(CHAT, call("hour"))
    assert answer.headers["x-routeiq-cost-usd"] == "0.000110000"
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["cost_nano"] == 110_000
    assert row["tokens"]["cache_write_1h"] == 20


def test_what_the_gateway_knows_of_itself_is_a_metric(running: Running) -> None:
    answer = running.post(CHAT, call("plain"))
    running.record(answer.headers["x-routeiq-id"])
    big = running.get("/health/live", headers={"x-big": "x" * 70_000})
    assert big.status_code == 431
    assert running.post(CHAT, call("sick")).status_code == 502
    assert running.post(CHAT, call("demo", stream=True)).status_code == 200
    metric = running.metric
    open_ = {"deployment": "ill-too", "state": "open"}
    assert metric("routeiq_deployment_state", **open_) == 1
    assert metric("routeiq_upstream_connections", state="idle") >= 1
    assert metric("routeiq_server_connections") >= 1
    assert metric("routeiq_server_refused_total") >= 1
    assert metric("routeiq_deployment_latency_seconds") > 0
    assert metric("routeiq_records_written_total") >= 1
    assert metric("process_start_time_seconds") > 1e9
    assert metric("routeiq_workers") == 1


def test_a_stream_is_to_be_neither_kept_nor_held_back(running: Running) -> None:
    answer = running.post(CHAT, call("demo", stream=True))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"


def test_the_page_of_metrics_may_be_turned_off(tmp_path: Path) -> None:
    with gateway({"telemetry": {"metrics": False}}, tmp_path) as running:
        assert running.get("/metrics").status_code == 404
        assert "/metrics" not in running.get("/openapi.json").json()["paths"]
        assert running.get("/health/ready").status_code == 200


def test_a_breaker_stays_open_no_longer_than_its_cap(running: Running) -> None:
    assert running.post(CHAT, call("ill")).status_code == 502
    for _ in range(2):
        shut = running.post(CHAT, call("ill"))
        assert shut.status_code == 503
        assert shut.headers["retry-after"] == "1"
        _until_probed(running)


def _until_probed(running: Running) -> None:
    """Ask until a probe went through, and failed."""
    while running.post(CHAT, call("ill")).status_code == 503:
        pass


def test_the_folder_of_files_has_the_room_it_was_given(running: Running) -> None:
    def kept(size: int) -> httpx.Response:
        file = {"file": ("in.jsonl", b"x" * size)}
        return running.post("/v1/files", data={"purpose": "batch"}, files=file)

    assert kept(60).status_code == 200
    full = kept(60)
    assert full.status_code == 507
    assert full.json()["error"]["code"] == "storage_full"


def test_a_batch_has_the_time_it_was_given(running: Running) -> None:
    file = {"file": ("in.jsonl", b"{}")}
    kept = running.post("/v1/files", data={"purpose": "batch"}, files=file).json()
    order = {
        "input_file_id": kept["id"],
        "endpoint": CHAT,
        "completion_window": "24h",
    }
    batch = running.post("/v1/batches", order).json()
    assert batch["expires_at"] - batch["created_at"] == 77


@pytest.mark.parametrize("http", ["fast", "hypercorn"])
def test_a_key_of_tls_may_have_a_password(tmp_path: Path, http: str) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM,
        PrivateFormat.PKCS8,
        BestAvailableEncryption(PASSWORD.encode()),
    )
    (tmp_path / "key.pem").write_bytes(locked)
    for index, pem in enumerate(issued.cert_chain_pems):
        pem.write_to_path(str(tmp_path / "cert.pem"), append=index > 0)
    tls = {"cert": "cert.pem", "key": "key.pem", "key_password": "env:TLS_PASSWORD"}
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        gateway(
            {"server": {"tls": tls}},
            tmp_path,
            env={"TLS_PASSWORD": PASSWORD},
            http=http,
        ) as running,
        httpx.Client(verify=context, base_url=running.url, timeout=60) as client,
    ):
        answer = client.post(CHAT, json=call("demo"))
        assert answer.status_code == 200
        assert PASSWORD not in running.logged(answer.headers["x-routeiq-id"])
