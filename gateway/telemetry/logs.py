"""Log lines on stderr: JSON, or text on a terminal; redacted; never in the way.

Ours go through `logging.getLogger(__name__)`: the message is constant, the values are
in `extra`. Lines are written by a thread of their own, many at once: a terminal that
nobody reads or a full pipe stops neither the loop nor the recorder.
"""

import atexit
import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

import msgspec

from gateway.config import schema
from gateway.telemetry.facts import Facts
from gateway.telemetry.redact import Redactor

MAX_WAITING: Final = 20_000
"""Lines that may wait to be written; more are dropped and counted."""
MAX_LINE: Final = 32_768
"""Characters of a line; the rest is cut off."""
OURS: Final = ("gateway", "adapters", "routing", "protocols", "routeiq")
_TICK_S: Final = 0.1
_OWN_FIELDS: Final = frozenset(
    vars(logging.LogRecord("", 0, "", 0, "", (), None)).keys()
) | {"message", "asctime", "taskName"}
_log = logging.getLogger(__name__)


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One exchange as a log line; money in dollars, times in milliseconds."""

    ts: str
    level: str
    logger: str
    msg: str
    id: str
    trace_id: str
    span_id: str
    status: int
    route: str
    operation: str
    alias: str
    duration_ms: float
    first_token_ms: float | None = None
    error: str = ""
    error_message: str = ""
    deployment: str = ""
    model: str = ""
    stream: bool = False
    key: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class Writer:
    """Lines -> one stream, written by a thread, in order.

    Until `start` and after `close`, and in a forked child, lines are written at once.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self.dropped = 0
        """Lines that found no room, or a broken stream."""

    def start(self) -> None:
        """Start the thread; in the process that will serve, after any fork."""
        self._thread = threading.Thread(
            target=self._run, name="routeiq-logs", daemon=True
        )
        self._closing = False
        self._thread.start()
        atexit.register(self.close)

    def write(self, lines: Sequence[str]) -> None:
        """Hand lines over; each without its line end."""
        thread = self._thread
        if thread is None or self._closing or not thread.is_alive():
            self._put(lines)
            return
        room = MAX_WAITING - len(self._lines)
        if room < len(lines):
            self.dropped += len(lines) - max(room, 0)
            lines = lines[: max(room, 0)]
        self._lines.extend(lines)
        self._wake.set()

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what waits, for at most `timeout_s`."""
        self._closing = True
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout_s)
        atexit.unregister(self.close)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            self._drain()
            # Lines come in bursts: let some more join the next write.
            if not self._closing:
                time.sleep(_TICK_S / 10)
        self._drain()

    def _drain(self) -> None:
        while self._lines:
            count = min(len(self._lines), 500)
            self._put([self._lines.popleft() for _ in range(count)])

    def _put(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        with self._writing:
            try:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
            except (OSError, ValueError, UnicodeError):
                # Broken pipe, closed file, an encoding that cannot: nobody to tell.
                self.dropped += len(lines)


class Handler(logging.Handler):
    """Standard library records -> lines."""

    def __init__(self, writer: Writer, redactor: Redactor, *, as_json: bool) -> None:
        super().__init__()
        self._writer = writer
        self._redactor = redactor
        self._format = json_line if as_json else text_line

    def createLock(self) -> None:  # noqa: N802 - the name the library calls
        """No lock: a writer stuck on a full pipe must not hold up those who log."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """As the library does it, which from Python 3.13 on insists on the lock."""
        kept = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self._format(_fields(record, self._redactor))
        except Exception:  # noqa: BLE001 - a line that cannot be made kills nothing
            self._writer.dropped += 1
            return
        self._writer.write((line,))


class ExchangeLines:
    """One line per exchange: a sink of the recorder."""

    def __init__(self, writer: Writer, *, as_json: bool, level: int) -> None:
        self._writer = writer
        self._json = as_json
        self._level = level
        self._encoder = msgspec.json.Encoder()
        self._second = -1
        self._prefix = ""

    def take(self, batch: Sequence[Facts]) -> None:
        """Write a line for each that the level lets through."""
        lines = []
        for facts in batch:
            ill = facts.status >= 500
            if (logging.WARNING if ill else logging.INFO) < self._level:
                continue
            line = self._line(facts, "warning" if ill else "info")
            if self._json:
                lines.append(_encoded(self._encoder, line))
            else:
                lines.append(text_line(msgspec.structs.asdict(line)))
        if lines:
            self._writer.write(lines)

    def tick(self, now: float) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """The writer has its own owner."""

    def _line(self, facts: Facts, level: str) -> Line:
        usage, trace, first = facts.usage, facts.trace, facts.first_token
        seconds = facts.ended - facts.began
        # By position: with this many fields keywords cost thirty times as much.
        return Line(
            self._stamp(facts.began_unix_ns + int(seconds * 1e9)),
            level,
            "routeiq.exchange",
            "exchange",
            facts.id,
            trace.trace_id.to_bytes(16).hex(),
            trace.span_id.to_bytes(8).hex(),
            facts.status,
            facts.route,
            facts.operation,
            facts.alias[:256],
            int(seconds * 1e6) / 1e3,
            int((first - facts.began) * 1e6) / 1e3 if first else None,
            facts.error,
            facts.error_message[:500],
            facts.served_by,
            facts.model,
            facts.stream,
            facts.key_id,
            len(facts.attempts),
            usage.input if usage is not None else 0,
            usage.output if usage is not None else 0,
            None if facts.cost_nano is None else facts.cost_nano / 1e9,
        )

    def _stamp(self, unix_ns: int) -> str:
        second, rest = divmod(unix_ns, 1_000_000_000)
        if second != self._second:
            self._second, self._prefix = second, _prefix(second)
        return f"{self._prefix}.{rest // 1_000_000:03d}Z"


class Logs:
    """What `set_up` made; close it last."""

    def __init__(
        self, writer: Writer, handler: Handler, lines: ExchangeLines | None
    ) -> None:
        self.writer = writer
        self.handler = handler
        self.lines = lines
        """The sink for the recorder; `None`: lines per exchange are off."""

    def start(self) -> None:
        """Start the writing thread; in the process that will serve."""
        self.writer.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what waits and take the handler off the root logger."""
        self.writer.close(timeout_s)
        logging.getLogger().removeHandler(self.handler)


def set_up(
    config: schema.Logs, redactor: Redactor, stream: TextIO | None = None
) -> Logs:
    """Send all logging of this process to `stream` (stderr), replacing any handlers.

    Our loggers speak at the configured level, others from warning on.
    """
    out = sys.stderr if stream is None else stream
    as_json = config.format == "json" or (
        config.format == "auto" and not _is_terminal(out)
    )
    level = logging.getLevelNamesMapping()[config.level.upper()]
    writer = Writer(out)
    handler = Handler(writer, redactor, as_json=as_json)
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, Handler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    lines = None
    if config.requests:
        lines = ExchangeLines(writer, as_json=as_json, level=level)
    return Logs(writer, handler, lines)


def deployment_changed(
    deployment: str, before: str, after: str, reason: str = "", back_in_s: float = 0.0
) -> None:
    """The line about a deployment that went down (`cooldown`, `open`) or came back."""
    level = logging.INFO if after == "closed" else logging.WARNING
    _log.log(
        level,
        "deployment changed its state",
        extra={
            "deployment": deployment,
            "before": before,
            "after": after,
            "reason": reason,
            "back_in_s": round(back_in_s, 3),
        },
    )


def json_line(fields: Mapping[str, Any]) -> str:
    """Fields as one line of JSON."""
    line = json.dumps(fields, ensure_ascii=True, default=str, separators=(",", ":"))
    if len(line) <= MAX_LINE:
        return line
    short = {k: _cut(v) for k, v in fields.items()}
    short["truncated"] = True
    line = json.dumps(short, ensure_ascii=True, default=str, separators=(",", ":"))
    if len(line) <= MAX_LINE:
        return line
    kept = {k: short[k] for k in ("ts", "level", "logger", "msg") if k in short}
    return json.dumps({**kept, "truncated": True}, separators=(",", ":"))


def text_line(fields: Mapping[str, Any]) -> str:
    """Fields as one line for eyes; control characters are escaped."""
    known = ("ts", "level", "logger", "msg")
    ts, level, logger, msg = (str(fields.get(key, "")) for key in known)
    rest = " ".join(
        f"{key}={value}"
        for key, value in fields.items()
        if key not in known and value not in ("", None, False)
    )
    line = f"{ts[11:23]} {level.upper():<7} {logger}: {msg}"
    return _printable(f"{line}  {rest}" if rest else line)[:MAX_LINE]


def _fields(record: logging.LogRecord, redactor: Redactor) -> dict[str, Any]:
    second, rest = divmod(record.created, 1)
    fields: dict[str, Any] = {
        "ts": f"{_prefix(int(second))}.{int(rest * 1000):03d}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": redactor.text(record.getMessage()),
    }
    for key, value in vars(record).items():
        if key not in _OWN_FIELDS and key not in fields:
            fields[key] = redactor.value(value)
    if record.exc_info and record.exc_info[0] is not None:
        text = logging.Formatter().formatException(record.exc_info)
        fields["exception"] = redactor.text(text)
    if record.stack_info:
        fields["stack"] = redactor.text(record.stack_info)
    return fields


def _encoded(encoder: msgspec.json.Encoder, line: Line) -> str:
    try:
        text = encoder.encode(line).decode()
    except UnicodeError:
        return json_line(msgspec.structs.asdict(line))
    # JSON lets U+0085, U+2028 and terminal controls above ASCII stand as they are.
    if text.isascii() or text.isprintable():
        return text
    return json_line(msgspec.structs.asdict(line))


def _prefix(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _cut(value: object) -> object:
    return value[:1000] + "…" if isinstance(value, str) and len(value) > 1000 else value


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
