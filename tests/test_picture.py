"""The picture of a session: what stands where, that it can be read, and that it is a sound file."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from strategies import routines
from timetable import WHERE, hold, in_phases, routine_of, timeline_of

from voiceroutine import pictures
from voiceroutine.cues import ChimeWhy, Speech
from voiceroutine.errors import ExportError
from voiceroutine.outline import GAPS, parts_of, totals_of
from voiceroutine.pictures.lanes import chime_mark, gap
from voiceroutine.pictures.rows import MOST_ROWS, row_length_ms, rows_of
from voiceroutine.pictures.session import CHIMES, session_picture
from voiceroutine.pictures.shapes import Line, Picture, Polygon, Rect, Text, shortened, text_width_px, wrapped
from voiceroutine.pictures.svg import svg_text
from voiceroutine.routine import Block, Rest, Say

if TYPE_CHECKING:
    from voiceroutine.pictures.shapes import Shape
    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline

SVG = "{http://www.w3.org/2000/svg}"
LEFT_PX, RIGHT_PX = 112, 1152
NASTY = "Arms <up> & \"down\" 'now' \N{PERSON IN LOTUS POSITION} Шея"


def svg_of(timeline: Timeline) -> ET.Element:
    return ET.fromstring(svg_text(session_picture(timeline, "silent")))


def of_role(svg: ET.Element, role: str) -> list[ET.Element]:
    return [element for element in svg if element.get("class") == role]


def number(element: ET.Element, key: str) -> float:
    return float(element.attrib[key])


def words(element: ET.Element) -> str:
    return "".join(element.itertext())


def texts_of(picture: Picture, *roles: str) -> list[Text]:
    return [shape for shape in picture.shapes if isinstance(shape, Text) and shape.role in roles]


def lefts_of(picture: Picture, role: str) -> list[float]:
    return [left_px(shape) for shape in picture.shapes if shape.role == role]


def left_px(shape: Shape) -> float:
    match shape:
        case Rect():
            return shape.x_px
        case Text():
            return shape.left_px
        case Polygon() | Line():
            return min(x_px for x_px, _ in shape.points_px)


def test_work_stands_where_it_is_and_is_as_wide_as_it_lasts() -> None:
    timeline = timeline_of(routine_of(hold(30_000, name="Long"), hold(15_000, name="Short")))
    # An intro of 0.4 and 1 s; prepare 10 s, hold 30 s; prepare 10 s, hold 15 s; the closing: all in one row.
    works = [placed for placed in timeline.intervals if placed.interval.exact]
    assert [placed.start_ms for placed in works] == [11_400, 51_400]
    long, short = of_role(svg_of(timeline), "work")
    px_per_ms = (RIGHT_PX - LEFT_PX) / timeline.duration_ms
    assert number(long, "x") == pytest.approx(LEFT_PX + 11_400 * px_per_ms, abs=0.01)
    assert number(short, "x") == pytest.approx(LEFT_PX + 51_400 * px_per_ms, abs=0.01)
    assert number(long, "width") == pytest.approx(30_000 * px_per_ms, abs=0.01)
    assert number(long, "width") == pytest.approx(2 * number(short, "width"), abs=0.02)
    assert words(long) == "0:11  Long, hold 30s, 30s"


def test_words_and_chimes_stand_at_their_instants() -> None:
    timeline = timeline_of(routine_of(hold(30_000)))
    svg = svg_of(timeline)
    px_per_ms = (RIGHT_PX - LEFT_PX) / max(60_000, timeline.duration_ms)
    spoken = [cue for cue in timeline.cues if isinstance(cue, Speech)]
    bars = of_role(svg, "speech")
    assert [number(bar, "x") for bar in bars] == pytest.approx(
        [LEFT_PX + cue.at_ms * px_per_ms for cue in spoken], abs=0.01
    )
    assert words(bars[1]) == "0:01  Fold."
    [start] = [mark for mark in of_role(svg, "chime") if "start: bell" in words(mark)]
    [end] = [mark for mark in of_role(svg, "chime") if "end: bowl" in words(mark)]
    [work] = of_role(svg, "work")
    x_px = number(work, "x")
    assert float(start.attrib["points"].split(",")[0]) == pytest.approx(x_px, abs=0.01)
    assert float(end.attrib["points"].split()[1].split(",")[0]) == pytest.approx(x_px + number(work, "width"), abs=0.02)


def test_sides_stand_at_heights_of_their_own() -> None:
    right, left = of_role(svg_of(timeline_of(routine_of(hold(sides=("right", "left"))))), "work")
    assert number(right, "y") + number(right, "height") <= number(left, "y")
    four = ("forward", "backward", "left", "right")
    heights = [number(work, "y") for work in of_role(svg_of(timeline_of(routine_of(hold(sides=four)))), "work")]
    assert heights == sorted(set(heights))


def test_sides_are_labeled_alike() -> None:
    timeline = timeline_of(routine_of(hold(sides=("right", "left"), reps=8, is_alternating=True)))
    labels = {text.text for text in texts_of(session_picture(timeline, "silent"), "label")}
    sides = labels - {"prepare", "closing"}
    assert sides in ({"right 5s", "left 5s"}, {"right", "left"}, {"R 5s", "L 5s"}, {"R", "L"})


def test_movement_has_waves_and_a_hold_is_flat() -> None:
    moved, held = of_role(svg_of(timeline_of(routine_of(hold(action="move"), hold()))), "work")
    assert (moved.tag, held.tag) == (f"{SVG}polygon", f"{SVG}rect")
    heights = {point.split(",")[1] for point in moved.attrib["points"].split()}
    assert len(heights) > 4


def test_every_chime_has_a_mark_and_a_meaning_of_its_own() -> None:
    whys = set(get_args(ChimeWhy))
    assert set(CHIMES) == whys
    assert len(set(CHIMES.values())) == len(whys)
    assert len({chime_mark(why, (0, 0)) for why in whys}) == len(whys)


def test_every_kind_of_gap_has_an_outline_of_its_own() -> None:
    assert len({tuple(gap((0, 0), 30, kind)) for kind in (*GAPS, "say")}) == len(GAPS) + 1


def test_phases_are_stretches_of_their_own() -> None:
    timeline = timeline_of(routine_of(in_phases(("lift", 2_000), ("lower", 3_000), reps=2)))
    widths = [number(work, "width") for work in of_role(svg_of(timeline), "work")]
    assert len(widths) == 4
    assert widths[1] / widths[0] == pytest.approx(1.5, abs=0.01)


def test_a_gap_that_grew_is_hatched_where_it_grew() -> None:
    timeline = timeline_of(routine_of(hold(30_000, prepare_ms=5_000)), fold=20_000)
    [prepare] = [placed for placed in timeline.intervals if placed.interval.kind == "prepare"]
    assert prepare.grown_ms > 0
    px_per_ms = (RIGHT_PX - LEFT_PX) / max(60_000, timeline.duration_ms)
    first_px = min(number(line, "x1") for line in of_role(svg_of(timeline), "grown"))
    assert first_px == pytest.approx(LEFT_PX + (prepare.end_ms - prepare.grown_ms) * px_per_ms, abs=0.01)
    assert of_role(svg_of(timeline_of(routine_of(hold(30_000)))), "grown") == []


def test_a_chime_between_two_rows_stands_with_the_work_that_it_ends() -> None:
    timeline = timeline_of(routine_of(*(hold(100_000, name=f"Hold {n}") for n in range(4))))
    picture = session_picture(timeline, "silent")
    assert len(rows_of(parts_of(timeline))) > 1
    assert min(lefts_of(picture, "chime")) >= LEFT_PX


@pytest.mark.parametrize("title", [NASTY, "\ufffe]]>", "-- \u202e abc"])
def test_any_title_makes_a_well_formed_file(title: str) -> None:
    svg = svg_of(timeline_of(routine_of(hold(name=title), title=title)))
    assert words(svg[0]) == title.replace("\ufffe", "\ufffd")
    shown = [words(text) for text in of_role(svg, "title")]
    assert title.replace("\ufffe", "\ufffd") in shown


def test_every_chapter_is_named() -> None:
    names = [f"Exercise with a long name and number {number}" for number in range(60)]
    timeline = timeline_of(routine_of(*(hold(name=name) for name in names)))
    picture = session_picture(timeline, "silent")
    listed = [text.text for text in texts_of(picture, "listed")]
    assert listed == ["Introduction", *names]


def test_chapters_that_are_too_many_to_list_are_counted() -> None:
    block = Block(where=WHERE, steps=(hold(),), repeat=200)
    picture = session_picture(timeline_of(routine_of(block)), "silent")
    assert len(texts_of(picture, "listed")) == 120
    assert "and 81 more, which “voiceroutine show” lists" in [text.text for text in texts_of(picture, "")]


def test_chapters_with_room_for_their_names_are_not_listed_again() -> None:
    picture = session_picture(
        timeline_of(
            routine_of(
                Say(where=WHERE, text="Sit tall.", pause_ms=20_000), hold(20_000, name="One"), hold(20_000, name="Two")
            )
        ),
        "silent",
    )
    assert [text.text for text in texts_of(picture, "title", "listed")] == ["Introduction", "One", "Two"]


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def below(picture: Picture, text: Text) -> set[str]:
    """Return the colors that a text may lie on."""
    x_px, y_px = text.left_px + text.width_px / 2, text.y_px - text.size_px / 3
    under = [picture.paper]
    for shape in picture.shapes:
        if shape is text:
            break
        if isinstance(shape, Polygon):
            xs, ys = zip(*shape.points_px, strict=True)
            if min(xs) <= x_px <= max(xs) and min(ys) <= y_px <= max(ys):
                under.append(shape.fill)
        if isinstance(shape, Rect) and shape.fill != "none":
            in_width = shape.x_px <= x_px <= shape.x_px + shape.width_px
            if in_width and shape.y_px <= y_px <= shape.y_px + shape.height_px:
                under.append(shape.fill)
    return set(under[-1:])


def rich_timeline() -> Timeline:
    sides = hold(30_000, name="Neck stretch", sides=("right", "left"), sets=2, prepare_ms=20_000)
    breath = in_phases(("in", 4_000), ("hold", 2_000), ("out", 6_000), name=NASTY, reps=6)
    taps = hold(1_000, name="Taps", reps=12, relax_ms=1_000)
    alternate = hold(name="Наклон головы", reps=4, sides=("вправо", "влево"), is_alternating=True)
    rounds = Block(where=WHERE, steps=(alternate, hold(6_000, name="I")), repeat=2, rest_ms=15_000)
    rest = Rest(where=WHERE, rest_ms=20_000)
    return timeline_of(routine_of(sides, breath, rest, taps, rounds, hold(600_000, action="move"), title=NASTY * 3))


def test_all_text_can_be_read() -> None:
    picture = session_picture(rich_timeline(), "silent")
    poor = [
        (shape.text, color, round(contrast(shape.fill, color), 1))
        for shape in picture.shapes
        if isinstance(shape, Text)
        for color in below(picture, shape)
        if contrast(shape.fill, color) < 4.5
    ]
    assert poor == []
    assert min(shape.size_px for shape in picture.shapes if isinstance(shape, Text)) >= 10


def overlapping(texts: list[Text]) -> list[tuple[str, str]]:
    return [
        (one.text, other.text)
        for one, other in combinations(texts, 2)
        if one.y_px - 0.75 * one.size_px < other.y_px + 0.25 * other.size_px
        and other.y_px - 0.75 * other.size_px < one.y_px + 0.25 * one.size_px
        and one.left_px < other.left_px + other.width_px
        and other.left_px < one.left_px + one.width_px
    ]


def test_no_texts_overlap_or_leave_the_page() -> None:
    picture = session_picture(rich_timeline(), "silent")
    texts = [shape for shape in picture.shapes if isinstance(shape, Text) and shape.text]
    assert overlapping(texts) == []
    assert [text.text for text in texts if text.left_px < 0 or text.left_px + text.width_px > picture.width_px] == []
    assert max(text.y_px for text in texts) < picture.height_px - 10


@settings(max_examples=40, deadline=None)
@given(routines())
def test_any_routine_can_be_drawn(routine: Routine) -> None:
    timeline = timeline_of(routine)
    picture = session_picture(timeline, "silent")
    ET.fromstring(svg_text(picture))
    titles = [shape for shape in picture.shapes if isinstance(shape, Text) and shape.role in {"title", "number"}]
    assert overlapping(titles) == []
    assert svg_text(session_picture(timeline, "silent")) == svg_text(picture)


def test_rows_hold_every_chapter_and_break_between_them() -> None:
    timeline = timeline_of(routine_of(*(hold(40_000, name=f"Hold {n}") for n in range(12))))
    rows = rows_of(parts_of(timeline))
    pieces = [piece for row in rows for piece in row]
    assert [(piece.start_ms, piece.end_ms) for piece in pieces] == [
        (chapter.start_ms, chapter.end_ms) for chapter in timeline.chapters
    ]
    # 12 times 50 s and a little more: four rows of three exercises, and the closing in the last.
    assert [len(row) for row in rows] == [4, 3, 3, 3]
    assert row_length_ms(rows) == rows[-1][-1].end_ms - rows[-1][0].start_ms


def test_a_chapter_that_is_longer_than_a_row_goes_on_in_the_next() -> None:
    timeline = timeline_of(routine_of(hold(1_800_000, name="Lie still")))
    rows = rows_of(parts_of(timeline))
    ends_ms = [0, *(row[-1].end_ms for row in rows)]
    assert ends_ms[:-1] == [row[0].start_ms for row in rows]
    assert ends_ms[-1] == timeline.duration_ms
    assert 2 < len(rows) <= MOST_ROWS + 1
    svg = svg_of(timeline)
    px_per_ms = (RIGHT_PX - LEFT_PX) / row_length_ms(rows)
    width_px = sum(number(work, "width") for work in of_role(svg, "work"))
    assert width_px == pytest.approx(1_800_000 * px_per_ms, abs=0.1)
    assert "Lie still (continued)" in [words(text) for text in of_role(svg, "title")]


def test_four_hours_stay_one_page() -> None:
    timeline = timeline_of(routine_of(Block(where=WHERE, steps=(hold(60_000), hold(3_000, name="I")), repeat=160)))
    assert timeline.duration_ms > 3 * 3_600_000
    picture = session_picture(timeline, "silent")
    assert picture.height_px < 6_000
    assert len(svg_text(picture)) < 3_000_000


def test_totals_are_sums() -> None:
    timeline = timeline_of(routine_of(in_phases((None, 4_000), (None, 6_000), reps=3), hold(30_000, sides=("a", "b"))))
    totals = totals_of(timeline)
    assert (totals.exercises, totals.works, totals.work_ms) == (2, 5, 90_000)
    assert totals.gaps_ms == 10_000 + 10_000 + 4_000
    assert totals.words_ms == timeline.duration_ms - 114_000


def test_a_text_is_shortened_and_wrapped_to_its_room() -> None:
    # The letters of "iii" are 0.28 wide each, and the ellipsis 1.0.
    assert text_width_px("iii", 10) == pytest.approx(8.4)
    assert shortened("iiiiii", 16.8, 10) == "iiiiii"
    assert shortened("iiiiii", 16.7, 10) == "ii…"
    assert shortened("iiiiii", 9, 10) == ""
    assert wrapped("ii ii ii", 15.0, 10) == ["ii ii", "ii"]
    assert wrapped("iiiiiiiii i", 10.0, 10) == ["iiiiiiiii", "i"]


def drawn(*shapes: Shape) -> Picture:
    return Picture(title="T", description="D", width_px=900, height_px=600, paper="#ffffff", shapes=tuple(shapes))


def test_a_png_has_two_dots_to_a_pixel_and_what_was_drawn(tmp_path: Path) -> None:
    image_of = pytest.importorskip("PIL.Image").open
    rect = Rect(x_px=10, y_px=250, width_px=20, height_px=20, fill="#ff0000")
    line = Line(points_px=((100, 100), (100, 200)), stroke="#0000ff", width_px=2)
    triangle = Polygon(points_px=((200, 200), (240, 200), (200, 240)), fill="#00ff00")
    text = Text(x_px=300, y_px=300, text="Шея \N{PERSON IN LOTUS POSITION}", size_px=30, fill="#000000")
    pictures.write_picture(drawn(rect, line, triangle, text), tmp_path / "a.png")
    with image_of(tmp_path / "a.png") as image:
        assert (image.size, image.mode) == ((1800, 1200), "RGB")
        found = [image.getpixel(dot) for dot in ((40, 520), (200, 300), (420, 420), (470, 470), (4, 4))]
        assert found == [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 255), (255, 255, 255)]
        # The rectangle crosses two bands and has its size to the dot.
        assert image.crop((0, 480, 100, 560)).point(lambda value: 255 - value).getbbox() == (20, 20, 60, 60)
        written = image.crop((590, 520, 900, 640)).convert("L").point(lambda value: 255 - value).getbbox()
        assert written is not None
        assert written[2] - written[0] > 60


def test_a_computer_without_usual_fonts_draws_letters_too() -> None:
    png = pytest.importorskip("voiceroutine.pictures.png")
    image_of = pytest.importorskip("PIL.Image").open
    picture = drawn(Text(x_px=100, y_px=100, text="Neck", size_px=30, fill="#000000"))
    with image_of(BytesIO(png.png_bytes(picture, faces=()))) as image:
        left, top, right, bottom = image.convert("L").point(lambda value: 255 - value).getbbox()
        assert 195 <= left < right <= 400
        assert 130 <= top < bottom <= 210


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    picture = session_picture(rich_timeline(), "silent")
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        pictures.write_picture(picture, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_older_picture_stays_when_the_new_one_cannot_be_painted(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    file = tmp_path / "a.png"
    file.write_bytes(b"older")
    with pytest.raises(ValueError, match="unknown color"):
        pictures.write_picture(drawn(Rect(x_px=1, y_px=1, width_px=5, height_px=5, fill="mud")), file)
    assert file.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png"]


def test_a_picture_that_finds_no_room_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    file = tmp_path / "a.svg"
    file.write_text("older")
    code = (
        "import resource, sys\nfrom voiceroutine.cli import run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))\n"
        f"sys.exit(run(['show', 'neck-cooldown', '--estimate', '--plot', {str(file)!r}]))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (6, "")
    assert ended.stderr == (f"{file} could not be written: File too large. Name another file with --plot.\n")
    assert file.read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg"]


def test_without_the_painter_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ExportError) as told:
        pictures.check_path(tmp_path / "a.png")
    assert str(told.value) == (
        f"{tmp_path / 'a.png'} can't be drawn: PNG needs the package Pillow. Install it with: pip install pillow "
        "(or name the file a.svg, which needs nothing)."
    )
    pictures.check_path(tmp_path / "a.svg")


@pytest.mark.skipif(sys.platform == "win32", reason="links and devices are otherwise there")
def test_a_file_that_cannot_be_made_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(ExportError) as told:
        pictures.check_path(tmp_path / "a.svg")
    assert str(told.value) == f"{tmp_path / 'a.svg'} is a folder; name a file in it."
    with pytest.raises(ExportError) as told:
        pictures.check_path(tmp_path / "gone" / "a.svg")
    assert str(told.value) == f"The folder {tmp_path / 'gone'} is not there; make it first."
    (tmp_path / "b.svg").symlink_to(os.devnull)
    with pytest.raises(ExportError) as told:
        pictures.check_path(tmp_path / "b.svg")
    assert str(told.value) == f"{tmp_path / 'b.svg'} is a device, not a file; name another."
