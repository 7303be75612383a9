"""Utterances to clips: an engine speaks each sentence once, the cache keeps it."""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from voiceroutine.beside import written_beside
from voiceroutine.phrases import phrases_for
from voiceroutine.units import SAMPLERATE_HZ
from voiceroutine.voices import load_engine
from voiceroutine.wav import HEADER_BYTES, wav_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voiceroutine.audio import Samples
    from voiceroutine.cues import Utterance
    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Engine

FINISH_VERSION = 2
MEMORY_FRAMES = 60 * SAMPLERATE_HZ

_CHECK = b"b2sm"
_CHECK_BYTES = 8 + 16
_BYTES_PER_MS = 2 * SAMPLERATE_HZ // 1000


@dataclass(frozen=True, slots=True)
class ClipCache:
    """A folder of finished clips: WAV, 16-bit mono, named by a hash of everything that shapes them.

    A last chunk holds a checksum of the samples. A file that isn't whole counts as not there. Trouble with the
    folder is never an error: then nothing is kept.
    """

    folder: Path

    def duration_ms(self, key: str) -> int | None:
        """Return how long a clip lasts, from the file's head and size alone."""
        try:
            with self._file(key).open("rb") as file:
                head, size = file.read(HEADER_BYTES), os.fstat(file.fileno()).st_size
        except OSError:
            return None
        data_bytes = size - HEADER_BYTES - _CHECK_BYTES
        if data_bytes < 0 or head != _head(data_bytes) or data_bytes % _BYTES_PER_MS:
            return None
        return data_bytes // _BYTES_PER_MS

    def read(self, key: str) -> bytes | None:
        """Return the samples of a clip as 16-bit PCM, or nothing if they aren't there as they were written."""
        try:
            content = self._file(key).read_bytes()
        except OSError:
            return None
        pcm = content[HEADER_BYTES:-_CHECK_BYTES]
        return pcm if content == _wav(pcm) else None

    def write(self, key: str, pcm: bytes) -> None:
        """Keep a clip, if the folder allows it."""
        file = self._file(key)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_beside(file) as part:
                part.write_bytes(_wav(pcm))
        except OSError:
            return

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.wav"


def _head(data_bytes: int) -> bytes:
    return wav_header(data_bytes, samplerate_hz=SAMPLERATE_HZ, channels=1, extra_bytes=_CHECK_BYTES)


def _wav(pcm: bytes) -> bytes:
    digest = hashlib.blake2b(pcm, digest_size=16).digest()
    return _head(len(pcm)) + pcm + _CHECK + len(digest).to_bytes(4, "little") + digest


@dataclass(eq=False)
class Narrator:
    """Gives every utterance its clip, each made once. Thread-safe.

    Args:
        engine: who speaks what is not meant to be silent.
        cache: where clips are kept between runs.
    """

    engine: Engine
    cache: ClipCache | None = None
    _recent: OrderedDict[Utterance, Samples] = field(default_factory=OrderedDict, init=False)
    _keys: dict[tuple[str, VoiceSettings], str] = field(default_factory=dict, init=False)
    _recent_lock: Lock = field(default_factory=Lock, init=False)
    _making_lock: Lock = field(default_factory=Lock, init=False)

    def duration_ms(self, utterance: Utterance) -> int:
        """Return how many milliseconds an utterance lasts; make its clip if there is none."""
        kept_ms = self.cache.duration_ms(self._key(utterance)) if self.cache else None
        return kept_ms if kept_ms is not None else len(self.samples(utterance)) * 1000 // SAMPLERATE_HZ

    def samples(self, utterance: Utterance) -> Samples:
        """Return the finished samples of an utterance: 48 kHz, levelled, a whole number of milliseconds.

        Who asks for a clip that is in memory or in the cache doesn't wait for one that is being made.
        """
        found = self._remembered(utterance)
        if found is None:
            found = _floats(self._kept(utterance) or self._made_once(utterance))
            self._remember(utterance, found)
        return found

    def _remembered(self, utterance: Utterance) -> Samples | None:
        with self._recent_lock:
            found = self._recent.get(utterance)
            if found is not None:
                self._recent.move_to_end(utterance)
            return found

    def _remember(self, utterance: Utterance, samples: Samples) -> None:
        with self._recent_lock:
            self._recent[utterance] = samples
            self._forget_old()

    def _forget_old(self) -> None:
        frames = sum(len(samples) for samples in self._recent.values())
        while frames > MEMORY_FRAMES and len(self._recent) > 1:
            _, oldest = self._recent.popitem(last=False)
            frames -= len(oldest)

    def _kept(self, utterance: Utterance) -> bytes | None:
        return self.cache.read(self._key(utterance)) if self.cache else None

    def _made_once(self, utterance: Utterance) -> bytes:
        with self._making_lock:
            remembered = self._remembered(utterance)
            if remembered is not None:
                return _pcm(remembered)
            made = self._made(utterance)
            if self.cache:
                self.cache.write(self._key(utterance), made)
            self._remember(utterance, _floats(made))
            return made

    def _made(self, utterance: Utterance) -> bytes:
        from voiceroutine.audio import levelled, resampled, whole_milliseconds

        spoken = self._engine_of(utterance).synthesize(self._spoken_text(utterance), utterance.voice)
        clip = whole_milliseconds(levelled(resampled(spoken)))
        return _pcm(clip.samples)

    def _engine_of(self, utterance: Utterance) -> Engine:
        return load_engine("silent") if utterance.voice.engine == "silent" else self.engine

    def _spoken_text(self, utterance: Utterance) -> str:
        return phrases_for(utterance.voice.language).read_aloud(utterance.text, utterance.voice.pronounce).text

    def _key(self, utterance: Utterance) -> str:
        identity = (utterance.text, utterance.voice)
        if identity not in self._keys:
            self._keys[identity] = _digest(self._shaping(utterance))
        return self._keys[identity]

    def _shaping(self, utterance: Utterance) -> Mapping[str, object]:
        engine, phrases = self._engine_of(utterance), phrases_for(utterance.voice.language)
        settings = {key: value for key, value in asdict(utterance.voice).items() if key not in _UNHEARD}
        return {
            "finish": FINISH_VERSION,
            "engine": engine.name,
            "fingerprint": engine.fingerprint(utterance.text, utterance.voice),
            "text": self._spoken_text(utterance),
            "voice": phrases.voice,
            **settings,
        }


# What shapes no samples, or does so only through the text that is spoken.
_UNHEARD = {"engine", "gain_db", "pronounce"}


def _digest(shaping: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


def _pcm(samples: Samples) -> bytes:
    return (samples * 32768).round().astype("<i2").tobytes()


def _floats(pcm: bytes) -> Samples:
    import numpy as np

    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
