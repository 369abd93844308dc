import io
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.banner import banner, curl, reachable, try_model
from gateway.cli.options import parser
from gateway.cli.serve import serve
from gateway.cli.show import paint, table
from gateway.config.found import Found, found_keys
from gateway.config.load import BUILT_IN, Loaded, built_in, loads
from gateway.config.secrets import Secrets

CANARY = "sk-canary-0123456789"


class Ran:
    """Stands for the server: keeps what it was started with."""

    def __init__(self, outcome: int | OSError = 0) -> None:
        self.outcome = outcome
        self.loaded: Loaded | None = None

    def __call__(self, loaded: Loaded, ready: Callable[[list[str]], None]) -> int:
        self.loaded = loaded
        if isinstance(self.outcome, OSError):
            raise self.outcome
        ready(["http://127.0.0.1:4000"])
        return self.outcome


def start(run: Ran, *words: str) -> int:
    return serve(parser().parse_args(["serve", *words]), run)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_file_at_all_serves_the_built_in_configuration() -> None:
    run = Ran()
    assert start(run) == 0
    assert run.loaded is not None
    assert run.loaded.path == BUILT_IN
    assert run.loaded.config.demo


def test_the_banner_is_told_when_the_gateway_is_ready(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start(Ran()) == 0
    said = capsys.readouterr()
    assert "curl http://127.0.0.1:4000/v1/chat/completions" in said.err
    assert said.out == ""
    assert start(Ran(OSError(98, "in use"))) == 3
    assert "curl" not in capsys.readouterr().err


def test_an_address_that_needs_a_key_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refusal = PermissionError("no key: set keys.master")
    assert start(Ran(refusal), "--host", "0.0.0.0") == 3
    assert "set keys.master" in capsys.readouterr().err


def test_routeiq_yaml_here_is_the_default(elsewhere: Path) -> None:
    (elsewhere / "routeiq.yaml").write_text("server: {port: 5001}\n")
    run = Ran()
    assert start(run) == 0
    assert run.loaded is not None
    assert run.loaded.config.server.port == 5001


@pytest.mark.parametrize("flag", [[], ["--config"]])
def test_the_file_is_named_either_way(elsewhere: Path, flag: list[str]) -> None:
    (elsewhere / "x.yaml").write_text("server: {port: 5002}\n")
    run = Ran()
    assert start(run, *flag, "x.yaml") == 0
    assert run.loaded is not None
    assert run.loaded.config.server.port == 5002


def test_the_command_line_overrides_the_file(elsewhere: Path) -> None:
    (elsewhere / "x.yaml").write_text("server: {port: 5002, drain_s: 7}\n")
    run = Ran()
    words = "x.yaml --port 0 --host ::1 --workers 3 --http hypercorn --log-level error"
    assert start(run, *words.split()) == 0
    assert run.loaded is not None
    server = run.loaded.config.server
    assert (server.port, server.host, server.workers, server.http) == (
        0,
        "::1",
        3,
        "hypercorn",
    )
    assert server.drain_s == 7
    assert run.loaded.config.logs.level == "error"


def test_a_file_with_mistakes_is_told_and_nothing_starts(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "x.yaml").write_text("a: 1\nb: 2\n")
    run = Ran()
    assert start(run, "x.yaml") == 1
    assert run.loaded is None
    said = capsys.readouterr()
    assert said.out == ""
    assert "x.yaml:1:1" in said.err
    assert "x.yaml:2:1" in said.err
    assert "2 mistakes" in said.err


def test_the_servers_own_exit_code_is_given() -> None:
    assert start(Ran(1)) == 1


def test_a_server_that_never_listened_is_3() -> None:
    parsed = parser().parse_args(["serve"])
    assert serve(parsed, lambda loaded, ready: 1) == 3
    assert serve(parsed, lambda loaded, ready: 0) == 0


def test_a_port_in_use_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert start(Ran(OSError(98, "Address already in use")), "--port", "4123") == 3
    assert "127.0.0.1:4123: Address already in use" in capsys.readouterr().err


def test_litellms_file_is_served_and_what_became_of_it_is_told(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "l.yaml").write_text(
        "model_list:\n  - model_name: a\n    litellm_params:\n"
        f"      {{model: openai/x, api_key: {CANARY}, tags: [b]}}\n"
    )
    run = Ran()
    assert start(run, "l.yaml") == 0
    assert run.loaded is not None
    assert run.loaded.source == "litellm"
    said = capsys.readouterr().err
    assert "tags" in said
    assert "1 unsupported" in said
    assert CANARY not in said


def text(loaded: Loaded, *addresses: str, found: tuple[Found, ...] = ()) -> str:
    return banner(loaded, addresses or ("http://127.0.0.1:4000",), found, "1.2.3")


def test_the_banner_says_all_with_nothing_configured() -> None:
    shown = text(built_in({}))
    assert "RouteIQ Gateway 1.2.3" in shown
    assert "http://127.0.0.1:4000" in shown
    assert '"model": "demo"' in shown
    assert "none; export OPENAI_API_KEY=..." in shown
    assert "Authorization" not in shown
    on, off = shown.partition("\nOn:")[2].split("\nOff, ")
    assert "demo model" in on
    assert "keys: {master: env:ROUTEIQ_MASTER_KEY}  (only this machine" in off
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in off
    assert "\x1b" not in shown


def test_the_banner_names_the_keys_it_found_and_never_shows_them() -> None:
    environ = {"OPENAI_API_KEY": CANARY, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"}
    loaded = built_in(environ)
    shown = text(loaded, found=tuple(found_keys(loaded.secrets)))
    assert "OPENAI_API_KEY (openai/*)" in shown
    assert CANARY not in shown
    assert "of 1% of exchanges" in shown.partition("\nOff, ")[0]


def test_the_curl_line_has_a_key_only_where_one_is_needed() -> None:
    environ = {"M": "x" * 20}
    shown = text(loads("keys: {master: '${M}'}", "f.yaml", environ))
    assert '-H "Authorization: Bearer $M"' in shown
    other = loads(
        "model_list: []\ngeneral_settings: {master_key: " + CANARY + "}", "l.yaml", {}
    )
    assert '-H "Authorization: Bearer $ROUTEIQ_MASTER_KEY"' in text(other)
    assert CANARY not in text(other)
    assert "f.yaml (aliases: 0, deployments: 0)" in shown


@given(st.text(min_size=1, max_size=20))
def test_the_curl_line_survives_a_shell(model: str) -> None:
    if "\0" in model:
        return
    line = curl(built_in({}), "http://h:1", model)
    words = shlex.split(line)
    assert words[:2] == ["curl", "http://h:1/v1/chat/completions"]
    assert json.loads(words[-1])["model"] == model


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("http://0.0.0.0:80", "http://127.0.0.1:80"),
        ("http://[::]:4000", "http://[::1]:4000"),
        ("https://example.com:443/", "https://example.com:443"),
        ("http://[fe80::1]:4000", "http://[fe80::1]:4000"),
    ],
)
def test_addresses_are_those_a_client_here_can_ask(address: str, reached: str) -> None:
    assert reachable(address) == reached


def test_without_demo_the_first_alias_is_tried() -> None:
    key = {"OPENAI_API_KEY": "k"}
    models = "models: {'o/*': {deployments: [{model: 'openai/*'}]}, h: {hidden: true, deployments: [{model: openai/x}]}, b: {deployments: [{model: openai/x}]}}"
    assert try_model(loads("demo: false\n" + models, "f", key).config, ()) == "b"
    wild = loads(
        "demo: false\nmodels: {'o/*': {deployments: [{model: 'openai/*'}]}}", "f", key
    )
    assert try_model(wild.config, ()) == "o/MODEL"
    bare = loads("demo: false", "f", {}).config
    assert try_model(bare, [Found("groq", "GROQ_API_KEY")]) == "groq/MODEL"
    assert try_model(bare, ()) == ""
    assert "curl" not in banner(loads("demo: false", "f", {}), ["http://h:1"], ())


def test_found_keys_are_those_of_the_table() -> None:
    found = found_keys(
        Secrets({"ANTHROPIC_API_KEY": "a", "GOOGLE_API_KEY": "b", "GROQ_API_KEY": ""})
    )
    assert found == [
        Found("anthropic", "ANTHROPIC_API_KEY"),
        Found("gemini", "GOOGLE_API_KEY"),
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_want_them() -> None:
    assert paint(Terminal(), {})("x", "red") == "\x1b[31mx\x1b[0m"
    assert paint(Terminal(), {"NO_COLOR": ""})("x", "red") != "x"
    for stream, environ in (
        (Terminal(), {"NO_COLOR": "1"}),
        (Terminal(), {"TERM": "dumb"}),
        (io.StringIO(), {}),
    ):
        assert paint(stream, environ)("x", "red") == "x"


def test_tables_stand_in_columns() -> None:
    assert table(("a", "b"), []) == ""
    assert table(("a", "bb"), [("x\x1b[0m", "y"), ("zz", "1")]).splitlines() == [
        "A         BB",
        "x\\x1b[0m  y",
        "zz        1",
    ]
