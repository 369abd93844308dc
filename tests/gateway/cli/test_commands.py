"""The command line as scripts and people see it: a process of its own."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import commands, main
from gateway.cli.entry import foreign_package
from gateway.cli.options import parser
from tests.shared import ROOT

BAD = """server:
  port: 70000
  hots: x
models:
  fast:
    deployments:
      - model: opnai/gpt-4o
logs: {level: loud}
"""
LITELLM = """
model_list:
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o, api_key: sk-canary-0123456789, tags: [a]}
  - model_name: gpt-4
    litellm_params: {model: openai/gpt-4o-mini, api_key: sk-canary-0123456789}
router_settings: {num_retries: 1}
"""


def run(
    *words: str, cwd: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    inherited = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "gateway", *words],
        env={**inherited, "PYTHONPATH": str(ROOT), **environ},
        cwd=cwd or ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_check_shows_every_mistake_with_its_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    done = run("check", str(file))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines[:-1]] == [
        f"{file}:2:9:",
        f"{file}:3:3:",
        f"{file}:7:16:",
        f"{file}:8:15:",
    ]
    assert lines[-1] == "4 mistakes"
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_check_of_good_files_is_0(tmp_path: Path) -> None:
    done = run("check", "configs/minimal.yaml", "configs/reference.yaml")
    assert done.returncode == 0
    assert done.stdout.count("all is well") == 2


def test_check_looks_at_every_file_and_is_1_for_one_bad(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = run("check", str(tmp_path / "bad.yaml"), "configs/minimal.yaml")
    assert done.returncode == 1
    assert "all is well" in done.stdout


def test_check_speaks_json(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    done = run("check", "--json", str(tmp_path / "bad.yaml"), "configs/minimal.yaml")
    bad, good = json.loads(done.stdout)
    assert (bad["ok"], good["ok"]) == (False, True)
    assert bad["problems"][0]["line"] == 2
    assert bad["problems"][0]["path"] == "server.port"


def test_check_offline_wants_no_variables(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("keys: {master: env:ROUTEIQ_MASTER_KEY}\n")
    assert run("check", str(file)).returncode == 1
    assert run("check", "--offline", str(file)).returncode == 0
    assert run("check", str(file), ROUTEIQ_MASTER_KEY="x" * 20).returncode == 0


def test_schema_is_the_file_in_configs(tmp_path: Path) -> None:
    expected = (ROOT / "configs" / "schema.json").read_text()
    assert run("schema").stdout == expected
    out = tmp_path / "schema.json"
    assert run("schema", "-o", str(out)).returncode == 0
    assert out.read_text() == expected
    again = run("schema", "-o", str(out))
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert run("schema", "--force", "-o", str(out)).returncode == 0
    assert run("schema", "-o", "/nowhere/x").returncode == 1


def test_what_is_imported_passes_check(tmp_path: Path) -> None:
    (tmp_path / "l.yaml").write_text(LITELLM)
    out = tmp_path / "routeiq.yaml"
    done = run("import", "litellm", str(tmp_path / "l.yaml"), "-o", str(out))
    assert done.returncode == 0, done.stderr
    assert "sk-canary" not in done.stdout + done.stderr + out.read_text()
    for word in (
        "unsupported",
        "changed",
        "mapped",
        "model_list[].litellm_params.tags",
    ):
        assert word in done.stdout
    assert run("check", str(out)).returncode == 1, "its variable is not set"
    assert run("check", str(out), OPENAI_API_KEY="k").returncode == 0


def test_import_writes_to_standard_output_and_talks_on_the_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "l.yaml").write_text(LITELLM)
    done = run("import", "litellm", str(tmp_path / "l.yaml"))
    assert done.stdout.startswith("# Made from l.yaml")
    assert "FATE" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {}", "not LiteLLM's"),
        (LITELLM + "router_setings: {}\n", "did you mean"),
        ("a: [", "no YAML"),
    ],
)
def test_import_of_what_is_wrong_is_1(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "l.yaml").write_text(text)
    done = run("import", "litellm", str(tmp_path / "l.yaml"), "-o", str(tmp_path / "o"))
    assert done.returncode == 1
    assert words in done.stderr
    assert not (tmp_path / "o").exists()


def test_import_of_nothing_is_1() -> None:
    assert "cannot be read" in run("import", "litellm", "/nowhere").stderr


def test_providers_are_listed_with_whose_key_is_set() -> None:
    done = run("providers", GROQ_API_KEY="gsk-canary")
    assert done.returncode == 0
    (groq,) = [line for line in done.stdout.splitlines() if line.startswith("groq ")]
    assert groq.split()[:3] == ["groq", "openai", "yes"]
    assert groq.endswith(" GROQ_API_KEY")
    assert "canary" not in done.stdout
    listed = len(done.stdout.splitlines()) - 1
    assert listed >= 190
    counted = run("providers", "--count", GROQ_API_KEY="gsk-canary").stdout
    assert counted == f"{done.stdout}\n{listed} providers\n"
    counted = run("providers", "--count", "--set", GROQ_API_KEY="x").stdout
    assert counted.splitlines()[-1] == "1 provider"
    assert run("providers", "--set").stdout == "no provider's key is set\n"
    (row,) = json.loads(run("providers", "--json", "--set", GROQ_API_KEY="x").stdout)
    assert row["id"] == "groq"
    assert row["set"] == "GROQ_API_KEY"


def test_an_address_is_shown_with_what_the_environment_knows_of_it() -> None:
    def shown(**env: str) -> str:
        rows = json.loads(run("providers", "--json", **env).stdout)
        (row,) = [row for row in rows if row["id"] == "cloudflare"]
        assert row["address_env"] == ["CLOUDFLARE_ACCOUNT_ID"]
        return str(row["base_url"])

    (line,) = [
        line
        for line in run("providers").stdout.splitlines()
        if line.startswith("cloudflare ")
    ]
    assert "address: CLOUDFLARE_ACCOUNT_ID" in line
    assert "/accounts/{account}/ai/v1" in shown()
    assert "/accounts/acme/ai/v1" in shown(CLOUDFLARE_ACCOUNT_ID="acme")


def _used_s() -> float:
    """By processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_version_comes_at_once() -> None:
    # Processor time, the least of five: the machine may be busy with something else.
    times = []
    for _ in range(5):
        began = _used_s()
        done = run("version")
        times.append(_used_s() - began)
    assert done.returncode == 0
    assert done.stdout.startswith("routeiq ")
    assert min(times) < 0.4, "150 ms on a quiet machine"


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gateway.cli import main; main(['version']);"
        "heavy = {'ruamel', 'msgspec', 'ssl', 'httpx', 'starlette', 'opentelemetry'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nonsense",),
        ("serve", "--port", "x"),
        ("serve", "--port", "70000"),
        ("serve", "--workers", "0"),
        ("serve", "--http", "slow"),
        ("serve", "a.yaml", "--config", "b.yaml"),
        ("check",),
        ("import", "kong", "x"),
        ("keys",),
        ("keys", "create"),
        ("keys", "create", "--name", "x", "--expires", "soon"),
    ],
)
def test_a_wrong_command_line_is_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "routeiq" in done.stderr


def test_every_command_has_help_with_an_example_and_exit_codes() -> None:
    for words in ((), *((c,) for c in commands.TABLE), ("keys", "create")):
        done = run(*words, "--help")
        assert done.returncode == 0
        assert "example:\n  " in done.stdout
        assert "exit codes:\n  0 " in done.stdout
        assert all(len(line) < 100 for line in done.stdout.splitlines())


def test_every_command_of_the_parser_has_a_function() -> None:
    actions = [a for a in parser()._actions if a.dest == "command"]
    assert set(actions[0].choices or ()) == set(commands.TABLE)
    for name in commands.TABLE.values():
        assert callable(commands.resolve(name))


def test_a_reader_that_leaves_is_no_traceback() -> None:
    code = f"{sys.executable} -m gateway schema | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("{")


def test_the_four_packages_are_ours() -> None:
    assert foreign_package() == ""


def test_a_foreign_package_of_the_same_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "__init__.py").touch()
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}];"
        f"sys.path.append({str(ROOT)!r});"
        "from gateway.cli import main; sys.exit(main(['version']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "another distribution provides 'adapters'" in done.stderr


def test_main_gives_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert "routeiq" in capsys.readouterr().out
