"""What a file says of its words: all that is spoken, as lyrics, and what is said of safety, as a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceroutine.cues import Speech
from voiceroutine.exporting.captions import sentences_of
from voiceroutine.outline import parts_of
from voiceroutine.phrases import phrases_for
from voiceroutine.placeholders import fill
from voiceroutine.unroll import written_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.outline import Part
    from voiceroutine.phrases import Phrases
    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline
    from voiceroutine.unroll import Interval


def verses_of(timeline: Timeline, language: str) -> tuple[str, ...]:
    """Return for each chapter its title and what is said in it, as written, a line a sentence."""
    phrases = phrases_for(language)
    return tuple("\n".join([part.chapter.title, *_lines(part, phrases)]) for part in parts_of(timeline))


def lyrics_text(timeline: Timeline, language: str) -> str:
    """Return all that is said, as written: chapters with their titles, a blank line between them."""
    return "\n\n".join(verses_of(timeline, language))


def safety_line(routine: Routine, intervals: Sequence[Interval]) -> str:
    """Return what a routine says of safety, in its language or in its author's words, whether it is spoken or not."""
    phrases = routine.phrases()
    return " ".join(fill(phrases.say["safety"], {"total": phrases.minutes(written_ms(intervals))}).split())


def _lines(part: Part, phrases: Phrases) -> Iterator[str]:
    for placed in part.intervals:
        for cue in placed.cues:
            if isinstance(cue, Speech):
                text = cue.utterance.text
                yield from (" ".join(text[start:end].split()) for start, end in sentences_of(text, phrases))
