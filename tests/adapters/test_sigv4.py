"""Signature V4: Amazon's published vectors, and botocore as a second opinion.

Source of the table: the facts of Amazon's aws-sig-v4-test-suite (AKIDEXAMPLE, service
`service`, 2015-08-30T12:36:00Z).
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters import sigv4
from adapters.contract import Headers, WireHead, WireRequest
from adapters.sigv4 import Keys, Scope

HOST = "https://example.amazonaws.com"
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
PLAIN = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA"
    "eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p"
    "hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
    "38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI"
    "Qwj2ICCR/oLxBA=="
)
FORM = "application/x-www-form-urlencoded"


def _own(*values: str) -> Headers:
    return tuple((b"my-header1", value.encode()) for value in values)


GET: dict[str, tuple[str, Headers, str]] = {
    "get-vanilla": (
        "/",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-without-a-path": (
        "",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-slashes": (
        "//",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-relative": (
        "/example/..",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-relative-relative": (
        "/example1/example2/../..",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-header-key-duplicate": (
        "/",
        _own("value2", "value2", "value1"),
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-header-value-order": (
        "/",
        _own("value4", "value1", "value3", "value2"),
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
    ),
    "get-header-value-trim": (
        "/",
        (*_own(" value1"), (b"My-Header2", b' "a   b   c"')),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-unreserved": (
        "/" + PLAIN,
        (),
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-utf8": (
        "/\u1234",
        (),
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    "get-vanilla-empty-query-key": (
        "/?Param1=value1",
        (),
        "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
    ),
    "get-vanilla-query-order-key-case": (
        "/?Param2=value2&Param1=value1",
        (),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-query-unreserved": (
        f"/?{PLAIN}={PLAIN}",
        (),
        "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
    ),
    "get-vanilla-utf8-query": (
        "/?\u1234=bar",
        (),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
}
POST: dict[str, tuple[str, Headers, bytes, str]] = {
    "post-vanilla": (
        "/",
        (),
        b"",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-header-key-sort": (
        "/",
        _own("value1"),
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        "/",
        _own("VALUE1"),
        b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-vanilla-query": (
        "/?Param1=value1",
        (),
        b"",
        "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
    ),
    "post-vanilla-query-nonunreserved": (
        "/?%40%23%24%25%5E=&%2B=" + quote('/,?><`";:\\|][{}', safe=""),
        (),
        b"",
        "66c82657c86e26fb25238d0e69f011edc4c6df5ae71119d7cb98ed9b87393c1e",
    ),
    "post-vanilla-query-space": (
        "/?p=",
        (),
        b"",
        "e71688addb58a26418614085fb730ba3faa623b461c17f48f2fbdb9361b94a9b",
    ),
    "post-x-www-form-urlencoded": (
        "/",
        ((b"content-type", FORM.encode()),),
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        "/",
        ((b"content-type", FORM.encode() + b"; charset=utf8"),),
        b"Param1=value1",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
}


def wire(
    target: str, headers: Headers = (), body: bytes = b"", method: str = "GET"
) -> WireRequest:
    return WireRequest(WireHead(method, HOST + target, headers), body)


def signature(signed: WireRequest) -> str:
    return dict(signed.headers)[b"authorization"].decode().rpartition("=")[2]


@pytest.mark.parametrize("name", GET)
def test_vectors_of_the_published_suite(name: str) -> None:
    target, headers, expected = GET[name]
    signed = sigv4.sign(wire(target, headers), KEYS, Scope("us-east-1", "service"), NOW)
    assert signature(signed) == expected


@pytest.mark.parametrize("name", POST)
def test_vectors_with_a_body(name: str) -> None:
    target, headers, body, expected = POST[name]
    asked = wire(target, headers, body, "POST")
    signed = sigv4.sign(asked, KEYS, Scope("us-east-1", "service"), NOW)
    assert signature(signed) == expected


def test_the_vector_with_a_session_token() -> None:
    keys = Keys(KEYS.id, KEYS.secret, TOKEN)
    asked = wire("/", method="POST")
    signed = sigv4.sign(asked, keys, Scope("us-east-1", "service"), NOW)
    assert dict(signed.headers) == {
        b"x-amz-date": b"20150830T123600Z",
        b"x-amz-security-token": TOKEN.encode(),
        b"authorization": b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
        b"service/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, "
        b"Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    }


# --- botocore -----------------------------------------------------------------------

MODELS = (
    "amazon.nova-micro-v1:0",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/mi1dadi0g15f",
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("safe", ["", ":", ":/"], ids=["once", "colons", "plain"])
def test_model_ids_are_signed_as_botocore_signs_them(
    monkeypatch: pytest.MonkeyPatch, model: str, safe: str
) -> None:
    """Whether a model's id is sent encoded or not: it is encoded once more for the
    signature."""
    url = (
        f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{quote(model, safe)}/in"
    )
    _same(monkeypatch, url, Keys("AKIA", "secret", "token"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4567/model/x/converse",
        "http://Local.Test:80/a/b/",
        "https://sts.amazonaws.com/?Action=AssumeRole&Version=2011-06-15&X=a%20b",
        "https://h.test/a//b/./c/../d%2Fe",
    ],
)
def test_odd_addresses_are_signed_as_botocore_signs_them(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    _same(monkeypatch, url, Keys("AKIA", "secret"))


def _same(monkeypatch: pytest.MonkeyPatch, url: str, keys: Keys) -> None:
    def now(*_: Any, **__: Any) -> datetime:
        return NOW.replace(tzinfo=None)

    monkeypatch.setattr(auth, "get_current_datetime", now)
    body = b'{"messages":[]}'
    given = {"content-type": "application/json", "x-amzn-bedrock-trace": " a   b "}
    theirs = AWSRequest("POST", url, dict(given), body)
    credentials = Credentials(keys.id, keys.secret, keys.token or None)
    auth.SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(theirs)
    headers = tuple((n.encode(), v.encode()) for n, v in given.items())
    asked = WireRequest(WireHead("POST", url, headers), body)
    ours = sigv4.sign(asked, keys, Scope("us-east-1", "bedrock"), NOW)
    told = dict(ours.headers)[b"authorization"].decode()
    assert told == theirs.headers["Authorization"]


def test_what_is_signed_twice_carries_one_signature() -> None:
    scope = Scope("eu-central-1", "bedrock")
    head = WireHead("POST", HOST + "/", ((b"authorization", b"Bearer x"),))
    once = sigv4.sign(WireRequest(head, b"{}"), KEYS, scope, NOW, bind=True)
    twice = sigv4.sign(once, KEYS, scope, NOW, bind=True)
    assert twice.headers == once.headers
    assert [n for n, _ in (*once.head.headers, *once.headers)] == [
        b"x-amz-date",
        b"x-amz-content-sha256",
        b"authorization",
    ]


def test_hosts_that_are_added_to_the_head_later_do_not_matter() -> None:
    """Tracing headers and lengths are written by whoever sends the request."""
    scope = Scope("us-east-1", "service")
    plain = sigv4.sign(wire("/"), KEYS, scope, NOW)
    traced = ((b"traceparent", b"00-1-2-01"), (b"user-agent", b"x"))
    assert signature(sigv4.sign(wire("/", traced), KEYS, scope, NOW)) == signature(
        plain
    )
