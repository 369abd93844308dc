"""Sizes of pictures, for who knows shapes only; settings that few know."""

from collections.abc import Sequence

from adapters.errors import Unsupported
from adapters.normal.image import ImageCall


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


def pixels(size: str) -> tuple[int, int] | None:
    """Width and height of a size in pixels; `None` for a shape, or none at all.

    Raises:
        Unsupported: neither a size nor a shape.
    """
    if size in ("", "auto"):
        return None
    width, mark, height = size.replace(":", "x").partition("x")
    if not (mark and _counts(width) and _counts(height)):
        raise Unsupported(f"size: {size[:40]!r} is no width and height", "size")
    return None if ":" in size else (int(width), int(height))


def unsaid(call: ImageCall) -> list[str]:
    """OpenAI's names of what a call says beside prompt, pictures, number, size and
    form, which hardly anybody else knows."""
    settings = (
        ("quality", call.quality),
        ("style", call.style),
        ("background", call.background),
        ("moderation", call.moderation),
        ("input_fidelity", call.fidelity),
        ("output_compression", call.compression),
        ("partial_images", call.partial_images),
        ("user", call.user),
    )
    return [name for name, value in settings if value not in ("", "auto", None)]


def _counts(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0
