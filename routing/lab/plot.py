"""Small pictures, as SVG text: no drawing library is needed for two axes and lines."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

Points = Sequence[tuple[float, float]]

WIDTH: Final = 640
HEIGHT: Final = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 190, 20, 46
COLOURS: Final = ("#0b6e99", "#c0392b", "#7f8c8d", "#27864b", "#8e44ad", "#b9770e")
TICKS: Final = 5


def plot(
    lines: Mapping[str, Points],
    dots: Mapping[str, tuple[float, float]],
    x_title: str,
    y_title: str,
) -> str:
    """Lines and dots by name, over axes that hold all of them."""
    every = [p for points in lines.values() for p in points] + list(dots.values())
    low_x, high_x = _range([x for x, _ in every])
    low_y, high_y = _range([y for _, y in every])
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + wide * (point[0] - low_x) / (high_x - low_x)
        return x, _TOP + tall * (1.0 - (point[1] - low_y) / (high_y - low_y))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for i in range(TICKS + 1):
        x, y = (
            low_x + (high_x - low_x) * i / TICKS,
            low_y + (high_y - low_y) * i / TICKS,
        )
        across, down = at((x, low_y))[0], at((low_x, y))[1]
        parts += [
            f'<text x="{across:.1f}" y="{HEIGHT - 28}" text-anchor="middle">{x:.3g}'
            "</text>",
            f'<text x="{_LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{y:.3g}'
            "</text>",
            f'<path d="M{_LEFT} {down:.1f}h{wide}" stroke="#e5e5e5"/>',
        ]
    for i, (name, points) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(at, points))
        parts += [
            f'<polyline points="{way}" fill="none" stroke="{colour}"'
            ' stroke-width="2"/>',
            f'<text x="{WIDTH - _RIGHT + 10}" y="{_TOP + 14 + 16 * i}"'
            f' fill="{colour}">{escape(name)}</text>',
        ]
    for name, point in dots.items():
        x, y = at(point)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#333"><title>{escape(name)}'
            "</title></circle>"
        )
    parts += [
        f'<text x="{_LEFT + wide / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">'
        f"{escape(x_title)}</text>",
        f'<text transform="translate(14 {_TOP + tall / 2:.0f}) rotate(-90)"'
        f' text-anchor="middle">{escape(y_title)}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or 0.5
    return low - room, high + room
