"""Small routines and their whole timetables; the bundled ones against the files in golden/.

A sentence lasts a second where nothing else is said.

    UPDATE_GOLDEN=1 pytest tests/test_timeline.py      writes golden/ anew
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from timetable import WHERE, hold, in_phases, lines, routine_of, sounding, table, timeline_of

from voiceroutine.cues import Utterance
from voiceroutine.library import bundled_folder
from voiceroutine.production import Production, load
from voiceroutine.routine import Block, Rest, Routine, Say
from voiceroutine.timeline import Timeline, compile_intervals
from voiceroutine.unroll import unroll

GOLDEN = Path(__file__).parent / "golden"
ROUTINES = sorted(file.stem for file in bundled_folder("routines").glob("*.toml") if file.stem != "exercises")


def expect(timeline: Timeline, written: str) -> None:
    assert table(timeline) == [" ".join(line.split()) for line in written.strip().splitlines()]


def notes(timeline: Timeline) -> list[str]:
    return [problem.message for problem in timeline.problems]


def test_one_hold() -> None:
    timeline = timeline_of(routine_of(hold(9_000, instruction="Sit tall.")))
    expect(
        timeline,
        """
            0  1400 intro
          400  1400   intro "Small. About one minute."
         1400 11400 prepare Fold, set 1, rep 1
         1800  2800   name "Fold."
         3100  4100   instruction "Sit tall."
        11400 20400 work Fold, set 1, rep 1
        11400 14100   start (bell)
        17400 17500   countdown (tick)
        18400 18500   countdown (tick)
        19400 19500   countdown (tick)
        20400 27650 closing
        20400 24400   end (bowl)
        20950 21950   closing "That was all. Well done."
        22650 27650   finish (three-bells)
        """,
    )
    assert [(one.start_ms, one.end_ms, one.title) for one in timeline.chapters] == [
        (0, 1_400, "Introduction"),
        (1_400, 27_650, "Fold"),
    ]


def test_a_gap_grows_for_its_words_and_work_does_not() -> None:
    timeline = timeline_of(routine_of(hold(2_000, prepare_ms=0, instruction="Sit tall.")), sit=4_000)
    expect(
        timeline,
        """
           0  1400 intro
         400  1400   intro "Small. About one minute."
        1400  7800 prepare Fold, set 1, rep 1 +6400
        1800  2800   name "Fold."
        3100  7100   instruction "Sit tall."
        7800  9800 work Fold, set 1, rep 1
        7800 10500   start (bell)
        9800 17050 closing
        9800 13800   end (bowl)
       10350 11350   closing "That was all. Well done."
       12050 17050   finish (three-bells)
        """,
    )


def test_sides_and_sets() -> None:
    step = hold(2_000, sides=("right", "left"), sets=2, prepare_ms=3_000, rest_ms=1_000, cue="Now {side}.")
    expect(
        timeline_of(routine_of(step)),
        """
            0  1400 intro
          400  1400   intro "Small. About one minute."
         1400  4800 prepare Fold right, set 1, rep 1 +400
         1800  2800   name "Fold."
         3100  4100   side "Right side."
         4800  6800 work Fold right, set 1, rep 1
         4800  7500   start (bell)
         6800 10800 switch Fold left, set 1, rep 1
         6800  8300   switch (two-tone)
         7350  8350   side "Now left."
        10800 12800 work Fold left, set 1, rep 1
        10800 13500   start (bell)
        12800 16350 rest Fold right, set 2, rep 1 +2550
        12800 16800   end (bowl)
        13350 14350   set "Last set."
        14650 15650   side "Now right."
        16350 18350 work Fold right, set 2, rep 1
        16350 19050   start (bell)
        18350 22350 switch Fold left, set 2, rep 1
        18350 19850   switch (two-tone)
        18900 19900   side "Now left."
        22350 24350 work Fold left, set 2, rep 1
        22350 25050   start (bell)
        24350 31600 closing
        24350 28350   end (bowl)
        24900 25900   closing "That was all. Well done."
        26600 31600   finish (three-bells)
        """,
    )


def test_alternating_sides_are_counted_once_for_a_pair() -> None:
    step = hold(2_000, sides=("right", "left"), is_alternating=True, reps=2)
    expect(
        timeline_of(routine_of(step, profile="quiet")),
        """
            0     0 intro
            0 10000 prepare Fold right, set 1, rep 1
          400  1400   name "Fold."
         1700  2700   side "Right side."
         3000  4000   rep "One."
        10000 12000 work Fold right, set 1, rep 1
        10000 12700   start (bell)
        12000 16000 switch Fold left, set 1, rep 1
        12000 13500   switch (two-tone)
        12550 13550   side "Left side."
        16000 18000 work Fold left, set 1, rep 1
        16000 18700   start (bell)
        18000 22000 switch Fold right, set 1, rep 2
        18000 19500   switch (two-tone)
        18550 19550   side "Right side."
        19850 20850   rep "Two."
        22000 24000 work Fold right, set 1, rep 2
        22000 24700   start (bell)
        24000 28000 switch Fold left, set 1, rep 2
        24000 25500   switch (two-tone)
        24550 25550   side "Left side."
        28000 30000 work Fold left, set 1, rep 2
        28000 30700   start (bell)
        30000 37250 closing
        30000 34000   end (bowl)
        30550 31550   closing "That was all. Well done."
        32250 37250   finish (three-bells)
        """,
    )


def test_phases_follow_each_other_and_their_words_follow_the_count() -> None:
    step = in_phases(("Lift.", 2_000), ("Down.", 3_000), reps=2)
    timeline = timeline_of(routine_of(step), two=500, lift=400)
    expect(
        timeline,
        """
            0  1400 intro
          400  1400   intro "Small. About one minute."
         1400 11400 prepare Roll, set 1, rep 1
         1800  2800   name "Roll."
         3100  4100   rep "One."
        11400 13400 work Roll, set 1, rep 1, phase 1
        11400 14100   start (bell)
        11550 11950   phase "Lift."
        13400 16400 work Roll, set 1, rep 1, phase 2
        13400 14400   phase "Down."
        16400 18400 work Roll, set 1, rep 2, phase 1
        16400 20400   end (bowl)
        16400 19100   start (bell)
        16550 17050   rep "Two."
        17350 17750   phase "Lift."
        18400 21400 work Roll, set 1, rep 2, phase 2
        18400 19400   phase "Down."
        21400 28650 closing
        21400 25400   end (bowl)
        21950 22950   closing "That was all. Well done."
        23650 28650   finish (three-bells)
        """,
    )
    assert notes(timeline) == []


def test_the_countdown_of_phases_is_that_of_the_rep() -> None:
    timeline = timeline_of(routine_of(in_phases((None, 4_000), (None, 5_000)), profile="bell"))
    assert [cue.at_ms for cue in timeline.cues if cue.why == "countdown"] == [16_000, 17_000, 18_000]


def test_reps_under_2_seconds_are_ticked() -> None:
    steps = (hold(1_500, reps=3, relax_ms=0), hold(1_999, reps=2), hold(2_000))
    expect(
        timeline_of(routine_of(*steps, profile="bell")),
        """
            0     0 intro
            0 10000 prepare Fold, set 1, rep 1
        10000 11500 work Fold, set 1, rep 1
        10000 10100   rep (tick)
        11500 13000 work Fold, set 1, rep 2
        11500 11600   rep (tick)
        13000 14500 work Fold, set 1, rep 3
        13000 13100   rep (tick)
        14500 24500 prepare Fold, set 1, rep 1
        14500 14600   rep (tick)
        24500 26499 work Fold, set 1, rep 1
        24500 24600   rep (tick)
        26499 28499 relax Fold, set 1, rep 2
        26499 26599   rep (tick)
        28499 30498 work Fold, set 1, rep 2
        28499 28599   rep (tick)
        30498 40498 prepare Fold, set 1, rep 1
        30498 30598   rep (tick)
        40498 42498 work Fold, set 1, rep 1
        40498 43198   start (bell)
        42498 49498 closing
        42498 46498   end (bowl)
        44498 49498   finish (three-bells)
        """,
    )


def test_rests_and_says_stand_by_themselves() -> None:
    rest = Rest(where=WHERE, rest_ms=9_000)
    lying = Rest(where=WHERE, rest_ms=500, text="Lie down.")
    steps = (hold(2_000), rest, hold(2_000, name="Roll"), lying, Say(where=WHERE, text="Up.", pause_ms=500))
    timeline = timeline_of(routine_of(*steps))
    expect(
        timeline,
        """
            0  1400 intro
          400  1400   intro "Small. About one minute."
         1400 11400 prepare Fold, set 1, rep 1
         1800  2800   name "Fold."
        11400 13400 work Fold, set 1, rep 1
        11400 14100   start (bell)
        13400 22400 rest
        13400 17400   end (bowl)
        13950 14950   rest "Rest."
        15250 16250   next_up "Next: Roll."
        22400 32400 prepare Roll, set 1, rep 1
        32400 34400 work Roll, set 1, rep 1
        32400 35100   start (bell)
        34400 35950 rest +1050
        34400 38400   end (bowl)
        34950 35950   say "Lie down."
        35950 37750 say
        36250 37250   say "Up."
        37750 44850 closing
        38150 39150   closing "That was all. Well done."
        39850 44850   finish (three-bells)
        """,
    )
    assert [(one.start_ms, one.title) for one in timeline.chapters] == [
        (0, "Introduction"),
        (1_400, "Fold"),
        (22_400, "Roll"),
    ]


def test_bell_is_silent_and_captions_the_author_and_safety() -> None:
    step = hold(20_000, prepare_ms=0, instruction="Sit tall.", reps=1)
    say = Say(where=WHERE, text="Breathe.", pause_ms=0)
    timeline = timeline_of(routine_of(say, step, profile="bell", safety=True, countdown_with="voice"), move=5_000)
    expect(
        timeline,
        """
            0  5400 intro
          400  5400   safety "Move slowly and stay with a mild stretch. Keep breathing. \
                              Stop if it hurts or if you feel dizzy."
         5400  6700 say
         5700  6700   say "Breathe."
         6700  7400 prepare Fold, set 1, rep 1 +700
         7400 27400 work Fold, set 1, rep 1
         7400 10100   start (bell)
        17400 17600   halfway (soft-tick)
        24400 24500   countdown (tick)
        25400 25500   countdown (tick)
        26400 26500   countdown (tick)
        27400 34400 closing
        27400 31400   end (bowl)
        29400 34400   finish (three-bells)
        """,
    )


def heard_in(timeline: Timeline, kind: str, *whys: str, rep: int = 1) -> list[str]:
    """Return the cues of some reasons in one rep or gap, their instants counted from its start."""
    placed = [one for one in timeline.intervals if one.interval.kind == kind and one.interval.rep == rep]
    start_ms = placed[0].start_ms
    cues = [cue for one in placed for cue in one.cues if cue.why in whys]
    return [f"{cue.at_ms - start_ms} {cue.end_ms - start_ms} {cue.why} {sounding(cue)}" for cue in cues]


@pytest.mark.parametrize(
    ("prepare_ms", "name_ms", "lasts_ms", "rows"),
    [
        (14_999, 1_000, 14_999, []),
        (15_000, 1_000, 15_000, ['12000 13000 ready "Get ready."']),
        (15_000, 12_500, 15_400, ['13200 14200 ready "Get ready."']),
        (0, 14_000, 16_900, ['14700 15700 ready "Get ready."']),
    ],
)
def test_long_gaps_end_with_get_ready(prepare_ms: int, name_ms: int, lasts_ms: int, rows: list[str]) -> None:
    timeline = timeline_of(routine_of(hold(2_000, prepare_ms=prepare_ms)), fold=name_ms)
    prepare = timeline.intervals[1]
    assert heard_in(timeline, "prepare", "ready") == rows
    assert prepare.end_ms - prepare.start_ms == lasts_ms


@pytest.mark.parametrize("lasts_ms", [13_899, 13_900, 16_000])
def test_quiet_has_no_get_ready_and_no_room_for_it(lasts_ms: int) -> None:
    timeline = timeline_of(routine_of(hold(2_000, prepare_ms=0), profile="quiet"), fold=lasts_ms)
    assert timeline.intervals[1].end_ms == 400 + lasts_ms + 700


@pytest.mark.parametrize(
    ("hold_ms", "countdown_s", "instants"),
    [
        (8_999, 3, []),
        (9_000, 3, [6_000, 7_000, 8_000]),
        (9_001, 3, [6_001, 7_001, 8_001]),
        (30_000, 10, [20_000 + 1_000 * second for second in range(10)]),
        (60_000, 0, []),
        (3_000, 1, [2_000]),
    ],
)
def test_countdown(hold_ms: int, countdown_s: int, instants: list[int]) -> None:
    timeline = timeline_of(routine_of(hold(hold_ms), countdown_s=countdown_s))
    assert heard_in(timeline, "work", "countdown") == [f"{at_ms} {at_ms + 100} countdown (tick)" for at_ms in instants]


@pytest.mark.parametrize(
    ("three_ms", "rows"),
    [
        (700, ['6000 6700 countdown "Three."', '7000 7600 countdown "Two."', '8000 8600 countdown "One."']),
        (750, ['6000 6654 countdown "Three." (172 wpm)', '7000 7600 countdown "Two."', '8000 8600 countdown "One."']),
        (900, ["6000 6100 countdown (tick)", "7000 7100 countdown (tick)", "8000 8100 countdown (tick)"]),
    ],
)
def test_a_voiced_countdown_is_hurried_or_ticked_if_a_number_is_too_long(three_ms: int, rows: list[str]) -> None:
    timeline = timeline_of(routine_of(hold(9_000), countdown_with="voice"), three=three_ms, two=600, one=600)
    assert heard_in(timeline, "work", "countdown") == rows
    assert len(timeline.problems) == (three_ms == 900)


@pytest.mark.parametrize(
    ("hold_ms", "halfway", "lasts_ms", "rows"),
    [
        (19_999, "voice", 1_000, []),
        (20_000, "voice", 1_000, ['10000 11000 halfway "Halfway."']),
        (20_001, "voice", 1_000, ['10000 11000 halfway "Halfway."']),
        (20_000, "chime", 1_000, ["10000 10200 halfway (soft-tick)"]),
        (20_000, "off", 1_000, []),
        (20_000, "voice", 6_700, ['10000 16700 halfway "Halfway."']),
        (20_000, "voice", 7_000, ['10000 16104 halfway "Halfway." (172 wpm)']),
        (20_000, "voice", 8_000, []),
    ],
)
def test_halfway_is_at_exactly_half_or_left_out(hold_ms: int, halfway: str, lasts_ms: int, rows: list[str]) -> None:
    timeline = timeline_of(routine_of(hold(hold_ms), halfway=halfway), halfway=lasts_ms)
    assert heard_in(timeline, "work", "halfway") == rows
    assert len(timeline.problems) == (lasts_ms > 6_700)


def test_phases_have_no_halfway_even_if_there_is_only_one() -> None:
    timeline = timeline_of(routine_of(in_phases(("Circle.", 30_000))))
    assert heard_in(timeline, "work", "halfway") == []


@pytest.mark.parametrize(
    ("two_ms", "lift_ms", "rows"),
    [
        (500, 400, ['150 650 rep "Two."', '950 1350 phase "Lift."', '1650 2650 phase "Down."']),
        (500, 550, ['150 650 rep "Two."', '950 1500 phase "Lift."', '1800 2800 phase "Down."']),
        (500, 560, ['150 650 rep "Two."', '1800 2800 phase "Down."']),
        (2_000, 400, ['150 2150 rep "Two."', '2450 3450 phase "Down."']),
        (9_000, 400, []),
    ],
)
def test_a_phase_word_is_late_only_as_long_as_its_phase_lasts(two_ms: int, lift_ms: int, rows: list[str]) -> None:
    step = in_phases(("Lift.", 1_500), ("Down.", 3_500), reps=2)
    timeline = timeline_of(routine_of(step), two=two_ms, lift=lift_ms)
    assert heard_in(timeline, "work", "rep", "phase", rep=2) == rows


def test_a_round_is_a_chapter() -> None:
    block = Block(where=WHERE, steps=(hold(), hold(name="Roll")), repeat=2)
    timeline = timeline_of(routine_of(block, profile="bell"))
    assert [one.title for one in timeline.chapters] == [
        "Fold, round 1",
        "Roll, round 1",
        "Fold, round 2",
        "Roll, round 2",
    ]


def test_a_routine_without_exercises_is_one_chapter() -> None:
    timeline = timeline_of(routine_of(Rest(where=WHERE, rest_ms=9_000), title="Pause"))
    assert [(one.start_ms, one.end_ms, one.title) for one in timeline.chapters] == [(0, timeline.duration_ms, "Pause")]


def test_a_note_that_repeats_is_reported_once() -> None:
    step = in_phases(("Lift.", 2_000), reps=9)
    assert notes(timeline_of(routine_of(step), lift=9_000)) == [
        '"Lift." (phase) doesn\'t fit into its work and is left out'
    ]


def test_streaming_measures_what_it_yields_and_nothing_further() -> None:
    measured: list[str] = []

    def measure(utterance: Utterance) -> int:
        measured.append(utterance.text)
        return 1_000

    routine = routine_of(hold(9_000, instruction="Sit tall."), hold(name="Roll"))
    placing = compile_intervals(routine, unroll(routine), measure, lambda _: 500)
    assert (next(placing).interval.kind, measured) == ("intro", ["Small. About one minute."])
    assert (next(placing).interval.kind, measured[1:]) == ("prepare", ["Fold.", "Sit tall."])


@pytest.mark.parametrize("name", ROUTINES)
def test_bundled_routines_are_as_they_were(name: str) -> None:
    now = "".join(f"{line}\n" for line in written(load(name)))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == now, "if it was meant to change: UPDATE_GOLDEN=1"


def test_every_golden_file_belongs_to_a_bundled_routine() -> None:
    assert sorted(file.stem for file in GOLDEN.glob("*.txt")) == ROUTINES


def written(routine: Routine) -> list[str]:
    timeline = Production(routine).estimated_timeline()
    chapters = [f"{one.start_ms:>8} {one.end_ms:>8}  {one.title}" for one in timeline.chapters]
    return [timeline.title, *chapters, "", *lines(timeline), "", *notes(timeline)]
