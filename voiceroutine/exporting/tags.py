"""What players show of a routine. Nothing here depends on the clock, so the same routine gives the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.cues import Speech
from voiceroutine.sinks.tags import PROGRAM, Shape, Tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline

__all__ = ["Shape", "Tags", "lyrics_of", "tags_of"]


def tags_of(routine: Routine, timeline: Timeline, cover_png: bytes = b"") -> Tags:
    """Return what players show of a whole routine; the comment is the sentence about safety."""
    from voiceroutine import __version__

    chosen = f" ({', '.join(routine.chosen)})" if routine.chosen else ""
    return Tags(
        title=f"{timeline.title}{chosen}",
        artist=routine.author or PROGRAM,
        album=timeline.title,
        language=routine.voice.language,
        comment=routine.phrases().say["safety"],
        lyrics="\n".join(lyrics_of(timeline)),
        chapters=timeline.chapters,
        blocks=timeline.blocks,
        cover_png=cover_png,
        encoder=f"{PROGRAM} {__version__}",
    )


def lyrics_of(timeline: Timeline) -> Iterator[str]:
    """Yield what is said, as it is written, a line a sentence; each chapter is headed by its title."""
    spoken = [cue for cue in timeline.cues if isinstance(cue, Speech)]
    for number, chapter in enumerate(timeline.chapters):
        said = [cue.utterance.text for cue in spoken if chapter.start_ms <= cue.at_ms < chapter.end_ms]
        if said:
            yield from ["", chapter.title] if number else [chapter.title]
            yield from said
