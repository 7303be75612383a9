"""What is said in words: durations, lists, and how written shorthand is read aloud."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import voiceroutine.phrases
from voiceroutine.phrases import languages, phrases_for

ENGLISH = phrases_for("en")
READ = [
    ("30s", "30 seconds"),
    ("in the 1980s", "in the 19 eighties"),
    ("the 1990s", "the 19 nineties"),
    ("30 s", "30 seconds"),
    ("Hold 30s.", "Hold 30 seconds."),
    ("30 sec", "30 seconds"),
    ("30 sec. then relax", "30 seconds then relax"),
    ("90s", "90 seconds"),
    ("2x", "2 times"),
    ("2x10", "2 times 10"),
    ("3 x 10", "3 times 10"),
    ("3\u00d710", "3 times 10"),
    ("x2", "2 times"),
    ("10 x each side", "10 times each side"),
    ("1x", "once"),
    ("1x10", "1 times 10"),
    ("1.5x", "1.5 times"),
    ("3 sets x 10 reps", "3 sets of 10 repetitions"),
    ("10\u201315 s", "10 to 15 seconds"),
    ("10-15 seconds", "10 to 15 seconds"),
    ("10 - 15", "10 to 15"),
    ("10s-15s", "10 seconds to 15 seconds"),
    ("10 s \u2013 15 s", "10 seconds to 15 seconds"),
    ("1:30", "1 minute 30 seconds"),
    ("0:45", "45 seconds"),
    ("0:05", "5 seconds"),
    ("2:05", "2 minutes 5 seconds"),
    ("1:00", "1 minute"),
    ("0:00", "0 seconds"),
    ("1:30 min", "1 minute 30 seconds"),
    ("0:45 s", "45 seconds"),
    ("1:30-2:00", "1 minute 30 seconds to 2 minutes"),
    ("L/R", "left and right"),
    ("R/L", "right and left"),
    ("left/right", "left or right"),
    ("left / right", "left or right"),
    ("and/or", "or"),
    ("90/90", "90 90"),
    ("1/2", "one half"),
    ("1/3", "one third"),
    ("3/4", "three quarters"),
    ("3/10", "3 out of 10"),
    ("24/7", "24 7"),
    ("#3", "number 3"),
    ("# 3", "3"),
    ("~20s", "about 20 seconds"),
    ("~ 20 s", "about 20 seconds"),
    ("approx. 5", "about 5"),
    ("approx 5 s", "about 5 seconds"),
    ("approx.5", "about 5"),
    ("vs.", "versus"),
    ("left vs. right", "left versus right"),
    ("**bold**", "bold"),
    ("*gently*", "gently"),
    ("__slow__", "slow"),
    ("`x`", "x"),
    ("A → B", "A, then B"),
    ("→ lift", "lift"),
    ("lift →", "lift"),
    ("A -> B", "A, then B"),
    ("A => B", "A, then B"),
    ("Well done 👍🏽", "Well done"),
    ("1\ufe0f\u20e3 Lift", "1 Lift"),
    ("5m", "5 minutes"),
    ("1h30", "1 hour 30 minutes"),
    ("1h30m", "1 hour 30 minutes"),
    ("1h 30m", "1 hour 30 minutes"),
    ("1h30m15s", "1 hour 30 minutes 15 seconds"),
    ("1m30s", "1 minute 30 seconds"),
    ("1m30", "1 minute 30 seconds"),
    ("1 h 30 min", "1 hour 30 minutes"),
    ("2 min", "2 minutes"),
    ("1 min", "1 minute"),
    ("1 s", "1 second"),
    ("1 sec", "1 second"),
    ("21 s", "21 seconds"),
    ("1.5 min", "1.5 minutes"),
    ("0.1 s", "0.1 seconds"),
    ("1 rep", "1 repetition"),
    ("8 reps", "8 repetitions"),
    ("10 reps/side", "10 repetitions per side"),
    ("30 s/side", "30 seconds per side"),
    ("3x/week", "3 times per week"),
    ("10/side", "10 per side"),
    ("w/ a towel", "with a towel"),
    ("w/o shoes", "without shoes"),
    ("chest & arms", "chest and arms"),
    ("30s/15s", "30 seconds 15 seconds"),
    ("4-7-8 breathing", "4 7 8 breathing"),
    ("4-4-4-4", "4 4 4 4"),
    ("10-sec hold", "10-second hold"),
    ("5-min break", "5-minute break"),
    ("10-15-second hold", "10 to 15-second hold"),
    ("½ min", "half a minute"),
    ("1½ min", "1.5 minutes"),
    ("1 1/2 min", "1.5 minutes"),
    ("1 1/2", "1 and a half"),
    ("½", "one half"),
    ("5 cm", "5 centimeters"),
    ("1 kg", "1 kilogram"),
    ("≥ 30 s", "at least 30 seconds"),
    ("L4-5", "L4 to 5"),
    ("30-s hold", "30-second hold"),
    ("2 h 30 s", "2 hours 30 seconds"),
    ("1 h 10 reps", "1 hour 10 repetitions"),
    ("- Lift", "Lift"),
    ("• Lift", "Lift"),
    ("# Title", "Title"),
    ("neck\u00adroll", "neckroll"),
    ("5 s.", "5 seconds."),
    ("(30s)", "(30 seconds)"),
    ("30s,", "30 seconds,"),
    ("1\u20132 min", "1 to 2 minutes"),
    ("3x10s", "3 times 10 seconds"),
    ("5-10x", "5 to 10 times"),
    ("10-12 reps", "10 to 12 repetitions"),
    ("2\u20133 sets", "2 to 3 sets"),
    ("2 x 30 s each side", "2 times 30 seconds each side"),
    ("left/right/centre", "left or right or centre"),
    ("Q&A", "Q and A"),
    ("20-30°", "20 to 30°"),
    ("8-10/side", "8 to 10 per side"),
    ("10 x/day", "10 times per day"),
    ("1 h", "1 hour"),
    ("1.5 h", "1.5 hours"),
    ("0 s", "0 seconds"),
    ("3 sets \u00d7 12", "3 sets of 12"),
    ("T4/T5", "T4 T5"),
    ("120 s", "120 seconds"),
    ("1200 s", "1200 seconds"),
    ("Hold 10 sec. Then rest.", "Hold 10 seconds. Then rest."),
    ("10 s hold, 5 s rest", "10 seconds hold, 5 seconds rest"),
    ("- Lift\n- Lower", "Lift Lower"),
    ("a\tb\n\nc", "a b c"),
    ("bell\x07", "bell"),
    ("\ud800 lift", "lift"),
    ("\u200blift\ufeff", "lift"),
    ("e\u0301tire\u0301", "\u00e9tir\u00e9"),
]
UNTOUCHED = [
    "at 10:30 am",
    "Approximately 5",
    "Look left - then right",
    "a 10-second hold",
    "cat-cow",
    "T-spine",
    "e.g.",
    "e.g. a towel",
    "20-year-old",
    "i.e.",
    "Dr. Who",
    "10,000",
    "1.5",
    "1st",
    "50%",
    "90°",
    "C5-C6",
    "it's 5 o'clock",
    "x-ray",
    "a_b",
    "1 minute",
    "Sit tall.",
    "Breathe in - and out.",
    "Hold for 30 seconds.",
    "a 5-minute rest",
    "Let go; rest.",
    "x",
    "Turn right, then left",
    "mid-back",
    "warm-up",
    "self-massage",
    "one-legged",
    "C7",
    "Well done…",
    "at 7:15 a.m.",
    "3.5",
    "120 degrees",
    "push-ups",
    "Keep your arms (and hands) soft.",
]
SHORTHAND = (
    "30s 2x x 3 10 \u2013 - to 1:30 0:45 L/R / # ~ \u2192 ** _ * approx. vs. 5m 1h30 min s 1 \u00bd half times sets "
    "w/ w/o & -> \U0001f600 sec. reps side . , ( ) kg 0 : h m 1/2 per -sec e \u0301 \u200d"
)
PIECES = st.sampled_from([*SHORTHAND.split(" "), "\n", "- "]) | st.text(max_size=3)
WRITTEN = st.text() | st.lists(st.tuples(PIECES, st.sampled_from(["", " "]))).map(
    lambda pieces: "".join(piece + space for piece, space in pieces)
)


@pytest.mark.parametrize(("written", "spoken"), READ)
def test_shorthand_is_read_in_words(written: str, spoken: str) -> None:
    assert ENGLISH.read_aloud(written).text == spoken


@pytest.mark.parametrize("sentence", UNTOUCHED)
def test_ordinary_words_stay_as_they_are(sentence: str) -> None:
    assert ENGLISH.read_aloud(sentence).text == sentence


@settings(max_examples=300, deadline=None)
@example("1h30m15s")
@example("# # # - * 1 times")
@given(WRITTEN)
def test_reading_twice_changes_nothing(written: str) -> None:
    once = ENGLISH.read_aloud(written).text
    assert ENGLISH.read_aloud(once).text == once


@settings(max_examples=200, deadline=None)
@given(WRITTEN)
def test_a_letter_or_digit_always_leaves_something_to_say(written: str) -> None:
    if any(character.isalnum() for character in written):
        assert ENGLISH.read_aloud(written).text


def test_symbols_alone_are_silent() -> None:
    assert ENGLISH.read_aloud("\U0001f600 \U0001f44d\U0001f3fd").text == ""
    assert ENGLISH.read_aloud("").text == ""


@pytest.mark.parametrize("written", ["*" * 2000, "- " * 1000, "1-" * 1000, "/" * 2000, " " * 2000 + "&", "1:" * 1000])
def test_the_longest_text_is_read_in_no_time(written: str) -> None:
    assert ENGLISH.read_aloud(ENGLISH.read_aloud(written).text).text == ENGLISH.read_aloud(written).text


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (0, "zero seconds"),
        (1, "0.001 seconds"),
        (500, "0.5 seconds"),
        (1_000, "one second"),
        (2_500, "2.5 seconds"),
        (30_000, "thirty seconds"),
        (59_999, "59.999 seconds"),
        (60_000, "one minute"),
        (61_000, "one minute and one second"),
        (90_000, "one and a half minutes"),
        (150_000, "two minutes and thirty seconds"),
        (3_600_000, "one hour"),
        (3_690_000, "one hour, one minute and thirty seconds"),
        (5_400_000, "one hour and thirty minutes"),
        (14_400_000, "four hours"),
    ],
)
def test_a_duration_in_words(duration_ms: int, words: str) -> None:
    assert ENGLISH.duration(duration_ms) == words


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (0, "one minute"),
        (89_999, "one minute"),
        (90_000, "two minutes"),
        (150_000, "three minutes"),
        (3_600_000, "sixty minutes"),
        (5_400_000, "90 minutes"),
    ],
)
def test_whole_minutes_in_words(duration_ms: int, words: str) -> None:
    assert ENGLISH.minutes(duration_ms) == words


@pytest.mark.parametrize(
    ("things", "words"),
    [
        ([], ""),
        (["a chair"], "a chair"),
        (["a chair", "a wall"], "a chair and a wall"),
        (["a chair", "a wall", "a towel"], "a chair, a wall and a towel"),
    ],
)
def test_a_list_in_words(things: list[str], words: str) -> None:
    assert ENGLISH.listing(things) == words


def test_numbers_have_words_up_to_sixty() -> None:
    assert [ENGLISH.number(number) for number in (0, 1, 21, 60)] == ["zero", "one", "twenty-one", "sixty"]
    assert [ENGLISH.number(number) for number in (-1, 61)] == ["-1", "61"]
    assert len(ENGLISH.number_words) == len(set(ENGLISH.number_words)) == 61


def test_a_language_is_found_by_the_first_part_of_its_tag() -> None:
    assert phrases_for("EN-us") == phrases_for("en")
    assert phrases_for("de-AT") == phrases_for("de")
    assert languages() == ("de", "en", "es", "fr", "ru")


def test_a_language_file_of_a_region_comes_before_that_of_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    english = (Path(voiceroutine.phrases.__file__).parent / "en.toml").read_text(encoding="utf-8")
    for tag in ("pt", "pt-BR"):
        text = re.sub('^voice = ".*"', f'voice = "{tag}"', english, flags=re.MULTILINE)
        (tmp_path / f"{tag}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(voiceroutine.phrases, "_FOLDER", tmp_path)
    tags = ("pt", "pt-BR", "PT-br", "pt-PT")
    assert [phrases_for.__wrapped__(tag).voice for tag in tags] == ["pt", "pt-BR", "pt-BR", "pt"]


def test_a_language_without_a_file_is_refused() -> None:
    with pytest.raises(KeyError, match="'pl-PL'"):
        phrases_for("pl-PL")
