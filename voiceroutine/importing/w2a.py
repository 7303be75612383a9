"""Workouts of w2a ("workout to audio"), a program that makes an audio file of each exercise of a YAML file.

How w2a plays them: a pause with its text before each exercise, ending with a voiced countdown; then the exercise, with
`exercise_beginning` two seconds after its start and `texts` one after another from the sixth second on; an exercise
with `half_time` is interrupted in its middle, and that text is said there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from voiceroutine.document import shown
from voiceroutine.errors import Location, Problem, did_you_mean
from voiceroutine.importing import Imported, refusal, title_of
from voiceroutine.importing.tree import read_tree
from voiceroutine.model import MOST_STEPS
from voiceroutine.phrases import languages
from voiceroutine.units import LONGEST_MS, duration_text

if TYPE_CHECKING:
    from voiceroutine.document import KeyPath
    from voiceroutine.importing.tree import Tree

BEGINNING_MS = 2_000
TEXTS_FROM_MS = 6_000
BETWEEN_TEXTS_MS = 2_000
COUNTED_S = 5
_EXERCISE_KEYS = ("name", "duration", "texts", "half_time", "pause_duration")
_TOP_KEYS = (
    "before_workout_announce", "after_workout_announce", "pause", "half_time", "exercise_beginning", "exercises",
    "tts", "audio_format", "i18n", "log_level",
)  # fmt: skip
_GO_UNITS_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1, "us": 0.001, "µs": 0.001, "μs": 0.001, "ns": 1e-6}
_SIDE_WORD = re.compile(r"\b(?:sides?|legs?|arms?|seiten?|bein|arm|lado|lados|côtés?|lato|kant|sida|puoli|stron[ay])\b")
_LEFT_OUT = {
    "audio_format": "choose it when exporting: voiceroutine export -o NAME.mp3",
    "i18n": "numbers and durations are said in the routine's language",
    "log_level": "",
}


def read_w2a(data: bytes, file: str) -> Imported:
    """Read a workout of w2a.

    Raises:
        RoutineError: with every problem of the file.
        VoiceroutineError: the package that reads YAML isn't installed.
    """
    reader = _Reader(tree=read_tree(data, file))
    workout = reader.workout()
    if reader.problems:
        raise refusal(sorted(reader.problems, key=_line))
    return Imported(data=workout, notes=tuple(sorted(reader.notes, key=_line)), origins=reader.origins)


def _line(problem: Problem) -> tuple[int, int]:
    return problem.where.line, problem.where.column


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Turns a workout into the data of a routine, and collects every problem on the way."""

    tree: Tree
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    origins: dict[str, Location] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def workout(self) -> dict[str, Any]:
        top = self.tree.value
        if not isinstance(top, dict) or not isinstance(top.get("exercises"), list) or not top["exercises"]:
            hint = "write exercises: and below it - name: Squats, with its duration"
            self._report((), "there is no list of exercises, so it is no workout of w2a", hint)
            return {}
        if len(top["exercises"]) > MOST_STEPS:
            self._report(("exercises",), f"has more than {MOST_STEPS:,} exercises", "make several workouts of it")
            return {}
        self._note_left_out(top)
        self.length_ms(("half_time", "duration"))
        exercises = self._exercises(top)
        language, voice = self._voice(top.get("tts"))
        pause_ms = self.length_ms(("pause", "duration"))
        _Workout(reader=self, exercises=exercises).add_steps()
        return {
            "title": title_of(self.tree.file),
            **language,
            **voice,
            "cues": {"countdown": COUNTED_S, "countdown_with": "voice", "halfway": "off"},
            **({"defaults": {"prepare": duration_text(pause_ms)}} if pause_ms is not None else {}),
            "steps": self.steps,
        }

    def at(self, path: KeyPath) -> Any:
        """Return what stands at a path, or None."""
        value = self.tree.value
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
            else:
                return None
        return value

    def text(self, path: KeyPath) -> str | None:
        """Return the text at a path, or None where there is none."""
        value = self.at(path)
        if value is None or isinstance(value, str):
            return value if value and value.strip() else None
        if isinstance(value, bool):
            return "yes" if value else "no"
        self._report(path, "must be a text", "write it in one line, in quotes")
        return None

    def note(self, path: KeyPath, message: str, hint: str = "") -> None:
        where = self.tree.location(path)
        self.notes.append(Problem(where=where, message=shown(message), hint=shown(hint), severity="note"))

    def add(self, step: dict[str, Any], path: KeyPath) -> None:
        self.origins[f"steps[{len(self.steps)}]"] = self.tree.location(path)
        self.steps.append(step)

    def _report(self, path: KeyPath, message: str, hint: str = "") -> None:
        where = self.tree.location(path)
        self.problems.append(Problem(where=where, message=shown(message), hint=shown(hint)))

    def _note_left_out(self, top: Mapping[str, Any]) -> None:
        for key in top:
            if key in _LEFT_OUT:
                self.note((key,), "was left out", _LEFT_OUT[key])
            elif key not in _TOP_KEYS and key not in self.tree.anchored:
                self.note((key,), "is no key of w2a; it was left out", did_you_mean(key, _TOP_KEYS))
        for key in ("pause", "half_time"):
            if top.get(key) is not None and not isinstance(top[key], dict):
                self._report((key,), "must be a table", "write text: and duration: below it, indented")
            for part in top[key] if isinstance(top.get(key), dict) else ():
                if part not in {"text", "duration"}:
                    self.note((key, part), "is no key of w2a; it was left out")

    def _voice(self, tts: object) -> tuple[dict[str, Any], dict[str, Any]]:
        for key, voice in tts.items() if isinstance(tts, dict) else ():
            if key == "espeak_ng_voice" and isinstance(voice, str):
                return self._espeak(voice)
            self.note(("tts", key), "was left out; the voice is chosen here", 'see "voiceroutine voices"')
        return {}, {}

    def _espeak(self, voice: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", voice.lower(), re.ASCII):
            self.note(("tts", "espeak_ng_voice"), f'"{voice}" was left out', 'see "voiceroutine voices"')
            return {}, {}
        language = voice.split("-", maxsplit=1)[0].lower()
        if language not in languages():
            self.note(("tts", "espeak_ng_voice"), f'there are no phrases for "{language}" yet; ours are in English')
        written = {"language": language} if language != "en" and language in languages() else {}
        return written, {"voice": {"engine": "espeak", "name": voice.lower()}}

    def _exercises(self, top: Mapping[str, Any]) -> list[_Exercise]:
        found = [self._exercise(("exercises", index), entry) for index, entry in enumerate(top["exercises"])]
        return [exercise for exercise in found if exercise is not None]

    def _exercise(self, path: KeyPath, entry: object) -> _Exercise | None:
        if not isinstance(entry, dict):
            self._report(path, "must be a table", "write - name: Squats and below it duration: 30s")
            return None
        for key in entry:
            if key not in _EXERCISE_KEYS:
                self.note((*path, key), "is no key of w2a; it was left out", did_you_mean(key, _EXERCISE_KEYS))
        name, lasts_ms = self._name((*path, "name")), self._work_ms((*path, "duration"))
        has_half, texts = self._truth((*path, "half_time")), self._texts((*path, "texts"))
        pause_ms = self.length_ms((*path, "pause_duration"))
        if name is None or lasts_ms is None:
            return None
        return _Exercise(path=path, name=name, lasts_ms=lasts_ms, texts=texts, has_half=has_half, pause_ms=pause_ms)

    def _name(self, path: KeyPath) -> str | None:
        name = self.text(path)
        if name is None and not isinstance(self.at(path), (dict, list)):
            self._report(path, "is missing", "write what the exercise is called")
        return name

    def _work_ms(self, path: KeyPath) -> int | None:
        lasts_ms = self.length_ms(path)
        if lasts_ms == 0 or self.at(path) is None:
            self._report(
                path, "is missing" if lasts_ms is None else "must be more than 0", "write it like 30s or 1m30s"
            )
        return lasts_ms or None

    def _truth(self, path: KeyPath) -> bool:
        value = self.at(path)
        if value is not None and not isinstance(value, bool):
            self._report(path, "must be true or false", "its text stands at the top, in half_time")
        return value is True

    def _texts(self, path: KeyPath) -> tuple[str, ...]:
        value = self.at(path)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._report(path, "must be a list", "write each text on a line of its own, after a -")
            return ()
        found = (self.text((*path, index)) for index in range(len(value)))
        return tuple(text for text in found if text is not None)

    def length_ms(self, path: KeyPath) -> int | None:
        """Return the duration at a path in milliseconds, or None where there is none."""
        value = self.at(path)
        if value is None:
            return None
        try:
            return _go_duration_ms(value)
        except ValueError as error:
            self._report(path, str(error), "write it like 30s or 1m30s")
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exercise:
    path: KeyPath
    name: str
    lasts_ms: int
    texts: tuple[str, ...]
    has_half: bool
    pause_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of every exercise, with our placeholders; None where nothing."""

    pause: str | None
    beginning: str | None
    half: str | None

    def names_side(self) -> bool:
        """Tell whether the middle of an exercise is a change of sides."""
        return self.half is not None and bool(_SIDE_WORD.search(self.half.casefold()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workout:
    """The steps of a workout."""

    reader: _Reader
    exercises: Sequence[_Exercise]

    def add_steps(self) -> None:
        self._announce("before_workout_announce")
        words = _Words(
            pause=self._filled(("pause", "text"), is_in_exercise=True),
            beginning=self._filled(("exercise_beginning",), is_in_exercise=True),
            half=self._filled(("half_time", "text"), is_in_exercise=True),
        )
        self._explain(words)
        met: set[tuple[str, str]] = set()
        for exercise in self.exercises:
            self.reader.add(self._step(exercise, words, met), exercise.path)
        self._announce("after_workout_announce")

    def _explain(self, words: _Words) -> None:
        if words.pause is not None and "{name}" in words.pause:
            hint = "delete the instruction where that is one too many"
            self.reader.note(("pause", "text"), "each exercise's name is said by itself before it", hint)
        if self.reader.at(("pause", "duration")) is not None:
            self.reader.note(
                ("pause", "duration"), 'the end of a pause is not counted; a long one ends with "Get ready"'
            )
        if self.exercises:
            hint = "write hold instead of move where one keeps still"
            self.reader.note(("exercises",), "every exercise became a move", hint)

    def _announce(self, key: str) -> None:
        text = self._filled((key,), is_in_exercise=False)
        if text is not None:
            self.reader.add({"say": text}, (key,))

    def _step(self, exercise: _Exercise, words: _Words, met: set[tuple[str, str]]) -> dict[str, Any]:
        on_sides = exercise.has_half and words.names_side()
        during, before = self._during(exercise, words.beginning, on_sides=on_sides)
        said = " ".join(_sentence(text) for text in ([words.pause] if words.pause else []) + before)
        step: dict[str, Any] = {"name": exercise.name, **self._said(exercise, said, met, on_sides=on_sides)}
        step |= self._halves(exercise) if on_sides else {"move": duration_text(exercise.lasts_ms)}
        if exercise.has_half and not on_sides:
            during += self._half_time(exercise, words.half)
        step |= {"prepare": duration_text(exercise.pause_ms)} if exercise.pause_ms is not None else {}
        return step | ({"during": during} if during else {})

    def _said(self, exercise: _Exercise, said: str, met: set[tuple[str, str]], *, on_sides: bool) -> dict[str, str]:
        """Return what is said before an exercise, the second time too: an instruction alone is said only once."""
        if not said:
            return {}
        is_again = (exercise.name, said) in met
        met.add((exercise.name, said))
        if is_again and on_sides:
            self.reader.note(exercise.path, "pause.text and texts are said the first time only")
        return {"instruction": said, "cue": said} if is_again and not on_sides else {"instruction": said}

    def _halves(self, exercise: _Exercise) -> dict[str, Any]:
        half_ms = exercise.lasts_ms // 2
        switch_ms = self.reader.length_ms(("half_time", "duration"))
        message = f"{duration_text(half_ms)} on each side; the voice names the side instead of half_time.text"
        self.reader.note((*exercise.path, "half_time"), message)
        switch = {} if switch_ms is None else {"switch": duration_text(switch_ms)}
        return {"move": duration_text(half_ms), "sides": "each", **switch}

    def _half_time(self, exercise: _Exercise, half: str | None) -> list[dict[str, Any]]:
        path = (*exercise.path, "half_time")
        if half is None:
            self.reader.note(path, "was left out: half_time has no text")
            return []
        lasts_ms = self.reader.length_ms(("half_time", "duration"))
        if lasts_ms:
            self.reader.note(path, f"its text is said at half; the work goes on, without the {duration_text(lasts_ms)}")
        return [{"at": "50%", "say": half}]

    def _during(
        self, exercise: _Exercise, beginning: str | None, *, on_sides: bool
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return what is said while the exercise is done, and what there is no time for and is said before it."""
        work_ms = exercise.lasts_ms // 2 if on_sides else exercise.lasts_ms
        end_ms = work_ms - COUNTED_S * 1_000
        during: list[dict[str, Any]] = []
        at_ms = BEGINNING_MS
        if beginning is not None and at_ms + _spoken_ms(beginning) <= end_ms:
            during.append({"at": duration_text(at_ms), "say": beginning})
            at_ms += _spoken_ms(beginning)
        elif beginning is not None:
            self.reader.note(exercise.path, "too short for exercise_beginning, which was left out")
        texts = [_escaped(text) for text in exercise.texts]
        at_ms = max(TEXTS_FROM_MS, at_ms)
        starts_ms = [*accumulate(map(_slot_ms, texts[:-1]), initial=at_ms)]
        last_ms = exercise.lasts_ms // 2 if exercise.has_half else end_ms
        if texts and (on_sides or starts_ms[-1] + _spoken_ms(texts[-1]) > last_ms):
            why = "the first side only" if on_sides else "there is no time for all of them inside"
            self.reader.note((*exercise.path, "texts"), f"are said before the exercise: {why}")
            return during, texts
        said = zip(starts_ms, texts, strict=False)
        return during + [{"at": duration_text(start_ms), "say": text} for start_ms, text in said], []

    def _filled(self, path: KeyPath, *, is_in_exercise: bool) -> str | None:
        text = self.reader.text(path)
        if text is None:
            return None
        parts = re.split(r"\{\{-?\s*(.*?)\s*-?\}\}", text)
        values = self._values(is_in_exercise=is_in_exercise)
        unknown = [part for part in parts[1::2] if part not in values]
        if unknown:
            message = f"was left out: there is nothing here for {{{{ {unknown[0]} }}}}"
            self.reader.note(path, message, "write the text into the routine, without it")
            return None
        return "".join(values[part] if index % 2 else _escaped(part) for index, part in enumerate(parts))

    def _values(self, *, is_in_exercise: bool) -> dict[str, str]:
        values = {
            ".WorkoutExercisesCount": str(len(self.exercises)),
            ".WorkoutDuration": "{total}",
            ".WorkoutDurationWithoutPauses": self._work_text(),
        }
        return {**values, ".ExerciseName": "{name}", ".ExerciseDuration": "{hold}"} if is_in_exercise else values

    def _work_text(self) -> str:
        minutes, seconds = divmod(sum(exercise.lasts_ms for exercise in self.exercises) // 1_000, 60)
        counts = [(minutes, "minute"), (seconds, "second")] if minutes else [(seconds, "second")]
        parts = [f"{count} {self._unit(unit, count)}" for count, unit in counts if count]
        return f" {self.reader.text(('i18n', 'and')) or 'and'} ".join(map(_escaped, parts))

    def _unit(self, unit: str, count: int) -> str:
        form = "singular" if count == 1 else "plural"
        return self.reader.text(("i18n", unit, form)) or f"{unit}{'s' * (count != 1)}"


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _sentence(text: str) -> str:
    return text if text.rstrip()[-1:] in ".!?…" else f"{text.rstrip(' ,;:')}."


def _spoken_ms(text: str) -> int:
    """Return a generous estimate of how long a text is said."""
    return 1_000 + 80 * len(text)


def _slot_ms(text: str) -> int:
    """Return the whole seconds from a text to the next one."""
    return -(-(_spoken_ms(text) + BETWEEN_TEXTS_MS) // 1_000) * 1_000


def _go_duration_ms(value: object) -> int:
    """Return the milliseconds of a duration as Go writes it, or of a bare number of seconds."""
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text, re.ASCII):
        text += "s"
    part = r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(h|ms|m|us|µs|μs|ns|s)"
    if not re.fullmatch(rf"(?:{part})+", text, re.ASCII):
        raise ValueError(f'"{text[:40]}" is not a duration' if text else "must be a duration")
    lasts_ms = sum(float(number) * _GO_UNITS_MS[unit] for number, unit in re.findall(part, text, re.ASCII))
    if lasts_ms > LONGEST_MS:
        raise ValueError(f"{text[:40]} is longer than 4 hours")
    return round(lasts_ms)
