"""The redactor: canaries in every sink, JSON stays JSON, time stays linear."""

import io
import json
import logging
import time

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.config import schema
from gateway.spine.record import Recorder
from gateway.telemetry import logs
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.prometheus import Prometheus
from gateway.telemetry.redact import MARK, Redactor
from gateway.telemetry.row import decode_row, encode_row
from tests.gateway.telemetry.samples import attempt, facts

KNOWN = 'hush-Tr0ub4dor&3 "quoted" é'
PATTERNS = [
    "sk-proj-abcdefghijklmnop1234567890",
    "sk-ant-api03-AbCdEf_1234567890-xyz",
    "sk-abcd****************wxyz",
    "AIzaSyD-1234567890abcdefghijklmnopqrstu",
    "ya29.a0AfH6SMBabcdefghijklmnopqrstuv",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "gsk_abcdefghijklmnop1234567890",
    "hf_abcdefghijklmnop1234567890",
    "ghp_abcdefghijklmnop1234567890",
    "xai-abcdefghijklmnop1234567890",
    "pplx-abcdefghijklmnop1234567890",
]


@pytest.mark.parametrize("secret", PATTERNS)
@pytest.mark.parametrize("around", ["{}", "key {} refused", '"{}"', "({})", "a={},b"])
def test_what_looks_like_a_secret_goes(secret: str, around: str) -> None:
    redacted = Redactor().text(around.format(secret))
    assert redacted == around.format(MARK)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Authorization: Bearer abc123abc123abc1", f"Authorization: Bearer {MARK}"),
        ("with bearer abc123abc123abc1 sent", f"with bearer {MARK} sent"),
        ("Basic dXNlcjpwYXNzd29yZA==", f"Basic {MARK}"),
        ("GET /v1?key=hunter2&alt=sse", f"GET /v1?key={MARK}&alt=sse"),
        ("https://x/?a=1&api_key=abc", f"https://x/?a=1&api_key={MARK}"),
        ("postgres://me:pa55@db:5432/x", f"postgres://me:{MARK}@db:5432/x"),
        ("redis://:pa55@cache", f"redis://:{MARK}@cache"),
        ("x-api-key: 0123456789abcdef", f"x-api-key: {MARK}"),
        ('{"api_key": "0123456789"}', f'{{"api_key": "{MARK}"}}'),
        ('{\\"password\\": \\"correcthorse\\"}', f'{{\\"password\\": \\"{MARK}\\"}}'),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE/abc+\n=\n-----END RSA PRIVATE KEY-----.",
            f"{MARK}.",
        ),
        ("?X-Amz-Signature=0011aabb&x=1", f"?X-Amz-Signature={MARK}&x=1"),
    ],
)
def test_secrets_in_their_places_go(text: str, wanted: str) -> None:
    assert Redactor().text(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "gpt-4o-mini",
        "risk-management-and-compliance",
        "https://api.openai.com:443/v1/chat/completions",
        '{"max_tokens": 100, "tokens": {"input": 3}}',
        '{"password": {"type": "string"}}',
        "monkey keyboard token bearer of news",
        "018f2b6e-0000-7000-8000-000000000001",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor(["another-secret"]).text(text) == text


def test_known_secrets_go_in_every_form() -> None:
    redactor = Redactor([KNOWN, "short"])
    for form in (KNOWN, json.dumps(KNOWN), json.dumps(KNOWN, ensure_ascii=False)):
        assert "Tr0ub4dor" not in redactor.text(f"<{form}>")
    assert redactor.text("hush-Tr0ub4dor%263%20%22quoted%22%20%C3%A9") == MARK
    assert redactor.text("short") == "short"


@given(
    st.text(), st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=6)
)
def test_a_known_secret_never_survives(around: str, secret: str) -> None:
    if len(secret.strip()) < 6 or secret.strip() in MARK:
        return
    assert secret.strip() not in Redactor([secret]).text(
        around + secret + around
    ).replace(MARK, "\0")


_SHARDS = st.sampled_from(
    [
        *PATTERNS,
        KNOWN,
        '"',
        "\\",
        "password=",
        "\n",
        "Bearer ",
        "://u:p",
        "@",
        "-----BEGIN PRIVATE KEY-----\n",
        "api_key: ",
        "?key=",
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(_SHARDS | st.text(max_size=5), max_size=8).map("".join))
@example("api_key: \x070")
def test_json_stays_json(text: str) -> None:
    try:
        data = msgspec.json.encode({"a": text, "n": 12})
    except UnicodeEncodeError:
        return
    redacted = Redactor([KNOWN]).data(data)
    assert msgspec.json.decode(redacted)["n"] == 12


@given(st.binary())
def test_clean_bytes_are_untouched(data: bytes) -> None:
    assert Redactor().data(b"\xff" + data) in (
        b"\xff" + data,
        Redactor().data(b"\xff" + data),
    )
    if not any(sign in data for sign in (b"-", b"_", b":", b"=", b"eyJ", b"A")):
        assert Redactor().data(data) == data


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ",
        "sk-",
        "://",
        "://a:",
        "Bearer ",
        "?key=",
        "password=",
        "-----BEGIN ",
        "api_key",
        "AKIA",
        "_eyJa-",
        "authorization: ",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    redactor = Redactor()

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        redactor.text(text)
        return time.process_time() - began

    seconds(10_000)
    assert seconds(400_000) < 1.0


def test_no_canary_reaches_any_sink() -> None:
    canaries = [*PATTERNS, KNOWN]
    leak = " ".join(canaries) + " Bearer canary-canary-canary-canary"
    exchange = facts(
        alias=leak,
        user=leak,
        model=leak,
        response_id=leak,
        error="server_error",
        error_message=leak,
        status=502,
        attempts=(attempt(error="server_error", message=leak, model=leak),),
        request=leak.encode(),
        response=json.dumps({"text": leak}).encode(),
    )
    redactor = Redactor([KNOWN])
    rows: list[bytes] = []

    class Store:
        def append_blocking(self, log: str, entries: list[bytes]) -> int:
            rows.extend(entries)
            return len(rows)

    stream = io.StringIO()
    writer = logs.Writer(stream)
    lines = logs.ExchangeLines(writer, as_json=True, level=logging.INFO)
    metrics = Metrics()
    recorder = Recorder(
        store=Store(), sinks=[metrics, lines], redactor=redactor, content=True
    )
    recorder.start()
    recorder.put(exchange)
    assert recorder.close()
    told = [
        b"".join(rows).decode(),
        stream.getvalue(),
        Prometheus(metrics.snapshot).render().decode(),
    ]
    for text in told:
        assert text
        for secret in (*canaries, "Tr0ub4dor", "canary-canary"):
            assert secret not in text
    assert MARK in (decode_row(rows[0]).request or "")
    assert b"canary-canary" not in encode_row(exchange, redactor)


def test_log_records_are_redacted_whole() -> None:
    stream = io.StringIO()
    made = logs.set_up(schema.Logs(format="json"), Redactor([KNOWN]), stream)
    try:
        log = logging.getLogger("gateway.canary")
        try:
            raise ValueError(f"no such key {PATTERNS[0]}")
        except ValueError:
            log.exception(
                "it %s failed",
                KNOWN,
                extra={"url": "https://u:hunter2@x", "deep": {"a": [KNOWN]}},
            )
    finally:
        made.close()
    told = stream.getvalue()
    assert len(told.splitlines()) == 1
    assert "ValueError" in told
    for secret in (PATTERNS[0], "Tr0ub4dor", "hunter2"):
        assert secret not in told
