"""Sizes of pictures, for who knows shapes only."""

from collections.abc import Sequence

from adapters.errors import Unsupported


def nearest(size: str, known: Sequence[str]) -> str:
    """The shape (`16:9`) nearest to a size in pixels (`1792x1024`) or to another shape;
    empty where none was asked for.

    Raises:
        Unsupported: not a size.
    """
    if size in ("", "auto"):
        return ""
    if size in known:
        return size
    width, _, height = size.replace(":", "x").partition("x")
    if not (_counts(width) and _counts(height)):
        raise Unsupported(f"size: {size[:40]!r} is no width and height", "size")
    wanted = int(width) / int(height)

    def off(shape: str) -> float:
        across, _, down = shape.partition(":")
        ratio = int(across) / int(down) / wanted
        return max(ratio, 1 / ratio)

    return min(known, key=off)


def _counts(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0
