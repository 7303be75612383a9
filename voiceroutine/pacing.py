"""A routine at another pace: gaps and speech slower or faster, and work too where that is wished.

Speech is made anew at the other rate, not stretched. The seconds of a countdown stay seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voiceroutine.routine import Block, Exercise, Rest, Say, Wait

if TYPE_CHECKING:
    from voiceroutine.routine import Breath, Routine, Step

SLOWEST, FASTEST = 0.5, 2.0
RATES_WPM = (80, 400)

_ROUNDED_MS = 100


def paced(routine: Routine, pace: float, *, paces_work: bool = False) -> Routine:
    """Return a routine at another pace.

    Args:
        routine: at its usual pace.
        pace: 0.5 to 2; 0.5 is half as fast, so that gaps last twice as long.
        paces_work: whether holds, moves and phases change too, with what is said during them, and breaths.
    """
    rate_wpm = max(RATES_WPM[0], min(RATES_WPM[1], round(routine.voice.rate_wpm * pace)))
    steps = tuple(_paced(step, pace, paces_work=paces_work) for step in routine.steps)
    return replace(routine, steps=steps, voice=replace(routine.voice, rate_wpm=rate_wpm))


def _paced(step: Step, pace: float, *, paces_work: bool) -> Step:
    match step:
        case Block():
            steps = tuple(_paced(one, pace, paces_work=paces_work) for one in step.steps)
            return replace(step, steps=steps, rest_ms=_gap_ms(step.rest_ms, pace))
        case Say():
            return replace(step, pause_ms=_gap_ms(step.pause_ms, pace))
        case Rest():
            return replace(step, rest_ms=_gap_ms(step.rest_ms, pace))
        case Wait():
            return replace(step, wait_ms=max(1, _gap_ms(step.wait_ms, pace)))
    return _with_paced_work(_with_paced_gaps(step, pace), pace) if paces_work else _with_paced_gaps(step, pace)


def _with_paced_gaps(step: Exercise, pace: float) -> Exercise:
    return replace(
        step,
        prepare_ms=_gap_ms(step.prepare_ms, pace),
        relax_ms=_gap_ms(step.relax_ms, pace),
        switch_ms=_gap_ms(step.switch_ms, pace),
        rest_ms=_gap_ms(step.rest_ms, pace),
    )


def _with_paced_work(step: Exercise, pace: float) -> Exercise:
    phases = tuple(replace(phase, lasts_ms=_work_ms(phase.lasts_ms, pace)) for phase in step.phases)
    return replace(
        step,
        phases=phases,
        during=tuple(replace(cue, at_ms=int(cue.at_ms / pace)) for cue in step.during),
        breath=_paced_breath(step.breath, pace),
        min_ms=_work_ms(step.min_ms, pace),
        max_ms=_work_ms(step.max_ms, pace),
    )


def _paced_breath(breath: Breath | None, pace: float) -> Breath | None:
    """Return a breath that isn't rounded up, so that as many whole ones fit into the work as before."""
    if breath is None:
        return None
    return replace(breath, in_ms=max(1, int(breath.in_ms / pace)), out_ms=max(1, int(breath.out_ms / pace)))


def _gap_ms(written_ms: int, pace: float) -> int:
    """Return a gap at another pace, to a tenth of a second; a gap of nothing stays one, and no gap becomes one."""
    return max(min(written_ms, 1), round(written_ms / pace / _ROUNDED_MS) * _ROUNDED_MS)


def _work_ms(written_ms: int, pace: float) -> int:
    """Return work at another pace, up to the next tenth of a second."""
    return -int(-written_ms / pace // _ROUNDED_MS) * _ROUNDED_MS
