"""No voice: every sentence takes its time and is shown, but not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.units import SAMPLERATE_HZ, frame_at
from voiceroutine.voices import Probe, VoiceInfo, no_such_voice
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature


class SilentEngine:
    """Gives silence of the length that the words would take."""

    name = "silent"
    features: frozenset[Feature] = frozenset({"repeatable", "rate", "silent"})

    def probe(self) -> Probe:
        """It always works."""
        return Probe(ok=True, reason="chimes and text on the screen, no voice")

    def voices(self) -> Sequence[VoiceInfo]:
        """There is none."""
        return ()

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return the version of the estimate."""
        if settings.name not in {None, "silent"}:
            raise no_such_voice("silent", settings.name or "", ["silent"])
        return "4"

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:  # noqa: ARG002
        """Return silence."""
        if not any(character.isalnum() for character in text):
            return Clip(samples=np.zeros(0, np.float32), samplerate_hz=SAMPLERATE_HZ)
        duration_ms = estimated_ms(Utterance(text=text, voice=settings))
        samples = np.zeros(frame_at(duration_ms), np.float32)
        return Clip(samples=samples, samplerate_hz=SAMPLERATE_HZ, words=words_at(text, (), 0, duration_ms))

    def close(self) -> None:
        """There is nothing to let go of."""


def engine() -> SilentEngine:
    """Return the engine."""
    return SilentEngine()
