"""The background: softer than speech, ducked in time, without a seam, and a function of position."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listening import level_dbfs
from test_mix import BUZZER

from voiceroutine.audio import LEAD_MS, SPEECH_LUFS, TAIL_MS, Clip, loudness_lufs
from voiceroutine.background import (
    BUNDLED_LOUDNESS,
    MOST_ABOVE_DB,
    Background,
    LongLoop,
    Loop,
    ShortLoop,
    bundled_loop,
)
from voiceroutine.cues import Chime, Cue, Speech, Utterance
from voiceroutine.exporting import export_mix
from voiceroutine.mix import Clips, Mix
from voiceroutine.narration import Narrator
from voiceroutine.production import Production, Wishes, load
from voiceroutine.recordings import clip_parts
from voiceroutine.routine import BackgroundSettings, VoiceSettings
from voiceroutine.score import Score
from voiceroutine.sounds import bundled_sounds, sounds_beside
from voiceroutine.timeline import Placed
from voiceroutine.voices import load_engine

Samples = npt.NDArray[np.float32]

RATE_HZ = 48_000
MS = 48
LEVEL_LUFS = SPEECH_LUFS - 18
FLAT = ShortLoop(pcm=np.full(1_000, 8_192, np.int16))


def speech(at_ms: int, duration_ms: int, engine: str = "auto") -> Speech:
    voice = VoiceSettings(engine=engine, gain_db=-30)
    utterance = Utterance(text="w" * ((duration_ms - LEAD_MS - TAIL_MS) // 20), voice=voice)
    return Speech(at_ms=at_ms, duration_ms=duration_ms, utterance=utterance, why="say")


def chime(at_ms: int) -> Chime:
    return Chime(at_ms=at_ms, duration_ms=100, sound="tick", why="countdown")


def brown_noise() -> Loop:
    return bundled_loop(bundled_sounds().beds["brown-noise"])


def pcm_of(loop: Loop) -> npt.NDArray[np.int16]:
    return loop.piece(0, loop.frames)


def background(loop: Loop = FLAT, *, duck_db: float = -9.0, fade_ms: int = 0) -> Background:
    return Background(loop, level_lufs=LEVEL_LUFS, duck_db=duck_db, fade_ms=fade_ms)


def read(one: Background | Mix, first_frame: int, frames: int) -> Samples:
    out = np.full(frames, np.nan, np.float32)
    one.read(first_frame, out)
    return out


def gains_db(one: Background, until_ms: int) -> npt.NDArray[np.float64]:
    """Return by how much a flat loop is lowered, a value each millisecond."""
    heard = read(one, 0, until_ms * MS)[::MS].astype(np.float64)
    levels_db: npt.NDArray[np.float64] = 20 * np.log10(np.maximum(heard / read(background(), 0, 1)[0], 1e-9))
    return levels_db


def are_all(values: npt.NDArray[np.floating[Any]], expected: float, within: float) -> bool:
    """Tell what approx does, of a million values in no time."""
    return bool(np.abs(values - expected).max() <= within)


def test_it_is_down_before_the_first_word_and_comes_up_after_the_last() -> None:
    one = background()
    one.duck(2_000, 5_000)
    levels_db = gains_db(one, 8_000)
    assert are_all(levels_db[:1_600], 0, 0.01)
    assert levels_db[1_800] == pytest.approx(-4.5, abs=0.05)
    assert are_all(levels_db[2_000:5_000], -9, 0.01)
    assert levels_db[5_400] == pytest.approx(-4.5, abs=0.05)
    assert are_all(levels_db[5_800:], 0, 0.01)
    assert (np.diff(levels_db[1_600:2_000]) < 0).all()
    assert (np.diff(levels_db[5_000:5_800]) > 0).all()


@pytest.mark.parametrize(
    ("gap_ms", "stays_down"), [(0, True), (300, True), (1_499, True), (1_500, False), (4_000, False)]
)
def test_between_words_that_are_near_it_stays_down(gap_ms: int, stays_down: bool) -> None:
    one = background()
    one.duck(1_000, 2_000)
    one.duck(2_000 + gap_ms, 3_000 + gap_ms)
    between_db = gains_db(one, 9_000)[2_000 : 2_000 + gap_ms + 1]
    assert (between_db.max() < -8.99) == stays_down
    assert (between_db.max() > -0.01) != stays_down


def test_words_within_words_do_not_end_them() -> None:
    one = background()
    one.duck(1_000, 4_000)
    one.duck(1_500, 2_000)
    assert are_all(gains_db(one, 4_000)[1_000:], -9, 0.01)


def test_words_at_the_very_start_are_over_a_soft_background() -> None:
    one = background()
    one.duck(0, 500)
    assert are_all(gains_db(one, 500), -9, 0.01)


@pytest.mark.parametrize("fade_ms", [100, 3_000])
def test_it_fades_in_and_out_and_is_silent_after_the_end(fade_ms: int) -> None:
    one = background(fade_ms=fade_ms)
    one.end_at(10_000)
    heard = read(one, 0, 11_000 * MS) / read(background(), 0, 1)[0]
    assert heard[0] == 0
    assert (np.diff(heard[: fade_ms * MS]) >= 0).all()
    assert heard[fade_ms * MS // 2] == pytest.approx(0.5, abs=1e-4)
    assert are_all(heard[fade_ms * MS : (10_000 - fade_ms) * MS], 1, 1e-6)
    assert heard[(10_000 - fade_ms // 2) * MS] == pytest.approx(0.5, abs=1e-4)
    assert (np.diff(heard[(10_000 - fade_ms) * MS :]) <= 0).all()
    assert not heard[10_000 * MS :].any()


def test_without_a_fade_it_begins_and_ends_at_once() -> None:
    one = background(fade_ms=0)
    one.end_at(1_000)
    assert np.flatnonzero(read(one, 0, 2_000 * MS))[[0, -1]].tolist() == [0, 1_000 * MS - 1]


def test_a_fade_longer_than_the_routine_rises_and_falls() -> None:
    one = background(fade_ms=60_000)
    one.end_at(10_000)
    heard = read(one, 0, 11_000 * MS)
    assert heard.max() < 0.05 * read(background(), 0, 1)[0]
    assert not heard[10_000 * MS :].any()


noisy = np.random.default_rng(3).normal(0, 6_000, 7_001).astype(np.int16)
with_background = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def spans() -> st.SearchStrategy[list[tuple[int, int]]]:
    one = st.tuples(st.integers(0, 6_000), st.integers(0, 2_000)).map(lambda span: (span[0], span[0] + span[1]))
    return st.lists(one, max_size=5).map(sorted)


@with_background
@given(
    ducked=spans(),
    fade_ms=st.sampled_from([0, 1, 500, 3_000, 9_000]),
    end_ms=st.sampled_from([None, 1, 2_000, 7_000]),
    sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=9),
    seeks=st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 9_000)), max_size=4),
)
def test_blocks_of_any_size_from_anywhere_are_the_same_samples(
    ducked: list[tuple[int, int]],
    fade_ms: int,
    end_ms: int | None,
    sizes: list[int],
    seeks: list[tuple[int, int]],
) -> None:
    one = background(ShortLoop(pcm=noisy), fade_ms=fade_ms)
    for start_ms, stop_ms in ducked:
        one.duck(start_ms, stop_ms)
    if end_ms is not None:
        one.end_at(end_ms)
    whole = read(one, 0, 540_000)
    assert np.isfinite(whole).all()
    starts = np.cumsum([0, *sizes]).tolist()
    for first_frame, frames in [*zip(starts, sizes, strict=False), *seeks]:
        assert np.array_equal(read(one, first_frame, frames), whole[first_frame : first_frame + frames])


def test_a_loop_on_disk_is_a_function_of_position_too() -> None:
    recorded = np.random.default_rng(3).normal(0, 0.2, 30 * RATE_HZ)
    one = background(LongLoop(recording(recorded, 99_999)), fade_ms=500)
    one.duck(20_000, 33_000)
    whole = read(one, 0, 60 * RATE_HZ)
    for first_frame, frames in ((0, 1), (27 * RATE_HZ, 3 * RATE_HZ), (56 * RATE_HZ - 5, 10), (1_300_001, 1_023)):
        assert np.array_equal(read(one, first_frame, frames), whole[first_frame : first_frame + frames])


@pytest.mark.parametrize("duck_db", [-1.0, -9.0, -30.0, -60.0])
def test_it_never_falls_or_rises_faster_than_1_db_in_10_ms(duck_db: float) -> None:
    one = background(duck_db=duck_db)
    one.duck(2_000, 3_000)
    one.duck(4_500, 5_000)
    levels_db = gains_db(one, 8_000)[::10]
    assert np.abs(np.diff(levels_db)).max() < 1.0
    assert levels_db.min() == pytest.approx(duck_db, abs=0.05)


@with_background
@given(ducked=spans(), fade_ms=st.sampled_from([0, 700, 3_000]), known=st.integers(0, 5))
def test_what_lies_before_the_lookahead_is_final(ducked: list[tuple[int, int]], fade_ms: int, known: int) -> None:
    growing, complete = (background(ShortLoop(pcm=noisy), fade_ms=fade_ms) for _ in range(2))
    for start_ms, stop_ms in ducked:
        complete.duck(start_ms, stop_ms)
    complete.end_at(9_000)
    for start_ms, stop_ms in ducked[:known]:
        growing.duck(start_ms, stop_ms)
    known_ms = ducked[known][0] if known < len(ducked) else 9_000
    frames = max(0, known_ms - growing.lookahead_ms) * MS
    assert np.array_equal(read(growing, 0, frames), read(complete, 0, frames))


@pytest.fixture(scope="module")
def clips() -> Clips:
    return Clips(Narrator(BUZZER), bundled_sounds())


CUES: list[Cue] = [speech(4_000, 2_000), chime(7_000), speech(9_000, 1_000), chime(11_000)]


@pytest.mark.slow
@with_background
@given(sizes=st.lists(st.integers(1, 30_000), min_size=1, max_size=6), first_frame=st.integers(0, 700_000))
def test_the_mix_with_a_background_is_a_function_of_position(clips: Clips, sizes: list[int], first_frame: int) -> None:
    mix = Mix(clips, CUES, background(brown_noise(), fade_ms=3_000))
    mix.end_at(14_000)
    whole = read(mix, first_frame, sum(sizes))
    starts = (first_frame + np.cumsum([0, *sizes])).tolist()
    blocks = [read(mix, start, size) for start, size in zip(starts, sizes, strict=False)]
    assert np.array_equal(np.concatenate(blocks), whole)


def test_a_loud_background_and_loud_words_stay_below_full_scale(clips: Clips) -> None:
    loud = Utterance(text="w" * 100, voice=VoiceSettings(gain_db=6.0))
    cues = [Speech(at_ms=1_000, duration_ms=2_000, utterance=loud, why="say")]
    under = Background(brown_noise(), level_lufs=SPEECH_LUFS + 6, duck_db=0, fade_ms=0)
    assert np.max(np.abs(read(Mix(clips, cues, under), 0, 4_000 * MS))) <= 0.98


def test_silence_of_voices_does_not_duck() -> None:
    silent = Clips(Narrator(load_engine("silent")), bundled_sounds())
    buzzing = Clips(Narrator(BUZZER), bundled_sounds())
    shown, spoken = speech(2_000, 2_000, "silent"), speech(2_000, 2_000)
    plain = read(Mix(buzzing, [], background(brown_noise())), 0, 8_000 * MS)
    assert np.array_equal(read(Mix(buzzing, [shown], background(brown_noise())), 0, 8_000 * MS), plain)
    assert np.array_equal(read(Mix(silent, [spoken], background(brown_noise())), 0, 8_000 * MS), plain)
    assert not np.array_equal(read(Mix(buzzing, [spoken], background(brown_noise())), 0, 8_000 * MS), plain)


def test_a_chime_does_not_duck(clips: Clips) -> None:
    plain = read(Mix(clips, [], background(brown_noise())), 0, 8_000 * MS)
    chimed = read(Mix(clips, [chime(2_000)], background(brown_noise())), 0, 8_000 * MS)
    assert np.array_equal(chimed[2_200 * MS :], plain[2_200 * MS :])


@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
def test_its_loudness_is_that_of_speech_and_the_gain(level: float) -> None:
    samples = np.random.default_rng(1).normal(0, 0.2, 15 * RATE_HZ).clip(-1, 1) * level
    loop = LongLoop([Clip(samples=samples.astype(np.float32), samplerate_hz=RATE_HZ)])
    heard = read(background(loop), 0, 10 * RATE_HZ)
    assert loudness_lufs(Clip(samples=heard, samplerate_hz=RATE_HZ)) == pytest.approx(LEVEL_LUFS, abs=0.3)


def test_a_whisper_is_raised_by_20_db_at_most_and_silence_stays() -> None:
    whisper = ShortLoop(pcm=np.where(np.arange(48_000) // 50 % 2, 30, -30).astype(np.int16))
    assert np.abs(read(background(whisper), 0, 100)).max() == pytest.approx(300 / 32_768, rel=1e-4)
    assert not read(background(ShortLoop(pcm=np.zeros(48_000, np.int16))), 0, 100).any()


def recording(samples: npt.NDArray[np.float64], part_frames: int, rate_hz: int = RATE_HZ) -> Iterator[Clip]:
    for start in range(0, len(samples), part_frames):
        part = samples[start : start + part_frames].astype(np.float32)
        yield Clip(samples=part, samplerate_hz=rate_hz)


def flux_of(samples: npt.NDArray[np.float64], frames: int = 2_048, step: int = 512) -> npt.NDArray[np.float64]:
    places = range(0, len(samples) - frames, step)
    spectra = [np.abs(np.fft.rfft(samples[place : place + frames] * np.hanning(frames))) for place in places]
    flux: npt.NDArray[np.float64] = np.maximum(np.diff(np.array(spectra), axis=0), 0).sum(axis=1)
    return flux


def test_the_seam_of_a_recording_is_not_heard() -> None:
    """Noise that is loud at its end and soft at its beginning has a seam that is heard, without a crossfade."""
    noise = np.random.default_rng(7).normal(0, 0.1, 8 * RATE_HZ) * np.linspace(0.2, 1, 8 * RATE_HZ)
    loop = pcm_of(LongLoop(recording(noise, 50_000)))
    assert len(loop) == 6 * RATE_HZ
    levels_db = [level_dbfs(part) for part in np.split((np.tile(loop, 2) / 32_768).astype(np.float32), 240)]
    assert np.max(np.abs(np.diff(levels_db))) < 2.0
    bare = np.tile(noise, 2)
    bare_db = [level_dbfs(part.astype(np.float32)) for part in np.split(bare, 320)]
    assert np.max(np.abs(np.diff(bare_db))) > 10
    flux = flux_of(np.tile(loop, 2).astype(np.float64))
    seam = len(loop) // 512
    assert flux[seam - 6 : seam + 4].max() < np.quantile(flux, 0.999)


@pytest.mark.slow
def test_the_crossfade_keeps_the_power_and_starts_where_it_ends() -> None:
    noise = np.random.default_rng(7).normal(0, 0.1, 10 * RATE_HZ)
    loop = (pcm_of(LongLoop(recording(noise, 480_000))) / 32_768).astype(np.float32)
    levels_db = [level_dbfs(part) for part in np.split(loop, 32)]
    assert levels_db == pytest.approx([-20] * 32, abs=0.6)
    assert are_all(loop[: 6 * RATE_HZ] - noise[2 * RATE_HZ : 8 * RATE_HZ], 0, 1e-4)
    assert loop[-1] == pytest.approx(noise[2 * RATE_HZ - 1], abs=1e-3)


@pytest.mark.parametrize("seconds", [1.0, 2.0, 7.9])
def test_short_recordings_fade_over_a_quarter(seconds: float) -> None:
    frames = round(seconds * RATE_HZ)
    loop = LongLoop(recording(np.random.default_rng(1).normal(0, 0.1, frames), 48_000))
    assert loop.frames == frames - frames // 4


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 96_000])
def test_a_recording_of_any_rate_is_resampled_in_parts_as_a_whole(rate_hz: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * rate_hz) / rate_hz)
    parts, whole = (pcm_of(LongLoop(recording(tone, frames, rate_hz))) for frames in (7_001, 4 * rate_hz))
    assert len(whole) == 3 * RATE_HZ
    assert np.max(np.abs(parts.astype(int) - whole)) <= 1
    assert np.argmax(np.abs(np.fft.rfft(whole))) == 3 * 440


ROUTINE = """
title = "Two"
[voice]
engine = "espeak"
[sounds]
background = { sound = "NAME" }
[[steps]]
name = "First"
instruction = "Sit tall, and let your shoulders drop away from your ears."
hold = "25s"
sides = "each"
[[steps]]
name = "Second"
hold = "4s"
reps = 2
"""


def produced(folder: Path, sound: str = "brown-noise", old: str = "", new: str = "") -> Production:
    (folder / "two.toml").write_text(ROUTINE.replace("NAME", sound).replace(old, new))
    return Production(load(str(folder / "two.toml")))


def rendered(production: Production) -> Samples:
    timeline = production.timeline()
    mix = production.mix(timeline.cues)
    mix.end_at(timeline.duration_ms)
    return read(mix, 0, timeline.duration_ms * MS)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Production:
    return produced(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def bed_of_two(two: Production) -> Samples:
    """Return what of the routine is the background: the difference to the same routine without one."""
    timeline = two.timeline()
    bare = Mix(Clips(two.narrator, two.sounds), timeline.cues)
    return rendered(two) - read(bare, 0, timeline.duration_ms * MS)


def test_it_is_much_softer_than_speech_while_somebody_speaks(two: Production, bed_of_two: Samples) -> None:
    bare = Mix(Clips(two.narrator, two.sounds), two.timeline().cues)
    after_fade = [cue for cue in two.timeline().cues if cue.at_ms > 3_000]
    words = [cue for cue in after_fade if isinstance(cue, Speech) and cue.duration_ms > 800]
    assert len(words) >= 4
    for cue in words:
        spoken = Clip(samples=read(bare, cue.at_ms * MS, cue.duration_ms * MS), samplerate_hz=RATE_HZ)
        under = Clip(samples=bed_of_two[cue.at_ms * MS : cue.end_ms * MS], samplerate_hz=RATE_HZ)
        assert loudness_lufs(spoken) - loudness_lufs(under) == pytest.approx(27, abs=3)


def test_it_is_18_db_softer_than_speech_in_a_long_silence(two: Production, bed_of_two: Samples) -> None:
    cues = two.timeline().cues
    start_ms, end_ms = max(((a.end_ms, b.at_ms) for a, b in pairwise(cues)), key=lambda span: span[1] - span[0])
    assert end_ms - start_ms > 4_000
    calm = Clip(samples=bed_of_two[(start_ms + 800) * MS : (end_ms - 400) * MS], samplerate_hz=RATE_HZ)
    assert loudness_lufs(calm) == pytest.approx(SPEECH_LUFS - 18, abs=1)


def test_its_level_never_jumps(two: Production) -> None:
    """A steady loop shows the gains alone: 1 dB in 10 ms at most, but for the first and last moments of the fades."""
    timeline = two.timeline()
    one = background(fade_ms=3_000)
    mix = Mix(Clips(two.narrator, two.sounds), timeline.cues, one)
    mix.end_at(timeline.duration_ms)
    levels_db = gains_db(one, timeline.duration_ms)[::10]
    assert np.max(np.abs(np.diff(levels_db[20:-20]))) < 1.0
    assert levels_db.min() < -60
    assert np.median(np.abs(levels_db - np.round(levels_db / 9) * 9)) < 0.01


def test_a_growing_score_sounds_as_the_export_up_to_where_it_may_be_played(two: Production) -> None:
    whole = rendered(two)
    checked: list[int] = []
    mix = two.mix()

    def watched() -> Iterator[Placed]:
        for placed in two.placed():
            yield placed
            frames = score.playable_ms * MS
            if frames > (checked[-1] if checked else 0):
                checked.append(frames)
                assert np.array_equal(read(mix, 0, frames), whole[:frames])

    begins = Event()

    def late() -> Iterator[Placed]:
        begins.wait(5)
        yield from watched()

    score = Score(late(), mix)
    begins.set()
    score.wait()
    assert len(checked) > 3
    assert score.playable_ms * MS == len(whole)
    assert np.array_equal(read(mix, 0, len(whole)), whole)


def test_a_score_may_be_played_up_to_gaps_only_and_later_under_a_background(two: Production) -> None:
    gap_ends_ms = {one.end_ms - 20 for one in two.timeline().intervals if not one.interval.exact}
    seen: set[int] = set()

    def placed() -> Iterator[Placed]:
        begins.wait(5)
        for one in two.placed():
            yield one
            assert score.playable_ms <= max(0, one.end_ms - 3_000)
            seen.add(score.playable_ms)

    begins = Event()
    score = Score(placed(), two.mix())
    begins.set()
    score.wait()
    assert len(seen) > 3
    assert seen <= gap_ends_ms | {0}


def test_music_beside_the_routine_is_looped_under_it(tmp_path: Path) -> None:
    music = np.stack([np.random.default_rng(4).normal(0, 0.1, 5 * 44_100)] * 2, axis=1)
    soundfile.write(tmp_path / "sea.mp3", music, 44_100)
    production = produced(tmp_path, "sea.mp3", 'name = "Second"', 'name = "Third"')
    heard = rendered(production)
    levels_db = [level_dbfs(heard[start : start + 4_800]) for start in range(48_000, len(heard) - 3 * 48_000, 4_800)]
    assert min(levels_db) > -65
    loop = LongLoop(clip_parts(tmp_path / "sea.mp3"))
    assert loop.frames == pytest.approx(3.75 * RATE_HZ, rel=0.02)


@pytest.mark.slow
def test_settings_reach_the_samples(tmp_path: Path) -> None:
    softer = '{ sound = "brown-noise", gain_db = -24, duck_db = 0, fade = "0s" }'
    production = produced(tmp_path, old='{ sound = "brown-noise" }', new=softer)
    timeline = production.timeline()
    bed = rendered(production) - read(Mix(production.mix()._clips, timeline.cues), 0, timeline.duration_ms * MS)
    whole = Clip(samples=bed, samplerate_hz=RATE_HZ)
    assert loudness_lufs(whole) == pytest.approx(SPEECH_LUFS - 24, abs=0.3)
    halves = [Clip(samples=part, samplerate_hz=RATE_HZ) for part in (bed[:RATE_HZ], bed[-RATE_HZ:])]
    assert [loudness_lufs(half) for half in halves] == pytest.approx([SPEECH_LUFS - 24] * 2, abs=1.5)


def test_a_background_keeps_its_distance_to_a_softer_voice(tmp_path: Path) -> None:
    production = produced(tmp_path, old='engine = "espeak"', new='engine = "espeak"\ngain_db = -10')
    timeline = production.timeline()
    bed = rendered(production) - read(Mix(production.mix()._clips, timeline.cues), 0, timeline.duration_ms * MS)
    cues = timeline.cues
    start_ms, end_ms = max(((a.end_ms, b.at_ms) for a, b in pairwise(cues)), key=lambda span: span[1] - span[0])
    calm = Clip(samples=bed[(start_ms + 800) * MS : (end_ms - 400) * MS], samplerate_hz=RATE_HZ)
    assert loudness_lufs(calm) == pytest.approx(SPEECH_LUFS - 10 - 18, abs=1)


def music(seconds: int) -> Samples:
    """Return chords that are struck again and again, 14 dB softer now and then."""
    time_s = np.arange(seconds * RATE_HZ) / RATE_HZ
    chances = np.random.default_rng(5)
    out = np.zeros(len(time_s))
    for start in range(0, seconds, 2):
        struck = slice(start * RATE_HZ, (start + 4) * RATE_HZ)
        after_s = time_s[struck] - start
        for pitch_hz in chances.choice([220.0, 261.6, 329.6, 392.0, 440.0], 3):
            out[struck] += np.sin(2 * np.pi * pitch_hz * after_s) * np.exp(-1.2 * after_s)
    return (0.2 * out * 10 ** (-0.7 * np.sin(np.pi * time_s / 23) ** 2)).astype(np.float32)


@pytest.fixture(scope="module")
def music_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("music") / "piano.wav"
    soundfile.write(path, music(30), RATE_HZ)
    return str(path)


def exported(production: Production, folder: Path) -> Samples:
    timeline = production.timeline()
    export_mix(production.mix(timeline.cues), timeline.duration_ms, folder / "out.wav")
    samples: Samples = soundfile.read(folder / "out.wav", dtype="float32")[0]
    return samples


@pytest.mark.slow
@pytest.mark.parametrize("levels", ["", ", gain_db = -3, duck_db = 0"])
@pytest.mark.parametrize("sound", ["brown-noise", "drone", "rain", "music"])
def test_in_an_export_speech_is_12_db_above_it_and_loudness_and_peak_stay(
    tmp_path: Path, sound: str, levels: str, music_file: str
) -> None:
    """With every level that a routine may ask for words stand out; at the usual ones the whole is as loud as without.

    Its integrated loudness falls a little: under a bed nothing is silence any more, which lowers the gate of BS.1770,
    and the ends of chimes begin to count.
    """
    written = produced(tmp_path, old='sound = "brown-noise" }', new=f'sound = "brown-noise"{levels} }}')
    path = str(tmp_path / "two.toml")
    wished = Wishes(background=music_file if sound == "music" else sound)
    bedded, bare = Production(load(path, wished)), Production(load(path, Wishes(has_background=False)))
    with_bed, without = exported(bedded, tmp_path), exported(bare, tmp_path)
    bed = with_bed - without
    words = [cue for cue in written.timeline().cues if isinstance(cue, Speech) and cue.duration_ms > 500]
    assert len(words) > 8
    for cue in words:
        spoken, under = (samples[cue.at_ms * MS : cue.end_ms * MS] for samples in (without, bed))
        assert level_dbfs(spoken) - level_dbfs(under) > 12
    if not levels:
        whole, bare_whole = (Clip(samples=samples, samplerate_hz=RATE_HZ) for samples in (with_bed, without))
        assert loudness_lufs(whole) == pytest.approx(loudness_lufs(bare_whole), abs=1.0)
        peaks_db = [20 * np.log10(np.abs(samples).max()) for samples in (with_bed, without)]
        assert peaks_db[0] == pytest.approx(peaks_db[1], abs=0.5)


@pytest.mark.slow
def test_with_everything_on_any_block_from_anywhere_is_the_same_samples(tmp_path: Path, music_file: str) -> None:
    paced = 'hold = "4s"\nbreath = { in = 1, out = 2, with = "tone" }'
    produced(tmp_path, old='hold = "4s"', new=paced)
    production = Production(load(str(tmp_path / "two.toml"), Wishes(background=music_file, chimes="wood")))
    timeline = production.timeline()
    whole = rendered(production)
    for size in (1_000, 4_800, 65_536):
        mix = production.mix(timeline.cues)
        mix.end_at(timeline.duration_ms)
        for first_frame in [*range(0, len(whole), 31 * size)[::-1], len(whole) - size]:
            assert np.array_equal(read(mix, first_frame, size)[: len(whole) - first_frame], whole[first_frame:][:size])


def test_music_that_is_soft_at_first_is_never_much_louder_than_wished() -> None:
    quiet, loud = (np.random.default_rng(1).normal(0, level, 20 * RATE_HZ) for level in (0.002, 0.3))
    loop = LongLoop(recording(np.concatenate([quiet] * 9 + [loud[: 2 * RATE_HZ], quiet]), 480_000))
    heard = read(background(loop), 0, loop.frames)
    moments = [
        Clip(samples=part, samplerate_hz=RATE_HZ) for part in heard[: len(heard) // 19_200 * 19_200].reshape(-1, 19_200)
    ]
    assert max(map(loudness_lufs, moments)) < LEVEL_LUFS + MOST_ABOVE_DB + 0.5


@pytest.mark.parametrize("name", ["brown-noise", "drone", "rain"])
def test_bundled_beds_are_as_loud_as_is_known_of_them(name: str) -> None:
    measured = ShortLoop(pcm_of(bundled_loop(bundled_sounds().beds[name]))).loudness
    assert measured.whole_lufs == pytest.approx(BUNDLED_LOUDNESS.whole_lufs, abs=0.1)
    assert measured.loudest_lufs < BUNDLED_LOUDNESS.loudest_lufs


def test_the_listener_may_want_none_and_the_files_own_stays_out_of_it(tmp_path: Path) -> None:
    produced(tmp_path)
    production = Production(load(str(tmp_path / "two.toml"), Wishes(has_background=False)))
    assert production.routine.sounds.background is None
    assert production.mix().lookahead_ms == 0


def test_long_music_is_told_once_it_is_to_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "sea.wav", np.ones(601 * 4_000) * 0.1, 4_000)
    produced(tmp_path)
    routine = load(str(tmp_path / "two.toml"), Wishes(background="sea.wav"))
    note = 'of "sea.wav" the first 10m are heard, again and again'
    assert [(one.severity, one.message) for one in routine.notes] == [("note", note)]
    told: list[str] = []
    production = Production(routine, tell=told.append)
    production.mix()
    production.mix()
    assert told == [f"O{note[1:]}."]


@pytest.mark.slow
def test_an_hour_of_music_stays_in_little_memory(tmp_path: Path) -> None:
    """All that a process needs for ten minutes of 48 kHz, of a file of an hour, is far below those ten minutes."""
    with soundfile.SoundFile(tmp_path / "hour.wav", "w", 44_100, 2, "PCM_U8") as file:
        for _ in range(360):
            file.write(np.full((441_000, 2), 0.1))
    tracemalloc.start()
    loop = LongLoop(sounds_beside(tmp_path).background_parts(BackgroundSettings(sound="hour.wav")))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loop.frames == 598 * RATE_HZ
    assert most_bytes < 12 << 20


def test_what_the_listener_chose_is_told() -> None:
    assert Wishes(background="~/music/piano.mp3", chimes="wood").chosen() == ("chimes wood", "with piano")
    assert Wishes(has_background=False).chosen() == ("without background",)
