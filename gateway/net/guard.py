"""Which addresses the gateway may connect to: asked after DNS, for every address.

The connection then goes to the very address that was asked about, so that a name
cannot answer differently the second time. Source of the networks: the IANA special
purpose address registries for IPv4 and IPv6.
"""

import ipaddress
from collections.abc import Collection, Iterable
from typing import Final

from adapters.errors import Unreachable
from gateway.config.schema import Egress
from gateway.net.address import BadAddress, Origin, read_host

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_INNER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
        *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # Azure's host, public by its number only
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_WORLD: Final = ipaddress.IPv6Network("2000::/3")
"""All IPv6 that is given out; the rest is local, reserved or an embedding."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NEVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.192/32", "100.100.100.200/32"),
        *("168.63.129.16/32", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128"),
    )
)
"""Instance metadata, multicast and nowhere: not even a configured *name* may lead
there, only a configured address or network."""


class Guard:
    """The rule, made of the configuration once."""

    def __init__(
        self, settings: Egress, allow_hosts: Collection[tuple[str, int]] = ()
    ) -> None:
        self._networks: list[Network] = []
        self._names: set[str] = set()
        for entry in settings.allow_private:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._names.add(entry.lower().removesuffix("."))
        self._hosts = {(_one_spelling(host), port) for host, port in allow_hosts}

    def choose(self, origin: Origin, addresses: Iterable[str]) -> list[str]:
        """Those of the addresses a connection may go to, in order.

        Raises:
            Unreachable: none; code `blocked`.
        """
        allowed = [each for each in addresses if self.allows(origin, each)]
        if not allowed:
            raise Unreachable(
                f"{origin.host} leads to an address that egress rules forbid",
                code="blocked",
                should_retry=False,
            )
        return allowed

    def allows(self, origin: Origin, address: str) -> bool:
        """Whether a connection on behalf of `origin` may go to this address."""
        try:
            outer = ipaddress.ip_address(address)
        except ValueError:  # among others: one with a zone
            return False
        if isinstance(outer, ipaddress.IPv6Address) and outer.scope_id is not None:
            return False
        inner = embedded(outer)
        if any(ip in network for network in self._networks for ip in (outer, inner)):
            return True
        if is_public(inner):
            return True
        if (origin.host, origin.port) not in self._hosts and (
            origin.host not in self._names
        ):
            return False
        return origin.host == address or not any(inner in each for each in _NEVER)


def embedded(ip: IP) -> IP:
    """The IPv4 address that an IPv6 one stands for, when a host would go there."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def is_public(ip: IP) -> bool:
    """Whether anybody on the internet may be there, and nobody else."""
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _WORLD:
        return False
    return not any(ip in network for network in _INNER)


def _one_spelling(host: str) -> str:
    try:
        return read_host(f"[{host.strip('[]')}]" if ":" in host else host)
    except BadAddress:
        return host
