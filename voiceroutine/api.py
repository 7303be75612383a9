"""The whole pipeline in three calls, for programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.clipcache import default_cache
from voiceroutine.exporting import Target, check_path, export_files
from voiceroutine.player import Session
from voiceroutine.production import Production
from voiceroutine.score import score_of

if TYPE_CHECKING:
    from voiceroutine.routine import Routine
    from voiceroutine.timeline import Timeline


def compile(routine: Routine) -> Timeline:  # noqa: A001  the word of the field, used as voiceroutine.compile
    """Return the exact timeline of a routine, with measured speech.

    Raises:
        RoutineError: the routine is longer than the limits allow.
        VoiceError: the voice can't be used.
    """
    return Production(routine, default_cache()).timeline()


def export(routine: Routine, path: str | Path) -> Timeline:
    """Write a routine to an audio file, with chapters and tags, and return its timeline.

    The suffix says the format: .wav, .flac, .mp3, .ogg, .opus, .m4a or .m4b.

    Raises:
        ExportError: the file can't be written.
        VoiceError: the voice can't be used.
    """
    file = Path(path)
    check_path(file)
    production = Production(routine, default_cache())
    try:
        export_files(production, [Target(path=file, suffix=file.suffix.lower())])
        return production.timeline()
    finally:
        production.close()


def play(routine: Routine, device: str | None = None) -> None:
    """Play a routine aloud, and return when it is over.

    Raises:
        DeviceError: nothing can play.
        VoiceError: the voice can't be used.
    """
    from voiceroutine.sinks.device import open_device

    session = Session(partial(open_device, device))
    try:
        production = Production(routine, default_cache())
        session.perform(score_of(production))
        session.wait()
    finally:
        session.stop()
