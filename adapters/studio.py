"""What vendors share who speak and listen, or draw, and hold no conversations."""

from abc import ABC, abstractmethod
from typing import Final

import msgspec

from adapters import phrases
from adapters.contract import Call, Decoder, Operation, WireResponse
from adapters.errors import UpstreamError
from adapters.normal.audio import SpeechCall
from adapters.retry_after import retry_after
from adapters.sound import SoundDecoder

BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Studio(ABC):
    """The half that speaks to the provider; there is no other. Subclasses build and
    parse."""

    dialect: str
    title: str
    operations: frozenset[Operation]

    def speaks(self, dialect: str) -> bool:
        """No client's dialect."""
        return dialect == self.dialect

    def parse_error(self, response: WireResponse) -> UpstreamError:
        """Any answer that is not 2xx."""
        message, code = self._said(response.body)
        kind = phrases.classify(response.status, message, code, "")
        return kind(
            message or f"{self.title} answered {response.status}",
            status=response.status,
            code=code or None,
            retry_after=retry_after(response.headers, response.status, message),
            body=response.body,
        )

    @abstractmethod
    def _said(self, body: bytes) -> tuple[str, str]:
        """Message and code of an error; each may be empty."""

    def parse_stream(self, call: Call) -> Decoder:
        """A decoder for speech: all else comes whole."""
        if not isinstance(call, SpeechCall):
            raise TypeError("only speech is streamed")
        return SoundDecoder(call)


def text(body: bytes) -> str:
    """What an error says that has not the documented form."""
    return body[:2000].decode(errors="replace")
