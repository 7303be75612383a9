"""A picture as SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from voiceroutine.pictures.shapes import Line, Polygon, Rect, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voiceroutine.pictures.shapes import Picture, Shape

FONTS = "'Helvetica Neue', Arial, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg_text(picture: Picture) -> str:
    """Return a picture as an SVG document; the same text for the same picture."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    width, height = picture.width_px, picture.height_px
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f" role={quoteattr('img')} font-family={quoteattr(FONTS)}>"
    )
    yield f"<title>{_content(picture.title)}</title>"
    yield f"<desc>{_content(picture.description)}</desc>"
    yield f'<rect class="paper" width="{width}" height="{height}" fill="{picture.paper}"/>'
    yield from map(_element, picture.shapes)
    yield "</svg>"


def _element(shape: Shape) -> str:
    match shape:
        case Rect():
            return _tag("rect", shape, _rect(shape))
        case Polygon():
            return _tag("polygon", shape, [("points", _points(shape.points_px)), ("fill", shape.fill)])
        case Line():
            return _tag("line", shape, _line(shape))
        case Text():
            return _tag("text", shape, _text(shape), _content(shape.text))


def _tag(name: str, shape: Shape, attributes: Iterable[tuple[str, str]], content: str = "") -> str:
    named = [("class", shape.role), *attributes] if shape.role else attributes
    opening = " ".join([name, *(f"{key}={quoteattr(value)}" for key, value in named)])
    tip = f"<title>{_content(shape.tip)}</title>" if shape.tip else ""
    return f"<{opening}>{tip}{content}</{name}>" if tip or content else f"<{opening}/>"


def _rect(rect: Rect) -> Iterator[tuple[str, str]]:
    yield "x", _number(rect.x_px)
    yield "y", _number(rect.y_px)
    yield "width", _number(rect.width_px)
    yield "height", _number(rect.height_px)
    yield "fill", rect.fill
    if rect.radius_px:
        yield "rx", _number(rect.radius_px)
    if rect.stroke != "none":
        yield "stroke", rect.stroke


def _line(line: Line) -> Iterator[tuple[str, str]]:
    (x1_px, y1_px), (x2_px, y2_px) = line.points_px
    yield from zip(("x1", "y1", "x2", "y2"), map(_number, (x1_px, y1_px, x2_px, y2_px)), strict=True)
    yield "stroke", line.stroke
    yield "stroke-width", _number(line.width_px)


def _text(text: Text) -> Iterator[tuple[str, str]]:
    yield "x", _number(text.x_px)
    yield "y", _number(text.y_px)
    yield "font-size", _number(text.size_px)
    yield "fill", text.fill
    if text.is_bold:
        yield "font-weight", "bold"
    if text.anchor != "start":
        yield "text-anchor", text.anchor


def _points(points_px: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x_px)},{_number(y_px)}" for x_px, y_px in points_px)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _content(text: str) -> str:
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text))
