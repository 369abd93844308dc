"""The page of metrics after known traffic."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.flow import watched
from tests.flow.provider import CHAT, call
from tests.flow.watched import BEARER, MASTER, SECRETS, config
from tests.harness.clients import PATIENT
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with watched.provider() as up:
        yield up


@pytest.fixture(scope="module")
def counted(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A gateway that has seen exactly the traffic below."""
    setup = config(upstream, None)
    folder = tmp_path_factory.mktemp("counted")
    with gateway(setup, folder, env=SECRETS) as running:
        with httpx.Client(base_url=running.url, headers=BEARER, **PATIENT) as client:
            for _ in range(5):
                client.post(CHAT, json=call("priced"))
            for _ in range(3):
                client.post(CHAT, json=call("stream", stream=True)).read()
            for _ in range(2):
                client.post(CHAT, json=call("twice"))
            client.post(CHAT, json=call("ill"))
            for number in range(40):
                client.post(CHAT, json=call(f"guess-{number}"))
            client.post(
                CHAT, json=call("priced"), headers={"authorization": "Bearer x"}
            )
        deadline = time.monotonic() + 5
        while running.metric("routeiq_records_written_total") < 52:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("routeiq_exchanges_total", {"alias": "priced", "status": "200"}, 5),
        ("routeiq_exchanges_total", {"alias": "twice", "status": "200"}, 2),
        ("routeiq_exchanges_total", {"alias": "ill", "status": "502"}, 1),
        ("routeiq_exchanges_total", {"status": "401"}, 1),
        ("routeiq_exchanges_total", {"alias": "other", "status": "404"}, 40),
        ("routeiq_exchanges_total", {}, 52),
        ("routeiq_attempts_total", {"deployment": "priced", "outcome": "ok"}, 5),
        ("routeiq_attempts_total", {"deployment": "ill"}, 2),
        ("routeiq_attempts_total", {"deployment": "priced2", "outcome": "ok"}, 2),
        ("routeiq_fallbacks_total", {}, 2),
        ("routeiq_in_flight", {}, 0),
        (
            "gen_ai_client_inference_usage_input_tokens_total",
            {"gen_ai_response_model": "m-2026"},
            700,
        ),
        (
            "gen_ai_client_inference_usage_reasoning_output_tokens_total",
            {"gen_ai_response_model": "m-2026"},
            49,
        ),
        ("gen_ai_client_token_usage_count", {"gen_ai_token_type": "input"}, 10),
        ("gen_ai_server_time_to_first_token_seconds_count", {}, 10),
        ("http_server_request_duration_seconds_count", {"http_route": CHAT}, 52),
        ("routeiq_records_written_total", {}, 52),
        ("routeiq_records_lost_total", {}, 0),
    ],
    ids=str,
)
def test_metrics_count_what_happened(
    counted: Running, name: str, labels: dict[str, str], value: float
) -> None:
    assert counted.metric(name, **labels) == value


def test_cost_is_counted_to_the_nano_dollar(counted: Running) -> None:
    nano = 7 * (100 * 3_000 + 20 * 15_000) + 3 * (10 * 3_000 + 3 * 15_000)
    assert counted.metric("routeiq_cost_USD_total") + counted.metric(
        "routeiq_cost_usd_total"
    ) == pytest.approx(nano / 1e9)


def test_names_that_clients_make_up_make_no_series(counted: Running) -> None:
    page = counted.get("/metrics").text
    assert "guess-" not in page
    assert MASTER not in page


def test_wildcard_names_are_bounded_too(counted: Running) -> None:
    with httpx.Client(base_url=counted.url, headers=BEARER, **PATIENT) as client:
        for number in range(1100):
            client.post(CHAT, json=call(f"free/{number}"))
    time.sleep(0.3)
    page = counted.get("/metrics").text
    series = re.findall(r"^routeiq_exchanges_total\{.*\}", page, re.MULTILINE)
    assert len(series) <= 1001
    assert counted.metric("routeiq_exchanges_total") == 52 + 1100


def test_two_workers_add_up(upstream: Upstream, tmp_path: Path) -> None:
    setup = config(upstream, None)
    with gateway(setup, tmp_path, env=SECRETS, args=("--workers", "2")) as running:
        for _ in range(24):  # a connection each, so that both are met
            answer = running.post(CHAT, call("priced"), headers=BEARER)
            assert answer.status_code == 200

        def total() -> float:
            return running.metric("routeiq_exchanges_total", alias="priced")

        deadline = time.monotonic() + 10
        seen: list[float] = []
        while seen != [24] * 6 and time.monotonic() < deadline:
            time.sleep(0.1)
            seen = [total() for _ in range(6)]
        assert seen == [24] * 6, "whoever is asked"
        assert running.metric("routeiq_workers") == 2
        assert running.stop() == 0
