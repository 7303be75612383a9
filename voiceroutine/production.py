"""From the name of a routine to something that can be shown, played and exported: the pipeline, put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from voiceroutine.casting import asked_by_file, stand_in
from voiceroutine.choosing import begun_at, choose, start_at
from voiceroutine.cues import Speech, estimated_ms
from voiceroutine.document import read_document, shown
from voiceroutine.errors import Location, Problem, RoutineError, VoiceError, VoiceroutineError
from voiceroutine.library import EXERCISES_FILE, default_library
from voiceroutine.loading import load_routine
from voiceroutine.phrases import beginnings, phrases_for
from voiceroutine.sounds import Sounds, listeners_background, sounds_beside
from voiceroutine.timeline import compile_intervals, compile_timeline
from voiceroutine.unroll import unroll, written_ms
from voiceroutine.wishes import Wishes as Wishes  # noqa: PLC0414  programs that load give wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voiceroutine.background import Background, Loop
    from voiceroutine.choosing import Start
    from voiceroutine.clipcache import ClipCache
    from voiceroutine.cues import Cue, Utterance
    from voiceroutine.document import Document
    from voiceroutine.library import Library
    from voiceroutine.mix import Mix
    from voiceroutine.narration import Narrator
    from voiceroutine.routine import BackgroundSettings, Routine, SoundSettings, VoiceSettings
    from voiceroutine.timeline import Placed, Timeline
    from voiceroutine.unroll import Interval
    from voiceroutine.voices import Choice


_NO_WISHES = Wishes()


def load(name_or_path: str, wishes: Wishes = _NO_WISHES, library: Library | None = None) -> Routine:
    """Load a routine by name or path, or its translation if a language is wished.

    Raises:
        RoutineError: with every problem of the file.
        SettingError: the exercises that are wished, or not, can't be told; or the background can't be used.
    """
    library = library or default_library()
    document = _document(name_or_path, wishes, library)
    if not wishes.has_background:
        document = _without_background(document)
    written = document.data.get("language")
    language = written if isinstance(written, str) else "en"
    sounds = sounds_beside(Path(document.file).parent.absolute())
    routine = load_routine(document, library.exercises(language), profile=wishes.profile, sounds=sounds)
    settings = _wished_sounds(replace(routine.sounds, folder=str(sounds.beside)), wishes)
    voice, refused = (routine.voice, ()) if wishes.engine else asked_by_file(document, routine.voice)
    notes = (
        *routine.notes,
        *refused,
        *_untranslated_phrases(document, language),
        *_untranslated(routine, language, library),
        *_about_background(document, settings.background, sounds),
    )
    routine = replace(routine, voice=_wished(voice, wishes), sounds=settings, notes=notes, chosen=wishes.chosen())
    return _personal(choose(routine, only=wishes.only, skip=wishes.skip), wishes)


def _personal(routine: Routine, wishes: Wishes) -> Routine:
    """Return a routine as this listener wants it; a hold that is wished is meant in seconds, whatever the pace."""
    if not wishes.never and (wishes.side_first, wishes.pace, wishes.hold_ms) == (None, None, None):
        return routine
    from voiceroutine.pacing import paced
    from voiceroutine.personal import held, sided, without_never

    if wishes.never and not wishes.only:
        routine = without_never(routine, wishes.never)
    if wishes.side_first is not None:
        routine = sided(routine, wishes.side_first)
    if wishes.pace is not None:
        routine = paced(routine, wishes.pace, paces_work=wishes.paces_work)
    return routine if wishes.hold_ms is None else held(routine, wishes.hold_ms)


def _document(name_or_path: str, wishes: Wishes, library: Library) -> Document:
    """Read the first version of a routine that is in the wished language; one that says none takes it."""
    language = wishes.language
    if language is None:
        return read_document(library.find(name_or_path))
    others = []
    for file in library.versions(name_or_path, language):
        document = read_document(file)
        written = document.data.get("language", language)
        if not isinstance(written, str) or _are_one_language(written, language):
            data = {**document.data, "language": written} if document.data else document.data
            return replace(document, data=data)
        others.append(document)
    if not wishes.is_language_needed:
        return others[-1]
    raise RoutineError([_other_language(others[0], language, library, library.languages(name_or_path))])


def _without_background(document: Document) -> Document:
    """Return a document as if it wanted nothing under it; what is wrong with that doesn't matter then."""
    sounds = document.data.get("sounds")
    if not isinstance(sounds, dict):
        return document
    left = {key: value for key, value in sounds.items() if key != "background"}
    return replace(document, data={**document.data, "sounds": left})


def _are_one_language(written: str, wished: str) -> bool:
    """Tell whether two tags are the same, or one is the other without its region."""
    one, other = written.lower(), wished.lower()
    return one in beginnings(other) or other in beginnings(one)


def _other_language(document: Document, wished: str, library: Library, translations: Sequence[str]) -> Problem:
    written = shown(document.data["language"])
    file = Path(document.file)
    folder = library.folders[0] if file.parent in library.folders else file.parent
    there = ", ".join(dict.fromkeys([written, *translations]))
    message = f'the routine is in "{written}", and there is none in "{wished}"'
    hint = f"it is there in: {there}; leave --language out, or put a translation into {folder / wished / file.name}"
    return Problem(where=document.location(("language",)), message=message, hint=hint)


def _untranslated_phrases(document: Document, language: str) -> Iterator[Problem]:
    phrases = phrases_for(language)
    if phrases.missing:
        message = f'the phrases of "{phrases.tag}" lack {", ".join(phrases.missing)}'
        hint = "sentences are said in English instead, numbers read as digits, and shorthand as it is written"
        yield replace(document.problem(("language",), message, hint), severity="note")


def _untranslated(routine: Routine, language: str, library: Library) -> Iterator[Problem]:
    """Yield a note for every exercise that says what the English library says, in a routine of another language."""
    if _are_one_language(language, "en"):
        return
    english = library.english_texts()
    hint = f"give the step its own, or write them into {library.folders[0] / language / EXERCISES_FILE}"
    for exercise in routine.exercises():
        texts = english.get(exercise.exercise or "", {})
        keys = [key for key, text in texts.items() if getattr(exercise, key) == text]
        if keys:
            message = f'"{exercise.name}" is said in English, not in "{language}": its {", ".join(keys)}'
            yield Problem(where=exercise.where, message=shown(message), hint=hint, severity="note")


def _wished(voice: VoiceSettings, wishes: Wishes) -> VoiceSettings:
    if wishes.engine is not None:
        voice = replace(voice, engine=wishes.engine, name=wishes.voice)
    return voice if wishes.rate_wpm is None else replace(voice, rate_wpm=wishes.rate_wpm)


def _wished_sounds(settings: SoundSettings, wishes: Wishes) -> SoundSettings:
    if wishes.chimes is not None:
        settings = settings.in_theme(wishes.chimes)
    if not wishes.has_background:
        return replace(settings, background=None)
    if wishes.background is None:
        return settings
    return replace(settings, background=listeners_background(wishes.background, settings.background))


def _about_background(document: Document, settings: BackgroundSettings | None, sounds: Sounds) -> Iterator[Problem]:
    note = settings and sounds.background_note(settings)
    if not settings or not note:
        return
    written = document.problem(("sounds", "background"), note)
    where = Location(file=settings.sound) if settings.is_listeners else written.where
    yield replace(written, where=where, severity="note")


def _tell_nobody(message: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Production:
    """A routine with its voice and its sounds; everything that is heard or shown of it comes from here.

    Args:
        routine: what is prescribed.
        cache: where finished clips are kept; None keeps none.
        has_limits: whether very long routines are refused.
        insists: whether it is an error if the voice isn't here; else another speaks.
        tell: gets each message about the voice and the background, once.
        start: name, number or id of the exercise to begin at; None is the beginning.
    """

    routine: Routine
    cache: ClipCache | None = None
    has_limits: bool = True
    insists: bool = True
    tell: Callable[[str], None] = _tell_nobody
    start: str | None = None

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The routine, unrolled, from where it is to begin."""
        return self._begun(self.routine, None if self.start is None else start_at(self.routine, self.start))

    def _begun(self, routine: Routine, start: Start | None) -> tuple[Interval, ...]:
        whole = unroll(routine, has_limits=self.has_limits)
        return whole if start is None else begun_at(whole, start)

    def fitted(self, length_ms: int, *, is_estimated: bool = False) -> Production:
        """Return this production fitted to a length; its routine tells what is otherwise.

        Args:
            length_ms: how long it is to be, from where it begins.
            is_estimated: whether speech is estimated; otherwise everything that is said is spoken and measured.

        Raises:
            SettingError: that length can't be reached; the text says which can.
        """
        from voiceroutine.fitting import fitted

        start = None if self.start is None else start_at(self.routine, self.start)
        measure = estimated_ms if is_estimated else self.narrator.duration_ms

        def length_of(routine: Routine) -> int:
            intervals = self._begun(routine, start)
            return compile_timeline(routine, intervals, measure, self.sounds.length_ms).duration_ms

        routine = fitted(self.routine, length_ms, length_of, lambda routine: self._begun(routine, start))
        same = replace(self, routine=routine, start=None if start is None else start.text)
        if "narrator" in self.__dict__:
            same.__dict__.update(choice=self.choice, narrator=self.narrator)
            self.narrator.follow(same.expected_utterances())
        return same

    @cached_property
    def choice(self) -> Choice:
        """The engine that speaks, and why it is the one."""
        from voiceroutine.voices import choose_engine, who_speaks

        try:
            return choose_engine(self.routine.voice)
        except VoiceError as error:
            if self.insists:
                raise
            choice = stand_in(self.routine.voice, error)
            self.tell(f"{error} Instead, {who_speaks(choice.engine)}.")
            return choice

    @cached_property
    def narrator(self) -> Narrator:
        """Who gives sentences their clips, those to come ahead of time."""
        from voiceroutine.narration import Narrator
        from voiceroutine.voices import successors

        narrator = Narrator(
            self.choice.engine,
            self.cache,
            successors(self.choice.engine, self.routine.voice),
            tell=self.tell,
            is_stand_in=self.choice.is_stand_in,
        )
        narrator.follow(self.expected_utterances())
        return narrator

    def expected_utterances(self) -> Iterator[Utterance]:
        """Yield what will most likely be said, in order: which words fit depends on how long they really last."""
        for placed in compile_intervals(self.routine, self.intervals, estimated_ms, self.sounds.length_ms):
            yield from (cue.utterance for cue in placed.cues if isinstance(cue, Speech))

    def texts(self) -> tuple[str, ...]:
        """Return what is said, each line once, in the order in which it is first heard."""
        return tuple(dict.fromkeys(utterance.text for utterance in self.expected_utterances()))

    def close(self) -> None:
        """Stop speaking, and let go of the voice."""
        if "narrator" in self.__dict__:
            self.narrator.close()

    @cached_property
    def sounds(self) -> Sounds:
        """The bundled sounds and those beside the routine."""
        folder = self.routine.sounds.folder
        return sounds_beside(Path(folder) if folder else None)

    def placed(self, intervals: Sequence[Interval] | None = None) -> Iterator[Placed]:
        """Yield the timeline from left to right, speaking as it goes.

        Args:
            intervals: those of the routine, changed while it is played.
        """
        return compile_intervals(
            self.routine,
            self.intervals if intervals is None else intervals,
            self.narrator.duration_ms,
            self.sounds.length_ms,
            total_ms=written_ms(self.intervals),
        )

    def timeline(self) -> Timeline:
        """Return the whole timeline with measured speech."""
        return compile_timeline(self.routine, self.intervals, self.narrator.duration_ms, self.sounds.length_ms)

    def estimated_timeline(self) -> Timeline:
        """Return the whole timeline with estimated speech; nothing is spoken."""
        return compile_timeline(self.routine, self.intervals, estimated_ms, self.sounds.length_ms)

    def mix(self, cues: Iterable[Cue] = ()) -> Mix:
        """Return the samples of cues."""
        from voiceroutine.mix import Clips, Mix

        return Mix(Clips(self.narrator, self.sounds), cues, self._background and self._background.anew())

    @cached_property
    def _background(self) -> Background | None:
        settings = self.routine.sounds.background
        if settings is None:
            return None
        from voiceroutine.audio import SPEECH_LUFS
        from voiceroutine.background import Background

        return Background(
            self._loop(settings),
            level_lufs=SPEECH_LUFS + self.routine.voice.gain_db + settings.gain_db,
            duck_db=settings.ducked_db,
            fade_ms=settings.fade_ms,
        )

    def _loop(self, settings: BackgroundSettings) -> Loop:
        from voiceroutine.background import LongLoop, bundled_loop

        if settings.sound in self.sounds.beds:
            return bundled_loop(self.sounds.beds[settings.sound])
        note = self.sounds.background_note(settings)
        if note:
            self.tell(f"{note[0].upper()}{note[1:]}.")
        try:
            return LongLoop(self.sounds.background_parts(settings))
        except OSError as error:
            message = f"There is no room to unpack the background: {error.strerror or error}."
            raise VoiceroutineError(
                f"{message}\n    free some space in {gettempdir()}, or say --no-background"
            ) from None
