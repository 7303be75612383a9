"""What went into a file that was exported, so that an unchanged routine is recognized without doing anything.

A record says what was asked for, what was read for it, and what came out. All of it is looked at again: the content of
files, a change of time alone makes no difference; of voices, which may be hundreds of megabytes, size and time. What
can't be known, such as what a program of the user's would say today, is never up to date.

Nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from voiceroutine.beside import written_beside
from voiceroutine.bundled import bundled_folder
from voiceroutine.exporting.measured import Loudness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceroutine.exporting import Report, Target, Written
    from voiceroutine.production import Production

FORMAT = 1
MOST_RECORDS = 2_000
MODULES = ("espeakng_loader", "lameenc", "mutagen", "numpy", "piper", "av", "PIL", "soundfile", "soxr")
VARIABLES = ("VOICEROUTINE_", "ESPEAK", "PIPER")
TRACEABLE = ("espeak", "piper", "recordings", "silent")

Kind = Literal["content", "state", "module"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Something that was read.

    Attributes:
        kind: what of it counts: the content of a file; the size and time of a file or of all files in a folder; where
            a module is and its time.
        name: the path, or the name of the module.
        found: what was there; empty where nothing was.
    """

    kind: Kind
    name: str
    found: str

    @staticmethod
    def now(kind: Kind, name: str) -> Input:
        """Look at what is there."""
        look = {"content": _content, "state": _state, "module": _module}[kind]
        return Input(kind=kind, name=name, found=look(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One export of one target.

    Attributes:
        request: a hash of what was asked for.
        inputs: what was read.
        outputs: path, size in bytes and digest of each file, the audio first.
        duration_ms: how long the routine lasts.
        loudness: of the whole.
    """

    request: str
    inputs: tuple[Input, ...]
    outputs: tuple[tuple[str, int, str], ...]
    duration_ms: int
    loudness: Loudness

    def is_true(self, request: str) -> bool:
        """Tell whether the same would come out again, and is still there."""
        if request != self.request or not self.outputs:
            return False
        return all(map(_is_as_written, self.outputs)) and all(
            one == Input.now(one.kind, one.name) for one in self.inputs
        )

    def remove_outputs_but(self, kept: Iterable[str]) -> None:
        """Remove the files of this export that are still as they were written, except those that are to stay."""
        staying = set(kept)
        for output in self.outputs:
            if output[0] not in staying and _is_as_written(output):
                with suppress(OSError):
                    os.unlink(output[0])  # noqa: PTH108


def request_of(argument: str, target: Target, wishes: Mapping[str, Any], settings_file: Path) -> str:
    """Return a hash of everything that is asked for, and of the program.

    Args:
        argument: the routine, as it was named.
        target: what is to be made.
        wishes: every flag that changes what comes out.
        settings_file: where the user's settings are, whose folder has the user's routines too.
    """
    environment = {name: os.environ[name] for name in sorted(os.environ) if name.startswith(VARIABLES)}
    beside = [[one.kind, str(one.path.absolute())] for one in target.beside]
    asked = [FORMAT, argument, str(Path.cwd()), str(target.path.absolute()), target.suffix, target.is_split, beside]
    about = [asked, wishes, environment, str(settings_file), sys.version, program_digest()]
    return hashlib.blake2b(json.dumps(about, default=str).encode()).hexdigest()


@cache
def program_digest() -> str:
    """Return a hash of all files of this program: its code, phrases, routines and sounds."""
    package = Path(__file__).parent.parent
    found = hashlib.sha256()
    for folder in (package, bundled_folder("routines"), bundled_folder("audio")):
        for name in sorted(_files(str(folder))):
            with open(name, "rb") as file:  # noqa: PTH123
                found.update(f"{name[len(str(folder)) :]}\0".encode() + file.read())
    return found.hexdigest()


def record_of(target: Target, folder: Path) -> Record | None:
    """Return what is known of the last export of a target; nothing if that can't be read."""
    try:
        data = json.loads(_file(target, folder).read_bytes())
        return Record(
            request=data["request"],
            inputs=tuple(Input(kind=kind, name=name, found=found) for kind, name, found in data["inputs"]),
            outputs=tuple((path, size, digest) for path, size, digest in data["outputs"]),
            duration_ms=int(data["duration_ms"]),
            loudness=Loudness(lufs=data["lufs"], true_peak_db=data["true_peak_db"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_record(target: Target, record: Record, folder: Path) -> None:
    """Keep what is known of an export; trouble with the folder only means that nothing is known."""
    data = {
        "request": record.request,
        "inputs": [[one.kind, one.name, one.found] for one in record.inputs],
        "outputs": record.outputs,
        "duration_ms": record.duration_ms,
        "lufs": record.loudness.lufs,
        "true_peak_db": record.loudness.true_peak_db,
    }
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with written_beside(_file(target, folder)) as part:
            part.write_text(json.dumps(data), encoding="utf-8")
        _forget_the_oldest(folder)


def forget_record(target: Target, folder: Path) -> None:
    """Forget what is known of a target, before it is made again."""
    with suppress(OSError):
        _file(target, folder).unlink(missing_ok=True)


def outputs_of(report: Report, number: int) -> tuple[tuple[str, int, str], ...]:
    """Return how the files of a target were written."""
    return tuple(_output(one) for one in report.files[number])


def inputs_of(
    argument: str, production: Production, language: str | None, settings_file: Path
) -> tuple[Input, ...] | None:
    """Return all that a routine is made of, or nothing if that can't be told for the voice that speaks.

    Args:
        argument: the routine, as it was named.
        production: what was made of it.
        language: which translation was wished.
        settings_file: where the user's settings are.
    """
    engine = production.choice.engine
    if engine.name not in TRACEABLE or production.choice.is_stand_in:
        return None
    voices = [str(path) for one in _engines(production) for path in one]
    contents = dict.fromkeys(map(str, [settings_file, *_routine_files(argument, language), *_own_files(production)]))
    return (
        *(Input.now("content", name) for name in contents),
        *(Input.now("state", name) for name in dict.fromkeys(voices)),
        *(Input.now("module", name) for name in MODULES),
    )


def were_changed_since(inputs: Iterable[Input], instant_ns: int) -> bool:
    """Tell whether a file was written after an instant: then it isn't sure that it was read as it is now."""
    files = [Path(one.name) for one in inputs if one.kind == "content" and one.found]
    for file in files:
        with suppress(OSError):
            if file.stat().st_mtime_ns >= instant_ns:
                return True
    return False


def _routine_files(argument: str, language: str | None) -> Iterator[Path]:
    """Yield every file that the name of a routine could mean, the most important first, and those of exercises."""
    from voiceroutine.library import EXERCISES_FILE, default_library
    from voiceroutine.phrases import beginnings, languages

    path = Path(argument)
    folders = default_library().folders
    tags = beginnings(language) if language else ()
    yield path.absolute()
    yield from (path.parent.absolute() / tag / path.name for tag in tags)
    yield from (folder / tag / f"{argument}.toml" for folder in folders for tag in (*tags, ""))
    yield from (folder / tag / EXERCISES_FILE for folder in folders for tag in (*languages(), ""))


def _own_files(production: Production) -> Iterator[Path]:
    """Yield the sounds and pictures that may lie beside a routine."""
    from voiceroutine.cues import Chime
    from voiceroutine.pictures.own_cover import NAMES

    routine, sounds = production.routine, production.sounds
    if not routine.sounds.folder:
        return
    folder = Path(routine.sounds.folder)
    yield from (folder / name for name in NAMES)
    chimes = {cue.sound for cue in production.estimated_timeline().cues if isinstance(cue, Chime)} - set(sounds.files)
    yield from (folder / name for name in sorted(chimes))
    background = routine.sounds.background
    if background and background.sound not in sounds.beds:
        yield folder / background.sound


def _engines(production: Production) -> Iterator[Sequence[Path]]:
    """Yield the files of the engine that speaks, and of those that would if they could."""
    from voiceroutine.voices import AUTO_ORDER, load_engine

    engine, settings = production.choice.engine, production.routine.voice
    before = AUTO_ORDER[: AUTO_ORDER.index(engine.name)] if settings.engine == "auto" else ()
    for one in (*map(load_engine, before), engine):
        yield getattr(one, "sources", lambda _: ())(settings)


def _is_as_written(output: tuple[str, int, str]) -> bool:
    path, size_bytes, digest = output
    try:
        with open(path, "rb") as file:  # noqa: PTH123  a path costs more than all else here
            return os.fstat(file.fileno()).st_size == size_bytes and _digest(file) == digest
    except OSError:
        return False


def _content(name: str) -> str:
    try:
        with open(name, "rb") as file:  # noqa: PTH123
            return _digest(file)
    except (OSError, ValueError):
        return ""


def _digest(file: Any) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _state(name: str) -> str:
    path = Path(name)
    try:
        if not path.is_dir():
            status = path.stat()
            return f"{status.st_size} {status.st_mtime_ns}"
        states = sorted(f"{file} {_state(file)}" for file in _files(name))
    except (OSError, ValueError):
        return ""
    return hashlib.blake2b("\n".join(states).encode()).hexdigest()


def _module(name: str) -> str:
    try:
        found = find_spec(name)
    except (ImportError, ValueError):
        return ""
    origin = found.origin if found else None
    return f"{origin} {_state(origin)}" if origin else ""


def _files(folder: str) -> Iterator[str]:
    """Yield all files in a folder and those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry.path
            elif entry.name != "__pycache__":
                yield from _files(entry.path)


def _file(target: Target, folder: Path) -> Path:
    identity = json.dumps([str(target.path.absolute()), target.suffix, target.is_split])
    return folder / f"{hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()}.json"


def _output(one: Written) -> tuple[str, int, str]:
    return str(one.path.absolute()), one.size_bytes, one.digest


def _forget_the_oldest(folder: Path) -> None:
    files = [*folder.glob("*.json")]
    if len(files) > MOST_RECORDS:
        by_time = sorted(files, key=lambda file: file.stat().st_mtime)
        for file in by_time[: len(files) - MOST_RECORDS * 9 // 10]:
            file.unlink(missing_ok=True)
