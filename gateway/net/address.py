"""A URL taken apart, strictly: what cannot be read in one way only is refused.

Sources: RFC 3986 section 3; WHATWG URL Standard, "host parsing", for hosts that end in
a number.
"""

import ipaddress
import re
from typing import Final, NamedTuple

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>[/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?",
    re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_NAME: Final = re.compile(r"[a-z0-9._-]+")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS: Final = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Whom a connection leads to."""

    scheme: str
    host: str
    """Lower case, no trailing dot; an IPv6 address without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """As in a `host` header: without the port that the scheme implies."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


class BadAddress(ValueError):
    """A URL that is not one, or that can be read in more than one way."""


def parse(url: str) -> tuple[Origin, str]:
    """The origin and the request target (path and query, never empty).

    Raises:
        BadAddress: no http(s) URL; user info, zones, fragments, backslashes, spaces,
            control or non-ASCII characters; a host that ends in a number but is no
            dotted quad (`127.1`, `0x7f.1`, `2130706433`).
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise BadAddress("not a plain http:// or https:// URL")
    scheme = found["scheme"].lower()
    port = int(found["port"]) if found["port"] else _PORTS[scheme]
    if not 0 < port < 65536:
        raise BadAddress(f"port {port} does not exist")
    target = found["target"] or "/"
    if target.startswith("?"):
        target = "/" + target
    return Origin(scheme, read_host(found["host"]), port), target


def read_host(host: str) -> str:
    """The one spelling of a host name or address.

    Raises:
        BadAddress: none, or an address in a spelling that resolvers disagree on.
    """
    if _BRACKETS.fullmatch(host) is not None:
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise BadAddress(f"{host} is no IPv6 address") from None
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    plain = _NAME.fullmatch(name) is not None and len(name) <= 253
    if not plain or any(not 0 < len(label) < 64 for label in labels):
        raise BadAddress(f"{host[:80]!r} is no host name")
    if _NUMBER.fullmatch(labels[-1]) is not None:
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise BadAddress(f"{name} is no dotted quad") from None
    return name
