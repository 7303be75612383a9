"""What an interval asks to say and chime; one small function a kind of interval. Nothing here knows an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from voiceroutine.phrases import phrases_for
from voiceroutine.placeholders import fill
from voiceroutine.routine import breath_name
from voiceroutine.units import duration_text
from voiceroutine.unroll import written_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.errors import Location
    from voiceroutine.routine import Breath, Exercise, Routine, VoiceSettings
    from voiceroutine.unroll import Interval

SpeechWhy = Literal[
    "safety", "needs", "intro", "say", "name", "side", "instruction", "caution", "set", "rep", "phase", "halfway",
    "every", "during", "breath", "next_up", "rest", "ready", "wait", "countdown", "encouragement", "closing",
]  # fmt: skip
ChimeWhy = Literal["start", "end", "switch", "halfway", "countdown", "during", "breath", "finish", "rep"]

FASTEST_PERCENT = 115
COUNTED_FROM_TIMES = 3
HALFWAY_FROM_MS = 20_000
READY_FROM_MS = 15_000
ENCOURAGED_FROM_MS = 20_000
ENCOURAGED_TWICE_FROM_MS = 45_000
TICKED_BELOW_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A sentence and the voice that says it: its identity in the cache."""

    text: str
    voice: VoiceSettings

    def faster(self) -> Utterance:
        """Return the same sentence at the fastest rate that the law of time allows."""
        return replace(self, voice=replace(self.voice, rate_wpm=self.voice.rate_wpm * FASTEST_PERCENT // 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A sentence at its instant."""

    at_ms: int
    duration_ms: int
    utterance: Utterance
    why: SpeechWhy

    @property
    def end_ms(self) -> int:
        """The instant after its last sample."""
        return self.at_ms + self.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Chime:
    """A sound at its instant."""

    at_ms: int
    duration_ms: int
    sound: str
    why: ChimeWhy

    @property
    def end_ms(self) -> int:
        """The instant after its last sample."""
        return self.at_ms + self.duration_ms


Cue = Speech | Chime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something to be said: in a gap, or as a number of a voiced countdown."""

    why: SpeechWhy
    utterance: Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Something to be said inside work; its instants count from the start of the rep.

    It is wanted at `at_ms`; said later, it makes sense only if it is over by `sensible_until_ms`. `where` is the place
    in the file that a problem with it is told of, if that isn't the whole step.
    """

    why: SpeechWhy
    utterance: Utterance
    at_ms: int
    sensible_until_ms: int
    where: Location | None = None

    @property
    def importance(self) -> int:
        """Its place in the order of importance; the most important is 0."""
        return IMPORTANCE[self.why]


IMPORTANCE: Mapping[str, int] = {
    "during": 0, "rep": 1, "phase": 1, "halfway": 2, "every": 3, "breath": 4, "encouragement": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A sound inside work, so long after the start of the rep; a breath's tone lasts as long as the breath."""

    why: ChimeWhy
    sound: str
    at_ms: int
    lasts_ms: int | None = None


def estimated_ms(utterance: Utterance) -> int:
    """Estimate how long a sentence lasts, without a voice.

    A fit of the embedded voice at 150 words a minute: so long a character, about 15 a second in English, and a pause
    at each stop.
    """
    character_ms = phrases_for(utterance.voice.language).character_ms
    text = utterance.text
    short_pauses = sum(text.count(mark) for mark in ",;:")
    long_pauses = max(0, sum(text.count(mark) for mark in ".!?") - 1)
    return round(
        (150 + character_ms * len(text) + 300 * short_pauses + 460 * long_pauses) * 150 / utterance.voice.rate_wpm
    )


class Script:
    """Words for the intervals of one routine.

    Args:
        routine: whose texts, cues and voice are used.
        intervals: what will be heard of it.
        total_ms: the length that `{total}` says, unless the routine was fitted to one; None is that of the intervals
            as written.
    """

    def __init__(self, routine: Routine, intervals: Sequence[Interval], *, total_ms: int | None = None) -> None:
        self._routine = routine
        lengths_ms = (routine.fitted_ms, total_ms, written_ms(intervals))
        self._total_ms = next(length_ms for length_ms in lengths_ms if length_ms is not None)
        self._needs = [*dict.fromkeys(thing for one in intervals if one.step for thing in one.step.needs)]
        self._phrases = routine.phrases()
        self._own_phrases = dict(routine.own_phrases)

    def gap(self, interval: Interval, before: Interval | None) -> Iterator[Line]:
        """Yield what is said in a gap, a `say`, the intro or the closing, in order."""
        match interval.kind:
            case "intro":
                yield from self._intro(interval)
            case "prepare":
                yield from self._prepare(interval, before)
            case "switch":
                yield from self._side(interval)
                yield from self._rep(interval)
            case "relax":
                yield from self._rep(interval)
            case "rest" if interval.step is not None:
                yield from self._set(interval)
                yield from self._rep(interval)
            case "rest" | "wait":
                yield from self._rest(interval)
            case "say":
                yield self._author("say", interval.text or "", interval)
            case "closing" if interval.cues.speaks:
                yield self._own("closing", "closing", interval)

    def ready(self, interval: Interval) -> Iterator[Line]:
        """Yield the last words before work, for long gaps."""
        if interval.cues.explains:
            yield self._own("ready", "ready", interval)

    def work(self, rep: Sequence[Interval], number: int, *, has_gap_before: bool) -> Iterator[Wish]:
        """Yield what is said inside a rep, the most important first.

        Args:
            rep: the intervals of one rep: one, or one for each phase.
            number: how many stretches of work were before it; encouragement takes turns.
            has_gap_before: whether its count was said before it.
        """
        yield from self._during(rep)
        if not has_gap_before:
            yield from (self._wish(line, 0, rep[0].minimum_ms) for line in self._rep(rep[0]))
        yield from self._phase_words(rep)
        if self._halfway(rep) == "voice":
            middle_ms = rep[0].minimum_ms // 2
            yield self._fixed("halfway", "halfway", rep, middle_ms)
        yield from self._every(rep)
        yield from self._breath(rep)
        yield from self._encouragement(rep, number)

    def rings(self, rep: Sequence[Interval]) -> Iterator[Ring]:
        """Yield the sounds inside a rep that its author wants, and those that mark its middle and its breaths."""
        step = rep[0].step
        if step is None:
            return
        for cue in step.during:
            if cue.chime is not None:
                yield Ring(why="during", sound=cue.chime, at_ms=cue.at_ms)
        if self._halfway(rep) == "chime":
            yield Ring(why="halfway", sound=self._routine.sounds.halfway, at_ms=rep[0].minimum_ms // 2)
        if not _is_breath_spoken(rep[0]):
            yield from self._breath_tones(rep)

    def unpaced(self, rep: Sequence[Interval]) -> str:
        """Return what is to be told of a rep that doesn't end with a whole breath, or an empty text."""
        paced = pacing_of(rep[0])
        if paced is None or not paced.unpaced_ms:
            return ""
        breaths = f"{paced.breaths} whole breath{'s' * (paced.breaths > 1)} of {duration_text(paced.breath.whole_ms)}"
        left = duration_text(paced.unpaced_ms)
        return f"the work of {duration_text(written_ms(rep))} has {breaths}; its last {left} isn't paced"

    def numbers(self, rep: Sequence[Interval], counted_ms: int) -> list[Line]:
        """Return the words of a voiced countdown, one for each second; none where it ticks."""
        cues = rep[0].cues
        if cues.countdown_with == "tick" or not cues.speaks:
            return []
        words = (self._phrases.number(seconds) for seconds in range(counted_ms // 1000, 0, -1))
        return [self._line("countdown", f"{word}.", rep[0]) for word in words]

    def counted_ms(self, rep: Sequence[Interval]) -> int:
        """Return how long before the end of a rep the countdown begins; 0 if it isn't counted."""
        counted_ms = rep[0].cues.countdown_s * 1000
        rep_ms = sum(interval.minimum_ms for interval in rep)
        return counted_ms if rep_ms >= COUNTED_FROM_TIMES * counted_ms else 0

    def _intro(self, interval: Interval) -> Iterator[Line]:
        if interval.cues.explains:
            title = _unstopped(self._routine.title)
            yield self._own("intro", "intro", interval, title=title, total=self._total())
            if self._needs:
                yield self._own("needs", "needs", interval, things=self._phrases.listing(self._needs))
        if interval.cues.safety:
            yield self._own("safety", "safety", interval)

    def _prepare(self, interval: Interval, before: Interval | None) -> Iterator[Line]:
        step = interval.step
        if step is None or not interval.cues.speaks:
            return
        if not (before and _says_next(before)):
            yield self._line("name", _sentence(step.name), interval)
        yield from self._teaching(interval, step)
        yield from self._rep(interval)

    def _teaching(self, interval: Interval, step: Exercise) -> Iterator[Line]:
        if not interval.is_first_time:
            yield from self._side(interval)
            if interval.side is None:
                yield from self._short_form(interval, step)
            return
        if interval.side is not None:
            yield self._side_line(interval, interval.side)
        if step.instruction and interval.cues.explains:
            yield self._author("instruction", step.instruction, interval)
        if step.caution and interval.cues.explains:
            yield self._author("caution", step.caution, interval)

    def _short_form(self, interval: Interval, step: Exercise) -> Iterator[Line]:
        if step.cue and interval.cues.explains:
            yield self._author("instruction", step.cue, interval)

    def _side(self, interval: Interval) -> Iterator[Line]:
        if not interval.cues.speaks or interval.side is None:
            return
        cue = interval.step.cue if interval.step and interval.cues.explains else None
        if cue is None or not _names_side(cue):
            yield self._side_line(interval, interval.side)
        if cue is not None:
            yield self._author("side", cue, interval)

    def _side_line(self, interval: Interval, side: str) -> Line:
        key = "side" if side in self._phrases.sides.values() else "label"
        return self._own("side", key, interval, side=side)

    def _rep(self, interval: Interval) -> Iterator[Line]:
        step, cues = interval.step, interval.cues
        if step is None or step.reps < 2 or not cues.count_reps or not cues.speaks:
            return
        if step.is_alternating and interval.side != step.sides[0]:
            return
        yield self._own("rep", "rep", interval, rep=self._phrases.number(interval.rep))

    def _set(self, interval: Interval) -> Iterator[Line]:
        step = interval.step
        if step is None or not interval.cues.speaks:
            return
        if interval.cues.explains:
            key = "last_set" if interval.set == step.sets else "set"
            numbers = {"set": self._phrases.number(interval.set), "sets": self._phrases.number(step.sets)}
            yield self._own("set", key, interval, **numbers)
        if step.sides:
            yield from self._side(interval)
        else:
            yield from self._short_form(interval, step)

    def _rest(self, interval: Interval) -> Iterator[Line]:
        if interval.text is not None:
            yield self._author("say", interval.text, interval)
        elif interval.kind == "wait" and interval.cues.speaks:
            yield self._own("wait", "wait", interval)
        elif interval.cues.explains:
            yield self._own("rest", "rest", interval)
        if _says_next(interval) and interval.next_step is not None:
            yield self._own("next_up", "next_up", interval, next=_unstopped(interval.next_step.name))

    def _during(self, rep: Sequence[Interval]) -> Iterator[Wish]:
        step, rep_ms = rep[0].step, written_ms(rep)
        for cue in step.during if step else ():
            if cue.say is not None:
                line = self._author("during", cue.say, rep[0], remaining=self._remaining(rep_ms - cue.at_ms))
                until_ms = cue.at_ms if "{remaining}" in cue.say else rep_ms
                yield self._wish(line, cue.at_ms, until_ms, cue.where)

    def _phase_words(self, rep: Sequence[Interval]) -> Iterator[Wish]:
        end_ms = 0
        for interval in rep:
            at_ms, end_ms = end_ms, end_ms + interval.minimum_ms
            if interval.phase is not None and interval.phase.say is not None and interval.cues.speaks:
                yield self._wish(self._author("phase", interval.phase.say, interval), at_ms, end_ms)

    def _halfway(self, rep: Sequence[Interval]) -> Literal["voice", "chime", "off"]:
        """Return how the middle of a rep is marked: of a hold or a move, if it is long enough."""
        step, cues = rep[0].step, rep[0].cues
        if step is None or step.action == "phases" or rep[0].minimum_ms < HALFWAY_FROM_MS:
            return "off"
        return "chime" if cues.halfway == "voice" and not cues.speaks else cues.halfway

    def _every(self, rep: Sequence[Interval]) -> Iterator[Wish]:
        cues, rep_ms = rep[0].cues, written_ms(rep)
        if not cues.every_ms or not cues.speaks:
            return
        for at_ms in range(cues.every_ms, rep_ms - self.counted_ms(rep), cues.every_ms):
            yield self._fixed("every", "remaining", rep, at_ms)

    def _breath(self, rep: Sequence[Interval]) -> Iterator[Wish]:
        if not _is_breath_spoken(rep[0]):
            return
        for at_ms, _, is_in in _breaths(rep):
            yield self._fixed("breath", "breathe_in" if is_in else "breathe_out", rep, at_ms)

    def _breath_tones(self, rep: Sequence[Interval]) -> Iterator[Ring]:
        theme = self._routine.sounds.theme
        for at_ms, lasts_ms, is_in in _breaths(rep):
            yield Ring(why="breath", sound=breath_name(theme, is_in=is_in), at_ms=at_ms, lasts_ms=lasts_ms)

    def _encouragement(self, rep: Sequence[Interval], number: int) -> Iterator[Wish]:
        rep_ms, lines = written_ms(rep), self._phrases.encouragement
        is_wanted = rep[0].cues.encourage and rep[0].cues.speaks and not (rep[0].step and rep[0].step.breath)
        if not is_wanted or not lines or rep_ms < ENCOURAGED_FROM_MS:
            return
        quarters = (1, 3) if rep_ms >= ENCOURAGED_TWICE_FROM_MS else (1,)
        for turn, quarter in enumerate(quarters, start=2 * number):
            line = self._line("encouragement", lines[turn % len(lines)], rep[0])
            yield self._wish(line, rep_ms * quarter // 4, rep_ms)

    def _fixed(self, why: SpeechWhy, key: str, rep: Sequence[Interval], at_ms: int) -> Wish:
        """Return a wish that makes no sense at any other instant."""
        line = self._own(why, key, rep[0], remaining=self._remaining(written_ms(rep) - at_ms))
        return self._wish(line, at_ms, at_ms)

    def _remaining(self, remaining_ms: int) -> str:
        return self._phrases.duration(max(1, round(remaining_ms / 1000)) * 1000)

    @staticmethod
    def _wish(line: Line, at_ms: int, sensible_until_ms: int, where: Location | None = None) -> Wish:
        return Wish(
            why=line.why, utterance=line.utterance, at_ms=at_ms, sensible_until_ms=sensible_until_ms, where=where
        )

    def _own(self, why: SpeechWhy, key: str, interval: Interval, **values: str) -> Line:
        """Return a built-in phrase, or the author's words for it."""
        if key in self._own_phrases:
            values = self._values(interval) | values
        return self._line(why, fill(self._phrases.say[key], values), interval)

    def _author(self, why: SpeechWhy, text: str, interval: Interval, **values: str) -> Line:
        filled = fill(text, self._values(interval) | values) if "{" in text or "}" in text else text
        return self._line(why, filled, interval)

    def _line(self, why: SpeechWhy, text: str, interval: Interval) -> Line:
        voice = self._routine.voice
        voice = voice if interval.cues.speaks else replace(voice, engine="silent", name=None)
        return Line(why=why, utterance=Utterance(text=_capitalized(" ".join(text.split())), voice=voice))

    def _total(self) -> str:
        return self._phrases.minutes(self._total_ms)

    def _values(self, interval: Interval) -> dict[str, str]:
        values = {"total": self._total()}
        if interval.next_step is not None:
            values["next"] = interval.next_step.name
        if interval.step is not None:
            values |= self._exercise_values(interval, interval.step)
        return values

    def _exercise_values(self, interval: Interval, step: Exercise) -> dict[str, str]:
        number = self._phrases.number
        return {
            "name": step.name,
            "side": interval.side or "",
            "other_side": next((side for side in step.sides if side != interval.side), ""),
            "hold": self._phrases.duration(step.rep_ms),
            "rep": number(interval.rep),
            "reps": number(step.reps),
            "set": number(interval.set),
            "sets": number(step.sets),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How a rep is paced: by so many whole breaths from its start; what is left of it isn't."""

    breath: Breath
    breaths: int
    unpaced_ms: int


def pacing_of(interval: Interval) -> Pacing | None:
    """Return how the rep that an interval begins is paced; None where there is no breath, or not one has room."""
    step = interval.step
    breath = step.breath if step and interval.exact and interval.phase_index == 1 else None
    if step is None or breath is None:
        return None
    rep_ms = step.rep_ms if len(step.phases) > 1 else interval.minimum_ms
    breaths, unpaced_ms = divmod(rep_ms, breath.whole_ms)
    if not breaths:
        return None
    return Pacing(breath=breath, breaths=breaths, unpaced_ms=unpaced_ms)


def _breaths(rep: Sequence[Interval]) -> Iterator[tuple[int, int, bool]]:
    """Yield instant and length of each breath in (true) and out (false), for as many whole breaths as there is room."""
    paced = pacing_of(rep[0])
    if paced is None:
        return
    breath = paced.breath
    for start_ms in range(0, paced.breaths * breath.whole_ms, breath.whole_ms):
        yield start_ms, breath.in_ms, True
        yield start_ms + breath.in_ms, breath.out_ms, False


def _is_breath_spoken(interval: Interval) -> bool:
    """Tell whether breaths are paced by words: where the author says so, or else where more than names is said."""
    breath = interval.step.breath if interval.step else None
    if breath is None or breath.paced_with == "tone" or not interval.cues.speaks:
        return False
    return breath.paced_with == "words" or interval.cues.explains


def _says_next(interval: Interval) -> bool:
    """Tell whether a gap between exercises names the next one, so that its `prepare` needn't."""
    is_between = interval.kind in {"rest", "wait"} and interval.step is None
    return is_between and interval.cues.next_up and interval.cues.speaks and interval.next_step is not None


def dose_text(step: Exercise) -> str:
    """Write a dose as a prescription does: `2 sets · 8 reps · hold 5s · right, left`, or `8 reps of 5s`."""
    length = duration_text(step.rep_ms)
    reps = "1 rep" if step.reps == 1 else f"{step.reps} reps"
    parts = [f"{step.sets} sets"] if step.sets > 1 else []
    if step.action == "phases":
        parts.append(f"{reps} of {length}")
    else:
        parts += [reps] if step.reps > 1 else []
        parts.append(f"{step.action} {length}")
    if step.sides:
        parts.append("sides in turn" if step.is_alternating else ", ".join(step.sides))
    return " · ".join(parts)


def _names_side(text: str) -> bool:
    return "{side}" in text


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _unstopped(text: str) -> str:
    return text.rstrip(".!?")


def _sentence(text: str) -> str:
    return text if text[-1:] in ".!?" else f"{text}."
