"""From the name of a routine to something that can be shown, played and exported: the pipeline, put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from voiceroutine.cues import estimated_ms
from voiceroutine.document import read_document
from voiceroutine.library import default_library
from voiceroutine.routine import load_routine
from voiceroutine.sounds import bundled_sounds
from voiceroutine.timeline import compile_intervals, compile_timeline
from voiceroutine.unroll import unroll

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from voiceroutine.cues import Cue
    from voiceroutine.library import Library
    from voiceroutine.mix import Mix
    from voiceroutine.narration import Narrator
    from voiceroutine.routine import Profile, Routine, VoiceSettings
    from voiceroutine.timeline import Placed, Timeline
    from voiceroutine.unroll import Interval
    from voiceroutine.voices import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the listener wants otherwise than the routine says; None where nothing."""

    engine: str | None = None
    voice: str | None = None
    rate_wpm: int | None = None
    profile: Profile | None = None


def load(name_or_path: str, wishes: Wishes = Wishes(), library: Library | None = None) -> Routine:
    """Load a routine by name or path.

    Raises:
        RoutineError: with every problem of the file.
    """
    library = library or default_library()
    document = read_document(library.find(name_or_path))
    routine = load_routine(document, library.exercises(), profile=wishes.profile)
    return replace(routine, voice=_wished(routine.voice, wishes))


def _wished(voice: VoiceSettings, wishes: Wishes) -> VoiceSettings:
    if wishes.engine is not None:
        voice = replace(voice, engine=wishes.engine, name=wishes.voice)
    return voice if wishes.rate_wpm is None else replace(voice, rate_wpm=wishes.rate_wpm)


@dataclass(frozen=True)
class Production:
    """A routine with its voice and its sounds; everything that is heard or shown of it comes from here.

    Args:
        routine: what is prescribed.
        cache_folder: where finished clips are kept; None keeps none.
        has_limits: whether very long routines are refused.
    """

    routine: Routine
    cache_folder: Path | None = None
    has_limits: bool = True

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The routine, unrolled."""
        return unroll(self.routine, has_limits=self.has_limits)

    @cached_property
    def choice(self) -> Choice:
        """The engine that speaks, and why it is the one."""
        from voiceroutine.voices import choose_engine

        return choose_engine(self.routine.voice.engine)

    @cached_property
    def narrator(self) -> Narrator:
        """Who gives sentences their clips."""
        from voiceroutine.narration import ClipCache, Narrator

        return Narrator(self.choice.engine, ClipCache(self.cache_folder) if self.cache_folder else None)

    def placed(self) -> Iterator[Placed]:
        """Yield the timeline from left to right, speaking as it goes."""
        return compile_intervals(self.routine, self.intervals, self.narrator.duration_ms, bundled_sounds().length_ms)

    def timeline(self) -> Timeline:
        """Return the whole timeline with measured speech."""
        return compile_timeline(self.routine, self.intervals, self.narrator.duration_ms, bundled_sounds().length_ms)

    def estimated_timeline(self) -> Timeline:
        """Return the whole timeline with estimated speech; nothing is spoken."""
        return compile_timeline(self.routine, self.intervals, estimated_ms, bundled_sounds().length_ms)

    def mix(self, cues: Iterable[Cue] = ()) -> Mix:
        """Return the samples of cues."""
        from voiceroutine.mix import Clips, Mix

        return Mix(Clips(self.narrator, bundled_sounds()), cues)


def default_cache_folder() -> Path:
    """Return the folder of finished clips."""
    import platformdirs

    return platformdirs.user_cache_path("voiceroutine", appauthor=False) / "clips"
