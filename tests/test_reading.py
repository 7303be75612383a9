"""Reading aloud: what is said, checked through espeak's phonemes, and which written words it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest
from phonemes import phonemes

from voiceroutine.phrases import languages, phrases_for

TABLES = Path(__file__).parent / "reading"


def cases(language: str) -> list[tuple[str, str]]:
    """Return what is written, with `\\n` for a new line, and how a person says it; other lines are headings."""
    lines = (TABLES / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if "\t" in line)
    return [(written.replace("\\n", "\n"), expected) for written, expected in pairs]


CASES = [(language, *case) for language in languages() for case in cases(language)]


@pytest.mark.parametrize("language", languages())
def test_there_are_many_cases_in_each_language_and_each_is_one_of_its_own(language: str) -> None:
    written = [written for written, _ in cases(language)]
    assert len(written) == len(set(written)) >= 150


@pytest.mark.parametrize(("language", "written", "expected"), CASES)
def test_it_sounds_as_a_person_reads_it(language: str, written: str, expected: str) -> None:
    phrases = phrases_for(language)
    spoken = phrases.read_aloud(written).text
    assert phonemes(spoken, phrases.voice) == phonemes(expected, phrases.voice), spoken
