"""What a listener sees, on screens of every size."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from voiceroutine.cli.display import ScreenDisplay, head_text
from voiceroutine.cli.views import bar, large, view_of
from voiceroutine.document import parse_document
from voiceroutine.levels import Levels
from voiceroutine.loading import load_routine
from voiceroutine.player import Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of

ROUTINE = """
title = "Evening"
voice = { engine = "silent" }
[[steps]]
name = "Neck stretch"
instruction = "Tilt your head to the {side}, and let the other shoulder hang, until you feel a mild stretch."
hold = "30s"
sides = "each"
sets = 2
[[steps]]
rest = "20s"
[[steps]]
repeat = 2
[[steps.steps]]
name = "Shoulder roll"
reps = 2
phases = [{ say = "Lift.", lasts = "2s" }, { say = "And down.", lasts = "3s" }]
[[steps]]
name = "Rest on your back"
hold = "3m"
"""


@pytest.fixture(scope="module")
def score() -> Score:
    score = score_of(Production(load_routine(parse_document(ROUTINE), {})))
    score.wait()
    return score


def at(score: Score, kind: str, after_ms: int, *, occurrence: int = 0, **more: Any) -> Snapshot:
    found = [index for index, placed in enumerate(score.placed) if placed.interval.kind == kind]
    index = found[occurrence]
    position_ms = score.placed[index].start_ms + after_ms
    return Snapshot(**{"state": "playing", "position_ms": position_ms, "index": index, "score": score, **more})


class Terminal:
    """A terminal without colors that remembers everything that was written to it."""

    def __init__(self, width: int, height: int, **display: Any) -> None:
        self.out = io.StringIO()
        self.now_s = 0.0
        self.console = Console(file=self.out, width=width, height=height, force_terminal=True, color_system=None)
        self.display = ScreenDisplay("Evening", self.console, clock_s=lambda: self.now_s, **display)

    def rows(self) -> list[str]:
        """Return what is on it: every row is written to its own place."""
        size = self.console.size
        rows = [""] * size.height
        for row, text in re.findall(r"\x1b\[(\d+);1H([^\x1b]*)", self.out.getvalue()):
            rows[int(row) - 1] = text
        return [row.rstrip() for row in rows]


def screen(snapshot: Snapshot, width: int, height: int, **display: Any) -> list[str]:
    terminal = Terminal(width, height, **display)
    terminal.display.show(snapshot)
    return terminal.rows()


WIDE = """
                            Evening · voice: espeak

                                  Neck stretch
                           hold · right · set 1 of 2

                                  ████    ████████████
                                  ████    ████████████
                                  ████            ████
                                  ████            ████
                                  ████    ████████████
                                  ████    ████████████
                                  ████    ████
                                  ████    ████
                                  ████    ████████████
                                  ████    ████████████

          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━························
                                    Halfway.


                                   Next: left

             ━━━━····································  0:38 of 6:42
           space pause · n next · b back · r again · ? keys · q quit"""

SMALL = """
        Evening · voice: espeak
              Neck stretch
       hold · right · set 1 of 2
                 ██  ██████
                 ██      ██
                 ██  ██████
                 ██  ██
                 ██  ██████
  ━━━━━━━━━━━━━━━━━━━━━━··············
               Next: left
 ━━······················  0:38 of 6:42
 space pause · n next · ? keys · q quit"""

TINY = """
      Evening
    Neck stretch
hold · right · set …
         12
  ━━━━━━━━━━······
     Next: left
 ····  0:38 of 6:42
  ? keys · q quit"""

HUGE_TOP = """
                                                Evening · voice: espeak

                                                      Neck stretch
                                               hold · right · set 1 of 2

                                             ██████████          ██████████████████████████████"""


@pytest.mark.parametrize(("width", "height", "expected"), [(80, 24, WIDE), (40, 12, SMALL), (20, 8, TINY)])
def test_a_hold_on_screens_of_every_size(score: Score, width: int, height: int, expected: str) -> None:
    assert screen(at(score, "work", 18_000), width, height, voice="espeak") == expected.splitlines()[1:]


def test_a_large_screen_has_larger_digits(score: Score) -> None:
    rows = screen(at(score, "work", 18_000), 120, 40, voice="espeak")
    assert rows[:6] == HUGE_TOP.splitlines()[1:]
    assert sum("██████████" in row for row in rows) == 25
    assert rows[-1].strip() == "space pause · n next · b back · r again · + more time · m voice · ? keys · q quit"


def test_the_words_come_first_where_nobody_speaks_them(score: Score) -> None:
    assert screen(at(score, "prepare", 4_000), 40, 12, voice="silent", shows_words=True) == [
        "        Evening · voice: silent",
        "              Neck stretch",
        "     get ready · right · set 1 of 2",
        "                   7",
        "  ━━━━━━━━━━━━━━······················",
        "  Tilt your head to the right, and let",
        "   the other shoulder hang, until you",
        "          feel a mild stretch.",
        "",
        "          Next: Shoulder roll",
        " ━·······················  0:14 of 6:42",
        " space pause · n next · ? keys · q quit",
    ]


@pytest.mark.parametrize(
    ("state", "row"),
    [
        ("paused", "paused"),
        ("counting in", "goes on in a moment"),
        ("waiting", "waits for the voice"),
        ("your turn", "your turn: press space to go on"),
        ("recovering", "no sound device; trying again"),
    ],
)
def test_what_stands_still_says_why_instead_of_the_bar(score: Score, state: str, row: str) -> None:
    for width, height in ((80, 24), (40, 12)):
        moving = [text.strip() for text in screen(at(score, "work", 18_000), width, height)]
        still = [text.strip() for text in screen(at(score, "work", 18_000, state=state), width, height)]
        [(bar_, said)] = [(one, other) for one, other in zip(moving, still, strict=True) if one != other]
        assert (set(bar_), said) == ({"━", "·"}, row)


def test_trouble_is_told_in_as_many_rows_as_it_needs(score: Score) -> None:
    trouble = "The sound device went away; it is looked for again and again."
    snapshot = at(score, "work", 18_000, state="recovering", trouble=trouble)
    assert [row.strip() for row in screen(snapshot, 40, 12)[8:10]] == [
        "The sound device went away; it is",
        "looked for again and again.",
    ]
    assert trouble in "\n".join(screen(snapshot, 80, 24))


def test_how_loud_it_is_is_shown_where_it_is_not_as_usual(score: Score) -> None:
    def head(levels: Levels, width: int) -> str:
        return next(row.strip() for row in screen(at(score, "work", 0, levels=levels), width, 12, voice="espeak"))

    assert head(Levels(), 80) == "Evening · voice: espeak"
    assert head(Levels(is_muted=True, voice_db=-3), 80) == "Evening · espeak · voice off"
    assert head(Levels(voice_db=3, chimes_db=-6), 80) == "Evening · espeak · voice +3 dB, chimes -6 dB"
    assert head(Levels(voice_db=3, chimes_db=-6), 40) == "Evening · voice +3 dB, chimes -6 dB"
    assert head_text("A very long evening", "espeak", "voice +3 dB, chimes -6 dB", 40) == (
        "A very long… · voice +3 dB, chimes -6 dB"
    )
    assert head_text("A very long evening", "espeak", "", 12) == "A very long evening"[:12]


def test_all_keys_fit_the_smallest_screen_and_go_away_again(score: Score) -> None:
    terminal = Terminal(40, 12)
    terminal.display.show(at(score, "work", 18_000))
    before = terminal.rows()
    terminal.display.show_keys()
    terminal.display.show(at(score, "work", 18_000))
    assert terminal.rows() == [
        "                  Keys",
        "     space, p  pause, or go on",
        "            n  next exercise",
        "            b  back to the one before",
        "            r  this side again",
        "  right, left  5 s on, or back",
        "            +  10 s more of this",
        "            m  voice off, or on",
        "     up, down  voice louder, softer",
        "         ], [  chimes louder, softer",
        "            q  quit",
        "            ?  these keys",
    ]
    terminal.display.show_keys()
    terminal.display.show(at(score, "work", 18_000))
    assert terminal.rows() == before


def test_before_it_starts_the_seconds_are_large() -> None:
    start = Snapshot(state="lead-in", position_ms=-8_400, index=0)
    assert [row.strip() for row in screen(start, 40, 12) if row] == [
        "Evening",
        "Starts in 9",
        "██████",
        "██  ██",
        "██████",
        "██",
        "██████",
        "space pause · n next · ? keys · q quit",
    ]
    waits = Snapshot(state="lead-in", position_ms=0, index=0)
    assert "Starts now" in [row.strip() for row in screen(waits, 40, 12)]
    assert "Press any key to begin" in [row.strip() for row in screen(waits, 40, 12, begins_by_key=True)]


def test_a_message_vanishes_after_a_while(score: Score) -> None:
    terminal = Terminal(80, 24)
    terminal.display.say("espeak speaks instead.")
    terminal.display.show(at(score, "work", 18_000))
    assert "espeak speaks instead." in [row.strip() for row in terminal.rows()]
    terminal.now_s = 13
    terminal.display.show(at(score, "work", 18_000))
    assert [row.strip() for row in terminal.rows()][17] == "Halfway."


def test_another_size_is_drawn_anew(score: Score) -> None:
    terminal = Terminal(40, 12)
    terminal.display.show(at(score, "work", 18_000))
    terminal.console.size = (80, 24)
    terminal.display.show(at(score, "work", 18_000))
    assert terminal.rows()[2].strip() == "Neck stretch"
    assert len(terminal.rows()) == 24


def test_nothing_is_written_while_nothing_changes(score: Score) -> None:
    terminal = Terminal(80, 24)
    terminal.display.show(at(score, "work", 18_000))
    written = terminal.out.tell()
    terminal.display.show(at(score, "work", 18_200))
    assert terminal.out.tell() == written


def test_the_shell_gets_its_screen_and_cursor_back_for_as_long_as_it_wants(score: Score) -> None:
    terminal = Terminal(80, 24)
    terminal.display.show(at(score, "work", 18_000))
    terminal.display.leave()
    assert terminal.out.getvalue().endswith("\x1b[?25h\x1b[?1049l")
    left = terminal.out.tell()
    terminal.display.show(at(score, "work", 25_000))
    terminal.display.close()
    assert terminal.out.tell() == left
    terminal.display.enter()
    terminal.display.show(at(score, "work", 25_000))
    assert terminal.out.getvalue()[left:].startswith("\x1b[?1049h")
    assert "Neck stretch" in terminal.out.getvalue()[left:]


def test_colors_are_those_of_the_terminal(score: Score) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, color_system="truecolor")
    ScreenDisplay("Evening", console).show(at(score, "work", 18_000))
    styles = {code for codes in re.findall(r"\x1b\[([\d;]*)m", out.getvalue()) for code in codes.split(";")}
    assert styles <= {"0", "1", "2", "3"}


def test_without_unicode_bars_and_digits_are_drawn_in_ascii(score: Score) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as out:
        console = Console(file=out, width=80, height=24, force_terminal=True, color_system=None)
        ScreenDisplay("Evening", console).show(at(score, "work", 18_000))
        out.flush()
        text = raw.getvalue().decode("ascii")
    assert "=" * 36 + "-" * 24 in text
    assert "####    ############" in text


@pytest.mark.parametrize("shows_words", [True, False])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (120, 40), (20, 8), (10, 3), (1, 1)])
def test_every_screen_fits_its_terminal(score: Score, width: int, height: int, shows_words: bool) -> None:
    for index, placed in enumerate(score.placed):
        snapshot = Snapshot(state="playing", position_ms=placed.end_ms - 1, index=index, score=score)
        rows = screen(snapshot, width, height, shows_words=shows_words)
        assert max(map(len, rows)) <= width
        assert len(rows) <= height


def test_in_a_hold_name_side_seconds_and_what_follows_are_there(score: Score) -> None:
    view = view_of(at(score, "work", 18_000), score)
    assert (view.name, view.detail, view.count) == ("Neck stretch", "hold · right · set 1 of 2", "12")
    assert (view.share, view.next, view.words) == (0.6, "left", "Halfway.")


def test_what_follows_a_side_a_set_a_rest_and_the_last_exercise(score: Score) -> None:
    assert view_of(at(score, "work", 0, occurrence=1), score).next == "set 2"
    assert view_of(at(score, "work", 0, occurrence=3), score).next == "Shoulder roll"
    assert view_of(at(score, "intro", 0), score).next == "Neck stretch"
    assert view_of(at(score, "work", 0, occurrence=12), score).next == ""


def test_phases_are_counted_as_one_rep(score: Score) -> None:
    view = view_of(at(score, "work", 1_000, occurrence=5), score)
    assert (view.name, view.detail, view.count) == ("Shoulder roll", "and down · rep 1 of 2 · round 1", "2")


def test_long_times_are_minutes_and_seconds(score: Score) -> None:
    counts = [view_of(at(score, "work", ms, occurrence=12), score).count for ms in (0, 80_000, 81_000, 179_999)]
    assert counts == ["3:00", "1:40", "99", "1"]


def test_bars_and_digits() -> None:
    assert (bar(0, 4), bar(0.5, 4), bar(2, 4)) == ("····", "━━··", "━━━━")
    assert large("10")[0] == "    ██  ██████"
    assert large("1:0", 2)[2] == "        ████    ████    ████    ████"
    assert all(len(large(digit, scale)) == 5 * scale for digit in "0123456789:" for scale in (1, 2, 3))
