"""Where the gateway may not go, however it is spelled or resolved."""

import asyncio
import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Unreachable
from gateway.config.schema import Egress
from gateway.net import dial
from gateway.net.address import BadAddress, Origin, parse, read_host
from gateway.net.client import Client
from gateway.net.guard import Guard
from tests.gateway.net.client.asking import LIMITS, soon, wire
from tests.gateway.net.client.conftest import Run, opened
from tests.harness.timing import at_most, timely
from tests.harness.upstream import Upstream, echo, tell

INNER = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
]
INNER6 = [
    "::",
    "::1",
    "::127.0.0.1",
    "100::1",
    "64:ff9b:1::a00:1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
OUTER = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111"]
SOMEBODY = Origin("https", "api.example.com", 443)


def forms(inner: str) -> list[str]:
    """An IPv4 address, and the IPv6 addresses that lead to it."""
    number = int(ipaddress.IPv4Address(inner))
    return [
        inner,
        f"::ffff:{inner}",
        str(ipaddress.IPv6Address((0x64FF9B << 96) | number)),
    ]


@pytest.mark.parametrize("inner", [*INNER, *INNER6])
def test_nobody_unnamed_leads_inside(inner: str) -> None:
    for form in forms(inner) if "." in inner and ":" not in inner else [inner]:
        assert not Guard(Egress()).allows(SOMEBODY, form), form


@pytest.mark.parametrize("outer", OUTER)
def test_the_internet_is_open(outer: str) -> None:
    for form in forms(outer) if ":" not in outer else [outer]:
        assert Guard(Egress()).allows(SOMEBODY, form), form


@given(st.ip_addresses(v=4))
def test_what_the_standard_library_calls_private_is_inside(
    ip: ipaddress.IPv4Address,
) -> None:
    if not ip.is_global:
        for form in forms(str(ip)):
            assert not Guard(Egress()).allows(SOMEBODY, form)


@given(st.ip_addresses(v=6))
def test_the_same_of_ipv6(ip: ipaddress.IPv6Address) -> None:
    if not ip.is_global and ip.ipv4_mapped is None:
        assert not Guard(Egress()).allows(SOMEBODY, str(ip))


def test_configured_networks_are_open_to_all() -> None:
    guard = Guard(Egress(allow_private=["10.1.0.0/16", "fd12::/16", "192.168.7.7"]))
    for open_ in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "192.168.7.7"):
        assert guard.allows(SOMEBODY, open_)
    for shut in ("10.2.0.1", "fd13::1", "192.168.7.8", "127.0.0.1"):
        assert not guard.allows(SOMEBODY, shut)


def test_configured_hosts_lead_inside_but_not_to_metadata() -> None:
    guard = Guard(Egress(allow_private=["vllm.internal"]), [("Ollama", 11434)])
    for origin in (
        Origin("http", "vllm.internal", 80),
        Origin("http", "vllm.internal", 8000),
        Origin("http", "ollama", 11434),
    ):
        assert guard.allows(origin, "10.0.0.1")
        assert guard.allows(origin, "127.0.0.1")
        assert guard.allows(origin, "fd00::7")
        for never in ("169.254.169.254", "fd00:ec2::254", "0.0.0.0", "ff02::1", "::"):
            assert not guard.allows(origin, never)
    assert not guard.allows(Origin("http", "ollama", 80), "10.0.0.1")
    assert not guard.allows(Origin("http", "not.vllm.internal", 80), "10.0.0.1")


def test_a_configured_address_is_what_it_is() -> None:
    guard = Guard(Egress(), [("169.254.1.9", 80), ("::1", 80), ("[fd00::1]", 80)])
    assert guard.allows(Origin("http", "169.254.1.9", 80), "169.254.1.9")
    assert guard.allows(Origin("http", "::1", 80), "::1")
    assert guard.allows(Origin("http", "fd00::1", 80), "fd00::1")
    assert not guard.allows(Origin("http", "169.254.1.9", 81), "169.254.1.9")


def test_addresses_with_a_zone_or_none_at_all_are_refused() -> None:
    guard = Guard(Egress(allow_private=["fe80::/10"]))
    for odd in ("fe80::1%eth0", "", "localhost", "/var/run/docker.sock", "1.2.3"):
        assert not guard.allows(SOMEBODY, odd)


def test_forbidden_addresses_are_left_out_of_a_mixed_answer() -> None:
    found = ["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"]
    assert Guard(Egress()).choose(SOMEBODY, found) == ["8.8.8.8", "2606:4700::1111"]
    with pytest.raises(Unreachable) as caught:
        Guard(Egress()).choose(SOMEBODY, ["10.0.0.1", "::1"])
    assert caught.value.code == "blocked"


ODD_URLS = [
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1.1/",
    "http://256.1.1.1/",
    "http://user@127.0.0.1/",
    "http://api.openai.com@127.0.0.1/",
    "http://api.openai.com:443@127.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::ffff:127.0.0.1/",
    "http://[::1]x/",
    "http:///etc/passwd",
    "http://",
    "http://:80/",
    "http://a b/",
    "http://a\tb/",
    "http://a/ HTTP/1.1\r\nx: y",
    "http://a\\@b/",
    "http://a/\x00",
    "http://a/#fragment",
    "http://a..b/",
    "http://.a/",
    "http://a%2eb/",
    "http://①②⑦.0.0.1/",
    "http://ⓛocalhost/",
    "http://a:0/",
    "http://a:65536/",
    "http://a:port/",
    "http://a:80:80/",
    "https:/a/",
    "//a/",
    "a",
    "",
    "file:///etc/passwd",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "gopher://127.0.0.1/",
    "ftp://a/",
    "http://" + "a" * 64 + ".com/",
    "http://" + ".".join(["a" * 60] * 5) + "/",
]


@pytest.mark.parametrize("url", ODD_URLS)
def test_urls_that_can_be_read_in_two_ways_are_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        parse(url)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("http://a", Origin("http", "a", 80), "/"),
        ("HTTPS://API.Example.com./v1?x=%20", SOMEBODY, "/v1?x=%20"),
        ("http://a_b-c.d:8000?q", Origin("http", "a_b-c.d", 8000), "/?q"),
        ("http://[::FFFF:7f00:1]:1/", Origin("http", "::ffff:7f00:1", 1), "/"),
        ("http://127.0.0.1/", Origin("http", "127.0.0.1", 80), "/"),
        ("http://4.example/", Origin("http", "4.example", 80), "/"),
        (
            "https://a/v1beta/models/m:stream?alt=sse",
            Origin("https", "a", 443),
            "/v1beta/models/m:stream?alt=sse",
        ),
    ],
)
def test_urls_are_read_in_one_way(url: str, origin: Origin, target: str) -> None:
    found, rest = parse(url)
    assert (found, rest) == (origin, target) or (
        ipaddress.ip_address(found.host) == ipaddress.ip_address(origin.host)
        and rest == target
    )


@given(st.text(alphabet="0123456789abcdefx.:-_[]%@", max_size=20))
def test_a_host_that_is_read_is_read_the_same_again(text: str) -> None:
    try:
        host = read_host(text)
    except BadAddress:
        return
    again = f"[{host}]" if ":" in host else host
    assert read_host(again) == host
    if ":" not in text and "[" not in text:
        try:  # what the C library takes for a number must be a dotted quad for us
            number = socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            return
        assert number == host


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "127.0.0.2", "0.0.0.0"],
)
def test_no_packet_reaches_an_address_nobody_allowed(
    up: Upstream, run: Run, host: str
) -> None:
    async def work() -> None:
        client = Client(Egress())
        with pytest.raises(Unreachable) as caught:
            await client.ask(wire(f"http://{host}:{up.port}/"), LIMITS, soon())
        assert caught.value.code == "blocked"
        assert caught.value.should_retry is False
        await client.aclose()

    run(work())
    assert up.connections == 0


@pytest.mark.parametrize("url", ODD_URLS)
def test_odd_urls_are_unreachable_rather_than_a_crash(url: str) -> None:
    async def work() -> None:
        client = Client(Egress(allow_private=["0.0.0.0/0", "::/0"]))
        with pytest.raises(Unreachable) as caught:
            await client.ask(wire(url), LIMITS, soon())
        assert caught.value.code == "blocked"
        await client.aclose()

    asyncio.run(work())


def test_a_name_that_turns_inside_after_the_check_does_not_lead_there(
    up: Upstream, run: Run
) -> None:
    """DNS rebinding: the connection goes to the address that was checked, and every
    later connection to one that was checked itself."""
    asked: list[str] = []

    async def names(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["203.0.113.9"] if len(asked) == 1 else ["127.0.0.1"]

    async def work() -> None:
        client = Client(Egress(allow_private=["203.0.113.0/24"]), resolve=names)
        seen: list[str] = []

        async def nowhere(addresses, port):
            seen.extend(addresses)
            raise OSError("no route")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.net.dial._race", nowhere)
            for code in ("connect", "blocked"):
                with pytest.raises(Unreachable) as caught:
                    url = f"http://rebind.example:{up.port}/"
                    await client.ask(wire(url), LIMITS, soon())
                assert caught.value.code == code
        assert seen == ["203.0.113.9"]
        await client.aclose()

    run(work())
    assert asked == ["rebind.example"] * 2
    assert up.connections == 0


def test_redirects_are_not_followed(up: Upstream, run: Run) -> None:
    async def work() -> None:
        async with opened(up) as client:
            response = await client.ask(wire(up.url), LIMITS, soon())
            assert response.status == 307
            assert response.header(b"location") == b"http://169.254.169.254/"

    up.on(None, tell(307, b"", {"location": "http://169.254.169.254/"}))
    run(work())
    assert len(up.requests) == 1


def test_a_second_address_is_tried_when_the_first_is_dead(
    up: Upstream, run: Run
) -> None:
    async def names(host: str, port: int) -> list[str]:
        return ["::1", "127.0.0.1"]  # nobody listens on the first

    async def work() -> None:
        allow = [("two.example", up.port)]
        client = Client(Egress(), allow_hosts=allow, resolve=names)
        url = f"http://two.example:{up.port}/"
        assert (await client.ask(wire(url), LIMITS, soon())).status == 200
        await client.aclose()

    up.on(None, echo)
    run(work())
    assert up.requests[0].headers["host"] == f"two.example:{up.port}"


def test_a_name_without_an_address_is_unreachable(run: Run) -> None:
    async def work() -> None:
        client = Client(Egress())
        for host in ("nobody.invalid", "-.invalid"):
            with pytest.raises(Unreachable) as caught:
                await client.ask(wire(f"http://{host}/"), LIMITS, soon())
            assert caught.value.code in ("dns", "blocked")
        await client.aclose()

    run(work())


@timely
def test_an_address_that_does_not_answer_is_not_waited_for(
    up: Upstream, run: Run
) -> None:
    """... and the tries that lost leave no socket behind."""

    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.8", "127.0.0.1"]

    async def work() -> None:
        connect = dial._connected

        async def connected(address: str, port: int) -> socket.socket:
            if address != "127.0.0.1":
                await asyncio.sleep(60)
            return await connect(address, port)

        allow = [("slow.example", up.port)]
        client = Client(Egress(), allow_hosts=allow, resolve=names)
        request = wire(f"http://slow.example:{up.port}/")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dial, "_connected", connected)
            before = time.monotonic()
            assert (await client.ask(request, LIMITS, soon())).status == 200
            took = time.monotonic() - before
            assert took > 0.4
            at_most(1.5, took)
        await client.aclose()

    up.on(None, echo)
    run(work())


def test_a_request_cancelled_while_it_connects_leaves_nothing(
    up: Upstream, run: Run
) -> None:
    async def names(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async def work() -> None:
        async def connected(address: str, port: int) -> socket.socket:
            await asyncio.sleep(60)
            raise AssertionError

        allow = [("slow.example", up.port)]
        client = Client(Egress(max_connections=1), allow_hosts=allow, resolve=names)
        request = wire(f"http://slow.example:{up.port}/")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dial, "_connected", connected)
            task = asyncio.create_task(client.ask(request, LIMITS, soon()))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert client.counters() == []
        assert (await client.ask(request, LIMITS, soon())).status == 200
        await client.aclose()

    up.on(None, echo)
    run(work())


def test_a_name_is_asked_for_once_by_all_who_connect_together(
    up: Upstream, run: Run
) -> None:
    asked: list[str] = []

    async def names(host: str, port: int) -> list[str]:
        asked.append(host)
        await asyncio.sleep(0.05)
        return ["127.0.0.1"]

    async def work() -> None:
        client = Client(
            Egress(), allow_hosts=[("many.example", up.port)], resolve=names
        )
        request = wire(f"http://many.example:{up.port}/")
        await asyncio.gather(*(client.ask(request, LIMITS, soon()) for _ in range(10)))
        await client.aclose()

    up.on(None, echo)
    run(work())
    assert asked == ["many.example"]
