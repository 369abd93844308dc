import json
import re
from pathlib import Path

import pytest

from gateway.cli import main

SECRET = re.compile(r"sk-riq-[\w-]{30,}\n")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routeiq.yaml").write_text(
        "keys: {master: env:ROUTEIQ_MASTER_KEY}\n"
        "models: {fast: {deployments: [{model: echo/demo}]}}\n"
    )
    return tmp_path


def test_a_key_is_made_listed_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list"]) == 0
    assert "no keys" in capsys.readouterr().out
    words = ["keys", "create", "--name", "search", "--model", "fast", "--model", "o/*"]
    assert main([*words, "--expires", "90d"]) == 0
    said = capsys.readouterr()
    assert SECRET.fullmatch(said.out), "the secret alone, for scripts"
    assert said.out.strip() not in said.err
    assert "warning" not in said.err
    assert main(["keys", "list", "--json"]) == 0
    shown = capsys.readouterr().out
    assert said.out.strip() not in shown
    (key,) = json.loads(shown)
    assert (key["name"], key["models"]) == ("search", ["fast", "o/*"])
    assert key["expires"] > key["created"]
    assert main(["keys", "list"]) == 0
    assert key["id"] in capsys.readouterr().out
    assert main(["keys", "revoke", key["id"]]) == 0
    assert main(["keys", "revoke", key["id"]]) == 1
    assert "no key" in capsys.readouterr().err
    assert main(["keys", "list"]) == 0
    assert "no keys" in capsys.readouterr().out


def test_what_will_not_work_is_warned_of(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "create", "--name", "x", "--model", "fsat", "--json"]) == 0
    said = capsys.readouterr()
    assert "no alias 'fsat'" in said.err
    assert SECRET.fullmatch(json.loads(said.out)["key"] + "\n")
    (elsewhere / "routeiq.yaml").write_text("{}")
    assert main(["keys", "create", "--name", "x"]) == 0
    assert "nobody is asked for a key" in capsys.readouterr().err


def test_keys_of_memory_belong_to_the_gateway(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "m.yaml").write_text("store: {url: 'memory:'}")
    assert main(["keys", "list", "--config", "m.yaml"]) == 1
    assert "memory:" in capsys.readouterr().err


def test_a_store_that_cannot_be_opened_is_3(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (elsewhere / "not.db").write_bytes(b"this is no database" * 100)
    (elsewhere / "b.yaml").write_text("store: {url: 'sqlite:///not.db'}")
    assert main(["keys", "list", "--config", "b.yaml"]) == 3
    assert "not.db" in capsys.readouterr().err
    (elsewhere / "n.yaml").write_text("a: 1")
    assert main(["keys", "list", "--config", "n.yaml"]) == 1
