"""Every engine keeps the same promises."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voiceroutine.cli import run
from voiceroutine.errors import VoiceError
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import BUILT_IN, Engine, choose_engine, engine_names, espeak, load_engine, probe_engine
from voiceroutine.voices.espeak import _fingerprint_of, _Installation, _loaded, _short_copy

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_another_process_gives_the_same_samples_and_fingerprint(engine: Engine) -> None:
    code = (
        "import hashlib, sys\n"
        "from voiceroutine.routine import VoiceSettings\n"
        "from voiceroutine.voices import load_engine\n"
        f"engine = load_engine({engine.name!r})\n"
        "samples = engine.synthesize(sys.argv[1], VoiceSettings()).samples\n"
        "print(hashlib.sha256(samples.tobytes()).hexdigest(), engine.fingerprint(sys.argv[1], VoiceSettings()))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, SENTENCES[2]], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [digest(engine, SENTENCES[2]), engine.fingerprint(SENTENCES[2], SETTINGS)]


@pytest.mark.parametrize("text", ["", " ", "…", "😀", "a" * 2000, "Zwölf Übungen, s'il vous plaît.", "<b>&amp;</b>"])
def test_odd_texts_are_no_trouble(engine: Engine, text: str) -> None:
    assert engine.synthesize(text, SETTINGS).duration_ms >= 0


def test_a_faster_rate_is_shorter(engine: Engine) -> None:
    usual = engine.synthesize(SENTENCES[2], SETTINGS).duration_ms
    faster = engine.synthesize(SENTENCES[2], replace(SETTINGS, rate_wpm=172)).duration_ms
    assert 0.8 < faster / usual < 0.93


def test_voices_can_be_used(engine: Engine) -> None:
    names = [voice.name for voice in engine.voices()]
    assert len(set(names)) == len(names)
    for name in names[:: len(names) // 12 + 1]:
        assert engine.synthesize("Hello.", replace(SETTINGS, name=name)).duration_ms > 0


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
