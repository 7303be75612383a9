"""Every engine keeps the same promises."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import soundfile

from voiceroutine.audio import Clip
from voiceroutine.cli import run
from voiceroutine.clipcache import ClipCache
from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.narration import Narrator
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import (
    BUILT_IN,
    CanceledError,
    Engine,
    Feature,
    LineError,
    choose_engine,
    engine_names,
    espeak,
    load_engine,
    probe_engine,
)
from voiceroutine.voices.espeak import _fingerprint_of, _Installation, _loaded, _short_copy
from voiceroutine.voices.recordings import file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Ended

SENTENCES = ("Three.", "Left side.", "Tilt your head slowly to the right side. Let the left shoulder stay heavy.")
SETTINGS = VoiceSettings()


LONG = "Breathe in slowly through the nose, and let the shoulders sink. " * 80
ODD = ("", " ", "…", "😀", "a" * 2000, "Zwölf Übungen, s'il vous plaît.", "<b>&amp;</b>", "[[x]] {y} %s \\ $HOME", "-v")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recording of every sentence, and of the odd texts."""
    folder, espeak = tmp_path_factory.mktemp("recorded"), load_engine("espeak")
    spoken = [text for text in (*SENTENCES, "Hello.", "30 seconds.", LONG[:500]) if any(map(str.isalnum, text))]
    for text in spoken:
        clip = espeak.synthesize(text, VoiceSettings())
        soundfile.write(folder / f"{file_name(text)}.wav", clip.samples, clip.samplerate_hz)
    return folder


def _espeak_program() -> str:
    code = (
        "import io, sys, wave\nfrom voiceroutine.routine import VoiceSettings\n"
        "from voiceroutine.voices import load_engine\n"
        "settings = VoiceSettings(rate_wpm=int(sys.argv[1]))\n"
        "clip = load_engine('espeak').synthesize(sys.stdin.buffer.read().decode(), settings)\n"
        "out = io.BytesIO()\nfile = wave.open(out, 'wb')\nfile.setparams((1, 2, clip.samplerate_hz, 0, 'NONE', ''))\n"
        "file.writeframes((clip.samples * 32768).astype('<i2').tobytes() or bytes(2))\nfile.close()\n"
        "sys.stdout.buffer.write(out.getvalue())\n"
    )
    return json.dumps([sys.executable, "-c", code.replace("{", "{{").replace("}", "}}"), "{rate}"])


class Case(NamedTuple):
    """An engine that is to keep the promises, and the voice with which it works here."""

    engine: Engine
    settings: VoiceSettings

    def speak(self, text: str, **changed: Any) -> Clip:
        return self.engine.synthesize(text, replace(self.settings, **changed))

    def digest(self, text: str) -> str:
        return hashlib.sha256(self.speak(text).samples.tobytes()).hexdigest()

    def needs(self, feature: Feature) -> None:
        if feature not in self.engine.features:
            pytest.skip(f"{self.engine.name} doesn't promise to be {feature}")


SLOW = {"piper", "system", "command"}
ENGINES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in engine_names()]


@pytest.fixture(params=ENGINES)
def case(request: pytest.FixtureRequest, recorded: Path, tmp_path: Path) -> Iterator[Case]:
    name: str = request.param
    settings = VoiceSettings(engine=name)
    if name == "piper":
        piper = pytest.importorskip("test_voice_piper")
        settings = replace(settings, name=str(piper.put_voice(tmp_path)))
    if name == "recordings":
        settings = replace(settings, name=str(recorded))
    if name == "command":
        settings = replace(settings, name=_espeak_program())
    engine = load_engine(name)
    probe = engine.probe()
    assert probe.ok, probe.reason
    yield Case(engine, settings)
    engine.close()


def test_the_choice_takes_it_when_it_is_asked_for(case: Case) -> None:
    choice = choose_engine(case.settings)
    choice.engine.close()
    assert (choice.engine.name, choice.why) == (case.engine.name, "it was asked for")


def test_it_is_asked_in_less_than_a_second_and_prints_nothing(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    assert probe_engine(case.engine.name).ok
    assert time.monotonic() - began_s < 1
    case.speak(SENTENCES[0])
    case.engine.voices()
    assert capfd.readouterr() == ("", "")


def test_a_sentence_has_samples_in_range(case: Case) -> None:
    clip = case.speak(SENTENCES[2])
    assert clip.samples.dtype == np.float32
    assert clip.samples.ndim == 1
    assert 8_000 <= clip.samplerate_hz <= 48_000
    assert 2_000 < clip.duration_ms < 9_000
    assert float(np.abs(clip.samples).max()) < 1.0


@pytest.mark.parametrize("text", [*SENTENCES, "30 seconds."])
def test_words_are_in_order_and_inside_the_clip(case: Case, text: str) -> None:
    case.needs("words")
    clip = case.speak(text)
    assert [text[word.start : word.end] for word in clip.words] == text.split()
    assert all(one.end_ms <= after.start_ms for one, after in pairwise(clip.words))
    assert all(0 <= word.start_ms <= word.end_ms <= clip.duration_ms for word in clip.words)


def test_the_same_sentence_gives_the_same_samples_whatever_came_before(case: Case) -> None:
    case.needs("repeatable")
    first = [case.digest(sentence) for sentence in SENTENCES]
    again = [case.digest(sentence) for sentence in reversed(SENTENCES)]
    assert first == again[::-1]


def test_a_narrator_gives_the_same_samples_again(case: Case, tmp_path: Path) -> None:
    cache, utterance = ClipCache(tmp_path / "clips"), Utterance(text=SENTENCES[1], voice=case.settings)
    first, second = Narrator(case.engine, cache).samples(utterance), Narrator(case.engine, cache).samples(utterance)
    assert np.array_equal(first, second)
    assert len(first) % 48 == 0


def test_four_threads_at_once_speak_the_right_sentences(case: Case) -> None:
    alone = [case.speak(sentence).duration_ms for sentence in SENTENCES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda sentence: case.speak(sentence).duration_ms, SENTENCES * 4))
    assert together == pytest.approx(alone * 4, rel=0.05)


def test_four_threads_at_once_give_the_same_samples(case: Case) -> None:
    case.needs("repeatable")
    alone = [case.digest(sentence) for sentence in SENTENCES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(case.digest, SENTENCES * 8))
    assert together == alone * 8


def test_another_process_gives_the_same_samples_and_fingerprint(case: Case) -> None:
    code = (
        "import hashlib, sys\n"
        "from voiceroutine.routine import VoiceSettings\n"
        "from voiceroutine.voices import load_engine\n"
        f"engine, settings = load_engine({case.engine.name!r}), VoiceSettings(name={case.settings.name!r})\n"
        "samples = engine.synthesize(sys.argv[1], settings).samples\n"
        "print(hashlib.sha256(samples.tobytes()).hexdigest(), engine.fingerprint(sys.argv[1], settings), sep='|')\n"
        "engine.close()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, SENTENCES[2]], capture_output=True, text=True, check=True)
    digest, fingerprint = ended.stdout.strip().split("|")
    assert fingerprint == case.engine.fingerprint(SENTENCES[2], case.settings)
    if "repeatable" in case.engine.features:
        assert digest == case.digest(SENTENCES[2])


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_no_trouble(case: Case, text: str) -> None:
    try:
        clip = case.speak(text)
    except LineError:
        return
    assert clip.duration_ms >= 0
    assert np.isfinite(clip.samples).all()


@pytest.mark.slow
def test_a_very_long_text_is_spoken_whole(case: Case) -> None:
    if "lines" in case.engine.features:
        pytest.skip("a recording is as long as it is")
    once = case.speak(LONG[: len(LONG) // 8]).duration_ms
    assert case.speak(LONG).duration_ms == pytest.approx(8 * once, rel=0.1)


def test_a_faster_rate_is_shorter(case: Case) -> None:
    case.needs("rate")
    usual = case.speak(SENTENCES[2]).duration_ms
    assert 0.8 < case.speak(SENTENCES[2], rate_wpm=172).duration_ms / usual < 0.93


def test_nobody_waits_for_a_sentence_that_is_not_needed(case: Case) -> None:
    cancel = Event()
    cancel.set()
    began_s = time.monotonic()
    with suppress(CanceledError):
        case.engine.synthesize(SENTENCES[2], case.settings, cancel)
    assert time.monotonic() - began_s < 2


def test_voices_can_be_used(case: Case) -> None:
    names = [voice.name for voice in case.engine.voices()]
    assert len(set(names)) == len(names)
    for name in names[:: len(names) // 12 + 1]:
        assert case.speak("Hello.", name=name).duration_ms > 0


def test_an_unknown_voice_is_refused_in_words(case: Case) -> None:
    with pytest.raises(VoiceError) as caught:
        choose_engine(replace(case.settings, name="no such voice"))
    assert "no such voice" in str(caught.value) or "There is no" in str(caught.value)


def test_an_unknown_voice_is_named() -> None:
    with pytest.raises(VoiceError) as caught:
        load_engine("espeak").synthesize("Hello.", replace(SETTINGS, name="nobody"))
    assert str(caught.value) == ('espeak has no voice "nobody". "voiceroutine voices --all" lists those that it has.')


def test_an_unknown_engine_has_a_hint() -> None:
    with pytest.raises(VoiceError) as caught:
        choose_engine(VoiceSettings(engine="espaek"))
    assert str(caught.value) == 'There is no voice engine "espaek"; did you mean "espeak"?'


def test_auto_is_the_embedded_voice() -> None:
    choice = choose_engine(SETTINGS)
    assert (choice.engine.name, choice.why) == ("espeak", "the embedded espeak-ng is there")


@pytest.fixture
def copy(tmp_path: Path) -> _Installation:
    """An installation of our own, its data at a long path."""
    espeakng_loader = pytest.importorskip("espeakng_loader")
    data = tmp_path / ("d" * 100) / ("e" * 100) / "espeak-ng-data"
    shutil.copytree(espeakng_loader.get_data_path(), data)
    return _Installation(library=str(espeakng_loader.get_library_path()), data=data, origin="a copy")


@pytest.fixture
def no_copies() -> Iterator[None]:
    _short_copy.cache_clear()
    yield
    _short_copy.cache_clear()


@pytest.mark.usefixtures("no_copies")
def test_data_at_a_long_path_is_copied_to_a_short_one(copy: _Installation) -> None:
    with _loaded(copy) as (_, samplerate_hz):
        assert samplerate_hz == 22_050
    assert copy.data
    target = _short_copy(copy.data)
    assert len(str(target)) < 150
    assert (target / "phondata").is_file()


@pytest.mark.usefixtures("no_copies")
def test_data_is_copied_to_the_next_folder_when_one_can_not_be_written(
    copy: _Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as short:
        (Path(short) / "file").touch()
        good = Path(short) / "good"
        monkeypatch.setattr(espeak, "_short_folders", lambda: iter([Path(short) / "file", good]))
        assert copy.data
        assert _short_copy(copy.data).parent == good
        assert [found.name[:7] for found in good.iterdir()] == ["espeak-"]


@pytest.mark.usefixtures("no_copies")
def test_data_that_can_be_copied_nowhere_is_a_reason_in_words(
    copy: _Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as short:
        file = Path(short) / "file"
        file.touch()
        monkeypatch.setattr(espeak, "_short_folders", lambda: iter([file]))
        monkeypatch.setattr(espeak, "_installation", lambda: copy)
        probe = load_engine("espeak").probe()
    assert not probe.ok
    assert str(file) in probe.reason


def test_a_library_that_does_not_load_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"not a library")
    monkeypatch.setattr(espeak, "_installation", lambda: _Installation(library=str(broken), data=None, origin="it"))
    probe = load_engine("espeak").probe()
    assert not probe.ok
    assert "can't be loaded" in probe.reason


def test_another_library_of_that_name_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import _ctypes

    monkeypatch.setattr(
        espeak, "_installation", lambda: _Installation(library=_ctypes.__file__, data=None, origin="it")
    )
    probe = load_engine("espeak").probe()
    assert not probe.ok
    assert "it has no espeak_Info" in probe.reason


@pytest.mark.parametrize("name", ["phondata", "phontab", "phonindex", "en_dict", "de_dict"])
def test_other_data_has_another_fingerprint(name: str, tmp_path: Path) -> None:
    espeakng_loader = pytest.importorskip("espeakng_loader")
    library = str(espeakng_loader.get_library_path())
    source, data = Path(espeakng_loader.get_data_path()), tmp_path / "data"
    shutil.copytree(source, data)
    installation = _Installation(library=library, data=data, origin="a copy")
    before = _fingerprint_of(installation, "en-us")
    assert before == _fingerprint_of(replace(installation, data=source), "en-us")
    with (data / name).open("ab") as opened:
        opened.write(b"\0")
    assert _fingerprint_of(installation, "en-us") != before


def test_the_fingerprint_knows_how_calm_the_voice_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _fingerprint_of(espeak._installation(), "en-us")
    monkeypatch.setattr(espeak, "_CALM_WORD_GAP", 2)
    assert _fingerprint_of(espeak._installation(), "en-us") != before


def test_the_system_s_library_has_the_fingerprint_of_its_version_and_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    espeakng_loader = pytest.importorskip("espeakng_loader")
    data = tmp_path / "espeak-ng-data"
    shutil.copytree(espeakng_loader.get_data_path(), data)
    monkeypatch.setenv("ESPEAK_DATA_PATH", str(data))
    installation = _Installation(library=str(espeakng_loader.get_library_path()), data=None, origin="the system's")
    before = _fingerprint_of(installation, "en-us")
    (data / "phontab").write_bytes((data / "phontab").read_bytes() + b"\0")
    assert _fingerprint_of(installation, "en-us") != before


@pytest.mark.parametrize("identifier", [b"gmw/en-US", b"gmw\\en-US", b"en-us"])
def test_a_voice_is_named_without_its_folder(identifier: bytes) -> None:
    assert espeak._name(identifier) == "en-us"


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ("espeak:nobody", 'espeak has no voice "nobody". "voiceroutine voices --all" lists those that it has'),
        (":en-uss", 'No engine has a voice "en-uss"; did you mean "en-us"? "voiceroutine voices --all" lists all'),
        (":nobody at all", 'No engine has a voice "nobody at all". "voiceroutine voices --all" lists all'),
    ],
)
def test_a_voice_that_is_not_there_is_told(voice: str, told: str, command: Callable[..., Ended]) -> None:
    listed = command("voices", "--voice", voice)
    assert (listed.status, listed.out.split("\n")[0]) == (0, f"Used: espeak ({told}; the embedded espeak-ng is there)")
    said = command("voices", "--voice", voice, "--say", "Hello.")
    assert said == (4, "", f"{told}.\n")


def test_the_voice_that_would_be_used_is_told(command: Callable[..., Ended]) -> None:
    assert command("voices", "--voice", "espeak:en-gb-scotland").out.startswith("Used: espeak (it was asked for)\n")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint(name="hum", value="voiceroutine.voices.silent:engine", group="voiceroutine.voices"),
        EntryPoint(name="broken", value="voiceroutine.no_such_module:engine", group="voiceroutine.voices"),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)


@pytest.mark.usefixtures("plugins")
def test_plugins_are_listed_after_the_built_in_engines() -> None:
    assert engine_names() == (*BUILT_IN, "broken", "hum")
    assert choose_engine(VoiceSettings(engine="hum")).engine.probe().ok
    assert choose_engine(SETTINGS).engine.name == "espeak"


@pytest.mark.usefixtures("plugins")
def test_a_plugin_that_can_not_be_imported_is_an_error_in_words() -> None:
    with pytest.raises(VoiceError, match="The plug-in of the engine broken is broken: ModuleNotFoundError: "):
        choose_engine(VoiceSettings(engine="broken"))
    assert not probe_engine("broken").ok


@pytest.mark.usefixtures("plugins")
def test_plugins_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["voices"]) == 0
    shown = capsys.readouterr().out
    assert "\nhum: chimes and text" in shown
    assert "\nbroken: doesn't work: The plug-in" in shown


def test_a_language_without_a_voice_is_said_to_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    run(["voices", "--language", "tlh"])
    assert 'There is no voice for the language "tlh".' in capsys.readouterr().out
    run(["voices", "--language", "EN-us"])
    shown = capsys.readouterr().out
    assert "espeak:en-us" in shown
    assert "There is no voice" not in shown
