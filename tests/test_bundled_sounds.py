"""The bundled sounds: clean edges, calm levels, told apart, beds without a seam, and what their script makes."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from voiceroutine.routine import THEMES

Samples: TypeAlias = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
AUDIO = ROOT / "audio"
RATE_HZ = 48_000
FRAMES_PER_MS = 48
STEP_16_BIT = 1 / 32_768
CHIMES = (
    "bell", "bowl", "two-tone", "three-bells",
    "wood-start", "wood-end", "wood-switch", "wood-finish",
    "tones-start", "tones-end", "tones-switch", "tones-finish",
)  # fmt: skip
TICK_PEAK_DB = {
    "tick": -18.0, "soft-tick": -20.0, "wood-tick": -18.0, "wood-halfway": -20.0, "tones-tick": -18.0,
    "tones-halfway": -20.0,
}  # fmt: skip
TICKS = tuple(TICK_PEAK_DB)
BREATHS = ("breath-in", "breath-out")
STRUCK = CHIMES + TICKS
NAMES = STRUCK + BREATHS
LENGTH_MS = {
    "start": (1200, 3000),
    "end": (1800, 4500),
    "switch": (1000, 1800),
    "finish": (2800, 6000),
    "tick": (80, 120),
    "halfway": (150, 250),
    "breath-in": (600, 900),
    "breath-out": (600, 900),
}
ROLES = {getattr(theme, role): role for theme in THEMES.values() for role in LENGTH_MS if hasattr(theme, role)}
GENTLE = ("bowl", "tones-end")
ATTACK_MS = {name: (20 if name in GENTLE else 6) for name in STRUCK}
ONSET_MS = {name: (5 if name in GENTLE else 2) for name in STRUCK}
FADE_MS = {name: (5 if name in TICKS else 20) for name in NAMES}
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
SHORT_WASH = replace(make_sounds.BEDS["rain"].wash, length_s=1)


def read(name: str) -> Samples:
    """Return a bundled sound; a bed's name has its folder."""
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
    assert sum(path.stat().st_size for path in files) < 600_000
    assert {soundfile.info(path).subtype for path in files} == {"PCM_16"}


@pytest.mark.parametrize("name", NAMES)
def test_length_is_whole_milliseconds(name: str, sounds: dict[str, Samples]) -> None:
    length_ms, rest_frames = divmod(len(sounds[name]), FRAMES_PER_MS)
    shortest_ms, longest_ms = LENGTH_MS[ROLES.get(name, name)]
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


@pytest.mark.parametrize("name", STRUCK)
def test_onset_is_frame_zero(name: str, sounds: dict[str, Samples]) -> None:
    loud = np.abs(sounds[name]) > 0.05 * np.max(np.abs(sounds[name]))
    assert np.argmax(loud) <= ONSET_MS[name] * FRAMES_PER_MS


@pytest.mark.parametrize("name", STRUCK)
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


@pytest.mark.parametrize("name", BREATHS)
def test_breaths_are_softer_than_chimes(name: str, sounds: dict[str, Samples]) -> None:
    assert to_db(np.max(np.abs(sounds[name]))) <= -20
    assert make_sounds.momentary_lufs(sounds[name]) == pytest.approx(-32, abs=0.5)


def pitch_hz(samples: Samples) -> float:
    """Return the strongest tone of a stretch."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), RATE_HZ))
    return float(np.argmax(spectrum))


@pytest.mark.parametrize(("name", "rises"), [("breath-in", True), ("breath-out", False)])
def test_breathing_in_rises_and_breathing_out_falls(name: str, rises: bool, sounds: dict[str, Samples]) -> None:
    quarters = np.array_split(sounds[name], 4)
    assert (pitch_hz(quarters[2]) / pitch_hz(quarters[0]) > 1.15) == rises
    assert (pitch_hz(quarters[0]) / pitch_hz(quarters[2]) > 1.15) != rises


@pytest.mark.parametrize("name", BREATHS)
def test_a_breath_swells(name: str, sounds: dict[str, Samples]) -> None:
    levels = [to_db(float(np.std(part))) for part in np.split(sounds[name], len(sounds[name]) // 2400)]
    loudest = int(np.argmax(levels))
    assert (np.diff(levels[: loudest + 1]) > 0).all()
    assert (np.diff(levels[loudest:]) < 0).all()
    assert min(loudest, len(levels) - 1 - loudest) >= 3
    assert np.max(np.abs(sounds[name][:FRAMES_PER_MS])) < 0.01 * np.max(np.abs(sounds[name]))


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
    short = {name: make_sounds.SOUNDS[name] for name in ("two-tone", "tick", *BREATHS)}
    monkeypatch.setattr(make_sounds, "BEDS", {"rain": replace(make_sounds.BEDS["rain"], wash=SHORT_WASH)})
    monkeypatch.setattr(make_sounds, "SOUNDS", short)
    first = make_sounds.write_sounds(tmp_path / "first")
    second = make_sounds.write_sounds(tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


BEDS = ("brown-noise", "drone", "rain")


@pytest.fixture(scope="module", params=BEDS)
def bed(request: pytest.FixtureRequest) -> Samples:
    return read(f"beds/{request.param}")


def test_every_bed_of_the_script_is_bundled_and_small() -> None:
    files = sorted((AUDIO / "beds").glob("*.flac"))
    assert {path.stem for path in files} == set(make_sounds.BEDS) == set(BEDS)
    assert all(path.stat().st_size < 600_000 for path in files)


@pytest.mark.parametrize("name", BEDS)
def test_the_bed_is_what_the_script_makes(name: str) -> None:
    made, bundled = make_sounds.render_bed(make_sounds.BEDS[name]), read(f"beds/{name}")
    assert made.shape == bundled.shape
    assert np.max(np.abs(made - bundled)) <= STEP_16_BIT


@pytest.mark.parametrize("name", BEDS)
def test_readme_tells_the_length_of_a_bed(name: str) -> None:
    seconds = len(read(f"beds/{name}")) // RATE_HZ
    assert f"| `{name}` | background | {seconds} s, looped |" in (AUDIO / "README.md").read_text(encoding="utf-8")


def test_the_bed_has_room_and_no_offset(bed: Samples) -> None:
    assert to_db(np.max(np.abs(bed))) < -15
    assert abs(bed.mean()) < 1e-5


def test_brown_noise_falls_by_6_db_an_octave() -> None:
    bed = read("beds/brown-noise")
    power = np.abs(np.fft.rfft(bed)) ** 2
    tones_hz = np.fft.rfftfreq(len(bed), 1 / RATE_HZ)
    octaves = [power[(tones_hz >= low) & (tones_hz < 2 * low)].mean() for low in (125, 250, 500, 1000)]
    assert 10 * np.diff(np.log10(octaves)) == pytest.approx([-6.02] * 3, abs=0.4)


def test_the_drone_is_made_of_a_few_pure_notes() -> None:
    bed = read("beds/drone")
    power = np.abs(np.fft.rfft(bed)) ** 2
    tones_hz = np.fft.rfftfreq(len(bed), 1 / RATE_HZ)
    notes_hz = [voice.pitch_hz for voice in make_sounds.BEDS["drone"].voices]
    near = np.min([np.abs(tones_hz - note_hz) for note_hz in notes_hz], axis=0) < 0.5
    assert power[near].sum() > 0.9999 * power.sum()
    assert all(note_hz % 55 == 0 for note_hz in notes_hz)


def levels_db(samples: Samples, length_ms: int) -> Samples:
    frames = length_ms * FRAMES_PER_MS
    powers = np.square(samples[: len(samples) // frames * frames]).reshape(-1, frames).mean(axis=1)
    levels: Samples = 10 * np.log10(powers)
    return levels


def test_the_level_of_a_bed_stays_about_the_same(bed: Samples) -> None:
    levels = levels_db(bed, 400)
    assert np.abs(levels - levels.mean()).max() < 2.0


def test_a_bed_has_no_rhythm(bed: Samples) -> None:
    """The likeness of its level to itself, a second or more later, is that of chance."""
    levels = levels_db(bed, 50)
    levels -= levels.mean()
    likeness = np.fft.irfft(np.abs(np.fft.rfft(levels)) ** 2)
    assert np.max(likeness[20 : len(levels) // 2]) < 0.3 * likeness[0]


def test_no_drop_of_the_rain_stands_out() -> None:
    rain = read("beds/rain")
    assert to_db(np.max(np.abs(rain)) / np.std(rain)) < 18
    assert np.abs(np.diff(levels_db(rain, 50))).max() < 4


def test_nothing_is_heard_where_the_end_of_the_bed_meets_its_beginning(bed: Samples) -> None:
    twice = np.concatenate((bed, bed))
    frames, step = 2048, 512
    places = range(0, len(twice) - frames, step)
    spectra = np.array([np.abs(np.fft.rfft(twice[place : place + frames] * np.hanning(frames))) for place in places])
    flux = np.maximum(np.diff(spectra, axis=0), 0).sum(axis=1)
    seam = len(bed) // step
    assert flux[seam - 6 : seam + 4].max() < np.quantile(flux, 0.999)
    jumps = np.abs(np.diff(twice))
    assert jumps[len(bed) - 1] <= jumps[: len(bed) - 1].max()
