"""The cover of a session: its time as a ring, clockwise from the top. Broad is work, thin is everything between.

Each side has a track of its own. In the middle stands how long the session is, below the ring what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, pi, sin
from typing import TYPE_CHECKING

from voiceroutine.outline import parts_of, totals_of
from voiceroutine.phrases import phrases_for
from voiceroutine.pictures.shapes import Picture, Polygon, Shape, Text, shortened, text_width_px, wrapped
from voiceroutine.units import clock_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.timeline import Placed, Timeline

COVER_PX = 500
PAPER = "#173f4c"
THREAD = "#3f6d78"
WORK = "#f4ecdc"
OTHER_SIDE = "#e3a96b"
TITLE = "#f4ecdc"
MUTED = "#a9c3c5"

MIDDLE_X_PX = COVER_PX / 2
MIDDLE_Y_PX = 188.0
OUTER_PX = 146.0
BAND_PX = 38.0
TRACK_GAP_PX = 3.0
THREAD_PX = 4.0
CHAPTER_GAP_PX = 5.0
MERGED_BELOW_PX = 1.2
CHORD_PX = 6.0
ROOM_PX = 404.0
CLOCK_PX = 80.0
CLOCK_ROOM_PX = 184.0
TITLES_PX = ((40.0, 1), (34.0, 1), (29.0, 2), (25.0, 2), (22.0, 2))
TITLE_MIDDLE_PX = 396.0
FIGURES_Y_PX = 460.0
FIGURES_PX = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arc:
    """A stretch of the ring: from and to which share of the whole, and between which distances from its middle."""

    start: float
    end: float
    outer_px: float
    inner_px: float
    fill: str

    def shape(self) -> Polygon:
        """Return its outline."""
        steps = max(1, ceil((self.end - self.start) * 2 * pi * self.outer_px / CHORD_PX))
        shares = [self.start + (self.end - self.start) * step / steps for step in range(steps + 1)]
        outer = [_point(share, self.outer_px) for share in shares]
        inner = [_point(share, self.inner_px) for share in reversed(shares)]
        return Polygon(points_px=(*outer, *inner), fill=self.fill, role="arc")


def cover_png(timeline: Timeline, language: str) -> bytes:
    """Draw the cover of a session: 1000 dots wide and high, the same bytes for the same session and fonts.

    Pillow's own font draws what it has letters for, so that an English cover looks the same on every computer.
    """
    from voiceroutine.pictures.png import BUILT_IN, FACES, png_bytes

    picture = cover_picture(timeline, language)
    is_plain = all(shape.text.isascii() for shape in picture.shapes if isinstance(shape, Text))
    return png_bytes(picture, [BUILT_IN] if is_plain else FACES)


def cover_picture(timeline: Timeline, language: str) -> Picture:
    """Lay out the cover of a session, a square.

    Args:
        timeline: what happens when.
        language: of its title, as a tag.
    """
    exercises = phrases_for(language).exercises(totals_of(timeline).exercises)
    shapes: list[Shape] = [arc.shape() for arc in _arcs(timeline)]
    shapes += [_clock(timeline), *_title(timeline.title), _figures(exercises)]
    return Picture(
        title=timeline.title,
        description=f"{timeline.title}: {clock_text(timeline.duration_ms)}, {exercises}",
        width_px=COVER_PX,
        height_px=COVER_PX,
        paper=PAPER,
        shapes=tuple(shapes),
    )


def _point(share: float, distance_px: float) -> tuple[float, float]:
    angle = 2 * pi * share - pi / 2
    return MIDDLE_X_PX + distance_px * cos(angle), MIDDLE_Y_PX + distance_px * sin(angle)


def _arcs(timeline: Timeline) -> Iterator[_Arc]:
    whole_ms = timeline.duration_ms
    middle_px = OUTER_PX - BAND_PX / 2
    px_per_ms = 2 * pi * middle_px / whole_ms
    parts = parts_of(timeline)
    shortest_ms = min(part.chapter.end_ms - part.chapter.start_ms for part in parts)
    pause_ms = min(CHAPTER_GAP_PX / px_per_ms, shortest_ms / 2) if len(parts) > 1 else 0.0
    for part in parts:
        start_ms, end_ms = part.chapter.start_ms + pause_ms, part.chapter.end_ms
        yield _Arc(
            start=start_ms / whole_ms,
            end=end_ms / whole_ms,
            outer_px=middle_px + THREAD_PX / 2,
            inner_px=middle_px - THREAD_PX / 2,
            fill=THREAD,
        )
        for stretch in _stretches(part.intervals, MERGED_BELOW_PX / px_per_ms):
            from_ms, to_ms = max(start_ms, stretch.start_ms), min(end_ms, stretch.end_ms)
            if from_ms < to_ms:
                yield _work(stretch, from_ms / whole_ms, to_ms / whole_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """Work without a gap that could be seen; `track` counts the sides of the exercise from 0."""

    start_ms: int
    end_ms: int
    track: int
    tracks: int


def _stretches(intervals: Sequence[Placed], invisible_ms: float) -> Iterator[_Stretch]:
    now: _Stretch | None = None
    for placed in intervals:
        interval, step = placed.interval, placed.interval.step
        if not interval.exact or step is None:
            continue
        sides = step.sides
        track = sides.index(interval.side) if interval.side in sides else 0
        start_ms = placed.start_ms
        if now and now.track == track and start_ms - now.end_ms < invisible_ms:
            start_ms = now.start_ms
        elif now:
            yield now
        now = _Stretch(start_ms=start_ms, end_ms=placed.end_ms, track=track, tracks=max(1, len(sides)))
    if now:
        yield now


def _work(stretch: _Stretch, start: float, end: float) -> _Arc:
    track_px = (BAND_PX - TRACK_GAP_PX * (stretch.tracks - 1)) / stretch.tracks
    outer_px = OUTER_PX - stretch.track * (track_px + TRACK_GAP_PX)
    fill = OTHER_SIDE if stretch.track % 2 else WORK
    return _Arc(start=start, end=end, outer_px=outer_px, inner_px=outer_px - track_px, fill=fill)


def _clock(timeline: Timeline) -> Text:
    text = clock_text(timeline.duration_ms)
    size_px = min(CLOCK_PX, CLOCK_PX * CLOCK_ROOM_PX / text_width_px(text, CLOCK_PX))
    y_px = MIDDLE_Y_PX + 0.36 * size_px
    return Text(x_px=MIDDLE_X_PX, y_px=y_px, text=text, size_px=size_px, fill=TITLE, anchor="middle", role="clock")


def _title(title: str) -> Iterator[Text]:
    """Yield the title as large as there is room for it, in one line or two."""
    size_px, lines = _title_lines(title)
    for number, line in enumerate(lines):
        y_px = TITLE_MIDDLE_PX + 0.36 * size_px + (number - (len(lines) - 1) / 2) * 1.2 * size_px
        yield Text(x_px=MIDDLE_X_PX, y_px=y_px, text=line, size_px=size_px, fill=TITLE, anchor="middle", role="title")


def _title_lines(title: str) -> tuple[float, list[str]]:
    for size_px, most in TITLES_PX:
        lines = _evenly(title, size_px)
        if len(lines) <= most and all(text_width_px(line, size_px) <= ROOM_PX for line in lines):
            return size_px, lines
    first, *more = wrapped(title, ROOM_PX, size_px)
    return size_px, [shortened(line, ROOM_PX, size_px) for line in (first, " ".join(more)) if line]


def _evenly(title: str, size_px: float) -> list[str]:
    """Wrap a title into lines of like width."""
    lines = wrapped(title, ROOM_PX, size_px)
    widths_px = sorted({text_width_px(" ".join(words), size_px) for words in _beginnings(title.split())})
    narrow = (wrapped(title, width_px, size_px) for width_px in widths_px if width_px <= ROOM_PX)
    return next((tried for tried in narrow if len(tried) <= len(lines)), lines)


def _beginnings(words: Sequence[str]) -> Iterator[Sequence[str]]:
    for start, end in pairwise([*range(len(words)), len(words)]):
        yield words[:end]
        yield words[start:]


def _figures(text: str) -> Text:
    shown = shortened(text, ROOM_PX, FIGURES_PX)
    return Text(
        x_px=MIDDLE_X_PX, y_px=FIGURES_Y_PX, text=shown, size_px=FIGURES_PX, fill=MUTED, anchor="middle", role="figures"
    )
