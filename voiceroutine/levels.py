"""How loud a listener wants what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.cues import Chime
from voiceroutine.units import gain_of

if TYPE_CHECKING:
    from voiceroutine.cues import Cue


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How loud a listener wants words and chimes, relative to how they are mixed."""

    voice_db: float = 0.0
    chimes_db: float = 0.0
    is_muted: bool = False

    def gain(self, cue: Cue) -> float:
        """Return what the samples of a cue are multiplied with."""
        if isinstance(cue, Chime):
            return gain_of(self.chimes_db)
        return 0.0 if self.is_muted else gain_of(self.voice_db)


AS_MIXED = Levels()
