"""What comes out of an export, judged by its samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from listening import SAMPLERATE_HZ, begins_at, level_dbfs, longest_silence_ms, onsets

from voiceroutine.exporting import SUFFIXES, export_mix
from voiceroutine.levels import AS_MIXED, Levels
from voiceroutine.library import bundled_folder
from voiceroutine.mix import Mix
from voiceroutine.production import Production, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ended
    from listening import Samples

    Command = Callable[..., Ended]

FRAMES_PER_MS = SAMPLERATE_HZ // 1000
BUNDLED = sorted(file.stem for file in bundled_folder("routines").glob("*.toml") if file.stem != "exercises")

SHORT = """
title = "Short"
cues = { safety = false }
[[steps]]
name = "Hold"
hold = "9s"
sides = "each"
prepare = 0
"""


def cue_frames(shown: dict[str, Any], why: str) -> list[int]:
    return [cue["start_ms"] * FRAMES_PER_MS for cue in shown["cues"] if cue["kind"] == "chime" and cue["why"] == why]


def test_there_are_bundled_routines() -> None:
    assert {"neck-cooldown", "neck-complete"} <= set(BUNDLED)


@pytest.mark.parametrize(
    "name", [name if name == "neck-cooldown" else pytest.param(name, marks=pytest.mark.slow) for name in BUNDLED]
)
def test_every_chime_of_a_bundled_routine_is_where_the_timetable_says(
    name: str, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "routine.wav"
    assert command("export", name, "-o", str(file)).status == 0
    shown = json.loads(command("show", name, "--json").out)
    samples, samplerate_hz = soundfile.read(file, dtype="float32")

    assert samplerate_hz == SAMPLERATE_HZ
    assert len(samples) == shown["duration_ms"] * FRAMES_PER_MS
    bells = onsets(samples, "bell")
    assert bells == cue_frames(shown, "start")
    for why, sound in (("end", "bowl"), ("switch", "two-tone"), ("countdown", "tick"), ("finish", "three-bells")):
        assert [frame for frame in cue_frames(shown, why) if not begins_at(samples, sound, frame)] == []
    assert_work_is_exact(name, samples, bells)


def assert_work_is_exact(name: str, samples: Samples, bells: list[int]) -> None:
    """Between the start chime and the end chime of every rep lies exactly its prescribed length."""
    prescribed_ms = [
        exercise.rep_ms
        for exercise in load(name).exercises()
        for _ in range(exercise.sets * exercise.reps * max(1, len(exercise.sides)))
    ]
    assert len(bells) == len(prescribed_ms)
    for start_frame, lasts_ms in zip(bells, prescribed_ms, strict=True):
        end_frame = start_frame + lasts_ms * FRAMES_PER_MS
        assert begins_at(samples, "bowl", end_frame) or begins_at(samples, "two-tone", end_frame)


def test_words_and_silences_are_where_the_timetable_says(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "neck-cooldown.wav"
    command("export", "neck-cooldown", "-o", str(file))
    shown = json.loads(command("show", "neck-cooldown", "--json").out)
    samples, _ = soundfile.read(file, dtype="float32")

    spoken = [cue for cue in shown["cues"] if cue["kind"] == "speech"]
    assert len(spoken) > 20
    quiet = [
        cue["text"]
        for cue in spoken
        if level_dbfs(samples[cue["start_ms"] * FRAMES_PER_MS : cue["end_ms"] * FRAMES_PER_MS]) < -32
    ]
    assert quiet == []
    assert float(np.abs(samples).max()) < 1.0
    assert longest_silence_ms(samples) < 30_000
    first_word = spoken[0]["start_ms"] * FRAMES_PER_MS
    assert not samples[:first_word].any()


def test_speech_and_chimes_are_of_one_loudness(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "neck-cooldown.wav"
    command("export", "neck-cooldown", "-o", str(file))
    shown = json.loads(command("show", "neck-cooldown", "--json").out)
    samples, _ = soundfile.read(file, dtype="float32")

    def levels(kind: str, span_ms: int, **wanted: str) -> list[float]:
        return [
            level_dbfs(samples[cue["start_ms"] * FRAMES_PER_MS :][: span_ms * FRAMES_PER_MS])
            for cue in shown["cues"]
            if cue["kind"] == kind and all(cue.get(key) == value for key, value in wanted.items())
        ]

    words = levels("speech", 1_500, why="instruction")
    assert max(words) - min(words) < 5
    bells = levels("chime", 400, why="start")
    assert np.median(words) - 10 < np.median(bells) < np.median(words)


@pytest.mark.slow
def test_the_same_routine_gives_the_same_bytes(command: Command, tmp_path: Path, monkeypatch: Any) -> None:
    files = [tmp_path / "one.wav", tmp_path / "two.wav"]
    for number, file in enumerate(files):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{number}"))
        assert command("export", "neck-cooldown", "-o", str(file)).status == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_every_format_lasts_as_long_as_the_timeline(suffix: str, tmp_path: Path) -> None:
    production = short_production(tmp_path)
    timeline = production.timeline()
    file = tmp_path / f"short{suffix}"
    export_mix(production.mix(timeline.cues), timeline.duration_ms, file)

    samples, samplerate_hz = soundfile.read(file, dtype="float32")
    frames = timeline.duration_ms * FRAMES_PER_MS
    assert samplerate_hz == SAMPLERATE_HZ
    starts = [cue.at_ms * FRAMES_PER_MS for cue in timeline.cues if cue.why == "start"]
    assert len(samples) - frames in (range(1152) if suffix == ".mp3" else [0])
    assert onsets(samples, "bell") == starts


def short_production(tmp_path: Path) -> Production:
    routine = tmp_path / "short.toml"
    routine.write_text(SHORT)
    return Production(load(str(routine)))


def test_an_unknown_format_is_refused_before_any_work(command: Command, tmp_path: Path) -> None:
    ended = command("export", "neck-cooldown", "-o", str(tmp_path / "a.aiff"))
    assert ended.status == 6
    assert ended.err == f'{tmp_path}/a.aiff: unknown audio format ".aiff"; use one of {", ".join(SUFFIXES)}.\n'


def test_a_missing_folder_is_named(command: Command, tmp_path: Path) -> None:
    ended = command("export", "neck-cooldown", "-o", str(tmp_path / "no" / "a.wav"))
    assert (ended.status, ended.err) == (6, f"The folder {tmp_path}/no is not there; make it first.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files there")
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_a_file_that_cannot_be_finished_is_said_and_leaves_the_old_one(suffix: str, tmp_path: Path) -> None:
    old = tmp_path / f"old.{suffix}"
    old.write_bytes(b"mine")
    small_files = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from voiceroutine.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", small_files, "export", "neck-cooldown", "-o", str(old), "--voice", "silent"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 6
    assert ended.stderr.startswith(f"{old} could not be written: ")
    assert ended.stderr.endswith(". Name another file with -o.\n")
    assert old.read_bytes() == b"mine"
    assert [file.name for file in tmp_path.iterdir() if "old" in file.name] == [old.name]


def test_exporting_onto_a_link_fills_what_it_points_at(tmp_path: Path) -> None:
    target, link = tmp_path / "target.wav", tmp_path / "link.wav"
    target.write_bytes(b"old")
    link.symlink_to(target)
    production = short_production(tmp_path)
    export_mix(production.mix(), 1_000, link)
    assert link.is_symlink()
    assert len(soundfile.read(target)[0]) == 48_000


def test_two_exports_to_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    production = short_production(tmp_path)
    timeline = production.timeline()
    file = tmp_path / "one.wav"
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(export_mix, production.mix(timeline.cues), timeline.duration_ms, file)
    samples, _ = soundfile.read(file, dtype="float32")
    assert len(samples) == timeline.duration_ms * FRAMES_PER_MS
    assert [entry.name for entry in tmp_path.iterdir() if "one" in entry.name] == ["one.wav"]


def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted(Mix):
        def read(self, first_frame: int, out: Any, levels: Levels = AS_MIXED) -> Any:
            if first_frame > 100_000:
                raise KeyboardInterrupt
            return super().read(first_frame, out, levels)

    production = short_production(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        export_mix(Interrupted(production.mix()._clips), 60_000, tmp_path / "a.wav")
    assert list(tmp_path.glob("a.*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_control_c_during_an_export_leaves_no_file_and_a_whole_cache(tmp_path: Path) -> None:
    routine = tmp_path / "long.toml"
    steps = "".join(f'[[steps]]\nsay = "Sentence number {n} of many."\n' for n in range(400))
    routine.write_text(f'title = "Long"\n{steps}')
    cache = tmp_path / "cache"
    file = tmp_path / "long.wav"
    process = subprocess.Popen(
        [sys.executable, "-m", "voiceroutine", "export", str(routine), "-o", str(file)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline_s = time.monotonic() + 20
    while len(list(cache.rglob("*.wav"))) < 5 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    process.send_signal(2)
    out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err.strip()) == (130, b"", b"")
    assert list(tmp_path.glob("long.wav*")) == []
    assert list(cache.rglob("*.part")) == []
    for kept in cache.rglob("*.wav"):
        samples, samplerate_hz = soundfile.read(kept)
        assert (samplerate_hz, len(samples) > 0) == (SAMPLERATE_HZ, True)
