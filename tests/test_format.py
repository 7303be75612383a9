"""What every key of a routine means, beyond the plain dose: cues inside work, per-step settings, own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from timetable import table, timeline_of

from voiceroutine import mistakes, model
from voiceroutine.cues import Speech, Utterance
from voiceroutine.document import parse_document
from voiceroutine.errors import RoutineError
from voiceroutine.loading import load_routine
from voiceroutine.routine import PROFILES, Block, Breath, CueSettings, Exercise, Profile, Routine, Say, Wait
from voiceroutine.timeline import compile_timeline
from voiceroutine.unroll import lengthened, unroll

LIBRARY = """
[[exercises]]
id = "tilt"
name = "Tilt"
instruction = "Tilt to the {side}."
cue = "Now the {side}."
hold = "30s"
sides = "each"
switch = "5s"
prepare = "10s"
min = "20s"
max = "40s"
during = [{ at = "25s", say = "Soften." }]
"""


def load(text: str, *, profile: Profile | None = None) -> Routine:
    library: dict[str, Sequence[model.ExerciseEntry]] = {}
    for entry in mistakes.examine(parse_document(LIBRARY), model.LibraryFile).table.exercises:
        library[entry.id] = [entry]
    return load_routine(parse_document(f'title = "T"\n{text}', "r.toml"), library, profile=profile)


def only(text: str) -> Exercise:
    return next(load(text).exercises())


def problems(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(RoutineError) as caught:
        load(text)
    return [(problem.where.path, problem.message, problem.hint) for problem in caught.value.problems]


def step(lines: str) -> str:
    return f'[[steps]]\nname = "Fold"\nhold = "30s"\n{lines}\n'


@pytest.mark.parametrize(
    ("at", "at_ms"),
    [
        ('"10s"', 10_000),
        ("10", 10_000),
        ("1.5", 1_500),
        ('"0s"', 0),
        ('"50%"', 15_000),
        ('"33.3%"', 9_990),
        ('"0%"', 0),
        ('"-8s"', 22_000),
        ("-8", 22_000),
        ("-0.5", 29_500),
        ('"-30s"', 0),
    ],
)
def test_a_cue_inside_work_stands_after_its_start_before_its_end_or_at_a_part_of_it(at: str, at_ms: int) -> None:
    (cue,) = only(step(f'during = [{{ at = {at}, say = "Soften." }}]')).during
    assert cue.at_ms == at_ms


OUTSIDE = 'write a time inside it, like "50%", or "-8s" before its end'
AT = 'write it like "10s", "50%" or "-8s" (before the end)'


@pytest.mark.parametrize(
    ("during", "expected"),
    [
        (
            '{ at = "30s", say = "x" }',
            ("steps[0].during[0].at", '"30s" is after the end of the work, which lasts 30s', OUTSIDE),
        ),
        (
            '{ at = "-31s", chime = "tick" }',
            ("steps[0].during[0].at", '"-31s" is before the start of the work, which lasts 30s', OUTSIDE),
        ),
        ('{ say = "x" }', ("steps[0].during[0].at", "is missing", 'say when: at = "10s", "50%" or "-8s"')),
        (
            '{ at = "10s" }',
            (
                "steps[0].during[0]",
                "has neither say nor chime",
                'write what to say: { at = "10s", say = "Breathe out." }',
            ),
        ),
        ('{ at = "soon", say = "x" }', ("steps[0].during[0].at", '"soon" is not a time inside work', AT)),
        (
            '{ at = "100%", say = "x" }',
            (
                "steps[0].during[0].at",
                '"100%" is not a part of the work',
                'write it like "50%", from 0% to below 100%',
            ),
        ),
        (
            '{ at = "-0s", say = "x" }',
            ("steps[0].during[0].at", "is the end itself", 'write how long before it, like "-8s"'),
        ),
        (
            '{ at = "10s", sya = "x" }',
            ("steps[0].during[0].sya", 'unknown key "sya"', 'did you mean "say"?'),
        ),
        (
            '{ at = "10s", say = "{next} soon" }',
            (
                "steps[0].during[0].say",
                "{next} has no meaning here: no exercise follows",
                "take it out, or say it in words",
            ),
        ),
    ],
)
def test_a_cue_outside_its_work_or_without_a_meaning_is_an_error(during: str, expected: tuple[str, str, str]) -> None:
    assert problems(step(f"during = [{during}]"))[0] == expected


def test_an_inherited_cue_outside_a_shorter_work_is_left_out_with_a_note() -> None:
    routine = load('[[steps]]\nexercise = "tilt"\nhold = "15s"\n')
    assert next(routine.exercises()).during == ()
    (note,) = routine.notes
    assert note.severity == "note"
    assert note.message == ('"25s" is after the end of the work, which lasts 15s; this cue of the library is left out')
    assert str(note.where).startswith("r.toml:2:1")


def test_cues_inside_work_are_said_and_chimed() -> None:
    routine = load(
        "[cues]\nsafety = false\n"
        + step(
            'during = [{ at = "10s", say = "{remaining} to go." }, { at = "50%", chime = "soft-tick" }, '
            '{ at = "-8s", say = "Almost.", chime = "tick" }]'
        )
    )
    work = [row for row in table(timeline_of(routine)) if row.split()[2] in {"during", "halfway", "start"}]
    assert work == [
        "6400 9100 start (bell)",
        '16400 17400 during "Twenty seconds to go."',
        "21400 21600 during (soft-tick)",
        '21550 22550 halfway "Halfway."',
        "28400 28500 during (tick)",
        '28550 29550 during "Almost."',
    ]


def test_breath_is_said_as_long_as_a_whole_breath_has_room() -> None:
    routine = load('[cues]\nsafety = false\nhalfway = "off"\n' + step('breath = { in = "4s", out = 8 }'))
    assert next(routine.exercises()).breath == Breath(in_ms=4_000, out_ms=8_000)
    breaths = [row for row in table(timeline_of(routine)) if row.split()[2] == "breath"]
    assert breaths == [
        '6550 7550 breath "Breathe in."',
        '10400 11400 breath "Breathe out."',
        '18400 19400 breath "Breathe in."',
        '22400 23400 breath "Breathe out."',
    ]


@pytest.mark.parametrize("profile", ["quiet", "bell"])
def test_breath_is_chimed_where_little_is_said(profile: Profile) -> None:
    routine = load(step('breath = { in = "5s", out = "10s" }'), profile=profile)
    timeline = timeline_of(routine)
    start_ms = next(cue.at_ms for cue in timeline.cues if cue.why == "start")
    breaths = [row.split(maxsplit=2) for row in table(timeline) if " breath " in row]
    assert [(int(at) - start_ms, int(end) - start_ms, what) for at, end, what in breaths] == [
        (0, 5_000, "breath (bells-breath-in)"),
        (5_000, 15_000, "breath (bells-breath-out)"),
        (15_000, 20_000, "breath (bells-breath-in)"),
        (20_000, 30_000, "breath (bells-breath-out)"),
    ]


@pytest.mark.parametrize(
    ("how", "profile", "spoken"),
    [
        ("tone", "normal", False),
        ("tone", "coach", False),
        ("words", "normal", True),
        ("words", "quiet", True),
        ("words", "bell", False),
    ],
)
def test_the_author_chooses_a_tone_or_words(how: str, profile: Profile, spoken: bool) -> None:
    routine = load(step(f'breath = {{ in = "5s", out = "10s", with = "{how}" }}'), profile=profile)
    breaths = [cue for cue in timeline_of(routine).cues if cue.why == "breath"]
    assert {isinstance(cue, Speech) for cue in breaths} == {spoken}


def test_only_whole_breaths_are_paced_and_what_is_left_is_told() -> None:
    timeline = timeline_of(load(step('breath = { in = "4s", out = "8s", with = "tone" }')))
    start_ms = next(cue.at_ms for cue in timeline.cues if cue.why == "start")
    assert [cue.end_ms - start_ms for cue in timeline.cues if cue.why == "breath"] == [4_000, 12_000, 16_000, 24_000]
    assert [(problem.severity, problem.message) for problem in timeline.problems] == [
        ("note", "the work of 30s has 2 whole breaths of 12s; its last 6s isn't paced")
    ]


def test_a_lengthened_hold_is_paced_for_longer() -> None:
    routine = load('[cues]\nprofile = "bell"\n' + step('breath = { in = "4s", out = "6s" }'))
    intervals = unroll(routine)
    work = next(index for index, interval in enumerate(intervals) if interval.exact)
    timeline = compile_timeline(routine, lengthened(intervals, work, 45_000), lambda _: 1_000, lambda _: 100)
    assert sum(cue.why == "breath" for cue in timeline.cues) == 8


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", ("bells", "bell", "bowl")),
        ('theme = "wood"', ("wood", "wood-start", "wood-end")),
        ('theme = "tones"\nstart = "bowl"', ("tones", "bowl", "tones-end")),
        ('theme = "bells"\nend = "wood-end"', ("bells", "bell", "wood-end")),
    ],
)
def test_a_theme_gives_every_chime_that_is_not_written(table: str, expected: tuple[str, str, str]) -> None:
    sounds = load(f"[sounds]\n{table}\n{step('')}").sounds
    assert (sounds.theme, sounds.start, sounds.end) == expected


def test_a_breath_longer_than_the_work_is_an_error() -> None:
    expected = (
        "steps[0].breath",
        "a breath of 35s doesn't fit into work of 30s",
        "make the breath shorter, or the work longer",
    )
    assert problems(step('breath = { in = "15s", out = "20s" }')) == [expected]


def test_the_time_left_is_said_at_an_interval_but_not_in_the_counted_seconds() -> None:
    routine = load('[cues]\nsafety = false\nevery = "9s"\nhalfway = "off"\n' + step(""))
    said = [row for row in table(timeline_of(routine)) if row.split()[2] == "every"]
    assert said == ['15400 16400 every "Twenty-one seconds left."', '24400 25400 every "Twelve seconds left."']


def test_halfway_keeps_its_place_before_the_time_left_which_is_reported() -> None:
    routine = load('[cues]\nevery = "15s"\n' + step(""))
    timeline = timeline_of(routine)
    assert [cue.why for cue in timeline.cues if cue.why in {"every", "halfway"}] == ["halfway"]
    assert [problem.message for problem in timeline.problems] == [
        '"Fifteen seconds left." (every) doesn\'t fit into its work and is left out'
    ]


def test_what_an_author_wants_keeps_its_place_before_halfway() -> None:
    routine = load(step('during = [{ at = "14.5s", say = "Soften." }]'))
    timeline = timeline_of(routine)
    assert [cue.why for cue in timeline.cues if cue.why in {"during", "halfway"}] == ["during"]
    (problem,) = timeline.problems
    assert problem.message == '"Halfway." (halfway) doesn\'t fit into its work and is left out'


def test_a_cue_that_is_moved_is_reported_where_it_is_written() -> None:
    text = step('during = [\n{ at = "10s", say = "Long." },\n{ at = "11s", say = "Soften." },\n]')
    timeline = timeline_of(load(text), long=1_500)
    (problem,) = timeline.problems
    assert (problem.where.line, problem.where.path) == (7, "steps[0].during[1]")
    assert problem.message == '"Soften." (during) is said up to 1 s later, when there is room for it'


def test_a_sentence_of_the_authors_that_has_no_room_is_a_warning_where_it_is_written() -> None:
    text = step('during = [{ at = "-2s", say = "Long." }]')
    (problem,) = timeline_of(load(text)).problems
    assert (problem.severity, problem.where.path) == ("warning", "steps[0].during[0]")
    assert problem.message == '"Long." (during) doesn\'t fit into its work and is left out'
    assert problem.hint == "say it at another time, or in fewer words"


def test_coach_encourages_in_turn_and_normal_does_not() -> None:
    text = '[cues]\nhalfway = "off"\n[[steps]]\nname = "Fold"\nhold = "60s"\nsides = "each"\n'
    coach = timeline_of(load(text, profile="coach"))
    said = [cue for cue in coach.cues if cue.why == "encouragement"]
    starts = [cue.at_ms for cue in coach.cues if cue.why == "start"]
    assert [cue.at_ms for cue in said] == [start + quarter for start in starts for quarter in (15_000, 45_000)]
    assert len({table_text(cue) for cue in said}) == 4
    assert not [cue for cue in timeline_of(load(text)).cues if cue.why == "encouragement"]


def table_text(cue: object) -> str:
    utterance = getattr(cue, "utterance", None)
    assert isinstance(utterance, Utterance)
    return utterance.text


def test_a_paced_breath_is_not_talked_into() -> None:
    text = step('breath = { in = "4s", out = "6s" }')
    assert not [cue for cue in timeline_of(load(text, profile="coach")).cues if cue.why == "encouragement"]


def test_a_wait_says_its_text_or_to_continue_and_what_is_next() -> None:
    routine = load('[[steps]]\nwait = "30s"\n[[steps]]\nwait = 2\nsay = "Find a doorway."\n' + step(""))
    assert routine.steps[:2] == (
        Wait(where=routine.steps[0].where, wait_ms=30_000),
        Wait(where=routine.steps[1].where, wait_ms=2_000, text="Find a doorway."),
    )
    rows = table(timeline_of(routine))
    first = next(index for index, row in enumerate(rows) if row.endswith(" wait"))
    assert [row.split(maxsplit=2)[2] for row in rows[first : first + 6]] == [
        "wait",
        'wait "Continue when you are ready."',
        'next_up "Next: Fold."',
        "wait +700",
        'say "Find a doorway."',
        'next_up "Next: Fold."',
    ]
    assert not [row for row in rows if "name" in row.split()]


STEP_CUES: Mapping[str, CueSettings] = {
    "countdown = 0": CueSettings(countdown_s=0),
    'profile = "quiet"': PROFILES["quiet"],
    'profile = "bell"\nevery = "30s"': CueSettings(
        profile="bell", halfway="chime", next_up=False, count_reps=False, every_ms=30_000
    ),
}


@pytest.mark.parametrize("written", STEP_CUES)
def test_a_step_has_cues_of_its_own(written: str) -> None:
    keys = ", ".join(written.splitlines())
    assert only(step(f"cues = {{ {keys} }}")).cues == STEP_CUES[written]
    assert only(step("")).cues is None


def test_the_cues_of_a_block_are_those_of_its_steps_unless_they_have_their_own() -> None:
    text = """
[cues]
countdown = 5
[[steps]]
cues = { profile = "quiet" }
steps = [{ name = "A", hold = 9 }, { name = "B", hold = 9, cues = { halfway = "off" } }, { say = "Good." }]
"""
    (block,) = load(text).steps
    assert isinstance(block, Block)
    quiet = CueSettings(profile="quiet", halfway="chime", next_up=False, count_reps=False, countdown_s=5)
    a, b, say = block.steps
    assert isinstance(a, Exercise)
    assert isinstance(b, Exercise)
    assert isinstance(say, Say)
    assert a.cues == say.cues == quiet
    assert b.cues == CueSettings(profile="quiet", halfway="off", next_up=False, count_reps=False, countdown_s=5)


def test_the_profile_that_a_listener_chose_wins_over_that_of_a_step() -> None:
    (exercise,) = load(step('cues = { profile = "coach", countdown = 0 }'), profile="quiet").exercises()
    assert exercise.cues == CueSettings(
        profile="quiet", halfway="chime", next_up=False, count_reps=False, countdown_s=0
    )


def test_a_quiet_step_names_itself_and_a_bell_step_says_nothing() -> None:
    text = (
        "[cues]\nsafety = false\n"
        '[[steps]]\nexercise = "tilt"\ncues = { profile = "bell" }\n'
        '[[steps]]\nexercise = "tilt"\ncues = { profile = "quiet" }\n'
    )
    rows = [row.split(maxsplit=2)[2] for row in table(timeline_of(load(text))) if '"' in row]
    assert rows == [
        'intro "T. About three minutes."',
        'during "Soften."',
        'during "Soften."',
        'name "Tilt."',
        'side "Right side."',
        'during "Soften."',
        'side "Left side."',
        'during "Soften."',
        'closing "That was all. Well done."',
    ]


def test_optional_steps_are_marked() -> None:
    text = '[[steps]]\nsay = "Hi."\noptional = true\n[[steps]]\noptional = true\nsteps = [{ name = "A", hold = 9 }]\n'
    say, block = load(text).steps
    assert isinstance(say, Say)
    assert isinstance(block, Block)
    assert say.is_optional
    assert block.is_optional
    assert only(step("optional = true")).is_optional
    assert not only(step("")).is_optional


@pytest.mark.parametrize(
    ("text", "range_ms"),
    [
        (step(""), (10_000, 60_000)),
        ('[[steps]]\nname = "A"\nhold = "6s"\n', (6_000, 60_000)),
        ('[[steps]]\nname = "A"\nhold = "90s"\n', (10_000, 90_000)),
        (step('min = "20s"\nmax = "45s"'), (20_000, 45_000)),
        ('[[steps]]\nexercise = "tilt"\n', (20_000, 40_000)),
        ('[[steps]]\nexercise = "tilt"\nhold = "15s"\n', (15_000, 40_000)),
        ('[[steps]]\nexercise = "tilt"\nhold = "50s"\n', (20_000, 50_000)),
        ('[[steps]]\nname = "A"\nmove = "90s"\n', (0, 0)),
    ],
)
def test_how_far_a_hold_may_be_changed(text: str, range_ms: tuple[int, int]) -> None:
    exercise = only(text)
    assert (exercise.min_ms, exercise.max_ms) == range_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            step('min = "40s"'),
            ("steps[0].min", "is longer than the hold of 30s", "min is how far the hold may be changed"),
        ),
        (
            step('max = "20s"'),
            ("steps[0].max", "is shorter than the hold of 30s", "max is how far the hold may be changed"),
        ),
        (
            '[[steps]]\nname = "A"\nmove = 9\nmin = 5\n',
            (
                "steps[0].min",
                "has no meaning here: only a hold is fitted to a length",
                "move changes by sets only; take it out",
            ),
        ),
    ],
)
def test_a_range_that_the_hold_is_not_in_is_an_error(text: str, expected: tuple[str, str, str]) -> None:
    assert problems(text) == [expected]


def test_own_phrases_are_said_instead_of_the_built_in_ones() -> None:
    text = '[phrases]\nhalfway = "Half of {name}. {remaining} to go."\nclosing = "Bye."\nintroduction = "Start"\n'
    timeline = timeline_of(load(text + step("")))
    rows = [row.split(maxsplit=2)[2] for row in table(timeline)]
    assert 'halfway "Half of Fold. Fifteen seconds to go."' in rows
    assert 'closing "Bye."' in rows
    assert timeline.chapters[0].title == "Start"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('halfwy = "x"', ("phrases.halfwy", 'there is no built-in phrase "halfwy"', 'did you mean "halfway"?')),
        (
            'safety = "{name}!"',
            (
                "phrases.safety",
                "{name} has no meaning here",
                "this phrase may have {total}",
            ),
        ),
        ('rep = "{ rep }"', ("phrases.rep", "unknown placeholder { rep }", 'did you mean "{rep}"?')),
        ("halfway = 3", ("phrases.halfway", 'must be text, in quotes: "…"', "")),
    ],
)
def test_an_own_phrase_that_cannot_be_said_is_an_error(line: str, expected: tuple[str, str, str]) -> None:
    assert problems(f"[phrases]\n{line}\n" + step("")) == [expected]


def test_the_order_of_pronunciation_does_not_shape_the_voice() -> None:
    one = load('[pronounce]\nscalenes = "skay leens"\nmat = "matt"\n' + step(""))
    other = load('[pronounce]\nmat = "matt"\nscalenes = "skay leens"\n' + step(""))
    assert one.voice == other.voice
    assert one.voice.pronounce == (("mat", "matt"), ("scalenes", "skay leens"))


def test_a_text_that_gets_too_long_by_its_placeholders_is_an_error() -> None:
    text = f'[[steps]]\nname = "{"N" * 200}"\nhold = 9\ninstruction = "{"{name} " * 11}"\n'
    message = "is longer than 2,000 characters once its placeholders are filled"
    assert problems(text) == [("steps[0].instruction", message, "say it in fewer words")]


HERE = Path(__file__).parent


def keys_in(table: Mapping[str, object], path: str = "") -> set[str]:
    """Return every key of a document with the tables that it stands in, indices left out."""
    found: set[str] = set()
    for key, value in table.items():
        found.add(f"{path}{key}")
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                found |= keys_in(inner, f"{path}{key}.")
    return found


def test_a_routine_of_every_key_has_the_timetable_worked_out_by_hand() -> None:
    """`every-key.txt` was worked out from the rules of the format with a second for each sentence.

    The written length is 2 + 194 + 19 + 20 + 115 + 30 + 28 s = 6.8 minutes; words begin 400 ms after a gap's start, or
    550 ms where a chime opens it; the gap of 1 s in "Roll" grows to 0.55 + 1 + 0.7 s; a breath in and halfway want the
    same instant in "Reach", and halfway is more important.
    """
    text = (HERE / "every-key.toml").read_text(encoding="utf-8")
    timeline = timeline_of(load_routine(parse_document(text, "every-key.toml"), {}))
    assert table(timeline) == (HERE / "every-key.txt").read_text(encoding="utf-8").splitlines()
    assert [(problem.where.path, problem.message) for problem in timeline.problems] == [
        ("steps[4].steps[0]", "the work of 12s has 2 whole breaths of 5s; its last 2s isn't paced"),
        ("steps[4].steps[0]", "the countdown is ticked: its numbers are too long for a second each"),
        ("steps[6]", '"Breathe in." (breath) doesn\'t fit into its work and is left out'),
    ]


def test_the_routine_of_every_key_leaves_none_out() -> None:
    used = keys_in(parse_document((HERE / "every-key.toml").read_text(encoding="utf-8")).data)
    tables: Mapping[str, type[model.Table]] = {
        "": model.RoutineFile,
        "voice.": model.VoiceTable,
        "cues.": model.CuesTable,
        "sounds.": model.SoundsTable,
        "sounds.background.": model.BackgroundTable,
        "defaults.": model.DefaultsTable,
    }
    for path, written in tables.items():
        assert {f"{path}{key}" for key in written.written_keys()} <= used
    in_steps = {key.rpartition(".")[2] for key in used if key.startswith(("steps.", "exercises."))}
    steps = (model.ExerciseStep, model.ExerciseEntry, model.SayStep, model.RestStep, model.WaitStep, model.BlockStep)
    for step_table in (*steps, model.DuringTable, model.BreathTable, model.PhaseTable):
        assert set(step_table.written_keys()) <= in_steps
