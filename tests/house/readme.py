"""The README as data, and a place where its commands can be run for real."""

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.shared import ROOT

README: Final = ROOT / "README.md"
ADDRESS: Final = "http://127.0.0.1:4000"
"""Where the README's gateway is; tests put theirs in its place."""
WITHIN_S: Final = 60.0

KEYS: Final = {
    "ROUTEIQ_MASTER_KEY": "sk-master-0123456789abcdef",
    "OPENAI_API_KEY": "sk-openai-0123456789",
    "GROQ_API_KEY": "gsk-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-0123456789",
}
"""What the README's configuration refers to."""

LITELLM: Final = """\
model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
      rpm: 100
router_settings:
  routing_strategy: least-busy
litellm_settings:
  num_retries: 2
general_settings:
  master_key: os.environ/ROUTEIQ_MASTER_KEY
"""

_FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """What stands between two fences."""

    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        first = self.text.split("\n", 1)[0]
        return f"line {self.line}: {first[:40]}"


def blocks(text: str) -> list[Block]:
    """Every fenced block, in order."""
    return [
        Block(text.count("\n", 0, m.start()) + 1, m[1].strip(), m[2])
        for m in _FENCE.finditer(text)
    ]


def spans(text: str) -> list[str]:
    """Every piece of inline code outside the blocks."""
    return _CODE.findall(_FENCE.sub("", text))


def commands(block: Block) -> list[str]:
    """The commands of a shell block; one may go over several lines."""
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def serves(command: str) -> bool:
    """Whether a command starts a gateway, and so does not end by itself."""
    return re.search(r"\b(make run|routeiq serve)\b", command) is not None


class Sandbox:
    """A folder like a newcomer's checkout, with the commands the README names.

    They are the real ones, run by the interpreter of the tests on a free port:
    `make run` installs nothing, other words of make are only rehearsed.
    """

    def __init__(self, folder: Path, configuration: str) -> None:
        self.folder = folder
        for name in ("Makefile", "configs", "requirements"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "routeiq.yaml").write_text(configuration)
        (folder / "litellm.yaml").write_text(LITELLM)
        tools = folder / "tools"
        tools.mkdir()
        self._tool(
            tools / "routeiq",
            'last=""; if [ "$1" = serve ]; then last="--port 0"; fi\n'
            f'exec "{sys.executable}" -W error -P -m gateway "$@" $last\n',
        )
        made, make = f"{sys.prefix}/run.done", shutil.which("make")
        self._tool(
            tools / "make",
            f'rehearse=-n; if [ "$1" = run ]; then rehearse="-o {made}"; fi\n'
            f'exec "{make}" $rehearse "VENV={sys.prefix}" "ARGS=--port 0" "$@"\n',
        )
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.endswith(("_API_KEY", "_TOKEN", "_BASE_URL"))
            and not name.startswith(("OTEL_", "MAKE", "MFLAGS"))
        }
        self.env = {
            **clean,
            **KEYS,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            # Of an answer of just now: what `x-routeiq-id` said.
            "ID": f"req_{time.time_ns() // 1_000_000:012x}{1:016x}",
        }

    def _tool(self, path: Path, text: str) -> None:
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def run(self, command: str) -> str:
        """A command that ends; what it prints."""
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def serve(self, command: str) -> "Served":
        """A command that serves until it is stopped."""
        return Served(command, self)


class Served:
    """A gateway that a command of the README started, inside `with`."""

    def __init__(self, command: str, sandbox: Sandbox) -> None:
        self.url = ""
        self.lines: list[str] = []
        self._listens: queue.Queue[str] = queue.Queue()
        self._told: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            ["sh", "-euc", command],
            cwd=sandbox.folder,
            env=sandbox.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self.lines.append(line)
                if '"listening"' in line:
                    self._listens.put(json.loads(line)["addresses"][0])
                elif line.startswith("Off"):
                    self._told.put(line)
        self._listens.put("")
        self._told.put("")

    def __enter__(self) -> "Served":
        self._reader.start()
        self.url = self._listens.get(timeout=WITHIN_S)
        told = self._told.get(timeout=WITHIN_S)
        assert self.url and told, "".join(self.lines)
        return self

    def __exit__(self, *_: Any) -> None:
        # As a terminal does for Ctrl-C: to make and to the gateway.
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(15)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._reader.join(5)
