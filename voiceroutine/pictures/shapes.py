"""What a picture is made of, and how wide letters are. Whatever lays a picture out needs no font and no painter."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Advance widths of DejaVu Sans from the space to the tilde, in hundredths of the size of the letters. It is the widest
# of the usual fonts, so that what fits here fits in any of them.
_WIDTHS = (
    "32 41 46 84 64 96 78 28 40 40 50 84 32 37 32 34 64 64 64 64 64 64 64 64 64 64 34 34 84 84 84 54 100 69 69 70 "
    "78 64 58 78 76 30 30 66 56 87 75 79 61 79 70 64 62 74 69 99 69 62 69 40 34 40 84 50 50 62 64 55 64 62 36 64 64 "
    "28 28 58 28 98 64 62 64 64 42 53 40 64 60 82 60 60 53 64 34 64 84 "
)
_BOLD_WIDTHS = (
    "35 46 53 84 70 101 88 31 46 46 53 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40 84 84 84 59 100 78 77 74 "
    "84 69 69 83 84 38 38 78 64 100 84 86 74 86 78 73 69 82 78 111 78 73 73 46 37 46 84 50 50 68 72 60 72 68 44 72 "
    "72 35 35 67 35 105 72 69 72 72 50 60 48 72 66 93 65 66 59 72 37 72 84 "
)
_REGULAR_EM = tuple(int(width) / 100 for width in _WIDTHS.split())
_BOLD_EM = tuple(int(width) / 100 for width in _BOLD_WIDTHS.split())
_NARROW = {"MIDDLE DOT": 0.38, "EN DASH": 0.5, "RIGHT SINGLE QUOTATION MARK": 0.38, "HORIZONTAL ELLIPSIS": 1.0}
_NOT_ASCII_EM = {unicodedata.lookup(name): width_em for name, width_em in _NARROW.items()}
_WIDE = {"W", "F"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A rectangle; with a radius of half its height a pill, or a dot. `tip` is shown when pointed at."""

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    fill: str = "none"
    stroke: str = "none"
    radius_px: float = 0
    role: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A filled outline."""

    points_px: tuple[tuple[float, float], ...]
    fill: str
    role: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight stroke."""

    points_px: tuple[tuple[float, float], tuple[float, float]]
    stroke: str
    width_px: float
    role: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; `x_px` is its start, middle or end, `y_px` its baseline."""

    x_px: float
    y_px: float
    text: str
    size_px: float
    fill: str
    is_bold: bool = False
    anchor: str = "start"
    role: str = ""
    tip: str = ""

    @property
    def left_px(self) -> float:
        """Where it begins at the latest."""
        return self.x_px - self.width_px * {"start": 0, "middle": 0.5, "end": 1}[self.anchor]

    @property
    def width_px(self) -> float:
        """How wide it is at most."""
        return text_width_px(self.text, self.size_px, is_bold=self.is_bold)


Shape = Rect | Polygon | Line | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Shapes on paper, each over those before it."""

    title: str
    description: str
    width_px: int
    height_px: int
    paper: str
    shapes: tuple[Shape, ...]


def text_width_px(text: str, size_px: float, *, is_bold: bool = False) -> float:
    """Return how wide a text is at most, in any of the usual fonts."""
    widths_em = _BOLD_EM if is_bold else _REGULAR_EM
    return size_px * sum(_letter_em(letter, widths_em) for letter in text)


def shortened(text: str, room_px: float, size_px: float, *, is_bold: bool = False) -> str:
    """Return as much of a text as there is room for, with an ellipsis if that isn't all; maybe nothing."""
    if text_width_px(text, size_px, is_bold=is_bold) <= room_px:
        return text
    for end in range(min(len(text) - 1, int(room_px)), 0, -1):
        cut = f"{text[:end].rstrip()}…"
        if text_width_px(cut, size_px, is_bold=is_bold) <= room_px:
            return cut
    return ""


def wrapped(text: str, room_px: float, size_px: float, *, is_bold: bool = False) -> list[str]:
    """Break a text between words into lines that fit; a word that is wider than a line stays whole."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width_px(longer, size_px, is_bold=is_bold) <= room_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _letter_em(letter: str, ascii_em: Sequence[float]) -> float:
    if " " <= letter <= "~":
        return ascii_em[ord(letter) - ord(" ")]
    if letter in _NOT_ASCII_EM:
        return _NOT_ASCII_EM[letter]
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in _WIDE:
        return 1.1
    return 0.8 if letter.islower() else 1.1
