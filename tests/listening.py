"""Hear what a listener hears: find chimes, words and silences in samples. Knows nothing of how they were made."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

AUDIO = Path(__file__).parent.parent / "audio"
SAMPLERATE_HZ = 48_000
ATTACK_FRAMES = 7_000
APART_FRAMES = 4_800
PRESENT = 0.6
_CHUNK_FRAMES = 1 << 18


@cache
def template(sound: str) -> Samples:
    """Return the beginning of a bundled sound, before words may set in, sharpened by a difference."""
    samples, samplerate_hz = soundfile.read(AUDIO / f"{sound}.flac", dtype="float32")
    assert samplerate_hz == SAMPLERATE_HZ
    return np.diff(samples[:ATTACK_FRAMES], prepend=np.float32(0))


def onsets(samples: Samples, sound: str) -> list[int]:
    """Return the frames at which a sound begins, by cross-correlation with its file."""
    shape = template(sound)
    energy = float(shape @ shape)
    strength = _correlated(np.diff(samples, prepend=np.float32(0)), shape) / energy
    found: list[int] = []
    for frame in np.flatnonzero(strength > PRESENT):
        near = strength[max(0, frame - APART_FRAMES) : frame + APART_FRAMES]
        if strength[frame] == near.max():
            found.append(int(frame))
    return found


def begins_at(samples: Samples, sound: str, frame: int, within_frames: int = 960) -> bool:
    """Return whether a sound begins at exactly this frame, and nowhere else near it."""
    shape = template(sound)
    start = max(0, frame - within_frames)
    stretch = samples[max(0, start - 1) : frame + within_frames + len(shape)]
    sharp = np.diff(stretch) if start else np.diff(stretch, prepend=np.float32(0))
    strength = np.correlate(sharp, shape, "valid") / float(shape @ shape)
    return bool(strength.argmax() == frame - start and strength.max() > PRESENT)


def _correlated(samples: Samples, shape: Samples) -> Samples:
    """Return the correlation of the samples with a shape at every frame, by overlapping transforms."""
    size = 2 * _CHUNK_FRAMES
    spectrum = np.conj(np.fft.rfft(shape, size))
    out = np.empty(len(samples), np.float32)
    for start in range(0, len(samples), _CHUNK_FRAMES):
        chunk = samples[start : start + size]
        length = min(_CHUNK_FRAMES, len(samples) - start)
        out[start : start + length] = np.fft.irfft(np.fft.rfft(chunk, size) * spectrum, size)[:length]
    return out


def level_dbfs(samples: Samples) -> float:
    """Return the RMS level."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10 * float(np.log10(power)) if power else -np.inf


def longest_silence_ms(samples: Samples, below: float = 1e-4) -> float:
    """Return the length of the longest stretch in which nothing is louder than a level."""
    loud = np.flatnonzero(np.abs(samples) > below)
    edges = np.concatenate(([-1], loud, [len(samples)]))
    return float(np.diff(edges).max() - 1) * 1000 / SAMPLERATE_HZ
