import copy
import io
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gateway.config.document import parse
from gateway.config.load import Loaded, load, loads
from gateway.config.problem import ConfigError, Problem
from gateway.config.schema import Config, Deployment, Model, Timeouts

CANARY = "sk-canary-0123456789"
ENV = {
    "OPENAI_API_KEY": "k-openai",
    "ANTHROPIC_API_KEY": "k-anthropic",
    "PORT": "8080",
    "LEAK": CANARY,
    "MASTER": "a-master-key-that-is-long",
}


def read(text: str, **more: str) -> Loaded:
    return loads(text, "f.yaml", {**ENV, **more})


def mistakes(text: str, **more: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        read(text, **more)
    return caught.value.problems


def told(text: str, **more: str) -> str:
    return "\n".join(map(str, mistakes(text, **more)))


def model(inner: str) -> str:
    return f"models: {{fast: {{deployments: [{{model: openai/gpt-4o, {inner}}}]}}}}"


def test_an_empty_mapping_is_every_default() -> None:
    loaded = read("{}")
    assert loaded.config == Config()
    assert (loaded.source, loaded.path, loaded.notes) == ("native", "f.yaml", [])


def test_what_is_loaded_can_be_handed_to_a_worker() -> None:
    loaded = loads("{}", "f.yaml")
    assert pickle.loads(pickle.dumps(loaded)).config == loaded.config


def test_values_are_converted() -> None:
    config = read(
        """
server: {port: 5000, drain_s: 5}
models:
  fast:
    deployments:
      - {model: openai/gpt-4o, params: {temperature: 0.5, stop: [a, b]}, price: {input: 1, output: 2}}
    fallbacks: [slow]
    hedge:
  slow:
    deployments: [{model: anthropic/claude}]
"""
    ).config
    assert config.server.port == 5000
    assert config.server.drain_s == 5.0
    assert isinstance(config.server.drain_s, float)
    fast = config.models["fast"]
    assert fast.deployments[0].params == {"temperature": 0.5, "stop": ["a", "b"]}
    assert fast.deployments[0].price is not None
    assert fast.fallbacks == ["slow"]
    assert fast.hedge is None


def test_all_mistakes_are_told_at_once_each_where_it_stands() -> None:
    text = """server:
  port: 70000
  hots: 1.2.3.4
models:
  fast:
    stratgey: latency
    deployments:
      - model: opnai/gpt-4o
        weight: -1
      - modle: openai/gpt-4o
        timeouts: {connect_s: "5s"}
      - openai/gpt-4o
    fallbacks: smart
  smart:
    deployments: []
    fallbacks: [fats]
logs: {level: loud}
port: 3
"""
    expected = {
        (2, 9): ("server.port", "from 0 to 65535", ""),
        (3, 3): ("server.hots", "unknown key", "did you mean `host`?"),
        (6, 5): ("models.fast.stratgey", "unknown key", "`strategy`"),
        (8, 16): ("models.fast.deployments[0].model", "unknown provider", "`openai`"),
        (9, 17): ("models.fast.deployments[0].weight", "at least 0", ""),
        (10, 9): ("models.fast.deployments[1]", "", ""),
        (11, 31): ("...connect_s", "must be a number", "no quotes, no unit"),
        (12, 9): ("models.fast.deployments[2]", "must be a mapping", "- model:"),
        (13, 16): ("models.fast.fallbacks", "must be a list", "write [smart]"),
        (15, 18): ("models.smart.deployments", "at least one", ""),
        (16, 17): ("models.smart.fallbacks[0]", "no alias `fats`", "`fast`"),
        (17, 15): ("logs.level", "debug, info, warning, error", ""),
        (18, 1): ("port", "unknown key", "it belongs under `server`"),
    }
    found = mistakes(text)
    assert {(p.line, p.column) for p in found} == set(expected)
    for problem in found:
        path, message, hint = expected[problem.line, problem.column]
        assert problem.path.endswith(path.lstrip(".")) or problem.path.startswith(path)
        assert message in problem.message
        assert hint in problem.hint
    assert len(found) == len(expected) + 1, "modle: unknown, and model missing"


def test_problems_come_in_the_order_of_the_file() -> None:
    lines = [p.line for p in mistakes("b: 1\na: 2\nserver:\n  x: 1\nc: 1\n")]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("just words", "must be a mapping"),
        ("[1, 2]", "must be a mapping"),
        ("server: 5", "server: must be a mapping of keys to values, not `5`"),
        ("server: {port: '4000'}", "no quotes"),
        ("server: {port: 4000.5}", "whole number"),
        ("server: {port: true}", "whole number, not true"),
        ("server: {port: }", "no value (without the line it is 4000)"),
        ("server: {header_timeout_s: 0}", "more than 0"),
        ("server: {header_timeout_s: -1}", "more than 0"),
        ("server: {workers: 0}", "at least 1"),
        ("demo: 1", "must be true or false"),
        ("demo: yes", "must be true or false"),
        ("telemetry: {semconv: 1.41}", "put it in quotes"),
        ("telemetry: {service_name: 5}", "put it in quotes"),
        ("telemetry: {traces: {sample: 2}}", "from 0 to 1"),
        ("models: [a]", "maps each alias"),
        ("models: {a: openai/gpt-4o}", "write `deployments:`"),
        ("models: {a: {deployments: [{}]}}", "`model` is missing"),
        ("models: {a: }", "must be a mapping"),
        ("models: {a: {}}", "`deployments` is missing"),
        ("server: {tls: {cert: x}}", "`key` is missing"),
        (model("api_base: x"), "it is called `base_url` here"),
        (model("timeout: 5"), "`timeouts: {total_s: ...}`"),
        (model("id: 5"), "must be a text"),
        (model("headers: {a: 1}"), "must be a text"),
        (model("headers: [a]"), "must be a mapping"),
        (model("drop: [1]"), "must be a text"),
        (model("rpm: 0"), "at least 1"),
        ("keys: {master: 12345}", "a secret is a reference"),
        ("server: {port: '${NOPE}'}", "NOPE is not set"),
        ("server: {port: '${LEAK}'}", "what `${LEAK}` stands for"),
        ("logs: {level: '${LEAK}'}", "what `${LEAK}` stands for"),
    ],
)
def test_a_mistake_is_told_in_plain_words(text: str, words: str) -> None:
    assert words in told(text)
    assert CANARY not in told(text)


@pytest.mark.parametrize(
    "text",
    [
        f"keys: {{master: {CANARY}}}",
        f"keys: {CANARY}",
        model(f"api_key: {CANARY}"),
        model(f"headers: {CANARY}"),
        model(f"drop: {CANARY}"),
        f"logs: {{level: {CANARY}}}",
        f"server: {{port: {CANARY}}}",
        f"providers: {{x: {{api_key: {CANARY}, base_url: http://h}}}}",
        f"telemetry: {{metrics_key: {CANARY}}}",
    ],
)
def test_a_secret_in_the_wrong_place_is_never_shown(text: str) -> None:
    assert CANARY not in told(text)


def test_secrets_are_kept_as_references() -> None:
    loaded = read(
        "keys: {master: env:LEAK}\n"
        + model("api_key: '${LEAK}', headers: {x-k: 'Bearer ${LEAK}'}")
    )
    assert CANARY not in repr(loaded)
    deployment = loaded.config.models["fast"].deployments[0]
    assert loaded.secrets.resolve(deployment.api_key) == CANARY
    assert loaded.secrets.text(deployment.headers["x-k"]) == f"Bearer {CANARY}"


def test_variables_stand_for_values_of_any_type() -> None:
    config = read(
        "server: {port: '${PORT}', workers: '${WORKERS:-2}', host: '${H:-127.0.0.1}'}\n"
        "demo: ${DEMO:-false}\nlogs: {level: '${LEVEL:-error}'}\n"
        + model("params: {user: 'u-${PORT}', deep: [{a: '${PORT}'}]}")
    ).config
    assert (config.server.port, config.server.workers) == (8080, 2)
    assert config.demo is False
    assert config.logs.level == "error"
    params = config.models["fast"].deployments[0].params
    assert params == {"user": "u-8080", "deep": [{"a": "8080"}]}


def test_a_missing_variable_is_told_where_it_is_named() -> None:
    (problem,) = mistakes("keys:\n  master: env:NOPE\n")
    assert (problem.line, problem.column, problem.path) == (2, 11, "keys.master")
    assert "NOPE" in problem.message
    assert "export NOPE" in problem.hint


def test_what_is_on_this_machine_need_not_be_there_when_offline() -> None:
    text = (
        "server: {port: '${NOPE}', tls: {cert: a, key: b}}\n"
        "keys: {master: file:/nope}\nstore: {url: sqlite:////nope/x.db}\n"
        + model("api_key: env:NOPE, headers: {x: '${NOPE}'}")
    )
    assert loads(text, "f", {}, demand=False).config.server.port == 4000
    assert "NOPE" in told(text)


def test_free_keys_hold_anchors() -> None:
    config = read(
        "x-d: &d {model: openai/a, weight: 3}\nmodels: {m: {deployments: [{<<: *d, weight: 2}, *d]}}"
    ).config
    assert [d.weight for d in config.models["m"].deployments] == [2.0, 3.0]


def test_limits_that_are_not_named_are_taken_from_around() -> None:
    config = read(
        """
timeouts: {connect_s: 1, idle_s: 2}
retries: {attempts: 9}
models:
  fast:
    timeouts: {idle_s: 3}
    retries: {backoff_s: 1}
    deployments:
      - {model: openai/a, timeouts: {total_s: 4}}
      - {model: openai/b}
  slow:
    deployments:
      - {model: openai/a, timeouts: {total_s: 4}}
"""
    ).config
    fast, slow = config.models["fast"], config.models["slow"]
    assert fast.timeouts == Timeouts(connect_s=1, idle_s=3)
    assert fast.deployments[0].timeouts == Timeouts(connect_s=1, idle_s=3, total_s=4)
    assert fast.deployments[1].timeouts is None
    assert fast.retries is not None
    assert (fast.retries.attempts, fast.retries.backoff_s) == (9, 1)
    assert slow.timeouts is None
    assert slow.deployments[0].timeouts == Timeouts(connect_s=1, idle_s=2, total_s=4)


def test_a_file_that_is_not_there_is_told() -> None:
    for path in ("/nowhere/x.yaml", "/", "a\0b"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path)


VALID: dict[str, Any] = {
    "server": {"host": "127.0.0.1", "port": 4000, "drain_s": 5.0, "http": "fast"},
    "keys": {"master": "env:MASTER", "cache_s": 1},
    "providers": {
        "own": {"base_url": "https://llm.example.com/v1", "api_key": "${LEAK}"}
    },
    "models": {
        "smart": {
            "strategy": "latency",
            "deployments": [
                {"model": "openai/gpt-4o", "id": "one", "weight": 2, "rpm": 5},
                {
                    "model": "own/m",
                    "timeouts": {"total_s": 9},
                    "params": {"temperature": 1},
                },
            ],
            "fallbacks": ["cheap"],
            "hedge": {"after_s": 1},
            "hidden": True,
        },
        "cheap": {
            "deployments": [
                {"model": "anthropic/claude", "price": {"input": 1, "output": 2}}
            ]
        },
    },
    "retries": {"attempts": 2, "budget_ratio": 0.1},
    "telemetry": {"semconv": "both", "traces": {"sample": 0.5}},
    "logs": {"level": "info"},
    "demo": True,
}
FREE = {("models", "smart", "deployments", 1, "params")}
"""Mappings whose keys are anyone's."""
NAMED = {("models",), ("providers",)}
"""Mappings whose keys are names: another name is another thing."""
OPTIONAL = {"strategy", "rpm", "timeouts", "price", "hedge", "input", "output"}
REQUIRED = {"deployments", "model", "after_s", "base_url"}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    out = []
    if isinstance(value, dict):
        for key, item in value.items():
            out += [(*path, key), *places(item, (*path, key))]
    elif isinstance(value, list):
        for i, item in enumerate(value):
            out += places(item, (*path, i))
    return out


def written(value: Any) -> str:
    out = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump(value, out)
    return out.getvalue()


def line_of(text: str, path: tuple[Any, ...]) -> int:
    return parse(text, "f").key_spot(path).line


def test_the_file_that_is_mutated_is_valid() -> None:
    assert read(written(VALID)).config.models["smart"].hidden


def parent(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


@settings(deadline=None)
@given(st.sampled_from(places(VALID)), st.integers(0, 50), st.sampled_from("xyz_"))
def test_a_misspelt_key_is_told_in_its_line(
    path: tuple[Any, ...], at: int, letter: str
) -> None:
    value = copy.deepcopy(VALID)
    inside = parent(value, path)
    key = path[-1]
    wrong = key[: at % len(key)] + letter + key[at % len(key) :]
    if wrong.startswith("x-"):
        return
    value_of = inside.pop(key)
    inside[wrong] = value_of
    text = written(value)
    if path[:-1] in FREE:
        read(text)
        return
    if path[:-1] in NAMED:
        # A new name is legal; but whoever used the old one is told.
        problems = told(text) if path[-1] in ("cheap", "own") else ""
        assert path[-1] in problems or path[-1] == "smart"
        return
    line = line_of(text, (*path[:-1], wrong))
    problems = mistakes(text)
    assert any(p.line == line and "unknown key" in p.message for p in problems)
    if len(key) > 3:
        assert any(f"`{key}`" in p.hint for p in problems)


@settings(deadline=None)
@given(st.sampled_from(places(VALID)))
def test_a_dropped_key_is_its_default_or_is_told_at_its_parent(
    path: tuple[Any, ...],
) -> None:
    value = copy.deepcopy(VALID)
    del parent(value, path)[path[-1]]
    text = written(value)
    key = path[-1]
    used = path[:-1] == ("models",) and key == "cheap"
    used = used or path in {
        ("providers",),
        ("providers", "own"),
        ("models", "cheap", "deployments"),
    }
    if key not in REQUIRED and not used:
        read(text)
        return
    problems = mistakes(text)
    assert any(key in p.message + p.hint or "own/m" in str(value) for p in problems)
    assert all(p.line > 0 for p in problems)


WRONG = [[1], {"zz": 1}, "some words", -7, 1.5, None, True]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(places(VALID)), st.sampled_from(WRONG))
def test_a_wrong_type_is_told_in_its_line_or_accepted_for_a_reason(
    path: tuple[Any, ...], wrong: Any
) -> None:
    value = copy.deepcopy(VALID)
    parent(value, path)[path[-1]] = wrong
    text = written(value)
    try:
        read(text)
    except ConfigError as error:
        first = line_of(text, path)
        # Who names an alias or provider that the mutation took away is told elsewhere.
        elsewhere = path[:1] in {("models",), ("providers",)} and len(path) <= 3
        assert elsewhere or any(first <= p.line <= first + 2 for p in error.problems), (
            path,
            wrong,
            str(error),
        )
        return
    old = parent(VALID, path)[path[-1]]
    accepted = (
        type(wrong) is type(old)
        or (isinstance(old, float | int) and isinstance(wrong, int | float))
        or (wrong is None and isinstance(old, dict | list))
        or (wrong == "some words" and isinstance(old, str))
        or (wrong is None and path[-1] in OPTIONAL)
        or path[:5] in FREE
    )
    assert accepted, (path, wrong)


def test_config_types_are_what_the_reader_gives() -> None:
    config = read(written(VALID)).config
    assert isinstance(config.models["smart"], Model)
    assert isinstance(config.models["smart"].deployments[0], Deployment)
