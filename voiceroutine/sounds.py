"""The sounds of a routine: which files they are, how long they last, what they sound like.

No audio library is needed for the lengths of bundled sounds; a file of the routine's own is read when it is asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from voiceroutine.errors import Location, Problem, RoutineError, SettingError, did_you_mean, visible
from voiceroutine.library import bundled_folder
from voiceroutine.routine import BackgroundSettings
from voiceroutine.soundnames import is_bundled, is_file, name_problem, unknown
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceroutine.audio import Clip
    from voiceroutine.soundnames import Found, Use

LARGEST_BYTES = 256 << 20
LONGEST_CHIME_MS = 30_000
SHORTEST_BACKGROUND_MS = 1_000
# Of longer music the beginning is looped: what is unpacked has to fit onto the disk, and be heard soon.
LONGEST_BACKGROUND_MS = 600_000

_CUT_IT = "cut out the part that is to sound"


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

    def background_parts(self, settings: BackgroundSettings) -> Iterator[Clip]:
        """Yield the parts of a background that is a file, as they are in it; its first ten minutes.

        Raises:
            RoutineError: it can't be used.
            SettingError: it can't be used, and the listener chose it.
        """
        return Music(settings.sound).parts() if settings.is_listeners else self._parts(settings.sound, "background")

    def background_note(self, settings: BackgroundSettings) -> str:
        """Return what is to be told about a background that can be used, or an empty text."""
        if settings.sound in self.beds and not settings.is_listeners:
            return ""
        file = Path(settings.sound).expanduser() if settings.is_listeners else self._file(settings.sound, "background")
        return _music_note(settings.sound, file)

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
        file = self._file(name, use)
        return _music_parts(name, file) if use == "background" else _chime_parts(name, file)

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
        _check_kind(name, file, status.st_size)
        return file

    def _nearest(self, name: str, use: Use) -> str:
        assert self.beside is not None
        own, _, last = name.rpartition("/")
        near = near_file(last, (self.beside / name).parent)
        if near and own:
            near = near.replace('"', f'"{own}/', 1)
        stem = last.rpartition(".")[0]
        bundled = f'the bundled sound is called "{stem}"' if is_bundled(stem, use) else ""
        return near or bundled or "put it into the folder of the routine"


class _UnfitError(Exception):
    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.found = (message, hint)


@dataclass(frozen=True)
class Music:
    """A file of the listener's, wherever it lies, to sound under a routine.

    Args:
        path: the file, as the listener wrote it.
    """

    path: str

    def check(self) -> None:
        """Read it, to be sure that it can be used.

        Raises:
            SettingError: it can't.
        """
        for _ in self.parts():
            pass

    def parts(self) -> Iterator[Clip]:
        """Yield its parts, as they are in the file; its first ten minutes.

        Raises:
            SettingError: it can't be used.
        """
        try:
            yield from _music_parts(self.path, self._file())
        except _UnfitError as error:
            raise _unusable(*error.found) from None

    def _file(self) -> Path:
        file = Path(self.path).expanduser()
        try:
            status = os.stat(file)  # noqa: PTH116  tells apart what is not there and what may not be looked at
        except FileNotFoundError:
            near = near_file(file.name, file.parent)
            raise _UnfitError(f'there is no file "{self.path}"', near or "is the name right?") from None
        except (OSError, RuntimeError, ValueError) as error:
            raise _unreadable(self.path, error) from error
        _check_kind(self.path, file, status.st_size)
        return file


def _unusable(message: str, hint: str) -> SettingError:
    return SettingError(f"--background: {visible(message)}\n    {hint}")


def listeners_background(wished: str, written: BackgroundSettings | None) -> BackgroundSettings:
    """Return the settings of a background that a listener chose, at the level that the routine says, if it says one.

    Args:
        wished: a bundled name, or a file anywhere.
        written: what the routine says.

    Raises:
        SettingError: there is no such background, or the file can't be used.
    """
    levels = written or BackgroundSettings(sound=wished)
    if is_bundled(wished, "background"):
        return replace(levels, sound=wished, is_listeners=False)
    if not is_file(wished) and not Path(wished).is_file():
        raise _unusable(*unknown(wished, "background", "a file"))
    Music(wished).check()
    return replace(levels, sound=wished, is_listeners=True)


def _chime_parts(name: str, file: Path) -> Iterator[Clip]:
    length_s = Fraction(0)
    if file.stat().st_size > LARGEST_BYTES:
        raise _UnfitError(f'"{name}" is larger than {LARGEST_BYTES >> 20} MiB', _CUT_IT)
    for part in _readable_parts(name, file):
        length_s += Fraction(len(part.samples), part.samplerate_hz)
        if length_s * 1000 > LONGEST_CHIME_MS:
            longest = duration_text(LONGEST_CHIME_MS)
            raise _UnfitError(f'"{name}" lasts longer than {longest}, the most for a chime', _CUT_IT)
        yield part
    if not length_s:
        raise _UnfitError(f'"{name}" has no sound in it', "is it the right file?")


def _music_parts(name: str, file: Path) -> Iterator[Clip]:
    """Yield the first ten minutes."""
    length_s, is_silent = Fraction(0), True
    for part in _readable_parts(name, file):
        left_s = Fraction(LONGEST_BACKGROUND_MS, 1000) - length_s
        samples = part.samples[: int(left_s * part.samplerate_hz)]
        if not len(samples):
            break
        length_s += Fraction(len(samples), part.samplerate_hz)
        is_silent = is_silent and not samples.any()
        yield replace(part, samples=samples)
    if not length_s or is_silent:
        raise _UnfitError(f'"{name}" has no sound in it', "is it the right file?")
    if length_s * 1000 < SHORTEST_BACKGROUND_MS:
        raise _UnfitError(f'"{name}" lasts less than a second', "a background is looped: take a longer one")


def _music_note(name: str, file: Path) -> str:
    from voiceroutine.recordings import lasts_longer

    if not lasts_longer(file, LONGEST_BACKGROUND_MS // 1000):
        return ""
    return f'of "{name}" the first {duration_text(LONGEST_BACKGROUND_MS)} are heard, again and again'


def _readable_parts(name: str, file: Path) -> Iterator[Clip]:
    from voiceroutine.recordings import UnreadableError, clip_parts

    try:
        yield from clip_parts(file)
    except UnreadableError as error:
        raise _UnfitError(f'"{name}" {error}', error.hint) from error
    except OSError as error:
        raise _unreadable(name, error) from error


def _check_kind(name: str, file: Path, size_bytes: int) -> None:
    if file.is_dir():
        raise _UnfitError(f'"{name}" is a folder', f'name a file in it, like "{name.rstrip("/")}/gong.wav"')
    if not file.is_file():
        raise _UnfitError(f'"{name}" is not a file that can be read as a whole', "put the sound itself there")
    if not size_bytes:
        raise _UnfitError(f'"{name}" is empty', "is it the right file?")


def near_file(name: str, folder: Path) -> str:
    """Return 'did you mean "…"?' for the file in a folder whose name is nearest, or an empty text."""
    try:
        return did_you_mean(name, [file.name for file in folder.iterdir()])
    except OSError:
        return ""


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
