"""Sounds of a routine's own: which files it may name, what it is told otherwise, and that they sound on time."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from voiceroutine.audio import Clip, loudest_lufs, loudness_lufs, loudness_of_parts
from voiceroutine.background import LongLoop
from voiceroutine.document import parse_document, read_document
from voiceroutine.errors import RoutineError, SettingError
from voiceroutine.library import bundled_folder
from voiceroutine.loading import load_routine
from voiceroutine.model import BACKGROUNDS, CHIMES
from voiceroutine.production import Production, load
from voiceroutine.recordings import FORMATS, MORE_FORMATS, clip_parts, read_clip
from voiceroutine.routine import BackgroundSettings, SoundSettings
from voiceroutine.soundnames import Use
from voiceroutine.sounds import Sounds, bundled_sounds, listeners_background, sounds_beside
from voiceroutine.units import gain_of

Samples = npt.NDArray[np.float64]

RATE_HZ = 48_000
HAS_FFMPEG = bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))
needs_ffmpeg = pytest.mark.skipif(not HAS_FFMPEG, reason="needs ffmpeg")

BESIDE = 'put the file beside the routine, and write its name alone, like "gong.wav"'
DOWNLOAD = "download the sound into the routine's folder, and write the name of its file"
OR_A_FILE = 'or name a file beside the routine, like "gong.wav"'
OR_A_BED = 'or name a file beside the routine, like "rain.mp3"'
CHIMES_ARE = f"there are: {', '.join(CHIMES)};"
BEDS_ARE = "there are: brown-noise, drone, rain;"
RIGHT_FILE = "is it the right file?"
SAVE_ANEW = "does it play elsewhere? save it anew"


def tone(seconds: float, *, rate_hz: int = RATE_HZ, pitch_hz: float = 440.0, level: float = 0.5) -> Samples:
    samples: Samples = level * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    return samples


def gong(seconds: float = 1.5, rate_hz: int = RATE_HZ) -> Samples:
    """Return something struck: it starts at once and dies away."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    partials = (np.cos(2 * np.pi * pitch_hz * time_s) for pitch_hz in (180.0, 471.0, 803.0, 1_290.0))
    struck: Samples = 0.2 * sum(partials, np.zeros(len(time_s))) * np.exp(-4 * time_s)
    return struck


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a routine."""
    folder = tmp_path / "routines"
    folder.mkdir()
    return folder


def problem(folder: Path, name: str, use: Use = "chime") -> tuple[str, str] | None:
    return sounds_beside(folder).problem(name, use)


def told(error: RoutineError) -> list[str]:
    return [f"{one.where}: {one.where.path}: {one.message}\n    {one.hint}" for one in error.problems]


def test_the_bundled_names_are_those_of_the_files() -> None:
    sounds = bundled_sounds()
    assert (tuple(sounds.files), tuple(sounds.beds)) == (CHIMES, BACKGROUNDS)


@pytest.mark.parametrize("name", CHIMES)
def test_the_length_of_a_bundled_chime_is_that_of_its_samples(name: str) -> None:
    assert bundled_sounds().length_ms(name) == bundled_sounds().clip(name).duration_ms


NAMES: dict[str, tuple[str, str]] = {
    "bel": ('there is no sound "bel"', f'did you mean "bell"? {OR_A_FILE}'),
    "Bell": ('there is no sound "Bell"', f'did you mean "bell"? {OR_A_FILE}'),
    "trumpet": ('there is no sound "trumpet"', f"{CHIMES_ARE} {OR_A_FILE}"),
    "brown-noise": ('"brown-noise" is a background, not a chime', f"{CHIMES_ARE} {OR_A_FILE}"),
    "/usr/share/gong.wav": ('"/usr/share/gong.wav" is an absolute path', BESIDE),
    "/": ('"/" is an absolute path', BESIDE),
    "C:\\Sounds\\gong.wav": ('"C:\\Sounds\\gong.wav" is an absolute path', BESIDE),
    "c:/gong.wav": ('"c:/gong.wav" is an absolute path', BESIDE),
    "c:gong.wav": ('"c:gong.wav" is an absolute path', BESIDE),
    "\\\\server\\share\\gong.wav": ('"\\\\server\\share\\gong.wav" is an absolute path', BESIDE),
    "//server/share/gong.wav": ('"//server/share/gong.wav" is an absolute path', BESIDE),
    "\\\\?\\C:\\gong.wav": ('"\\\\?\\C:\\gong.wav" is an absolute path', BESIDE),
    "~/gong.wav": ('"~/gong.wav" is a path into a home folder', BESIDE),
    "~root/gong.wav": ('"~root/gong.wav" is a path into a home folder', BESIDE),
    "../gong.wav": ('"../gong.wav" leads out of the routine\'s folder', BESIDE),
    "sounds/../gong.wav": ('"sounds/../gong.wav" leads out of the routine\'s folder', BESIDE),
    "..\\gong.wav": ('"..\\gong.wav" leads out of the routine\'s folder', BESIDE),
    "..": ('".." leads out of the routine\'s folder', BESIDE),
    "https://example.org/gong.wav": ('"https://example.org/gong.wav" is a web address', DOWNLOAD),
    "file:///etc/passwd": ('"file:///etc/passwd" is a web address', DOWNLOAD),
    "FILE:gong.wav": ('"FILE:gong.wav" is a web address', DOWNLOAD),
    "concat:a.wav": ('"concat:a.wav" has a colon, which not every system allows', "give the file another name"),
    "data:audio/wav;base64,AAAA": ('"data:audio/wav;base64,AAAA" is a web address', DOWNLOAD),
    "sounds\\gong.wav": ('"sounds\\gong.wav" has a backslash', 'folders are separated by /, like "sounds/gong.wav"'),
    "gong.wav:stream": ('"gong.wav:stream" has a colon, which not every system allows', "give the file another name"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_is_told(folder: Path, name: str) -> None:
    assert problem(folder, name) == NAMES[name]


@pytest.mark.parametrize("name", [name for name in NAMES if any(c.isalnum() for c in name)])
def test_a_name_that_is_none_is_told_where_it_stands(name: str) -> None:
    text = f"title = 'T'\n[sounds]\nfinish = '{name}'\n[[steps]]\nsay = 'Hello.'\n"
    with pytest.raises(RoutineError) as refused:
        load_routine(parse_document(text, "r.toml"), {})
    message, hint = NAMES[name]
    assert told(refused.value) == [f"r.toml:3:1: sounds.finish: {message}\n    {hint}"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("brown noise", 'there is no background "brown noise"', f'did you mean "brown-noise"? {OR_A_BED}'),
        ("rein", 'there is no background "rein"', f'did you mean "rain"? {OR_A_BED}'),
        ("sea", 'there is no background "sea"', f"{BEDS_ARE} {OR_A_BED}"),
        ("bell", '"bell" is a chime, not a background', f"{BEDS_ARE} {OR_A_BED}"),
        ("../rain.mp3", '"../rain.mp3" leads out of the routine\'s folder', BESIDE),
    ],
)
def test_a_background_that_is_none_is_told(folder: Path, name: str, message: str, hint: str) -> None:
    assert problem(folder, name, "background") == (message, hint)


def wav(samples: Samples, rate_hz: int = RATE_HZ, **how: Any) -> Callable[[Path], None]:
    return lambda path: soundfile.write(path, samples, rate_hz, **how)


def content(data: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def cut_short(path: Path) -> None:
    soundfile.write(path, gong(), RATE_HZ)
    path.write_bytes(path.read_bytes()[:20_000])


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)


FILES: dict[str, tuple[str, Callable[[Path], None] | None, str, str]] = {
    "missing": (
        "gong.wav", None, 'there is no file "gong.wav" beside the routine', "put it into the folder of the routine",
    ),
    "below missing": (
        "sounds/gong.wav", None,
        'there is no file "sounds/gong.wav" beside the routine', "put it into the folder of the routine",
    ),
    "bundled with suffix": (
        "bell.flac", None, 'there is no file "bell.flac" beside the routine', 'the bundled sound is called "bell"',
    ),
    "folder": ("gongs.wav", Path.mkdir, '"gongs.wav" is a folder', 'name a file in it, like "gongs.wav/gong.wav"'),
    "empty": ("gong.wav", Path.touch, '"gong.wav" is empty', RIGHT_FILE),
    "no samples": ("gong.wav", wav(np.zeros(0)), '"gong.wav" has no sound in it', RIGHT_FILE),
    "text": ("gong.mp3", content(b"This is not sound.\n" * 50), '"gong.mp3" can\'t be read as sound', MORE_FORMATS),
    "list of files": (
        "gong.mp3", content(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"), '"gong.mp3" can\'t be read as sound', MORE_FORMATS,
    ),
    "noise": ("gong.raw", content(bytes(range(256)) * 40), '"gong.raw" can\'t be read as sound', MORE_FORMATS),
    "image": ("gong.wav", content(b"\x89PNG\r\n" + bytes(99)), '"gong.wav" can\'t be read as sound', MORE_FORMATS),
    "cut short": ("gong.flac", cut_short, '"gong.flac" is damaged', SAVE_ANEW),
    "no numbers": (
        "gong.wav", wav(np.array([0.1, np.nan] * 500), subtype="FLOAT"),
        '"gong.wav" has samples that are not numbers', "save it anew, with 16 bits",
    ),
    "too slow": (
        "gong.wav", wav(tone(2, rate_hz=1_000), 1_000),
        '"gong.wav" has 1,000 samples a second', "save it with 44,100 or 48,000 samples a second",
    ),
    "too long": (
        "gong.wav", wav(tone(30.1, rate_hz=8_000), 8_000),
        '"gong.wav" lasts longer than 30s, the most for a chime', "cut out the part that is to sound",
    ),
    "too large": (
        "gong.wav", sparse, '"gong.wav" is larger than 256 MiB', "cut out the part that is to sound",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_chime_is_told(folder: Path, case: str, capfd: pytest.CaptureFixture[str]) -> None:
    name, make, message, hint = FILES[case]
    if make:
        make(folder / name)
    assert problem(folder, name) == (message, hint)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "level", "message", "hint"),
    [
        (0.5, 0.1, '"sea.wav" lasts less than a second', "a background is looped: take a longer one"),
        (5.0, 0.0, '"sea.wav" has no sound in it', RIGHT_FILE),
    ],
)
def test_a_file_that_cannot_be_a_background_is_told(
    folder: Path, seconds: float, level: float, message: str, hint: str
) -> None:
    soundfile.write(folder / "sea.wav", np.ones(round(seconds * 4_000)) * level, 4_000)
    assert problem(folder, "sea.wav", "background") == (message, hint)


SEA = BackgroundSettings(sound="sea.wav")
TEN_MINUTES = 'of "{}" the first 10m are heard, again and again'


@pytest.mark.parametrize(("seconds", "note"), [(600, ""), (601, TEN_MINUTES.format("sea.wav"))])
def test_of_music_of_an_hour_the_first_ten_minutes_are_heard_and_that_is_told(
    folder: Path, seconds: int, note: str
) -> None:
    soundfile.write(folder / "sea.wav", np.ones(seconds * 4_000) * 0.1, 4_000, subtype="PCM_U8")
    sounds = sounds_beside(folder)
    assert sounds.problem("sea.wav", "background") is None
    assert sum(len(part.samples) for part in sounds.background_parts(SEA)) == 600 * 4_000
    assert sounds.background_note(SEA) == note


@needs_ffmpeg
@pytest.mark.slow
def test_the_same_holds_for_what_ffmpeg_reads(folder: Path) -> None:
    soundfile.write(folder / "a.wav", np.ones(603 * 8_000) * 0.1, 8_000)
    encode(folder / "a.wav", folder / "sea.m4a", "aac")
    sea = BackgroundSettings(sound="sea.m4a")
    assert sum(len(part.samples) for part in sounds_beside(folder).background_parts(sea)) == 600 * 8_000
    assert sounds_beside(folder).background_note(sea) == TEN_MINUTES.format("sea.m4a")


def test_a_listeners_music_may_lie_anywhere_and_be_called_anything(folder: Path, tmp_path: Path) -> None:
    for name in ("sea", "-v.wav", "a: b.wav"):
        soundfile.write(tmp_path / name, tone(2), RATE_HZ, format="WAV")
        found = listeners_background(str(tmp_path / name), None)
        assert found == BackgroundSettings(sound=str(tmp_path / name), is_listeners=True)
        parts = sounds_beside(folder).background_parts(found)
        assert sum(len(part.samples) for part in parts) == 2 * RATE_HZ


def test_a_listeners_background_keeps_the_levels_of_the_routine() -> None:
    written = BackgroundSettings(sound="sea.wav", gain_db=-24, duck_db=-6, fade_ms=1_000)
    assert listeners_background("rain", written) == replace(written, sound="rain")
    assert listeners_background("drone", None) == BackgroundSettings(sound="drone")


WRONG_MUSIC: dict[str, tuple[Callable[[Path], None] | None, str]] = {
    "rein": (None, 'there is no background "rein"\n    did you mean "rain"? or name a file, like "rain.mp3"'),
    "./rain.mp3": (None, 'there is no file "./rain.mp3"\n    is the name right?'),
    "": (None, f'there is no background ""\n    {BEDS_ARE} or name a file, like "rain.mp3"'),
    "./text.mp3": (content(b"This is not sound.\n" * 50), f'"./text.mp3" can\'t be read as sound\n    {MORE_FORMATS}'),
    "./empty.mp3": (Path.touch, f'"./empty.mp3" is empty\n    {RIGHT_FILE}'),
    "./cut.flac": (cut_short, f'"./cut.flac" is damaged\n    {SAVE_ANEW}'),
    "./short.wav": (
        wav(tone(0.9)), '"./short.wav" lasts less than a second\n    a background is looped: take a longer one',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_MUSIC)
def test_music_that_cannot_be_used_is_told_before_anything_sounds(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, expected = WRONG_MUSIC[name]
    monkeypatch.chdir(folder)
    if make:
        make(folder / name)
    with pytest.raises(SettingError) as refused:
        listeners_background(name, None)
    assert str(refused.value) == f"--background: {expected}"


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype"),
    [(22_050, 1, "PCM_U8"), (48_000, 6, "PCM_24"), (192_000, 2, "PCM_24"), (8_000, 2, "ULAW")],
)
def test_music_of_any_kind_becomes_a_loop(folder: Path, rate_hz: int, channels: int, subtype: str) -> None:
    music = np.tile(tone(4, rate_hz=rate_hz)[:, None], channels)
    soundfile.write(folder / "sea.wav", music, rate_hz, subtype=subtype)
    loop = LongLoop(sounds_beside(folder).background_parts(SEA))
    assert loop.frames == 3 * RATE_HZ
    assert np.argmax(np.abs(np.fft.rfft(loop.piece(0, RATE_HZ).astype(float)))) == 440


def test_a_name_that_is_nearly_a_file_gets_the_files_name(folder: Path) -> None:
    (folder / "sounds").mkdir()
    soundfile.write(folder / "sounds" / "gong-low.wav", gong(), RATE_HZ)
    message = 'there is no file "sounds/gong-lo.wav" beside the routine'
    assert problem(folder, "sounds/gong-lo.wav") == (message, 'did you mean "sounds/gong-low.wav"?')


@pytest.mark.skipif(os.name == "nt", reason="needs rights to make links")
def test_a_link_may_not_lead_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "gong.wav"
    soundfile.write(outside, gong(), RATE_HZ)
    (folder / "gong.wav").symlink_to(outside)
    (folder / "all").symlink_to(tmp_path, target_is_directory=True)
    (folder / "circle.wav").symlink_to(folder / "circle.wav")
    (folder / "own.wav").symlink_to("real.wav")
    soundfile.write(folder / "real.wav", gong(), RATE_HZ)
    for name in ("gong.wav", "all/gong.wav"):
        message = f'"{name}" is a link that leads out of the routine\'s folder'
        assert problem(folder, name) == (message, "put the file itself there")
    found = problem(folder, "circle.wav")
    assert found is not None
    assert found[0].startswith('"circle.wav" can\'t be read: ')
    assert problem(folder, "own.wav") is None


@pytest.mark.skipif(os.name == "nt", reason="a link to a folder needs rights")
def test_the_folder_of_the_routine_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    soundfile.write(folder / "gong.wav", gong(), RATE_HZ)
    (tmp_path / "shortcut").symlink_to(folder, target_is_directory=True)
    assert problem(tmp_path / "shortcut", "gong.wav") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "gong.wav")
    message = '"gong.wav" is not a file that can be read as a whole'
    assert problem(folder, "gong.wav") == (message, "put the sound itself there")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(folder: Path) -> None:
    soundfile.write(folder / "gong.wav", gong(), RATE_HZ)
    (folder / "gong.wav").chmod(0)
    message = '"gong.wav" can\'t be read: Permission denied'
    assert problem(folder, "gong.wav") == (message, "is the name right, and may you read the file?")


BROKEN = """\
title = "T"
cuntdown = 3
[sounds]
start = "gong.wav"
tick = "click"
background = { sound = "~/rain.mp3", gain_db = -12 }
[[exercises]]
id = "own"
name = "Own"
hold = 20
during = [{ at = 5, say = "Breathe." }, { at = 9, chime = "/gong.wav" }]
[[steps]]
name = "Neck tilt"
hold = "20s"
during = [{ at = "50%", chime = "empty.wav" }]
[[steps]]
steps = [{ exercise = "own", during = [{ at = 1, chime = "bel" }] }]
"""


def test_every_wrong_sound_is_told_at_once_where_it_stands(folder: Path) -> None:
    (folder / "empty.wav").touch()
    (folder / "r.toml").write_text(BROKEN, encoding="utf-8")
    with pytest.raises(RoutineError) as refused:
        load(str(folder / "r.toml"))
    lines = [line.removeprefix(str(folder / "r.toml")) for line in told(refused.value)]
    assert lines[1:] == [
        ':4:1: sounds.start: there is no file "gong.wav" beside the routine\n    put it into the folder of the routine',
        f':5:1: sounds.tick: there is no sound "click"\n    did you mean "tick"? {OR_A_FILE}',
        f':6:16: sounds.background.sound: "~/rain.mp3" is a path into a home folder\n    {BESIDE}',
        f':11:51: exercises[0].during[1].chime: "/gong.wav" is an absolute path\n    {BESIDE}',
        f':15:25: steps[0].during[0].chime: "empty.wav" is empty\n    {RIGHT_FILE}',
        f':17:50: steps[1].steps[0].during[0].chime: there is no sound "bel"\n    did you mean "bell"? {OR_A_FILE}',
    ]
    assert lines[0].startswith(':2:1: cuntdown: unknown key "cuntdown"')


def test_a_routine_without_a_folder_has_bundled_sounds_only() -> None:
    text = 'title = "T"\n[sounds]\nstart = "bowl"\nend = "gong.wav"\n[[steps]]\nsay = "Hello."\n'
    with pytest.raises(RoutineError) as refused:
        load_routine(parse_document(text, "r.toml"), {})
    names = ", ".join(CHIMES)
    expected = f'r.toml:4:1: sounds.end: "gong.wav" is a file, and this routine has no folder\n    there are: {names}'
    assert told(refused.value) == [expected]


def test_the_settings_are_what_is_written() -> None:
    text = (
        'title = "T"\n[sounds]\nstart = "bowl"\n[sounds.background]\nsound = "brown-noise"\n{}[[steps]]\nsay = "A."\n'
    )
    plain = load_routine(parse_document(text.format("")), {}).sounds
    assert plain == SoundSettings(start="bowl", background=BackgroundSettings(sound="brown-noise"))
    full = load_routine(parse_document(text.format('gain_db = -20.5\nduck_db = 0\nfade = "0s"\n')), {}).sounds
    assert full.background == BackgroundSettings(sound="brown-noise", gain_db=-20.5, duck_db=0, fade_ms=0)


def test_a_file_that_is_gone_when_it_is_to_sound_is_told(folder: Path) -> None:
    soundfile.write(folder / "gong.wav", gong(), RATE_HZ)
    (folder / "r.toml").write_text('title = "T"\n[sounds]\nstart = "gong.wav"\n[[steps]]\nname = "A"\nhold = 9\n')
    routine = load(str(folder / "r.toml"))
    (folder / "gong.wav").unlink()
    with pytest.raises(RoutineError, match=r'there is no file "gong\.wav" beside the routine'):
        Production(routine).estimated_timeline()


KINDS = [
    (".wav", "PCM_U8"), (".wav", "PCM_16"), (".wav", "PCM_24"), (".wav", "PCM_32"), (".wav", "FLOAT"),
    (".wav", "DOUBLE"), (".wav", "ULAW"), (".flac", "PCM_16"), (".flac", "PCM_24"), (".ogg", "VORBIS"),
    (".ogg", "OPUS"), (".mp3", "MPEG_LAYER_III"), (".aiff", "PCM_16"), (".aiff", "PCM_24"),
    (".caf", "PCM_16"), (".au", "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "subtype"), KINDS)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_usual_kind_of_file_is_read(folder: Path, suffix: str, subtype: str, channels: int) -> None:
    if suffix == ".mp3" and channels > 2:
        pytest.skip("MP3 has two channels at most")
    soundfile.write(folder / f"a{suffix}", np.tile(tone(0.8)[:, None], channels), RATE_HZ, subtype=subtype)
    clip = read_clip(folder / f"a{suffix}")
    assert clip.samplerate_hz == RATE_HZ
    assert clip.duration_ms == pytest.approx(800, abs=30 if suffix == ".mp3" else 0)
    middle = clip.samples[9_600:28_800]
    # A lossy file of six channels has no such tone in the one for the lowest.
    rests = 5 / 6 if channels == 6 and suffix == ".ogg" else 1
    assert np.std(middle) == pytest.approx(rests * 0.5 / 2**0.5, rel=0.05)
    assert np.argmax(np.abs(np.fft.rfft(middle))) * RATE_HZ / len(middle) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 88_200, 96_000, 192_000])
def test_a_chime_of_any_rate_keeps_its_length_and_its_onset(folder: Path, rate_hz: int) -> None:
    soundfile.write(folder / "gong.wav", gong(1.25, rate_hz), rate_hz)
    sounds = sounds_beside(folder)
    assert sounds.problem("gong.wav", "chime") is None
    assert sounds.length_ms("gong.wav") == 1_250
    samples = sounds.clip("gong.wav").samples
    assert np.argmax(np.abs(samples) > 0.3 * np.abs(samples).max()) <= RATE_HZ // rate_hz


def test_channels_are_averaged(folder: Path) -> None:
    soundfile.write(folder / "a.wav", np.stack([tone(0.1), np.zeros(4_800), -tone(0.1), tone(0.1)], axis=1), RATE_HZ)
    assert np.allclose(read_clip(folder / "a.wav").samples, tone(0.1) / 4, atol=1e-4)


FFMPEG_KINDS = [("a.m4a", "aac"), ("a.webm", "libopus"), ("a.wma", "wmav2"), ("a.aac", "aac"), ("a.mp4", "alac")]
MORE_FFMPEG_KINDS = [(*kind, channels) for kind in FFMPEG_KINDS for channels in (1, 2)][1:]


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "codec", "channels"),
    [("a.m4a", "aac", 1), *(pytest.param(*kind, marks=pytest.mark.slow) for kind in MORE_FFMPEG_KINDS)],
)
def test_what_soundfile_cannot_read_is_read_with_ffmpeg(folder: Path, name: str, codec: str, channels: int) -> None:
    soundfile.write(folder / "a.wav", np.tile(tone(1.5)[:, None], channels), RATE_HZ)
    encode(folder / "a.wav", folder / name, codec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clip = read_clip(folder / name)
    assert clip.duration_ms == pytest.approx(1_500, abs=120)
    middle = clip.samples[9_600:57_600]
    assert np.std(middle) == pytest.approx(0.5 / 2**0.5, rel=0.1)
    assert np.argmax(np.abs(np.fft.rfft(middle))) == pytest.approx(440, abs=2)
    assert problem(folder, name) is None


def encode(source: Path, target: Path, codec: str) -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-c:a", codec, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"this ffmpeg has no {codec}")


@pytest.mark.slow
@needs_ffmpeg
def test_a_long_file_is_decoded_in_parts_that_fit_together(folder: Path) -> None:
    soundfile.write(folder / "a.wav", np.random.default_rng(1).normal(0, 0.1, 7 * 44_100), 44_100)
    encode(folder / "a.wav", folder / "a.m4a", "aac")
    whole = read_clip(folder / "a.m4a")
    parts = [*clip_parts(folder / "a.m4a", part_s=2)]
    assert [part.duration_ms for part in parts[:3]] == [2_000, 2_000, 2_000]
    assert np.array_equal(np.concatenate([part.samples for part in parts]), whole.samples)


@needs_ffmpeg
def test_a_damaged_file_for_ffmpeg_is_told(folder: Path) -> None:
    (folder / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + b"\0" * 500)
    assert problem(folder, "a.m4a") == ('"a.m4a" is damaged', SAVE_ANEW)


@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.wma"])
def test_what_needs_ffmpeg_says_so_where_there_is_none(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = {"a.m4a": b"\0\0\0\x20ftypM4A ", "a.webm": b"\x1aE\xdf\xa3", "a.wma": b"0&\xb2u\x8ef\xcf\x11"}
    (folder / name).write_bytes(heads[name] + bytes(100))
    monkeypatch.setenv("PATH", str(folder))
    hint = f"install ffmpeg, or save it in another format: {FORMATS}"
    assert problem(folder, name) == (f'"{name}" can\'t be read without ffmpeg', hint)


def own_clip(folder: Path, samples: Samples) -> Clip:
    soundfile.write(folder / "own.wav", samples, RATE_HZ, subtype="FLOAT")
    return Sounds(bundled_folder("audio"), folder).clip("own.wav")


@pytest.mark.parametrize("level", [0.05, 0.2, 1.0, 8.0])
def test_chimes_loud_and_soft_become_as_loud_as_the_bundled_ones(folder: Path, level: float) -> None:
    clip = own_clip(folder, level * gong() / np.abs(gong()).max())
    assert loudest_lufs(clip) == pytest.approx(loudest_lufs(bundled_sounds().clip("bell")), abs=2.0)
    assert np.abs(clip.samples).max() <= gain_of(-11) * 1.0001


def test_a_chime_is_brought_to_24_lufs(folder: Path) -> None:
    for level in (0.02, 0.5, 1.0):
        assert loudest_lufs(own_clip(folder, tone(1.0, level=level))) == pytest.approx(-24.0, abs=0.1)


def test_a_sharp_chime_stops_at_the_peak_of_the_bundled_ones(folder: Path) -> None:
    clicks = np.zeros(RATE_HZ)
    clicks[100::12_000] = 0.9
    assert np.abs(own_clip(folder, clicks).samples).max() == pytest.approx(gain_of(-11), rel=1e-4)


def test_a_knock_is_as_loud_as_the_bundled_tick(folder: Path) -> None:
    knock = np.exp(-np.arange(4_800) / 400) * 0.9
    tick_peak = np.abs(bundled_sounds().clip("tick").samples).max()
    assert np.abs(own_clip(folder, knock).samples).max() == pytest.approx(tick_peak, rel=0.02)


def test_a_whisper_is_raised_by_20_db_at_most_and_silence_stays(folder: Path) -> None:
    faint = tone(1.0, level=0.0005)
    assert np.abs(own_clip(folder, faint).samples).max() == pytest.approx(0.005, rel=1e-3)
    assert not own_clip(folder, np.zeros(4_800)).samples.any()


OWN = """
title = "Own"
[cues]
safety = false
halfway = "chime"
[sounds]
start = "gong.wav"
switch = "sounds/ding.flac"
halfway = "knock.ogg"
tick = "click.wav"
[[steps]]
name = "Neck tilt"
hold = "20s"
sides = "each"
"""


def test_own_chimes_are_heard_at_the_frames_of_the_timeline(folder: Path) -> None:
    (folder / "sounds").mkdir()
    noise = np.random.default_rng(5).normal(0, 1, (4, RATE_HZ))
    made = {"gong.wav": 1.0, "sounds/ding.flac": 0.7, "knock.ogg": 0.3, "click.wav": 0.05}
    for burst, (name, seconds) in zip(noise, made.items(), strict=True):
        samples = burst[: round(seconds * RATE_HZ)] * np.linspace(0.5, 0, round(seconds * RATE_HZ))
        soundfile.write(folder / name, samples.clip(-1, 1), RATE_HZ)
    (folder / "r.toml").write_text(OWN)
    production = Production(load(str(folder / "r.toml")))
    timeline = production.timeline()
    heard = production.mix(timeline.cues).read(0, np.empty(timeline.duration_ms * 48, np.float32))
    chimes = [cue for cue in timeline.cues if getattr(cue, "sound", None) in made]
    assert [cue.why for cue in chimes].count("start") == 2
    assert {getattr(cue, "sound", "") for cue in chimes} == set(made)
    for cue in chimes:
        sound = str(getattr(cue, "sound", ""))
        shape, _ = soundfile.read(folder / sound, frames=2_000)
        assert cue.duration_ms == round(1_000 * made[sound])
        begin = max(0, cue.at_ms * 48 - 4_800)
        stretch = heard[begin : cue.at_ms * 48 + 4_800 + len(shape)].astype(np.float64)
        assert begin + np.argmax(np.correlate(stretch, shape, "valid")) == cue.at_ms * 48


def test_looking_at_a_routine_of_bundled_sounds_reads_no_audio(folder: Path) -> None:
    import sys

    (folder / "r.toml").write_text('title = "T"\n[sounds]\nstart = "bowl"\n[[steps]]\nname = "A"\nhold = 9\n')
    code = (
        f"from voiceroutine.production import Production, load\nimport sys\n"
        f"Production(load({str(folder / 'r.toml')!r})).estimated_timeline()\nprint(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) & {"numpy", "soundfile", "soxr", "pydub"} == set()


def test_check_tells_of_sounds(folder: Path, command: Callable[..., Any]) -> None:
    (folder / "r.toml").write_text('title = "T"\n[sounds]\nstart = "gong.wav"\n[[steps]]\nname = "A"\nhold = 9\n')
    ended = command("check", str(folder / "r.toml"))
    assert ended.status == 3
    assert f'{folder / "r.toml"}:3:1: sounds.start: there is no file "gong.wav" beside the routine' in ended.out


def test_a_document_knows_nothing_of_files(folder: Path) -> None:
    (folder / "r.toml").write_text('title = "T"\n[sounds]\nstart = "gong.wav"\n[[steps]]\nname = "A"\nhold = 9\n')
    soundfile.write(folder / "gong.wav", gong(), RATE_HZ)
    document = read_document(folder / "r.toml")
    with pytest.raises(RoutineError):
        load_routine(document, {})
    assert load_routine(document, {}, sounds=sounds_beside(folder)).sounds.start == "gong.wav"


def test_the_loudness_of_parts_is_that_of_the_whole() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 20 * RATE_HZ).astype(np.float32)
    parts = [Clip(samples=part, samplerate_hz=RATE_HZ) for part in np.split(noise, 4)]
    whole = Clip(samples=noise, samplerate_hz=RATE_HZ)
    assert loudness_of_parts(parts).whole_lufs == pytest.approx(loudness_lufs(whole), abs=0.05)
