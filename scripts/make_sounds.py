"""Synthesize the bundled sounds: run as ``python scripts/make_sounds.py [FOLDER]``.

A chime is a table of struck partials or a tone that swells. A bed is noise, rain or a chord, made of whole waves only,
so that it repeats without a seam. All are rendered to FLAC files of 16 bits, 48 kHz and one channel; beds go into the
folder ``beds``.
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
BED_LUFS = -38.0
# How often a bed's level may turn in its whole length.
SWELLS = 12
# How far from a drone's note the sines around it reach, in turns of its whole length, and how loud they are together.
AROUND_TURNS = 11
AROUND_DB = -12.0
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
class Noise:
    """Noise that falls by a slope between two corners, and steeper beyond them.

    `swell_db` is how far its level strays from its mean, slowly and without a rhythm.
    """

    length_s: int
    low_hz: float
    high_hz: float
    fall_db_per_octave: float
    seed: int
    swell_db: float = 0.0


@dataclass(frozen=True)
class Drops:
    """Many small drops, each a short damped tone; none is much louder than the others, lest it be known again."""

    a_second: int
    low_hz: float
    high_hz: float
    shortest_ms: float
    longest_ms: float
    level_db: float
    seed: int


@dataclass(frozen=True)
class Rain:
    """Noise with drops in it; the level of the drops is relative to the noise."""

    wash: Noise
    drops: Drops


@dataclass(frozen=True)
class Voice:
    """A note of a drone: a sine, and softer ones close around it that make it live."""

    pitch_hz: float
    level_db: float


@dataclass(frozen=True)
class Drone:
    """Notes that sound together."""

    length_s: int
    voices: tuple[Voice, ...]
    seed: int


Bed: TypeAlias = Noise | Rain | Drone


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
BLOCK = (
    Partial(1.000, 0.0, 800.0),
    Partial(1.420, -9.0, 330.0),
    Partial(2.310, -8.0, 240.0),
    Partial(3.470, -16.0, 140.0),
    Partial(5.020, -24.0, 80.0),
)
BAR = (
    Partial(1.000, 0.0, 1500.0),
    Partial(3.980, -13.0, 420.0),
    Partial(6.510, -24.0, 180.0),
    Partial(9.310, -30.0, 90.0),
)
LOG = (
    Partial(1.000, 0.0, 2300.0),
    Partial(2.000, -13.0, 1300.0),
    Partial(3.990, -8.0, 800.0),
    Partial(6.480, -18.0, 300.0),
    Partial(9.240, -26.0, 140.0),
)
PURE = (
    Partial(1.000, 0.0, 2600.0, beat_hz=0.6),
    Partial(2.000, -16.0, 1500.0),
    Partial(3.000, -27.0, 800.0),
)
WARM = (
    Partial(0.500, -12.0, 3600.0),
    Partial(1.000, 0.0, 3900.0, beat_hz=0.5),
    Partial(1.500, -11.0, 3000.0),
    Partial(2.000, -14.0, 2300.0),
    Partial(3.000, -21.0, 1200.0),
)
BLIP = (Partial(1.000, 0.0, 110.0), Partial(2.000, -20.0, 60.0))
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
    "wood-start": Sound(1400, 2, 300, (Strike(440.00, BAR),)),
    "wood-end": Sound(2000, 3, 500, (Strike(164.81, LOG),)),
    "wood-switch": Sound(1100, 2, 250, (Strike(329.63, BLOCK), Strike(466.16, BLOCK, 260))),
    "wood-tick": Sound(90, 2, 20, (Strike(1120.00, WOOD),), peak_db=-18.0, loudness_lufs=None),
    "wood-halfway": Sound(240, 2, 50, (Strike(587.33, SOFT_WOOD),), peak_db=-20.0, loudness_lufs=None),
    "wood-finish": Sound(3000, 2, 600, (Strike(392.00, BAR), Strike(293.66, BAR, 480), Strike(196.00, LOG, 980))),
    "tones-start": Sound(2200, 5, 500, (Strike(523.25, PURE),)),
    "tones-end": Sound(3600, 12, 1000, (Strike(261.63, WARM),)),
    "tones-switch": Sound(1700, 5, 400, (Strike(392.00, PURE), Strike(587.33, PURE, 380, -0.5))),
    "tones-tick": Sound(100, 3, 20, (Strike(1046.50, BLIP),), peak_db=-18.0, loudness_lufs=None),
    "tones-halfway": Sound(220, 5, 50, (Strike(698.46, BLIP),), peak_db=-20.0, loudness_lufs=None),
    "tones-finish": Sound(4600, 5, 1000, (Strike(783.99, PURE), Strike(659.26, PURE, 620), Strike(349.23, WARM, 1320))),
    "breath-in": Sound(
        700, 4, 120, loudness_lufs=BREATH_LUFS, swell=Swell(261.63, 392.00, 430, (0.0, -16.0, -27.0, -36.0))
    ),
    "breath-out": Sound(
        800, 4, 200, loudness_lufs=BREATH_LUFS, swell=Swell(329.63, 196.00, 140, (0.0, -12.0, -22.0, -30.0))
    ),
}
BEDS: dict[str, Bed] = {
    "brown-noise": Noise(length_s=20, low_hz=60.0, high_hz=2500.0, fall_db_per_octave=6.0, seed=1),
    "drone": Drone(
        length_s=30,
        voices=(
            Voice(110.00, -6.0),
            Voice(165.00, -7.0),
            Voice(220.00, -3.0),
            Voice(330.00, -9.0),
            Voice(440.00, -15.0),
            Voice(495.00, -17.0),
            Voice(660.00, -22.0),
            Voice(880.00, -29.0),
        ),
        seed=110,
    ),
    "rain": Rain(
        wash=Noise(
            length_s=24,
            low_hz=180.0,
            high_hz=4200.0,
            fall_db_per_octave=4.0,
            seed=2,
            swell_db=0.5,
        ),
        drops=Drops(a_second=90, low_hz=900.0, high_hz=3400.0, shortest_ms=6.0, longest_ms=28.0, level_db=-6.0, seed=3),
    ),
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
    """Return a bed at its loudness; the sample after its last is its first."""
    match bed:
        case Noise():
            samples = render_noise(bed)
        case Rain():
            samples = render_rain(bed)
        case Drone():
            samples = render_drone(bed)
    return samples * amplitude(BED_LUFS - whole_lufs(samples))


def render_noise(noise: Noise) -> Samples:
    """Return noise as the sum of every whole wave that fits, each at a phase of its own."""
    frames = noise.length_s * RATE_HZ
    tones_hz = np.fft.rfftfreq(frames, 1 / RATE_HZ)[1:]
    slope = tones_hz ** (-noise.fall_db_per_octave / (20 * np.log10(2.0)))
    shape = slope / np.sqrt((1 + (noise.low_hz / tones_hz) ** 4) * (1 + (tones_hz / noise.high_hz) ** 12))
    phases = 2.0 * np.pi * np.random.default_rng(noise.seed).random(len(tones_hz))
    samples: Samples = np.fft.irfft(np.concatenate(([0.0], shape * np.exp(1j * phases))), frames)
    if noise.swell_db:
        samples *= 10 ** (noise.swell_db / 20 * stray(frames, noise.seed))
    return samples / np.std(samples)


def stray(frames: int, seed: int) -> Samples:
    """Return a line that strays slowly about 0, about as far as 1, and ends where it began."""
    spectrum = np.zeros(frames // 2 + 1, complex)
    phases = 2.0 * np.pi * np.random.default_rng(seed + 1000).random(SWELLS)
    spectrum[1 : SWELLS + 1] = np.exp(1j * phases)
    line: Samples = np.fft.irfft(spectrum, frames)
    return line / np.std(line)


def render_rain(rain: Rain) -> Samples:
    """Return noise and drops; a drop that reaches over the end goes on at the beginning."""
    samples = render_noise(rain.wash)
    drops, chance = rain.drops, np.random.default_rng(rain.drops.seed)
    fallen = np.zeros(len(samples))
    for _ in range(drops.a_second * rain.wash.length_s):
        start = chance.integers(len(samples))
        drop = render_drop(drops, chance)
        places = (start + np.arange(len(drop))) % len(samples)
        fallen[places] += drop
    return samples + fallen * amplitude(drops.level_db) / np.std(fallen)


def render_drop(drops: Drops, chance: np.random.Generator) -> Samples:
    """Return one drop: a damped tone at a pitch, length, size and phase of its own."""
    pitch_hz = drops.low_hz * (drops.high_hz / drops.low_hz) ** chance.random()
    t60_ms = drops.shortest_ms * (drops.longest_ms / drops.shortest_ms) ** chance.random()
    size, phase_turns = 0.4 + 0.6 * chance.random(), chance.random()
    time_ms = np.arange(round(t60_ms * FRAMES_PER_MS)) / FRAMES_PER_MS
    wave: Samples = np.sin(2 * np.pi * (pitch_hz * time_ms / 1000 + phase_turns))
    rise = np.minimum(1.0, time_ms / 1.5)
    return size * wave * rise * rise * (3 - 2 * rise) * 10 ** (-3 * time_ms / t60_ms)


def render_drone(drone: Drone) -> Samples:
    """Return its notes, every sine of which turns a whole number of times."""
    mixed = np.zeros(drone.length_s * RATE_HZ)
    for seed, voice in enumerate(drone.voices, start=drone.seed):
        mixed += render_voice(voice, drone.length_s, seed)
    return mixed


def render_voice(voice: Voice, length_s: int, seed: int) -> Samples:
    """Return a note of a drone; its level strays without a rhythm, since nothing around it is at a regular distance."""
    frames, turns = length_s * RATE_HZ, round(voice.pitch_hz * length_s)
    phases = 2.0 * np.pi * np.random.default_rng(seed).random(2 * AROUND_TURNS + 1)
    lines = np.exp(1j * phases) * amplitude(AROUND_DB) / np.sqrt(2 * AROUND_TURNS)
    lines[AROUND_TURNS] = np.exp(1j * phases[AROUND_TURNS])
    spectrum = np.zeros(frames // 2 + 1, complex)
    spectrum[turns - AROUND_TURNS : turns + AROUND_TURNS + 1] = lines * amplitude(voice.level_db)
    note: Samples = np.fft.irfft(spectrum, frames) * frames / 2
    return note


def whole_lufs(samples: Samples) -> float:
    """Return the loudness of a bed as a whole, as if it went on for ever."""
    size = len(samples)
    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    spectrum = np.fft.rfft(samples)
    for numerator, denominator in K_WEIGHTING:
        spectrum *= np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    return float(-0.691 + 10.0 * np.log10(np.mean(np.fft.irfft(spectrum, size) ** 2)))


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
