"""`routeiq serve` as a process: it answers the line it prints, and stops."""

import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.shared import ROOT

CURL = re.compile(r"^\s+(curl .*)$", re.MULTILINE)


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", *words],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "KEY": "k" * 20},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_ready(stream: IO[str] | None) -> str:
    assert stream is not None
    said = ""
    for line in stream:
        said += line
        if "hedging" in line:
            return said
    return said


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize("file", ["{}", "keys: {master: env:KEY}"])
def test_the_printed_line_is_answered(tmp_path: Path, file: str) -> None:
    (tmp_path / "routeiq.yaml").write_text(file)
    process = start(tmp_path, "--port", "0")
    try:
        said = until_ready(process.stderr)
        found = CURL.search(said)
        assert found, said
        done = subprocess.run(
            ["bash", "-c", found[1] + " -sS"],
            env={"PATH": "/usr/bin:/bin", "KEY": "k" * 20},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert '"role":"assistant"' in done.stdout, done.stderr
        assert shlex.split(found[1])[0] == "curl"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_port_in_use_is_3_and_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, "--port", str(taken.getsockname()[1]))
        _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "in use" in said
    assert "Traceback" not in said


def test_a_public_address_without_a_key_is_3_and_told(tmp_path: Path) -> None:
    process = start(tmp_path, "--port", "0", "--host", "0.0.0.0")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "keys.master" in said
