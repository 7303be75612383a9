"""Where a session can be jumped to, as files beside the audio: JSON, WebVTT, a cue sheet, labels for Audacity."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from voiceroutine.cues import Chime
from voiceroutine.exporting.subtitles import vtt_cue, vtt_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.timeline import Chapter, Placed, Timeline

CUE_FRAMES_PER_S = 75
MOST_CUE_TRACKS = 99
CUE_FILE_TYPES = {".mp3": "MP3"}


def chapters_json(timeline: Timeline, audio_name: str) -> str:
    """Return chapters as JSON, in seconds.

    Source: Podcast Namespace, "JSON Chapters Format", version 1.2.

    Args:
        timeline: whose chapters.
        audio_name: the name of the audio file, without its folder.
    """
    chapters = [
        {"startTime": chapter.start_ms / 1000, "endTime": chapter.end_ms / 1000, "title": _line(chapter.title)}
        for chapter in timeline.chapters
    ]
    whole = {"version": "1.2.0", "title": _line(timeline.title), "fileName": audio_name, "chapters": chapters}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def chapters_vtt(timeline: Timeline, language: str) -> str:
    """Return chapters as a WebVTT file, for a track of the kind "chapters"."""
    cues = (vtt_cue(chapter.start_ms, chapter.end_ms, [_line(chapter.title)]) for chapter in timeline.chapters)
    return "\n".join([vtt_head("chapters", language), *cues])


def cue_sheet(timeline: Timeline, audio_name: str, artist: str) -> str:
    """Return chapters as a cue sheet, to the nearest of 75 frames a second; to be written as UTF-8.

    A cue sheet has 99 tracks at most: the last one holds all that is left. Those that begin in the same frame as the
    one before are left out.

    Args:
        timeline: whose chapters.
        audio_name: the name of the audio file, which lies in the same folder.
        artist: who made it.
    """
    suffix = audio_name[audio_name.rfind(".") :].lower()
    lines = [
        f"TITLE {_quoted(timeline.title)}",
        f"PERFORMER {_quoted(artist)}",
        f"FILE {_quoted(audio_name)} {CUE_FILE_TYPES.get(suffix, 'WAVE')}",
    ]
    for number, (chapter, frame) in enumerate(_tracks(timeline.chapters), start=1):
        lines += [f"  TRACK {number:02} AUDIO", f"    TITLE {_quoted(chapter.title)}"]
        lines += [f"    INDEX 01 {_cue_clock(frame)}"]
    return "\n".join(lines) + "\n"


def audacity_labels(timeline: Timeline) -> str:
    """Return intervals with their lengths and chimes at their instants as a label track, in the order of time."""
    labels = [
        label
        for placed in timeline.intervals
        for label in ((placed.start_ms, placed.end_ms, _interval_label(placed)), *_chime_labels(placed))
    ]
    return "".join(
        f"{start_ms / 1000:.6f}\t{end_ms / 1000:.6f}\t{_line(text)}\n" for start_ms, end_ms, text in sorted(labels)
    )


def _tracks(chapters: Sequence[Chapter]) -> list[tuple[Chapter, int]]:
    starts = [(chapter, (chapter.start_ms * CUE_FRAMES_PER_S + 500) // 1000) for chapter in chapters]
    later = [start for before, start in pairwise(starts) if start[1] > before[1]]
    return [*starts[:1], *later][:MOST_CUE_TRACKS]


def _cue_clock(frame: int) -> str:
    seconds, frames = divmod(frame, CUE_FRAMES_PER_S)
    return f"{seconds // 60:02}:{seconds % 60:02}:{frames:02}"


def _quoted(text: str) -> str:
    """Return a text in the quotes of a cue sheet, which knows no escape for one inside."""
    return '"' + _line(text).replace('"', "'") + '"'


def _line(text: str) -> str:
    return " ".join(text.split())


def _interval_label(placed: Placed) -> str:
    interval, step = placed.interval, placed.interval.step
    if step is None:
        return interval.kind
    parts = [f"{interval.kind}: {step.name}"]
    parts += [interval.side] if interval.side else []
    parts += [f"set {interval.set}/{step.sets}"] if step.sets > 1 else []
    parts += [f"rep {interval.rep}/{step.reps}"] if step.reps > 1 else []
    parts += [interval.phase.say.rstrip(".")] if interval.phase and interval.phase.say else []
    return ", ".join(parts)


def _chime_labels(placed: Placed) -> Iterator[tuple[int, int, str]]:
    for cue in placed.cues:
        if isinstance(cue, Chime):
            yield cue.at_ms, cue.at_ms, f"{cue.why} ({cue.sound})"
