"""One line through one engine: sentence by sentence, checked, with pauses between them, levelled."""

from __future__ import annotations

import re
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from voiceroutine.audio import LEAD_MS, TAIL_MS, Clip, levelled, resampled, trimmed, whole_milliseconds
from voiceroutine.cues import Utterance, estimated_ms
from voiceroutine.errors import VoiceError
from voiceroutine.turns import Turns
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.voices import CanceledError, LineError
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.audio import Samples
    from voiceroutine.reading import Spoken
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.turns import Turn
    from voiceroutine.voices import Engine
    from voiceroutine.words import Word

SENTENCE_PAUSE_MS = 400
PATIENCE_S = 30.0
PLACES = 5
SHORT_WORDS = 3
NEVER_CANCELED = Event()

_LOOK_S = 0.05
_LONGEST, _SHORTEST, _SLACK_MS = 2.5, 0.25, 800
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 0.001


class Line:
    """A line that an engine has been asked for, sentence by sentence.

    Args:
        engine: who speaks.
        sentences: what is spoken; the words of the clip are those of the written text that they stand for.
        settings: the voice.
        cancel: once it is set, nobody waits for the clip.
        patience_s: how long to wait for a sentence, once it is its turn, besides four times its expected length.
        turns: the engine's, where lines are spoken at the same time.
        place: of the line among those; the sentences of the lowest are spoken first.
    """

    def __init__(
        self,
        engine: Engine,
        sentences: Sequence[Spoken],
        settings: VoiceSettings,
        *,
        cancel: Event = NEVER_CANCELED,
        patience_s: float = PATIENCE_S,
        turns: Turns | None = None,
        place: int = 0,
    ) -> None:
        turns = turns or turns_of(engine)
        self._sentences = sentences
        self._pause_ms = SENTENCE_PAUSE_MS * 150 // settings.rate_wpm
        self._takes = [
            _Take(engine, text.text, settings, cancel=cancel, patience_s=patience_s, turns=turns, rank=(place, index))
            for index, text in enumerate(sentences)
        ]

    def clip(self) -> Clip:
        """Return a finished clip at 48 kHz: trimmed, levelled, whole milliseconds, the words' times in place.

        Raises:
            CanceledError: `cancel` was set.
            LineError: this line must be spoken by another engine.
            VoiceError: the engine can't go on.
        """
        try:
            takes = zip(self._takes, self._sentences, strict=True)
            clips = [_with_written_words(take.clip(), sentence) for take, sentence in takes]
        finally:
            for take in self._takes:
                take.end()
        return whole_milliseconds(resampled(levelled(_in_one(clips, self._pause_ms))))


def turns_of(engine: Engine) -> Turns:
    """Return the turns of an engine: several at once if it is `parallel`."""
    return Turns(PLACES if "parallel" in engine.features else 1, f"{engine.name} speaks")


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


@dataclass(slots=True)
class _Asked:
    """A text that an engine was asked for, and when it began to speak."""

    clip: Future[Clip] = field(default_factory=Future)
    began_s: float | None = None
    turn: Turn | None = None


class _Take:
    """One sentence by one engine, made in another thread so that an engine that hangs can be left behind."""

    def __init__(
        self,
        engine: Engine,
        text: str,
        settings: VoiceSettings,
        *,
        cancel: Event,
        patience_s: float,
        turns: Turns,
        rank: tuple[int, int],
    ) -> None:
        self._engine = engine
        self._text = text
        self._settings = settings
        self._cancel = cancel
        self._expected_ms = estimated_ms(Utterance(text=text, voice=settings))
        self._patience_s = patience_s + 4 * self._expected_ms / 1000
        self._turns = turns
        self._rank = rank
        self._is_over = False
        self._first = self._asked(text)

    def end(self) -> None:
        """Begin no more."""
        self._is_over = True

    def clip(self) -> Clip:
        """Return the sentence, trimmed; what goes wrong is tried in other ways."""
        if "silent" in self._engine.features:
            return self._answer(self._first)
        flaw = ""
        for attempt in self._attempts():
            clip = trimmed(attempt())
            flaw = self._flaw(clip)
            if not flaw:
                return clip
        raise LineError(f'{self._engine.name} could not say "{self._text}": {flaw}')

    def _attempts(self) -> Iterator[Callable[[], Clip]]:
        yield lambda: self._answer(self._first)
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

    def _asked(self, text: str) -> _Asked:
        asked = _Asked()
        asked.turn = self._turns.begin(self._rank, lambda: self._ask(text, asked))
        return asked

    def _ask(self, text: str, asked: _Asked) -> None:
        if self._is_over or self._cancel.is_set():
            asked.clip.set_exception(CanceledError())
            return
        asked.began_s = monotonic()
        try:
            asked.clip.set_result(self._engine.synthesize(text, self._settings, self._cancel))
        except (CanceledError, VoiceError) as error:
            asked.clip.set_exception(error)
        except BaseException as error:  # noqa: BLE001  whatever a plug-in or a library raises, the next engine speaks
            asked.clip.set_exception(VoiceError(f"{self._engine.name} failed: {type(error).__name__}: {error}"))

    def _answer(self, asked: _Asked) -> Clip:
        while asked.began_s is None or monotonic() < asked.began_s + self._patience_s:
            if self._cancel.is_set():
                raise CanceledError
            with suppress(TimeoutError):
                return asked.clip.result(_LOOK_S)
        assert asked.turn
        self._turns.give_up(asked.turn)
        raise VoiceError(f"{self._engine.name} has not answered for {self._patience_s:.0f} s.")


def _has_letters(text: str) -> bool:
    return re.search(r"\w", text) is not None
