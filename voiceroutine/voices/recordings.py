"""People's own voices: a folder of sound files, one a line.

The file of a line is the one that `recordings.toml` in the folder names for it, or that is called like its text
(`left-side.wav`), or like its id (`halfway.wav`, `neck-tilt.instruction.left.wav`), in this order.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from string import Formatter
from threading import Lock
from typing import TYPE_CHECKING

from voiceroutine.document import read_document
from voiceroutine.errors import RoutineError, VoiceError, did_you_mean
from voiceroutine.library import SPOKEN_KEYS, default_library
from voiceroutine.mistakes import MOST_PROBLEMS, refusal
from voiceroutine.phrases import has_phrases, phrases_for
from voiceroutine.placeholders import fill
from voiceroutine.sounds import LARGEST_BYTES
from voiceroutine.voices import CanceledError, LineError, Probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from threading import Event

    from voiceroutine.audio import Clip
    from voiceroutine.document import Document
    from voiceroutine.errors import Problem
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature, VoiceInfo

LIST_FILE = "recordings.toml"
LONGEST_S = 60
SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("wav", "wave", "w64", "rf64", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd", "caf"),
        *("m4a", "mp4", "aac", "wma", "webm", "mka", "amr", "3gp"),
    )
)

_LONGEST_NAME = 60
_HASH_DIGITS = 8
_OF_AN_EXERCISE = re.compile(rf"-(?:name|{'|'.join(SPOKEN_KEYS)})(?:-left|-right)?$")


def file_name(text: str) -> str:
    """Return the name, without its ending, under which a line is recorded: `left-side` for "Left side.".

    Letters and digits of all scripts stay, small; whatever is between them is one hyphen. A name of more than 60
    characters is cut, and told from others by a hash. It is empty where there is nothing to say.
    """
    return _cut(_slug(text))


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return "-".join("".join(character if _is_kept(character) else " " for character in plain).split())


def _is_kept(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in {"Mn", "Mc"}


def _cut(slug: str) -> str:
    if len(slug) <= _LONGEST_NAME:
        return slug
    beginning = slug[: _LONGEST_NAME + 1].rpartition("-")[0] or slug[:_LONGEST_NAME]
    return f"{beginning}-{hashlib.sha256(slug.encode()).hexdigest()[:_HASH_DIGITS]}"


@dataclass(eq=False, kw_only=True)
class Folder:
    """What was in a folder of recordings when it was read.

    Attributes:
        path: the folder.
        files: the files in it, by their names.
        listed: the files that `recordings.toml` names, by the slugs of their lines.
    """

    path: Path
    files: Mapping[str, Path]
    listed: Mapping[str, Path]
    _by_id: dict[str, Mapping[str, Path]] = field(default_factory=dict, init=False)

    def file(self, text: str, language: str) -> Path | None:
        """Return the file of a written line, or nothing if it has none."""
        slug = _slug(text)
        return self.listed.get(slug) or self._named(slug) or self._of_ids(language).get(slug)

    def unmatched(self, texts: Iterable[str], language: str) -> Sequence[Path]:
        """Return the sound files that belong to none of some written lines."""
        used = {self.file(text, language) for text in texts}
        return [file for file in self.sounds if file not in used]

    @cached_property
    def sounds(self) -> Sequence[Path]:
        """The sound files, by name: those whose ending says so, and those that are listed."""
        listed = set(self.listed.values())
        return [file for file in self.files.values() if file.suffix.lower() in SUFFIXES or file in listed]

    @cached_property
    def _by_name(self) -> Mapping[str, Path]:
        """The first file of each slug."""
        return {_slug(file.stem): file for file in reversed(self.sounds)}

    def _named(self, slug: str) -> Path | None:
        return self._by_name.get(slug) or self._by_name.get(_cut(slug))

    def _of_ids(self, language: str) -> Mapping[str, Path]:
        """Return the files that are called like an id, by the slugs of what it says in a language."""
        if language not in self._by_id:
            found: dict[str, Path] = {}
            for identity, text in self._texts(language):
                file = self._by_name.get(_slug(identity))
                if file is not None:
                    found.setdefault(_slug(text), file)
            self._by_id[language] = found
        return self._by_id[language]

    def _texts(self, language: str) -> Iterator[tuple[str, str]]:
        """Yield pairs of an id and what it says; of the library only if a file is called like something in it."""
        if not has_phrases(language):
            return
        phrases = phrases_for(language)
        for key, text in phrases.say.items():
            yield from _on_sides(key, text, phrases.sides)
        if any(map(_OF_AN_EXERCISE.search, self._by_name)):
            yield from _texts_of_exercises(language, phrases.sides)


def _texts_of_exercises(language: str, sides: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        exercises = default_library().exercises(language)
    except RoutineError as error:
        raise VoiceError(str(error)) from error
    for identity, entries in exercises.items():
        yield from ((f"{identity}.name", entry.name) for entry in entries if entry.name)
        for key in SPOKEN_KEYS:
            text = next((said for entry in entries if (said := getattr(entry, key))), "")
            yield from _on_sides(f"{identity}.{key}", text, sides)


def _on_sides(identity: str, text: str, sides: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield an id and its text, or where it names a side, one for each side; nothing where it names anything else."""
    named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    if not named:
        yield identity, fill(text, {})
    elif named <= {"side", "other_side"}:
        for side, other in (("left", "right"), ("right", "left")):
            yield f"{identity}.{side}", fill(text, {"side": sides[side], "other_side": sides[other]})


def read_folder(name: str) -> Folder:
    """Return what is in a folder of recordings; hidden files and folders inside it don't count.

    Raises:
        VoiceError: there is no such folder, no sound file in it, or its list is wrong.
    """
    path, names = _listing(name)
    files = {unicodedata.normalize("NFC", file): path / file for file in sorted(names) if not file.startswith(".")}
    folder = Folder(path=path, files=files, listed=_listed(path, files))
    if not folder.sounds:
        lists = '"voiceroutine voices --script ROUTINE" lists what to record'
        raise VoiceError(f"There are no sound files in {path}; {lists}.")
    return folder


def _listing(name: str) -> tuple[Path, Sequence[str]]:
    path = Path(name)
    try:
        path = path.expanduser().absolute()
        with os.scandir(path) as entries:
            return path, [entry.name for entry in entries if not _is_folder(entry)]
    except FileNotFoundError:
        raise VoiceError(f"There is no folder of recordings {path}; make it, or name another.") from None
    except NotADirectoryError:
        raise VoiceError(f"{path} is not a folder; name the one that your recordings are in.") from None
    except (OSError, RuntimeError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise VoiceError(f"The folder of recordings {path} can't be read: {why}.") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link in a circle: told when it is to be read.
        return False


def _listed(path: Path, files: Mapping[str, Path]) -> Mapping[str, Path]:
    if LIST_FILE not in files:
        return {}
    try:
        document = read_document(path / LIST_FILE)
        problems = [*_list_problems(document, files)][:MOST_PROBLEMS]
        if problems:
            raise refusal(problems)
    except RoutineError as error:
        raise VoiceError(str(error)) from None
    lines = document.data.get("lines", {})
    return {_slug(text): files[unicodedata.normalize("NFC", name)] for text, name in lines.items()}


def _list_problems(document: Document, files: Mapping[str, Path]) -> Iterator[Problem]:
    hint = 'write [lines], and below it "Left side." = "left.wav" for each line'
    for key in document.data:
        if key != "lines":
            yield document.problem((key,), f'unknown key "{key}"', hint)
    lines = document.data.get("lines", {})
    if not isinstance(lines, dict):
        yield document.problem(("lines",), "is not a table", hint)
        return
    seen: set[str] = set()
    for text, name in lines.items():
        slug = _slug(text)
        found = _entry_problem(slug, name, files) or (
            ("says the same as a line above it", "keep one of them") if slug in seen else None
        )
        if found:
            yield document.problem(("lines", text), *found)
        seen.add(slug)


def _entry_problem(slug: str, name: object, files: Mapping[str, Path]) -> tuple[str, str] | None:
    if not slug:
        return "there is nothing to say in this line", "write the words as the routine has them"
    if not isinstance(name, str):
        return "is not the name of a file", 'write it in quotes: "left.wav"'
    if unicodedata.normalize("NFC", name) not in files:
        near = did_you_mean(name, files)
        return f'there is no file "{name}" in this folder', near or "put it into the folder itself, not into one inside"
    return None


class RecordingsEngine:
    """Plays people's own recordings; of a line without one it says so, and another engine speaks it."""

    name = "recordings"
    features: frozenset[Feature] = frozenset({"repeatable", "parallel", "lines"})

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}
        self._seen: dict[Path, tuple[int, int]] = {}
        self._lock = Lock()

    def probe(self) -> Probe:
        """It always works; the folder is looked at when it is named."""
        return Probe(ok=True, reason="your own recordings: --voice recordings:FOLDER")

    def voices(self) -> Sequence[VoiceInfo]:
        """There is none by itself: a folder is a voice."""
        return ()

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:
        """Return a hash of the file of a line; of an empty text, only the folder is looked at."""
        folder = self._folder(settings)
        if not _slug(text):
            return ""
        file = _file(folder, text, settings)
        size_bytes, modified_ns = self._unchanged(file)
        with _told(file):
            return _digest(file, size_bytes, modified_ns)

    def sources(self, settings: VoiceSettings) -> Sequence[Path]:
        """Return the folder."""
        return [Path(settings.name).expanduser().absolute()] if settings.name else []

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Read the file of a line as it is; the times of its words aren't known."""
        from voiceroutine.audio import joined

        folder = self._folder(settings)
        if not _slug(text):
            return joined(())
        file = _file(folder, text, settings)
        self._unchanged(file)
        with _told(file):
            return _read(file, cancel)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _folder(self, settings: VoiceSettings) -> Folder:
        name = settings.name
        if not name:
            raise VoiceError("Which recordings? Name their folder: --voice recordings:FOLDER.")
        with self._lock:
            if name not in self._folders:
                self._folders[name] = read_folder(name)
            return self._folders[name]

    def _unchanged(self, file: Path) -> tuple[int, int]:
        """Return the size and the time of a file, once it is sure that they are those that were seen first."""
        with _told(file):
            status = file.stat()
        _check_kind_and_size(file, status)
        found = (status.st_size, status.st_mtime_ns)
        if self._seen.setdefault(file, found) != found:
            raise LineError(f"The recording {file} was changed in the meantime; start again to hear it")
        return found


def _file(folder: Folder, text: str, settings: VoiceSettings) -> Path:
    file = folder.file(text, settings.language)
    if file is None:
        lists = '"voiceroutine voices --script ROUTINE" lists them'
        raise LineError(f"Some lines have no recording in {folder.path}; {lists}")
    return file


def _check_kind_and_size(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LineError(f"The recording {file} is not a file that can be read as a whole; put the sound itself there")
    if not status.st_size:
        raise LineError(f"The recording {file} is empty; record it anew")
    if status.st_size > LARGEST_BYTES:
        most = f"{LARGEST_BYTES >> 20} MiB"
        raise LineError(f"The recording {file} is larger than {most}; cut it to what is to be heard")


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Turn a failure to read a file into one that names it and says what to do."""
    from voiceroutine.recordings import UnreadableError

    try:
        yield
    except UnreadableError as error:
        raise LineError(f"The recording {file} {error}; {error.hint}") from error
    except OSError as error:
        raise LineError(f"The recording {file} can't be read: {error.strerror or error}") from error


@cache
def _digest(file: Path, size_bytes: int, modified_ns: int) -> str:  # noqa: ARG001  they tell when it is another file
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read(file: Path, cancel: Event | None) -> Clip:
    from voiceroutine.audio import joined, trimmed
    from voiceroutine.recordings import clip_parts

    parts: list[Clip] = []
    length_s = 0.0
    for part in clip_parts(file):
        if cancel is not None and cancel.is_set():
            raise CanceledError
        length_s += len(part.samples) / part.samplerate_hz
        if length_s > LONGEST_S:
            raise LineError(f"The recording {file} is longer than {LONGEST_S} s; cut it to what is to be heard")
        parts.append(part)
    clip = joined(parts)
    if not len(trimmed(clip).samples):
        raise LineError(f"The recording {file} is silent; record it anew")
    return clip


def engine() -> RecordingsEngine:
    """Return the engine."""
    return RecordingsEngine()
