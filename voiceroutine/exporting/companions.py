"""The files beside an audio file: which there are, what they are called, what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voiceroutine.exporting.captions import Caption, WordsOf
    from voiceroutine.sinks.tags import Tags
    from voiceroutine.timeline import Timeline

CAPTIONS = ("srt", "vtt", "lrc")
CHAPTERS = ("json", "vtt", "cue", "labels")

ENDINGS: Mapping[str, str] = {
    **{f"captions-{kind}": f".{kind}" for kind in CAPTIONS},
    "chapters-json": ".chapters.json",
    "chapters-vtt": ".chapters.vtt",
    "chapters-cue": ".cue",
    "chapters-labels": ".labels.txt",
    "cover": ".cover.png",
}
"""How each kind of companion is called, after the name of the audio file without its suffix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A file beside an audio file."""

    kind: str
    path: Path


def companions_of(audio: Path, kinds: tuple[str, ...]) -> tuple[Companion, ...]:
    """Return the files of these kinds beside an audio file."""
    return tuple(Companion(kind=kind, path=audio.with_name(f"{audio.stem}{ENDINGS[kind]}")) for kind in kinds)


class Writer:
    """Makes the content of companions.

    Args:
        timeline: what they are about.
        tags: what players show of the audio.
        words_of: when each word of an utterance sounds.
        audio_name: the name of the audio file.
    """

    def __init__(self, timeline: Timeline, tags: Tags, words_of: WordsOf, audio_name: str) -> None:
        self._timeline = timeline
        self._tags = tags
        self._words_of = words_of
        self._audio_name = audio_name
        self._captions: tuple[Caption, ...] | None = None

    def content(self, kind: str) -> bytes:
        """Return what a companion of a kind holds."""
        if kind == "cover":
            return self._tags.cover_png
        group, _, name = kind.partition("-")
        return self._texts(group)[name]().encode()

    def _texts(self, group: str) -> Mapping[str, Callable[[], str]]:
        from voiceroutine.exporting import chapter_files, subtitles

        timeline, tags, name = self._timeline, self._tags, self._audio_name
        if group == "chapters":
            return {
                "json": lambda: chapter_files.chapters_json(timeline, name),
                "vtt": lambda: chapter_files.chapters_vtt(timeline, tags.language),
                "cue": lambda: chapter_files.cue_sheet(timeline, name, tags.artist),
                "labels": lambda: chapter_files.audacity_labels(timeline),
            }
        about = {"title": tags.title, "artist": tags.artist, "language": tags.language}
        return {
            "srt": lambda: subtitles.srt_text(self._all_captions()),
            "vtt": lambda: subtitles.vtt_text(self._all_captions(), tags.language),
            "lrc": lambda: subtitles.lrc_text(self._all_captions(), duration_ms=timeline.duration_ms, **about),
        }

    def _all_captions(self) -> tuple[Caption, ...]:
        if self._captions is None:
            from voiceroutine.exporting.captions import captions_of

            self._captions = captions_of(self._timeline, self._words_of, self._tags.language)
        return self._captions
