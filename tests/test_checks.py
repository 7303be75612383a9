"""Doses and words that an author is asked to think about again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voiceroutine.checks import dose_problems
from voiceroutine.document import parse_document, read_document
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine

BUNDLED = Library(folders=(bundled_folder("routines"),))
EXERCISES = BUNDLED.exercises()
Command = Callable[..., Any]
STEP = '[[steps]]\nname = "N"\n'
DOSE = "10 to 30 s suit most adults, 30 to 60 s may suit older ones (ACSM, GETP 11, table 5.6)"
GENTLY = "a stretch is mild and never hurts (ACSM, GETP 11, table 5.6); say it more gently"
SORENESS = "stretching has little or no effect on soreness (Cochrane review CD004577); leave it out"
PROMISE = "no routine can promise that (in a pilot rated pain stayed as it was, core.ac.uk 647985670); say what to do"
MUSCLE = "there is little to gain beyond 4 minutes in a session (Ingram 2025, doi 10.1007/s40279-024-02143-9)"
EACH_SIDE = "a dose is for each side (Garber 2011: about 60 s for each stretch in a session)"
UNEQUAL = f'{EACH_SIDE}; sides = "each" gives both the same, unless one side was prescribed'
CIRCLE = (
    "full circles are contested: some advise against the backward part, others call pain-free circles useful; "
    "neck-roll is a half circle, ear to chest to ear"
)
STEP_SHOWN = ["    2 | [[steps]]", "      | ^^^^^^^^^"]
SOURCE_LINE = re.compile(r"^ +\d* \| ")
SAFETY_OFF = "[cues]\nsafety = false\n"


def told(text: str) -> list[str]:
    """Return what is told of a routine, without the lines of the file that are shown with it."""
    routine = load_routine(parse_document(f'title = "T"\n{text}', "r.toml"), EXERCISES)
    lines = [line for problem in dose_problems(routine) for line in str(problem).split("\n")]
    return [line for line in lines if not SOURCE_LINE.match(line)]


def spoken(words: str) -> str:
    return f'[[steps]]\nsay = "{words}"\n'


def named(count: int) -> str:
    return "".join(f'[[steps]]\nname = "N{number}"\nmove = 9\n' for number in range(count))


def sided(side: str, lines: str = "") -> str:
    return f'{STEP}hold = 20\nsides = ["{side}"]\n{lines}'


def of_a_muscle(lines: str) -> str:
    return f'{STEP}hold = "60s"\nmuscles = ["scalenes"]\n{lines}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            STEP + 'hold = "9s"\n',
            ["r.toml:2:1: steps[0]: note: a single hold of 9s is short for a stretch", "    " + DOSE],
        ),
        (
            STEP + 'hold = "90s"\n',
            ["r.toml:2:1: steps[0]: note: a single hold of 1m30s is long for a stretch", "    " + DOSE],
        ),
        (
            STEP + "hold = 16\nreps = 3\n",
            [
                "r.toml:2:1: steps[0]: note: 3 reps of a hold of 16s are a long time in one position",
                "    about 60 s for each stretch in a session are enough (Garber 2011); "
                "is reps inherited from the library?",
            ],
        ),
        (
            STEP + 'hold = 20\nsides = "each"\nswitch = 0\n',
            [
                "r.toml:2:1: steps[0]: warning: there is no time to switch sides",
                f"    the way to the next side is taken from its dose, and {EACH_SIDE}; "
                'give it a gap, like switch = "4s"',
            ],
        ),
        (
            named(9),
            [
                "r.toml:1:1: title: note: 9 exercises are many for one session",
                "    2 to 4 exercises at home are followed best (Bachmann 2018, doi 10.1055/s-0043-120527)",
            ],
        ),
        (
            of_a_muscle("sets = 5\n"),
            ["r.toml:2:1: steps[0]: note: scalenes: stretched for 5m in all", "    " + MUSCLE],
        ),
        (
            '[[steps]]\nrepeat = 5\nsteps = [{ name = "N", hold = 60, muscles = ["scalenes"] }]\n',
            ["r.toml:4:10: steps[0].steps[0]: note: scalenes: stretched for 5m in all", "    " + MUSCLE],
        ),
        (
            spoken("Now pull hard."),
            ['r.toml:2:1: steps[0]: warning: "pull hard" asks for force', "    " + GENTLY],
        ),
        (
            STEP + 'move = 20\ncaution = "Push through\\n the pain."\n',
            ['r.toml:2:1: steps[0]: warning: "Push through the pain" asks for force', "    " + GENTLY],
        ),
        (
            '[[steps]]\nrest = 20\nsay = "This removes soreness."\n',
            ['r.toml:2:1: steps[0]: warning: "removes soreness" promises too much', "    " + SORENESS],
        ),
        (
            'summary = "Cures a stiff neck."\n' + spoken("Hi."),
            ['r.toml:1:1: title: warning: "Cures" promises too much', "    " + PROMISE],
        ),
        (
            spoken("It prevents injury."),
            ['r.toml:2:1: steps[0]: warning: "prevents injury" promises too much', "    " + PROMISE],
        ),
        (
            SAFETY_OFF + spoken("Hi."),
            [
                "r.toml:1:1: title: note: nothing says when to stop",
                "    safety = false leaves that out; say it yourself: stop at once if you feel dizzy "
                "(NHS Suffolk, neck page)",
            ],
        ),
        (
            sided("right"),
            ["r.toml:2:1: steps[0]: warning: N: 20s on the right, nothing on the left", "    " + UNEQUAL],
        ),
        (
            '[[steps]]\nexercise = "neck-tilt"\n[[steps]]\nexercise = "neck-tilt"\nsides = ["left"]\n',
            ["r.toml:4:1: steps[1]: warning: Neck tilt: 20s on the right, 40s on the left", "    " + UNEQUAL],
        ),
        (
            '[[steps]]\nrepeat = 3\nsteps = [{ name = "N", hold = 20, sides = ["right"] }]\n'
            + sided("left", "sets = 2\n"),
            ["r.toml:5:1: steps[1]: warning: N: 1m on the right, 40s on the left", "    " + UNEQUAL],
        ),
        (
            sided("both"),
            [
                'r.toml:2:1: steps[0]: note: sides = ["both"] has no effect on the dose: everything is done once',
                '    a label is only said; did you mean sides = "each", the dose on the right and then on the left?',
            ],
        ),
        (
            of_a_muscle('sides = ["right"]\nsets = 5\n') + of_a_muscle('sides = ["left"]\nsets = 5\n'),
            ["r.toml:8:1: steps[1]: note: scalenes: stretched for 5m in all", "    " + MUSCLE],
        ),
        (
            STEP + 'hold = 20\nduring = [\n  { at = 5, say = "Now pull harder." },\n]\n',
            ['r.toml:6:3: steps[0].during[0]: warning: "pull harder" asks for force', "    " + GENTLY],
        ),
        (
            '[phrases]\nclosing = "Bounce along."\n' + spoken("Hi."),
            ['r.toml:1:1: title: warning: "Bounce" asks for force', "    " + GENTLY],
        ),
        (
            '[[steps]]\nwait = 20\nsay = "Get rid of pain."\n',
            ['r.toml:2:1: steps[0]: warning: "Get rid of pain" promises too much', "    " + PROMISE],
        ),
        (
            '[[steps]]\nexercise = "neck-roll-full"\n',
            ["r.toml:2:1: steps[0]: note: a full circle of the neck", "    " + CIRCLE],
        ),
        (
            spoken("Roll your head all the way around."),
            ["r.toml:2:1: steps[0]: note: a full circle of the neck", "    " + CIRCLE],
        ),
        (
            spoken("Now tip your head back."),
            ["r.toml:2:1: steps[0]: note: a full circle of the neck", "    " + CIRCLE],
        ),
        (
            STEP.replace("N", "Neck circles") + "move = 20\n",
            ["r.toml:2:1: steps[0]: note: a full circle of the neck", "    " + CIRCLE],
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
        "one side",
        "sides in several steps",
        "sides in rounds",
        "one label",
        "a muscle on one side",
        "force inside work",
        "force in a phrase",
        "a promise in a wait",
        "a full roll",
        "all the way around",
        "head back",
        "circles",
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
        sided("right") + sided("left"),
        sided("right") * 2 + sided("left", "sets = 2\n"),
        sided("Right arm") + sided("left arm"),
        of_a_muscle('sides = ["right"]\nsets = 4\n') + of_a_muscle('sides = ["left"]\nsets = 4\n'),
        '[[steps]]\nexercise = "neck-roll"\n',
        STEP.replace("N", "Isometric press") + "hold = 6\n",
        spoken("Tilt your head back to the middle. There is no need to tip your head back."),
        spoken("Draw full circles with your arms. Make half neck circles."),
        spoken("Lean back, and let your head hang."),
    ],
)
def test_what_is_well(text: str) -> None:
    assert told(text) == []


def test_everything_is_told_in_the_order_of_the_file() -> None:
    found = told(named(9) + spoken("Bounce.") + STEP + "hold = 5\n")
    assert [line.split(": ")[0] for line in found[::2]] == ["r.toml:1:1", "r.toml:29:1", "r.toml:31:1"]


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


@pytest.mark.parametrize(
    "words",
    [
        "Stretch as far as you can.", "Press harder.", "Force your head down.", "Go into the pain.",
        "No pain, no gain.", "Bouncing is fine.",
    ],
)  # fmt: skip
def test_words_that_force(words: str) -> None:
    assert [line.endswith(" asks for force") for line in told(spoken(words))[::2]] == [True]


@pytest.mark.parametrize(
    "words",
    [
        "It heals your neck.", "This prevents any neck injury.", "Getting rid of pain.", "Relieves muscle soreness.",
        "For preventing injuries.", "Ends your soreness.",
    ],
)  # fmt: skip
def test_words_that_promise(words: str) -> None:
    assert [line.endswith(" promises too much") for line in told(spoken(words))[::2]] == [True]


@pytest.mark.parametrize(
    "words",
    [
        "Let your head fall back.", "Roll your neck in full circles.", "Circle your head slowly.", "Full neck rolls.",
        "Make a full circle with your head.", "Drop your head all the way back and around.",
    ],
)  # fmt: skip
def test_words_of_a_full_circle(words: str) -> None:
    assert [line.endswith("note: a full circle of the neck") for line in told(spoken(words))[::2]] == [True]


def test_what_depends_on_estimated_speech_says_so(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    phases = f'phases = [{{ say = "{"Lift and hold. " * 9}", lasts = "2s" }}]\n'
    file.write_text('title = "T"\n' + STEP + phases + STEP.replace("N", "M") + "hold = 5\n")
    firsts = [line for line in command("check", str(file)).out.splitlines() if " note: " in line]
    assert [line.endswith(" (estimated)") for line in firsts] == [True, False]


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
        f'r.toml:7:41: steps[1].steps[0].during[0]: warning: "{words}" (during) doesn\'t fit into its work and is'
        " left out (estimated)",
        "    say it at another time, or in fewer words",
        '    7 |   { name = "M", hold = "20s", during = [{ at = "18s", say = "Now breathe out and let the sh…',
        f"      |                                         {'^' * 52}",
        "1 routine: 1 warning, 1 note.",
        "",
    ]


def test_an_engine_that_is_not_on_this_machine_is_a_warning(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('title = "T"\n[voice]\nengine = "espek"\n' + STEP + 'hold = "20s"\n')
    assert command("check", str(file)).out == (
        f'{file}:3:1: voice.engine: warning: there is no voice engine "espek" on this machine\n'
        '    did you mean "espeak"?\n'
        '    3 | engine = "espek"\n'
        "      | ^^^^^^^^^^^^^^^^\n"
        "1 routine: 1 warning.\n"
    )
    assert command("show", str(file), "--voice", "silent", "--estimate").out.count("espek") == 0
