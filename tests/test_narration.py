"""Each sentence is made once, kept, and never taken from a file that isn't whole."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from engines import Tones

from voiceroutine.audio import Clip
from voiceroutine.clipcache import ClipCache
from voiceroutine.cues import Utterance
from voiceroutine.errors import VoiceError
from voiceroutine.narration import MEMORY_FRAMES, Narrator
from voiceroutine.reading import as_written
from voiceroutine.routine import VoiceSettings
from voiceroutine.speaking import Line, turns_of
from voiceroutine.voices import CanceledError, LineError

if TYPE_CHECKING:
    from voiceroutine.voices import Feature

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


def say(text: str) -> Utterance:
    return Utterance(text=text, voice=VoiceSettings())


@dataclass
class Failing(Tones):
    """One that speaks some lines, and then fails, or hangs, or gives what no voice gives."""

    after: int = 0
    how: str = "breaks"

    def synthesize(self, text: str, settings: VoiceSettings, cancel: threading.Event | None = None) -> Clip:
        clip = super().synthesize(text, settings, cancel)
        if len(self.asked) <= self.after:
            return clip
        match self.how:
            case "hangs":
                threading.Event().wait(20)
            case "gives silence":
                return replace(clip, samples=clip.samples * 0)
            case "gives nothing":
                return replace(clip, samples=clip.samples[:0], words=())
            case "lacks the line":
                raise LineError("Some lines are not there")
            case "is a broken plug-in":
                raise KeyError(text)
        raise VoiceError("failing has lost its voice.")


def narrated(engine: Tones, cache: ClipCache | None = None) -> tuple[Narrator, Tones, list[str]]:
    """Return a narrator, the engine that takes over, and what is told."""
    second, told = Tones(name="second"), list[str]()
    return Narrator(engine, cache, iter([second]), told.append), second, told


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("breaks", "failing has lost its voice. From here on second speaks."),
        ("is a broken plug-in", "failing failed: KeyError: 'Two.'. From here on second speaks."),
    ],
)
def test_when_an_engine_fails_the_next_one_takes_over_for_the_rest(cache: ClipCache, how: str, told: str) -> None:
    first = Failing(name="failing", after=1, how=how)
    narrator, second, messages = narrated(first, cache)
    for text in ("One.", "Two.", "Three.", "One."):
        assert narrator.duration_ms(say(text)) > 0
    assert (first.asked, second.asked, messages) == (
        ["One.", "Two."],
        ["Two.", "Three."],
        [told],
    )


@pytest.mark.parametrize("how", ["lacks the line", "gives silence", "gives nothing"])
def test_a_line_that_an_engine_can_not_speak_is_spoken_by_the_next(cache: ClipCache, how: str) -> None:
    first = Failing(name="failing", after=1, how=how)
    narrator, second, messages = narrated(first, cache)
    lengths = [narrator.duration_ms(say(text)) for text in ("One.", "Two.", "Three.")]
    assert (first.asked, second.asked) == (["One.", "Two.", "Three."], ["Two.", "Three."])
    assert lengths == [len(narrator.samples(say(text))) // 48 for text in ("One.", "Two.", "Three.")]
    expected = {
        "lacks the line": ["Some lines are not there. Instead, second speaks."],
        "gives silence": [
            'failing could not say "Two.": it gave only silence. Instead, second speaks.',
            'failing could not say "Three.": it gave only silence. Instead, second speaks.',
        ],
    }
    assert messages == expected.get(how, expected["gives silence"])


def test_an_engine_that_hangs_is_left_behind() -> None:
    settings, text = VoiceSettings(), as_written("Two.")
    began_s = time.monotonic()
    with pytest.raises(VoiceError) as caught:
        Line(Failing(name="failing", how="hangs"), [text], settings, patience_s=0.2).clip()
    assert time.monotonic() - began_s < 5
    assert str(caught.value) == "failing has not answered for 2 s."


@dataclass
class Stuck(Tones):
    """One that works at several sentences at once, fails at one of them, and ends the others only if it is told."""

    at_once: threading.Barrier = field(default_factory=lambda: threading.Barrier(4))
    ended: list[str] = field(default_factory=list)
    features: frozenset[Feature] = frozenset({"parallel"})

    def synthesize(self, text: str, settings: VoiceSettings, cancel: threading.Event | None = None) -> Clip:
        self.asked.append(text)
        if self.at_once.wait(20) == 0:
            raise VoiceError("stuck is stuck.")
        if cancel is not None and cancel.wait(20):
            self.ended.append(text)
            raise CanceledError
        return super().synthesize(text, settings, cancel)


def test_what_an_engine_that_failed_still_makes_is_ended_and_spoken_by_the_next() -> None:
    first = Stuck(name="stuck")
    narrator, second, messages = narrated(first)
    lines = [say(f"Line {number}.") for number in range(12)]
    narrator.follow(lines)
    assert all(narrator.duration_ms(line) > 0 for line in lines)
    narrator.close()
    # One more may begin before it is known that the fourth has failed.
    assert len(first.asked) in {4, 5}
    assert len(first.ended) == 3
    assert sorted(second.asked) == sorted(line.text for line in lines)
    assert messages == ["stuck is stuck. From here on second speaks."]


def test_where_nobody_takes_over_the_failure_is_told(cache: ClipCache) -> None:
    narrator = Narrator(Failing(name="failing"), cache)
    for _ in range(2):
        with pytest.raises(VoiceError) as caught:
            narrator.samples(say("One."))
        assert str(caught.value) == "failing has lost its voice."


def test_the_voice_that_takes_over_has_a_name_of_its_own(cache: ClipCache) -> None:
    first = Failing(name="failing")
    narrator, second, _ = narrated(first, cache)
    narrator.samples(replace(HELLO, voice=replace(HELLO.voice, name="anna")))
    assert ([settings.name for settings in first.settings], [settings.name for settings in second.settings]) == (
        ["anna"],
        [None],
    )


def test_lines_are_made_ahead_in_the_order_in_which_they_will_be_heard(cache: ClipCache) -> None:
    engine = Tones(takes_s=0.05)
    narrator = Narrator(engine, cache)
    lines = [say(f"Line {number}.") for number in range(30)]
    narrator.follow(lines)
    narrator.duration_ms(lines[0])
    began_s = time.monotonic()
    while len(engine.asked) < 10 and time.monotonic() < began_s + 5:
        time.sleep(0.01)
    assert 10 <= len(engine.asked) <= 13
    assert sorted(engine.asked) == sorted(line.text for line in lines[: len(engine.asked)])
    for line in lines:
        narrator.duration_ms(line)
    assert len(engine.asked) == 30


def test_the_sentences_of_the_first_line_are_begun_first() -> None:
    engine = Tones(takes_s=0.05, features=frozenset({"parallel"}))
    narrator = Narrator(engine)
    lines = [say(f"First of {number}. Second of {number}. Third of {number}.") for number in range(8)]
    narrator.follow(lines)
    narrator.duration_ms(lines[0])
    assert {*engine.asked[:3]} == {"First of 0.", "Second of 0.", "Third of 0."}
    for line in lines:
        narrator.duration_ms(line)
    narrator.close()
    order = [engine.asked.index(f"First of {number}.") for number in range(8)]
    assert max(abs(place - 3 * number) for number, place in enumerate(order)) <= 5


def test_an_engine_that_hangs_keeps_no_place_from_others() -> None:
    engine = Failing(name="failing", how="hangs")
    turns, told = turns_of(engine), []
    for text in ("One.", "Two."):
        with pytest.raises(VoiceError) as caught:
            Line(engine, [as_written(text)], VoiceSettings(), patience_s=0.2, turns=turns).clip()
        told.append(str(caught.value))
    assert told == ["failing has not answered for 2 s."] * 2
    assert engine.asked == ["One.", "Two."]


def test_an_engine_that_can_speaks_several_sentences_at_once() -> None:
    engine = Tones(takes_s=0.3, features=frozenset({"parallel"}))
    began_s = time.monotonic()
    Narrator(engine).duration_ms(say("One sentence. Another one. A third. A fourth."))
    assert time.monotonic() - began_s < 0.9


def test_closing_ends_what_is_being_made(cache: ClipCache) -> None:
    engine = Tones(takes_s=1.0)
    narrator = Narrator(engine, cache)
    narrator.follow(say(f"Line {number}.") for number in range(30))
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            narrator.duration_ms(say("Line 0."))
        except BaseException as error:  # noqa: BLE001
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    began_s = time.monotonic()
    narrator.close()
    asking.join()
    assert time.monotonic() - began_s < 0.8
    assert [type(error) for error in caught] == [CanceledError]
    assert len(engine.asked) <= 4


def test_a_voice_that_never_repeats_itself_says_each_line_once(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path / "none", limit_bytes=0)
    engine = Tones(features=frozenset())
    narrator = Narrator(engine, cache)
    long = [Utterance(text=f"{number} " + "long " * 300, voice=VoiceSettings()) for number in range(8)]
    lengths = [narrator.duration_ms(utterance) for utterance in long]
    assert [len(narrator.samples(utterance)) // 48 for utterance in long] == lengths
    assert len(engine.asked) == 8


def test_sentences_are_spoken_alone_with_a_pause_between_them() -> None:
    engine = Tones(character_ms=50)
    samples = Narrator(engine).samples(say("Tilt your head. Hold for 30s, on a chair. Done."))
    assert engine.asked == ["Tilt your head.", "Hold for 30 seconds, on a chair.", "Done."]
    level = np.abs(samples[: len(samples) // 48 * 48].reshape(-1, 48)).max(axis=1)
    loud = np.flatnonzero(level > 0.01)
    gaps = np.diff(loud)[np.diff(loud) > 100]
    assert gaps == pytest.approx([480, 480], abs=15)
    assert loud[0] == pytest.approx(20, abs=6)
    assert len(level) - loud[-1] == pytest.approx(60, abs=8)


def test_words_are_those_that_were_written(cache: ClipCache) -> None:
    utterance = say("Hold for 30s. Then **relax**.")
    narrator = Narrator(Tones(character_ms=50), cache)
    for words in (narrator.words(utterance), Narrator(Tones(), cache).words(utterance)):
        assert [utterance.text[word.start : word.end] for word in words] == ["Hold", "for", "30s.", "Then", "relax"]
        assert all(one.end_ms <= after.start_ms for one, after in pairwise(words))
        assert words[0].start_ms == pytest.approx(20, abs=6)
        assert words[2].start_ms == pytest.approx(20 + 9 * 50, abs=6)
        assert words[-1].end_ms <= narrator.duration_ms(utterance)


@pytest.mark.parametrize(
    ("language", "written", "words"),
    [
        ("en", "**slowly** → now", ["slowly", "→", "now"]),
        ("de", "Ganz **langsam**.", ["Ganz", "langsam"]),
        ("en", "(*Softly*), `down`! ~~Not~~ _a_b_.", ["Softly", "down", "Not", "a_b"]),
        ("en", "(Softly), down! Not 30s.", ["(Softly),", "down!", "Not", "30s."]),
    ],
)
def test_words_have_no_markup_around_them(language: str, written: str, words: list[str]) -> None:
    utterance = Utterance(text=written, voice=VoiceSettings(language=language))
    found = Narrator(Tones(character_ms=50)).words(utterance)
    assert [written[word.start : word.end] for word in found] == words


@dataclass
class Short(Tones):
    """A neural voice: of one word it makes a drone, garbage or silence."""

    flaw: str = "drones"
    features: frozenset[Feature] = frozenset({"neural", "words", "repeatable"})

    def synthesize(self, text: str, settings: VoiceSettings, cancel: threading.Event | None = None) -> Clip:
        clip = super().synthesize(text, settings, cancel)
        if len(text.split()) > 3:
            return clip
        match self.flaw:
            case "drones":
                return replace(clip, samples=np.tile(clip.samples, 12))
            case "is distorted":
                return replace(clip, samples=np.sign(clip.samples))
        return replace(clip, samples=clip.samples * 0)


@pytest.mark.parametrize("flaw", ["drones", "is distorted", "is silent"])
def test_a_short_line_that_goes_wrong_is_cut_out_of_a_longer_one(flaw: str) -> None:
    engine = Short(character_ms=60, flaw=flaw)
    narrator, second, messages = narrated(engine)
    assert narrator.duration_ms(say("Left side.")) == pytest.approx(20 + 10 * 60 + 60, abs=8)
    assert engine.asked == ["Left side.", "Left side, Left side, Left side."]
    assert (second.asked, messages) == ([], [])


def test_a_short_line_is_made_again_by_a_voice_that_never_repeats_itself() -> None:
    engine = Short(character_ms=60, features=frozenset({"neural"}))
    narrator, second, messages = narrated(engine)
    narrator.duration_ms(say("Three."))
    assert (engine.asked, second.asked) == (["Three.", "Three."], ["Three."])
    assert messages == ['tones could not say "Three.": it took 4.4 s. Instead, second speaks.']


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
