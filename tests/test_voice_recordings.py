"""A folder of people's own recordings as a voice."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from voiceroutine.audio import SPEECH_LUFS, Clip, loudness_lufs
from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.library import default_library
from voiceroutine.narration import Narrator
from voiceroutine.recordings import MORE_FORMATS
from voiceroutine.routine import VoiceSettings
from voiceroutine.voices import CanceledError, LineError, choose_engine, successors
from voiceroutine.voices.recordings import RecordingsEngine, file_name, read_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

LONG = "Tilt your head slowly towards the left shoulder, as far as it is easy, and stay there."
LONG_NAME = "tilt-your-head-slowly-towards-the-left-shoulder-as-far-as-it"


def record(file: Path, milliseconds: int = 500, level: float = 0.3, samplerate_hz: int = 8_000) -> Path:
    """Write a tone whose length tells which recording it is."""
    frames = np.arange(milliseconds * samplerate_hz // 1000)
    soundfile.write(file, (level * np.sin(frames / 3)).astype(np.float32), samplerate_hz)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "my-voice"
    found.mkdir()
    return found


@pytest.fixture
def settings(folder: Path) -> VoiceSettings:
    return VoiceSettings(engine="recordings", name=str(folder))


def length_ms(text: str, settings: VoiceSettings) -> int:
    return RecordingsEngine().synthesize(text, settings).duration_ms


def refusal(text: str, settings: VoiceSettings) -> str:
    with pytest.raises(LineError) as caught:
        RecordingsEngine().synthesize(text, settings)
    return str(caught.value)


def folder_refusal(settings: VoiceSettings) -> str:
    with pytest.raises(VoiceError) as caught:
        choose_engine(settings)
    assert not isinstance(caught.value, LineError)
    return str(caught.value)


def no_recording(folder: Path) -> str:
    return f'Some lines have no recording in {folder}; "voiceroutine voices --script ROUTINE" lists them'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Left side.", "left-side"),
        ("  Don't   lock -- your knees!? ", "don-t-lock-your-knees"),
        ("Set 2 of 3.", "set-2-of-3"),
        ("Überkopf, ganz groß.", "überkopf-ganz-gross"),
        ("Правый бок.", "правый-бок"),
        ("हाथ ऊपर।", "हाथ-ऊपर"),
        ("🙂 …", ""),
        ("", ""),
        (LONG, f"{LONG_NAME}-{hashlib.sha256((LONG_NAME + '-is-easy-and-stay-there').encode()).hexdigest()[:8]}"),
        ("a" * 61, f"{'a' * 60}-{hashlib.sha256(b'a' * 61).hexdigest()[:8]}"),
        ("a" * 60, "a" * 60),
    ],
)
def test_the_name_of_a_line(text: str, name: str) -> None:
    assert file_name(text) == name


def test_a_name_that_is_cut_ends_with_a_whole_word() -> None:
    assert file_name(f"{'a' * 50} {'b' * 9} c")[:61] == f"{'a' * 50}-{'b' * 9}-"
    assert file_name(f"{'a' * 50} {'b' * 10} c")[:51] == f"{'a' * 50}-"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Left side.", "left-side.wav"),
        ("Left side.", "Left side.WAV"),
        ("Left side.", "LEFT_SIDE!.flac"),
        ("Über Kopf.", unicodedata.normalize("NFD", "über kopf.wav")),
        ("Ёлка.", "ёлка.wav"),
        (LONG, f"{file_name(LONG)}.wav"),
        (LONG, f"{LONG}.wav"),
    ],
)
def test_a_line_is_the_file_that_is_called_like_it(text: str, name: str, folder: Path, settings: VoiceSettings) -> None:
    record(folder / "other.wav", 300)
    record(folder / name, 700)
    assert length_ms(text, settings) == 700


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_recording_may_have_any_format(ending: str, folder: Path, settings: VoiceSettings) -> None:
    record(folder / f"left-side.{ending}", 700, samplerate_hz=44_100)
    clip = RecordingsEngine().synthesize("Left side.", settings)
    assert clip.samplerate_hz == 44_100
    assert clip.samples.dtype == np.float32
    assert 690 <= clip.duration_ms <= 790
    assert 0.27 < float(np.abs(clip.samples).max()) < 0.33


def test_of_two_files_the_first_by_name_is_taken(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left-side.wav", 700)
    record(folder / "left-side.flac", 300)
    assert length_ms("Left side.", settings) == 300


def test_the_list_comes_first_then_the_text_then_the_id(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "closing.wav", 300)
    assert length_ms("That was all. Well done.", settings) == 300
    record(folder / "that-was-all-well-done.wav", 400)
    assert length_ms("That was all. Well done.", settings) == 400
    record(folder / "take 7.wav", 500)
    (folder / "recordings.toml").write_text('[lines]\n"That was all. Well done." = "take 7.wav"\n', encoding="utf-8")
    assert length_ms("That was all. Well done.", settings) == 500


def test_an_id_is_a_sentence_of_the_product_in_the_language_of_the_routine(
    folder: Path, settings: VoiceSettings
) -> None:
    record(folder / "last_set.wav", 300)
    record(folder / "side.left.wav", 400)
    record(folder / "remaining.wav", 500)
    assert length_ms("Last set.", settings) == 300
    german = replace(settings, language="de-AT")
    assert length_ms("Letzter Satz.", german) == 300
    assert length_ms("Left side.", settings) == 400
    assert refusal("Ten seconds left.", settings) == no_recording(folder)
    assert refusal("Letzter Satz.", settings) == no_recording(folder)
    assert refusal("Letzter Satz.", replace(settings, language="tlh")) == no_recording(folder)


def test_an_id_is_what_an_exercise_of_the_library_says(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "neck-tilt.name.wav", 300)
    record(folder / "neck-tilt.instruction.left.wav", 400)
    record(folder / "neck-tilt.instruction.right.wav", 500)
    record(folder / "neck-tilt.caution.wav", 600)
    assert length_ms("Neck tilt.", settings) == 300
    assert length_ms(LONG, settings) == 400
    assert length_ms(LONG.replace("left", "right"), settings) == 500
    assert length_ms("Let both shoulders stay low.", settings) == 600
    german = default_library().exercises("de")["neck-tilt"][0]
    assert german.caution
    assert length_ms(german.caution, replace(settings, language="de")) == 600


def test_the_ids_of_the_documents_are_ids(folder: Path) -> None:
    document = (Path(__file__).parent.parent / "docs" / "adding-a-voice.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w.-]+\.wav)`", document.partition("3. **By its id.**")[2].partition("Of two files")[0])
    assert len(names) == 14
    for name in names:
        record(folder / name, 10)
    texts = [text for _, text in read_folder(str(folder))._texts("en")]
    assert read_folder(str(folder)).unmatched(texts, "en") == []


def test_the_library_is_not_read_where_no_file_is_called_like_something_in_it(
    folder: Path, settings: VoiceSettings, own_folders: Path
) -> None:
    own = own_folders / "voiceroutine" / "routines"
    own.mkdir(parents=True)
    (own / "exercises.toml").write_text("[[exercises]\n", encoding="utf-8")
    record(folder / "halfway.wav", 300)
    assert length_ms("Halfway.", settings) == 300
    assert refusal("Left side.", settings) == no_recording(folder)
    record(folder / "neck-tilt.caution.wav", 600)
    with pytest.raises(VoiceError, match="not valid TOML"):
        length_ms("Left side.", settings)


def test_hidden_files_and_folders_inside_are_not_searched(folder: Path, settings: VoiceSettings) -> None:
    (folder / "._left-side.wav").write_bytes(b"\0\5\x16\7")
    (folder / "takes").mkdir()
    record(folder / "takes" / "left-side.wav")
    (folder / "right-side.wav").mkdir()
    assert folder_refusal(settings) == (
        f'There are no sound files in {folder}; "voiceroutine voices --script ROUTINE" lists what to record.'
    )
    record(folder / "halfway.wav")
    assert refusal("Left side.", settings) == no_recording(folder)
    assert refusal("Right side.", settings) == no_recording(folder)


def test_a_text_file_beside_the_recordings_is_no_recording(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "halfway.wav")
    (folder / "left-side.txt").write_text("to be recorded", encoding="utf-8")
    assert refusal("Left side.", settings) == no_recording(folder)


def test_a_link_is_followed(folder: Path, settings: VoiceSettings, tmp_path: Path) -> None:
    (folder / "left-side.wav").symlink_to(record(tmp_path / "elsewhere.wav", 700))
    assert length_ms("Left side.", settings) == 700


def test_a_link_to_nothing_and_one_in_a_circle_are_told(folder: Path, settings: VoiceSettings, tmp_path: Path) -> None:
    (folder / "left-side.wav").symlink_to(tmp_path / "gone.wav")
    (folder / "right-side.wav").symlink_to(folder / "right-side.wav")
    assert refusal("Left side.", settings) == (
        f"The recording {folder / 'left-side.wav'} can't be read: No such file or directory"
    )
    assert refusal("Right side.", settings).startswith(f"The recording {folder / 'right-side.wav'} can't be read: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are of Unix")
def test_a_pipe_is_not_waited_for(folder: Path, settings: VoiceSettings) -> None:
    os.mkfifo(folder / "left-side.wav")
    assert refusal("Left side.", settings) == (
        f"The recording {folder / 'left-side.wav'} is not a file that can be read as a whole; "
        "put the sound itself there"
    )


def test_a_folder_is_needed() -> None:
    assert folder_refusal(VoiceSettings(engine="recordings")) == (
        "Which recordings? Name their folder: --voice recordings:FOLDER."
    )


def test_a_folder_that_is_not_there_is_told_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_refusal(VoiceSettings(engine="recordings", name="my-voice")) == (
        f"There is no folder of recordings {tmp_path / 'my-voice'}; make it, or name another."
    )
    (tmp_path / "my-voice").touch()
    assert folder_refusal(VoiceSettings(engine="recordings", name="my-voice")) == (
        f"{tmp_path / 'my-voice'} is not a folder; name the one that your recordings are in."
    )
    assert folder_refusal(VoiceSettings(engine="recordings", name="a\0b")).endswith(
        "can't be read: embedded null byte."
    )


def test_the_home_folder_can_be_written_short(own_folders: Path) -> None:
    (own_folders / "voice").mkdir()
    record(own_folders / "voice" / "left-side.wav", 700)
    assert length_ms("Left side.", VoiceSettings(engine="recordings", name="~/voice")) == 700


def test_the_mistakes_of_a_list_are_told_with_their_places(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left.wav")
    file = folder / "recordings.toml"
    file.write_text(
        'voice = "mine"\n[lines]\n"Left side." = "left.wav"\n"left side" = "left.wav"\n"Halfway." = "lefd.wav"\n'
        '"Rest." = 3\n"…" = "left.wav"\n"Ready." = "takes/x.wav"\n',
        encoding="utf-8",
    )
    assert folder_refusal(settings) == (
        f'{file}:1:1: voice: unknown key "voice"\n'
        '    write [lines], and below it "Left side." = "left.wav" for each line\n'
        '    1 | voice = "mine"\n'
        "      | ^^^^^^^^^^^^^^\n"
        f'{file}:4:1: lines."left side": says the same as a line above it\n'
        "    keep one of them\n"
        '    4 | "left side" = "left.wav"\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        f'{file}:5:1: lines."Halfway.": there is no file "lefd.wav" in this folder\n'
        '    did you mean "left.wav"?\n'
        '    5 | "Halfway." = "lefd.wav"\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^\n"
        f'{file}:6:1: lines."Rest.": is not the name of a file\n'
        '    write it in quotes: "left.wav"\n'
        '    6 | "Rest." = 3\n'
        "      | ^^^^^^^^^^^\n"
        f'{file}:7:1: lines."…": there is nothing to say in this line\n'
        "    write the words as the routine has them\n"
        '    7 | "…" = "left.wav"\n'
        "      | ^^^^^^^^^^^^^^^^\n"
        f'{file}:8:1: lines."Ready.": there is no file "takes/x.wav" in this folder\n'
        "    put it into the folder itself, not into one inside\n"
        '    8 | "Ready." = "takes/x.wav"\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[lines\n", "not valid TOML: a [table] is not closed"),
        ('lines = "left.wav"\n', "lines: is not a table"),
    ],
)
def test_a_list_that_is_none_is_told(text: str, told: str, folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left.wav")
    (folder / "recordings.toml").write_text(text, encoding="utf-8")
    message = folder_refusal(settings)
    assert message.startswith(f"{folder / 'recordings.toml'}:1:")
    assert told in message


def test_a_list_may_name_files_with_any_ending(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left.wav", 700).rename(folder / "left.take7")
    (folder / "recordings.toml").write_text('[lines]\n"Left side." = "left.take7"\n', encoding="utf-8")
    assert length_ms("Left side.", settings) == 700


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty; record it anew"),
        (b"left side" * 9, f"can't be read as sound; {MORE_FORMATS}"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(content: bytes, told: str, folder: Path, settings: VoiceSettings) -> None:
    (folder / "left-side.wav").write_bytes(content)
    record(folder / "halfway.wav", 300)
    assert refusal("Left side.", settings) == f"The recording {folder / 'left-side.wav'} {told}"
    assert length_ms("Halfway.", settings) == 300


def test_a_damaged_file_is_told(folder: Path, settings: VoiceSettings) -> None:
    file = record(folder / "left-side.flac", 5_000)
    content = file.read_bytes()
    file.write_bytes(content[:200] + bytes(len(content) - 200))
    assert refusal("Left side.", settings) == (f"The recording {file} is damaged; does it play elsewhere? save it anew")


@pytest.mark.parametrize(
    ("milliseconds", "level", "told"),
    [
        (60_001, 0.3, "is longer than 60 s; cut it to what is to be heard"),
        (500, 0.0005, "is silent; record it anew"),
        (0, 0.3, "is silent; record it anew"),
    ],
)
def test_a_recording_that_can_not_be_a_line_is_told(
    milliseconds: int, level: float, told: str, folder: Path, settings: VoiceSettings
) -> None:
    file = record(folder / "left-side.wav", milliseconds, level)
    assert refusal("Left side.", settings) == f"The recording {file} {told}"


def test_a_minute_is_not_too_long(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left-side.wav", 60_000)
    assert length_ms("Left side.", settings) == 60_000


def test_a_file_that_changes_or_vanishes_meanwhile_is_told(folder: Path, settings: VoiceSettings) -> None:
    file, other = record(folder / "left-side.wav", 700), record(folder / "halfway.wav", 300)
    engine = RecordingsEngine()
    engine.fingerprint("Left side.", settings)
    engine.fingerprint("Halfway.", settings)
    record(file, 800)
    other.unlink()
    with pytest.raises(LineError) as changed:
        engine.synthesize("Left side.", settings)
    assert str(changed.value) == f"The recording {file} was changed in the meantime; start again to hear it"
    with pytest.raises(LineError) as gone:
        engine.fingerprint("Halfway.", settings)
    assert str(gone.value) == (f"The recording {other} can't be read: No such file or directory")
    assert length_ms("Left side.", settings) == 800


def test_the_fingerprint_is_the_content_of_the_file(folder: Path, settings: VoiceSettings) -> None:
    file = record(folder / "left-side.wav", 700)
    before = RecordingsEngine().fingerprint("Left side.", settings)
    assert before == hashlib.sha256(file.read_bytes()).hexdigest()
    assert RecordingsEngine().fingerprint("LEFT SIDE", settings) == before
    record(file, 800)
    assert RecordingsEngine().fingerprint("Left side.", settings) != before
    with pytest.raises(LineError) as caught:
        RecordingsEngine().fingerprint("Halfway.", settings)
    assert str(caught.value) == no_recording(folder)


@pytest.mark.parametrize("text", ["", " ", "…", "😀"])
def test_of_nothing_to_say_there_is_nothing(text: str, folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left-side.wav")
    assert RecordingsEngine().fingerprint(text, settings) == ""
    assert length_ms(text, settings) == 0


def test_a_reading_that_nobody_waits_for_is_canceled(folder: Path, settings: VoiceSettings) -> None:
    record(folder / "left-side.wav")
    cancel = Event()
    cancel.set()
    with pytest.raises(CanceledError):
        RecordingsEngine().synthesize("Left side.", settings, cancel)


def test_files_that_belong_to_no_line_are_found(folder: Path) -> None:
    for name in ("closing", "left-side", "halfwayy"):
        record(folder / f"{name}.wav")
    texts = ("Left side.", "Halfway.", "That was all. Well done.")
    assert read_folder(str(folder)).unmatched(texts, "en") == [folder / "halfwayy.wav"]


ROUTINE = """\
title = "Two lines"
[cues]
safety = false
[[steps]]
say = "Sit tall."
[[steps]]
say = "Breathe out."
[[steps]]
say = "Look down."
"""


def test_a_routine_is_heard_with_its_recordings_and_another_voice_says_the_rest(
    folder: Path, tmp_path: Path, command: Callable[..., Ended]
) -> None:
    record(folder / "sit-tall.wav", 3_000)
    (folder / "breathe-out.mp3").write_bytes(b"ID3" + b"\0" * 100)
    routine, out = tmp_path / "two.toml", tmp_path / "two.wav"
    routine.write_text(ROUTINE, encoding="utf-8")
    ended = command("export", str(routine), "--voice", f"recordings:{folder}", "-o", str(out), "--quiet")
    assert ended.status == 0, ended.err
    assert sorted(ended.err.splitlines()) == [
        f"Some lines have no recording in {folder}; "
        '"voiceroutine voices --script ROUTINE" lists them. Instead, espeak speaks.',
        f"The recording {folder / 'breathe-out.mp3'} can't be read as sound; {MORE_FORMATS}. Instead, espeak speaks.",
    ]
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    assert soundfile.info(out).duration > 6


def test_a_folder_that_is_not_there_ends_with_status_4(tmp_path: Path, command: Callable[..., Ended]) -> None:
    out = tmp_path / "out.wav"
    ended = command("export", "neck-cooldown", "--voice", f"recordings:{tmp_path / 'none'}", "-o", str(out))
    assert ended.status == 4
    assert ended.err.endswith(f"There is no folder of recordings {tmp_path / 'none'}; make it, or name another.\n")
    assert list(tmp_path.iterdir()) == []


RATE_HZ = 44_100


def tone(seconds: float, hz: float = 300, level: float = 0.05) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def record_in_a_room(file: Path, hz: float = 300, seconds: float = 1.0, level: float = 0.05) -> Path:
    """Write a tone with a second of quiet room noise on both sides, left channel only."""
    noise = np.random.default_rng(1).normal(0, 2e-4, RATE_HZ)
    samples = np.concatenate([noise, tone(seconds, hz, level), noise])
    soundfile.write(file, np.stack([samples, samples * 0.5], axis=1), RATE_HZ)
    return file


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_any_format_is_trimmed_and_levelled(tmp_path: Path, suffix: str) -> None:
    record_in_a_room(tmp_path / f"one.{suffix}")
    samples = Narrator(RecordingsEngine()).samples(
        Utterance(text="One.", voice=VoiceSettings(engine="recordings", name=str(tmp_path)))
    )
    assert len(samples) / 48 == pytest.approx(1_000 + 80, abs=40)
    assert loudness_lufs(Clip(samples=samples, samplerate_hz=48_000)) == pytest.approx(SPEECH_LUFS, abs=0.5)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
def test_a_recording_of_a_phone_is_read(tmp_path: Path) -> None:
    wav = record_in_a_room(tmp_path / "x.wav", 440)
    made = tmp_path / "one.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(wav), str(made)], check=True, timeout=60, stdin=subprocess.DEVNULL
    )
    clip = RecordingsEngine().synthesize("One.", VoiceSettings(engine="recordings", name=str(tmp_path)))
    heard_hz = np.abs(np.fft.rfft(clip.samples)).argmax() * clip.samplerate_hz / len(clip.samples)
    assert heard_hz == pytest.approx(440, abs=2)


def test_missing_and_broken_lines_are_spoken_by_the_embedded_voice_and_told_once(tmp_path: Path) -> None:
    record(tmp_path / "one.wav")
    (tmp_path / "two.wav").write_bytes(b"RIFF but no sound")
    settings, told = VoiceSettings(engine="recordings", name=str(tmp_path)), list[str]()
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


OWN_ROUTINE = """
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
    routine.write_text(OWN_ROUTINE.format(folder="mine"))
    script = command("voices", "--script", str(routine)).out
    assert "neck\tNeck.\n" in script
    for line in script.splitlines():
        record(tmp_path / "mine" / f"{line.split(chr(9))[0]}.wav")
    ended = command("show", str(routine))
    assert (ended.status, ended.err) == (0, "")
    for away in ("../mine", "/tmp", "~x", "C:\\\\x"):
        routine.write_text(OWN_ROUTINE.format(folder=away))
        checked = command("check", str(routine))
        assert "leads out of the folder of the routine, so it is left out" in checked.out
