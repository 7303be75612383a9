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
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.recordings import UnreadableError, read_clip
from voiceroutine.voices import CanceledError, LineError, Probe, VoiceInfo
from voiceroutine.wav import is_cut_short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from voiceroutine.audio import Clip
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

VARIABLE = "VOICEROUTINE_COMMAND"
EXAMPLE = "--voice 'command:my-tts --speed {rate} -o {output}'"
PATIENCE_S = 5.0
MOST_FAILURES = 3

_LOOK_S = 0.05
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACES = ("text", "output", "rate", "language")
_SHOWN_CHARACTERS = 200


class CommandEngine:
    """Lets another program speak.

    Args:
        patience_s: how long to wait for a sentence, besides twice its expected length.
    """

    name = "command"
    features: frozenset[Feature] = frozenset({"parallel"})

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._lock = Lock()
        self._has_spoken = False
        self._failures = 0

    def probe(self) -> Probe:
        """It works wherever there is a program."""
        return Probe(ok=True, reason=f"a program of yours: {EXAMPLE}")

    def voices(self) -> Sequence[VoiceInfo]:
        """There are none but the programs that are named."""
        return ()

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return a hash of the arguments and of what identifies the program's file."""
        arguments = _arguments(settings)
        _filled(arguments, dict.fromkeys(_PLACES, ""))
        status = Path(_program(arguments)).stat()
        identity = json.dumps([*arguments, status.st_size, status.st_mtime_ns])
        return hashlib.sha256(identity.encode()).hexdigest()

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Let the program speak a sentence; one that fails is tried twice."""
        arguments = _arguments(settings)
        arguments[0] = _program(arguments)
        limit_s = self._patience_s + 2 * estimated_ms(Utterance(text=text, voice=settings)) / 1000
        try:
            clip = _spoken(arguments, text, settings, limit_s, cancel)
        except VoiceError as error:
            if not self._is_worth_another_try():
                raise
            try:
                clip = _spoken(arguments, text, settings, limit_s, cancel)
            except VoiceError:
                raise self._failed(error) from None
        with self._lock:
            self._has_spoken, self._failures = True, 0
        return clip

    def close(self) -> None:
        """There is nothing to let go of: each program ends with its sentence."""

    def _is_worth_another_try(self) -> bool:
        with self._lock:
            return self._has_spoken

    def _failed(self, error: VoiceError) -> VoiceError:
        """Return an error of this line alone, until too many lines have failed in a row."""
        with self._lock:
            self._failures += 1
            return error if self._failures >= MOST_FAILURES else LineError(str(error))


def _arguments(settings: VoiceSettings) -> list[str]:
    written = (settings.name or os.environ.get(VARIABLE, "")).strip()
    if not written:
        raise VoiceError(f"Which program is to speak? Write it like {EXAMPLE}, or into {VARIABLE}.")
    try:
        arguments = json.loads(written) if written.startswith("[") else _split(written)
    except ValueError as error:
        raise VoiceError(f"The command of the voice can't be understood: {error}: {_short(written)}") from None
    if not arguments or not all(isinstance(argument, str) and argument for argument in arguments):
        raise VoiceError(f"The command of the voice must be a list of texts: {_short(written)}")
    return [*arguments]


def _split(written: str) -> list[str]:
    if sys.platform != "win32":
        return shlex.split(written)
    # Backslashes divide folders there, and quotes stay on until they are taken off.
    return [part.strip('"') for part in shlex.split(written, posix=False)]


def _program(arguments: Sequence[str]) -> str:
    program = str(Path(arguments[0]).expanduser()) if arguments[0].startswith("~") else arguments[0]
    found = shutil.which(program)
    if found is None:
        raise VoiceError(f'There is no program "{_short(arguments[0])}"; is it installed, and is its name right?')
    return found


def _spoken(arguments: Sequence[str], text: str, settings: VoiceSettings, limit_s: float, cancel: Event | None) -> Clip:
    with tempfile.TemporaryDirectory(prefix="voiceroutine-", ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "speech.wav"
        written = " ".join(arguments)
        values = {"text": text, "output": str(output), "rate": str(settings.rate_wpm), "language": settings.language}
        stdin = b"" if "{text}" in written else f"{text}\n".encode()
        sound = _ran(_filled(arguments, values), stdin, Path(folder), limit_s, cancel)
        if "{output}" not in written:
            output.write_bytes(sound)
        return _read(output, arguments[0])


def _filled(arguments: Sequence[str], values: Mapping[str, str]) -> list[str]:
    def value(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] not in values:
            there = ", ".join(f"{{{place}}}" for place in _PLACES)
            raise VoiceError(f"The command of the voice has {match[0]}; there are {there}, and {{{{ is a brace.")
        return values[match[1]]

    return [_PLACE.sub(value, argument) for argument in arguments]


def _ran(arguments: Sequence[str], stdin: bytes, folder: Path, limit_s: float, cancel: Event | None) -> bytes:
    """Run a program, in a process group of its own, and return what it printed."""
    given, said = folder / "stdin", folder / "stdout"
    given.write_bytes(stdin)
    with given.open("rb") as source, said.open("wb") as out, (folder / "stderr").open("wb") as err:
        try:
            process = subprocess.Popen(arguments, stdin=source, stdout=out, stderr=err, **_apart())
        except OSError as error:
            raise VoiceError(f'"{arguments[0]}" can\'t be started: {error.strerror}.') from None
        with process:
            try:
                _wait(process, arguments[0], limit_s, cancel)
            finally:
                _end(process)
    if process.returncode:
        last = (folder / "stderr").read_text("utf-8", "replace").strip().rpartition("\n")[2]
        why = f": {_short(last)}" if last else ""
        raise VoiceError(f'"{arguments[0]}" ended with status {process.returncode}{why}')
    return said.read_bytes()


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _wait(process: subprocess.Popen[bytes], name: str, limit_s: float, cancel: Event | None) -> None:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_S)
            return
        if cancel is not None and cancel.is_set():
            raise CanceledError
    raise VoiceError(f'"{name}" was not done after {limit_s:.0f} s, and was ended.')


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started."""
    if process.poll() is None or sys.platform != "win32":
        with suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)


def _read(output: Path, name: str) -> Clip:
    if not output.is_file() or not output.stat().st_size:
        raise VoiceError(f'"{name}" wrote no sound; it must write a WAV file to {{output}}, or print one.')
    try:
        if is_cut_short(output):
            raise VoiceError(f'What "{name}" wrote is shorter than it says.')
        return read_clip(output)
    except UnreadableError as error:
        beginning = output.read_bytes()[:16]
        raise VoiceError(f'What "{name}" wrote {error}; it begins with {beginning!r}.') from None


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def engine() -> CommandEngine:
    """Return the engine."""
    return CommandEngine()
