"""Log lines: well-formed, one per event, never in the way."""

import io
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import pytest
from hypothesis import given

from gateway.config import schema
from gateway.telemetry import logs
from gateway.telemetry.facts import Facts
from gateway.telemetry.redact import Redactor
from tests.gateway.telemetry.samples import calm, exchanges, facts
from tests.harness.timing import at_most, timely


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    names = ["", *logs.OURS]
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def made(stream: TextIO, **options: str) -> logs.Logs:
    return logs.set_up(schema.Logs(**options), Redactor(), stream)


def test_a_record_is_one_line_of_json_with_its_values() -> None:
    stream = io.StringIO()
    log = made(stream, format="json")
    logging.getLogger("gateway.x").warning(
        "it\nfailed", extra={"trace_id": "ab" * 16, "n": 3, "odd": object}
    )
    log.close()
    (line,) = lines(stream)
    assert line["msg"] == "it\nfailed"
    assert line["level"] == "warning"
    assert line["logger"] == "gateway.x"
    assert line["trace_id"] == "ab" * 16
    assert line["n"] == 3
    assert line["ts"].endswith("Z")
    assert len(stream.getvalue().splitlines()) == 1


def test_the_level_holds_for_ours_and_others_speak_from_warning_on() -> None:
    stream = io.StringIO()
    log = made(stream, format="json", level="info")
    logging.getLogger("gateway.x").debug("a")
    logging.getLogger("gateway.x").info("b")
    logging.getLogger("httpx").info("c")
    logging.getLogger("httpx").warning("d")
    log.close()
    assert [line["msg"] for line in lines(stream)] == ["b", "d"]


def test_an_exchange_is_one_line() -> None:
    stream = io.StringIO()
    sink = logs.ExchangeLines(logs.Writer(stream), as_json=True, level=logging.INFO)
    sink.take([facts(), facts(status=502, error="timeout", cost_nano=None)])
    good, bad = lines(stream)
    assert good["msg"] == "exchange"
    assert good["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert good["alias"] == "fast"
    assert good["deployment"] == "gpt-a"
    assert good["duration_ms"] == 510.0
    assert good["first_token_ms"] == 200.0
    assert good["input_tokens"] == 12
    assert good["cost_usd"] == pytest.approx(2.13e-5)
    assert good["level"] == "info"
    assert bad["level"] == "warning"
    assert bad["error"] == "timeout"
    assert "cost_usd" not in bad


def test_at_warning_only_failed_exchanges_are_told() -> None:
    stream = io.StringIO()
    sink = logs.ExchangeLines(logs.Writer(stream), as_json=True, level=logging.WARNING)
    sink.take([facts(), facts(status=500)])
    assert [line["status"] for line in lines(stream)] == [500]


@calm
@given(exchanges)
def test_whatever_clients_send_a_line_is_one_line(exchange: Facts) -> None:
    for as_json in (True, False):
        stream = io.StringIO()
        logs.ExchangeLines(logs.Writer(stream), as_json=as_json, level=0).take(
            [exchange]
        )
        assert len(stream.getvalue().splitlines()) == 1
        assert stream.getvalue().isprintable() or stream.getvalue().endswith("\n")
        if not as_json:
            assert stream.getvalue()[:-1].isprintable()


def test_text_cannot_be_forged() -> None:
    stream = io.StringIO()
    log = made(stream, format="text")
    logging.getLogger("gateway.x").warning(
        "a", extra={"name_": "x\n12:00:00 ERROR\x1b[31m"}
    )
    log.close()
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_huge_values_are_cut() -> None:
    stream = io.StringIO()
    log = made(stream, format="json")
    logging.getLogger("gateway.x").warning(
        "a", extra={"b": "x" * 100_000, "c": ["y" * 100_000]}
    )
    log.close()
    (line,) = lines(stream)
    assert line["truncated"] is True
    assert len(stream.getvalue()) <= logs.MAX_LINE + 1


def test_a_deployments_change_is_told_with_its_reason() -> None:
    stream = io.StringIO()
    log = made(stream, format="json")
    logs.deployment_changed("gpt-a", "closed", "open", "5 failures", 10.0)
    logs.deployment_changed("gpt-a", "open", "closed")
    log.close()
    down, up = lines(stream)
    assert (down["level"], down["deployment"], down["after"], down["back_in_s"]) == (
        "warning",
        "gpt-a",
        "open",
        10.0,
    )
    assert (up["level"], up["after"]) == ("info", "closed")


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_broken_stderr_kills_nothing() -> None:
    stream = Broken()
    log = made(stream, format="json")
    log.start()
    logging.getLogger("gateway.x").warning("a")
    log.writer.write(["b"])
    log.close()
    assert log.writer.dropped == 2
    stream.close()
    logging.getLogger("gateway.x").warning("c")


@timely
def test_a_full_pipe_holds_up_nobody() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        writer = logs.Writer(stream)
        writer.start()
        began = time.monotonic()
        for _ in range(40):
            writer.write(["x" * 1000] * 1000)
        at_most(2.0, time.monotonic() - began)
        assert writer.dropped > 0
        reader = threading.Thread(
            target=lambda: [None for _ in iter(lambda: os.read(read, 1 << 20), b"")]
        )
        reader.start()
        writer.close(5)
    reader.join(5)
    os.close(read)


def test_lines_keep_their_order_through_the_thread() -> None:
    stream = io.StringIO()
    writer = logs.Writer(stream)
    writer.start()
    for i in range(1000):
        writer.write([str(i)])
    writer.close()
    assert stream.getvalue().splitlines() == [str(i) for i in range(1000)]


def test_stderr_is_the_default_and_a_pipe_gets_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = logs.set_up(schema.Logs(), Redactor())
    logging.getLogger("gateway.x").warning("a")
    log.close()
    assert json.loads(capsys.readouterr().err)["msg"] == "a"
    assert sys.stderr is not None


def test_setting_up_twice_does_not_tell_twice() -> None:
    first, second = io.StringIO(), io.StringIO()
    one = made(first, format="json")
    two = made(second, format="json")
    logging.getLogger("gateway.x").warning("a")
    one.close()
    two.close()
    assert first.getvalue() == ""
    assert len(lines(second)) == 1
