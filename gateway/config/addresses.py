"""Whether an address is one."""

import ipaddress
from urllib.parse import urlsplit

from gateway.config.problem import quoted


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
