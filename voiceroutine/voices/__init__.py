"""Who speaks: one file an engine, imported when it is asked for.

`auto` takes the first of `AUTO_ORDER` that works here and has a voice for the routine's language. When an engine
fails in the middle of a routine, those after it take over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol

from voiceroutine.errors import VoiceError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import EntryPoint
    from threading import Event

    from voiceroutine.audio import Clip
    from voiceroutine.routine import VoiceSettings

BUILT_IN = ("piper", "espeak", "system", "recordings", "command", "silent")
OPTIONAL = ("piper",)
AUTO_ORDER = ("piper", "espeak", "system", "silent")

Feature = Literal["repeatable", "parallel", "rate", "words", "neural", "lines", "silent"]


class LineError(VoiceError):
    """The engine works, but this line must be spoken by another; the message is told to the listener once."""


class CanceledError(Exception):
    """Nobody waits for this sentence any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether something works on this machine, and what was found.

    Where it has only not answered in time, it may still work for somebody who waits.
    """

    ok: bool
    reason: str
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceInfo:
    """A voice of an engine; `language` is a BCP 47 tag, "und" where it isn't known."""

    name: str
    language: str


class Engine(Protocol):
    """Turns text into samples. Thread-safe; prints nothing; says in a `VoiceError` what is wrong.

    Attributes:
        name: as in `--voice NAME`; that of its file or entry point.
        features: what can be relied on. `repeatable`: the same text and settings give the same samples, always.
            `parallel`: several sentences at once are made sooner than one after the other. `rate`: it speaks at
            `rate_wpm`. `words`: its clips have the exact time of every word. `neural`: very short lines may go wrong.
            `lines`: it is given whole lines as they are written, instead of sentences made ready for reading aloud.
            `silent`: it gives silence, of the length that the words would take.
    """

    name: str
    features: frozenset[Feature]

    def probe(self) -> Probe:
        """Say whether the engine works here, in less than a second. Never raises, makes no sound."""

    def voices(self) -> Sequence[VoiceInfo]:
        """Return the voices that can be named in settings."""

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:
        """Return what changes whenever these samples could, and isn't in text and settings: versions, data, files.

        Raises:
            LineError: this text must be spoken by another engine.
            VoiceError: there is no such voice, or none for the language.
        """

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Speak one sentence that has been made ready for reading aloud; of nothing to say an empty clip.

        Args:
            text: at most a few sentences.
            settings: the voice and its rate.
            cancel: once it is set, the sentence isn't needed any more.

        Raises:
            CanceledError: `cancel` was set before it was done.
            LineError: this text must be spoken by another engine.
            VoiceError: the engine or the voice can't be used.
        """

    def close(self) -> None:
        """Let go of processes and models; the engine isn't used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The engine that speaks, and why it is the one.

    Where it stands in for the voice that was asked for, the name of that voice is none of its own.
    """

    engine: Engine
    why: str
    is_stand_in: bool = False


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
    return survey(name)[0]


def survey(name: str) -> tuple[Probe, Sequence[VoiceInfo]]:
    """Return whether an engine works here, and the voices that it has."""
    try:
        engine = load_engine(name)
    except VoiceError as error:
        return Probe(ok=False, reason=str(error)), ()
    probe = _probe(engine)
    try:
        return probe, engine.voices() if probe.ok else ()
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything
        return Probe(ok=False, reason=f"{type(error).__name__}: {error}"), ()
    finally:
        engine.close()


def _probe(engine: Engine) -> Probe:
    try:
        return engine.probe()
    except Exception as error:  # noqa: BLE001  a plug-in's promise not to raise is not to be trusted
        return Probe(ok=False, reason=f"{type(error).__name__}: {error}")


def _plugins() -> Mapping[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group="voiceroutine.voices")}


def choose_engine(settings: VoiceSettings) -> Choice:
    """Return the engine that is asked for, or for `auto` the first that works and has the voice.

    Raises:
        VoiceError: what is asked for isn't there or doesn't work.
    """
    if settings.engine == "auto":
        return _chosen(settings)
    engine = load_engine(settings.engine)
    probe = _probe(engine)
    if not probe.ok and not probe.is_late:
        raise VoiceError(f"The voice engine {engine.name} doesn't work here: {probe.reason}. Try --voice auto.")
    engine.fingerprint("", settings)
    return Choice(engine=engine, why="it was asked for")


def _chosen(settings: VoiceSettings) -> Choice:
    failures: dict[str, str] = {}
    for name in AUTO_ORDER:
        engine = load_engine(name)
        found = _tried(engine, settings)
        if found.ok:
            expected = [failure for other, failure in failures.items() if other not in OPTIONAL]
            return Choice(engine=engine, why="; ".join([*expected, found.reason]))
        failures[name] = found.reason
    raise _nowhere(settings, failures)


def _nowhere(settings: VoiceSettings, failures: Mapping[str, str]) -> VoiceError:
    if settings.name is None:
        return VoiceError("No engine can speak here: " + "; ".join(failures.values()) + ".")
    names = [voice.name for name in failures for voice in survey(name)[1]]
    hint = did_you_mean(settings.name, names)
    nearest = f"; {hint}" if hint else "."
    return VoiceError(f'No engine has a voice "{settings.name}"{nearest} "voiceroutine voices --all" lists all.')


def _tried(engine: Engine, settings: VoiceSettings) -> Probe:
    """Say whether an engine can speak with these settings."""
    if engine.name in OPTIONAL and not settings.name and not engine.voices():
        # Found sooner than whether it is installed.
        return Probe(ok=False, reason=f"{engine.name} has no voice here")
    probe = _probe(engine)
    if not probe.ok:
        return replace(probe, reason=f"{engine.name} doesn't work: {probe.reason}")
    try:
        engine.fingerprint("", settings)
    except VoiceError as error:
        return Probe(ok=False, reason=str(error).rstrip("."))
    return probe


def successors(engine: Engine, settings: VoiceSettings) -> Iterator[Engine]:
    """Yield those that can take over from an engine, with a voice of their own; each is tried when it is needed."""
    own = replace(settings, engine="auto", name=None)
    for name in AUTO_ORDER:
        if name != engine.name:
            successor = load_engine(name)
            if _tried(successor, own).ok:
                yield successor


def who_speaks(engine: Engine) -> str:
    """Return "espeak speaks", or what happens where nobody does."""
    return "words are only shown" if "silent" in engine.features else f"{engine.name} speaks"


def no_such_voice(engine: str, name: str, names: Iterable[str]) -> VoiceError:
    """Return the error that tells that an engine has no voice of this name, with the names nearest to it."""
    hint = did_you_mean(name, names)
    nearest = f"; {hint}" if hint else "."
    return VoiceError(f'{engine} has no voice "{name}"{nearest} "voiceroutine voices --all" lists those that it has.')
