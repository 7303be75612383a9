"""The embedded voice: espeak-ng out of the `espeakng-loader` wheel, or the machine's own, driven in memory.

What is not obvious:

- The library is loaded, seeded, used and unloaded for every sentence. Its flutter and gain state survive
  re-initialization, so only a fresh copy of its memory gives the same samples every time.
- `espeak_Initialize` ends the whole process when its data is missing, unless bit 0x8000 is set.
- A path of 160 bytes or more to the data fails; the data is then copied to a shorter one.
- Two threads inside it abort the process, so one after the other goes in. None is the main thread: an interrupt
  that arrives inside the callback would be swallowed by ctypes.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Lock, current_thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.errors import VoiceError
from voiceroutine.phrases import has_phrases, languages, phrases_for
from voiceroutine.voices import CanceledError, Probe, VoiceInfo, no_such_voice
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

_SYNCHRONOUS, _DONT_EXIT, _POSITION_IS_CHARACTER, _UTF_8 = 2, 0x8000, 1, 1
_RATE, _PITCH, _RANGE, _WORD_GAP = 1, 3, 4, 7
_CALM_RANGE_PERCENT, _CALM_WORD_GAP = 38, 1
_LONGEST_DATA_PATH_BYTES = 150
_FUNCTIONS = tuple(
    f"espeak_{name}"
    for name in (
        *("Info", "Initialize", "ListVoices", "SetParameter", "SetSynthCallback"),
        *("SetVoiceByName", "Synchronize", "Synth", "Terminate"),
    )
)
_SOUND_DATA = ("phondata", "phontab", "phonindex", "intonations")
# Of speech, a call; each call waits until other threads let Python go on.
_CALLBACK_MS = 1000
_SAMPLE_BYTES = 4096
_LARGEST_WHOLE_BYTES = 1 << 20
_USUAL_SAMPLERATE_HZ = 22_050
_LIST_ENDS, _WORD_BEGINS = 0, 1
_INSIDE = Lock()

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installation:
    """A copy of espeak-ng: the library, and its data folder where the library doesn't know it itself."""

    library: str
    data: Path | None
    origin: str


class _VoiceStruct(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class EspeakEngine:
    """Speaks with espeak-ng; byte for byte the same on every run."""

    name = "espeak"
    features: frozenset[Feature] = frozenset({"repeatable", "rate", "words"})

    def probe(self) -> Probe:
        """Load it once and say how that went."""
        try:
            return _alone(_probe)
        except VoiceError as error:
            return Probe(ok=False, reason=str(error))

    def voices(self) -> Sequence[VoiceInfo]:
        """Return all voices of the data, by name."""
        return _alone(_voices)

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return a hash of the library and of the data that shapes its sound."""
        return _alone(_fingerprint, _voice_name(settings))

    def sources(self, settings: VoiceSettings) -> Sequence[Path]:  # noqa: ARG002
        """Return the files that shape its sound."""
        installation = _installation()
        names = (*_SOUND_DATA, *sorted(_spoken_dictionaries()))
        data = [installation.data / name for name in names] if installation.data else []
        return [Path(installation.library), *data]

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Speak a text; at most a few milliseconds a second of speech."""
        return _alone(_clip, text, settings, cancel)

    def close(self) -> None:
        """There is nothing to let go of: the library is unloaded after each sentence."""


def _alone(work: Callable[..., Made], *arguments: Any) -> Made:
    """Return what work gives that is done while no other thread is inside the library, and not in the main thread."""
    if current_thread() is main_thread():
        made: Made = _worker().submit(partial(_alone, work, *arguments)).result()
        return made
    with _INSIDE:
        return work(*arguments)


@cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "espeak")


def _probe() -> Probe:
    with _loaded(_installation()):
        return Probe(ok=True, reason=f"{_installation().origin} is there")


def _voices() -> tuple[VoiceInfo, ...]:
    with _loaded(_installation()) as (library, _):
        return _voices_of(library)


def _voices_of(library: Any) -> tuple[VoiceInfo, ...]:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceStruct))
    by_name = {voice.name: voice for voice in _listed(library.espeak_ListVoices(None))}
    return tuple(by_name[name] for name in sorted(by_name))


class _Listener:
    """Collects what the library gives, until nobody waits for it any more."""

    def __init__(self, cancel: Event | None) -> None:
        self.pcm = bytearray()
        self.onsets: list[tuple[int, int]] = []
        self._cancel = cancel
        # The library keeps no reference to it: as long as the listener lives, it does.
        self.callback = _Callback(self._hear)

    def _hear(self, samples: Any, frames: int, events: Any) -> int:
        if samples and frames > 0:
            self.pcm.extend(ctypes.string_at(samples, frames * 2))
        index = 0
        while events and events[index].type != _LIST_ENDS:
            if events[index].type == _WORD_BEGINS:
                self.onsets.append((events[index].text_position - 1, events[index].sample))
            index += 1
        return 1 if self._cancel is not None and self._cancel.is_set() else 0


def _clip(text: str, settings: VoiceSettings, cancel: Event | None) -> Clip:
    listener = _Listener(cancel)
    if any(character.isalnum() for character in text):
        with _loaded(_installation()) as (library, samplerate_hz):
            library.espeak_SetSynthCallback(listener.callback)
            _settle(library, settings)
            _synthesize(library, text)
    else:
        samplerate_hz = _USUAL_SAMPLERATE_HZ
    if cancel is not None and cancel.is_set():
        raise CanceledError
    samples = np.frombuffer(bytes(listener.pcm), np.int16).astype(np.float32) / np.float32(32768)
    onsets = [(position, frame * 1000 // samplerate_hz) for position, frame in listener.onsets]
    words = words_at(text, onsets, 0, len(samples) * 1000 // samplerate_hz)
    return Clip(samples=samples, samplerate_hz=samplerate_hz, words=words)


def engine() -> EspeakEngine:
    """Return the engine."""
    return EspeakEngine()


def _voice_name(settings: VoiceSettings) -> str:
    if settings.name:
        return settings.name
    return phrases_for(settings.language).voice if has_phrases(settings.language) else settings.language.lower()


def _take_voice(library: Any, name: str) -> None:
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise no_such_voice("espeak", name, [voice.name for voice in _voices_of(library)])
    base, _, variant = name.partition("+")
    variants = _variants(library) if variant and not variant.isdecimal() else ()
    if variants and variant.lower() not in variants:
        # The library would speak without it, and say nothing.
        raise no_such_voice("espeak", name, [f"{base}+{one}" for one in variants])


def _variants(library: Any) -> Sequence[str]:
    folder = _info(library)[1] / "voices" / "!v"
    return sorted(file.name.lower() for file in folder.iterdir()) if folder.is_dir() else ()


def _settle(library: Any, settings: VoiceSettings) -> None:
    _take_voice(library, _voice_name(settings))
    library.espeak_SetParameter(_RATE, settings.rate_wpm, 0)
    library.espeak_SetParameter(_PITCH, settings.pitch_percent, 0)
    library.espeak_SetParameter(_RANGE, _CALM_RANGE_PERCENT, 0)
    library.espeak_SetParameter(_WORD_GAP, _CALM_WORD_GAP, 0)


def _synthesize(library: Any, text: str) -> None:
    data = text.encode() + b"\0"
    size = ctypes.c_size_t(len(data))
    status = library.espeak_Synth(data, size, 0, _POSITION_IS_CHARACTER, 0, _UTF_8, None, None)
    if status != 0 or library.espeak_Synchronize() != 0:
        raise VoiceError(f'espeak could not speak "{text[:60]}" (status {status}).')


def _listed(voices: Any) -> Iterator[VoiceInfo]:
    index = 0
    while voices[index]:
        voice = voices[index].contents
        yield VoiceInfo(name=_name(voice.identifier), language=voice.languages[1:].decode(errors="replace"))
        index += 1


def _name(identifier: bytes) -> str:
    # On Windows the folders in it are divided by backslashes.
    return identifier.decode(errors="replace").replace("\\", "/").rpartition("/")[2].lower()


@contextmanager
def _loaded(installation: _Installation) -> Iterator[tuple[Any, int]]:
    """Load a fresh copy of the library, and unload it afterwards."""
    data = _data_argument(installation)
    library = _library(installation.library)
    try:
        samplerate_hz = library.espeak_Initialize(_SYNCHRONOUS, _CALLBACK_MS, data, _DONT_EXIT)
        if samplerate_hz <= 0:
            raise VoiceError(f"espeak-ng finds no data in {installation.data or 'its usual folder'}")
        _seed(library)
        yield library, samplerate_hz
    finally:
        library.espeak_Terminate()
        _unload(library)


def _library(name: str) -> Any:
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise VoiceError(f"{name} can't be loaded: {error}") from None
    missing = [function for function in _FUNCTIONS if not hasattr(library, function)]
    if missing:
        _unload(library)
        raise VoiceError(f"{name} is not an espeak-ng that can be used: it has no {missing[0]}")
    return library


def _seed(library: Any) -> None:
    if hasattr(library, "espeak_ng_SetRandSeed"):
        library.espeak_ng_SetRandSeed(1)
    c_library = ctypes.CDLL("ucrtbase") if sys.platform == "win32" else ctypes.CDLL(None)
    c_library.srand(1)


def _unload(library: Any) -> None:
    import _ctypes

    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)  # noqa: SLF001  ctypes has no public way to unload
    else:
        _ctypes.dlclose(library._handle)  # noqa: SLF001


def embedded_copy() -> tuple[Path, Path] | None:
    """Return the embedded library and the folder of its data, at a path that it can read; None if there is none."""
    installation = _embedded()
    if installation is None or installation.data is None:
        return None
    return Path(installation.library), Path(os.fsdecode(_data_argument(installation) or b""))


@cache
def _installation() -> _Installation:
    return _embedded() or _of_the_system()


def _embedded() -> _Installation | None:
    try:
        import espeakng_loader

        library, data = str(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
        _unload(_library(library))
    except (ImportError, OSError, RuntimeError, VoiceError):
        return None
    return _Installation(library=library, data=data, origin="the embedded espeak-ng")


def _of_the_system() -> _Installation:
    from ctypes.util import find_library

    library = find_library("espeak-ng")
    if library is None:
        raise VoiceError("neither the embedded espeak-ng nor the system's can be loaded")
    return _Installation(library=library, data=None, origin="the system's espeak-ng")


def _data_argument(installation: _Installation) -> bytes | None:
    if installation.data is None:
        return None
    data = installation.data
    return os.fsencode(_quick(data) if _is_short(data) else _short_copy(data))


@cache
def _quick(data: Path) -> Path:
    """Return a folder of links to the data in which voices are found by their names in small letters.

    Where the names of files have capitals that matter, as `en-US`, the library reads the files of all voices until it
    finds one, for each sentence: longer than it speaks. Where no links can be made, it does so.
    """
    if sys.platform != "linux":
        return data
    try:
        folder = next(_short_folders()) / f"espeak-{_mark_of(data)}"
        return _made(folder, lambda made: _link(data, made)) if _is_short(folder) else data
    except OSError:
        return data


def _mark_of(data: Path) -> str:
    status = (data / "phondata").stat()
    identity = f"{data} {status.st_size} {status.st_mtime_ns} {(data / 'lang').stat().st_mtime_ns}"
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def _link(data: Path, made: Path) -> None:
    voices = made / "voices"
    voices.mkdir(parents=True)
    for file in data.iterdir():
        if file.name != voices.name:
            (made / file.name).symlink_to(file)
    for file in (data / voices.name).iterdir():
        (voices / file.name).symlink_to(file)
    for file in (data / "lang").rglob("*[A-Z]*"):
        if file.is_file():
            (voices / file.name.lower()).symlink_to(file)


@cache
def _short_copy(data: Path) -> Path:
    """Copy the data to a short path of the user's own, or where none can be written, to one until the process ends."""
    failures = []
    for folder in _short_folders():
        try:
            target = folder / f"espeak-{_digest(data / 'phondata')[:12]}"
            if _is_short(target):
                return _made(target, lambda made: shutil.copytree(data, made))
        except OSError as error:
            failures.append(str(error))
    why = f" and can't be copied to a shorter one: {'; '.join(failures)}" if failures else ""
    raise VoiceError(f"the path of espeak-ng's data is too long{why}: {data}")


def _made(target: Path, fill: Callable[[Path], object]) -> Path:
    """Make a folder beside its target and rename it, so that it is never half there."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as beside:
        made = Path(beside) / "data"
        fill(made)
        try:
            made.rename(target)
        except OSError:
            # Another process was faster.
            if not target.is_dir():
                raise
    return target


def _short_folders() -> Iterator[Path]:
    import platformdirs

    yield platformdirs.user_cache_path("voiceroutine", appauthor=False)
    yield Path(os.path.expanduser("~")) / ".voiceroutine"  # noqa: PTH111 - Path's raises where there is no home
    with suppress(OSError):
        temporary = tempfile.mkdtemp(prefix="voiceroutine-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        yield Path(temporary)


def _is_short(path: Path) -> bool:
    encoded = os.fsencode(path)
    return len(encoded) <= _LONGEST_DATA_PATH_BYTES and (sys.platform != "win32" or encoded.isascii())


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _fingerprint(voice: str) -> str:
    return _fingerprint_of(_installation(), voice)


def _fingerprint_of(installation: _Installation, voice: str) -> str:
    with _loaded(installation) as (library, _):
        _take_voice(library, voice)
        version, data = _info(library)
    try:
        parts = [version, f"{_CALM_RANGE_PERCENT} {_CALM_WORD_GAP}", *_data_parts(data)]
        if Path(installation.library).is_file():
            parts.append(_digest(Path(installation.library)))
    except OSError as error:
        raise VoiceError(f"espeak-ng's data can't be read: {error}") from None
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _info(library: Any) -> tuple[str, Path]:
    library.espeak_Info.restype = ctypes.c_char_p
    data = ctypes.c_char_p()
    version: bytes = library.espeak_Info(ctypes.byref(data))
    return version.decode(errors="replace"), Path(os.fsdecode(data.value or b""))


def _spoken_dictionaries() -> set[str]:
    return {f"{language.split('-')[0].lower()}_dict" for language in languages()}


def _data_parts(data: Path) -> Iterator[str]:
    yield from (_digest(data / name) for name in _SOUND_DATA)
    spoken = _spoken_dictionaries()
    for file in sorted(data.glob("*_dict")):
        if file.name in spoken and file.stat().st_size <= _LARGEST_WHOLE_BYTES:
            yield _digest(file)
        # The dictionaries are 18 MB: of the largest, and of languages that no routine speaks, the size and the
        # beginning will do.
        with file.open("rb", buffering=0) as opened:
            beginning = hashlib.sha256(opened.read(_SAMPLE_BYTES)).hexdigest()
            yield f"{file.name} {os.fstat(opened.fileno()).st_size} {beginning}"
