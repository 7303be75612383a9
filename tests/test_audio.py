"""Loudness against the standard's own examples, levelling, and whole milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from voiceroutine.audio import (
    HIGHEST_PEAK_DBFS,
    SPEECH_LUFS,
    Clip,
    levelled,
    loudness_lufs,
    resampled,
    whole_milliseconds,
)
from voiceroutine.units import gain_of


def tone(frequency_hz: float, level_dbfs: float, seconds: float, samplerate_hz: int = 48_000) -> Clip:
    frames = np.arange(round(seconds * samplerate_hz))
    samples = gain_of(level_dbfs) * np.sin(2 * np.pi * frequency_hz * frames / samplerate_hz)
    return Clip(samples=samples.astype(np.float32), samplerate_hz=samplerate_hz)


@pytest.mark.parametrize("level_dbfs", [-6.0, -20.0, -40.0])
@pytest.mark.parametrize("samplerate_hz", [22_050, 44_100, 48_000])
def test_a_tone_of_997_hz_has_the_loudness_of_the_standard(level_dbfs: float, samplerate_hz: int) -> None:
    loudness = loudness_lufs(tone(997, level_dbfs, 5, samplerate_hz))
    assert loudness == pytest.approx(level_dbfs - 3.01, abs=0.05)


def test_silence_between_tones_is_gated() -> None:
    one = tone(997, -20, 4)
    quiet = np.zeros(48_000 * 8, np.float32)
    clip = Clip(samples=np.concatenate([one.samples, quiet, one.samples]), samplerate_hz=48_000)
    assert loudness_lufs(clip) == pytest.approx(-23.0, abs=0.3)


def test_silence_has_no_loudness_and_stays_silence() -> None:
    silence = Clip(samples=np.zeros(48_000, np.float32), samplerate_hz=48_000)
    assert loudness_lufs(silence) == -np.inf
    assert not levelled(silence).samples.any()
    assert loudness_lufs(Clip(samples=np.zeros(0, np.float32), samplerate_hz=48_000)) == -np.inf


@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_levelling_brings_loud_and_soft_to_one_loudness(seconds: float) -> None:
    clips = [levelled(tone(440, level_dbfs, seconds)) for level_dbfs in (-35, -12)]
    assert [loudness_lufs(clip) for clip in clips] == pytest.approx([SPEECH_LUFS] * 2, abs=0.05)


def test_levelling_stops_at_the_highest_peak() -> None:
    clicks = np.zeros(48_000, np.float32)
    clicks[::4_800] = 0.1
    peak = float(levelled(Clip(samples=clicks, samplerate_hz=48_000)).samples.max())
    assert peak == pytest.approx(gain_of(HIGHEST_PEAK_DBFS), rel=1e-4)


def test_resampling_keeps_length_and_tone() -> None:
    clip = resampled(tone(440, -20, 1, 22_050))
    assert (clip.samplerate_hz, clip.duration_ms) == (48_000, 1_000)
    assert np.argmax(np.abs(np.fft.rfft(clip.samples))) == 440


@pytest.mark.parametrize(("frames", "expected"), [(0, 0), (1, 48), (48, 48), (49, 96), (48_000, 48_000)])
def test_clips_are_filled_up_to_whole_milliseconds(frames: int, expected: int) -> None:
    clip = whole_milliseconds(Clip(samples=np.ones(frames, np.float32), samplerate_hz=48_000))
    assert len(clip.samples) == expected
    assert clip.samples.sum() == frames
