"""What is known of models, seen from outside: what an exchange cost, and how a
catalogue of one's own takes the place of another."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.provider import CHAT, ENV, body, call, command, deployment, event, usage
from tests.harness.gateway import Running, gateway
from tests.harness.upstream import Request, Script, Upstream, events, tell

THEIRS = {
    "acme-large": {
        "litellm_provider": "groq",
        "mode": "chat",
        "max_input_tokens": 500_000,
        "input_cost_per_token": 2e-06,
        "output_cost_per_token": 8e-06,
        "input_cost_per_token_above_200k_tokens": 4e-06,
        "output_cost_per_token_above_200k_tokens": 1.2e-05,
        "cache_read_input_token_cost": 5e-07,
        "deprecation_date": "2031-05-01",
    },
    "groq/acme-zero": {
        "litellm_provider": "groq",
        "mode": "chat",
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
    },
}
COUNTS = {
    "small": usage(1000, 100, prompt_tokens_details={"cached_tokens": 400}),
    "long": usage(200_001, 10),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as up:
        up.on(None, _counted)
        up.on("/table.json", tell(200, THEIRS))
        up.on("/broken.json", tell(200, b'{"gpt": '))
        up.on("/gone.json", tell(404, b"no"))
        yield up


def _counted(request: Request) -> Script:
    asked = request.json()
    told = body(usage=COUNTS[asked.get("user", "small")])
    if "service_tier" in asked:
        told["service_tier"] = asked["service_tier"]
    if not asked.get("stream"):
        return tell(200, told)
    chunk = {"service_tier": told.get("service_tier"), "usage": told["usage"]}
    last = json.loads(event({}, **chunk)[6:]) | {"choices": []}
    pieces = [event({"content": "fine"}), event({}, stop="stop")]
    pieces += [b"data: " + json.dumps(last).encode() + b"\n\n", b"data: [DONE]\n\n"]
    return events(pieces)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Path:
    """Where a catalogue was fetched from an address before the gateway started."""
    folder = tmp_path_factory.mktemp("catalog")
    address = upstream.url.replace("://", "://me:pass-canary@")
    source = f"{address}/table.json?token=canary"
    done = command(folder, "models", "refresh", source)
    assert done.returncode == 0, done.stderr
    assert "canary" not in (folder / "routeiq.models.json").read_text()
    assert "2 models of 1 providers, 1 with prices" in done.stdout
    assert (folder / "routeiq.models.json").is_file()
    return folder


@pytest.fixture(scope="module")
def running(upstream: Upstream, folder: Path) -> Iterator[Running]:
    tiers = [{"above": 1000, "input": 3, "output": 4}]
    priced: dict[str, dict[str, Any]] = {
        "refreshed": {"model": "groq/acme-large"},
        "zero": {"model": "groq/acme-zero"},
        "built-in": {"model": "openai/gpt-4o"},
        "serviced": {"model": "openai/gpt-5"},
        "said-priority": {
            "model": "openai/gpt-5",
            "price": {
                "input": 9,
                "output": 9,
                "services": {"priority": {"input": 1, "output": 2}},
            },
        },
        "unknown": {"model": "openai/no-such-model"},
        "said": {
            "model": "openai/gpt-4o",
            "price": {"input": 1, "output": 2, "request": 0.01, "tiers": tiers},
        },
    }
    config = {
        "models": {
            name: {"deployments": [deployment(upstream, name, **more)]}
            for name, more in priced.items()
        }
    }
    with gateway(config, folder, env=ENV) as running:
        yield running


@pytest.mark.parametrize(
    ("model", "user", "nano"),
    [
        # 600 at $2, 400 at $0.50, 100 at $8, a million each
        ("refreshed", "small", 1_200_000 + 200_000 + 800_000),
        # above 200,000: all of them at $4, 10 at $12
        ("refreshed", "long", 800_004_000 + 120_000),
        ("zero", "small", None),
        # 600 at $2.50, 400 at $1.25, 100 at $10
        ("built-in", "small", 1_500_000 + 500_000 + 1_000_000),
        ("unknown", "small", None),
        # 1000 at $1, 100 at $2, and a cent
        ("said", "small", 1_000_000 + 200_000 + 10_000_000),
        ("said", "long", 600_003_000 + 40_000 + 10_000_000),
    ],
)
def test_an_exchange_costs_what_the_catalogue_says(
    running: Running, model: str, user: str, nano: int | None
) -> None:
    answer = running.post(CHAT, call(model, user=user))
    assert answer.status_code == 200
    row = running.record(answer.headers["x-routeiq-id"])
    assert row["cost_nano"] == nano
    told = answer.headers.get("x-routeiq-cost-usd")
    assert (told is None) == (nano is None)
    if nano is not None:
        assert round(float(told or 0) * 1e9) == nano


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "tier", "nano"),
    [
        # 600 at $0.625, 400 at $0.0625, 100 at $5; then twice the usual rates
        ("serviced", "flex", 375_000 + 25_000 + 500_000),
        ("serviced", "priority", 1_500_000 + 100_000 + 2_000_000),
        ("serviced", "default", 750_000 + 50_000 + 1_000_000),
        # 1000 at $1, 100 at $2; "said" has no other rates: the usual ones, and a cent
        ("said-priority", "priority", 1_000_000 + 200_000),
        ("said-priority", "flex", None),
        ("said", "priority", 1_000_000 + 200_000 + 10_000_000),
    ],
)
def test_another_service_costs_what_it_costs(
    running: Running, model: str, tier: str, nano: int | None, stream: bool
) -> None:
    answer = running.post(CHAT, call(model, service_tier=tier, stream=stream))
    assert answer.status_code == 200
    assert running.record(answer.headers["x-routeiq-id"])["cost_nano"] == nano


def test_a_bad_catalogue_leaves_the_old_one(folder: Path, upstream: Upstream) -> None:
    kept = (folder / "routeiq.models.json").read_bytes()
    (folder / "slip.json").write_text(
        json.dumps(
            {
                "as_of": "2026-11-29",
                "models": {"groq": {"m": {"price": {"input": 2_500_000}}}},
            }
        )
    )
    for source, words in (
        (f"{upstream.url}/broken.json", "not JSON"),
        (f"{upstream.url.replace('://', '://me:canary@')}/gone.json", "404"),
        ("http://127.0.0.1:9/", "refused"),
        ("slip.json", "models[...][...].price.input"),
        ("nowhere.json", "No such file"),
    ):
        done = command(folder, "models", "refresh", source)
        assert done.returncode == 1, source
        assert words in done.stderr, (source, done.stderr)
        assert "Traceback" not in done.stderr
        assert "canary" not in done.stderr
        assert (folder / "routeiq.models.json").read_bytes() == kept
    assert len(list(folder.glob("tmp*"))) == 0


def test_a_catalogue_of_ours_is_read_back_as_it_is(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text("catalog: {file: own.json}")
    source = str(folder / "routeiq.models.json")
    words = ("models", "refresh", source, "--config", "c.yaml")
    done = command(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    own, theirs = tmp_path / "own.json", folder / "routeiq.models.json"
    assert own.read_bytes() == theirs.read_bytes()


def test_models_are_listed_with_their_prices_and_their_end(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / "list.yaml"
    file.write_text(
        "models: {m: {deployments: [{model: groq/acme-large}]}}\ndemo: false"
    )
    done = command(folder, "models", "list.yaml", "--json")
    (line,) = json.loads(done.stdout)
    assert (line["input"], line["output"]) == (2, 8)
    assert line["retires"] == "2031-05-01"
    assert "2031-05-01" in command(folder, "models", "list.yaml").stdout


def test_a_gateway_does_not_start_with_a_catalogue_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "routeiq.models.json").write_text('{"as_of": "2026-01-01"}')
    (tmp_path / "routeiq.yaml").write_text("{}")
    for words in (("check", "routeiq.yaml"), ("serve", "--port", "0")):
        done = command(tmp_path, *words)
        assert done.returncode == 1
        assert "routeiq.models.json" in done.stdout + done.stderr
        assert "models refresh" in done.stdout + done.stderr
    (tmp_path / "routeiq.yaml").unlink()
    done = command(tmp_path, "serve", "--port", "0")
    assert done.returncode == 3
    assert "no catalogue of models" in done.stderr
    assert "Traceback" not in done.stderr


def test_there_must_be_a_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "routeiq.yaml").write_text("catalog: {file: ''}")
    done = command(tmp_path, "models", "refresh", "x.json")
    assert done.returncode == 1
    assert "catalog.file is empty" in done.stderr


def test_the_word_before_a_source_is_refresh(tmp_path: Path) -> None:
    done = command(tmp_path, "models", "refrehs", "x.json")
    assert done.returncode == 2
    assert "routeiq models refresh" in done.stderr
