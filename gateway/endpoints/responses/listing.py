"""Pages of items, as OpenAI's lists are."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.errors import Refused

Json = dict[str, Any]

USUAL: Final = 20
MOST: Final = 100


def listing(items: list[Json], asked: Mapping[str, str]) -> Json:
    """A page of `items`, which come oldest first. `asked`: `order` (newest first
    unless it is `asc`), `after` (an item's id), `limit`.

    Raises:
        Refused: 400, one of these makes no sense.
    """
    order = asked.get("order", "desc")
    if order not in ("asc", "desc"):
        raise _wrong("order", "expected asc or desc")
    found = items if order == "asc" else items[::-1]
    after = asked.get("after")
    if after:
        ids = [item.get("id") for item in found]
        if after not in ids:
            raise _wrong("after", f"there is no item {after[:128]!r}")
        found = found[ids.index(after) + 1 :]
    said = asked.get("limit", str(USUAL))
    if not said.isdecimal() or not 1 <= int(said) <= MOST:
        raise _wrong("limit", f"expected a number from 1 to {MOST}")
    page = found[: int(said)]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0].get("id") if page else "",
        "last_id": page[-1].get("id") if page else "",
        "has_more": len(found) > len(page),
    }


def _wrong(name: str, told: str) -> Refused:
    return Refused(400, "invalid_request_error", f"{name}: {told}", param=name)
