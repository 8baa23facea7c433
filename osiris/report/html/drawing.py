"""The drawn graph of a run: boxes and curves in pixels, left to right or top to bottom."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from osiris.report.html.graph_layout import Edge, Layout, Point, lay_out

WIDTH: Final = 188
HEIGHT: Final = 58
_MARGIN: Final = 8
_ALONG_RIGHT: Final = WIDTH + 56
_ACROSS_RIGHT: Final = HEIGHT + 18
_ALONG_DOWN: Final = HEIGHT + 46
_ACROSS_DOWN: Final = WIDTH + 20
_PAGE: Final = 1080
"""Pixels that fit beside each other on most screens."""


@dataclass(frozen=True)
class Box:
    """A step's box: its upper left corner."""

    step: str
    x: float
    y: float


@dataclass(frozen=True)
class Curve:
    """An edge: an SVG path, and the middle of it."""

    edge: Edge
    path: str
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """Everything to draw, and the size of the picture."""

    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    width: int
    height: int


def draw(steps: list[str], edges: Iterable[Edge]) -> Drawing:
    """Draw the steps of a manifest, given in an order in which no edge goes back."""
    layout = lay_out(steps, edges)
    right = layout.layers * _ALONG_RIGHT
    down = layout.breadth * _ACROSS_DOWN
    return _drawn(layout, across=right > _PAGE and down < right)


def _drawn(layout: Layout, *, across: bool) -> Drawing:
    """Turn places into pixels; `across` means that layers lie below each other."""
    boxes = tuple(Box(step, *_corner(point, down=across)) for step, point in layout.nodes.items())
    curves = tuple(_curve(edge, route, down=across) for edge, route in layout.routes.items())
    if across:
        width = layout.breadth * _ACROSS_DOWN - (_ACROSS_DOWN - WIDTH)
        height = float((layout.layers - 1) * _ALONG_DOWN + HEIGHT)
    else:
        width = float((layout.layers - 1) * _ALONG_RIGHT + WIDTH)
        height = layout.breadth * _ACROSS_RIGHT - (_ACROSS_RIGHT - HEIGHT)
    return Drawing(boxes, curves, round(width + 2 * _MARGIN), round(height + 2 * _MARGIN))


def _corner(point: Point, *, down: bool) -> tuple[float, float]:
    along = point.layer * (_ALONG_DOWN if down else _ALONG_RIGHT) + _MARGIN
    across = (point.across - 0.5) * (_ACROSS_DOWN if down else _ACROSS_RIGHT) + _MARGIN
    return (round(across, 1), along) if down else (along, round(across, 1))


def _curve(edge: Edge, route: tuple[Point, ...], *, down: bool) -> Curve:
    """Return a path that leaves and enters boxes straight and passes waypoints straight."""
    size = HEIGHT if down else WIDTH
    ends: list[tuple[float, float]] = []  # (along, across) of where the curve begins and ends
    for number, point in enumerate(route):
        x, y = _corner(point, down=down)
        along, across = (y, x + WIDTH / 2) if down else (x, y + HEIGHT / 2)
        if number > 0:
            ends.append((along, across))
        if number < len(route) - 1:
            ends.append((along + size, across))
    parts = [f"M{_xy(ends[0], down=down)}"]
    for one, other in pairwise(ends):
        half = (one[0] + other[0]) / 2
        bends = ((half, one[1]), (half, other[1]), other)
        parts.append("C" + " ".join(_xy(bend, down=down) for bend in bends))
    middle = (ends[-2][0] + ends[-1][0]) / 2, (ends[-2][1] + ends[-1][1]) / 2
    x, y = middle[::-1] if down else middle
    return Curve(edge, "".join(parts), x, y)


def _xy(place: tuple[float, float], *, down: bool) -> str:
    x, y = place[::-1] if down else place
    return f"{x:g} {y:g}"
