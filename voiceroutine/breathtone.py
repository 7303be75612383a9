"""A tone as long as a breath: it rises while one breathes in, and falls while one breathes out.

Every chime theme has its own; nothing is random, so that the same breath is always the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip, loudest_lufs
from voiceroutine.routine import breath_name
from voiceroutine.units import SAMPLERATE_HZ, frame_at, gain_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceroutine.audio import Samples
    from voiceroutine.routine import Theme

# Below the gate of a narrated whole, so that minutes of paced breath don't count as its loudness.
BREATH_LUFS = -36.0
# A breath in swells nearly to its end; a breath out begins sooner, and fades for the rest of it.
CREST = {"in": 0.8, "out": 0.2}
# Golden-ratio phases keep the overtones from adding up to one spike.
PHASE_STEP_TURNS = 0.618033988749895

_PART_FRAMES = 2 * SAMPLERATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Timbre:
    """How a theme breathes.

    Args:
        low_hz: where a breath in begins, and a breath out ends.
        high_hz: where they meet.
        overtones: pairs of a multiple of the pitch and its level in decibels.
    """

    low_hz: float
    high_hz: float
    overtones: tuple[tuple[float, float], ...]


TIMBRES: Mapping[Theme, Timbre] = {
    "bells": Timbre(low_hz=220.0, high_hz=329.63, overtones=((1, 0.0), (2, -14.0), (3, -22.0), (4, -31.0))),
    "wood": Timbre(low_hz=196.0, high_hz=293.66, overtones=((1, 0.0), (3, -15.0), (5, -25.0), (7, -34.0))),
    "tones": Timbre(low_hz=261.63, high_hz=392.0, overtones=((1, 0.0), (2, -24.0))),
}
NAMES: Mapping[str, tuple[Theme, bool]] = {
    breath_name(theme, is_in=is_in): (theme, is_in) for theme in TIMBRES for is_in in (True, False)
}
"""What the tones are called in a timeline: of which theme they are, and whether one breathes in."""


def breath_tone(name: str, duration_ms: int) -> Clip:
    """Return a tone that lasts exactly as long as a breath, at 48 kHz.

    It is -36 LUFS in its loudest 400 ms, 12 dB below the chimes, and begins and ends in silence.

    Args:
        name: what it is called.
        duration_ms: how long the breath is.
    """
    theme, is_in = NAMES[name]
    samples = np.empty(frame_at(duration_ms), np.float32)
    for start in range(0, len(samples), _PART_FRAMES):
        part = samples[start : start + _PART_FRAMES]
        part[:] = _wave(TIMBRES[theme], is_in, start, len(part), len(samples))
    samples *= np.float32(gain_of(BREATH_LUFS - loudest_lufs(Clip(samples=samples, samplerate_hz=SAMPLERATE_HZ))))
    return Clip(samples=samples, samplerate_hz=SAMPLERATE_HZ)


def _wave(timbre: Timbre, is_in: bool, first: int, frames: int, of_frames: int) -> Samples:
    """Return a part of a tone, not yet at its level: a glide that is even to the ear, under a swell."""
    place = np.arange(first, first + frames) / of_frames
    from_hz, to_hz = (timbre.low_hz, timbre.high_hz) if is_in else (timbre.high_hz, timbre.low_hz)
    ratio = to_hz / from_hz
    turns = from_hz * of_frames / SAMPLERATE_HZ * (ratio**place - 1) / np.log(ratio)
    wave = np.zeros(frames)
    for index, (multiple, level_db) in enumerate(timbre.overtones):
        wave += gain_of(level_db) * np.sin(2 * np.pi * (multiple * turns + index * PHASE_STEP_TURNS))
    crest = CREST["in" if is_in else "out"]
    rise, fall = np.minimum(place / crest, 1), np.minimum((1 - place) / (1 - crest), 1)
    swell = 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, fall))
    return (wave * swell).astype(np.float32)
