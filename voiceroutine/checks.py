"""Doses and words that an author may want to think about again: notes and warnings, never errors.

Each says why, and where that is from. Words (of force, promises, circles, stopping) are looked for in routines in
English only; the doses of every routine are looked at, whatever its language.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from voiceroutine.errors import Location, Problem
from voiceroutine.phrases import phrases_for
from voiceroutine.routine import LONG_HOLD_MS, SHORT_HOLD_MS, Block, Exercise, Rest, Say, Wait
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from voiceroutine.errors import Severity
    from voiceroutine.routine import Routine, Step

LONG_REP_MS = 15_000
MOST_EXERCISES = 8
MOST_OF_A_MUSCLE_MS = 240_000

_DOSE = "10 to 30 s suit most adults, 30 to 60 s may suit older ones (ACSM, GETP 11, table 5.6)"
_EACH_SIDE = "a dose is for each side (Garber 2011: about 60 s for each stretch in a session)"
_FORCING = re.compile(
    r"(?i)\b(?:(?:pull|push|press|stretch) (?:as )?(?:hard(?:er)?|far as you can)|bounc(?:e|es|ing)|force (?:it|your)"
    r"|(?:push|work|go|stretch) (?:through|past|into) (?:the |your )?pain|no pain,? no gain)\b"
)
_TAKES_AWAY = (
    r"(?:remov(?:es?|ing)|reliev(?:es?|ing)|eliminat(?:es?|ing)|end(?:s|ing)?|get(?:s|ting)? rid of|prevent(?:s|ing)?)"
)
_SORENESS = re.compile(rf"(?i)\b(?:{_TAKES_AWAY}|reduc(?:es?|ing)) (?:\w+ ){{0,2}}soreness\b")
_CURE = re.compile(rf"(?i)\b(?:cures?|curing|heal(?:s|ing)?|{_TAKES_AWAY} (?:\w+ ){{0,2}}(?:injur(?:y|ies)|pain))\b")
_HEAD = r"(?:head|neck|chin)"
_CIRCLE = re.compile(
    rf"(?i)\b(?:{_HEAD}\b[^.!?]*\b(?:all the way a?round|(?:full|whole|complete) (?:circle|roll)s?)"
    rf"|(?:full|whole|complete) (?:{_HEAD} (?:circle|roll)s?|(?:circle|roll)s? (?:with|of) (?:your|the) {_HEAD})"
    rf"|(?<!half )(?<!half a ){_HEAD} circles?|circle (?:your|the) {_HEAD}"
    rf"|(?:tip|tilt|drop|lean|roll|let) (?:your |the )?head (?:fall |drop |sink |hang |roll )?(?:all the way |far )?"
    r"back(?:wards?)?\b(?! (?:to|into|up|in|on|onto|against)\b))"
)
_FULL_ROLL = "neck-roll-full"
_PROMISES = (
    (_SORENESS, "stretching has little or no effect on soreness (Cochrane review CD004577); leave it out"),
    (
        _CURE,
        "no routine can promise that (in a pilot rated pain stayed as it was, core.ac.uk 647985670); say what to do",
    ),
)
_NOT = re.compile(r"(?i)\b(?:no|not|never|without|avoid|cannot|\w+n['\u2019]t|rather than|instead of)\b[^,;:.!?]*$")


def dose_problems(routine: Routine) -> tuple[Problem, ...]:
    """Return every note and warning about a routine's doses and words, in the order of the file."""
    side_words = phrases_for(routine.voice.language).sides
    found = [problem for exercise in routine.exercises() for problem in _of_exercise(exercise, side_words)]
    found += [*_many_exercises(routine), *_much_of_a_muscle(routine), *_unequal_sides(routine, side_words)]
    if routine.voice.language.partition("-")[0].lower() == "en":
        found += [*_words(routine), *_circles(routine), *_nothing_says_stop(routine)]
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.where.line, problem.where.column)))


def _of_exercise(exercise: Exercise, side_words: Mapping[str, str]) -> Iterator[Problem]:
    yield from _hold_short_or_long(exercise)
    yield from _long_reps(exercise)
    yield from _no_time_to_switch(exercise)
    yield from _single_label(exercise, side_words)
    if exercise.exercise == _FULL_ROLL:
        yield _circle_problem(exercise.where)


def _problem(where: Location, message: str, hint: str, severity: Severity = "note") -> Problem:
    return Problem(where=where, message=message, hint=hint, severity=severity)


def _hold_short_or_long(exercise: Exercise) -> Iterator[Problem]:
    if exercise.action != "hold" or exercise.reps > 1:
        return
    length = duration_text(exercise.rep_ms)
    if exercise.rep_ms < SHORT_HOLD_MS and not is_isometric(exercise):
        yield _problem(exercise.where, f"a single hold of {length} is short for a stretch", _DOSE)
    elif exercise.rep_ms > LONG_HOLD_MS:
        yield _problem(exercise.where, f"a single hold of {length} is long for a stretch", _DOSE)


def is_isometric(exercise: Exercise) -> bool:
    """Tell whether it is several short presses, which are like reps: by its name, or by more than two directions."""
    return len(exercise.sides) > 2 or "isometr" in f"{exercise.exercise} {exercise.name}".lower()


def _long_reps(exercise: Exercise) -> Iterator[Problem]:
    if exercise.action == "hold" and exercise.reps > 1 and exercise.rep_ms > LONG_REP_MS:
        message = f"{exercise.reps} reps of a hold of {duration_text(exercise.rep_ms)} are a long time in one position"
        hint = "about 60 s for each stretch in a session are enough (Garber 2011); is reps inherited from the library?"
        yield _problem(exercise.where, message, hint)


def _no_time_to_switch(exercise: Exercise) -> Iterator[Problem]:
    if len(exercise.sides) > 1 and exercise.switch_ms == 0:
        hint = f'the way to the next side is taken from its dose, and {_EACH_SIDE}; give it a gap, like switch = "4s"'
        yield _problem(exercise.where, "there is no time to switch sides", hint, "warning")


def _single_label(exercise: Exercise, side_words: Mapping[str, str]) -> Iterator[Problem]:
    if len(exercise.sides) == 1 and side_of(exercise.sides[0], side_words) is None:
        hint = 'a label is only said; did you mean sides = "each", the dose on the right and then on the left?'
        message = f'sides = ["{exercise.sides[0]}"] has no effect on the dose: everything is done once'
        yield _problem(exercise.where, message, hint)


def side_of(label: str, side_words: Mapping[str, str]) -> str | None:
    """Return "left" or "right" if that is what a label says, in the words of the routine's language.

    Args:
        label: what a side is called, or any words.
        side_words: for "right" and "left" their words in that language.
    """
    said = re.findall(r"\w+", label.casefold())
    found = [side for side, word in side_words.items() if word.casefold() in {label.casefold(), *said}]
    return found[0] if len(found) == 1 else None


def _unequal_sides(routine: Routine, side_words: Mapping[str, str]) -> Iterator[Problem]:
    """Warn once per exercise, where it is used for the last time, if one side gets more work in all than the other."""
    work_ms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    last: dict[str, Exercise] = {}
    for exercise, rounds in _with_rounds(routine.steps, 1):
        key = exercise.exercise or exercise.name
        for side in (side_of(label, side_words) for label in exercise.sides):
            if side is not None:
                work_ms[key][side] += _side_work_ms(exercise, rounds)
                last[key] = exercise
    hint = f'{_EACH_SIDE}; sides = "each" gives both the same, unless one side was prescribed'
    for key, exercise in last.items():
        right_ms, left_ms = work_ms[key]["right"], work_ms[key]["left"]
        if right_ms != left_ms:
            message = f"{exercise.name}: {_length(right_ms)} on the right, {_length(left_ms)} on the left"
            yield _problem(exercise.where, message, hint, "warning")


def _length(work_ms: int) -> str:
    return duration_text(work_ms) if work_ms else "nothing"


def _side_work_ms(exercise: Exercise, rounds: int) -> int:
    return exercise.rep_ms * exercise.reps * exercise.sets * rounds


def _many_exercises(routine: Routine) -> Iterator[Problem]:
    count = len({exercise.exercise or exercise.name for exercise in routine.exercises()})
    if count > MOST_EXERCISES:
        hint = "2 to 4 exercises at home are followed best (Bachmann 2018, doi 10.1055/s-0043-120527)"
        yield _problem(routine.where, f"{count} exercises are many for one session", hint)


def _much_of_a_muscle(routine: Routine) -> Iterator[Problem]:
    """Tell once per muscle, where it is stretched for the last time; right and left count apart."""
    total_ms: defaultdict[str, Counter[str | None]] = defaultdict(Counter)
    last: dict[str, Location] = {}
    for exercise, rounds in _with_rounds(routine.steps, 1):
        if exercise.action != "hold" or exercise.rep_ms < SHORT_HOLD_MS:
            continue
        for muscle in dict.fromkeys(exercise.muscles):
            for side in exercise.sides or (None,):
                total_ms[muscle][side] += _side_work_ms(exercise, rounds)
            last[muscle] = exercise.where
    hint = "there is little to gain beyond 4 minutes in a session (Ingram 2025, doi 10.1007/s40279-024-02143-9)"
    for muscle, of_sides_ms in total_ms.items():
        muscle_ms = of_sides_ms.pop(None, 0) + max(of_sides_ms.values(), default=0)
        if muscle_ms > MOST_OF_A_MUSCLE_MS:
            yield _problem(last[muscle], f"{muscle}: stretched for {duration_text(muscle_ms)} in all", hint)


def _with_rounds(steps: Sequence[Step], rounds: int) -> Iterator[tuple[Exercise, int]]:
    for step in steps:
        if isinstance(step, Block):
            yield from _with_rounds(step.steps, rounds * step.repeat)
        elif isinstance(step, Exercise):
            yield step, rounds


def _words(routine: Routine) -> Iterator[Problem]:
    """Warn of words that force or promise, unless they are said not to."""
    hint = "a stretch is mild and never hurts (ACSM, GETP 11, table 5.6); say it more gently"
    for where, text in _texts(routine):
        for word in _said(_FORCING, text):
            yield _problem(where, f'"{word}" asks for force', hint, "warning")
        for pattern, reason in _PROMISES:
            for word in _said(pattern, text):
                yield _problem(where, f'"{word}" promises too much', reason, "warning")


def _circles(routine: Routine) -> Iterator[Problem]:
    for where, text in _texts(routine):
        if any(_said(_CIRCLE, text)):
            yield _circle_problem(where)


def _circle_problem(where: Location) -> Problem:
    hint = (
        "full circles are contested: some advise against the backward part, others call pain-free circles useful; "
        "neck-roll is a half circle, ear to chest to ear"
    )
    return _problem(where, "a full circle of the neck", hint)


def _said(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(" ".join(text.split())):
        if not _NOT.search(match.string, 0, match.start()):
            yield match[0]


def _nothing_says_stop(routine: Routine) -> Iterator[Problem]:
    if not routine.cues.safety and not any(re.search(r"\bstop\b", text, re.IGNORECASE) for _, text in _texts(routine)):
        hint = (
            "safety = false leaves that out; say it yourself: stop at once if you feel dizzy (NHS Suffolk, neck page)"
        )
        yield _problem(routine.where, "nothing says when to stop", hint)


def _texts(routine: Routine) -> Iterator[tuple[Location, str]]:
    yield routine.where, routine.title
    yield routine.where, routine.summary or ""
    yield from ((routine.where, words) for _, words in routine.own_phrases)
    yield from _texts_of(routine.steps)


def _texts_of(steps: Sequence[Step]) -> Iterator[tuple[Location, str]]:
    for step in steps:
        match step:
            case Block():
                yield step.where, step.title or ""
                yield from _texts_of(step.steps)
            case Exercise():
                phases = [phase.say for phase in step.phases]
                texts = [step.name, step.instruction, step.cue, step.caution, *phases]
                yield from ((step.where, text) for text in texts if text)
                yield from ((cue.where, cue.say) for cue in step.during if cue.say)
            case Say() | Rest() | Wait():
                yield step.where, step.text or ""
