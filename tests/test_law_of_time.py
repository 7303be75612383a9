"""The law of time, over random routines and voices: work is exact, gaps are minimums.

LAW_EXAMPLES=2000 pytest tests/test_law_of_time.py      looks longer
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given, settings
from strategies import SOUND_LENGTHS_MS, Pace, Session, crowded_sessions, paces, sessions

from voiceroutine.cues import Chime, Speech
from voiceroutine.routine import Block, Exercise, Routine, Step
from voiceroutine.timeline import Placed, Timeline, collect, compile_intervals

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "15"))
law = settings(max_examples=EXAMPLES, deadline=None)

GAPS = {"prepare", "relax", "switch", "rest", "wait"}
# Words wait for the attack of a chime; several chimes that follow each other at once are waited for in a row.
LONGEST_ATTACK_MS = 600
Key = tuple[int, str, str, int]


@dataclass(frozen=True, slots=True)
class Rep:
    """One rep of work: one interval, or one for each phase."""

    step: Exercise
    placed: tuple[Placed, ...]
    following: Placed

    @property
    def start_ms(self) -> int:
        return self.placed[0].start_ms

    @property
    def end_ms(self) -> int:
        return self.placed[-1].end_ms

    @property
    def ms(self) -> int:
        return self.end_ms - self.start_ms

    def words(self) -> list[Speech]:
        return [cue for placed in self.placed for cue in spoken(placed)]


def reps_of(timeline: Timeline) -> Iterator[Rep]:
    work: list[Placed] = []
    for placed, following in pairwise(timeline.intervals):
        step = placed.interval.step
        if placed.interval.kind != "work" or step is None:
            continue
        work.append(placed)
        if len(work) == len(step.phases):
            yield Rep(step, tuple(work), following)
            work = []


def spoken(placed: Placed) -> list[Speech]:
    return [cue for cue in placed.cues if isinstance(cue, Speech)]


def instants(timeline: Timeline, *whys: str) -> list[tuple[int, str]]:
    return [(cue.at_ms, cue.why) for cue in timeline.cues if cue.why in whys]


@law
@given(sessions())
def test_intervals_tile(session: Session) -> None:
    timeline = session.timeline()
    assert timeline.intervals[0].start_ms == 0
    assert all(one.end_ms == other.start_ms for one, other in pairwise(timeline.intervals))
    assert timeline.intervals[-1].end_ms == timeline.duration_ms
    assert [placed.interval for placed in timeline.intervals] == list(session.intervals())


@law
@given(sessions())
def test_cues_are_sorted_and_lie_in_their_interval_and_in_the_timeline(session: Session) -> None:
    timeline = session.timeline()
    assert [cue.at_ms for cue in timeline.cues] == sorted(cue.at_ms for cue in timeline.cues)
    assert all(0 <= cue.at_ms <= cue.end_ms <= timeline.duration_ms for cue in timeline.cues)
    assert all(placed.start_ms <= cue.at_ms <= placed.end_ms for placed in timeline.intervals for cue in placed.cues)


@law
@given(sessions())
def test_every_cue_lasts_as_long_as_its_sentence_or_sound(session: Session) -> None:
    for cue in session.timeline().cues:
        if cue.why != "breath" or isinstance(cue, Speech):
            expected = session.pace(cue.utterance) if isinstance(cue, Speech) else SOUND_LENGTHS_MS[cue.sound]
            assert cue.duration_ms == expected


@law
@given(sessions())
def test_tones_of_breaths_fill_whole_breaths_from_the_start_of_work_and_nothing_else(session: Session) -> None:
    timeline = session.timeline()
    for rep in reps_of(timeline):
        breath, rep_ms = rep.step.breath, sum(phase.lasts_ms for phase in rep.step.phases)
        tones = [cue for placed in rep.placed for cue in placed.cues if cue.why == "breath" and isinstance(cue, Chime)]
        if breath is None or not tones:
            continue
        assert len(tones) == 2 * (rep_ms // breath.whole_ms)
        assert tones[0].at_ms == rep.start_ms
        assert all(one.end_ms == other.at_ms for one, other in pairwise(tones))
        assert [tone.duration_ms for tone in tones] == [breath.in_ms, breath.out_ms] * (len(tones) // 2)
        left_ms = rep_ms % breath.whole_ms
        assert any("isn't paced" in problem.message for problem in timeline.problems) or not left_ms


@law
@given(sessions())
def test_utterances_are_300_ms_apart(session: Session) -> None:
    speech = [cue for cue in session.timeline().cues if isinstance(cue, Speech)]
    assert all(other.at_ms - one.end_ms >= 300 for one, other in pairwise(speech))


@law
@given(sessions())
def test_work_lasts_exactly_as_prescribed(session: Session) -> None:
    for rep in reps_of(session.timeline()):
        assert [placed.end_ms - placed.start_ms for placed in rep.placed] == [p.lasts_ms for p in rep.step.phases]


@law
@given(sessions())
def test_a_gap_is_a_minimum_and_grows_only_for_words(session: Session) -> None:
    last_word_ms = -700
    for placed, following in pairwise(session.timeline().intervals):
        words = spoken(placed)
        if placed.interval.kind in GAPS:
            assert placed.grown_ms >= 0
            if placed.grown_ms:
                last_word_ms = words[-1].end_ms if words else last_word_ms
                assert placed.end_ms == last_word_ms + space_after(words, following)
        if words and not placed.interval.exact:
            last_word_ms = words[-1].end_ms


def space_after(words: list[Speech], following: Placed) -> int:
    if not following.interval.exact:
        return 0
    return 1_200 if words and words[-1].why == "ready" else 700


@law
@given(sessions())
def test_a_say_lasts_its_words_and_its_pause(session: Session) -> None:
    for placed in session.timeline().intervals:
        if placed.interval.kind == "say":
            (words,) = spoken(placed)
            assert placed.end_ms == words.end_ms + placed.interval.minimum_ms
            assert words.at_ms - placed.start_ms <= 300


@law
@given(sessions())
def test_words_begin_at_the_beginning_of_their_gap_after_a_breath(session: Session) -> None:
    for placed in session.timeline().intervals:
        first = next(iter(spoken(placed)), None)
        if placed.interval.kind in {*GAPS, "intro", "closing"} and first is not None and first.why != "ready":
            opening = isinstance(placed.cues[0], Chime)
            assert first.at_ms == placed.start_ms + (550 if opening else 400)


@law
@given(sessions())
def test_words_of_gaps_end_700_ms_before_work(session: Session) -> None:
    last: Speech | None = None
    for placed in session.timeline().intervals:
        if placed.interval.exact and last is not None:
            assert placed.start_ms - last.end_ms >= (1_001 if last.why == "ready" else 700)
        if not placed.interval.exact:
            last = next(reversed(spoken(placed)), last)


@law
@given(sessions())
def test_gaps_of_15_seconds_or_more_end_with_get_ready(session: Session) -> None:
    for placed, following in pairwise(session.timeline().intervals):
        whys = [words.why for words in spoken(placed)]
        is_long = placed.end_ms - placed.start_ms >= 15_000 and following.interval.exact and not placed.interval.exact
        assert whys.count("ready") == (is_long and session.routine.cues.explains)
        assert "ready" not in whys[:-1]


@law
@given(sessions())
def test_chimes_stand_at_the_first_frame_of_work_and_the_first_after_it(session: Session) -> None:
    timeline = session.timeline()
    expected = []
    for rep in reps_of(timeline):
        follows = rep.following.interval.kind
        if rep.ms >= 2_000:
            expected += [(rep.start_ms, "start"), (rep.end_ms, "switch" if follows == "switch" else "end")]
        else:
            expected += [(rep.start_ms, "rep")] + ([(rep.end_ms, "rep")] if follows != "work" else [])
    chimes = [(cue.at_ms, cue.why) for cue in timeline.cues if isinstance(cue, Chime)]
    assert [cue for cue in chimes if cue[1] in {"start", "end", "switch", "rep"}] == expected
    assert [cue.sound for cue in timeline.cues if isinstance(cue, Chime) and cue.why == "rep"] == [
        "tick" for _, why in expected if why == "rep"
    ]


@law
@given(sessions())
def test_the_last_seconds_of_long_enough_work_are_counted_down(session: Session) -> None:
    timeline = session.timeline()
    seconds = session.routine.cues.countdown_s
    counted = [rep for rep in reps_of(timeline) if rep.ms >= 3 * seconds * 1_000]
    expected = [rep.end_ms - left * 1_000 for rep in counted for left in range(seconds, 0, -1)]
    assert [at_ms for at_ms, _ in instants(timeline, "countdown")] == expected


@law
@given(sessions())
def test_a_countdown_is_voiced_as_a_whole_or_ticked(session: Session) -> None:
    cues = session.routine.cues
    for rep in reps_of(session.timeline()):
        countdown = [cue for placed in rep.placed for cue in placed.cues if cue.why == "countdown"]
        kinds = {type(cue) for cue in countdown}
        assert len(kinds) <= 1
        if cues.profile == "bell" or cues.countdown_with == "tick":
            assert Speech not in kinds


@law
@given(sessions())
def test_no_words_in_the_counted_seconds_nor_across_the_end_of_work(session: Session) -> None:
    seconds = session.routine.cues.countdown_s
    for rep in reps_of(session.timeline()):
        counted_ms = seconds * 1_000 if rep.ms >= 3 * seconds * 1_000 else 0
        for words in rep.words():
            assert words.at_ms >= rep.start_ms + 150
            assert words.end_ms <= rep.end_ms - 300 - (counted_ms if words.why != "countdown" else 0)


@law
@given(sessions())
def test_halfway_is_exactly_half_of_holds_and_moves_of_20_seconds_or_more(session: Session) -> None:
    timeline = session.timeline()
    found = instants(timeline, "halfway")
    long = [rep for rep in reps_of(timeline) if rep.ms >= 20_000 and rep.step.action != "phases"]
    halves = [(rep.start_ms + rep.ms // 2, "halfway") for rep in long]
    cues = session.routine.cues
    if cues.halfway == "off":
        assert found == []
    elif cues.halfway == "chime" or cues.profile == "bell":
        assert found == halves
    else:
        middles_ms = {at_ms for at_ms, _ in halves}
        assert all(middles_ms & set(range(at_ms - LONGEST_ATTACK_MS, at_ms + 1)) for at_ms, _ in found)
        assert len(found) == len(halves) or timeline.problems


@law
@given(sessions())
def test_a_late_phase_word_is_over_with_its_phase(session: Session) -> None:
    for rep in reps_of(session.timeline()):
        for placed in rep.placed:
            for words in spoken(placed):
                late_ms = words.at_ms - max(placed.start_ms, rep.start_ms + 150)
                if words.why == "phase" and late_ms:
                    assert late_ms <= 2_000
                    assert words.end_ms <= placed.end_ms


@law
@given(sessions())
def test_what_is_left_out_moved_or_hurried_is_reported(session: Session) -> None:
    timeline = session.timeline()
    cues = session.routine.cues
    said = Counter(cue.why for cue in timeline.cues if isinstance(cue, Speech))
    wanted = sum(
        phase.interval.phase is not None and phase.interval.phase.say is not None for phase in timeline.intervals
    )
    if cues.speaks and said["phase"] < wanted:
        assert any("(phase)" in problem.message for problem in timeline.problems)
    rates = {cue.utterance.voice.rate_wpm for cue in timeline.cues if isinstance(cue, Speech) and cue.why == "phase"}
    if rates - {150}:
        assert timeline.problems


@law
@given(sessions())
def test_chapters_tile_and_begin_with_an_exercise(session: Session) -> None:
    timeline = session.timeline()
    chapters = timeline.chapters
    assert chapters[0].start_ms == 0
    assert all(one.end_ms == other.start_ms for one, other in pairwise(chapters))
    assert chapters[-1].end_ms == timeline.duration_ms
    begins = [placed.start_ms for placed in timeline.intervals if placed.interval.kind == "prepare"]
    assert [chapter.start_ms for chapter in chapters] in ([0, *begins], begins or [0])


@law
@given(sessions())
def test_the_end_is_the_end_chime_the_closing_and_the_finish(session: Session) -> None:
    timeline = session.timeline()
    finish = [cue for cue in timeline.cues if cue.why == "finish"]
    closing = [cue for cue in timeline.cues if cue.why == "closing"]
    assert len(finish) == 1
    assert finish[0] is timeline.cues[-1]
    assert len(closing) == (session.routine.cues.profile != "bell")
    assert timeline.duration_ms == max(cue.end_ms for cue in timeline.cues)


@law
@given(sessions())
def test_bell_speaks_nothing_and_captions_what_the_author_and_safety_say(session: Session) -> None:
    speech = [cue for cue in session.timeline().cues if isinstance(cue, Speech)]
    if session.routine.cues.profile == "bell":
        assert {cue.why for cue in speech} <= {"say", "safety", "during"}
        assert all(cue.utterance.voice.engine == "silent" for cue in speech)
    else:
        assert all(cue.utterance.voice.engine == "auto" for cue in speech)


@law
@given(sessions())
def test_quiet_says_names_and_sides_and_what_was_asked_for(session: Session) -> None:
    cues = session.routine.cues
    if cues.profile == "quiet":
        asked = {"rep": cues.count_reps, "next_up": cues.next_up, "halfway": cues.halfway == "voice"}
        asked |= {"countdown": cues.countdown_with == "voice", "safety": cues.safety}
        asked |= {"every": cues.every_ms > 0, "encouragement": cues.encourage}
        always = {"name", "side", "say", "wait", "during", "phase", "closing"}
        allowed = {*always, *(why for why, is_asked in asked.items() if is_asked)}
        assert {cue.why for cue in session.timeline().cues if isinstance(cue, Speech)} <= allowed


@law
@given(sessions())
def test_every_rep_is_counted_once_and_a_pair_of_sides_once(session: Session) -> None:
    timeline = session.timeline()
    cues = session.routine.cues
    is_left_out = any("(rep)" in problem.message for problem in timeline.problems)
    if cues.profile == "bell" or not cues.count_reps or is_left_out:
        return
    expected = [
        rep.placed[0].interval.rep
        for rep in reps_of(timeline)
        if rep.step.reps > 1 and not (rep.step.is_alternating and rep.placed[0].interval.side != rep.step.sides[0])
    ]
    words = ["Zero.", "One.", "Two.", "Three.", "Four."]
    said = [cue.utterance.text for cue in timeline.cues if isinstance(cue, Speech) and cue.why == "rep"]
    assert said == [words[rep] for rep in expected]


@law
@given(sessions())
def test_compiling_twice_and_streaming_give_the_same(session: Session) -> None:
    intervals = session.intervals()
    streamed = compile_intervals(session.routine, intervals, session.pace, SOUND_LENGTHS_MS.__getitem__)
    assert session.timeline() == session.timeline() == collect(session.routine, streamed)


def identified(timeline: Timeline) -> dict[Key, int]:
    """Return the instant of every cue by its interval, its reason, its words or sound, and its number there."""
    found: dict[Key, int] = {}
    for index, placed in enumerate(timeline.intervals):
        numbers: Counter[tuple[str, str]] = Counter()
        for cue in placed.cues:
            what = (cue.why, cue.utterance.text if isinstance(cue, Speech) else cue.sound)
            found[index, *what, numbers[what]] = cue.at_ms
            numbers[what] += 1
    return found


@law
@given(sessions(), paces())
def test_longer_speech_never_makes_anything_earlier(session: Session, by: Pace) -> None:
    before, after = session.timeline(), session.slower(by).timeline()
    starts = zip(before.intervals, after.intervals, strict=True)
    assert all(one.start_ms <= other.start_ms and one.end_ms <= other.end_ms for one, other in starts)
    assert before.duration_ms <= after.duration_ms
    quick, slow = identified(before), identified(after)
    assert all(slow[key] >= at_ms for key, at_ms in quick.items() if key in slow)
    assert all(before.intervals[index].interval.exact for index, *_ in quick.keys() - slow.keys())


@settings(max_examples=3 * EXAMPLES, deadline=None)
@given(crowded_sessions(), paces())
def test_longer_words_never_make_another_word_of_their_work_earlier(session: Session, by: Pace) -> None:
    before, after = session.timeline(), session.slower(by).timeline()
    slow = identified(after)
    for key, at_ms in identified(before).items():
        one, other = before.intervals[key[0]], after.intervals[key[0]]
        if one.interval.exact and key in slow:
            assert slow[key] - other.start_ms >= at_ms - one.start_ms


@law
@given(sessions())
def test_sounds_inside_work_ring_at_their_instants(session: Session) -> None:
    for rep in reps_of(session.timeline()):
        rung = [
            (cue.at_ms, cue.sound)
            for placed in rep.placed
            for cue in placed.cues
            if cue.why == "during"
            if isinstance(cue, Chime)
        ]
        expected = [(rep.start_ms + cue.at_ms, cue.chime) for cue in rep.step.during if cue.chime]
        assert sorted(rung) == sorted(expected)


@law
@given(sessions())
def test_an_authors_word_is_at_most_2_seconds_late_and_never_early(session: Session) -> None:
    for rep in reps_of(session.timeline()):
        wished = {cue.say: rep.start_ms + cue.at_ms for cue in rep.step.during if cue.say and "{" not in cue.say}
        for words in rep.words():
            if words.why == "during" and words.utterance.text in wished:
                assert 0 <= words.at_ms - wished[words.utterance.text] <= 2_000 + LONGEST_ATTACK_MS


@law
@given(sessions())
def test_time_left_and_breath_are_said_at_their_instants_or_not_at_all(session: Session) -> None:
    every_ms = session.routine.cues.every_ms
    for rep in reps_of(session.timeline()):
        breath = rep.step.breath
        starts = range(0, rep.ms, breath.whole_ms) if breath else range(0)
        turns = {start_ms + half_ms for start_ms in starts for half_ms in (0, breath.in_ms if breath else 0)}
        for words in rep.words():
            at_ms = words.at_ms - rep.start_ms
            if words.why == "every":
                assert at_ms % every_ms <= LONGEST_ATTACK_MS
            if words.why == "breath":
                assert turns & set(range(at_ms - LONGEST_ATTACK_MS, at_ms + 1))


LEAST_FIRST = ("encouragement", "breath", "every", "halfway")


@law
@given(sessions())
def test_what_is_less_important_never_moves_what_is_more_important(session: Session) -> None:
    timeline = session.timeline()
    steps = session.routine.steps
    without: dict[str, Callable[[Routine], Routine]] = {
        "encouragement": lambda routine: replace(routine, cues=replace(routine.cues, encourage=False)),
        "breath": lambda routine: replace(routine, steps=tuple(map(breathless, steps))),
        "every": lambda routine: replace(routine, cues=replace(routine.cues, every_ms=0)),
        "halfway": lambda routine: replace(routine, cues=replace(routine.cues, halfway="off")),
    }
    routine = session.routine
    for index, why in enumerate(LEAST_FIRST, start=1):
        if why == "breath" and not routine.cues.explains:
            return  # breath is chimed then, and words wait for the attack of a chime
        if why == "halfway" and routine.cues.halfway == "chime":
            return
        routine = without[why](routine)
        lesser = set(LEAST_FIRST[:index])
        assert inside_work(replace(session, routine=routine).timeline(), lesser) == inside_work(timeline, lesser)


def breathless(step: Step) -> Step:
    if isinstance(step, Block):
        return replace(step, steps=tuple(map(breathless, step.steps)))
    return replace(step, breath=None) if isinstance(step, Exercise) else step


def inside_work(timeline: Timeline, without: set[str]) -> list[tuple[int, str, str]]:
    return [
        (cue.at_ms, cue.why, cue.utterance.text)
        for rep in reps_of(timeline)
        for cue in rep.words()
        if cue.why not in without
    ]
