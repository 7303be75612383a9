"""Doses and words that an author is asked to think about again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voiceroutine.checks import dose_problems
from voiceroutine.document import parse_document, read_document
from voiceroutine.library import Library, bundled_folder
from voiceroutine.routine import load_routine

BUNDLED = Library(folders=(bundled_folder("routines"),))
EXERCISES = BUNDLED.exercises()
Command = Callable[..., Any]
STEP = '[[steps]]\nname = "N"\n'
DOSE = "10 to 30 s suit most adults, 30 to 60 s may suit older ones (ACSM, GETP 11, table 5.6)"
GENTLY = "a stretch is mild and never hurts (ACSM, GETP 11, table 5.6); say it more gently"
SORENESS = "stretching has little or no effect on soreness (Cochrane review CD004577); leave it out"
PROMISE = "no routine can promise that; say what to do, and how it may feel"
MUSCLE = "there is little to gain beyond 4 minutes in a session (Ingram 2025, doi 10.1007/s40279-024-02143-9)"
STEP_SHOWN = ["    2 | [[steps]]", "      | ^^^^^^^^^"]
TITLE_SHOWN = ['    1 | title = "T"', "      | ^^^^^^^^^^^"]
SAFETY_OFF = "[cues]\nsafety = false\n"


def told(text: str) -> list[str]:
    routine = load_routine(parse_document(f'title = "T"\n{text}', "r.toml"), EXERCISES)
    return [line for problem in dose_problems(routine) for line in str(problem).split("\n")]


def spoken(words: str) -> str:
    return f'[[steps]]\nsay = "{words}"\n'


def named(count: int) -> str:
    return "".join(f'[[steps]]\nname = "N{number}"\nmove = 9\n' for number in range(count))


def of_a_muscle(lines: str) -> str:
    return f'{STEP}hold = "60s"\nmuscles = ["scalenes"]\n{lines}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            STEP + 'hold = "9s"\n',
            ["r.toml:2:1: steps[0]: note: a single hold of 9s is short for a stretch", "    " + DOSE, *STEP_SHOWN],
        ),
        (
            STEP + 'hold = "90s"\n',
            ["r.toml:2:1: steps[0]: note: a single hold of 1m30s is long for a stretch", "    " + DOSE, *STEP_SHOWN],
        ),
        (
            STEP + "hold = 16\nreps = 3\n",
            [
                "r.toml:2:1: steps[0]: note: 3 reps of a hold of 16s are a long time in one position",
                "    about 60 s for each stretch in a session are enough (Garber 2011); "
                "is reps inherited from the library?",
                *STEP_SHOWN,
            ],
        ),
        (
            STEP + 'hold = 20\nsides = "each"\nswitch = 0\n',
            [
                "r.toml:2:1: steps[0]: warning: there is no time to switch sides",
                '    the next side begins at once; give it a gap, like switch = "4s"',
                *STEP_SHOWN,
            ],
        ),
        (
            named(9),
            [
                "r.toml:1:1: title: note: 9 exercises are many for one session",
                "    2 to 4 exercises at home are followed best (Bachmann 2018, doi 10.1055/s-0043-120527)",
                *TITLE_SHOWN,
            ],
        ),
        (
            of_a_muscle("sets = 5\n"),
            ["r.toml:2:1: steps[0]: note: scalenes: stretched for 5m in all", "    " + MUSCLE, *STEP_SHOWN],
        ),
        (
            '[[steps]]\nrepeat = 5\nsteps = [{ name = "N", hold = 60, muscles = ["scalenes"] }]\n',
            [
                "r.toml:4:10: steps[0].steps[0]: note: scalenes: stretched for 5m in all",
                "    " + MUSCLE,
                '    4 | steps = [{ name = "N", hold = 60, muscles = ["scalenes"] }]',
                "      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
            ],
        ),
        (
            spoken("Now pull hard."),
            ['r.toml:2:1: steps[0]: warning: "pull hard" asks for force', "    " + GENTLY, *STEP_SHOWN],
        ),
        (
            STEP + 'move = 20\ncaution = "Push through\\n the pain."\n',
            ['r.toml:2:1: steps[0]: warning: "Push through the pain" asks for force', "    " + GENTLY, *STEP_SHOWN],
        ),
        (
            '[[steps]]\nrest = 20\nsay = "This removes soreness."\n',
            ['r.toml:2:1: steps[0]: warning: "removes soreness" promises too much', "    " + SORENESS, *STEP_SHOWN],
        ),
        (
            'summary = "Cures a stiff neck."\n' + spoken("Hi."),
            ['r.toml:1:1: title: warning: "Cures" promises too much', "    " + PROMISE, *TITLE_SHOWN],
        ),
        (
            spoken("It prevents injury."),
            ['r.toml:2:1: steps[0]: warning: "prevents injury" promises too much', "    " + PROMISE, *STEP_SHOWN],
        ),
        (
            SAFETY_OFF + spoken("Hi."),
            [
                "r.toml:1:1: title: note: nothing says when to stop",
                "    safety = false leaves that out; say it in your own words: stop if it hurts or you feel dizzy",
                *TITLE_SHOWN,
            ],
        ),
    ],
    ids=[
        "short hold",
        "long hold",
        "long reps",
        "no switch",
        "many exercises",
        "a muscle in sets",
        "a muscle in rounds",
        "force",
        "pain",
        "soreness",
        "cure",
        "injury",
        "no word of stopping",
    ],
)
def test_what_an_author_is_told(text: str, expected: list[str]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        STEP + "hold = 10\n",
        STEP + "hold = 60\n",
        STEP + "hold = 5\nreps = 2\n",
        STEP + 'hold = 6\nsides = ["forward", "backward", "left", "right"]\n',
        STEP + "move = 5\n",
        STEP + "hold = 15\nreps = 3\n",
        STEP + 'hold = 20\nsides = "each"\nswitch = 1\n',
        STEP + "hold = 20\nswitch = 0\n",
        named(8),
        named(1) * 9,
        of_a_muscle("sets = 4\n"),
        of_a_muscle('sets = 4\nsides = "each"\n'),
        f'{STEP}move = "5m"\nmuscles = ["scalenes"]\n',
        spoken("Don't bounce, and never push through the pain."),
        spoken("Stretch without bouncing."),
        spoken("This won't prevent injury, and is not a cure."),
        spoken("Notice any soreness. Press lightly."),
        SAFETY_OFF + spoken("Stop if it hurts."),
        spoken("Hi."),
    ],
)
def test_what_is_well(text: str) -> None:
    assert told(text) == []


def test_everything_is_told_in_the_order_of_the_file() -> None:
    found = told(named(9) + spoken("Bounce.") + STEP + "hold = 5\n")
    assert [line.split(": ")[0] for line in found[::4]] == ["r.toml:1:1", "r.toml:29:1", "r.toml:31:1"]


@pytest.mark.parametrize("name", BUNDLED.routine_files())
def test_no_bundled_routine_has_a_warning(name: str) -> None:
    routine = load_routine(read_document(BUNDLED.find(name)), EXERCISES)
    assert [problem for problem in dose_problems(routine) if problem.severity != "note"] == []


def test_warnings_fail_a_strict_check_only(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('title = "T"\n' + STEP + 'hold = 20\nsides = "each"\nswitch = 0\n')
    assert command("check", str(file)).status == 0
    strict = command("check", "--strict", str(file))
    assert strict.status == 3
    assert strict.out.endswith("1 routine: 1 warning.\n")


def test_what_depends_on_estimated_speech_says_so(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    phases = f'phases = [{{ say = "{"Lift and hold. " * 9}", lasts = "2s" }}]\n'
    file.write_text('title = "T"\n' + STEP + phases + STEP.replace("N", "M") + "hold = 5\n")
    firsts = [line for line in command("check", str(file)).out.splitlines() if " note: " in line]
    assert [line.endswith(" (estimated)") for line in firsts] == [True, False]


def test_an_entry_without_work_does_not_stop_the_list(command: Command, own_folders: Path) -> None:
    folder = own_folders / "voiceroutine" / "routines"
    folder.mkdir(parents=True)
    (folder / "exercises.toml").write_text('[[exercises]]\nid = "mine"\nname = "Mine"\n')
    lines = command("exercises").out.splitlines()
    assert 'mine                     "mine" has neither hold, move nor phases' in lines
    assert any(line.startswith("neck-tilt ") for line in lines)
    assert command("exercises", 'a"b').err.startswith('exercises: there is no exercise "a"b"\n')


def test_what_is_found_after_reading_shows_its_line_too(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "Now breathe out and let the shoulders become heavy."
    Path("r.toml").write_text(
        f'title = "T"\n{STEP}hold = "5s"\n[[steps]]\nsteps = [\n'
        f'  {{ name = "M", hold = "20s", during = [{{ at = "18s", say = "{words}" }}] }},\n]\n'
    )
    assert command("check", "r.toml").out.split("\n") == [
        "r.toml:2:1: steps[0]: note: a single hold of 5s is short for a stretch",
        "    " + DOSE,
        *STEP_SHOWN,
        f'r.toml:7:41: steps[1].steps[0].during[0]: note: "{words}" (during) doesn\'t fit into its work and is left out'
        " (estimated)",
        '    7 |   { name = "M", hold = "20s", during = [{ at = "18s", say = "Now breathe out and let the sh…',
        f"      |                                         {'^' * 52}",
        "1 routine: 2 notes.",
        "",
    ]
