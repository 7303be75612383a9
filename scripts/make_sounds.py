"""Synthesize the bundled sounds: run as ``python scripts/make_sounds.py [FOLDER]``.

A chime is a table of struck partials or a tone that swells, a bed is shaped noise that repeats without a seam. All are
rendered to FLAC files of 16 bits, 48 kHz and one channel; beds go into the folder ``beds``.
The same numpy and libsndfile give the same bytes on every run.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

Samples: TypeAlias = npt.NDArray[np.float64]

RATE_HZ = 48_000
FRAMES_PER_MS = RATE_HZ // 1000
MOMENTARY_FRAMES = 400 * FRAMES_PER_MS
FULL_SCALE = 32_768
CHIME_LUFS = -24.0
CHIME_PEAK_DB = -11.0
BREATH_LUFS = -32.0
TWIN_DB = -8.5
# Lagging twins make the beat swell after the strike instead of cutting it short.
TWIN_PHASE_TURNS = -0.22
# Golden-ratio phases keep the partials from adding up to one spike at the strike.
PHASE_STEP_TURNS = 0.618033988749895
# ITU-R BS.1770 K-weighting at 48 kHz, numerator and denominator: the shelf, then the high-pass.
K_WEIGHTING = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)


@dataclass(frozen=True)
class Partial:
    """One decaying sine; `beat_hz` adds a quieter twin that far above it."""

    ratio: float
    level_db: float
    t60_ms: float
    beat_hz: float = 0.0


@dataclass(frozen=True)
class Strike:
    """One blow: its partials on a root, from `start_ms` on."""

    root_hz: float
    partials: tuple[Partial, ...]
    start_ms: int = 0
    level_db: float = 0.0


@dataclass(frozen=True)
class Swell:
    """A breath of tone: it glides from one pitch to another, rises, and falls to the end of the sound."""

    from_hz: float
    to_hz: float
    rise_ms: int
    overtones_db: tuple[float, ...]


@dataclass(frozen=True)
class Bed:
    """Noise that falls by 6 dB an octave between two corners, and steeper beyond them."""

    length_s: int
    low_hz: float
    high_hz: float
    loudness_lufs: float
    seed: int


@dataclass(frozen=True)
class Sound:
    """A sound's blows and edges, and its level: the loudness unless the peak limit is lower."""

    length_ms: int
    attack_ms: int
    fade_ms: int
    strikes: tuple[Strike, ...] = ()
    peak_db: float = CHIME_PEAK_DB
    loudness_lufs: float | None = CHIME_LUFS
    swell: Swell | None = None


BELL = (
    Partial(0.500, -15.0, 3800.0),
    Partial(1.000, 0.0, 3700.0, beat_hz=1.1),
    Partial(1.190, -16.0, 2300.0),
    Partial(1.506, -18.0, 1700.0),
    Partial(2.003, -5.0, 2400.0, beat_hz=1.9),
    Partial(2.520, -17.0, 1200.0),
    Partial(2.670, -16.0, 1200.0),
    Partial(3.006, -11.0, 1300.0, beat_hz=2.7),
    Partial(4.160, -16.0, 700.0),
    Partial(5.430, -21.0, 400.0),
    Partial(6.790, -29.0, 200.0),
)
BOWL = (
    Partial(1.000, -1.0, 9000.0, beat_hz=0.7),
    Partial(2.710, 0.0, 7000.0, beat_hz=1.2),
    Partial(5.060, -7.0, 4200.0, beat_hz=1.9),
    Partial(7.930, -15.0, 2200.0, beat_hz=2.9),
    Partial(11.300, -25.0, 900.0),
    Partial(1.730, -12.0, 200.0),
    Partial(3.640, -15.0, 150.0),
)
MARIMBA = (
    Partial(1.000, 0.0, 1400.0),
    Partial(2.760, -15.0, 550.0),
    Partial(3.930, -10.0, 700.0),
    Partial(6.300, -22.0, 250.0),
    Partial(9.200, -27.0, 140.0),
)
HAND_BELL = (
    Partial(0.500, -20.0, 3000.0),
    Partial(1.000, 0.0, 4200.0, beat_hz=0.9),
    Partial(2.004, -9.0, 2300.0, beat_hz=1.7),
    Partial(2.996, -8.0, 1900.0, beat_hz=2.3),
    Partial(4.210, -18.0, 900.0),
    Partial(5.390, -23.0, 450.0),
)
WOOD = (
    Partial(1.000, 0.0, 90.0),
    Partial(1.480, -2.0, 75.0),
    Partial(2.170, -7.0, 55.0),
    Partial(3.110, -15.0, 40.0),
    Partial(4.430, -22.0, 30.0),
)
SOFT_WOOD = (
    Partial(1.000, 0.0, 220.0),
    Partial(1.570, -4.0, 170.0),
    Partial(2.460, -10.0, 110.0),
    Partial(3.890, -17.0, 70.0),
)
SOUNDS: dict[str, Sound] = {
    "bell": Sound(2800, 3, 600, (Strike(659.26, BELL),)),
    "bowl": Sound(4200, 16, 1200, (Strike(220.00, BOWL),)),
    "two-tone": Sound(1500, 4, 300, (Strike(369.99, MARIMBA), Strike(493.88, MARIMBA, 340, -0.5))),
    "tick": Sound(100, 2, 20, (Strike(860.00, WOOD),), peak_db=-18.0, loudness_lufs=None),
    "soft-tick": Sound(200, 4, 40, (Strike(430.00, SOFT_WOOD),), peak_db=-20.0, loudness_lufs=None),
    "three-bells": Sound(
        5200,
        4,
        1000,
        (
            Strike(880.00, HAND_BELL),
            Strike(739.99, HAND_BELL, 950),
            Strike(587.33, HAND_BELL, 1950),
        ),
    ),
    "breath-in": Sound(
        700, 4, 120, loudness_lufs=BREATH_LUFS, swell=Swell(261.63, 392.00, 430, (0.0, -16.0, -27.0, -36.0))
    ),
    "breath-out": Sound(
        800, 4, 200, loudness_lufs=BREATH_LUFS, swell=Swell(329.63, 196.00, 140, (0.0, -12.0, -22.0, -30.0))
    ),
}
BEDS: dict[str, Bed] = {
    "brown-noise": Bed(length_s=20, low_hz=60.0, high_hz=2500.0, loudness_lufs=-34.0, seed=1),
}


def amplitude(level_db: float) -> float:
    """Return the linear factor of a level in dB."""
    return float(10.0 ** (level_db / 20.0))


def raised_cosine(frames: int) -> Samples:
    """Return a ramp that starts at exactly 0 and rises to almost 1."""
    ramp: Samples = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    return ramp


def render_partial(partial: Partial, root_hz: float, phase_turns: float, frames: int) -> Samples:
    """Return a decaying sine and its twin."""
    time_s = np.arange(frames) / RATE_HZ
    turns = partial.ratio * root_hz * time_s + phase_turns
    wave: Samples = np.sin(2.0 * np.pi * turns)
    if partial.beat_hz:
        wave += amplitude(TWIN_DB) * np.sin(2.0 * np.pi * (turns + partial.beat_hz * time_s + TWIN_PHASE_TURNS))
    decay: Samples = amplitude(partial.level_db) * 10.0 ** (-3000.0 * time_s / partial.t60_ms)
    return wave * decay


def render_strike(strike: Strike, attack_ms: int, frames: int) -> Samples:
    """Return one blow as long as the whole sound, silent before it starts."""
    start_frames = strike.start_ms * FRAMES_PER_MS
    struck = np.zeros(frames)
    for index, partial in enumerate(strike.partials):
        struck[start_frames:] += render_partial(
            partial, strike.root_hz, index * PHASE_STEP_TURNS, frames - start_frames
        )
    attack_frames = attack_ms * FRAMES_PER_MS
    struck[start_frames : start_frames + attack_frames] *= raised_cosine(attack_frames)
    return struck * amplitude(strike.level_db)


def render_swell(swell: Swell, frames: int) -> Samples:
    """Return a gliding tone and its overtones; the glide is even to the ear."""
    place = np.arange(frames) / frames
    pitch_hz = swell.from_hz * (swell.to_hz / swell.from_hz) ** place
    turns = np.cumsum(pitch_hz) / RATE_HZ
    wave = np.zeros(frames)
    for index, level_db in enumerate(swell.overtones_db):
        wave += amplitude(level_db) * np.sin(2.0 * np.pi * ((index + 1) * turns + index * PHASE_STEP_TURNS))
    rise_frames = swell.rise_ms * FRAMES_PER_MS
    wave[:rise_frames] *= raised_cosine(rise_frames)
    wave[rise_frames:] *= raised_cosine(frames - rise_frames)[::-1]
    return wave


def render_bed(bed: Bed) -> Samples:
    """Return noise whose end meets its beginning: made of whole waves only, each at a phase of its own."""
    frames = bed.length_s * RATE_HZ
    tones_hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)[1:]
    shape = 1 / (tones_hz * np.sqrt(1 + (bed.low_hz / tones_hz) ** 4) * np.sqrt(1 + (tones_hz / bed.high_hz) ** 12))
    phases = 2.0 * np.pi * np.random.default_rng(bed.seed).random(len(tones_hz))
    noise: Samples = np.fft.irfft(np.concatenate(([0.0], shape * np.exp(1j * phases))), frames)
    return noise * amplitude(bed.loudness_lufs - momentary_lufs(noise))


def k_weighted(samples: Samples) -> Samples:
    """Return the samples K-weighted, with room behind them for the filter's tail."""
    size = 2 ** int(np.ceil(np.log2(len(samples) + RATE_HZ)))
    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    spectrum = np.fft.rfft(samples, size)
    for numerator, denominator in K_WEIGHTING:
        spectrum *= np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    weighted: Samples = np.fft.irfft(spectrum, size)[: len(samples) + MOMENTARY_FRAMES]
    return weighted


def momentary_lufs(samples: Samples) -> float:
    """Return the loudest 400 ms of a mono signal."""
    energy = np.concatenate(([0.0], np.cumsum(k_weighted(samples) ** 2)))
    loudest = np.max(energy[MOMENTARY_FRAMES:] - energy[:-MOMENTARY_FRAMES]) / MOMENTARY_FRAMES
    return float(-0.691 + 10.0 * np.log10(loudest))


def peak_db(samples: Samples) -> float:
    """Return the sample peak in dBFS."""
    return float(20.0 * np.log10(np.max(np.abs(samples))))


def level_gain_db(sound: Sound, samples: Samples) -> float:
    """Return the gain that takes the samples to the sound's loudness, within its peak limit."""
    to_peak_db = sound.peak_db - peak_db(samples)
    if sound.loudness_lufs is None:
        return to_peak_db
    return min(to_peak_db, sound.loudness_lufs - momentary_lufs(samples))


def render(sound: Sound) -> Samples:
    """Return the finished sound, from -1 to 1."""
    frames = sound.length_ms * FRAMES_PER_MS
    mixed = np.zeros(frames)
    for strike in sound.strikes:
        mixed += render_strike(strike, sound.attack_ms, frames)
    if sound.swell:
        mixed += render_swell(sound.swell, frames)
    fade_frames = sound.fade_ms * FRAMES_PER_MS
    mixed[-fade_frames:] *= raised_cosine(fade_frames)[::-1]
    return mixed * amplitude(level_gain_db(sound, mixed))


def to_pcm(samples: Samples) -> npt.NDArray[np.int16]:
    """Return the samples rounded to 16 bits."""
    return np.rint(samples * FULL_SCALE).astype(np.int16)


def write_sounds(folder: Path) -> list[Path]:
    """Write every sound as FLAC and return the files."""
    (folder / "beds").mkdir(parents=True, exist_ok=True)
    made = {folder / f"{name}.flac": render(sound) for name, sound in SOUNDS.items()}
    made |= {folder / "beds" / f"{name}.flac": render_bed(bed) for name, bed in BEDS.items()}
    for path, samples in made.items():
        soundfile.write(path, to_pcm(samples), RATE_HZ, format="FLAC", subtype="PCM_16")
    return [*made]


def main() -> None:
    """Write the sounds into the folder named on the command line."""
    bundled = Path(__file__).resolve().parents[1] / "audio"
    parser = argparse.ArgumentParser(description="Synthesize the bundled chimes.")
    parser.add_argument("folder", nargs="?", type=Path, default=bundled, help="where to write (default: audio/)")
    for path in write_sounds(parser.parse_args().folder):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
