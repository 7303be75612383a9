"""What players show of a routine. Nothing here depends on the clock, so the same routine gives the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.exporting.lyrics import lyrics_text, safety_line
from voiceroutine.sinks.tags import PROGRAM, Shape, Tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline
    from voiceroutine.unroll import Interval

__all__ = ["Shape", "Tags", "tags_of"]


def tags_of(routine: Routine, intervals: Sequence[Interval], timeline: Timeline, cover_png: bytes = b"") -> Tags:
    """Return what players show of a whole routine; the comment is the sentence about safety.

    Args:
        routine: as it is listened to.
        intervals: the same, unrolled.
        timeline: the same, compiled.
        cover_png: its cover.
    """
    from voiceroutine import __version__

    chosen = f" ({', '.join(routine.chosen)})" if routine.chosen else ""
    return Tags(
        title=f"{timeline.title}{chosen}",
        artist=routine.author or PROGRAM,
        album=timeline.title,
        language=routine.voice.language,
        comment=safety_line(routine, intervals),
        lyrics=lyrics_text(timeline, routine.voice.language),
        chapters=timeline.chapters,
        blocks=timeline.blocks,
        cover_png=cover_png,
        encoder=f"{PROGRAM} {__version__}",
    )
