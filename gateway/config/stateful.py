"""Sections of what outlives a request: files, batches, realtime sessions."""

from gateway.config.section import Count, Seconds, Section


class FilesConfig(Section, frozen=True, kw_only=True):
    """`files`: what the gateway keeps for clients by itself."""

    folder: str = ""
    """Empty: beside the store's file, or a temporary one for `memory:`."""
    total_bytes: Count = 10 * 1024**3


class Batches(Section, frozen=True, kw_only=True):
    """`batches`: those that the gateway runs by itself."""

    parallel: Count = 8
    """Lines at a time, of all batches of a process together."""
    lines: Count = 50_000
    """Of one batch."""
    tries: Count = 5
    """Of one line, where its error may pass."""
    window_s: Seconds = 86_400.0
    """What is not done by then is told to have expired."""
    keep_days: Count = 30
    """Batches that are over, and their outputs, are forgotten after that."""


class Realtime(Section, frozen=True, kw_only=True):
    """`realtime`: limits of one session."""

    session_s: Seconds = 3600.0
    idle_s: Seconds = 900.0
    """Longest that neither side says anything."""
    message_bytes: Count = 16 * 1024 * 1024
    """Of one message, either way."""
