"""Intervals and how long each sentence lasts become one exact timeline. The law of time lives here.

Work is exact, gaps are minimums: work lasts as prescribed to the millisecond; a gap lasts as written, or as long as
what is said in it plus its breathing space, whichever is longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from voiceroutine.cues import READY_FROM_MS, TICKED_BELOW_MS, Chime, Cue, Line, Script, Speech, Utterance, Wish
from voiceroutine.errors import Problem
from voiceroutine.phrases import phrases_for
from voiceroutine.unroll import written_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.cues import ChimeWhy
    from voiceroutine.routine import Routine
    from voiceroutine.unroll import Interval

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
        is_gap = self.interval.kind in {"prepare", "relax", "switch", "rest"}
        return self.end_ms - self.start_ms - self.interval.minimum_ms if is_gap else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part of the session that can be jumped to: an exercise, once."""

    start_ms: int
    end_ms: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A whole session. `intervals` and `chapters` tile it; `cues` are sorted by their instants."""

    title: str
    intervals: tuple[Placed, ...]
    cues: tuple[Cue, ...]
    chapters: tuple[Chapter, ...]
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
        duration_ms=intervals[-1].end_ms,
        problems=tuple(dict.fromkeys(problem for one in intervals for problem in one.problems)),
    )


def chapters_of(routine: Routine, intervals: Sequence[Placed]) -> Iterator[Chapter]:
    """Yield the chapters: an exercise's begins with its `prepare` and ends where the next one's begins."""
    say = phrases_for(routine.voice.language).say
    starts = [(0, say["introduction"] if any(placed.interval.step for placed in intervals) else routine.title)]
    for placed in intervals:
        interval = placed.interval
        if interval.kind == "prepare" and interval.step is not None:
            title = interval.step.name
            if interval.rounds:
                title = say["round"].format(name=title, round=".".join(map(str, interval.rounds)))
            starts.append((placed.start_ms, title))
    end_ms = intervals[-1].end_ms
    for (start_ms, title), (next_ms, _) in pairwise([*starts, (end_ms, "")]):
        if next_ms > start_ms:
            yield Chapter(start_ms=start_ms, end_ms=next_ms, title=title)


def compile_intervals(
    routine: Routine, intervals: Sequence[Interval], measure: Measure, length: SoundLength
) -> Iterator[Placed]:
    """Yield every interval at its instants, from left to right, as soon as what is said in it has been measured.

    Args:
        routine: whose texts, cues and sounds are used.
        intervals: the routine, unrolled.
        measure: how many milliseconds an utterance lasts.
        length: how many milliseconds a sound lasts.
    """
    yield from _Compiler(routine, intervals, measure, length).run()


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
    def __init__(self, routine: Routine, intervals: Sequence[Interval], measure: Measure, length: SoundLength) -> None:
        self._routine = routine
        self._sounds = routine.sounds
        self._script = Script(routine, written_ms(intervals))
        self._groups = [tuple(group) for _, group in groupby(intervals, key=_rep_key())]
        self._measure = measure
        self._length = length
        self._last_word_ms = -BETWEEN_WORDS_MS
        self._last_sound_ms = 0

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
            if isinstance(cue, Speech):
                self._last_word_ms = max(self._last_word_ms, cue.end_ms)

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
        if _rep_ms(before) < TICKED_BELOW_MS:
            if not interval.exact:
                yield self._chime(at_ms, self._sounds.tick, "rep")
        elif interval.kind == "switch":
            yield self._chime(at_ms, self._sounds.switch, "switch")
        else:
            yield self._chime(at_ms, self._sounds.end, "end")

    def _gap(self, interval: Interval, place: _Place) -> Placed:
        leads_to_work = place.after is not None and place.after.exact
        first_ms = place.attacked_ms + BEFORE_WORDS_MS
        spoken = self._say_all(self._script.gap(interval, place.before), first_ms)
        after_words_ms = BEFORE_WORK_MS if leads_to_work else 0
        end_ms = max(place.start_ms + interval.minimum_ms, spoken[-1].end_ms + after_words_ms if spoken else 0)
        if leads_to_work and end_ms - place.start_ms >= READY_FROM_MS:
            earliest_ms = spoken[-1].end_ms + BETWEEN_WORDS_MS if spoken else first_ms
            spoken += self._say_all(self._script.ready(), max(end_ms - READY_BEFORE_WORK_MS, earliest_ms))
            end_ms = max(end_ms, spoken[-1].end_ms + AFTER_READY_MS) if spoken else end_ms
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=(*place.opening, *spoken))

    def _sentences(self, interval: Interval, place: _Place) -> Placed:
        """Place the intro or a `say`: they last as long as their words, and the pause after them."""
        lead_ms = BEFORE_WORDS_MS if interval.kind == "intro" else 0
        first_ms = max(place.attacked_ms + lead_ms, self._last_word_ms + BETWEEN_WORDS_MS)
        spoken = self._say_all(self._script.gap(interval, place.before), first_ms)
        end_ms = (spoken[-1].end_ms if spoken else place.start_ms) + interval.minimum_ms
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=(*place.opening, *spoken))

    def _closing(self, interval: Interval, place: _Place) -> Placed:
        first_ms = max(place.attacked_ms + BEFORE_WORDS_MS, self._last_word_ms + BETWEEN_WORDS_MS)
        spoken = self._say_all(self._script.gap(interval, place.before), first_ms)
        finish_ms = spoken[-1].end_ms + BEFORE_FINISH_MS if spoken else place.start_ms + FINISH_WITHOUT_WORDS_MS
        finish = self._chime(finish_ms, self._sounds.finish, "finish")
        cues: tuple[Cue, ...] = (*place.opening, *spoken, finish)
        end_ms = max(self._last_sound_ms, *(cue.end_ms for cue in cues))
        return Placed(interval=interval, start_ms=place.start_ms, end_ms=end_ms, cues=cues)

    def _work(self, rep: tuple[Interval, ...], place: _Place) -> Iterator[Placed]:
        chimes = [*self._work_chimes(rep, place)]
        wishes = self._script.work(rep, has_gap_before=place.before is not None and not place.before.exact)
        words = _Words(self._measure, place.start_ms, _rep_ms(rep), self._script.counted_ms(_rep_ms(rep)))
        problems = [*words.place(wishes, self._last_word_ms, place.attacked_ms, rep)]
        cues: list[Cue] = sorted([*chimes, *words.spoken], key=lambda cue: (cue.at_ms, isinstance(cue, Speech)))
        start_ms = place.start_ms
        for interval in rep:
            end_ms = start_ms + interval.minimum_ms
            is_last = interval is rep[-1]
            own = tuple(cue for cue in cues if start_ms <= cue.at_ms < end_ms)
            found = tuple(problems) if is_last else ()
            yield Placed(interval=interval, start_ms=start_ms, end_ms=end_ms, cues=own, problems=found)
            start_ms = end_ms

    def _work_chimes(self, rep: tuple[Interval, ...], place: _Place) -> Iterator[Chime]:
        rep_ms = _rep_ms(rep)
        yield from place.opening
        if rep_ms < TICKED_BELOW_MS:
            yield self._chime(place.start_ms, self._sounds.tick, "rep")
        else:
            yield self._chime(place.start_ms, self._sounds.start, "start")
        if self._script.is_halved(rep) and self._routine.cues.halfway == "chime":
            yield self._chime(place.start_ms + rep_ms // 2, self._sounds.halfway, "halfway")
        if self._routine.cues.countdown_with == "tick":
            for left_ms in range(self._script.counted_ms(rep_ms), 0, -1000):
                yield self._chime(place.start_ms + rep_ms - left_ms, self._sounds.tick, "countdown")


class _Words:
    """Finds room for words inside one rep: at the wished instant, faster, later, or not at all."""

    def __init__(self, measure: Measure, start_ms: int, rep_ms: int, counted_ms: int) -> None:
        self._measure = measure
        self._start_ms = start_ms
        self._end_ms = start_ms + rep_ms - BETWEEN_WORDS_MS
        self._uncounted_end_ms = start_ms + rep_ms - counted_ms - BETWEEN_WORDS_MS
        self.spoken: list[Speech] = []

    def place(
        self, wishes: Iterable[Wish], last_word_ms: int, attacked_ms: int, rep: Sequence[Interval]
    ) -> Iterator[Problem]:
        """Place the wishes in their order, and yield what had to be done to one of them."""
        free_from_ms = max(attacked_ms, self._start_ms + ATTACK_MS, last_word_ms + BETWEEN_WORDS_MS)
        for wish in wishes:
            wished_ms = max(self._start_ms + wish.at_ms, free_from_ms)
            found = self._find(wish, wished_ms)
            if found is not None:
                self.spoken.append(found)
            if (message := _what_happened(wish, wished_ms, found)) is not None:
                yield Problem(where=rep[0].where, message=message, severity="note")

    def _find(self, wish: Wish, wished_ms: int) -> Speech | None:
        paces = (wish.utterance, wish.utterance.faster())
        instants = [wished_ms, *self._gaps_between_words(wished_ms, wished_ms + wish.may_move_ms)]
        for at_ms in instants:
            for utterance in paces:
                speech = Speech(at_ms=at_ms, duration_ms=self._measure(utterance), utterance=utterance, why=wish.why)
                if self._is_free(speech):
                    return speech
        return None

    def _gaps_between_words(self, after_ms: int, latest_ms: int) -> list[int]:
        ends = (speech.end_ms + BETWEEN_WORDS_MS for speech in self.spoken)
        return sorted(end_ms for end_ms in ends if after_ms < end_ms <= latest_ms)

    def _is_free(self, wanted: Speech) -> bool:
        limit_ms = self._end_ms if wanted.why == "countdown" else self._uncounted_end_ms
        return wanted.end_ms <= limit_ms and all(
            wanted.end_ms + BETWEEN_WORDS_MS <= speech.at_ms or speech.end_ms + BETWEEN_WORDS_MS <= wanted.at_ms
            for speech in self.spoken
        )


def _what_happened(wish: Wish, wished_ms: int, found: Speech | None) -> str | None:
    said = f'"{wish.utterance.text}" ({wish.why})'
    if found is None:
        return f"{said} doesn't fit into its work and is left out"
    if found.at_ms > wished_ms:
        later_s = -(-(found.at_ms - wished_ms) // 1000)
        return f"{said} is said up to {later_s} s later, when there is room for it"
    if found.utterance != wish.utterance:
        return f"{said} is said a little faster to fit"
    return None


def _rep_ms(rep: Sequence[Interval]) -> int:
    return sum(interval.minimum_ms for interval in rep)


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
