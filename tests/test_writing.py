"""Routines as text: what is written loads as the same routine, and looks as if a person had written it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Session, sessions
from timetable import table

from voiceroutine.document import parse_document
from voiceroutine.library import bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.model import ExerciseEntry, RoutineFile
from voiceroutine.routine import Block, Breath, During, Exercise, Rest, Routine, Say, Step, Wait
from voiceroutine.timeline import Timeline
from voiceroutine.units import duration_text, parse_duration
from voiceroutine.writing import dump

LIBRARY = {
    name: [ExerciseEntry(id=name, name="Another name")] for name in ("exercise-1", "exercise-2", "exercise-3")
}  # fmt: skip
CUES_KEYS = ("profile", "countdown_with", "halfway", "next_up", "count_reps", "encourage", "safety")
FULL = """\
format = 1
title = "Neck cool-down"
summary = "Six gentle stretches after training."
language = "en"
author = "Me"
license = "CC0-1.0"

[voice]
engine = "auto"
name = "en-us"
rate_wpm = 150
pitch_percent = 45
gain_db = -1.5

[cues]
profile = "coach"
countdown = 3
countdown_with = "tick"
halfway = "voice"
every = "15s"
next_up = true
count_reps = false
encourage = true
safety = true

[sounds]
start = "bell"
background = { sound = "brown-noise", gain_db = -18, duck_db = -9, fade = "3s" }

[defaults]
prepare = "5s"
relax = "0s"

[phrases]
halfway = "Halfway. Keep breathing."

[pronounce]
scalenes = "skay leens"
"C 7" = "see seven"

[[exercises]]
id = "towel-pull"
name = "Towel pull"
instruction = "Loop a towel behind your neck and draw the {side} end forward."
hold = "20s"
sides = "each"

[[steps]]
say = "Sit \\"tall\\".\\nBreathe \\\\ rest.\\u200b"
pause = "3s"

[[steps]]
exercise = "towel-pull"
hold = "1m30s"
sides = ["up", "down"]
sets = 2
during = [
  { at = "10s", say = "Breathe out, and let the shoulder get heavy." },
  { at = "50%", chime = "soft-tick" },
  { at = "-8s", say = "Almost there." },
]
breath = { in = "4s", out = "6.5s" }
cues = { every = "off" }

[[steps]]
name = "Shoulder roll"
phases = [{ say = "lift", lasts = "2s" }, { lasts = "3.001s" }]
reps = 10

[[steps]]
repeat = 2
title = "Two slow rounds"
rest = "15s"
steps = [
  { name = "Chin tuck, as slow as you like", hold = "5s", reps = 8 },
  { rest = "20s" },
  { exercise = "towel-pull", optional = true },
]

[[steps]]
wait = "30s"
say = "Stand up and find a doorway. Continue when you are ready."
"""


def parsed(text: str) -> RoutineFile:
    return RoutineFile.model_validate(tomllib.loads(text))


def test_a_file_of_nearly_every_key_is_written_as_it_was() -> None:
    assert dump(parsed(FULL)) == FULL


@pytest.mark.parametrize("name", ["neck-cooldown", "neck-complete"])
def test_bundled_routines_survive(name: str) -> None:
    written = parsed((bundled_folder("routines") / f"{name}.toml").read_text(encoding="utf-8"))
    assert parsed(dump(written)) == written


def test_a_short_routine_is_short() -> None:
    written = parsed('title = "T"\ncues = {}\nexercises = []\nsteps = [{ name = "Hold", hold = 90.5, needs = [] }]\n')
    assert dump(written) == 'title = "T"\n\n[[steps]]\nname = "Hold"\nhold = "1m30.5s"\nneeds = []\n'


@pytest.mark.parametrize(("gain_db", "text"), [(-0.0, "0"), (-18.0, "-18"), (1e-7, "1e-07"), (0.1, "0.1")])
def test_numbers(gain_db: float, text: str) -> None:
    written = RoutineFile.model_validate({"title": "T", "voice": {"gain_db": gain_db}, "steps": [{"rest": 1}]})
    assert dump(written) == f'title = "T"\n\n[voice]\ngain_db = {text}\n\n[[steps]]\nrest = "1s"\n'
    assert parsed(dump(written)) == written


def test_every_millisecond_is_written_exactly() -> None:
    lengths = [*range(60_001), *range(3_599_000, 3_661_001, 7), 3 * 3_600_000, 4 * 3_600_000 - 1, 4 * 3_600_000]
    assert [ms for ms in lengths if parse_duration(duration_text(ms)) != ms] == []
    assert [duration_text(ms) for ms in (1, 1_001, 10_800_000)] == ["0.001s", "1.001s", "3h"]


def step_data(step: Step) -> dict[str, Any]:
    match step:
        case Exercise():
            return exercise_data(step)
        case Block():
            inner = [step_data(one) for one in step.steps]
            return {"steps": inner, "repeat": step.repeat, "rest": duration_text(step.rest_ms)}
        case Wait():
            return {"wait": duration_text(step.wait_ms)} | ({"say": step.text} if step.text else {})
        case Rest():
            return {"rest": duration_text(step.rest_ms)} | ({"say": step.text} if step.text else {})
        case Say():
            return {"say": step.text, "pause": duration_text(step.pause_ms)}


def exercise_data(step: Exercise) -> dict[str, Any]:
    texts = {"name": step.name, "instruction": step.instruction, "cue": step.cue, "caution": step.caution}
    gaps = {"prepare": step.prepare_ms, "relax": step.relax_ms, "switch": step.switch_ms, "rest": step.rest_ms}
    phases = [
        {"lasts": duration_text(phase.lasts_ms)} | ({"say": phase.say} if phase.say else {}) for phase in step.phases
    ]
    return {
        **{key: text for key, text in {**texts, "exercise": step.exercise}.items() if text is not None},
        step.action: phases if step.action == "phases" else phases[0]["lasts"],
        "reps": step.reps,
        "sets": step.sets,
        "sides": sides_data(step),
        "needs": list(step.needs),
        "during": [during_data(cue) for cue in step.during],
        "optional": step.is_optional,
        **({"breath": breath_data(step.breath)} if step.breath else {}),
        **{key: duration_text(gap_ms) for key, gap_ms in gaps.items()},
    }


def during_data(cue: During) -> dict[str, str]:
    kind = {"say": cue.say} if cue.say is not None else {"chime": cue.chime or ""}
    return {"at": duration_text(cue.at_ms), **kind}


def breath_data(breath: Breath) -> dict[str, str]:
    paced = {"with": breath.paced_with} if breath.paced_with else {}
    return {"in": duration_text(breath.in_ms), "out": duration_text(breath.out_ms), **paced}


def sides_data(step: Exercise) -> str | list[str]:
    if step.is_alternating:
        return "alternate"
    return {(): "none", ("right", "left"): "each"}.get(step.sides, list(step.sides))


def written(routine: Routine) -> RoutineFile:
    every = duration_text(routine.cues.every_ms) if routine.cues.every_ms else "off"
    cues = {key: getattr(routine.cues, key) for key in CUES_KEYS}
    cues |= {"countdown": routine.cues.countdown_s, "every": every}
    return RoutineFile.model_validate({"title": routine.title, "cues": cues, "steps": [*map(step_data, routine.steps)]})


def heard(timeline: Timeline) -> tuple[object, ...]:
    problems = {problem.message for problem in timeline.problems}
    return timeline.title, table(timeline), timeline.chapters, timeline.duration_ms, problems


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(sessions())
def test_loading_what_was_written_gives_the_same_timeline(session: Session) -> None:
    text = dump(written(session.routine))
    loaded = load_routine(parse_document(text), LIBRARY)
    assert heard(Session(loaded, session.pace).timeline()) == heard(session.timeline())
    assert dump(parsed(text)) == text


def texts() -> st.SearchStrategy[str]:
    characters = st.characters(
        exclude_categories=["Cc", "Cs"], exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    return st.text(characters | st.sampled_from("\"\\\n\t#=[]{}'"), max_size=60).map(lambda text: f"{text}a")


def lengths(shortest_ms: int = 1) -> st.SearchStrategy[str]:
    return st.integers(shortest_ms, 4 * 3_600_000).map(duration_text)


def some_of(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


def moments() -> st.SearchStrategy[str]:
    percents = st.integers(0, 99_999).map(lambda thousandths: f"{thousandths / 1000:g}%")
    return percents | lengths() | lengths().map("-{}".format)


def any_cues() -> st.SearchStrategy[dict[str, Any]]:
    halfway, every = st.sampled_from(["voice", "chime", "off"]), st.just("off") | lengths(5_000)
    return some_of({}, {"halfway": halfway, "every": every, "countdown": st.integers(0, 10), "safety": st.booleans()})


def any_exercises(required: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    during = st.lists(some_of({"at": moments(), "say": texts()}, {"chime": st.just("tick")}), max_size=3)
    breath = st.fixed_dictionaries({"in": lengths(1_000).filter(is_breath), "out": st.just("6s")})
    labels = st.lists(texts(), min_size=1, max_size=3)
    phases = st.lists(some_of({"lasts": lengths()}, {"say": texts()}), min_size=1, max_size=3)
    keys = {
        "instruction": texts(),
        "hold": lengths(),
        "phases": phases,
        "reps": st.integers(1, 1_000),
        "during": during,
    }
    more = {"sides": st.sampled_from(["none", "each", "alternate"]) | labels, "cues": any_cues(), "min": lengths()}
    return some_of(
        required, {**keys, **more, "optional": st.booleans(), "needs": labels, "rest": lengths(0)} | {"breath": breath}
    )


def is_breath(length: str) -> bool:
    return 1_000 <= parse_duration(length) <= 30_000


def any_steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    plain = (
        any_exercises({"name": texts()})
        | some_of({"say": texts()}, {"pause": lengths(0)})
        | some_of({"rest": lengths(0)}, {"say": texts()})
        | some_of({"wait": lengths()}, {"say": texts()})
    )
    inner = st.recursive(
        plain,
        lambda step: some_of({"steps": st.lists(step, min_size=1, max_size=3)}, {"title": texts(), "rest": lengths(0)}),
        max_leaves=4,
    )
    return st.lists(inner, min_size=1, max_size=3)


def any_files() -> st.SearchStrategy[dict[str, Any]]:
    words = st.dictionaries(texts(), texts(), max_size=3)
    voice = some_of({}, {"gain_db": st.floats(-30, 6), "rate_wpm": st.integers(80, 400)})
    entries = st.lists(any_exercises({"id": st.sampled_from(["neck-roll", "a1"])}), max_size=2)
    tables = {"cues": any_cues(), "voice": voice, "phrases": words, "pronounce": words, "exercises": entries}
    return some_of({"title": texts(), "steps": any_steps()}, {"summary": texts(), **tables})


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(any_files())
def test_any_file_reads_as_it_was_written(data: dict[str, Any]) -> None:
    file = RoutineFile.model_validate(data)
    text = dump(file)
    assert parsed(text).model_dump(exclude_none=True) == file.model_dump(exclude_none=True)
    assert dump(parsed(text)) == text
    assert parse_document(text).data == tomllib.loads(text)
