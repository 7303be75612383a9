"""Utterances to clips: an engine speaks each line once, the cache keeps it, and others take over where it fails."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from threading import Event, Lock, RLock
from typing import TYPE_CHECKING
from unicodedata import normalize

from voiceroutine.clipcache import Kept
from voiceroutine.errors import VoiceError
from voiceroutine.phrases import phrases_for
from voiceroutine.reading import VERSION, as_written
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.voices import CanceledError, LineError, load_engine, who_speaks
from voiceroutine.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.audio import Clip, Samples
    from voiceroutine.clipcache import ClipCache
    from voiceroutine.cues import Utterance
    from voiceroutine.reading import Spoken
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.turns import Turns
    from voiceroutine.voices import Engine

FINISH_VERSION = 5
MEMORY_FRAMES = 60 * SAMPLERATE_HZ
WORKERS = 4
AHEAD = 12
BEFORE_S = 0.1

_FRAMES_PER_MS = SAMPLERATE_HZ // 1000
_Identity = tuple[str, "VoiceSettings"]


def _tell_nobody(message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Who speaks a line, with which settings, and what its clip is kept under."""

    engine: Engine
    settings: VoiceSettings
    key: str


@dataclass(eq=False, slots=True)
class _Place:
    """The place of a line among those that are made: its sentences are asked for after those of the one before.

    A line that is waited for has the place 0.
    """

    number: int = 0
    before: Event | None = None
    begun: Event = field(default_factory=Event)

    def __enter__(self) -> None:
        """Wait for the line before, though not long: it may be waiting for another process."""
        if self.before is not None:
            self.before.wait(BEFORE_S)

    def __exit__(self, *_: object) -> None:
        """Let the next line begin."""
        self.begun.set()


@dataclass(eq=False)
class Narrator:
    """Gives every utterance its clip, each made once. Thread-safe.

    Args:
        engine: who speaks what is not meant to be silent.
        cache: where clips are kept between runs.
        successors: who takes over, one after the other, where an engine fails; asked for only then.
        tell: gets each message about that, once.
        is_stand_in: whether the name of the voice that an utterance asks for is none of the engine's.
    """

    engine: Engine
    cache: ClipCache | None = None
    successors: Iterable[Engine] = ()
    tell: Callable[[str], None] = _tell_nobody
    is_stand_in: bool = False
    _lock: RLock = field(default_factory=RLock, init=False)
    _parts: dict[_Identity, _Part] = field(default_factory=dict, init=False)
    _recent: OrderedDict[str, Samples] = field(default_factory=OrderedDict, init=False)
    _held: dict[str, Kept] = field(default_factory=dict, init=False)
    _making: dict[_Identity, Future[Kept]] = field(default_factory=dict, init=False)
    _coming: Iterator[Utterance] = field(default_factory=lambda: iter(()), init=False)
    _coming_lock: Lock = field(default_factory=Lock, init=False)
    _latest: _Place = field(default_factory=_Place, init=False)
    _canceled: Event = field(default_factory=Event, init=False)
    _has_written: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._cast = _Cast(self.engine, self.successors, self.tell)
        self._pool = ThreadPoolExecutor(WORKERS if "parallel" in self.engine.features else 2, "narrator")

    def follow(self, utterances: Iterable[Utterance]) -> None:
        """Say in which order utterances will be asked for, so that those to come are made ahead."""
        self._coming = iter(utterances)

    def duration_ms(self, utterance: Utterance) -> int:
        """Return how many milliseconds an utterance lasts; make its clip if there is none."""
        kept_ms = self.cache.duration_ms(self._part(utterance).key) if self.cache else None
        return kept_ms if kept_ms is not None else len(self._kept(utterance).pcm) // (2 * _FRAMES_PER_MS)

    def samples(self, utterance: Utterance) -> Samples:
        """Return the finished samples of an utterance: 48 kHz, levelled, a whole number of milliseconds.

        Who asks for a clip that is in memory or in the cache doesn't wait for one that is being made.
        """
        key = self._part(utterance).key
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                return self._recent[key]
        return self._remembered(self._part(utterance).key, _floats(self._kept(utterance).pcm))

    def words(self, utterance: Utterance) -> tuple[Word, ...]:
        """Return the words of an utterance as they are written, and when each is spoken."""
        kept = self._kept(utterance).words
        return tuple(
            Word(start=start, end=end, start_ms=start_ms, end_ms=end_ms)
            for start, end, start_ms, end_ms in json.loads(kept or b"[]")
        )

    def is_heard(self, utterance: Utterance) -> bool:
        """Tell whether somebody speaks, instead of letting time pass."""
        return "silent" not in self._part(utterance).engine.features

    def close(self) -> None:
        """Stop what is being made, and let go of the engines. What was made is there on the next run."""
        self._canceled.set()
        self._cast.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._cast.close()
        if self.cache and self._has_written:
            self.cache.prune()

    def _remembered(self, key: str, samples: Samples) -> Samples:
        with self._lock:
            self._recent[key] = samples
            frames = sum(map(len, self._recent.values()))
            while frames > MEMORY_FRAMES and len(self._recent) > 1:
                _, oldest = self._recent.popitem(last=False)
                frames -= len(oldest)
        return samples

    def _kept(self, utterance: Utterance) -> Kept:
        key = self._part(utterance).key
        held = self._held.get(key) or (self.cache.read(key) if self.cache else None)
        return held or self._made_once(utterance)

    def _made_once(self, utterance: Utterance) -> Kept:
        with self._lock:
            future = self._making.get(_identity(utterance))
            is_mine = future is None
            if future is None:
                future = self._making[_identity(utterance)] = Future()
        place = _Place() if is_mine else None
        with suppress(RuntimeError):
            # After close() there is nothing to look for.
            self._pool.submit(self._look_ahead, place)
        if place is not None:
            self._make(utterance, future, place)
        return future.result()

    def _look_ahead(self, asked: _Place | None) -> None:
        """Let what comes next be made, in the order in which it will be heard, after what is asked for now."""
        with self._coming_lock:
            before = asked or self._latest
            while len(self._making) < AHEAD:
                utterance = next(filter(self._is_new, self._coming), None)
                if utterance is None:
                    return
                before = self._latest = _Place(self._latest.number + 1, before.begun)
                self._make_ahead(utterance, before)

    def _make_ahead(self, utterance: Utterance, place: _Place) -> None:
        with self._lock:
            if _identity(utterance) in self._making:
                return
            future = self._making[_identity(utterance)] = Future()
        try:
            task = self._pool.submit(self._make, utterance, future, place)
        except RuntimeError:
            future.set_exception(CanceledError())
        else:
            task.add_done_callback(partial(_end_too, future))

    def _is_new(self, utterance: Utterance) -> bool:
        if self._canceled.is_set() or _identity(utterance) in self._making:
            return False
        key = self._part(utterance).key
        return key not in self._held and not (self.cache and self.cache.duration_ms(key) is not None)

    def _make(self, utterance: Utterance, future: Future[Kept], place: _Place) -> None:
        """Make a clip, and hold it in memory if it couldn't be had again from elsewhere."""
        try:
            future.set_result(self._recorded(utterance, place))
        except BaseException as error:  # noqa: BLE001  handed to whoever waits for the clip
            future.set_exception(error)
        finally:
            place.begun.set()
            with self._lock:
                self._making.pop(_identity(utterance), None)

    def _recorded(self, utterance: Utterance, place: _Place) -> Kept:
        while True:
            part = self._part(utterance)
            try:
                return self._taken(utterance, part, place)
            except LineError as error:
                following = self._cast.after(part.engine, error)
                self._cast.announce(error, following)
            except VoiceError as error:
                following = self._cast.replaced(part.engine, error)
            except CanceledError as error:
                following = self._cast.successor(part.engine, error)
            with self._lock:
                self._parts[_identity(utterance)] = self._cast_for(utterance, following)

    def _taken(self, utterance: Utterance, part: _Part, place: _Place) -> Kept:
        with self.cache.making(part.key) if self.cache else nullcontext():
            kept = self.cache.read(part.key) if self.cache else None
            if kept is not None:
                return kept
            kept = _kept(self._spoken(utterance, part, place))
            is_kept = self.cache is not None and self.cache.write(part.key, kept)
        with self._lock:
            self._has_written |= is_kept
            if not is_kept or "repeatable" not in part.engine.features:
                self._held[part.key] = kept
        return kept

    def _spoken(self, utterance: Utterance, part: _Part, place: _Place) -> Clip:
        from voiceroutine.speaking import Line

        sentences = _sentences(utterance, part.engine)
        cancel, turns = self._cast.cancel_of(part.engine), self._cast.turns_of(part.engine)
        with place:
            line = Line(part.engine, sentences, part.settings, cancel=cancel, turns=turns, place=place.number)
        return line.clip()

    def _part(self, utterance: Utterance) -> _Part:
        identity = _identity(utterance)
        with self._lock:
            if identity not in self._parts:
                first = load_engine("silent") if utterance.voice.engine == "silent" else self._cast.current
                self._parts[identity] = self._cast_for(utterance, first)
            return self._parts[identity]

    def _cast_for(self, utterance: Utterance, engine: Engine) -> _Part:
        """Return the part of the first engine, from one on, that has this line."""
        while True:
            is_asked_for = engine is self.engine and not self.is_stand_in
            settings = utterance.voice if is_asked_for else replace(utterance.voice, name=None)
            try:
                return _Part(engine=engine, settings=settings, key=_key(utterance, engine, settings))
            except LineError as error:
                following = self._cast.after(engine, error)
                self._cast.announce(error, following)
            except VoiceError as error:
                following = self._cast.replaced(engine, error)
            engine = following


@dataclass(eq=False, slots=True, kw_only=True)
class _Member:
    """An engine that speaks, until it fails; then what it still makes is ended."""

    engine: Engine
    cancel: Event
    failure: VoiceError | None = None
    turns: Turns | None = None


class _Cast:
    """The engine that speaks, and those that take over. Thread-safe.

    Args:
        first: who speaks.
        successors: who takes over, in this order.
        tell: gets each message, once.
    """

    def __init__(self, first: Engine, successors: Iterable[Engine], tell: Callable[[str], None]) -> None:
        self._members = [_Member(engine=first, cancel=Event())]
        self._successors = iter(successors)
        self._tell = tell
        self._told: set[str] = set()
        self._canceled = Event()
        self._lock = RLock()

    @property
    def current(self) -> Engine:
        """The first engine that hasn't failed."""
        with self._lock:
            return next(member.engine for member in self._members if member.failure is None)

    def cancel_of(self, engine: Engine) -> Event:
        """Return what is set once nobody waits for an engine's sentences any more."""
        with self._lock:
            member = self._member(engine)
            return member.cancel if member else self._canceled

    def turns_of(self, engine: Engine) -> Turns | None:
        """Return the turns of an engine that speaks for many lines."""
        from voiceroutine.speaking import turns_of

        with self._lock:
            member = self._member(engine)
            if member and member.turns is None:
                member.turns = turns_of(engine)
            return member.turns if member else None

    def after(self, engine: Engine, error: VoiceError) -> Engine:
        """Return who speaks what an engine can't.

        Raises:
            VoiceError: there is nobody: the error that was given.
        """
        with self._lock:
            member = self._member(engine)
            place = self._members.index(member) + 1 if member else len(self._members)
            for following in self._members[place:]:
                if following.failure is None:
                    return following.engine
            following_or_none = next(self._successors, None)
            if following_or_none is None:
                raise error
            # After cancel(), it is not to begin.
            cancel = self._canceled if self._canceled.is_set() else Event()
            self._members.append(_Member(engine=following_or_none, cancel=cancel))
            return following_or_none

    def replaced(self, engine: Engine, error: VoiceError) -> Engine:
        """Return who speaks from now on instead of an engine that failed; the rest of its sentences are ended."""
        with self._lock:
            following = self.after(engine, error)
            member = self._member(engine)
            if member and member.failure is None:
                member.failure = error
                member.cancel.set()
                self._tell_once(f"{_sentence(error)} From here on {who_speaks(following)}.")
            return following

    def successor(self, engine: Engine, canceled: CanceledError) -> Engine:
        """Return who speaks a sentence that was ended because its engine failed at another.

        Raises:
            CanceledError: it wasn't ended because of that: what was given.
        """
        with self._lock:
            member = self._member(engine)
            if self._canceled.is_set() or member is None or member.failure is None:
                raise canceled
            return self.after(engine, member.failure)

    def announce(self, error: LineError, following: Engine) -> None:
        """Tell why a line is spoken by another engine."""
        with self._lock:
            self._tell_once(f"{_sentence(error)} Instead, {who_speaks(following)}.")

    def cancel(self) -> None:
        """End what is being spoken."""
        with self._lock:
            for cancel in (self._canceled, *(member.cancel for member in self._members)):
                cancel.set()

    def close(self) -> None:
        """Let go of all engines."""
        with self._lock:
            for member in self._members:
                member.engine.close()

    def _member(self, engine: Engine) -> _Member | None:
        return next((member for member in self._members if member.engine is engine), None)

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def _sentence(error: VoiceError) -> str:
    text = str(error)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _end_too(future: Future[Kept], task: Future[None]) -> None:
    """End what waits for a clip that won't be made."""
    if task.cancelled():
        future.set_exception(CanceledError())


def _identity(utterance: Utterance) -> _Identity:
    return utterance.text, utterance.voice


def _sentences(utterance: Utterance, engine: Engine) -> Sequence[Spoken]:
    if "lines" in engine.features:
        return (as_written(utterance.text),)
    phrases = phrases_for(utterance.voice.language)
    spoken = phrases.read_aloud(utterance.text, utterance.voice.pronounce)
    return (spoken,) if "silent" in engine.features else phrases.sentences(spoken)


# What shapes no samples, or does so only through what else is in the key.
_UNHEARD = {"engine", "gain_db", "pronounce"}


def _key(utterance: Utterance, engine: Engine, settings: VoiceSettings) -> str:
    """Return a hash of everything that shapes a clip and the times of its words."""
    folded = normalize("NFC", utterance.text).casefold()
    shaping = {
        "finish": FINISH_VERSION,
        "engine": engine.name,
        "fingerprint": engine.fingerprint(utterance.text, settings),
        "text": utterance.text,
        "pronounce": [pair for pair in settings.pronounce if normalize("NFC", pair[0]).casefold() in folded],
        "reading": _reading(settings.language),
        **{key: value for key, value in asdict(settings).items() if key not in _UNHEARD},
    }
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


@cache
def _reading(language: str) -> str:
    """Return a hash of the voice and the rules by which a language is read."""
    phrases = phrases_for(language)
    return hashlib.sha256(repr((VERSION, phrases.voice, phrases.reader)).encode()).hexdigest()


def _kept(clip: Clip) -> Kept:
    words = [(word.start, word.end, word.start_ms, word.end_ms) for word in clip.words]
    steps = clip.samples * 32768
    pcm = steps.round(out=steps).astype("<i2").tobytes()
    return Kept(pcm=pcm, words=json.dumps(words, separators=(",", ":")).encode())


def _floats(pcm: bytes) -> Samples:
    import numpy as np

    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
