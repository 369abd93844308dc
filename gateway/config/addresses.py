"""Where a provider is, and whether an address is one."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from adapters.contract import Provider
from gateway.config.problem import quoted
from gateway.config.schema import ProviderRow
from gateway.config.secrets import Secrets

_WORD: Final = re.compile(r"(?P<scheme>://)?\{(?P<name>(?!model\})[A-Za-z_]\w*)\}")
"""What the user's own stands for; `{model}` is filled with every request."""


class Address(NamedTuple):
    """Of a provider, as far as it is known."""

    url: str
    """Empty while something is missing."""
    missing: str
    """How to say it; empty when nothing is missing."""


def address(known: Provider, own: ProviderRow | None, secrets: Secrets) -> Address:
    """A provider's address: of the configuration, the environment, or the table.

    Raises:
        SecretError: a reference in `own.variables` leads nowhere.
    """
    url = own.base_url if own is not None else ""
    url = url or secrets.first(known.base_url_env) or known.base_url
    if not url:
        names = (*known.base_url_env, "base_url:")
        return Address("", f"set {' or '.join(names)}")
    said = own.variables if own is not None else {}
    return filled(url, known, said, secrets)


def filled(
    url: str, known: Provider, said: Mapping[str, str], secrets: Secrets
) -> Address:
    """An address whose words in braces are replaced: by what the configuration says,
    else by the variables of the provider's row.

    Raises:
        SecretError: a reference in `said` leads nowhere.
    """
    if "{" not in url:
        return Address(url, "")
    missing: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        name, scheme = match["name"], match["scheme"] or ""
        names = known.variables.get(name, ())
        value = secrets.text(said.get(name, "")) or secrets.first(names)
        if not value:
            missing.append(" or ".join((*names, f"variables: {{{name}: ...}}")))
        if scheme:  # a host is often told as an address
            value = value.rpartition("://")[2]
        return scheme + quote(value.strip("/"), safe="/:~")

    url = _WORD.sub(replaced, url)
    if missing:
        return Address("", "set " + " and ".join(missing))
    return Address(url, "")


def words(url: str) -> set[str]:
    """What stands in braces in an address for the user's own."""
    return {match["name"] for match in _WORD.finditer(url)}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address we listen on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bad_url(url: str) -> str:
    """Why this is no address of an HTTP server; empty when it is one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"{quoted(url)} is no URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "must be a URL that begins with http:// or https://"
    if any(c <= " " or c == "\x7f" for c in url) or parts.fragment:
        return "must be a URL without spaces and without #"
    return ""
