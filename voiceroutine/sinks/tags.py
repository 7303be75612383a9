"""What a file is told before its first frame: what players show of it, and how its samples are laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceroutine.units import SAMPLERATE_HZ

if TYPE_CHECKING:
    from voiceroutine.timeline import Chapter

PROGRAM = "voiceroutine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """What players show.

    Attributes:
        title: of this file.
        artist: who made the routine.
        album: of the whole, where it is split into files.
        track: which of the files this is, from 1.
        tracks: how many there are.
        language: BCP 47.
        comment: a sentence for whoever reads it before playing.
        lyrics: what is said, a line a sentence.
        chapters: exercises; they tile the file.
        blocks: chapters that contain others, the outer before the inner; for containers that nest.
        cover_png: a picture, or nothing.
        encoder: the program and its version.
    """

    title: str
    artist: str = PROGRAM
    album: str = ""
    track: int = 1
    tracks: int = 1
    language: str = "en"
    comment: str = ""
    lyrics: str = ""
    chapters: tuple[Chapter, ...] = ()
    blocks: tuple[Chapter, ...] = ()
    cover_png: bytes = b""
    encoder: str = PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the samples in a file are laid out.

    Attributes:
        samplerate_hz: frames a second.
        channels: 1 or 2.
        bitrate_kbps: None is what the format needs for speech and bells.
        frames: exactly how many will be written.
    """

    samplerate_hz: int = SAMPLERATE_HZ
    channels: int = 1
    bitrate_kbps: int | None = None
    frames: int
