"""What a listener sees, on a large, a small and no screen."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from voiceroutine.cli.display import LineDisplay, ScreenDisplay, bar, large, view_of
from voiceroutine.document import parse_document
from voiceroutine.loading import load_routine
from voiceroutine.player import Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score

ROUTINE = """
title = "Evening"
[[steps]]
name = "Neck stretch"
instruction = "Tilt your head to the {side}, and let the other shoulder hang, until you feel a mild stretch."
hold = "30s"
sides = "each"
sets = 2
[[steps]]
rest = "20s"
[[steps]]
name = "Shoulder roll"
reps = 2
phases = [{ say = "Lift.", lasts = "2s" }, { say = "And down.", lasts = "3s" }]
"""


@pytest.fixture(scope="module")
def score() -> Score:
    production = Production(load_routine(parse_document(ROUTINE), {}))
    score = Score(production.placed(), production.mix())
    score.wait()
    return score


def at(score: Score, kind: str, after_ms: int, *, occurrence: int = 0, state: str = "playing") -> Snapshot:
    found = [index for index, placed in enumerate(score.placed) if placed.interval.kind == kind]
    index = found[occurrence]
    position_ms = score.placed[index].start_ms + after_ms
    return Snapshot(state=state, position_ms=position_ms, index=index)  # type: ignore[arg-type]


def screen(score: Score, snapshot: Snapshot, width: int, height: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    display = ScreenDisplay("Evening", console)
    display.show(snapshot, score)
    display.close()
    drawn = out.getvalue().split("\x1b[H")[-1].split("\x1b[?")[0]
    return [row.rstrip() for row in drawn.split("\n")]


def test_in_a_hold_name_side_seconds_and_what_follows_are_there(score: Score) -> None:
    view = view_of(at(score, "work", 18_000), score)
    assert (view.name, view.detail, view.count) == ("Neck stretch", "hold · right · set 1 of 2", "12")
    assert (view.share, view.next, view.words) == (0.6, "left", "Halfway.")


def test_what_follows_a_side_a_set_a_rest_and_the_last_exercise(score: Score) -> None:
    assert view_of(at(score, "work", 0, occurrence=1), score).next == "set 2"
    assert view_of(at(score, "work", 0, occurrence=3), score).next == "Shoulder roll"
    assert view_of(at(score, "intro", 0), score).next == "Neck stretch"
    assert view_of(at(score, "work", 0, occurrence=7), score).next == ""


def test_phases_are_counted_as_one_rep(score: Score) -> None:
    view = view_of(at(score, "work", 1_000, occurrence=5), score)
    assert (view.name, view.detail, view.count) == ("Shoulder roll", "and down · rep 1 of 2", "2")


def test_a_large_screen(score: Score) -> None:
    rows = screen(score, at(score, "work", 18_000), 80, 24)
    total = view_of(at(score, "work", 18_000), score).session
    assert [row.strip() for row in rows if row] == [
        "Evening",
        "Neck stretch",
        "hold · right · set 1 of 2",
        "██    ██████",
        "██        ██",
        "██    ██████",
        "██    ██",
        "██    ██████",
        "━" * 36 + "·" * 24,
        "Halfway.",
        "Next: left",
        next(row.strip() for row in rows if total in row),
        "space pause · n next · b back · r repeat · q quit",
    ]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (120, 40), (20, 8)])
def test_every_screen_fits_its_terminal(score: Score, width: int, height: int) -> None:
    for index, placed in enumerate(score.placed):
        rows = screen(score, Snapshot(state="playing", position_ms=placed.end_ms - 1, index=index), width, height)
        assert max(map(len, rows)) <= width
        assert len(rows) <= height


def test_a_pause_is_said_in_words(score: Score) -> None:
    assert "paused" in "\n".join(screen(score, at(score, "work", 5_000, state="paused"), 40, 12))


def test_plain_lines(score: Score, capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay(shows_words=True)
    for snapshot in (
        Snapshot(state="lead-in", position_ms=-300, index=0),
        at(score, "intro", 1_000),
        at(score, "prepare", 600),
        at(score, "work", 100),
        at(score, "work", 200),
        at(score, "work", 300, state="paused"),
    ):
        display.show(snapshot, score)
    prepare, work = (next(p for p in score.placed if p.interval.kind == kind) for kind in ("prepare", "work"))
    clocks = [f"{placed.start_ms // 60_000}:{placed.start_ms // 1000 % 60:02}" for placed in (prepare, work)]
    assert capsys.readouterr().out.splitlines() == [
        "    0:00  Welcome",
        '          "Evening. About three minutes."',
        f"    {clocks[0]}  Neck stretch: get ready · right · set 1 of 2",
        '          "Neck stretch."',
        f"    {clocks[1]}  Neck stretch: hold · right · set 1 of 2, 30s",
        f"    {clocks[1]}  paused",
    ]


def test_bars_and_digits() -> None:
    assert (bar(0, 4), bar(0.5, 4), bar(2, 4)) == ("····", "━━··", "━━━━")
    assert large("10")[0] == "    ██    ██████"
    assert all(len(large(digit)) == 5 for digit in "0123456789")
