"""Who speaks: one file an engine, imported when it is asked for.

`auto` takes the embedded espeak, and where that doesn't load, the machine's own; and where neither does, `silent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from voiceroutine.errors import VoiceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.metadata import EntryPoint

    from voiceroutine.audio import Clip
    from voiceroutine.routine import VoiceSettings

BUILT_IN = ("espeak", "silent")
AUTO_ORDER = ("espeak", "silent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether something works on this machine, and what was found."""

    ok: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceInfo:
    """A voice of an engine; `language` is a BCP 47 tag."""

    name: str
    language: str


class Engine(Protocol):
    """Turns text into samples. Thread-safe; the same text and settings give the same samples."""

    name: str

    def probe(self) -> Probe:
        """Say whether the engine works here. Never raises, makes no sound."""

    def voices(self) -> Sequence[VoiceInfo]:
        """Return the voices that can be named in settings."""

    def fingerprint(self) -> str:
        """Return what changes whenever the samples of an utterance could: versions, data."""

    def synthesize(self, text: str, settings: VoiceSettings) -> Clip:
        """Speak text that has been made ready for reading aloud.

        Raises:
            VoiceError: the engine or the voice can't be used.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine that speaks, and why it is the one."""

    engine: Engine
    why: str


def load_engine(name: str) -> Engine:
    """Return an engine by name, a built-in or a plug-in of the entry-point group `voiceroutine.voices`.

    Raises:
        VoiceError: there is none of that name, or the plug-in is broken.
    """
    if name in BUILT_IN:
        engine: Engine = import_module(f"voiceroutine.voices.{name}").engine()
        return engine
    if name not in engine_names():
        hint = did_you_mean(name, engine_names()) or f"there are: auto, {', '.join(engine_names())}"
        raise VoiceError(f'There is no voice engine "{name}"; {hint}')
    try:
        plugin: Engine = _plugins()[name].load()()
    except Exception as error:
        raise VoiceError(f"The plug-in of the engine {name} is broken: {type(error).__name__}: {error}") from error
    return plugin


def engine_names() -> tuple[str, ...]:
    """Return the names of all engines: the built-in ones, then those of plug-ins."""
    return (*BUILT_IN, *sorted(_plugins().keys() - set(BUILT_IN)))


def probe_engine(name: str) -> Probe:
    """Say whether an engine works here, or why it can't even be loaded."""
    try:
        return load_engine(name).probe()
    except VoiceError as error:
        return Probe(ok=False, reason=str(error))


def _plugins() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group="voiceroutine.voices")}


def choose_engine(wanted: str) -> Choice:
    """Return the engine that was asked for, or for `auto` the first that works.

    Raises:
        VoiceError: the engine that was asked for doesn't work.
    """
    if wanted != "auto":
        engine = load_engine(wanted)
        probe = engine.probe()
        if not probe.ok:
            raise VoiceError(f"The voice engine {wanted} doesn't work here: {probe.reason}. Try --voice auto.")
        return Choice(engine=engine, why="it was asked for")
    failures: list[str] = []
    for name in AUTO_ORDER:
        engine = load_engine(name)
        probe = engine.probe()
        if probe.ok:
            return Choice(engine=engine, why="; ".join([*failures, probe.reason]))
        failures.append(f"{name} doesn't work: {probe.reason}")
    raise VoiceError("No voice engine works here: " + "; ".join(failures))
