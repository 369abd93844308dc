"""Sections of what the gateway fetches because a call names it."""

from gateway.config.section import Count, Seconds, Section


class Fetch(Section, frozen=True, kw_only=True):
    """`fetch`: pictures and documents that a call names by their address, for backends
    that take data only."""

    enabled: bool = True
    allow_private: list[str] = []
    """Networks or host names to fetch from though private: clients choose what is
    fetched, so what `egress` allows does not hold here."""
    max_bytes: Count = 20 * 1024 * 1024
    """Of all files of one call."""
    max_files: Count = 20
    timeout_s: Seconds = 15.0
