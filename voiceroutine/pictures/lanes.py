"""The lanes of one row: voice, work, gaps and chimes, each against the same time.

Everything can be told apart without color: by its place, its outline, or what is written on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import TYPE_CHECKING

from voiceroutine.cues import Chime, Speech, dose_text
from voiceroutine.pictures.shapes import Line, Polygon, Rect, Shape, Text, text_width_px
from voiceroutine.units import clock_text, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceroutine.timeline import Placed
    from voiceroutine.unroll import Interval

PAPER = "#fbfaf6"
INK = "#1b2a32"
MUTED = "#536068"
GRID = "#d9d3c4"
WORK = "#1f5b75"
ON_WORK = "#ffffff"
WORK_NEXT = "#a5cbd7"
VOICE = "#b5651d"
GAP = "#cfd3cf"
GAP_EDGE = "#76828a"

VOICE_TOP_PX, VOICE_PX = 48, 10
WORK_TOP_PX, WORK_PX = 66, 48
GAP_TOP_PX, GAP_PX = 120, 16
CHIME_MIDDLE_PX = 149
LANES_END_PX = 162

LABEL_PX = 11
SMALL_LABEL_PX = 10
LEAST_HATCHED_PX = 3
_LOWEST_BLOCK_PX = 15
_PADDING_PX = 3
_WAVE_PX = 1.8
_WAVELENGTH_PX = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Where the time of one row lies on the page."""

    start_ms: int
    end_ms: int
    left_px: float
    top_px: float
    px_per_ms: float

    def x_px(self, instant_ms: int) -> float:
        """Return where an instant of this row lies; those outside of it lie at its nearer end."""
        inside_ms = min(max(instant_ms, self.start_ms), self.end_ms)
        return self.left_px + (inside_ms - self.start_ms) * self.px_per_ms

    @property
    def mark_scale(self) -> float:
        """How large marks are: smaller where a row is a long time."""
        return min(1.0, max(0.4, self.px_per_ms * 250))


def lanes(strip: Strip, intervals: Iterable[Placed]) -> Iterator[Shape]:
    """Yield what happens in one row.

    Args:
        strip: where the row lies.
        intervals: those of the row and the one after it, in order; what is cut by the edge is drawn as far as it goes.
    """
    chimes: list[Chime] = []
    for placed in intervals:
        yield from _interval(strip, placed)
        for cue in placed.cues:
            if isinstance(cue, Chime):
                chimes.append(cue)
            elif strip.start_ms < cue.end_ms and cue.at_ms < strip.end_ms:
                yield _voice(strip, cue)
    yield from _chimes(strip, [chime for chime in chimes if _is_on(strip, chime)])


def _is_on(strip: Strip, chime: Chime) -> bool:
    """Whether a chime is of this row; one between two rows that ends work stands with the work."""
    if chime.why in {"end", "switch"}:
        return strip.start_ms < chime.at_ms <= strip.end_ms
    return strip.start_ms <= chime.at_ms < strip.end_ms


def _voice(strip: Strip, speech: Speech) -> Shape:
    x_px, end_px = strip.x_px(speech.at_ms), strip.x_px(speech.end_ms)
    return Rect(
        x_px=x_px,
        y_px=strip.top_px + VOICE_TOP_PX,
        width_px=end_px - x_px,
        height_px=VOICE_PX,
        radius_px=min(2.0, (end_px - x_px) / 2),
        fill=VOICE,
        role="speech",
        tip=f"{clock_text(speech.at_ms)}  {speech.utterance.text}",
    )


def _interval(strip: Strip, placed: Placed) -> Iterator[Shape]:
    x_px, end_px = strip.x_px(placed.start_ms), strip.x_px(placed.end_ms)
    if end_px <= x_px:
        return
    if placed.interval.exact:
        yield from _work(strip, placed, x_px, end_px)
    else:
        yield from _gap(strip, placed, x_px, end_px)


def _work(strip: Strip, placed: Placed, x_px: float, end_px: float) -> Iterator[Shape]:
    interval = placed.interval
    top_px, height_px = _place_of_side(interval)
    fill, ink = (WORK, ON_WORK) if interval.phase_index % 2 else (WORK_NEXT, INK)
    corner_px = strip.top_px + WORK_TOP_PX + top_px
    yield block(
        (x_px, corner_px),
        (end_px - x_px, height_px),
        fill,
        tip=_work_tip(placed),
        is_moving=interval.step is not None and interval.step.action == "move",
    )
    if interval.phase is not None and interval.step is not None and interval.step.action == "phases":
        edge_px = ((x_px, corner_px), (x_px, corner_px + height_px))
        yield Line(points_px=edge_px, stroke=PAPER, width_px=2 if interval.phase_index == 1 else 0.5)
    label = _work_label(interval, end_px - x_px)
    if label:
        middle_px = (x_px + end_px) / 2
        yield Text(
            x_px=middle_px,
            y_px=corner_px + height_px / 2 + 4,
            text=label,
            size_px=LABEL_PX,
            fill=ink,
            anchor="middle",
            role="label",
        )


def block(
    corner_px: tuple[float, float], size_px: tuple[float, float], fill: str, *, tip: str = "", is_moving: bool = False
) -> Shape:
    """Return a block of work: with a flat top, or with waves on it where there is movement."""
    (x_px, y_px), (width_px, height_px) = corner_px, size_px
    if not is_moving:
        return Rect(x_px=x_px, y_px=y_px, width_px=width_px, height_px=height_px, fill=fill, role="work", tip=tip)
    steps = max(4, round(width_px / 1.5))
    waves = max(1, round(width_px / _WAVELENGTH_PX))
    top = [
        (x_px + width_px * step / steps, y_px + _WAVE_PX * (1 - sin(2 * pi * waves * step / steps)))
        for step in range(steps + 1)
    ]
    bottom = [(x_px + width_px, y_px + height_px), (x_px, y_px + height_px)]
    return Polygon(points_px=(*top, *bottom), fill=fill, role="work", tip=tip)


def _place_of_side(interval: Interval) -> tuple[float, float]:
    """Return how far below the top of the lane a side's block begins, and its height."""
    sides = interval.step.sides if interval.step is not None else ()
    if len(sides) < 2 or interval.side not in sides:
        return 0.0, WORK_PX
    height_px = max(_LOWEST_BLOCK_PX, WORK_PX / len(sides) - 1)
    return sides.index(interval.side) * (WORK_PX - height_px) / (len(sides) - 1), height_px


def _work_label(interval: Interval, room_px: float) -> str:
    """Return the longest of what may be written on work that there is room for, the same for all sides."""
    lasts = duration_text(interval.minimum_ms)
    said = interval.phase.say if interval.phase is not None else None
    if said:
        return _fitting((f"{said} {lasts}", said), room_px, LABEL_PX)
    if interval.step is None or interval.side is None:
        return _fitting((lasts,), room_px, LABEL_PX)
    sides = interval.step.sides
    initials = [side[:1].upper() for side in sides]
    names = (sides, initials) if len(set(initials)) == len(initials) else (sides,)
    ends = (f" {lasts}", "")
    labels = ([f"{name}{end}" for name in kind] for kind in names for end in ends)
    fitting = (own for own in labels if all(_fitting((label,), room_px, LABEL_PX) for label in own))
    return next(fitting, [""] * len(sides))[sides.index(interval.side)]


def _work_tip(placed: Placed) -> str:
    interval, step = placed.interval, placed.interval.step
    parts = [step.name, dose_text(step)] if step is not None else []
    parts += [f"set {interval.set}"] if step is not None and step.sets > 1 else []
    parts += [f"rep {interval.rep}"] if step is not None and step.reps > 1 else []
    parts += [interval.side] if interval.side else []
    parts += [interval.phase.say] if interval.phase is not None and interval.phase.say else []
    return f"{clock_text(placed.start_ms)}  {', '.join(parts)}, {duration_text(placed.end_ms - placed.start_ms)}"


def _fitting(labels: Iterable[str], room_px: float, size_px: float) -> str:
    return next((text for text in labels if text_width_px(text, size_px) + 2 * _PADDING_PX <= room_px), "")


def _gap(strip: Strip, placed: Placed, x_px: float, end_px: float) -> Iterator[Shape]:
    kind, lasts = placed.interval.kind, duration_text(round(placed.end_ms - placed.start_ms, -2))
    y_px = strip.top_px + GAP_TOP_PX
    grown = f", {placed.grown_ms / 1000:.1f}s of it for the words" if placed.grown_ms else ""
    tip = f"{clock_text(placed.start_ms)}  {kind} {lasts}{grown}"
    yield from gap((x_px, y_px), end_px - x_px, kind, tip=tip)
    written_px = strip.x_px(placed.end_ms - placed.grown_ms)
    if end_px - written_px >= LEAST_HATCHED_PX:
        yield from hatching((written_px, y_px), end_px)
    if label := _fitting((f"{kind} {lasts}", kind), written_px - x_px, SMALL_LABEL_PX):
        yield _gap_label(label, (x_px + written_px) / 2, y_px)


def _gap_label(label: str, middle_px: float, y_px: float) -> Text:
    return Text(
        x_px=middle_px, y_px=y_px + 11.5, text=label, size_px=SMALL_LABEL_PX, fill=INK, anchor="middle", role="label"
    )


def gap(corner_px: tuple[float, float], width_px: float, kind: str, *, tip: str = "") -> Iterator[Shape]:
    """Yield a gap.

    It is a wedge up to the work for `prepare`, a crossing for `switch`, a low bar for `relax`, a full one for `rest`,
    one between rails for `wait`, and an empty frame for words alone.
    """
    (x_px, y_px), end_px, bottom_px = corner_px, corner_px[0] + width_px, corner_px[1] + GAP_PX
    if kind == "prepare":
        points_px = ((x_px, bottom_px), (x_px, bottom_px - 6), (end_px, y_px), (end_px, bottom_px))
        yield Polygon(points_px=points_px, fill=GAP, role="gap", tip=tip)
    elif kind == "switch":
        points_px = ((x_px, y_px), (end_px, bottom_px), (end_px, y_px), (x_px, bottom_px))
        yield Polygon(points_px=points_px, fill=GAP_EDGE, role="gap", tip=tip)
    elif kind == "relax":
        yield Rect(x_px=x_px, y_px=bottom_px - 5, width_px=width_px, height_px=5, fill=GAP_EDGE, role="gap", tip=tip)
    elif kind in {"rest", "wait"}:
        yield Rect(x_px=x_px, y_px=y_px, width_px=width_px, height_px=GAP_PX, fill=GAP, role="gap", tip=tip)
        rails_px = (y_px, bottom_px - 2) if kind == "wait" else ()
        yield from (Rect(x_px=x_px, y_px=y, width_px=width_px, height_px=2, fill=GAP_EDGE) for y in rails_px)
    else:
        inner_px = max(width_px - 1, 0.2)
        yield Rect(
            x_px=x_px + 0.5, y_px=y_px + 0.5, width_px=inner_px, height_px=GAP_PX - 1, fill=PAPER, stroke=GAP,
            role="words", tip=tip,
        )  # fmt: skip


def hatching(corner_px: tuple[float, float], end_px: float) -> Iterator[Shape]:
    """Yield slanted lines over the last part of a gap: the time that it became longer by."""
    x_px, y_px = corner_px
    bottom_px = y_px + GAP_PX
    start_px = x_px
    while start_px < end_px:
        rise_px = min(GAP_PX, end_px - start_px)
        yield Line(
            points_px=((start_px, bottom_px), (start_px + rise_px, bottom_px - rise_px)),
            stroke=INK, width_px=0.8, role="grown",
        )  # fmt: skip
        start_px += 4


def _chimes(strip: Strip, chimes: Sequence[Chime]) -> Iterator[Shape]:
    """Yield the marks of chimes, leaving out those that would lie on one of their own kind."""
    y_px = strip.top_px + CHIME_MIDDLE_PX
    for why in dict.fromkeys(chime.why for chime in chimes):
        last_px = -10.0
        for chime in chimes:
            x_px = strip.x_px(chime.at_ms)
            if chime.why == why and x_px - last_px >= 1.5:
                last_px = x_px
                tip = f"{clock_text(chime.at_ms)}  {why}: {chime.sound}"
                yield chime_mark(why, (x_px, y_px), tip=tip, scale=strip.mark_scale)


def chime_mark(why: str, middle_px: tuple[float, float], *, tip: str = "", scale: float = 1.0) -> Shape:
    """Return the mark of a chime at an instant: for each reason another outline.

    That of the start begins with the work, that of the end ends with it.
    """
    if why in _OUTLINES:
        return _mark(_OUTLINES[why], middle_px, scale, tip)
    if why == "countdown":
        return _tick(middle_px, scale, tip)
    return _dot(middle_px, scale * 2, INK, tip) if why == "rep" else _dot(middle_px, scale * 3.5, PAPER, tip)


def _mark(outline: Sequence[tuple[float, float]], middle_px: tuple[float, float], scale: float, tip: str) -> Polygon:
    x_px, y_px = middle_px
    points_px = tuple((x_px + x * scale, y_px + y * scale) for x, y in outline)
    return Polygon(points_px=points_px, fill=INK, role="chime", tip=tip)


def _tick(middle_px: tuple[float, float], scale: float, tip: str) -> Line:
    x_px, y_px = middle_px
    ends_px = ((x_px, y_px - 4 * scale), (x_px, y_px + 4 * scale))
    return Line(points_px=ends_px, stroke=INK, width_px=1.25 * scale, role="chime", tip=tip)


def _dot(middle_px: tuple[float, float], radius_px: float, fill: str, tip: str) -> Rect:
    x_px, y_px = middle_px
    return Rect(
        x_px=x_px - radius_px, y_px=y_px - radius_px, width_px=2 * radius_px, height_px=2 * radius_px,
        radius_px=radius_px, fill=fill, stroke=INK, role="chime", tip=tip,
    )  # fmt: skip


def _star() -> tuple[tuple[float, float], ...]:
    corners = zip((7.0, 3.0) * 5, range(10), strict=True)
    return tuple((radius * sin(pi * step / 5), -radius * cos(pi * step / 5)) for radius, step in corners)


_OUTLINES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "start": ((0, -4.5), (8, 0), (0, 4.5)),
    "end": ((-6.5, -3.5), (0, -3.5), (0, 3.5), (-6.5, 3.5)),
    "switch": ((0, -5.5), (5, 0), (0, 5.5), (-5, 0)),
    "during": (
        (-1, -4),
        (1, -4),
        (1, -1),
        (4, -1),
        (4, 1),
        (1, 1),
        (1, 4),
        (-1, 4),
        (-1, 1),
        (-4, 1),
        (-4, -1),
        (-1, -1),
    ),
    "breath": ((0, -4), (4.5, 3.5), (-4.5, 3.5)),
    "finish": _star(),
}
