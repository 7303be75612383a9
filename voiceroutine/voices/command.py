"""Any program that turns text into a WAV file: `--voice 'command:my-tts --speed {rate} -o {output}'`.

The program gets a list of arguments, never a shell. Without `{text}` among them, the text comes through its standard
input; without `{output}`, the sound is taken from its standard output.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import TYPE_CHECKING

from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.voices import CanceledError, LineError, Probe, VoiceInfo
from voiceroutine.voices.programs import LOOK_S, printed_by, short, whole_clip, work_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from voiceroutine.audio import Clip
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

VARIABLE = "VOICEROUTINE_COMMAND"
EXAMPLE = "--voice 'command:my-tts --speed {rate} -o {output}'"
PATIENCE_S = 5.0
MOST_FAILURES = 3
# An introduction has five sentences, and nothing is heard before they are there.
MOST_AT_ONCE = 5
CLEARING_S = 1.0

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACES = ("text", "output", "rate", "language")
_WORD_ON_WINDOWS = re.compile(r'(?:"[^"]*"|[^\s"])+')
_BATCH_FILES = (".bat", ".cmd")
_LARGEST_HASHED_BYTES = 16 << 20


class CommandEngine:
    """Lets another program speak.

    Whether it keeps to the rate depends on the program that a listener names, so that isn't promised.

    Args:
        patience_s: how long to wait for a sentence, besides twice its expected length.
    """

    name = "command"
    features: frozenset[Feature] = frozenset({"parallel"})

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = Lock()
        self._turns = BoundedSemaphore(MOST_AT_ONCE)
        self._has_spoken = False
        self._failures = 0
        self._is_closed = False

    def probe(self) -> Probe:
        """It works wherever there is a program."""
        return Probe(ok=True, reason=f"a program of yours: {EXAMPLE}")

    def voices(self) -> Sequence[VoiceInfo]:
        """There are none but the programs that are named."""
        return ()

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return a hash of the arguments, of the program's file, and of every file that an argument names."""
        command = _command(settings)
        files = [Path(_program(command)), *(Path(argument.rpartition("=")[2]) for argument in command.arguments)]
        identity = json.dumps([command.program, *command.arguments, *map(_content, files)])
        return hashlib.sha256(identity.encode()).hexdigest()

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Let the program speak a sentence; one that fails is tried twice."""
        from voiceroutine.audio import joined

        command = _command(settings)
        job = _Job(command=command, program=_program(command), text=_sendable(text), settings=settings)
        if not any(map(str.isalnum, text)):
            return joined(())
        with self._turn(cancel):
            clip = self._spoken(job, cancel)
        with self._lock:
            self._has_spoken, self._failures = True, 0
        return clip

    def close(self) -> None:
        """Wait until those that were ended have cleared away what they wrote; no more are started."""
        self._is_closed = True
        until_s = monotonic() + CLEARING_S
        for _ in range(MOST_AT_ONCE):
            if not self._turns.acquire(timeout=max(0.0, until_s - monotonic())):
                break

    @contextmanager
    def _turn(self, cancel: Event | None) -> Iterator[None]:
        """Wait until so few programs run that one more may: each may take a lot of memory."""
        while not self._turns.acquire(timeout=LOOK_S):
            if cancel is not None and cancel.is_set():
                raise CanceledError
        try:
            if self._is_closed or (cancel is not None and cancel.is_set()):
                raise CanceledError
            yield
        finally:
            self._turns.release()

    def _spoken(self, job: _Job, cancel: Event | None) -> Clip:
        limit_s = self._patience_s + 2 * estimated_ms(Utterance(text=job.text, voice=job.settings)) / 1000
        try:
            return _clip(job, limit_s, cancel)
        except LineError:
            raise
        except VoiceError:
            if not self._is_worth_another_try():
                raise
        try:
            return _clip(job, limit_s, cancel)
        except VoiceError as error:
            raise self._failed(error) from None

    def _is_worth_another_try(self) -> bool:
        with self._lock:
            return self._has_spoken

    def _failed(self, error: VoiceError) -> VoiceError:
        """Return an error of this line alone, until too many lines have failed in a row."""
        with self._lock:
            self._failures += 1
            return error if self._failures >= MOST_FAILURES else LineError(str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """A program and its arguments, as they are written."""

    program: str
    arguments: tuple[str, ...]

    def has(self, place: str) -> bool:
        return any(match[1] == place for argument in self.arguments for match in _PLACE.finditer(argument))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A text, and the program that is to speak it."""

    command: _Command
    program: str
    text: str
    settings: VoiceSettings

    def arguments(self, output: Path) -> list[str]:
        settings = self.settings
        values = {
            "text": self.text,
            "output": str(output),
            "rate": str(settings.rate_wpm),
            "language": settings.language,
        }
        return [self.program, *(_filled(argument, values) for argument in self.command.arguments)]


def _command(settings: VoiceSettings) -> _Command:
    """Return the command that is asked for.

    Raises:
        VoiceError: there is none, or it can't be understood.
    """
    written = (settings.name or os.environ.get(VARIABLE, "")).strip()
    if not written:
        raise VoiceError(f"Which program is to speak? Write it like {EXAMPLE}, or into {VARIABLE}.")
    return _understood(written)


@cache
def _understood(written: str) -> _Command:
    try:
        words = json.loads(written) if written.startswith("[") else _split(written)
    except (ValueError, RecursionError) as error:
        raise VoiceError(f"The command of the voice can't be understood: {error}: {short(written)}") from None
    if not words or not all(isinstance(word, str) for word in words) or not words[0]:
        raise VoiceError(f"The command of the voice must be a list of texts: {short(written)}")
    for word in words:
        _check_places(word)
    if any(match[1] for match in _PLACE.finditer(words[0])):
        raise VoiceError(f"The command of the voice must begin with a program: {short(written)}")
    command = _Command(program=_filled(words[0], {}), arguments=tuple(words[1:]))
    if command.program.lower().endswith(_BATCH_FILES) and command.has("text"):
        message = f"{command.program} is a batch file, and Windows takes what it is given for commands"
        raise VoiceError(f"{message}; leave {{text}} out, then the text comes through its standard input.")
    return command


def _split(written: str) -> Sequence[str]:
    return _split_on_windows(written) if os.name == "nt" else shlex.split(written)


def _split_on_windows(written: str) -> Sequence[str]:
    """Split at spaces outside of double quotes; backslashes divide folders."""
    if written.count('"') % 2:
        raise ValueError("No closing quotation")
    return [word.replace('"', "") for word in _WORD_ON_WINDOWS.findall(written)]


def _check_places(word: str) -> None:
    for match in _PLACE.finditer(word):
        if match[0] not in {"{{", "}}"} and match[1] not in _PLACES:
            there = ", ".join(f"{{{place}}}" for place in _PLACES)
            raise VoiceError(f"The command of the voice has {match[0]}; there are {there}, and {{{{ is a brace.")


def _filled(word: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda match: values[match[1]] if match[1] else match[0][0], word)


def _sendable(text: str) -> str:
    """Return the text without what no argument can carry."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def _program(command: _Command) -> str:
    """Return the file of the program.

    Raises:
        VoiceError: there is none.
    """
    name = os.path.expanduser(command.program)  # noqa: PTH111  Path's raises where there is no home
    found = shutil.which(name)
    if found is not None:
        return found
    # Path would take "./my-tts" for "my-tts".
    path = os.path.abspath(name)  # noqa: PTH100
    is_path = os.path.dirname(name) != ""  # noqa: PTH120
    if is_path and os.path.isfile(path):  # noqa: PTH113
        raise VoiceError(f"{path} can't be started; is it a program, and may you execute it?")
    shown = path if is_path else name
    raise VoiceError(f'There is no program "{short(shown)}"; is it installed, and is its name right?')


def _content(file: Path) -> str:
    """Return what changes with the content of a file; nothing of what is no file."""
    try:
        status = file.stat()
        if not file.is_file():
            return ""
        if status.st_size > _LARGEST_HASHED_BYTES:
            return f"{status.st_size} {status.st_mtime_ns}"
        return _digest(file.absolute(), status.st_size, status.st_mtime_ns)
    except (OSError, ValueError):
        return ""


@cache
def _digest(file: Path, size_bytes: int, modified_ns: int) -> str:  # noqa: ARG001  they tell when it is another file
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _clip(job: _Job, limit_s: float, cancel: Event | None) -> Clip:
    from voiceroutine.audio import trimmed

    with work_folder() as folder:
        output = folder / "speech.wav"
        stdin = b"" if job.command.has("text") else f"{job.text}\n".encode()
        sound = printed_by(job.arguments(output), stdin, folder, limit_s, cancel)
        if not job.command.has("output"):
            output.write_bytes(sound)
        clip = whole_clip(output, f'"{job.program}"')
    if not len(trimmed(clip).samples):
        raise VoiceError(f'"{job.program}" wrote only silence.')
    return clip


def engine() -> CommandEngine:
    """Return the engine."""
    return CommandEngine()
