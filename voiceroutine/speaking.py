"""One line through one engine: sentence by sentence, checked, with pauses between them, levelled."""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import replace
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import LEAD_MS, TAIL_MS, Clip, levelled, resampled, trimmed, whole_milliseconds
from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.voices import CanceledError, LineError
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.audio import Samples
    from voiceroutine.reading import Spoken
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Engine
    from voiceroutine.words import Word

SENTENCE_PAUSE_MS = 400
PATIENCE_S = 30.0
SHORT_WORDS = 3
NEVER_CANCELED = Event()

_LOOK_S = 0.05
_LONGEST, _SHORTEST, _SLACK_MS = 2.5, 0.25, 800
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 0.001


def spoken(
    engine: Engine,
    sentences: Sequence[Spoken],
    settings: VoiceSettings,
    cancel: Event = NEVER_CANCELED,
    patience_s: float = PATIENCE_S,
) -> Clip:
    """Return a line as a finished clip at 48 kHz: trimmed, levelled, whole milliseconds, the words' times in place.

    Args:
        engine: who speaks; several sentences at once if it is `parallel`.
        sentences: what is spoken; the words of the clip are those of the written text that they stand for.
        settings: the voice.
        cancel: once it is set, nobody waits for the clip.
        patience_s: how long to wait for a sentence, besides four times its expected length.

    Raises:
        CanceledError: `cancel` was set.
        LineError: this line must be spoken by another engine.
        VoiceError: the engine can't go on.
    """
    takes = [_Take(engine, sentence.text, settings, cancel, patience_s) for sentence in sentences]
    if "parallel" in engine.features:
        for take in takes:
            take.begin()
    clips = [_with_written_words(take.clip(), sentence) for take, sentence in zip(takes, sentences, strict=True)]
    return whole_milliseconds(resampled(levelled(_in_one(clips, _pause_ms(settings)))))


def _pause_ms(settings: VoiceSettings) -> int:
    return SENTENCE_PAUSE_MS * 150 // settings.rate_wpm


def _with_written_words(clip: Clip, sentence: Spoken) -> Clip:
    """Return the clip with words of the written text: "30 seconds", two words, may stand for one, "30s"."""
    heard = clip.words or words_at(sentence.text, (), LEAD_MS, max(LEAD_MS, clip.duration_ms - TAIL_MS))
    words: list[Word] = []
    for word in heard:
        start, end = sentence.written_word(word.start, word.end)
        if words and not re.search(r"\s", sentence.written[words[-1].end : start]):
            words[-1] = replace(words[-1], end=max(end, words[-1].end), end_ms=word.end_ms)
        else:
            words.append(replace(word, start=start, end=end))
    return replace(clip, words=tuple(words))


def _in_one(clips: Iterable[Clip], pause_ms: int) -> Clip:
    """Return the clips one after the other, with pauses between them."""
    parts = [whole_milliseconds(clip) for clip in clips if len(clip.samples)]
    samplerate_hz = max((part.samplerate_hz for part in parts), default=SAMPLERATE_HZ)
    samples: list[Samples] = []
    words: list[Word] = []
    at_ms = 0
    for part in parts:
        words += [word.moved(0, at_ms) for word in part.words]
        gap_ms = pause_ms if part is not parts[-1] else 0
        samples += [resampled(part, samplerate_hz).samples, np.zeros(gap_ms * samplerate_hz // 1000, np.float32)]
        at_ms += part.duration_ms + gap_ms
    joined = np.concatenate(samples) if samples else np.zeros(0, np.float32)
    return Clip(samples=joined, samplerate_hz=samplerate_hz, words=tuple(words))


class _Take:
    """One sentence by one engine, made in a thread of its own so that an engine that hangs can be left behind."""

    def __init__(self, engine: Engine, text: str, settings: VoiceSettings, cancel: Event, patience_s: float) -> None:
        self._engine = engine
        self._text = text
        self._settings = settings
        self._cancel = cancel
        self._expected_ms = estimated_ms(Utterance(text=text, voice=settings))
        self._patience_s = patience_s + 4 * self._expected_ms / 1000
        self._first: Future[Clip] | None = None

    def begin(self) -> None:
        """Let the engine begin."""
        self._first = self._asked(self._text)

    def clip(self) -> Clip:
        """Return the sentence, trimmed; what goes wrong is tried in other ways."""
        if "silent" in self._engine.features:
            return self._answer(self._asked(self._text))
        flaw = ""
        for attempt in self._attempts():
            clip = trimmed(attempt())
            flaw = self._flaw(clip)
            if not flaw:
                return clip
        raise LineError(f'{self._engine.name} could not say "{self._text}": {flaw}')

    def _attempts(self) -> Iterator[Callable[[], Clip]]:
        first = self._first or self._asked(self._text)
        yield lambda: self._answer(first)
        if "neural" not in self._engine.features:
            return
        if "repeatable" not in self._engine.features:
            yield lambda: self._answer(self._asked(self._text))
        if "words" in self._engine.features:
            yield self._out_of_a_longer_one

    def _out_of_a_longer_one(self) -> Clip:
        """Return the sentence cut out of one that says it three times: long enough for any engine."""
        bare = self._text.rstrip(".!?… ")
        lead = f"{bare}, {bare}, "
        clip = self._answer(self._asked(lead + self._text))
        words = [word.moved(-len(lead), 0) for word in clip.words if word.start >= len(lead)]
        if not words:
            return replace(clip, samples=clip.samples[:0], words=())
        start_ms = words[0].start_ms
        samples = clip.samples[start_ms * clip.samplerate_hz // 1000 :]
        return replace(clip, samples=samples, words=tuple(word.moved(0, -start_ms) for word in words))

    def _flaw(self, clip: Clip) -> str:
        """Return what is wrong with a clip, or nothing."""
        if not len(clip.samples):
            return "it gave only silence" if _has_letters(self._text) else ""
        if "neural" not in self._engine.features:
            return ""
        if float((np.abs(clip.samples) >= _CLIPPED_LEVEL).mean()) > _CLIPPED_SHARE:
            return "it was distorted"
        low_ms, high_ms = _SHORTEST * self._expected_ms, _LONGEST * self._expected_ms + _SLACK_MS
        if len(self._text.split()) <= SHORT_WORDS and not low_ms <= clip.duration_ms <= high_ms:
            return f"it took {clip.duration_ms / 1000:.1f} s"
        return ""

    def _asked(self, text: str) -> Future[Clip]:
        future: Future[Clip] = Future()
        Thread(target=self._ask, args=(text, future), name=f"{self._engine.name} speaks", daemon=True).start()
        return future

    def _ask(self, text: str, future: Future[Clip]) -> None:
        if self._cancel.is_set():
            future.set_exception(CanceledError())
            return
        try:
            future.set_result(self._engine.synthesize(text, self._settings, self._cancel))
        except (CanceledError, VoiceError) as error:
            future.set_exception(error)
        except BaseException as error:  # noqa: BLE001  whatever a plug-in or a library raises, the next engine speaks
            future.set_exception(VoiceError(f"{self._engine.name} failed: {type(error).__name__}: {error}"))

    def _answer(self, future: Future[Clip]) -> Clip:
        until_s = monotonic() + self._patience_s
        while monotonic() < until_s:
            if self._cancel.is_set():
                raise CanceledError
            try:
                return future.result(min(_LOOK_S, max(0.0, until_s - monotonic())))
            except TimeoutError:
                continue
        raise VoiceError(f"{self._engine.name} has not answered for {self._patience_s:.0f} s.")


def _has_letters(text: str) -> bool:
    return re.search(r"\w", text) is not None
