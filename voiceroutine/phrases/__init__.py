"""What the product says, a file per language; numbers and durations as words; how written text is read aloud.

A language is one TOML file in this folder, named by its BCP 47 tag.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_FOLDER = Path(__file__).parent
_MOST_PASSES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The sentences, number words and reading rules of one language.

    `reading` are pairs of a regular expression and what replaces it, in the order of work.
    """

    voice: str
    say: Mapping[str, str]
    sides: Mapping[str, str]
    durations: Mapping[str, str | Sequence[str]]
    lists: Mapping[str, str]
    number_words: Sequence[str]
    encouragement: Sequence[str]
    reading: tuple[tuple[str, str], ...]

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

    def listing(self, things: Sequence[str]) -> str:
        """Return "a chair, a wall and a towel"."""
        if len(things) < 2:
            return "".join(things)
        return self.lists["pair"].format(first=self.lists["comma"].join(things[:-1]), last=things[-1])

    def read_aloud(self, written: str) -> str:
        """Return how a written text is spoken: shorthand, units, ranges and symbols become words."""
        text = written
        for _ in range(_MOST_PASSES):
            before, text = text, self._read_once(text)
            if text == before:
                break
        return text

    def _read_once(self, written: str) -> str:
        text = _plain(written)
        for pattern, spoken in _compiled(self.reading):
            text = pattern.sub(spoken, text)
        return " ".join(text.split())

    def _counted(self, unit: str, count: float) -> str:
        forms = self.durations[unit]
        said = self.number(int(count)) if count == int(count) else f"{count:g}"
        return forms[0 if count == 1 else 1].format(n=said)


@cache
def phrases_for(language: str) -> Phrases:
    """Return the phrases of a language, by its tag, or else by the first part of it.

    Raises:
        KeyError: there is no file for it.
    """
    tags = {tag.lower(): tag for tag in languages()}
    tag = tags.get(language.lower()) or tags.get(language.split("-", maxsplit=1)[0].lower())
    if tag is None:
        raise KeyError(language)
    data = tomllib.loads((_FOLDER / f"{tag}.toml").read_text(encoding="utf-8"))
    return Phrases(
        voice=data["voice"],
        say=data["say"],
        sides=data["sides"],
        durations=data["durations"],
        lists=data["lists"],
        number_words=data["numbers"]["words"],
        encouragement=data["encouragement"]["lines"],
        reading=tuple((rule["written"], rule["spoken"]) for rule in data["reading"]),
    )


@cache
def _compiled(reading: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(written), spoken) for written, spoken in reading)


def languages() -> tuple[str, ...]:
    """Return the tags of all languages that have a file."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


_MARKUP = re.compile(r"(?<!\w)[*_`]+(?=\S)|(?<=\S)[*_`]+(?!\w)|^\s*(?:(?:#{1,6}|[-*•])\s+)+", re.MULTILINE)
_UNSPOKEN = re.compile("[\u20e3\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_SPOKEN_SYMBOLS = "°®©"


def _plain(text: str) -> str:
    visible = "".join(map(_visible, _UNSPOKEN.sub("", text)))
    return unicodedata.normalize("NFC", _MARKUP.sub("", visible))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf" or character in _SPOKEN_SYMBOLS:
        return "" if category == "Cf" else character
    is_silent = category in {"So", "Cc", "Cs", "Co", "Cn"} and character != "\n"
    return " " if is_silent else character
