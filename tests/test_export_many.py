"""`export` of several routines, into several formats, with what lies beside them; and nothing twice."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

ROUTINE = """
title = "{title}"
voice = {{ engine = "silent" }}
cues = {{ safety = false }}
[[steps]]
name = "Hold"
instruction = "{words}"
hold = "2s"
prepare = 0
[[steps]]
name = "Reach"
hold = "2s"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: Path) -> Path:
    """An empty folder to work in, and a cache of one's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_folders / "cache"))
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def write(path: Path, title: str = "Small", words: str = "Hold still.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ROUTINE.format(title=title, words=words), encoding="utf-8")
    # What is written while it is exported is never up to date; a clock may be as coarse as this.
    earlier_s = time.time() - 60
    os.utime(path, (earlier_s, earlier_s))
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".toml")


def test_each_routine_becomes_a_file_of_its_name_where_one_is(place: Path, command: Command) -> None:
    write(place / "one.toml")
    write(place / "deep" / "two.toml")
    ended = command("export", "one.toml", "deep/two.toml", "neck-warmup", "--voice", "silent", "--profile", "bell")
    assert (ended.status, ended.err) == (0, "")
    assert [line.split(":")[0] for line in ended.out.splitlines()] == [
        "one-bell.mp3",
        "two-bell.mp3",
        "neck-warmup-bell.mp3",
    ]
    assert names(place) == ["deep", "neck-warmup-bell.mp3", "one-bell.mp3", "two-bell.mp3"]


@pytest.mark.parametrize("arguments", [["."], ["*.toml"], ["?.toml"], ["a.toml", "b.toml"]])
def test_folders_and_patterns_stand_for_the_routines_in_them(
    arguments: list[str], place: Path, command: Command
) -> None:
    for name in ("b.toml", "a.toml", ".hidden.toml"):
        write(place / name)
    (place / "exercises.toml").write_text("")
    (place / "notes.txt").write_text("")
    ended = command("export", *arguments, "--to", "out", "-f", "wav")
    assert (ended.status, ended.err) == (0, "")
    assert names(place / "out") == ["a.wav", "b.wav"]


def test_a_pattern_may_be_one_of_names(place: Path, command: Command) -> None:
    ended = command("export", "neck-w*", "--profile", "bell", "-f", "wav")
    assert (ended.status, names(place)) == (0, ["neck-warmup-bell.wav"])


def test_what_stands_for_nothing_is_said(place: Path, command: Command) -> None:
    (place / "empty").mkdir()
    assert command("export", "empty") == (2, "", "There is no routine (.toml file) in the folder empty.\n")
    assert command("export", "x*") == (2, "", 'No routine file, and no name of a routine, is like "x*".\n')


def test_several_formats_and_everything_beside_them(place: Path, command: Command) -> None:
    write(place / "a.toml")
    ended = command("export", "a.toml", "-f", "wav,flac", "-f", "mp3", "--all", "-o", "out/")
    assert (ended.status, ended.err) == (0, "")
    beside = ["a.chapters.json", "a.chapters.vtt", "a.cover.png", "a.cue", "a.labels.txt", "a.lrc", "a.srt", "a.vtt"]
    assert names(place / "out") == sorted([*beside, "a.flac", "a.mp3", "a.wav"])
    assert json.loads((place / "out" / "a.chapters.json").read_text())["fileName"] == "a.wav"
    frames = {soundfile.info(place / "out" / f"a.{suffix}").frames for suffix in ("wav", "flac", "mp3")}
    assert len(frames) == 1


def test_some_of_what_can_lie_beside(place: Path, command: Command) -> None:
    write(place / "a.toml")
    assert command("export", "a.toml", "--captions", "srt,lrc", "--chapters", "cue", "-f", "wav").status == 0
    assert names(place) == ["a.cue", "a.lrc", "a.srt", "a.wav"]
    assert "Hold still." in (place / "a.srt").read_text(encoding="utf-8")


def test_split_makes_a_folder_with_a_playlist_that_is_the_whole(place: Path, command: Command) -> None:
    write(place / "a.toml")
    assert command("export", "a.toml", "-f", "wav").status == 0
    ended = command("export", "a.toml", "-f", "wav", "--split")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("a: 3 files, ")
    assert names(place / "a") == ["01 Introduction.wav", "02 Hold.wav", "03 Reach.wav", "a.m3u8"]
    listed = [line for line in (place / "a" / "a.m3u8").read_text().splitlines() if not line.startswith("#")]
    parts = [soundfile.read(place / "a" / name, dtype="int16")[0] for name in listed]
    whole = soundfile.read(place / "a.wav", dtype="int16")[0]
    assert b"".join(part.tobytes() for part in parts) == whole.tobytes()


def test_parts_at_another_sample_rate_are_the_whole_too(place: Path, command: Command) -> None:
    write(place / "a.toml")
    flags = ["-f", "wav", "--samplerate", "44100"]
    assert command("export", "a.toml", *flags).status == 0
    assert command("export", "a.toml", *flags, "--split").status == 0
    parts = [soundfile.read(file, dtype="int16")[0] for file in sorted((place / "a").glob("*.wav"))]
    whole = soundfile.read(place / "a.wav", dtype="int16")[0]
    assert sum(map(len, parts)) == len(whole)
    at = 0
    for part in parts:
        assert abs(part.astype(int) - whole[at : at + len(part)]).max() <= 2
        at += len(part)


def test_stereo_is_the_same_on_both_sides(place: Path, command: Command) -> None:
    write(place / "a.toml")
    assert command("export", "a.toml", "-f", "wav", "--stereo", "--samplerate", "24000").status == 0
    samples, samplerate_hz = soundfile.read(place / "a.wav", dtype="int16")
    assert (samplerate_hz, samples.shape[1]) == (24_000, 2)
    assert (samples[:, 0] == samples[:, 1]).all()


@pytest.mark.slow
def test_loudness_moves_the_whole_by_a_constant(place: Path, command: Command) -> None:
    write(place / "a.toml")
    assert command("export", "a.toml", "-o", "usual.wav").status == 0
    assert command("export", "a.toml", "-o", "soft.wav", "--loudness", "-25").status == 0
    usual, soft = (soundfile.read(place / f"{name}.wav", dtype="float32")[0] for name in ("usual", "soft"))
    assert soft == pytest.approx(usual * 10 ** (-6 / 20), abs=2 / 32768)
    loud = command("export", "a.toml", "-o", "loud.wav", "--loudness", "-9")
    assert float(loud.out.split(",")[-1].split()[0]) <= -1.0


def test_one_that_fails_does_not_stop_the_others_and_is_told_at_the_end(place: Path, command: Command) -> None:
    write(place / "a.toml")
    write(place / "c.toml")
    (place / "b.toml").write_text("title = 1\n")
    ended = command("export", "a.toml", "b.toml", "c.toml", "missing", "-f", "wav")
    assert ended.status == 6
    assert names(place) == ["a.wav", "c.wav"]
    assert [line.split(":")[0] for line in ended.out.splitlines()] == ["a.wav", "c.wav"]
    assert ended.err.startswith("2 of the 4 routines could not be exported:\nb.toml:1:1: title: must be text")
    assert "\nmissing: there is no such file, and no routine of that name" in ended.err


def test_where_all_fail_alike_the_status_is_that_of_each(place: Path, command: Command) -> None:
    (place / "a.toml").write_text("title = 1\n")
    assert command("export", "a.toml").status == 3
    assert command("export", "a.toml", "missing").status == 3


def test_two_files_that_would_be_one_are_refused_before_any_work(place: Path, command: Command) -> None:
    write(place / "a.toml")
    write(place / "deep" / "a.toml")
    ended = command("export", "a.toml", "deep/a.toml", "--to", "out")
    assert (ended.status, ended.err) == (
        6, "out/a.mp3 would be made twice: of a.toml and of deep/a.toml. Rename one.\n",
    )  # fmt: skip
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.toml", "b.toml", "-o", "x.mp3"], "-o x.mp3 is one file, and there are 2 routines; name a folder with"),
        (["a.toml", "-o", "x.mp3", "--to", "y"], "-o and --to both say where the files go; give one of them."),
        (["a.toml", "--split", "--captions", "srt"], "--split makes files of exercises; captions, chapters and a"),
        (["a.toml", "--split", "-f", "wav,mp3"], "--split makes files in one format at a time."),
        (["a.toml", "-f", "aiff"], '"aiff" is none of wav, flac, mp3, ogg, opus, m4a, m4b'),
        (["a.toml", "--captions", "srt,ass"], '"ass" is none of srt, vtt, lrc'),
    ],
)
def test_what_contradicts_itself_is_refused(arguments: list[str], message: str, place: Path, command: Command) -> None:
    write(place / "a.toml")
    write(place / "b.toml")
    ended = command("export", *arguments)
    assert ended.status == 2
    assert message in " ".join(ended.err.split())
    assert names(place) == []


def test_a_format_that_cannot_be_so_is_refused_before_any_work(place: Path, command: Command) -> None:
    ended = command("export", "missing", "-f", "opus", "--samplerate", "44100")
    assert (ended.status, ended.err) == (
        6, "Opus has no sample rate of 44100 Hz; use one of 8000, 12000, 16000, 24000, 48000.\n",
    )  # fmt: skip


def test_a_place_that_cannot_be_written_is_refused_before_any_work(place: Path, command: Command) -> None:
    write(place / "a.toml")
    kept = place / "kept.wav"
    kept.write_bytes(b"mine")
    kept.chmod(0o444)
    (place / "folder.wav").mkdir()
    (place / "file").write_bytes(b"mine")
    told = {
        "kept.wav": "kept.wav may only be read, so it is not replaced; name another file, or let it be written.\n",
        "folder.wav": "folder.wav is a folder; name a file in it.\n",
        "file/": "file is a file, not a folder; name another one.\n",
    }
    if sys.platform != "win32":
        told["device.wav"] = "device.wav is a device, not a file; name another.\n"
        (place / "device.wav").symlink_to("/dev/full")
    for name, message in told.items():
        assert command("export", "a.toml", "-o", name) == (6, "", message)
    assert kept.read_bytes() == b"mine"


def test_a_report_for_programs(place: Path, command: Command) -> None:
    write(place / "a.toml")
    (place / "b.toml").write_text("title = 1\n")
    ended = command("export", "a.toml", "b.toml", "-f", "wav", "--captions", "srt", "--json")
    report = json.loads(ended.out)
    assert (ended.status, report["format"]) == (6, 1)
    (made,) = report["files"]
    assert (made["routine"], made["path"], made["status"]) == ("a.toml", "a.wav", "made")
    assert made["files"] == [str(place / "a.wav"), str(place / "a.srt")]
    assert made["duration_ms"] == round(soundfile.info(place / "a.wav").frames / 48)
    assert made["lufs"] == pytest.approx(-28, abs=6)
    (failure,) = report["failures"]
    assert failure["routine"] == "b.toml"
    assert failure["message"].startswith("b.toml:1:1: title: must be text")


def test_quiet_says_nothing_but_what_went_wrong(place: Path, command: Command) -> None:
    write(place / "a.toml")
    assert command("export", "a.toml", "-q", "-f", "wav") == (0, "", "")
    assert command("export", "a.toml", "-q", "-f", "wav") == (0, "", "")
    assert "missing: there is no such file" in command("export", "missing", "-q").err
