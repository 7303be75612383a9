"""The tone of a breath: as long as the breath to the sample, rising in, falling out, soft, and the same every time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from voiceroutine.audio import loudest_lufs
from voiceroutine.breathtone import NAMES, breath_tone
from voiceroutine.cues import Chime
from voiceroutine.mix import Clips, Mix
from voiceroutine.narration import Narrator
from voiceroutine.routine import THEMES
from voiceroutine.sounds import bundled_sounds
from voiceroutine.voices import load_engine

Samples = npt.NDArray[np.float32]
RATE_HZ = 48_000
LENGTHS_MS = [1_000, 4_001, 30_000]

every_tone = pytest.mark.parametrize("name", NAMES)
every_length = pytest.mark.parametrize("duration_ms", LENGTHS_MS)


def parts_of(samples: Samples, count: int = 8) -> list[Samples]:
    return np.array_split(samples[len(samples) // 16 : -len(samples) // 16], count)


def pitch_hz(samples: Samples) -> float:
    """Return the strongest tone of a stretch."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * RATE_HZ))
    return float(np.argmax(spectrum)) / 8


def test_every_theme_breathes_in_and_out() -> None:
    assert set(NAMES) == {f"{theme}-breath-{way}" for theme in THEMES for way in ("in", "out")}


@every_tone
@every_length
def test_it_lasts_as_long_as_the_breath_and_begins_and_ends_in_silence(name: str, duration_ms: int) -> None:
    samples = breath_tone(name, duration_ms).samples
    assert len(samples) == duration_ms * 48
    assert np.abs(samples[[0, -1]]).max() < 1e-4
    assert np.abs(np.diff(samples)).max() < 0.1 * np.abs(samples).max()


@every_tone
@every_length
def test_its_pitch_rises_while_breathing_in_and_falls_while_breathing_out(name: str, duration_ms: int) -> None:
    pitches_hz = [pitch_hz(part) for part in parts_of(breath_tone(name, duration_ms).samples)]
    is_in = NAMES[name][1]
    assert all((later > earlier) == is_in for earlier, later in pairwise(pitches_hz))
    assert max(pitches_hz) / min(pitches_hz) > 1.3


@every_tone
def test_it_swells_and_fades(name: str) -> None:
    levels = [float(np.std(part)) for part in parts_of(breath_tone(name, 6_000).samples, 12)]
    crest = int(np.argmax(levels))
    assert crest >= 7 if NAMES[name][1] else crest <= 4
    assert all(later > earlier for earlier, later in pairwise(levels[: crest + 1]))
    assert all(later < earlier for earlier, later in pairwise(levels[crest:]))


@every_tone
@every_length
def test_it_is_softer_than_chimes_and_always_the_same(name: str, duration_ms: int) -> None:
    tone = breath_tone(name, duration_ms)
    assert loudest_lufs(tone) == pytest.approx(-36, abs=0.05)
    assert np.array_equal(tone.samples, breath_tone(name, duration_ms).samples)


def test_in_a_mix_breaths_of_two_lengths_are_told_apart_and_any_block_is_the_same() -> None:
    clips = Clips(Narrator(load_engine("silent")), bundled_sounds())
    lengths_ms = [2_000, 3_000, 4_000]
    starts_ms = [500, 2_500, 5_500]
    cues = [
        Chime(at_ms=at_ms, duration_ms=lasts_ms, sound="wood-breath-in", why="breath")
        for at_ms, lasts_ms in zip(starts_ms, lengths_ms, strict=True)
    ]
    mix = Mix(clips, cues)
    whole = mix.read(0, np.empty(10 * RATE_HZ, np.float32))
    for at_ms, lasts_ms in zip(starts_ms, lengths_ms, strict=True):
        expected = breath_tone("wood-breath-in", lasts_ms).samples
        assert np.array_equal(whole[at_ms * 48 :][: len(expected)], expected)
    for first_frame in range(0, 9 * RATE_HZ, 7_777):
        block = mix.read(first_frame, np.empty(1_024, np.float32))
        assert np.array_equal(block, whole[first_frame : first_frame + 1_024])
