"""A timeline and its clips become samples, for any range of frames. Nothing depends on what was read before."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.breathtone import breath_tone
from voiceroutine.cues import Chime, Speech
from voiceroutine.levels import AS_MIXED
from voiceroutine.units import frame_at, gain_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voiceroutine.audio import Samples
    from voiceroutine.background import Background
    from voiceroutine.cues import Cue
    from voiceroutine.levels import Levels
    from voiceroutine.narration import Narrator
    from voiceroutine.sounds import Sounds

CEILING = 0.86
KNEE = 0.75


class Clips:
    """The samples of every cue, with its gain."""

    def __init__(self, narrator: Narrator, sounds: Sounds) -> None:
        self._narrator = narrator
        self._sounds = sounds
        self._chimes: dict[tuple[str, int], Samples] = {}

    def of(self, cue: Cue) -> Samples:
        """Return a cue's samples: float32, mono, 48 kHz."""
        if isinstance(cue, Chime):
            return self._chime(cue)
        samples = self._narrator.samples(cue.utterance)
        gain_db = cue.utterance.voice.gain_db
        return samples * np.float32(gain_of(gain_db)) if gain_db else samples

    def is_heard(self, speech: Speech) -> bool:
        """Tell whether somebody speaks, instead of letting time pass."""
        return self._narrator.is_heard(speech.utterance)

    def _chime(self, chime: Chime) -> Samples:
        key = chime.sound, chime.duration_ms
        if key not in self._chimes:
            is_tone = chime.why == "breath"
            clip = breath_tone(*key) if is_tone else self._sounds.clip(chime.sound)
            self._chimes[key] = clip.samples
        return self._chimes[key]


class Mix:
    """All cues as one stream of mono samples at 48 kHz, on a background if there is one.

    Cues may be added while others read, as long as they begin no earlier than those before them. Samples that lie at
    least `lookahead_ms` before whatever is still to be added are what they will be.
    """

    def __init__(self, clips: Clips, cues: Iterable[Cue] = (), background: Background | None = None) -> None:
        self._clips = clips
        self._background = background
        self._cues: list[Cue] = []
        self._starts: list[int] = []
        self._longest_frames = 0
        self.add(cues)

    @property
    def lookahead_ms(self) -> int:
        """How far what sounds depends on later cues, and on the end."""
        return self._background.lookahead_ms if self._background else 0

    def end_at(self, duration_ms: int) -> None:
        """Say how long all of it lasts, so that the background can fade out."""
        if self._background:
            self._background.end_at(duration_ms)

    def add(self, cues: Iterable[Cue]) -> None:
        """Append cues, in the order of their instants; chimes are read now, so that reading samples never waits."""
        for cue in cues:
            if isinstance(cue, Chime):
                self._clips.of(cue)
            elif self._background and self._clips.is_heard(cue):
                self._background.duck(cue.at_ms, cue.end_ms)
            self._longest_frames = max(self._longest_frames, frame_at(cue.duration_ms))
            self._cues.append(cue)
            self._starts.append(frame_at(cue.at_ms))

    def read(self, first_frame: int, out: Samples, levels: Levels = AS_MIXED) -> Samples:
        """Fill `out`, shape (frames,), with what sounds from `first_frame` on, and return it."""
        if self._background:
            self._background.read(first_frame, out)
        else:
            out.fill(0.0)
        end_frame = first_frame + len(out)
        for cue, start_frame in self._sounding(first_frame, end_frame):
            samples = self._clips.of(cue)
            begin, end = max(start_frame, first_frame), min(start_frame + len(samples), end_frame)
            if begin < end:
                part = samples[begin - start_frame : end - start_frame]
                gain = levels.gain(cue)
                out[begin - first_frame : end - first_frame] += part if gain == 1.0 else part * np.float32(gain)
        return below_ceiling(out)

    def load(self, first_frame: int, end_frame: int) -> Iterator[int]:
        """Bring what sounds in a range into memory, cue by cue; yield up to which frame all of it is there."""
        for cue, start_frame in self._sounding(first_frame, end_frame):
            yield max(start_frame, first_frame)
            self._clips.of(cue)
        yield end_frame

    def _sounding(self, first_frame: int, end_frame: int) -> list[tuple[Cue, int]]:
        low = bisect_left(self._starts, first_frame - self._longest_frames)
        high = bisect_left(self._starts, end_frame)
        return [*zip(self._cues[low:high], self._starts[low:high], strict=True)]


def below_ceiling(samples: Samples) -> Samples:
    """Bend what is louder than the knee so that it stays below the ceiling; a curve, so no state and no click."""
    if len(samples) and (samples.max() > KNEE or samples.min() < -KNEE):
        level = np.abs(samples)
        loud = level > KNEE
        room = CEILING - KNEE
        bent = KNEE + room * np.tanh((level[loud] - KNEE) / room)
        samples[loud] = np.copysign(bent, samples[loud])
    return samples
