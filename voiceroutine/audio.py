"""Samples: resampling, loudness, levelling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.units import SAMPLERATE_HZ, gain_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from voiceroutine.words import Word

    Samples = npt.NDArray[np.float32]

SPEECH_LUFS = -18.5
HIGHEST_PEAK_DBFS = -3.0
CHIME_LUFS = -24.0
CHIME_PEAK_DBFS = -11.0
KNOCK_BELOW_MS = 400
KNOCK_PEAK_DBFS = -18.0
MOST_GAIN_DB = 20.0


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


def joined(parts: Iterable[Clip]) -> Clip:
    """Return the parts of one recording as one clip."""
    found = [*parts]
    samples = np.concatenate([part.samples for part in found]) if found else np.zeros(0, np.float32)
    return Clip(samples=samples, samplerate_hz=found[0].samplerate_hz if found else SAMPLERATE_HZ)


def resampled(clip: Clip, samplerate_hz: int = SAMPLERATE_HZ) -> Clip:
    """Return the clip at another sample rate."""
    if clip.samplerate_hz == samplerate_hz or not len(clip.samples):
        return Clip(samples=clip.samples, samplerate_hz=samplerate_hz)
    import soxr

    samples = soxr.resample(clip.samples, clip.samplerate_hz, samplerate_hz, quality="HQ")
    return Clip(samples=np.asarray(samples, np.float32), samplerate_hz=samplerate_hz)


def levelled(clip: Clip, target_lufs: float = SPEECH_LUFS) -> Clip:
    """Return the clip at a loudness, or as near to it as its peak allows."""
    peak = float(np.max(np.abs(clip.samples), initial=0.0))
    if peak == 0.0:
        return clip
    gain = min(gain_of(target_lufs - loudness_lufs(clip)), gain_of(HIGHEST_PEAK_DBFS) / peak)
    return Clip(samples=clip.samples * np.float32(gain), samplerate_hz=clip.samplerate_hz)


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
    samples = np.pad(clip.samples, (0, max(0, frames - len(clip.samples))))
    return Clip(samples=samples, samplerate_hz=clip.samplerate_hz)


def loudness_lufs(clip: Clip) -> float:
    """Return the integrated loudness of a mono clip in LUFS; -inf for silence.

    A clip shorter than one block of 400 ms is measured as one block, without gates.

    Source: ITU-R BS.1770-5, annex 1.
    """
    return loudness_of_parts_lufs([clip])


def loudness_of_parts_lufs(parts: Iterable[Clip]) -> float:
    """Return the integrated loudness of a long mono recording, one part at a time; they should last some seconds."""
    blocks = np.concatenate([np.zeros(0), *(_block_powers(part) for part in parts)])
    if len(blocks) == 1:
        return _lufs(float(blocks[0]))
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(loud):
        return -np.inf
    return _lufs(float(loud[loud > loud.mean() * 0.1].mean()))


def _block_powers(clip: Clip) -> npt.NDArray[np.float64]:
    """Return the K-weighted power of every block of 400 ms, one each 100 ms; of what is shorter, as one block."""
    power = _k_weighted(clip) ** 2
    block, step = int(0.4 * clip.samplerate_hz), int(0.1 * clip.samplerate_hz)
    if len(power) < block:
        return np.array([power.mean()] if len(power) else [])
    sums = np.concatenate(([0.0], np.cumsum(power, dtype=np.float64)))
    starts = np.arange(0, len(power) - block + 1, step)
    blocks: npt.NDArray[np.float64] = (sums[starts + block] - sums[starts]) / block
    return blocks


def loudest_lufs(clip: Clip) -> float:
    """Return the loudness of the loudest 400 ms of a mono clip in LUFS; -inf for silence."""
    block = int(0.4 * clip.samplerate_hz)
    padded = np.pad(clip.samples, (0, block))
    sums = np.concatenate(([0.0], np.cumsum(_k_weighted(Clip(samples=padded, samplerate_hz=clip.samplerate_hz)) ** 2)))
    return _lufs(float(np.max(sums[block:] - sums[:-block])) / block)


def _lufs(power: float) -> float:
    return -0.691 + 10 * float(np.log10(power)) if power > 0 else -np.inf


def _k_weighted(clip: Clip) -> npt.NDArray[np.float64]:
    frames = len(clip.samples)
    size = 1 << max(1, (frames + clip.samplerate_hz // 10 - 1).bit_length())
    spectrum = np.fft.rfft(clip.samples, size)
    weighted: npt.NDArray[np.float64] = np.fft.irfft(spectrum * _k_response(size, clip.samplerate_hz), size)
    return weighted[:frames]


@cache
def _k_response(size: int, samplerate_hz: int) -> npt.NDArray[np.complex128]:
    """Return the K-weighting at the bins of a transform: a high shelf of +4 dB, then a high-pass at 38 Hz.

    Source: the analog prototypes behind the coefficients of BS.1770, as derived by B. De Man (2014), so that every
    sample rate is served by the same curve.
    """
    z = np.exp(-1j * np.pi * np.arange(size // 2 + 1) / (size / 2))
    shelf = _high_shelf(samplerate_hz)
    high_pass = _high_pass(samplerate_hz)
    response: npt.NDArray[np.complex128] = _biquad(z, *shelf) * _biquad(z, *high_pass)
    return response


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
