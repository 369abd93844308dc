"""What is tracked, what is locked, what ships."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from adapters.catalog.lookup import DATA
from tests.house.project import project, pyproject
from tests.house.sources import WINGS, tracked
from tests.shared import ROOT

MAX_BYTES: Final = 500_000

_INDEX: Final = "|".join(
    ("pypi", "python" + "hosted", "npm" + "js", "arti" + "factory")
)
FORBIDDEN: Final = {
    "a package registry": rf"\b[\w.-]*(?:{_INDEX})[\w-]*\.(?:org|com|io|net)\b",
    "a choice of registry": "--(?:extra-index|index|find|trusted)-(?:url|links|host)",
    "a path of somebody's machine": r"(?<![\w.~$}])/(?:work|root|Users|home/\w+)/\w",
    "a private key": "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----",
    "how it was written": r"(?i)co-authored"
    + r"-by|generated (?:by|with) an? (?:ai|llm)",
}


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        yield path.relative_to(ROOT), path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in texts()
        for match in re.finditer(FORBIDDEN[what], text)
        if not (what == "a private key" and path.parts[0] == "tests")
    ]
    assert not found


def test_every_file_is_clean_text() -> None:
    for path, text in texts():
        assert "\r" not in text, path
        assert text == "" or text.endswith("\n"), path
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".txt"}:
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), path


def test_no_file_is_big() -> None:
    assert not [p for p in tracked() if p.stat().st_size > MAX_BYTES]


# --- make --------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["run", "test", "check", "bench", "install", "clean"])
def test_make_knows_the_word(word: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-n", word, f"VENV={tmp_path}/venv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/venv" in done.stdout


def test_make_sets_up_once(tmp_path: Path) -> None:
    (tmp_path / "run.done").touch()
    (tmp_path / "dev.done").touch()
    for word in ("run", "test", "check", "bench"):
        done = subprocess.run(
            ["make", "-n", word, f"VENV={tmp_path}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "pip" not in done.stdout


def test_ci_is_what_contributors_run() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().rstrip().endswith("\nmake check test")


# --- locks -------------------------------------------------------------------------


def locked(name: str) -> dict[str, tuple[str, str]]:
    """Distribution -> (version, marker)."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pin, *hashes = re.split(r"\s+--hash=", line)
        match = re.fullmatch(
            r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)(?: ; (.+))?", pin.strip()
        )
        assert match, f"neither a pin nor empty: {pin!r}"
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64} *", h) for h in hashes)
        found[match[1]] = (match[2], match[3] or "")
    return found


def test_what_runs_is_what_is_tested() -> None:
    run, dev = locked("run"), locked("dev")
    assert {name: pin[0] for name, pin in run.items()}.items() <= {
        name: pin[0] for name, pin in dev.items()
    }.items()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("run", project()["dependencies"]),
        ("dev", project()["optional-dependencies"]["dev"]),
        ("frameworks", pyproject()["dependency-groups"]["frameworks"]),
    ],
)
def test_the_locks_fit_what_is_required(name: str, wanted: list[str]) -> None:
    pins = locked(name)
    for text in wanted:
        requirement = Requirement(text)
        pin = re.sub(r"[._-]+", "-", requirement.name.lower())
        assert pin in pins, text
        assert Version(pins[pin][0]) in requirement.specifier, text


# --- the wheel ---------------------------------------------------------------------


def test_the_wheel_holds_the_four_packages_and_nothing_else(tmp_path: Path) -> None:
    """Built from what is tracked, as an index or `pip install .` would."""
    for path in tracked():
        copy = tmp_path / "source" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=tmp_path / "source",
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = tmp_path.glob("routeiq-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(n for n in names if n.endswith(".dist-info/METADATA"))
        scripts = archive.read(metadata.replace("METADATA", "entry_points.txt"))
        assert b"Requires-Python: >=3.11" in archive.read(metadata)
    assert scripts.split() == [*b"[console_scripts] routeiq = gateway.cli:main".split()]
    shipped = {n for n in names if ".dist-info/" not in n}
    assert {n.partition("/")[0] for n in shipped} == set(WINGS)
    assert {n for n in shipped if not n.endswith(".py")} == {
        *(f"adapters/catalog/data/{path.name}" for path in DATA.iterdir()),
        "adapters/providers/compatible.txt",
        "routing/learned/centroids.json",
        *(f"{wing}/py.typed" for wing in WINGS),
    }
    assert {n for n in shipped if n.endswith(".py")} == {
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in WINGS
    }


def test_the_packages_are_named_once_and_the_same() -> None:
    tool = pyproject()["tool"]
    named = set(WINGS)
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == named
    assert set(tool["importlinter"]["root_packages"]) == named
    assert set(tool["mypy"]["packages"]) == named
