"""Intervals and how long each sentence lasts become one exact timeline. The law of time lives here.

Work is exact, gaps are minimums: work lasts as prescribed to the millisecond; a gap lasts as written, or as long as
what is said in it plus its breathing space, whichever is longer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

from voiceroutine.cues import READY_FROM_MS, TICKED_BELOW_MS, Chime, Cue, Line, Script, Speech, Utterance, Wish
from voiceroutine.errors import Problem
from voiceroutine.unroll import written_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.cues import ChimeWhy
    from voiceroutine.errors import Location
    from voiceroutine.routine import Routine
    from voiceroutine.unroll import InBlock, Interval

    Measure = Callable[[Utterance], int]
    SoundLength = Callable[[str], int]

ATTACK_MS = 150
BEFORE_WORDS_MS = 400
BETWEEN_WORDS_MS = 300
BEFORE_WORK_MS = 700
READY_BEFORE_WORK_MS = 3_000
AFTER_READY_MS = 1_200
BEFORE_FINISH_MS = 700
FINISH_WITHOUT_WORDS_MS = 2_000
MAY_MOVE_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An interval at its instants, with every cue that begins in it."""

    interval: Interval
    start_ms: int
    end_ms: int
    cues: tuple[Cue, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def grown_ms(self) -> int:
        """By how much a gap became longer than written."""
        is_gap = self.interval.kind in {"prepare", "relax", "switch", "rest", "wait"}
        return self.end_ms - self.start_ms - self.interval.minimum_ms if is_gap else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part of the session that can be jumped to: an exercise, once, or one round of a block with a title.

    `level` says in how many blocks with a title it is.
    """

    start_ms: int
    end_ms: int
    title: str
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A whole session. `intervals` and `chapters` tile it; `cues` are sorted by their instants.

    `blocks` are chapters that begin where one of `chapters` does and end where one ends, the outer before the inner.
    """

    title: str
    intervals: tuple[Placed, ...]
    cues: tuple[Cue, ...]
    chapters: tuple[Chapter, ...]
    blocks: tuple[Chapter, ...] = ()
    duration_ms: int
    problems: tuple[Problem, ...]


def compile_timeline(
    routine: Routine, intervals: Sequence[Interval], measure: Measure, length: SoundLength
) -> Timeline:
    """Compile a routine as a whole; the same as collecting `compile_intervals`."""
    return collect(routine, compile_intervals(routine, intervals, measure, length))


def collect(routine: Routine, placed: Iterable[Placed]) -> Timeline:
    """Make a timeline out of all placed intervals."""
    intervals = tuple(placed)
    return Timeline(
        title=routine.title,
        intervals=intervals,
        cues=tuple(cue for one in intervals for cue in one.cues),
        chapters=tuple(chapters_of(routine, intervals)),
        blocks=tuple(blocks_of(routine, intervals)),
        duration_ms=intervals[-1].end_ms,
        problems=tuple(dict.fromkeys([*routine.notes, *(problem for one in intervals for problem in one.problems)])),
    )


def chapters_of(routine: Routine, intervals: Sequence[Placed]) -> Iterator[Chapter]:
    """Yield the chapters: an exercise's begins with its `prepare` and ends where the next one's begins."""
    for start in _starts(routine, intervals):
        yield Chapter(start_ms=start.at_ms, end_ms=start.end_ms, title=start.title, level=len(start.blocks))


def blocks_of(routine: Routine, intervals: Sequence[Placed]) -> Iterator[Chapter]:
    """Yield every round of every block with a title, as far as the chapters of its exercises reach."""
    starts = _starts(routine, intervals)
    for index, start in enumerate(starts):
        before = starts[index - 1].blocks if index else ()
        for level, block in enumerate(start.blocks):
            if block not in before:
                title = _numbered(routine, block.title, block.rounds)
                yield Chapter(start_ms=start.at_ms, end_ms=_end_of(block, starts[index:]), title=title, level=level)


def _end_of(block: InBlock, starts: Sequence[_Start]) -> int:
    """Return where the last of the chapters ends that the block begins with."""
    return [start.end_ms for start in takewhile(lambda one: block in one.blocks, starts)][-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a chapter begins and ends, and the blocks it is in."""

    at_ms: int
    end_ms: int
    title: str
    blocks: tuple[InBlock, ...] = ()


def _starts(routine: Routine, intervals: Sequence[Placed]) -> list[_Start]:
    exercises = [placed for placed in intervals if placed.interval.kind == "prepare"]
    title = routine.phrases().say["introduction"] if exercises else routine.title
    starts = [(0, title, ()), *(_exercise_start(routine, placed) for placed in exercises)]
    ends_ms = [*(start[0] for start in starts[1:]), intervals[-1].end_ms]
    return [
        _Start(at_ms=at_ms, end_ms=end_ms, title=title, blocks=blocks)
        for (at_ms, title, blocks), end_ms in zip(starts, ends_ms, strict=True)
        if end_ms > at_ms
    ]


def _exercise_start(routine: Routine, placed: Placed) -> tuple[int, str, tuple[InBlock, ...]]:
    interval = placed.interval
    name = interval.step.name if interval.step else ""
    return placed.start_ms, _numbered(routine, name, interval.rounds), interval.blocks


def _numbered(routine: Routine, name: str, rounds: tuple[int, ...]) -> str:
    if not rounds:
        return name
    return routine.phrases().say["round"].format(name=name, round=".".join(map(str, rounds)))


def compile_intervals(
    routine: Routine,
    intervals: Sequence[Interval],
    measure: Measure,
    length: SoundLength,
    *,
    total_ms: int | None = None,
) -> Iterator[Placed]:
    """Yield every interval at its instants, from left to right, as soon as what is said in it has been measured.

    Args:
        routine: whose texts, cues and sounds are used.
        intervals: the routine, unrolled.
        measure: how many milliseconds an utterance lasts.
        length: how many milliseconds a sound lasts.
        total_ms: what "{total}" says; the sum of all minimums where nothing is given.
    """
    script = Script(routine, intervals, total_ms=total_ms)
    yield from _Compiler(routine, intervals, script, measure, length).run()


def spliced(heard: Placed, longer: Placed, from_ms: int) -> Placed:
    """Return an interval that became longer while it was heard: until an instant as it was, then as it is now.

    What was being said is said to its end, and halfway comes once.
    """
    kept = tuple(cue for cue in heard.cues if cue.at_ms <= from_ms)
    free_ms = max((cue.end_ms + BETWEEN_WORDS_MS for cue in kept if isinstance(cue, Speech)), default=from_ms)
    once = {cue.why for cue in kept} & {"halfway"}
    fresh = (cue for cue in longer.cues if cue.at_ms > from_ms and cue.why not in once)
    return replace(longer, cues=(*kept, *(cue for cue in fresh if isinstance(cue, Chime) or cue.at_ms >= free_ms)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an interval stands: what was before it, and what follows."""

    start_ms: int
    opening: tuple[Chime, ...]
    before: Interval | None
    after: Interval | None

    @property
    def attacked_ms(self) -> int:
        """The instant from which words are not under a chime's attack."""
        return self.start_ms + (ATTACK_MS if self.opening else 0)


class _Compiler:
    def __init__(
        self, routine: Routine, intervals: Sequence[Interval], script: Script, measure: Measure, length: SoundLength
    ) -> None:
        self._sounds = routine.sounds
        self._script = script
        self._groups = [tuple(group) for _, group in groupby(intervals, key=_rep_key())]
        self._measure = measure
        self._length = length
        self._last_gap_word_ms = -BEFORE_WORK_MS
        self._last_sound_ms = 0
        self._works = 0

    def run(self) -> Iterator[Placed]:
        start_ms = 0
        before: tuple[Interval, ...] = ()
        following = [*self._groups[1:], ()]
        for group, after in zip(self._groups, following, strict=True):
            place = _Place(
                start_ms=start_ms,
                opening=tuple(self._end_chime(before, group[0], start_ms)),
                before=before[-1] if before else None,
                after=after[0] if after else None,
            )
            for placed in self._placed(group, place):
                self._remember(placed)
                yield placed
                start_ms = placed.end_ms
            before = group

    def _placed(self, group: tuple[Interval, ...], place: _Place) -> Iterator[Placed]:
        match group[0].kind:
            case "work":
                yield from self._work(group, place)
            case "say" | "intro":
                yield self._sentences(group[0], place)
            case "closing":
                yield self._closing(group[0], place)
            case _:
                yield self._gap(group[0], place)

    def _remember(self, placed: Placed) -> None:
        for cue in placed.cues:
            self._last_sound_ms = max(self._last_sound_ms, cue.end_ms)
            if isinstance(cue, Speech) and not placed.interval.exact:
                self._last_gap_word_ms = cue.end_ms

    def _chime(self, at_ms: int, sound: str, why: ChimeWhy) -> Chime:
        return Chime(at_ms=at_ms, duration_ms=self._length(sound), sound=sound, why=why)

    def _speak(self, at_ms: int, line: Line) -> Speech:
        duration_ms = self._measure(line.utterance)
        return Speech(at_ms=at_ms, duration_ms=duration_ms, utterance=line.utterance, why=line.why)

    def _say_all(self, lines: Iterable[Line], first_ms: int) -> list[Speech]:
        spoken: list[Speech] = []
        for line in lines:
            at_ms = spoken[-1].end_ms + BETWEEN_WORDS_MS if spoken else first_ms
            spoken.append(self._speak(at_ms, line))
        return spoken

    def _end_chime(self, before: tuple[Interval, ...], interval: Interval, at_ms: int) -> Iterator[Chime]:
        if not before or not before[0].exact:
            return
        if written_ms(before) < TICKED_BELOW_MS:
            if not interval.exact:
                yield self._chime(at_ms, self._sounds.tick, "rep")
        elif interval.kind == "switch":
            yield self._chime(at_ms, self._sounds.switch, "switch")
        else:
            yield self._chime(at_ms, self._sounds.end, "end")

    def _gap(self, interval: Interval, place: _Place) -> Placed:
        spoken = self._say_all(self._script.gap(interval, place.before), place.attacked_ms + BEFORE_WORDS_MS)
        written_end_ms = place.start_ms + interval.minimum_ms
        if place.after is not None and place.after.exact:
            last_word_ms = spoken[-1].end_ms if spoken else self._last_gap_word_ms
            end_ms = max(written_end_ms, last_word_ms + BEFORE_WORK_MS)
            ready = self._ready(interval, place.start_ms, last_word_ms, end_ms)
            end_ms = max([end_ms, *(words.end_ms + AFTER_READY_MS for words in ready)])
            spoken += ready
        else:
            end_ms = max([written_end_ms, *(words.end_ms for words in spoken)])
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=(*place.opening, *spoken))

    def _ready(self, interval: Interval, start_ms: int, last_word_ms: int, end_ms: int) -> list[Speech]:
        if end_ms - start_ms < READY_FROM_MS:
            return []
        at_ms = max(end_ms - READY_BEFORE_WORK_MS, last_word_ms + BETWEEN_WORDS_MS)
        return self._say_all(self._script.ready(interval), at_ms)

    def _sentences(self, interval: Interval, place: _Place) -> Placed:
        """Place the intro or a `say`: they last as long as their words, and the pause after them."""
        lead_ms = BEFORE_WORDS_MS if interval.kind == "intro" else 0
        first_ms = max(place.attacked_ms + lead_ms, self._last_gap_word_ms + BETWEEN_WORDS_MS)
        spoken = self._say_all(self._script.gap(interval, place.before), first_ms)
        end_ms = (spoken[-1].end_ms if spoken else place.start_ms) + interval.minimum_ms
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=(*place.opening, *spoken))

    def _closing(self, interval: Interval, place: _Place) -> Placed:
        spoken = self._say_all(self._script.gap(interval, place.before), place.attacked_ms + BEFORE_WORDS_MS)
        finish_ms = spoken[-1].end_ms + BEFORE_FINISH_MS if spoken else place.start_ms + FINISH_WITHOUT_WORDS_MS
        finish = self._chime(finish_ms, self._sounds.finish, "finish")
        cues: tuple[Cue, ...] = (*place.opening, *spoken, finish)
        end_ms = max(self._last_sound_ms, *(cue.end_ms for cue in cues))
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=cues)

    def _work(self, rep: tuple[Interval, ...], place: _Place) -> Iterator[Placed]:
        start_ms, rep_ms = place.start_ms, written_ms(rep)
        counted_ms = self._script.counted_ms(rep)
        chimes = [*self._work_chimes(rep, start_ms)]
        # A breath's tone has no attack that would cover words.
        attacks_ms = [chime.at_ms for chime in chimes if chime.why != "breath"]
        words = _Words(self._measure, rep[0].where, start_ms, rep_ms - counted_ms, attacks_ms)
        has_gap_before = place.before is not None and not place.before.exact
        words.say(self._script.work(rep, self._works, has_gap_before=has_gap_before))
        self._works += 1
        countdown, notes = self._countdown(rep, start_ms + rep_ms, counted_ms)
        cues = sorted([*place.opening, *chimes, *words.spoken, *countdown], key=_by_instant)
        notes = [*filter(None, (self._script.unpaced(rep),)), *notes]
        problems = (*(Problem(where=rep[0].where, message=note, severity="note") for note in notes), *words.problems)
        for interval in rep:
            end_ms = start_ms + interval.minimum_ms
            own = tuple(cue for cue in cues if start_ms <= cue.at_ms < end_ms)
            found = problems if interval is rep[-1] else ()
            yield Placed(interval=interval, start_ms=start_ms, end_ms=end_ms, cues=own, problems=found)
            start_ms = end_ms

    def _work_chimes(self, rep: tuple[Interval, ...], start_ms: int) -> Iterator[Chime]:
        if written_ms(rep) < TICKED_BELOW_MS:
            yield self._chime(start_ms, self._sounds.tick, "rep")
        else:
            yield self._chime(start_ms, self._sounds.start, "start")
        for ring in self._script.rings(rep):
            lasts_ms = self._length(ring.sound) if ring.lasts_ms is None else ring.lasts_ms
            yield Chime(at_ms=start_ms + ring.at_ms, duration_ms=lasts_ms, sound=ring.sound, why=ring.why)

    def _countdown(
        self, rep: tuple[Interval, ...], end_ms: int, counted_ms: int
    ) -> tuple[Sequence[Cue], Sequence[str]]:
        """Return the last seconds of work; ticks, with a note, where a number is too long for its second."""
        instants = range(end_ms - counted_ms, end_ms, 1000)
        numbers = self._script.numbers(rep, counted_ms)
        words = [self._number(line, at_ms) for line, at_ms in zip(numbers, instants, strict=False)]
        spoken = [word for word in words if word is not None]
        if numbers and len(spoken) == len(numbers):
            return spoken, []
        ticks = [self._chime(at_ms, self._sounds.tick, "countdown") for at_ms in instants]
        return ticks, ["the countdown is ticked: its numbers are too long for a second each"] if numbers else []

    def _number(self, line: Line, at_ms: int) -> Speech | None:
        """Return a number of the countdown, faster if it needs it, or None if even so it is longer than its second."""
        for utterance in (line.utterance, line.utterance.faster()):
            duration_ms = self._measure(utterance)
            if duration_ms <= 1000 - BETWEEN_WORDS_MS:
                return _speech(line, utterance, at_ms, duration_ms)
        return None


class _Words:
    """Finds room for words inside one rep, the most important first: at the wished instant, faster, later, or not.

    Words keep the room from their wished instant to where they would end at the latest, even where they are hurried,
    moved or left out, so that longer speech never makes another word earlier.
    """

    def __init__(
        self, measure: Measure, where: Location, start_ms: int, uncounted_ms: int, chimes_ms: Sequence[int]
    ) -> None:
        self._measure = measure
        self._where = where
        self._start_ms = start_ms
        self._limit_ms = start_ms + uncounted_ms - BETWEEN_WORDS_MS
        self._chimes_ms = sorted(chimes_ms)
        self._room = _Room()
        self.spoken: list[Speech] = []
        self.problems: list[Problem] = []

    def say(self, wishes: Iterable[Wish]) -> None:
        """Place all wishes. Of two as important for one instant the second follows the first, which isn't a move."""
        before: tuple[int, int] | None = None
        end_ms = 0
        for wish in sorted(wishes, key=lambda wish: (wish.importance, wish.at_ms)):
            wished_ms = due_ms = self._attacked(self._start_ms + wish.at_ms)
            if before == (wish.importance, wish.at_ms):
                due_ms = max(due_ms, end_ms + BETWEEN_WORDS_MS)
            found, end_ms = self._placed(wish, wished_ms)
            before = (wish.importance, wish.at_ms)
            self._room.take(wished_ms, end_ms)
            self.spoken += [found] if found else []
            self.problems += _what_happened(wish, due_ms, found, wish.where or self._where)

    def _attacked(self, wished_ms: int) -> int:
        """Return the instant from which words are not under the attack of a chime; waiting for that isn't a move."""
        for chime_ms in self._chimes_ms:
            if chime_ms <= wished_ms < chime_ms + ATTACK_MS:
                wished_ms = chime_ms + ATTACK_MS
        return wished_ms

    def _placed(self, wish: Wish, wished_ms: int) -> tuple[Speech | None, int]:
        """Return words at their instant, if there is one, and where they end or would have ended."""
        duration_ms = self._measure(wish.utterance)
        sensible_ms = self._start_ms + wish.sensible_until_ms - duration_ms
        latest_ms = max(wished_ms, min(wished_ms + MAY_MOVE_MS, sensible_ms))
        at_ms = self._room.first_free(wished_ms, duration_ms)
        if at_ms == wished_ms and at_ms + duration_ms <= self._limit_ms:
            return _speech(wish, wish.utterance, at_ms, duration_ms), at_ms + duration_ms
        hurried = wish.utterance.faster()
        hurried_ms = self._measure(hurried)
        at_ms = self._room.first_free(wished_ms, hurried_ms)
        if at_ms > latest_ms or at_ms + hurried_ms > self._limit_ms:
            return None, latest_ms + duration_ms
        if at_ms == self._room.first_free(at_ms, duration_ms) and at_ms + duration_ms <= self._limit_ms:
            return _speech(wish, wish.utterance, at_ms, duration_ms), at_ms + duration_ms
        return _speech(wish, hurried, at_ms, hurried_ms), at_ms + duration_ms


class _Room:
    """The time that words have taken, as spans that don't touch, in order."""

    def __init__(self) -> None:
        self._starts_ms: list[int] = []
        self._ends_ms: list[int] = []

    def take(self, start_ms: int, end_ms: int) -> None:
        """Take a span of time, parts of which may be taken."""
        low = bisect_left(self._ends_ms, start_ms)
        high = bisect_right(self._starts_ms, end_ms)
        if low < high:
            start_ms, end_ms = min(start_ms, self._starts_ms[low]), max(end_ms, self._ends_ms[high - 1])
        self._starts_ms[low:high] = [start_ms]
        self._ends_ms[low:high] = [end_ms]

    def first_free(self, from_ms: int, duration_ms: int) -> int:
        """Return the first instant from which words have room, with the silence that stands between words."""
        at_ms = from_ms
        for index in range(bisect_right(self._ends_ms, from_ms - BETWEEN_WORDS_MS), len(self._starts_ms)):
            if self._starts_ms[index] >= at_ms + duration_ms + BETWEEN_WORDS_MS:
                break
            at_ms = self._ends_ms[index] + BETWEEN_WORDS_MS
        return at_ms


def _speech(words: Line | Wish, utterance: Utterance, at_ms: int, duration_ms: int) -> Speech:
    return Speech(at_ms=at_ms, duration_ms=duration_ms, utterance=utterance, why=words.why)


def _what_happened(wish: Wish, due_ms: int, found: Speech | None, where: Location) -> Iterator[Problem]:
    """Yield what was not as wished; that a sentence of the author's own is lost is a warning."""
    said = "a word of encouragement" if wish.why == "encouragement" else f'"{wish.utterance.text}" ({wish.why})'
    if found is None:
        message = f"{said} doesn't fit into its work and is left out"
        hint = "say it at another time, or in fewer words" if wish.why == "during" else ""
        yield Problem(where=where, message=message, hint=hint, severity="warning" if hint else "note")
    elif found.at_ms > due_ms:
        later_s = -(-(found.at_ms - due_ms) // 1000)
        message = f"{said} is said up to {later_s} s later, when there is room for it"
        yield Problem(where=where, message=message, severity="note")
    elif found.utterance != wish.utterance:
        yield Problem(where=where, message=f"{said} is said a little faster to fit", severity="note")


def _by_instant(cue: Cue) -> tuple[int, bool]:
    return cue.at_ms, isinstance(cue, Speech)


def _rep_key() -> Callable[[Interval], int]:
    """Return a key for groupby that keeps the phases of one rep together, and everything else apart."""
    previous: list[Interval] = []
    number = 0

    def key(interval: Interval) -> int:
        nonlocal number
        if not (previous and previous[-1].same_rep(interval)):
            number += 1
        previous[:] = [interval]
        return number

    return key
