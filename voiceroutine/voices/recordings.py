"""One's own voice: a folder of recordings, a file for each line.

A file belongs to a line by what it is called: by the line itself ("left-side.wav"), by the key of one of the
product's own sentences ("halfway.wav"), or of an exercise's text ("neck-tilt.instruction.wav"). A file
`recordings.toml` may say it otherwise:

    [lines]
    "Left side." = "take 7.wav"
"""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import Clip, joined
from voiceroutine.errors import VoiceError
from voiceroutine.phrases import phrases_for
from voiceroutine.recordings import UnreadableError, clip_parts
from voiceroutine.voices import LineError, Probe, VoiceInfo
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

LIST_FILE = "recordings.toml"
SUFFIXES = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".caf", ".au",
    ".m4a", ".mp4", ".aac", ".wma", ".webm", ".amr", ".3gp",
)  # fmt: skip
LONGEST_S = 60
SILENCE = 1e-3

_LONGEST_NAME = 60


class RecordingsEngine:
    """Plays what somebody has recorded; what is missing is spoken by another engine."""

    name = "recordings"
    features: frozenset[Feature] = frozenset({"repeatable", "parallel", "lines"})

    def __init__(self) -> None:
        self._folders: dict[str, _Folder] = {}
        self._lock = Lock()

    def probe(self) -> Probe:
        """It works wherever there is a folder."""
        return Probe(ok=True, reason="your own recordings: --voice recordings:FOLDER")

    def voices(self) -> Sequence[VoiceInfo]:
        """There are none but the folders that are named."""
        return ()

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:
        """Return a hash of the recording of a line."""
        folder = self._folder(settings)
        if not text:
            return ""
        try:
            return hashlib.sha256(folder.file_of(text, settings.language).read_bytes()).hexdigest()
        except OSError as error:
            raise _unreadable(folder.file_of(text, settings.language), error) from None

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:  # noqa: ARG002
        """Return the recording of a line."""
        file = self._folder(settings).file_of(text, settings.language)
        clip = _read(file)
        words = words_at(text, (), 0, len(clip.samples) * 1000 // clip.samplerate_hz)
        return Clip(samples=clip.samples, samplerate_hz=clip.samplerate_hz, words=words)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _folder(self, settings: VoiceSettings) -> _Folder:
        with self._lock:
            name = settings.name or ""
            if name not in self._folders:
                self._folders[name] = _Folder(_existing(name))
            return self._folders[name]


def _existing(name: str) -> Path:
    if not name:
        raise VoiceError("Which recordings? Name their folder: --voice recordings:FOLDER.")
    folder = Path(name).expanduser().absolute()
    if not folder.is_dir():
        raise VoiceError(f"There is no folder of recordings {folder}; make it, or name another.")
    return folder


class _Folder:
    """What a folder holds, as it was when it was first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._files = {file.stem: file for file in sorted(path.iterdir(), reverse=True) if _is_sound(file)}
        except OSError as error:
            raise VoiceError(f"The folder of recordings {path} can't be read: {error.strerror}.") from None
        if not self._files:
            raise VoiceError(
                f'There are no sound files in {path}; "voiceroutine voices --script ROUTINE" lists what to record.'
            )
        self._by_name = {slug(stem): file for stem, file in self._files.items()}
        self._ids: dict[str, Mapping[str | None, str]] = {}

    def file_of(self, text: str, language: str) -> Path:
        """Return the recording of a line.

        Raises:
            LineError: there is none.
        """
        found = self._listed.get(text) or self._by_name.get(file_name(text)) or self._by_id(text, language)
        if found is None:
            raise LineError(
                f'Some lines have no recording in {self._path}; "voiceroutine voices --script ROUTINE" lists them'
            )
        return found

    @cached_property
    def _listed(self) -> Mapping[str, Path]:
        file = self._path / LIST_FILE
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise VoiceError(f"{file} can't be read: {error}") from None
        lines = data.get("lines")
        if set(data) != {"lines"} or not isinstance(lines, dict):
            raise VoiceError(f'{file}: there must be one table, [lines], with lines like "Left side." = "left.wav"')
        return dict(self._entries(file, lines))

    def _entries(self, file: Path, lines: Mapping[str, object]) -> Iterator[tuple[str, Path]]:
        names = {found.name: found for found in self._files.values()}
        for text, name in lines.items():
            path = names.get(name) if isinstance(name, str) else None
            if path is None:
                raise VoiceError(f'{file}: lines."{text}": there is no sound file {name!r} in the folder')
            yield text, path

    def _by_id(self, text: str, language: str) -> Path | None:
        if language not in self._ids:
            self._ids[language] = dict(_ids(language)) if self._may_have_ids(language) else {}
        return self._files.get(self._ids[language].get(text, ""))

    def _may_have_ids(self, language: str) -> bool:
        return any("." in stem or stem in phrases_for(language).say for stem in self._files)


def _ids(language: str) -> Iterator[tuple[str | None, str]]:
    """Yield the product's own texts of a language, each with its key."""
    from voiceroutine.library import SPOKEN_KEYS, default_library

    for identity, entries in default_library().exercises(language).items():
        for entry in reversed(entries):
            for key in ("name", *SPOKEN_KEYS):
                yield getattr(entry, key), f"{identity}.{key}"
    for key, text in phrases_for(language).say.items():
        if "{" not in text:
            yield text, key


def _is_sound(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def file_name(text: str) -> str:
    """Return the name, without its ending, of the file that a line is to be recorded in."""
    whole = slug(text)
    if len(whole) <= _LONGEST_NAME:
        return whole
    cut = whole[:_LONGEST_NAME].rpartition("-")[0] or whole[:_LONGEST_NAME]
    return f"{cut}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def slug(text: str) -> str:
    """Return a text as letters and digits of any script, in small letters, with hyphens between the words."""
    letters = unicodedata.normalize("NFC", text).casefold()
    return "-".join("".join(c if c.isalnum() else " " for c in letters).split())


def _read(file: Path) -> Clip:
    parts: list[Clip] = []
    try:
        for part in clip_parts(file):
            parts.append(part)
            if sum(len(one.samples) for one in parts) > LONGEST_S * part.samplerate_hz:
                raise LineError(f"The recording {file} is longer than {LONGEST_S} s; cut it to what is to be heard")
    except UnreadableError as error:
        raise LineError(f"The recording {file} {error}; {error.hint}") from None
    except OSError as error:
        raise _unreadable(file, error) from None
    clip = joined(parts)
    if float(np.abs(clip.samples).max(initial=0.0)) < SILENCE:
        raise LineError(f"The recording {file} is silent; record it anew")
    return clip


def _unreadable(file: Path, error: OSError) -> LineError:
    return LineError(f"The recording {file} can't be read: {error.strerror}")


def engine() -> RecordingsEngine:
    """Return the engine."""
    return RecordingsEngine()
