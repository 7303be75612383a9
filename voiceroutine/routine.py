"""A routine as the author prescribed it: every default filled in, every text checked. Every default lives here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from voiceroutine import mistakes, model
from voiceroutine.document import shown
from voiceroutine.errors import Location, Problem, RoutineError, did_you_mean
from voiceroutine.phrases import languages, phrases_for
from voiceroutine.placeholders import placeholder_problems, unfilled_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voiceroutine.document import Document, KeyPath

    Entries = Mapping[str, Sequence[model.ExerciseEntry]]
    Sources = Sequence[tuple[model.ExerciseFields, KeyPath]]
    Written = mistakes.Examined[model.RoutineFile]

T = TypeVar("T")

DEEPEST_NESTING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceSettings:
    """Who speaks, and how; part of what makes an utterance what it is."""

    engine: str = "auto"
    name: str | None = None
    language: str = "en"
    rate_wpm: int = 150
    pitch_percent: int = 45
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CueSettings:
    """How much is said and chimed."""

    profile: Literal["bell", "quiet", "normal"] = "normal"
    countdown_s: int = 3
    countdown_with: Literal["tick", "voice"] = "tick"
    halfway: Literal["voice", "chime", "off"] = "voice"
    next_up: bool = True
    count_reps: bool = True
    safety: bool = True


PROFILES = {
    "normal": CueSettings(),
    "quiet": CueSettings(profile="quiet", halfway="chime", next_up=False, count_reps=False),
    "bell": CueSettings(profile="bell", halfway="chime", next_up=False, count_reps=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSettings:
    """Which sound each chime is."""

    start: str = "bell"
    end: str = "bowl"
    switch: str = "two-tone"
    halfway: str = "soft-tick"
    tick: str = "tick"
    finish: str = "three-bells"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How long gaps last where nothing else was written, in milliseconds."""

    prepare_ms: int = 5_000
    relax_ms: int = 3_000
    switch_ms: int = 4_000
    rest_ms: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of work; a hold or a move is one without a word."""

    say: str | None = None
    lasts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One exercise of the routine with its whole dose. `sides` is empty where there are none."""

    where: Location
    name: str
    action: Literal["hold", "move", "phases"]
    phases: tuple[Phase, ...]
    exercise: str | None = None
    instruction: str | None = None
    cue: str | None = None
    caution: str | None = None
    reps: int = 1
    sides: tuple[str, ...] = ()
    is_alternating: bool = False
    sets: int = 1
    prepare_ms: int
    relax_ms: int
    switch_ms: int
    rest_ms: int
    needs: tuple[str, ...] = ()
    muscles: tuple[str, ...] = ()
    source: str | None = None

    @property
    def rep_ms(self) -> int:
        """How long one rep of work lasts."""
        return sum(phase.lasts_ms for phase in self.phases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A sentence between exercises."""

    where: Location
    text: str
    pause_ms: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A gap by itself."""

    where: Location
    rest_ms: int
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps that belong together, in one or several rounds."""

    where: Location
    steps: tuple[Step, ...]
    repeat: int = 1
    title: str | None = None
    rest_ms: int = 0


Step = Exercise | Say | Rest | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A whole routine."""

    title: str
    summary: str | None = None
    where: Location
    steps: tuple[Step, ...]
    voice: VoiceSettings = VoiceSettings()
    cues: CueSettings = CueSettings()
    sounds: SoundSettings = SoundSettings()

    def exercises(self) -> Iterator[Exercise]:
        """Yield every exercise once, in the order of the file."""
        return _exercises(self.steps)


def _exercises(steps: Sequence[Step]) -> Iterator[Exercise]:
    for step in steps:
        if isinstance(step, Block):
            yield from _exercises(step.steps)
        elif isinstance(step, Exercise):
            yield step


def load_routine(document: Document, library: Entries, *, profile: str | None = None) -> Routine:
    """Turn a document into a routine.

    Args:
        document: the file.
        library: for every exercise id its entries, the most important first.
        profile: one that the listener chose; it wins over the file's.

    Raises:
        RoutineError: with every problem of the file.
    """
    loader = _Loader(document, library, mistakes.examine(document, model.RoutineFile))
    routine = loader.routine(profile)
    if loader.problems:
        raise mistakes.refusal(loader.problems)
    return routine


def first_written(*values: T | None, otherwise: T) -> T:
    """Return the first value that was written."""
    return next((value for value in values if value is not None), otherwise)


class _Loader:
    """Fills in what was not written, and collects every problem on the way."""

    def __init__(self, document: Document, library: Entries, examined: Written) -> None:
        self._document = document
        self._library = library
        self._written = written = examined.table
        self._partial = examined.partial
        self._gaps = _gaps(written.defaults)
        self._own = {entry.id: index for index, entry in reversed([*enumerate(written.exercises)])}
        self._tag = written.language or "en"
        self._language = self._tag if _has_phrases(self._tag) else "en"
        self._last_exercise = max(_exercise_paths(written.steps, ("steps",)), default=())
        self.problems: list[Problem] = [*examined.problems]

    def routine(self, profile: str | None) -> Routine:
        self._check_language()
        self._check_title()
        entries = self._written.exercises
        self._collect(mistakes.entry_problems(self._document, entries, self._library, self._partial))
        return Routine(
            title=self._written.title,
            summary=self._written.summary,
            where=self._document.location(("title",)),
            steps=self._steps(self._written.steps, ("steps",)),
            voice=_voice(self._written),
            cues=_cue_settings(self._written.cues, profile),
        )

    def _report(self, path: KeyPath, message: str, hint: str = "") -> None:
        self._collect([self._document.problem(path, message, hint)])

    def _collect(self, problems: Iterable[Problem]) -> None:
        self.problems += problems
        if len(self.problems) >= mistakes.MOST_PROBLEMS:
            raise mistakes.refusal(self.problems)

    def _check_language(self) -> None:
        if not _has_phrases(self._tag):
            known = ", ".join(languages())
            self._report(("language",), f'there are no phrases for "{self._tag}"', f"there are: {known}")

    def _check_title(self) -> None:
        for message, hint in unfilled_problems(self._written.title):
            self._report(("title",), message, hint)

    def _steps(self, written: Sequence[model.Step], path: KeyPath) -> tuple[Step, ...]:
        if path.count("steps") > DEEPEST_NESTING:
            self._report(
                path, f"blocks are nested more than {DEEPEST_NESTING} deep", "write the steps one after another"
            )
            return ()
        steps = [self._step(step, (*path, index)) for index, step in enumerate(written)]
        return tuple(step for step in steps if step is not None)

    def _step(self, written: model.Step, path: KeyPath) -> Step | None:
        where = self._document.location(path)
        match written:
            case model.ExerciseStep():
                return self._exercise(written, path)
            case model.BlockStep(title=title):
                steps = self._steps(written.steps, (*path, "steps"))
                return Block(
                    where=where, steps=steps, repeat=written.repeat or 1, title=title, rest_ms=written.rest or 0
                )
            case model.RestStep():
                self._check_text(written.say, (*path, "say"), self._meaningful_anywhere(path))
                return Rest(where=where, rest_ms=written.rest, text=written.say)
            case model.SayStep():
                self._check_text(written.say, (*path, "say"), self._meaningful_anywhere(path))
                return Say(where=where, text=written.say, pause_ms=first_written(written.pause, otherwise=1_000))

    def _exercise(self, written: model.ExerciseStep, path: KeyPath) -> Exercise | None:
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
        return exercise

    def _entries(self, written: model.ExerciseStep, path: KeyPath) -> Sources:
        if written.exercise is None:
            return ()
        index = self._own.get(written.exercise)
        own = () if index is None else ((self._written.exercises[index], ("exercises", index)),)
        entries = (*own, *((entry, path) for entry in self._library.get(written.exercise, ())))
        if not entries and not self._has_unread_id():
            self._report((*path, "exercise"), *_no_exercise(written.exercise, [*self._library, *self._own]))
        return entries

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
        acting_path = next((at for source, at in sources if source.actions()), path)
        for index, phase in enumerate(exercise.phases):
            self._check_text(phase.say, (*acting_path, "phases", index, "say"), meaningful)

    def _meaningful_anywhere(self, path: KeyPath) -> frozenset[str]:
        return frozenset({"total", "next"} if path < self._last_exercise else {"total"})

    def _check_text(self, text: str | None, path: KeyPath, meaningful: frozenset[str], better_hint: str = "") -> None:
        for message, hint in placeholder_problems(text or "", meaningful):
            self._report(path, message, better_hint or hint)


def _exercise_paths(steps: Sequence[model.Step], path: KeyPath) -> Iterator[KeyPath]:
    for index, step in enumerate(steps):
        if isinstance(step, model.BlockStep):
            yield from _exercise_paths(step.steps, (*path, index, "steps"))
        elif isinstance(step, model.ExerciseStep):
            yield (*path, index)


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


def library_exercise(name: str, library: Entries) -> Exercise:
    """Return an exercise of the library as a routine of nothing else would have it, its texts as they are written.

    Args:
        name: its id.
        library: for every exercise id its entries, the most important first.

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
    return _resolved(where, merged, Gaps(), "en", name)


def _merged(sources: Sequence[model.ExerciseFields]) -> model.ExerciseFields:
    """Return the first written value of every field; hold, move and phases come together from the first with any."""
    acting = next((source for source in sources if source.actions()), sources[0])
    fields = [key for key in model.ExerciseFields.model_fields if key not in model.ACTIONS]
    found = {key: first_written(*(getattr(source, key) for source in sources), otherwise=None) for key in fields}
    found |= {action: getattr(acting, action) for action in model.ACTIONS}
    return model.ExerciseFields.model_construct(**found)


def _phases(merged: model.ExerciseFields) -> tuple[Phase, ...]:
    if merged.phases is not None:
        return tuple(Phase(say=phase.say, lasts_ms=phase.lasts) for phase in merged.phases)
    return (Phase(lasts_ms=first_written(merged.hold, merged.move, otherwise=0)),)


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
        needs=tuple(merged.needs or ()),
        muscles=tuple(merged.muscles or ()),
        source=merged.source,
        **_gaps_of(merged, gaps),
    )


def _gaps_of(merged: model.ExerciseFields, gaps: Gaps) -> dict[str, int]:
    relax_ms = 0 if merged.actions()[0] == "phases" else gaps.relax_ms
    return {
        "prepare_ms": first_written(merged.prepare, otherwise=gaps.prepare_ms),
        "relax_ms": first_written(merged.relax, otherwise=relax_ms),
        "switch_ms": first_written(merged.switch, otherwise=gaps.switch_ms),
        "rest_ms": first_written(merged.rest, otherwise=gaps.rest_ms),
    }


def _sides(written: str | list[str], language: str) -> tuple[str, ...]:
    if isinstance(written, list):
        return tuple(written)
    words = phrases_for(language).sides
    return () if written == "none" else (words["right"], words["left"])


def _has_phrases(language: str) -> bool:
    return language.split("-", maxsplit=1)[0].lower() in languages()


def _gaps(written: model.DefaultsTable) -> Gaps:
    given = {f"{key}_ms": value for key, value in written.model_dump(exclude_none=True).items()}
    return Gaps(**given)


def _cue_settings(written: model.CuesTable, profile: str | None) -> CueSettings:
    given = written.model_dump(exclude_none=True)
    basis = PROFILES[profile or given.get("profile", "normal")]
    given.pop("profile", None)
    if "countdown" in given:
        given["countdown_s"] = given.pop("countdown")
    return replace(basis, **given)


def _voice(written: model.RoutineFile) -> VoiceSettings:
    return VoiceSettings(language=written.language or "en", **written.voice.model_dump(exclude_none=True))
