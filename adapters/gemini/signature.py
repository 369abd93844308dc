"""Signatures of thoughts: Gemini's own, other families' in passing, and none at all.

A Gemini client keeps `thoughtSignature` and sends it back: that is where a signature of
another family can travel, marked, so that its thinking survives the client's turn.
"""

import base64
import binascii
from typing import Final

from adapters.gemini.wire import FAMILY
from adapters.normal.content import Thinking

_SKIP_WORD: Final = "skip_thought_signature_validator"
SKIP: Final = base64.b64encode(_SKIP_WORD.encode()).decode()
"""Takes the place of a signature on calls that no Gemini model made. Source:
ai.google.dev/gemini-api/docs/thought-signatures, FAQ on history of other models; the
field is bytes, and recorded requests in this form were accepted (2026)."""

_MARK: Final = b"routeiq\x00think\x00\x00"
_PREFIX: Final = base64.b64encode(_MARK).decode()
_TRAVELLER: Final = _PREFIX[:-2].encode()
"""Without the characters that differ between the alphabets and by what follows."""
_KINDS: Final = (b"s", b"r")


def travels(body: bytes) -> bool:
    """Whether another family's signature may be somewhere in it: Gemini would refuse
    the call."""
    return _TRAVELLER in body


def wrap(thinking: Thinking) -> str:
    """`thoughtSignature` for a thought; empty when nothing needs to come back."""
    if thinking.family in ("", FAMILY):
        return thinking.signature
    opaque = thinking.signature or thinking.redacted
    if not opaque:
        return ""
    kind = b"s" if thinking.signature else b"r"
    family = thinking.family.encode()
    inner = b"%b%b\x00%b\x00%b" % (_MARK, kind, family, opaque.encode())
    return base64.b64encode(inner).decode()


def unwrap(text: str, signature: str) -> Thinking:
    """The thought that a `thoughtSignature` belongs to, whoever made it."""
    if not signature.startswith(_PREFIX):
        return Thinking(text, own(signature), family=FAMILY)
    padded = signature.translate({45: "+", 95: "/"})
    padded += "=" * (-len(padded) % 4)
    try:
        inner = base64.b64decode(padded, validate=True)[len(_MARK) :]
        kind, family, opaque = inner.decode().split("\x00", 2)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return Thinking(text, family=FAMILY)
    if kind.encode() not in _KINDS:
        return Thinking(text, family=FAMILY)
    if kind == "r":
        return Thinking(redacted=opaque, family=family)
    return Thinking(text, opaque, family=family)


def own(signature: str) -> str:
    """Gemini's signature; empty for what stands in for one."""
    return "" if signature in (SKIP, _SKIP_WORD) else signature
