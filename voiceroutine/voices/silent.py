"""No voice: every sentence takes its time and is shown, but not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.units import SAMPLERATE_HZ, frame_at
from voiceroutine.voices import Probe, VoiceInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.routine import VoiceSettings


class SilentEngine:
    """Gives silence of the length that the words would take."""

    name = "silent"

    def probe(self) -> Probe:
        """It always works."""
        return Probe(ok=True, reason="chimes and text on the screen, no voice")

    def voices(self) -> Sequence[VoiceInfo]:
        """There is one, and it says nothing."""
        return (VoiceInfo(name="silent", language="und"),)

    def fingerprint(self) -> str:
        """Return the version of the estimate."""
        return "3"

    def synthesize(self, text: str, settings: VoiceSettings) -> Clip:
        """Return silence."""
        frames = frame_at(estimated_ms(Utterance(text=text, voice=settings)))
        return Clip(samples=np.zeros(frames, np.float32), samplerate_hz=SAMPLERATE_HZ)


def engine() -> SilentEngine:
    """Return the engine."""
    return SilentEngine()
