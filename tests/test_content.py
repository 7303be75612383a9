"""The bundled exercises and routines: what they must contain, how they are worded, how they are listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from voiceroutine.checks import dose_problems
from voiceroutine.document import parse_document, read_document
from voiceroutine.library import Library, bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.production import Production
from voiceroutine.routine import Block, Exercise, Rest, Routine, Say, Step

Command = Callable[..., Any]
FOLDER = bundled_folder("routines")
LIBRARY = Library(folders=(FOLDER,))
ENTRIES = LIBRARY.exercises()
MINUTES = {
    "after-cycling-or-swimming": (6.5, 7.5),
    "after-lifting": (7.5, 8.75),
    "chin-tuck-habit": (1.5, 2.25),
    "desk-reset": (2.5, 3.25),
    "evening-unwind": (7.25, 8.5),
    "neck-complete": (12, 15),
    "neck-cooldown": (6, 8),
    "neck-strength": (7.5, 8.5),
    "neck-warmup": (3, 4),
    "rest-day": (9.5, 10.75),
}
ASKED_FOR = {  # action, length of a rep, reps, sets, sides
    "neck-roll": ("move", 20_000, 1, 1, ("right", "left")),
    "neck-stretch": ("hold", 30_000, 1, 1, ("right", "left")),
    "shoulder-roll": ("phases", 5_000, 8, 1, ()),
    "chin-tuck": ("hold", 5_000, 6, 1, ()),
    "seated-forward-fold": ("hold", 30_000, 1, 1, ()),
    "doorway-chest-stretch": ("hold", 30_000, 1, 2, ()),
    "neck-isometrics": ("hold", 6_000, 1, 1, ("forward", "backward", "left", "right")),
    "neck-massage": ("move", 50_000, 1, 1, ()),
    "neck-retraction": ("hold", 5_000, 5, 1, ()),
    "neck-tilt": ("hold", 5_000, 4, 1, ("right", "left")),
}
NEIGHBOURS = {
    "levator-scapulae-stretch", "upper-trapezius-stretch", "neck-rotation", "chin-to-chest", "shoulder-shrug",
    "shoulder-blade-squeeze", "thoracic-extension", "cross-body-shoulder-stretch", "seated-cat-cow", "childs-pose",
    "diaphragmatic-breathing", "breathing", "neck-roll-full",
}  # fmt: skip
JARGON = re.compile(
    r"(?i)\b(?:cervical|thoracic|lumbar|scapul\w*|trapezius|traps?|levator|scalenes?|sternocleido\w*|suboccipital\w*"
    r"|pectorals?|pecs|lats?|rhomboids?|flexors?|extensors?|flexion|extension|rotat(?:e|ion)|lateral(?:ly)?|anterior"
    r"|posterior|superior|inferior|protract\w*|retract\w*|adduct\w*|abduct\w*|isometric\w*|eccentric|engage|activate"
    r"|mobili[sz]\w*|range of motion|rom|reps?|repetitions?|sets?|core|alignment|neutral|diaphragm\w*)\b"
)
ALARMING = re.compile(r"(?i)\b(?:danger\w*|injur\w*|damage\w*|severe|stroke|emergency|never|must|warning|risk\w*)\b")


def routine_named(name: str) -> Routine:
    return load_routine(read_document(FOLDER / f"{name}.toml"), ENTRIES)


def exercise_alone(name: str) -> Routine:
    return load_routine(parse_document(f'title = "T"\n[[steps]]\nexercise = "{name}"\n'), ENTRIES)


def spoken_in(exercise: Exercise) -> list[str]:
    inside = [*(phase.say for phase in exercise.phases), *(cue.say for cue in exercise.during)]
    return [text for text in (exercise.instruction, exercise.cue, exercise.caution, *inside) if text]


def said_in(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        match step:
            case Block():
                yield from said_in(step.steps)
            case Exercise():
                yield from spoken_in(step)
            case Say() | Rest() if step.text:
                yield step.text


def sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", text.strip()) if sentence]


def grown_gaps(routine: Routine) -> list[str]:
    placed = Production(routine).estimated_timeline().intervals
    spaces = [one for one in placed if one.interval.kind in {"prepare", "relax", "switch", "rest"}]
    return [f"{one.interval.kind} of {one.interval.step and one.interval.step.name}" for one in spaces if one.grown_ms]


def test_every_exercise_that_was_asked_for_is_there_and_more() -> None:
    assert ASKED_FOR.keys() | NEIGHBOURS <= ENTRIES.keys()
    assert len(ENTRIES) >= 20


@pytest.mark.parametrize("name", ASKED_FOR)
def test_the_dose_of_the_source_is_the_default(name: str) -> None:
    (exercise,) = exercise_alone(name).exercises()
    dose = (exercise.action, exercise.rep_ms, exercise.reps, exercise.sets, exercise.sides)
    assert dose == ASKED_FOR[name]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_has_all_its_fields(name: str) -> None:
    (entry,) = ENTRIES[name]
    for field in ("name", "instruction", "cue", "muscles", "caution", "source", "prepare"):
        assert getattr(entry, field), field
    assert len(entry.actions()) == 1


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_is_worded_for_the_ear(name: str) -> None:
    (exercise,) = exercise_alone(name).exercises()
    for text in spoken_in(exercise):
        assert [sentence for sentence in sentences(text) if len(sentence.split()) > 19] == []
        assert JARGON.findall(text) == []
        assert ALARMING.findall(text) == []
    assert len(sentences(exercise.instruction or "")) <= 3
    assert len((exercise.cue or "").split()) <= 12
    assert len((exercise.caution or "").split()) <= 19


@pytest.mark.parametrize("name", ENTRIES)
def test_texts_name_the_side_where_there_are_sides(name: str) -> None:
    (exercise,) = exercise_alone(name).exercises()
    for text in (exercise.instruction or "", exercise.cue or ""):
        assert ("{side}" in text) == bool(exercise.sides)
        assert re.findall(r"(?i)\b(?:left|right) (?:side|arm|hand|shoulder|ear|armpit)\b", text) == []


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_plays_on_its_own_with_time_for_its_words(name: str) -> None:
    assert grown_gaps(exercise_alone(name)) == []


@pytest.mark.parametrize("name", ENTRIES)
def test_who_has_to_go_somewhere_has_time_to_get_there(name: str) -> None:
    (exercise,) = exercise_alone(name).exercises()
    texts = " ".join(spoken_in(exercise))
    places = {"a chair": "chair", "a doorway": "doorway", "room on the floor": "floor"}
    assert set(exercise.needs) == {needed for needed, word in places.items() if re.search(rf"\b{word}\b", texts)}
    assert exercise.prepare_ms >= (20_000 if exercise.needs else 10_000)


def test_there_are_ten_routines() -> None:
    assert set(LIBRARY.routine_files()) == set(MINUTES)


@pytest.mark.parametrize("name", MINUTES)
def test_a_routine_lasts_about_as_long_as_it_is_meant_to(name: str) -> None:
    shortest, longest = MINUTES[name]
    minutes = Production(routine_named(name)).estimated_timeline().duration_ms / 60_000
    assert shortest <= minutes <= longest


@pytest.mark.parametrize("name", MINUTES)
def test_a_routine_says_for_whom_it_is_and_how_it_begins(name: str) -> None:
    document = read_document(FOLDER / f"{name}.toml")
    assert re.match(r"(?:After|Before|Between|For|On|Three times) [^:]*: ", document.data["summary"])
    assert document.data["language"] == "en"
    assert "say" in document.data["steps"][0]


@pytest.mark.parametrize("name", MINUTES)
def test_a_routine_is_worded_for_the_ear(name: str) -> None:
    for text in said_in(routine_named(name).steps):
        assert [sentence for sentence in sentences(text) if len(sentence.split()) > 19] == []
        assert JARGON.findall(text) == []
        assert ALARMING.findall(text) == []


@pytest.mark.parametrize("name", MINUTES)
def test_a_routine_has_time_for_its_words(name: str) -> None:
    assert grown_gaps(routine_named(name)) == []


@pytest.mark.parametrize("name", MINUTES)
def test_a_routine_has_no_warning(name: str) -> None:
    routine = routine_named(name)
    problems = [*dose_problems(routine), *Production(routine).estimated_timeline().problems]
    notes = ["10 exercises are many for one session"] if name == "neck-complete" else []
    assert [problem.message for problem in problems] == notes


@pytest.mark.parametrize("name", MINUTES)
def test_the_way_to_the_door_or_to_the_floor_is_a_rest_that_says_so(name: str) -> None:
    for before, step in pairwise(routine_named(name).steps):
        if isinstance(step, Exercise) and {"a doorway", "room on the floor"} & set(step.needs):
            assert isinstance(before, Rest)
            assert re.search(r"\b(?:doorway|floor)\b", before.text or "")


def test_every_exercise_that_was_asked_for_is_in_a_routine() -> None:
    used = {exercise.exercise for name in MINUTES for exercise in routine_named(name).exercises()}
    assert ASKED_FOR.keys() <= used
    assert "neck-roll-full" not in used
    complete = [exercise.exercise for exercise in routine_named("neck-complete").exercises()]
    assert sorted(map(str, complete)) == sorted(ASKED_FOR)


def test_the_cool_down_has_six_exercises() -> None:
    assert len([*routine_named("neck-cooldown").exercises()]) == 6


def test_the_warm_up_holds_nothing_for_long() -> None:
    assert {exercise.action for exercise in routine_named("neck-warmup").exercises()} == {"move", "phases"}


def test_the_habit_is_one_exercise_eight_times() -> None:
    (exercise,) = routine_named("chin-tuck-habit").exercises()
    assert (exercise.exercise, exercise.reps, exercise.rep_ms) == ("chin-tuck", 8, 5_000)


def test_strength_is_presses_and_holds_with_rests() -> None:
    steps = routine_named("neck-strength").steps
    used = {step.exercise for step in steps if isinstance(step, Exercise)}
    assert {"neck-isometrics", "chin-tuck", "neck-retraction"} <= used
    assert sum(isinstance(step, Rest) for step in steps) >= 3


def test_the_evening_is_quiet() -> None:
    assert routine_named("evening-unwind").cues.profile == "quiet"


def test_the_evening_breathes_slowly() -> None:
    breaths = {exercise.name: exercise.breath for exercise in routine_named("evening-unwind").exercises()}
    assert [name for name, breath in breaths.items() if breath is None] == ["Neck massage"]
    assert {(breath.in_ms, breath.out_ms) for breath in breaths.values() if breath} == {(4_000, 6_000)}


@pytest.mark.parametrize("name", MINUTES)
def test_paced_work_lasts_for_whole_breaths(name: str) -> None:
    for exercise in routine_named(name).exercises():
        assert exercise.breath is None or exercise.rep_ms % exercise.breath.whole_ms == 0


def test_the_rest_day_has_a_background_and_long_holds() -> None:
    background = read_document(FOLDER / "rest-day.toml").data["sounds"]["background"]
    assert background == {"sound": "brown-noise", "gain_db": -18, "duck_db": -9, "fade": "3s"}
    assert max(exercise.rep_ms for exercise in routine_named("rest-day").exercises()) == 60_000


@pytest.mark.parametrize("name", MINUTES)
def test_what_may_be_left_out_leaves_a_routine(name: str) -> None:
    steps = routine_named(name).steps
    kept = [step for step in steps if isinstance(step, Exercise) and not step.is_optional]
    assert len(kept) >= min(2, len([*routine_named(name).exercises()]))
    for before, step in pairwise(steps):
        if isinstance(before, Rest) and before.text is not None:
            assert isinstance(step, Exercise)
            assert not step.is_optional


def test_bundled_routines_pass_the_strict_check(command: Command) -> None:
    ended = command("check", "--strict", *MINUTES)
    assert ended.status == 0
    assert ended.out.endswith("10 routines: 1 note.\n")


def test_exercises_are_grouped_by_what_they_need(command: Command) -> None:
    lines = command("exercises").out.splitlines()
    assert [line for line in lines if line.endswith(":")] == [
        "Anywhere:", "With a chair:", "With a doorway:", "With room on the floor:",
    ]  # fmt: skip
    assert "  neck-tilt                    Neck tilt                 4 reps · hold 5s · sides in turn" in lines
    assert "  childs-pose                  Child's pose              hold 30s" in lines
    assert sorted(line.split()[0] for line in lines if line.startswith("  ")) == sorted(ENTRIES)
    assert max(map(len, lines)) <= 100


def test_an_exercise_in_full(command: Command) -> None:
    assert command("exercises", "neck-isometrics").out == (
        "Neck isometrics (neck-isometrics)\n"
        "\n"
        "How:      Put a hand against your head. Press your head {side} into the hand, and let nothing move.\n"
        "Short:    Move your hand, and press {side}.\n"
        "Dose:     hold 6s · forward, backward, left, right\n"
        "Prepare:  16s\n"
        "Care:     A gentle press is enough. Keep breathing.\n"
        "Muscles:  deep neck flexors, neck extensors, scalenes\n"
        "Source:   Different directions, 6 s each. Leaflet Neck pain, Arthritis Research UK: gentle\n"
        "          isometrics of 5 s.\n"
        "Used in:  neck-complete, neck-strength\n"
    )


def test_an_entry_without_work_does_not_stop_the_list(command: Command, users_folder: Path) -> None:
    (users_folder / "exercises.toml").write_text('[[exercises]]\nid = "mine"\nname = "Mine"\n')
    lines = command("exercises").out.splitlines()
    assert 'Not usable: "mine" has neither hold, move nor phases' in lines
    assert any(line.startswith("  neck-tilt ") for line in lines)
    assert command("exercises", 'a"b').err.startswith('exercises: there is no exercise "a"b"\n')


def test_routines_are_listed_with_length_and_for_whom(command: Command) -> None:
    lines = command("routines").out.splitlines()
    assert "neck-cooldown               7 min,  6 exercises  After training: ease your neck and shoulders." in lines
    assert "chin-tuck-habit             2 min,  1 exercise   Three times a day: eight slow chin tucks." in lines
    assert "neck-cooldown is there in de, es, fr, ru, too: add --language de" in lines
    assert max(map(len, lines[:12])) <= 100


def test_an_exercise_is_shown_in_a_language(command: Command) -> None:
    lines = command("exercises", "neck-tilt", "--language", "de").out.splitlines()
    assert lines[0].endswith(" (neck-tilt)")
    assert "Dose:     4 reps · hold 5s · sides in turn" in lines
    assert "Care:     Lass beide Schultern unten." in lines
    listed = command("exercises", "--language", "es").out
    assert "hold 30s · derecha, izquierda" in listed


def test_a_broken_routine_of_the_users_own_is_one_line_of_the_list(command: Command, users_folder: Path) -> None:
    (users_folder / "mine.toml").write_text('title = "Mine"\n[[steps]]\nname = "Hold"\nhodl = "5s"\nprepare = "x"\n')
    ended = command("routines")
    assert ended.status == 0
    lines = [line for line in ended.out.splitlines() if line.startswith("mine ")]
    assert lines == [
        "mine                       is wrong: line 4: "
        'an exercise step has no key "hodl"; "voiceroutine check mine" says more'
    ]
    assert "Used in:  " in command("exercises", "neck-tilt").out


def test_broken_exercises_of_the_users_own_do_not_hide_the_routines(command: Command, users_folder: Path) -> None:
    file = users_folder / "exercises.toml"
    file.write_text('[[exercises]]\nid = "a"\nnmae = "A"\n')
    out = command("routines").out
    assert "\nneck-cooldown               7 min,  6 exercises  " in out
    assert f"\nYour own exercises are left out, because their file is wrong:\n{file}:3:1: " in out


@pytest.fixture
def users_folder(own_folders: Path) -> Path:
    folder = own_folders / "voiceroutine" / "routines"
    folder.mkdir(parents=True)
    return folder
