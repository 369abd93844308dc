"""Where Black Forest Labs may say that a picture is told of."""

import json

import pytest

from adapters.contract import WireHead, WireRequest, WireResponse
from adapters.errors import Garbled
from adapters.vendors import bfl
from tests.adapters.vendor import target

ASKED = WireRequest(WireHead("POST", "https://api.bfl.ai/v1/flux-2-pro", ()), b"{}")


def following(url: str) -> WireRequest:
    told = json.dumps({"id": "t 1", "polling_url": url}).encode()
    to = target("bfl", "flux-2-pro")
    step = bfl.UPSTREAM.following(ASKED, WireResponse(200, (), told), to)
    assert step is not None
    return step.wire


@pytest.mark.parametrize("host", ["api.bfl.ai", "api.eu4.bfl.ai"])
def test_a_cluster_of_theirs_is_asked_with_the_key(host: str) -> None:
    wire = following(f"https://{host}/v1/get_result?id=1")
    assert wire.head.url == f"https://{host}/v1/get_result?id=1"
    assert dict(wire.head.headers)[b"x-key"] == b"k"


def test_without_an_address_the_place_is_known() -> None:
    assert following("").head.url == "https://api.bfl.ai/v1/get_result?id=t%201"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.eu.bfl.ai/v1/get_result",
        "https://bfl.ai.evil.example/",
        "https://evil.example/.bfl.ai",
        "https://notbfl.ai/",
        "https://api.bfl.ai@evil.example/",
        "https://evil.example\\@api.bfl.ai/",
        "//api.bfl.ai/",
    ],
)
def test_nobody_else_is(url: str) -> None:
    with pytest.raises(Garbled):
        following(url)
