"""What is kept between runs: whole or not at all, made once, never more than there is room for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from voiceroutine.clipcache import ClipCache, Kept, default_cache
from voiceroutine.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended

KEY = "ab" + "0" * 62
KEPT = Kept(pcm=bytes(range(96)) * 10, words=b"[[0,5,20,90]]")


@pytest.fixture
def cache(tmp_path: Path) -> ClipCache:
    return ClipCache(tmp_path / "clips")


def file_of(cache: ClipCache, key: str = KEY) -> Path:
    return cache.folder / key[:2] / f"{key[2:]}.wav"


def test_what_is_kept_comes_back(cache: ClipCache) -> None:
    assert (cache.read(KEY), cache.duration_ms(KEY)) == (None, None)
    assert cache.write(KEY, KEPT)
    assert cache.duration_ms(KEY) == 10
    found = cache.read(KEY)
    assert found is not None
    assert (found.pcm, found.words.rstrip()) == (KEPT.pcm, KEPT.words)


def test_a_clip_is_plain_audio(cache: ClipCache) -> None:
    cache.write(KEY, KEPT)
    samples, samplerate_hz = soundfile.read(file_of(cache), dtype="int16")
    assert samplerate_hz == 48_000
    assert samples.tobytes() == KEPT.pcm


def test_any_damage_is_found(cache: ClipCache) -> None:
    cache.write(KEY, KEPT)
    file = file_of(cache)
    whole = file.read_bytes()
    damaged = [whole[:length] for length in (0, 3, 43, 44, 100, len(whole) - 25, len(whole) - 1)]
    damaged += [whole + b"more", b"\0" * len(whole), whole[:44] + whole[60:]]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for content in damaged:
        file.write_bytes(content)
        assert cache.read(KEY) is None
        assert cache.duration_ms(KEY) in {None, 10}


def test_a_file_of_another_size_has_no_length(cache: ClipCache) -> None:
    cache.write(KEY, KEPT)
    whole = file_of(cache).read_bytes()
    for content in (whole[:-1], whole + b"x", b"", whole[:44]):
        file_of(cache).write_bytes(content)
        assert cache.duration_ms(KEY) is None


@pytest.mark.parametrize("where", ["file", "file below", "folder in the way"])
def test_trouble_with_the_folder_is_none(cache: ClipCache, where: str) -> None:
    if where == "file":
        cache.folder.write_text("a file where the folder should be")
    elif where == "file below":
        cache.folder.mkdir()
        (cache.folder / KEY[:2]).write_text("a file")
        (cache.folder / "locks").write_text("a file")
    else:
        file_of(cache).mkdir(parents=True)
    with cache.making(KEY):
        assert not cache.write(KEY, KEPT)
    assert (cache.read(KEY), cache.duration_ms(KEY)) == (None, None)
    cache.prune()
    cache.clear()
    assert not list(cache.folder.rglob("*.part"))


@pytest.mark.skipif(os.name == "nt", reason="has no such limit")
def test_a_full_disk_leaves_nothing_half_written(cache: ClipCache) -> None:
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from voiceroutine.clipcache import ClipCache, Kept\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        f"cache = ClipCache(Path(sys.argv[1]))\n"
        f"with cache.making({KEY!r}):\n"
        f"    print(cache.write({KEY!r}, Kept(pcm=bytes(960))), cache.duration_ms({KEY!r}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(cache.folder)], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "None"]
    assert [*file_of(cache).parent.iterdir()] == []


def test_threads_make_a_clip_once(cache: ClipCache) -> None:
    made = []

    def get(_: int) -> None:
        with cache.making(KEY):
            if cache.read(KEY) is None:
                time.sleep(0.02)
                made.append(KEY)
                cache.write(KEY, KEPT)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(get, range(8)))
    assert len(made) == 1


MAKER = """
import sys, time
from pathlib import Path
from voiceroutine.clipcache import ClipCache, Kept
cache = ClipCache(Path(sys.argv[1]))
for number in range(20):
    key = f"{number % 4:02x}{number:062x}"
    with cache.making(key):
        if cache.read(key) is None:
            time.sleep(0.01)
            print(key)
            cache.write(key, Kept(pcm=bytes(9600)))
"""


@pytest.mark.slow
def test_processes_make_each_clip_once(cache: ClipCache) -> None:
    command = [sys.executable, "-c", MAKER, str(cache.folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    made = [key for process in running for key in process.communicate(timeout=60)[0].split()]
    assert len(made) == len(set(made)) == 20
    assert cache.usage().clips == 20


@pytest.mark.skipif(os.name == "nt", reason="has no SIGKILL")
def test_who_dies_while_making_a_clip_holds_nobody_up(cache: ClipCache) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom voiceroutine.clipcache import ClipCache\n"
        f"with ClipCache(Path(sys.argv[1])).making({KEY!r}):\n    print('holds it', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(cache.folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        holder.stdout.readline()
        began_s = time.monotonic()
        with cache.making(KEY, patience_s=0.1):
            assert 0.1 <= time.monotonic() - began_s < 5
        holder.kill()
        holder.wait()
        began_s = time.monotonic()
        with cache.making(KEY, patience_s=30):
            assert time.monotonic() - began_s < 5


def key_of(number: int) -> str:
    return f"{number:02x}" + "0" * 62


def test_what_was_used_the_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, limit_bytes=10_000)
    now_s = time.time()
    for number in range(12):
        cache.write(key_of(number), Kept(pcm=bytes(960)))
        os.utime(file_of(cache, key_of(number)), (now_s - 90_000 + number, now_s - 90_000 + number))
    cache.read(key_of(0))
    cache.prune()
    left = [number for number in range(12) if cache.read(key_of(number))]
    assert left == [0, 5, 6, 7, 8, 9, 10, 11]
    assert cache.usage().bytes <= 9_000
    cache.prune()
    assert cache.usage().clips == len(left)


def test_what_broken_runs_left_behind_goes_after_an_hour(cache: ClipCache) -> None:
    cache.write(KEY, KEPT)
    old, new = (file_of(cache).with_name(f".{name}.part") for name in ("old", "new"))
    for part in (old, new):
        part.touch()
    os.utime(old, (time.time() - 4_000, time.time() - 4_000))
    cache.prune()
    assert (old.exists(), new.exists()) == (False, True)


def test_only_clips_are_cleared(cache: ClipCache) -> None:
    cache.write(KEY, KEPT)
    own = cache.folder / "notes.txt"
    own.write_text("mine")
    before = cache.usage()
    assert (before.clips, before.bytes) == (1, file_of(cache).stat().st_size)
    assert cache.clear() == before
    assert cache.usage().clips == 0
    assert own.exists()


def test_with_no_room_nothing_is_kept(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path / "none", limit_bytes=0)
    with cache.making(KEY):
        assert not cache.write(KEY, KEPT)
    assert not cache.folder.exists()


def test_the_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_cache().limit_bytes == 512 << 20
    monkeypatch.setenv("VOICEROUTINE_CACHE_MIB", "7")
    assert default_cache().limit_bytes == 7 << 20
    monkeypatch.setenv("VOICEROUTINE_CACHE_MIB", "-1")
    with pytest.raises(SettingError) as caught:
        default_cache()
    assert str(caught.value) == 'VOICEROUTINE_CACHE_MIB is "-1", and must be a whole number of MiB; 0 keeps nothing.'


def test_the_command_shows_and_clears(
    command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = default_cache().folder
    assert command("cache") == (0, f"0 clips, 0.0 MiB of at most 512.0 MiB: {folder}\n", "")
    default_cache().write(KEY, Kept(pcm=bytes(np.zeros(1 << 19, np.int16))))
    assert command("cache").out == f"1 clip, 1.0 MiB of at most 512.0 MiB: {folder}\n"
    assert command("cache", "--clear").out == f"Removed 1 clip, 1.0 MiB, from {folder}\n"
    assert command("cache", "--json").out == (
        f'{{"folder": "{folder}", "clips": 0, "bytes": 0, "limit_bytes": 536870912, "cleared": false}}\n'
    )
    monkeypatch.setenv("VOICEROUTINE_CACHE_MIB", "lots")
    assert command("cache").status == 2
    assert command("play").status == 2
