"""Neural voices by piper: a tiny model, made here, stands for a voice of 60 MB."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.narration import Narrator
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import VoiceInfo, choose_engine, load_engine, successors
from voiceroutine.voices.piper import PiperEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

pytestmark = pytest.mark.slow
onnx = pytest.importorskip("onnx")
pytest.importorskip("piper")

RATE_HZ = 22_050
HOP_FRAMES = 64
LETTERS = "_^$ .,!?abcdefghijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθᵻɫ"


def model_bytes(*, speakers: int = 1, output: str = "Sin") -> bytes:
    """Return a model that hums 16 steps for every phoneme, longer if it is to be slower."""
    make, tensor = onnx.helper.make_node, onnx.TensorProto
    constants = {"zero": 0.0, "five": 16.0, "hop": float(HOP_FRAMES), "pitch": 0.1, "level": 0.3}
    nodes = [make("Constant", [], [name], value_float=value) for name, value in constants.items()]
    nodes += [
        make("Constant", [], ["one"], value_int=1),
        make("Constant", [], ["start"], value_int=0),
        make("Constant", [], ["shape"], value_ints=[1, 1, 1, -1]),
        make("Cast", ["input"], ["ids"], to=tensor.FLOAT),
        make("Mul", ["ids", "zero"], ["zeros"]),
        make("Add", ["zeros", "five"], ["fives"]),
        make("Gather", ["scales", "one"], ["slowness"]),
        make("Mul", ["fives", "slowness"], ["steps"]),
        make("Ceil", ["steps"], ["whole"]),
        make("ReduceSum", ["whole"], ["sum"], keepdims=0),
        make("Mul", ["sum", "hop"], ["long"]),
        make("Cast", ["long"], ["frames"], to=tensor.INT64),
        make("Range", ["start", "frames", "one"], ["range"]),
        make("Cast", ["range"], ["time"], to=tensor.FLOAT),
        make("Mul", ["time", "pitch"], ["angle"]),
        make(output, ["angle"], ["wave"]),
        make("Mul", ["wave", "level"], ["soft"]),
        make("Reshape", ["soft", "shape"], ["output"]),
    ]
    info = onnx.helper.make_tensor_value_info
    inputs = [
        info("input", tensor.INT64, [1, "phonemes"]),
        info("input_lengths", tensor.INT64, [1]),
        info("scales", tensor.FLOAT, [3]),
        *([info("sid", tensor.INT64, [1])] if speakers > 1 else []),
    ]
    graph = onnx.helper.make_graph(nodes, "voice", inputs, [info("output", tensor.FLOAT, [1, 1, 1, "frames"])])
    opset = [onnx.helper.make_opsetid("", 15)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def description(**more: Any) -> dict[str, Any]:
    return {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "hop_length": HOP_FRAMES,
        "num_symbols": len(LETTERS),
        "num_speakers": 1,
        "phoneme_id_map": {letter: [index] for index, letter in enumerate(LETTERS)},
        **more,
    }


def put_voice(folder: Path, name: str = "calm", content: bytes | None = None, **more: Any) -> Path:
    model = folder / f"{name}.onnx"
    model.write_bytes(model_bytes() if content is None else content)
    Path(f"{model}.json").write_text(json.dumps(description(**more)))
    return model


SETTINGS = VoiceSettings(engine="piper")


@pytest.fixture
def engine(tmp_path: Path) -> PiperEngine:
    put_voice(tmp_path)
    return PiperEngine(tmp_path)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it wants to download something")

    monkeypatch.setattr(socket, "create_connection", refuse)


def test_a_sentence_is_spoken_and_its_words_have_times(engine: PiperEngine) -> None:
    text = "Tilt your head slowly."
    clip = engine.synthesize(text, SETTINGS)
    assert clip.samplerate_hz == RATE_HZ
    assert float(np.abs(clip.samples).max()) == pytest.approx(0.3, abs=0.01)
    assert [text[word.start : word.end] for word in clip.words] == ["Tilt", "your", "head", "slowly."]
    starts_ms = [word.start_ms for word in clip.words]
    assert starts_ms == sorted(set(starts_ms))
    assert clip.words[-1].end_ms == len(clip.samples) * 1000 // RATE_HZ


def test_words_that_the_phonemizer_merges_have_no_times(engine: PiperEngine) -> None:
    clip = engine.synthesize("Out of the way.", SETTINGS)
    assert len(clip.samples) > 0
    assert clip.words == ()


def test_it_is_slower_at_a_lower_rate(engine: PiperEngine) -> None:
    usual = engine.synthesize("Slowly.", SETTINGS).duration_ms
    assert engine.synthesize("Slowly.", replace(SETTINGS, rate_wpm=75)).duration_ms == pytest.approx(2 * usual, abs=2)


@pytest.mark.parametrize("text", ["", "...", "😀", "a " * 1_000, "[[h@l'oU]]", "3 < 4 & <b>"])
def test_odd_texts_are_no_trouble(engine: PiperEngine, text: str) -> None:
    assert engine.synthesize(text, SETTINGS).duration_ms >= 0


def test_threads_and_the_embedded_voice_get_along(engine: PiperEngine) -> None:
    espeak = load_engine("espeak")
    alone = [engine.synthesize("Hello there.", SETTINGS), espeak.synthesize("Hello there.", VoiceSettings())]
    with ThreadPoolExecutor(4) as pool:
        together = [
            pool.submit(one.synthesize, "Hello there.", VoiceSettings()).result() for one in (engine, espeak) * 8
        ]
    assert all(np.array_equal(clip.samples, alone[index % 2].samples) for index, clip in enumerate(together))


def test_nothing_is_printed(engine: PiperEngine, capfd: pytest.CaptureFixture[str]) -> None:
    engine.synthesize("Hello there.", SETTINGS)
    assert capfd.readouterr() == ("", "")


def test_a_voice_is_found_by_language_name_or_path(tmp_path: Path) -> None:
    put_voice(tmp_path, "anna", language={"code": "de_DE"})
    model = put_voice(tmp_path, "bill", language={"code": "en_GB"})
    put_voice(tmp_path, "carl", espeak={"voice": "en-us"}, language={})
    many = {"num_speakers": 2, "speaker_id_map": {"ann": 0, "ben": 1}}
    put_voice(tmp_path, "duo", content=model_bytes(speakers=2), **many)
    (tmp_path / "odd.onnx").write_bytes(b"no json beside it")
    engine = PiperEngine(tmp_path)
    (tmp_path / "odd.onnx").unlink()
    assert engine.voices() == (
        VoiceInfo(name="anna", language="de-DE"),
        VoiceInfo(name="bill", language="en-GB"),
        VoiceInfo(name="carl", language="en-us"),
        VoiceInfo(name="duo", language="en-US"),
        VoiceInfo(name="duo#ann", language="en-US"),
        VoiceInfo(name="duo#ben", language="en-US"),
    )
    marks = {name: engine.fingerprint("", replace(SETTINGS, name=name)) for name in ("anna", "bill", "carl", "duo#ben")}
    assert len(set(marks.values())) == 4
    assert engine.fingerprint("", replace(SETTINGS, language="de")) == marks["anna"]
    assert engine.fingerprint("", replace(SETTINGS, language="en")) == marks["bill"]
    assert engine.fingerprint("", replace(SETTINGS, language="en-US")) == marks["carl"]
    assert engine.fingerprint("", replace(SETTINGS, name=str(model))) == marks["bill"]
    assert engine.synthesize("Hello.", replace(SETTINGS, name="duo#1")).duration_ms > 0
    with pytest.raises(VoiceError) as caught:
        engine.fingerprint("", replace(SETTINGS, name="duo#bem"))
    assert str(caught.value) == (
        'piper has no voice "duo#bem"; did you mean "duo#ben"? "voiceroutine voices --all" lists those that it has.'
    )


def refused(engine: PiperEngine, folder: Path, **changed: Any) -> str:
    with pytest.raises(VoiceError) as caught:
        engine.synthesize("Hello.", replace(SETTINGS, **changed))
    return str(caught.value).replace(str(folder), "FOLDER")


def test_a_voice_that_is_not_there_is_told(engine: PiperEngine, tmp_path: Path) -> None:
    assert refused(engine, tmp_path, language="ru") == (
        'piper has no voice for "ru"; put one (NAME.onnx and NAME.onnx.json) into FOLDER.'
    )
    assert refused(engine, tmp_path, name="clam") == (
        'piper has no voice "clam"; did you mean "calm"? "voiceroutine voices --all" lists those that it has. Voice '
        "files (NAME.onnx and NAME.onnx.json) are looked for in FOLDER."
    )
    assert refused(engine, tmp_path, name=str(tmp_path / "x.onnx")) == "There is no voice file FOLDER/x.onnx."


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (None, "The voice FOLDER/calm.onnx needs calm.onnx.json beside it, which can't be read: No such file or "
         "directory. Get both files of the voice."),
        ("{", "FOLDER/calm.onnx.json is damaged: it is no JSON. Get both files of the voice again."),
        ("[]", "FOLDER/calm.onnx.json doesn't describe a Piper voice. Get both files of the voice again."),
        ('{"audio": 1}', "FOLDER/calm.onnx.json doesn't describe a Piper voice. Get both files of the voice again."),
        (json.dumps(description(phoneme_type="pinyin")),
         "FOLDER/calm.onnx is a voice for pinyin text, which piper can't read offline. Take another voice."),
    ],
)  # fmt: skip
def test_a_broken_description_is_told(engine: PiperEngine, tmp_path: Path, written: str | None, message: str) -> None:
    file = tmp_path / "calm.onnx.json"
    file.write_text(written) if written is not None else file.unlink()
    assert refused(engine, tmp_path, name="calm") == message


@pytest.mark.parametrize("content", [b"", b"not a model", model_bytes()[:300], model_bytes(output="Sigmoid")[:-200]])
def test_a_broken_model_is_told_and_another_voice_speaks(tmp_path: Path, content: bytes) -> None:
    put_voice(tmp_path, content=content)
    engine, told = PiperEngine(tmp_path), list[str]()
    message = refused(engine, tmp_path)
    assert message.startswith("The voice file FOLDER/calm.onnx can't be used (")
    assert message.endswith("). It is damaged, or no Piper voice: get it again.")
    narrator = Narrator(engine, None, successors(engine, SETTINGS), told.append)
    assert len(narrator.samples(Utterance(text="Hello.", voice=SETTINGS))) > 10_000
    assert told == [f"{message} From here on espeak speaks.".replace("FOLDER", str(tmp_path))]


def test_a_model_with_other_inputs_is_told(tmp_path: Path) -> None:
    put_voice(tmp_path, content=model_bytes(speakers=2))
    assert refused(PiperEngine(tmp_path), tmp_path).startswith(
        "The voice file FOLDER/calm.onnx can't be used (Required"
    )


def test_a_model_that_gives_no_numbers_is_silence(tmp_path: Path) -> None:
    put_voice(tmp_path, content=model_bytes(output="Log"))
    clip = PiperEngine(tmp_path).synthesize("Hello.", SETTINGS)
    assert np.isfinite(clip.samples).all()


def test_auto_takes_it_for_the_languages_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., Ended]
) -> None:
    monkeypatch.setenv("VOICEROUTINE_VOICES", str(tmp_path))
    assert choose_engine(VoiceSettings()).engine.name == "espeak"
    put_voice(tmp_path)
    assert choose_engine(VoiceSettings()).engine.name == "piper"
    assert choose_engine(VoiceSettings(language="fr")).engine.name == "espeak"
    assert choose_engine(VoiceSettings(name="en-gb-scotland")).engine.name == "espeak"
    listed = command("voices").out
    assert listed.startswith("Used: piper (piper-tts ")
    assert f"is there; 1 voice file in {tmp_path})" in listed
    assert "\n  piper:calm" in listed


def test_another_file_of_that_name_is_another_voice(tmp_path: Path) -> None:
    put_voice(tmp_path)
    before = PiperEngine(tmp_path).fingerprint("", SETTINGS)
    put_voice(tmp_path, content=model_bytes(output="Cos"))
    other = PiperEngine(tmp_path).fingerprint("", SETTINGS)
    put_voice(tmp_path, content=model_bytes(output="Cos"), inference={"noise_scale": 0.1})
    assert len({before, other, PiperEngine(tmp_path).fingerprint("", SETTINGS)}) == 3
