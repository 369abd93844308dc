"""When a provider says to come back, in every form the vendors have for it.

An instant is measured against the `date` header of the same answer: no clock is read,
and a clock that is wrong on either side does no harm. Values are handed on as they
are, however large; whoever waits caps them.
"""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from adapters.contract import Headers

_DURATION: Final = re.compile(
    rb"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_SENTENCE: Final = re.compile(
    r"(?:try again in|retry (?:after|in)) ((?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?"
    r"(?:\d+(?:\.\d+)?m?s)?)(?: ?(\d+(?:\.\d+)?) seconds?)?"
)
_SCALE: Final = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_EPOCH_S: Final = 1e9
_EPOCH_MS: Final = 1e12


def retry_after(
    headers: Headers, status: int | None = None, message: str = ""
) -> float | None:
    """Seconds from now, never negative; `None` when the provider did not say.

    The `*-ratelimit-*-reset` headers come with every answer and mean something on a
    429 only: of the limits that are used up, the last to open again counts.
    """
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        seen.setdefault(name, value.strip())
    now = _date(seen.get(b"date", b""))
    if (wait := _number(seen.get(b"retry-after-ms", b""))) is not None:
        return max(0.0, wait / 1000)
    if given := seen.get(b"retry-after"):
        wait = _number(given)
        wait = _until(_date(given), now) if wait is None else wait
        if wait is not None:
            return max(0.0, wait)
    if status != 429:
        return None
    waits = [w for _, w in _resets(seen, now)]
    spent = [w for left, w in _resets(seen, now) if left in (None, b"0")]
    if spent or waits:
        return max(0.0, *(spent or waits))
    return sentence(message)


def should_retry(headers: Headers) -> bool | None:
    """The explicit `x-should-retry`; `None` when absent or neither true nor false."""
    for name, value in headers:
        if name == b"x-should-retry":
            return {b"true": True, b"false": False}.get(value.strip().lower())
    return None


def seconds(text: bytes) -> float | None:
    """A duration such as `1m30s`, `12ms`, `17s`, `6h2m`, or plain seconds."""
    if (plain := _number(text)) is not None:
        return plain
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    pairs = zip(match.groups(), _SCALE, strict=True)
    return sum(float(part) * scale for part, scale in pairs if part)


def sentence(message: str) -> float | None:
    """The wait in words: `Please try again in 1m2.5s`, `retry after 10 seconds`."""
    match = _SENTENCE.search(message[:2000].lower())
    if match is None:
        return None
    if match[2]:
        return float(match[2])
    return seconds(match[1].encode()) if match[1] else None


def _resets(
    seen: dict[bytes, bytes], now: datetime | None
) -> Iterator[tuple[bytes | None, float]]:
    """What is left of each limit, and the seconds until it opens again."""
    for name, value in seen.items():
        if b"ratelimit" not in name or b"reset" not in name:
            continue
        wait = seconds(value)
        if wait is None:
            wait = _until(_instant(value), now)
        elif wait >= _EPOCH_S:
            stamp = wait / 1000 if wait >= _EPOCH_MS else wait
            wait = None if now is None else stamp - now.timestamp()
        if wait is not None:
            yield seen.get(name.replace(b"reset", b"remaining")), wait


def _number(text: bytes) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _date(text: bytes) -> datetime | None:
    """An HTTP date."""
    try:
        date = parsedate_to_datetime(text.decode("latin-1"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _instant(text: bytes) -> datetime | None:
    """An RFC 3339 instant."""
    try:
        date = datetime.fromisoformat(text.decode("latin-1"))
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _until(then: datetime | None, now: datetime | None) -> float | None:
    if then is None or now is None:
        return None
    return (then - now).total_seconds()
