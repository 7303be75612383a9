"""The format as it is written: what keys a routine file may have, and of what type.

Pydantic checks the file against these classes; `routine.py` turns the result into values with every default filled in.
A field that was not written is None, so that what it inherits can be found.
"""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from voiceroutine.units import LONGEST_MS, parse_duration

LONGEST_TEXT = 2000
Action = Literal["hold", "move", "phases"]
STEP_KINDS = {
    "exercise": ("exercise", "name"),
    "block": ("steps",),
    "rest": ("rest",),
    "say": ("say",),
}


_DURATION_HINT = '; write it like "30s", "1m30s" or 30 (seconds)'
ACTIONS: tuple[Action, ...] = ("hold", "move", "phases")


def _known_format(version: int) -> int:
    if version != 1:
        raise ValueError("this program reads format 1 only; a newer voiceroutine may read this file")
    return version


def _gap_ms(value: object) -> int:
    if isinstance(value, int) and value > LONGEST_MS:
        raise ValueError(f"is longer than 4 hours{_DURATION_HINT}")
    try:
        return parse_duration(value)
    except ValueError as error:
        said, _, hint = str(error).rpartition("; ")
        raise ValueError(f"{said}; {hint}" if said else f"{hint}{_DURATION_HINT}") from None


def _work_ms(value: object) -> int:
    duration_ms = _gap_ms(value)
    if duration_ms == 0:
        raise ValueError('work can\'t last zero seconds; for a pause, write a step with rest = "10s"')
    return duration_ms


def _printable(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        raise ValueError("has a control character; delete it, it may be invisible in the editor")
    if not text.strip():
        raise ValueError("is empty; write the words, or take the line out")
    if not any(c.isalnum() for c in text):
        raise ValueError("has no words; there must be a letter or a digit to say")
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text):
        likely = "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "neck-tilt"
        raise ValueError(f'an id is lower-case words joined by hyphens; did you mean "{likely}"?')
    return text


Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT), AfterValidator(_printable)]
Name = Annotated[Text, AfterValidator(_one_line)]
Identifier = Annotated[str, StringConstraints(max_length=80), AfterValidator(_identifier)]
GapMs = Annotated[int, BeforeValidator(_gap_ms)]
WorkMs = Annotated[int, BeforeValidator(_work_ms)]
Count = Annotated[int, Field(ge=1, le=1000)]


class Table(BaseModel):
    """A TOML table: no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class PhaseTable(Table):
    """One named part of a rep."""

    say: Text | None = None
    lasts: WorkMs


def _sides_kind(value: object) -> str:
    return "labels" if isinstance(value, list) else "word"


Sides = Annotated[
    Annotated[Literal["none", "each", "alternate"], Tag("word")]
    | Annotated[list[Name], Field(min_length=1, max_length=20), Tag("labels")],
    Discriminator(_sides_kind),
]


class ExerciseFields(Table):
    """What an exercise step and an entry of the exercise library have in common."""

    name: Name | None = None
    instruction: Text | None = None
    cue: Text | None = None
    caution: Text | None = None
    hold: WorkMs | None = None
    move: WorkMs | None = None
    phases: Annotated[list[PhaseTable], Field(min_length=1, max_length=20)] | None = None
    reps: Count | None = None
    relax: GapMs | None = None
    sides: Sides | None = None
    switch: GapMs | None = None
    sets: Count | None = None
    rest: GapMs | None = None
    prepare: GapMs | None = None
    needs: Annotated[list[Name], Field(max_length=20)] | None = None
    muscles: Annotated[list[Text], Field(max_length=20)] | None = None
    source: Text | None = None

    def actions(self) -> list[Action]:
        """Return which of hold, move and phases are written."""
        return [action for action in ACTIONS if getattr(self, action) is not None]


class ExerciseEntry(ExerciseFields):
    """An entry of `[[exercises]]`, in a routine or in the library."""

    id: Identifier
    name: Name | None = None


class ExerciseStep(ExerciseFields):
    """Do an exercise."""

    exercise: Identifier | None = None


class SayStep(Table):
    """Say something."""

    say: Text
    pause: GapMs | None = None


class RestStep(Table):
    """Rest for a while."""

    rest: GapMs
    say: Text | None = None


class BlockStep(Table):
    """Do some steps, once or several times."""

    steps: Annotated[list["Step"], Field(min_length=1)]
    repeat: Count | None = None
    title: Name | None = None
    rest: GapMs | None = None


def kind_of_step(step: object) -> str | None:
    """Return the kind of a step: the first of the telling keys that it has."""
    if not isinstance(step, dict):
        return None
    return next((kind for kind, keys in STEP_KINDS.items() if any(key in step for key in keys)), None)


Step = Annotated[
    Annotated[ExerciseStep, Tag("exercise")]
    | Annotated[BlockStep, Tag("block")]
    | Annotated[RestStep, Tag("rest")]
    | Annotated[SayStep, Tag("say")],
    Discriminator(kind_of_step),
]


class VoiceTable(Table):
    """Who speaks, and how."""

    engine: Name | None = None
    name: Name | None = None
    rate_wpm: Annotated[int, Field(ge=80, le=400)] | None = None
    pitch_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    gain_db: Annotated[float, Field(ge=-30, le=6, allow_inf_nan=False)] | None = None


class CuesTable(Table):
    """How much is said and chimed."""

    profile: Literal["bell", "quiet", "normal"] | None = None
    countdown: Annotated[int, Field(ge=0, le=10)] | None = None
    countdown_with: Literal["tick", "voice"] | None = None
    halfway: Literal["voice", "chime", "off"] | None = None
    next_up: bool | None = None
    count_reps: bool | None = None
    safety: bool | None = None


class DefaultsTable(Table):
    """Gaps that every step inherits."""

    prepare: GapMs | None = None
    relax: GapMs | None = None
    switch: GapMs | None = None
    rest: GapMs | None = None


class RoutineFile(Table):
    """A whole routine file."""

    format: Annotated[int, AfterValidator(_known_format)] = 1
    title: Name
    summary: Text | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    author: Text | None = None
    license: Text | None = None
    voice: VoiceTable = VoiceTable.model_construct()
    cues: CuesTable = CuesTable.model_construct()
    defaults: DefaultsTable = DefaultsTable.model_construct()
    exercises: list[ExerciseEntry] = []
    steps: Annotated[list["Step"], Field(min_length=1)]


class LibraryFile(Table):
    """A file of exercises."""

    exercises: list[ExerciseEntry] = []
