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
import sys
import tempfile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.voices import LineError, Probe, VoiceInfo
from voiceroutine.voices.programs import nothing_said, printed_by, short, whole_clip

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

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACES = ("text", "output", "rate", "language")


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
        if not any(map(str.isalnum, text)):
            return nothing_said()
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
        raise VoiceError(f"The command of the voice can't be understood: {error}: {short(written)}") from None
    if not arguments or not all(isinstance(argument, str) and argument for argument in arguments):
        raise VoiceError(f"The command of the voice must be a list of texts: {short(written)}")
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
        raise VoiceError(f'There is no program "{short(arguments[0])}"; is it installed, and is its name right?')
    return found


def _spoken(arguments: Sequence[str], text: str, settings: VoiceSettings, limit_s: float, cancel: Event | None) -> Clip:
    with tempfile.TemporaryDirectory(prefix="voiceroutine-", ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "speech.wav"
        written = " ".join(arguments)
        values = {"text": text, "output": str(output), "rate": str(settings.rate_wpm), "language": settings.language}
        stdin = b"" if "{text}" in written else f"{text}\n".encode()
        sound = printed_by(_filled(arguments, values), stdin, Path(folder), limit_s, cancel)
        if "{output}" not in written:
            output.write_bytes(sound)
        return whole_clip(output, f'"{arguments[0]}"')


def _filled(arguments: Sequence[str], values: Mapping[str, str]) -> list[str]:
    def value(match: re.Match[str]) -> str:
        if match[0] in {"{{", "}}"}:
            return match[0][0]
        if match[1] not in values:
            there = ", ".join(f"{{{place}}}" for place in _PLACES)
            raise VoiceError(f"The command of the voice has {match[0]}; there are {there}, and {{{{ is a brace.")
        return values[match[1]]

    return [_PLACE.sub(value, argument) for argument in arguments]


def engine() -> CommandEngine:
    """Return the engine."""
    return CommandEngine()
