"""Whatever happens to an export: the old file or the whole new one, and nothing else is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile
from test_export_many import place, write

from voiceroutine.beside import remove_left_behind, written_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Ended

    Command = Callable[..., Ended]

__all__ = ["place"]

PROGRAM = [sys.executable, "-m", "voiceroutine"]
KILLS = int(os.environ.get("KILLS", "8"))
FULL_DISKS = int(os.environ.get("FULL_DISKS", "4"))
OLD = b"an old file"


def lasting(sets: int) -> str:
    """Return a routine that lasts about three minutes a set."""
    steps = f'[[steps]]\nname = "Hold"\nhold = "55s"\nsets = {sets}\n' * 3
    return f'title = "Long"\nvoice = {{ engine = "silent" }}\n{steps}'


LONG = lasting(5)


def export(*arguments: str) -> list[str]:
    return [*PROGRAM, "export", *arguments]


def visible(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".toml")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as only POSIX does")
@pytest.mark.parametrize("suffix", ["wav", "mp3"])
def test_killed_at_any_instant_there_is_the_old_file_or_the_whole_new_one(suffix: str, place: Path) -> None:
    (place / "long.toml").write_text(LONG)
    command = export("long.toml", "-f", suffix, "--captions", "srt", "--force")
    start_s = time.monotonic()
    subprocess.run(command, check=True, capture_output=True, cwd=place)
    lasts_s = time.monotonic() - start_s
    whole = {name: (place / name).read_bytes() for name in visible(place)}
    instants = random.Random(suffix)
    kinds = set()
    for _ in range(KILLS):
        for name in whole:
            (place / name).write_bytes(OLD)
        process = subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(instants.uniform(0, lasts_s * 1.1))
        process.kill()
        process.wait()
        for name, content in whole.items():
            found = (place / name).read_bytes()
            assert found in {OLD, content}
            kinds.add(found == content)
        assert [name for name in visible(place) if name not in whole and not name.endswith(".part")] == []
    subprocess.run(command, check=True, capture_output=True, cwd=place)
    assert {name: (place / name).read_bytes() for name in visible(place)} == whole
    assert False in kinds


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Give disks of a size in KiB, where that is allowed."""
    mounted: list[Path] = []

    def disk(size_kib: int) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        ended = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if ended.returncode:
            pytest.skip("may not mount a disk")
        mounted.append(folder)
        return folder

    yield disk
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mounts disks of Linux")
@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "ogg", "opus"])
def test_on_a_full_disk_the_old_file_stays_and_the_message_says_so(
    suffix: str, small_disk: Callable[[int], Path], place: Path, command: Command
) -> None:
    (place / "long.toml").write_text(lasting(1 if suffix in {"ogg", "opus"} else 5))
    assert command("export", "long.toml", "-f", suffix, "--captions", "srt").status == 0
    needed_kib = sum((place / name).stat().st_size for name in visible(place)) // 1024
    sizes = random.Random(suffix)
    for _ in range(FULL_DISKS):
        disk = small_disk(sizes.randrange(8, max(9, needed_kib - 8)) // 4 * 4)
        for ending in (suffix, "srt"):
            (disk / f"long.{ending}").write_bytes(OLD)
        ended = command("export", "long.toml", "-f", suffix, "--captions", "srt", "--to", str(disk))
        assert ended.status == 6
        assert ended.err.endswith(" Make room, or name a file on another disk.\n"), ended.err
        assert visible(disk) == sorted([f"long.{suffix}", "long.srt"])
        assert {(disk / name).read_bytes() for name in visible(disk)} == {OLD}


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk of Linux")
def test_a_disk_that_is_full_of_the_first_byte_on(
    small_disk: Callable[[int], Path], place: Path, command: Command
) -> None:
    write(place / "a.toml")
    disk = small_disk(64)
    with pytest.raises(OSError, match="No space left"):
        (disk / "filling").write_bytes(bytes(1 << 20))
    ended = command("export", "a.toml", "-f", "wav", "--to", str(disk))
    assert ended.status == 6
    assert ended.err == (
        f"{disk / 'a.wav'} could not be written: No space left on device. Make room, or name a file on another disk.\n"
    )
    assert visible(disk) == ["filling"]
    assert command("export", "a.toml", "--split", "--to", str(disk / "new" / "folder")).status == 6
    assert visible(disk) == ["filling"]


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk of Linux")
def test_a_folder_that_may_not_be_written(small_disk: Callable[[int], Path], place: Path, command: Command) -> None:
    write(place / "a.toml")
    disk = small_disk(64)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    ended = command("export", "a.toml", "-f", "wav", "--to", str(disk))
    assert (ended.status, ended.err) == (
        6,
        f"{disk / 'a.wav'} could not be written: Read-only file system. "
        "Name a file in a folder that you may write to.\n",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be replaced there")
def test_who_has_the_old_file_open_reads_on(place: Path, command: Command) -> None:
    write(place / "a.toml")
    (place / "a.wav").write_bytes(OLD)
    with (place / "a.wav").open("rb") as opened:
        assert command("export", "a.toml", "-f", "wav").status == 0
        assert opened.read() == OLD
    assert soundfile.info(place / "a.wav").frames > 0


@pytest.mark.slow
def test_two_exports_to_one_file_at_once_both_end_well(place: Path) -> None:
    (place / "long.toml").write_text(lasting(1))
    commands = [export("long.toml", "-o", "one.wav", "--captions", "srt", *more) for more in ([], ["--stereo"])]
    for _ in range(3):
        both = [subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL) for command in commands]
        assert [process.wait() for process in both] == [0, 0]
        info = soundfile.info(place / "one.wav")
        assert info.channels in {1, 2}
        assert len(soundfile.read(place / "one.wav")[0]) == info.frames
        assert visible(place) == ["one.srt", "one.wav"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as only POSIX does")
def test_an_interrupt_ends_all_of_several_and_leaves_nothing(place: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (place / f"{name}.toml").write_text(LONG)
    process = subprocess.Popen(export(".", "-f", "wav,flac,mp3"), cwd=place, stdout=subprocess.DEVNULL)
    while not list(place.glob(".*.part")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert [name for name in visible(place) if name.startswith(".")] == []
    assert [name for name in visible(place) if not soundfile.info(place / name).frames] == []


def test_what_a_crash_left_is_removed_and_what_another_writes_is_not(place: Path) -> None:
    left = place / ".a.wav.01234567.voiceroutine.part"
    left.write_bytes(b"half")
    others = [place / ".a.wav.part", place / "a.wav.01234567.voiceroutine.part", place / ".a.0123456.voiceroutine.part"]
    for other in others:
        other.write_bytes(b"mine")
    with written_beside(place / "b.wav") as part:
        part.write_bytes(b"half")
        remove_left_behind(place)
        assert not left.exists()
        assert part.exists()
        assert all(other.exists() for other in others)
    assert (place / "b.wav").read_bytes() == b"half"


@pytest.mark.skipif(sys.platform == "win32", reason="kills as only POSIX does")
def test_a_process_that_was_killed_gives_its_file_up(place: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom voiceroutine.beside import written_beside\n"
        "with written_beside(Path(sys.argv[1])):\n    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(place / "a.wav")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        remove_left_behind(place)
        assert len(list(place.glob(".*.part"))) == 1
        process.kill()
    remove_left_behind(place)
    assert list(place.iterdir()) == []


def test_a_long_name_has_room_for_what_is_added_to_it(place: Path) -> None:
    name = "\N{GRINNING FACE}" * 62 + ".wav"
    with written_beside(place / name) as part:
        part.write_bytes(b"new")
    assert [file.name for file in place.iterdir()] == [name]
