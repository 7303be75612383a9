"""What is said in each gap, in each profile, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from timetable import WHERE, hold, in_phases, routine_of, said, timeline_of

from voiceroutine.cues import Utterance, dose_text, estimated_ms
from voiceroutine.routine import Block, Exercise, Phase, Rest, Say, Step, VoiceSettings
from voiceroutine.timeline import Timeline

Said = list[tuple[str, str]]
TAUGHT = hold(
    name="Tilt", sides=("right", "left"), instruction="Tilt {side}.", cue="Now {side}.", caution="Never into pain."
)


def timeline(*steps: Step, **cues: Any) -> Timeline:
    return timeline_of(routine_of(*steps, **cues))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("bell", []),
        ("quiet", [("name", "Tilt."), ("side", "Right side.")]),
        (
            "normal",
            [
                ("name", "Tilt."),
                ("side", "Right side."),
                ("instruction", "Tilt right."),
                ("caution", "Never into pain."),
            ],
        ),
    ],
)
def test_prepare_says_name_side_instruction_and_caution(profile: str, expected: Said) -> None:
    assert said(timeline(TAUGHT, profile=profile), "prepare") == expected


def test_the_second_time_the_short_form_is_enough() -> None:
    assert said(timeline(TAUGHT, TAUGHT), "prepare")[4:] == [("name", "Tilt."), ("side", "Now right.")]


def test_the_short_form_of_an_exercise_without_sides() -> None:
    step = hold(instruction="Fold at your hips.", cue="Fold again.", caution="Come up slowly.")
    assert said(timeline(step, step), "prepare")[3:] == [("name", "Fold."), ("instruction", "Fold again.")]


def test_another_wording_is_taught_again() -> None:
    other = replace(TAUGHT, instruction="Lean {side}.")
    assert ("instruction", "Lean right.") in said(timeline(TAUGHT, other), "prepare")


def test_a_name_or_title_that_ends_a_sentence_gets_no_second_stop() -> None:
    steps = (hold(name="Ready?"), Rest(where=WHERE, rest_ms=9_000), hold(name="Ready?"))
    found = timeline_of(routine_of(*steps, title="Stiff?"))
    assert said(found)[:2] == [("intro", "Stiff. About one minute."), ("name", "Ready?")]
    assert said(found, "rest") == [("rest", "Rest."), ("next_up", "Next: Ready.")]


@pytest.mark.parametrize(
    ("cue", "profile", "expected"),
    [
        ("Now {side}.", "normal", [("side", "Now left.")]),
        ("Once more.", "normal", [("side", "Left side."), ("side", "Once more.")]),
        (None, "normal", [("side", "Left side.")]),
        ("Now {side}.", "quiet", [("side", "Left side.")]),
        ("Now {side}.", "bell", []),
    ],
)
def test_switch_says_the_new_side(cue: str | None, profile: str, expected: Said) -> None:
    assert said(timeline(replace(TAUGHT, cue=cue), profile=profile), "switch") == expected


def test_labels_of_ones_own_are_said_as_they_are() -> None:
    step = hold(sides=("forward", "to the wall"))
    assert said(timeline(step), "prepare")[1:] == [("side", "Forward.")]
    assert said(timeline(step), "switch") == [("side", "To the wall.")]


@pytest.mark.parametrize(
    ("step", "profile", "expected"),
    [
        (hold(sets=3), "normal", [("set", "Set two of three."), ("set", "Last set.")]),
        (hold(sets=2, cue="Fold again."), "normal", [("set", "Last set."), ("instruction", "Fold again.")]),
        (replace(TAUGHT, sets=2), "normal", [("set", "Last set."), ("side", "Now right.")]),
        (replace(TAUGHT, sets=2), "quiet", [("side", "Right side.")]),
        (replace(TAUGHT, sets=2), "bell", []),
        (hold(sets=2, reps=2), "normal", [("set", "Last set."), ("rep", "One.")]),
    ],
)
def test_rest_between_sets_says_the_set_then_the_side(step: Exercise, profile: str, expected: Said) -> None:
    assert said(timeline(step, profile=profile), "rest") == expected


@pytest.mark.parametrize("profile", ["quiet", "normal"])
def test_reps_are_counted_in_the_gap_before_them(profile: str) -> None:
    counted = timeline(hold(reps=3), profile=profile)
    assert said(counted, "prepare")[-1] == ("rep", "One.")
    assert said(counted, "relax") == [("rep", "Two."), ("rep", "Three.")]
    assert said(counted, "work") == []


def test_without_a_gap_the_count_is_the_first_thing_in_the_rep() -> None:
    assert said(timeline(hold(reps=2, relax_ms=0)), "work") == [("rep", "Two.")]


@pytest.mark.parametrize("cues", [{"count_reps": False}, {"profile": "bell"}])
def test_reps_are_not_counted_if_it_is_not_wanted(cues: dict[str, Any]) -> None:
    assert "rep" not in [why for why, _ in said(timeline(hold(reps=2), hold(reps=2, relax_ms=0), **cues))]


def test_a_single_rep_is_not_counted() -> None:
    assert "rep" not in [why for why, _ in said(timeline(hold()))]


@pytest.mark.parametrize(
    ("text", "cues", "in_rest", "in_prepare"),
    [
        (None, {}, [("rest", "Rest."), ("next_up", "Next: Roll.")], []),
        ("Lie down.", {}, [("say", "Lie down."), ("next_up", "Next: Roll.")], []),
        (None, {"next_up": False}, [("rest", "Rest.")], [("name", "Roll.")]),
        (None, {"profile": "quiet", "next_up": False}, [], [("name", "Roll.")]),
        (None, {"profile": "quiet"}, [("next_up", "Next: Roll.")], []),
        ("Lie down.", {"profile": "bell"}, [("say", "Lie down.")], []),
    ],
)
def test_rest_names_what_is_next_and_prepare_does_not_repeat_it(
    text: str | None, cues: dict[str, Any], in_rest: Said, in_prepare: Said
) -> None:
    found = timeline(Rest(where=WHERE, rest_ms=9_000, text=text), hold(name="Roll"), **cues)
    assert said(found, "rest") == in_rest
    assert said(found, "prepare") == in_prepare


def test_the_rest_of_a_block_names_what_is_next() -> None:
    block = Block(where=WHERE, steps=(hold(),), repeat=2, rest_ms=9_000)
    assert said(timeline(block), "rest") == [("rest", "Rest."), ("next_up", "Next: Fold.")]


def test_after_something_else_was_said_the_name_is_repeated() -> None:
    steps = (Rest(where=WHERE, rest_ms=9_000), Say(where=WHERE, text="Up."), hold())
    assert said(timeline(*steps), "prepare") == [("name", "Fold.")]


def test_nothing_is_next_after_the_last_exercise() -> None:
    assert said(timeline(hold(), Rest(where=WHERE, rest_ms=9_000)), "rest") == [("rest", "Rest.")]


@pytest.mark.parametrize(
    ("cues", "whys"),
    [
        ({}, ["intro", "needs"]),
        ({"safety": True}, ["intro", "needs", "safety"]),
        ({"safety": True, "profile": "quiet"}, ["safety"]),
        ({"safety": True, "profile": "bell"}, ["safety"]),
        ({"profile": "bell"}, []),
    ],
)
def test_intro(cues: dict[str, Any], whys: list[str]) -> None:
    assert [why for why, _ in said(timeline(hold(needs=("a chair",)), **cues), "intro")] == whys


def test_the_intro_lists_every_needed_thing_once() -> None:
    steps = (hold(needs=("a chair", "a wall")), hold(needs=("a towel", "a chair")))
    assert said(timeline(*steps), "intro")[1] == ("needs", "You need a chair, a wall and a towel.")


def test_the_intro_tells_the_written_length() -> None:
    step = hold(170_000)
    assert said(timeline(step), "intro") == [("intro", "Small. About three minutes.")]


@pytest.mark.parametrize(("profile", "expected"), [("normal", 1), ("quiet", 1), ("bell", 0)])
def test_closing(profile: str, expected: int) -> None:
    assert said(timeline(hold(), profile=profile), "closing") == [("closing", "That was all. Well done.")] * expected


@pytest.mark.parametrize(("profile", "expected"), [("normal", 1), ("quiet", 1), ("bell", 0)])
def test_phase_words(profile: str, expected: int) -> None:
    step = in_phases(("Lift.", 3_000), (None, 3_000))
    assert said(timeline(step, profile=profile), "work") == [("phase", "Lift.")] * expected


def test_placeholders() -> None:
    everything = "{name}, {side}, {other_side}, {hold}, {rep} of {reps}, {set} of {sets}, {next}, {total}, {{}}"
    step = hold(30_000, reps=2, sets=3, sides=("left", "right"), instruction=everything)
    (text,) = [text for why, text in said(timeline(step, hold(name="Roll")), "prepare") if why == "instruction"]
    assert text == "Fold, left, right, thirty seconds, one of two, one of three, Roll, seven minutes, {}"


def test_spaces_and_line_ends_of_a_text_do_not_matter() -> None:
    assert said(timeline(Say(where=WHERE, text="Sit\n   tall.  ")), "say") == [("say", "Sit tall.")]


@pytest.mark.parametrize(("rate_wpm", "faster_wpm"), [(150, 172), (100, 115), (80, 92), (170, 195)])
def test_faster_is_at_most_15_percent(rate_wpm: int, faster_wpm: int) -> None:
    utterance = Utterance(text="Halfway.", voice=VoiceSettings(rate_wpm=rate_wpm))
    assert utterance.faster().voice.rate_wpm == faster_wpm


def test_an_estimate_grows_with_letters_and_pauses_and_shrinks_with_the_rate() -> None:
    def estimate(text: str, rate_wpm: int = 150) -> int:
        return estimated_ms(Utterance(text=text, voice=VoiceSettings(rate_wpm=rate_wpm)))

    assert estimate("Two.") < estimate("Twelve.") < estimate("Twelve, and two.")
    assert estimate("Sit tall and breathe.") < estimate("Sit tall. And breathe.")
    assert estimate("Sit tall.", 300) * 2 == pytest.approx(estimate("Sit tall."), abs=2)


@pytest.mark.parametrize(
    ("step", "dose"),
    [
        (hold(30_000), "hold 30s"),
        (hold(5_000, reps=8), "8 reps · hold 5s"),
        (hold(90_000, action="move"), "move 1m30s"),
        (hold(30_000, sets=2, sides=("right", "left")), "2 sets · hold 30s · right, left"),
        (hold(5_000, reps=3, sides=("right", "left"), is_alternating=True), "3 reps · hold 5s · sides in turn"),
        (in_phases(("Lift.", 2_000), ("Down.", 3_000), reps=8), "8 reps of 5s"),
        (hold(action="phases", phases=(Phase(lasts_ms=4_000),)), "1 rep of 4s"),
    ],
)
def test_dose(step: Exercise, dose: str) -> None:
    assert dose_text(step) == dose
