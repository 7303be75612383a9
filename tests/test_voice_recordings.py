"""One's own recordings: found by text, key or list; what is missing or broken is spoken by another voice."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from voiceroutine.audio import SPEECH_LUFS, Clip, loudness_lufs
from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.narration import Narrator
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import LineError, choose_engine, successors
from voiceroutine.voices.recordings import RecordingsEngine, file_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

RATE_HZ = 44_100


def tone(seconds: float, hz: float = 300, level: float = 0.05) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def record(file: Path, hz: float = 300, seconds: float = 1.0, level: float = 0.05) -> Path:
    """Write a tone with a second of quiet room noise on both sides, left channel only."""
    noise = np.random.default_rng(1).normal(0, 2e-4, RATE_HZ)
    samples = np.concatenate([noise, tone(seconds, hz, level), noise])
    soundfile.write(file, np.stack([samples, samples * 0.5], axis=1), RATE_HZ)
    return file


def voice(folder: Path, language: str = "en") -> VoiceSettings:
    return VoiceSettings(engine="recordings", name=str(folder), language=language)


def heard_hz(engine: RecordingsEngine, text: str, settings: VoiceSettings) -> float:
    clip = engine.synthesize(text, settings)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    return float(spectrum.argmax() * clip.samplerate_hz / len(clip.samples))


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("left-side.wav", "Left side.", "en"),
        ("Left  Side!.flac", "Left side.", "en"),
        ("halfway.wav", "Halfway.", "en"),
        ("closing.wav", "That was all. Well done.", "en"),
        ("левая-сторона.wav", "Левая сторона.", "ru"),
        ("fünf.wav", "Fu\u0308nf.", "de"),
        (f"{file_name('word ' * 40)}.wav", "word " * 40, "en"),
    ],
)  # fmt: skip
def test_a_line_is_found_by_its_text_or_key(tmp_path: Path, name: str, text: str, language: str) -> None:
    record(tmp_path / name, 440)
    assert heard_hz(RecordingsEngine(), text, voice(tmp_path, language)) == pytest.approx(440, abs=2)


def test_an_exercise_s_text_is_found_by_its_id(tmp_path: Path) -> None:
    from voiceroutine.library import default_library

    text = default_library().exercises("en")["neck-tilt"][0].instruction
    record(tmp_path / "neck-tilt.instruction.wav", 500)
    assert text
    assert heard_hz(RecordingsEngine(), text, voice(tmp_path)) == pytest.approx(500, abs=2)


def test_a_list_says_which_file_a_line_is(tmp_path: Path) -> None:
    record(tmp_path / "take 7.wav", 600)
    record(tmp_path / "left-side.wav", 300)
    (tmp_path / "recordings.toml").write_text('[lines]\n"Left side." = "take 7.wav"\n')
    assert heard_hz(RecordingsEngine(), "Left side.", voice(tmp_path)) == pytest.approx(600, abs=2)


def test_of_two_files_for_a_line_the_first_by_name_is_heard(tmp_path: Path) -> None:
    record(tmp_path / "one.wav", 300)
    record(tmp_path / "one.flac", 700)
    record(tmp_path / "._one.aiff", 900)
    assert heard_hz(RecordingsEngine(), "One.", voice(tmp_path)) == pytest.approx(700, abs=2)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_any_format_is_trimmed_and_levelled(tmp_path: Path, suffix: str) -> None:
    record(tmp_path / f"one.{suffix}")
    samples = Narrator(RecordingsEngine()).samples(Utterance(text="One.", voice=voice(tmp_path)))
    assert len(samples) / 48 == pytest.approx(1_000 + 80, abs=40)
    assert loudness_lufs(Clip(samples=samples, samplerate_hz=48_000)) == pytest.approx(SPEECH_LUFS, abs=0.5)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_recording_of_a_phone_is_read(tmp_path: Path) -> None:
    wav = record(tmp_path / "x.wav", 440)
    made = tmp_path / "one.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(wav), str(made)], check=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert heard_hz(RecordingsEngine(), "One.", voice(tmp_path)) == pytest.approx(440, abs=2)


def line_error(folder: Path, text: str = "One.") -> str:
    with pytest.raises(LineError) as caught:
        RecordingsEngine().fingerprint(text, voice(folder))
        RecordingsEngine().synthesize(text, voice(folder))
    return str(caught.value).replace(str(folder), "FOLDER")


def test_what_is_wrong_with_a_recording_is_told(tmp_path: Path) -> None:
    record(tmp_path / "two.wav")
    assert line_error(tmp_path) == (
        'Some lines have no recording in FOLDER; "voiceroutine voices --script ROUTINE" lists them'
    )
    (tmp_path / "one.wav").write_bytes(b"this is not sound")
    assert line_error(tmp_path) == (
        "The recording FOLDER/one.wav can't be read as sound; WAV, FLAC, OGG, MP3 and AIFF files can be read, and M4A, "
        "WebM, WMA, AAC and AMR where ffmpeg is installed"
    )
    soundfile.write(tmp_path / "one.wav", np.zeros(RATE_HZ), RATE_HZ)
    assert line_error(tmp_path) == "The recording FOLDER/one.wav is silent; record it anew"
    soundfile.write(tmp_path / "one.wav", tone(61), RATE_HZ)
    assert line_error(tmp_path) == "The recording FOLDER/one.wav is longer than 60 s; cut it to what is to be heard"


def test_a_recording_that_vanishes_is_spoken_by_another(tmp_path: Path) -> None:
    engine, file = RecordingsEngine(), record(tmp_path / "one.wav")
    engine.fingerprint("", voice(tmp_path))
    file.unlink()
    with pytest.raises(LineError) as caught:
        engine.fingerprint("One.", voice(tmp_path))
    assert str(caught.value) == f"The recording {file} can't be read: No such file or directory"


def test_a_new_recording_is_another_voice(tmp_path: Path) -> None:
    record(tmp_path / "one.wav")
    before = RecordingsEngine().fingerprint("One.", voice(tmp_path))
    record(tmp_path / "one.wav", 301)
    assert RecordingsEngine().fingerprint("One.", voice(tmp_path)) != before


def refused(folder: Path | None) -> str:
    with pytest.raises(VoiceError) as caught:
        choose_engine(VoiceSettings(engine="recordings", name=str(folder) if folder else None))
    return str(caught.value).replace(str(folder), "FOLDER")


def test_a_folder_that_can_not_be_used_is_refused(tmp_path: Path) -> None:
    assert refused(None) == "Which recordings? Name their folder: --voice recordings:FOLDER."
    assert refused(tmp_path / "x") == "There is no folder of recordings FOLDER; make it, or name another."
    assert refused(tmp_path) == (
        'There are no sound files in FOLDER; "voiceroutine voices --script ROUTINE" lists what to record.'
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[lines", "can't be read: Expected ']' at the end of a table declaration (at end of document)"),
        ("x = 1", ': there must be one table, [lines], with lines like "Left side." = "left.wav"'),
        ('[lines]\n"A." = "b.wav"', ": lines.\"A.\": there is no sound file 'b.wav' in the folder"),
        ('[lines]\n"A." = "../b.wav"', ": lines.\"A.\": there is no sound file '../b.wav' in the folder"),
    ],
)
def test_a_list_that_is_wrong_is_told(tmp_path: Path, written: str, message: str) -> None:
    record(tmp_path / "one.wav")
    (tmp_path / "recordings.toml").write_text(written)
    with pytest.raises(VoiceError) as caught:
        RecordingsEngine().fingerprint("A.", voice(tmp_path))
    told = str(caught.value).removeprefix(str(tmp_path / "recordings.toml")).strip()
    assert told == message.strip()


def test_missing_and_broken_lines_are_spoken_by_the_embedded_voice_and_told_once(tmp_path: Path) -> None:
    record(tmp_path / "one.wav", 440)
    (tmp_path / "two.wav").write_bytes(b"RIFF but no sound")
    settings, told = voice(tmp_path), list[str]()
    engine = RecordingsEngine()
    narrator = Narrator(engine, None, successors(engine, settings), told.append)
    for text in ("One.", "Two.", "Three.", "Four.", "One."):
        assert len(narrator.samples(Utterance(text=text, voice=settings))) > 10_000
    assert len(told) == 2
    assert told[0].startswith(f"The recording {tmp_path / 'two.wav'} ")
    assert told[0].endswith(" Instead, espeak speaks.")
    assert told[1] == (
        f'Some lines have no recording in {tmp_path}; "voiceroutine voices --script ROUTINE" lists them. '
        "Instead, espeak speaks."
    )


ROUTINE = """
title = "Mine"
[voice]
engine = "recordings"
name = "{folder}"
[[steps]]
name = "Neck"
hold = "5s"
"""


def test_a_routine_comes_with_its_recordings(tmp_path: Path, command: Callable[..., Ended]) -> None:
    (tmp_path / "mine").mkdir()
    routine = tmp_path / "r.toml"
    routine.write_text(ROUTINE.format(folder="mine"))
    script = command("voices", "--script", str(routine)).out
    assert "neck\tNeck.\n" in script
    for line in script.splitlines():
        record(tmp_path / "mine" / f"{line.split(chr(9))[0]}.wav")
    ended = command("show", str(routine))
    assert (ended.status, ended.err) == (0, "")
    for away in ("../mine", "/tmp", "~x", "C:\\\\x"):
        routine.write_text(ROUTINE.format(folder=away))
        checked = command("check", str(routine))
        assert "leads out of the folder of the routine, so it is left out" in checked.out
