"""Faults 20 and 21: JSON that is made to hurt, and bodies that are packed."""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.faults.scene import Scene, deployment, scene, until
from tests.faults.speech import CLIENTS, OPENAI, PROVIDERS, Client, serves
from tests.faults.wire import MASTER
from tests.harness.clients import PATIENT
from tests.harness.timing import at_most, once_below, timely
from tests.harness.upstream import Upstream

CAP = 16 * 2**20
"""`server.max_body_bytes` here."""
DEEP = 100_000
MANY = 1_000_000
AT_ONCE_S = 0.05
LAG_S = 0.02


@pytest.fixture(scope="module", params=["fast", "hypercorn"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with Upstream() as up:
        models = {
            "one/*": {"deployments": [deployment(up, "a")]},
            **{
                f"{name}/*": {"deployments": [deployment(up, "a", family=name)]}
                for name in PROVIDERS
            },
        }
        with scene(
            up,
            models,
            tmp_path_factory.mktemp("bodies"),
            http=request.param,
            warm=(CLIENTS, serves()),
            server={"max_body_bytes": CAP},
        ) as made:
            yield made


dialects = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
families = pytest.mark.parametrize("family", PROVIDERS)


class Sender:
    """Sends bytes as a body."""

    def __init__(self, place: Scene, client: Client, alias: str) -> None:
        self.place, self.client = place, client
        self.path, body = client.call(alias)
        self.body = json.dumps(body)

    def __call__(self, body: bytes | str, **headers: str) -> httpx.Response:
        data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.place.http.post(
            self.path,
            content=data,
            headers={
                "content-type": "application/json",
                **self.client.key(MASTER),
                **named,
            },
        )

    def took_s(self, body: bytes | str) -> float:
        """How long an answer takes."""
        began = time.monotonic()
        self(body)
        return time.monotonic() - began


# --- 20: JSON ----------------------------------------------------------------------

HELLO = '"Hello"'
Made = Callable[[str], bytes | str]


def added(member: str) -> Made:
    """A call with one more member at its end."""
    return lambda body: f"{body[:-1]},{member}}}"


def said(text: str) -> Made:
    """A call whose prompt is this JSON."""
    return lambda body: body.replace(HELLO, text)


def before(member: str) -> Made:
    return lambda body: "{" + member + "," + body[1:]


def as_bytes(old: bytes, new: bytes) -> Made:
    return lambda body: body.encode().replace(old, new)


DEPTHS: dict[str, Made] = {
    "deep arrays in a field nobody knows": before(f'"x":{"[" * DEEP}{"]" * DEEP}'),
    "deep objects in one": before('"x":' + '{"a":' * DEEP + "1" + "}" * DEEP),
    "a deep prompt": said("[" * DEEP + "]" * DEEP),
    "nothing but depth": lambda _: "[" * DEEP,
    "depth without an end": before('"x":' + '{"a":' * DEEP),
}
NUMBERS: dict[str, Made] = {
    "NaN": added('"temperature":NaN'),
    "Infinity": added('"temperature":-Infinity'),
    "hexadecimal": added('"temperature":0x1'),
    "a leading zero": added('"temperature":01'),
    "a plus": added('"temperature":+1'),
}
LETTERS: dict[str, Made] = {
    "half a pair": said('"\\ud800"'),
    "the other half": said('"a\\udc00b"'),
    "half a pair in UTF-8": said('"\ud800"'),
    "a NUL": said('"a\0b"'),
    "a NUL at the end": lambda body: body + "\0",
    "a line end": said('"a\nb"'),
    "no UTF-8": as_bytes(b"Hello", b"\xff\xfe"),
    "overlong UTF-8": as_bytes(b"Hello", b"\xc0\xaf"),
    "half a letter": as_bytes(b"Hello", b"\xe4\xb8"),
    "UTF-16": lambda body: body.encode("utf-16"),
    "UTF-32": lambda body: body.encode("utf-32"),
    "an escape of nothing": said('"\\x41"'),
    "half an escape": said('"\\u12"'),
}
FORMS: dict[str, Made] = {
    "nothing": lambda _: "",
    "blanks": lambda _: "  \n",
    "null": lambda _: "null",
    "an array": lambda _: "[]",
    "a text": lambda _: '"x"',
    "a number": lambda _: "1",
    "half of it": lambda body: body[: len(body) // 2],
    "all but the end": lambda body: body[:-1],
    "two of them": lambda body: body + body,
    "something after it": lambda body: body + "x",
    "a comment": lambda body: "/* x */" + body,
    "single quotes": lambda body: body.replace('"', "'"),
    "a comma too many": lambda body: body[:-1] + ",}",
    "a form": lambda _: "model=x&messages=y",
}
BAD = DEPTHS | NUMBERS | LETTERS | FORMS


@families
@dialects
def test_what_is_no_json_is_a_400_at_once_and_goes_nowhere(
    place: Scene, client: Client, family: str
) -> None:
    alias = place.alias(family)
    send = Sender(place, client, alias)
    usual = min(send.took_s("{}") for _ in range(3))
    before = len(place.upstream.requests)
    for name, make in BAD.items():
        body = make(send.body)
        answer = send(body)
        assert answer.status_code == 400, (name, answer.text)
        assert client.error(answer.json()) is not None, name
        assert len(answer.content) < 2000, name
        # The table's 50 ms, on a machine that takes `usual` for the least of bodies.
        once_below(AT_ONCE_S + 3 * usual, lambda body=body: send.took_s(body), name)
    assert len(place.upstream.requests) == before


WRONG: dict[str, tuple[str, str]] = {
    "no messages": ("messages", ""),
    **{
        f"messages are {value}": ("messages", value)
        for value in ("null", "5", '"x"', "{}", "true", "1e999")
    },
    **{
        f"the model is {value}": ("model", value)
        for value in ("null", "5", "[]", "{}", "true", '""')
    },
    **{
        f"max_tokens are {value[:9]}": ("max_tokens", value)
        for value in ('"many"', "[]", "1e999", "1.5", "9" * 5000)
    },
    **{f"stream is {value}": ("stream", value) for value in ('"yes"', "1", "[]")},
}


@pytest.mark.parametrize("client", [CLIENTS["openai"], CLIENTS["anthropic"]])
@families
def test_a_field_of_the_wrong_kind_is_a_400_that_names_it(
    place: Scene, client: Client, family: str
) -> None:
    send = Sender(place, client, place.alias(family))
    before = len(place.upstream.requests)
    for name, (field, value) in WRONG.items():
        fields = json.loads(send.body)
        fields.pop(field, None)
        body = json.dumps(fields)
        if value:
            body = f'{body[:-1]},"{field}":{value}}}'
        answer = send(body)
        assert answer.status_code == 400, (name, answer.text)
        error = client.error(answer.json())
        assert error is not None
        assert field in (error.get("param") or error["message"]), (name, error)
    assert len(place.upstream.requests) == before


STRANGE: dict[str, Made] = {
    "an infinite number nobody knows": added('"zz":1e999'),
    "100 digits nobody knows": added(f'"zz":{"9" * 100}'),
    "5000 digits nobody knows": added(f'"zz":-{"9" * 5000}'),
    "a NUL, escaped": said('"a\\u0000b"'),
    "the same field twice": lambda body: before('"user":"a"')(
        f'{body[:-1]},"user":"b"}}'
    ),
    "the same field escaped": added('"us\\u0065r":"b"'),
    "names of all kinds": added('"__proto__":{},"constructor":1,"":2,"\\u0000":3'),
    "a thousand fields": added(",".join(f'"f{i}":{i}' for i in range(1000))),
    "long names": added(f'"{"n" * 100_000}":1'),
}


@families
@dialects
def test_strange_but_good_json_never_breaks_the_gateway(
    place: Scene, client: Client, family: str
) -> None:
    """Either it is refused, or the provider gets JSON that reads but one way."""
    alias = place.alias(family)
    place.on(alias, "a", serves("well", PROVIDERS[family]))
    send = Sender(place, client, alias)
    for name, make in STRANGE.items():
        answer = send(make(send.body))
        assert answer.status_code in {200, 400}, (name, answer.text)
        if answer.status_code == 400:
            assert client.error(answer.json()) is not None
            continue
        sent = place.upstream.requests[-1].body
        pairs = json.loads(sent, object_pairs_hook=list, parse_int=str)
        names = [pair[0] for pair in pairs]
        assert names.count("model") <= 1, name


@families
def test_a_model_named_twice_is_one_model(place: Scene, family: str) -> None:
    """The key's rights and the provider must not read different names."""
    alias = place.alias(family)
    place.on(alias, "a", serves("well", PROVIDERS[family]))
    send = Sender(place, OPENAI, alias)
    for twice in ('"model":"other",', '"mod\\u0065l":"other",'):
        for body in (
            "{" + twice + send.body[1:],
            send.body[:-1] + "," + twice[:-1] + "}",
        ):
            answer = send(body)
            assert answer.status_code in {200, 400, 404}
            if answer.status_code != 200:
                continue
            sent = place.upstream.requests[-1]
            pairs = json.loads(sent.body, object_pairs_hook=list, parse_int=str)
            names = [value for name, value in pairs if name == "model"]
            expected = [alias.partition("/")[2]]
            assert names == ([] if family == "gemini" else expected)
            assert b"other" not in sent.body


class Lag:
    """How long the loop was held up, as another client feels it."""

    def __init__(self, place: Scene) -> None:
        self._place = place
        self._over = threading.Event()
        self.worst_s = 0.0

    def _watch(self) -> None:
        with httpx.Client(base_url=self._place.running.url, **PATIENT) as http:
            while not self._over.is_set():
                began = time.monotonic()
                http.get("/health/live")
                self.worst_s = max(self.worst_s, time.monotonic() - began)
                time.sleep(0.002)

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        time.sleep(0.05)
        self.worst_s = 0.0
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def lag_s(place: Scene, send: Sender, body: bytes | str) -> float:
    """The worst that a bystander waits while a body is read."""
    lag = Lag(place)
    with lag.watched():
        send(body)
    return lag.worst_s


@dialects
def test_depth_does_not_hold_up_others(place: Scene, client: Client) -> None:
    send = Sender(place, client, place.alias())
    idle = min(lag_s(place, send, "{}") for _ in range(3))
    for name, make in DEPTHS.items():
        body = make(send.body)
        limit = LAG_S + 2 * idle
        once_below(limit, lambda body=body: lag_s(place, send, body), name)


def cost_s(place: Scene, send: Sender, body: bytes | str) -> float:
    """Processor time of the gateway for a body, which is read in one go: how long the
    loop is held up for others, on a machine that does nothing else."""
    began = place.cpu_s()
    send(body)
    return place.cpu_s() - began


@dialects
def test_a_million_members_are_refused_for_no_more_than_their_size(
    place: Scene, client: Client
) -> None:
    """12 MiB cannot be read in the 20 ms of the table, whatever they hold: what counts
    is that they cost about what so many bytes of plain text do."""
    send = Sender(place, client, place.alias())
    members = ",".join(f'"k{i}":0' for i in range(MANY))
    plain = '"' + "x" * len(members) + '"'
    as_long = before(f'"x":{plain}')("{}")
    usual = min(cost_s(place, send, as_long) for _ in range(3))
    bodies = {
        "at the top": before(members),
        "inside": before('"x":{' + members + "}"),
        "with blanks": before(members.replace('":', '" \n:')),
    }
    number = len(place.upstream.requests)
    for name, make in bodies.items():
        body = make(send.body)
        assert len(body) < CAP
        answer = send(body)
        assert answer.status_code == 400, name
        assert client.error(answer.json()) is not None
        limit = 0.05 + 4 * usual
        once_below(limit, lambda body=body: cost_s(place, send, body), name)
    assert len(place.upstream.requests) == number


@timely
def test_twenty_thousand_unknown_fields_are_dropped_in_their_stride(
    place: Scene,
) -> None:
    alias = place.alias("anthropic")
    place.on(alias, "a", serves("well", PROVIDERS["anthropic"]))
    send = Sender(place, OPENAI, alias)
    body = added(",".join(f'"f{i}":{i}' for i in range(20_000)))(send.body)
    began = time.monotonic()
    answer = send(body)
    assert answer.status_code in {200, 400}
    at_most(1.0, time.monotonic() - began)
    assert len(str(answer.headers)) < 8000


# --- 21: packed bodies -------------------------------------------------------------


def packed(data: bytes, window: int = 31) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, window)
    return engine.compress(data) + engine.flush()


@dialects
@pytest.mark.parametrize("coding", ["gzip", "deflate", "GZIP", "x-gzip"])
def test_a_packed_body_is_unpacked_for_the_provider(
    place: Scene, client: Client, coding: str
) -> None:
    alias = place.alias()
    place.on(alias, "a", serves("unpacked"))
    send = Sender(place, client, alias)
    data = packed(send.body.encode(), 15 if coding == "deflate" else 31)
    answer = send(data, content_encoding=coding)
    if coding == "x-gzip":
        assert answer.status_code in {200, 415}
        return
    assert answer.status_code == 200, answer.text
    (request,) = place.reached(alias)
    assert "content-encoding" not in request.headers
    assert b"Hello" in request.body


SIXTY_FOUR_MIB = packed(b" " * (64 * 2**20))
"""Of 64 KiB on the wire; the table's gigabyte of a megabyte is cut at the same byte."""


@pytest.mark.parametrize(
    "data",
    [SIXTY_FOUR_MIB, SIXTY_FOUR_MIB * 16, packed(SIXTY_FOUR_MIB)],
    ids=["one", "sixteen members", "twice"],
)
@timely
def test_a_bomb_is_a_413_and_memory_stays(place: Scene, data: bytes) -> None:
    send = Sender(place, OPENAI, place.alias())
    before = len(place.upstream.requests)
    place.forget_peak()
    rss = place.rss()
    lag = Lag(place)
    with lag.watched():
        answer = send(data, content_encoding="gzip")
    assert answer.status_code in {400, 413}
    assert place.peak_rss() - rss < CAP + 2**20 * 4
    assert len(place.upstream.requests) == before
    at_most(0.5, lag.worst_s)


GIVEN_BACK = 40 * 2**20
"""More than this is not kept of the 140 MiB that ten bombs unpack to."""


def test_ten_bombs_at_once_are_ten_times_what_one_may_unpack_to(place: Scene) -> None:
    alias = place.alias()
    threads = [
        threading.Thread(
            target=lambda: Sender(place, OPENAI, alias)(
                SIXTY_FOUR_MIB, content_encoding="gzip"
            )
        )
        for _ in range(10)
    ]
    place.forget_peak()
    rss = place.rss()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.peak_rss() - rss < 10 * (CAP + 2 * 2**20)
    assert until(lambda: place.rss() - rss < GIVEN_BACK, 20), "it keeps what was freed"
    assert not place.reached(alias)


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "brotli": ("br", lambda data: data),
    "zstandard": ("zstd", lambda data: data),
    "two": ("gzip, gzip", lambda data: packed(packed(data))),
    "gzip and none": ("gzip, identity", packed),
    "nonsense": ("x", lambda data: data),
    "not what it says": ("gzip", lambda data: data),
    "cut short": ("gzip", lambda data: packed(data)[:-10]),
    "more after it": ("gzip", lambda data: packed(data) + b"garbage"),
    "a broken sum": ("gzip", lambda data: gzip.compress(data)[:-8] + b"\0" * 8),
}


@dialects
@pytest.mark.parametrize("case", CODINGS)
def test_wrong_and_stacked_codings_are_refused(
    place: Scene, client: Client, case: str
) -> None:
    alias = place.alias()
    send = Sender(place, client, alias)
    coding, pack = CODINGS[case]
    answer = send(pack(send.body.encode()), content_encoding=coding)
    assert answer.status_code in {400, 413, 415}, answer.text
    assert "error" in answer.json()
    assert not place.reached(alias)
