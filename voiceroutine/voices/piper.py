"""Neural voices, by piper-tts and a voice file of the user's: `NAME.onnx` with `NAME.onnx.json` beside it.

`pip install "voiceroutine[piper]"` brings the engine; it ships no voice, and nothing is ever downloaded here.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from voiceroutine.audio import Clip
from voiceroutine.errors import VoiceError
from voiceroutine.phrases import beginnings
from voiceroutine.voices import CanceledError, Probe, VoiceInfo, no_such_voice
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from threading import Event

    from voiceroutine.routine import VoiceSettings
    from voiceroutine.voices import Feature

FOLDER_VARIABLE = "VOICEROUTINE_VOICES"
USUAL_RATE_WPM = 150
OLDEST = (1, 8)

_SAMPLE_BYTES = 1 << 20
_OFFLINE_PHONEMES = ("espeak", "text")
_BEFORE_WORDS = "^"
_BETWEEN_WORDS = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class _VoiceFile:
    """A voice, and which of its speakers; `data` is what its JSON file says."""

    model: Path
    speaker: str | None
    data: dict[str, Any]

    @property
    def language(self) -> str:
        """Its BCP 47 tag, "und" where the file doesn't say it."""
        code = self.data.get("language", {}).get("code") or self.data.get("espeak", {}).get("voice") or "und"
        return str(code).replace("_", "-")

    @property
    def speaker_id(self) -> int | None:
        """The index of the speaker, where one is named."""
        speakers = self.data.get("speaker_id_map") or {}
        if self.speaker is None:
            return None
        if self.speaker in speakers:
            return int(speakers[self.speaker])
        if self.speaker.isdecimal() and int(self.speaker) < self.data.get("num_speakers", 1):
            return int(self.speaker)
        raise no_such_voice("piper", f"{self.model.stem}#{self.speaker}", _names(self.model, self.data))


class PiperEngine:
    """Speaks with a voice file; each time a little differently, so that a line is made once and kept.

    Args:
        folder: where voice files are looked for by name; by default the user's.
    """

    name = "piper"
    features: frozenset[Feature] = frozenset({"rate", "words", "neural"})

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _usual_folder()
        self._loaded: dict[Path, Any] = {}
        self._lock = Lock()

    def probe(self) -> Probe:
        """Say whether piper is installed, and which voices there are."""
        installed = _version()
        if installed is None:
            return Probe(ok=False, reason='not installed; pip install "voiceroutine[piper]" adds it')
        if tuple(int(part) for part in installed.split(".")[:2] if part.isdecimal()) < OLDEST:
            return Probe(ok=False, reason=f'piper-tts {installed} is too old; pip install -U "voiceroutine[piper]"')
        count = len([*self._models()])
        found = (
            f"{count} voice file{'' if count == 1 else 's'} in" if count else "put NAME.onnx and NAME.onnx.json into"
        )
        return Probe(ok=True, reason=f"piper-tts {installed} is there; {found} {self._folder}")

    def voices(self) -> Sequence[VoiceInfo]:
        """Return the voices in the folder, of several speakers each."""
        found = []
        for model in self._models():
            try:
                voice = _VoiceFile(model=model, speaker=None, data=_described(model))
            except VoiceError:
                continue
            found += [VoiceInfo(name=name, language=voice.language) for name in _names(model, voice.data)]
        return tuple(found)

    def fingerprint(self, text: str, settings: VoiceSettings) -> str:  # noqa: ARG002
        """Return a hash of the voice file, its description, and the version of piper."""
        voice = self._voice(settings)
        return f"{_version()} {voice.speaker_id} {_digest(voice.model)}"

    def sources(self, settings: VoiceSettings) -> Sequence[Path]:
        """Return the folder of voices, where another one may come to lie, and the files of a voice named elsewhere."""
        named = Path((settings.name or "").partition("#")[0]).expanduser()
        return [self._folder, named, Path(f"{named}.json")] if settings.name else [self._folder]

    def synthesize(self, text: str, settings: VoiceSettings, cancel: Event | None = None) -> Clip:
        """Speak a sentence."""
        voice = self._voice(settings)
        chunks = []
        for chunk in self._chunks(voice, text, settings):
            if cancel is not None and cancel.is_set():
                raise CanceledError
            chunks.append(chunk)
        return _clip(text, chunks, int(voice.data["audio"]["sample_rate"]))

    def _chunks(self, voice: _VoiceFile, text: str, settings: VoiceSettings) -> Iterator[Any]:
        model = self._model(voice)
        try:
            yield from model.synthesize(_plain(text), _how(voice, settings), include_alignments=True)
        except Exception as error:
            raise _unusable(voice.model, error) from error

    def close(self) -> None:
        """Let go of the models."""
        with self._lock:
            self._loaded.clear()

    def _models(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from sorted(self._folder.glob("*.onnx"))

    def _voice(self, settings: VoiceSettings) -> _VoiceFile:
        if settings.name:
            return self._named(settings.name)
        wanted = beginnings(settings.language.lower())
        found = [_VoiceFile(model=model, speaker=None, data=_described(model)) for model in self._models()]
        for tag in wanted:
            for voice in found:
                if tag in beginnings(voice.language.lower()):
                    return voice
        raise VoiceError(
            f'piper has no voice for "{settings.language}"; put one (NAME.onnx and NAME.onnx.json) into {self._folder}.'
        )

    def _named(self, name: str) -> _VoiceFile:
        file, _, speaker = name.partition("#")
        model = Path(file).expanduser()
        if model.suffix != ".onnx" and len(model.parts) == 1:
            model = self._folder / f"{file}.onnx"
            if not model.is_file():
                raise VoiceError(
                    f"{no_such_voice('piper', name, (found.stem for found in self._models()))} Voice files "
                    f"(NAME.onnx and NAME.onnx.json) are looked for in {self._folder}."
                )
        elif not model.is_file():
            raise VoiceError(f"There is no voice file {model.absolute()}.")
        return _VoiceFile(model=model, speaker=speaker or None, data=_described(model))

    def _model(self, voice: _VoiceFile) -> Any:
        with self._lock:
            if voice.model not in self._loaded:
                self._loaded[voice.model] = _load(voice.model)
            return self._loaded[voice.model]


def _version() -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("piper-tts")
    except PackageNotFoundError:
        return None


def _usual_folder() -> Path:
    import platformdirs

    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    return platformdirs.user_data_path("voiceroutine", appauthor=False) / "voices"


def _names(model: Path, data: dict[str, Any]) -> list[str]:
    speakers = data.get("speaker_id_map") or {}
    return [model.stem, *(f"{model.stem}#{speaker}" for speaker in speakers if len(speakers) > 1)]


def _described(model: Path) -> dict[str, Any]:
    """Return what the JSON file of a voice says."""
    file = Path(f"{model}.json")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"The voice {model} needs {file.name} beside it, which can't be read: {error.strerror}."
        raise VoiceError(f"{message} Get both files of the voice.") from None
    except ValueError:
        raise VoiceError(f"{file} is damaged: it is no JSON. Get both files of the voice again.") from None
    if not isinstance(data, dict) or not isinstance(data.get("audio"), dict) or "phoneme_id_map" not in data:
        raise VoiceError(f"{file} doesn't describe a Piper voice. Get both files of the voice again.")
    kind = data.get("phoneme_type", "espeak")
    if kind not in _OFFLINE_PHONEMES:
        raise VoiceError(f"{model} is a voice for {kind} text, which piper can't read offline. Take another voice.")
    return data


def _digest(model: Path) -> str:
    try:
        status = model.stat()
        return _digest_of(model, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise VoiceError(f"The voice file {model} can't be read: {error.strerror}.") from None


@cache
def _digest_of(model: Path, size: int, _mtime_ns: int) -> str:
    """Return a hash of a voice: of its description, and of its model the size, the ends and the middle.

    A model has some 60 MB: a look at all of it would take longer than many sentences.
    """
    digest = hashlib.sha256(Path(f"{model}.json").read_bytes())
    digest.update(str(size).encode())
    with model.open("rb") as file:
        for place in (0, size // 2, size - _SAMPLE_BYTES):
            file.seek(max(0, place))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _load(model: Path) -> Any:
    try:
        import onnxruntime
        from piper import PiperVoice
    except Exception as error:
        raise VoiceError(f"piper can't be loaded: {error}. Try: pip install -U 'voiceroutine[piper]'") from error
    onnxruntime.set_default_logger_severity(4)
    try:
        return PiperVoice.load(model, include_alignments=find_spec("onnx") is not None)
    except Exception as error:
        raise _unusable(model, error) from error


def _unusable(model: Path, error: Exception) -> VoiceError:
    why = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    why = why.rstrip(". ")
    return VoiceError(f"The voice file {model} can't be used ({why}). It is damaged, or no Piper voice: get it again.")


def _how(voice: _VoiceFile, settings: VoiceSettings) -> Any:
    from piper import SynthesisConfig

    usual = float(voice.data.get("inference", {}).get("length_scale", 1.0))
    return SynthesisConfig(
        speaker_id=voice.speaker_id,
        length_scale=usual * USUAL_RATE_WPM / settings.rate_wpm,
        normalize_audio=False,
    )


def _plain(text: str) -> str:
    # Double brackets would give piper phonemes instead of words.
    return text.replace("[[", "[ [").replace("]]", "] ]")


def _clip(text: str, chunks: Iterable[Any], samplerate_hz: int) -> Clip:
    parts, onsets, is_aligned, frames = [], [0.0], True, 0
    for chunk in chunks:
        parts.append(np.nan_to_num(np.asarray(chunk.audio_float_array, np.float32).reshape(-1)))
        is_aligned &= chunk.phoneme_alignments is not None
        onsets += [frames + onset for onset in _onsets(chunk.phoneme_alignments or ())]
        frames += len(parts[-1])
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    words = words_at(text, (), 0, frames * 1000 // samplerate_hz)
    starts_ms = [int(onset) * 1000 // samplerate_hz for onset in onsets[1:]]
    # Some words are one to the phonemizer ("of the"): then nobody knows which is which.
    if not is_aligned or len(starts_ms) != len(words):
        return Clip(samples=samples, samplerate_hz=samplerate_hz)
    known = [(word.start, at_ms) for word, at_ms in zip(words, starts_ms, strict=True)]
    return Clip(
        samples=samples, samplerate_hz=samplerate_hz, words=words_at(text, known, 0, frames * 1000 // samplerate_hz)
    )


def _onsets(alignments: Iterable[Any]) -> Iterator[int]:
    """Yield the frame at which each word begins."""
    frame, is_between = 0, True
    for alignment in alignments:
        if alignment.phoneme == _BETWEEN_WORDS:
            is_between = True
        elif is_between and alignment.phoneme != _BEFORE_WORDS:
            is_between = False
            yield frame
        frame += int(alignment.num_samples)


def engine() -> PiperEngine:
    """Return the engine."""
    return PiperEngine()
