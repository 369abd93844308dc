"""`routeiq routing`, from outside."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from gateway.cli import main
from routing.learned.artifact import load
from routing.learned.model import Model
from routing.learned.signature import verifier
from routing.text import Reader
from tests.routing import outcomes
from tests.shared import ROOT


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", "routing", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_train_writes_a_signed_artifact_that_predicts(tmp_path: Path) -> None:
    data = outcomes.write(tmp_path / "t.jsonl", 200)
    key = "hmac-sha256:" + base64.b64encode(b"s" * 32).decode()
    (tmp_path / "key").write_text(key + "\n")
    router = tmp_path / "router"
    words = ("--data", str(data), "--out", str(router), "--sign", str(tmp_path / "key"))
    done = run("train", *words, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    model = Model(load(router, verifier(key)))
    assert said["models"] == list(outcomes.MODELS) == list(model.models)
    assert said["data"]["rows"] == 200
    small, _, large = model.predict(Reader().sketch("court statute contract")).quality
    assert large > small + 0.3


def test_what_is_wrong_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["routing", "train", "--out", str(tmp_path / "r")]
    assert main([*words, "--data", str(tmp_path / "none.jsonl")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    data = str(outcomes.write(tmp_path / "t.jsonl", 40))
    (tmp_path / "key").write_text("secret")
    assert main([*words, "--data", data, "--sign", str(tmp_path / "key")]) == 1
    assert "key" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    assert (
        main(["routing", "train", "--out", str(tmp_path / "full"), "--data", data]) == 1
    )
    assert "left alone" in capsys.readouterr().err


def test_evaluate_says_what_is_saved(tmp_path: Path) -> None:
    data = str(outcomes.write(tmp_path / "t.jsonl", 300))
    done = run("evaluate", "--data", data, "--cv", "2", "--json", str(tmp_path / "j"))
    assert done.returncode == 0, done.stderr
    assert "best single model: large" in done.stdout
    said = json.loads((tmp_path / "j").read_text())
    assert said["rows"] == 300
    assert said["routers"]["gbdt"]["levels"]["0.95"]["nested"] > 0.3
    by_domain = ("--by-domain", "--limit-labels", "5", "--json", "-")
    done = run("evaluate", "--data", data, "--cv", "3", *by_domain)
    assert "5 labels" in json.loads(done.stdout)["protocol"]
    router = str(tmp_path / "router")
    assert run("train", "--data", data, "--out", router).returncode == 0
    done = run("evaluate", "--data", data, "--artifact", router, "--json", "-")
    assert json.loads(done.stdout)["protocol"] == "artifact"


def test_report_is_a_page_with_a_picture(tmp_path: Path) -> None:
    data = str(outcomes.write(tmp_path / "t.jsonl", 200))
    folder = tmp_path / "page"
    done = run("report", "--data", data, "--cv", "2", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    text = (folder / "report.md").read_text()
    assert "# made_up" in text
    assert json.loads((folder / "report.json").read_text())["base"] == "large"
    for word in ("gbdt", "hull of single models", "query oracle", "large"):
        assert f"| {word} " in text
    picture = ET.parse(folder / "frontier.svg").getroot()
    assert len(picture.findall("{*}polyline")) == 5
    assert len(picture.findall("{*}circle")) == 3
    domains = ET.parse(folder / "domains.svg").getroot()
    assert {c.findtext("{*}title") for c in domains.findall("{*}circle")} == {
        *outcomes.WORDS
    }
    calibration = ET.parse(folder / "calibration.svg").getroot()
    assert len(calibration.findall("{*}polyline")) == 2
    for picture_name in ("frontier", "domains", "calibration"):
        assert f"({picture_name}.svg)" in text
    assert run("report", "--data", data, "--cv", "2").returncode == 2


def test_untrained_says_what_is_saved_with_nothing_learned(tmp_path: Path) -> None:
    data = str(outcomes.write(tmp_path / "t.jsonl", 200))
    own = str(tmp_path / "own.json")
    assert run("centroids", "--data", data, "--out", own).returncode == 0
    words = ("--data", data, "--centroids", own)
    found = json.loads(run("untrained", *words, "--json").stdout)
    assert found["best"] == "large"
    assert found["profiles"]["auto"]["quality"] > found["profiles"]["auto"]["mixed"]
    told = run("untrained", *words, "--models", "small,large").stdout
    assert "against always asking large" in told
    assert "coder" not in told
    done = run("untrained", "--data", data, "--models", "small,gone")
    assert (done.returncode, "not gone" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--artifact", "none"], 1, "cannot be read"),
        (["--artifact", "x", "--by-domain"], 2, "go with --cv"),
        (["--cv", "2", "--limit-labels", "5"], 2, "goes with --by-domain"),
        (["--cv", "1"], 2, "from 2 to 50"),
    ],
)
def test_evaluate_says_what_does_not_go_together(
    words: list[str], code: int, says: str, tmp_path: Path
) -> None:
    data = str(outcomes.write(tmp_path / "t.jsonl", 40))
    done = run("evaluate", "--data", data, *words)
    assert done.returncode == code
    assert says in done.stderr


@pytest.mark.parametrize("how", ["random", "group", "file"])
def test_train_holds_a_part_back_and_says_what_it_is_worth_there(
    tmp_path: Path, how: str
) -> None:
    head, *rows = outcomes.lines(400)
    marked = [
        msgspec.json.encode(
            msgspec.json.decode(row) | {"split": "test" if i % 4 == 0 else "train"}
        )
        for i, row in enumerate(rows)
    ]
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\n".join([head, *marked]) + b"\n")
    words = ("--data", str(path), "--split", how, "--limit", "200", "--json")
    done = run("train", *words, "--out", str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["data"]["rows"] <= 200
    metrics = told["metrics"]
    assert metrics["held_rows"] > 40
    if how == "file":
        assert metrics["held_rows"] == 100
    assert 0.0 <= metrics["held_saved_99"] < 1.0
    assert metrics["held_quality_99"] > 0.5
    plain = outcomes.write(tmp_path / "plain.jsonl", 60)
    none = run("train", "--data", str(plain), "--split", "file", "--out", "x")
    assert none.returncode == 1
    assert "`split`" in none.stderr
