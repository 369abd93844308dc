"""What every call that is no conversation has, and every answer to one.

The way of a request uses these names only, whatever is asked: `ChatCall` and
`ChatResult` have them too.
"""

from typing import ClassVar

import msgspec
from msgspec import Raw

from adapters.normal.usage import Usage


class PlainCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as its door read it. A subclass says its `operation`, an
    `adapters.contract.Operation`: as a constant or a field."""

    model: str
    """As the client named it: an alias until routing resolves it."""
    dialect: str
    raw: bytes = b""
    """The client's body; empty when somebody altered the meaning."""
    boundary: bytes = b""
    """Of a `raw` that is multipart/form-data; empty: it is JSON."""
    stream: bool = False
    user: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Client headers that an upstream of the same dialect is given."""
    query: str = ""
    received: int = 0
    """Unix seconds at which it came, where its door told."""
    extra: dict[str, Raw] = {}
    """Fields the door does not know, by name, as JSON."""
    max_tokens: ClassVar[int | None] = None

    @property
    def events(self) -> bool:
        """Whether a streamed answer is server-sent events; else bytes of a medium."""
        return True

    @property
    def prompt_bytes(self) -> int:
        """Bytes of text that become prompt tokens, media and forms left out."""
        return 0

    def least(self) -> Usage | None:
        """What an answer uses that nobody counted, as far as the call itself tells;
        `None`: nobody can say."""
        return None


class PlainResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    id: str = ""
    model: str = ""
    usage: Usage | None = None
    """`None`: the provider does not tell, and it cannot be told from the answer."""
    raw: bytes = b""
    """The body to hand to a client of `dialect`."""
    dialect: str = ""
    billed: ClassVar[bool] = True
    """Whether it costs something at all."""

    def stops(self) -> tuple[str, ...]:
        """Why each answer ended, where that means something."""
        return ()
