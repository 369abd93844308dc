"""What every store takes for a name and for a number."""

from typing import Final

from gateway.store.contract import StoreError

_MOST: Final = 2**63 - 1


def checked(*names: str) -> None:
    """Any Unicode text is a name.

    Raises:
        StoreError: half a surrogate pair, which no encoding can carry.
    """
    for name in names:
        if not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError as error:
                raise StoreError(f"not a name: {name[:50]!r}") from error


def in_range(value: int) -> int:
    """A counter's value, in 64 bits.

    Raises:
        StoreError: it does not fit.
    """
    if not -_MOST <= value <= _MOST:
        raise StoreError(f"a counter would reach {value:.3g}, which no store can keep")
    return value
