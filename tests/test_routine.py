"""A loaded routine: what is inherited from where, and every default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from voiceroutine import mistakes, model
from voiceroutine.document import parse_document
from voiceroutine.errors import Location, RoutineError
from voiceroutine.loading import library_exercise, load_routine
from voiceroutine.routine import (
    PROFILES,
    Block,
    CueSettings,
    Exercise,
    Phase,
    Profile,
    Rest,
    Routine,
    Say,
    SoundSettings,
    VoiceSettings,
)

TITLE = 'title = "T"\n'
BUNDLED = """
[[exercises]]
id = "tilt"
name = "Bundled tilt"
instruction = "Bundled instruction."
cue = "Bundled cue."
caution = "Bundled caution."
hold = "11s"
reps = 2
relax = "1s"
sides = "each"
switch = "2s"
sets = 3
rest = "3s"
prepare = "4s"
needs = ["a chair"]
muscles = ["scalenes"]
source = "A book."

[[exercises]]
id = "roll"
name = "Roll"
phases = [{ say = "Lift.", lasts = "2s" }, { lasts = 3 }]
reps = 8
"""
USERS = """
[[exercises]]
id = "tilt"
name = "User tilt"
reps = 5
"""
GAPS = ("prepare", "relax", "switch", "rest")


def entries(*files: str) -> dict[str, list[model.ExerciseEntry]]:
    found: dict[str, list[model.ExerciseEntry]] = {}
    for text in files:
        for entry in mistakes.examine(parse_document(text), model.LibraryFile).table.exercises:
            found.setdefault(entry.id, []).append(entry)
    return found


def load(text: str, *library: str, profile: Profile | None = None) -> Routine:
    return load_routine(parse_document(TITLE + text, "r.toml"), entries(*(library or (BUNDLED,))), profile=profile)


def exercise(text: str, *library: str) -> Exercise:
    return next(load(text, *library).exercises())


def step(lines: str = "") -> str:
    return f'[[steps]]\nexercise = "tilt"\n{lines}'


def test_everything_of_an_exercise_comes_from_the_library() -> None:
    assert exercise(step()) == Exercise(
        where=Location(file="r.toml", line=2, column=1, path="steps[0]"),
        name="Bundled tilt",
        number=1,
        action="hold",
        phases=(Phase(lasts_ms=11_000),),
        exercise="tilt",
        instruction="Bundled instruction.",
        cue="Bundled cue.",
        caution="Bundled caution.",
        reps=2,
        sides=("right", "left"),
        sets=3,
        prepare_ms=4_000,
        relax_ms=1_000,
        switch_ms=2_000,
        rest_ms=3_000,
        min_ms=10_000,
        max_ms=60_000,
        needs=("a chair",),
        muscles=("scalenes",),
        source="A book.",
    )


def test_an_exercise_of_its_own_has_the_built_in_defaults() -> None:
    assert exercise('[[steps]]\nname = "N"\nmove = 5\n') == Exercise(
        where=Location(file="r.toml", line=2, column=1, path="steps[0]"),
        name="N",
        number=1,
        action="move",
        phases=(Phase(lasts_ms=5_000),),
        prepare_ms=5_000,
        relax_ms=3_000,
        switch_ms=4_000,
        rest_ms=10_000,
    )


@pytest.mark.parametrize(
    ("text", "library", "reps", "name"),
    [
        (step(), [BUNDLED], 2, "Bundled tilt"),
        (step(), [USERS, BUNDLED], 5, "User tilt"),
        ('[[exercises]]\nid = "tilt"\nreps = 6\n' + step(), [USERS, BUNDLED], 6, "User tilt"),
        ('[[exercises]]\nid = "tilt"\nname = "Own"\n' + step("reps = 7\n"), [USERS, BUNDLED], 7, "Own"),
        (step('name = "Mine"\n'), [USERS, BUNDLED], 5, "Mine"),
    ],
    ids=["bundled", "user's", "own entry", "step", "renamed"],
)
def test_the_nearest_value_wins(text: str, library: list[str], reps: int, name: str) -> None:
    found = exercise(text, *library)
    assert (found.reps, found.name, found.instruction) == (reps, name, "Bundled instruction.")


@pytest.mark.parametrize("key", GAPS)
def test_a_gap_comes_from_step_then_library_then_defaults_then_built_in(key: str) -> None:
    built_in = {"prepare": 5_000, "relax": 3_000, "switch": 4_000, "rest": 10_000}[key]
    plain = '[[steps]]\nname = "N"\nhold = 5\n'
    defaults = f"[defaults]\n{key} = 77\n"
    bundled = {"prepare": 4_000, "relax": 1_000, "switch": 2_000, "rest": 3_000}[key]
    assert getattr(exercise(plain), f"{key}_ms") == built_in
    assert getattr(exercise(defaults + plain), f"{key}_ms") == 77_000
    assert getattr(exercise(defaults + step()), f"{key}_ms") == bundled
    assert getattr(exercise(defaults + step(f"{key} = 0\n")), f"{key}_ms") == 0


def test_a_hold_in_the_step_replaces_the_phases_of_the_library() -> None:
    found = exercise('[[steps]]\nexercise = "roll"\nhold = "20s"\n')
    assert (found.action, found.phases, found.reps, found.relax_ms) == ("hold", (Phase(lasts_ms=20_000),), 8, 3_000)


def test_phases_in_the_step_replace_the_hold_of_the_library() -> None:
    found = exercise(step('phases = [{ lasts = 2 }, { say = "Back.", lasts = 3 }]\n'))
    assert found.phases == (Phase(lasts_ms=2_000), Phase(say="Back.", lasts_ms=3_000))
    assert (found.action, found.rep_ms, found.relax_ms) == ("phases", 5_000, 1_000)


def test_a_move_in_an_own_entry_replaces_the_hold_of_the_library() -> None:
    found = exercise('[[exercises]]\nid = "tilt"\nmove = 9\n' + step())
    assert (found.action, found.rep_ms) == ("move", 9_000)


def test_phases_follow_each_other_without_a_gap_unless_one_is_written() -> None:
    roll = '[[steps]]\nexercise = "roll"\n'
    assert exercise(roll).relax_ms == 0
    assert exercise("[defaults]\nrelax = 9\n" + roll).relax_ms == 0
    assert exercise(roll + "relax = 2\n").relax_ms == 2_000


@pytest.mark.parametrize(
    ("written", "sides", "is_alternating"),
    [
        ('"none"', (), False),
        ('"each"', ("right", "left"), False),
        ('"alternate"', ("right", "left"), True),
        ('["left", "right"]', ("left", "right"), False),
        ('["forward", "backward", "left", "right"]', ("forward", "backward", "left", "right"), False),
        ('["  left \\n ear "]', ("left ear",), False),
    ],
)
def test_sides(written: str, sides: tuple[str, ...], is_alternating: bool) -> None:
    found = exercise(step(f'sides = {written}\ninstruction = "Sit."\ncue = "Sit."\n'))
    assert (found.sides, found.is_alternating) == (sides, is_alternating)


def test_without_sides_there_are_none() -> None:
    assert exercise('[[steps]]\nname = "N"\nhold = 5\n').sides == ()


@pytest.mark.parametrize(
    ("cues", "chosen", "expected"),
    [
        ("", None, CueSettings()),
        ('profile = "normal"', None, CueSettings()),
        ('profile = "quiet"', None, CueSettings(profile="quiet", halfway="chime", next_up=False, count_reps=False)),
        ('profile = "bell"', None, CueSettings(profile="bell", halfway="chime", next_up=False, count_reps=False)),
        ("", "quiet", PROFILES["quiet"]),
        ('profile = "normal"', "bell", PROFILES["bell"]),
        (
            'profile = "quiet"\nnext_up = true\ncountdown = 5',
            None,
            CueSettings(profile="quiet", halfway="chime", next_up=True, count_reps=False, countdown_s=5),
        ),
        (
            'profile = "normal"\nhalfway = "voice"\nsafety = false\ncountdown_with = "voice"',
            "bell",
            CueSettings(
                profile="bell", halfway="voice", next_up=False, count_reps=False, safety=False, countdown_with="voice"
            ),
        ),
        ("countdown = 0\ncount_reps = false", None, CueSettings(countdown_s=0, count_reps=False)),
    ],
)
def test_a_profile_sets_defaults_and_a_written_key_wins(
    cues: str, chosen: Profile | None, expected: CueSettings
) -> None:
    assert load(f"[cues]\n{cues}\n{step()}", profile=chosen).cues == expected


def test_the_voice() -> None:
    assert load(step()).voice == VoiceSettings()
    written = '[voice]\nengine = "espeak"\nname = "en-gb"\nrate_wpm = 120\npitch_percent = 0\ngain_db = -3\n'
    expected = VoiceSettings(engine="espeak", name="en-gb", rate_wpm=120, pitch_percent=0, gain_db=-3.0)
    assert load(written + step()).voice == expected


@pytest.mark.parametrize("language", ["en", "en-GB", "EN-us"])
def test_a_language_with_phrases_is_kept_as_written(language: str) -> None:
    routine = load(f'language = "{language}"\n{step()}')
    assert routine.voice.language == language
    assert next(routine.exercises()).sides == ("right", "left")


def test_a_whole_routine() -> None:
    routine = load("""summary = "S"
format = 1
[[steps]]
say = "Sit."
[[steps]]
say = "{next} in {total}."
pause = 0
[[steps]]
title = "Two  rounds"
repeat = 2
rest = "15s"
steps = [{ exercise = "roll" }, { steps = [{ rest = "20s", say = "Rest." }] }]
[[steps]]
exercise = "tilt"
""")
    first, second, block, last = routine.steps
    assert (routine.title, routine.summary, routine.sounds) == ("T", "S", SoundSettings())
    assert routine.where == Location(file="r.toml", line=1, column=1, path="title")
    assert first == Say(where=place(4, 1, "steps[0]"), text="Sit.", pause_ms=1_000)
    assert second == Say(where=place(6, 1, "steps[1]"), text="{next} in {total}.", pause_ms=0)
    assert isinstance(block, Block)
    assert (block.title, block.repeat, block.rest_ms) == ("Two rounds", 2, 15_000)
    assert [type(inner) for inner in block.steps] == [Exercise, Block]
    inner = block.steps[1]
    assert isinstance(inner, Block)
    assert (inner.repeat, inner.rest_ms, inner.title) == (1, 0, None)
    assert inner.steps == (Rest(where=place(13, 44, "steps[2].steps[1].steps[0]"), rest_ms=20_000, text="Rest."),)
    assert isinstance(last, Exercise)
    assert [one.name for one in routine.exercises()] == ["Roll", "Bundled tilt"]


def place(line: int, column: int, path: str) -> Location:
    return Location(file="r.toml", line=line, column=column, path=path)


@pytest.mark.parametrize(
    ("key", "value"), [("name", "Neck\\n  tilt"), ("title", "  Neck tilt "), ("needs", ["a \\t chair"])]
)
def test_names_are_one_line(key: str, value: Any) -> None:
    written = f'["{value[0]}"]' if isinstance(value, list) else f'"{value}"'
    if key == "title":
        routine = load_routine(parse_document(f"title = {written}\n{step()}"), entries(BUNDLED))
        assert routine.title == "Neck tilt"
    else:
        expected = ("a chair",) if key == "needs" else "Neck tilt"
        assert getattr(exercise(step(f"{key} = {written}\n")), key) == expected


def test_next_is_meaningful_until_the_last_exercise_begins() -> None:
    rest = '[[steps]]\nrest = 5\nsay = "{next}"\n'
    assert len(load(step('cue = "{next}"\n') + rest + step()).steps) == 3


def test_the_other_side_is_meaningful_with_two() -> None:
    assert exercise(step('sides = ["a", "b"]\ncue = "{other_side}"\n')).cue == "{other_side}"


def test_an_exercise_of_the_library_by_itself() -> None:
    library = entries(USERS, BUNDLED)
    found = library_exercise("tilt", library)
    assert replace(found, where=Location(file="r.toml"), number=1) == replace(
        exercise(step(), USERS, BUNDLED), where=Location(file="r.toml")
    )
    roll = library_exercise("roll", library)
    assert (roll.exercise, roll.reps, roll.relax_ms, roll.prepare_ms, roll.sides) == ("roll", 8, 0, 5_000, ())


def test_an_exercise_of_the_library_keeps_its_texts_as_written() -> None:
    library = entries('[[exercises]]\nid = "a"\nname = "A"\nhold = 9\ncue = "To the {side}."\n')
    assert library_exercise("a", library).cue == "To the {side}."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tlit", 'there is no exercise "tlit"\n    did you mean "tilt"?'),
        ("", 'there is no exercise ""\n    see "voiceroutine exercises" for those that there are'),
        ('a"\nb', 'there is no exercise "a"\\nb"\n    see "voiceroutine exercises" for those that there are'),
        (
            "bare",
            '"bare" has neither hold, move nor phases\n    say how long the work is, like hold = "30s"',
        ),
    ],
)
def test_an_exercise_that_the_library_has_not(name: str, expected: str) -> None:
    with pytest.raises(RoutineError) as caught:
        library_exercise(name, entries(BUNDLED + '[[exercises]]\nid = "bare"\nname = "Bare"\n'))
    assert str(caught.value) == f"exercises: {expected}"
