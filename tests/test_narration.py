"""Each sentence is made once, kept, and never taken from a file that isn't whole."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from engines import Tones

from voiceroutine.clipcache import ClipCache
from voiceroutine.cues import Utterance
from voiceroutine.narration import MEMORY_FRAMES, Narrator
from voiceroutine.routine import VoiceSettings

HELLO = Utterance(text="Hold for 30s.", voice=VoiceSettings())


@pytest.fixture
def cache(tmp_path: Path) -> ClipCache:
    return ClipCache(tmp_path / "clips")


def files(cache: ClipCache) -> list[Path]:
    return sorted(cache.folder.rglob("*.wav"))


def test_a_sentence_is_spoken_once_in_words(cache: ClipCache) -> None:
    engine = Tones()
    narrator = Narrator(engine, cache)
    duration_ms = narrator.duration_ms(HELLO)
    assert len(narrator.samples(HELLO)) == duration_ms * 48
    assert engine.asked == ["Hold for 30 seconds."]


def test_the_next_run_takes_it_from_the_cache(cache: ClipCache) -> None:
    first = Narrator(Tones(), cache).samples(HELLO)
    engine = Tones()
    narrator = Narrator(engine, cache)
    assert narrator.duration_ms(HELLO) * 48 == len(first)
    assert np.array_equal(narrator.samples(HELLO), first)
    assert engine.asked == []


def test_a_kept_clip_is_plain_audio(cache: ClipCache) -> None:
    expected = Narrator(Tones(), cache).samples(HELLO)
    samples, samplerate_hz = soundfile.read(files(cache)[0], dtype="float32")
    assert samplerate_hz == 48_000
    assert np.array_equal(samples, expected)


@pytest.mark.parametrize(
    "other",
    [
        replace(HELLO, text="Hold for 31s."),
        replace(HELLO, voice=replace(HELLO.voice, rate_wpm=172)),
        replace(HELLO, voice=replace(HELLO.voice, pitch_percent=50)),
        replace(HELLO, voice=replace(HELLO.voice, name="other")),
    ],
)
def test_what_changes_the_samples_changes_the_clip(cache: ClipCache, other: Utterance) -> None:
    engine = Tones()
    narrator = Narrator(engine, cache)
    narrator.samples(HELLO)
    narrator.samples(other)
    assert len(engine.asked) == 2


def test_a_new_version_of_the_engine_speaks_anew(cache: ClipCache) -> None:
    Narrator(Tones("1"), cache).samples(HELLO)
    engine = Tones("2")
    Narrator(engine, cache).samples(HELLO)
    assert len(engine.asked) == 1


def test_gain_is_no_reason_to_speak_anew(cache: ClipCache) -> None:
    engine = Tones()
    narrator = Narrator(engine, cache)
    narrator.samples(HELLO)
    narrator.samples(replace(HELLO, voice=replace(HELLO.voice, gain_db=-6.0)))
    assert len(engine.asked) == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "one bit", "longer", "another header"])
def test_a_damaged_clip_is_made_again(cache: ClipCache, damage: str) -> None:
    expected = Narrator(Tones(), cache).samples(HELLO)
    file = files(cache)[0]
    content = bytearray(file.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "empty":
        content = bytearray()
    elif damage == "one bit":
        content[1_000] ^= 1
    elif damage == "longer":
        content += b"more"
    else:
        content[24] ^= 255
    file.write_bytes(bytes(content))

    narrator = Narrator(Tones(), cache)
    assert narrator.duration_ms(HELLO) * 48 == len(expected)
    assert np.array_equal(narrator.samples(HELLO), expected)
    assert np.array_equal(Narrator(Tones(), cache).samples(HELLO), expected)


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("a file where the folder should be")
    narrator = Narrator(Tones(), ClipCache(tmp_path / "clips"))
    assert narrator.duration_ms(HELLO) * 48 == len(narrator.samples(HELLO))


def test_threads_share_what_one_of_them_made(cache: ClipCache) -> None:
    engine = Tones(takes_s=0.3)
    narrator = Narrator(engine, cache)
    threads = [threading.Thread(target=narrator.samples, args=(HELLO,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.asked) == 1


def test_who_wants_a_known_clip_does_not_wait_for_one_that_is_being_made(cache: ClipCache) -> None:
    narrator = Narrator(Tones(takes_s=0.3), cache)
    narrator.samples(HELLO)
    making = threading.Thread(target=narrator.samples, args=(replace(HELLO, text="Another."),))
    making.start()
    time.sleep(0.05)
    began_s = time.monotonic()
    narrator.samples(HELLO)
    waited_s = time.monotonic() - began_s
    making.join()
    assert waited_s < 0.1


def test_memory_is_bounded_and_forgotten_clips_come_back(cache: ClipCache) -> None:
    engine = Tones()
    narrator = Narrator(engine, cache)
    long = [Utterance(text=f"{number} " + "long " * 300, voice=VoiceSettings()) for number in range(8)]
    total = sum(len(narrator.samples(utterance)) for utterance in long)
    assert total > MEMORY_FRAMES
    assert sum(map(len, narrator._recent.values())) <= MEMORY_FRAMES
    assert len(narrator.samples(long[0])) > 0
    assert len(engine.asked) == 8


def test_a_silent_utterance_is_not_given_to_the_engine(cache: ClipCache) -> None:
    engine = Tones()
    silent = replace(HELLO, voice=replace(HELLO.voice, engine="silent"))
    assert not Narrator(engine, cache).samples(silent).any()
    assert engine.asked == []


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Scalenes, and the scalene.", "skay leens, and the scalene."),
        ("Use the TRX-band.", "Use the tee are ex-band."),
        ("The upper trap, not the trap.", "The top of the trap, not the trapeze."),
        ("Nothing of it.", "Nothing of it."),
    ],
)
def test_words_are_pronounced_as_the_author_wants(cache: ClipCache, written: str, spoken: str) -> None:
    pronounce = (
        ("scalenes", "skay leens"),
        ("trap", "trapeze"),
        ("trapeze", "never said again"),
        ("trx", "tee are ex"),
        ("upper trap", "top of the trap"),
    )
    engine = Tones()
    Narrator(engine, cache).samples(Utterance(text=written, voice=VoiceSettings(pronounce=pronounce)))
    assert engine.asked == [spoken]


def test_pronouncing_a_word_makes_only_the_sentences_with_it_anew(cache: ClipCache) -> None:
    engine = Tones()
    sentences = ("Feel your scalenes.", "Breathe out.")
    for voice in (VoiceSettings(), VoiceSettings(pronounce=(("scalenes", "skay leens"),))):
        narrator = Narrator(engine, cache)
        for text in sentences:
            narrator.samples(Utterance(text=text, voice=voice))
    assert engine.asked == ["Feel your scalenes.", "Breathe out.", "Feel your skay leens."]
