"""A session against a loudspeaker in memory: what was heard is what the timeline says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from listening import SAMPLERATE_HZ, Samples

from voiceroutine.document import parse_document
from voiceroutine.errors import DeviceError
from voiceroutine.loading import load_routine
from voiceroutine.player import COUNT_IN_STEP_MS, COUNT_IN_TICKS, FADE_FRAMES, Command, Session, Snapshot
from voiceroutine.production import Production
from voiceroutine.score import Score, score_of
from voiceroutine.sinks.memory import MemorySink
from voiceroutine.timeline import Placed

if TYPE_CHECKING:
    from voiceroutine.sinks import Block

COMMANDS: tuple[Command, ...] = ("next", "previous", "repeat")
FRAMES_PER_MS = SAMPLERATE_HZ // 1000
LEAD_IN_FRAMES = 500 * FRAMES_PER_MS

ROUTINE = """
title = "Two"
[[steps]]
name = "First"
hold = "10s"
sides = "each"
[[steps]]
name = "Second"
hold = "4s"
reps = 2
[[steps]]
name = "Third"
hold = "5s"
"""


class SteppedSink(MemorySink):
    """Runs what a test wants at chosen moments, between two blocks."""

    def __init__(self, *, pace_s: float = 0) -> None:
        super().__init__()
        self.pace_s = pace_s
        self.at_frames: list[tuple[int, Callable[[], object]]] = []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, block: Any) -> None:
        self.gate.wait(5)
        time.sleep(self.pace_s)
        super().write(block)
        while self.at_frames and self.heard_frames() >= self.at_frames[0][0]:
            self.at_frames.pop(0)[1]()


@pytest.fixture(scope="module")
def production() -> Production:
    return Production(load_routine(parse_document(ROUTINE), {}))


@pytest.fixture(scope="module")
def rendered(production: Production) -> Samples:
    timeline = production.timeline()
    frames = timeline.duration_ms * FRAMES_PER_MS
    return production.mix(timeline.cues).read(0, np.empty(frames, np.float32))


def complete_score(production: Production) -> Score:
    score = score_of(production)
    score.wait()
    return score


def begun(
    score: Score,
    sink: MemorySink,
    *,
    lead_in_ms: int = 500,
    has_listener: bool = False,
    patience_s: float = 60,
    start_index: int = 0,
) -> Session:
    """Start a session whose score is there before its loudspeaker: one in memory never makes anybody wait."""
    ready = threading.Event()

    def open_sink(first: Block) -> MemorySink:
        ready.wait(5)
        sink.write(first)
        return sink

    session = Session(open_sink, lead_in_ms=lead_in_ms, has_listener=has_listener, patience_s=patience_s)
    session.perform(score, start_index)
    ready.set()
    return session


def played(score: Score, *moments: tuple[int, Command], pace_s: float = 0) -> Samples:
    """Play a score with commands sent once so many milliseconds of it were heard; return what was heard of it."""
    sink = SteppedSink(pace_s=pace_s)
    sink.gate.clear()
    session = begun(score, sink)
    for at_ms, command in moments:
        sink.at_frames.append((LEAD_IN_FRAMES + at_ms * FRAMES_PER_MS, partial(session.send, command)))
    sink.gate.set()
    assert session.wait(20)
    return sink.samples()[LEAD_IN_FRAMES:, 0]


def start_ms(score: Score, name: str, kind: str = "prepare", *, occurrence: int = 0) -> int:
    found = [
        placed.start_ms
        for placed in score.placed
        if placed.interval.step and placed.interval.step.name == name and placed.interval.kind == kind
    ]
    return found[occurrence]


def assert_goes_on(heard: Samples, rendered: Samples, from_ms: int) -> None:
    """What was heard last is the timeline from an instant on to its end, after a fade."""
    expected = rendered[from_ms * FRAMES_PER_MS :]
    tail = heard[len(heard) - len(expected) :]
    assert np.array_equal(tail[FADE_FRAMES:], expected[FADE_FRAMES:])


def test_a_whole_session_is_the_rendered_timeline_frame_for_frame(production: Production, rendered: Samples) -> None:
    heard = played(complete_score(production))
    assert np.array_equal(heard, rendered)


def test_the_lead_in_is_faint_noise_and_never_shorter_than_wished(production: Production) -> None:
    sink = MemorySink()
    session = begun(complete_score(production), sink, lead_in_ms=1_200)
    assert session.wait(20)
    lead_in = sink.samples()[: 1_200 * FRAMES_PER_MS, 0]
    level_dbfs = 10 * np.log10(np.mean(np.square(lead_in, dtype=np.float64)))
    assert -71 < level_dbfs < -69


def test_both_channels_are_the_same(production: Production) -> None:
    sink = MemorySink()
    assert begun(complete_score(production), sink).wait(20)
    samples = sink.samples()
    assert np.array_equal(samples[:, 0], samples[:, 1])


def test_pause_and_resume_lose_nothing(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    bell_ms = start_ms(score, "First", "work")
    heard = played(score, (bell_ms + 300, "toggle"), (bell_ms + 6_000, "toggle"))
    paused_at = first_difference(heard, rendered)
    assert paused_at >= (bell_ms + 300) * FRAMES_PER_MS
    silence = np.flatnonzero(heard[paused_at + FADE_FRAMES :])[0]
    counted_at = paused_at + FADE_FRAMES + silence
    assert silence > 5_000 * FRAMES_PER_MS
    expected = rendered[paused_at:]
    offset = len(heard) - len(expected)
    assert abs(offset - counted_at - COUNT_IN_TICKS * COUNT_IN_STEP_MS * FRAMES_PER_MS) < 20
    assert np.array_equal(heard[offset + FADE_FRAMES :], expected[FADE_FRAMES:])


def first_difference(heard: Samples, rendered: Samples) -> int:
    """Return the frame from which the samples differ, not counting a few at the start of a fade that hardly do."""
    length = min(len(heard), len(rendered))
    return int(np.flatnonzero(heard[:length] != rendered[:length])[0]) - 1


def test_next_goes_to_the_next_exercise(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    heard = played(score, (start_ms(score, "First", "work"), "next"))
    assert_goes_on(heard, rendered, start_ms(score, "Second"))


def test_next_in_the_last_exercise_goes_to_the_closing(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    heard = played(score, (start_ms(score, "Third", "work"), "next"))
    assert_goes_on(heard, rendered, score.placed[-1].start_ms)


def test_next_in_the_closing_ends_the_session(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    heard = played(score, (score.placed[-1].start_ms + 500, "next"))
    assert len(heard) < len(rendered)


def test_previous_goes_to_the_start_of_this_exercise(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    heard = played(score, (start_ms(score, "Second", "work"), "previous"))
    assert_goes_on(heard, rendered, start_ms(score, "Second"))
    assert len(heard) > len(rendered)


def test_previous_within_the_first_three_seconds_goes_to_the_one_before(
    production: Production, rendered: Samples
) -> None:
    score = complete_score(production)
    heard = played(score, (start_ms(score, "Second") + 1_000, "previous"))
    assert_goes_on(heard, rendered, start_ms(score, "First"))


def test_previous_at_the_very_beginning_stays_there(production: Production, rendered: Samples) -> None:
    heard = played(complete_score(production), (500, "previous"))
    assert_goes_on(heard, rendered, 0)


def test_repeat_goes_back_to_the_announcement_of_this_side(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    second_side_ms = start_ms(score, "First", "work", occurrence=1)
    heard = played(score, (second_side_ms + 2_000, "repeat"))
    assert_goes_on(heard, rendered, start_ms(score, "First", "switch"))


def test_repeat_on_the_second_rep_goes_back_to_the_start_of_the_side(production: Production, rendered: Samples) -> None:
    score = complete_score(production)
    second_rep_ms = start_ms(score, "Second", "work", occurrence=1)
    heard = played(score, (second_rep_ms + 1_000, "repeat"))
    assert_goes_on(heard, rendered, start_ms(score, "Second"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_jump_out_of_a_sound_is_a_fade(command: Command, production: Production, rendered: Samples) -> None:
    """10 ms on, the old place is faded out; the new one begins at nothing, too."""
    score = complete_score(production)
    bell_ms = start_ms(score, "Second", "work")
    heard = played(score, (bell_ms + 300, command))
    left_at = first_difference(heard, rendered)
    fade = np.linspace(1, 0, FADE_FRAMES, dtype=np.float32)
    faded = rendered[left_at : left_at + FADE_FRAMES] * fade
    assert np.allclose(heard[left_at : left_at + FADE_FRAMES], faded, atol=1e-3)
    assert abs(heard[left_at + FADE_FRAMES]) < 1e-3


def test_a_jump_to_what_is_not_compiled_yet_is_silent_until_it_is(production: Production, rendered: Samples) -> None:
    gate = threading.Event()
    placed = list(production.placed())
    known = [one.interval.kind for one in placed].index("work") + 2

    def slow() -> Iterator[Placed]:
        yield from placed[:known]
        gate.wait(20)
        yield from placed[known:]

    sink = SteppedSink()
    sink.gate.clear()
    score = Score(slow(), production.mix())
    session = begun(score, sink)
    at_ms = next(one.start_ms for one in placed if one.interval.kind == "work") + 300
    sink.at_frames.append((LEAD_IN_FRAMES + at_ms * FRAMES_PER_MS, partial(session.send, "next")))
    sink.at_frames.append((LEAD_IN_FRAMES + (at_ms + 3_000) * FRAMES_PER_MS, gate.set))
    sink.gate.set()
    assert session.wait(20)
    heard = sink.samples()[LEAD_IN_FRAMES:, 0]
    second_ms = next(one.start_ms for one in placed if one.interval.step and one.interval.step.name == "Second")
    assert_goes_on(heard, rendered, second_ms)
    waited = heard[(at_ms + 200) * FRAMES_PER_MS : (at_ms + 2_900) * FRAMES_PER_MS]
    assert not waited.any()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_jump_during_the_lead_in_begins_at_once(command: Command, production: Production, rendered: Samples) -> None:
    sink = SteppedSink()
    sink.gate.clear()
    session = begun(complete_score(production), sink, lead_in_ms=60_000)
    sink.at_frames.append((LEAD_IN_FRAMES * 2, partial(session.send, command)))
    sink.gate.set()
    assert session.wait(20)
    heard = sink.samples()[:, 0]
    assert len(heard) - len(rendered) < 1_200 * FRAMES_PER_MS
    assert np.array_equal(heard[-len(rendered) :], rendered)


def test_a_pause_during_the_lead_in_holds_it(production: Production, rendered: Samples) -> None:
    sink = SteppedSink()
    sink.gate.clear()
    session = begun(complete_score(production), sink, lead_in_ms=1_000)
    sink.at_frames.append((LEAD_IN_FRAMES, partial(session.send, "toggle")))
    sink.at_frames.append((LEAD_IN_FRAMES + 4_000 * FRAMES_PER_MS, partial(session.send, "toggle")))
    sink.gate.set()
    assert session.wait(20)
    heard = sink.samples()[:, 0]
    assert 4_900 < (len(heard) - len(rendered)) / FRAMES_PER_MS < 5_200
    assert np.array_equal(heard[-len(rendered) :], rendered)


def test_stop_while_it_plays_is_silence_within_a_block(production: Production) -> None:
    sink = SteppedSink()
    sink.gate.clear()
    session = begun(complete_score(production), sink)
    stopped: list[int] = []

    def stop() -> None:
        stopped.append(sink.heard_frames())
        session._is_stopping.set()

    sink.at_frames.append((LEAD_IN_FRAMES + 9_000 * FRAMES_PER_MS, stop))
    sink.gate.set()
    assert session.wait(20)
    assert session.snapshot().state == "stopped"
    assert sink.heard_frames() == stopped[0] + FADE_FRAMES


def test_a_score_that_completes_while_it_is_looked_at_is_played_to_its_end(
    production: Production, rendered: Samples
) -> None:
    """The end is the end only if nothing was added after looking how far the score goes."""

    class Late(Score):
        @property
        def playable_ms(self) -> int:
            before_ms = super().playable_ms
            self.wait()
            return before_ms

    heard = played(Late(production.placed(), production.mix()))
    assert np.array_equal(heard[-LEAD_IN_FRAMES:], rendered[-LEAD_IN_FRAMES:])


def test_a_score_that_is_compiled_while_it_plays_sounds_the_same(production: Production, rendered: Samples) -> None:
    gate = threading.Semaphore(0)

    def slow() -> Iterator[Placed]:
        for placed in production.placed():
            gate.acquire(timeout=0.05)
            yield placed

    heard = played(Score(slow(), production.mix()), pace_s=0.0005)
    assert len(heard) > len(rendered)
    assert_works_are_whole(heard, rendered, production)


def assert_works_are_whole(heard: Samples, rendered: Samples, production: Production) -> None:
    """However late speech is, every work sounds without a break: waiting is done in gaps."""
    searched = np.ascontiguousarray(heard).tobytes()
    at = 0
    for placed in production.timeline().intervals:
        if placed.interval.exact:
            part = rendered[placed.start_ms * FRAMES_PER_MS : placed.end_ms * FRAMES_PER_MS]
            found = searched.find(np.ascontiguousarray(part).tobytes(), at)
            assert found >= 0, placed
            at = found


def test_a_device_that_goes_away_is_told(production: Production) -> None:
    session = begun(complete_score(production), MemorySink(fail_after_frames=100_000), patience_s=0.3)
    with pytest.raises(DeviceError, match="The sound device went away"):
        session.wait(20)


def test_while_the_device_is_away_the_session_stands_where_it_was_and_can_be_quit(production: Production) -> None:
    sinks = [MemorySink(fail_after_frames=LEAD_IN_FRAMES + 3_000 * FRAMES_PER_MS)]
    is_ready = threading.Event()

    def open_sink(first: Block) -> MemorySink:
        is_ready.wait(5)
        if not sinks:
            raise DeviceError("There is no sound output that works.")
        sinks[0].write(first)
        return sinks.pop()

    session = Session(open_sink)
    session.perform(complete_score(production))
    is_ready.set()
    until_s = time.monotonic() + 10
    while session.snapshot().state != "recovering" and time.monotonic() < until_s:
        time.sleep(0.01)
    time.sleep(0.1)
    lost = session.snapshot()
    assert (lost.state, lost.breaks) == ("recovering", 1)
    assert 2_500 < lost.position_ms < 3_100
    session.send("quit")
    assert session.wait(5)
    assert session.snapshot().position_ms == lost.position_ms


def test_more_time_before_the_beginning_is_a_longer_delay(production: Production, rendered: Samples) -> None:
    sink = SteppedSink()
    sink.gate.clear()
    session = begun(complete_score(production), sink, lead_in_ms=1_000)
    sink.at_frames.append((LEAD_IN_FRAMES, partial(session.send, "more")))
    sink.gate.set()
    assert session.wait(20)
    assert (len(sink.samples()) - len(rendered)) / FRAMES_PER_MS == pytest.approx(11_000, abs=100)


def test_a_device_that_does_not_open_is_told() -> None:
    def refuse(first: Block) -> MemorySink:
        raise DeviceError("There is no sound output that works.")

    session = Session(refuse)
    with pytest.raises(DeviceError, match="no sound output"):
        session.wait(20)


def test_an_engine_that_fails_in_the_middle_is_told(production: Production) -> None:
    first_two = list(production.placed())[:2]

    def failing() -> Iterator[Placed]:
        yield from first_two
        raise RuntimeError("no more words")

    session = begun(Score(failing(), production.mix()), MemorySink())
    with pytest.raises(RuntimeError, match="no more words"):
        session.wait(20)


def test_stop_ends_the_compilation_too(production: Production) -> None:
    compiled: list[Placed] = []

    def endless() -> Iterator[Placed]:
        first = next(iter(production.placed()))
        while True:
            compiled.append(first)
            time.sleep(0.01)
            yield first

    session = begun(Score(endless(), production.mix()), MemorySink())
    session.stop()
    reached = len(compiled)
    time.sleep(0.1)
    assert len(compiled) == reached
    assert "compile" not in [thread.name for thread in threading.enumerate() if thread.is_alive()]


def test_stop_before_a_score_is_there_lets_go_of_the_device() -> None:
    sink = MemorySink()
    session = Session(lambda _: sink)
    session.stop()
    assert session.wait(5)
    assert sink.closed


def test_a_session_begins_with_any_interval(production: Production, rendered: Samples) -> None:
    sink, score = MemorySink(), complete_score(production)
    index = next(i for i, one in enumerate(score.placed) if one.start_ms == start_ms(score, "Second"))
    assert begun(score, sink, start_index=index).wait(20)
    assert_goes_on(sink.samples()[:, 0], rendered, start_ms(score, "Second"))
    assert len(sink.samples()) < len(rendered)


class LateSink(SteppedSink):
    """Hears everything a while after it was written, as loudspeakers do."""

    LATE_FRAMES = 80 * FRAMES_PER_MS

    def heard_frames(self) -> int:
        return max(0, super().heard_frames() - self.LATE_FRAMES)


def test_a_session_that_begins_later_never_stands_at_the_beginning(production: Production) -> None:
    score, seen = complete_score(production), list[Snapshot]()
    index = next(i for i, one in enumerate(score.placed) if one.start_ms == start_ms(score, "Second"))
    sink = LateSink()
    sink.gate.clear()
    session = begun(score, sink, start_index=index)
    for at_ms in range(0, 1_000, 10):
        sink.at_frames.append((at_ms * FRAMES_PER_MS, lambda: seen.append(session.snapshot())))
    sink.gate.set()
    assert session.wait(20)
    first = next(one for one in seen if one.state != "lead-in")
    assert (first.state, first.index) == ("playing", index)
    assert all(one.position_ms < 0 or one.index == index for one in seen)


def test_a_snapshot_tells_what_is_heard(production: Production) -> None:
    score = complete_score(production)
    hold_ms = start_ms(score, "Second", "work")
    seen: list[Snapshot] = []
    sink = SteppedSink()
    sink.gate.clear()
    session = begun(score, sink)
    sink.at_frames.append((LEAD_IN_FRAMES + hold_ms * FRAMES_PER_MS, lambda: seen.append(session.snapshot())))
    sink.gate.set()
    assert session.wait(20)
    [snapshot] = seen
    assert snapshot.state == "playing"
    assert 0 <= snapshot.position_ms - hold_ms < 90
    assert score.placed[snapshot.index].start_ms == hold_ms


WAITING = """
title = "Wait"
[cues]
safety = false
[[steps]]
name = "First"
hold = "4s"
[[steps]]
wait = "6s"
[[steps]]
name = "Second"
hold = "4s"
"""


@pytest.fixture(scope="module")
def waiting() -> Production:
    return Production(load_routine(parse_document(WAITING), {}))


def heard_with_listener(production: Production, go_on_ms: int) -> tuple[Samples, list[Snapshot]]:
    """Play for a listener who presses space once so much was heard; also look just before that."""
    sink, seen = SteppedSink(), list[Snapshot]()
    sink.gate.clear()
    session = begun(complete_score(production), sink, has_listener=True)
    frame = LEAD_IN_FRAMES + go_on_ms * FRAMES_PER_MS
    sink.at_frames += [(frame, lambda: seen.append(session.snapshot())), (frame, partial(session.send, "toggle"))]
    sink.gate.set()
    assert session.wait(20)
    return sink.samples()[LEAD_IN_FRAMES:, 0], seen


def wait_of(production: Production) -> Placed:
    return next(placed for placed in production.timeline().intervals if placed.interval.kind == "wait")


def rendered_of(production: Production) -> Samples:
    timeline = production.timeline()
    frames = timeline.duration_ms * FRAMES_PER_MS
    return production.mix(timeline.cues).read(0, np.empty(frames, np.float32))


def test_a_wait_stands_still_until_the_listener_goes_on(waiting: Production) -> None:
    rendered, wait = rendered_of(waiting), wait_of(waiting)
    heard, [snapshot] = heard_with_listener(waiting, wait.end_ms + 5_000)
    assert snapshot.state == "your turn"
    assert wait.start_ms <= snapshot.position_ms < wait.end_ms
    assert len(heard) >= len(rendered) + 5_000 * FRAMES_PER_MS
    stood = heard[wait.end_ms * FRAMES_PER_MS : (wait.end_ms + 4_900) * FRAMES_PER_MS]
    assert not stood.any()
    assert_goes_on(heard, rendered, wait.end_ms)


def test_a_wait_is_over_as_soon_as_the_listener_goes_on(waiting: Production) -> None:
    rendered, wait = rendered_of(waiting), wait_of(waiting)
    heard, _ = heard_with_listener(waiting, wait.start_ms + 4_000)
    assert len(heard) < len(rendered) - 1_500 * FRAMES_PER_MS
    assert_goes_on(heard, rendered, wait.end_ms)


def test_without_a_listener_a_wait_lasts_as_written(waiting: Production) -> None:
    wait = wait_of(waiting)
    assert wait.end_ms - wait.start_ms == 6_000
    assert np.array_equal(played(complete_score(waiting)), rendered_of(waiting))
