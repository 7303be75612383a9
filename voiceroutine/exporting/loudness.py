"""How loud a stream of samples is: integrated loudness and true peak, measured while it passes by.

Source: ITU-R BS.1770-5, annexes 1 and 2.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import gated_lufs, k_response
from voiceroutine.exporting.measured import Loudness
from voiceroutine.units import SAMPLERATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    from voiceroutine.audio import Samples

STEP_FRAMES = SAMPLERATE_HZ // 10
STEPS_A_BLOCK = 4
STEREO_LU = 10 * np.log10(2)

OVERSAMPLING = 4
# What of its surroundings shapes the sound between two samples, in frames to each side.
REACH_FRAMES = 16
PIECE_FRAMES = 16
# Between samples sound is at most so much higher than at them: 3 dB, unless it is above 12 kHz, as little is here.
MOST_OVERSHOOT = 1.42
FIRST_PIECES = 16


class Meter:
    """Measures mono samples at 48 kHz as they come, in any pieces; digital silence costs next to nothing.

    Of each 100 ms the power is found in its spectrum, so nothing needs to be filtered back into samples.
    """

    def __init__(self) -> None:
        self._powers: list[npt.NDArray[np.float64]] = []
        self._left_over: Samples = np.zeros(0, np.float32)
        self._before: Samples = np.zeros(2 * REACH_FRAMES, np.float32)
        self._peak = 0.0

    def add(self, samples: Samples) -> None:
        """Measure what comes next."""
        self._look_for_peaks(samples)
        joined = np.concatenate([self._left_over, samples]) if len(self._left_over) else samples
        whole = len(joined) // STEP_FRAMES * STEP_FRAMES
        self._left_over = joined[whole:].copy()
        if whole:
            self._powers.append(_step_powers(joined[:whole].reshape(-1, STEP_FRAMES)))

    def loudness(self, channels: int = 1) -> Loudness:
        """Return how loud everything was that came.

        Args:
            channels: in how many it is heard; two that are the same are 3 LU louder than one.
        """
        self._look_for_peaks(np.zeros(REACH_FRAMES, np.float32))
        lufs = self._lufs() + (STEREO_LU if channels == 2 else 0.0)
        return Loudness(
            lufs=float(lufs) if lufs > -np.inf else None,
            true_peak_db=20 * float(np.log10(self._peak)) if self._peak else None,
        )

    def _lufs(self) -> float:
        powers = np.concatenate([*self._powers, np.zeros(0)])
        if len(powers) < STEPS_A_BLOCK:
            rest = np.pad(self._left_over, (0, STEP_FRAMES - len(self._left_over)))
            powers = np.concatenate([powers, _step_powers(rest.reshape(1, -1))])
            heard_steps = len(powers) - 1 + len(self._left_over) / STEP_FRAMES
            return gated_lufs(np.array([powers.sum() / heard_steps]) if heard_steps else np.zeros(0))
        return gated_lufs(np.convolve(powers, np.full(STEPS_A_BLOCK, 1 / STEPS_A_BLOCK), "valid"))

    def _look_for_peaks(self, samples: Samples) -> None:
        """Find the highest peak between samples, looking only where one could be higher than all before."""
        stretch = np.concatenate([self._before, samples])
        self._before = stretch[-2 * REACH_FRAMES :]
        pieces = -(-(len(stretch) - 2 * REACH_FRAMES) // PIECE_FRAMES)
        highest = max(float(stretch.max()), -float(stretch.min()))
        if pieces <= 0 or highest * MOST_OVERSHOOT <= self._peak:
            return
        self._peak = max(self._peak, highest)
        padded = np.pad(stretch, (0, pieces * PIECE_FRAMES + 2 * REACH_FRAMES - len(stretch)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, PIECE_FRAMES + 2 * REACH_FRAMES)[::PIECE_FRAMES]
        middle = np.abs(padded[REACH_FRAMES : REACH_FRAMES + pieces * PIECE_FRAMES]).reshape(pieces, PIECE_FRAMES)
        edges = np.abs(padded[REACH_FRAMES + PIECE_FRAMES : REACH_FRAMES + pieces * PIECE_FRAMES + 1 : PIECE_FRAMES])
        heights = np.maximum(middle.max(axis=1), edges)
        candidates = np.flatnonzero(heights * MOST_OVERSHOOT > self._peak)
        order = candidates[np.argsort(heights[candidates])[::-1]]
        for some in (order[:FIRST_PIECES], order[FIRST_PIECES:]):
            higher = some[heights[some] * MOST_OVERSHOOT > self._peak]
            if len(higher):
                self._peak = max(self._peak, float(np.abs(windows[higher] @ _between()).max()))


def _step_powers(steps: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the K-weighted power of each row."""
    powers = np.zeros(len(steps))
    sounding = np.flatnonzero(steps.any(axis=1))
    if len(sounding):
        spectrum = np.fft.rfft(steps[sounding])
        energy = (spectrum.real**2 + spectrum.imag**2) @ _weights()
        powers[sounding] = energy / STEP_FRAMES**2
    return powers


@cache
def _weights() -> npt.NDArray[np.float64]:
    """Return by what each bin of the spectrum of a step counts: twice, for its mirror image, but the first and last."""
    weights = 2 * np.abs(k_response(STEP_FRAMES, SAMPLERATE_HZ).astype(np.complex128)) ** 2
    weights[[0, -1]] /= 2
    return weights


@cache
def _between() -> npt.NDArray[np.float32]:
    """Return the matrix that turns a piece with what is around it into three values after each sample."""
    frames = PIECE_FRAMES + 2 * REACH_FRAMES
    steps = np.arange(1, OVERSAMPLING) / OVERSAMPLING
    at = (REACH_FRAMES + np.arange(PIECE_FRAMES)[:, None] + steps).ravel()
    distance = np.arange(frames)[:, None] - at[None, :]
    window = np.where(np.abs(distance) < REACH_FRAMES, np.cos(np.pi * distance / (2 * REACH_FRAMES)) ** 2, 0)
    return (np.sinc(distance) * window).astype(np.float32)
