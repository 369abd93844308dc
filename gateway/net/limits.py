"""How long each stage of a request may take."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Seconds."""

    connect_s: float
    """Name, TCP, TLS, and waiting for a free place."""
    first_token_s: float
    """From sending to the first byte of the body that says something."""
    idle_s: float
    """Between two pieces of the body."""
