"""An engine in memory, for tests of what is done with engines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.voices import Probe, VoiceInfo
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature


@dataclass
class Tones:
    """Hums each letter and remembers what it was asked for.

    Args:
        version: its fingerprint.
        character_ms: how long a letter is hummed.
        takes_s: how long it takes for a sentence.
        samplerate_hz: of its clips.
        amplitude: how loud it hums.
    """

    version: str = "1"
    character_ms: int = 10
    takes_s: float = 0.0
    samplerate_hz: int = 22_050
    amplitude: float = 0.1
    name: str = "tones"
    features: frozenset[Feature] = frozenset({"repeatable", "words"})
    asked: list[str] = field(default_factory=list)
    settings: list[VoiceSettings] = field(default_factory=list)

    def probe(self) -> Probe:
        return Probe(ok=True, reason="in memory")

    def voices(self) -> Sequence[VoiceInfo]:
        return (VoiceInfo(name="tone", language="und"),)

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:
        return self.version

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        self.asked.append(text)
        self.settings.append(settings)
        time.sleep(self.takes_s)
        frames = np.arange(len(text) * self.character_ms * self.samplerate_hz // 1000)
        samples = (self.amplitude * np.sin(frames / 9)).astype(np.float32)
        words = words_at(
            text, [(index, index * self.character_ms) for index in range(len(text))], 0, len(text) * self.character_ms
        )
        return Clip(samples=samples, samplerate_hz=self.samplerate_hz, words=words)

    def close(self) -> None:
        pass
