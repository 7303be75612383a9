"""What is written, at the instants at which it is spoken, in pieces that can be read at a glance.

Chimes are captioned by what they mean, in brackets: "[start]". So is the name of an exercise that nobody says.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from voiceroutine.cues import Chime, Speech
from voiceroutine.phrases import phrases_for
from voiceroutine.reading import as_written
from voiceroutine.routine import THEMES, breath_name
from voiceroutine.words import words_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.cues import Utterance
    from voiceroutine.phrases import Phrases
    from voiceroutine.timeline import Placed, Timeline
    from voiceroutine.words import Word

    WordsOf = Callable[[Utterance], Sequence[Word]]
    Span = tuple[int, int]

LINE_LETTERS = 42
SIGN_MS = 2_000
SHORTEST_SIGN_MS = 500

_TOKEN = re.compile(rf"\S{{1,{LINE_LETTERS}}}")
_CLAUSE_ENDS = (",", ";", ":", "—", "–", ".", "!", "?", "…", ")", "»")
_PART_COST = 100_000
_TORN_CLAUSE_COST = 600
_BREATHS = {
    breath_name(theme, is_in=is_in): key
    for theme in THEMES
    for is_in, key in ((True, "breathe_in"), (False, "breathe_out"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A word of a caption with the space after it, and the instant from which it sounds, where that is known."""

    text: str
    at_ms: int | None = None


Row = tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What is to be read at a time: at most two rows of 42 letters, and what a chime means, which stands above them."""

    start_ms: int
    end_ms: int
    rows: tuple[Row, ...] = ()
    sign: Row = ()


def no_words(utterance: Utterance) -> Sequence[Word]:  # noqa: ARG001
    """Return that nothing is known of when each word sounds; pieces of a sentence share its time by their letters."""
    return ()


def captions_of(timeline: Timeline, words_of: WordsOf, language: str) -> tuple[Caption, ...]:
    """Return all captions, in order; no two at once.

    Args:
        timeline: what is said and chimed when.
        words_of: when each word of an utterance sounds: `Narrator.words`, or `no_words`.
        language: of what is written, as a tag.
    """
    phrases = phrases_for(language)
    known = cache(words_of)
    speeches = (cue for cue in timeline.cues if isinstance(cue, Speech))
    spoken = (caption for speech in speeches for caption in _spoken(speech, known(speech.utterance), phrases))
    signs = sorted(_signs(timeline.intervals, phrases), key=lambda caption: caption.start_ms)
    return tuple(_with_signs(_one_at_a_time(spoken), _one_at_a_time(signs)))


def sentences_of(text: str, phrases: Phrases) -> tuple[Span, ...]:
    """Return the spans of the sentences of a written text, which together hold every word of it."""
    starts = [sentence.written_span(0, 1)[0] for sentence in phrases.sentences(as_written(text))]
    return tuple(pairwise([0, *starts[1:], len(text)]))


def _one_at_a_time(captions: Iterable[Caption]) -> list[Caption]:
    """Return captions that each end where the next begins at the latest, without those that have no time left."""
    found = list(captions)
    ends_ms = [*(caption.start_ms for caption in found[1:]), *(caption.end_ms for caption in found[-1:])]
    cut = [replace(one, end_ms=min(one.end_ms, end_ms)) for one, end_ms in zip(found, ends_ms, strict=True)]
    return [caption for caption in cut if caption.start_ms < caption.end_ms]


def _spoken(speech: Speech, words: Sequence[Word], phrases: Phrases) -> Iterator[Caption]:
    """Yield the captions of an utterance; each stays until the next."""
    text = speech.utterance.text
    pieces = [piece for sentence in sentences_of(text, phrases) for piece in _pieces(text, sentence)]
    timed = words or words_at(text, (), 0, speech.duration_ms)
    starts_ms = [speech.at_ms, *(speech.at_ms + _begins_ms(piece, timed, speech) for piece in pieces[1:])]
    for piece, (start_ms, end_ms) in zip(pieces, pairwise([*starts_ms, speech.end_ms]), strict=False):
        rows = tuple(_row(text, tokens, words, speech.at_ms) for tokens in _rows(text, piece))
        yield Caption(start_ms=start_ms, end_ms=end_ms, rows=rows)


def _begins_ms(piece: Sequence[Span], words: Sequence[Word], speech: Speech) -> int:
    index = bisect_left(words, piece[0][0], key=lambda word: word.start)
    return words[index].start_ms if index < len(words) else speech.duration_ms


def _row(text: str, tokens: Sequence[Span], words: Sequence[Word], from_ms: int) -> Row:
    """Return a line of a caption; what is between two words comes after the first."""
    shown = []
    for (start, end), (following, _) in pairwise([*tokens, (tokens[-1][1], 0)]):
        index = bisect_left(words, start, key=lambda word: word.start)
        is_known = index < len(words) and words[index].start < end
        space = " " if end < following else ""
        shown.append(Shown(text=text[start:end] + space, at_ms=from_ms + words[index].start_ms if is_known else None))
    return tuple(shown)


def _pieces(text: str, sentence: Span) -> list[list[Span]]:
    """Return the words of a sentence in as few pieces as there can be, cut at clauses, each for one caption."""
    tokens = [match.span() for match in _TOKEN.finditer(text, *sentence)]
    return _cut(text, tokens, _fits_in_two_rows) if tokens else []


def _rows(text: str, piece: Sequence[Span]) -> list[list[Span]]:
    return _cut(text, piece, _fits_in_a_row)


def _fits_in_two_rows(part: Sequence[Span]) -> bool:
    first = next((index for index, (_, end) in enumerate(part) if end - part[0][0] > LINE_LETTERS), len(part))
    return first == len(part) or _fits_in_a_row(part[first:])


def _fits_in_a_row(part: Sequence[Span]) -> bool:
    return part[-1][1] - part[0][0] <= LINE_LETTERS


def _cut(text: str, tokens: Sequence[Span], fits: Callable[[Sequence[Span]], bool]) -> list[list[Span]]:
    """Cut words into as few parts as fit; of those ways the one into parts of like length, and rather at clauses."""
    costs, cuts = [0], [0]
    for end in range(1, len(tokens) + 1):
        best: tuple[int, int] | None = None
        for start in range(end - 1, -1, -1):
            part = tokens[start:end]
            if best is not None and not fits(part):
                break
            cost = costs[start] + _part_cost(text, part, is_last=end == len(tokens))
            best = min(best, (cost, start)) if best else (cost, start)
        assert best is not None
        costs.append(best[0])
        cuts.append(best[1])
    return _parts(tokens, cuts)


def _part_cost(text: str, part: Sequence[Span], *, is_last: bool) -> int:
    start, end = part[0][0], part[-1][1]
    is_torn = not is_last and not text[start:end].endswith(_CLAUSE_ENDS)
    return _PART_COST + (end - start) ** 2 + (_TORN_CLAUSE_COST if is_torn else 0)


def _parts(tokens: Sequence[Span], cuts: Sequence[int]) -> list[list[Span]]:
    parts: list[list[Span]] = []
    end = len(tokens)
    while end:
        parts.append([*tokens[cuts[end] : end]])
        end = cuts[end]
    return parts[::-1]


def _signs(intervals: Sequence[Placed], phrases: Phrases) -> Iterator[Caption]:
    for placed in intervals:
        name = _unsaid_name(placed)
        if name:
            yield Caption(start_ms=placed.start_ms, end_ms=placed.end_ms, sign=(Shown(text=f"[{name}]"),))
        for is_counted, chimes in groupby(_chimes(placed), key=lambda chime: chime.why == "countdown"):
            if is_counted:
                yield _countdown([chime.at_ms for chime in chimes])
                continue
            for chime in chimes:
                meaning = _meaning(chime, phrases)
                if meaning and not (name and chime.at_ms == placed.start_ms):
                    end_ms = chime.at_ms + SIGN_MS
                    yield Caption(start_ms=chime.at_ms, end_ms=end_ms, sign=(Shown(text=f"[{meaning}]"),))


def _chimes(placed: Placed) -> Iterator[Chime]:
    return (cue for cue in placed.cues if isinstance(cue, Chime))


def _unsaid_name(placed: Placed) -> str:
    """Return what comes after a gap in which nobody says it."""
    interval = placed.interval
    if interval.cues.speaks or interval.step is None or interval.kind not in {"prepare", "switch"}:
        return ""
    return f"{interval.step.name}, {interval.side}" if interval.side else interval.step.name


def _countdown(ticks_ms: Sequence[int]) -> Caption:
    """Return one caption for all ticks: "[3 · 2 · 1]"."""
    left = range(len(ticks_ms), 0, -1)
    ends = [" · "] * (len(ticks_ms) - 1) + ["]"]
    words = [Shown(text=f"{number}{end}", at_ms=at_ms) for number, end, at_ms in zip(left, ends, ticks_ms, strict=True)]
    first = replace(words[0], text=f"[{words[0].text}")
    return Caption(start_ms=ticks_ms[0], end_ms=ticks_ms[-1] + 1_000, sign=(first, *words[1:]))


def _meaning(chime: Chime, phrases: Phrases) -> str:
    """Return what a chime means: nothing for the ticks of short reps, which come too often to be read."""
    if chime.why == "during":
        return "♪"
    if chime.why == "breath":
        return phrases.say[_BREATHS[chime.sound]].strip(".").lower()
    return phrases.sign(chime.why) or ""


def _with_signs(spoken: Sequence[Caption], signs: Sequence[Caption]) -> Iterator[Caption]:
    """Yield words and signs as one sequence.

    Words that begin while a sign is shown are shown below it. A sign that comes during words, or would be seen for
    less than half a second before them, is shown as long as they are.
    """
    starts_ms = [caption.start_ms for caption in spoken]
    above: dict[int, Row] = {}
    alone: list[Caption] = []
    for sign in signs:
        index = bisect_left(starts_ms, sign.start_ms)
        if index and sign.start_ms < spoken[index - 1].end_ms:
            above[index - 1] = sign.sign
            continue
        free_ms = starts_ms[index] if index < len(spoken) else sign.end_ms
        if free_ms < sign.end_ms:
            above[index] = sign.sign
        if min(free_ms, sign.end_ms) - sign.start_ms >= SHORTEST_SIGN_MS or free_ms >= sign.end_ms:
            alone.append(replace(sign, end_ms=min(free_ms, sign.end_ms)))
    below = [replace(caption, sign=above.get(index, ())) for index, caption in enumerate(spoken)]
    yield from sorted([*below, *alone], key=lambda caption: caption.start_ms)
