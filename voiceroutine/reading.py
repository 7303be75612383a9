"""How written text becomes spoken text, and which written words each spoken one stands for.

Reading aloud changes a text in small steps: the author's pronunciations, invisible characters and markup, then the
rules of a language until nothing changes. Every step keeps, for each character, the span of the written text that
it stands for, so that captions can show what was written while something else is said.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Parts = Sequence[str | int]

VERSION = 1
Pairs = tuple[tuple[str, str], ...]

_MOST_PASSES = 50


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text to be spoken, and where in the written text each of its characters comes from.

    Attributes:
        text: what an engine is given.
        written: the whole of what was written.
        starts: for each character of the text, where the written words begin that it stands for.
        ends: for each character of the text, where they end.
    """

    text: str
    written: str
    starts: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)

    def written_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the written text that a span of the spoken text stands for."""
        if start < end:
            return min(self.starts[start:end]), max(self.ends[start:end])
        place = self.starts[start] if start < len(self.starts) else max(self.ends, default=0)
        return place, place

    def written_word(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the written word that a span of the spoken text stands for, without markup around it."""
        start, end = self.written_span(start, end)
        found = self.written[start:end]
        before, after = _BEFORE_WORD.match(found), _AFTER_WORD.search(found)
        return start + (before.end() if before else 0), start + (after.start() if after else len(found))

    def part(self, start: int, end: int) -> Spoken:
        """Return a part of the spoken text; its spans are still those of the whole written text."""
        return Spoken(self.text[start:end], self.written, self.starts[start:end], self.ends[start:end])


# Markup or a space, and what stands between it and the letters of a word.
_BEFORE_WORD = re.compile(r"\W*(?:[*_`\s]|~~)(?=[^\w_]*[^\W_])")
_AFTER_WORD = re.compile(r"(?<=[^\W_])[^\w_*`\s~]*(?:[*_`\s]|~~)[\W_]*$")


def as_written(text: str) -> Spoken:
    """Return a text that is spoken just as it is written."""
    return Spoken(text, text, range(len(text)), range(1, len(text) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    r"""A regular expression and what is said instead of what it matches.

    Attributes:
        written: the expression.
        spoken: what is said; `\1` or `\g<1>` stand for groups, and everything else for itself.
        needs: groups of characters with a space between them, where `\d` are all digits. A text without a character
            of each group is not looked at, which saves most of the work.
    """

    written: str
    spoken: str
    needs: str = r"\d"

    def parts(self, _match: re.Match[str]) -> Parts:
        """Return the pieces of what is said, with groups as numbers."""
        return _parts(self.spoken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How one language reads aloud, and where its sentences end.

    Attributes:
        rules: in the order of work; applied again until nothing changes.
        abbreviations: pairs of an abbreviation and its words. Words with a full stop keep it where the sentence may
            end with the abbreviation ("etc."); an abbreviation that stands for itself is left as it is.
        unbroken: a regular expression for the end of a text that is no end of a sentence in spite of its full stop.
    """

    rules: tuple[Rule, ...] = ()
    abbreviations: Pairs = ()
    unbroken: str = "(?!)"

    def read(self, written: str, pronounce: Pairs = ()) -> Spoken:
        """Return how a text is spoken, the author's words first: pairs of a word and what to say instead of it."""
        spoken = _composed(as_written(written))
        if pronounce:
            spoken = _pronounced(spoken, pronounce)
        for _ in range(_MOST_PASSES):
            before, spoken = spoken.text, self._read_once(spoken)
            if spoken.text == before:
                break
        return spoken

    def sentences(self, spoken: Spoken) -> tuple[Spoken, ...]:
        """Return the sentences of a spoken text; each has a letter or a digit, and there may be none."""
        text = spoken.text
        ends = [gap.end() for gap in _GAP.finditer(text) if self._is_end(spoken, gap)]
        spans: list[tuple[int, int]] = []
        for start, end in pairwise([0, *ends, len(text)]):
            if spans and not (_is_said(text[start:end]) and _is_said(text[slice(*spans[-1])])):
                spans[-1] = spans[-1][0], end
            else:
                spans.append((start, end))
        return tuple(_trimmed(spoken.part(*span)) for span in spans if _is_said(text[slice(*span)]))

    def _read_once(self, spoken: Spoken) -> Spoken:
        spoken = self._written_out(_plain(spoken))
        letters = frozenset(spoken.text)
        for rule in self.rules:
            if not any(map(letters.isdisjoint, _groups(rule.needs))):
                changed = _edited(spoken, _compiled(rule.written), rule.parts)
                if changed is not spoken:
                    spoken, letters = changed, frozenset(changed.text)
        return _collapsed(spoken)

    def _written_out(self, spoken: Spoken) -> Spoken:
        words = _long(self.abbreviations)
        shorts = tuple(short for short, said in self.abbreviations if short != said)
        if not shorts:
            return spoken
        return _edited(spoken, _any_of(shorts), lambda match: (_said_for(match, words[match[0].replace(" ", "")]),))

    def _is_end(self, spoken: Spoken, gap: re.Match[str]) -> bool:
        goes_on = _goes_on(spoken, gap.end())
        if "\n" in spoken.written[slice(*spoken.written_span(*gap.span()))]:
            return not goes_on
        before = spoken.text[max(0, gap.start() - _LONGEST_LOOK) : gap.start()].rstrip(_CLOSING)
        if goes_on or not before.endswith(_MARKS):
            return False
        return not (before.endswith(".") and not before.endswith("..") and self._is_abbreviated(before))

    def _is_abbreviated(self, before: str) -> bool:
        shorts = tuple(short for short, said in self.abbreviations if not said.endswith(".") or short == said)
        at_end = shorts and any(match.end() == len(before) for match in _any_of(shorts).finditer(before))
        return bool(at_end or _NO_END.search(before) or _compiled(self.unbroken).search(before))


_GAP = re.compile(r"\s+")
_MARKS = (".", "!", "?", "…")
_CLOSING = "\"'”’“»)]"
_LONGEST_LOOK = 40
# A single letter is an initial; a number that is a sentence by itself begins the point of a list.
_NO_END = re.compile(r"(?<!\w)[^\W\d_]\.$|(?:^|[.!?…]\s)\d{1,3}\.$")


def _goes_on(spoken: Spoken, place: int) -> bool:
    """Tell whether the next word is written small, as no sentence begins."""
    if place >= len(spoken.text):
        return False
    return spoken.text[place].islower() and spoken.written[spoken.starts[place]].islower()


def _is_said(text: str) -> bool:
    return any(map(str.isalnum, text))


def _trimmed(spoken: Spoken) -> Spoken:
    text = spoken.text
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return spoken.part(min(start, end), end) if (start, end) != (0, len(text)) else spoken


@dataclass(frozen=True, slots=True)
class _Change:
    """A text in the making, out of pieces of another and of new words."""

    of: Spoken
    texts: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def keep(self, start: int, end: int) -> None:
        self.texts.append(self.of.text[start:end])
        self.starts.extend(self.of.starts[start:end])
        self.ends.extend(self.of.ends[start:end])

    def say(self, words: str, start: int, end: int) -> None:
        self.texts.append(words)
        self.starts.extend([start] * len(words))
        self.ends.extend([end] * len(words))

    def replace(self, match: re.Match[str], parts: Parts) -> None:
        """Add what is said for a match: groups keep their spans, words stand for the whole match.

        What follows a group stands for nothing before the group's last word, or captions would jump back.
        """
        start, end = _written_match(self.of, match)
        for part in parts:
            if isinstance(part, str):
                self.say(part, start, end)
            elif match[part]:
                self.keep(*match.span(part))
                last = _LAST_WORD.search(self.of.text, *match.span(part))
                start = max(start, self.of.starts[last.start() if last else match.end(part) - 1])

    def made(self) -> Spoken:
        return Spoken("".join(self.texts), self.of.written, tuple(self.starts), tuple(self.ends))


_LAST_WORD = re.compile(r"[\w.,]+$")


def _edited(spoken: Spoken, pattern: re.Pattern[str], parts_of: Callable[[re.Match[str]], Parts]) -> Spoken:
    """Return a text with each match replaced by words and, where a part is a number, by that group of the match."""
    change, done = _Change(spoken), 0
    for match in pattern.finditer(spoken.text):
        parts = parts_of(match)
        if match[0] != "".join(part if isinstance(part, str) else match[part] or "" for part in parts):
            change.keep(done, match.start())
            change.replace(match, parts)
            done = match.end()
    if not change.texts:
        return spoken
    change.keep(done, len(spoken.text))
    return change.made()


def _written_match(spoken: Spoken, match: re.Match[str]) -> tuple[int, int]:
    """Return what a match stands for, without spaces around it; where it is empty, that of the character before it."""
    start, end = match.span()
    if start == end:
        start, end = max(0, start - 1), max(1, start)
    start, end = spoken.written_span(start, end)
    found = spoken.written[start:end]
    return (start + len(found) - len(found.lstrip()), start + len(found.rstrip())) if found.strip() else (start, end)


@cache
def _groups(needs: str) -> tuple[str, ...]:
    return tuple(needs.replace(r"\d", "0123456789").split())


@cache
def _compiled(written: str) -> re.Pattern[str]:
    return re.compile(written)


@cache
def _parts(template: str) -> Parts:
    parts: list[str | int] = []
    done = 0
    for group in _GROUP.finditer(template):
        parts += [template[done : group.start()], int(group[1] or group[2])]
        done = group.end()
    return tuple(part for part in (*parts, template[done:]) if part != "")


_GROUP = re.compile(r"\\(?:g<(\d+)>|(\d))")


def _pronounced(spoken: Spoken, pronounce: Pairs) -> Spoken:
    """Return a text with the words that are to be spoken otherwise: whole words, in any case."""
    words = {_nfc(written).casefold(): otherwise for written, otherwise in pronounce}
    return _edited(spoken, _words(tuple(words)), lambda match: (words.get(match[0].casefold(), match[0]),))


@cache
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)


@cache
def _any_of(shorts: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for abbreviations: as they are listed, with a capital, or without their spaces."""
    firsts = {letter for short in shorts for letter in (short[0], short[0].upper())}
    rests = "|".join(map(_rest, sorted(shorts, key=len, reverse=True)))
    return re.compile(rf"[{re.escape(''.join(sorted(firsts)))}](?<![\w.].)(?:{rests})", re.DOTALL)


def _rest(short: str) -> str:
    """Return a pattern for what follows the first letter, which is looked at again; that way round is fastest."""
    first = f"{short[0]}{short[0].upper()}" if short[0].islower() else re.escape(short[0])
    rest = re.escape(short[1:]).replace(r"\ ", " ?")
    return f"(?<=[{first}]){rest}" if short.endswith(".") else rf"(?<=[{first}]){rest}(?!\w)"


@cache
def _long(abbreviations: Pairs) -> dict[str, str]:
    """Return what is said for each way of writing an abbreviation, without its spaces."""
    squeezed = [(short.replace(" ", ""), said) for short, said in abbreviations if short != said]
    return {way: said for short, said in squeezed for way in (short[0].upper() + short[1:], short)}


def _said_for(match: re.Match[str], said: str) -> str:
    """Return the words for an abbreviation, with their full stop only where the sentence may end with it."""
    after = match.string[match.end() : match.end() + 2]
    may_end = match[0].endswith(".") and (not after or (after[0] == " " and not after[1:].islower()))
    words = said if may_end else said.removesuffix(".")
    return f"{words} " if after[:1].isalnum() else words


def _plain(spoken: Spoken) -> Spoken:
    """Return a text without invisible characters, emoji and markup."""
    spoken = _composed(_edited(spoken, _RARE, lambda match: (_visible(match[0]),)))
    spoken = _edited(spoken, _LINK, lambda _: (1,))
    return _collapsed(_edited(spoken, _MARKUP, lambda _: ()))


# Everything but words, spaces and the printable characters of ASCII.
_RARE = re.compile(r"[^\w\x20-\x7e\n]")
_UNSPOKEN = re.compile("[\u20e3\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
_SPOKEN_SYMBOLS = "°®©№"
_HYPHENS = "\u2010\u2011\u2012"
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\)")
_MARKUP = re.compile(
    r"(?<!\w)[*_`]+(?=\S)|(?<=\S)[*_`]+(?!\w)|~~(?=\S)|(?<=\S)~~"
    r"|^[^\S\n]*(?:(?:#{1,6}|[-*•‣+–—]|\[[ xX]\]|>(?! ?\d))\s+)+",
    re.MULTILINE,
)


def _visible(character: str) -> str:
    if character in _HYPHENS:
        return "-"
    category = unicodedata.category(character)
    if category == "Cf" or _UNSPOKEN.match(character):
        return ""
    is_silent = category in {"So", "Cc", "Cs", "Co", "Cn"} and character not in _SPOKEN_SYMBOLS
    return " " if is_silent else character


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _composed(spoken: Spoken) -> Spoken:
    """Return a text with letters and their accents as one character each."""
    if unicodedata.is_normalized("NFC", spoken.text):
        return spoken
    composed = _edited(spoken, _ACCENTED, lambda match: (_nfc(match[0]),))
    whole = _nfc(spoken.text)
    return composed if composed.text == whole else _edited(spoken, _ALL, lambda _: (whole,))


# A character and the marks that follow it, which are no characters of words; or a syllable of Korean letters.
_ACCENTED = re.compile(r"[^\W\u1100-\u11ff][^\w\s!-~]+|[\u1100-\u11ff]+|[^\x00-\x7f]")
_ALL = re.compile(r".+", re.DOTALL)


def _collapsed(spoken: Spoken) -> Spoken:
    """Return a text with single spaces, and none around it."""
    return _trimmed(_edited(spoken, _GAPS, lambda _: (" ",)))


_GAPS = re.compile(r"\s{2,}|[^\S ]")
