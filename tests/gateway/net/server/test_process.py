"""The server as a process: starting, signals, draining, workers."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.clients import PATIENT, Clients
from tests.harness.timing import at_most, timely
from tests.shared import ROOT


class Program:
    def __init__(
        self, app: str, signs: Path = Path(), files: int = 0, **settings: Any
    ) -> None:
        limited = ["sh", "-c", f'ulimit -n {files}; exec "$0" "$@"'] if files else []
        settings = {"port": 0, "drain_s": 5.0, **settings}
        self.process = subprocess.Popen(
            [
                *(*limited, sys.executable, "-W", "error", "-m"),
                *("tests.gateway.net.server.program", app, json.dumps(settings)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SIGNS": str(signs)},
        )
        self.signs = signs
        self.url = ""
        self.clients = Clients()

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def get(self, path: str = "/") -> httpx.Response:
        return self.clients.mine().get(self.url + path)

    def begun(self, number: int) -> None:
        """Wait until so many exchanges wait for `go`."""
        _until(lambda: len([*self.signs.iterdir()]) >= number)

    def stop(self) -> None:
        """Ask it to, and wait until nobody new is let in."""
        self.process.send_signal(signal.SIGTERM)
        _until(self.refuses)

    def refuses(self) -> bool:
        try:
            self.get()
        except httpx.TransportError:
            return True
        return False

    def go(self) -> None:
        (self.signs / "go").touch()

    def end(self, within_s: float = 30) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=within_s)
        return self.process.returncode, out, err


def _until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


@contextlib.contextmanager
def program(app: str = "plain", **settings: Any) -> Iterator[Program]:
    with tempfile.TemporaryDirectory() as folder:
        running = Program(app, Path(folder), **settings)
        try:
            if app != "slow":
                running.wait_ready()
            yield running
        finally:
            if running.process.poll() is None:
                running.process.kill()
            running.process.communicate()
            running.clients.close()


BOTH = pytest.mark.parametrize("workers", [1, 2])


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_it_serves_on_either_loop_and_stops_with_zero(loop: str) -> None:
    with program(loop=loop) as p:
        assert p.url.startswith("http://127.0.0.1:")
        assert not p.url.endswith(":0")
        assert p.get().text == str(p.process.pid)
        p.process.send_signal(signal.SIGTERM)
        assert p.end() == (0, "ended\n", "")


@BOTH
def test_an_application_that_cannot_start_says_why(workers: int) -> None:
    p = Program("broken", workers=workers)
    code, out, err = p.end()
    assert code == 1
    assert out == ""
    assert "the store is on fire" in err
    assert "Traceback" not in err


@BOTH
def test_a_port_in_use_is_told(workers: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = Program("plain", port=port, workers=workers).end()
    assert code == 1
    assert err == f"routeiq: cannot listen on 127.0.0.1:{port}: the port is in use\n"


def test_a_certificate_that_is_missing_is_told() -> None:
    tls = {"cert": "/nowhere/cert.pem", "key": "/nowhere/key.pem"}
    code, _, err = Program("plain", tls=tls).end()
    assert code == 1
    assert "server.tls" in err
    assert "/nowhere/cert.pem" in err


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_few_open_files_cap_the_connections_and_are_told(loop: str) -> None:
    with program(files=60, loop=loop) as p:
        port = int(p.url.rpartition(":")[2])
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                s = socket.create_connection(("127.0.0.1", port), 5)
                stack.enter_context(s)
            assert s.recv(100).startswith(b"HTTP/1.1 503 ")
        _until(lambda: p.get().status_code == 200)
        p.process.send_signal(signal.SIGTERM)
        code, _, err = p.end()
    assert code == 0
    assert "server.max_connections is more than open files allow" in err
    assert "Traceback" not in err


def test_a_stop_while_accepting_pauses_is_a_quiet_one() -> None:
    with (
        program(files=60, loop="asyncio") as p,
        ThreadPoolExecutor(1) as pool,
        contextlib.ExitStack() as stack,
    ):
        slow = pool.submit(p.get, "/slow")
        p.begun(1)
        # All are there when it looks: it accepts them in one go, and runs out of files.
        p.process.send_signal(signal.SIGSTOP)
        address = ("127.0.0.1", int(p.url.rpartition(":")[2]))
        many = [
            stack.enter_context(socket.create_connection(address, 5))
            for _ in range(100)
        ]
        p.process.send_signal(signal.SIGCONT)
        assert select.select(many, [], [], 30)[0]
        p.process.send_signal(signal.SIGTERM)
        time.sleep(1.2)  # the pause is over before the last exchange is
        p.go()
        assert slow.result().status_code == 200
        code, _, err = p.end()
    assert code == 0
    assert "accepting pauses" in err
    assert "Traceback" not in err


def test_an_unknown_host_is_told() -> None:
    code, _, err = Program("plain", host="203.0.113.1").end()
    assert code == 1
    assert "cannot listen on 203.0.113.1" in err


def test_a_stop_during_the_start_ends_it() -> None:
    with program("slow") as p:
        p.begun(1)
        p.process.send_signal(signal.SIGINT)
        code, _, err = p.end()
    assert code == 0
    assert "Traceback" not in err


@BOTH
@pytest.mark.parametrize("http", ["fast", "hypercorn"])
@timely
def test_a_stop_lets_exchanges_end_and_idle_connections_go(
    http: str, workers: int
) -> None:
    with (
        program(http=http, workers=workers) as p,
        ThreadPoolExecutor(20) as pool,
        httpx.Client(**PATIENT) as idle,
    ):
        assert idle.get(p.url).status_code == 200
        streams = [pool.submit(p.get, "/stream") for _ in range(10)]
        slow = [pool.submit(p.get, "/slow") for _ in range(10)]
        p.begun(20)
        p.stop()
        p.go()
        began = time.monotonic()
        for answer in slow:
            assert answer.result().text == "slow, draining"
            assert answer.result().headers["connection"] == "close"
        expected = "".join(f"data: {n}\n\n" for n in range(10))
        assert [s.result().text for s in streams] == [expected] * 10
        code, out, err = p.end()
        at_most(4.0, time.monotonic() - began)
    assert code == 0
    assert out == "ended\n" * workers
    assert err == ""


@BOTH
def test_nobody_new_is_let_in_while_it_drains(workers: int) -> None:
    with program(workers=workers) as p, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(p.get, "/slow")
        p.begun(1)
        p.stop()
        with pytest.raises(httpx.ConnectError):
            p.get()
        p.go()
        assert slow.result().status_code == 200


@BOTH
@timely
def test_a_second_signal_ends_it_at_once(workers: int) -> None:
    with program(workers=workers, drain_s=30.0) as p, ThreadPoolExecutor(1) as pool:
        lost = pool.submit(p.get, "/forever")
        p.begun(1)
        p.stop()
        assert p.process.poll() is None
        began = time.monotonic()
        p.process.send_signal(signal.SIGTERM)
        code, _, _ = p.end(8)
        assert code == 0
        at_most(5.0, time.monotonic() - began)
        with pytest.raises(httpx.TransportError):
            lost.result()


@BOTH
def test_the_drain_has_an_end(workers: int) -> None:
    with program(workers=workers, drain_s=0.5) as p, ThreadPoolExecutor(1) as pool:
        lost = pool.submit(p.get, "/forever")
        p.begun(1)
        p.process.send_signal(signal.SIGTERM)
        assert p.end()[0] == 0
        with pytest.raises(httpx.TransportError):
            lost.result()


def test_workers_share_the_port_and_one_that_dies_comes_back() -> None:
    with program(workers=2) as p:

        def pids(least: int, within_s: float) -> set[str]:
            seen: set[str] = set()
            until = time.monotonic() + within_s
            while len(seen) < least and time.monotonic() < until:
                with ThreadPoolExecutor(8) as pool:
                    answers = pool.map(lambda _: p.get().text, range(16))
                    seen.update(answers)
            return seen

        before = pids(2, 30)
        assert len(before) == 2
        assert str(p.process.pid) not in before
        victim = int(min(before))
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        failures = 0
        while time.monotonic() - began < 2:
            failures += p.get().status_code != 200
        assert failures == 0
        after = pids(2, 30)
        assert len(after) == 2
        assert str(victim) not in after
        with pytest.raises(httpx.TransportError):
            p.get("/crash")
        assert len(pids(2, 30)) == 2
        p.process.send_signal(signal.SIGINT)
        code, out, err = p.end()
    assert code == 0
    assert out.count("ended") == 2
    assert err.count("a worker died") == 2


def test_a_group_wide_signal_counts_once() -> None:
    """A service supervisor signals every process of the group."""
    with program(workers=2) as p, ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(p.get, "/slow") for _ in range(4)]
        p.begun(4)
        listed = f"/proc/{p.process.pid}/task/{p.process.pid}/children"
        with open(listed) as children:
            pids = [int(pid) for pid in children.read().split()]
        for pid in [p.process.pid, *pids]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        _until(p.refuses)
        p.go()
        assert [s.result().status_code for s in slow] == [200] * 4
        assert p.end()[0] == 0


def test_workers_end_when_their_parent_is_gone() -> None:
    with program(workers=2) as p:
        worker = int(p.get().text)
        p.process.kill()
        p.process.wait()
        gone = threading.Event()
        for _ in range(60):
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                gone.set()
                break
            time.sleep(0.1)
        assert gone.is_set()
