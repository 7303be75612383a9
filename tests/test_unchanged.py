"""What is up to date isn't made again; whatever changes what would come out, or what did, makes it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_export_many import place, write

from voiceroutine.library import bundled_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

    Command = Callable[..., Ended]

__all__ = ["place"]

EXPORT = ("export", "a.toml", "-o", "a.wav", "--captions", "srt")


@pytest.fixture
def made(place: Path, command: Command) -> Path:
    """A folder with a routine, and what was made of it."""
    write(place / "a.toml")
    shutil.copy(bundled_folder("audio") / "bell.flac", place / "gong.flac")
    text = (place / "a.toml").read_text().replace("cues =", 'sounds = { start = "gong.flac" }\ncues =')
    (place / "a.toml").write_text(text)
    age(place / "a.toml", place / "gong.flac")
    assert not is_up_to_date(command)
    assert is_up_to_date(command)
    return place


def age(*files: Path) -> None:
    earlier_s = time.time() - 60
    for file in files:
        os.utime(file, (earlier_s, earlier_s))


def is_up_to_date(command: Command, *more: str) -> bool:
    ended = command(*EXPORT, *more)
    assert (ended.status, ended.err) == (0, "")
    return "up to date" in ended.out


def edit(file: Path, before: str, after: str) -> None:
    """Change a file, but neither its size nor its time."""
    status = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_is_up_to_date_is_left_alone(made: Path, command: Command) -> None:
    before = (made / "a.wav").stat()
    ended = command(*EXPORT)
    assert ended.out.splitlines()[0].endswith(", up to date")
    assert (made / "a.wav").stat() == before


def test_a_new_time_alone_makes_no_difference(made: Path, command: Command) -> None:
    age(*made.iterdir())
    assert is_up_to_date(command)


@pytest.mark.parametrize(
    "change",
    [
        lambda place: edit(place / "a.toml", "still", "quiet"[:5]),
        lambda place: edit(place / "a.srt", "still", "stiff"),
        lambda place: (place / "a.srt").unlink(),
        lambda place: (place / "a.wav").unlink(),
        lambda place: (place / "a.wav").write_bytes(b""),
        lambda place: os.truncate(place / "a.wav", 1000),
        lambda place: shutil.copy(place / "gong.flac", place / "a.wav"),
        lambda place: shutil.copy(bundled_folder("audio") / "bowl.flac", place / "gong.flac"),
        lambda place: shutil.copy(bundled_folder("audio").parent / "audio" / "bell.flac", place / "cover.png"),
    ],
    ids=["routine", "captions", "no captions", "no audio", "empty", "truncated", "replaced", "sound", "cover"],
)
def test_what_was_changed_is_made_again(change: Callable[[Path], object], made: Path, command: Command) -> None:
    whole = (made / "a.wav").read_bytes()
    change(made)
    ended = command(*EXPORT)
    assert "up to date" not in ended.out
    if (made / "cover.png").exists():
        assert "The cover" in ended.err
        return
    assert len((made / "a.wav").read_bytes()) > len(whole) // 2
    age(made / "a.toml", made / "gong.flac")
    assert is_up_to_date(command)


@pytest.mark.parametrize(
    "flags",
    [["--stereo"], ["--rate", "120"], ["--profile", "coach"], ["--only", "Reach"], ["--loudness", "-20"], ["--force"]],
)
def test_other_wishes_make_it_again(flags: list[str], made: Path, command: Command) -> None:
    assert not is_up_to_date(command, *flags)


def test_a_setting_counts_as_a_wish(made: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEROUTINE_RATE", "120")
    assert not is_up_to_date(command)


def test_an_exercise_of_the_users_own_counts(made: Path, own_folders: Path, command: Command) -> None:
    folder = own_folders / "voiceroutine" / "routines"
    folder.mkdir(parents=True)
    (folder / "exercises.toml").write_text('[[exercises]]\nid = "mine"\nname = "Mine"\nhold = "3s"\n')
    age(folder / "exercises.toml")
    assert not is_up_to_date(command)
    assert is_up_to_date(command)


def test_a_routine_of_the_users_own_goes_before_the_one_of_that_name(
    place: Path, own_folders: Path, command: Command
) -> None:
    export = ("export", "neck-warmup", "--profile", "bell", "-f", "wav")
    command(*export)
    assert "up to date" in command(*export).out
    write(own_folders / "voiceroutine" / "routines" / "neck-warmup.toml")
    assert "up to date" not in command(*export).out


def test_of_several_formats_only_what_is_missing_is_made(place: Path, command: Command) -> None:
    write(place / "a.toml")
    command("export", "a.toml", "-f", "wav,flac")
    (place / "a.flac").unlink()
    lines = command("export", "a.toml", "-f", "wav,flac").out.splitlines()
    assert [line.endswith("up to date") for line in lines] == [True, False]


def test_files_of_exercises_that_are_no_more_are_removed_but_not_what_was_edited(place: Path, command: Command) -> None:
    write(place / "a.toml")
    command("export", "a.toml", "-f", "wav", "--split")
    (place / "a" / "02 Hold.wav").write_bytes(b"mine")
    text = (place / "a.toml").read_text()
    (place / "a.toml").write_text(text.replace('"Hold"', '"Lean"').replace('"Reach"', '"Stretch"'))
    command("export", "a.toml", "-f", "wav", "--split")
    found = sorted(file.name for file in (place / "a").iterdir())
    assert found == ["01 Introduction.wav", "02 Hold.wav", "02 Lean.wav", "03 Stretch.wav", "a.m3u8"]


def test_a_damaged_record_only_means_that_it_is_made_again(made: Path, own_folders: Path, command: Command) -> None:
    (record,) = (own_folders / "cache" / "voiceroutine" / "exports").iterdir()
    for content in (b"", b"{}", b'{"request": 1, "inputs": [1]}', b"\xff"):
        record.write_bytes(content)
        assert not is_up_to_date(command)
        assert is_up_to_date(command)


def test_who_lets_nothing_be_kept_has_no_records(
    place: Path, own_folders: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEROUTINE_CACHE_MIB", "0")
    write(place / "a.toml")
    assert not is_up_to_date(command)
    assert not is_up_to_date(command)
    assert not (own_folders / "cache" / "voiceroutine" / "exports").exists()


def test_what_a_program_of_the_users_says_is_never_up_to_date(place: Path, command: Command) -> None:
    script = place / "speak.py"
    script.write_text(
        "import sys, wave\nfile = wave.open(sys.argv[1], 'wb')\nfile.setparams((1, 2, 22050, 0, 'NONE', ''))\n"
        "file.writeframes(b'\\x00\\x20\\x00\\xe0' * 6000)\nfile.close()\n"
    )
    write(place / "a.toml")
    voice = f"command:{sys.executable} {script} {{output}} {{text}}"
    for _ in range(2):
        ended = command("export", "a.toml", "-f", "wav", "--voice", voice)
        assert (ended.status, "up to date" in ended.out) == (0, False), ended.err


@pytest.mark.slow
def test_only_the_changed_sentence_is_spoken_again(place: Path, own_folders: Path, command: Command) -> None:
    shutil.copy(bundled_folder("routines") / "neck-warmup.toml", place / "a.toml")
    command("export", "a.toml", "-f", "wav")
    clips = {file: file.stat().st_mtime_ns for file in (own_folders / "cache").rglob("clips/*/*.wav")}
    text = (place / "a.toml").read_text(encoding="utf-8")
    (place / "a.toml").write_text(text.replace('title = "', 'title = "My ', 1), encoding="utf-8")
    assert "up to date" not in command("export", "a.toml", "-f", "wav").out
    more = [file for file in (own_folders / "cache").rglob("clips/*/*.wav") if file not in clips]
    assert len(clips) > 20
    assert len(more) == 1


def test_nothing_heavy_is_needed_to_recognize_it(made: Path) -> None:
    code = f"import sys\nfrom voiceroutine.cli import run\nassert run({list(EXPORT)!r}) == 0\nprint(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=made)
    first, *_, modules = ended.stdout.splitlines()
    assert first.endswith("up to date")
    assert set(modules.split()) & {"numpy", "pydantic", "rich", "PIL", "soundfile", "concurrent.futures"} == set()
