"""Reads a routine out of a file: fills in what was not written, checks every text, and collects every problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from voiceroutine import mistakes, model
from voiceroutine.document import shown
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.phrases import has_phrases, languages, phrases_for
from voiceroutine.placeholders import phrase_problems, placeholder_problems, unfilled_problems
from voiceroutine.routine import (
    LONG_HOLD_MS,
    PAUSE_MS,
    PROFILES,
    SHORT_HOLD_MS,
    BackgroundSettings,
    Block,
    Breath,
    CueSettings,
    During,
    Exercise,
    Gaps,
    Phase,
    Rest,
    Routine,
    Say,
    SoundSettings,
    VoiceSettings,
    Wait,
)
from voiceroutine.soundnames import BUNDLED_ONLY, KnownSounds, sound_problems
from voiceroutine.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from voiceroutine.document import Document, KeyPath
    from voiceroutine.model import Entries
    from voiceroutine.routine import Profile, Step

    Sources = Sequence[tuple[model.ExerciseFields, KeyPath]]

T = TypeVar("T")

DEEPEST_NESTING = 8


def load_routine(
    document: Document, library: Entries, *, profile: Profile | None = None, sounds: KnownSounds = BUNDLED_ONLY
) -> Routine:
    """Turn a document into a routine.

    Args:
        document: the file.
        library: for every exercise id its entries, the most important first.
        profile: one that the listener chose; it wins over the file's.
        sounds: what there is to chime with.

    Raises:
        RoutineError: with every problem of the file.
    """
    loader = _Loader(document, library, profile)
    loader.check_sounds(sounds)
    routine = loader.routine()
    if loader.problems:
        raise mistakes.refusal(loader.problems)
    return routine


def _first_written(*values: T | None, otherwise: T) -> T:
    return next((value for value in values if value is not None), otherwise)


class _Loader:
    """Fills in what was not written, and collects every problem on the way."""

    def __init__(self, document: Document, library: Entries, profile: Profile | None) -> None:
        examined = mistakes.examine(document, model.RoutineFile)
        self._document = document
        self._library = library
        self._written = written = examined.table
        self._partial = examined.partial
        self._gaps = _gaps(written.defaults)
        self._own = {entry.id: index for index, entry in reversed([*enumerate(written.exercises)])}
        self._tag = written.language or "en"
        self._language = self._tag if has_phrases(self._tag) else "en"
        self._last_exercise = max((path for path, _ in written.exercise_steps()), default=())
        self._numbers = count(1)
        self._listeners_profile = profile
        self._cues = self._with_written(PROFILES[profile or "normal"], written.cues)
        self.problems: list[Problem] = [*examined.problems]
        self.notes: list[Problem] = []

    def routine(self) -> Routine:
        self._check_language()
        self._check_title()
        self._check_phrases()
        written = self._written
        self._collect(mistakes.entry_problems(self._document, written.exercises, self._library, self._partial))
        return Routine(
            title=written.title,
            summary=written.summary,
            author=written.author,
            license=written.license,
            where=self._document.location(("title",)),
            steps=self._steps(written.steps, ("steps",), None),
            voice=_voice(written),
            cues=self._cues,
            sounds=_sounds(written.sounds),
            own_phrases=tuple(written.phrases.items()),
            notes=tuple(self.notes),
        )

    def check_sounds(self, sounds: KnownSounds) -> None:
        self._collect(sound_problems(self._document, self._written, self._library, sounds))

    def _own_cues(self, around: CueSettings | None, written: model.CuesTable | None) -> CueSettings | None:
        """Return the settings of a step: its own over those around it; None where they are the routine's."""
        return around if written is None else self._with_written(around or self._cues, written)

    def _with_written(self, basis: CueSettings, written: model.CuesTable) -> CueSettings:
        """Return settings with what is written over them: a profile first, then the keys."""
        given = written.model_dump(exclude_none=True)
        profile = given.pop("profile", None)
        if profile and not self._listeners_profile:
            basis = basis.in_profile(profile)
        renamed = {"countdown": "countdown_s", "every": "every_ms"}
        return replace(basis, **{renamed.get(key, key): value for key, value in given.items()})

    def _report(self, path: KeyPath, message: str, hint: str = "") -> None:
        self._collect([self._document.problem(path, message, hint)])

    def _collect(self, problems: Iterable[Problem]) -> None:
        self.problems += problems
        if len(self.problems) >= mistakes.MOST_PROBLEMS:
            raise mistakes.refusal(self.problems)

    def _check_language(self) -> None:
        if not has_phrases(self._tag):
            known = ", ".join(languages())
            self._report(("language",), f'there are no phrases for "{self._tag}"', f"there are: {known}")

    def _check_title(self) -> None:
        for message, hint in unfilled_problems(self._written.title):
            self._report(("title",), message, hint)

    def _check_phrases(self) -> None:
        known = phrases_for(self._language).say
        for key, text in self._written.phrases.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"there are: {', '.join(known)}"
                self._report(("phrases", key), f'there is no built-in phrase "{shown(key)}"', hint)
            else:
                for message, hint in phrase_problems(key, text, known[key]):
                    self._report(("phrases", key), message, hint)

    def _steps(self, written: Sequence[model.Step], path: KeyPath, cues: CueSettings | None) -> tuple[Step, ...]:
        if path.count("steps") > DEEPEST_NESTING:
            self._report(
                path, f"blocks are nested more than {DEEPEST_NESTING} deep", "write the steps one after another"
            )
            return ()
        steps = [self._step(step, (*path, index), cues) for index, step in enumerate(written)]
        return tuple(step for step in steps if step is not None)

    def _step(self, written: model.Step, path: KeyPath, cues: CueSettings | None) -> Step | None:
        match written:
            case model.ExerciseStep():
                return self._exercise(written, path, cues)
            case model.BlockStep():
                return self._block(written, path, cues)
        where = self._document.location(path)
        self._check_text(written.say, (*path, "say"), self._meaningful_anywhere(path))
        match written:
            case model.WaitStep():
                return Wait(where=where, wait_ms=written.wait, text=written.say, cues=cues)
            case model.RestStep():
                return Rest(where=where, rest_ms=written.rest, text=written.say, cues=cues)
            case model.SayStep():
                pause_ms = _first_written(written.pause, otherwise=PAUSE_MS)
                is_optional = bool(written.optional)
                return Say(where=where, text=written.say, pause_ms=pause_ms, cues=cues, is_optional=is_optional)

    def _block(self, written: model.BlockStep, path: KeyPath, cues: CueSettings | None) -> Block:
        own_cues = self._own_cues(cues, written.cues)
        return Block(
            where=self._document.location(path),
            steps=self._steps(written.steps, (*path, "steps"), own_cues),
            repeat=written.repeat or 1,
            title=written.title,
            rest_ms=written.rest or 0,
            cues=own_cues,
            is_optional=bool(written.optional),
        )

    def _exercise(self, written: model.ExerciseStep, path: KeyPath, cues: CueSettings | None) -> Exercise | None:
        sources = [(written, path), *self._entries(written, path)]
        self._collect(mistakes.fields_problems(self._document, written, path))
        merged = _merged([source for source, _ in sources])
        is_known = written.exercise is None or len(sources) > 1
        is_whole = is_known and not any(at in self._partial for _, at in sources)
        if is_whole and not merged.actions():
            self._report(path, *_NO_ACTION)
        if not is_whole or not merged.actions():
            self._collect(mistakes.unknown_placeholders(self._document, written, path))
            return None
        exercise = _resolved(self._document.location(path), merged, self._gaps, self._language, written.exercise)
        self._check_texts(exercise, sources, path)
        for source, _ in reversed(sources):
            cues = self._own_cues(cues, source.cues)
        during = tuple(self._during(exercise, sources))
        self._check_breath(exercise, sources)
        self._check_range(exercise, sources)
        return replace(_with_hold_in_range(exercise), cues=cues, during=during, number=next(self._numbers))

    def _during(self, exercise: Exercise, sources: Sources) -> Iterator[During]:
        written = _Written.of("during", sources)
        for index, cue in enumerate(written.value or ()):
            path = (*written.path, "during", index)
            at_ms = cue.at.instant_ms(exercise.rep_ms)
            if 0 <= at_ms < exercise.rep_ms:
                yield During(where=self._document.location(path), at_ms=at_ms, say=cue.say, chime=cue.chime)
                continue
            side = "before the start" if at_ms < 0 else "after the end"
            message = f'"{cue.at}" is {side} of the work, which lasts {duration_text(exercise.rep_ms)}'
            if written.is_as_near_as_action:
                self._report((*path, "at"), message, 'write a time inside it, like "50%", or "-8s" before its end')
            else:
                self._note(path, f"{message}; this cue of the library is left out")

    def _check_breath(self, exercise: Exercise, sources: Sources) -> None:
        written = _Written.of("breath", sources)
        if exercise.breath is None or exercise.breath.whole_ms <= exercise.rep_ms:
            return
        lengths = (duration_text(exercise.breath.whole_ms), duration_text(exercise.rep_ms))
        message = "a breath of {} doesn't fit into work of {}".format(*lengths)
        if written.is_as_near_as_action:
            self._report((*written.path, "breath"), message, "make the breath shorter, or the work longer")
        else:
            self._note(written.path, f"{message}; it is not paced")

    def _check_range(self, exercise: Exercise, sources: Sources) -> None:
        for key, is_outside in (("min", exercise.min_ms > exercise.rep_ms), ("max", exercise.max_ms < exercise.rep_ms)):
            written = _Written.of(key, sources)
            if written.value is None or not written.is_as_near_as_action:
                continue
            if exercise.action != "hold":
                hint = f"{exercise.action} changes by sets only; take it out"
                self._report((*written.path, key), "has no meaning here: only a hold is fitted to a length", hint)
            elif is_outside:
                longer = "longer" if key == "min" else "shorter"
                message = f"is {longer} than the hold of {duration_text(exercise.rep_ms)}"
                self._report((*written.path, key), message, f"{key} is how far the hold may be changed")

    def _entries(self, written: model.ExerciseStep, path: KeyPath) -> Sources:
        if written.exercise is None:
            return ()
        index = self._own.get(written.exercise)
        own = () if index is None else ((self._written.exercises[index], ("exercises", index)),)
        entries = (*own, *((entry, path) for entry in self._library.get(written.exercise, ())))
        if not entries and not self._has_unread_id():
            self._report((*path, "exercise"), *_no_exercise(written.exercise, [*self._library, *self._own]))
        return entries

    def _note(self, path: KeyPath, message: str) -> None:
        self.notes.append(replace(self._document.problem(path, message), severity="note"))

    def _has_unread_id(self) -> bool:
        """Tell whether an entry's id is wrong, so that no name can be called unknown yet."""
        return any(entry.id.startswith(mistakes.UNREAD_ID) for entry in self._written.exercises)

    def _check_texts(self, exercise: Exercise, sources: Sources, path: KeyPath) -> None:
        meaningful = self._meaningful_anywhere(path) | _meaningful_in(exercise)
        for key in mistakes.TEXT_KEYS:
            found = next(((source, at) for source, at in sources if getattr(source, key) is not None), None)
            if found is not None:
                is_elsewhere = found[1] == path and found[0] is not sources[0][0]
                hint = f"the library's text has it; give the step its own {key}" if is_elsewhere else ""
                self._check_text(getattr(exercise, key), (*found[1], key), meaningful, hint)
                self._check_filled_length(getattr(exercise, key), exercise, (*found[1], key))
        acting_path = next((at for source, at in sources if source.actions()), path)
        for index, phase in enumerate(exercise.phases):
            self._check_text(phase.say, (*acting_path, "phases", index, "say"), meaningful)
        written = _Written.of("during", sources)
        for index, cue in enumerate(written.value or ()):
            self._check_text(cue.say, (*written.path, "during", index, "say"), meaningful | {"remaining"})
            self._check_filled_length(cue.say, exercise, (*written.path, "during", index, "say"))

    def _check_filled_length(self, text: str | None, exercise: Exercise, path: KeyPath) -> None:
        longest_side = max(exercise.sides, key=len, default="")
        values = {"name": exercise.name, "side": longest_side, "other_side": longest_side}
        more = sum((text or "").count(f"{{{key}}}") * len(value) for key, value in values.items())
        if more and len(text or "") + more > model.LONGEST_TEXT:
            message = f"is longer than {model.LONGEST_TEXT:,} characters once its placeholders are filled"
            self._report(path, message, "say it in fewer words")

    def _meaningful_anywhere(self, path: KeyPath) -> frozenset[str]:
        return frozenset({"total", "next"} if path < self._last_exercise else {"total"})

    def _check_text(self, text: str | None, path: KeyPath, meaningful: frozenset[str], better_hint: str = "") -> None:
        for message, hint in placeholder_problems(text or "", meaningful):
            self._report(path, message, better_hint or hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A value of an exercise, where it is written, and whether the author saw the action when writing it.

    What is inherited may not fit the action that a step gives itself; that isn't the author's mistake.
    """

    value: Any
    path: KeyPath
    is_as_near_as_action: bool

    @classmethod
    def of(cls, key: str, sources: Sources) -> _Written:
        for source, path in sources:
            value = getattr(source, key)
            if value is not None:
                acting = next((one for one, _ in sources if one.actions()), None)
                is_near = next(one for one, _ in sources if one in (source, acting)) is source
                return cls(value=value, path=path, is_as_near_as_action=is_near)
        return cls(value=None, path=(), is_as_near_as_action=False)


def _meaningful_in(exercise: Exercise) -> frozenset[str]:
    found = {"name", "rep", "reps", "set", "sets"}
    found |= {"hold"} if exercise.action != "phases" else set()
    found |= {"side"} if exercise.sides else set()
    found |= {"other_side"} if len(set(exercise.sides)) == 2 else set()
    return frozenset(found)


_NO_ACTION = ("has neither hold, move nor phases", 'say how long the work is, like hold = "30s"')


def _no_exercise(name: str, known: Iterable[str]) -> tuple[str, str]:
    hint = did_you_mean(name, known) or 'see "voiceroutine exercises" for those that there are'
    return f'there is no exercise "{name}"', hint


def library_exercise(name: str, library: Entries, language: str = "en") -> Exercise:
    """Return an exercise of the library as a routine of nothing else would have it, its texts as they are written.

    Args:
        name: its id.
        library: for every exercise id its entries, the most important first.
        language: whose words for the sides it has.

    Raises:
        RoutineError: there is no such exercise, or nothing says how long its work is.
    """
    where = Location(file="exercises")
    if name not in library:
        message, hint = _no_exercise(name, library)
        raise RoutineError([Problem(where=where, message=shown(message), hint=hint)])
    merged = _merged(library[name])
    if not merged.actions():
        message, hint = _NO_ACTION
        raise RoutineError([Problem(where=where, message=f'"{name}" {message}', hint=hint)])
    return _resolved(where, merged, Gaps(), language, name)


def _merged(sources: Sequence[model.ExerciseFields]) -> model.ExerciseFields:
    """Return the first written value of every field; hold, move and phases come together from the first with any."""
    acting = next((source for source in sources if source.actions()), sources[0])
    fields = model.ExerciseFields.model_fields.keys() - set(model.ACTIONS) - {"cues"}
    found = {key: _first_written(*(getattr(source, key) for source in sources), otherwise=None) for key in fields}
    found |= {action: getattr(acting, action) for action in model.ACTIONS}
    return model.ExerciseFields.model_construct(**found)


def _phases(merged: model.ExerciseFields) -> tuple[Phase, ...]:
    if merged.phases is not None:
        return tuple(Phase(say=phase.say, lasts_ms=phase.lasts) for phase in merged.phases)
    return (Phase(lasts_ms=_first_written(merged.hold, merged.move, otherwise=0)),)


def _resolved(where: Location, merged: model.ExerciseFields, gaps: Gaps, language: str, name: str | None) -> Exercise:
    return Exercise(
        where=where,
        name=merged.name or "",
        action=merged.actions()[0],
        phases=_phases(merged),
        exercise=name,
        instruction=merged.instruction,
        cue=merged.cue,
        caution=merged.caution,
        reps=merged.reps or 1,
        sides=_sides(merged.sides or "none", language),
        is_alternating=merged.sides == "alternate",
        sets=merged.sets or 1,
        breath=_breath(merged.breath),
        during=(),
        cues=None,
        is_optional=bool(merged.optional),
        needs=tuple(merged.needs or ()),
        figure=merged.figure,
        muscles=tuple(merged.muscles or ()),
        source=merged.source,
        **_gaps_of(merged, gaps),
        **_range_of(merged),
    )


def _breath(written: model.BreathTable | None) -> Breath | None:
    return Breath(in_ms=written.in_, out_ms=written.out, paced_with=written.with_) if written else None


def _range_of(merged: model.ExerciseFields) -> dict[str, int]:
    """Return how far a hold may be changed; nothing but a hold is."""
    if merged.hold is None:
        return {}
    shortest_ms, longest_ms = min(SHORT_HOLD_MS, merged.hold), max(LONG_HOLD_MS, merged.hold)
    return {
        "min_ms": _first_written(merged.min, otherwise=shortest_ms),
        "max_ms": _first_written(merged.max, otherwise=longest_ms),
    }


def _with_hold_in_range(exercise: Exercise) -> Exercise:
    """Let an inherited range give way to the step's own hold."""
    if exercise.action != "hold":
        return exercise
    min_ms, max_ms = min(exercise.min_ms, exercise.rep_ms), max(exercise.max_ms, exercise.rep_ms)
    return replace(exercise, min_ms=min_ms, max_ms=max_ms)


def _gaps_of(merged: model.ExerciseFields, gaps: Gaps) -> dict[str, int]:
    relax_ms = 0 if merged.actions()[0] == "phases" else gaps.relax_ms
    return {
        "prepare_ms": _first_written(merged.prepare, otherwise=gaps.prepare_ms),
        "relax_ms": _first_written(merged.relax, otherwise=relax_ms),
        "switch_ms": _first_written(merged.switch, otherwise=gaps.switch_ms),
        "rest_ms": _first_written(merged.rest, otherwise=gaps.rest_ms),
    }


def _sides(written: str | list[str], language: str) -> tuple[str, ...]:
    if isinstance(written, list):
        return tuple(written)
    words = phrases_for(language).sides
    return () if written == "none" else (words["right"], words["left"])


def _gaps(written: model.DefaultsTable) -> Gaps:
    given = {f"{key}_ms": value for key, value in written.model_dump(exclude_none=True).items()}
    return Gaps(**given)


def _voice(written: model.RoutineFile) -> VoiceSettings:
    pronounce = tuple(sorted(written.pronounce.items()))
    given = written.voice.model_dump(exclude_none=True)
    return VoiceSettings(language=written.language or "en", pronounce=pronounce, **given)


def _sounds(written: model.SoundsTable) -> SoundSettings:
    given = written.model_dump(exclude_none=True)
    background = given.pop("background", None)
    if background and "fade" in background:
        background["fade_ms"] = background.pop("fade")
    settings = SoundSettings(background=BackgroundSettings(**background) if background else None)
    return replace(settings.in_theme(given.pop("theme", "bells")), **given)
