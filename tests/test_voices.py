"""Every engine keeps the same promises."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voiceroutine.errors import VoiceError
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import BUILT_IN, Engine, choose_engine, load_engine
from voiceroutine.voices.espeak import _Installation, _loaded, _short_copy

SENTENCES = ("Three.", "Left side.", "Tilt your head slowly to the right side. Let the left shoulder stay heavy.")
SETTINGS = VoiceSettings()


@pytest.fixture(params=BUILT_IN)
def engine(request: pytest.FixtureRequest) -> Engine:
    found = load_engine(request.param)
    probe = found.probe()
    assert probe.ok, probe.reason
    return found


def digest(engine: Engine, sentence: str) -> str:
    return hashlib.sha256(engine.synthesize(sentence, SETTINGS).samples.tobytes()).hexdigest()


def test_a_sentence_has_samples_in_range(engine: Engine) -> None:
    clip = engine.synthesize(SENTENCES[2], SETTINGS)
    assert clip.samples.dtype == np.float32
    assert clip.samples.ndim == 1
    assert 2_000 < clip.duration_ms < 9_000
    assert float(np.abs(clip.samples).max()) < 1.0


def test_the_same_sentence_gives_the_same_samples_whatever_came_before(engine: Engine) -> None:
    first = [digest(engine, sentence) for sentence in SENTENCES]
    again = [digest(engine, sentence) for sentence in reversed(SENTENCES)]
    assert first == again[::-1]


def test_four_threads_at_once_give_the_same_samples(engine: Engine) -> None:
    alone = [digest(engine, sentence) for sentence in SENTENCES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda sentence: digest(engine, sentence), SENTENCES * 8))
    assert together == alone * 8


def test_another_process_gives_the_same_samples(engine: Engine) -> None:
    code = (
        "import hashlib, sys\n"
        "from voiceroutine.routine import VoiceSettings\n"
        "from voiceroutine.voices import load_engine\n"
        f"samples = load_engine({engine.name!r}).synthesize(sys.argv[1], VoiceSettings()).samples\n"
        "print(hashlib.sha256(samples.tobytes()).hexdigest())\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, SENTENCES[2]], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == digest(engine, SENTENCES[2])


@pytest.mark.parametrize("text", ["", " ", "…", "😀", "a" * 2000, "Zwölf Übungen, s'il vous plaît.", "<b>&amp;</b>"])
def test_odd_texts_are_no_trouble(engine: Engine, text: str) -> None:
    assert engine.synthesize(text, SETTINGS).duration_ms >= 0


def test_a_faster_rate_is_shorter(engine: Engine) -> None:
    usual = engine.synthesize(SENTENCES[2], SETTINGS).duration_ms
    faster = engine.synthesize(SENTENCES[2], replace(SETTINGS, rate_wpm=172)).duration_ms
    assert 0.8 < faster / usual < 0.93


def test_the_fingerprint_is_stable(engine: Engine) -> None:
    assert engine.fingerprint() == load_engine(engine.name).fingerprint()


def test_voices_can_be_used(engine: Engine) -> None:
    names = [voice.name for voice in engine.voices()]
    assert names
    assert engine.synthesize("Hello.", replace(SETTINGS, name=names[0])).duration_ms > 0


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(VoiceError) as caught:
        load_engine("espeak").synthesize("Hello.", replace(SETTINGS, name="nobody"))
    assert str(caught.value) == ('espeak has no voice "nobody". "voiceroutine voices --all" lists those that it has.')


def test_an_unknown_engine_has_a_hint() -> None:
    with pytest.raises(VoiceError) as caught:
        choose_engine("espaek")
    assert str(caught.value) == 'There is no voice engine "espaek"; did you mean "espeak"?'


def test_auto_is_the_embedded_voice() -> None:
    choice = choose_engine("auto")
    assert (choice.engine.name, choice.why) == ("espeak", "the embedded espeak-ng is there")


def test_data_at_a_long_path_is_copied_to_a_short_one(tmp_path: Path) -> None:
    espeakng_loader = pytest.importorskip("espeakng_loader")
    import shutil

    far = tmp_path / ("d" * 100) / ("e" * 100) / "espeak-ng-data"
    shutil.copytree(espeakng_loader.get_data_path(), far)
    installation = _Installation(library=str(espeakng_loader.get_library_path()), data=far, origin="a copy")
    with _loaded(installation) as (_, samplerate_hz):
        assert samplerate_hz == 22_050
    assert len(str(_short_copy(far))) < 150


def test_a_library_that_does_not_load_is_an_error_in_words(tmp_path: Path) -> None:
    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"not a library")
    with (
        pytest.raises(VoiceError, match="can't be loaded"),
        _loaded(_Installation(library=str(broken), data=None, origin="a broken one")),
    ):
        pass
