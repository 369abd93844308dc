"""What a client says about how its call is routed: headers, or a chat's metadata.

`x-routeiq-profile: eco`, or `"metadata": {"routeiq_profile": "eco"}` where a dialect
has metadata of strings; the header goes before.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from adapters.contract import Call
from adapters.errors import BadCall
from adapters.normal.chat import ChatCall
from gateway.config.routed import Require
from routing.types import NO_WISHES, TIERS, Wishes

MARK: Final = b'"routeiq_'
"""Stands in metadata that may say something."""
MAX_VALUE: Final = 512
"""Characters of one value."""
DRY_RUN: Final = b"x-routeiq-dry-run"
"""`true`: the decision is answered, and nothing is sent."""


def _word(text: str) -> str:
    return text


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError("a share is a number from 0 to 1")
    return value


def _dollars(text: str) -> float:
    value = float(text)
    if not 0.0 <= value < 1e6:
        raise ValueError("a price is a number of US dollars, 0 or more")
    return value


def _list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _tier(text: str) -> str:
    if text not in TIERS:
        raise ValueError(f"must be one of {', '.join(TIERS)}")
    return text


READ: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "strategy": ("strategy", _word),
    "profile": ("profile", _word),
    "quality": ("quality", _share),
    "max-cost": ("max_cost", _dollars),
    "pin": ("pin", _word),
    "region": ("regions", _list),
    "min-tier": ("tier", _tier),
    "tags": ("tags", _list),
    "conversation": ("conversation", _word),
}
"""Name after `x-routeiq-` (in metadata after `routeiq_`, with `_`) -> the field of
`Wishes`, and how its text is read."""

HEADERS: Final = frozenset({DRY_RUN, *(f"x-routeiq-{n}".encode() for n in READ)})


def wishes(headers: Mapping[bytes, bytes], call: Call) -> Wishes:
    """What the client wishes; `NO_WISHES`, the same object, when nothing.

    Raises:
        BadCall: a value is none.
    """
    notes = call.metadata if isinstance(call, ChatCall) else b""
    if HEADERS.isdisjoint(headers) and MARK not in notes:
        return NO_WISHES
    said = _metadata(notes)
    for name in READ:
        if (value := headers.get(f"x-routeiq-{name}".encode())) is not None:
            said[name] = (f"x-routeiq-{name}", value.decode("latin-1").strip())
    read: dict[str, Any] = {}
    for name, (where, text) in said.items():
        field, convert = READ[name]
        if len(text) > MAX_VALUE:
            raise BadCall(f"{where}: at most {MAX_VALUE} characters", where)
        try:
            read[field] = convert(text)
        except ValueError as error:
            raise BadCall(f"{where}: {error}", where) from error
    return Wishes(**read) if read else NO_WISHES


def wants_dry_run(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the client wants to know only.

    Raises:
        BadCall: it is neither yes nor no.
    """
    said = headers.get(DRY_RUN, b"").strip().lower()
    if said in (b"true", b"1"):
        return True
    if said in (b"", b"false", b"0"):
        return False
    raise BadCall("x-routeiq-dry-run: must be true or false", "x-routeiq-dry-run")


def bound(wished: Wishes, require: Require | None) -> Wishes:
    """The client's wishes within what the configuration demands: the narrower of two
    prices and tiers. Of regions, both must hold."""
    if require is None:
        return wished
    changed: dict[str, Any] = {}
    if require.max_cost is not None:
        own = wished.max_cost
        cap = require.max_cost if own is None else min(own, require.max_cost)
        changed["max_cost"] = cap
    if require.tier is not None:
        own_tier = wished.tier or require.tier
        changed["tier"] = max(own_tier, require.tier, key=TIERS.index)
    if require.regions:
        changed["within"] = (*wished.within, tuple(require.regions))
    return msgspec.structs.replace(wished, **changed) if changed else wished


def _metadata(notes: bytes) -> dict[str, tuple[str, str]]:
    """Name -> where it stands, and its text."""
    try:
        found = msgspec.json.decode(notes, type=dict[str, Any]) if notes else {}
    except msgspec.MsgspecError:
        return {}  # its dialect says what is wrong with it
    said = {}
    for name in READ:
        key = f"routeiq_{name.replace('-', '_')}"
        if isinstance(value := found.get(key), str):
            said[name] = (f"metadata.{key}", value)
    return said
