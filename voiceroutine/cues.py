"""What an interval asks to say and chime; one small function a kind of interval. Nothing here knows an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from voiceroutine.phrases import Phrases, phrases_for
from voiceroutine.placeholders import fill
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.routine import Exercise, Routine, VoiceSettings
    from voiceroutine.unroll import Interval

SpeechWhy = Literal[
    "safety", "needs", "intro", "say", "name", "side", "instruction", "caution", "set", "rep", "phase", "halfway",
    "next_up", "rest", "ready", "countdown", "closing",
]  # fmt: skip
ChimeWhy = Literal["start", "end", "switch", "halfway", "countdown", "finish", "rep"]

FASTEST_PERCENT = 115
COUNTED_FROM_TIMES = 3
HALFWAY_FROM_MS = 20_000
READY_FROM_MS = 15_000
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

    It is wanted at `at_ms`; said later, it makes sense only if it is over by `sensible_until_ms`.
    """

    why: SpeechWhy
    utterance: Utterance
    at_ms: int
    sensible_until_ms: int


def estimated_ms(utterance: Utterance) -> int:
    """Estimate how long a sentence lasts, without a voice.

    A fit of the embedded voice: about 15 characters a second at 150 words a minute, and a pause at each stop.
    """
    text = utterance.text
    short_pauses = sum(text.count(mark) for mark in ",;:")
    long_pauses = max(0, sum(text.count(mark) for mark in ".!?") - 1)
    return round((150 + 64 * len(text) + 300 * short_pauses + 460 * long_pauses) * 150 / utterance.voice.rate_wpm)


class Script:
    """Words for the intervals of one routine.

    Args:
        routine: whose texts, cues and voice are used.
        total_ms: the written length of the routine, for `{total}`.
    """

    def __init__(self, routine: Routine, total_ms: int) -> None:
        self._routine = routine
        self._cues = routine.cues
        self._total_ms = total_ms
        self._phrases: Phrases = phrases_for(routine.voice.language)
        self._is_normal = routine.cues.profile == "normal"
        self._speaks = routine.cues.profile != "bell"

    def gap(self, interval: Interval, before: Interval | None) -> Iterator[Line]:
        """Yield what is said in a gap, a `say`, the intro or the closing, in order."""
        match interval.kind:
            case "intro":
                yield from self._intro()
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
            case "rest":
                yield from self._rest(interval)
            case "say":
                yield self._author("say", interval.text or "", interval)
            case "closing" if self._speaks:
                yield self._own("closing", "closing")

    def ready(self) -> Iterator[Line]:
        """Yield the last words before work, for long gaps."""
        if self._is_normal:
            yield self._own("ready", "ready")

    def work(self, rep: Sequence[Interval], *, has_gap_before: bool) -> Iterator[Wish]:
        """Yield what is said inside a rep, in order of time.

        Args:
            rep: the intervals of one rep: one, or one for each phase.
            has_gap_before: whether its count was said before it.
        """
        if not has_gap_before:
            yield from (self._wish(line, 0, rep[0].minimum_ms) for line in self._rep(rep[0]))
        yield from self._phase_words(rep)
        if self.halfway(rep) == "voice":
            middle_ms = rep[0].minimum_ms // 2
            yield self._wish(self._own("halfway", "halfway"), middle_ms, middle_ms)

    def halfway(self, rep: Sequence[Interval]) -> Literal["voice", "chime", "off"]:
        """Return how the middle of a rep is marked: of a hold or a move, if it is long enough."""
        step = rep[0].step
        if step is None or step.action == "phases" or rep[0].minimum_ms < HALFWAY_FROM_MS:
            return "off"
        return "chime" if self._cues.halfway == "voice" and not self._speaks else self._cues.halfway

    def numbers(self, counted_ms: int) -> list[Line]:
        """Return the words of a voiced countdown, one for each second; none where it ticks."""
        if self._cues.countdown_with == "tick" or not self._speaks:
            return []
        words = (self._phrases.number(seconds) for seconds in range(counted_ms // 1000, 0, -1))
        return [self._line("countdown", f"{word}.") for word in words]

    def counted_ms(self, rep_ms: int) -> int:
        """Return how long before the end of a rep the countdown begins; 0 if it isn't counted."""
        counted_ms = self._cues.countdown_s * 1000
        return counted_ms if rep_ms >= COUNTED_FROM_TIMES * counted_ms else 0

    def _intro(self) -> Iterator[Line]:
        if self._is_normal:
            yield self._own("intro", "intro", title=_unstopped(self._routine.title), total=self._total())
            things = list(dict.fromkeys(thing for step in self._routine.exercises() for thing in step.needs))
            if things:
                yield self._own("needs", "needs", things=self._phrases.listing(things))
        if self._cues.safety:
            yield self._own("safety", "safety")

    def _prepare(self, interval: Interval, before: Interval | None) -> Iterator[Line]:
        step = interval.step
        if step is None or not self._speaks:
            return
        if not (before and self._says_next(before)):
            yield self._line("name", _sentence(step.name))
        yield from self._teaching(interval, step)
        yield from self._rep(interval)

    def _teaching(self, interval: Interval, step: Exercise) -> Iterator[Line]:
        if not interval.is_first_time:
            yield from self._side(interval)
            if interval.side is None:
                yield from self._short_form(interval, step)
            return
        if interval.side is not None:
            yield self._line("side", self._side_text(interval.side))
        if step.instruction and self._is_normal:
            yield self._author("instruction", step.instruction, interval)
        if step.caution and self._is_normal:
            yield self._author("caution", step.caution, interval)

    def _short_form(self, interval: Interval, step: Exercise) -> Iterator[Line]:
        if step.cue and self._is_normal:
            yield self._author("instruction", step.cue, interval)

    def _side(self, interval: Interval) -> Iterator[Line]:
        if not self._speaks or interval.side is None:
            return
        cue = interval.step.cue if interval.step and self._is_normal else None
        if cue is None or not _names_side(cue):
            yield self._line("side", self._side_text(interval.side))
        if cue is not None:
            yield self._author("side", cue, interval)

    def _side_text(self, side: str) -> str:
        key = "side" if side in self._phrases.sides.values() else "label"
        return self._phrases.say[key].format(side=side)

    def _rep(self, interval: Interval) -> Iterator[Line]:
        step = interval.step
        if step is None or step.reps < 2 or not self._cues.count_reps or not self._speaks:
            return
        if step.is_alternating and interval.side != step.sides[0]:
            return
        yield self._own("rep", "rep", rep=self._phrases.number(interval.rep))

    def _set(self, interval: Interval) -> Iterator[Line]:
        step = interval.step
        if step is None or not self._speaks:
            return
        if self._is_normal:
            key = "last_set" if interval.set == step.sets else "set"
            numbers = {"set": self._phrases.number(interval.set), "sets": self._phrases.number(step.sets)}
            yield self._own("set", key, **numbers)
        if step.sides:
            yield from self._side(interval)
        else:
            yield from self._short_form(interval, step)

    def _rest(self, interval: Interval) -> Iterator[Line]:
        if interval.text is not None:
            yield self._author("say", interval.text, interval)
        elif self._is_normal:
            yield self._own("rest", "rest")
        if self._says_next(interval) and interval.next_step is not None:
            yield self._own("next_up", "next_up", next=_unstopped(interval.next_step.name))

    def _says_next(self, interval: Interval) -> bool:
        is_rest = interval.kind == "rest" and interval.step is None
        return is_rest and self._cues.next_up and self._speaks and interval.next_step is not None

    def _phase_words(self, rep: Sequence[Interval]) -> Iterator[Wish]:
        end_ms = 0
        for interval in rep:
            at_ms, end_ms = end_ms, end_ms + interval.minimum_ms
            if interval.phase is not None and interval.phase.say is not None and self._is_normal:
                yield self._wish(self._author("phase", interval.phase.say, interval), at_ms, end_ms)

    @staticmethod
    def _wish(line: Line, at_ms: int, sensible_until_ms: int) -> Wish:
        return Wish(why=line.why, utterance=line.utterance, at_ms=at_ms, sensible_until_ms=sensible_until_ms)

    def _own(self, why: SpeechWhy, key: str, **values: str) -> Line:
        return self._line(why, self._phrases.say[key].format(**values))

    def _author(self, why: SpeechWhy, text: str, interval: Interval) -> Line:
        return self._line(why, fill(text, self._values(interval)))

    def _line(self, why: SpeechWhy, text: str) -> Line:
        voice = self._routine.voice if self._speaks else replace(self._routine.voice, engine="silent", name=None)
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
