"""The mix is a function of position: the same samples in blocks of any size, from anywhere, never too loud."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from engines import Tones
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import routines

from voiceroutine.audio import LEAD_MS, TAIL_MS
from voiceroutine.cues import Chime, Cue, Speech, Utterance
from voiceroutine.mix import CEILING, KNEE, Clips, Mix, below_ceiling
from voiceroutine.narration import Narrator
from voiceroutine.routine import Routine, VoiceSettings
from voiceroutine.sounds import Sounds
from voiceroutine.timeline import compile_timeline
from voiceroutine.units import frame_at, gain_of
from voiceroutine.unroll import unroll

Samples = npt.NDArray[np.float32]

RATE_HZ = 48_000
SOUND_MS = {
    "bell": 900, "bowl": 1_200, "two-tone": 500, "soft-tick": 60, "tick": 40, "three-bells": 1_500,
    "breath-in": 300, "breath-out": 320,
}  # fmt: skip
LOUDEST = VoiceSettings(gain_db=6.0)
BUZZER = Tones(character_ms=20, samplerate_hz=RATE_HZ, amplitude=1.0)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Sounds:
    """Return chimes of full scale from the first frame on."""
    folder: Path = tmp_path_factory.mktemp("sounds")
    for name, length_ms in SOUND_MS.items():
        samples = np.where(np.arange(length_ms * RATE_HZ // 1_000) // 50 % 2, -0.99, 0.99)
        soundfile.write(folder / f"{name}.flac", samples, RATE_HZ, subtype="PCM_16")
    return Sounds(folder)


@pytest.fixture(scope="module")
def clips(sounds: Sounds) -> Clips:
    return Clips(Narrator(BUZZER), sounds)


def chime(at_ms: int, sound: str = "bell") -> Chime:
    return Chime(at_ms=at_ms, duration_ms=SOUND_MS[sound], sound=sound, why="start")


def speech(at_ms: int, text: str = "Halfway.", voice: VoiceSettings = LOUDEST) -> Speech:
    utterance = Utterance(text=text, voice=voice)
    return Speech(at_ms=at_ms, duration_ms=LEAD_MS + 20 * len(text) + TAIL_MS, utterance=utterance, why="say")


def read(mix: Mix, first_frame: int, frames: int) -> Samples:
    return mix.read(first_frame, np.full(frames, np.nan, np.float32))


def cue_lists() -> st.SearchStrategy[list[Cue]]:
    at_ms = st.integers(0, 1_500)
    chimes = st.builds(chime, at_ms, st.sampled_from(sorted(SOUND_MS)))
    words = st.builds(speech, at_ms, st.sampled_from(["One.", "Sit tall.", "Stop if it hurts."]))
    cues: st.SearchStrategy[Cue] = chimes | words
    return st.lists(cues, max_size=8).map(lambda found: sorted(found, key=lambda cue: cue.at_ms))


with_clips = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@with_clips
@given(cues=cue_lists(), sizes=st.lists(st.integers(1, 30_000), min_size=1, max_size=8))
def test_blocks_of_any_size_are_the_same_samples(clips: Clips, cues: list[Cue], sizes: list[int]) -> None:
    mix = Mix(clips, cues)
    starts = np.cumsum([0, *sizes]).tolist()
    blocks = [read(mix, first_frame, size) for first_frame, size in zip(starts, sizes, strict=False)]
    assert np.array_equal(np.concatenate(blocks), read(mix, 0, sum(sizes)))


@with_clips
@given(cues=cue_lists(), seeks=st.lists(st.tuples(st.integers(0, 150_000), st.integers(1, 9_000)), max_size=8))
def test_seeking_anywhere_gives_the_samples_of_that_place(
    clips: Clips, cues: list[Cue], seeks: list[tuple[int, int]]
) -> None:
    mix = Mix(clips, cues)
    whole = read(mix, 0, 160_000)
    for first_frame, frames in seeks:
        assert np.array_equal(read(mix, first_frame, frames), whole[first_frame : first_frame + frames])


@with_clips
@given(cues=cue_lists(), cut=st.integers(0, 8))
def test_cues_may_come_later_than_the_first_read(clips: Clips, cues: list[Cue], cut: int) -> None:
    mix = Mix(clips, cues[:cut])
    read(mix, 0, 1_000)
    mix.add(cues[cut:])
    assert np.array_equal(read(mix, 0, 160_000), read(Mix(clips, cues), 0, 160_000))


@with_clips
@given(cues=cue_lists())
def test_loud_cues_that_overlap_stay_below_full_scale(clips: Clips, cues: list[Cue]) -> None:
    assert np.max(np.abs(read(Mix(clips, cues), 0, 160_000)), initial=0.0) <= 0.98


@settings(max_examples=8, deadline=None)
@given(routine=routines())
def test_random_routines_stay_below_full_scale(clips: Clips, sounds: Sounds, routine: Routine) -> None:
    loud = replace(routine, voice=LOUDEST)
    timeline = compile_timeline(loud, unroll(loud), Narrator(BUZZER).duration_ms, sounds.length_ms)
    mix = Mix(clips, timeline.cues)
    for at_ms in sorted({cue.at_ms for cue in timeline.cues})[:80]:
        assert np.max(np.abs(read(mix, frame_at(at_ms), 2_000))) <= 0.98


@pytest.mark.parametrize("at_ms", [0, 1, 333, 1_000, 3_599_999, 14_399_999])
@pytest.mark.parametrize("sound", ["bell", "tick"])
def test_the_onset_of_a_chime_is_its_instant(clips: Clips, at_ms: int, sound: str) -> None:
    mix = Mix(clips, [chime(at_ms, sound)])
    onset = at_ms * 48
    first_frame = max(0, onset - 100)
    heard = np.flatnonzero(read(mix, first_frame, 200))
    assert first_frame + heard[0] == onset == frame_at(at_ms)


def test_a_chime_ends_with_its_last_frame(clips: Clips) -> None:
    heard = np.flatnonzero(read(Mix(clips, [chime(1_000, "tick")]), 0, 96_000))
    assert (heard[0], heard[-1] + 1) == (48_000, 48_000 + 40 * 48)


def test_overlapping_cues_add_up(clips: Clips) -> None:
    quiet = VoiceSettings(gain_db=-20.0)
    one, other = speech(0, "Sit tall.", quiet), speech(50, "One.", quiet)
    both = read(Mix(clips, [one, other]), 0, 20_000)
    assert np.array_equal(both, read(Mix(clips, [one]), 0, 20_000) + read(Mix(clips, [other]), 0, 20_000))


@pytest.mark.parametrize("gain_db", [-30.0, -6.0, 0.0, 3.0])
def test_the_gain_of_the_voice_is_applied(clips: Clips, gain_db: float) -> None:
    plain = read(Mix(clips, [speech(0, voice=VoiceSettings())]), 0, 8_000)
    gained = read(Mix(clips, [speech(0, voice=VoiceSettings(gain_db=gain_db))]), 0, 8_000)
    assert np.max(np.abs(plain)) > 0.1
    assert np.allclose(gained, plain * gain_of(gain_db), atol=1e-6)


def test_there_is_silence_before_after_and_without_cues(clips: Clips) -> None:
    mix = Mix(clips, [chime(1_000)])
    assert not read(mix, 0, 48_000).any()
    assert not read(mix, 1_900 * 48, 48_000).any()
    assert not read(Mix(clips), 0, 1_000).any()
    assert read(mix, 0, 0).shape == (0,)


@given(st.lists(st.floats(-20, 20, width=32), min_size=1))
def test_the_ceiling_bends_only_what_is_loud_and_keeps_the_order(levels: list[float]) -> None:
    written = np.array(sorted(levels), np.float32)
    bent = below_ceiling(written.copy())
    assert np.max(np.abs(bent)) <= CEILING
    assert np.array_equal(bent[np.abs(written) <= KNEE], written[np.abs(written) <= KNEE])
    assert (np.diff(bent) >= 0).all()
    assert np.array_equal(below_ceiling(-written), -bent)
