"""How loud files are: by a meter of our own, by ffmpeg's, and for every bundled routine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from voiceroutine.exporting.loudness import Meter
from voiceroutine.library import bundled_folder
from voiceroutine.mix import CEILING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ended

    from voiceroutine.audio import Samples
    from voiceroutine.exporting.measured import Loudness

    Command = Callable[..., Ended]

NARRATED = sorted(
    file.stem for file in bundled_folder("routines").glob("*.toml") if file.stem not in {"exercises", "chin-tuck-habit"}
)
FFMPEG = shutil.which("ffmpeg")


def sine(hz: float, seconds: float, level_dbfs: float, phase: float = 0.0) -> Samples:
    at = np.arange(int(48_000 * seconds))
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * at / 48_000 + phase)).astype(np.float32)


def measured(samples: Samples, block: int = 65_536, channels: int = 1) -> Loudness:
    meter = Meter()
    for start in range(0, len(samples), block):
        meter.add(samples[start : start + block])
    return meter.loudness(channels)


def test_a_sine_is_as_loud_as_the_standard_says() -> None:
    assert measured(sine(997, 5, 0)).lufs == pytest.approx(-3.01, abs=0.02)
    assert measured(sine(997, 5, -20), channels=2).lufs == pytest.approx(-20, abs=0.02)


def test_silence_between_does_not_count() -> None:
    tone, silence = sine(997, 5, -20), np.zeros(48_000 * 20, np.float32)
    with_pauses = np.concatenate([tone, silence, tone, silence])
    assert measured(with_pauses).lufs == pytest.approx(-23.0, abs=0.25)
    assert measured(silence).lufs is None
    assert measured(silence).true_peak_db is None
    assert measured(silence).text() == ""


def test_any_pieces_are_measured_the_same() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 200_000).astype(np.float32)
    whole = measured(samples, 200_000)
    for block in (1, 479, 4_800, 65_536) if len(samples) < 1_000 else (479, 4_800, 65_536):
        piecewise = measured(samples, block)
        assert piecewise.lufs == pytest.approx(whole.lufs, abs=1e-6)
        assert piecewise.true_peak_db == pytest.approx(whole.true_peak_db, abs=1e-3)


def test_a_peak_between_samples_is_found() -> None:
    quarter = sine(12_000, 1, -6, phase=np.pi / 4)
    assert 20 * np.log10(np.abs(quarter).max()) == pytest.approx(-9.01, abs=0.01)
    assert measured(quarter).true_peak_db == pytest.approx(-6, abs=0.1)
    hidden = np.concatenate([sine(440, 3, -7), np.zeros(100, np.float32), quarter, sine(440, 3, -7)])
    assert measured(hidden).true_peak_db == pytest.approx(-6, abs=0.35)


def test_less_than_a_block_is_measured_as_one() -> None:
    assert measured(sine(997, 0.25, -20)).lufs == pytest.approx(-23.0, abs=0.1)
    assert measured(np.zeros(0, np.float32)).lufs is None


def by_ffmpeg(file: Path) -> tuple[float, float]:
    assert FFMPEG is not None
    ended = subprocess.run(
        [FFMPEG, "-nostats", "-i", str(file), "-filter_complex", "ebur128=peak=true", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    summary = ended.stderr[ended.stderr.rindex("Summary") :]
    lufs, peak = (re.search(rf"{name}:\s+(\S+)", summary) for name in ("I", "Peak"))
    assert lufs
    assert peak
    return float(lufs[1]), float(peak[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", NARRATED)
def test_every_narrated_routine_has_the_loudness_that_is_usual(name: str, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "routine.wav"
    (report,) = json.loads(command("export", name, "-o", str(file), "--json").out)["files"]
    assert report["duration_ms"] > 120_000
    assert report["lufs"] == pytest.approx(-19.0, abs=0.5)
    assert report["true_peak_db"] <= -1.0
    if FFMPEG:
        assert by_ffmpeg(file) == pytest.approx((report["lufs"], report["true_peak_db"]), abs=0.15)


@pytest.mark.slow
@pytest.mark.skipif(FFMPEG is None, reason="needs ffmpeg")
@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg", "opus"])
def test_ffmpeg_hears_the_same_in_every_format(suffix: str, command: Command, tmp_path: Path) -> None:
    file = tmp_path / f"routine.{suffix}"
    flags = ["--stereo"] if suffix == "flac" else []
    (report,) = json.loads(command("export", "neck-cooldown", "-o", str(file), "--json", *flags).out)["files"]
    assert report["lufs"] == pytest.approx(-16 if flags else -19, abs=0.5)
    lufs, true_peak_db = by_ffmpeg(file)
    assert lufs == pytest.approx(report["lufs"], abs=0.3)
    assert true_peak_db == pytest.approx(report["true_peak_db"], abs=0.5)


@pytest.mark.slow
def test_a_wished_loudness_is_reached(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "routine.wav"
    for lufs in (-24, -14):
        arguments = ("export", "neck-cooldown", "-o", str(file), "--json", "--loudness", str(lufs))
        (report,) = json.loads(command(*arguments).out)["files"]
        assert report["lufs"] == pytest.approx(lufs, abs=0.5)
        assert report["true_peak_db"] <= -1.0
    assert np.abs(soundfile.read(file)[0]).max() <= CEILING
