"""An example of a voice engine: it hums every letter, each at a pitch of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.voices import CanceledError, Probe, VoiceInfo, no_such_voice
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

SAMPLERATE_HZ = 22_050
PITCHES_HZ = {"low": 110.0, "high": 220.0}


class HumEngine:
    """Hums for 60 ms a letter, at 150 words a minute; spaces and punctuation are silent."""

    name = "hum"
    features: frozenset[Feature] = frozenset({"repeatable", "rate", "words"})

    def probe(self) -> Probe:
        """It needs nothing, so it always works."""
        return Probe(ok=True, reason="an example that hums every letter")

    def voices(self) -> Sequence[VoiceInfo]:
        """There are two, for any language."""
        return [VoiceInfo(name=name, language="und") for name in PITCHES_HZ]

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return a version, to be raised whenever the hum is to sound otherwise."""
        if settings.name is not None and settings.name not in PITCHES_HZ:
            raise no_such_voice(self.name, settings.name, PITCHES_HZ)
        return "1"

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Hum a text."""
        self.fingerprint(text, settings)
        if cancel is not None and cancel.is_set():
            raise CanceledError
        text = text if any(map(str.isalnum, text)) else ""
        frames = SAMPLERATE_HZ * 60 * 150 // (1000 * settings.rate_wpm)
        low_hz = PITCHES_HZ[settings.name or "low"]
        pitches_hz = [low_hz * 2 ** (ord(letter) % 12 / 12) if letter.isalnum() else 0.0 for letter in text]
        phases = np.cumsum(np.repeat(np.array(pitches_hz), frames)) * 2 * np.pi / SAMPLERATE_HZ
        samples = np.where(np.repeat(pitches_hz, frames) > 0, 0.1 * np.sin(phases), 0).astype(np.float32)
        starts_ms = [1000 * frames * index // SAMPLERATE_HZ for index in range(len(text) + 1)]
        words = words_at(text, [*enumerate(starts_ms[:-1])], 0, starts_ms[-1])
        return Clip(samples=samples, samplerate_hz=SAMPLERATE_HZ, words=words)

    def close(self) -> None:
        """There is nothing to let go of."""
