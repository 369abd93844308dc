"""What the server tells the application of itself, live."""


class State:
    """Handed to the application as `scope["state"]["server"]`; one per process."""

    __slots__ = (
        "accepted",
        "connections",
        "draining",
        "handed_over",
        "refused",
        "requests",
    )

    def __init__(self) -> None:
        self.draining = False
        """True from the moment a stop was asked: readiness answers 503."""
        self.connections = 0
        """Open now, of every protocol."""
        self.accepted = 0
        """Connections since the start, those refused included."""
        self.requests = 0
        """Requests handed to the application since the start."""
        self.handed_over = 0
        """Connections given to Hypercorn: HTTP/2, upgrades, or all of them."""
        self.refused: dict[str, int] = {}
        """By code: what the server itself said no to, or cut off."""

    def count(self, code: str) -> None:
        """One more refusal under `code`."""
        self.refused[code] = self.refused.get(code, 0) + 1
