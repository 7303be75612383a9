"""Routines of other programs' files: what becomes of them, what has no counterpart, and what is wrong with them."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voiceroutine.errors import RoutineError, VoiceroutineError
from voiceroutine.importing import routine_text
from voiceroutine.importing.spreadsheet import read_csv
from voiceroutine.importing.w2a import read_w2a
from voiceroutine.model import ExerciseEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

LIBRARY = {
    "side-bend": [
        ExerciseEntry.model_validate(
            {
                "id": "side-bend",
                "name": "Side bend",
                "instruction": "Bend to the {side}, away from the {other_side}.",
                "cue": "Now to the {side}.",
                "hold": "20s",
                "sides": "each",
            }
        )
    ],
    "chin-tuck": [
        ExerciseEntry.model_validate({"id": "chin-tuck", "name": "Chin tuck", "hold": "5s", "reps": 6, "sets": 2})
    ],
    "shoulder-roll": [
        ExerciseEntry.model_validate(
            {"id": "shoulder-roll", "name": "Shoulder roll", "phases": [{"say": "lift", "lasts": "2s"}], "reps": 8}
        )
    ],
}


def csv_text(table: str | bytes, file: str = "neck-day_1.csv") -> str:
    data = table.encode() if isinstance(table, str) else table
    return routine_text(read_csv(data, file, LIBRARY), LIBRARY, file)


def yaml_text(workout: str, file: str = "morning.yaml") -> str:
    return routine_text(read_w2a(workout.encode(), file), {}, file)


def test_a_plain_table() -> None:
    table = "name,seconds,side,sets\nPlank,30,,\nSide plank,1:30,each,2\n\nWall sit,45s,none,1\nLunge,20,L,3\n"
    assert (
        csv_text(table)
        == """\
# Imported from neck-day_1.csv.

title = "Neck day 1"

[[steps]]
name = "Plank"
hold = "30s"

[[steps]]
name = "Side plank"
hold = "1m30s"
sides = "each"
sets = 2

[[steps]]
name = "Wall sit"
hold = "45s"

[[steps]]
name = "Lunge"
hold = "20s"
sides = ["left"]
sets = 3
"""
    )


def test_a_table_of_a_spreadsheet_with_umlauts_semicolons_and_unknown_columns() -> None:
    table = "sep=;\r\nÜbung-Nr;Exercise;Time (min);Notes;Rest\r\n"
    table += '1;Brücke;0,5;"Füße ""fest""; ruhig";20\r\n2;Kniebeuge;1;;5\r\n'
    assert (
        csv_text(table.encode("cp1252"))
        == """\
# Imported from neck-day_1.csv.
# isn't UTF-8 and was read as Windows-1252, as Excel saves it; check letters with accents
# line 2: the column "Übung-Nr" has no counterpart; it was left out
# line 4: Rest: nothing follows the last exercise, so its rest was left out

title = "Neck day 1"

[[steps]]
name = "Brücke"
instruction = "Füße \\"fest\\"; ruhig"
hold = "30s"

[[steps]]
rest = "20s"

[[steps]]
name = "Kniebeuge"
hold = "1m"
"""
    )


def test_exercises_of_the_library() -> None:
    table = (
        "NAME\tSeconds\tSIDE\tReps\tSets\tRest\n"
        "side BEND\t30\tright\t\t\t\n"
        "Side bend\t30\tleft\t\t\t\n"
        "Side-bend\t\tL\t\t\t\n"
        "side bend\t25\tnone\t\t\t\n"
        "Chin tuck\t5\t\t\t\t15\n"
        "chin-tuck\t\t\t10\t1\t\n"
        "Pause\t0:20\t\t\t\t\n"
        "Shoulder roll\t40\t\t\t\t\n"
    )
    assert (
        csv_text(table, "plan.tsv")
        == """\
# Imported from plan.tsv.
# line 5: SIDE: the library's "Side bend" is for each side; only its name was kept (write side each,
#     left or right to have its words)
# line 6: one rep of 5s; the library's are 6 of 5s (more are written as reps)
# line 9: one rep of 40s; the library's are 8 of 2s (more are written as reps)

title = "Plan"

[[steps]]
exercise = "side-bend"
hold = "30s"
sides = "each"

[[steps]]
exercise = "side-bend"
instruction = "Bend to the left, away from the right."
sides = ["left"]

[[steps]]
name = "Side bend"
hold = "25s"

[[steps]]
exercise = "chin-tuck"
hold = "5s"
reps = 1
rest = "15s"

[[steps]]
exercise = "chin-tuck"
reps = 10
sets = 1

[[steps]]
rest = "20s"

[[steps]]
exercise = "shoulder-roll"
move = "40s"
reps = 1
"""
    )


def test_ids_names_of_ones_own_and_lines_of_cells() -> None:
    table = (
        "\ufeffid,name,seconds,side,description\n"
        'side-bend,My bend,10,left/right,"Two\nlines."\n'
        ",Rest,20,,Drink something.\n"
        ",Turn,10,left,\n"
        ",Turn,10,right,\n"
        ",Turn,12,right,\n"
    )
    assert (
        csv_text(table)
        == """\
# Imported from neck-day_1.csv.

title = "Neck day 1"

[[steps]]
exercise = "side-bend"
name = "My bend"
instruction = "Two lines."
hold = "10s"
sides = ["left", "right"]

[[steps]]
rest = "20s"
say = "Drink something."

[[steps]]
name = "Turn"
hold = "10s"
sides = ["left", "right"]

[[steps]]
name = "Turn"
hold = "12s"
sides = ["right"]
"""
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30", "30s"), ("30.0", "30s"), ("1,5", "1.5s"), ("0:30", "30s"), ("1:02:03", "1h2m3s"), ("90", "1m30s"),
        ("30 sec", "30s"), ("2 min", "2m"), ("2 min 30 s", "2m30s"), ("1m30s", "1m30s"), ("45''", "45s"),
        ("2'", "2m"), ('""45""""', "45s"), ("1 hour", "1h"), ("20 Secs.", "20s"),
    ],
)  # fmt: skip
def test_ways_to_write_a_length(written: str, seconds: str) -> None:
    cell = written.strip('"') + ('""' if written.startswith('"') else "")
    assert f'hold = "{seconds}"\n' in csv_text(f'name,seconds\nHold,"{cell}"\n')


BAD_TABLES = {
    "empty": (
        "\n\n",
        "t.csv: there is nothing in it\n    the first line names the columns, like: name,seconds,side,sets",
    ),
    "no header": (
        "Plank,30\nSquat,20\n",
        't.csv:1: there is no column "name", only "Plank", "30"\n'
        "    the first line names the columns, like: name,seconds,side,sets",
    ),
    "header alone": (
        "name,seconds\n",
        "t.csv: has no exercises\n    the first line names the columns, like: name,seconds,side,sets",
    ),
    "a column twice": (
        "name,time,seconds\nA,1,2\n",
        't.csv:1: "time" and "seconds" mean the same column\n    keep one of them',
    ),
    "an open quote": (
        'name,seconds\nA,30\n"B,20\nC,10\n',
        "t.csv:3: a cell has no closing quote\n"
        '    a text between quotes ends with one; a quote inside it is written twice: ""',
    ),
    "a stray quote": (
        'name,seconds\n"A" x,30\n',
        "t.csv:2: a quote stands in the wrong place\n"
        '    a text between quotes ends with one; a quote inside it is written twice: ""',
    ),
    "not text": (
        "name,seconds\nA\0,30\n",
        't.csv: is not a text file\n    a table is text: export it from the spreadsheet as "CSV UTF-8"',
    ),
    "every problem at once": (
        "name,seconds,side,sets,reps,id\n,30\nA,abc,up,two,0\nB\nC,0\nD,-3\nE,5h\n,,,,,side-bent\nF, ruhig,30,,,,\n",
        "t.csv:2: has no name\n    write what the exercise is called\n"
        't.csv:3: seconds: "abc" is not a length of time\n    write seconds like 30, or 1:30, or 1m30s\n'
        't.csv:3: reps: "0" is not a number of reps\n    write a whole number, like 3\n'
        't.csv:3: sets: "two" is not a number of sets\n    write a whole number, like 3\n'
        't.csv:3: side: "up" is not a side\n    write none, each, left, right or alternate\n'
        't.csv:4: seconds: is missing\n    "B" is not in the library: write seconds, like 30\n'
        "t.csv:5: seconds: must be more than 0\n    write seconds like 30, or 1:30, or 1m30s\n"
        't.csv:6: seconds: "-3" is not a length of time\n    write seconds like 30, or 1:30, or 1m30s\n'
        "t.csv:7: seconds: 5h is longer than 4 hours\n    write seconds like 30, or 1:30, or 1m30s\n"
        't.csv:8: id: there is no exercise "side-bent"\n    did you mean "side-bend"?\n'
        't.csv:9: seconds: "ruhig" is not a length of time\n    write seconds like 30, or 1:30, or 1m30s\n'
        't.csv:9: side: "30" is not a side\n    write none, each, left, right or alternate',
    ),
    "more cells than columns": (
        "name,seconds\nA,30,slowly\n",
        "t.csv:2: has 3 cells, but there are 2 columns\n    put a text that has the separator in it between quotes",
    ),
    "what the format refuses": (
        "name,seconds,notes\nA\x1b[31m,30,\n{side} turn,30,go {sid}\nB\u202e,30,\n",
        "t.csv:2: name: has a control character\n    delete it, it may be invisible in the editor\n"
        "t.csv:3: name: {side} has no meaning in a name\n    placeholders are for sentences; say it in words\n"
        't.csv:3: instruction: unknown placeholder {sid}\n    did you mean "{side}"?\n'
        "t.csv:4: name: has a character that reverses text\n    delete it, it may be invisible in the editor",
    ),
    "too long": (
        "name,hold\n" + "A,1h\n" * 5,
        "t.csv: is longer than 4 hours\n    make several routines of it",
    ),
    "too many": (
        "name,hold\n" + "A,1\n" * 5_001,
        "t.csv: has more than 5,000 exercises, or 200 columns\n    is this the right file? Or make several of it",
    ),
    "too wide": (
        "name,hold" + ",x" * 200 + "\nA,1\n",
        "t.csv: has more than 5,000 exercises, or 200 columns\n    is this the right file? Or make several of it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(case: str) -> None:
    table, expected = BAD_TABLES[case]
    with pytest.raises(RoutineError) as caught:
        csv_text(table, "t.csv")
    assert str(caught.value) == expected


def test_of_very_many_problems_the_first_fifty_are_told() -> None:
    with pytest.raises(RoutineError) as caught:
        csv_text("name,hold\n" + "A,x\n" * 60, "t.csv")
    assert len(caught.value.problems) == 51
    assert str(caught.value.problems[-1]) == ("t.csv: and 10 more problems\n    mend these first, then import again")


def test_the_workout_that_w2a_has_as_its_example() -> None:
    workout = """\
tts:
  espeak_ng_voice: 'en-gb'
audio_format: 'mp3'
i18n:
  and: 'and'
  minute: {singular: 'minute', plural: 'minutes'}
  second: {singular: 'second', plural: 'seconds'}
before_workout_announce: >-
  {{ .WorkoutExercisesCount }} exercises will take a total of {{ .WorkoutDuration }}.
  The pure training time is {{ .WorkoutDurationWithoutPauses }}.
after_workout_announce: 'You trained for {{ .WorkoutDuration }}! You have done well.'
pause:
  text: 'Prepare for {{ .ExerciseName }} for {{ .ExerciseDuration }}'
  duration: '10s'
half_time:
  text: 'Change side'
  duration: '4s'
exercise_beginning: '{{ .ExerciseName }} for {{ .ExerciseDuration }}'
squats_ex: &squats
  name: Squats
  duration: '30s'
exercises:
  - name: 'Warm Up'
    duration: '2m'
    texts:
      - 'Neck Roll'
      - 'Shoulder Roll'
      - 'Toe Reach'
  - <<: *squats
  - name: 'Side Plank'
    duration: '30s'
    half_time: true
  - <<: *squats
    pause_duration: 20s
log_level: 'info'
"""
    assert (
        yaml_text(workout)
        == """\
# Imported from morning.yaml.
# line 3: audio_format: was left out (choose it when exporting: voiceroutine export -o NAME.mp3)
# line 4: i18n: was left out (numbers and durations are said in the routine's language)
# line 13: pause.text: each exercise's name is said by itself before it (delete the instruction
#     where that is one too many)
# line 14: pause.duration: the end of a pause is not counted; a long one ends with "Get ready"
# line 22: exercises: every exercise became a move (write hold instead of move where one keeps
#     still)
# line 32: exercises[2].half_time: 15s on each side; the voice names the side instead of
#     half_time.text
# line 35: log_level: was left out

title = "Morning"

[voice]
engine = "espeak"
name = "en-gb"

[cues]
countdown = 5
countdown_with = "voice"
halfway = "off"

[defaults]
prepare = "10s"

[[steps]]
say = "4 exercises will take a total of {total}. The pure training time is 3 minutes and 30 seconds."

[[steps]]
name = "Warm Up"
instruction = "Prepare for {name} for {hold}."
move = "2m"
during = [
  { at = "2s", say = "{name} for {hold}" },
  { at = "6s", say = "Neck Roll" },
  { at = "10s", say = "Shoulder Roll" },
  { at = "15s", say = "Toe Reach" },
]

[[steps]]
name = "Squats"
instruction = "Prepare for {name} for {hold}."
move = "30s"
during = [{ at = "2s", say = "{name} for {hold}" }]

[[steps]]
name = "Side Plank"
instruction = "Prepare for {name} for {hold}."
move = "15s"
sides = "each"
switch = "4s"
during = [{ at = "2s", say = "{name} for {hold}" }]

[[steps]]
name = "Squats"
instruction = "Prepare for {name} for {hold}."
cue = "Prepare for {name} for {hold}."
move = "30s"
prepare = "20s"
during = [{ at = "2s", say = "{name} for {hold}" }]

[[steps]]
say = "You trained for {total}! You have done well."
"""
    )


def test_the_least_workout() -> None:
    assert (
        yaml_text("exercises: [{name: Plank, duration: 45s}]")
        == """\
# Imported from morning.yaml.
# line 1: exercises: every exercise became a move (write hold instead of move where one keeps still)

title = "Morning"

[cues]
countdown = 5
countdown_with = "voice"
halfway = "off"

[[steps]]
name = "Plank"
move = "45s"
"""
    )


def test_half_time_without_sides_braces_and_numbers() -> None:
    workout = """\
pause: {duration: 2.5}
half_time: {text: 'Half {time}!', duration: 5s}
exercises:
- name: 7
  duration: 1m0.5s
  half_time: true
  texts: ['{side} first', 12]
"""
    assert (
        yaml_text(workout)
        == """\
# Imported from morning.yaml.
# line 1: pause.duration: the end of a pause is not counted; a long one ends with "Get ready"
# line 3: exercises: every exercise became a move (write hold instead of move where one keeps still)
# line 6: exercises[0].half_time: its text is said at half; the work goes on, without the 5s

title = "Morning"

[cues]
countdown = 5
countdown_with = "voice"
halfway = "off"

[defaults]
prepare = "2.5s"

[[steps]]
name = "7"
move = "1m0.5s"
during = [
  { at = "6s", say = "{{side}} first" },
  { at = "11s", say = "12" },
  { at = "50%", say = "Half {{time}}!" },
]
"""
    )


def test_what_has_no_counterpart_is_told() -> None:
    workout = """\
tts: {say_voice: Daniel, custom_command: tts}
pause: {text: '{{ if .X }}Now{{ end }}', length: 3}
before_workout_announce: 'First {{ .ExerciseName }}'
exercise_beginning: 'Go!'
round: 3
exercises:
- {name: Hop, duration: 6s, half_time: true, texts: [High], weight: 3}
- {name: Turn, duration: 20s, half_time: true, texts: [Slowly]}
half_time: {duration: 3s}
"""
    assert (
        yaml_text(workout)
        == """\
# Imported from morning.yaml.
# line 1: tts.say_voice: was left out; the voice is chosen here (see "voiceroutine voices")
# line 1: tts.custom_command: was left out; the voice is chosen here (see "voiceroutine voices")
# line 2: pause.text: was left out: there is nothing here for {{ if .X }} (write the text into the
#     routine, without it)
# line 2: pause.length: is no key of w2a; it was left out
# line 3: before_workout_announce: was left out: there is nothing here for {{ .ExerciseName }}
#     (write the text into the routine, without it)
# line 5: round: is no key of w2a; it was left out
# line 6: exercises: every exercise became a move (write hold instead of move where one keeps still)
# line 7: exercises[0]: too short for exercise_beginning, which was left out
# line 7: exercises[0].half_time: was left out: half_time has no text
# line 7: exercises[0].texts: are said before the exercise: there is no time for all of them inside
# line 7: exercises[0].weight: is no key of w2a; it was left out
# line 8: exercises[1].half_time: was left out: half_time has no text

title = "Morning"

[cues]
countdown = 5
countdown_with = "voice"
halfway = "off"

[[steps]]
name = "Hop"
instruction = "High."
move = "6s"

[[steps]]
name = "Turn"
move = "20s"
during = [{ at = "2s", say = "Go!" }, { at = "6s", say = "Slowly" }]
"""
    )


SYNTAX_HINT = "\n    texts with a colon or quotes stand in quotes; what belongs together is indented alike, with spaces"
NO_WORKOUT = (
    "there is no list of exercises, so it is no workout of w2a\n"
    "    write exercises: and below it - name: Squats, with its duration"
)
TOO_OFTEN = "w.yaml: has more than 50,000 values, those it refers to included\n    is it a workout?"
LETTERS = "abcdefghij"
LISTS = "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in pairwise(LETTERS))
MERGES = "\n".join(f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}" for a, b in pairwise(LETTERS))
BAD_WORKOUTS = {
    "empty": ("# nothing\n", "w.yaml: there is nothing in it\n    a workout has a list of exercises"),
    "a list": ("- name: A\n", f"w.yaml:1:1: {NO_WORKOUT}"),
    "no exercises": ("tts: {}\nexercises: []\n", f"w.yaml:1:1: {NO_WORKOUT}"),
    "two documents": (
        "exercises: []\n---\na: 1\n",
        f"w.yaml:2:1: not valid YAML: found another document{SYNTAX_HINT}",
    ),
    "an open list": (
        "exercises: [1, 2\n",
        f"w.yaml:2:1: not valid YAML: did not find expected ',' or ']'{SYNTAX_HINT}",
    ),
    "deep": (
        "exercises: " + "[" * 10_000,
        "w.yaml: is nested too deep\n    a workout has lists of exercises, nothing deeper",
    ),
    "a chain": (
        "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(3_000)) + "exercises: *a3000\n",
        TOO_OFTEN,
    ),
    "a bomb of lists": (f"a: &a [x, x, x]\n{LISTS}\nexercises: *j\n", TOO_OFTEN),
    "a bomb of merges": (f"a: &a {{x: 1}}\n{MERGES}\nexercises: [*j]\n", TOO_OFTEN),
    "too many": (
        "exercises:\n" + "- {name: A, duration: 1s}\n" * 5_001,
        "w.yaml:1:1: exercises: has more than 5,000 exercises\n    make several workouts of it",
    ),
    "itself": ("exercises: &a [*a]\n", TOO_OFTEN),
    "every problem at once": (
        """\
exercises:
  - 3
  - name: [x]
    duration: 30s
  - duration: 0s
    name: A
  - name: B
    duration: abc
    half_time: maybe
    texts: hi
    pause_duration: 5h
  - name: C
    duration: {a: b}
  - duration: 30s
  - name: D
pause: hi
half_time: {text: [1], duration: -3s}
""",
        """\
w.yaml:2:5: exercises[0]: must be a table
    write - name: Squats and below it duration: 30s
w.yaml:3:5: exercises[1].name: must be a text
    write it in one line, in quotes
w.yaml:5:5: exercises[2].duration: must be more than 0
    write it like 30s or 1m30s
w.yaml:8:5: exercises[3].duration: "abc" is not a duration
    write it like 30s or 1m30s
w.yaml:9:5: exercises[3].half_time: must be true or false
    its text stands at the top, in half_time
w.yaml:10:5: exercises[3].texts: must be a list
    write each text on a line of its own, after a -
w.yaml:11:5: exercises[3].pause_duration: 5h is longer than 4 hours
    write it like 30s or 1m30s
w.yaml:13:5: exercises[4].duration: must be a duration
    write it like 30s or 1m30s
w.yaml:14:5: exercises[5].name: is missing
    write what the exercise is called
w.yaml:15:5: exercises[6].duration: is missing
    write it like 30s or 1m30s
w.yaml:16:1: pause: must be a table
    write text: and duration: below it, indented
w.yaml:17:13: half_time.text: must be a text
    write it in one line, in quotes
w.yaml:17:24: half_time.duration: "-3s" is not a duration
    write it like 30s or 1m30s""",
    ),
    "what the format refuses": (
        'exercises:\n- {name: "A\\e[1m", duration: 30s, texts: ["\\u202e x"]}\n- {name: "!", duration: 3s}\n',
        "w.yaml:2:3: exercises[0].name: has a control character\n    delete it, it may be invisible in the editor\n"
        "w.yaml:2:3: exercises[0].during[0].say: has a character that reverses text\n"
        "    delete it, it may be invisible in the editor\n"
        "w.yaml:3:3: exercises[1].name: has no words\n    there must be a letter or a digit to say",
    ),
    "code": (
        "exercises: !!python/object/apply:os.system ['echo']\n",
        "w.yaml:1:45: exercises[0]: must be a table\n    write - name: Squats and below it duration: 30s",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_WORKOUTS)
def test_bad_workouts(case: str) -> None:
    workout, expected = BAD_WORKOUTS[case]
    if "not valid YAML" in expected and not hasattr(yaml, "CSafeLoader"):
        pytest.skip("the words are those of the other parser of YAML")
    with pytest.raises(RoutineError) as caught:
        yaml_text(workout, "w.yaml")
    assert str(caught.value) == expected


def words_of(*parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts) | st.text(max_size=5), max_size=30).map("".join)


tables = words_of(
    "name", "seconds", "side", "sets", "reps", "rest", "id", "notes", ",", ";", "\t", "\n", "\r\n", '"', "30", "1:30",
    "0", "left", "right", "each", "none", "Side bend", "chin-tuck", "Rest", "{side}", "{", "\x00", "\u202e", "x" * 300,
)  # fmt: skip
workouts = words_of(
    "exercises:\n", "- name: A\n", "  duration: 30s\n", "  half_time: true\n", "  texts: [a, b]\n", "  name: ",
    "pause:",
    "  text: '{{ .ExerciseName }}'\n", "half_time: {text: Change side, duration: 4s}\n", "&a ", "*a ", "<<: ", "{", "}",
    "[", "]", "!!int ", "? ", "---\n", "\n", "\t", "'", '"', "exercise_beginning: Go\n", "tts: {espeak_ng_voice: en}\n",
)  # fmt: skip


@settings(max_examples=300, deadline=2_000)
@given(tables.map(str.encode) | tables.map("name,seconds,side\n".__add__).map(str.encode) | st.binary(max_size=200))
@example(b"\xff\xfe\x00")
def test_any_table_is_read_or_refused_in_words(data: bytes) -> None:
    try:
        routine_text(read_csv(data, "t.csv", LIBRARY), LIBRARY, "t.csv")
    except VoiceroutineError as error:
        assert str(error).startswith("t.csv:")


@settings(max_examples=300, deadline=2_000)
@given(
    workouts.map(str.encode) | workouts.map("exercises:\n- name: A\n".__add__).map(str.encode) | st.binary(max_size=200)
)
@example(b"exercises: [{? [a] : b}]")
@example(b"<<: 3")
def test_any_workout_is_read_or_refused_in_words(data: bytes) -> None:
    try:
        routine_text(read_w2a(data, "w.yaml"), {}, "w.yaml")
    except VoiceroutineError as error:
        assert str(error).startswith("w.yaml:")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.csv"
    file.write_text("name,seconds,coach\nPlank,30,me\n", encoding="utf-8")
    return file


PLAN_NOTE = 'the column "coach" has no counterpart; it was left out\n'
PLAN_TOML = f"""\
# Imported from plan.csv.
# line 1: {PLAN_NOTE}
title = "Plan"

[[steps]]
name = "Plank"
hold = "30s"
"""


def test_import_prints_the_routine_and_tells_the_notes(command: Command, plan: Path) -> None:
    assert command("import", str(plan)) == (0, PLAN_TOML, f"{plan}:1: note: {PLAN_NOTE}")


def test_import_writes_a_file_that_can_be_checked_and_replaces_none(command: Command, plan: Path) -> None:
    output = plan.with_name("out.toml")
    ended = command("import", str(plan), "-o", str(output), "--title", "My plan")
    assert (ended.status, ended.out) == (0, f'{output}: 1 step. Hear it with: voiceroutine play "{output}"\n')
    assert output.read_text(encoding="utf-8") == PLAN_TOML.replace('"Plan"', '"My plan"')
    assert command("check", str(output)).out == "1 routine: no problems.\n"
    again = command("import", str(plan), "-o", str(output))
    assert again.status == 2
    assert f"{output} is already there; choose another name, or replace it with --force." in again.err
    assert command("import", str(plan), "-o", str(output), "--force").status == 0
    assert output.read_text(encoding="utf-8") == PLAN_TOML


def test_import_asks_what_a_file_is_if_its_name_does_not_say(command: Command, plan: Path) -> None:
    nameless = plan.rename(plan.with_name("plan.dat"))
    ended = command("import", str(nameless))
    assert ended.status == 2
    assert f"{nameless}: its name doesn't say what it is; add --from csv or --from w2a." in ended.err
    assert command("import", str(nameless), "--from", "csv").status == 0


def test_import_of_a_wrong_file_ends_with_3_and_writes_nothing(command: Command, plan: Path) -> None:
    plan.write_text("name,seconds\nPlank,\n", encoding="utf-8")
    output = plan.with_name("out.toml")
    assert command("import", str(plan), "-o", str(output)) == (
        3, "", f'{plan}:2: seconds: is missing\n    "Plank" is not in the library: write seconds, like 30\n',
    )  # fmt: skip
    assert not output.exists()


def test_import_of_what_is_not_there_a_folder_and_what_is_too_large(command: Command, tmp_path: Path) -> None:
    missing = tmp_path / "no.csv"
    assert command("import", str(missing)) == (
        3, "", f"{missing}: can't be read: No such file or directory\n    is the name right?\n",
    )  # fmt: skip
    assert command("import", str(tmp_path), "--from", "csv").err == f"{tmp_path}: is a folder\n    name a file in it\n"
    missing.write_bytes(b"name\n" + b"x" * (1 << 20))
    assert command("import", str(missing)).err == (
        f"{missing}: is larger than 1 MiB\n    a routine is a short text; is this the right file?\n"
    )


def test_a_place_that_cannot_be_written_is_told(command: Command, plan: Path) -> None:
    output = plan.with_name("nowhere") / "out.toml"
    ended = command("import", str(plan), "-o", str(output))
    assert ended.status == 1
    assert ended.err.endswith(f"{output} can't be written: No such file or directory. Choose another place with -o.\n")


def test_without_the_yaml_package_its_name_is_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    file = tmp_path / "w.yaml"
    file.write_text("exercises: []\n", encoding="utf-8")
    assert command("import", str(file)) == (
        1,
        "",
        "Reading YAML needs a package that isn't installed; add it with: pip install 'voiceroutine[import]'\n",
    )
