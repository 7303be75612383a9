"""What the product says, a file per language; numbers and durations as words; how written text is read aloud.

A language is one TOML file in this folder, named by its BCP 47 tag. What a file of a region doesn't say comes from
that of its language, and what neither says from English: a new language may begin with a few sentences.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceroutine.reading import Reader, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceroutine.reading import Pairs, Spoken

Substitutions = tuple[tuple[str, str], ...]

_FOLDER = Path(__file__).parent
_ENGLISH = _FOLDER / "en.toml"
_TABLES = ("say", "encouragement", "sides", "durations", "shown", "lists", "numbers")
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,8}", re.ASCII)
_CHARACTER_MS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The sentences, number words and reading rules of one language.

    Attributes:
        tag: the language, as its file is named.
        voice: the name of its voice.
        character_ms: how long the voice takes for a letter, on average, at 150 words a minute.
        durations: the forms of each unit, and in `plurals` what tells them apart: the first pattern that the digits of
            a number match chooses the form of its place, and where none does the last form is right.
        before_units: for each unit how the end of a number word changes in front of it ("eins", "eine Minute").
        shown: what is written and not said: the meaning of chimes, and `exercises` in the forms of `durations`.
        reader: how written text is read aloud, and where its sentences end.
        missing: the keys that this language's file doesn't have, and for which another stands in.
    """

    tag: str
    voice: str
    character_ms: int
    say: Mapping[str, str]
    encouragement: Sequence[str]
    sides: Mapping[str, str]
    durations: Mapping[str, str | Sequence[str]]
    shown: Mapping[str, str | Sequence[str]]
    lists: Mapping[str, str]
    number_words: Sequence[str]
    decimal_mark: str
    before_units: Mapping[str, Substitutions]
    reader: Reader
    missing: tuple[str, ...] = ()

    def number(self, number: int) -> str:
        """Return a number as words, or as digits where the language file has no word for it."""
        return self.number_words[number] if 0 <= number < len(self.number_words) else str(number)

    def duration(self, duration_ms: int) -> str:
        """Return a duration as words: "thirty seconds", "one and a half minutes", "2.5 seconds"."""
        if duration_ms == 90_000:
            return str(self.durations["minute_and_a_half"])
        minutes, milliseconds = divmod(duration_ms, 60_000)
        hours, minutes = divmod(minutes, 60)
        counts = (("hour", hours), ("minute", minutes), ("second", milliseconds / 1000))
        parts = [self._counted(unit, count) for unit, count in counts if count]
        return self.listing(parts) if parts else self._counted("second", 0)

    def minutes(self, duration_ms: int) -> str:
        """Return a duration in whole minutes, at least one."""
        return self._counted("minute", max(1, (duration_ms + 30_000) // 60_000))

    def exercises(self, count: int) -> str:
        """Return "6 exercises", to be read and not said."""
        return self._form(self.shown["exercises"], str(count)).format(n=count)

    def sign(self, why: str) -> str | None:
        """Return what a chime means, in a word or two, or None where nothing is written for it."""
        word = self.shown.get(why)
        return word if isinstance(word, str) else None

    def listing(self, things: Sequence[str]) -> str:
        """Return "a chair, a wall and a towel"."""
        if len(things) < 2:
            return "".join(things)
        return self.lists["pair"].format(first=self.lists["comma"].join(things[:-1]), last=things[-1])

    def read_aloud(self, written: str, pronounce: Pairs = ()) -> Spoken:
        """Return how a written text is spoken: shorthand, units, ranges and symbols become words.

        Args:
            written: the text; it may have markup and line breaks.
            pronounce: pairs of a word, in any case, and what to speak instead of it.
        """
        return self.reader.read(written, pronounce)

    def sentences(self, spoken: Spoken) -> tuple[Spoken, ...]:
        """Return the sentences of a spoken text; each has a letter or a digit, and there may be none."""
        return self.reader.sentences(spoken)

    def _counted(self, unit: str, count: float) -> str:
        digits = f"{count:g}".replace(".", self.decimal_mark)
        said = self.number(int(count)) if count == int(count) else digits
        for written, spoken in self.before_units.get(unit, ()):
            said = re.sub(written, spoken, said)
        return self._form(self.durations[unit], digits).format(n=said)

    def _form(self, forms: str | Sequence[str], digits: str) -> str:
        plurals = self.durations["plurals"]
        fitting = (index for index, pattern in enumerate(plurals) if re.fullmatch(pattern, digits))
        return forms[min(next(fitting, len(plurals)), len(forms) - 1)]


@cache
def phrases_for(language: str) -> Phrases:
    """Return the phrases of a language, by its tag, or else by the longest beginning of it that has a file.

    Raises:
        KeyError: there is no file for it.
    """
    lineage = _lineage(language)
    if not lineage:
        raise KeyError(language)
    written = [_read(_FOLDER / f"{tag}.toml") for tag in lineage]
    top = {key: value for data in reversed(written) for key, value in data.items()}
    tables, missing = _completed(written)
    numbers = tables["numbers"]
    return Phrases(
        tag=lineage[0],
        voice=top.get("voice", lineage[0].lower()),
        character_ms=top.get("character_ms", _CHARACTER_MS),
        say=tables["say"],
        encouragement=tables["encouragement"]["lines"],
        sides=tables["sides"],
        durations=tables["durations"],
        shown=tables["shown"],
        lists=tables["lists"],
        number_words=numbers["words"],
        decimal_mark=numbers["decimal_mark"],
        before_units={unit: _substitutions(rules) for unit, rules in numbers.get("before", {}).items()},
        reader=_reader(top),
        missing=(*missing, *(["reading"] if "reading" not in top else [])),
    )


def beginnings(tag: str) -> tuple[str, ...]:
    """Return a tag and what is left when its last parts are dropped: `pt-BR`, `pt`; nothing of what is no tag."""
    parts = tag.split("-") if _TAG.fullmatch(tag) else []
    return tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))


def has_phrases(language: str) -> bool:
    """Tell whether a language, or the language of a region, has a file."""
    return bool(_lineage(language))


def _lineage(language: str) -> list[str]:
    """Return the tags that have a file and are the language or a beginning of it, the longest first."""
    tags = {tag.lower(): tag for tag in languages()}
    return [tags[beginning] for beginning in beginnings(language.lower()) if beginning in tags]


@cache
def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _completed(written: Sequence[Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return all tables, and what had to be taken from English; digits stand in for the words of numbers."""
    english = _read(_ENGLISH)
    english = {**english, "numbers": {**english["numbers"], "words": []}}
    tables: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    for table in _TABLES:
        own = {key: value for data in reversed(written) for key, value in data.get(table, {}).items()}
        tables[table] = english[table] | own
        missing += [f"{table}.{key}" for key in english[table] if key not in own] if own else [table]
    return tables, missing


def _substitutions(rules: Sequence[Mapping[str, str]]) -> Substitutions:
    return tuple((rule["written"], rule["spoken"]) for rule in rules)


def _reader(top: Mapping[str, Any]) -> Reader:
    rules = tuple(Rule(**rule) for rule in top.get("reading", ()))
    abbreviations = tuple(top.get("abbreviations", {}).items())
    return Reader(rules=rules, abbreviations=abbreviations, **top.get("sentences", {}))


def languages() -> tuple[str, ...]:
    """Return the tags of all languages that have a file."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))
