"""The bundled chimes: clean edges, calm levels, told apart, and what their script makes."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Samples: TypeAlias = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
AUDIO = ROOT / "audio"
RATE_HZ = 48_000
FRAMES_PER_MS = 48
STEP_16_BIT = 1 / 32_768
CHIMES = ("bell", "bowl", "two-tone", "three-bells")
TICKS = ("tick", "soft-tick")
NAMES = CHIMES + TICKS
LENGTH_MS = {
    "bell": (2500, 3000),
    "bowl": (3500, 4500),
    "two-tone": (1200, 1800),
    "three-bells": (3000, 6000),
    "tick": (80, 120),
    "soft-tick": (150, 250),
}
ATTACK_MS = {name: (20 if name == "bowl" else 5) for name in NAMES}
ONSET_MS = {name: (5 if name == "bowl" else 2) for name in NAMES}
FADE_MS = {name: (5 if name in TICKS else 20) for name in NAMES}
TICK_PEAK_DB = {"tick": -18.0, "soft-tick": -20.0}
BACKGROUND_DB = -37.0


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sounds", ROOT / "scripts" / "make_sounds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


make_sounds = load_script()


def read(name: str) -> Samples:
    samples, rate_hz = soundfile.read(AUDIO / f"{name}.flac", dtype="float64", always_2d=True)
    assert rate_hz == RATE_HZ
    assert samples.shape[1] == 1
    mono: Samples = samples[:, 0]
    return mono


def to_db(ratio: float) -> float:
    return float(20 * np.log10(ratio))


def correlate(first: Samples, second: Samples) -> Samples:
    size = 2 ** (len(first) + len(second)).bit_length()
    found: Samples = np.fft.irfft(np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size)), size)
    return found


@pytest.fixture(scope="module")
def sounds() -> dict[str, Samples]:
    return {name: read(name) for name in NAMES}


def test_every_sound_of_the_script_is_bundled_and_small() -> None:
    files = sorted(AUDIO.glob("*.flac"))
    assert {path.stem for path in files} == set(NAMES) == set(make_sounds.SOUNDS)
    assert sum(path.stat().st_size for path in files) < 900_000
    assert {soundfile.info(path).subtype for path in files} == {"PCM_16"}


@pytest.mark.parametrize("name", NAMES)
def test_length_is_whole_milliseconds(name: str, sounds: dict[str, Samples]) -> None:
    length_ms, rest_frames = divmod(len(sounds[name]), FRAMES_PER_MS)
    shortest_ms, longest_ms = LENGTH_MS[name]
    assert rest_frames == 0
    assert shortest_ms <= length_ms <= longest_ms


@pytest.mark.parametrize("name", NAMES)
def test_readme_tells_the_length(name: str, sounds: dict[str, Samples]) -> None:
    row = next(
        line
        for line in (AUDIO / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{name}`")
    )
    assert f"{len(sounds[name]) // FRAMES_PER_MS} ms" in row


@pytest.mark.parametrize("name", NAMES)
def test_begins_and_ends_at_exactly_zero(name: str, sounds: dict[str, Samples]) -> None:
    samples = sounds[name]
    assert samples[0] == 0
    assert samples[-1] == 0
    assert abs(samples.mean()) < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_onset_is_frame_zero(name: str, sounds: dict[str, Samples]) -> None:
    loud = np.abs(sounds[name]) > 0.05 * np.max(np.abs(sounds[name]))
    assert np.argmax(loud) <= ONSET_MS[name] * FRAMES_PER_MS


@pytest.mark.parametrize("name", NAMES)
def test_attack_is_quick_and_does_not_click(name: str, sounds: dict[str, Samples]) -> None:
    samples = np.abs(sounds[name])
    attack_frames = ATTACK_MS[name] * FRAMES_PER_MS
    loudest = np.max(samples)
    assert np.max(samples[: 2 * attack_frames]) > 0.5 * loudest
    assert np.max(samples[: FRAMES_PER_MS // 4]) < 0.05 * loudest


@pytest.mark.parametrize("name", NAMES)
def test_fades_out(name: str, sounds: dict[str, Samples]) -> None:
    tail = np.abs(sounds[name][-FADE_MS[name] * FRAMES_PER_MS :])
    assert np.max(tail) < 0.01 * np.max(np.abs(sounds[name]))
    assert np.max(tail[len(tail) // 2 :]) <= np.max(tail[: len(tail) // 2])
    assert np.max(np.abs(np.diff(tail[-FRAMES_PER_MS:]))) <= 2 * STEP_16_BIT


@pytest.mark.parametrize("name", NAMES)
def test_steps_are_those_of_a_wave_below_3_khz(name: str, sounds: dict[str, Samples]) -> None:
    steepest = 2 * np.pi * 3000 / RATE_HZ * np.max(np.abs(sounds[name]))
    assert np.max(np.abs(np.diff(sounds[name]))) < steepest


@pytest.mark.parametrize("name", NAMES)
def test_hardly_any_energy_above_6_khz(name: str, sounds: dict[str, Samples]) -> None:
    power = np.abs(np.fft.rfft(sounds[name])) ** 2
    above = np.fft.rfftfreq(len(sounds[name]), 1 / RATE_HZ) > 6000
    assert power[above].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("name", NAMES)
def test_no_two_partials_of_a_blow_are_rough_together(name: str) -> None:
    for strike in make_sounds.SOUNDS[name].strikes:
        tones_hz = [partial.ratio * strike.root_hz for partial in strike.partials]
        assert all(abs(low - high) > 60 for low, high in itertools.combinations(tones_hz, 2))
        assert all(partial.beat_hz <= 6 for partial in strike.partials)


def test_meter_reads_as_the_standard_says() -> None:
    sine = 0.1 * np.sin(2 * np.pi * 997 * np.arange(RATE_HZ) / RATE_HZ)
    assert make_sounds.momentary_lufs(sine) == pytest.approx(-23.01, abs=0.05)


@pytest.mark.parametrize("name", CHIMES)
def test_chimes_are_equally_loud_and_below_speech(name: str, sounds: dict[str, Samples]) -> None:
    assert to_db(np.max(np.abs(sounds[name]))) <= -11
    assert make_sounds.momentary_lufs(sounds[name]) == pytest.approx(-24, abs=0.5)


@pytest.mark.parametrize("name", TICKS)
def test_ticks_are_quiet(name: str, sounds: dict[str, Samples]) -> None:
    assert to_db(np.max(np.abs(sounds[name]))) == pytest.approx(TICK_PEAK_DB[name], abs=0.1)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(NAMES, 2)))
def test_sounds_are_told_apart(first: str, second: str, sounds: dict[str, Samples]) -> None:
    likeness = np.max(np.abs(correlate(sounds[first], sounds[second])))
    assert likeness < 0.5 * np.linalg.norm(sounds[first]) * np.linalg.norm(sounds[second])


@pytest.mark.parametrize("name", NAMES)
def test_is_found_to_the_frame_under_noise(name: str, sounds: dict[str, Samples]) -> None:
    at_frame = 12_345
    noise = np.random.default_rng(1).normal(0, 10 ** (BACKGROUND_DB / 20), at_frame + len(sounds[name]) + RATE_HZ)
    noise[at_frame : at_frame + len(sounds[name])] += sounds[name]
    assert np.argmax(correlate(noise, sounds[name])) == at_frame


@pytest.mark.parametrize("name", NAMES)
def test_file_is_what_the_script_makes(name: str, sounds: dict[str, Samples]) -> None:
    made = make_sounds.render(make_sounds.SOUNDS[name])
    assert made.shape == sounds[name].shape
    assert np.max(np.abs(made - sounds[name])) <= STEP_16_BIT


def test_two_runs_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {name: make_sounds.SOUNDS[name] for name in ("two-tone", *TICKS)}
    monkeypatch.setattr(make_sounds, "SOUNDS", short)
    first = make_sounds.write_sounds(tmp_path / "first")
    second = make_sounds.write_sounds(tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
