"""Broken files and the whole of what their author is told.

Those in mistakes/ are written as `~~~~ what is wrong`, the file, `~~~~`, and all that is said of it:

    UPDATE_GOLDEN=1 pytest tests/test_mistakes.py      writes what is said anew
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from voiceroutine.document import parse_document, read_document
from voiceroutine.errors import RoutineError
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.mistakes import MOST_PROBLEMS
from voiceroutine.routine import Routine
from voiceroutine.unroll import unroll

Command = Callable[..., Any]
LIBRARY = Library(folders=(bundled_folder("routines"),)).exercises()
FILES = sorted((Path(__file__).parent / "mistakes").glob("*.txt"))
HEAD = 'title = "T"\n'
EXERCISE = HEAD + '[[steps]]\nname = "N"\n'
HOLD = EXERCISE + 'hold = "5s"\n'
STEP = '[[steps]]\nname = "N"\nhold = 5\n'
ENTRY = HEAD + '[[exercises]]\nid = "a"\nname = "A"\n'
USE = '[[steps]]\nexercise = "a"\n'
EXERCISE_KEYS = (
    "it has: name, instruction, cue, caution, hold, move, phases, reps, relax, sides, switch, sets, rest, prepare, "
    "during, breath, cues, optional, min, max, needs, figure, muscles, source, exercise"
)
PLACEHOLDERS = "known: {name}, {side}, {other_side}, {hold}, {rep}, {reps}, {set}, {sets}, {next}, {remaining}, {total}"
DURATION = 'write it like "30s", "1m30s" or 30 (seconds)'

INVISIBLE: dict[str, tuple[str, list[str]]] = {
    "a tab before the key": (
        EXERCISE + '\thodl = "5s"\n',
        [
            'r.toml:4:2: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            '    4 |     hodl = "5s"',
            "      |     ^^^^^^^^^^^",
        ],
    ),
    "tabs between": (
        EXERCISE + 'hodl\t=\t"5s"\t# five\n',
        [
            'r.toml:4:1: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            '    4 | hodl    =    "5s"    # five',
            "      | ^^^^^^^^^^^^^^^^^",
        ],
    ),
    "spaces alone": (
        " \n\n",
        [
            "r.toml:1:1: there is nothing in this file",
            '    a routine begins with title = "…", and each step with [[steps]]',
        ],
    ),
    "a space that doesn't break": (
        EXERCISE + 'hold = "5\xa0s"\n',
        [
            'r.toml:4:1: steps[0].hold: "5\\xa0s" is not a duration',
            "    " + DURATION,
            '    4 | hold = "5\\xa0s"',
            "      | ^^^^^^^^^^^^^^^",
        ],
    ),
    "an override of the direction": (
        EXERCISE + 'hodl = "\u202es5"\n',
        [
            'r.toml:4:1: steps[0].hodl: an exercise step has no key "hodl"',
            '    did you mean "hold"?',
            '    4 | hodl = "\\u202es5"',
            "      | ^^^^^^^^^^^^^^^^^",
        ],
    ),
    "an override of the direction before the mistake": (
        EXERCISE + 'phases = [{ say = "\u202eLift.\u2069", lasts = 2, hold = 2 }]  # \u2067\n',
        [
            "r.toml:4:13: steps[0].phases[0].say: has a character that reverses text",
            "    delete it, it may be invisible in the editor",
            '    4 | phases = [{ say = "\\u202eLift.\\u2069", lasts = 2, hold = 2 }]  # \\u2067',
            "      |             ^^^^^^^^^^^^^^^^^^^^^^^^^",
            'r.toml:4:41: steps[0].phases[0].hold: unknown key "hold"',
            "    known here: say, lasts",
            '    4 | phases = [{ say = "\\u202eLift.\\u2069", lasts = 2, hold = 2 }]  # \\u2067',
            "      |                                                   ^^^^^^^^",
        ],
    ),
    "an escape of terminals": (
        'title = "\x1b[31mT"\n',
        [
            "r.toml:1:10: not valid TOML: has a control character",
            "    delete it; it may be invisible in the editor",
            '    1 | title = "\\x1b[31mT"',
            "      |          ^^^^",
        ],
    ),
    "a bell": (
        'title = "a\x07b"\n',
        [
            "r.toml:1:11: not valid TOML: has a control character",
            "    delete it; it may be invisible in the editor",
            '    1 | title = "a\\x07b"',
            "      |           ^^^^",
        ],
    ),
    "a return alone": (
        'title = "a"\rb = 1\n',
        [
            "r.toml:1:12: not valid TOML: something follows the value",
            '    one key = value a line; texts and durations stand in straight quotes: hold = "30s"',
            '    1 | title = "a"\\rb = 1',
            "      |            ^^",
        ],
    ),
    "marks above letters": (
        EXERCISE + 'phases = [{ say = "e\u0301 a\u0300", lasts = 2, hold = 2 }]\n',
        [
            'r.toml:4:39: steps[0].phases[0].hold: unknown key "hold"',
            "    known here: say, lasts",
            '    4 | phases = [{ say = "e\u0301 a\u0300", lasts = 2, hold = 2 }]',
            "      |                                     ^^^^^^^^",
        ],
    ),
    "a quoted key of two columns a character": (
        EXERCISE + 'hold = 5\n"時間" = "\U0001f642"\n',
        [
            'r.toml:5:1: steps[0]."時間": an exercise step has no key "時間"',
            f"    {EXERCISE_KEYS}",
            '    5 | "時間" = "\U0001f642"',
            "      | ^^^^^^^^^^^^^",
        ],
    ),
}
CONSEQUENCES: dict[str, tuple[str, str]] = {
    "the work": (EXERCISE + 'hold = "x"\ncue = "{hold}"\n', "steps[0].hold"),
    "the sides": (HOLD + 'sides = 3\ncue = "To the {side}."\n', "steps[0].sides"),
    "the phases": (EXERCISE + 'phases = [{ say = "Lift." }]\n', "steps[0].phases[0].lasts"),
    "an id": (HEAD + '[[exercises]]\nid = "My A"\nname = "A"\nhold = 5\n' + USE, "exercises[0].id"),
    "the work of an entry": (ENTRY + 'hold = "x"\ncue = "{hold}"\n' + USE, "exercises[0].hold"),
    "an entry of another kind": (HEAD + "exercises = [3]\n" + USE, "exercises[0]"),
    "the last exercise": (
        HEAD + '[[steps]]\nsay = "{next}"\n[[steps]]\nexcercise = "neck-tilt"\n',
        "steps[1].excercise",
    ),
    "the list of steps": (HEAD + '[steps]\nsay = "{next}"\n', "steps"),
}


def broken_files(file: Path) -> Iterator[tuple[str, str, str]]:
    for case in f"\n{file.read_text(encoding='utf-8')}".split("\n~~~~ ")[1:]:
        name, _, rest = case.partition("\n")
        text, _, said = rest.partition("~~~~\n")
        yield name, text, said


def write_anew(file: Path) -> None:
    cases = [f"~~~~ {name}\n{text}~~~~\n{told(text)}\n" for name, text, _ in broken_files(file)]
    file.write_text("\n".join(cases), encoding="utf-8")


def load(text: str) -> Routine:
    routine = load_routine(parse_document(text, "r.toml"), LIBRARY)
    unroll(routine)
    return routine


def told(text: str) -> str:
    start_s = time.process_time()
    with pytest.raises(RoutineError) as caught:
        load(text)
    assert time.process_time() - start_s < 1
    return str(caught.value)


def told_of_file(path: Path) -> str:
    with pytest.raises(RoutineError) as caught:
        read_document(path)
    return str(caught.value).replace(str(path), "r.toml")


if os.environ.get("UPDATE_GOLDEN"):
    for every in FILES:
        write_anew(every)
CASES = {f"{file.stem}: {name}": (text, expected) for file in FILES for name, text, expected in broken_files(file)}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_the_author_is_told(text: str, expected: str) -> None:
    assert f"{told(text)}\n" == expected, "if it was meant to change: UPDATE_GOLDEN=1"


@pytest.mark.parametrize(("text", "expected"), INVISIBLE.values(), ids=INVISIBLE.keys())
def test_what_is_invisible_is_shown_and_the_marker_stands_below_it(text: str, expected: list[str]) -> None:
    assert told(text).split("\n") == expected


def test_there_are_many_broken_files() -> None:
    assert len(CASES) >= 60


LONG = f"steps = [{'{ rest = 1 }, ' * 20}{{ rest = 2, hodl = 5 }}, {'{ rest = 1 }, ' * 15}{{ rest = '{'5' * 500}' }}]"


def test_a_long_line_is_cut_around_the_mistake() -> None:
    assert told(f"{HEAD}{LONG}\n").split("\n") == [
        'r.toml:2:302: steps[20].hodl: a rest step has no key "hodl"',
        "    it has: rest, say",
        "    2 | … rest = 1 }, { rest = 1 }, { rest = 2, hodl = 5 }, { rest = 1 }, { rest = 1 }, { rest = 1 …",
        "      |                                         ^^^^^^^^",
        'r.toml:2:526: steps[36].rest: "5555555555555555555555555555555555555555" is not a duration',
        '    write it like "30s", "1m30s" or 30 (seconds)',
        "    2 | …t = 1 }, { rest = 1 }, { rest = 1 }, { rest = '5555555555555555555555555555555555555555555…",
        "      |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    ]


def test_a_long_line_of_wide_characters_is_cut_by_their_width() -> None:
    long = f'steps = [{{ say = "{"首" * 100}", puase = "{"首" * 100}" }}]'
    assert told(f"{HEAD}{long}\n").split("\n") == [
        'r.toml:2:122: steps[0].puase: a say step has no key "puase"',
        '    did you mean "pause"?',
        f'    2 | …{"首" * 18}", puase = "{"首" * 21}…',
        f"      |                                         {'^' * 52}",
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "name", ["together: six kinds", "marker: the first line of a list", "syntax: no closing quote"]
)
def test_windows_line_ends_and_a_byte_order_mark_change_nothing_of_it(name: str, mark: str) -> None:
    text, expected = CASES[name]
    assert f"{told(mark + text.replace(chr(10), chr(13) + chr(10)))}\n" == expected


@pytest.mark.parametrize(("text", "path"), CONSEQUENCES.values(), ids=CONSEQUENCES.keys())
def test_what_follows_from_a_mistake_is_not_told_as_another(text: str, path: str) -> None:
    with pytest.raises(RoutineError) as caught:
        load(text)
    assert [problem.where.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    "text", [HOLD, HOLD.replace("\n", "\r\n"), "\ufeff" + HOLD, "\ufeff" + HOLD.replace("\n", "\r\n")]
)
def test_a_byte_order_mark_and_windows_line_ends_load(text: str, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(text.encode())
    assert load_routine(read_document(file), LIBRARY).title == load(text).title == "T"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hold = " + "9" * 4000, "r.toml:4:1: steps[0].hold: is longer than 4 hours\n    " + DURATION),
        ("hold = 0x" + "f" * 9000, "r.toml:4:1: steps[0].hold: is longer than 4 hours\n    " + DURATION),
        ("hold = -" + "9" * 4000, "r.toml:4:1: steps[0].hold: a duration can't be negative\n    " + DURATION),
        ("hold = " + "9" * 5000, "r.toml:4:8: not valid TOML: a number is too long\n    is it right?"),
        ("reps = 0x" + "f" * 9000, "r.toml:4:1: steps[0].reps: must be 1,000 or less"),
        (
            "sides = 0x" + "f" * 9000,
            'r.toml:4:1: steps[0].sides: must be "none", "each" or "alternate"\n'
            '    or a list of your own, like ["left", "right"]',
        ),
        (
            'instruction = "' + "a-" * 1001 + '"',
            "r.toml:4:1: steps[0].instruction: is longer than 2,000 characters",
        ),
        (
            "a" * 100 + " = 5",
            f"r.toml:4:1: steps[0].{'a' * 40}…: an exercise step has no key {chr(34) + 'a' * 39}…\n    {EXERCISE_KEYS}",
        ),
        (
            'cue = "{' + "a" * 100 + '}"',
            f"r.toml:4:1: steps[0].cue: unknown placeholder {{{'a' * 39}…\n    {PLACEHOLDERS}",
        ),
    ],
    ids=["huge", "huge hex", "huge negative", "beyond reading", "reps", "sides", "text", "key", "placeholder"],
)
def test_what_is_huge_is_told_in_short(line: str, expected: str) -> None:
    before = 7 if "4:8" in expected else 0
    excerpt = f"    4 | {line[:91]}…\n      | {' ' * before}{'^' * (92 - before)}"
    assert told(f"{EXERCISE}{line}\nmove = 5\n") == f"{expected}\n{excerpt}"


@pytest.mark.slow
def test_check_tells_all_of_every_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told_of = {f"{number}.toml": case for number, case in enumerate(CASES.values())}
    for name, (text, _) in told_of.items():
        Path(name).write_text(text, encoding="utf-8", newline="")
    ended = command("check", *told_of)
    expected = "".join(said.replace("r.toml:", f"{name}:") for name, (_, said) in told_of.items())
    count = len(re.findall(r"(?m)^\d+\.toml:", expected))
    assert (ended.status, ended.err) == (3, "")
    assert ended.out == f"{expected}{len(CASES)} routines: {count} errors.\n"


def test_a_folder(tmp_path: Path) -> None:
    assert told_of_file(tmp_path) == "r.toml: is a folder\n    name a file in it"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    assert told_of_file(pipe) == "r.toml: is a pipe\n    write it into a file first; a pipe may never end"


def test_a_missing_file(tmp_path: Path) -> None:
    expected = "r.toml: can't be read: No such file or directory\n    is the name right?"
    assert told_of_file(tmp_path / "missing.toml") == expected


def test_a_name_too_long_for_a_file(tmp_path: Path) -> None:
    assert told_of_file(tmp_path / ("a" * 300)) == "r.toml: can't be read: File name too long\n    is the name right?"


def test_a_name_that_no_file_has() -> None:
    with pytest.raises(RoutineError) as caught:
        read_document(Path("a\0b"))
    assert str(caught.value) == "a\\x00b: can't be the name of a file\n    is the name right?"


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n", b"title = 1\0", "title = 'é'".encode("latin-1"), HEAD.encode("utf-16")]
)
def test_a_binary_file(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(content)
    hint = "a routine is TOML, written in UTF-8; is this the right file?"
    assert told_of_file(file) == f"r.toml: is not a text file\n    {hint}"


def test_ten_megabytes_of_text(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("# a comment\n" * 900_000)
    expected = "r.toml: is larger than 1 MiB\n    a routine is a short text; is this the right file?"
    assert told_of_file(file) == expected
    assert told(file.read_text()) == expected


def blocks(depth: int, inner: str, repeat: int = 1) -> str:
    return f"{HEAD}steps = [" + f"{{ repeat = {repeat}, steps = [" * depth + inner + "] }" * depth + "]\n"


def test_blocks_nested_as_deep_as_allowed_load() -> None:
    assert load(blocks(7, "{ rest = 1 }")).title == "T"


def test_blocks_nested_too_deep() -> None:
    path = "steps[0]." * 8 + "steps"
    assert told(blocks(8, "{ rest = 1 }")) == (
        f"r.toml:2:185: {path}: blocks are nested more than 8 deep\n    write the steps one after another\n"
        "    2 | …teps = [{ repeat = 1, steps = [{ repeat = 1, steps = [{ rest = 1 }] }] }] }] }] }] }] }] }]\n"
        "      |                                               ^^^^^^^^^^^^^^^^^^^^^^"
    )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (blocks(200, "{ rest = 1 }"), 456),
        (f"{HEAD}steps = {'[' * 200}{']' * 200}\n", 49),
        (f"{HEAD}steps = {'[' * 400_000}{']' * 400_000}\n", 49),
        (f"{HEAD}{'a.' * 200_000}a = 1\n", 1),
        (f"{HEAD}[{'a . ' * 100}a]\n", 2),
    ],
    ids=["blocks", "lists", "very many lists", "dotted key", "header"],
)
def test_anything_nested_too_deep(text: str, column: int) -> None:
    *said, line, marker = told(text).split("\n")
    assert said == [f"r.toml:2:{column}: is nested too deep", "    blocks may be nested 8 deep"]
    assert len(line) == 100
    assert line[marker.index("^")] == text.split("\n")[1][column - 1]


@pytest.mark.parametrize(
    "text",
    [
        blocks(7, '{ name = "N", hold = 5 }', repeat=1000),
        blocks(7, "{ rest = 0 }", repeat=1000),
        f"{HOLD}reps = 1000\nsets = 6\n",
        f'{HOLD}reps = 1000\nsets = 1000\nsides = "each"\n',
        HEAD + '[[steps]]\nsay = "Hi."\n' * 5000,
    ],
    ids=["exercise", "rest of nothing", "reps", "reps of sets", "steps"],
)
def test_too_many_intervals(text: str) -> None:
    assert told(text) == (
        "r.toml:1:1: steps: has more than 5,000 intervals once every round, set and rep is written out\n"
        "    are repeat, sets and reps right? --no-limits plays it all the same"
    )


def test_too_many_steps() -> None:
    assert told(HEAD + "[[steps]]\nrest = 1\n" * 5_001) == (
        "r.toml:2:3: steps: must have at most 5,000 entries\n"
        "    is a part of the file there many times? for rounds, write a block with repeat\n"
        "    2 | [[steps]]\n"
        "      |   ^^^^^"
    )


def test_too_long() -> None:
    step = '[[steps]]\nname = "N"\nhold = "121m"\n'
    assert told(HEAD + step * 2) == (
        "r.toml:1:1: steps: is longer than 4 hours\n    are the durations right? --no-limits plays it all the same"
    )


@pytest.mark.parametrize(
    ("text", "more"),
    [(HEAD + "".join(f"a{n} = 1\n" for n in range(10_000)) + STEP, 9_950), (HEAD + "[[steps]]\n" * 5_000, 4_950)],
    ids=["keys", "steps"],
)
def test_the_first_problems_are_told_and_the_rest_counted(text: str, more: int) -> None:
    lines = told(text).split("\n")
    assert len(lines) == 4 * MOST_PROBLEMS + 2
    assert lines[-2:] == [f"r.toml: and {more:,} more problems", "    mend these first, then check again"]


def test_thousands_of_unknown_exercises_are_told_quickly() -> None:
    text = HEAD + "".join(f'[[steps]]\nexercise = "x-{n}"\n' for n in range(5_000))
    assert told(text).count("there is no exercise") == MOST_PROBLEMS
