"""Samples: resampling, loudness, levelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.units import SAMPLERATE_HZ, gain_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voiceroutine.words import Word

    Samples = npt.NDArray[np.float32]

SPEECH_LUFS = -17.6
HIGHEST_PEAK_DBFS = -3.0
CHIME_LUFS = -24.0
CHIME_PEAK_DBFS = -11.0
KNOCK_BELOW_MS = 400
KNOCK_PEAK_DBFS = -18.0
MOST_GAIN_DB = 20.0
MOST_SPEECH_GAIN_DB = 40.0
LEVELLING_ROUNDS = 2
NEAR_ENOUGH_DB = 0.25
MOST_MAKEUP_DB = 6.0
EDGE_STEP_MS = 5
EDGE_STEPS = 20
STEPS_A_BLOCK = 4
LEAD_MS = 20
TAIL_MS = 60
FADE_MS = 3
SILENCE_DBFS = -60.0
SPEECH_RANGE_DB = 50.0
LEAST_RANGE_DB = 30.0
ABOVE_NOISE_DB = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Mono samples: float32, shape (frames,), -1..1, at `samplerate_hz`; of speech also when each word sounds."""

    samples: Samples
    samplerate_hz: int
    words: tuple[Word, ...] = ()

    @property
    def duration_ms(self) -> int:
        """How long it lasts; a started millisecond counts whole."""
        return -(-len(self.samples) * 1000 // self.samplerate_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """How loud a recording is as a whole (integrated), and in its loudest 400 ms; -inf for silence."""

    whole_lufs: float
    loudest_lufs: float


def joined(parts: Iterable[Clip]) -> Clip:
    """Return the parts of one recording as one clip."""
    found = [*parts]
    samples = np.concatenate([part.samples for part in found]) if found else np.zeros(0, np.float32)
    return Clip(samples=samples, samplerate_hz=found[0].samplerate_hz if found else SAMPLERATE_HZ)


def resampled(clip: Clip, samplerate_hz: int = SAMPLERATE_HZ) -> Clip:
    """Return the clip at another sample rate."""
    if clip.samplerate_hz == samplerate_hz or not len(clip.samples):
        return replace(clip, samplerate_hz=samplerate_hz)
    import soxr

    samples = soxr.resample(clip.samples, clip.samplerate_hz, samplerate_hz, quality="HQ")
    return replace(clip, samples=np.asarray(samples, np.float32), samplerate_hz=samplerate_hz)


def levelled(clip: Clip, target_lufs: float = SPEECH_LUFS) -> Clip:
    """Return the clip at a loudness, its peaks held at -3 dBFS; nothing is made more than 40 dB louder.

    What holding the peaks takes away is made up for. Gains change slowly against what the K-weighting remembers, so
    the weighted signal is found once and gets the same gains.
    """
    weighted = _k_weighted(clip)
    loudness = gated_lufs(_block_powers_of(weighted, clip.samplerate_hz))
    if loudness == -np.inf:
        return clip
    gain_db = min(target_lufs - loudness, MOST_SPEECH_GAIN_DB)
    peaks = _peaks(clip)
    gains = _gains(clip, peaks, gain_db)
    for _ in range(LEVELLING_ROUNDS):
        if isinstance(gains, np.float32):
            break
        missing_db = target_lufs - gated_lufs(_block_powers_of(weighted * gains, clip.samplerate_hz))
        if not NEAR_ENOUGH_DB < missing_db <= MOST_MAKEUP_DB:
            break
        gain_db += missing_db
        gains = _gains(clip, peaks, gain_db)
    return replace(clip, samples=clip.samples * gains)


def _peaks(clip: Clip) -> Samples:
    """Return the peak of every millisecond."""
    block = max(1, clip.samplerate_hz // 1000)
    whole = len(clip.samples) // block * block
    level = np.abs(clip.samples)
    peaks: Samples = level[:whole].reshape(-1, block).max(axis=1)
    return peaks if whole == len(level) else np.append(peaks, level[whole:].max())


def _gains(clip: Clip, peaks: Samples, gain_db: float, ceiling_dbfs: float = HIGHEST_PEAK_DBFS) -> Samples | np.float32:
    """Return for every frame a gain, or less where it would put a peak above the ceiling; one for all if none would.

    What is needed is found for each millisecond, held for 4 ms on both sides and smoothed over 2, so that it is low
    enough wherever it is interpolated.
    """
    gain = np.float32(gain_of(gain_db))
    needed = np.minimum(gain, np.float32(gain_of(ceiling_dbfs)) / np.maximum(peaks, np.float32(1e-9)))
    if not len(needed) or needed.min() >= gain:
        return gain
    held = _lowest_of_9(np.pad(needed, 4, constant_values=gain))
    smooth = np.convolve(np.pad(held, 2, mode="edge"), np.full(5, 0.2, np.float32), "valid")
    return _interpolated(smooth, max(1, clip.samplerate_hz // 1000), len(clip.samples))


def _lowest_of_9(values: Samples) -> Samples:
    """Return the lowest of every 9 values in a row."""
    for reach in (1, 2, 4, 1):
        values = np.minimum(values[reach:], values[:-reach])
    return values


def _interpolated(values: Samples, block: int, frames: int) -> Samples:
    """Return values of blocks, of their middles, as values of frames."""
    ends = np.pad(values, 1, mode="edge")
    ramp = (np.arange(block, dtype=np.float32) + np.float32(block % 2 / 2)) / np.float32(block)
    lines: Samples = ends[:-1, None] + np.diff(ends)[:, None] * ramp
    return lines.reshape(-1)[block // 2 :][:frames]


def trimmed(clip: Clip) -> Clip:
    """Return speech with 20 ms before it begins and 60 ms after it ends, whatever there was; empty if it is silence.

    What is 50 dB below the loudest 5 ms counts as silence, or with noise in the room, what is less than 8 dB above
    the quietest moment at the ends.
    """
    hop = max(1, clip.samplerate_hz * EDGE_STEP_MS // 1000)
    steps = len(clip.samples) // hop
    levels = 10 * np.log10(np.square(clip.samples[: steps * hop]).reshape(steps, hop).mean(axis=1) + 1e-12)
    if not steps or levels.max() < SILENCE_DBFS:
        return Clip(samples=clip.samples[:0], samplerate_hz=clip.samplerate_hz)
    noise = min(levels[:EDGE_STEPS].min(), levels[-EDGE_STEPS:].min()) + ABOVE_NOISE_DB
    threshold = np.clip(noise, levels.max() - SPEECH_RANGE_DB, levels.max() - LEAST_RANGE_DB)
    loud = np.flatnonzero(levels > threshold)
    lead, tail = (clip.samplerate_hz * margin_ms // 1000 for margin_ms in (LEAD_MS, TAIL_MS))
    return _cut(clip, int(loud[0]) * hop - lead, int(loud[-1] + 1) * hop + tail)


def _cut(clip: Clip, start: int, end: int) -> Clip:
    """Return the frames from `start` to before `end`, with silence where there are none, and short fades."""
    samples = clip.samples[max(0, start) : end].copy()
    fade = np.linspace(0, 1, min(len(samples), clip.samplerate_hz * FADE_MS // 1000), dtype=np.float32)
    samples[: len(fade)] *= fade
    samples[len(samples) - len(fade) :] *= fade[::-1]
    samples = np.pad(samples, (max(0, -start), max(0, end - len(clip.samples))))
    made = Clip(samples=samples, samplerate_hz=clip.samplerate_hz)
    by_ms = -start * 1000 // clip.samplerate_hz
    return replace(made, words=tuple(word.moved(0, by_ms).within(made.duration_ms) for word in clip.words))


def as_chime(clip: Clip) -> Clip:
    """Return the clip as loud as the bundled chimes: -24 LUFS in its loudest 400 ms, and no peak above -11 dBFS.

    A knock, shorter than 400 ms, has its peak at -18 dBFS, as the bundled tick. Nothing is made more than 20 dB louder.
    """
    peak = float(np.max(np.abs(clip.samples), initial=0.0))
    if peak == 0.0:
        return clip
    if clip.duration_ms < KNOCK_BELOW_MS:
        gain = gain_of(KNOCK_PEAK_DBFS) / peak
    else:
        gain = min(gain_of(CHIME_LUFS - loudest_lufs(clip)), gain_of(CHIME_PEAK_DBFS) / peak)
    samples = clip.samples * np.float32(min(gain, gain_of(MOST_GAIN_DB)))
    return Clip(samples=samples, samplerate_hz=clip.samplerate_hz)


def whole_milliseconds(clip: Clip) -> Clip:
    """Return the clip with silence added up to the next whole millisecond."""
    frames = -(-len(clip.samples) * 1000 // clip.samplerate_hz) * clip.samplerate_hz // 1000
    if frames <= len(clip.samples):
        return clip
    return replace(clip, samples=np.pad(clip.samples, (0, frames - len(clip.samples))))


def loudness_lufs(clip: Clip) -> float:
    """Return the integrated loudness of a mono clip in LUFS; -inf for silence.

    A clip shorter than one block of 400 ms is measured as one block, without gates.

    Source: ITU-R BS.1770-5, annex 1.
    """
    return loudness_of_parts([clip]).whole_lufs


def loudness_of_parts(parts: Iterable[Clip]) -> Loudness:
    """Return how loud a long mono recording is, one part at a time; they should last some seconds."""
    powers = np.concatenate([np.zeros(0), *(_block_powers(part) for part in parts)])
    return Loudness(whole_lufs=gated_lufs(powers), loudest_lufs=_lufs(float(powers.max(initial=0.0))))


def gated_lufs(blocks: npt.NDArray[np.float64]) -> float:
    """Return the integrated loudness of the powers of blocks of 400 ms, one each 100 ms; of one alone, without gates.

    Source: ITU-R BS.1770-5, annex 1.
    """
    if len(blocks) == 1:
        return _lufs(float(blocks[0]))
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(loud):
        return -np.inf
    return _lufs(float(loud[loud > loud.mean() * 0.1].mean()))


def _block_powers(clip: Clip) -> npt.NDArray[np.float64]:
    return _block_powers_of(_k_weighted(clip), clip.samplerate_hz)


def _block_powers_of(weighted: npt.NDArray[np.floating[Any]], samplerate_hz: int) -> npt.NDArray[np.float64]:
    """Return the power of every block of 400 ms, one each 100 ms; of what is shorter, as one block."""
    step = samplerate_hz // 10
    steps = len(weighted) // step
    if steps < STEPS_A_BLOCK:
        return np.array([np.square(weighted, dtype=np.float64).mean()] if len(weighted) else [])
    sums = np.square(weighted[: steps * step]).reshape(steps, step).sum(axis=1).astype(np.float64)
    blocks: npt.NDArray[np.float64] = np.convolve(sums, np.ones(STEPS_A_BLOCK), "valid") / (STEPS_A_BLOCK * step)
    return blocks


def loudest_lufs(clip: Clip) -> float:
    """Return the loudness of the loudest 400 ms of a mono clip in LUFS; -inf for silence."""
    block = int(0.4 * clip.samplerate_hz)
    padded = np.pad(clip.samples, (0, block))
    sums = np.concatenate(([0.0], np.cumsum(_k_weighted(Clip(samples=padded, samplerate_hz=clip.samplerate_hz)) ** 2)))
    return _lufs(float(np.max(sums[block:] - sums[:-block])) / block)


def _lufs(power: float) -> float:
    return -0.691 + 10 * float(np.log10(power)) if power > 0 else -np.inf


def _k_weighted(clip: Clip) -> npt.NDArray[np.float32]:
    """Return the samples through the K-weighting, a stretch at a time; its memory is over after 100 ms."""
    frames, tail = len(clip.samples), clip.samplerate_hz // 10
    size = 1 << (min(frames, 12 * tail) + tail).bit_length()
    hop = size - tail
    response = k_response(size, clip.samplerate_hz)
    out = np.zeros(frames + size, np.float32)
    for start in range(0, frames, hop):
        stretch = clip.samples[start : start + hop]
        out[start : start + size] += np.fft.irfft(np.fft.rfft(stretch, size) * response, size)
    return out[:frames]


@cache
def k_response(size: int, samplerate_hz: int) -> npt.NDArray[np.complex64]:
    """Return the K-weighting at the bins of a transform: a high shelf of +4 dB, then a high-pass at 38 Hz.

    Source: the analog prototypes behind the coefficients of BS.1770, as derived by B. De Man (2014), so that every
    sample rate is served by the same curve.
    """
    z = np.exp(-1j * np.pi * np.arange(size // 2 + 1) / (size / 2))
    shelf = _high_shelf(samplerate_hz)
    high_pass = _high_pass(samplerate_hz)
    response: npt.NDArray[np.complex128] = _biquad(z, *shelf) * _biquad(z, *high_pass)
    return response.astype(np.complex64)


Coefficients = tuple[tuple[float, float, float], tuple[float, float, float]]


def _high_shelf(samplerate_hz: int) -> Coefficients:
    k = float(np.tan(np.pi * 1681.974450955533 / samplerate_hz))
    quality, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    scale = 1 + k / quality + k * k
    numerator = (high + band * k / quality + k * k, 2 * (k * k - high), high - band * k / quality + k * k)
    denominator = (scale, 2 * (k * k - 1), 1 - k / quality + k * k)
    return numerator, denominator


def _high_pass(samplerate_hz: int) -> Coefficients:
    k = float(np.tan(np.pi * 38.13547087602444 / samplerate_hz))
    quality = 0.5003270373238773
    scale = 1 + k / quality + k * k
    return (scale, -2 * scale, scale), (scale, 2 * (k * k - 1), 1 - k / quality + k * k)


def _biquad(
    z: npt.NDArray[np.complex128], numerator: tuple[float, float, float], denominator: tuple[float, float, float]
) -> npt.NDArray[np.complex128]:
    (b0, b1, b2), (a0, a1, a2) = numerator, denominator
    return (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
