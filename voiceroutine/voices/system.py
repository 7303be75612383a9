"""The voices of the operating system: through pyttsx3, in a process of its own, or through `say` on macOS.

pyttsx3 loses sentences, hangs and crashes, so a child process speaks one sentence at a time, is given so long and no
longer, and what it wrote is looked at. A child that fails is replaced, and the sentence tried once more.
"""

from __future__ import annotations

import atexit
import json
import locale
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol

from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.phrases import beginnings, has_phrases, phrases_for
from voiceroutine.voices import CanceledError, Probe, VoiceInfo, no_such_voice
from voiceroutine.voices.programs import (
    LOOK_S,
    LateError,
    apart,
    end,
    nothing_said,
    printed_by,
    short,
    whole_clip,
    work_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.audio import Clip
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

CHILD = Path(__file__).with_name("system_child.py")
PATIENCE_S = 5.0
PROBE_S = 0.9
LISTING_S = 10.0
CHILDREN = 2
SAY = "/usr/bin/say"

_NEVER = Event()
_SAY_VOICE = re.compile(r"(?P<name>\S.*?)\s{2,}(?P<language>[a-z]{2,3}_\w+)\s+#")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """A voice: what its driver calls it, what people do, and its BCP 47 tags."""

    id: str
    name: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A sentence, who is to speak it how fast, and the file to write it into."""

    text: str
    voice: _Voice
    rate_wpm: int
    file: Path


class Speaker(Protocol):
    """A way to the system's voices."""

    version: str

    def voices(self, limit_s: float) -> Sequence[_Voice]:
        """Return all voices; raises VoiceError where there is trouble."""

    def speak(self, line: _Line, limit_s: float, cancel: Event) -> None:
        """Write a sentence into a sound file; raises VoiceError, or CanceledError once nobody waits for it."""

    def close(self) -> None:
        """End what runs."""


class SystemEngine:
    """Speaks with the voices that came with the computer.

    Args:
        speaker: the way to them.
        patience_s: how long to wait for a sentence, besides twice its expected length.
    """

    name = "system"
    features: frozenset[Feature] = frozenset({"rate", "parallel"})

    def __init__(self, speaker: Speaker, patience_s: float = PATIENCE_S) -> None:
        self._speaker = speaker
        self._patience_s = patience_s
        self._found: Sequence[_Voice] | None = None
        self._has_spoken = False
        self._lock = Lock()

    def probe(self) -> Probe:
        """Say whether there are voices."""
        if isinstance(self._speaker, Children) and find_spec("pyttsx3") is None:
            extra = '"voiceroutine[system]"' if sys.platform == "darwin" else "pyttsx3"
            return Probe(ok=False, reason=f"pyttsx3 is not installed; pip install {extra}")
        try:
            count = len(self._listed(PROBE_S))
        except VoiceError as error:
            return Probe(ok=False, reason=str(error).rstrip("."), is_late=isinstance(error, LateError))
        return Probe(ok=count > 0, reason=f"{count} voices of the system, by {self._speaker.version}")

    def voices(self) -> Sequence[VoiceInfo]:
        """Return the system's voices, by the names that people know."""
        return [
            VoiceInfo(name=name, language=voice.languages[0] if voice.languages else "und")
            for name, voice in self._by_name.items()
        ]

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return the system, the driver and the voice, which are all that can be known of a sound to come."""
        return f"{platform.platform()} {self._speaker.version} {self._voice(settings).id}"

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Speak a sentence; one that fails is tried once more, but not where nothing has ever been heard in time."""
        if not any(map(str.isalnum, text)):
            return nothing_said()
        try:
            clip = self._spoken(text, settings, cancel or _NEVER)
        except VoiceError as error:
            if isinstance(error, LateError) and not self._has_spoken:
                raise
            clip = self._spoken(text, settings, cancel or _NEVER)
        self._has_spoken = True
        return clip

    def close(self) -> None:
        """End the child processes."""
        self._speaker.close()

    @property
    def _voices(self) -> Sequence[_Voice]:
        return self._listed(LISTING_S)

    def _listed(self, limit_s: float) -> Sequence[_Voice]:
        """Return the voices; what fails, and not for want of time, is tried once more."""
        with self._lock:
            if self._found is None:
                try:
                    self._found = self._speaker.voices(limit_s)
                except LateError:
                    raise
                except VoiceError:
                    self._found = self._speaker.voices(limit_s)
            return self._found

    @cached_property
    def _by_name(self) -> Mapping[str, _Voice]:
        """The voices by name; where several have one name, by what the driver calls them."""
        names = [voice.name.casefold() for voice in self._voices]
        return {
            voice.name if names.count(voice.name.casefold()) == 1 else voice.id: voice
            for voice in sorted(self._voices, key=lambda voice: voice.name.casefold())
        }

    def _spoken(self, text: str, settings: VoiceSettings, cancel: Event) -> Clip:
        limit_s = self._patience_s + 2 * estimated_ms(Utterance(text=text, voice=settings)) / 1000
        with work_folder() as folder:
            file = folder / "speech.wav"
            # Windows takes what begins with < for markup.
            plain = text.replace("<", " ")
            line = _Line(text=plain, voice=self._voice(settings), rate_wpm=settings.rate_wpm, file=file)
            self._speaker.speak(line, limit_s, cancel)
            return whole_clip(file, "the system's voice")

    def _voice(self, settings: VoiceSettings) -> _Voice:
        if settings.name:
            wanted = settings.name.casefold()
            for name, voice in self._by_name.items():
                if wanted in {name.casefold(), voice.name.casefold(), voice.id.casefold()}:
                    return voice
            raise no_such_voice("system", settings.name, self._by_name)
        for tag in _tags(settings.language):
            for voice in self._voices:
                if any(tag in beginnings(language.lower()) for language in voice.languages):
                    return voice
        raise VoiceError(f'The system has no voice for "{settings.language}".')


class Children:
    """pyttsx3 in child processes, each with one sentence at a time.

    Args:
        command: how a child is started.
        environment: what is added to its environment.
    """

    def __init__(self, command: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> None:
        self.version = "pyttsx3"
        self._command = command
        self._environment = environment or {}
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._is_closed = False
        self._lock = Lock()
        self._places = SimpleQueue[None]()
        for _ in range(CHILDREN):
            self._places.put(None)

    def voices(self, limit_s: float) -> Sequence[_Voice]:
        """Return the voices of pyttsx3's driver."""
        answer = self._answer({"do": "voices"}, limit_s, _NEVER)
        self.version = f"pyttsx3 {answer.get('version', '')}".strip()
        return [
            _Voice(id=voice["id"], name=voice["name"], languages=tuple(map(_tag, voice["languages"])))
            for voice in answer.get("voices", ())
        ]

    def speak(self, line: _Line, limit_s: float, cancel: Event) -> None:
        """Let a child write a sentence into a file."""
        job = {"text": line.text, "voice": line.voice.id, "rate_wpm": line.rate_wpm, "path": str(line.file)}
        self._answer({"do": "speak", **job}, limit_s, cancel)

    def close(self) -> None:
        """End all children, those that still speak too; no more are started."""
        with self._lock:
            self._is_closed = True
            children = [*self._all]
            self._all.clear()
            self._idle.clear()
        for child in children:
            child.close()
        atexit.unregister(self.close)

    def _answer(self, job: Mapping[str, Any], limit_s: float, cancel: Event) -> Mapping[str, Any]:
        with self._child(cancel) as child:
            answer = child.answer(job, limit_s, cancel)
        if answer.get("error"):
            raise VoiceError(f"The system's voice failed: {short(str(answer['error']))}.")
        return answer

    @contextmanager
    def _child(self, cancel: Event) -> Iterator[_Child]:
        """Yield a child that nobody else uses; one that fails isn't used again."""
        while True:
            with suppress(Empty):
                self._places.get(timeout=LOOK_S)
                break
            if cancel.is_set():
                raise CanceledError
        try:
            child = self._taken()
            try:
                yield child
            except BaseException:
                self._end(child)
                raise
            with self._lock:
                self._idle.append(child)
        finally:
            self._places.put(None)

    def _taken(self) -> _Child:
        """Return a child that is idle, or a new one."""
        with self._lock:
            if self._is_closed:
                raise CanceledError
            if self._idle:
                return self._idle.pop()
            child = self._started()
            self._all.add(child)
            return child

    def _end(self, child: _Child) -> None:
        with self._lock:
            self._all.discard(child)
        child.close()

    def _started(self) -> _Child:
        command, environment = self._command, dict(self._environment)
        if command is None:
            command, environment = _usual_command()
        # Registered once more, it is called once more, which does no harm.
        atexit.register(self.close)
        return _Child(command, {**os.environ, **environment})


def _usual_command() -> tuple[Sequence[str], dict[str, str]]:
    """Return how to start a child: on Linux with the embedded espeak-ng, which pyttsx3 doesn't find by itself."""
    command = [sys.executable, "-P", str(CHILD)]
    if sys.platform != "linux":
        return command, {}
    from voiceroutine.voices.espeak import embedded_copy

    copy = embedded_copy()
    return ([*command, str(copy[0])], {"ESPEAK_DATA_PATH": str(copy[1])}) if copy else (command, {})


class _Child:
    """A child process, which answers one job after the other."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._jobs = 0
        self._answers: SimpleQueue[str | None] = SimpleQueue()
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                errors="replace",
                **apart(),
            )
        except OSError as error:
            raise VoiceError(f"The process of the system's voice can't be started: {error.strerror}.") from None
        Thread(target=self._listen, name="system voice", daemon=True).start()

    def answer(self, job: Mapping[str, Any], limit_s: float, cancel: Event) -> Mapping[str, Any]:
        """Return the answer to a job; what else is printed is passed over."""
        self._jobs += 1
        self._ask({"id": self._jobs, **job})
        until_s = time.monotonic() + limit_s
        while time.monotonic() < until_s:
            if cancel.is_set():
                raise CanceledError
            with suppress(Empty):
                line = self._answers.get(timeout=min(LOOK_S, max(0.0, until_s - time.monotonic())))
                if line is None:
                    raise VoiceError("The process of the system's voice ended before it was done.")
                answer = _parsed(line)
                if answer.get("id") == self._jobs:
                    return answer
        raise LateError(f"The system's voice has not answered for {limit_s:.1f} s.")

    def close(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            end(self._process)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream:
                    stream.close()
        self._process.wait()

    def _ask(self, job: Mapping[str, Any]) -> None:
        try:
            assert self._process.stdin
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            # It is gone, or was closed by another thread.
            raise VoiceError("The process of the system's voice ended before it was asked.") from None

    def _listen(self) -> None:
        assert self._process.stdout
        with suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put(None)


def _tags(language: str) -> Sequence[str]:
    """Return the tags that a voice should have, the best first: "en" is spoken as in America rather than by anyone."""
    usual = (phrases_for(language).voice,) if has_phrases(language) else ()
    exact, *wider = beginnings(language.lower()) or (language.lower(),)
    return (*([] if "-" not in exact else [exact]), *usual, exact, *wider)


def _parsed(line: str) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        answer = json.loads(line)
        if isinstance(answer, dict):
            return answer
    return {}


def _tag(language: str) -> str:
    """Return the BCP 47 tag of what a driver calls a language: "en_US", "en-us", or Windows' number, "409"."""
    with suppress(ValueError):
        language = locale.windows_locale.get(int(language.split(";", maxsplit=1)[0], 16), language)
    return language.replace("_", "-")


class Say:
    """The voices of macOS through its own program.

    Args:
        program: the path of `say`.
    """

    def __init__(self, program: str = SAY) -> None:
        self.version = "say"
        self._program = program

    def voices(self, limit_s: float) -> Sequence[_Voice]:
        """Return what `say -v ?` lists."""
        with work_folder() as folder:
            listed = printed_by([self._program, "-v", "?"], b"", folder, limit_s)
        found = (_SAY_VOICE.match(line) for line in listed.decode("utf-8", "replace").splitlines())
        return [
            _Voice(id=match["name"], name=match["name"], languages=(_tag(match["language"]),))
            for match in found
            if match
        ]

    def speak(self, line: _Line, limit_s: float, cancel: Event) -> None:
        """Let `say` write a sentence into a WAV file; without a data format it writes none."""
        arguments = [self._program, "-v", line.voice.id, "-r", str(line.rate_wpm), "-o", str(line.file)]
        arguments += ["--data-format=LEI16@22050", "-f", "-"]
        # Double brackets are commands to it.
        plain = line.text.replace("[[", "[ [")
        printed_by(arguments, plain.encode(), line.file.parent, limit_s, cancel)

    def close(self) -> None:
        """There is nothing to end."""


def engine() -> SystemEngine:
    """Return the engine."""
    return SystemEngine(Say() if sys.platform == "darwin" and shutil.which(SAY) else Children())
