"""Reading aloud: what is said, checked through espeak's phonemes; which written words it stands for; its sentences."""
# ruff: noqa: RUF001  the texts are in several languages

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonemes import phonemes

from voiceroutine.phrases import languages, phrases_for
from voiceroutine.reading import Reader, Rule, Spoken, as_written

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "30"))
TABLES = Path(__file__).parent / "reading"
ENGLISH = phrases_for("en")


def cases(language: str) -> list[tuple[str, str]]:
    r"""Return what is written, with `\n` for a new line, and how a person says it; other lines are headings."""
    lines = (TABLES / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line)
    return [(written.replace("\\n", "\n"), expected) for written, expected in pairs]


@pytest.mark.parametrize("language", languages())
def test_there_are_150_different_cases_in_each_language(language: str) -> None:
    written = [written for written, _ in cases(language)]
    assert len(written) == len(set(written)) >= 150


@pytest.mark.parametrize("language", languages())
def test_it_sounds_as_a_person_reads_it(language: str) -> None:
    phrases = phrases_for(language)
    spoken = [phrases.read_aloud(written).text for written, _ in cases(language)]
    expected = [expected for _, expected in cases(language)]
    heard = zip(spoken, expected, phonemes([*spoken], phrases.voice), phonemes(expected, phrases.voice), strict=True)
    assert [(said, should_be) for said, should_be, one, other in heard if one != other] == []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "30 seconds", "thirteen seconds"),
        ("de", "zweiter Satz", "zwei Satz"),
        ("es", "veintiún minutos", "veintiuno minutos"),
        ("fr", "une minute", "un minute"),
        ("ru", "две минуты", "два минуты"),
        ("ru", "5 минуты", "5 минут"),
        ("ru", "21 минута", "двадцать одна минута"),
    ],
)
def test_what_differs_to_a_listener_is_heard(language: str, one: str, other: str) -> None:
    assert len(set(phonemes([one, other], phrases_for(language).voice))) == 2


@pytest.mark.parametrize(
    ("written", "pronounce", "spoken"),
    [
        ("Use the TRX for 30s.", {"trx": "tee are ex"}, "Use the tee are ex for 30 seconds."),
        ("**Scalenes** soften.", {"scalenes": "skay leens"}, "skay leens soften."),
        ("the cafe\u0301", {"caf\u00e9": "kaffay"}, "the kaffay"),
        ("Bow, then bow 2x.", {"bow": "bough"}, "bough, then bough 2 times."),
        ("Rainbow", {"bow": "bough"}, "Rainbow"),
        ("Hold 30s", {"30s": "half a minute"}, "Hold half a minute"),
        ("the HIIT set", {"HIIT": "H I I T"}, "the H I I T set"),
        ("upper trap", {"trap": "trapeze", "upper trap": "top of the trap"}, "top of the trap"),
    ],
)
def test_the_author_s_words_come_first(written: str, pronounce: dict[str, str], spoken: str) -> None:
    assert ENGLISH.read_aloud(written, tuple(pronounce.items())).text == spoken


def words(spoken: Spoken) -> Iterator[tuple[str, str, int]]:
    """Yield each spoken word, what was written for it, and where that begins."""
    start = 0
    for word in spoken.text.split(" "):
        begin, end = spoken.written_span(start, start + len(word))
        yield word, spoken.written[begin:end], begin
        start += len(word) + 1


@pytest.mark.parametrize(
    ("written", "spans"),
    [
        ("Sit tall.", "Sit=Sit tall.=tall."),
        ("Hold 30s.", "Hold=Hold 30=30 seconds.=s."),
        ("1:30", "1=1 minute=1:30 30=30 seconds=30"),
        ("**Soft** 3x10", "Soft=Soft 3=3 times=3x 10=10"),
        ("~20s", "about=~ 20=20 seconds=s"),
        ("L/R", "left=L/R and=L/R right=L/R"),
        ("e.g. 3/4", "e.g.=e.g. three=3/4 quarters=3/4"),
        ("a  [mat](http://m.org)\n🙂 b", "a=a mat=mat b=b"),
        ("approx. 5 cm", "about=approx. 5=5 centimeters=cm"),
        ("then cafe\u0301!", "then=then caf\u00e9!=cafe\u0301!"),
        ('Rest 90" and sit', 'Rest=Rest 90=90 seconds=90" and=and sit=sit'),
        ("use scalenes", "use=use skay=scalenes leens=scalenes"),
    ],
)
def test_each_spoken_word_knows_what_was_written(written: str, spans: str) -> None:
    spoken = ENGLISH.read_aloud(written, (("scalenes", "skay leens"),))
    assert " ".join(f"{word}={source}" for word, source, _ in words(spoken)) == spans


def test_a_part_keeps_the_spans_of_the_whole_text() -> None:
    spoken = ENGLISH.read_aloud("Sit. Hold 5s.")
    hold = spoken.part(5, len(spoken.text))
    assert hold.text == "Hold 5 seconds."
    assert hold.written_span(7, 14) == (11, 12)
    assert hold.written_span(0, 15) == (5, 13)
    assert hold.written_span(7, 7) == (11, 11)
    assert hold.written_span(15, 15) == (13, 13)


def test_groups_may_be_said_in_another_order() -> None:
    reader = Reader(rules=(Rule(written=r"(\w+)\|(\w+)", spoken=r"\2 before \g<1>0", needs="|"),))
    spoken = reader.read("x a|b")
    assert spoken.text == "x b before a0"
    assert [spoken.written_span(*span) for span in ((2, 3), (4, 10), (11, 12), (12, 13))] == [
        *((4, 5), (4, 5), (2, 3), (4, 5)),
    ]


SHORTHAND = (
    "30s 1:30 0:45 3x10 10-15 s 10–15 1/2 ½ ~ → & + ± = > < -5 90° 50% #3 $5 5' 90\" L/R kg m 1,5 1.5 10.000 **x** _ ` "
    "[a](b) # - • \n . … ... ! ? z. B. e.g. т. е. p. ej. env. Sek. мин. повт. 3. Satz 2-й 1er 1.ª 🙂 "
    "e\u0301 \u200d \u00ad word Wort слово до около у (R) https://a.org/b me@a.org 1990s Uhr h min"
)
PIECES = st.sampled_from([*SHORTHAND.split(" "), "\n"]) | st.text(max_size=4)
WRITTEN = st.text(max_size=60) | st.lists(st.tuples(PIECES, st.sampled_from(["", " "])), max_size=14).map(
    lambda pieces: "".join(piece + gap for piece, gap in pieces)
)


@pytest.mark.parametrize("language", languages())
@settings(max_examples=EXAMPLES, deadline=None)
@given(written=WRITTEN)
def test_spans_lie_inside_and_go_forward(language: str, written: str) -> None:
    spoken = phrases_for(language).read_aloud(written)
    assert len(spoken.text) == len(spoken.starts) == len(spoken.ends)
    assert all(0 <= start < end <= len(written) for start, end in zip(spoken.starts, spoken.ends, strict=True))
    begins = [begin for _, _, begin in words(spoken)] if spoken.text else []
    assert begins == sorted(begins)


@pytest.mark.parametrize("language", languages())
@settings(max_examples=EXAMPLES, deadline=None)
@given(written=WRITTEN)
def test_reading_twice_changes_nothing(language: str, written: str) -> None:
    once = phrases_for(language).read_aloud(written).text
    assert phrases_for(language).read_aloud(once).text == once


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.text("abcdefgh", min_size=3), min_size=1), WRITTEN)
def test_words_that_no_rule_touches_stand_for_themselves(before: list[str], after: str) -> None:
    plain = " ".join(before)
    spoken = ENGLISH.read_aloud(f"{plain} quiet zebra; {after}")
    place = spoken.text.index("quiet zebra")
    assert spoken.text[:place] == f"{plain} "
    assert all(spoken.written_span(at, at + 1) == (at, at + 1) for at in range(place + len("quiet zebra")))


@pytest.mark.parametrize(
    ("language", "written", "sentences"),
    [
        ("en", "Sit tall. Breathe in! Ready? Good… Go", "Sit tall.|Breathe in!|Ready?|Good…|Go"),
        ("en", "Hold 1.5 min. Rest.", "Hold 1.5 minutes.|Rest."),
        ("en", "Use a prop, e.g. A towel. Go.", "Use a prop, e.g. A towel.|Go."),
        ("en", "Ask Dr. Smith. Then J. R. Jones.", "Ask Dr. Smith.|Then J. R. Jones."),
        ("en", "Arms, legs, etc. Then rest.", "Arms, legs, et cetera.|Then rest."),
        ("en", "Wait... and go.", "Wait... and go."),
        ("en", "Wait... Then go.", "Wait...|Then go."),
        ("en", 'Say "now." Then rest.', 'Say "now."|Then rest.'),
        ("en", "1. Lift. 2. Lower.", "1. Lift.|2. Lower."),
        ("en", "- Lift\n- Lower", "Lift|Lower"),
        ("en", "Sit tall and\nbreathe.", "Sit tall and breathe."),
        ("en", "Good. 1 min rest.", "Good.|1 minute rest."),
        ("en", "Relax. Scalenes next.", "Relax.|skay leens next."),
        ("en", "… Go. !!! ?", "… Go. !!! ?"),
        ("en", "Go!\n?\n...\nRest.", "Go! ? ...|Rest."),
        ("en", "?! …", ""),
        ("en", "", ""),
        ("de", "Nimm z. B. Ein Tuch. Dann ruh.", "Nimm zum Beispiel Ein Tuch.|Dann ruh."),
        ("de", "Beim 3. Satz ruhst du. Gut.", "Beim dritten Satz ruhst du.|Gut."),
        ("de", "Heute ist der 3. Advent. Gut.", "Heute ist der 3. Advent.|Gut."),
        ("de", "Zähle bis 10. Dann ruh.", "Zähle bis 10.|Dann ruh."),
        ("de", "Arme usw. Dann ruh.", "Arme und so weiter.|Dann ruh."),
        ("es", "Usa p. ej. Una toalla. Ya.", "Usa por ejemplo Una toalla.|Ya."),
        ("es", "¿Lista? ¡Vamos! Ya.", "¿Lista?|¡Vamos!|Ya."),
        ("fr", "Prenez M. Martin. Bien.", "Prenez monsieur Martin.|Bien."),
        ("ru", "Это т. е. Так. Всё.", "Это то есть Так.|Всё."),
        ("ru", "Руки и т. д. Отдых.", "Руки и так далее.|Отдых."),
        ("ru", "А. С. Иванов. Всё.", "А. С. Иванов.|Всё."),
    ],
)
def test_a_text_is_parted_where_sentences_end(language: str, written: str, sentences: str) -> None:
    phrases = phrases_for(language)
    spoken = phrases.read_aloud(written, (("scalenes", "skay leens"),))
    assert "|".join(part.text for part in phrases.sentences(spoken)) == sentences


def test_an_abbreviation_that_was_not_read_ends_no_sentence() -> None:
    german = phrases_for("de")
    assert [part.text for part in german.sentences(as_written("Etwa z. B. Tuch. Gut."))] == ["Etwa z. B. Tuch.", "Gut."]


@pytest.mark.parametrize("language", languages())
@settings(max_examples=EXAMPLES, deadline=None)
@example(written="a. \n")
@given(written=WRITTEN)
def test_sentences_are_the_whole_text_and_each_has_something_to_say(language: str, written: str) -> None:
    phrases = phrases_for(language)
    spoken = phrases.read_aloud(written)
    parts = phrases.sentences(spoken)
    assert all(any(map(str.isalnum, part.text)) and part.text == part.text.strip() for part in parts)
    assert " ".join(part.text for part in parts) == (spoken.text if any(map(str.isalnum, spoken.text)) else "")
    assert all(one.written_span(0, 1)[0] <= other.written_span(0, 1)[0] for one, other in pairwise(parts))


NASTY = (
    *("*", "_*", "- ", "[", "[](", "](", "'", '"', "1", "1 ", "1-", "1:", "1.", "1,", "1/", "1x", "1'", '1"', "/", " "),
    *(
        "\n",
        ". ",
        "a.",
        "a.b@",
        "1 000 ",
        "0:",
        "&",
        "→",
        "->",
        "(L)",
        "e\u0301",
        "\u0301",
        "1^",
        "те^",
        "z. ",
        "\u1100",
    ),
    *(
        "1 bis ",
        "с 1 до ",
        "1/2",
        "½",
        "°",
        "30s ",
        "… ",
        "> ",
        "~",
        "=",
        "a.org/",
        "https://",
        "\u200d",
        "🙂",
        "\ud800",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("language", languages())
def test_no_text_takes_long(language: str) -> None:
    """5,000 characters of anything take a moment; a pattern that goes astray would take minutes."""
    phrases = phrases_for(language)
    slow = {}
    for nasty in NASTY:
        began_s = time.process_time()
        spoken = phrases.read_aloud((nasty * 5000)[:5000])
        phrases.sentences(spoken)
        slow[nasty] = time.process_time() - began_s
        assert phrases.read_aloud(spoken.text).text == spoken.text
    assert {nasty: round(took_s, 1) for nasty, took_s in slow.items() if took_s > 10} == {}
