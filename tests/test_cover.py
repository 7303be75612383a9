"""Covers: what a drawn one says and shows, and which pictures beside a routine are taken."""

from __future__ import annotations

import os
from io import BytesIO
from math import atan2, cos, hypot, pi, sin
from pathlib import Path

import pytest
from hypothesis import given, settings
from PIL import Image
from strategies import routines
from timetable import hold, in_phases, routine_of, timeline_of

from voiceroutine.errors import ExportError
from voiceroutine.pictures import own_cover as own
from voiceroutine.pictures.cover import (
    COVER_PX,
    FIGURES_PX,
    FIGURES_Y_PX,
    MIDDLE_X_PX,
    MIDDLE_Y_PX,
    OTHER_SIDE,
    OUTER_PX,
    PAPER,
    ROOM_PX,
    WORK,
    cover_picture,
    cover_png,
)
from voiceroutine.pictures.own_cover import own_cover, own_cover_png
from voiceroutine.pictures.shapes import Picture, Polygon, Text
from voiceroutine.routine import Routine
from voiceroutine.timeline import Timeline

ENDLESS = "Forty small things for a long evening on the floor, slowly, without any hurry at all"


def opened(png: bytes) -> Image.Image:
    image = Image.open(BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


def color_at(image: Image.Image, share: float, distance_px: float = OUTER_PX - 5) -> tuple[int, ...]:
    """Return the color of the ring at a share of the time, from the top clockwise."""
    angle = 2 * pi * share - pi / 2
    x_px, y_px = MIDDLE_X_PX + distance_px * cos(angle), MIDDLE_Y_PX + distance_px * sin(angle)
    dot = image.getpixel((round(x_px * 2), round(y_px * 2)))
    assert isinstance(dot, tuple)
    return dot


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def words(picture: Picture, role: str) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Text) and shape.role == role]


def middle_share(timeline: Timeline, number: int) -> float:
    """Return which share of a session is over in the middle of a stretch of work."""
    work = [placed for placed in timeline.intervals if placed.interval.exact][number]
    return (work.start_ms + work.end_ms) / 2 / timeline.duration_ms


def test_it_says_title_length_and_number_of_exercises() -> None:
    picture = cover_picture(timeline_of(routine_of(hold(30_000), hold(15_000), title="Evening unwind")), "en")
    assert words(picture, "title") == ["Evening unwind"]
    assert words(picture, "clock") == ["1:13"]
    assert words(picture, "figures") == ["2 exercises"]
    assert picture.description == "Evening unwind: 1:13, 2 exercises"


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 1, "1 exercise"),
        ("de", 2, "2 Übungen"),
        ("es", 1, "1 ejercicio"),
        ("fr", 2, "2 exercices"),
        ("ru", 1, "1 упражнение"),
        ("ru", 3, "3 упражнения"),
        ("ru", 5, "5 упражнений"),
    ],
)
def test_it_counts_in_the_language_of_the_routine(language: str, count: int, text: str) -> None:
    timeline = timeline_of(routine_of(*[hold(5_000)] * count))
    assert words(cover_picture(timeline, language), "figures") == [text]


def test_work_is_seen_where_it_is_in_time_and_each_side_on_its_own_track() -> None:
    timeline = timeline_of(routine_of(hold(60_000), hold(60_000, sides=("right", "left"))))
    image = opened(cover_png(timeline, "en"))
    inner_px = OUTER_PX - 33
    alone, right, left = (middle_share(timeline, number) for number in range(3))
    assert color_at(image, alone) == color_at(image, alone, inner_px) == rgb(WORK)
    assert (color_at(image, right), color_at(image, right, inner_px)) == (rgb(WORK), rgb(PAPER))
    assert (color_at(image, left), color_at(image, left, inner_px)) == (rgb(PAPER), rgb(OTHER_SIDE))
    assert color_at(image, 0.01) == rgb(PAPER)


def test_it_is_a_square_of_1000_dots_and_always_the_same_bytes() -> None:
    timeline = timeline_of(routine_of(hold(30_000)))
    png = cover_png(timeline, "en")
    assert opened(png).size == (1000, 1000)
    assert cover_png(timeline, "en") == png


@pytest.mark.parametrize(
    "title",
    [
        "Plank",
        ENDLESS,
        "Ежедневная растяжка шеи и плеч",
        "Donaudampfschifffahrtsgesellschaftskapitänsmütze",
        "首のストレッチ",
        "A\N{PERSON IN LOTUS POSITION}B",
    ],
)
def test_a_title_of_any_length_stays_in_its_room(title: str) -> None:
    picture = cover_picture(timeline_of(routine_of(hold(30_000), title=title)), "en")
    lines = [shape for shape in picture.shapes if isinstance(shape, Text) and shape.role == "title"]
    assert 1 <= len(lines) <= 2
    assert all(line.width_px <= ROOM_PX for line in lines)
    lowest = max(line.y_px + 0.3 * line.size_px for line in lines)
    assert min(line.y_px - line.size_px for line in lines) > OUTER_PX + MIDDLE_Y_PX
    assert lowest < FIGURES_Y_PX - FIGURES_PX
    opened(cover_png(timeline_of(routine_of(hold(30_000), title=title)), "en"))


def test_a_title_that_is_cut_ends_in_an_ellipsis() -> None:
    lines = words(cover_picture(timeline_of(routine_of(hold(30_000), title=ENDLESS * 2)), "en"), "title")
    assert lines[1].endswith("…")


@settings(max_examples=30, deadline=None)
@given(routines())
def test_of_any_routine_the_ring_is_a_ring(routine: Routine) -> None:
    picture = cover_picture(timeline_of(routine), "en")
    arcs = [shape for shape in picture.shapes if isinstance(shape, Polygon)]
    assert arcs
    for arc in arcs:
        for x_px, y_px in arc.points_px:
            assert 100 < hypot(x_px - MIDDLE_X_PX, y_px - MIDDLE_Y_PX) <= OUTER_PX + 0.01
    assert picture.width_px == picture.height_px == COVER_PX


def test_many_short_reps_are_drawn_as_one() -> None:
    timeline = timeline_of(routine_of(*[in_phases(("Lift.", 1_000), (None, 1_000), reps=40, prepare_ms=0)] * 40))
    arcs = [shape for shape in cover_picture(timeline, "en").shapes if isinstance(shape, Polygon)]
    assert len(timeline.intervals) > 3_000
    assert len(arcs) < 100


def test_time_runs_clockwise_from_the_top() -> None:
    timeline = timeline_of(routine_of(hold(30_000), hold(30_000), hold(30_000)))
    picture = cover_picture(timeline, "en")
    works = [shape for shape in picture.shapes if isinstance(shape, Polygon) and shape.fill == WORK]
    firsts = [arc.points_px[0] for arc in works]
    turns = [(atan2(y_px - MIDDLE_Y_PX, x_px - MIDDLE_X_PX) / (2 * pi) + 0.25) % 1 for x_px, y_px in firsts]
    starts = [placed.start_ms / timeline.duration_ms for placed in timeline.intervals if placed.interval.exact]
    assert turns == pytest.approx(starts, abs=0.001)


def saved(file: Path, size: tuple[int, int] = (300, 200), color: str = "#336699", mode: str = "RGB") -> Path:
    Image.new(mode, size, color).save(file)
    return file


def test_a_routines_own_cover_is_taken_png_first(tmp_path: Path) -> None:
    assert own_cover(tmp_path) is None
    jpeg = saved(tmp_path / "cover.jpg")
    assert own_cover(tmp_path) == jpeg
    png = saved(tmp_path / "cover.png")
    assert own_cover(tmp_path) == png
    image = opened(own_cover_png(png))
    assert (image.size, image.getpixel((5, 5))) == ((300, 200), (0x33, 0x66, 0x99))


def test_a_large_cover_is_made_smaller_and_keeps_its_proportions(tmp_path: Path) -> None:
    assert opened(own_cover_png(saved(tmp_path / "cover.jpg", (3000, 1500)))).size == (1000, 500)


def test_a_cover_that_lies_on_its_side_is_turned_and_nothing_else_of_its_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "cover.jpg"
    about = Image.Exif()
    about[0x0112] = 6
    about[0x010E] = "taken at home"
    Image.new("RGB", (300, 200), "#336699").save(file, exif=about, comment=b"secret")
    png = own_cover_png(file)
    assert opened(png).size == (200, 300)
    assert b"home" not in png
    assert b"eXIf" not in png


@pytest.mark.parametrize("mode", ["RGBA", "L", "P", "1", "I;16", "LA"])
def test_a_cover_may_have_any_colors(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (20, 20)).save(tmp_path / "cover.png")
    assert opened(own_cover_png(tmp_path / "cover.png")).size == (20, 20)


def test_a_cover_with_holes_is_put_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "cover.png")
    assert opened(own_cover_png(tmp_path / "cover.png")).getpixel((3, 3)) == (255, 255, 255)


def refused(folder: Path) -> str:
    with pytest.raises(ExportError) as caught:
        file = own_cover(folder)
        assert file is not None
        own_cover_png(file)
    return str(caught.value).removeprefix(f"The cover {folder}{os.sep}")


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cover.png"
    file.write_text("hello")
    assert refused(tmp_path) == (
        "cover.png is no PNG or JPEG picture; save it as one of them, or remove it for one that is drawn."
    )
    saved(tmp_path / "fine.gif").rename(file)
    assert "is no PNG or JPEG picture" in refused(tmp_path)
    whole = BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "PNG")
    file.write_bytes(whole.getvalue()[:10_000])
    assert refused(tmp_path) == (
        "cover.png can't be read: it is damaged; save it anew, or remove it for one that is drawn."
    )


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cover.png").mkdir()
    assert refused(tmp_path) == (
        "cover.png is not a file; put the picture itself there, or remove it for one that is drawn."
    )


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "routine"
    folder.mkdir()
    (folder / "cover.png").symlink_to(saved(tmp_path / "other.png"))
    assert refused(folder) == (
        "cover.png is a link that leads out of the routine's folder; put the picture itself there, "
        "or remove it for one that is drawn."
    )
    (folder / "cover.png").unlink()
    (folder / "cover.png").symlink_to("cover.png")
    assert "cover.png can't be read: " in refused(folder)
    (folder / "cover.png").unlink()
    (folder / "cover.png").symlink_to(saved(folder / "mine.png").name)
    assert own_cover(folder) == folder / "cover.png"


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path / "cover.png", (8000, 7000), mode="1", color="white")
    assert refused(tmp_path) == (
        "cover.png has more than 50 million dots; make it smaller, or remove it for one that is drawn."
    )
    Image.new("1", (20_000, 20_000)).save(file)
    assert "has more than 50 million dots" in refused(tmp_path)
    monkeypatch.setattr(own, "LARGEST_BYTES", 0)
    assert "is larger than 0 MiB" in refused(tmp_path)
