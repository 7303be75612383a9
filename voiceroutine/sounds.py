"""The sounds of a routine: which files they are, how long they last, what they sound like.

No audio library is needed for the lengths of bundled sounds; a file of the routine's own is read when it is asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.library import bundled_folder
from voiceroutine.soundnames import is_bundled, name_problem
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from voiceroutine.audio import Clip
    from voiceroutine.soundnames import Found, Use

LARGEST_BYTES = 256 << 20
LONGEST_MS: Mapping[Use, int] = {"chime": 30_000, "background": 600_000}
SHORTEST_BACKGROUND_MS = 1_000

_ADVICE: Mapping[Use, str] = {
    "chime": "cut out the part that is to sound",
    "background": "it is looped: cut out a part of it",
}


@dataclass(frozen=True)
class Sounds:
    """The bundled sounds, and the files beside a routine.

    Args:
        folder: of the bundled sounds: chimes in it, backgrounds in `beds` below.
        beside: the routine's folder; None where it has none, and only bundled sounds can be used.
    """

    folder: Path
    beside: Path | None = None
    _own: dict[str, Clip] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """Every bundled chime's file by its name."""
        return {file.stem: file for file in sorted(self.folder.glob("*.flac"))}

    @cached_property
    def beds(self) -> Mapping[str, Path]:
        """Every bundled background's file by its name; its end meets its beginning."""
        return {file.stem: file for file in sorted((self.folder / "beds").glob("*.flac"))}

    @cached_property
    def _lengths_ms(self) -> Mapping[str, int]:
        return {name: _flac_length_ms(file.read_bytes()[:42]) for name, file in self.files.items()}

    def length_ms(self, name: str) -> int:
        """Return how long a chime lasts; a started millisecond counts whole.

        Raises:
            RoutineError: it can't be used.
        """
        return self._lengths_ms[name] if name in self.files else self.clip(name).duration_ms

    def clip(self, name: str) -> Clip:
        """Return the samples of a chime at 48 kHz; those of a file are levelled, its frame 0 is their frame 0.

        Raises:
            RoutineError: it can't be used.
        """
        from voiceroutine.audio import as_chime, joined, resampled
        from voiceroutine.recordings import read_clip

        if name in self.files:
            return resampled(read_clip(self.files[name]))
        if name not in self._own:
            self._own[name] = as_chime(resampled(joined(self._parts(name, "chime"))))
        return self._own[name]

    def background_parts(self, name: str) -> Iterator[Clip]:
        """Yield the parts of a background, as they are in its file.

        Raises:
            RoutineError: it can't be used.
        """
        from voiceroutine.recordings import clip_parts

        return clip_parts(self.beds[name]) if name in self.beds else self._parts(name, "background")

    def problem(self, name: str, use: Use) -> Found | None:
        """Return what is wrong with a sound and what to do about it, or None if it can be used."""
        if is_bundled(name, use):
            return None
        try:
            for _ in self._checked_parts(name, use):
                pass
        except _UnfitError as error:
            return error.found
        return None

    def _parts(self, name: str, use: Use) -> Iterator[Clip]:
        try:
            yield from self._checked_parts(name, use)
        except _UnfitError as error:
            message, hint = error.found
            raise RoutineError([Problem(where=Location(file=str(self.beside)), message=message, hint=hint)]) from None

    def _checked_parts(self, name: str, use: Use) -> Iterator[Clip]:
        """Yield the parts of a file beside the routine as long as there is nothing wrong with it."""
        from voiceroutine.recordings import UnreadableError, clip_parts

        file = self._file(name, use)
        length_s = Fraction(0)
        try:
            for part in clip_parts(file):
                length_s += Fraction(len(part.samples), part.samplerate_hz)
                if length_s * 1000 > LONGEST_MS[use]:
                    longest = duration_text(LONGEST_MS[use])
                    raise _UnfitError(f'"{name}" lasts longer than {longest}, the most for a {use}', _ADVICE[use])
                yield part
        except UnreadableError as error:
            raise _UnfitError(f'"{name}" {error}', error.hint) from error
        except OSError as error:
            raise _unreadable(name, error) from error
        if not length_s:
            raise _UnfitError(f'"{name}" has no sound in it', "is it the right file?")
        if use == "background" and length_s * 1000 < SHORTEST_BACKGROUND_MS:
            raise _UnfitError(f'"{name}" lasts less than a second', "a background is looped: take a longer one")

    def _file(self, name: str, use: Use) -> Path:
        """Return the file that a name means, once it is sure that it may be read."""
        found = name_problem(name, use)
        if found:
            raise _UnfitError(*found)
        if self.beside is None:
            raise _UnfitError(f'"{name}" is a file, and this routine has no folder', "save the routine as a file first")
        try:
            folder = self.beside.resolve()
            file = (folder / name).resolve()
            if not file.is_relative_to(folder):
                message = f'"{name}" is a link that leads out of the routine\'s folder'
                raise _UnfitError(message, "put the file itself there")
            status = os.stat(file)  # noqa: PTH116  tells apart what is not there and what may not be looked at
        except FileNotFoundError:
            raise _UnfitError(f'there is no file "{name}" beside the routine', self._nearest(name, use)) from None
        except (OSError, RuntimeError, ValueError) as error:
            raise _unreadable(name, error) from error
        _check_kind_and_size(name, use, file, status.st_size)
        return file

    def _nearest(self, name: str, use: Use) -> str:
        assert self.beside is not None
        folder = (self.beside / name).parent
        names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        own, _, last = name.rpartition("/")
        near = did_you_mean(last, names)
        if near and own:
            near = near.replace('"', f'"{own}/', 1)
        stem = last.rpartition(".")[0]
        bundled = f'the bundled sound is called "{stem}"' if is_bundled(stem, use) else ""
        return near or bundled or "put it into the folder of the routine"


class _UnfitError(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.found = (message, hint)


def _check_kind_and_size(name: str, use: Use, file: Path, size_bytes: int) -> None:
    if file.is_dir():
        raise _UnfitError(f'"{name}" is a folder', f'name a file in it, like "{name.rstrip("/")}/gong.wav"')
    if not file.is_file():
        raise _UnfitError(f'"{name}" is not a file that can be read as a whole', "put the sound itself there")
    if size_bytes > LARGEST_BYTES:
        raise _UnfitError(f'"{name}" is larger than {LARGEST_BYTES >> 20} MiB', _ADVICE[use])
    if not size_bytes:
        raise _UnfitError(f'"{name}" is empty', "is it the right file?")


def _unreadable(name: str, error: Exception) -> _UnfitError:
    why = (error.strerror if isinstance(error, OSError) else None) or "the link leads in a circle"
    return _UnfitError(f'"{name}" can\'t be read: {why}', "is the name right, and may you read the file?")


def bundled_sounds() -> Sounds:
    """Return the sounds that come with the package."""
    return Sounds(bundled_folder("audio"))


def sounds_beside(folder: Path | None) -> Sounds:
    """Return the sounds that come with the package, and those of a routine's folder."""
    return Sounds(bundled_folder("audio"), folder)


def _flac_length_ms(header: bytes) -> int:
    """Read the length out of STREAMINFO (RFC 9639, section 8.2): 20 bits of rate, 8 of format, 36 of frames."""
    if header[:4] != b"fLaC":
        raise ValueError("not a FLAC file")
    fields = int.from_bytes(header[18:26], "big")
    samplerate_hz, frames = fields >> 44, fields & ((1 << 36) - 1)
    return -(-frames * 1000 // samplerate_hz)
