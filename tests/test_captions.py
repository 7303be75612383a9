"""Captions: what is written, when it is heard, in lines that can be read; and files that others can parse."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import SAMPLERATE_HZ, level_dbfs
from strategies import Session, sessions
from timetable import WHERE, hold, in_phases, routine_of, timeline_of

from voiceroutine.cues import Speech, Utterance
from voiceroutine.exporting.captions import LINE_LETTERS, Caption, Shown, captions_of, no_words
from voiceroutine.exporting.lyrics import lyrics_text, safety_line, verses_of
from voiceroutine.exporting.subtitles import lrc_text, srt_text, vtt_text
from voiceroutine.production import Production, Wishes, load
from voiceroutine.routine import During, Say, VoiceSettings
from voiceroutine.timeline import Timeline
from voiceroutine.unroll import unroll
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from listening import Samples

    from voiceroutine.words import Word

LONG = (
    "Lie on your back with your knees bent, let both arms rest beside you with the palms up, and feel how the floor "
    "carries your whole weight while your breath becomes slow and even."
)
CLOCK = r"(\d\d):(\d\d):(\d\d)[.,](\d\d\d)"


def texts(captions: Sequence[Caption]) -> list[str]:
    """Return each caption as one line: its sign, and its rows with a bar between them."""
    rows = (((caption.sign,) if caption.sign else ()) + caption.rows for caption in captions)
    return [" | ".join("".join(word.text for word in row) for row in one) for one in rows]


def said(*sentences: str, **changes: int) -> list[Caption]:
    """Return the captions of sentences that are said one after the other."""
    timeline = timeline_of(routine_of(*(Say(where=WHERE, text=text) for text in sentences), profile="quiet"), **changes)
    return [caption for caption in captions_of(timeline, no_words, "en") if caption.rows][: len(sentences) * 9]


def ms(match: Sequence[str]) -> int:
    hours, minutes, seconds, milliseconds = map(int, match)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def parsed(text: str) -> list[tuple[int, int, list[str]]]:
    """Parse SubRip and WebVTT: blocks between blank lines, with a line of times."""
    cues = []
    for block in re.split(r"\n\n+", text.strip("\n")):
        lines = block.split("\n")
        times = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if times is not None:
            match = re.fullmatch(f"{CLOCK} --> {CLOCK}", lines[times])
            assert match
            cues.append((ms(match.groups()[:4]), ms(match.groups()[4:]), lines[times + 1 :]))
    return cues


def test_a_sentence_is_a_caption_and_a_long_one_is_two_rows_that_break_at_a_clause() -> None:
    [first, second, third, *_] = said(
        "Sit tall. Breathe in.", "Lift both arms, then let them slowly sink to the floor."
    )
    assert texts([first, second]) == ["Sit tall.", "Breathe in."]
    assert texts([third]) == ["Lift both arms, | then let them slowly sink to the floor."]


def test_a_very_long_sentence_is_several_captions_cut_at_clauses() -> None:
    captions = said(LONG, lie=10_000)[:3]
    assert texts(captions) == [
        "Lie on your back with your knees bent, | let both arms rest",
        "beside you with the palms up, | and feel how the floor carries",
        "your whole weight while your | breath becomes slow and even.",
    ]
    for one, following in pairwise(captions):
        assert one.end_ms == following.start_ms


def test_what_is_written_is_shown_and_not_what_is_spoken() -> None:
    assert texts(said("Hold 30s, 2x10 reps (L/R).")[:1]) == ["Hold 30s, 2x10 reps (L/R)."]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abcdefghij,.", min_size=1, max_size=50), min_size=1, max_size=60))
def test_rows_are_never_too_long_and_nothing_is_lost(words: list[str]) -> None:
    text = " ".join(words)
    utterance = Utterance(text=text, voice=VoiceSettings())
    speech = Speech(at_ms=1_000, duration_ms=600_000, utterance=utterance, why="say")
    timeline = Timeline(title="T", intervals=(), cues=(speech,), chapters=(), duration_ms=700_000, problems=())
    captions = captions_of(timeline, no_words, "en")
    rows = ["".join(word.text for word in row) for caption in captions for row in caption.rows]
    assert max(map(len, rows)) <= LINE_LETTERS
    assert max(len(caption.rows) for caption in captions) <= 2
    if any(character.isalpha() for character in text):
        assert "".join(rows).replace(" ", "") == text.replace(" ", "")


@settings(max_examples=100, deadline=None)
@given(sessions())
def test_of_any_session_captions_stand_one_after_the_other(session: Session) -> None:
    timeline = session.timeline()
    captions = captions_of(timeline, no_words, "en")
    for one, following in pairwise(captions):
        assert one.end_ms <= following.start_ms
    assert all(0 <= caption.start_ms < caption.end_ms for caption in captions)
    assert all(caption.end_ms <= timeline.duration_ms for caption in captions if caption.rows)
    heard = {cue.at_ms for cue in timeline.cues if isinstance(cue, Speech) and cue.duration_ms}
    assert {caption.start_ms for caption in captions if caption.rows} >= heard
    assert [(start_ms, end_ms) for start_ms, end_ms, _ in parsed(srt_text(captions))] == [
        (start_ms, end_ms) for start_ms, end_ms, _ in parsed(vtt_text(captions, "en"))
    ]


def test_chimes_are_captioned_by_what_they_mean() -> None:
    timeline = timeline_of(routine_of(hold(30_000, sides=("right", "left")), profile="quiet", halfway="chime"))
    captions = captions_of(timeline, no_words, "en")
    signs = [text for text in texts(captions) if text.startswith("[")]
    assert signs == [
        "[start]",
        "[halfway]",
        "[3 · 2 · 1]",
        "[change sides]",
        "[change sides] | Left side.",
        "[start]",
        "[halfway]",
        "[3 · 2 · 1]",
        "[end]",
        "[end] | That was all.",
        "[finished]",
    ]


def test_chimes_are_captioned_in_the_language_of_the_routine() -> None:
    timeline = timeline_of(routine_of(hold(9_000), profile="bell"))
    assert texts(captions_of(timeline, no_words, "de"))[1:] == ["[Start]", "[3 · 2 · 1]", "[Ende]", "[fertig]"]


def test_a_countdown_is_one_caption_over_its_seconds() -> None:
    timeline = timeline_of(routine_of(hold(30_000), countdown_s=5, profile="bell"))
    counted = next(one for one in captions_of(timeline, no_words, "en") if texts([one]) == ["[5 · 4 · 3 · 2 · 1]"])
    work = next(placed for placed in timeline.intervals if placed.interval.exact)
    assert (counted.start_ms, counted.end_ms) == (work.end_ms - 5_000, work.end_ms)
    assert [word.at_ms for word in counted.sign] == [work.end_ms - left_ms for left_ms in range(5_000, 0, -1_000)]


def test_where_nobody_speaks_what_comes_is_captioned_and_so_is_what_the_author_says() -> None:
    fold = hold(9_000, sides=("right", "left"), relax_ms=0)
    timeline = timeline_of(routine_of(Say(where=WHERE, text="Take your time."), fold, profile="bell"))
    assert texts(captions_of(timeline, no_words, "en")) == [
        "Take your time.",
        "[Fold, right]",
        "[start]",
        "[3 · 2 · 1]",
        "[Fold, left]",
        "[start]",
        "[3 · 2 · 1]",
        "[end]",
        "[finished]",
    ]


def test_the_ticks_of_short_reps_are_not_captioned() -> None:
    captions = captions_of(timeline_of(routine_of(in_phases((None, 1_000), reps=4), profile="bell")), no_words, "en")
    assert texts(captions) == ["[Roll]", "[finished]"]


def test_a_chime_under_words_is_shown_above_them() -> None:
    during = (During(where=WHERE, at_ms=10_000, say="Soften."), During(where=WHERE, at_ms=10_400, chime="bell"))
    captions = captions_of(timeline_of(routine_of(hold(19_000, during=during))), no_words, "en")
    assert "[♪] | Soften." in texts(captions)


def test_words_have_their_instants_only_where_the_voice_tells() -> None:
    def told(utterance: Utterance) -> Sequence[Word]:
        return words_at(utterance.text, [(0, 100), (4, 600)], 0, 1_000)

    timeline = timeline_of(routine_of(Say(where=WHERE, text="Sit tall now."), profile="bell"))
    [known, *_] = captions_of(timeline, told, "en")
    [unknown, *_] = captions_of(timeline, no_words, "en")
    at_ms = known.start_ms
    assert known.rows == (
        (
            Shown(text="Sit ", at_ms=at_ms + 100),
            Shown(text="tall ", at_ms=at_ms + 600),
            Shown(text="now.", at_ms=at_ms + 725),
        ),
    )
    assert [word.at_ms for word in unknown.rows[0]] == [None, None, None]


CUES = [
    Caption(start_ms=1_000, end_ms=2_500, sign=(Shown(text="[start]"),)),
    Caption(
        start_ms=3_661_001,
        end_ms=3_662_500,
        rows=(
            (Shown(text="Tilt <b>& ", at_ms=3_661_021), Shown(text="hold", at_ms=3_661_500)),
            (Shown(text="{\\an8}-->"),),
        ),
    ),
]


def test_subrip_as_it_is_written() -> None:
    assert srt_text(CUES) == (
        "1\n00:00:01,000 --> 00:00:02,500\n[start]\n\n2\n01:01:01,001 --> 01:01:02,500\nTilt < b>& hold\n{ \\an8}→\n"
    )


def test_webvtt_as_it_is_written() -> None:
    assert vtt_text(CUES, "pt-BR") == (
        "WEBVTT\nKind: captions\nLanguage: pt-BR\n\n"
        "00:00:01.000 --> 00:00:02.500\n[start]\n\n"
        "01:01:01.001 --> 01:01:02.500\n"
        "<01:01:01.021>Tilt &lt;b&gt;&amp; <01:01:01.500>hold\n{\\an8}--&gt;\n"
    )


def test_lyrics_as_they_are_written() -> None:
    assert lrc_text(CUES, title="A [b]", artist="Me\nYou", language="en", duration_ms=3_700_000) == (
        "[ti:A (b)]\n[ar:Me You]\n[la:en]\n[length:61:40]\n[re:voiceroutine]\n"
        "[61:01.00]<61:01.02>Tilt (b)& <61:01.50>hold {\\an8}--)\n[61:02.50]\n"
    )
    untimed = [
        Caption(start_ms=59_996, end_ms=61_000, rows=((Shown(text="One "), Shown(text="two")), (Shown(text="three"),)))
    ]
    assert lrc_text(untimed, title="T", artist="A", language="en", duration_ms=0).splitlines()[5:] == [
        "[01:00.00]One two three",
        "[01:01.00]",
    ]


def test_webvtt_says_what_was_written_when_its_marks_are_taken_out() -> None:
    captions = said("Is 3 < 5 & 5 > 3?")[:1]
    [(_, _, lines)] = parsed(vtt_text(captions, "en"))
    assert [unescape(re.sub(r"<[\d:.]+>", "", line)) for line in lines] == ["Is 3 < 5 & 5 > 3?"]


def speech_of(production: Production, timeline: Timeline) -> Samples:
    """Return what is said, without chimes."""
    mix = production.mix([cue for cue in timeline.cues if isinstance(cue, Speech)])
    return mix.read(0, np.empty(timeline.duration_ms * SAMPLERATE_HZ // 1000, np.float32))


def loudest_dbfs(samples: Samples, from_ms: int, to_ms: int) -> float:
    """Return the level of the loudest 10 ms."""
    per_ms = SAMPLERATE_HZ // 1000
    return max(level_dbfs(samples[at * per_ms : (at + 10) * per_ms]) for at in range(from_ms, to_ms, 10))


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("neck-cooldown", "en"),
        *(pytest.param("neck-cooldown", language, marks=pytest.mark.slow) for language in ("de", "es", "fr", "ru")),
        pytest.param("neck-complete", "en", marks=pytest.mark.slow),
    ],
)
def test_captions_begin_and_end_with_the_voice_within_100_ms(name: str, language: str) -> None:
    production = Production(load(name, Wishes(language=language)))
    try:
        timeline = production.timeline()
        samples = speech_of(production, timeline)
        captions = [one for one in captions_of(timeline, production.narrator.words, language) if one.rows]
    finally:
        production.close()
    assert len(captions) > 60
    ends = {cue.end_ms for cue in timeline.cues if isinstance(cue, Speech)}
    begins = {cue.at_ms for cue in timeline.cues if isinstance(cue, Speech)}
    for before, caption in pairwise(captions):
        start_ms, end_ms = caption.start_ms, caption.end_ms
        is_new_sentence = start_ms in begins or "".join(before.rows[-1][-1].text).endswith((".", "!", "?"))
        assert loudest_dbfs(samples, start_ms, start_ms + 100) > -40, texts([caption])
        if is_new_sentence:
            assert loudest_dbfs(samples, start_ms - 200, start_ms - 100) < -45, texts([caption])
        if end_ms in ends:
            assert loudest_dbfs(samples, end_ms - 100, end_ms) > -50, texts([caption])
            assert loudest_dbfs(samples, end_ms, end_ms + 100) < -60, texts([caption])


def test_each_word_of_a_caption_lies_in_it() -> None:
    production = Production(load("neck-cooldown"))
    try:
        captions = captions_of(production.timeline(), production.narrator.words, "en")
    finally:
        production.close()
    timed = [(caption, word) for caption in captions for row in caption.rows for word in row if word.at_ms is not None]
    assert len(timed) > 200
    assert [word.text for caption, word in timed if not caption.start_ms <= (word.at_ms or 0) < caption.end_ms] == []


def test_lyrics_have_chapters_as_headings_and_a_line_a_sentence() -> None:
    routine = routine_of(Say(where=WHERE, text="Sit  tall. Breathe."), hold(5_000, instruction="Bend."))
    timeline = timeline_of(routine)
    assert lyrics_text(timeline, "en") == (
        "Introduction\nSmall.\nAbout one minute.\nSit tall.\nBreathe.\n\nFold\nFold.\nBend.\nThat was all.\nWell done."
    )
    assert len(verses_of(timeline, "en")) == len(timeline.chapters) == 2


def test_the_safety_line_is_the_authors_or_that_of_the_language(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('title = "T"\nlanguage = "de"\n[[steps]]\nname = "N"\nhold = "60s"\n', encoding="utf-8")
    routine = load(str(file))
    assert safety_line(routine, unroll(routine)).startswith("Bewege dich langsam und bleib bei einer sanften Dehnung.")
    own = '[phrases]\nsafety = "Slowly, for {total}."\n'
    file.write_text(f'title = "T"\n{own}[[steps]]\nname = "N"\nhold = "60s"\n', encoding="utf-8")
    routine = load(str(file))
    assert safety_line(routine, unroll(routine)) == "Slowly, for one minute."
