"""`encrypted_content` of reasoning items: OpenAI's own, and other families' in passing.

A Responses client sends reasoning items back as they are: that is where a signature of
another family travels, marked, so that it survives the client's turn.
"""

import base64
import binascii
from typing import Final, Literal

import msgspec

_MARK: Final = "routeiq."


class Seal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What must come back with the next turn."""

    family: str
    kind: Literal["signature", "redacted", "call", "text", "summary"]
    """Of a thought, instead of one, of the tool call after it, of the text before it;
    a summary stands for the turns that a compaction took away."""
    opaque: str


_decode: Final = msgspec.json.Decoder(Seal).decode
_encode: Final = msgspec.json.Encoder().encode


def write(seal: Seal) -> str:
    """`encrypted_content`."""
    return _MARK + base64.urlsafe_b64encode(_encode(seal)).decode()


def read(encrypted: str) -> Seal | None:
    """What we sealed; `None` for anything else."""
    if not encrypted.startswith(_MARK):
        return None
    try:
        return _decode(base64.urlsafe_b64decode(encrypted[len(_MARK) :]))
    except (binascii.Error, msgspec.MsgspecError, UnicodeError, ValueError):
        return None


def travels(body: bytes) -> bool:
    """Whether one of ours may be somewhere in it: OpenAI would refuse the call."""
    return b'"' + _MARK.encode() in body


def told(sealed: Seal) -> str:
    """The summary that stands for earlier turns, in words for the model."""
    return f"Summary of the conversation so far:\n\n{sealed.opaque}"
