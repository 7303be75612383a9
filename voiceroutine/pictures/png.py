"""A picture as PNG, drawn larger than it is and made smaller, which smooths its edges."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from voiceroutine.pictures.shapes import Line, Polygon, Rect, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voiceroutine.pictures.shapes import Picture, Shape

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
    Face = tuple[str, str]

DOTS_PER_PX = 2
SMOOTHING = 2
DRAWN_PER_PX = DOTS_PER_PX * SMOOTHING
BAND_PX = 256
COMPRESSION = 3

# Regular and bold, by the names of their files on Linux, Windows and macOS.
FACES: Sequence[Face] = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("segoeui.ttf", "segoeuib.ttf"),
    ("Helvetica.ttc", "Helvetica.ttc"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"),
    ("msyh.ttc", "msyhbd.ttc"),
    ("Hiragino Sans GB.ttc", "Hiragino Sans GB.ttc"),
)
# Pillow's own, which is the same on every computer; it has few letters besides those of ASCII, and no bold.
BUILT_IN: Face = ("", "")
_NO_LETTER = "\U0010ffff"
_SYMBOLS = {"So", "Sk", "Cf", "Mn", "Me"}


def png_bytes(picture: Picture, faces: Sequence[Face] = FACES) -> bytes:
    """Return a picture as a PNG file, two dots to a pixel; the same bytes for the same picture and fonts.

    Args:
        picture: what to paint.
        faces: files of fonts, the best first; where this computer has none of them, a built-in one draws.
    """
    image = Image.new("RGB", (picture.width_px * DOTS_PER_PX, picture.height_px * DOTS_PER_PX), picture.paper)
    fonts = _Fonts(faces)
    for number, shapes in enumerate(_by_bands(picture)):
        top_px = number * BAND_PX
        band = _band(picture, top_px, shapes, fonts)
        image.paste(band.reduce(SMOOTHING), (0, top_px * DOTS_PER_PX))
    file = BytesIO()
    image.save(file, "PNG", compress_level=COMPRESSION)
    return file.getvalue()


def _by_bands(picture: Picture) -> list[list[Shape]]:
    """Return what is to be seen in each band of a picture, so that little is in memory at once."""
    bands: list[list[Shape]] = [[] for _ in range(0, picture.height_px, BAND_PX)]
    for shape in picture.shapes:
        highest_px, lowest_px = _extent_px(shape)
        first, last = max(0, int(highest_px // BAND_PX)), int(lowest_px // BAND_PX)
        for band in bands[first : last + 1]:
            band.append(shape)
    return bands


def _band(picture: Picture, top_px: int, shapes: Sequence[Shape], fonts: _Fonts) -> Image.Image:
    bottom_px = min(top_px + BAND_PX, picture.height_px)
    size = (picture.width_px * DRAWN_PER_PX, (bottom_px - top_px) * DRAWN_PER_PX)
    band = Image.new("RGB", size, picture.paper)
    pen = _Pen(ImageDraw.Draw(band), top_px, fonts)
    for shape in shapes:
        pen.draw(shape)
    return band


def _extent_px(shape: Shape) -> tuple[float, float]:
    match shape:
        case Rect():
            return shape.y_px - 1, shape.y_px + shape.height_px + 1
        case Text():
            return shape.y_px - 1.5 * shape.size_px, shape.y_px + shape.size_px
        case _:
            heights_px = [y_px for _, y_px in shape.points_px]
            return min(heights_px) - 1, max(heights_px) + 1


class _Pen:
    def __init__(self, draw: ImageDraw.ImageDraw, top_px: int, fonts: _Fonts) -> None:
        self._draw = draw
        self._top_px = top_px
        self._fonts = fonts

    def draw(self, shape: Shape) -> None:
        match shape:
            case Rect():
                self._rect(shape)
            case Polygon():
                self._draw.polygon(self._dots(shape.points_px), fill=shape.fill)
            case Line():
                self._draw.line(self._dots(shape.points_px), shape.stroke, round(shape.width_px * DRAWN_PER_PX))
            case Text():
                self._text(shape)

    def _rect(self, rect: Rect) -> None:
        is_outlined = rect.stroke != "none"
        grown_px = 0.5 if is_outlined else 0.0
        corners_px = (
            (rect.x_px - grown_px, rect.y_px - grown_px),
            (rect.x_px + rect.width_px + grown_px, rect.y_px + rect.height_px + grown_px),
        )
        (left, top), (right, bottom) = self._dots(corners_px)
        if right <= left or bottom <= top:
            return
        self._draw.rounded_rectangle(
            (left, top, right - 1, bottom - 1),
            radius=round((rect.radius_px + grown_px) * DRAWN_PER_PX) if rect.radius_px else 0,
            fill=None if rect.fill == "none" else rect.fill,
            outline=rect.stroke if is_outlined else None,
            width=DRAWN_PER_PX if is_outlined else 0,
        )

    def _text(self, text: Text) -> None:
        shown, font = self._fonts.of(text)
        where = self._dots([(text.x_px, text.y_px)])[0]
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[text.anchor]
        self._draw.text(where, shown, fill=text.fill, font=font, anchor=anchor)

    def _dots(self, points_px: Iterable[tuple[float, float]]) -> list[tuple[int, int]]:
        return [(round(x * DRAWN_PER_PX), round((y - self._top_px) * DRAWN_PER_PX)) for x, y in points_px]


class _Fonts:
    """Finds for a text the first font of this computer that has all its letters."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._loaded = lru_cache(maxsize=None)(_font)
        self._has_letter = lru_cache(maxsize=None)(self._looks_for_letter)
        self._faces = [face for face in faces if self._loaded(face[0], 20)]

    def of(self, text: Text) -> tuple[str, Font]:
        """Return a text, without symbols that no font here has, and the font to draw it with."""
        size = round(text.size_px * DRAWN_PER_PX)
        shown = "".join(letter for letter in text.text if self._can_be_drawn(letter))
        for face in self._faces:
            font = self._loaded(face[text.is_bold], size)
            if font is not None and all(self._has_letter(face[0], letter) for letter in shown):
                return shown, font
        return shown, self._usual(size, is_bold=text.is_bold)

    def _usual(self, size: int, *, is_bold: bool) -> Font:
        fonts: Iterator[Font | None] = (self._loaded(face[is_bold], size) for face in self._faces)
        return next((font for font in fonts if font is not None), None) or ImageFont.load_default(size)

    def _can_be_drawn(self, letter: str) -> bool:
        if letter.isascii() or unicodedata.category(letter) not in _SYMBOLS:
            return True
        return any(self._has_letter(face[0], letter) for face in self._faces)

    def _looks_for_letter(self, file: str, letter: str) -> bool:
        font = self._loaded(file, 20)
        if font is None or letter.isascii():
            return font is not None
        return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))


def _font(file: str, size: int) -> Font | None:
    if not file:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(file, size)
    except OSError:
        return None
