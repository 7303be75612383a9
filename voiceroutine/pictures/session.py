"""A whole session as one page: a heading, rows of lanes, a key to the signs, and the chapters that found no room."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from voiceroutine.cues import Chime, Speech
from voiceroutine.outline import GAPS, parts_of, totals_of
from voiceroutine.pictures import lanes as look
from voiceroutine.pictures.lanes import GRID, INK, MUTED, PAPER, Strip, lanes
from voiceroutine.pictures.rows import row_length_ms, rows_of
from voiceroutine.pictures.shapes import Line, Picture, Rect, Shape, Text, shortened, text_width_px, wrapped
from voiceroutine.units import clock_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voiceroutine.outline import Part, Totals
    from voiceroutine.pictures.rows import Piece, Row
    from voiceroutine.timeline import Timeline

PAGE_PX = 1200
MARGIN_PX = 48
LEFT_PX = 112
RIGHT_PX = PAGE_PX - MARGIN_PX
ROW_PX = 214
BANDS = ("#f1ede2", "#f7f4ec")
TITLE_PX = 30
CHAPTER_PX = 13
TEXT_PX = 11
NUMBER_PX = 20
TIMES_MS = (5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000)
TIME_ROOM_PX = 90
MOST_LISTED = 120
SIGN_PX = 26.0
INDENT_PX = 9
DOSE_GAP_PX = 10
LEAST_LETTERS = 6


def session_picture(timeline: Timeline, voice: str) -> Picture:
    """Lay a session out.

    Args:
        timeline: what happens when.
        voice: whose words were measured, as a text.
    """
    parts, totals = parts_of(timeline), totals_of(timeline)
    rows = rows_of(parts)
    shapes, top_px = _heading(timeline, totals, voice)
    strips = _strips(rows, top_px)
    are_whole = all(_is_whole(strip, piece) for strip, row in zip(strips, rows, strict=True) for piece in row)
    for strip, row in zip(strips, rows, strict=True):
        numbers = ["" if are_whole else str(piece.part.number) for piece in row]
        shapes += _row(strip, list(zip(row, numbers, strict=True)), timeline)
    legend, y_px = _legend(timeline, top_px + len(rows) * ROW_PX)
    shapes += legend
    if not are_whole:
        index, y_px = _index(parts, y_px)
        shapes += index
    return Picture(
        title=timeline.title,
        description=_summary(timeline, totals),
        width_px=PAGE_PX,
        height_px=round(y_px + MARGIN_PX),
        paper=PAPER,
        shapes=tuple(shapes),
    )


def _strips(rows: Sequence[Row], top_px: float) -> list[Strip]:
    px_per_ms = (RIGHT_PX - LEFT_PX) / row_length_ms(rows)
    return [
        Strip(
            start_ms=row[0].start_ms,
            end_ms=row[-1].end_ms,
            left_px=LEFT_PX,
            top_px=top_px + number * ROW_PX,
            px_per_ms=px_per_ms,
        )
        for number, row in enumerate(rows)
    ]


def _summary(timeline: Timeline, totals: Totals) -> str:
    figures = (f"{figure} {what}" for figure, what in _figures(timeline, totals))
    return f"{timeline.title}: {', '.join(figures)}"


def _figures(timeline: Timeline, totals: Totals) -> Iterator[tuple[str, str]]:
    yield clock_text(timeline.duration_ms), "in all"
    yield f"{totals.exercises:,}", "exercise" if totals.exercises == 1 else "exercises"
    yield f"{totals.works:,}", "stretch of work" if totals.works == 1 else "stretches of work"
    yield clock_text(totals.work_ms), "work"
    yield clock_text(totals.gaps_ms), "gaps"
    yield clock_text(totals.words_ms), "words alone"
    yield clock_text(totals.spoken_ms), "spoken in all"


def _heading(timeline: Timeline, totals: Totals, voice: str) -> tuple[list[Shape], float]:
    room_px = RIGHT_PX - MARGIN_PX
    lines = wrapped(timeline.title, room_px, TITLE_PX, is_bold=True)
    if len(lines) > 2:
        lines = [lines[0], " ".join(lines[1:])]
    shapes: list[Shape] = []
    y_px = MARGIN_PX + 24.0
    for line in lines:
        text = shortened(line, room_px, TITLE_PX, is_bold=True)
        shapes.append(
            Text(x_px=MARGIN_PX, y_px=y_px, text=text, size_px=TITLE_PX, fill=INK, is_bold=True, role="heading")
        )
        y_px += 38
    x_px = float(MARGIN_PX)
    for figure, what in (*_figures(timeline, totals), (voice, "speech")):
        shapes.append(Text(x_px=x_px, y_px=y_px + 8, text=figure, size_px=NUMBER_PX, fill=INK))
        shapes.append(Text(x_px=x_px, y_px=y_px + 26, text=what, size_px=TEXT_PX, fill=MUTED))
        x_px += max(text_width_px(figure, NUMBER_PX), text_width_px(what, TEXT_PX)) + 36
    return shapes, y_px + 62


def _row(strip: Strip, row: Sequence[tuple[Piece, str]], timeline: Timeline) -> Iterator[Shape]:
    for piece, _ in row:
        yield from _band(strip, piece)
    yield from _times(strip, timeline.duration_ms)
    for piece, number in row:
        yield from _chapter(strip, piece, number)
    yield from _lane_names(strip)
    starts_ms = [placed.start_ms for placed in timeline.intervals]
    first, end = bisect_left(starts_ms, strip.start_ms + 1) - 1, bisect_left(starts_ms, strip.end_ms)
    yield from lanes(strip, timeline.intervals[first : end + 1])


def _band(strip: Strip, piece: Piece) -> Iterator[Shape]:
    x_px, end_px = strip.x_px(piece.start_ms), strip.x_px(piece.end_ms)
    yield Rect(
        x_px=x_px,
        y_px=strip.top_px,
        width_px=end_px - x_px,
        height_px=look.LANES_END_PX,
        fill=BANDS[piece.part.number % 2],
        role="chapter",
        tip=f"{clock_text(piece.part.chapter.start_ms)}  {piece.part.chapter.title}",
    )


def _chapter(strip: Strip, piece: Piece, number: str) -> Iterator[Shape]:
    x_px, room_px = strip.x_px(piece.start_ms), _room_px(strip, piece)
    if not piece.is_continued:
        ends_px = ((x_px, strip.top_px), (x_px, strip.top_px + look.LANES_END_PX))
        yield Line(points_px=ends_px, stroke=INK, width_px=1.5 if room_px > 20 else 0.5)
    left_px, y_px = x_px + INDENT_PX, strip.top_px + 19
    for line in _label(piece, number, room_px):
        if line.number:
            yield Text(x_px=left_px, y_px=y_px, text=line.number, size_px=line.size_px, fill=MUTED, role="number")
        yield Text(
            x_px=left_px + _number_px(line.number),
            y_px=y_px,
            text=line.text,
            size_px=line.size_px,
            fill=INK if line.is_title else MUTED,
            is_bold=line.is_title,
            role="title" if line.is_title else "dose",
        )
        if line.dose:
            dose_px = left_px + line.title_px + DOSE_GAP_PX
            yield Text(x_px=dose_px, y_px=y_px, text=line.dose, size_px=TEXT_PX, fill=MUTED, role="dose")
        y_px += 17


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of a chapter's label; a title may have the chapter's number before it, and the dose after it."""

    text: str
    size_px: float = CHAPTER_PX
    is_title: bool = True
    number: str = ""
    dose: str = ""

    @property
    def title_px(self) -> float:
        return _number_px(self.number) + text_width_px(self.text, self.size_px, is_bold=self.is_title)

    def fits(self, room_px: float) -> bool:
        dose_px = DOSE_GAP_PX + text_width_px(self.dose, TEXT_PX) if self.dose else 0.0
        return self.title_px + dose_px <= room_px


def _number_px(number: str) -> float:
    return text_width_px(f"{number} ", CHAPTER_PX) + 2 if number else 0.0


def _room_px(strip: Strip, piece: Piece) -> float:
    return strip.x_px(piece.end_ms) - strip.x_px(piece.start_ms) - INDENT_PX - 4


def _is_whole(strip: Strip, piece: Piece) -> bool:
    """Whether there is room for all that the label of a chapter says."""
    lines = _label(piece, "", _room_px(strip, piece))
    title = " ".join(line.text for line in lines if line.is_title)
    return piece.is_continued or (title == _title(piece) and _start_and_dose(piece) in {lines[-1].text, lines[-1].dose})


def _title(piece: Piece) -> str:
    return f"{piece.part.chapter.title} (continued)" if piece.is_continued else piece.part.chapter.title


def _label(piece: Piece, number: str, room_px: float) -> list[_Line]:
    """Return a chapter's title in one line with the dose below it, or in two; or as much as there is room for."""
    title = _title(piece)
    first, *more = wrapped(title, room_px - _number_px(number), CHAPTER_PX, is_bold=True)
    whole = [_Line(text=title, number=number), *_dose(piece, room_px)]
    doses = (_start_and_dose(piece), clock_text(piece.start_ms), "") if more else ()
    in_two = ([_Line(text=first, number=number), _Line(text=" ".join(more), dose=dose)] for dose in doses)
    small = [_Line(text=title, size_px=CHAPTER_PX - 1), *_dose(piece, room_px)]
    for lines in (whole, *in_two, small):
        if all(line.fits(room_px) for line in lines):
            return lines
    short = shortened(title, room_px - _number_px(number), CHAPTER_PX, is_bold=True)
    if len(short) >= LEAST_LETTERS:
        return [_Line(text=short, number=number), *_dose(piece, room_px)]
    alone = _Line(text=number, size_px=TEXT_PX, is_title=False)
    return [alone] if number and alone.fits(room_px) else []


def _dose(piece: Piece, room_px: float) -> list[_Line]:
    texts = (_start_and_dose(piece), clock_text(piece.start_ms))
    lines = (_Line(text=text, size_px=TEXT_PX, is_title=False) for text in texts)
    return [line for line in lines if line.fits(room_px)][:1]


def _start_and_dose(piece: Piece) -> str:
    start = clock_text(piece.start_ms)
    return f"{start} · {piece.part.dose}" if piece.part.dose else start


def _times(strip: Strip, duration_ms: int) -> Iterator[Shape]:
    step_ms = next((step for step in TIMES_MS if step * strip.px_per_ms >= TIME_ROOM_PX), TIMES_MS[-1])
    y_px = strip.top_px + look.LANES_END_PX
    is_last = strip.end_ms == duration_ms
    for instant_ms in range(-(-strip.start_ms // step_ms) * step_ms, strip.end_ms + 1, step_ms):
        x_px = strip.x_px(instant_ms)
        yield Line(points_px=((x_px, strip.top_px + look.VOICE_TOP_PX - 4), (x_px, y_px + 4)), stroke=GRID, width_px=1)
        if not is_last or strip.x_px(strip.end_ms) - x_px > 60:
            yield _time(x_px, y_px, clock_text(instant_ms))
    if is_last:
        end_px = strip.x_px(strip.end_ms)
        yield Line(points_px=((end_px, strip.top_px), (end_px, y_px + 4)), stroke=INK, width_px=1.5)
        yield _time(end_px, y_px, f"{clock_text(duration_ms)} end")


def _time(x_px: float, y_px: float, text: str) -> Text:
    return Text(x_px=x_px, y_px=y_px + 18, text=text, size_px=TEXT_PX, fill=MUTED, anchor="middle", role="time")


def _lane_names(strip: Strip) -> Iterator[Shape]:
    names = (
        ("Voice", look.VOICE_TOP_PX + look.VOICE_PX / 2),
        ("Work", look.WORK_TOP_PX + look.WORK_PX / 2),
        ("Gaps", look.GAP_TOP_PX + look.GAP_PX / 2),
        ("Chimes", look.CHIME_MIDDLE_PX),
    )
    for name, middle_px in names:
        yield Text(x_px=MARGIN_PX, y_px=strip.top_px + middle_px + 4, text=name, size_px=TEXT_PX, fill=MUTED)


def _legend(timeline: Timeline, top_px: float) -> tuple[list[Shape], float]:
    x_px, y_px = float(LEFT_PX), top_px + 16.0
    shapes: list[Shape] = [_section("Key", y_px)]
    for width_px, sample, label in _signs(timeline):
        item_px = width_px + 8 + text_width_px(label, TEXT_PX)
        if x_px + item_px > RIGHT_PX:
            x_px, y_px = float(LEFT_PX), y_px + 28
        shapes += (replace(shape, role="sign") for shape in sample(x_px, y_px - 4))
        shapes.append(Text(x_px=x_px + width_px + 8, y_px=y_px, text=label, size_px=TEXT_PX, fill=INK))
        x_px += item_px + 24
    return shapes, y_px + 16


def _section(name: str, y_px: float) -> Text:
    return Text(x_px=MARGIN_PX, y_px=y_px, text=name, size_px=TEXT_PX, fill=INK, is_bold=True)


Sample = tuple[float, "Callable[[float, float], Iterable[Shape]]", str]


def _signs(timeline: Timeline) -> Iterator[Sample]:
    """Yield the signs that occur: how wide they are, how they are drawn at a place, and what they mean."""
    works = [placed.interval for placed in timeline.intervals if placed.interval.exact]
    kinds = {placed.interval.kind for placed in timeline.intervals}
    whys = {cue.why for cue in timeline.cues if isinstance(cue, Chime)}
    if any(isinstance(cue, Speech) for cue in timeline.cues):
        yield SIGN_PX, _bar, "spoken words"
    actions = {work.step.action for work in works if work.step is not None}
    yield from (sign for action, sign in ACTIONS.items() if action in actions)
    if any(work.side for work in works):
        yield 2 * SIGN_PX, _sides, "a side each on its own height"
    yield from ((SIGN_PX, partial(_gap, kind), kind) for kind in GAPS if kind in kinds)
    if any(placed.grown_ms for placed in timeline.intervals):
        yield SIGN_PX, _grown, "longer than written, for the words"
    yield SIGN_PX, partial(_gap, "say"), "words alone"
    yield from ((10, partial(_chime, why), meaning) for why, meaning in CHIMES.items() if why in whys)


MARK_PX = {"start": 1, "end": 7}
CHIMES = {
    "start": "work starts",
    "end": "work ends",
    "switch": "change sides",
    "countdown": "last seconds",
    "rep": "short rep",
    "halfway": "halfway",
    "during": "cue",
    "breath": "breath",
    "finish": "finish",
}


def _bar(x_px: float, y_px: float) -> Iterable[Shape]:
    yield Rect(x_px=x_px, y_px=y_px - 5, width_px=SIGN_PX, height_px=look.VOICE_PX, radius_px=2, fill=look.VOICE)


def _hold(x_px: float, y_px: float) -> Iterable[Shape]:
    yield look.block((x_px, y_px - 9), (SIGN_PX, 18), look.WORK)


def _move(x_px: float, y_px: float) -> Iterable[Shape]:
    yield look.block((x_px, y_px - 9), (SIGN_PX, 18), look.WORK, is_moving=True)


def _phases(x_px: float, y_px: float) -> Iterable[Shape]:
    yield look.block((x_px, y_px - 9), (11, 18), look.WORK)
    yield look.block((x_px + 11, y_px - 9), (SIGN_PX - 11, 18), look.WORK_NEXT)


def _sides(x_px: float, y_px: float) -> Iterable[Shape]:
    yield look.block((x_px, y_px - 10), (SIGN_PX, 9), look.WORK)
    yield look.block((x_px + SIGN_PX, y_px), (SIGN_PX, 9), look.WORK)


def _gap(kind: str, x_px: float, y_px: float) -> Iterable[Shape]:
    return look.gap((x_px, y_px - 8), SIGN_PX, kind)


def _grown(x_px: float, y_px: float) -> Iterable[Shape]:
    return look.hatching((x_px, y_px - 8), x_px + SIGN_PX)


def _chime(why: str, x_px: float, y_px: float) -> Iterable[Shape]:
    yield look.chime_mark(why, (x_px + MARK_PX.get(why, 4), y_px))


ACTIONS: Mapping[str, Sample] = {
    "hold": (SIGN_PX, _hold, "hold"),
    "move": (SIGN_PX, _move, "movement"),
    "phases": (SIGN_PX, _phases, "phases of a rep"),
}


def _index(parts: Sequence[Part], top_px: float) -> tuple[list[Shape], float]:
    y_px = top_px + 28
    shapes: list[Shape] = [_section("Chapters", y_px)]
    listed = parts[:MOST_LISTED]
    columns = 2 if len(listed) <= 30 else 3
    column_px = (RIGHT_PX - LEFT_PX) / columns
    per_column = -(-len(listed) // columns)
    for place, part in enumerate(listed):
        column, line = divmod(place, per_column)
        shapes += _entry(part, LEFT_PX + column * column_px, y_px + line * 36, column_px)
    end_px = y_px + per_column * 36
    if len(parts) > MOST_LISTED:
        more = f"and {len(parts) - MOST_LISTED:,} more, which “voiceroutine show” lists"
        shapes.append(Text(x_px=LEFT_PX, y_px=end_px, text=more, size_px=TEXT_PX, fill=MUTED))
        end_px += 18
    return shapes, end_px - 8


def _entry(part: Part, x_px: float, y_px: float, column_px: float) -> Iterator[Shape]:
    indent_px = 34.0
    room_px = column_px - indent_px - 20
    title = shortened(part.chapter.title, room_px, 12, is_bold=True)
    yield Text(x_px=x_px + indent_px - 10, y_px=y_px, text=str(part.number), size_px=12, fill=MUTED, anchor="end")
    yield Text(x_px=x_px + indent_px, y_px=y_px, text=title, size_px=12, fill=INK, is_bold=True, role="listed")
    start = clock_text(part.chapter.start_ms)
    dose = shortened(f"{start} · {part.dose}" if part.dose else start, room_px, TEXT_PX)
    yield Text(x_px=x_px + indent_px, y_px=y_px + 15, text=dose, size_px=TEXT_PX, fill=MUTED)
