"""Doses and words that an author may want to think about again: notes and warnings, never errors.

Each says why, and where that is from. Words are looked for in English only.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from voiceroutine.errors import Location, Problem
from voiceroutine.routine import Block, Exercise, Rest, Say
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceroutine.errors import Severity
    from voiceroutine.routine import Routine, Step

SHORT_HOLD_MS = 10_000
LONG_HOLD_MS = 60_000
LONG_REP_MS = 15_000
MOST_EXERCISES = 8
MOST_OF_A_MUSCLE_MS = 240_000

_DOSE = "10 to 30 s suit most adults, 30 to 60 s may suit older ones (ACSM, GETP 11, table 5.6)"
_FORCING = re.compile(
    r"(?i)\b(?:(?:pull|push|press|stretch) (?:as )?hard(?:er)?|bounc(?:e|es|ing)|force (?:it|your)"
    r"|(?:push|work|go) through (?:the |your )?pain|no pain,? no gain)\b"
)
_SORENESS = re.compile(r"(?i)\b(?:removes?|prevents?|ends?|reduces?|relieves?|gets? rid of) (?:\w+ )?soreness\b")
_CURE = re.compile(r"(?i)\b(?:cures?|heals?|prevents? (?:an? |all )?injur(?:y|ies)|removes? (?:the |your )?pain)\b")
_PROMISES = (
    (_SORENESS, "stretching has little or no effect on soreness (Cochrane review CD004577); leave it out"),
    (_CURE, "no routine can promise that; say what to do, and how it may feel"),
)
_NOT = re.compile(r"(?i)\b(?:no|not|never|without|avoid|cannot|\w+n['\u2019]t|rather than|instead of)\b[^,;:.!?]*$")


def dose_problems(routine: Routine) -> tuple[Problem, ...]:
    """Return every note and warning about a routine's doses and words, in the order of the file."""
    found = [problem for exercise in routine.exercises() for problem in _of_exercise(exercise)]
    found += [*_many_exercises(routine), *_much_of_a_muscle(routine), *_words(routine), *_nothing_says_stop(routine)]
    return tuple(sorted(dict.fromkeys(found), key=lambda problem: (problem.where.line, problem.where.column)))


def _of_exercise(exercise: Exercise) -> Iterator[Problem]:
    yield from _hold_short_or_long(exercise)
    yield from _long_reps(exercise)
    yield from _no_time_to_switch(exercise)


def _problem(where: Location, message: str, hint: str, severity: Severity = "note") -> Problem:
    return Problem(where=where, message=message, hint=hint, severity=severity)


def _hold_short_or_long(exercise: Exercise) -> Iterator[Problem]:
    if exercise.action != "hold" or exercise.reps > 1:
        return
    has_directions = len(exercise.sides) > 2  # isometrics: several short holds, like reps
    length = duration_text(exercise.rep_ms)
    if exercise.rep_ms < SHORT_HOLD_MS and not has_directions:
        yield _problem(exercise.where, f"a single hold of {length} is short for a stretch", _DOSE)
    elif exercise.rep_ms > LONG_HOLD_MS:
        yield _problem(exercise.where, f"a single hold of {length} is long for a stretch", _DOSE)


def _long_reps(exercise: Exercise) -> Iterator[Problem]:
    if exercise.action == "hold" and exercise.reps > 1 and exercise.rep_ms > LONG_REP_MS:
        message = f"{exercise.reps} reps of a hold of {duration_text(exercise.rep_ms)} are a long time in one position"
        hint = "about 60 s for each stretch in a session are enough (Garber 2011); is reps inherited from the library?"
        yield _problem(exercise.where, message, hint)


def _no_time_to_switch(exercise: Exercise) -> Iterator[Problem]:
    if len(exercise.sides) > 1 and exercise.switch_ms == 0:
        hint = 'the next side begins at once; give it a gap, like switch = "4s"'
        yield _problem(exercise.where, "there is no time to switch sides", hint, "warning")


def _many_exercises(routine: Routine) -> Iterator[Problem]:
    count = len({exercise.exercise or exercise.name for exercise in routine.exercises()})
    if count > MOST_EXERCISES:
        hint = "2 to 4 exercises at home are followed best (Bachmann 2018, doi 10.1055/s-0043-120527)"
        yield _problem(routine.where, f"{count} exercises are many for one session", hint)


def _much_of_a_muscle(routine: Routine) -> Iterator[Problem]:
    """Tell once per muscle, where it is stretched for the last time; right and left count apart."""
    total_ms: Counter[str] = Counter()
    last: dict[str, Location] = {}
    for exercise, rounds in _with_rounds(routine.steps, 1):
        if exercise.action == "hold" and exercise.rep_ms >= SHORT_HOLD_MS:
            total_ms.update(dict.fromkeys(exercise.muscles, exercise.rep_ms * exercise.reps * exercise.sets * rounds))
            last |= dict.fromkeys(exercise.muscles, exercise.where)
    hint = "there is little to gain beyond 4 minutes in a session (Ingram 2025, doi 10.1007/s40279-024-02143-9)"
    for muscle, muscle_ms in total_ms.items():
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


def _said(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for match in pattern.finditer(" ".join(text.split())):
        if not _NOT.search(match.string, 0, match.start()):
            yield match[0]


def _nothing_says_stop(routine: Routine) -> Iterator[Problem]:
    if not routine.cues.safety and not any(re.search(r"\bstop\b", text, re.IGNORECASE) for _, text in _texts(routine)):
        hint = "safety = false leaves that out; say it in your own words: stop if it hurts or you feel dizzy"
        yield _problem(routine.where, "nothing says when to stop", hint)


def _texts(routine: Routine) -> Iterator[tuple[Location, str]]:
    yield routine.where, routine.title
    yield routine.where, routine.summary or ""
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
            case Say() | Rest():
                yield step.where, step.text or ""
